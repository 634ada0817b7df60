"""Losses that rank the items of a list."""

from __future__ import annotations

from sporax.losses._row import LossRow

ROWS: tuple[LossRow, ...] = ()
