"""Suggested fixes for non-finite numbers, by the operation whose singular point caused them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Singular(NamedTuple):
    """An operation evaluated where its value or its derivative is not finite.

    Args:
        operation: its name in JAX.
        place: `file:line`.
        made_by: the operation that produced its first operand.
        ancestors: names of all operations that its operands depend on.
        infinite: whether its value there is not finite, not only its derivative.
    """

    operation: str
    place: str
    made_by: str
    ancestors: frozenset[str]
    infinite: bool


def _any(test: Callable[..., Any]) -> Callable[[Sequence[np.ndarray]], bool]:
    return lambda operands: bool(np.any(test(*operands)))


_POINTS: dict[str, Callable[[Sequence[np.ndarray]], bool]] = {
    "sqrt": _any(lambda x: x <= 0),
    "rsqrt": _any(lambda x: x <= 0),
    "cbrt": _any(lambda x: x == 0),
    "log": _any(lambda x: x <= 0),
    "log1p": _any(lambda x: x <= -1),
    "div": _any(lambda x, y: y == 0),
    "rem": _any(lambda x, y: y == 0),
    "pow": _any(lambda x, y: (x < 0) | ((x == 0) & (y < 1))),
    "acos": _any(lambda x: np.abs(x) >= 1),
    "asin": _any(lambda x: np.abs(x) >= 1),
    "atanh": _any(lambda x: np.abs(x) >= 1),
    "acosh": _any(lambda x: x <= 1),
    "atan2": _any(lambda y, x: (y == 0) & (x == 0)),
    "erf_inv": _any(lambda x: np.abs(x) >= 1),
    "lgamma": _any(lambda x: (x <= 0) & (x == np.floor(x))),
    "digamma": _any(lambda x: (x <= 0) & (x == np.floor(x))),
}
_OVERFLOWING = {"exp", "exp2", "expm1", "sinh", "cosh", "mul", "add", "integer_pow", "square", "reduce_sum"}


def is_singular(name: str, operands: Sequence[Any], results: Sequence[Any]) -> bool:
    """Whether an operation with these operands is at a singular point or overflows."""
    if name not in _POINTS and name not in _OVERFLOWING:
        return False
    try:
        arrays = [np.asarray(operand, np.float64) for operand in operands]
    except (TypeError, ValueError):
        return False
    with np.errstate(all="ignore"):
        if name in _POINTS:
            return _POINTS[name](arrays)
        infinite = any(np.isinf(np.asarray(result, np.float64)).any() for result in results)
        return infinite and all(np.isfinite(array).all() for array in arrays)


_LOGITS = (
    "use ops.log_softmax, ops.logsigmoid, ops.logsumexp, or a loss on logits, in place of log(softmax(x)), "
    "log(sigmoid(x)) or exp."
)
_LOG = (
    "take no logarithm of 0: clip inside it, as ops.log(ops.clamp(p, 1e-7)), and for y * log(p) at y = 0 use "
    "ops.xlogy(y, p)."
)
_ABSOLUTE = "sqrt(x ** 2) has no derivative at 0: use ops.abs(x)."
_NORM = (
    "a norm has no gradient at the zero vector: with s the sum of squares, take "
    "ops.where(s > 0, ops.sqrt(ops.where(s > 0, s, 1)), 0), or ops.sqrt(s + eps)."
)
_SQRT = (
    "the derivative of sqrt is infinite at 0: take ops.sqrt(ops.where(x > 0, x, 1)) and choose the result by ops.where "
    "afterwards, or ops.sqrt(x + eps)."
)
_DIVISION = (
    "the denominator is 0: divide by ops.where(d == 0, 1, d) and choose the result by ops.where afterwards, or add "
    "eps to it."
)
OVER_NOTHING = (
    "a sum or mean over no elements divides 0 by 0: divide by ops.clamp(count, 1), or return "
    "self.get_loss(values, weights)."
)
NO_MAXIMUM = "a maximum or minimum over no elements is infinite: take ops.where(mask.any(), result, 0)."
_POWER = "the derivative of x ** a is infinite at x = 0 for a < 1: use ops.clamp(x, eps) ** a."
_ARC = (
    "the derivative of {name} is infinite at 1 and -1: clamp to [-1 + eps, 1 - eps], or compute the angle with "
    "ops.atan2, whose derivative stays finite."
)
_ATAN2 = "atan2 has no derivative at (0, 0): replace the operands there by ops.where before the call."
_EXPONENT = (
    "the exponential overflows: subtract the maximum first, or use ops.log_softmax, ops.logsumexp, ops.softplus or "
    "ops.logsigmoid."
)
_OVERFLOW = "the result is larger than the dtype holds: compute in float32, and scale before squaring or multiplying."
_GAMMA = "the gamma function has poles at 0 and the negative integers: keep the argument above 0 by ops.clamp(x, eps)."
_INVERSE = "the argument is at the end of the domain of {name}: clamp it to the inside by eps."
_SELECTED = (
    "ops.where chooses the result, but 0 times the infinite derivative of the other branch is NaN: choose a harmless "
    "operand by ops.where before the operation too. "
)


def advice(singular: Singular | None, *, finite_value: bool = False, default: str = "") -> str:
    """Return the suggested fix.

    Args:
        singular: the operation that caused the number; None if it is not known.
        finite_value: whether the value of the loss is finite, so that only the gradient is not.
        default: the fix if the operation is not known.
    """
    if singular is None:
        return default
    text = _of(singular) or default
    # The value of the operation is infinite and that of the loss is not: a selection removed it.
    return _SELECTED + text if finite_value and singular.infinite else text


def _of(singular: Singular) -> str:
    name = singular.operation
    exponential = bool(singular.ancestors & {"exp", "logistic"})
    match name:
        case "sqrt" | "rsqrt" if singular.made_by in ("square", "integer_pow"):
            return _ABSOLUTE
        case "sqrt" | "rsqrt" if singular.made_by in ("reduce_sum", "dot_general"):
            return _NORM
        case "sqrt" | "rsqrt" | "cbrt":
            return _SQRT
        case "log" | "log1p":
            return _LOGITS if exponential else _LOG
        case "div" | "rem":
            return _LOGITS if exponential else _DIVISION
        case "pow":
            return _POWER
        case "acos" | "asin" | "atanh":
            return _ARC.format(name=name)
        case "acosh" | "erf_inv":
            return _INVERSE.format(name=name)
        case "atan2":
            return _ATAN2
        case "lgamma" | "digamma":
            return _GAMMA
        case "exp" | "exp2" | "expm1" | "sinh" | "cosh":
            return _EXPONENT
        case "mul" | "add" | "integer_pow" | "square" | "reduce_sum":
            return _OVERFLOW
        case _:
            return ""
