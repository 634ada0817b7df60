"""Datasets as training takes them: by protocol, so that anything that gives batches can be trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from sporax._errors import ArgumentTypeError, DatasetError

Batch = tuple[np.ndarray, ...]


class _Plain:
    """Any iterable of batches (tuples, lists or dicts of arrays), made a source. Read anew at each epoch."""

    def __init__(self, batches: Iterable[Any], where: str) -> None:
        self._batches = batches
        self._where = where
        first = next(iter(batches), None)
        if first is None:
            raise DatasetError(f"{where}: the dataset gave no batches.")
        self._first = _row(first)
        self._names = list(first) if isinstance(first, dict) else [f"column_{i}" for i in range(len(self._first))]

    def get_col_names(self) -> list[str]:
        return self._names

    def output_shapes(self) -> list[tuple[int, ...]]:
        return [array.shape for array in self._first]

    def output_types(self) -> list[np.dtype[Any]]:
        return [array.dtype for array in self._first]

    def get_dataset_size(self) -> int:
        if hasattr(self._batches, "__len__"):
            return len(self._batches)  # pyright: ignore[reportArgumentType]
        return sum(1 for _ in self._batches)

    def create_tuple_iterator(self, *_: Any, **__: Any) -> Iterator[Batch]:
        for row in self._batches:
            yield _row(row)


def _row(row: Any) -> Batch:
    values = row.values() if isinstance(row, dict) else row if isinstance(row, (tuple, list)) else (row,)
    return tuple(np.asarray(value) for value in values)


def as_source(dataset: Any, where: str) -> Any:
    """The dataset itself where it meets the protocol, an adapter for a plain iterable of batches.

    Raises:
        ArgumentTypeError: it is neither, or a one-time iterator.
    """
    if hasattr(dataset, "create_tuple_iterator") and hasattr(dataset, "get_col_names"):
        return dataset
    if isinstance(dataset, (str, bytes, dict)) or not isinstance(dataset, Iterable) or isinstance(dataset, Iterator):
        raise ArgumentTypeError(
            f"{where}: the dataset must be one of sporax.dataset, or a sequence of batches that can be read again, but "
            f"got {type(dataset).__name__}. Wrap arrays with dataset.NumpySlicesDataset(...).batch(...)."
        )
    return _Plain(dataset, where)


def batches(source: Any) -> Iterator[Batch]:
    """The batches of one epoch, as NumPy arrays."""
    return source.create_tuple_iterator(num_epochs=1, output_numpy=True)


def short_stacks(source: Any, count: int) -> Iterator[Sequence[np.ndarray]]:
    """The batches of one epoch in stacks of up to `count`, where stacking copies nothing; else in stacks of one."""
    if getattr(source, "columnar", False):
        yield from stacks(source, count)
    else:
        for batch in batches(source):
            yield [array[np.newaxis] for array in batch]


def endless(source: Any) -> Iterator[Batch]:
    """Batch after batch, epoch after epoch."""
    while True:
        yield from batches(source)


def stacks(source: Any, count: int) -> Iterator[Sequence[np.ndarray]]:
    """The batches of one epoch, stacked on a new first axis, up to `count` of one shape at a time."""
    if hasattr(source, "stacked_batches"):
        for _, arrays in source.stacked_batches(count):
            yield arrays
    else:
        yield from restacked(batches(source), count)


def aligned(stacked: Iterable[Sequence[np.ndarray]], step: int, period: int) -> Iterator[Sequence[np.ndarray]]:
    """The same stacks, cut so that one ends after every step whose number `period` divides; `step` were done."""
    for arrays in stacked:
        start, rows = 0, len(arrays[0])
        while start < rows:
            stop = min(rows, start + period - step % period)
            yield [array[start:stop] for array in arrays]
            step += stop - start
            start = stop


def restacked(rows: Iterable[Batch], count: int) -> Iterator[Sequence[np.ndarray]]:
    """Batches stacked on a new first axis, up to `count` of one shape at a time."""
    held: list[Batch] = []
    for row in rows:
        if held and (len(held) == count or [a.shape for a in row] != [a.shape for a in held[0]]):
            yield [np.stack(column) for column in zip(*held, strict=True)]
            held = []
        held.append(row)
    if held:
        yield [np.stack(column) for column in zip(*held, strict=True)]
