"""Activation functions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax.core import next_key
from sporax.ops._args import Array, as_array, as_floating, one_axis
from sporax.ops._base import alias, lifted, op, primitive
from sporax.ops._table import unary


def _relu(x: Array) -> Array:
    # A select and not a maximum: the derivative at 0 is 0, and NaN stays NaN.
    return jnp.where(x <= 0, jnp.zeros_like(x), x)


def _relu6(x: Array) -> Array:
    return jnp.where(x <= 0, jnp.zeros_like(x), jnp.where(x >= 6, jnp.full_like(x, 6), x))


def _hard_sigmoid(x: Array) -> Array:
    return _hard_gate(x).astype(x.dtype)


def _hard_gate(x: Array) -> Array:
    # In float32 at least: half precision would round twice, and 1/6 is the coarse part.
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    inner = wide / 6 + 0.5
    return jnp.where(inner <= 0, jnp.zeros_like(wide), jnp.where(inner >= 1, jnp.ones_like(wide), inner))


def _hard_swish(x: Array) -> Array:
    return (x * _hard_gate(x)).astype(x.dtype)


def _fast_gelu(x: Array) -> Array:
    return x * jax.nn.sigmoid(1.702 * x)


# fmt: off
relu = unary(
    "relu", "The positive part; the derivative at 0 is 0.", r"\max(x_i, 0)", _relu, "[-1.0, 2.0]", "[0. 2.]",
    result="keep", kinds="iuf", method=False,
)
relu6 = unary(
    "relu6", "The positive part, at most 6.", r"\min(\max(x_i, 0), 6)", _relu6, "[-1.0, 2.0, 9.0]",
    "[0. 2. 6.]", result="keep", kinds="iuf", argument="x", method=False,
)
sigmoid = unary(
    "sigmoid", "The logistic function.", r"1 / (1 + e^{-x_i})", jax.nn.sigmoid, "[0.0, 1.0]",
    "[0.5    0.7311]", rounded=True,
)
logsigmoid = unary(
    "logsigmoid", "The logarithm of the logistic function, without overflow.", r"-\ln(1 + e^{-x_i})",
    jax.nn.log_sigmoid, "[0.0, 1.0]", "[-0.6931 -0.3133]", argument="x", method=False, rounded=True,
)
silu = unary(
    "silu", "The sigmoid linear unit, also called swish.", r"x_i / (1 + e^{-x_i})", jax.nn.silu,
    "[-1.0, 2.0]", "[-0.2689  1.7616]", method=False, rounded=True,
)
mish = unary(
    "mish", "Mish (Misra, 2019).", r"x_i \tanh(\ln(1 + e^{x_i}))", jax.nn.mish, "[-1.0, 2.0]",
    "[-0.3034  1.944 ]", argument="x", method=False, rounded=True,
)
hardsigmoid = unary(
    "hardsigmoid", "A piecewise linear sigmoid.", r"\min(\max(x_i / 6 + 1/2, 0), 1)", _hard_sigmoid,
    "[-4.0, 0.0, 1.5]", "[0.   0.5  0.75]", method=False,
)
hardswish = unary(
    "hardswish", "The argument times its hard sigmoid (Howard et al., 2019).",
    r"x_i \min(\max(x_i / 6 + 1/2, 0), 1)", _hard_swish, "[-4.0, 0.0, 3.0]",
    "[-0.  0.  3.]", method=False,
)
softsign = unary(
    "softsign", "A sigmoid with slow tails.", r"x_i / (1 + |x_i|)", jax.nn.soft_sign, "[-1.0, 3.0]",
    "[-0.5   0.75]", argument="x", method=False,
)
tanhshrink = unary(
    "tanhshrink", "The argument less its hyperbolic tangent.", r"x_i - \tanh x_i", lambda x: x - jnp.tanh(x),
    "[0.0, 2.0]", "[0.    1.036]", method=False, rounded=True,
)
fast_gelu = unary(
    "fast_gelu", "A sigmoid approximation of the Gaussian error linear unit.", r"x_i / (1 + e^{-1.702 x_i})",
    _fast_gelu, "[0.0, 2.0]", "[0.     1.9357]", argument="x", method=False, rounded=True,
)
# fmt: on


@op
def gelu(input: Array, approximate: str = "none") -> Array:
    r"""The Gaussian error linear unit.

    .. math:: \tfrac{x_i}{2} \left(1 + \operatorname{erf}\left(x_i / \sqrt 2\right)\right)

    Args:
        input: Tensor of any shape.
        approximate: "none" for the formula above, "tanh" for its approximation with the hyperbolic tangent.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Raises:
        ArgumentError: an unknown `approximate`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.gelu(Tensor([1.0, -0.5])).asnumpy().round(4))
        [ 0.8413 -0.1543]

    Source: Hendrycks and Gimpel, 2016; `ops.gelu` of MindSpore.
    """
    _check.one_of(approximate, ("none", "tanh"), name="approximate", where="ops.gelu")
    return jax.nn.gelu(as_floating(input), approximate=approximate == "tanh")


@op
def leaky_relu(input: Array, alpha: Any = 0.2) -> Array:
    r"""The positive part, and a share of the negative one.

    .. math:: x_i \text{ where } x_i > 0, \; \alpha x_i \text{ else}

    Args:
        input: Tensor of any shape.
        alpha: the slope below 0.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.leaky_relu(Tensor([-1.0, 2.0]), 0.5))
        [-0.5  2. ]

    Source: `ops.leaky_relu` of MindSpore.
    """
    x = as_floating(input)
    return jnp.where(x > 0, x, alpha * x)


def _exponential_unit(x: Array, alpha: Any, scale: Any = 1.0) -> Array:
    # exp of a large positive number would overflow, and its gradient poison the other branch.
    below = jnp.expm1(jnp.where(x > 0, 0, x / scale))
    return jnp.where(x > 0, x, alpha * below)


@op
def elu(input_x: Array, alpha: float = 1.0) -> Array:
    r"""The exponential linear unit.

    .. math:: x_i \text{ where } x_i > 0, \; \alpha (e^{x_i} - 1) \text{ else}

    Args:
        input_x: Tensor of any shape.
        alpha: the depth below 0.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.elu(Tensor([-1.0, 2.0])).asnumpy().round(4))
        [-0.6321  2.    ]

    Source: Clevert et al., 2015; `ops.elu` of MindSpore.
    """
    return _exponential_unit(as_floating(input_x), alpha)


@op
def celu(x: Array, alpha: float = 1.0) -> Array:
    r"""The continuously differentiable exponential linear unit.

    .. math:: x_i \text{ where } x_i > 0, \; \alpha (e^{x_i / \alpha} - 1) \text{ else}

    Args:
        x: Tensor of any shape.
        alpha: the depth below 0; not 0.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Raises:
        ArgumentError: `alpha` is 0.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.celu(Tensor([-1.0, 2.0])).asnumpy().round(4))
        [-0.6321  2.    ]

    Source: Barron, 2017; `ops.celu` of MindSpore.
    """
    if isinstance(alpha, (int, float)) and alpha == 0:
        raise ArgumentError("ops.celu: `alpha` must not be 0: the function divides by it.")
    return _exponential_unit(as_floating(x), alpha, alpha)


@op
def selu(input_x: Array) -> Array:
    r"""The scaled exponential linear unit: it keeps mean 0 and variance 1.

    .. math:: \lambda x_i \text{ where } x_i > 0, \; \lambda \alpha (e^{x_i} - 1) \text{ else}

    with :math:`\lambda = 1.0507\ldots` and :math:`\alpha = 1.6732\ldots`

    Args:
        input_x: Tensor of any shape.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.selu(Tensor([-1.0, 2.0])).asnumpy().round(4))
        [-1.1113  2.1014]

    Source: Klambauer et al., 2017; `ops.selu` of MindSpore.
    """
    return 1.0507009873554805 * _exponential_unit(as_floating(input_x), 1.6732632423543772)


@op
def hardtanh(input: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    r"""The argument, kept between two bounds; the derivative at and beyond them is 0.

    .. math:: \min(\max(x_i, a), b)

    Args:
        input: Tensor of any shape.
        min_val: the lower bound a.
        max_val: the upper bound b.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.hardtanh(Tensor([-2.0, 0.5, 3.0])))
        [-1.   0.5  1. ]

    Source: `ops.hardtanh` of MindSpore.
    """
    x = as_floating(input)
    low, high = jnp.full_like(x, min_val), jnp.full_like(x, max_val)
    return jnp.where(x <= low, low, jnp.where(x >= high, high, x))


@op(method=True)
def hardshrink(input: Array, lambd: float = 0.5) -> Array:
    r"""Small values made 0, the rest as they are.

    .. math:: x_i \text{ where } |x_i| > \lambda, \; 0 \text{ else}

    Args:
        input: Tensor of any shape.
        lambd: the bound.

    Returns:
        Tensor of the same shape and dtype.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.hardshrink(Tensor([-2.0, 0.25, 3.0])))
        [-2.  0.  3.]

    Source: `ops.hardshrink` of MindSpore.
    """
    x = as_array(input)
    return jnp.where(jnp.abs(x) > lambd, x, jnp.where(jnp.isnan(x), x, jnp.zeros_like(x)))


@op
def softshrink(input: Array, lambd: float = 0.5) -> Array:
    r"""Small values made 0, the rest moved towards 0.

    .. math:: \operatorname{sgn}(x_i) \max(|x_i| - \lambda, 0)

    Args:
        input: Tensor of any shape.
        lambd: by how much.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.softshrink(Tensor([-2.0, 0.25, 3.0])))
        [-1.5  0.   2.5]

    Source: `ops.softshrink` of MindSpore.
    """
    x = as_floating(input)
    inside = jnp.where(jnp.isnan(x), x, jnp.zeros_like(x))
    return jnp.where(x > lambd, x - lambd, jnp.where(x < -lambd, x + lambd, inside))


@op
def softplus(input: Array, beta: float = 1, threshold: float = 20) -> Array:
    r"""A smooth positive part.

    .. math:: \tfrac{1}{\beta} \ln(1 + e^{\beta x_i}), \; x_i \text{ where } \beta x_i > \text{threshold}

    Args:
        input: Tensor of any shape.
        beta: how sharp the bend is.
        threshold: above it the function is linear.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.softplus(Tensor([0.0, 30.0])).asnumpy().round(4))
        [ 0.6931 30.    ]

    Source: `ops.softplus` of MindSpore.
    """
    x = as_floating(input)
    return jnp.where(beta * x > threshold, x, jax.nn.softplus(beta * x) / beta)


@op
def threshold(input: Array, thr: float, value: float) -> Array:
    r"""What is above a bound, and a fixed value elsewhere.

    .. math:: x_i \text{ where } x_i > t, \; v \text{ else}

    Args:
        input: Tensor of any shape.
        thr: the bound t.
        value: the value v.

    Returns:
        Tensor of the same shape and dtype.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.threshold(Tensor([1.0, 2.0]), 1.5, 0.0))
        [0. 2.]

    Source: `ops.threshold` of MindSpore.
    """
    x = as_array(input)
    return jnp.where(x > thr, x, jnp.asarray(value, x.dtype))


@op
def prelu(input: Array, weight: Array) -> Array:
    r"""The positive part, and a learned share of the negative one.

    .. math:: x_i \text{ where } x_i > 0, \; w x_i \text{ else}

    Args:
        input: Tensor of shape (N, C, ...), or (C,).
        weight: Tensor of shape (1,) or (C,).

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ShapeError: `weight` is of another shape.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.prelu(Tensor([-1.0, 2.0]), Tensor([0.25])))
        [-0.25  2.  ]

    Source: He et al., 2015; `ops.prelu` of MindSpore.
    """
    x, w = as_floating(input), as_array(weight)
    channels = x.shape[1] if x.ndim > 1 else (x.shape[0] if x.ndim else 1)
    if w.ndim != 1 or w.shape[0] not in (1, channels):
        raise ShapeError(
            f"ops.prelu: `weight` must be of shape (1,) or ({channels},) for an input of shape {x.shape}, "
            f"but got {w.shape}."
        )
    if x.ndim > 1:
        w = w.reshape((1, -1) + (1,) * (x.ndim - 2))
    return jnp.where(x > 0, x, w.astype(x.dtype) * x)


@op
def glu(x: Array, axis: int = -1) -> Array:
    r"""The first half of an axis, gated by the second.

    .. math:: a \, \sigma(b), \quad x = (a, b)

    Args:
        x: Tensor, of even length along the axis.
        axis: the axis.

    Returns:
        Tensor with the axis half as long.

    Raises:
        ArgumentError: the axis is out of range.
        ShapeError: its length is odd.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.glu(Tensor([1.0, 2.0, 0.0, 0.0])))
        [0.5 1. ]

    Source: Dauphin et al., 2016; `ops.glu` of MindSpore.
    """
    first, second = _halves(as_floating(x), axis, "glu")
    return first * jax.nn.sigmoid(second)


def _halves(x: Array, axis: int, where: str, name: str = "axis") -> list[Array]:
    place = one_axis(axis, x, where=where, name=name)
    if not x.shape or x.shape[place] % 2:
        raise ShapeError(f"ops.{where}: axis {place} of shape {x.shape} must be of even length, to be halved.")
    return jnp.split(x, 2, axis=place)


@op
def swiglu(input: Array, dim: int = -1) -> Array:
    r"""The second half of an axis, gated by the swish of the first.

    .. math:: \operatorname{silu}(a) \, b, \quad x = (a, b)

    Args:
        input: Tensor, of even length along the axis.
        dim: the axis.

    Returns:
        Tensor with the axis half as long.

    Raises:
        ArgumentError: the axis is out of range.
        ShapeError: its length is odd.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.swiglu(Tensor([0.0, 0.0, 1.0, 2.0])))
        [0. 0.]

    Source: Shazeer, 2020; `ops.swiglu` of MindSpore.
    """
    first, second = _halves(as_floating(input), dim, "swiglu", "dim")
    return jax.nn.silu(first) * second


@op
def rrelu(input: Array, lower: float = 0.125, upper: float = 1.0 / 3) -> Array:
    r"""The positive part, and a random share of the negative one, drawn for each element.

    .. math:: x_i \text{ where } x_i > 0, \; a_i x_i \text{ else}, \quad a_i \sim U(l, u)

    Args:
        input: Tensor of any shape.
        lower, upper: the bounds l and u, in [0, 1].

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Raises:
        ArgumentError: a bound outside [0, 1], or the two in the wrong order.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.rrelu(Tensor([-4.0, 2.0]), 0.5, 0.5))
        [-2.  2.]

    Source: Xu et al., 2015; `ops.rrelu` of MindSpore.
    """
    _check.number(lower, name="lower", where="ops.rrelu", minimum=0, maximum=1)
    _check.number(upper, name="upper", where="ops.rrelu", minimum=lower, maximum=1)
    x = as_floating(input)
    slope = jax.random.uniform(next_key(), x.shape, x.dtype, minval=lower, maxval=upper)
    return jnp.where(x > 0, x, slope * x)


def _tanh_gelu(x: Array) -> Array:
    """The Gaussian error linear unit, in its approximation with the hyperbolic tangent."""
    return jax.nn.gelu(as_floating(x), approximate=True)


def _plain_softplus(x: Array) -> Array:
    """A smooth positive part: ln(1 + e^x)."""
    return jax.nn.softplus(as_floating(x))


soft_shrink = alias("soft_shrink", softshrink, method=True)

ReLU = primitive("ReLU", relu)
ReLU6 = primitive("ReLU6", relu6)
Sigmoid = primitive("Sigmoid", sigmoid)
SiLU = primitive("SiLU", silu)
Mish = primitive("Mish", mish)
HSigmoid = primitive("HSigmoid", hardsigmoid)
HSwish = primitive("HSwish", hardswish)
HShrink = primitive("HShrink", hardshrink, lambd=0.5)
SoftShrink = primitive("SoftShrink", softshrink, lambd=0.5)
Softplus = primitive("Softplus", lifted(_plain_softplus))
Softsign = primitive("Softsign", softsign)
Elu = primitive("Elu", elu, alpha=1.0)
CeLU = primitive("CeLU", celu, alpha=1.0)
SeLU = primitive("SeLU", selu)
GeLU = primitive("GeLU", lifted(_tanh_gelu))
Gelu = primitive("Gelu", lifted(_tanh_gelu))
FastGeLU = primitive("FastGeLU", fast_gelu)
FastGelu = primitive("FastGelu", fast_gelu)
PReLU = primitive("PReLU", prelu)
GLU = primitive("GLU", glu, axis=-1)
