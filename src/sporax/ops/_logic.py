"""Comparison, logic and bits of two arguments, element by element."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from sporax.core import arithmetic
from sporax.ops._args import Array
from sporax.ops._base import alias, op, primitive
from sporax.ops._binary import binary, operands

# fmt: off
# --- comparison ----------------------------------------------------------------------------------------
eq = binary(
    "eq", "Where the two are equal.", r"x_i = y_i", jnp.equal, ("[1, 2]", "[1, 3]"), "[ True False]",
    result="bool",
)
ne = binary(
    "ne", "Where the two differ.", r"x_i \ne y_i", jnp.not_equal, ("[1, 2]", "[1, 3]"), "[False  True]",
    result="bool",
)
gt = binary(
    "gt", "Where the first is greater.", r"x_i > y_i", jnp.greater, ("[1, 4]", "[1, 3]"), "[False  True]",
    result="bool", kinds="biuf",
)
ge = binary(
    "ge", "Where the first is greater or equal.", r"x_i \ge y_i", jnp.greater_equal, ("[1, 2]", "[1, 3]"),
    "[ True False]", result="bool", kinds="biuf",
)
lt = binary(
    "lt", "Where the first is less.", r"x_i < y_i", jnp.less, ("[1, 2]", "[1, 3]"), "[False  True]",
    result="bool", kinds="biuf",
)
le = binary(
    "le", "Where the first is less or equal.", r"x_i \le y_i", jnp.less_equal, ("[1, 4]", "[1, 3]"),
    "[ True False]", result="bool", kinds="biuf",
)

# --- logic and bits ------------------------------------------------------------------------------------
logical_and = binary(
    "logical_and", "And, of each pair's truth.", r"x_i \land y_i", jnp.logical_and,
    ("[True, True]", "[True, False]"), "[ True False]", result="bool", also={"y": "other"},
)
logical_or = binary(
    "logical_or", "Or, of each pair's truth.", r"x_i \lor y_i", jnp.logical_or,
    ("[False, False]", "[True, False]"), "[ True False]", result="bool", also={"y": "other"},
)
logical_xor = binary(
    "logical_xor", "Either, but not both, of each pair's truth.", r"x_i \oplus y_i", jnp.logical_xor,
    ("[True, True]", "[True, False]"), "[False  True]", result="bool",
)
bitwise_and = binary(
    "bitwise_and", "And, bit by bit.", r"x_i \wedge y_i", jnp.bitwise_and, ("[6, 5]", "[3, 4]"), "[2 4]",
    kinds="biu",
)
bitwise_or = binary(
    "bitwise_or", "Or, bit by bit.", r"x_i \vee y_i", jnp.bitwise_or, ("[6, 5]", "[3, 2]"), "[7 7]",
    kinds="biu",
)
bitwise_xor = binary(
    "bitwise_xor", "Either, but not both, bit by bit.", r"x_i \oplus y_i", jnp.bitwise_xor,
    ("[6, 5]", "[3, 4]"), "[5 1]", kinds="biu",
)
bitwise_left_shift = binary(
    "bitwise_left_shift", "The bits moved left by so many places.", r"x_i \, 2^{y_i}", jnp.left_shift,
    ("[1, 3]", "[2, 1]"), "[4 6]", kinds="iu",
)
bitwise_right_shift = binary(
    "bitwise_right_shift", "The bits moved right by so many places; the sign stays.",
    r"\lfloor x_i / 2^{y_i} \rfloor", jnp.right_shift, ("[8, -8]", "[2, 1]"), "[ 2 -4]", kinds="iu",
)
# fmt: on


@op(method=True)
def equal(input: Any, other: Any) -> Array:
    r"""Where the two are equal, element by element.

    .. math:: x_i = y_i

    Args:
        input: Tensor or number.
        other: Tensor or number; broadcasts with `input`.

    Returns:
        Bool Tensor of the broadcast shape.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.equal(Tensor([1, 2]), 1))
        [ True False]

    Source: `ops.equal` of MindSpore.
    """
    x, y = operands(input, other, "equal")
    return arithmetic(jnp.equal)(x, y)


@op(method=True, also={"x2": "other"})
def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    r"""Where the two are equal within a tolerance.

    .. math:: |x_i - y_i| \le \text{atol} + \text{rtol} \, |y_i|

    Args:
        input: Tensor or number.
        other: Tensor or number; broadcasts with `input`.
        rtol: the relative part of the tolerance.
        atol: the absolute part.
        equal_nan: whether NaN equals NaN.

    Returns:
        Bool Tensor of the broadcast shape.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.isclose(Tensor([1.0, 2.0]), Tensor([1.0000001, 2.1])))
        [ True False]

    Source: `ops.isclose` of MindSpore.
    """
    x, y = operands(input, other, "isclose")
    return arithmetic(lambda a, b: jnp.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))(x, y)


@op(method=True)
def approximate_equal(x: Any, y: Any, tolerance: float = 1e-5) -> Array:
    r"""Where the two differ by less than a tolerance.

    .. math:: |x_i - y_i| < \text{tolerance}

    Args:
        x: Tensor or number.
        y: Tensor or number; broadcasts with `x`.
        tolerance: the bound.

    Returns:
        Bool Tensor of the broadcast shape.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.approximate_equal(Tensor([1.0, 2.0]), Tensor([1.000001, 2.1])))
        [ True False]

    Source: `ops.approximate_equal` of MindSpore.
    """
    first, second = operands(x, y, "approximate_equal")
    return jnp.abs(jnp.subtract(first, second)) < tolerance


# --- other names and class forms -----------------------------------------------------------------------
not_equal = alias("not_equal", ne, method=True)
greater = alias("greater", gt, method=True)
greater_equal = alias("greater_equal", ge, method=True)
less = alias("less", lt, method=True)
less_equal = alias("less_equal", le, method=True)
tensor_gt = alias("tensor_gt", gt)
tensor_ge = alias("tensor_ge", ge)
tensor_lt = alias("tensor_lt", lt)
tensor_le = alias("tensor_le", le)
Equal = primitive("Equal", equal)
NotEqual = primitive("NotEqual", ne)
Greater = primitive("Greater", gt)
GreaterEqual = primitive("GreaterEqual", ge)
Less = primitive("Less", lt)
LessEqual = primitive("LessEqual", le)
ApproximateEqual = primitive("ApproximateEqual", approximate_equal, tolerance=1e-5)
IsClose = primitive("IsClose", isclose, rtol=1e-5, atol=1e-8, equal_nan=False)
LogicalAnd = primitive("LogicalAnd", logical_and)
LogicalOr = primitive("LogicalOr", logical_or)
LogicalXor = primitive("LogicalXor", logical_xor)
BitwiseAnd = primitive("BitwiseAnd", bitwise_and)
BitwiseOr = primitive("BitwiseOr", bitwise_or)
BitwiseXor = primitive("BitwiseXor", bitwise_xor)
LeftShift = primitive("LeftShift", bitwise_left_shift)
RightShift = primitive("RightShift", bitwise_right_shift)
