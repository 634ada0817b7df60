"""Negative log-likelihoods of distributions whose parameters a model gives."""

from __future__ import annotations

from sporax.losses._row import LossRow

ROWS: tuple[LossRow, ...] = ()
