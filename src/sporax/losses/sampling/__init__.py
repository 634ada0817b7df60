"""Candidate sampling: random classes, and the logits of sampled ones."""
