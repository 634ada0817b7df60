"""Losses that ask for a margin between the score of the truth and the others."""

from __future__ import annotations

from sporax.losses._row import LossRow

ROWS: tuple[LossRow, ...] = ()
