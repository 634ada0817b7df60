"""Atomic replacement of files: a reader sees the old or the new content, never a part."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """Return the name of a temporary file that replaces `path` at the end of the block.

    The temporary file is created empty, in the same folder and with the mode of the result. At the end it is flushed to
    the disk and renamed to `path`, which is atomic for readers. If the block raises an exception, the temporary file is
    removed and `path` is unchanged. A symbolic link is kept: its target is replaced.

    Args:
        path: the file to replace or create; its folder must exist.

    Returns:
        A context manager that returns the temporary name.

    Raises:
        FileNotFoundError: the folder of `path` does not exist.
        IsADirectoryError: `path` is a folder.

    >>> import os, pathlib, tempfile
    >>> from sporax.formats import replacing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/note.txt") as temporary:
    ...         _ = pathlib.Path(temporary).write_text("done")
    ...     pathlib.Path(folder, "note.txt").read_text(), os.listdir(folder)
    ('done', ['note.txt'])
    """
    target = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(target)
    if os.path.isdir(target):
        raise IsADirectoryError(f"cannot write {os.fspath(path)!r}: it is a folder. Give a file name inside it.")
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"cannot write {os.fspath(path)!r}: the folder {folder!r} does not exist. "
            f"Create it first: os.makedirs({folder!r})."
        )
    temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        try:
            if os.path.exists(target):
                # Writable by the owner, because the block opens it by name; MindSpore creates files with mode 0o400.
                os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode) | stat.S_IWUSR)
        finally:
            os.close(descriptor)
        yield temporary
        _flush(temporary, os.O_RDWR)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if os.name == "posix":
        # The rename is stored in the folder; without this flush a power failure could undo it.
        with contextlib.suppress(OSError):
            _flush(folder, os.O_RDONLY)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file for writing that replaces `path` only if the block succeeds.

    `replacing` describes the guarantees.

    Args:
        path: the file to replace or create; its folder must exist.

    Returns:
        A context manager that returns the open file.

    Raises:
        FileNotFoundError: the folder of `path` does not exist.
        IsADirectoryError: `path` is a folder.

    >>> import pathlib, tempfile
    >>> from sporax.formats import atomic_write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for text in (b"first", b"second"):
    ...         try:
    ...             with atomic_write(f"{folder}/state") as file:
    ...                 _ = file.write(text)
    ...                 if text == b"second":
    ...                     raise KeyboardInterrupt
    ...         except KeyboardInterrupt:
    ...             pass
    ...     pathlib.Path(folder, "state").read_bytes()
    b'first'
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        yield file


def _flush(path: str, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
