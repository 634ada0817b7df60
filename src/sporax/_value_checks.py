"""Checks of values that run on the host, also in the programs of eager code.

Eager code has the values of labels and indices, and checks them. So does a program that is compiled for eager code (see
`transforms/_program.py`): in its trace the values become outputs of the program, and the checks run on them after each
call.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import jax

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


class ValueNeeded(Exception):
    """A function needs the value of an array in Python, so it is not compiled for eager code."""


class _State(threading.local):
    collector: Collector | None = None
    compiling: bool = False
    enabled: bool | None = None


_STATE = _State()


@contextlib.contextmanager
def collecting(compiling: bool) -> Iterator[Collector]:
    """Collect the checks of values that are traced inside the block.

    Args:
        compiling: whether the trace is compiled for eager code, so that it must have no other values than its own.
    """
    outer = _STATE.collector, _STATE.compiling
    _STATE.collector, _STATE.compiling = Collector(), compiling
    try:
        yield _STATE.collector
    finally:
        _STATE.collector, _STATE.compiling = outer


def checks_enabled() -> bool | None:
    """Return the setting of `losses.debug_checks` in this thread; None if there is none."""
    return _STATE.enabled


def enable_checks(enabled: bool | None) -> bool | None:
    """Change the setting of `losses.debug_checks` in this thread, and return the one before."""
    before, _STATE.enabled = _STATE.enabled, enabled
    return before


def check_when_known(check: Check, values: Any) -> None:
    """Run a check of values now if they are known.

    In compiled code it runs only in debug mode, and when the program runs.
    """
    if _STATE.enabled is False:
        return
    if is_tracer(values):
        if not _checked_by_program(check, values) and _STATE.enabled:
            jax.debug.callback(check, values)
        return
    if isinstance(values, jax.Array) and not values.is_fully_addressable:
        return
    check(values)


def is_known(values: Any) -> bool:
    """Return whether an array has values; for Python code that depends on them.

    Raises:
        ValueNeeded: a program is being compiled for eager code, which has the values. It is not compiled then.
    """
    if not is_tracer(values):
        return True
    if _STATE.compiling:
        raise ValueNeeded
    return False


def _checked_by_program(check: Check, values: Any) -> bool:
    return _STATE.collector is not None and _STATE.collector.add(check, values)
