"""Losses on differences of real numbers."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._logistic import log1p_within_one, polynomial
from sporax.losses.numerics._sums import sum_all
from sporax.losses.numerics._vectors import absolute, cosine, scale_of

__all__ = [
    "cosine_similarity_loss",
    "huber_loss",
    "l1_loss",
    "log_cosh_loss",
    "mse_loss",
    "rmse_loss",
    "smooth_l1_loss",
]

_INPUTS = (prediction("logits", "..."), label("labels", "..."))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="L1Loss", like=("mae", "MAELoss", "L1LossExt", "mean_absolute_error", "MeanAbsoluteError"), lower_bound=0.0
    ),
)
def l1_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Absolute error.

    .. math:: \ell_i = |x_i - y_i|

    The derivative at a tie is 0.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.l1_loss([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]], [[0.0, 2.0, 5.0], [3.0, 1.0, 1.0]]).tolist()
        [[1.0, 0.0, 2.0], [1.0, 2.0, 3.0]]

    Source: MindSpore `nn.L1Loss`.
    """
    return absolute(jnp.asarray(logits) - jnp.asarray(labels))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="MSELoss", like=("mse", "l2", "mean_squared_error", "MeanSquaredError", "squared_error"), lower_bound=0.0
    ),
)
def mse_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Squared error.

    .. math:: \ell_i = (x_i - y_i)^2

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.mse_loss([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]).tolist()
        [0.0, 1.0, 4.0]

    Source: MindSpore `nn.MSELoss`.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    return jnp.square(logits - labels)


@loss_function(
    *_INPUTS,
    output="",
    broadcasting=True,
    info=LossInfo(cell="RMSELoss", reductions=(), like=("rmse", "root_mean_squared_error"), lower_bound=0.0),
)
def rmse_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Root mean squared error over all elements.

    .. math:: L = \sqrt{\frac{1}{n} \sum_i (x_i - y_i)^2}

    A loss of all elements together, which is no mean of parts: the batches of an epoch do not add up to the value
    of the whole. Where all differences are 0 so is the gradient.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.

    Returns:
        One value, of shape (), in units of the inputs; 0 for no elements.

    Raises:
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.rmse_loss([1.0, 2.0, 3.0], [[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]]).item()
        1.0

    Source: MindSpore `nn.RMSELoss`, whose gradient is NaN where all differences are 0.
    """
    difference = jnp.asarray(logits) - jnp.asarray(labels)
    # Tiny and huge differences keep their squares in range. The result does not depend on the scale, so every
    # derivative is exact with the scale held constant.
    scale = scale_of(jnp.max(jnp.abs(difference), initial=0))
    mean = sum_all(jnp.square(difference * (1 / scale))) / max(difference.size, 1)
    exact = mean == 0
    return jnp.where(exact, 0, scale * jnp.sqrt(jnp.where(exact, 1, mean)))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="SmoothL1Loss",
        parameters={"beta": (1.0, 0.3, 4)},
        default_reduction="none",
        like=("smooth_l1",),
        lower_bound=0.0,
    ),
)
def smooth_l1_loss(logits: ArrayLike, labels: ArrayLike, *, beta: Any = 1.0) -> jax.Array:
    r"""Smooth L1 loss: quadratic below `beta`, linear beyond.

    .. math::
        d_i = x_i - y_i, \qquad
        \ell_i = \begin{cases} d_i^2 / (2 \beta) & |d_i| < \beta \\ |d_i| - \beta / 2 & \text{else}\end{cases}

    Value and first derivative are continuous where the two meet. The derivative is ±1 for an infinite
    difference.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        beta: where the square ends, above 0, in units of the inputs.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ArgumentError: `beta` is not above 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.smooth_l1_loss([1.0, 2.0, 3.0], [1.0, 2.5, 1.0]).tolist()
        [0.0, 0.125, 1.5]

    Source: Girshick, "Fast R-CNN", 2015; MindSpore `nn.SmoothL1Loss`.
    """
    beta = hyper_parameter(beta, name="beta", where="smooth_l1_loss", minimum=0, open_minimum=True)
    difference = jnp.asarray(logits) - jnp.asarray(labels)
    distance = jnp.abs(difference)
    inside = distance < beta
    # The square of a difference beyond beta may overflow, and would then poison the gradient of the other
    # branch.
    near = jnp.where(inside, difference, 0)
    return jnp.where(inside, 0.5 * near * near / beta, distance - 0.5 * beta)


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(cell="HuberLoss", parameters={"delta": (1.0, 0.3, 4)}, like=("huber", "Huber"), lower_bound=0.0),
)
def huber_loss(logits: ArrayLike, labels: ArrayLike, *, delta: Any = 1.0) -> jax.Array:
    r"""Huber loss: quadratic below `delta`, linear beyond.

    .. math::
        d_i = x_i - y_i, \qquad
        \ell_i = \begin{cases} d_i^2 / 2 & |d_i| < \delta \\ \delta (|d_i| - \delta / 2) & \text{else}\end{cases}

    This is delta times `smooth_l1_loss` with `beta=delta`. An infinite `delta` gives half the squared difference.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        delta: where the square ends, and the largest derivative; above 0, in units of the inputs.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ArgumentError: `delta` is not above 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.huber_loss([1.0, 2.0, 3.0], [1.0, 2.5, 0.0], delta=2.0).tolist()
        [0.0, 0.125, 4.0]

    Source: Huber, "Robust Estimation of a Location Parameter", 1964; MindSpore `nn.HuberLoss`.
    """
    delta = hyper_parameter(delta, name="delta", where="huber_loss", minimum=0, open_minimum=True)
    difference = jnp.asarray(logits) - jnp.asarray(labels)
    inside = jnp.abs(difference) < delta
    # Each branch sees 0 in the positions of the other, where it might overflow.
    near = jnp.where(inside, difference, 0)
    far = absolute(jnp.where(inside, 0, difference))
    return jnp.where(inside, 0.5 * near * near, delta * (far - 0.5 * delta))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(cell="LogCoshLoss", like=("log_cosh", "logcosh", "LogCosh"), lower_bound=0.0),
)
def log_cosh_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Logarithm of the hyperbolic cosine of the error.

    .. math:: \ell_i = \log \cosh (x_i - y_i)

    Nearly half the square near zero, and the distance less log 2 far away; its derivative is tanh(x - y). Neither tiny
    nor huge differences lose digits.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.log_cosh_loss([0.0, 1.0, 1e4], [0.0, 0.0, 0.0]).tolist()]
        [0.0, 0.4338, 9999.3066]

    Source: Keras `LogCosh`, before the mean over the last axis; optax `log_cosh`.
    """
    return _log_cosh(jnp.asarray(logits) - jnp.asarray(labels))


