"""Comparison, logical and bitwise ops of two arguments, elementwise."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax.core import arithmetic, wrap
from sporax.ops._kinds import Flag, plain, static_kind
from sporax.ops._op import op, signature
from sporax.ops._table import First, Second, arrays, binary

Tolerance = Annotated[Any, static_kind(lambda value, *_: plain(value), "a tolerance.", "float")]

# fmt: off
# Comparison.
eq = binary(
    "eq", "Elementwise equality.", r"x_i = y_i", jnp.equal, ("[1, 2]", "[1, 3]"), "[ True False]", also="mint.eq",
    result="bool",
)
equal = binary(
    "equal", "Elementwise equality.", r"x_i = y_i", jnp.equal, ("[1, 2]", "[1, 3]"), "[ True False]", also="ops.Equal",
    result="bool",
)
ne = binary(
    "ne", "Elementwise inequality.", r"x_i \ne y_i", jnp.not_equal, ("[1, 2]", "[1, 3]"), "[False  True]",
    also="mint.ne, mint.not_equal, ops.not_equal, Tensor.not_equal, ops.NotEqual", result="bool",
)
gt = binary(
    "gt", "Whether each element of the first is greater than that of the second.", r"x_i > y_i", jnp.greater,
    ("[1, 4]", "[1, 3]"), "[False  True]",
    also="mint.greater, mint.gt, ops.greater, Tensor.greater, ops.tensor_gt, ops.Greater", result="bool", kinds="biuf",
)
ge = binary(
    "ge", "Whether each element of the first is greater than or equal to that of the second.", r"x_i \ge y_i",
    jnp.greater_equal, ("[1, 2]", "[1, 3]"), "[ True False]",
    also="mint.ge, mint.greater_equal, ops.greater_equal, Tensor.greater_equal, ops.tensor_ge, ops.GreaterEqual",
    result="bool", kinds="biuf",
)
lt = binary(
    "lt", "Whether each element of the first is less than that of the second.", r"x_i < y_i", jnp.less,
    ("[1, 2]", "[1, 3]"), "[False  True]", also="mint.less, mint.lt, ops.less, Tensor.less, ops.tensor_lt, ops.Less",
    result="bool", kinds="biuf",
)
le = binary(
    "le", "Whether each element of the first is less than or equal to that of the second.", r"x_i \le y_i",
    jnp.less_equal, ("[1, 4]", "[1, 3]"), "[ True False]",
    also="mint.le, mint.less_equal, ops.less_equal, Tensor.less_equal, ops.tensor_le, ops.LessEqual", result="bool",
    kinds="biuf",
)

# Logic and bits.
logical_and = binary(
    "logical_and", "Elementwise logical and; a number is true unless it is 0.", r"x_i \land y_i", jnp.logical_and,
    ("[True, True]", "[True, False]"), "[ True False]", also="mint.logical_and, ops.LogicalAnd", result="bool",
    keyword="y",
)
logical_or = binary(
    "logical_or", "Elementwise logical or; a number is true unless it is 0.", r"x_i \lor y_i", jnp.logical_or,
    ("[False, False]", "[True, False]"), "[ True False]", also="mint.logical_or, ops.LogicalOr", result="bool",
    keyword="y",
)
logical_xor = binary(
    "logical_xor", "Elementwise logical exclusive or; a number is true unless it is 0.", r"x_i \oplus y_i",
    jnp.logical_xor, ("[True, True]", "[True, False]"), "[False  True]", also="mint.logical_xor, ops.LogicalXor",
    result="bool",
)
bitwise_and = binary(
    "bitwise_and", "Elementwise bitwise and.", r"x_i \wedge y_i", jnp.bitwise_and, ("[6, 5]", "[3, 4]"), "[2 4]",
    also="mint.bitwise_and, ops.BitwiseAnd", kinds="biu",
)
bitwise_or = binary(
    "bitwise_or", "Elementwise bitwise or.", r"x_i \vee y_i", jnp.bitwise_or, ("[6, 5]", "[3, 2]"), "[7 7]",
    also="mint.bitwise_or, ops.BitwiseOr", kinds="biu",
)
bitwise_xor = binary(
    "bitwise_xor", "Elementwise bitwise exclusive or.", r"x_i \oplus y_i", jnp.bitwise_xor, ("[6, 5]", "[3, 4]"),
    "[5 1]", also="mint.bitwise_xor, ops.BitwiseXor", kinds="biu",
)
bitwise_left_shift = binary(
    "bitwise_left_shift", "Elementwise left shift of the bits.", r"x_i \, 2^{y_i}", jnp.left_shift,
    ("[1, 3]", "[2, 1]"), "[4 6]", also="ops.LeftShift", kinds="iu",
)
bitwise_right_shift = binary(
    "bitwise_right_shift", "Elementwise arithmetic right shift of the bits.", r"\lfloor x_i / 2^{y_i} \rfloor",
    jnp.right_shift, ("[8, -8]", "[2, 1]"), "[ 2 -4]", also="ops.RightShift", kinds="iu",
)
# fmt: on


def _isclose(x: Any, y: Any, rtol: Any, atol: Any, equal_nan: bool) -> jax.Array:
    compare = arithmetic(lambda a, b: jnp.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))
    return compare(*arrays(x, y))


@op(
    "ops.isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False)",
    "mint.isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False)",
    "Tensor.isclose(self, other, rtol=1e-05, atol=1e-08, equal_nan=False)",
    signature("Tensor.isclose(self, x2, rtol=1e-05, atol=1e-08, equal_nan=False)", rename={"x2": "y"}),
    "ops.IsClose(rtol=1e-05, atol=1e-08, equal_nan=False)(input, other)",
)
def isclose(x: First, y: Second, rtol: Tolerance, atol: Tolerance, equal_nan: Flag) -> jax.Array:
    r"""Whether each pair of elements is equal within a tolerance.

    .. math:: |x_i - y_i| \le \text{atol} + \text{rtol} \, |y_i|

    Args:
        rtol: the relative tolerance.
        atol: the absolute tolerance.
        equal_nan: whether NaN equals NaN.

    Returns:
        Bool Tensor of the broadcast shape.

    Examples:
        >>> print(ops.isclose(Tensor([1.0, 2.0]), Tensor([1.0000001, 2.1])))
        [ True False]
    """
    return _isclose(x, y, rtol, atol, equal_nan)


@op("Tensor.allclose(self, other, rtol=1e-05, atol=1e-08, equal_nan=False)")
def _allclose(x: First, y: Second, rtol: Tolerance, atol: Tolerance, equal_nan: Flag) -> bool:
    """Whether all pairs of elements are equal within a tolerance; see `ops.isclose`.

    Args:
        rtol: the relative tolerance.
        atol: the absolute tolerance.
        equal_nan: whether NaN equals NaN.
    """
    return bool(wrap(_isclose(x, y, rtol, atol, equal_nan).all()))


@op(
    "ops.approximate_equal(x, y, tolerance=1e-5)",
    "Tensor.approximate_equal(self, y, tolerance=1e-5)",
    "ops.ApproximateEqual(tolerance=1e-5)(x, y)",
)
def approximate_equal(x: First, y: Second, tolerance: Tolerance) -> jax.Array:
    r"""Whether each pair of elements differs by less than a tolerance.

    .. math:: |x_i - y_i| < \text{tolerance}

    Args:
        tolerance: the bound, exclusive.

    Returns:
        Bool Tensor of the broadcast shape.

    Examples:
        >>> print(ops.approximate_equal(Tensor([1.0, 2.0]), Tensor([1.000001, 2.1])))
        [ True False]
    """
    return jnp.abs(jnp.subtract(*arrays(x, y))) < tolerance
