"""Texts that identify settings, to compare those of two runs."""

from __future__ import annotations

import types
import zlib
from typing import Any

import numpy as np

_MAX_ELEMENTS = 1 << 20
_MAX_LENGTH = 80


def describe(value: Any) -> str | None:
    """Return a short text that is equal for equal values, or None for a value that is not plain.

    Plain values are numbers, strings, None, dtypes, functions and classes (by name), arrays of up to 2^20 elements, and
    lists, tuples and dicts of them.
    """
    text = _text(value)
    if text is None or len(text) <= _MAX_LENGTH:
        return text
    return f"{text[: _MAX_LENGTH // 2]}... (checksum {zlib.crc32(text.encode()):08x})"


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (bool, int, float, complex, str, np.generic, np.dtype)):
        return repr(value)
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return value.__name__
    if isinstance(value, dict):
        value = tuple(value.items())
    if isinstance(value, (tuple, list, range)):
        items = [_text(each) for each in value]
        return None if None in items else f"({', '.join(map(str, items))})"
    if isinstance(value, np.ndarray) and value.size <= _MAX_ELEMENTS and value.dtype.kind not in "OUSMm":
        if value.size <= 8:
            return repr(value.tolist())
        checksum = zlib.crc32(np.ascontiguousarray(value).tobytes())
        return f"an array of shape {value.shape} (checksum {checksum:08x})"
    return None
