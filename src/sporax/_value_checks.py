"""Checks of values that run on the host, also where a compiled program of the eager mode has the values.

Eager code checks labels and indices because it has their values. A program that stands for eager code (see
`transforms/_program.py`) is traced inside `collecting`: the values become outputs of the program, and the checks run on
them after each call.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from sporax._jax_compat import is_tracer, trace_state

Check = Callable[[Any], None]


class Collector:
    """The checks of one program, with the traced values."""

    def __init__(self) -> None:
        self.found: list[tuple[Check, Any]] = []
        self._state = trace_state()

    def add(self, check: Check, values: Any) -> bool:
        """Take a check if its values can be outputs of the program; return whether they can."""
        if self._state != trace_state():
            return False
        self.found.append((check, values))
        return True


class _State(threading.local):
    collector: Collector | None = None


_STATE = _State()


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Collect the checks of values that are traced inside the block."""
    outer, _STATE.collector = _STATE.collector, Collector()
    try:
        yield _STATE.collector
    finally:
        _STATE.collector = outer


def checked_by_program(check: Check, values: Any) -> bool:
    """Return whether a program in construction runs the check of these traced values."""
    return is_tracer(values) and _STATE.collector is not None and _STATE.collector.add(check, values)
