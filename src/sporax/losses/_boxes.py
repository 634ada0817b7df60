"""Losses on boxes: overlap of predicted and true rectangles."""

from __future__ import annotations

from sporax.losses._row import LossRow

ROWS: tuple[LossRow, ...] = ()
