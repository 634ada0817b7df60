"""The entries of a checkpoint: names to arrays or strings, checked before anything is written."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from sporax._errors import CheckpointError

Entry: TypeAlias = np.ndarray | str
"""A value that is read."""

Writable: TypeAlias = np.ndarray | np.generic | bool | int | float | complex | str
"""A value that can be written; scalars become 0-d arrays."""


def normalize(entries: Mapping[str, Writable]) -> dict[str, Entry]:
    """Convert entries to little-endian, contiguous arrays.

    Raises:
        CheckpointError: no checkpoint format supports an entry.
    """
    result: dict[str, Entry] = {}
    for name, value in entries.items():
        if not isinstance(name, str):
            raise CheckpointError(
                f"checkpoint: a name must be a string, but got {name!r} of type {type(name).__name__}."
            )
        result[name] = str(value) if isinstance(value, str) else _array(name, value)
    return result


def _array(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise _unsupported(name, value) from error
    # NumPy reports the kind of ml_dtypes' bfloat16 as V (void).
    if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
        raise _unsupported(name, value)
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and not np.little_endian):
        array = array.astype(array.dtype.newbyteorder("<"))
    # ascontiguousarray would convert a 0-d array to a 1-d array.
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _unsupported(name: str, value: Any) -> CheckpointError:
    kind = f"an array of dtype {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    return CheckpointError(
        f"checkpoint: the entry {name!r} must be a numeric or bool array, a number or a string, but got "
        f"{kind}. Convert it, or omit it."
    )


def flat_bytes(array: np.ndarray) -> memoryview:
    """Return the bytes in C order without a copy, also for dtypes without a buffer protocol, such as bfloat16."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def checksum(entries: Mapping[str, Entry]) -> int:
    """Return the CRC-32 of names, dtypes, shapes and contents, in the order of the names."""
    crc = 0
    for name in sorted(entries):
        value = entries[name]
        if isinstance(value, str):
            crc = zlib.crc32(f"{name}\0str\0{value}\0".encode(), crc)
        else:
            crc = zlib.crc32(f"{name}\0{value.dtype.name}\0{value.shape}\0".encode(), crc)
            crc = zlib.crc32(flat_bytes(value), crc)
    return crc
