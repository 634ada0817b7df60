"""Frames: how the reads and writes of Parameters become inputs and outputs of a pure function.

A frame is active while a function is traced. It binds some Parameters to traced values, logs every write, and records
every Parameter that was read without being bound. Nothing is stored in a Parameter while a frame is active, so no
tracer can leak, even when the trace raises an error.

- A read returns the value of the nearest frame that binds or has written the Parameter. Each *discovering* frame
  inside that one records the Parameter: its trace would otherwise contain the value as a constant, or an outer tracer.
- A write goes to the innermost frame. `transforms` makes it an output of the trace and writes it again in the enclosing
  frame, or in the Parameter where there is none.
- A guard records a Python value on which the trace depends (`cell.training`, or the revision of a Cell's plain
  attributes), so that a compiled program is reused only while the value is the same. Guards are compared only when
  the revision of the process has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet

import jax

_MISSING = object()


class Variable(Protocol):
    """A holder of state that frames bind and write: a Parameter."""

    def _concrete(self) -> Any: ...
    def _store(self, value: Any) -> None: ...


V = TypeVar("V", bound=Variable)


class Frame(Generic[V]):
    """The Parameters of one trace: those bound, those written, and those read without being bound."""

    __slots__ = ("calls", "created", "discovers", "guards", "lane", "log", "missed", "rebound", "values", "written")

    def __init__(self, bound: Mapping[V, Any] | None = None, *, discovers: bool, lane: str | None = None) -> None:
        self.values: dict[V, Any] = dict(bound) if bound else {}
        self.discovers = discovers
        self.lane = lane
        self.written: dict[V, None] = {}
        self.missed: dict[V, None] = {}
        self.created: dict[V, None] = {}
        self.guards: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        self.rebound: list[tuple[Any, Any]] = []
        self.log: list[tuple[V, Any]] = []
        self.calls: dict[int, Any] = {}

    def undo(self, start: int) -> None:
        """Undo the writes since the log had `start` entries."""
        while len(self.log) > start:
            parameter, before = self.log.pop()
            if before is _MISSING:
                del self.values[parameter], self.written[parameter]
            else:
                self.values[parameter] = before
        # The calls whose writes were undone are no longer in the log.
        self.calls = {key: call for key, call in self.calls.items() if call.stop <= start}

    def rebound_values(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the Tensors that were written in the frame, and their current arrays."""
        tensors = tuple({id(tensor): tensor for tensor, _ in self.rebound}.values())
        return tensors, tuple(tensor._array for tensor in tensors)

    def written_values(self) -> tuple[tuple[V, ...], tuple[Any, ...]]:
        """Return the written Parameters in the order of their first write, and their last values."""
        parameters = tuple(self.written)
        return parameters, tuple(self.values[each] for each in parameters)


class _ThreadState(threading.local):
    def __init__(self) -> None:
        self.stack: list[Frame[Any]] = []
        self.compute_dtype: Any = None
        self.held: dict[Variable, None] | None = None
        self.log: list[tuple[Variable, Any]] | None = None
        """Parameters written outside of frames, with their previous values, during a call that may be replayed."""
        self.call: Any = None
        self.backward: dict[Variable, Any] | None = None
        """In a backward pass of `grad`: the values that `bprop` and hooks wrote, which later calls of `bprop` read."""
        self.tape: Any = None
        """The tape that records eager operators; see `_recording.py`."""
        self.recording: Any = None
        """As `tape`, also while the tape is suspended."""


STATE = _ThreadState()


