"""`GeneratorDataset`: lists, random-access objects, iterables and generator functions."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentError, DatasetError, SporaxWarning
from sporax.dataset.plan._columns import names_of
from sporax.dataset.plan._pass import Pass
from sporax.dataset.plan._plan import Source
from sporax.dataset.plan._values import Row, as_row, columns_text, user_error
from sporax.dataset.sources._access import (
    ObjectSource,
    OneShotIterator,
    column_dtypes,
    in_memory,
    is_indexable,
    length_of,
)
from sporax.dataset.sources._choose import make_sampler
from sporax.dataset.sources._source import NOT_INDEXABLE, SourceDataset
from sporax.dataset.sources._stack import source_of_columns, source_of_elements

__all__ = ["GeneratorDataset"]


@completed_by(SourceDataset)
class GeneratorDataset(SourceDataset):
    """Dataset over Python data.

    - A list, a tuple or an array is stacked into columns at the first use, and not read again.
    - For any other object with `__getitem__` and `__len__`, each element is read in each epoch.
    - A generator function (any callable that returns an iterable) is called for each epoch, and an iterable is
      iterated again. Elements are read one by one as they are needed. An iterator can be read for one epoch only. If
      an iterable has `__len__`, each epoch must have that number of elements.

    An element is a tuple (or list) of one value for each column, or the value itself if there is one column. A value
    is an array, a number (int64, float64, bool), a string, a Tensor, nested lists of one shape, or a dict of such
    values. Functions of `map` receive the dict, `batch` stacks it by key, and iterators return a dict of arrays or
    Tensors.

    Args:
        source: the data.
        column_names: a name for each column.
        column_types: the dtype that each column must have; None for any.
        schema: must be None; use `column_names` and `column_types`.
        shuffle: whether elements are read in random order, a different one in each epoch. None is True for a source
            with `__getitem__`, and False for any other.
        python_multiprocessing: accepted, without effect.
        max_rowsize: accepted, without effect.

    Raises:
        ArgumentError: no column names, or incompatible arguments.
        ArgumentTypeError: a source of another type.
        DatasetError: while reading, a source that raises an exception (which is the cause; the message names its file
            and line), or elements that do not match the column names.

    Example:
        >>> import numpy as np
        >>> from sporax import dataset as ds
        >>> def points():
        ...     for i in range(3):
        ...         yield np.array([i], np.float32), i * i
        >>> for x, y in ds.GeneratorDataset(points, ["x", "y"]).create_tuple_iterator(
        ...     num_epochs=1, output_numpy=True):
        ...     print(x, y)
        [0.] 0
        [1.] 1
        [2.] 4
    """

    _where = "GeneratorDataset"

    def __init__(
        self,
        source: Any,
        column_names: str | Sequence[str] | None = None,
        column_types: Sequence[Any] | None = None,
        schema: None = None,
        num_samples: int | None = None,
        num_parallel_workers: int = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        num_shards: int | None = None,
        shard_id: int | None = None,
        python_multiprocessing: bool = True,
        max_rowsize: Any = None,
    ) -> None:
        where = self._where
        if schema is not None:
            raise ArgumentError(f"{where}: `schema` is not supported. Give `column_names` and `column_types`.")
        if column_names is None:
            raise ArgumentError(
                f'{where}: `column_names` is missing. Give a name for each column, as ["data", "label"].'
            )
        _check.integer(num_parallel_workers, name="num_parallel_workers", where=where, minimum=1)
        self._names = names_of(column_names, "column_names", where)
        self._types = column_dtypes(column_types, self._names)
        self._given = source
        self._built: Source | None = None
        self._limit: int | None = None
        self._was_empty = False
        self._one_shot: OneShotIterator | None = None
        if is_indexable(source):
            self._sampler = make_sampler(
                sampler,
                shuffle=shuffle,
                num_samples=num_samples,
                num_shards=num_shards,
                shard_id=shard_id,
                where=where,
            )
            return
        for name, value in (("sampler", sampler), ("num_shards", num_shards), ("shard_id", shard_id)):
            if value is not None:
                raise ArgumentError(f"{where}: `{name}` cannot be used: {NOT_INDEXABLE}")
        if num_samples is not None:
            self._limit = _check.integer(num_samples, name="num_samples", where=where, minimum=0) or None
        if shuffle:
            warnings.warn(
                f"{where}: shuffle=True has no effect: {NOT_INDEXABLE} Use .shuffle(buffer_size) on the dataset.",
                SporaxWarning,
                stacklevel=2,
            )
        if not callable(source) and type(source).__module__ in ("builtins", "itertools") and iter(source) is source:
            self._one_shot = OneShotIterator(source)

    def _source(self) -> Source:
        if self._built is None:
            if in_memory(self._given):
                self._built = self._stacked()
            else:
                self._built = ObjectSource(self._given, self._row, self._names)
        return self._built

    def _stacked(self) -> Source:
        given = self._given
        if isinstance(given, (list, tuple)):
            source = source_of_elements(given, self._names, self._where)
        else:
            array = np.asarray(given)
            if array.dtype.kind == "O" or array.ndim == 0 or len(self._names) != 1:
                source = source_of_elements(list(given), self._names, self._where)
            else:
                source = source_of_columns([array], self._names, self._where)
        if any(self._types):
            for index in range(min(source.length, 1) if source.columnar else source.length):
                self._check_types(source.fetch(index), index)
        return source

    def _row(self, value: Any, index: int) -> Row:
        row = as_row(value, self._names, "GeneratorDataset: the source at element", index)
        if any(self._types):
            self._check_types(row, index)
        return row

    def _check_types(self, row: Row, index: int) -> None:
        for name, column, dtype in zip(self._names, row, self._types, strict=True):
            if dtype is not None and column.dtype != dtype:
                raise DatasetError(
                    f"{self._where}: column {name!r} must have dtype {dtype} according to `column_types`, but "
                    f"element {index} has {column.dtype}. Convert it in the source, or change `column_types`."
                )

    def _user_objects(self) -> list[object]:
        return [self._given, *super()._user_objects()]

    # --- sources that cannot be indexed -----------------------------------------------------------------------

    def _rows(self, run: Pass) -> Iterator[Row]:
        return super()._rows(run) if self._indexable else islice(self._stream(run), self._limit)

    def _stream(self, run: Pass) -> Iterator[Row]:
        what = f"{self._where}: the source at element {{}} ({columns_text(self._names)})"
        index = 0
        declared = self._declared_length()
        try:
            values = self._iterator(run)
        except Exception as error:
            if isinstance(error, DatasetError):
                raise
            raise user_error(f"{self._where}: the start of the source", error, self._given) from error
        while True:
            try:
                value = next(values)
            except StopIteration:
                self._was_empty = index == 0
                if declared is not None and index < declared:
                    raise self._wrong_length(declared, f"{index}", run) from None
                return
            except Exception as error:
                raise user_error(what.format(index), error, self._given) from error
            if declared is not None and index == declared:
                raise self._wrong_length(declared, f"at least {index + 1}", run)
            yield self._row(value, index)
            index += 1

    def _declared_length(self) -> int | None:
        """Return `len()` of the source, or None if it has none."""
        if callable(self._given) or not hasattr(self._given, "__len__"):
            return None
        return length_of(self._given)

    def _wrong_length(self, declared: int, received: str, run: Pass) -> DatasetError:
        return DatasetError(
            f"{self._where}: the source {type(self._given).__name__} has {declared} elements according to "
            f"`__len__`, but it yielded {received} in epoch {run.epoch + 1}. Correct or remove `__len__`, and make "
            "`__iter__` start from the first element each time."
        )

    def _iterator(self, run: Pass) -> Iterator[Any]:
        if self._one_shot is not None:
            return self._one_shot.peek() if run.peek else self._one_shot.read()
        values: Any = self._given() if callable(self._given) else self._given
        if not isinstance(values, Iterable) and not hasattr(values, "__next__"):
            raise DatasetError(
                f"{self._where}: the source function must return an iterable (use yield in it), "
                f"but it returned {values!r} of type {type(values).__name__}."
            )
        return iter(values)

    def _length(self, endless: float = math.inf) -> float | None:
        if self._indexable:
            return super()._length(endless)
        length = self._declared_length()
        return length if length is None or self._limit is None else min(length, self._limit)

    def _why_empty(self) -> str:
        if self._indexable:
            return super()._why_empty()
        return f"the source of {self._where} yielded no element. Check what it yields" if self._was_empty else ""
