"""safetensors files, with the safetensors library.

Strings are stored in the metadata of the header as `sporax.str.<name>`, and a CRC-32 of names, dtypes, shapes and
contents as `sporax.crc32`: the format itself detects truncation, but not changed bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from sporax._errors import CheckpointError
from sporax.formats._atomic import replacing
from sporax.formats._entries import Entry, Writable, checksum, normalize
from sporax.formats._sniff import FETCH, fault, foreign, foreign_kind, is_ckpt, is_safetensors, read_head

_STRING = "sporax.str."
_CRC = "sporax.crc32"


def write(path: str | os.PathLike[str], entries: Mapping[str, Writable]) -> None:
    """Write a safetensors file atomically; any reader of safetensors can read it.

    The library orders the tensors by the size of their dtype and by name.

    Args:
        path: the file; its folder must exist.
        entries: names to arrays, scalars (a Python float is stored as float64) or strings.

    Raises:
        CheckpointError: the format does not support an entry; the message gives its name.

    >>> import tempfile
    >>> from sporax.formats import safetensors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     safetensors.write(f"{folder}/a.safetensors", {"steps": 7, "note": "first"})
    ...     safetensors.read(f"{folder}/a.safetensors")
    {'steps': array(7), 'note': 'first'}
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    checked = normalize(entries)
    if "__metadata__" in checked:
        raise CheckpointError(
            "checkpoint: the name '__metadata__' is reserved by the safetensors format. Rename the entry, or write "
            ".ckpt."
        )
    metadata = {"format": "sporax", _CRC: str(checksum(checked))}
    metadata |= {_STRING + name: value for name, value in checked.items() if isinstance(value, str)}
    arrays = {name: value for name, value in checked.items() if not isinstance(value, str)}
    for name, array in arrays.items():
        if array.dtype.name == "complex128":
            raise CheckpointError(
                f"checkpoint: the entry {name!r} has dtype complex128, which safetensors does not support. "
                "Convert it to complex64, or write .ckpt."
            )
    with replacing(path) as temporary:
        try:
            save_file(arrays, temporary, metadata=metadata)
        except SafetensorError as error:
            raise CheckpointError(
                f"checkpoint: the safetensors library rejected these entries ({error}). Convert them, or write .ckpt."
            ) from error


def read(path: str | os.PathLike[str]) -> dict[str, Entry]:
    """Read a safetensors file.

    Args:
        path: the file.

    Returns:
        A dict from name to a writable array with the stored shape and dtype, in the order of the library,
        followed by the strings that sporax wrote.

    Raises:
        CheckpointError: a missing, unrecognized, truncated or damaged file, or a dtype that NumPy does not support.

    >>> from sporax.formats import safetensors
    >>> safetensors.read("no_such.safetensors")
    Traceback (most recent call last):
        ...
    sporax._errors.CheckpointError: checkpoint file 'no_such.safetensors': there is no such file. Check \
the name and the working directory.
    """
    import ml_dtypes  # noqa: F401 - registers bfloat16 with NumPy, where the library looks it up
    from safetensors import SafetensorError, safe_open

    head = read_head(path)
    if not is_safetensors(head):
        looks = foreign_kind(head) or ("a MindSpore checkpoint" if is_ckpt(head) else None)
        if looks is not None:
            raise foreign(path, looks, "a safetensors file")
    try:
        with safe_open(os.fspath(path), framework="np") as file:
            metadata: dict[str, str] = dict(file.metadata() or {})
            entries: dict[str, Entry] = {name: _tensor(file, name, path) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise fault(path, f"it is not a complete safetensors file: truncated or damaged ({error}).", FETCH) from None
    entries |= {key[len(_STRING) :]: text for key, text in metadata.items() if key.startswith(_STRING)}
    stored = metadata.get(_CRC)
    if stored is not None and stored != str(checksum(entries)):
        raise fault(
            path,
            f"it is damaged: its checksum is {stored}, but its content gives {checksum(entries)}.",
            FETCH,
        )
    return entries


def _tensor(file: Any, name: str, path: str | os.PathLike[str]) -> np.ndarray:
    try:
        array = file.get_tensor(name)
    except (KeyError, TypeError, AttributeError) as error:
        raise fault(
            path,
            f"the tensor {name!r} has a dtype that NumPy does not support ({error}).",
            "Save it as float32 or bfloat16.",
        ) from None
    return array if array.flags.writeable else array.copy()
