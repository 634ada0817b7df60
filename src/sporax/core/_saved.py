"""Tensors of the forward pass that code of the backward pass reads: from a hook's closure, or from a Cell.

Their arrays belong to a trace that is over when the backward pass runs, so they are handed to the gradient node, and
the Tensors hold what it gives back while that code runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sporax._jax_compat import is_tracer
from sporax.core.tensor import Tensor


def read_by(function: Callable[..., Any]) -> Iterator[Any]:
    """What a function holds: its closure, its defaults, the object of a method, and the arguments of a partial."""
    holder = getattr(function, "__self__", None)
    yield from getattr(holder, "__dict__", {}).values()
    function = getattr(function, "__func__", function)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue
    yield from getattr(function, "__defaults__", None) or ()
    yield from (getattr(function, "__kwdefaults__", None) or {}).values()
    if hasattr(function, "func") and hasattr(function, "args"):
        yield from function.args
        yield from function.keywords.values()
        yield from read_by(function.func)
    elif not hasattr(function, "__code__"):
        yield from getattr(function, "__dict__", {}).values()


def traced(values: Iterable[Any]) -> tuple[Tensor, ...]:
    """The Tensors among the values, in lists, tuples and dicts too, whose arrays are being traced."""
    found: dict[int, Tensor] = {}
    for value in values:
        each = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)
        for tensor in each:
            if type(tensor) is Tensor and is_tracer(tensor._value):
                found[id(tensor)] = tensor
    return tuple(found.values())


@contextmanager
def holding(tensors: Iterable[Tensor], arrays: Iterable[Any]) -> Iterator[None]:
    """The Tensors hold the arrays inside the block."""
    before = [(tensor, tensor._value) for tensor in tensors]
    for (tensor, _), array in zip(before, arrays, strict=True):
        tensor._value = array
    try:
        yield
    finally:
        for tensor, value in before:
            tensor._value = value
