"""Undo the state changes of a Cell call before the forward pass of its gradient repeats the call.

A custom training step computes `loss = net(x)` and then `grad(net, ...)(x)`, which runs `net` again. MindSpore's graph
compiler merges the two forward passes, and in PyNative mode the gradient reuses the first after `set_grad()`. In sporax
the writes of the first call are undone before the second repeats them: moving statistics and counters change once, and
Dropout draws the same mask in both. In a trace this applies to every Cell; otherwise to Cells with `set_grad()`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import jax

from sporax.core import _frames


class _Call:
    """The last call of a Cell that wrote Parameters.

    `start` and `stop` are the lengths of the frame's log before and after the call. Outside of frames, `log` has each
    Parameter with its values before and after.
    """

    __slots__ = ("cell", "leaves", "log", "start", "stop", "structure")

    def __init__(self, cell: Any, inputs: Any, start: int = 0, stop: int = 0, log: Any = ()) -> None:
        self.cell = weakref.ref(cell)
        leaves, self.structure = jax.tree.flatten(inputs)
        # Weak references, so that the call does not keep a batch alive.
        self.leaves = [
            weakref.ref(leaf) if isinstance(leaf, jax.Array) else (lambda leaf=leaf: leaf) for leaf in leaves
        ]
        self.start, self.stop, self.log = start, stop, log

    def is_of(self, cell: Any, inputs: Any) -> bool:
        """Return whether it was the call of this Cell with the same arrays."""
        if self.cell() is not cell:
            return False
        leaves, structure = jax.tree.flatten(inputs)
        before = [leaf() for leaf in self.leaves]
        return structure == self.structure and all(
            a is b or (type(a) is type(b) and isinstance(a, (bool, int, float, str)) and a == b)
            for a, b in zip(leaves, before, strict=True)
        )


def traced(cell: Any, compute: Callable[[], Any], inputs: Any) -> Any:
    """Run a call inside a trace, and record it if it wrote Parameters."""
    frame = _frames.STATE.stack[-1]
    start = len(frame.log)
    output = compute()
    if len(frame.log) > start:
        frame.calls[id(cell)] = _Call(cell, inputs, start, len(frame.log))
    return output


def recorded(cell: Any, compute: Callable[[], Any], inputs: Any) -> Any:
    """Run a call outside of traces, and record it if it wrote Parameters."""
    state = _frames.STATE
    if state.log is not None:
        return compute()
    state.log = []
    try:
        output = compute()
        before = dict(reversed(state.log))
    finally:
        state.log = None
    log = [(parameter, value, parameter._concrete()) for parameter, value in before.items()]
    state.call = _Call(cell, inputs, log=log) if log else None
    return output


def undo_last_call(cell: Any, inputs: Any) -> None:
    """Undo the writes of the previous call of the Cell, if it was the last call and had the same inputs."""
    state = _frames.STATE
    if state.stack:
        frame = state.stack[-1]
        call = frame.calls.pop(id(cell), None)
        if call is not None and call.stop == len(frame.log) and call.is_of(cell, inputs):
            frame.undo(call.start)
        return
    call, state.call = state.call, None
    if call is None or not call.is_of(cell, inputs):
        return
    if all(parameter._concrete() is after for parameter, _, after in call.log):
        for parameter, before, _ in call.log:
            parameter._store(before)
