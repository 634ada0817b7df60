"""The contract of a loss: its inputs, and the steps around its formula (shapes, labels, weights, reduction)."""
