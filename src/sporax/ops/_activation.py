"""Activation functions."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax.core import next_key
from sporax.ops._kinds import Array, Axis, Floating, Operand, choice_kind, value_kind
from sporax.ops._op import op, signature
from sporax.ops._table import unary

Bound = Annotated[float, value_kind("float")]


def _relu(x: jax.Array) -> jax.Array:
    # A select and not a maximum: the derivative at 0 is 0, and NaN stays NaN.
    return jnp.where(x <= 0, jnp.zeros_like(x), x)


def _relu6(x: jax.Array) -> jax.Array:
    return jnp.where(x <= 0, jnp.zeros_like(x), jnp.where(x >= 6, jnp.full_like(x, 6), x))


def _hard_gate(x: jax.Array) -> jax.Array:
    # At least in float32: half precision would round twice, and 1/6 is inaccurate in half precision.
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    inner = wide / 6 + 0.5
    return jnp.where(inner <= 0, jnp.zeros_like(wide), jnp.where(inner >= 1, jnp.ones_like(wide), inner))


# fmt: off
relu = unary(
    "relu", "Rectified linear unit; the derivative at 0 is 0.", r"\max(x_i, 0)", _relu, "[-1.0, 2.0]", "[0. 2.]",
    also="ops.ReLU", result="keep", kinds="iuf", method=False,
)
relu6 = unary(
    "relu6", "Rectified linear unit, at most 6.", r"\min(\max(x_i, 0), 6)", _relu6, "[-1.0, 2.0, 9.0]", "[0. 2. 6.]",
    also="ops.ReLU6", result="keep", kinds="iuf", argument="x", method=False,
)
sigmoid = unary(
    "sigmoid", "Logistic function.", r"1 / (1 + e^{-x_i})", jax.nn.sigmoid, "[0.0, 1.0]", "[0.5    0.7311]",
    also="mint.sigmoid, mint.nn.functional.sigmoid, ops.Sigmoid", rounded=True,
)
logsigmoid = unary(
    "logsigmoid", "Logarithm of the logistic function, without overflow.", r"-\ln(1 + e^{-x_i})", jax.nn.log_sigmoid,
    "[0.0, 1.0]", "[-0.6931 -0.3133]", argument="x", method=False, rounded=True,
)
silu = unary(
    "silu", "Sigmoid linear unit, also called swish.", r"x_i / (1 + e^{-x_i})", jax.nn.silu, "[-1.0, 2.0]",
    "[-0.2689  1.7616]", also="ops.SiLU", method=False, rounded=True,
)
mish = unary(
    "mish", "Mish (Misra, 2019): the input times the hyperbolic tangent of its softplus.",
    r"x_i \tanh(\ln(1 + e^{x_i}))", jax.nn.mish, "[-1.0, 2.0]", "[-0.3034  1.944 ]", also="ops.Mish", argument="x",
    method=False, rounded=True,
)
hardsigmoid = unary(
    "hardsigmoid", "Piecewise linear approximation of the logistic function.", r"\min(\max(x_i / 6 + 1/2, 0), 1)",
    lambda x: _hard_gate(x).astype(x.dtype), "[-4.0, 0.0, 1.5]", "[0.   0.5  0.75]",
    also="mint.nn.functional.hardsigmoid, ops.HSigmoid", method=False,
)
hardswish = unary(
    "hardswish", "Input times its hard sigmoid (Howard et al., 2019).", r"x_i \min(\max(x_i / 6 + 1/2, 0), 1)",
    lambda x: (x * _hard_gate(x)).astype(x.dtype), "[-4.0, 0.0, 3.0]", "[-0.  0.  3.]",
    also="mint.nn.functional.hardswish, ops.HSwish", method=False,
)
softsign = unary(
    "softsign", "Softsign: a sigmoid with slowly decaying tails.", r"x_i / (1 + |x_i|)", jax.nn.soft_sign,
    "[-1.0, 3.0]", "[-0.5   0.75]", also="ops.Softsign", argument="x", method=False,
)
tanhshrink = unary(
    "tanhshrink", "Input minus its hyperbolic tangent.", r"x_i - \tanh x_i", lambda x: x - jnp.tanh(x), "[0.0, 2.0]",
    "[0.    1.036]", method=False, rounded=True,
)
fast_gelu = unary(
    "fast_gelu", "Sigmoid approximation of the Gaussian error linear unit.", r"x_i / (1 + e^{-1.702 x_i})",
    lambda x: x * jax.nn.sigmoid(1.702 * x), "[0.0, 2.0]", "[0.     1.9357]", also="ops.FastGeLU, ops.FastGelu",
    argument="x", method=False, rounded=True,
)
# fmt: on


@op(
    'ops.gelu(input, approximate="none")',
    signature("ops.GeLU()(x)", approximate="tanh"),
    signature("ops.Gelu()(x)", approximate="tanh"),
)
def gelu(x: Floating, approximate: Annotated[str, choice_kind("none", "tanh")]) -> jax.Array:
    r"""Gaussian error linear unit. The class form computes its approximation with the hyperbolic tangent.

    .. math:: \tfrac{x_i}{2} \left(1 + \operatorname{erf}\left(x_i / \sqrt 2\right)\right)

    Args:
        approximate: "none" for the formula above, "tanh" for its approximation with the hyperbolic tangent.

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Examples:
        >>> print(ops.gelu(Tensor([1.0, -0.5])).asnumpy().round(4))
        [ 0.8413 -0.1543]

    Source: Hendrycks and Gimpel, 2016; `ops.gelu` of MindSpore.
    """
    return jax.nn.gelu(x, approximate=approximate == "tanh")


@op("ops.leaky_relu(input, alpha=0.2)")
def leaky_relu(x: Floating, alpha: Operand) -> jax.Array:
    r"""Leaky rectified linear unit.

    .. math:: x_i \text{ where } x_i > 0, \; \alpha x_i \text{ else}

    Args:
        alpha: the derivative below 0.

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Examples:
        >>> print(ops.leaky_relu(Tensor([-1.0, 2.0]), 0.5))
        [-0.5  2. ]
    """
    return jnp.where(x > 0, x, alpha * x)


def _exponential_unit(x: jax.Array, alpha: Any, scale: Any = 1.0) -> jax.Array:
    # exp of a large positive number would overflow, and make the gradient of the other branch NaN.
    below = jnp.expm1(jnp.where(x > 0, 0, x / scale))
    return jnp.where(x > 0, x, alpha * below)


@op("ops.elu(input_x, alpha=1.0)", "ops.Elu(alpha=1.0)(input_x)")
def elu(x: Floating, alpha: Operand) -> jax.Array:
    r"""Exponential linear unit.

    .. math:: x_i \text{ where } x_i > 0, \; \alpha (e^{x_i} - 1) \text{ else}

    Args:
        alpha: the negative of the limit at minus infinity.

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Examples:
        >>> print(ops.elu(Tensor([-1.0, 2.0])).asnumpy().round(4))
        [-0.6321  2.    ]

    Source: Clevert et al., 2015; `ops.elu` of MindSpore.
    """
    return _exponential_unit(x, alpha)


@op("ops.celu(x, alpha=1.0)", "ops.CeLU(alpha=1.0)(x)")
def celu(x: Floating, alpha: Operand) -> jax.Array:
    r"""Continuously differentiable exponential linear unit.

    .. math:: x_i \text{ where } x_i > 0, \; \alpha (e^{x_i / \alpha} - 1) \text{ else}

    Args:
        alpha: the negative of the limit at minus infinity; not 0.

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Raises:
        ArgumentError: `alpha` is 0.

    Examples:
        >>> print(ops.celu(Tensor([-1.0, 2.0])).asnumpy().round(4))
        [-0.6321  2.    ]

    Source: Barron, 2017; `ops.celu` of MindSpore.
    """
    if isinstance(alpha, (int, float)) and alpha == 0:
        raise ArgumentError("ops.celu: `alpha` must not be 0: the function divides by it.")
    return _exponential_unit(x, alpha, alpha)


@op("ops.selu(input_x)", "ops.SeLU()(input_x)")
def selu(x: Floating) -> jax.Array:
    r"""Scaled exponential linear unit, which preserves mean 0 and variance 1.

    .. math:: \lambda x_i \text{ where } x_i > 0, \; \lambda \alpha (e^{x_i} - 1) \text{ else}

    with :math:`\lambda = 1.0507\ldots` and :math:`\alpha = 1.6732\ldots`

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Examples:
        >>> print(ops.selu(Tensor([-1.0, 2.0])).asnumpy().round(4))
        [-1.1113  2.1014]

    Source: Klambauer et al., 2017; `ops.selu` of MindSpore.
    """
    return 1.0507009873554805 * _exponential_unit(x, 1.6732632423543772)


@op("ops.hardtanh(input, min_val=-1.0, max_val=1.0)")
def hardtanh(x: Floating, min_val: Operand, max_val: Operand) -> jax.Array:
    r"""Input clipped to an interval; the derivative at and beyond its bounds is 0.

    .. math:: \min(\max(x_i, a), b)

    Args:
        min_val: the lower bound a.
        max_val: the upper bound b.

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Examples:
        >>> print(ops.hardtanh(Tensor([-2.0, 0.5, 3.0])))
        [-1.   0.5  1. ]
    """
    low, high = jnp.full_like(x, min_val), jnp.full_like(x, max_val)
    return jnp.where(x <= low, low, jnp.where(x >= high, high, x))


@op(
    "ops.hardshrink(input, lambd=0.5)",
    "mint.nn.functional.hardshrink(input, lambd=0.5)",
    "Tensor.hardshrink(self, lambd=0.5)",
    "ops.HShrink(lambd=0.5)(input)",
)
def hardshrink(x: Array, lambd: Operand) -> jax.Array:
    r"""Hard shrinkage: small values are set to 0.

    .. math:: x_i \text{ where } |x_i| > \lambda, \; 0 \text{ else}

    Args:
        lambd: the bound.

    Returns:
        Tensor of the same shape and dtype.

    Examples:
        >>> print(ops.hardshrink(Tensor([-2.0, 0.25, 3.0])))
        [-2.  0.  3.]
    """
    return jnp.where(jnp.abs(x) > lambd, x, jnp.where(jnp.isnan(x), x, jnp.zeros_like(x)))


@op(
    "ops.softshrink(input, lambd=0.5)",
    "mint.nn.functional.softshrink(input, lambd=0.5)",
    "ops.soft_shrink(input, lambd=0.5)",
    "Tensor.soft_shrink(self, lambd=0.5)",
    "ops.SoftShrink(lambd=0.5)(input)",
)
def softshrink(x: Floating, lambd: Operand) -> jax.Array:
    r"""Soft shrinkage: small values are set to 0, the others move towards 0.

    .. math:: \operatorname{sgn}(x_i) \max(|x_i| - \lambda, 0)

    Args:
        lambd: the bound, and the distance by which larger values move.

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Examples:
        >>> print(ops.softshrink(Tensor([-2.0, 0.25, 3.0])))
        [-1.5  0.   2.5]
    """
    inside = jnp.where(jnp.isnan(x), x, jnp.zeros_like(x))
    return jnp.where(x > lambd, x - lambd, jnp.where(x < -lambd, x + lambd, inside))


@op("ops.softplus(input, beta=1, threshold=20)", "mint.nn.functional.softplus(input, beta=1, threshold=20)")
def softplus(x: Floating, beta: Operand, threshold: Operand) -> jax.Array:
    r"""Smooth approximation of the rectified linear unit.

    .. math:: \tfrac{1}{\beta} \ln(1 + e^{\beta x_i}), \; x_i \text{ where } \beta x_i > \text{threshold}

    Args:
        beta: the sharpness of the bend.
        threshold: above it the function is linear.

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Examples:
        >>> print(ops.softplus(Tensor([0.0, 30.0])).asnumpy().round(4))
        [ 0.6931 30.    ]
    """
    return jnp.where(beta * x > threshold, x, jax.nn.softplus(beta * x) / beta)


@op("ops.Softplus()(x)")
def _softplus(x: Floating) -> jax.Array:
    """Smooth approximation of the rectified linear unit: ln(1 + e^x)."""
    return jax.nn.softplus(x)


@op("ops.threshold(input, thr, value)")
def threshold(x: Array, thr: Operand, value: Operand) -> jax.Array:
    r"""Values above a bound unchanged, a fixed value elsewhere.

    .. math:: x_i \text{ where } x_i > t, \; v \text{ else}

    Args:
        thr: the bound t.
        value: the value v.

    Returns:
        Tensor of the same shape and dtype.

    Examples:
        >>> print(ops.threshold(Tensor([1.0, 2.0]), 1.5, 0.0))
        [0. 2.]
    """
    return jnp.where(x > thr, x, jnp.asarray(value, x.dtype))


@op("ops.prelu(input, weight)", "mint.nn.functional.prelu(input, weight)", "ops.PReLU()(input, weight)")
def prelu(x: Floating, weight: Array) -> jax.Array:
    r"""Rectified linear unit with a learned derivative below 0.

    .. math:: x_i \text{ where } x_i > 0, \; w x_i \text{ else}

    Args:
        x: Tensor of shape (N, C, ...), or (C,).
        weight: Tensor of shape (1,) or (C,).

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ShapeError: `weight` is of another shape.

    Examples:
        >>> print(ops.prelu(Tensor([-1.0, 2.0]), Tensor([0.25])))
        [-0.25  2.  ]

    Source: He et al., 2015; `ops.prelu` of MindSpore.
    """
    channels = x.shape[1] if x.ndim > 1 else (x.shape[0] if x.ndim else 1)
    if weight.ndim != 1 or weight.shape[0] not in (1, channels):
        raise ShapeError(
            f"ops.prelu: `weight` must be of shape (1,) or ({channels},) for an input of shape {x.shape}, "
            f"but got {weight.shape}."
        )
    if x.ndim > 1:
        weight = weight.reshape((1, -1) + (1,) * (x.ndim - 2))
    return jnp.where(x > 0, x, weight.astype(x.dtype) * x)


def _halves(x: jax.Array, axis: int, where: str) -> list[jax.Array]:
    if not x.shape or x.shape[axis] % 2:
        raise ShapeError(f"ops.{where}: axis {axis} of shape {x.shape} must be of even length, to be halved.")
    return jnp.split(x, 2, axis=axis)


@op("ops.glu(x, axis=-1)", "ops.GLU(axis=-1)(x)")
def glu(x: Floating, axis: Axis) -> jax.Array:
    r"""Gated linear unit: the first half of an axis times the sigmoid of the second.

    .. math:: a \, \sigma(b), \quad x = (a, b)

    Args:
        x: Tensor, of even length along the axis.

    Returns:
        Tensor with the axis half as long.

    Raises:
        ShapeError: the axis is of odd length.

    Examples:
        >>> print(ops.glu(Tensor([1.0, 2.0, 0.0, 0.0])))
        [0.5 1. ]

    Source: Dauphin et al., 2016; `ops.glu` of MindSpore.
    """
    first, second = _halves(x, axis, "glu")
    return first * jax.nn.sigmoid(second)


@op("ops.swiglu(input, dim=-1)")
def swiglu(x: Floating, axis: Axis) -> jax.Array:
    r"""Swish of the first half of an axis times the second half.

    .. math:: \operatorname{silu}(a) \, b, \quad x = (a, b)

    Args:
        x: Tensor, of even length along the axis.

    Returns:
        Tensor with the axis half as long.

    Raises:
        ShapeError: the axis is of odd length.

    Examples:
        >>> print(ops.swiglu(Tensor([0.0, 0.0, 1.0, 2.0])))
        [0. 0.]

    Source: Shazeer, 2020; `ops.swiglu` of MindSpore.
    """
    first, second = _halves(x, axis, "swiglu")
    return jax.nn.silu(first) * second


@op("ops.rrelu(input, lower=0.125, upper=1.0 / 3)")
def rrelu(x: Floating, lower: Bound, upper: Bound) -> jax.Array:
    r"""Rectified linear unit with a random derivative below 0, drawn for each element.

    .. math:: x_i \text{ where } x_i > 0, \; a_i x_i \text{ else}, \quad a_i \sim U(l, u)

    Args:
        lower: the bound l, in [0, 1].
        upper: the bound u, in [l, 1].

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Raises:
        ArgumentError: a bound outside [0, 1], or the two in the wrong order.

    Examples:
        >>> print(ops.rrelu(Tensor([-4.0, 2.0]), 0.5, 0.5))
        [-2.  2.]

    Source: Xu et al., 2015; `ops.rrelu` of MindSpore.
    """
    _check.number(lower, name="lower", where="ops.rrelu", minimum=0, maximum=1)
    _check.number(upper, name="upper", where="ops.rrelu", minimum=lower, maximum=1)
    factors = jax.random.uniform(next_key(), x.shape, x.dtype, minval=lower, maxval=upper)
    return jnp.where(x > 0, x, factors * x)
