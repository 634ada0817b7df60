"""`batch` and `padded_batch`: a reshape if the elements are stacked, else Python code for each batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError
from sporax.dataset.operations._base import OneChild
from sporax.dataset.plan._blocks import Block, block_rows, grouped, mismatch, same_kind, stack_column
from sporax.dataset.plan._columns import Replacement, indices_of, names_of
from sporax.dataset.plan._dicts import dict_in, stacked_dicts, wrapped
from sporax.dataset.plan._node import Node
from sporax.dataset.plan._pass import Pass
from sporax.dataset.plan._values import Row, as_array, function_name, user_copy, user_error

__all__ = ["BatchInfo"]


class BatchInfo:
    """Epoch and batch number, passed to `per_batch_map` and to a `batch_size` function."""

    __slots__ = ("_batch", "_epoch")

    def __init__(self, epoch: int, batch: int) -> None:
        self._epoch, self._batch = epoch, batch

    def get_epoch_num(self) -> int:
        """Return the number of the epoch, counted from 0."""
        return self._epoch

    def get_batch_num(self) -> int:
        """Return the number of the batch in its epoch, counted from 0."""
        return self._batch


class Batch(OneChild):
    """`batch` and `padded_batch`."""

    def __init__(
        self,
        child: Node,
        batch_size: int | Callable[..., int],
        drop_remainder: bool,
        per_batch_map: Callable[..., Any] | None,
        input_columns: str | Sequence[str] | None,
        output_columns: str | Sequence[str] | None,
        pad_info: dict[Any, Any] | None,
    ) -> None:
        super().__init__(child)
        if not callable(batch_size):
            _check.integer(batch_size, name="batch_size", where="batch", minimum=1)
        self._size = batch_size
        self._drop = _check.is_type(drop_remainder, bool, name="drop_remainder", where="batch")
        self._map = per_batch_map
        if per_batch_map is None:
            if input_columns is not None or output_columns is not None:
                raise ArgumentError(
                    "batch: `input_columns` and `output_columns` need `per_batch_map`, which was not given."
                )
        else:
            if not callable(per_batch_map):
                raise ArgumentTypeError(
                    f"batch: `per_batch_map` must be callable, but got {type(per_batch_map).__name__}."
                )
            inputs = child._names if input_columns is None else names_of(input_columns, "input_columns", "batch")
            outputs = inputs if output_columns is None else names_of(output_columns, "output_columns", "batch")
            self._replacement = Replacement(child._names, inputs, outputs, "batch")
            self._names = self._replacement.names
        self._padding = None if pad_info is None else _padding(pad_info, self._names)

    @property
    def _indexable(self) -> bool:
        return False

    @property
    def _columnar(self) -> bool:
        plain = self._map is None and self._padding is None and not callable(self._size)
        return plain and self._child._columnar

    def _length(self, endless: float = math.inf) -> float | None:
        length = self._child._length(endless)
        if length is None or callable(self._size):
            return None
        if length == math.inf:
            return length
        return length // self._size if self._drop else -(-length // self._size)

    def get_batch_size(self) -> int:
        return -1 if callable(self._size) else self._size

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        if callable(self._size) or not self._columnar:
            return super()._blocks(run, quantum)
        blocks = self._child._blocks(run, quantum * self._size)
        return grouped(blocks, self._size, drop=self._drop, differ=self._check_adjacent)

    def _blocks_from(self, run: Pass, quantum: int, start: int) -> Iterator[Block]:
        if callable(self._size) or not self._columnar:
            return super()._blocks_from(run, quantum, start)
        blocks = self._child._blocks_from(run, quantum * self._size, start * self._size)
        return grouped(blocks, self._size, drop=self._drop, differ=self._check_adjacent)

    def _rows(self, run: Pass) -> Iterator[Row]:
        return super()._rows(run) if self._columnar else self._python_rows(run)

    def _rows_from(self, run: Pass, start: int) -> Iterator[Row]:
        if self._columnar:
            return chain.from_iterable(map(block_rows, self._blocks_from(run, 1, start)))
        if self._map is not None or callable(self._size):
            return super()._rows_from(run, start)
        return self._python_rows(run, start)

    def _user_objects(self) -> list[object]:
        return [each for each in (self._map, self._size) if callable(each)]

    def _python_rows(self, run: Pass, start: int = 0) -> Iterator[Row]:
        first = 0 if callable(self._size) else start * self._size
        rows = self._child._rows_from(run, first)
        number = start
        while True:
            info = BatchInfo(run.epoch, number)
            size = self._requested_size(info) if callable(self._size) else self._size
            batch = list(islice(rows, size))
            if not batch or (self._drop and len(batch) < size):
                return
            columns: list[Any] = [list(column) for column in zip(*batch, strict=True)]
            if self._map is not None:
                columns = self._mapped(columns, info)
            yield tuple([self._stacked(column, index, first) for index, column in enumerate(columns)])
            first += len(batch)
            number += 1

    def _requested_size(self, info: BatchInfo) -> int:
        assert callable(self._size)
        what = f"batch: the function `batch_size` for batch {info.get_batch_num()}"
        try:
            size = self._size(info)
        except Exception as error:
            raise user_error(what, error, self._size) from error
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise DatasetError(f"{what} must return an int of at least 1, but returned {size!r}.")
        return int(size)

    def _mapped(self, columns: list[Any], info: BatchInfo) -> list[Any]:
        assert self._map is not None
        replacement = self._replacement
        number = info.get_batch_num()
        prefix = f"batch: per_batch_map {function_name(self._map)} for batch"
        what = f"{prefix} {number}"
        given = [[user_copy(value) for value in columns[index]] for index in replacement.inputs]
        try:
            results = self._map(*given, info)
        except Exception as error:
            raise user_error(what, error, self._map) from error
        results = results if isinstance(results, tuple) else (results,)
        outputs = replacement.outputs
        if len(results) != len(outputs):
            raise DatasetError(
                f"{what} returned {len(results)} columns, but there are {len(outputs)} output columns: "
                f"{', '.join(map(repr, outputs))}. Return a tuple with one list or array for each."
            )
        converted: list[Any] = []
        for name, result in zip(outputs, results, strict=True):
            if isinstance(result, (list, tuple)):
                if not len(result):
                    raise DatasetError(f"{what} returned no elements for column {name!r}. Return at least one.")
                if len(result) != len(columns[0]):
                    raise DatasetError(
                        f"{what} returned a list of {len(result)} elements for column {name!r}, but the batch has "
                        f"{len(columns[0])} rows. Return one element for each row; an array may have any length."
                    )
                converted.append([as_array(value, prefix, number, name) for value in result])
                continue
            array = as_array(result, prefix, number, name)
            if array.ndim == 0:
                raise DatasetError(
                    f"{what} must return a list of arrays or one stacked array for column {name!r}, but returned "
                    f"{result!r}."
                )
            converted.append(list(array) if array.ndim > 1 else [np.asarray(value) for value in array])
        return list(replacement.row(columns, converted))

    def _stacked(self, values: list[np.ndarray], column: int, first: int) -> np.ndarray:
        if values[0].dtype.kind == "O":
            return wrapped(stacked_dicts([dict_in(value) for value in values], self._names[column]))
        if self._padding is not None and self._padding[column] is not None:
            values = _padded(values, self._padding[column], self._names[column])
        head = values[0]
        if len({value.shape for value in values}) > 1 or len({value.dtype for value in values}) > 1:
            for offset, value in enumerate(values):
                if not same_kind(head, value):
                    raise mismatch("batch", self._names[column], head, value, (first, first + offset))
        return stack_column(values)

    def _check_adjacent(self, before: Block, after: Block, seen: int) -> None:
        for name, a, b in zip(self._names, before, after, strict=True):
            if not same_kind(a[0], b[0]):
                raise mismatch("batch", name, a[0], b[0], (seen - 1, seen))

    def _why_empty(self) -> str:
        length = self._child._length()
        size = self._size
        if not callable(size) and self._drop and length and length < size:
            return (
                f"batch({size}, drop_remainder=True) drops the only batch, which has {int(length)} elements. "
                f"Use a batch_size of at most {int(length)}, or drop_remainder=False"
            )
        reason = super()._why_empty()
        if reason or not self._drop or length == 0:
            return reason
        return "no batch was full. Use a smaller batch_size, or drop_remainder=False"


def _padding(pad_info: Any, names: Sequence[str]) -> list[tuple[Any, Any] | None]:
    """For each column (shape or None, value), or None where it is not padded."""
    if not isinstance(pad_info, dict):
        raise ArgumentTypeError(
            f"padded_batch: `pad_info` must be a dict {{column: (shape, value)}}, but got {pad_info!r}."
        )
    if not pad_info:
        return [(None, None)] * len(names)
    padding: list[tuple[Any, Any] | None] = [None] * len(names)
    for key, value in pad_info.items():
        columns = names_of(key, "pad_info", "padded_batch")
        entry = (None, None) if value is None else value
        if not isinstance(entry, (tuple, list)) or len(entry) != 2:
            raise ArgumentTypeError(
                f"padded_batch: `pad_info` must map column {key!r} to (shape, value), but got {value!r}."
            )
        shape, fill = entry
        if shape is not None:
            if not isinstance(shape, (tuple, list)):
                raise ArgumentTypeError(
                    f"padded_batch: the shape for column {key!r} must be a list of ints and None, but got {shape!r}."
                )
            shape = [
                None if size in (None, -1) else _check.integer(size, name="pad_info", where="padded_batch", minimum=1)
                for size in shape
            ]
        for index in indices_of(columns, names, "padded_batch"):
            padding[index] = (shape, fill)
    return padding


def _padded(values: list[np.ndarray], entry: tuple[Any, Any] | None, name: str) -> list[np.ndarray]:
    assert entry is not None
    requested, fill = entry
    rank = values[0].ndim
    if any(value.ndim != rank for value in values) or (requested is not None and len(requested) != rank):
        ranks = sorted({value.ndim for value in values})
        raise DatasetError(
            f"padded_batch: column {name!r} has elements of rank {', '.join(map(str, ranks))}, "
            + ("which cannot be padded to one shape." if requested is None else f"but is to be padded to {requested}.")
        )
    _check_fill(fill, values[0].dtype, name)
    largest = [max(value.shape[axis] for value in values) for axis in range(rank)]
    shape = [a or b for a, b in zip(requested or [None] * rank, largest, strict=True)]
    if fill is None:
        fill = "" if values[0].dtype.kind in "US" else 0
    padded: list[np.ndarray] = []
    for value in values:
        kept = tuple([slice(0, min(a, b)) for a, b in zip(shape, value.shape, strict=True)])
        dtype = np.result_type(value, np.asarray(fill)) if value.dtype.kind in "US" else value.dtype
        out = np.full(shape, fill, dtype=dtype)
        out[kept] = value[kept]
        padded.append(out)
    return padded


def _check_fill(fill: Any, dtype: np.dtype, name: str) -> None:
    """Raise an error for a value that the dtype cannot represent (0.5 for integers, -1 for unsigned integers)."""
    if fill is None or dtype.kind not in "biuf":
        return
    try:
        with np.errstate(all="ignore"):
            given = np.asarray(fill)
            kept = given.astype(dtype)
            representable = bool(np.isfinite(kept) == np.isfinite(given)) if dtype.kind == "f" else bool(kept == given)
    except (TypeError, ValueError, OverflowError):
        representable = False
    if not representable:
        raise DatasetError(
            f"padded_batch: column {name!r} is to be padded with {fill!r}, which its dtype {dtype} cannot hold. Give "
            "another value, or convert the column with map."
        )
