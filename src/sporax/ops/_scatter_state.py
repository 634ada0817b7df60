"""Updates of rows or points of a Parameter: they write it, and return its new value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax._errors import ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, Tensor, unwrap
from sporax.ops._args import as_array, check_indices
from sporax.ops._base import primitive
from sporax.ops._docs import document
from sporax.ops._scatter import change, put
from sporax.ops._state import held, stateful, store, stored

_HOW = {
    "update": ("set", "replaced"),
    "add": ("add", "added to"),
    "sub": ("sub", "subtracted from"),
    "mul": ("mul", "multiplied"),
    "div": ("div", "divided"),
    "max": ("max", "raised to at least the updates"),
    "min": ("min", "lowered to at most the updates"),
}


def _rows(name: str, how: str, words: str) -> Callable[..., Any]:
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

    return _named(
        function,
        name,
        f"Rows of a Parameter {words}, by their numbers.",
        {
            "input_x": "the Parameter.",
            "indices": "Tensor of integers: row numbers, of any shape.",
            "updates": "Tensor of shape indices.shape + input_x.shape[1:].",
        },
        "Tensor([1])",
    )


def _points(name: str, how: str, words: str) -> Callable[..., Any]:
    def function(input_x: Parameter, indices: Any, updates: Any, use_locking: bool = False) -> Tensor:
        holder = held(input_x, name, "input_x")
        with x64_scope(True):
            points = as_array(unwrap(indices))
            return store(holder, put(stored(holder), points, unwrap(updates), how, name), name)

    return _named(
        function,
        name,
        f"Elements or slices of a Parameter {words}, at points.",
        {
            "input_x": "the Parameter.",
            "indices": "Tensor of integers of shape (..., k): k coordinates of each point, for the first k axes.",
            "updates": "Tensor of shape indices.shape[:-1] + input_x.shape[k:].",
            "use_locking": "kept for MindSpore code.",
        },
        "Tensor([[1]])",
    )


_RESULTS = {"update": 2, "add": 5, "sub": 1, "mul": 6, "div": 1.5, "max": 3, "min": 2}


def _named(
    function: Callable[..., Any], name: str, summary: str, args: dict[str, str], indices: str
) -> Callable[..., Any]:
    result = float(_RESULTS[name.rsplit("_", 1)[1]])
    text = document(
        summary,
        formula=None,
        args=args,
        returns="Tensor: the Parameter's new value.",
        raises={
            "ShapeError": "the shapes do not fit.",
            "OutOfRangeError": "an index is out of range and its value known; in compiled code it has no effect.",
        },
        example=f"ops.{name}(w, {indices}, Tensor([2.0]))",
        printed=f"[1. {result:g}.]" if result.is_integer() else f"[1.  {result:g}]",
        source=f"`ops.{name}`",
    )
    made = '>>> w = Parameter(Tensor([1.0, 3.0]), name="w")\n    >>> print('
    text = text.replace("import ops, Tensor", "import ops, Parameter, Tensor").replace(">>> print(", made, 1)
    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = text
    return stateful(function)


scatter_update = _rows("scatter_update", *_HOW["update"])
scatter_add = _rows("scatter_add", *_HOW["add"])
scatter_sub = _rows("scatter_sub", *_HOW["sub"])
scatter_mul = _rows("scatter_mul", *_HOW["mul"])
scatter_div = _rows("scatter_div", *_HOW["div"])
scatter_max = _rows("scatter_max", *_HOW["max"])
scatter_min = _rows("scatter_min", *_HOW["min"])

scatter_nd_update = _points("scatter_nd_update", *_HOW["update"])
scatter_nd_add = _points("scatter_nd_add", *_HOW["add"])
scatter_nd_sub = _points("scatter_nd_sub", *_HOW["sub"])
scatter_nd_mul = _points("scatter_nd_mul", *_HOW["mul"])
scatter_nd_div = _points("scatter_nd_div", *_HOW["div"])
scatter_nd_max = _points("scatter_nd_max", *_HOW["max"])
scatter_nd_min = _points("scatter_nd_min", *_HOW["min"])


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
