"""Losses of regression made of pieces: two-sided, with a dead zone, or steep near zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError
from sporax._typing import ArrayLike
from sporax.losses.contract._info import LossInfo, Sized
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._logistic import log1p
from sporax.losses.numerics._vectors import absolute

__all__ = ["adaptive_wing_loss", "epsilon_insensitive_loss", "multi_quantile_loss", "quantile_loss", "wing_loss"]

_INPUTS = (prediction("logits", "..."), label("labels", "..."))


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="QuantileLoss", parameters={"quantile": (0.5, 0.1, 0.75)}, like=("pinball", "quantile"), lower_bound=0.0
    ),
)
def quantile_loss(logits: ArrayLike, labels: ArrayLike, *, quantile: Any = 0.5) -> jax.Array:
    r"""Quantile (pinball) loss, which is minimized by a quantile of the target.

    .. math:: \ell_i = \max\bigl(\tau (y_i - x_i), (\tau - 1) (y_i - x_i)\bigr)

    A quantile of 0.5 gives half the absolute difference. The derivative at a tie is 0.

    Args:
        logits: predictions x of the quantile, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        quantile: tau, between 0 and 1: how large a part of the targets lies below the right prediction.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ArgumentError: `quantile` is not between 0 and 1.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.quantile_loss([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], quantile=0.75).tolist()
        [1.5, 0.0, 0.5]

    Source: Koenker, Bassett, "Regression Quantiles", 1978.
    """
    return _pinball(jnp.asarray(labels) - jnp.asarray(logits), _quantile(quantile, "quantile_loss"))


@loss_function(
    prediction("logits", "... K"),
    label("labels", "..."),
    output="...",
    info=LossInfo(
        cell="QuantileLoss",
        parameters={
            "quantile": (
                Sized(lambda sizes: tuple((k + 1) / (sizes["K"] + 1) for k in range(sizes["K"]))),
                Sized(lambda sizes: tuple(0.9 / (k + 1) for k in range(sizes["K"]))),
            )
        },
        lower_bound=0.0,
    ),
)
def multi_quantile_loss(
    logits: ArrayLike, labels: ArrayLike, *, quantile: Sequence[Any] | np.ndarray | jax.Array
) -> jax.Array:
    r"""Mean of the quantile (pinball) losses of several quantiles.

    .. math:: \ell_i = \frac{1}{K} \sum_k \max\bigl(\tau_k (y_i - x_{ik}), (\tau_k - 1) (y_i - x_{ik})\bigr)

    The derivative at a tie is 0.

    Args:
        logits: predictions x of each quantile along the last axis, of shape (..., K).
        labels: targets y, of shape (...).
        quantile: K numbers tau between 0 and 1, in the order of the last axis.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: a quantile is not between 0 and 1, or there are not K of them.
        ShapeError: shapes that do not fit.
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.multi_quantile_loss([[1.0, 2.0], [5.0, 5.0]], [3.0, 1.0], quantile=(0.25, 0.75)).tolist()
        [0.625, 2.0]

    Source: Koenker, Bassett, "Regression Quantiles", 1978; several at once as in Wen, Torkkola, Narayanaswamy,
    Madeka, "A Multi-Horizon Quantile Recurrent Forecaster", 2017.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    if isinstance(quantile, jax.Array):
        given, levels = quantile.shape, quantile.astype(logits.dtype)
    else:
        several = [_quantile(value, "multi_quantile_loss") for value in np.atleast_1d(quantile)]
        given = (len(several),)
        levels = jnp.asarray(several, logits.dtype)
    if given != logits.shape[-1:]:
        raise ArgumentError(
            f"multi_quantile_loss: `quantile` must hold one number for each of the {logits.shape[-1]} places of the "
            f"last axis of `logits`, but got shape {given}. Give as many quantiles as the model predicts."
        )
    levels = jnp.broadcast_to(levels, logits.shape)
    return jnp.mean(_pinball(jnp.expand_dims(labels, -1) - logits, levels), axis=-1)


def _pinball(error: jax.Array, quantile: Any) -> jax.Array:
    slope = jnp.where(error > 0, quantile, quantile - 1)
    return jnp.where(error == 0, 0, slope) * error


def _quantile(value: Any, where: str) -> Any:
    return hyper_parameter(
        value, name="quantile", where=where, minimum=0, maximum=1, open_minimum=True, open_maximum=True
    )


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="EpsilonInsensitiveLoss",
        parameters={"epsilon": (0.1, 0.0, 0.8)},
        like=("epsilon_insensitive", "svr"),
        lower_bound=0.0,
    ),
)
def epsilon_insensitive_loss(logits: ArrayLike, labels: ArrayLike, *, epsilon: Any = 0.1) -> jax.Array:
    r"""Absolute error beyond an insensitive zone.

    .. math:: \ell_i = \max(0, |x_i - y_i| - \epsilon)

    The derivative is 0 in the dead zone and at its ends.

    Args:
        logits: predictions x, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        epsilon: how far off costs nothing; not below 0, in units of the inputs.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ArgumentError: `epsilon` is below 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> losses.epsilon_insensitive_loss([1.0, 2.0, 3.0], [1.25, 3.0, 1.0], epsilon=0.5).tolist()
        [0.0, 0.5, 1.5]

    Source: Vapnik, "The Nature of Statistical Learning Theory", 1995, for support vector regression.
    """
    epsilon = hyper_parameter(epsilon, name="epsilon", where="epsilon_insensitive_loss", minimum=0)
    distance = absolute(jnp.asarray(logits) - jnp.asarray(labels))
    return jnp.where(distance <= epsilon, 0, distance - epsilon)


