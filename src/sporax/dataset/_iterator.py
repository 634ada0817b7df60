"""Iterators over a dataset. The only file of this package that returns Tensors, so that it imports `sporax.Tensor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import DatasetError
from sporax.dataset.plan._dicts import converted
from sporax.dataset.plan._node import Node
from sporax.dataset.plan._values import Row


class EpochIterator:
    """Iterator over the rows of a dataset, epoch by epoch.

    `for row in iterator` reads one epoch (or the rest of the current one), and the next `for` loop the next epoch;
    `next(iterator)` works too. After `num_epochs` epochs it raises `DatasetError`.
    """

    def __init__(
        self,
        dataset: Node,
        num_epochs: int,
        convert: Callable[[Row], Any] | None,
        reader: Node | None = None,
    ) -> None:
        if num_epochs != -1:
            _check.integer(num_epochs, name="num_epochs", where="create_iterator", minimum=1)
        self._dataset, self._num_epochs, self._convert, self._reader = dataset, num_epochs, convert, reader
        self._epochs_done = 0
        self._current: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        if self._current is None:
            if self._epochs_done == self._num_epochs:
                raise DatasetError(
                    f"the iterator was created with num_epochs={self._num_epochs}, and all of them were read. "
                    "Create a new iterator, or use a larger num_epochs (-1 for any number)."
                )
            rows: Iterator[Any] = self._dataset.epoch(self._reader)
            if self._convert is not None:
                rows = map(self._convert, rows)
            self._current = chain(rows, self._finish())
        return self._current

    def __next__(self) -> Any:
        return next(iter(self))

    def get_next(self) -> Any:
        """Return the next row."""
        return next(self)

    def stop(self) -> None:
        """End the iterator early."""
        self._current, self._epochs_done, self._num_epochs = None, 0, 0

    def _finish(self) -> Iterator[Any]:
        self._current = None
        self._epochs_done += 1
        yield from ()


def tuple_iterator(
    dataset: Node, num_epochs: int, output_numpy: bool, do_copy: bool, reader: Node | None = None
) -> EpochIterator:
    """Return an iterator over rows as tuples of arrays or lists of Tensors, read through `reader` if it is given."""
    convert = (_copied if do_copy else None) if output_numpy else _tensors(do_copy)
    return EpochIterator(dataset, num_epochs, convert, reader)


def dict_iterator(dataset: Node, num_epochs: int, output_numpy: bool, do_copy: bool) -> EpochIterator:
    """Return an iterator over rows as dicts from column names to arrays or Tensors."""
    names = dataset.get_col_names()
    values = (_copied if do_copy else None) if output_numpy else _tensors(do_copy)

    def named_row(row: Row) -> dict[str, Any]:
        return dict(zip(names, row if values is None else values(row), strict=True))

    return EpochIterator(dataset, num_epochs, named_row)


def _copied(row: Row) -> Row:
    return tuple([converted(column, np.copy) for column in row])


def _tensors(do_copy: bool) -> Callable[[Row], list[Any]]:
    # Not from `sporax.core`: importing `sporax` adds the operators as methods of Tensor.
    from sporax import Tensor

    def tensor(column: np.ndarray) -> Any:
        if column.dtype.kind in "US":
            return column
        return Tensor(column.copy() if do_copy else column)

    return lambda row: [converted(column, tensor) if isinstance(column, dict) else tensor(column) for column in row]