class _Revision:
    """The number of changes of a Cell's mode or plain attributes in this process."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


REVISION = _Revision()


@contextmanager
def entered(frame: Frame[V]) -> Iterator[Frame[V]]:
    """Make `frame` the innermost frame in the block; at its end undo the rebinding of Tensors."""
    STATE.stack.append(frame)
    outer_cast, STATE.compute_dtype = STATE.compute_dtype, None
    outer_held, STATE.held = STATE.held, None
    try:
        yield frame
    finally:
        STATE.compute_dtype = outer_cast
        STATE.held = outer_held
        STATE.stack.pop()
        for tensor, value in reversed(frame.rebound):
            tensor._value = value


def compute_dtype() -> Any:
    """Return the dtype to which floating Parameters are cast when they are read, or None."""
    return STATE.compute_dtype


@contextmanager
def computing_in(dtype: Any) -> Iterator[None]:
    """Read floating Parameters as `dtype` inside the block (`Cell.to_float`)."""
    outer, STATE.compute_dtype = STATE.compute_dtype, dtype
    try:
        yield
    finally:
        STATE.compute_dtype = outer


@contextmanager
def holding_constant() -> Iterator[dict[Any, None]]:
    """Stop gradients at Parameters that are read inside the block; yield those that were read."""
    outer, STATE.held = STATE.held, {}
    inner = STATE.held
    try:
        yield inner
    finally:
        STATE.held = outer
        if outer is not None:
            outer.update(inner)


@contextmanager
def backward_pass() -> Iterator[None]:
    """Context of the backward pass of one gradient."""
    outer, STATE.backward = STATE.backward, {}
    try:
        yield
    finally:
        STATE.backward = outer


def read(parameter: Variable) -> Any:
    """Return the value of `parameter` in the nearest frame, or the stored one; apply `holding_constant`."""
    held = STATE.held
    if held is None:
        return value_of(parameter)
    held[parameter] = None
    return jax.lax.stop_gradient(value_of(parameter))


def value_of(parameter: Variable) -> Any:
    """Return the value of `parameter` in the nearest frame, or the stored one."""
    for frame in reversed(STATE.stack):
        value = frame.values.get(parameter, _MISSING)
        if value is not _MISSING:
            return value
        if frame.discovers:
            frame.missed[parameter] = None
    return parameter._concrete()


def write(parameter: Variable, value: Any) -> None:
    """Log the new value in the innermost frame, or store it if no frame is active."""
    if STATE.backward is not None:
        STATE.backward[parameter] = value
    if STATE.stack:
        frame = STATE.stack[-1]
        frame.log.append((parameter, frame.values.get(parameter, _MISSING)))
        frame.values[parameter] = value
        frame.written[parameter] = None
    else:
        if STATE.log is not None:
            STATE.log.append((parameter, parameter._concrete()))
        if STATE.recording is not None:
            STATE.recording.note_write(parameter)
        parameter._store(value)


def note_guard(owner: Any, attribute: str, value: Any) -> None:
    """Record in every discovering frame that the trace depends on `owner.attribute` being `value`."""
    for frame in STATE.stack:
        if frame.discovers:
            frame.guards.setdefault((id(owner), attribute), (owner, attribute, value))


def note_creation(parameter: Variable) -> None:
    """Record in every frame that the Parameter was created inside its trace."""
    for frame in STATE.stack:
        frame.created[parameter] = None


class Identity:
    """An array as the value of a guard, compared by identity."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.array is self.array

    __hash__ = None  # type: ignore[assignment]


class Constants:
    """The arrays that a program contains as constants.

    `stale` becomes true when a Tensor that held one of them is written.
    """

    __slots__ = ("__weakref__", "_arrays", "stale")

    def __init__(self, arrays: Iterable[Any]) -> None:
        self._arrays = {id(array): array for array in arrays}
        self.stale = False
        for key in self._arrays:
            _CONSTANTS.setdefault(key, WeakSet()).add(self)

    def __del__(self) -> None:
        for key in self._arrays:
            holders = _CONSTANTS.get(key)
            if holders is not None and not holders:
                _CONSTANTS.pop(key, None)


_CONSTANTS: dict[int, WeakSet[Constants]] = {}
"""The holders by the id of an array, which they keep alive."""


def note_rebinding(tensor: Any) -> None:
    """Record the array of a Tensor that is about to be rebound inside a trace."""
    if STATE.stack:
        STATE.stack[-1].rebound.append((tensor, tensor._value))


def rebind(tensor: Any, value: Any) -> None:
    """Replace the array of a Tensor; inside a trace, until its end."""
    note_rebinding(tensor)
    if not STATE.stack:
        # A compiled program may contain the old array as a constant.
        REVISION.count += 1
        for holder in tuple(_CONSTANTS.get(id(tensor._array), ())):
            holder.stale = True
        if STATE.recording is not None:
            STATE.recording.rebind(tensor, value)
            return
    tensor._value = value


def tracing() -> bool:
    """Return whether a frame is active in this thread."""
    return bool(STATE.stack)


def lanes() -> list[str]:
    """Return the axis names of the enclosing vmaps, outermost first."""
    return [frame.lane for frame in STATE.stack if frame.lane is not None]
