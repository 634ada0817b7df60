"""Iterators over a dataset. The one file of this package that hands out Tensors, and so imports `core`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from sporax import _check
from sporax._errors import DatasetError
from sporax.dataset._dicts import converted
from sporax.dataset._user import Row

if TYPE_CHECKING:
    from sporax.dataset._dataset import Dataset


class EpochIterator:
    """The rows of a dataset, epoch after epoch.

    `for row in iterator` reads one epoch (or the rest of the one that is under way), the next `for` the
    next one; `next(iterator)` works too. After `num_epochs` epochs it raises `DatasetError`.
    """

    def __init__(
        self,
        dataset: Dataset,
        num_epochs: int,
        convert: Callable[[Row], Any] | None,
        reader: Dataset | None = None,
    ) -> None:
        if num_epochs != -1:
            _check.integer(num_epochs, name="num_epochs", where="create_iterator", minimum=1)
        self._dataset, self._num_epochs, self._convert, self._reader = dataset, num_epochs, convert, reader
        self._done = 0
        self._current: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        if self._current is None:
            if self._done == self._num_epochs:
                raise DatasetError(
                    f"the iterator was made for num_epochs={self._num_epochs}, and all of them were read. "
                    "Make a new iterator, or give a larger num_epochs (-1 for any number)."
                )
            rows: Iterator[Any] = self._dataset.epoch(self._reader)
            if self._convert is not None:
                rows = map(self._convert, rows)
            self._current = chain(rows, self._finish())
        return self._current

    def __next__(self) -> Any:
        return next(iter(self))

    def get_next(self) -> Any:
        """The next row."""
        return next(self)

    def stop(self) -> None:
        """End the iterator early."""
        self._current, self._done, self._num_epochs = None, 0, 0

    def _finish(self) -> Iterator[Any]:
        self._current = None
        self._done += 1
        yield from ()


def tuple_iterator(
    dataset: Dataset, num_epochs: int, output_numpy: bool, do_copy: bool, reader: Dataset | None = None
) -> EpochIterator:
    """Rows as tuples of arrays, or as lists of Tensors; read through `reader`, which may choose columns."""
    convert = (_copied if do_copy else None) if output_numpy else _tensors(do_copy)
    return EpochIterator(dataset, num_epochs, convert, reader)


def dict_iterator(dataset: Dataset, num_epochs: int, output_numpy: bool, do_copy: bool) -> EpochIterator:
    """Rows as dicts from column names to arrays or Tensors."""
    names = dataset.get_col_names()
    values = (_copied if do_copy else None) if output_numpy else _tensors(do_copy)

    def named_row(row: Row) -> dict[str, Any]:
        return dict(zip(names, row if values is None else values(row), strict=True))

    return EpochIterator(dataset, num_epochs, named_row)


def _copied(row: Row) -> Row:
    return tuple([converted(column, np.copy) for column in row])


def _tensors(do_copy: bool) -> Callable[[Row], list[Any]]:
    # From the top: there a Tensor has the methods that are ops.
    from sporax import Tensor

    def tensor(column: np.ndarray) -> Any:
        if column.dtype.kind in "US":
            return column
        return Tensor(column.copy() if do_copy else column)

    return lambda row: [converted(column, tensor) if isinstance(column, dict) else tensor(column) for column in row]
