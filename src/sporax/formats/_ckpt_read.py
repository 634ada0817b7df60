"""Reading of `.ckpt` files: frames, Values, and concatenation of slices. `ckpt` describes the layout."""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Iterator
from os import PathLike
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from sporax._errors import CheckpointError
from sporax.formats._entries import Entry
from sporax.formats._schema import CRC_MARK, NUMPY_NAMES, SPORAX_HEADER, VALUE_TAG, numpy_dtype, value_class
from sporax.formats._sniff import FETCH, HEAD, fault, foreign, foreign_kind

_TRAILER_BYTES = len(CRC_MARK) + 10
_EXPECTED = "a MindSpore checkpoint (.ckpt)"

Path: TypeAlias = str | PathLike[str] | None


@dataclasses.dataclass
class _Source:
    """The file that is read: its name for messages, its first bytes, and the beginning and end of its Values."""

    file: BinaryIO
    path: Path
    head: bytes
    start: int
    end: int
    stored_crc: int | None

    def fault(self, problem: str, fix: str = FETCH) -> CheckpointError:
        return fault(self.path, problem, fix)

    def not_a_value(self, position: int) -> CheckpointError:
        if position > 0:
            return self.fault(f"it is truncated or damaged: at byte {position} a tensor should begin, but none does.")
        looks = foreign_kind(self.head)
        if looks is not None:
            return foreign(self.path, looks, _EXPECTED)
        return self.fault(
            f"it begins with {self.head[:8].hex(' ')}, which is not a known format; {_EXPECTED} was expected.",
            "If MindSpore encrypted it (enc_key), save it again without a key; else check the file name.",
        )


class _Assembly:
    """A tensor or string that is assembled from slices."""

    def __init__(self, source: _Source, tag: str, tensor: Any) -> None:
        self.source, self.name, self.type_name = source, tag, tensor.tensor_type
        self.dims, self.filled = tuple(tensor.dims), 0
        first = len(tensor.tensor_content)
        if self.type_name == "str":
            self.size = first
        elif self.type_name in NUMPY_NAMES:
            # In older files a 0-d tensor has one dim of 0, and content for one element.
            self.dims = () if self.dims == (0,) and first else self.dims
            self.dtype = numpy_dtype(self.type_name)
            self.size = math.prod(self.dims) * self.dtype.itemsize
        else:
            raise source.fault(
                f"the tensor {tag!r} has the type {self.type_name!r}, which sporax does not support.",
                f"Save it as one of {', '.join(NUMPY_NAMES)}.",
            )
        # Checked before allocation: a damaged dim can have any size.
        if any(dim < 0 for dim in self.dims) or self.size > source.end or (first == 0 and self.size > 0):
            raise self.mismatch(first)
        self.buffer = np.empty(self.size, np.uint8)

    def mismatch(self, got: int) -> CheckpointError:
        return self.source.fault(
            f"the tensor {self.name!r} of shape {self.dims} and type {self.type_name} does not match its "
            f"{got} bytes; it is truncated or damaged."
        )

    def add(self, content: bytes) -> None:
        end = self.filled + len(content)
        if end > self.size:
            raise self.mismatch(end)
        self.buffer[self.filled : end] = np.frombuffer(content, np.uint8)
        self.filled = end

    def result(self) -> Entry:
        if self.type_name != "str":
            return self.buffer.view(self.dtype).reshape(self.dims)
        try:
            text = self.buffer.tobytes().decode("utf-32-le")
        except UnicodeDecodeError:
            raise self.source.fault(f"the string {self.name!r} is damaged.") from None
        return "" if text == "\0" else text


def decode_stream(file: BinaryIO, size: int, path: Path) -> dict[str, Entry]:
    """Decode a `.ckpt` file of `size` bytes to names and arrays; `path` is used only in messages."""
    source = _open(file, size, path)
    entries: dict[str, Entry] = {}
    crc = zlib.crc32(source.head[: source.start])
    part: _Assembly | None = None
    for position, frame, body in _frames(source):
        crc = zlib.crc32(body, zlib.crc32(frame, crc))
        tag, tensor = _parse(source, position, body)
        if part is None:
            if tag in entries:
                raise source.fault(
                    f"the name {tag!r} occurs twice (byte {position}): two files in one, or a damaged one."
                )
            part = _Assembly(source, tag, tensor)
        elif tag != part.name or tensor.tensor_type != part.type_name:
            raise part.mismatch(part.filled)
        part.add(tensor.tensor_content)
        if part.filled == part.size:
            entries[part.name] = part.result()
            part = None
    if part is not None:
        raise part.mismatch(part.filled)
    if source.stored_crc is not None and source.stored_crc != crc:
        raise source.fault(f"it is damaged: its checksum is {source.stored_crc:#010x}, but its bytes give {crc:#010x}.")
    return entries


def _open(file: BinaryIO, size: int, path: Path) -> _Source:
    head = file.read(HEAD)
    looks = foreign_kind(head)
    if looks is not None and not head.startswith(VALUE_TAG):
        raise foreign(path, looks, _EXPECTED)
    by_sporax = head.startswith(SPORAX_HEADER)
    if not by_sporax and SPORAX_HEADER.startswith(head):
        raise fault(path, f"it is truncated: it has only {size} bytes.", FETCH)
    file.seek(max(size - _TRAILER_BYTES, 0))
    tail = file.read(_TRAILER_BYTES)
    has_crc = len(tail) == _TRAILER_BYTES and tail.startswith(CRC_MARK)
    if by_sporax and not has_crc:
        raise fault(
            path,
            "it is truncated or damaged: the checksum that sporax writes at the end is missing.",
            FETCH,
        )
    return _Source(
        file,
        path,
        head,
        start=len(SPORAX_HEADER) if by_sporax else 0,
        end=size - _TRAILER_BYTES if has_crc else size,
        stored_crc=int.from_bytes(tail[len(CRC_MARK) :], "big") if has_crc else None,
    )


def _frames(source: _Source) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the position, frame bytes and body of each Value."""
    position = source.start
    while position < source.end:
        source.file.seek(position)
        opening = source.file.read(min(11, source.end - position))
        length, used = _varint(opening, 1)
        body = position + used
        if opening[:1] != VALUE_TAG or not used:
            raise source.not_a_value(position)
        if body + length > source.end:
            if position == 0 and foreign_kind(source.head) is not None:
                raise source.not_a_value(position)
            raise source.fault(
                f"it is truncated or damaged: the tensor at byte {position} needs {length} bytes, but "
                f"only {source.end - body} are left."
            )
        source.file.seek(body)
        yield position, opening[:used], source.file.read(length)
        position = body + length


def _varint(data: bytes, start: int) -> tuple[int, int]:
    """Return a number and the offset after it; offset 0 if the number is incomplete or too long."""
    number = 0
    for offset, byte in enumerate(data[start : start + 10]):
        number |= (byte & 0x7F) << 7 * offset
        if byte < 0x80:
            return number, start + offset + 1
    return number, 0


def _parse(source: _Source, position: int, body: bytes) -> tuple[str, Any]:
    from google.protobuf.message import DecodeError

    value = value_class()()
    try:
        value.ParseFromString(body)
        tag, _ = value.tag, value.tensor.tensor_type
    except (DecodeError, UnicodeDecodeError):
        raise source.not_a_value(position) from None
    if value.HasField("maptensor"):
        raise source.fault(
            f"{tag!r} is a map parameter, which sporax does not support.",
            "Save the network without its MapParameters.",
        )
    if not value.HasField("tensor"):
        raise source.not_a_value(position)
    return tag, value.tensor
