"""Elementwise ops of one argument."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.core import absolute as _absolute
from sporax.ops import _args
from sporax.ops._kinds import Array, Integer, array_kind, plain, static_kind
from sporax.ops._op import op
from sporax.ops._table import unary

IntegerOrFloat = Annotated[jax.Array, array_kind("iuf", doc="Tensor of any shape, neither bool nor complex.")]
Replacement = Annotated[Any, static_kind(lambda value, *_: plain(value), "a number.", "float | None")]

# fmt: off
# Arithmetic.
abs = unary(
    "abs", "Elementwise absolute value.", r"|x_i|", _absolute, "[-1.0, 2.0]", "[1. 2.]",
    also="mint.abs, ops.absolute, Tensor.absolute, ops.Abs, ops.ComplexAbs", result="keep",
)
neg = unary(
    "neg", "Elementwise negation.", r"-x_i", jnp.negative, "[1.0, -2.0]", "[-1.  2.]",
    also="mint.neg, mint.negative, ops.negative, Tensor.negative, ops.Neg", result="keep",
)
positive = unary(
    "positive", "The input, unchanged; bools are not accepted.", r"x_i", jnp.positive, "[1.0, -2.0]", "[ 1. -2.]",
    result="keep", kinds="iufc",
)
sign = unary(
    "sign", "Elementwise sign: -1, 0 or 1; the derivative is 0.", r"\operatorname{sgn}(x_i)", jnp.sign,
    "[-3.0, 0.0, 2.0]", "[-1.  0.  1.]", also="mint.sign, ops.Sign", result="keep",
)
sgn = unary(
    "sgn", "Elementwise sign; a complex element gives a complex number of the same angle and absolute value 1.",
    r"x_i / |x_i|", jnp.sign, "[-3.0, 0.0, 2.0]", "[-1.  0.  1.]", result="keep",
)
square = unary(
    "square", "Elementwise square.", r"x_i^2", jnp.square, "[1.0, -3.0]", "[1. 9.]", also="mint.square, ops.Square",
    result="keep",
)
sqrt = unary(
    "sqrt", "Elementwise square root.", r"\sqrt{x_i}", jnp.sqrt, "[1.0, 4.0]", "[1. 2.]", also="ops.Sqrt",
    domain="Tensor of any shape; below 0 the result is NaN.", argument="x",
)
rsqrt = unary(
    "rsqrt", "Elementwise reciprocal of the square root.", r"1 / \sqrt{x_i}", jax.lax.rsqrt, "[1.0, 4.0]", "[1.  0.5]",
    also="mint.rsqrt, ops.Rsqrt",
)
reciprocal = unary(
    "reciprocal", "Elementwise reciprocal.", r"1 / x_i", jnp.reciprocal, "[2.0, 4.0]", "[0.5  0.25]",
    also="mint.reciprocal, ops.inv, Tensor.inv, ops.Reciprocal, ops.Inv",
)
deg2rad = unary(
    "deg2rad", "Convert degrees to radians.", r"x_i \pi / 180", jnp.deg2rad, "[0.0, 180.0]", "[0.     3.1416]",
    argument="x", rounded=True,
)
rad2deg = unary(
    "rad2deg", "Convert radians to degrees.", r"x_i \, 180 / \pi", jnp.rad2deg, "[0.0, 3.1415927]", "[  0. 180.]",
    argument="x",
)

# Exponentials and logarithms.
exp = unary(
    "exp", "Elementwise exponential.", r"e^{x_i}", jnp.exp, "[0.0, 1.0]", "[1.     2.7183]",
    also="mint.exp, ops.tensor_exp, ops.Exp", rounded=True,
)
exp2 = unary(
    "exp2", "Elementwise power of 2.", r"2^{x_i}", jnp.exp2, "[0.0, 3.0]", "[1. 8.]", also="mint.exp2", method=False,
)
expm1 = unary(
    "expm1", "Elementwise exponential minus one, accurate near 0.", r"e^{x_i} - 1", jnp.expm1, "[0.0, 1e-8]",
    "[0.e+00 1.e-08]", also="mint.expm1, ops.tensor_expm1, ops.Expm1",
)
log = unary(
    "log", "Elementwise natural logarithm.", r"\ln x_i", jnp.log, "[1.0, 4.0]", "[0.     1.3863]",
    also="mint.log, ops.Log", domain="Tensor of any shape; 0 gives -inf, below 0 NaN.", rounded=True,
)
log1p = unary(
    "log1p", "Elementwise logarithm of one plus the input, accurate near 0.", r"\ln(1 + x_i)", jnp.log1p, "[0.0, 1e-8]",
    "[0.e+00 1.e-08]", also="mint.log1p, ops.Log1p",
)
log2 = unary(
    "log2", "Elementwise logarithm to base 2.", r"\log_2 x_i", jnp.log2, "[1.0, 8.0]", "[0. 3.]", also="mint.log2",
)
log10 = unary(
    "log10", "Elementwise logarithm to base 10.", r"\log_{10} x_i", jnp.log10, "[1.0, 1000.0]", "[0. 3.]",
    also="mint.log10",
)

# Trigonometric and hyperbolic functions.
sin = unary(
    "sin", "Elementwise sine of an angle in radians.", r"\sin x_i", jnp.sin, "[0.0, 1.5707964]", "[0. 1.]",
    also="mint.sin, ops.Sin",
)
cos = unary(
    "cos", "Elementwise cosine of an angle in radians.", r"\cos x_i", jnp.cos, "[0.0, 3.1415927]", "[ 1. -1.]",
    also="mint.cos, ops.Cos",
)
tan = unary(
    "tan", "Elementwise tangent of an angle in radians.", r"\tan x_i", jnp.tan, "[0.0, 0.5]", "[0.     0.5463]",
    also="mint.tan, ops.Tan", rounded=True,
)
asin = unary(
    "asin", "Elementwise inverse sine.", r"\arcsin x_i", jnp.arcsin, "[0.0, 1.0]", "[0.     1.5708]",
    also="mint.asin, ops.arcsin, Tensor.arcsin, ops.Asin",
    domain="Tensor of any shape; outside [-1, 1] the result is NaN.", rounded=True,
)
acos = unary(
    "acos", "Elementwise inverse cosine.", r"\arccos x_i", jnp.arccos, "[1.0, 0.0]", "[0.     1.5708]",
    also="mint.acos, mint.arccos, ops.arccos, Tensor.arccos, ops.ACos",
    domain="Tensor of any shape; outside [-1, 1] the result is NaN.", rounded=True,
)
atan = unary(
    "atan", "Elementwise inverse tangent.", r"\arctan x_i", jnp.arctan, "[0.0, 1.0]", "[0.     0.7854]",
    also="mint.arctan, mint.atan, ops.arctan, Tensor.arctan, ops.Atan", rounded=True,
)
sinh = unary(
    "sinh", "Elementwise hyperbolic sine.", r"\sinh x_i", jnp.sinh, "[0.0, 1.0]", "[0.     1.1752]",
    also="mint.sinh, ops.Sinh", rounded=True,
)
cosh = unary(
    "cosh", "Elementwise hyperbolic cosine.", r"\cosh x_i", jnp.cosh, "[0.0, 1.0]", "[1.     1.5431]",
    also="mint.cosh, ops.Cosh", rounded=True,
)
tanh = unary(
    "tanh", "Elementwise hyperbolic tangent.", r"\tanh x_i", jnp.tanh, "[0.0, 1.0]", "[0.     0.7616]",
    also="mint.tanh, ops.Tanh", rounded=True,
)
asinh = unary(
    "asinh", "Elementwise inverse hyperbolic sine.", r"\operatorname{arsinh} x_i", jnp.arcsinh, "[0.0, 1.0]",
    "[0.     0.8814]", also="mint.arcsinh, mint.asinh, ops.arcsinh, Tensor.arcsinh, ops.Asinh", rounded=True,
)
acosh = unary(
    "acosh", "Elementwise inverse hyperbolic cosine.", r"\operatorname{arcosh} x_i", jnp.arccosh, "[1.0, 2.0]",
    "[0.    1.317]", also="mint.acosh, mint.arccosh, ops.arccosh, Tensor.arccosh, ops.Acosh",
    domain="Tensor of any shape; below 1 the result is NaN.", rounded=True,
)
atanh = unary(
    "atanh", "Elementwise inverse hyperbolic tangent.", r"\operatorname{artanh} x_i", jnp.arctanh, "[0.0, 0.5]",
    "[0.     0.5493]", also="mint.arctanh, mint.atanh, ops.arctanh, Tensor.arctanh, ops.Atanh",
    domain="Tensor of any shape; outside [-1, 1] the result is NaN.", rounded=True,
)
sinc = unary(
    "sinc", "Elementwise normalized sinc function; 1 at 0.", r"\sin(\pi x_i) / (\pi x_i)", jnp.sinc, "[0.0, 0.5]",
    "[1.     0.6366]", also="mint.sinc, ops.Sinc", rounded=True,
)

# Rounding.
floor = unary(
    "floor", "Round down to the nearest integer.", r"\lfloor x_i \rfloor", jnp.floor, "[1.5, -1.5]", "[ 1. -2.]",
    also="mint.floor, ops.Floor", result="keep", kinds="biuf",
)
ceil = unary(
    "ceil", "Round up to the nearest integer.", r"\lceil x_i \rceil", jnp.ceil, "[1.5, -1.5]", "[ 2. -1.]",
    also="mint.ceil, ops.Ceil", result="keep", kinds="biuf",
)
trunc = unary(
    "trunc", "Round towards zero.", r"\operatorname{trunc}(x_i)", jnp.trunc, "[1.5, -1.5]", "[ 1. -1.]",
    also="mint.trunc, ops.Trunc", result="keep", kinds="biuf",
)
frac = unary(
    "frac", "Elementwise fractional part, with the sign of the input.", r"x_i - \operatorname{trunc}(x_i)",
    lambda x: x - jnp.trunc(x), "[1.5, -1.25]", "[ 0.5  -0.25]", argument="x",
)
rint = unary(
    "rint", "Round to the nearest integer; halfway cases round to the even one.", r"\operatorname{rint}(x_i)", jnp.rint,
    "[0.5, 1.5, 2.6]", "[0. 2. 3.]", also="ops.Rint", result="keep", kinds="biuf", method=False,
)

# Predicates.
isnan = unary(
    "isnan", "Whether each element is NaN.", r"x_i \text{ is NaN}", jnp.isnan, "[1.0, float('nan')]", "[False  True]",
    also="ops.IsNan", result="bool",
)
isinf = unary(
    "isinf", "Whether each element is infinite.", r"|x_i| = \infty", jnp.isinf, "[1.0, float('-inf')]", "[False  True]",
    also="mint.isinf, ops.IsInf", result="bool",
)
isposinf = unary(
    "isposinf", "Whether each element is positive infinity.", r"x_i = \infty", jnp.isposinf,
    "[float('inf'), float('-inf')]", "[ True False]", result="bool", kinds="biuf",
)
isneginf = unary(
    "isneginf", "Whether each element is negative infinity.", r"x_i = -\infty", jnp.isneginf,
    "[float('inf'), float('-inf')]", "[False  True]", also="mint.isneginf", result="bool", kinds="biuf",
)
isfinite = unary(
    "isfinite", "Whether each element is neither NaN nor infinite.", r"|x_i| < \infty", jnp.isfinite,
    "[1.0, float('nan')]", "[ True False]", also="mint.isfinite, ops.IsFinite", result="bool",
)
isreal = unary(
    "isreal", "Whether each element has no imaginary part.", r"\Im x_i = 0", jnp.isreal, "[1.0, 2.0]", "[ True  True]",
    result="bool",
)
signbit = unary(
    "signbit", "Whether the sign bit of each element is set; it is for -0.", r"\operatorname{signbit}(x_i)",
    jnp.signbit, "[-0.0, 2.0]", "[ True False]", result="bool", kinds="iuf",
)
logical_not = unary(
    "logical_not", "Elementwise logical not; a number is true unless it is 0.", r"\lnot x_i", jnp.logical_not,
    "[True, False]", "[False  True]", also="mint.logical_not, ops.LogicalNot", result="bool",
)

# Bits.
bitwise_not = unary(
    "bitwise_not", "Elementwise bitwise not; for bools, logical not.", r"\lnot x_i", jnp.invert, "[0, 1]", "[-1 -2]",
    also="mint.bitwise_not, ops.invert(x), Tensor.invert, ops.Invert()(x)", result="keep", kinds="biu",
)
population_count = unary(
    "population_count", "Number of set bits of each element.", r"\operatorname{popcount}(x_i)",
    lambda x: jax.lax.population_count(x).astype(np.uint8), "[7, 8]", "[3 1]", also="ops.PopulationCount",
    result="keep", kinds="iu", argument="input_x", method=False,
)

# Complex numbers.
conj = unary(
    "conj", "Elementwise complex conjugate.", r"\overline{x_i}", jnp.conj, "[1.0, 2.0]", "[1. 2.]", also="ops.Conj",
    result="keep",
)
real = unary(
    "real", "Real part of each element.", r"\Re x_i", jnp.real, "[1.0, 2.0]", "[1. 2.]", also="mint.real, ops.Real",
    result="keep", method=False,
)
imag = unary(
    "imag", "Imaginary part of each element.", r"\Im x_i", jnp.imag, "[1.0, 2.0]", "[0. 0.]",
    also="mint.imag, ops.Imag", result="keep", method=False,
)
angle = unary(
    "angle", "Angle of each element in the complex plane, in radians.", r"\arg x_i", jnp.angle, "[1.0, -2.0]",
    "[0.     3.1416]", also="ops.Angle", rounded=True,
)
# fmt: on


@op(
    "ops.round(input, *, decimals=0)",
    "mint.round(input, *, decimals=0)",
    "Tensor.round(self, *, decimals=0)",
    "ops.Round()(input, *, decimals=0)",
)
def round(x: IntegerOrFloat, decimals: Integer) -> jax.Array:
    r"""Round to a number of decimals; halfway cases round to the even one. The derivative is 0.

    Args:
        decimals: number of digits after the decimal point; a negative one rounds to tens, hundreds and so on.

    Returns:
        Tensor of the same shape and dtype; integers are unchanged for `decimals` ≥ 0.

    Examples:
        >>> print(ops.round(Tensor([0.5, 1.5, 2.6])))
        [0. 2. 3.]
        >>> print(ops.round(Tensor([126.0]), decimals=-1))
        [130.]
    """
    return jnp.round(x, decimals)


@op(
    "ops.nan_to_num(input, nan=None, posinf=None, neginf=None)",
    "mint.nan_to_num(input, nan=None, posinf=None, neginf=None)",
    "Tensor.nan_to_num(self, nan=None, posinf=None, neginf=None)",
    "ops.NanToNum(nan=None, posinf=None, neginf=None)(input)",
)
def nan_to_num(x: Array, nan: Replacement, posinf: Replacement, neginf: Replacement) -> jax.Array:
    r"""Replace NaN and infinities by numbers.

    Args:
        nan: replaces NaN. Default: 0.
        posinf: replaces inf. Default: the largest number of the dtype.
        neginf: replaces -inf. Default: the lowest number of the dtype.

    Returns:
        Tensor of the same shape and dtype.

    Examples:
        >>> print(ops.nan_to_num(Tensor([float("nan"), 1.0, float("inf")]), nan=0.5, posinf=9.0))
        [0.5 1.  9. ]
    """
    return jnp.nan_to_num(x, nan=nan or 0.0, posinf=posinf, neginf=neginf)


@op("ops.is_floating_point(input)", "Tensor.is_floating_point(self)")
def is_floating_point(x: Array) -> bool:
    """Whether the dtype is float16, bfloat16, float32 or float64.

    Returns:
        bool.

    Examples:
        >>> ops.is_floating_point(Tensor([1.0])), ops.is_floating_point(Tensor([1]))
        (True, False)
    """
    return _args.is_floating(x)


@op("ops.is_complex(input)", "Tensor.is_complex(self)")
def is_complex(x: Array) -> bool:
    """Whether the dtype is complex.

    Returns:
        bool.

    Examples:
        >>> ops.is_complex(Tensor([1.0]))
        False
    """
    return x.dtype.kind == "c"
