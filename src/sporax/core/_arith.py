"""The operators of Tensor as functions of arrays, with MindSpore's result dtypes.

Promotion of scalars: a Python number never widens a Tensor. A Python float with an integer or bool Tensor gives
float32 (JAX with 64-bit dtypes enabled would give float64). A Python int that is out of range of the Tensor's integer
dtype wraps around in sums, products, powers and bitwise operations; other operators use its value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax._errors import DtypeError, ShapeError
from sporax._jax_compat import is_tracer
from sporax.core.dtype import as_dtype

Array = Any


def align(x: Array, y: Array) -> tuple[Array, Array]:
    """Cast the array of a pair of array and Python scalar, as the promotion of scalars requires."""
    if isinstance(y, float):
        return (x.astype(np.float32) if x.dtype.kind in "iub" else x), y
    if isinstance(x, float):
        return x, (y.astype(np.float32) if y.dtype.kind in "iub" else y)
    return x, y


_BOUNDS: dict[Any, tuple[int, int]] = {
    np.dtype(t): (np.iinfo(t).min, np.iinfo(t).max) for t in ("i1", "i2", "i4", "u1", "u2", "u4")
}


def _exceeds(number: Any, array: Array) -> bool:
    """Return whether `number` is a Python int out of range of the integer dtype, of at most 32 bits, of `array`."""
    if not isinstance(number, int) or isinstance(number, bool):
        return False
    bounds = _BOUNDS.get(getattr(array, "dtype", None))
    return bounds is not None and not bounds[0] <= number <= bounds[1]


def _widened(function: Callable[[Array, Array], Array], x: Array, y: Array) -> Array:
    """Compute the function in int64; an integer result is clipped to the range of the array's dtype."""
    dtype = y.dtype if isinstance(x, int) else x.dtype
    result = function(*(each if isinstance(each, int) else each.astype(np.int64) for each in (x, y)))
    return jnp.clip(result, *_BOUNDS[dtype]).astype(dtype) if result.dtype == np.int64 else result


def arithmetic(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """Return a binary operator that applies `function` to operands after the promotion of scalars."""
    wraps = function in _WRAPPING

    def aligned(x: Array, y: Array) -> Array:
        if isinstance(x, float) or isinstance(y, float):
            x, y = align(x, y)
        elif not wraps and (_exceeds(y, x) or _exceeds(x, y)):
            return _widened(function, x, y)
        return function(x, y)

    aligned.__name__ = function.__name__
    aligned.__doc__ = function.__doc__
    return aligned


def summed_wide(x: Array, read: Callable[[Array], Array]) -> Array:
    """Return `read(x)`. The gradient of a half-precision element that is read several times is summed in float32."""
    # Outside of traces nothing is differentiated, and the array is not copied.
    half = is_tracer(x) and x.dtype.kind in "fV" and x.dtype.itemsize < 4
    return read(x.astype(np.float32)).astype(x.dtype) if half else read(x)


def absolute(x: Array) -> Array:
    """|x|, with the derivative sign(x): 0 at 0, as in MindSpore and torch, where that of `jnp.abs` is 1."""
    return x * jnp.sign(x) if x.dtype.kind in "fV" else jnp.abs(x)


def _true_divide(x: Array, y: Array) -> Array:
    integers = (not hasattr(x, "dtype") or x.dtype.kind in "iub") and (not hasattr(y, "dtype") or y.dtype.kind in "iub")
    if integers and not isinstance(x, float) and not isinstance(y, float):
        x = x.astype(np.float32) if hasattr(x, "dtype") else float(x)
        y = y.astype(np.float32) if hasattr(y, "dtype") else float(y)
    return jnp.true_divide(x, y)


def _is_bool(x: Array) -> bool:
    return isinstance(x, bool) or getattr(x, "dtype", None) == np.bool_


def _subtract(x: Array, y: Array) -> Array:
    # As in MindSpore, the difference of bools is their exclusive or.
    return jnp.logical_xor(x, y) if _is_bool(x) and _is_bool(y) else jnp.subtract(x, y)


def _floor_divide(x: Array, y: Array) -> Array:
    quotient = jnp.floor_divide(x, y)
    return quotient.astype(np.bool_) if _is_bool(x) and _is_bool(y) else quotient


def power_of(x: Array, y: Array) -> Array:
    """x ** y, with the derivatives 0 at 0 ** 0, where JAX's formula for an array of exponents gives NaN."""
    # jnp.power makes int32 of a bool raised to a Python int; every other operator makes int64.
    if _is_bool(x) and isinstance(y, int) and not isinstance(y, bool):
        x = x.astype(np.int64)
    kind = getattr(getattr(y, "dtype", None), "kind", "")
    if kind == "i" and (x.dtype.kind if hasattr(x, "dtype") else "i") in "biu" and not isinstance(x, float):
        # As in MindSpore and PyTorch, 1 / x ** -y is truncated to an integer; JAX's repeated squaring is wrong there.
        x = jnp.asarray(x).astype(jnp.result_type(x, y))
        odd = jnp.where(y % 2 == 0, 1, x)
        return jnp.where(y < 0, jnp.where(jnp.abs(x) == 1, odd, 0), jnp.power(x, jnp.maximum(y, 0))).astype(x.dtype)
    if kind not in ("f", "V"):
        return jnp.power(x, y)
    one = (x == 0) & (y == 0)
    return jnp.power(jnp.where(one, 1, x), y)


_WRAPPING = {
    jnp.add, jnp.subtract, jnp.multiply, jnp.power, jnp.bitwise_and, jnp.bitwise_or, jnp.bitwise_xor,
    _subtract, power_of,
}  # fmt: skip

add = arithmetic(jnp.add)
subtract = arithmetic(_subtract)
multiply = arithmetic(jnp.multiply)
true_divide = arithmetic(_true_divide)
floor_divide = arithmetic(_floor_divide)
remainder = arithmetic(jnp.remainder)
power = arithmetic(power_of)
equal = arithmetic(jnp.equal)
not_equal = arithmetic(jnp.not_equal)
less = arithmetic(jnp.less)
less_equal = arithmetic(jnp.less_equal)
greater = arithmetic(jnp.greater)
greater_equal = arithmetic(jnp.greater_equal)


_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@",
    "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip


def explained(name: str, left: Any, right: Any, error: TypeError) -> Exception:
    """Return the error to raise for a TypeError of JAX, about the shapes or the dtypes."""
    shapes, symbol = (np.shape(left), np.shape(right)), _SYMBOLS[name]
    if name == "matmul":
        if () in shapes or shapes[0][-1] != shapes[1][-2 if len(shapes[1]) > 1 else 0]:
            return ShapeError(
                f"Tensor {symbol} Tensor: shapes {shapes[0]} and {shapes[1]} do not match. The last axis of the left "
                "operand must have the size of the second-to-last axis of the right operand."
            )
        shapes = (shapes[0][:-2], shapes[1][:-2])
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return ShapeError(
            f"Tensor {symbol} Tensor: shapes {shapes[0]} and {shapes[1]} do not broadcast. Aligned from the right, the "
            "sizes of each axis must be equal, or one of them must be 1."
        )
    kinds = [str(as_dtype(x.dtype)) if hasattr(x, "dtype") else repr(x) for x in (left, right)]
    return DtypeError(f"Tensor {symbol} Tensor does not accept {kinds[0]} and {kinds[1]}: {error}")
