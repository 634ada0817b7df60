"""Regression losses on relative errors, and on counts."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses._elementwise import elementwise
from sporax.losses.contract import LossInfo, NonNegative, Positive, label, loss_function, prediction
from sporax.losses.numerics._vectors import absolute

__all__ = ["mean_absolute_percentage_error", "mean_squared_logarithmic_error", "poisson_loss"]


@elementwise(
    LossInfo(
        cell="MAPELoss",
        parameters={"epsilon": (1e-7, 0.5)},
        like=("mape", "MeanAbsolutePercentageError"),
        lower_bound=0.0,
    )
)
def mean_absolute_percentage_error(logits: ArrayLike, labels: ArrayLike, *, epsilon: Positive = 1e-7) -> jax.Array:
    r"""Mean absolute percentage error.

    .. math:: \ell_i = 100 \, \frac{|x_i - y_i|}{\max(|y_i|, \epsilon)}

    The derivative at a tie is 0.

    Args:
        epsilon: the lower bound of the denominator; above 0, in units of the inputs.

    Returns:
        Percentages, of the shape of the larger input.

    Example:
        >>> losses.mean_absolute_percentage_error([90.0, 210.0], [100.0, -200.0]).tolist()
        [10.0, 205.0]

    Source: Keras `MeanAbsolutePercentageError`, before the mean over the last axis.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    size = absolute(labels)
    return 100 * (absolute(logits - labels) / jnp.where(size <= epsilon, epsilon, size))


@loss_function(
    prediction("logits", "..."),
    label("labels", "...", "positive"),
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="MSLELoss",
        parameters={"epsilon": (1e-7, 0.5)},
        like=("msle", "MeanSquaredLogarithmicError"),
        lower_bound=0.0,
    ),
)
def mean_squared_logarithmic_error(logits: ArrayLike, labels: ArrayLike, *, epsilon: NonNegative = 1e-7) -> jax.Array:
    r"""Squared error of logarithms, for non-negative quantities.

    .. math:: \ell_i = \bigl(\log(1 + \max(x_i, \epsilon)) - \log(1 + \max(y_i, \epsilon))\bigr)^2

    A prediction at or below epsilon counts as epsilon and has no gradient.

    Args:
        epsilon: the lower bound of x and y, at least 0, in units of the inputs.

    Example:
        >>> values = losses.mean_squared_logarithmic_error([1.0, 3.0, -5.0], [1.0, 1.0, 0.0])
        >>> [round(value, 4) for value in values.tolist()]
        [0.0, 0.4805, 0.0]

    Source: Keras `MeanSquaredLogarithmicError`, before the mean over the last axis.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    x, y = (jnp.where(value <= epsilon, epsilon, value) for value in (logits, labels))
    # Where x and y are close, log(1 + x) - log(1 + y) is computed from their difference, to avoid cancellation.
    relative = (x - y) / (1 + y)
    near = jnp.abs(relative) < 0.5
    difference = jnp.where(near, jnp.log1p(jnp.where(near, relative, 0)), jnp.log1p(x) - jnp.log1p(y))
    return jnp.square(difference)


@loss_function(
    prediction("logits", "...", "positive"),
    label("labels", "...", "nonnegative"),
    output="...",
    broadcasting=True,
    info=LossInfo(cell="PoissonLoss", parameters={"epsilon": (1e-7, 0.01)}, like=("poisson", "Poisson")),
)
def poisson_loss(logits: ArrayLike, labels: ArrayLike, *, epsilon: Positive = 1e-7) -> jax.Array:
    r"""Negative log likelihood of counts, given their rate.

    .. math:: \ell_i = x_i - y_i \log(x_i + \epsilon)

    A rate below -epsilon gives NaN.

    Args:
        logits: predicted rates x, not negative, of any shape.
        labels: counts y; one of the two shapes must broadcast to the other.
        epsilon: keeps the logarithm finite for a rate of 0; above 0.

    Example:
        >>> [round(value, 4) for value in losses.poisson_loss([1.0, 2.0, 0.0], [3.0, 1.0, 0.0]).tolist()]
        [1.0, 1.3069, 0.0]

    Source: Keras `Poisson`, before the mean over the last axis. `poisson_nll_loss` is PyTorch's and MindSpore's.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    return logits - labels * jnp.log(logits + epsilon)
