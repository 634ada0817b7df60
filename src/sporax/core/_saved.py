"""Tensors of the forward pass that code of the backward pass reads from a hook's closure or from a Cell.

Their arrays belong to a trace that has ended when the backward pass runs. So they are inputs of the gradient node, and
the Tensors hold the arrays that it passes on while that code runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sporax._jax_compat import is_tracer


def read_by(function: Callable[..., Any]) -> Iterator[Any]:
    """Yield the values of a function's closure and defaults, of a method's object, and a partial's arguments."""
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


def traced(values: Iterable[Any], kind: type) -> tuple[Any, ...]:
    """Return the Tensors among the values, or in lists, tuples and dicts among them, whose arrays are traced.

    Args:
        values: the values.
        kind: the class `Tensor`, whose file imports this one through `_tensor_hooks`. Subclasses are omitted.
    """
    found: dict[int, Any] = {}
    for value in values:
        each = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)
        for tensor in each:
            if type(tensor) is kind and is_tracer(tensor._value):
                found[id(tensor)] = tensor
    return tuple(found.values())


@contextmanager
def holding(tensors: Iterable[Any], arrays: Iterable[Any]) -> Iterator[None]:
    """Let the Tensors hold the arrays inside the block."""
    before = [(tensor, tensor._value) for tensor in tensors]
    for (tensor, _), array in zip(before, arrays, strict=True):
        tensor._value = array
    try:
        yield
    finally:
        for tensor, value in before:
            tensor._value = value
