"""Training and evaluation mode of the Cells of a run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from sporax.core import Cell


class _Runs(threading.local):
    def __init__(self) -> None:
        self.active = 0


_RUNS = _Runs()


@contextlib.contextmanager
def training(cell: Cell) -> Iterator[None]:
    """A Cell in training mode for the time of a run, and in evaluation mode afterwards.

    A run inside a callback of another leaves the Cells of that one as they were.
    """
    with kept_modes(cell):
        _RUNS.active += 1
        cell.set_train(True)
        try:
            yield
        finally:
            _RUNS.active -= 1
            cell.set_train(False)


@contextlib.contextmanager
def kept_modes(*cells: Any) -> Iterator[None]:
    """During a run, give each of these Cells, and those below, its mode back at the end of the block.

    A callback may call `Model.eval` or `Model.predict`: the steps after it train, with dropout and with the batch's
    statistics. Outside a run nothing is kept: after `Model.eval` the network is in evaluation mode, as in MindSpore.
    """
    below = [each for cell in cells if _RUNS.active and isinstance(cell, Cell) for _, each in cell.cells_and_names()]
    modes = [(each, each.training) for each in below]
    try:
        yield
    finally:
        for each, mode in modes:
            each.training = mode
