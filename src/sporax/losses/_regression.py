"""Losses on differences of real numbers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses._contract import hyper_parameter, loss_function
from sporax.losses._row import LossRow
from sporax.losses._spec import label, prediction

_INPUTS = (prediction("logits", "..."), label("labels", "..."))


@loss_function(*_INPUTS, output="...", broadcasting=True)
def l1_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Absolute difference.

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
    difference = jnp.asarray(logits) - jnp.asarray(labels)
    # JAX gives jnp.abs the slope 1 at 0; this has sign(0) = 0, as MindSpore and PyTorch.
    return difference * jnp.sign(difference)


@loss_function(*_INPUTS, output="...", broadcasting=True)
def mse_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Squared difference.

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


@loss_function(*_INPUTS, output="...", broadcasting=True)
def smooth_l1_loss(logits: ArrayLike, labels: ArrayLike, *, beta: Any = 1.0) -> jax.Array:
    r"""Squared near zero, absolute farther away.

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


ROWS = (
    LossRow(l1_loss, "MindSpore nn.L1Loss", cell="L1Loss"),
    LossRow(mse_loss, "MindSpore nn.MSELoss", cell="MSELoss"),
    LossRow(
        smooth_l1_loss,
        "Girshick 2015; MindSpore nn.SmoothL1Loss",
        cell="SmoothL1Loss",
        parameters={"beta": (1.0, 0.3, 4)},
        default_reduction="none",
    ),
)
