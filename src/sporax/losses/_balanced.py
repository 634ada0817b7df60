"""Losses of classification for classes of very different frequency."""

from __future__ import annotations

from sporax.losses._row import LossRow

ROWS: tuple[LossRow, ...] = ()
