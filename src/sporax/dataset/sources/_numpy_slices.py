"""`NumpySlicesDataset`: slices of arrays and lists along the first axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentError
from sporax.dataset.plan._columns import names_of
from sporax.dataset.plan._plan import Source
from sporax.dataset.sources._choose import make_sampler
from sporax.dataset.sources._source import SourceDataset
from sporax.dataset.sources._stack import source_of_columns

__all__ = ["NumpySlicesDataset"]


@completed_by(SourceDataset)
class NumpySlicesDataset(SourceDataset):
    """A dataset over the first axis of arrays or lists.

    Args:
        data: an array or a list (one column), a tuple of them (one column each), or a dict of them by
            column name. Arrays are not copied.
        column_names: a name for each column; None for the dict's keys, or `column_0`, `column_1`, ….

    Raises:
        ArgumentError: no data, columns of different length, or a wrong number of names.
        ArgumentTypeError: data of another type.

    Example:
        >>> import numpy as np
        >>> from sporax import dataset as ds
        >>> data = ds.NumpySlicesDataset((np.arange(6).reshape(3, 2), [7, 8, 9]), ["x", "y"], shuffle=False)
        >>> for x, y in data.create_tuple_iterator(num_epochs=1, output_numpy=True):
        ...     print(x, y)
        [0 1] 7
        [2 3] 8
        [4 5] 9
    """

    _where = "NumpySlicesDataset"

    def __init__(
        self,
        data: Any,
        column_names: str | Sequence[str] | None = None,
        num_samples: int | None = None,
        num_parallel_workers: int = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        num_shards: int | None = None,
        shard_id: int | None = None,
    ) -> None:
        where = self._where
        _check.integer(num_parallel_workers, name="num_parallel_workers", where=where, minimum=1)
        given = list(data.values()) if isinstance(data, dict) else list(data) if isinstance(data, tuple) else [data]
        if not given:
            raise ArgumentError(f"{where}: `data` must hold at least one column, but got {data!r}.")
        columns = [_column(column, where) for column in given]
        lengths = [len(column) for column in columns]
        if column_names is not None:
            self._names = names_of(column_names, "column_names", where)
        elif isinstance(data, dict):
            self._names = tuple(map(str, data))
        else:
            self._names = tuple(f"column_{index}" for index in range(len(columns)))
        if len(self._names) != len(columns):
            raise ArgumentError(
                f"{where}: `column_names` must have one name for each of the {len(columns)} columns, "
                f"but got {list(self._names)}. A list is one column; use a tuple for several."
            )
        if len(set(lengths)) > 1:
            found = ", ".join(f"{name!r} has {length}" for name, length in zip(self._names, lengths, strict=True))
            raise ArgumentError(f"{where}: all columns must have the same number of elements, but {found}.")
        if not lengths[0]:
            raise ArgumentError(f"{where}: `data` must not be empty, but it has no elements.")
        self._built = source_of_columns(columns, self._names, where)
        self._sampler = make_sampler(
            sampler,
            shuffle=shuffle,
            num_samples=num_samples,
            num_shards=num_shards,
            shard_id=shard_id,
            where=where,
        )

    def _source(self) -> Source:
        return self._built


def _column(column: Any, where: str) -> Any:
    if isinstance(column, list):
        return column
    if np.ma.is_masked(column):
        raise ArgumentError(
            f"{where}: `data` must not contain masked arrays, because their masks would be lost. Give "
            "array.filled(...), and the mask as a separate column."
        )
    if hasattr(column, "__array__") and not isinstance(column, np.generic):
        array = np.asarray(column)
        if array.ndim:
            return array if array.dtype.kind != "O" else list(array)
    raise _check.wrong_type(column, "an array or a list, or a tuple or dict of them", name="data", where=where)