_LOG_COSH = (
    0.4999999965972811, -0.08333299141081735, 0.02221656240251815, -0.006710384769266944,
    0.0020772449724831203, -0.0005561353273511734, 8.654094264219817e-05,
)  # fmt: skip
"""log(cosh(x)) / x^2 as a polynomial in x^2 for |x| < 1, exact to a float32; quicker there than any logarithm."""


@jax.custom_jvp
def _log_cosh(x: jax.Array) -> jax.Array:
    distance = jnp.abs(x)
    small = distance < 1
    inside = jnp.where(small, x, 0)
    if x.dtype == jnp.float32:
        square = jnp.square(inside)
        near = square * polynomial(square, _LOG_COSH)
    else:
        near = jnp.log1p(2 * jnp.square(jnp.sinh(0.5 * inside)))
    return jnp.where(small, near, distance + log1p_within_one(jnp.exp(-2 * distance)) - math.log(2))


@_log_cosh.defjvp
def _log_cosh_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return _log_cosh(*primals), jnp.tanh(*primals) * tangents[0]


@loss_function(
    prediction("logits", "... D"),
    label("labels", "... D"),
    output="...",
    info=LossInfo(
        cell="CosineSimilarityLoss", lower_bound=-1.0, like=("cosine_similarity", "CosineSimilarity", "cosine_distance")
    ),
)
def cosine_similarity_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Negative cosine similarity of vectors.

    .. math:: \ell_i = - \frac{x_i \cdot y_i}{\|x_i\| \|y_i\|}

    -1 for the same direction, 1 for the opposite one. A zero vector has no direction: its value is 0, with zero
    gradient. Vectors are scaled before their squares are taken, so tiny and huge ones neither vanish nor overflow.

    Args:
        logits: vectors x along the last axis, of shape (..., D).
        labels: vectors y of the same shape.

    Returns:
        Values in [-1, 1], of shape (...).

    Raises:
        ShapeError: shapes that do not fit.
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> values = losses.cosine_similarity_loss([[3.0, 4.0], [0.0, 0.0]], [[4.0, 3.0], [1.0, 2.0]])
        >>> [round(value, 4) for value in values.tolist()]
        [-0.96, 0.0]

    Source: Keras `CosineSimilarity`; optax `cosine_distance` is this plus 1.
    """
    # Subtracted from 0, as the negative of 0 would be -0.
    return 0 - cosine(jnp.asarray(logits), jnp.asarray(labels), axis=-1)
