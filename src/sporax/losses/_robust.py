"""Losses of regression that outliers do not dominate."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._logistic import log1p
from sporax.losses.numerics._vectors import absolute

__all__ = [
    "cauchy_loss",
    "charbonnier_loss",
    "geman_mcclure_loss",
    "general_adaptive_loss",
    "tukey_biweight_loss",
    "welsch_loss",
]

_INPUTS = (prediction("logits", "..."), label("labels", "..."))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="CharbonnierLoss",
        parameters={"epsilon": (1e-3, 0.5)},
        like=("charbonnier", "pseudo_huber"),
        lower_bound=0.0,
    ),
)
def charbonnier_loss(logits: ArrayLike, labels: ArrayLike, *, epsilon: Any = 1e-3) -> jax.Array:
    r"""Charbonnier loss: smooth absolute error.

    .. math:: \ell_i = \sqrt{(x_i - y_i)^2 + \epsilon^2}

    It is epsilon, not 0, at a tie. The derivative is ±1 for an infinite difference.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        epsilon: how wide the rounded corner is; above 0, in units of the inputs.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ArgumentError: `epsilon` is not above 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.charbonnier_loss([1.0, 5.0], [1.0, 1.0], epsilon=3.0).tolist()
        [3.0, 5.0]

    Source: Charbonnier, Blanc-Féraud, Aubert, Barlaud, "Two Deterministic Half-Quadratic Regularization
    Algorithms for Computed Imaging", 1994; with this epsilon Lai, Huang, Ahuja, Yang, "Deep Laplacian Pyramid
    Networks for Fast and Accurate Super-Resolution", 2017.
    """
    epsilon = hyper_parameter(epsilon, name="epsilon", where="charbonnier_loss", minimum=0, open_minimum=True)
    near, far, distant = _split(jnp.asarray(logits) - jnp.asarray(labels), epsilon, 1e9)
    return jnp.where(distant, absolute(far), epsilon * jnp.sqrt(jnp.square(near) + 1))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(cell="CauchyLoss", parameters={"scale": (1.0, 0.5)}, like=("cauchy", "lorentzian"), lower_bound=0.0),
)
def cauchy_loss(logits: ArrayLike, labels: ArrayLike, *, scale: Any = 1.0) -> jax.Array:
    r"""Cauchy (Lorentzian) loss, which grows logarithmically.

    .. math:: \ell_i = \log\Bigl(1 + \frac{1}{2} \Bigl(\frac{x_i - y_i}{c}\Bigr)^2\Bigr)

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        scale: c, the size of a usual difference; above 0, in units of the inputs.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ArgumentError: `scale` is not above 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.cauchy_loss([1.0, 3.0], [1.0, 1.0]).tolist()]
        [0.0, 1.0986]

    Source: Black, Anandan, "The Robust Estimation of Multiple Motions", 1996; in the scaling of Barron, 2019.
    """
    scale = hyper_parameter(scale, name="scale", where="cauchy_loss", minimum=0, open_minimum=True)
    near, far, distant = _split(jnp.asarray(logits) - jnp.asarray(labels), scale, 1e9)
    away = 2 * jnp.log(absolute(jnp.where(distant, far / scale, 1))) - math.log(2)
    return jnp.where(distant, away, log1p(0.5 * jnp.square(near)))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(cell="GemanMcClureLoss", parameters={"scale": (1.0, 0.5)}, like=("geman_mcclure",), lower_bound=0.0),
)
def geman_mcclure_loss(logits: ArrayLike, labels: ArrayLike, *, scale: Any = 1.0) -> jax.Array:
    r"""Geman-McClure loss, bounded by 2.

    .. math:: \ell_i = \frac{2 u_i^2}{u_i^2 + 4}, \qquad u_i = \frac{x_i - y_i}{c}

    The derivative is 0 for an infinite difference.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        scale: c, the size of a usual difference; above 0, in units of the inputs.

    Returns:
        Values in [0, 2], of the larger of the two shapes.

    Raises:
        ArgumentError: `scale` is not above 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.geman_mcclure_loss([1.0, 3.0, float("inf")], [1.0, 1.0, 0.0]).tolist()
        [0.0, 1.0, 2.0]

    Source: Geman, McClure, "Bayesian Image Analysis: An Application to Single Photon Emission Tomography", 1985;
    in the scaling of Barron, 2019.
    """
    scale = hyper_parameter(scale, name="scale", where="geman_mcclure_loss", minimum=0, open_minimum=True)
    near, _, distant = _split(jnp.asarray(logits) - jnp.asarray(labels), scale, 1e9)
    square = jnp.square(near)
    # Two forms of the same: the derivative of each keeps its digits where it is used.
    return jnp.where(distant, 2, jnp.where(square > 4, 2 - 8 / (square + 4), 2 * square / (square + 4)))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(cell="WelschLoss", parameters={"scale": (1.0, 0.7)}, like=("welsch", "leclerc"), lower_bound=0.0),
)
def welsch_loss(logits: ArrayLike, labels: ArrayLike, *, scale: Any = 1.0) -> jax.Array:
    r"""Welsch (Leclerc) loss, bounded by 1.

    .. math:: \ell_i = 1 - \exp\Bigl(-\frac{1}{2} \Bigl(\frac{x_i - y_i}{c}\Bigr)^2\Bigr)

    The derivative is 0 for an infinite difference.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        scale: c, the size of a usual difference; above 0, in units of the inputs.

    Returns:
        Values in [0, 1], of the larger of the two shapes.

    Raises:
        ArgumentError: `scale` is not above 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.welsch_loss([1.0, 3.0], [1.0, 1.0]).tolist()]
        [0.0, 0.8647]

    Source: Dennis, Welsch, "Techniques for Nonlinear Least Squares and Robust Regression", 1978; in the scaling
    of Barron, 2019.
    """
    scale = hyper_parameter(scale, name="scale", where="welsch_loss", minimum=0, open_minimum=True)
    # The exponential of -5e5 is 0 in every dtype.
    near, _, distant = _split(jnp.asarray(logits) - jnp.asarray(labels), scale, 1e3)
    exponent = -0.5 * jnp.square(near)
    # The derivative of expm1 is expm1 + 1, which has no digits left in the tail; that of exp is exact.
    small = exponent > -1
    inner = -jnp.expm1(jnp.where(small, exponent, 0))
    return jnp.where(distant, 1, jnp.where(small, inner, 1 - jnp.exp(exponent)))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="TukeyBiweightLoss",
        parameters={"scale": (4.685, 1.0)},
        like=("tukey", "biweight", "bisquare"),
        lower_bound=0.0,
    ),
)
def tukey_biweight_loss(logits: ArrayLike, labels: ArrayLike, *, scale: Any = 4.685) -> jax.Array:
    r"""Tukey biweight loss, constant beyond `scale`, so that outliers have no gradient.

    .. math::
        d_i = x_i - y_i, \qquad
        \ell_i = \frac{c^2}{6} \begin{cases} 1 - \bigl(1 - (d_i / c)^2\bigr)^3 & |d_i| \le c \\ 1 & \text{else}
        \end{cases}

    Value and the first two derivatives are continuous where the two meet; outliers have no gradient at all.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        scale: c, above 0, in units of the inputs. Of differences that are normal with deviation 1, 4.685 keeps 95 %
            of the efficiency of least squares.

    Returns:
        Values in [0, c²/6], of the larger of the two shapes.

    Raises:
        ArgumentError: `scale` is not above 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> values = losses.tukey_biweight_loss([1.0, 2.0, 9.0], [1.0, 1.0, 1.0], scale=2.0)
        >>> [round(value, 4) for value in values.tolist()]
        [0.0, 0.3854, 0.6667]

    Source: Beaton, Tukey, "The Fitting of Power Series, Meaning Polynomials, Illustrated on Band-Spectroscopic
    Data", 1974.
    """
    scale = hyper_parameter(scale, name="scale", where="tukey_biweight_loss", minimum=0, open_minimum=True)
    near, _, distant = _split(jnp.asarray(logits) - jnp.asarray(labels), scale, 1)
    square = jnp.square(near)
    # 1 - (1 - s)^3 written out, so that small differences keep their digits.
    return scale * scale / 6 * jnp.where(distant, 1, square * (3 - square * (3 - square)))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="GeneralAdaptiveLoss",
        parameters={"alpha": (1.0, 2.0, 0.0, -2.0, -math.inf), "scale": (1.0, 0.7)},
        like=("barron", "adaptive_robust", "general_robust"),
        lower_bound=0.0,
    ),
)
def general_adaptive_loss(logits: ArrayLike, labels: ArrayLike, *, alpha: Any = 1.0, scale: Any = 1.0) -> jax.Array:
    r"""General adaptive robust loss: a family from squared to bounded losses, by its shape `alpha`.

    .. math::
        \ell_i = \frac{|\alpha - 2|}{\alpha} \left( \Bigl(\frac{(d_i / c)^2}{|\alpha - 2|} + 1\Bigr)^{\alpha / 2} - 1
        \right), \qquad d_i = x_i - y_i

    Its limits are half the square (alpha 2), the Cauchy loss (0), and the Welsch loss (minus infinity); between
    them are Charbonnier's (1) and Geman and McClure's (-2). Values and derivatives are right at these alphas and
    near them, with one exception: the derivative in alpha is infinite at 2, and stops growing where alpha is as near
    to 2 as a float can be. Where `alpha` is above 2, the loss grows faster than the square and overflows sooner.

    A smaller `alpha` always makes the loss smaller, so an `alpha` that is learned needs a term that pulls it up, as
    the log-partition of the paper's distribution.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        alpha: the shape, any number, infinite ones included. It may be traced or an array that broadcasts to the
            values, and has a gradient.
        scale: c, the size of a usual difference; above 0, in units of the inputs. It may be traced or an array too.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ArgumentError: `scale` is not above 0, or `alpha` is NaN.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> for alpha in (2.0, 0.0, float("-inf")):
        ...     print(round(losses.general_adaptive_loss(3.0, 1.0, alpha=alpha).item(), 4))
        2.0
        1.0986
        0.8647

    Source: Barron, "A General and Adaptive Robust Loss Function", 2019.
    """
    alpha = hyper_parameter(alpha, name="alpha", where="general_adaptive_loss")
    scale = hyper_parameter(scale, name="scale", where="general_adaptive_loss", minimum=0, open_minimum=True)
    difference = jnp.asarray(logits) - jnp.asarray(labels)
    shape = _like(alpha, difference)
    units = difference / _like(scale, difference)
    endless = jnp.square(units) == jnp.inf
    square = jnp.square(jnp.where(endless, 0, units))
    if isinstance(alpha, float):
        values = (_adaptive_about_two if abs(alpha - 2) <= 0.5 else _adaptive_away_from_two)(square, shape)
    else:
        about_two = jnp.abs(shape - 2) <= 0.5
        away = _adaptive_away_from_two(square, jnp.where(about_two, 0, shape))
        values = jnp.where(about_two, _adaptive_about_two(square, jnp.where(about_two, shape, 2)), away)
    bounded = shape < 0
    return jnp.where(endless, jnp.where(bounded, 1 - 2 / jnp.where(bounded, shape, -1), jnp.inf), values)


def _like(value: Any, array: jax.Array) -> jax.Array:
    return jnp.broadcast_to(jnp.asarray(value).astype(array.dtype), array.shape)


def _adaptive_away_from_two(square: jax.Array, alpha: jax.Array) -> jax.Array:
    # With b = |alpha - 2|, r = alpha / b and q = (b / 2) log(1 + z / b) the loss is (exp(r q) - 1) / r. Written in
    # 1 / b each part is smooth where alpha is infinite, and a series makes the last one so where alpha is 0.
    below = alpha < 2
    apart = jnp.where(below, 2 - alpha, alpha - 2)
    inverse = 1 / apart
    ratio = jnp.where(below, 2 * inverse - 1, 2 * inverse + 1)
    argument = square * inverse
    small = argument < 0.1
    near, far = jnp.where(small, argument, 0), jnp.where(small, 1, argument)
    series = jnp.zeros_like(near)
    for power in range(18, 0, -1):
        series = 1 / power - near * series
    half = 0.5 * jnp.where(small, square * series, jnp.where(small, 1, apart) * jnp.log1p(far))
    exponent = ratio * half
    small = jnp.abs(exponent) < 1
    near, far = jnp.where(small, exponent, 0), jnp.where(small, 1, exponent)
    series = jnp.ones_like(near)
    for power in range(19, 1, -1):
        series = 1 + near * series / power
    # The derivative of expm1 is expm1 + 1, which has no digits left in the tail; that of exp is exact.
    return jnp.where(small, half * series, (jnp.exp(far) - 1) / jnp.where(small, 1, ratio))


def _adaptive_about_two(square: jax.Array, alpha: jax.Array) -> jax.Array:
    # The same with the power of z / b, which is nearly 1, taken out.
    offset = alpha - 2
    least = float(jnp.finfo(square.dtype).eps)
    apart = jnp.abs(offset)
    apart = jnp.where(apart > least, apart, least)
    power = 0.5 * offset * jnp.log1p(square / apart)
    return (square * jnp.exp(power) + apart * jnp.expm1(power)) / alpha


def _split(difference: jax.Array, unit: Any, limit: float) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The difference in units where it is at most the limit, the difference itself elsewhere, and where that is.

    Each of the first two is 0 in the positions of the other, so that neither overflows where it is not used.
    """
    distant = jnp.abs(difference) > limit * unit
    return jnp.where(distant, 0, difference) / unit, jnp.where(distant, difference, 0), distant
