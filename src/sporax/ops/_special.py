"""Special functions, elementwise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.core import absolute
from sporax.ops._args import Array, as_array, as_floating, check_kind, whole
from sporax.ops._base import REQUIRED, op, primitive
from sporax.ops._elementwise import unary


def _i0(x: Array) -> Array:
    return jnp.exp(absolute(x)) * jax.lax.bessel_i0e(x)


def _i1(x: Array) -> Array:
    return jnp.exp(absolute(x)) * jax.lax.bessel_i1e(x)


# fmt: off
erf = unary(
    "erf", "The error function.", r"\frac{2}{\sqrt\pi} \int_0^{x_i} e^{-t^2} dt", jax.lax.erf, "[0.0, 1.0]",
    "[0.     0.8427]", kinds="f", rounded=True,
)
erfc = unary(
    "erfc", "One less the error function, exact where that is near 1.", r"1 - \operatorname{erf}(x_i)",
    jax.lax.erfc, "[0.0, 1.0]", "[1.     0.1573]", kinds="f", rounded=True,
)
erfinv = unary(
    "erfinv", "The inverse of the error function.", r"\operatorname{erf}^{-1}(x_i)", jax.lax.erf_inv,
    "[0.0, 0.5]", "[0.     0.4769]", domain="Tensor of any shape, in [-1, 1]; outside the result is NaN.",
    kinds="f", rounded=True,
)
lgamma = unary(
    "lgamma", "The logarithm of the gamma function's absolute value.", r"\ln |\Gamma(x_i)|", jax.lax.lgamma,
    "[1.0, 4.0]", "[0.     1.7918]", kinds="f", rounded=True,
)
digamma = unary(
    "digamma", "The logarithmic derivative of the gamma function.", r"\Gamma'(x_i) / \Gamma(x_i)",
    jax.lax.digamma, "[1.0, 2.0]", "[-0.5772  0.4228]", kinds="f", rounded=True,
)
i0 = unary(
    "i0", "The modified Bessel function of the first kind, of order 0.", r"I_0(x_i)", _i0, "[0.0, 1.0]",
    "[1.     1.2661]", kinds="f", rounded=True,
)
bessel_i0 = unary(
    "bessel_i0", "The modified Bessel function of the first kind, of order 0.", r"I_0(x_i)", _i0,
    "[0.0, 1.0]", "[1.     1.2661]", kinds="f", argument="x", method=False, rounded=True,
)
bessel_i0e = unary(
    "bessel_i0e", "The exponentially scaled modified Bessel function of order 0.", r"e^{-|x_i|} I_0(x_i)",
    jax.lax.bessel_i0e, "[0.0, 1.0]", "[1.     0.4658]", kinds="f", argument="x", method=False, rounded=True,
)
bessel_i1 = unary(
    "bessel_i1", "The modified Bessel function of the first kind, of order 1.", r"I_1(x_i)", _i1,
    "[0.0, 1.0]", "[0.     0.5652]", kinds="f", argument="x", method=False, rounded=True,
)
bessel_i1e = unary(
    "bessel_i1e", "The exponentially scaled modified Bessel function of order 1.", r"e^{-|x_i|} I_1(x_i)",
    jax.lax.bessel_i1e, "[0.0, 1.0]", "[0.     0.2079]", kinds="f", argument="x", method=False, rounded=True,
)
# fmt: on


@op(method=True)
def logit(input: Array, eps: float | None = None) -> Array:
    r"""The logarithm of the odds: the inverse of the sigmoid.

    .. math:: \ln \frac{x_i}{1 - x_i}

    Args:
        input: Tensor of any shape, of probabilities; outside [0, 1] the result is NaN.
        eps: first clip to [eps, 1 - eps]. Default: do not.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Raises:
        DtypeError: a complex Tensor.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.logit(Tensor([0.5, 0.1])))
        [ 0.        -2.1972246]
        >>> print(ops.logit(Tensor([0.0]), eps=0.1))
        [-2.1972246]

    Source: `ops.logit` of MindSpore.
    """
    array = as_floating(input)
    check_kind(array, "f", where="logit")
    if eps is not None:
        array = jnp.clip(array, eps, 1 - eps)
    return jnp.log(array) - jnp.log1p(-array)


@op(method=True)
def mvlgamma(input: Array, p: int) -> Array:
    r"""The logarithm of the multivariate gamma function of dimension p.

    .. math:: \tfrac{p (p - 1)}{4} \ln \pi + \sum_{j=1}^{p} \ln \Gamma\left(x_i - \tfrac{j - 1}{2}\right)

    Args:
        input: Tensor of any shape; above (p - 1) / 2.
        p: the dimension, at least 1.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.mvlgamma(Tensor([3.0, 4.0]), 1).asnumpy().round(4))
        [0.6931 1.7918]

    Source: `ops.mvlgamma` of MindSpore.
    """
    array = as_floating(input)
    steps = jnp.arange(whole(p, where="mvlgamma", name="p"), dtype=array.dtype) / 2
    terms = jax.lax.lgamma(jnp.expand_dims(array, -1) - steps.reshape((1,) * array.ndim + (-1,)))
    return 0.25 * p * (p - 1) * float(np.log(np.pi)) + terms.sum(-1)


@op
def polygamma(n: Any, input: Array) -> Array:
    r"""The n-th derivative of the digamma function.

    Args:
        n: the order, a whole number ≥ 0, or a Tensor of one.
        input: Tensor of any shape.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.polygamma(1, Tensor([1.0])).asnumpy().round(4))
        [1.6449]

    Source: `ops.polygamma` of MindSpore.
    """
    array = as_floating(input)
    return jax.lax.polygamma(jnp.broadcast_to(as_array(n).astype(array.dtype), array.shape), array)


Erf = primitive("Erf", erf)
Erfc = primitive("Erfc", erfc)
Erfinv = primitive("Erfinv", erfinv)
Lgamma = primitive("Lgamma", lgamma)
Digamma = primitive("Digamma", digamma)
Polygamma = primitive("Polygamma", polygamma)
Mvlgamma = primitive("Mvlgamma", mvlgamma, p=REQUIRED)
BesselI0 = primitive("BesselI0", bessel_i0)
BesselI0e = primitive("BesselI0e", bessel_i0e)
BesselI1 = primitive("BesselI1", bessel_i1)
BesselI1e = primitive("BesselI1e", bessel_i1e)
Logit = primitive("Logit", logit, eps=None)
