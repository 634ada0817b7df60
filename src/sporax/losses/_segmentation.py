"""Losses of segmentation: overlap of a predicted and a true region."""

from __future__ import annotations

from sporax.losses._row import LossRow

ROWS: tuple[LossRow, ...] = ()
