"""Frames: how the reads and writes of Parameters become inputs and outputs of a pure function.

A frame is active while a function is traced. It binds some Parameters to traced values, logs every write, and
notes every Parameter that was read without being bound. Nothing is ever stored in a Parameter while a frame is
active, so leaving the frame, normally or by an error, needs no repair and no tracer can leak.

- A read is answered by the nearest frame that binds or has written the Parameter. Each *discovering* frame passed
  on the way out learns of it: its trace would otherwise bake the value in as a constant, or keep an outer tracer.
- A write goes to the innermost frame. `transforms` carries it out of the trace as an output and writes it again in
  the frame outside, or into the Parameter itself where no frame is left.
- A guard notes a Python value that steered the trace (`cell.training`, or a Cell's plain attributes by their
  revision), so that a compiled program is reused only while the value is the same. Guards need looking at only when
  the revision of the whole process has moved.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import jax

if TYPE_CHECKING:
    from sporax.core.parameter import Parameter
_MISSING = object()


class Frame:
    """The Parameters of one trace: what is bound, what was written, what was read unbound."""

    __slots__ = ("calls", "created", "discovers", "guards", "lane", "log", "missed", "rebound", "values", "written")

    def __init__(self, bound: dict[Parameter, Any] | None = None, *, discovers: bool, lane: str | None = None) -> None:
        self.values: dict[Parameter, Any] = dict(bound) if bound else {}
        self.discovers = discovers
        self.lane = lane
        self.written: dict[Parameter, None] = {}
        self.missed: dict[Parameter, None] = {}
        self.created: dict[Parameter, None] = {}
        self.guards: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        self.rebound: list[tuple[Any, Any]] = []
        self.log: list[tuple[Parameter, Any]] = []
        self.calls: dict[int, Any] = {}

    def undo(self, start: int) -> None:
        """Take back the writes since the log had `start` entries."""
        while len(self.log) > start:
            parameter, before = self.log.pop()
            if before is _MISSING:
                del self.values[parameter], self.written[parameter]
            else:
                self.values[parameter] = before
        # The calls that wrote what is taken back are no longer in the log.
        self.calls = {key: call for key, call in self.calls.items() if call.stop <= start}

    def rebound_values(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The Tensors that were written in the frame, and the arrays that they hold now."""
        tensors = tuple({id(tensor): tensor for tensor, _ in self.rebound}.values())
        return tensors, tuple(tensor._value for tensor in tensors)

    def written_values(self) -> tuple[tuple[Parameter, ...], tuple[Any, ...]]:
        """The written Parameters in the order of their first write, and their last values."""
        parameters = tuple(self.written)
        return parameters, tuple(self.values[each] for each in parameters)


class _ThreadState(threading.local):
    def __init__(self) -> None:
        self.stack: list[Frame] = []
        self.compute_dtype: Any = None
        self.held: dict[Parameter, None] | None = None
        self.log: list[tuple[Parameter, Any]] | None = None
        """Parameters written outside of frames, with their values before, where a Cell call is to be replayed."""
        self.call: Any = None
        self.backward: dict[Parameter, Any] | None = None
        """In a backward pass of `grad`: what `bprop` and hooks wrote, which the calls of `bprop` that follow read."""


STATE = _ThreadState()


class _Revision:
    """How often a Cell's mode or plain attribute was changed in this process."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


REVISION = _Revision()


@contextmanager
def entered(frame: Frame) -> Iterator[Frame]:
    """Make `frame` the innermost one for the block, and undo rebinding of Tensors when the block ends."""
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
    """The dtype in which floating Parameters are read here, or None for their own."""
    return STATE.compute_dtype


@contextmanager
def computing_in(dtype: Any) -> Iterator[None]:
    """Parameters of floating dtype are read as `dtype` inside the block (`Cell.to_float`)."""
    outer, STATE.compute_dtype = STATE.compute_dtype, dtype
    try:
        yield
    finally:
        STATE.compute_dtype = outer


@contextmanager
def holding_constant() -> Iterator[dict[Parameter, None]]:
    """No gradient flows into Parameters that are read inside the block; yields those that were read."""
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
    """The backward pass of one gradient."""
    outer, STATE.backward = STATE.backward, {}
    try:
        yield
    finally:
        STATE.backward = outer


def read(parameter: Parameter) -> Any:
    """The value of `parameter` here: the nearest frame's, or the one it holds."""
    held = STATE.held
    if held is None:
        return value_of(parameter)
    held[parameter] = None
    return jax.lax.stop_gradient(value_of(parameter))


def value_of(parameter: Parameter) -> Any:
    """What `read` finds, whether it is held constant or not."""
    for frame in reversed(STATE.stack):
        value = frame.values.get(parameter, _MISSING)
        if value is not _MISSING:
            return value
        if frame.discovers:
            frame.missed[parameter] = None
    return parameter._concrete()


def write(parameter: Parameter, value: Any) -> None:
    """Log the new value in the innermost frame, or store it where no frame is active."""
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
        parameter._store(value)


def note_guard(owner: Any, attribute: str, value: Any) -> None:
    """Tell every discovering frame that the trace depends on `owner.attribute` being `value`."""
    for frame in STATE.stack:
        if frame.discovers:
            frame.guards.setdefault((id(owner), attribute), (owner, attribute, value))


def note_creation(parameter: Parameter) -> None:
    """Tell every frame that the Parameter was made inside its trace."""
    for frame in STATE.stack:
        frame.created[parameter] = None


class Identity:
    """An array as the value of a guard: equal to itself only."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.array is self.array

    __hash__ = None  # type: ignore[assignment]


class Constants:
    """The arrays that a program holds as constants.

    `stale` becomes true when a Tensor that held one of them is written, however the program came to read it.
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
"""By the id of an array, which its holders keep alive."""


def note_rebinding(tensor: Any) -> None:
    """Remember the array of a Tensor that is about to be rebound inside a trace."""
    if STATE.stack:
        STATE.stack[-1].rebound.append((tensor, tensor._value))


def rebind(tensor: Any, value: Any) -> None:
    """Let a Tensor hold another array, inside a trace until its end."""
    note_rebinding(tensor)
    if not STATE.stack:
        # A program traced before may hold the old array as a constant.
        REVISION.count += 1
        for holder in tuple(_CONSTANTS.get(id(tensor._value), ())):
            holder.stale = True
    tensor._value = value


def tracing() -> bool:
    """Whether a frame is active in this thread."""
    return bool(STATE.stack)


def lanes() -> list[str]:
    """The axis names of the enclosing vmaps, outermost first."""
    return [frame.lane for frame in STATE.stack if frame.lane is not None]
