"""Elementwise ops of two arguments.

The result dtypes are those of Tensor's operators: two Tensors are promoted, and a Python number does not widen a
Tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax.core import align, arithmetic, power_of
from sporax.core import true_divide as _true_divide
from sporax.ops._args import as_floating
from sporax.ops._kinds import static_kind
from sporax.ops._op import op
from sporax.ops._table import NUMBERS, First, Second, arrays, binary, operand_kind

Rounding = Annotated[
    Any,
    static_kind(
        lambda value, _, where, name: _check.one_of(value, (None, "floor", "trunc"), name=name, where=f"ops.{where}"),
        'None for the exact quotient, "floor" to round down, "trunc" to round towards zero.',
        "str | None",
        "ArgumentError: an unknown `rounding_mode`.",
    ),
]
Multiple = Annotated[Any, operand_kind()]
"""A factor of the second operand; a Python number stays one."""

_add, _subtract, _multiply = arithmetic(jnp.add), arithmetic(jnp.subtract), arithmetic(jnp.multiply)


def _truncated_quotient(x: jax.Array, y: jax.Array) -> jax.Array:
    quotient = _true_divide(x, y)
    integers = jnp.result_type(x, y)
    if integers.kind in "iub":
        x, y = jnp.asarray(x, integers), jnp.asarray(y, integers)
        floor = jnp.floor_divide(x, y)
        # Towards zero: the floor plus one where the division is not exact and the signs differ.
        return floor + ((floor * y != x) & ((x < 0) != (y < 0))).astype(integers)
    return jnp.trunc(quotient)


def _xlogy(x: jax.Array, y: jax.Array) -> jax.Array:
    x, y = jnp.asarray(x, jnp.result_type(x, y)), jnp.asarray(y, jnp.result_type(x, y))
    # The replaced argument keeps 0 * log(0) out of the derivative too; where log(y) is finite it is the derivative.
    zero = (x == 0) & ~((y > 0) & (y < np.inf))
    return jnp.where(zero, 0, x * jnp.log(jnp.where(zero, 1, y))).astype(jnp.result_type(x, y))


def _xdivy(x: jax.Array, y: jax.Array) -> jax.Array:
    zero = jnp.equal(x, 0) & (jnp.equal(y, 0) | (y != y))
    return jnp.where(zero, 0, jnp.divide(x, jnp.where(zero, 1, y))).astype(jnp.result_type(x, y))


def _div_no_nan(x: jax.Array, y: jax.Array) -> jax.Array:
    zero = jnp.equal(y, 0)
    return jnp.where(zero, 0, jnp.divide(x, jnp.where(zero, 1, y))).astype(jnp.result_type(x, y))


def _mul_no_nan(x: jax.Array, y: jax.Array) -> jax.Array:
    # Where x is finite, the product is 0 anyway, with the derivative x.
    zero = jnp.equal(y, 0) & ~(jnp.abs(x) < np.inf)
    return jnp.where(zero, 0, jnp.multiply(jnp.where(zero, 1, x), y)).astype(jnp.result_type(x, y))


def _gcd_operands(function: Callable[[jax.Array, jax.Array], jax.Array]) -> Callable[[jax.Array, jax.Array], jax.Array]:
    return lambda x, y: function(jnp.asarray(x), jnp.asarray(y))


# fmt: off
# Arithmetic.
add = binary(
    "add", "Elementwise sum.", r"x_i + y_i", jnp.add, ("[1.0, 2.0]", "[3.0, 5.0]"), "[4. 7.]",
    also="ops.tensor_add, ops.Add, ops.TensorAdd", method=False,
)
sub = binary(
    "sub", "Elementwise difference.", r"x_i - y_i", jnp.subtract, ("[1.0, 2.0]", "[3.0, 5.0]"), "[-2. -3.]",
    also="ops.tensor_sub, ops.Sub", method=False, kinds="iufc",
)
mul = binary(
    "mul", "Elementwise product.", r"x_i y_i", jnp.multiply, ("[1.0, 2.0]", "[3.0, 5.0]"), "[ 3. 10.]",
    also="mint.mul, ops.multiply, Tensor.multiply, ops.tensor_mul, ops.Mul",
)
true_divide = binary(
    "true_divide", "Elementwise quotient; integers are divided as float32.", r"x_i / y_i", _true_divide,
    ("[1, 3]", "[2, 2]"), "[0.5 1.5]", arguments="x, y",
)
floor_divide = binary(
    "floor_divide", "Elementwise quotient, rounded down.", r"\lfloor x_i / y_i \rfloor", jnp.floor_divide,
    ("[7, -7]", "[2, 2]"), "[ 3 -4]",
    also="mint.floor_divide, ops.floor_div(x, y), ops.floordiv(x, y), ops.tensor_floordiv(x, y), ops.FloorDiv()(x, y)",
    kinds="biuf",
)
truncate_div = binary(
    "truncate_div", "Elementwise quotient, rounded towards zero.", r"\operatorname{trunc}(x_i / y_i)",
    _truncated_quotient, ("[7, -7]", "[2, 2]"), "[ 3 -3]", also="ops.TruncateDiv", kinds="biuf", arguments="x, y",
    method=False,
)
remainder = binary(
    "remainder", "Remainder of the division that rounds down; it has the sign of the divisor.",
    r"x_i - y_i \lfloor x_i / y_i \rfloor", jnp.remainder, ("[7, -7]", "[3, 3]"), "[1 2]",
    also="mint.remainder, ops.floor_mod(x, y), ops.floormod(x, y), ops.mod(x, y), ops.tensor_mod(x, y), "
    "ops.FloorMod()(x, y)",
    kinds="iuf", keyword="divisor",
)
fmod = binary(
    "fmod", "Remainder of the division that rounds towards zero; it has the sign of the dividend.",
    r"x_i - y_i \operatorname{trunc}(x_i / y_i)", jnp.fmod, ("[7, -7]", "[3, 3]"), "[ 1 -1]",
    also="mint.fmod, ops.Mod, ops.truncate_mod(x, y), ops.TruncateMod()(x, y)", kinds="iuf",
)
maximum = binary(
    "maximum", "Elementwise maximum; NaN propagates.", r"\max(x_i, y_i)", jnp.maximum, ("[1.0, 5.0]", "[3.0, 2.0]"),
    "[3. 5.]", also="mint.maximum, ops.Maximum", kinds="biuf",
)
minimum = binary(
    "minimum", "Elementwise minimum; NaN propagates.", r"\min(x_i, y_i)", jnp.minimum, ("[1.0, 5.0]", "[3.0, 2.0]"),
    "[1. 2.]", also="mint.minimum, ops.Minimum", kinds="biuf",
)
fmax = binary(
    "fmax", "Elementwise maximum; a NaN is ignored where the other element is a number.", r"\max(x_i, y_i)", jnp.fmax,
    ("[1.0, float('nan')]", "[3.0, 2.0]"), "[3. 2.]", also="ops.Fmax", kinds="biuf",
)
fmin = binary(
    "fmin", "Elementwise minimum; a NaN is ignored where the other element is a number.", r"\min(x_i, y_i)", jnp.fmin,
    ("[1.0, float('nan')]", "[3.0, 2.0]"), "[1. 2.]", also="ops.Fmin", kinds="biuf",
)
squared_difference = binary(
    "squared_difference", "Elementwise squared difference.", r"(x_i - y_i)^2",
    lambda x, y: jnp.square(jnp.subtract(x, y)), ("[1.0, 2.0]", "[3.0, 5.0]"), "[4. 9.]", also="ops.SquaredDifference",
    kinds="iufc", arguments="x, y", method=False,
)
div_no_nan = binary(
    "div_no_nan", "Elementwise quotient; 0 where the divisor is 0.", r"x_i / y_i", _div_no_nan,
    ("[1.0, 2.0]", "[0.0, 4.0]"), "[0.  0.5]", also="ops.DivNoNan", result="float", arguments="x, y", method=False,
)
mul_no_nan = binary(
    "mul_no_nan", "Elementwise product; 0 where `y` is 0, even if `x` is infinite or NaN.", r"x_i y_i", _mul_no_nan,
    ("[float('inf'), 2.0]", "[0.0, 4.0]"), "[0. 8.]", also="ops.MulNoNan", arguments="x, y", method=False,
)

# Powers, logarithms and special functions.
pow = binary(
    "pow", "Elementwise power; an integer to a float power gives float32.", r"x_i^{y_i}", power_of,
    ("[1.0, 2.0, 3.0]", "[2.0, 2.0, 0.5]"), "[1.        4.        1.7320508]",
    also="mint.pow, ops.pows, ops.tensor_pow, ops.Pow", arguments="input, exponent",
)
atan2 = binary(
    "atan2", "Angle of the point (y_i, x_i) in radians, in the correct quadrant.", r"\operatorname{atan2}(x_i, y_i)",
    jnp.arctan2, ("[0.0, 1.0]", "[1.0, 0.0]"), "[0.        1.5707964]",
    also="mint.arctan2, mint.atan2, ops.arctan2, Tensor.arctan2, ops.Atan2", result="float", kinds="biuf",
)
hypot = binary(
    "hypot", "Length of the hypotenuse of a right triangle, without intermediate overflow.", r"\sqrt{x_i^2 + y_i^2}",
    jnp.hypot, ("[3.0]", "[4.0]"), "[5.]", also="ops.Hypot", result="float", kinds="biuf",
)
logaddexp = binary(
    "logaddexp", "Logarithm of the sum of exponentials, without overflow.", r"\ln(e^{x_i} + e^{y_i})", jnp.logaddexp,
    ("[0.0]", "[0.0]"), "[0.6931]", also="mint.logaddexp", rounded=True, result="float",
)
logaddexp2 = binary(
    "logaddexp2", "Base-2 logarithm of the sum of powers of 2, without overflow.", r"\log_2(2^{x_i} + 2^{y_i})",
    jnp.logaddexp2, ("[3.0]", "[3.0]"), "[4.]", also="mint.logaddexp2", result="float",
)
xlogy = binary(
    "xlogy", "Product of the first and the logarithm of the second; 0 where the first is 0.", r"x_i \ln y_i", _xlogy,
    ("[0.0, 2.0]", "[0.0, 1.0]"), "[0. 0.]", also="mint.xlogy, ops.Xlogy", result="float",
)
xdivy = binary(
    "xdivy", "Elementwise quotient; 0 where the dividend is 0.", r"x_i / y_i", _xdivy, ("[0.0, 2.0]", "[0.0, 4.0]"),
    "[0.  0.5]", also="ops.Xdivy", result="float", arguments="x, y",
)
copysign = binary(
    "copysign", "Absolute value of the first with the sign of the second.", r"|x_i| \operatorname{sgn}(y_i)",
    jnp.copysign, ("[1.0, 2.0]", "[-3.0, 4.0]"), "[-1.  2.]", result="float", kinds="biuf", arguments="x, other",
)
heaviside = binary(
    "heaviside", "Heaviside step function; `other` is its value at 0.", r"[x_i > 0] + y_i [x_i = 0]", jnp.heaviside,
    ("[-1.0, 0.0, 2.0]", "[0.5, 0.5, 0.5]"), "[0.  0.5 1. ]", also="ops.Heaviside", result="float", kinds="biuf",
    method=False,
)
nextafter = binary(
    "nextafter", "Next representable number after the first, towards the second.",
    r"\operatorname{nextafter}(x_i, y_i)", jnp.nextafter, ("[0.0]", "[1.0]"), "[1.e-45]", also="ops.NextAfter",
    result="float", kinds="f",
)
ldexp = binary(
    "ldexp", "Product of the first and 2 to the power of the second.", r"x_i \, 2^{y_i}",
    lambda x, y: jnp.multiply(x, jnp.exp2(as_floating(y))), ("[1.0, 3.0]", "[2, 3]"), "[ 4. 24.]", arguments="x, other",
)
igamma = binary(
    "igamma", "Regularized lower incomplete gamma function.", r"P(x_i, y_i)", jax.lax.igamma, ("[1.0]", "[0.0]"),
    "[0.]", also="ops.Igamma", result="float", kinds="f",
)
igammac = binary(
    "igammac", "Regularized upper incomplete gamma function.", r"1 - P(x_i, y_i)", jax.lax.igammac, ("[1.0]", "[0.0]"),
    "[1.]", also="ops.Igammac", result="float", kinds="f",
)
zeta = binary(
    "zeta", "Hurwitz zeta function.", r"\sum_k (k + y_i)^{-x_i}", jax.lax.zeta, ("[2.0]", "[1.0]"), "[1.6449]",
    also="ops.Zeta", rounded=True, result="float", kinds="f", method=False,
)
gcd = binary(
    "gcd", "Greatest common divisor.", r"\gcd(x_i, y_i)", _gcd_operands(jnp.gcd), ("[12, 7]", "[18, 21]"), "[6 7]",
    also="mint.gcd, ops.Gcd", kinds="iu",
)
lcm = binary(
    "lcm", "Least common multiple.", r"\operatorname{lcm}(x_i, y_i)", _gcd_operands(jnp.lcm), ("[4, 6]", "[6, 9]"),
    "[12 18]", also="ops.Lcm", kinds="iu",
)
# fmt: on


@op(
    "ops.div(input, other, *, rounding_mode=None)",
    "ops.divide(input, other, *, rounding_mode=None)",
    "ops.tensor_div(input, other, *, rounding_mode=None)",
    "mint.div(input, other, *, rounding_mode=None)",
    "mint.divide(input, other, *, rounding_mode=None)",
    "Tensor.div(self, other, *, rounding_mode=None)",
    "Tensor.divide(self, other, *, rounding_mode=None)",
    "ops.Div()(input, other, *, rounding_mode=None)",
    "ops.RealDiv()(input, other, *, rounding_mode=None)",
)
def div(x: First, y: Second, rounding_mode: Rounding) -> jax.Array:
    r"""Elementwise quotient.

    .. math:: x_i / y_i

    Returns:
        Tensor of the broadcast shape, of the promoted dtype; without rounding, integers give float32.

    Examples:
        >>> print(ops.div(Tensor([7, -7]), 2))
        [ 3.5 -3.5]
        >>> print(ops.div(Tensor([7, -7]), 2, rounding_mode="trunc"))
        [ 3 -3]
    """
    x, y = arrays(x, y)
    if rounding_mode is None:
        return _true_divide(x, y)
    x, y = align(x, y)
    return jnp.floor_divide(x, y) if rounding_mode == "floor" else _truncated_quotient(x, y)


@op(
    "ops.float_power(input, exponent)",
    "mint.float_power(input, exponent)",
    "Tensor.float_power(self, exponent)",
)
def float_power(x: First, exponent: Second) -> jax.Array:
    r"""Elementwise power, computed in float64.

    .. math:: x_i^{y_i}

    Returns:
        float64 Tensor of the broadcast shape; complex128 for a complex operand.

    Examples:
        >>> print(ops.float_power(Tensor([2, 3]), Tensor([3, 2])))
        [8. 9.]
    """
    operands = [np.asarray(each) if isinstance(each, NUMBERS) else each for each in arrays(x, exponent)]
    dtype = jnp.promote_types(np.float64, jnp.result_type(*operands))
    return power_of(*(jnp.asarray(each, dtype) for each in operands))


def _multiple(alpha: Any, y: Any) -> Any:
    """`alpha * y`; of two Python numbers a Python number, which does not widen a Tensor."""
    if isinstance(alpha, (int, float)) and not isinstance(alpha, bool) and alpha == 1:
        return y
    if isinstance(alpha, NUMBERS) and isinstance(y, NUMBERS):
        return alpha * y
    return _multiply(*arrays(y, alpha))


@op("Tensor.add(self, other, *, alpha=1)")
def _add_multiple(x: First, y: Second, alpha: Multiple) -> jax.Array:
    """Elementwise sum of this Tensor and `alpha` times another operand; `ops.add` has no `alpha`.

    Args:
        alpha: the factor of `other`.
    """
    return _add(*arrays(x, _multiple(alpha, y)))


@op(
    "ops.subtract(input, other, *, alpha=1)",
    "Tensor.subtract(self, other, *, alpha=1)",
    "Tensor.sub(self, other, *, alpha=1)",
)
def subtract(x: First, y: Second, alpha: Multiple) -> jax.Array:
    r"""Elementwise difference of the input and a multiple of another operand.

    .. math:: x_i - \alpha y_i

    Args:
        alpha: the factor of `other`.

    Returns:
        Tensor of the broadcast shape, of the promoted dtype.

    Examples:
        >>> print(ops.subtract(Tensor([4.0, 5.0]), Tensor([1.0, 2.0]), alpha=3))
        [ 1. -1.]
    """
    return _subtract(*arrays(x, _multiple(alpha, y)))
