"""Elementwise operators of two arguments: one table row each.

Dtypes follow the operators of Tensor: two Tensors promote to the wider kind, and a Python number widens none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax.core import align, arithmetic, power_of
from sporax.core import true_divide as _true_divide
from sporax.ops._args import Array, as_array, as_floating, check_broadcast, check_kind
from sporax.ops._base import alias, op, op_from, primitive
from sporax.ops._docs import document

_SCALARS = (bool, int, float, complex)
_RESULTS = {
    "same": "Tensor of the broadcast shape, of the promoted dtype.",
    "float": "Tensor of the broadcast shape, of the promoted dtype; integers give float32.",
    "bool": "Bool Tensor of the broadcast shape.",
}


def operands(x: Any, y: Any, where: str, kinds: str | None = None) -> tuple[Array, Array]:
    """Both sides ready for JAX: at least one an array, the other may stay a Python number.

    Raises:
        ShapeError: the shapes do not broadcast.
        DtypeError: an array is of none of `kinds`.
    """
    first = x if isinstance(x, _SCALARS) else as_array(x)
    second = y if isinstance(y, _SCALARS) else as_array(y)
    if isinstance(first, _SCALARS) and isinstance(second, _SCALARS):
        first, second = as_array(first), as_array(second)
    if not isinstance(first, _SCALARS) and not isinstance(second, _SCALARS) and first.shape != second.shape:
        check_broadcast(where, first, second)
    if kinds is not None:
        for name, side in (("input", first), ("other", second)):
            if not isinstance(side, _SCALARS):
                check_kind(side, kinds, where=where, name=name)
    return first, second


def scaled(value: Any, factor: Any, where: str) -> Any:
    """`factor * value`; of two Python numbers a Python number, which widens no Tensor."""
    if isinstance(value, _SCALARS) and isinstance(factor, _SCALARS):
        return factor * value
    return arithmetic(jnp.multiply)(*operands(value, factor, where))


def _operation(
    name: str, function: Callable[[Array, Array], Array], result: str, kinds: str | None
) -> Callable[[Any, Any], Array]:
    aligned = arithmetic(function)

    def compute(x: Any, y: Any) -> Array:
        x, y = operands(x, y, name, kinds)
        if result == "float":
            x, y = _in_floats(x, y)
        return aligned(x, y)

    return compute


def _in_floats(x: Array, y: Array) -> tuple[Array, Array]:
    # A number beside an array stays a number, so that it does not widen a half-precision one.
    if isinstance(x, _SCALARS):
        return float(x) if not isinstance(x, complex) else x, as_floating(y)
    if isinstance(y, _SCALARS):
        return as_floating(x), float(y) if not isinstance(y, complex) else y
    return as_floating(x), as_floating(y)


def binary(
    name: str,
    summary: str,
    formula: str,
    function: Callable[[Array, Array], Array],
    example: tuple[str, str],
    printed: str,
    *,
    result: str = "same",
    kinds: str | None = None,
    names: tuple[str, str] = ("input", "other"),
    method: bool = True,
    also: dict[str, str] | None = None,
    rounded: bool = False,
) -> Callable[..., Any]:
    """Make an elementwise op of two arguments.

    Args:
        name: the op's name.
        summary, formula: for its docstring; the formula in x_i and y_i.
        function: what it computes on JAX arrays.
        example, printed: the two arguments of the docstring's example, and what printing its result shows.
        result: "same" for the promoted dtype, "float" to compute integers in float32, "bool" for a predicate.
        kinds: NumPy kinds of dtype that it takes; None for all.
        names: the arguments' names: ("input", "other"), ("x", "y") or ("x", "other").
        method: whether Tensor has it too.
        also: other names that the method's arguments answer to.
        rounded: show four decimals in the example, where the last digits differ between machines.
    """
    compute = _operation(name, function, result, kinds)

    if names == ("x", "y"):

        def implementation(x: Array, y: Array) -> Array:  # pyright: ignore[reportRedeclaration]
            return compute(x, y)
    elif names == ("x", "other"):

        def implementation(x: Array, other: Array) -> Array:  # pyright: ignore[reportRedeclaration]
            return compute(x, other)
    else:

        def implementation(input: Array, other: Array) -> Array:
            return compute(input, other)

    implementation.__name__ = implementation.__qualname__ = name
    implementation.__module__ = __name__
    raises = {"ShapeError": "the shapes do not broadcast."}
    if kinds is not None:
        raises["DtypeError"] = "a dtype that it does not take."
    implementation.__doc__ = document(
        summary,
        formula=formula,
        args={names[0]: "Tensor or number.", names[1]: f"Tensor or number; broadcasts with `{names[0]}`."},
        returns=_RESULTS[result],
        raises=raises,
        example=f"ops.{name}(Tensor({example[0]}), Tensor({example[1]}))" + (".asnumpy().round(4)" if rounded else ""),
        printed=printed,
        source=f"`ops.{name}`",
    )
    return op_from(implementation, method=method, also=also)


def _truncated_quotient(x: Array, y: Array) -> Array:
    quotient = _true_divide(x, y)
    integers = jnp.result_type(x, y)
    if integers.kind in "iub":
        x, y = jnp.asarray(x, integers), jnp.asarray(y, integers)
        floor = jnp.floor_divide(x, y)
        # Towards zero: one above the floor where the division is not exact and the signs differ.
        return floor + ((floor * y != x) & ((x < 0) != (y < 0))).astype(integers)
    return jnp.trunc(quotient)


def _xlogy(x: Array, y: Array) -> Array:
    x, y = jnp.asarray(x, jnp.result_type(x, y)), jnp.asarray(y, jnp.result_type(x, y))
    # The safe argument keeps 0 * log(0) out of the derivative as well; where log(y) is finite it is the derivative.
    zero = (x == 0) & ~((y > 0) & (y < np.inf))
    return jnp.where(zero, 0, x * jnp.log(jnp.where(zero, 1, y))).astype(jnp.result_type(x, y))


def _xdivy(x: Array, y: Array) -> Array:
    zero = jnp.equal(x, 0) & (jnp.equal(y, 0) | (y != y))
    return jnp.where(zero, 0, jnp.divide(x, jnp.where(zero, 1, y))).astype(jnp.result_type(x, y))


def _div_no_nan(x: Array, y: Array) -> Array:
    zero = jnp.equal(y, 0)
    return jnp.where(zero, 0, jnp.divide(x, jnp.where(zero, 1, y))).astype(jnp.result_type(x, y))


def _mul_no_nan(x: Array, y: Array) -> Array:
    # Where x is finite the product is 0 by itself, with the derivative x.
    zero = jnp.equal(y, 0) & ~(jnp.abs(x) < np.inf)
    return jnp.where(zero, 0, jnp.multiply(jnp.where(zero, 1, x), y)).astype(jnp.result_type(x, y))


def _gcd_operands(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda x, y: function(jnp.asarray(x), jnp.asarray(y))


# fmt: off
# --- arithmetic ----------------------------------------------------------------------------------------
add = binary(
    "add", "The sum, element by element.", r"x_i + y_i", jnp.add, ("[1.0, 2.0]", "[3.0, 5.0]"), "[4. 7.]",
    method=False,
)
sub = binary(
    "sub", "The difference, element by element.", r"x_i - y_i", jnp.subtract, ("[1.0, 2.0]", "[3.0, 5.0]"),
    "[-2. -3.]", method=False, kinds="iufc",
)
mul = binary(
    "mul", "The product, element by element.", r"x_i y_i", jnp.multiply, ("[1.0, 2.0]", "[3.0, 5.0]"),
    "[ 3. 10.]",
)
true_divide = binary(
    "true_divide", "The quotient, element by element; integers are divided as float32.", r"x_i / y_i",
    _true_divide, ("[1, 3]", "[2, 2]"), "[0.5 1.5]", names=("x", "y"),
)
floor_divide = binary(
    "floor_divide", "The quotient, rounded down.", r"\lfloor x_i / y_i \rfloor", jnp.floor_divide,
    ("[7, -7]", "[2, 2]"), "[ 3 -4]", kinds="biuf",
)
floor_div = binary(
    "floor_div", "The quotient, rounded down.", r"\lfloor x_i / y_i \rfloor", jnp.floor_divide,
    ("[7, -7]", "[2, 2]"), "[ 3 -4]", kinds="biuf", names=("x", "y"), method=False,
)
truncate_div = binary(
    "truncate_div", "The quotient, rounded towards zero.", r"\operatorname{trunc}(x_i / y_i)",
    _truncated_quotient, ("[7, -7]", "[2, 2]"), "[ 3 -3]", kinds="biuf", names=("x", "y"), method=False,
)
remainder = binary(
    "remainder", "The remainder of the division rounded down; it has the divisor's sign.",
    r"x_i - y_i \lfloor x_i / y_i \rfloor", jnp.remainder, ("[7, -7]", "[3, 3]"), "[1 2]", kinds="iuf",
    also={"divisor": "other"},
)
floor_mod = binary(
    "floor_mod", "The remainder of the division rounded down; it has the divisor's sign.",
    r"x_i - y_i \lfloor x_i / y_i \rfloor", jnp.remainder, ("[7, -7]", "[3, 3]"), "[1 2]", kinds="iuf",
    names=("x", "y"), method=False,
)
fmod = binary(
    "fmod", "The remainder of the division rounded towards zero; it has the dividend's sign.",
    r"x_i - y_i \operatorname{trunc}(x_i / y_i)", jnp.fmod, ("[7, -7]", "[3, 3]"), "[ 1 -1]", kinds="iuf",
)
truncate_mod = binary(
    "truncate_mod", "The remainder of the division rounded towards zero; it has the dividend's sign.",
    r"x_i - y_i \operatorname{trunc}(x_i / y_i)", jnp.fmod, ("[7, -7]", "[3, 3]"), "[ 1 -1]", kinds="iuf",
    names=("x", "y"), method=False,
)
maximum = binary(
    "maximum", "The larger one, element by element; NaN wins.", r"\max(x_i, y_i)", jnp.maximum,
    ("[1.0, 5.0]", "[3.0, 2.0]"), "[3. 5.]", kinds="biuf",
)
minimum = binary(
    "minimum", "The smaller one, element by element; NaN wins.", r"\min(x_i, y_i)", jnp.minimum,
    ("[1.0, 5.0]", "[3.0, 2.0]"), "[1. 2.]", kinds="biuf",
)
fmax = binary(
    "fmax", "The larger one, element by element; a number wins over NaN.", r"\max(x_i, y_i)", jnp.fmax,
    ("[1.0, float('nan')]", "[3.0, 2.0]"), "[3. 2.]", kinds="biuf",
)
fmin = binary(
    "fmin", "The smaller one, element by element; a number wins over NaN.", r"\min(x_i, y_i)", jnp.fmin,
    ("[1.0, float('nan')]", "[3.0, 2.0]"), "[1. 2.]", kinds="biuf",
)
squared_difference = binary(
    "squared_difference", "The squared difference, element by element.", r"(x_i - y_i)^2",
    lambda x, y: jnp.square(jnp.subtract(x, y)), ("[1.0, 2.0]", "[3.0, 5.0]"), "[4. 9.]", kinds="iufc",
    names=("x", "y"), method=False,
)
div_no_nan = binary(
    "div_no_nan", "The quotient; 0 where the divisor is 0.", r"x_i / y_i", _div_no_nan,
    ("[1.0, 2.0]", "[0.0, 4.0]"), "[0.  0.5]", result="float", names=("x", "y"), method=False,
)
mul_no_nan = binary(
    "mul_no_nan", "The product; 0 where `y` is 0, even if `x` is infinite or NaN.", r"x_i y_i", _mul_no_nan,
    ("[float('inf'), 2.0]", "[0.0, 4.0]"), "[0. 8.]", result="same", names=("x", "y"), method=False,
)

# --- transcendental ------------------------------------------------------------------------------------
atan2 = binary(
    "atan2", "The angle of the point (y_i, x_i) with the positive axis, in radians, its quadrant kept.",
    r"\operatorname{atan2}(x_i, y_i)", jnp.arctan2, ("[0.0, 1.0]", "[1.0, 0.0]"), "[0.        1.5707964]",
    result="float", kinds="biuf",
)
hypot = binary(
    "hypot", "The length of the hypotenuse, without overflow between.", r"\sqrt{x_i^2 + y_i^2}", jnp.hypot,
    ("[3.0]", "[4.0]"), "[5.]", result="float", kinds="biuf",
)
logaddexp = binary(
    "logaddexp", "The logarithm of the sum of exponentials, without overflow.", r"\ln(e^{x_i} + e^{y_i})",
    jnp.logaddexp, ("[0.0]", "[0.0]"), "[0.6931]", rounded=True, result="float",
)
logaddexp2 = binary(
    "logaddexp2", "The base-2 logarithm of the sum of powers of 2, without overflow.",
    r"\log_2(2^{x_i} + 2^{y_i})", jnp.logaddexp2, ("[3.0]", "[3.0]"), "[4.]", result="float",
)
xlogy = binary(
    "xlogy", "The product with the logarithm; 0 where the first is 0.", r"x_i \ln y_i", _xlogy,
    ("[0.0, 2.0]", "[0.0, 1.0]"), "[0. 0.]", result="float",
)
xdivy = binary(
    "xdivy", "The quotient; 0 where the first is 0.", r"x_i / y_i", _xdivy, ("[0.0, 2.0]", "[0.0, 4.0]"),
    "[0.  0.5]", result="float", names=("x", "y"),
)
copysign = binary(
    "copysign", "The magnitude of the first with the sign of the second.", r"|x_i| \operatorname{sgn}(y_i)",
    jnp.copysign, ("[1.0, 2.0]", "[-3.0, 4.0]"), "[-1.  2.]", result="float", kinds="biuf",
    names=("x", "other"),
)
heaviside = binary(
    "heaviside", "The unit step; `other` is its value at 0.", r"[x_i > 0] + y_i [x_i = 0]", jnp.heaviside,
    ("[-1.0, 0.0, 2.0]", "[0.5, 0.5, 0.5]"), "[0.  0.5 1. ]", result="float", kinds="biuf", method=False,
)
nextafter = binary(
    "nextafter", "The next representable number, in the direction of the second.",
    r"\operatorname{nextafter}(x_i, y_i)", jnp.nextafter, ("[0.0]", "[1.0]"), "[1.e-45]", result="float",
    kinds="f",
)
ldexp = binary(
    "ldexp", "The first times a power of 2.", r"x_i \, 2^{y_i}",
    lambda x, y: jnp.multiply(x, jnp.exp2(as_floating(y))), ("[1.0, 3.0]", "[2, 3]"), "[ 4. 24.]",
    names=("x", "other"),
)
igamma = binary(
    "igamma", "The regularised lower incomplete gamma function.", r"P(x_i, y_i)", jax.lax.igamma,
    ("[1.0]", "[0.0]"), "[0.]", result="float", kinds="f",
)
igammac = binary(
    "igammac", "The regularised upper incomplete gamma function.", r"1 - P(x_i, y_i)", jax.lax.igammac,
    ("[1.0]", "[0.0]"), "[1.]", result="float", kinds="f",
)
zeta = binary(
    "zeta", "The Hurwitz zeta function.", r"\sum_k (k + y_i)^{-x_i}", jax.lax.zeta,
    ("[2.0]", "[1.0]"), "[1.6449]", rounded=True, result="float", kinds="f", method=False,
)
gcd = binary(
    "gcd", "The greatest common divisor.", r"\gcd(x_i, y_i)", _gcd_operands(jnp.gcd), ("[12, 7]", "[18, 21]"),
    "[6 7]", kinds="iu",
)
lcm = binary(
    "lcm", "The least common multiple.", r"\operatorname{lcm}(x_i, y_i)", _gcd_operands(jnp.lcm),
    ("[4, 6]", "[6, 9]"), "[12 18]", kinds="iu",
)

# fmt: on


@op(method=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Array:
    r"""The quotient, element by element.

    .. math:: x_i / y_i

    Args:
        input: Tensor or number.
        other: Tensor or number; broadcasts with `input`.
        rounding_mode: None to keep the fraction, "floor" to round down, "trunc" to round towards zero.

    Returns:
        Tensor of the broadcast shape, of the promoted dtype; integers give float32 with no rounding.

    Raises:
        ShapeError: the shapes do not broadcast.
        ArgumentError: an unknown `rounding_mode`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.div(Tensor([7, -7]), 2))
        [ 3.5 -3.5]
        >>> print(ops.div(Tensor([7, -7]), 2, rounding_mode="trunc"))
        [ 3 -3]

    Source: `ops.div` of MindSpore.
    """
    _check.one_of(rounding_mode, (None, "floor", "trunc"), name="rounding_mode", where="ops.div")
    x, y = operands(input, other, "div")
    if rounding_mode is None:
        return _true_divide(x, y) if not isinstance(y, float) else arithmetic(_true_divide)(x, y)
    x, y = align(x, y) if isinstance(x, float) or isinstance(y, float) else (x, y)
    return jnp.floor_divide(x, y) if rounding_mode == "floor" else _truncated_quotient(x, y)


@op(method=True)
def pow(input: Any, exponent: Any) -> Array:
    r"""Each element to a power.

    .. math:: x_i^{y_i}

    Args:
        input: Tensor or number.
        exponent: Tensor or number; broadcasts with `input`.

    Returns:
        Tensor of the broadcast shape, of the promoted dtype; ints to a float power give float32.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.pow(Tensor([1.0, 2.0, 3.0]), 2))
        [1. 4. 9.]

    Source: `ops.pow` of MindSpore.
    """
    x, y = operands(input, exponent, "pow")
    return arithmetic(power_of)(x, y)


@op(method=True)
def float_power(input: Any, exponent: Any) -> Array:
    r"""Each element to a power, computed in float64.

    .. math:: x_i^{y_i}

    Args:
        input: Tensor or number.
        exponent: Tensor or number; broadcasts with `input`.

    Returns:
        float64 Tensor of the broadcast shape; complex128 where a complex one takes part.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.float_power(Tensor([2, 3]), Tensor([3, 2])))
        [8. 9.]

    Source: `ops.float_power` of MindSpore.
    """
    sides = [
        np.asarray(each) if isinstance(each, _SCALARS) else each for each in operands(input, exponent, "float_power")
    ]
    dtype = jnp.promote_types(np.float64, jnp.result_type(*sides))
    return power_of(*(jnp.asarray(each, dtype) for each in sides))


@op
def subtract(input: Any, other: Any, *, alpha: Any = 1) -> Array:
    r"""The difference to a multiple, element by element.

    .. math:: x_i - \alpha y_i

    Args:
        input, other: Tensors that broadcast, one of them perhaps a number.
        alpha: number, the factor of `other`.

    Returns:
        Tensor of the broadcast shape, of the promoted dtype.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.subtract(Tensor([4.0, 5.0]), Tensor([1.0, 2.0]), alpha=3))
        [ 1. -1.]

    Source: `ops.subtract` of MindSpore.
    """
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or alpha != 1:
        other = scaled(other, alpha, "subtract")
    return arithmetic(jnp.subtract)(*operands(input, other, "subtract"))


# --- other names and class forms -----------------------------------------------------------------------
multiply = alias("multiply", mul, method=True)
divide = alias("divide", div, method=True)
floormod = alias("floormod", floor_mod)
floordiv = alias("floordiv", floor_div)
mod = alias("mod", floor_mod)
arctan2 = alias("arctan2", atan2, method=True)
pows = alias("pows", pow)
tensor_add = alias("tensor_add", add)
tensor_sub = alias("tensor_sub", sub)
tensor_mul = alias("tensor_mul", mul)
tensor_div = alias("tensor_div", div)
tensor_floordiv = alias("tensor_floordiv", floor_div)
tensor_mod = alias("tensor_mod", floor_mod)
tensor_pow = alias("tensor_pow", pow)

Add = primitive("Add", add)
TensorAdd = primitive("TensorAdd", add)
Sub = primitive("Sub", sub)
Mul = primitive("Mul", mul)
Div = primitive("Div", div)
RealDiv = primitive("RealDiv", div)
FloorDiv = primitive("FloorDiv", floor_div)
TruncateDiv = primitive("TruncateDiv", truncate_div)
Mod = primitive("Mod", fmod)
FloorMod = primitive("FloorMod", floor_mod)
TruncateMod = primitive("TruncateMod", truncate_mod)
Pow = primitive("Pow", pow)
Maximum = primitive("Maximum", maximum)
Minimum = primitive("Minimum", minimum)
Fmax = primitive("Fmax", fmax)
Fmin = primitive("Fmin", fmin)
SquaredDifference = primitive("SquaredDifference", squared_difference)
DivNoNan = primitive("DivNoNan", div_no_nan)
MulNoNan = primitive("MulNoNan", mul_no_nan)
Atan2 = primitive("Atan2", atan2)
Hypot = primitive("Hypot", hypot)
Xlogy = primitive("Xlogy", xlogy)
Xdivy = primitive("Xdivy", xdivy)
Heaviside = primitive("Heaviside", heaviside)
NextAfter = primitive("NextAfter", nextafter)
Igamma = primitive("Igamma", igamma)
Igammac = primitive("Igammac", igammac)
Zeta = primitive("Zeta", zeta)
Gcd = primitive("Gcd", gcd)
Lcm = primitive("Lcm", lcm)
