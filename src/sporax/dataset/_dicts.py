"""Columns whose elements are Python dicts: kept whole as arrays of shape () and dtype object inside a pipeline.

Functions of `map` and `filter` get the dict as it was given. Iterators give a dict of arrays, and `batch` stacks the
dicts of a batch key by key.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sporax._errors import DatasetError


def wrapped(value: dict[Any, Any]) -> np.ndarray:
    """The element that holds a private copy of a dict."""
    array = np.empty((), dtype=object)
    array[()] = copy.deepcopy(value)
    return array


def holds_dict(array: np.ndarray) -> bool:
    """Whether an element is a dict."""
    return array.dtype.kind == "O" and array.ndim == 0 and isinstance(array[()], dict)


def held_dict(array: np.ndarray) -> Any:
    """The dict of an element, or what else it holds."""
    return array[()]


def unwrapped(array: np.ndarray) -> dict[Any, Any]:
    """A copy of the dict of an element."""
    return copy.deepcopy(held_dict(array))


def shown(row: Sequence[np.ndarray]) -> tuple[Any, ...]:
    """A row as iterators give it: dicts of arrays for its dict columns, which belong to the caller."""
    return tuple([converted(column[()], np.array) if holds_dict(column) else column for column in row])


def shown_rows(rows: Iterator[Sequence[np.ndarray]]) -> Iterator[tuple[Any, ...]]:
    """Rows of elements as iterators give them."""
    return map(shown, rows)


def converted(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """A tree of dicts, lists and tuples with `leaf` applied to everything else."""
    if isinstance(value, dict):
        return {key: converted(each, leaf) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [converted(each, leaf) for each in value]
    return leaf(value)


def stacked_dicts(dicts: Sequence[dict[Any, Any]], column: str) -> dict[Any, Any]:
    """The dicts of a batch as one dict of stacked values.

    Raises:
        DatasetError: they differ in their keys, or values of one key differ in shape or dtype.
    """
    first = dicts[0]
    for number, each in enumerate(dicts):
        if not isinstance(each, dict) or list(each) != list(first):
            raise DatasetError(
                f"batch: column {column!r} has dicts with different keys: {list(first)} at element 0 of the batch and "
                f"{list(each) if isinstance(each, dict) else each!r} at element {number}. Give all the same keys, or "
                "choose some with map."
            )
    return {key: _stacked([each[key] for each in dicts], f"{column}[{key!r}]") for key in first}


def _stacked(values: list[Any], column: str) -> Any:
    if any(isinstance(value, dict) for value in values):
        return stacked_dicts(values, column)
    try:
        arrays = [np.asarray(value) for value in values]
        kinds = {array.dtype.kind if array.dtype.kind in "US" else array.dtype for array in arrays}
        if len(kinds) == 1 and "O" not in {array.dtype.kind for array in arrays}:
            return np.stack(arrays)
    except ValueError as error:
        raise DatasetError(
            f"batch: the values of {column} differ in shape: {error}. Bring them to one shape with map."
        ) from error
    raise DatasetError(
        f"batch: the values of {column} must be numbers, strings or arrays of one dtype, but got "
        f"{', '.join(sorted({type(value).__name__ for value in values}))}. Convert them with map."
    )
