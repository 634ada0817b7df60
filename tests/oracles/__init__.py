"""Reference implementations for tests: NumPy in float64, written from the formulas."""
