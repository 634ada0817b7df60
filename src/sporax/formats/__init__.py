"""Byte codecs for files of named arrays: MindSpore's `.ckpt` and safetensors.

`read` and `write` choose the codec, `ckpt` or `safetensors`. `atomic_write` and `replacing` replace any file
atomically, so that its old content survives a failure.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from sporax._errors import ArgumentError
from sporax.formats import ckpt, safetensors
from sporax.formats._atomic import atomic_write, replacing
from sporax.formats._entries import Entry, Writable
from sporax.formats._sniff import FORMATS, detect, read_head

__all__ = ["Entry", "Writable", "atomic_write", "ckpt", "read", "replacing", "safetensors", "write"]

_CODECS = {"ckpt": ckpt, "safetensors": safetensors}


def read(path: str | os.PathLike[str]) -> dict[str, Entry]:
    """Read a checkpoint file of either format into a dict of names to arrays, in the order of the file.

    The format is detected from the content, not from the suffix.

    Args:
        path: the file.

    Returns:
        A dict from name to a writable NumPy array with its stored shape and dtype (bfloat16 as ml_dtypes'
        `bfloat16`), or to a `str`.

    Raises:
        CheckpointError: a missing, unrecognized, truncated or damaged file; the message says what it looks like.

    >>> import numpy as np, tempfile
    >>> from sporax import formats
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     formats.write(f"{folder}/net.ckpt", {"fc.weight": np.float32([[1, 2]]), "epoch": 3})
    ...     formats.read(f"{folder}/net.ckpt")
    {'fc.weight': array([[1., 2.]], dtype=float32), 'epoch': array(3)}
    """
    return _CODECS[detect(path, read_head(path))].read(path)


def write(path: str | os.PathLike[str], entries: Mapping[str, Writable], format: str | None = None) -> None:
    """Write named arrays, numbers and strings to a checkpoint file, atomically.

    The file appears under its name only after it is complete and flushed to the disk. Until then, and after a failure,
    an existing file is unchanged.

    Args:
        path: the file; its folder must exist.
        entries: names to NumPy arrays, to Python or NumPy scalars (stored as 0-d arrays: an int as int64, a
            float as float64), or to strings.
        format: `"ckpt"` or `"safetensors"`; by default, it is given by the suffix of `path`.

    Raises:
        ArgumentError: `format` is unknown, or is omitted and the suffix is unknown.
        CheckpointError: the format does not support an entry; the message gives its name.

    >>> import numpy as np
    >>> from sporax import formats
    >>> formats.write("net.bin", {"w": np.ones(2)})
    Traceback (most recent call last):
        ...
    sporax._errors.ArgumentError: formats.write: the suffix '.bin' of 'net.bin' names no format. End the \
name in .ckpt or .safetensors, or give format='ckpt' or format='safetensors'.
    """
    name = os.fspath(path)
    chosen = format if format is not None else os.path.splitext(name)[1].lstrip(".").lower()
    if chosen not in FORMATS:
        if format is not None:
            raise ArgumentError(f"formats.write: `format` must be one of 'ckpt', 'safetensors', but got {format!r}.")
        raise ArgumentError(
            f"formats.write: the suffix {os.path.splitext(name)[1]!r} of {name!r} names no format. "
            "End the name in .ckpt or .safetensors, or give format='ckpt' or format='safetensors'."
        )
    _CODECS[chosen].write(path, entries)
