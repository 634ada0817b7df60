"""Special functions, elementwise."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.core import absolute
from sporax.ops._kinds import Array, Floating, Integer, array_kind, plain, static_kind
from sporax.ops._op import op
from sporax.ops._table import unary

Probability = Annotated[
    jax.Array,
    array_kind("f", floating=True, doc="Tensor of any shape, of probabilities; outside [0, 1] the result is NaN."),
]
Margin = Annotated[
    Any, static_kind(lambda value, *_: plain(value), "the input is first clipped to [eps, 1 - eps].", "float | None")
]


def _i0(x: jax.Array) -> jax.Array:
    return jnp.exp(absolute(x)) * jax.lax.bessel_i0e(x)


def _i1(x: jax.Array) -> jax.Array:
    return jnp.exp(absolute(x)) * jax.lax.bessel_i1e(x)


# fmt: off
erf = unary(
    "erf", "Elementwise error function.", r"\frac{2}{\sqrt\pi} \int_0^{x_i} e^{-t^2} dt", jax.lax.erf, "[0.0, 1.0]",
    "[0.     0.8427]", also="mint.erf, ops.Erf", kinds="f", rounded=True,
)
erfc = unary(
    "erfc", "Elementwise complementary error function, accurate where `erf` is near 1.", r"1 - \operatorname{erf}(x_i)",
    jax.lax.erfc, "[0.0, 1.0]", "[1.     0.1573]", also="mint.erfc, ops.Erfc", kinds="f", rounded=True,
)
erfinv = unary(
    "erfinv", "Elementwise inverse error function.", r"\operatorname{erf}^{-1}(x_i)", jax.lax.erf_inv, "[0.0, 0.5]",
    "[0.     0.4769]", also="mint.erfinv, ops.Erfinv",
    domain="Tensor of any shape, in [-1, 1]; outside the result is NaN.", kinds="f", rounded=True,
)
lgamma = unary(
    "lgamma", "Logarithm of the absolute value of the gamma function.", r"\ln |\Gamma(x_i)|", jax.lax.lgamma,
    "[1.0, 4.0]", "[0.     1.7918]", also="ops.Lgamma", kinds="f", rounded=True,
)
digamma = unary(
    "digamma", "Logarithmic derivative of the gamma function.", r"\Gamma'(x_i) / \Gamma(x_i)", jax.lax.digamma,
    "[1.0, 2.0]", "[-0.5772  0.4228]", also="ops.Digamma", kinds="f", rounded=True,
)
i0 = unary(
    "i0", "Modified Bessel function of the first kind, of order 0.", r"I_0(x_i)", _i0, "[0.0, 1.0]", "[1.     1.2661]",
    also="ops.bessel_i0(x), ops.BesselI0()(x)", kinds="f", rounded=True,
)
bessel_i0e = unary(
    "bessel_i0e", "Exponentially scaled modified Bessel function of the first kind, of order 0.",
    r"e^{-|x_i|} I_0(x_i)", jax.lax.bessel_i0e, "[0.0, 1.0]", "[1.     0.4658]", also="ops.BesselI0e", kinds="f",
    argument="x", method=False, rounded=True,
)
bessel_i1 = unary(
    "bessel_i1", "Modified Bessel function of the first kind, of order 1.", r"I_1(x_i)", _i1, "[0.0, 1.0]",
    "[0.     0.5652]", also="ops.BesselI1", kinds="f", argument="x", method=False, rounded=True,
)
bessel_i1e = unary(
    "bessel_i1e", "Exponentially scaled modified Bessel function of the first kind, of order 1.",
    r"e^{-|x_i|} I_1(x_i)", jax.lax.bessel_i1e, "[0.0, 1.0]", "[0.     0.2079]", also="ops.BesselI1e", kinds="f",
    argument="x", method=False, rounded=True,
)
# fmt: on


@op("ops.logit(input, eps=None)", "Tensor.logit(self, eps=None)", "ops.Logit(eps=None)(input)")
def logit(x: Probability, eps: Margin) -> jax.Array:
    r"""Logarithm of the odds, the inverse of the sigmoid.

    .. math:: \ln \frac{x_i}{1 - x_i}

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> print(ops.logit(Tensor([0.5, 0.1])))
        [ 0.        -2.1972246]
        >>> print(ops.logit(Tensor([0.0]), eps=0.1))
        [-2.1972246]
    """
    if eps is not None:
        x = jnp.clip(x, eps, 1 - eps)
    return jnp.log(x) - jnp.log1p(-x)


@op("ops.mvlgamma(input, p)", "Tensor.mvlgamma(self, p)", "ops.Mvlgamma(p=REQUIRED)(input)")
def mvlgamma(x: Floating, p: Integer) -> jax.Array:
    r"""Logarithm of the multivariate gamma function of dimension p.

    .. math:: \tfrac{p (p - 1)}{4} \ln \pi + \sum_{j=1}^{p} \ln \Gamma\left(x_i - \tfrac{j - 1}{2}\right)

    Args:
        x: Tensor of any shape; above (p - 1) / 2.
        p: the dimension, at least 1.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> print(ops.mvlgamma(Tensor([3.0, 4.0]), 1).asnumpy().round(4))
        [0.6931 1.7918]
    """
    steps = jnp.arange(p, dtype=x.dtype) / 2
    terms = jax.lax.lgamma(jnp.expand_dims(x, -1) - steps.reshape((1,) * x.ndim + (-1,)))
    return 0.25 * p * (p - 1) * float(np.log(np.pi)) + terms.sum(-1)


@op("ops.polygamma(n, input)", "ops.Polygamma()(n, input)")
def polygamma(x: Floating, n: Array) -> jax.Array:
    r"""The n-th derivative of the digamma function.

    Args:
        n: the order, a non-negative int or a Tensor of one.

    Returns:
        Tensor of the same shape and dtype as `input`; integers give float32.

    Examples:
        >>> print(ops.polygamma(1, Tensor([1.0])).asnumpy().round(4))
        [1.6449]
    """
    return jax.lax.polygamma(jnp.broadcast_to(n.astype(x.dtype), x.shape), x)
