"""What comes from the user's Python: values made into arrays, and exceptions with their place."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Sequence
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np

from sporax._errors import DatasetError
from sporax.dataset._dicts import holds_dict, unwrapped, wrapped

Row: TypeAlias = tuple[np.ndarray, ...]
"""One element of a dataset: an array for each column."""

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_FOREIGN = tuple({sysconfig.get_paths()[key] + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib")})


def place_of(error: BaseException, function: Any = None) -> str:
    """`file:line` of the user's code that raised: the deepest frame that is neither ours nor a library's."""
    fallback = ""
    found = ""
    step: TracebackType | None = error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if not file.startswith(_HERE):
            fallback = f"{file}:{step.tb_lineno}"
            if not file.startswith(_FOREIGN):
                found = fallback
        step = step.tb_next
    if found or fallback:
        return found or fallback
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""


def user_error(what: str, error: BaseException, function: Any = None) -> DatasetError:
    """The error to raise from the user's own: what ran, their exception, and the line it came from."""
    place = place_of(error, function)
    at = f" ({place})" if place else ""
    return DatasetError(f"{what} raised {type(error).__name__}: {error}{at}")


def named(columns: Sequence[str]) -> str:
    """`column 'x'` or `columns 'x', 'y'`."""
    listed = ", ".join(repr(name) for name in columns)
    return f"column {listed}" if len(columns) == 1 else f"columns {listed}"


def function_name(function: Any) -> str:
    """The name a person knows a callable by."""
    return getattr(function, "__qualname__", None) or type(function).__name__


def as_array(value: Any, what: str, index: int, column: str) -> np.ndarray:
    """A private array of `value`: the user may go on to fill the same buffer again.

    `what` and `index` say what gave it: "… at element 3".
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise DatasetError(
            f"{what} {index}: the value for column {column!r} is a masked array, whose mask would be lost. Give "
            "value.filled(...), and the mask as a column of its own."
        )
    try:
        array = np.array(value)
    except Exception as error:
        raise DatasetError(
            f"{what} {index}: the value for column {column!r} cannot be made into an array: {error}. "
            "Give a NumPy array, a number, a string, a dict, or nested lists of one shape."
        ) from error
    if array.dtype.kind == "O":
        if isinstance(value, dict):
            return wrapped(value)
        if isinstance(value, np.ndarray) and holds_dict(value):
            return value
        if value is None:
            raise DatasetError(f"{what} {index} gave None for column {column!r}. Is a `return` missing?")
        kind = type(value).__name__
        raise DatasetError(
            f"{what} {index}: the value for column {column!r} must be an array, a number, a string or a dict, "
            f"but got {_short(value)} of type {kind}. Convert it to a NumPy array with a numeric dtype first."
        )
    return array


def as_row(value: Any, names: Sequence[str], what: str, index: int) -> Row:
    """The columns of one element: a tuple or list has one entry for each, anything else is one column."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    if len(parts) != len(names):
        raise DatasetError(
            f"{what} {index} has {len(parts)} values, but {len(names)} column names were given: "
            f"{', '.join(map(repr, names))}. "
            + (
                "A list or tuple is one value for each column: put a value that is itself a list into a tuple."
                if len(names) == 1
                else "Give one value for each column, in their order, as a tuple."
            )
        )
    return tuple([as_array(part, what, index, name) for part, name in zip(parts, names, strict=True)])


def private(array: np.ndarray) -> Any:
    """What the user's function gets of an element, and may write to: an array, or the dict of a dict column."""
    if array.dtype.kind == "O" and holds_dict(array):
        return unwrapped(array)
    return array if array.flags.writeable else array.copy()


def writable_copy(array: np.ndarray) -> Any:
    """A copy of an element: an array, or the dict of a dict column."""
    return unwrapped(array) if holds_dict(array) else array.copy()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
