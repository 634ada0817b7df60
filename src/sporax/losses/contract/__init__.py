"""The contract of a loss: its inputs, and what happens around its formula (shapes, labels, weights, reduction)."""
