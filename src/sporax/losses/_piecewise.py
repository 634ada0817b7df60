"""Piecewise regression losses: two-sided, with a dead zone, or steep near zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError
from sporax._typing import ArrayLike
from sporax.losses._elementwise import elementwise
from sporax.losses.contract import LossInfo, NonNegative, Positive, Sized, label, loss_function, prediction
from sporax.losses.contract._parameters import number
from sporax.losses.numerics._logistic import log1p
from sporax.losses.numerics._vectors import absolute

__all__ = ["adaptive_wing_loss", "epsilon_insensitive_loss", "multi_quantile_loss", "quantile_loss", "wing_loss"]

_AboveOne = Annotated[Any, number(1, open_minimum=True)]
_LEVEL = number(0, 1, open_minimum=True, open_maximum=True)
_Level = Annotated[Any, _LEVEL]


@elementwise(
    LossInfo(
        cell="QuantileLoss", parameters={"quantile": (0.5, 0.1, 0.75)}, like=("pinball", "quantile"), lower_bound=0.0
    )
)
def quantile_loss(logits: ArrayLike, labels: ArrayLike, *, quantile: _Level = 0.5) -> jax.Array:
    r"""Quantile (pinball) loss, which is minimized by a quantile of the target.

    .. math:: \ell_i = \max\bigl(\tau (y_i - x_i), (\tau - 1) (y_i - x_i)\bigr)

    A quantile of 0.5 gives half the absolute error. The derivative at a tie is 0.

    Args:
        logits: predictions x of the quantile, of any shape.
        quantile: tau, between 0 and 1: the fraction of the targets below the optimal prediction.

    Example:
        >>> losses.quantile_loss([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], quantile=0.75).tolist()
        [1.5, 0.0, 0.5]

    Source: Koenker, Bassett, "Regression Quantiles", 1978.
    """
    return _pinball(jnp.asarray(labels) - jnp.asarray(logits), quantile)


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
        quantile: K numbers tau between 0 and 1, in the order of the last axis.

    Raises:
        ArgumentError: a quantile is outside (0, 1), or their number is not K.

    Example:
        >>> losses.multi_quantile_loss([[1.0, 2.0], [5.0, 5.0]], [3.0, 1.0], quantile=(0.25, 0.75)).tolist()
        [0.625, 2.0]

    Source: Koenker, Bassett, "Regression Quantiles", 1978; several at once as in Wen, Torkkola, Narayanaswamy,
    Madeka, "A Multi-Horizon Quantile Recurrent Forecaster", 2017.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    if isinstance(quantile, jax.Array):
        given, levels = quantile.shape, quantile.astype(logits.dtype)
    else:
        several = [_LEVEL.check(each, name="quantile", where="multi_quantile_loss") for each in np.atleast_1d(quantile)]
        given = (len(several),)
        levels = jnp.asarray(several, logits.dtype)
    if given != logits.shape[-1:]:
        raise ArgumentError(
            f"multi_quantile_loss: `quantile` must hold one number for each of the {logits.shape[-1]} elements of "
            f"the last axis of `logits`, but got shape {given}. Give as many quantiles as the model predicts."
        )
    levels = jnp.broadcast_to(levels, logits.shape)
    return jnp.mean(_pinball(jnp.expand_dims(labels, -1) - logits, levels), axis=-1)


def _pinball(error: jax.Array, quantile: Any) -> jax.Array:
    derivative = jnp.where(error > 0, quantile, quantile - 1)
    return jnp.where(error == 0, 0, derivative) * error


@elementwise(
    LossInfo(
        cell="EpsilonInsensitiveLoss",
        parameters={"epsilon": (0.1, 0.0, 0.8)},
        like=("epsilon_insensitive", "svr"),
        lower_bound=0.0,
    )
)
def epsilon_insensitive_loss(logits: ArrayLike, labels: ArrayLike, *, epsilon: NonNegative = 0.1) -> jax.Array:
    r"""Absolute error beyond an insensitive zone.

    .. math:: \ell_i = \max(0, |x_i - y_i| - \epsilon)

    The derivative is 0 in the insensitive zone, its ends included.

    Args:
        epsilon: the largest error without loss; at least 0, in units of the inputs.

    Example:
        >>> losses.epsilon_insensitive_loss([1.0, 2.0, 3.0], [1.25, 3.0, 1.0], epsilon=0.5).tolist()
        [0.0, 0.5, 1.5]

    Source: Vapnik, "The Nature of Statistical Learning Theory", 1995, for support vector regression.
    """
    distance = absolute(jnp.asarray(logits) - jnp.asarray(labels))
    return jnp.where(distance <= epsilon, 0, distance - epsilon)


@elementwise(
    LossInfo(
        cell="WingLoss", parameters={"width": (10.0, 0.7), "curvature": (2.0, 0.4)}, like=("wing",), lower_bound=0.0
    )
)
def wing_loss(logits: ArrayLike, labels: ArrayLike, *, width: Positive = 10.0, curvature: Positive = 2.0) -> jax.Array:
    r"""Wing loss: logarithmic near zero, absolute error beyond.

    .. math::
        d_i = x_i - y_i, \qquad
        \ell_i = \begin{cases} w \log(1 + |d_i| / \epsilon) & |d_i| < w \\
        |d_i| - w + w \log(1 + w / \epsilon) & \text{else} \end{cases}

    The derivative jumps where the two pieces meet (there it is that of the absolute error) and at a tie (there it is
    0).

    Args:
        logits: predictions x of any shape, such as coordinates of landmarks in pixels.
        width: w, where the logarithm ends; above 0, in units of the inputs.
        curvature: epsilon, above 0, in units of the inputs; the derivative at 0 is width / curvature.

    Example:
        >>> [round(value, 4) for value in losses.wing_loss([1.0, 2.0, 30.0], [1.0, 0.0, 10.0]).tolist()]
        [0.0, 6.9315, 27.9176]

    Source: Feng, Kittler, Awais, Huber, Wu, "Wing Loss for Robust Facial Landmark Localisation with Convolutional
    Neural Networks", 2018.
    """
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
    omega: Positive = 14.0,
    theta: Positive = 0.5,
    epsilon: Positive = 1.0,
    alpha: _AboveOne = 2.1,
) -> jax.Array:
    r"""Adaptive wing loss for heatmaps, with larger gradients for foreground pixels.

    .. math::
        \ell_i = \begin{cases} \omega \log(1 + |d_i / \epsilon|^{\alpha - y_i}) & |d_i| < \theta \\
        A_i |d_i| - C_i & \text{else} \end{cases}, \qquad d_i = x_i - y_i

    A and C, which depend on the target, make the value and its derivative continuous where the two pieces meet. The
    derivative at a tie is 0; so is the second derivative, which would be infinite for exponents below 2. In compiled
    code, labels outside [0, 1] use the same formula.

    Args:
        logits: predicted heatmap x of any shape.
        labels: targets y in [0, 1], of the same shape.
        omega: the scale of the loss; above 0.
        theta: where the curve ends and the line starts; above 0, in units of the heatmap.
        epsilon: the width of the curve; above 0, in units of the heatmap.
        alpha: the exponent for a target of 0; above 1, usually slightly above 2.

    Example:
        >>> [round(value, 4) for value in losses.adaptive_wing_loss([0.5, 0.5, 0.25], [0.5, 1.0, 0.0]).tolist()]
        [0.0, 5.3605, 0.7417]

    Source: Wang, Bo, Fuxin, "Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression", 2019.
    """
    labels = jnp.asarray(labels)
    distance = absolute(jnp.asarray(logits) - labels)
    exponent = alpha - labels
    inside = distance < theta
    # Each branch gets 0 or 1 in the positions of the other, and the power no zero, whose logarithm is infinite.
    apart = inside & (distance > 0)
    near = jnp.where(apart, jnp.power(jnp.where(apart, distance, epsilon) / epsilon, exponent), 0)
    edge = jnp.power(theta / epsilon, exponent)
    gradient = omega * exponent / theta * edge / (1 + edge)
    line = gradient * (jnp.where(inside, theta, distance) - theta) + omega * jnp.log1p(edge)
    return jnp.where(inside, omega * jnp.log1p(near), line)
