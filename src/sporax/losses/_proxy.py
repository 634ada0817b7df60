"""Losses on the angles between embeddings and one learned vector a class."""

from __future__ import annotations

from sporax.losses._row import LossRow

ROWS: tuple[LossRow, ...] = ()
