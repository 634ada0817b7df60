"""MindSpore's `.ckpt` format: a sequence of protobuf Values, one for each named tensor.

File layout of MindSpore 2.10:

- each Value is framed as field 1 of an outer message; a tensor above 512 MiB is split into several Values with the same
  tag, each with the full dims and the next part of the content;
- a 0-d tensor has no dims (older files: one dim of 0); a string has `tensor_type: "str"` and UTF-32 content;
- with `crc_check=True`, `crc_num` and ten bytes follow: the CRC-32 of all bytes before, big-endian.

A file that is truncated between two Values is a valid, shorter file, so a plain file does not show that its end is
missing. Files of sporax therefore begin with a field that MindSpore ignores as unknown, and that requires the CRC
trailer: a file without it is rejected. MindSpore reads such files with or without `crc_check`.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator, Mapping

from sporax._errors import CheckpointError
from sporax.formats._atomic import atomic_write
from sporax.formats._ckpt_read import decode_stream
from sporax.formats._entries import Entry, Writable, flat_bytes, normalize
from sporax.formats._schema import CRC_MARK, SPORAX_HEADER, TYPE_NAMES, VALUE_TAG, value_class
from sporax.formats._sniff import read_head

SLICE_BYTES = 4 << 20
"""Maximum content of a Value. MindSpore writes 512 MiB and reads any size. Copies of this size stay in the cache:
reading and writing 256 MiB took about half the time that they took with slices of 64 MiB."""


def encode(entries: Mapping[str, Writable]) -> Iterator[bytes]:
    """Encode a `.ckpt` file, piece by piece.

    All entries are checked before the first piece is returned.

    Args:
        entries: names to arrays, scalars or strings, in the order in which they are stored.

    Returns:
        An iterator of byte strings, whose concatenation is the file.

    Raises:
        CheckpointError: the format does not support an entry; the message gives its name.

    >>> from sporax.formats import ckpt
    >>> b"".join(ckpt.encode({"lr": True}))[11:]
    b'\\n\\x0f\\n\\x02lr\\x12\\t\\x12\\x04Bool\\x1a\\x01\\x01crc_num\\x00\\x00\\x00\\x00\\x00\\x00\\xb5\\xc0F6'
    """
    return _with_trailer([_typed(name, value) for name, value in normalize(entries).items()])


def write(path: str | os.PathLike[str], entries: Mapping[str, Writable]) -> None:
    """Write a `.ckpt` file atomically; MindSpore 2.10's `load_checkpoint` reads it.

    Args:
        path: the file; its folder must exist.
        entries: names to arrays, scalars (a Python float is stored as float64) or strings.

    Raises:
        CheckpointError: the format does not support an entry; the message gives its name.

    >>> import tempfile
    >>> from sporax.formats import ckpt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ckpt.write(f"{folder}/a.ckpt", {"steps": 7, "note": "first"})
    ...     ckpt.read(f"{folder}/a.ckpt")
    {'steps': array(7), 'note': 'first'}
    """
    pieces = encode(entries)
    with atomic_write(path) as file:
        for piece in pieces:
            file.write(piece)


def read(path: str | os.PathLike[str]) -> dict[str, Entry]:
    """Read a `.ckpt` file of sporax or MindSpore.

    Args:
        path: the file.

    Returns:
        A dict in the order of the file: names to writable arrays with the stored shape and dtype, or to strings.

    Raises:
        CheckpointError: a missing, unrecognized, truncated, damaged or encrypted file. A plain MindSpore file (without
            a checksum) that was truncated exactly between two tensors cannot be detected.

    >>> from sporax.formats import ckpt
    >>> ckpt.read("no_such.ckpt")
    Traceback (most recent call last):
    sporax._errors.CheckpointError: checkpoint file 'no_such.ckpt': there is no such file. Check the name \
and the working directory.
    """
    read_head(path)
    with open(path, "rb") as file:
        return decode_stream(file, os.fstat(file.fileno()).st_size, path)


def decode(data: bytes) -> dict[str, Entry]:
    """Decode the content of a `.ckpt` file.

    Args:
        data: the content.

    Returns:
        As `read`.

    Raises:
        CheckpointError: as `read`.

    >>> from sporax.formats import ckpt
    >>> ckpt.decode(b"".join(ckpt.encode({"w": 2})))
    {'w': array(2)}
    """
    return decode_stream(io.BytesIO(data), len(data), None)


def _typed(name: str, value: Entry) -> tuple[str, str, tuple[int, ...], memoryview]:
    if isinstance(value, str):
        # MindSpore cannot read an empty string, and drops trailing NULs: one NUL encodes "".
        return name, "str", (0,), memoryview((value or "\0").encode("utf-32-le"))
    if value.dtype.name not in TYPE_NAMES:
        raise CheckpointError(
            f"checkpoint: the entry {name!r} has dtype {value.dtype.name}, which .ckpt files do not support. "
            f"Convert it to one of {', '.join(TYPE_NAMES)}."
        )
    return name, TYPE_NAMES[value.dtype.name], value.shape, flat_bytes(value)


def _with_trailer(typed: list[tuple[str, str, tuple[int, ...], memoryview]]) -> Iterator[bytes]:
    crc = 0
    for piece in _pieces(typed):
        crc = zlib.crc32(piece, crc)
        yield piece
    yield CRC_MARK + crc.to_bytes(10, "big")


def _pieces(typed: list[tuple[str, str, tuple[int, ...], memoryview]]) -> Iterator[bytes]:
    yield SPORAX_HEADER
    for name, type_name, dims, content in typed:
        for start in range(0, max(len(content), 1), SLICE_BYTES):
            value = value_class()(tag=name)
            value.tensor.dims.extend(dims)
            value.tensor.tensor_type = type_name
            value.tensor.tensor_content = bytes(content[start : start + SLICE_BYTES])
            body = value.SerializeToString()
            yield VALUE_TAG + _varint(len(body))
            yield body


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
