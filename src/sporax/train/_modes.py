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
    """Set a Cell to training mode during a run, and to evaluation mode afterwards.

    A run within a callback of another run restores the modes of its Cells.
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
    """During a run, restore the modes of these Cells and their descendants at the end of the block.

    A callback may call `Model.eval` or `Model.predict`; the following steps must run in training mode again. Outside a
    run nothing is restored: after `Model.eval` the network is in evaluation mode, as in MindSpore.
    """
    cells_and_children = [
        each for cell in cells if _RUNS.active and isinstance(cell, Cell) for _, each in cell.cells_and_names()
    ]
    modes = [(each, each.training) for each in cells_and_children]
    try:
        yield
    finally:
        for each, mode in modes:
            each.training = mode
