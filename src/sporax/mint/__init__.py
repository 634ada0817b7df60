"""MindSpore's path `mint`: its losses, and the ops whose meaning and arguments are those of `ops`.

It hands names on. An op that mint has with other arguments, such as `mint.cat(tensors, dim)`, is not here.

    >>> from sporax import mint, Tensor
    >>> print(mint.exp(Tensor([0.0])), mint.nn.functional.l1_loss(Tensor([1.0]), Tensor([3.0])))
    [1.] 2.0
"""

from typing import TYPE_CHECKING

from sporax import ops
from sporax._suggest import missing_from
from sporax.mint import nn as nn
from sporax.ops import ELSEWHERE

_SAME_AS_OPS = [
    "abs", "acos", "acosh", "addcdiv", "addcmul", "arange", "arccos", "arccosh",
    "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan", "atan2", "atanh",
    "bincount", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "broadcast_to", "ceil", "clamp",
    "clip", "cos", "cosh", "cumprod", "div", "divide", "dstack", "eq", "erf",
    "erfc", "erfinv", "exp", "exp2", "expm1", "eye", "flip", "float_power", "floor", "floor_divide", "fmod",
    "full", "full_like", "gcd", "ge", "greater", "greater_equal", "gt", "hstack", "imag", "isclose",
    "isfinite", "isinf", "isneginf", "le", "lerp", "less", "less_equal", "log", "log10", "log1p", "log2",
    "logaddexp", "logaddexp2", "logical_and", "logical_not", "logical_or", "logical_xor", "logsumexp", "lt",
    "masked_select", "maximum", "minimum", "mul", "nan_to_num", "ne", "neg", "negative",
    "nonzero", "not_equal", "ones_like", "polar", "pow", "ravel", "real", "reciprocal", "remainder",
    "roll", "round", "rsqrt", "searchsorted", "sign", "sin", "sinc", "sinh", "square", "swapaxes",
    "take", "tan", "tanh", "tile", "trace", "tril", "triu", "trunc", "unbind", "unsqueeze", "xlogy", "zeros",
    "zeros_like",
]  # fmt: skip
_table = {name: getattr(ops, name) for name in _SAME_AS_OPS} | ELSEWHERE.get("mint", {})
globals().update(_table)

if not TYPE_CHECKING:  # for a type checker: __init__.pyi
    __all__ = sorted([*_table, "nn"])
    __getattr__ = missing_from(__name__)
