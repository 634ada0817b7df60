"""The user's Python code: values converted to arrays, and exceptions with their location."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Sequence
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np

from sporax._errors import DatasetError
from sporax.dataset.plan._dicts import holds_dict, unwrapped, wrapped

Row: TypeAlias = tuple[np.ndarray, ...]
"""An element of a dataset: an array for each column."""

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LIBRARIES = tuple({sysconfig.get_paths()[key] + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib")})


def location_of(error: BaseException, function: Any = None) -> str:
    """Return `file:line` of the user's code that raised: the innermost frame outside this package and libraries."""
    fallback = ""
    found = ""
    step: TracebackType | None = error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if not file.startswith(_PACKAGE):
            fallback = f"{file}:{step.tb_lineno}"
            if not file.startswith(_LIBRARIES):
                found = fallback
        step = step.tb_next
    if found or fallback:
        return found or fallback
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""


def user_error(what: str, error: BaseException, function: Any = None) -> DatasetError:
    """Return the error to raise from a user's exception: what was running, the exception and its location."""
    location = location_of(error, function)
    suffix = f" ({location})" if location else ""
    return DatasetError(f"{what} raised {type(error).__name__}: {error}{suffix}")


def columns_text(columns: Sequence[str]) -> str:
    """Format column names: `column 'x'` or `columns 'x', 'y'`."""
    listed = ", ".join(repr(name) for name in columns)
    return f"column {listed}" if len(columns) == 1 else f"columns {listed}"


def function_name(function: Any) -> str:
    """Return the name of a callable for messages."""
    return getattr(function, "__qualname__", None) or type(function).__name__


def as_array(value: Any, what: str, index: int, column: str) -> np.ndarray:
    """Convert `value` to a new array: the user may reuse its buffer.

    `what` and `index` name its origin in messages: "… at element 3".
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise DatasetError(
            f"{what} {index}: the value for column {column!r} is a masked array, whose mask would be lost. Give "
            "value.filled(...), and the mask as a separate column."
        )
    try:
        array = np.array(value)
    except Exception as error:
        raise DatasetError(
            f"{what} {index}: the value for column {column!r} cannot be converted to an array: {error}. "
            "Give a NumPy array, a number, a string, a dict, or nested lists of one shape."
        ) from error
    if array.dtype.kind == "O":
        if isinstance(value, dict):
            return wrapped(value)
        if isinstance(value, np.ndarray) and holds_dict(value):
            return value
        if value is None:
            raise DatasetError(f"{what} {index} returned None for column {column!r}. Is a `return` missing?")
        kind = type(value).__name__
        raise DatasetError(
            f"{what} {index}: the value for column {column!r} must be an array, a number, a string or a dict, "
            f"but got {_short(value)} of type {kind}. Convert it to a NumPy array with a numeric dtype first."
        )
    return array


def as_row(value: Any, names: Sequence[str], what: str, index: int) -> Row:
    """Return the columns of an element: a tuple or list has one entry for each, any other value is one column."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    if len(parts) != len(names):
        raise DatasetError(
            f"{what} {index} has {len(parts)} values, but {len(names)} column names were given: "
            f"{', '.join(map(repr, names))}. "
            + (
                "A list or tuple is one value for each column: wrap a value that is itself a list in a tuple."
                if len(names) == 1
                else "Give one value for each column, in their order, as a tuple."
            )
        )
    return tuple([as_array(part, what, index, name) for part, name in zip(parts, names, strict=True)])


def user_copy(array: np.ndarray) -> Any:
    """Return a writable array or dict for a user's function; an array that is writable already is not copied."""
    if array.dtype.kind == "O" and holds_dict(array):
        return unwrapped(array)
    return array if array.flags.writeable else array.copy()


def writable_copy(array: np.ndarray) -> Any:
    """Return a copy of an element: an array, or the dict of a dict column."""
    return unwrapped(array) if holds_dict(array) else array.copy()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
