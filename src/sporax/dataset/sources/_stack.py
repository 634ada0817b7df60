"""Elements in memory, converted to columns once; kept as separate rows if they differ in shape or dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sporax.dataset.plan._blocks import stack_column
from sporax.dataset.plan._plan import ColumnSource, RowSource, Source
from sporax.dataset.plan._values import as_array, as_row


def source_of_elements(elements: Sequence[Any], names: Sequence[str], where: str) -> Source:
    """Return a source over a list of elements, each a value, or a tuple or list of one value for each column."""
    if not len(elements):
        return RowSource([])
    kinds = set(map(type, elements))
    several = [issubclass(kind, (tuple, list)) for kind in kinds]
    if all(several) and set(map(len, elements)) == {len(names)}:
        columns = list(zip(*elements, strict=True))
    elif not any(several) and len(names) == 1:
        columns = [elements]
    else:
        return RowSource(
            [as_row(element, names, f"{where}: the source at element", i) for i, element in enumerate(elements)]
        )
    return source_of_columns(columns, names, where)


def source_of_columns(columns: Sequence[Any], names: Sequence[str], where: str) -> Source:
    """Return a source over columns of equal length, each an array or a list of values."""
    stacked = [
        column if isinstance(column, np.ndarray) else stacked_values(column, name, where)
        for column, name in zip(columns, names, strict=True)
    ]
    arrays = [column for column in stacked if isinstance(column, np.ndarray)]
    if len(arrays) == len(stacked):
        return ColumnSource(arrays)
    return RowSource([tuple([np.asarray(value) for value in row]) for row in zip(*stacked, strict=True)])


def stacked_values(values: Sequence[Any], name: str, where: str) -> np.ndarray | list[np.ndarray]:
    """Stack the values of a column, or return a list of arrays if they differ in shape or dtype.

    Python numbers are converted together, so that ints among floats become floats.
    """
    kinds = set(map(type, values))
    if kinds != {np.ndarray}:
        if kinds <= {int, float} or (len(kinds) == 1 and issubclass(next(iter(kinds)), _SCALARS)):
            column = np.array(values)
            if column.dtype.kind != "O" and not (
                column.dtype.kind == "f" and int in kinds and _loses_integers(values, kinds)
            ):
                return column
        values = [as_array(value, f"{where}: the source at element", i, name) for i, value in enumerate(values)]
    dtypes = {value.dtype for value in values}
    same_dtype = len(dtypes) == 1 or {dtype.kind for dtype in dtypes} in ({"U"}, {"S"})
    if any(dtype.kind == "O" for dtype in dtypes):
        values = [as_array(value, f"{where}: the source at element", i, name) for i, value in enumerate(values)]
    if same_dtype and not any(dtype.kind == "O" for dtype in dtypes) and len({value.shape for value in values}) == 1:
        return stack_column(values)
    return list(values)


def _loses_integers(values: Sequence[Any], kinds: set[type]) -> bool:
    """Whether NumPy converted ints to floats for lack of an integer dtype, or a float cannot represent one of them."""
    return kinds == {int} or any(type(value) is int and int(float(value)) != value for value in values)


_SCALARS = (bool, str, bytes, np.generic)
