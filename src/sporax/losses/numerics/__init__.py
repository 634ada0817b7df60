"""Numerics shared by several families of losses: sums, logarithms, special functions and vectors."""
