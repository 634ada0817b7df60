"""Detection of file formats from the first bytes, and errors for unreadable files."""

from __future__ import annotations

import difflib
import os

from sporax._errors import CheckpointError
from sporax.formats._schema import SPORAX_HEADER, VALUE_TAG

FORMATS = ("ckpt", "safetensors")
HEAD = 512

FETCH = "Use another copy of it, or an earlier checkpoint."

_MAGICS = (
    (b"PK\x03\x04", "a zip archive (a PyTorch .pt/.pth, .npz or .keras file)"),
    (b"\x80\x02", "a Python pickle (an old PyTorch file?)"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras .h5?)"),
    (b"\x93NUMPY", "a NumPy .npy file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x7fELF", "an executable"),
    (b"GGUF", "a GGUF model"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself (run `git lfs pull`)"),
)


def fault(path: str | os.PathLike[str] | None, problem: str, fix: str) -> CheckpointError:
    """Return the error for a file that cannot be read: the file, the problem and a suggested fix."""
    name = "checkpoint data" if path is None else f"checkpoint file {os.fspath(path)!r}"
    return CheckpointError(f"{name}: {problem} {fix}")


def foreign(path: str | os.PathLike[str] | None, looks: str, expected: str) -> CheckpointError:
    """Return the error for a file of another kind."""
    return fault(
        path,
        f"it looks like {looks}, but {expected} was expected.",
        "Check the file name, or fetch the file again.",
    )


def read_head(path: str | os.PathLike[str]) -> bytes:
    """Return the first bytes of a file.

    Raises:
        CheckpointError: the file is missing or cannot be read; the message suggests a fix.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            return file.read(HEAD)
    except FileNotFoundError:
        raise fault(name, "there is no such file.", _beside(name)) from None
    except IsADirectoryError:
        raise fault(name, "it is a folder.", _inside(name)) from None
    except PermissionError:
        raise fault(name, "this user may not read it.", "Change its mode, or run as its owner.") from None


def _listing(folder: str) -> list[str]:
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return []
    return sorted(name for name in names if name.endswith((".ckpt", ".safetensors")))


def _beside(name: str) -> str:
    folder, base = os.path.split(name)
    if folder and not os.path.isdir(folder):
        return f"Its folder {folder!r} does not exist either."
    near = difflib.get_close_matches(base, _listing(folder), n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else "Check the name and the working directory."


def _inside(name: str) -> str:
    found = _listing(name)[:5]
    return f"Name one of its files: {', '.join(found)}." if found else "Name a checkpoint file."


def is_safetensors(head: bytes) -> bool:
    """Whether the bytes begin like a safetensors file: a little-endian header length, then a JSON object."""
    return len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32


def foreign_kind(head: bytes) -> str | None:
    """Describe a file that is not a checkpoint; None if its kind is unknown."""
    if not head:
        return "an empty file"
    for magic, looks in _MAGICS:
        if head.startswith(magic):
            return looks
    if not head.strip(b"\0"):
        return "zero bytes only (a file that was allocated and never written?)"
    start = head.lstrip()[:32].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page or XML (an error page saved as the file?)"
    text = _text(head)
    return f"plain text, beginning {text[:40]!r}" if text is not None else None


def _text(head: bytes) -> str | None:
    try:
        text = head.decode("utf-8", errors="strict" if len(head) < HEAD else "ignore")
    except UnicodeDecodeError:
        return None
    return text if all(char.isprintable() or char in "\r\n\t\f" for char in text) else None


def is_ckpt(head: bytes) -> bool:
    """Whether the bytes can open a `.ckpt`: sporax's header, or a first Value that opens with its name."""
    if head.startswith(SPORAX_HEADER):
        return True
    if not head.startswith(VALUE_TAG):
        return False
    position = 1
    while position < min(len(head), 10) and head[position] & 0x80:
        position += 1
    return head[position + 1 : position + 2] == b"\x0a"


def detect(path: str | os.PathLike[str], head: bytes) -> str:
    """Return `"ckpt"` or `"safetensors"`, detected from the content.

    Raises:
        CheckpointError: the file has another known format.
    """
    if is_safetensors(head):
        return "safetensors"
    if is_ckpt(head):
        return "ckpt"
    looks = foreign_kind(head)
    if looks is not None:
        raise foreign(path, looks, "a MindSpore checkpoint (.ckpt) or a safetensors file")
    # Unknown bytes: the codec of the suffix reports them best.
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    return "safetensors" if suffix == ".safetensors" else "ckpt"
