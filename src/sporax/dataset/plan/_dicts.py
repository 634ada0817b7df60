"""Columns of Python dicts: inside a pipeline, an element is an array of shape () and dtype object that holds the dict.

Functions of `map` and `filter` receive the original dict. Iterators return a dict of arrays, and `batch` stacks the
dicts of a batch by key.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sporax._errors import DatasetError


def wrapped(value: dict[Any, Any]) -> np.ndarray:
    """Return an element that holds a deep copy of a dict."""
    array = np.empty((), dtype=object)
    array[()] = copy.deepcopy(value)
    return array


def holds_dict(array: np.ndarray) -> bool:
    """Whether an element is a dict."""
    return array.dtype.kind == "O" and array.ndim == 0 and isinstance(array[()], dict)


def dict_in(array: np.ndarray) -> Any:
    """Return the dict of an element, or any other object that it holds."""
    return array[()]


def unwrapped(array: np.ndarray) -> dict[Any, Any]:
    """Return a deep copy of the dict of an element."""
    return copy.deepcopy(dict_in(array))


def output_row(row: Sequence[np.ndarray]) -> tuple[Any, ...]:
    """Return a row for an iterator: dict columns as new dicts of arrays."""
    return tuple([converted(column[()], np.array) if holds_dict(column) else column for column in row])


def output_rows(rows: Iterator[Sequence[np.ndarray]]) -> Iterator[tuple[Any, ...]]:
    """Apply `output_row` to rows."""
    return map(output_row, rows)


def converted(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """Apply `leaf` to the leaves of a tree of dicts, lists and tuples."""
    if isinstance(value, dict):
        return {key: converted(each, leaf) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [converted(each, leaf) for each in value]
    return leaf(value)


def stacked_dicts(dicts: Sequence[dict[Any, Any]], column: str) -> dict[Any, Any]:
    """Stack the dicts of a batch by key; the keys, and the shapes and dtypes of their values, must be equal."""
    first = dicts[0]
    for number, each in enumerate(dicts):
        if not isinstance(each, dict) or list(each) != list(first):
            raise DatasetError(
                f"batch: column {column!r} has dicts with different keys: {list(first)} at element 0 of the batch and "
                f"{list(each) if isinstance(each, dict) else each!r} at element {number}. Give all dicts the same "
                "keys, or select keys with map."
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
            f"batch: the values of {column} differ in shape: {error}. Convert them to one shape with map."
        ) from error
    raise DatasetError(
        f"batch: the values of {column} must be numbers, strings or arrays of one dtype, but got "
        f"{', '.join(sorted({type(value).__name__ for value in values}))}. Convert them with map."
    )
