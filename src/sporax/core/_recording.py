"""Recorded Tensors: eager values with the node of a tape that computed them.

In eager code inside `grad` and `value_and_grad`, a *tape* records the operators (`transforms/_tape.py`). A Tensor that
depends on a differentiated input then has a `Link`: its array, which is concrete, and the node and output that gave it.
Its slot `_value` is empty, so that only code that knows about tapes computes with it:

- an operator that is `recordable` passes its call to the tape;
- methods that show values (`asnumpy`, `print`, `float`) read the array, `_array`, without a derivative;
- anything else reads `_value`, which raises `LeaveRecording`: the gradient is then computed by tracing.

A Tensor whose tape has ended is a constant.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from sporax.core._frames import STATE

F = TypeVar("F", bound=Callable[..., Any])


class Link:
    """The origin of a recorded Tensor: an output of a node of a tape, and its array."""

    __slots__ = ("array", "index", "node", "tape")

    def __init__(self, array: Any, tape: Any, node: Any, index: int) -> None:
        self.array = array
        self.tape = tape
        self.node = node
        self.index = index


class WeakNumber:
    """A Python number that a recorded program takes as an argument, so that its value is not part of the program."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value


def weak_index(index: Any) -> Any:
    """Return a normalized index whose ints are arguments of a recorded program, so that `x[i]` is one for all i."""
    if type(index) is tuple:
        return tuple(map(weak_index, index))
    return WeakNumber(index) if type(index) is int else index


class LeaveRecording(BaseException):
    """Recording cannot continue: code that is not recordable computes with a recorded value.

    Not an `Exception`, so that `except Exception` of user code does not catch it.
    """

    def __init__(self, tape: Any, reason: str) -> None:
        super().__init__(reason)
        self.tape = tape
        self.reason = reason


def recordable(function: F) -> F:
    """Let an active tape record calls of a function of Tensors as one node."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        tape = STATE.tape
        if tape is None:
            return function(*args, **kwargs)
        return tape.call(function, args, kwargs)

    call.__dict__["is_recordable"] = True
    return call  # pyright: ignore[reportReturnType]


def link_of(tensor: Any) -> Link | None:
    """Return the link of a Tensor that is recorded by a tape in use; None for any other value."""
    # `jax.Array` and other values have no link.
    link = getattr(tensor, "_link", None)
    return None if link is None or link.tape.ended else link


def value_outside(tensor: Any, link: Link) -> Any:
    """Return the array of a Tensor with a link for code that is not recordable.

    Raises:
        LeaveRecording: the tape is in use.
    """
    if not link.tape.ended:
        raise LeaveRecording(link.tape, "code that is not an operator of sporax computes with a recorded Tensor")
    tensor._value = link.array
    tensor._link = None
    return link.array


def set_link(tensor: Any, link: Link) -> None:
    """Make a Tensor recorded."""
    if tensor._link is None:
        del tensor._value
    tensor._link = link
