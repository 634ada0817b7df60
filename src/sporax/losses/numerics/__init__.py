"""Numerics that several families of losses need: exact sums, logarithms, special functions, vectors."""