@loss_function(
    *_INPUTS,
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="WingLoss", parameters={"width": (10.0, 0.7), "curvature": (2.0, 0.4)}, like=("wing",), lower_bound=0.0
    ),
)
def wing_loss(logits: ArrayLike, labels: ArrayLike, *, width: Any = 10.0, curvature: Any = 2.0) -> jax.Array:
    r"""Wing loss: logarithmic near zero, absolute error beyond.

    .. math::
        d_i = x_i - y_i, \qquad
        \ell_i = \begin{cases} w \log(1 + |d_i| / \epsilon) & |d_i| < w \\
        |d_i| - w + w \log(1 + w / \epsilon) & \text{else} \end{cases}

    Its derivative jumps where the two meet (there it is that of the absolute difference), and at a tie (there it is 0).

    Args:
        logits: predictions x, such as coordinates of landmarks in pixels, of any shape.
        labels: targets y; one of the two shapes must broadcast to the other.
        width: w, where the logarithm ends; above 0, in units of the inputs.
        curvature: epsilon, above 0, in units of the inputs; the derivative at 0 is width / curvature.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ArgumentError: `width` or `curvature` is not above 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and
            (N,).
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.wing_loss([1.0, 2.0, 30.0], [1.0, 0.0, 10.0]).tolist()]
        [0.0, 6.9315, 27.9176]

    Source: Feng, Kittler, Awais, Huber, Wu, "Wing Loss for Robust Facial Landmark Localisation with Convolutional
    Neural Networks", 2018.
    """
    width = hyper_parameter(width, name="width", where="wing_loss", minimum=0, open_minimum=True)
    curvature = hyper_parameter(curvature, name="curvature", where="wing_loss", minimum=0, open_minimum=True)
    distance = absolute(jnp.asarray(logits) - jnp.asarray(labels))
    near = width * log1p(distance / curvature)
    return jnp.where(distance < width, near, distance - width + width * jnp.log1p(width / curvature))


@loss_function(
    prediction("logits", "..."),
    label("labels", "...", "probability"),
    output="...",
    info=LossInfo(
        cell="AdaptiveWingLoss",
        parameters={"omega": (14.0, 1.5), "theta": (0.5, 1.5), "epsilon": (1.0, 0.3), "alpha": (2.1, 3.0)},
        like=("adaptive_wing",),
        lower_bound=0.0,
    ),
)
def adaptive_wing_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    omega: Any = 14.0,
    theta: Any = 0.5,
    epsilon: Any = 1.0,
    alpha: Any = 2.1,
) -> jax.Array:
    r"""Adaptive wing loss for heatmaps, with larger gradients for foreground pixels.

    .. math::
        \ell_i = \begin{cases} \omega \log(1 + |d_i / \epsilon|^{\alpha - y_i}) & |d_i| < \theta \\
        A_i |d_i| - C_i & \text{else} \end{cases}, \qquad d_i = x_i - y_i

    A and C, which depend on the target, make the value and its derivative continuous where the two pieces meet. The
    derivative at a tie is 0; so is the second derivative, although it is infinite for exponents below 2. In compiled
    code, labels outside [0, 1] use the same formula.

    Args:
        logits: predicted heatmap x, of any shape.
        labels: targets y in [0, 1], of the same shape.
        omega: the size of the loss; above 0.
        theta: where the curve ends and the line starts; above 0, in units of the heatmap.
        epsilon: the width of the curve; above 0, in units of the heatmap.
        alpha: the exponent for a dark target, a little above 2; above 1.

    Returns:
        Values of that shape.

    Raises:
        ArgumentError: a parameter is out of its range.
        LabelError: labels outside [0, 1], where their values are known.
        ShapeError: shapes that differ.
        DtypeError: complex inputs.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.adaptive_wing_loss([0.5, 0.5, 0.25], [0.5, 1.0, 0.0]).tolist()]
        [0.0, 5.3605, 0.7417]

    Source: Wang, Bo, Fuxin, "Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression", 2019.
    """
    omega, theta, epsilon = (
        hyper_parameter(value, name=name, where="adaptive_wing_loss", minimum=0, open_minimum=True)
        for name, value in (("omega", omega), ("theta", theta), ("epsilon", epsilon))
    )
    alpha = hyper_parameter(alpha, name="alpha", where="adaptive_wing_loss", minimum=1, open_minimum=True)
    labels = jnp.asarray(labels)
    distance = absolute(jnp.asarray(logits) - labels)
    exponent = alpha - labels
    inside = distance < theta
    # Each branch sees 0 or 1 in the positions of the other, and the power no zero: its logarithm is infinite.
    apart = inside & (distance > 0)
    near = jnp.where(apart, jnp.power(jnp.where(apart, distance, epsilon) / epsilon, exponent), 0)
    edge = jnp.power(theta / epsilon, exponent)
    slope = omega * exponent / theta * edge / (1 + edge)
    line = slope * (jnp.where(inside, theta, distance) - theta) + omega * jnp.log1p(edge)
    return jnp.where(inside, omega * jnp.log1p(near), line)
