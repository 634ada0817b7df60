"""Writing checkpoints in a background thread, in order."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sporax import formats
from sporax._errors import CheckpointError, SporaxWarning

_LOCK = threading.Lock()
_POOL: ThreadPoolExecutor | None = None
_PENDING: list[Future[None]] = []


def _submit(task: Callable[[], None]) -> None:
    global _POOL
    with _LOCK:
        if _POOL is None:
            # One thread, so that files are written and removed in order; Python joins it at exit.
            _POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sporax-checkpoint")
        _PENDING.append(_POOL.submit(task))


def in_background(path: str, entries: Mapping[str, Any], format: str) -> None:
    """Write a file in the background. A failure causes a warning, and the next `wait` raises it."""

    def write() -> None:
        try:
            formats.write(path, entries, format)
        except Exception as error:
            warnings.warn(f"the checkpoint {path!r} could not be saved: {error}", SporaxWarning, stacklevel=2)
            raise CheckpointError(f"the checkpoint {path!r} could not be saved: {error}") from error

    _submit(write)


def after_pending(task: Callable[[], None]) -> None:
    """Call `task` after all pending files are written; immediately if there are none."""
    if busy():
        _submit(task)
    else:
        task()


def busy() -> bool:
    """Whether a file is being written."""
    with _LOCK:
        return any(not each.done() for each in _PENDING)


def wait() -> None:
    """Wait for all files; raise the first failure."""
    with _LOCK:
        pending = list(_PENDING)
        _PENDING.clear()
    failure: BaseException | None = None
    for each in pending:
        failure = failure or each.exception()
    if failure is not None:
        raise failure
