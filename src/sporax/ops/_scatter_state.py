"""Updates of rows or points of a Parameter: they write it and return its new value."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from sporax._errors import ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, Tensor, unwrap
from sporax.ops._args import as_array, check_indices
from sporax.ops._base import primitive
from sporax.ops._scatter import change, put
from sporax.ops._state import held, stateful, store, stored

_WORDS = {
    "update": ("replaced by", "[1. 2.]"),
    "add": ("increased by", "[1. 5.]"),
    "sub": ("decreased by", "[1. 1.]"),
    "mul": ("multiplied by", "[1. 6.]"),
    "div": ("divided by", "[1.  1.5]"),
    "max": ("replaced by the maximum of themselves and", "[1. 3.]"),
    "min": ("replaced by the minimum of themselves and", "[1. 2.]"),
}
"""The effect of an update on an element, and the result of the example: [1, 3] with the second element updated by 2."""


def _rows(kind: str) -> Callable[..., Any]:
    name, how = f"scatter_{kind}", "set" if kind == "update" else kind

    def function(input_x: Parameter, indices: Any, updates: Any) -> Tensor:
        holder = held(input_x, name, "input_x")
        with x64_scope(True):
            x, numbers, values = stored(holder), as_array(unwrap(indices)), as_array(unwrap(updates))
            check_indices(numbers, x.shape[0], where=name, name="indices")
            expected = numbers.shape + x.shape[1:]
            if values.shape not in ((), expected):
                raise ShapeError(
                    f"ops.{name}: for `input_x` of shape {x.shape} and `indices` of shape {numbers.shape}, `updates` "
                    f"must be of shape {expected}, but is {values.shape}."
                )
            return store(holder, change(x, numbers, values.astype(x.dtype), how), name)

    function.__doc__ = f"""Rows of a Parameter {_WORDS[kind][0]} the updates, by index.

    Args:
        input_x: the Parameter.
        indices: Tensor of integers of any shape: the indices of the rows.
        updates: Tensor of shape indices.shape + input_x.shape[1:].
    {_end_of_document(name, "Tensor([1])", _WORDS[kind][1])}"""
    return _entered(function, name)


def _points(kind: str) -> Callable[..., Any]:
    name, how = f"scatter_nd_{kind}", "set" if kind == "update" else kind

    def function(input_x: Parameter, indices: Any, updates: Any, use_locking: bool = False) -> Tensor:
        holder = held(input_x, name, "input_x")
        with x64_scope(True):
            points = as_array(unwrap(indices))
            return store(holder, put(stored(holder), points, unwrap(updates), how, name), name)

    function.__doc__ = f"""Elements or slices of a Parameter at points {_WORDS[kind][0]} the updates.

    Args:
        input_x: the Parameter.
        indices: Tensor of integers of shape (..., k): the k coordinates of each point, for the first k axes.
        updates: Tensor of shape indices.shape[:-1] + input_x.shape[k:].
        use_locking: accepted for MindSpore code; has no effect.
    {_end_of_document(name, "Tensor([[1]])", _WORDS[kind][1])}"""
    return _entered(function, name)


def _end_of_document(name: str, indices: str, printed: str) -> str:
    """The sections of a docstring after Args."""
    return f"""
    Returns:
        Tensor: the new value of the Parameter.

    Raises:
        ShapeError: the shapes do not fit.
        OutOfRangeError: an index is out of range, where its value is known; in compiled code it has no effect.

    Examples:
        >>> from sporax import ops, Parameter, Tensor
        >>> w = Parameter(Tensor([1.0, 3.0]), name="w")
        >>> print(ops.{name}(w, {indices}, Tensor([2.0])))
        {printed}

    Source: `ops.{name}` of MindSpore.
    """


def _entered(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__module__, function.__doc__ = __name__, inspect.cleandoc(function.__doc__ or "")
    return stateful(function)


scatter_update = _rows("update")
scatter_add = _rows("add")
scatter_sub = _rows("sub")
scatter_mul = _rows("mul")
scatter_div = _rows("div")
scatter_max = _rows("max")
scatter_min = _rows("min")

scatter_nd_update = _points("update")
scatter_nd_add = _points("add")
scatter_nd_sub = _points("sub")
scatter_nd_mul = _points("mul")
scatter_nd_div = _points("div")
scatter_nd_max = _points("max")
scatter_nd_min = _points("min")


def _without_locking(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(input_x: Parameter, indices: Any, updates: Any, use_locking: bool = False) -> Tensor:
        return function(input_x, indices, updates)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


ScatterUpdate = primitive("ScatterUpdate", _without_locking(scatter_update), use_locking=True)
ScatterAdd = primitive("ScatterAdd", _without_locking(scatter_add), use_locking=False)
ScatterSub = primitive("ScatterSub", _without_locking(scatter_sub), use_locking=False)
ScatterMul = primitive("ScatterMul", _without_locking(scatter_mul), use_locking=False)
ScatterDiv = primitive("ScatterDiv", _without_locking(scatter_div), use_locking=False)
ScatterMax = primitive("ScatterMax", _without_locking(scatter_max), use_locking=False)
ScatterMin = primitive("ScatterMin", _without_locking(scatter_min), use_locking=False)
ScatterNdUpdate = primitive("ScatterNdUpdate", scatter_nd_update, use_locking=True)
ScatterNdAdd = primitive("ScatterNdAdd", scatter_nd_add, use_locking=False)
ScatterNdSub = primitive("ScatterNdSub", scatter_nd_sub, use_locking=False)
ScatterNdMul = primitive("ScatterNdMul", scatter_nd_mul, use_locking=False)
ScatterNdDiv = primitive("ScatterNdDiv", scatter_nd_div, use_locking=False)
ScatterNdMax = primitive("ScatterNdMax", scatter_nd_max, use_locking=False)
ScatterNdMin = primitive("ScatterNdMin", scatter_nd_min, use_locking=False)
