"""Losses on distances and angles between vectors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses._contract import hyper_parameter, loss_function
from sporax.losses._row import LossRow
from sporax.losses._spec import label, prediction


@loss_function(
    prediction("logits_x1", "N D ..."),
    prediction("logits_x2", "N D ..."),
    label("labels", "N ...", domain="sign", kind="number"),
    output="N ...",
)
def cosine_embedding_loss(
    logits_x1: ArrayLike, logits_x2: ArrayLike, labels: ArrayLike, *, margin: Any = 0.0
) -> jax.Array:
    r"""Pulls the directions of similar pairs together, and pushes dissimilar ones apart.

    .. math::
        \ell = \begin{cases} 1 - \cos(x_1, x_2) & y = 1 \\ \max(0, \cos(x_1, x_2) - m) & y = -1 \end{cases}

    A zero vector has no direction: its cosine is 0, with zero gradient. Vectors are scaled before their
    squares are taken, so tiny and huge ones neither vanish nor overflow. In compiled code a label that is
    neither 1 nor -1 gives NaN, and sends no gradient.

    Args:
        logits_x1: vectors x1 along axis 1, of shape (N, D, ...).
        logits_x2: vectors x2 of the same shape.
        labels: 1 (similar) or -1, of shape (N, ...), of any real dtype.
        margin: the cosine m in [-1, 1] below which a dissimilar pair has no loss.

    Returns:
        Values of shape (N, ...).

    Raises:
        ArgumentError: `margin` is outside [-1, 1].
        ShapeError: shapes that do not fit.
        LabelError: labels other than 1 and -1, where their values are known.

    Example:
        >>> from sporax import losses
        >>> x1, x2 = [[3.0, 4.0], [1.0, 0.0]], [[3.0, 4.0], [4.0, 3.0]]
        >>> values = losses.cosine_embedding_loss(x1, x2, [1, -1], margin=0.5)
        >>> [round(value, 4) for value in values.tolist()]
        [0.0, 0.3]

    Source: MindSpore `nn.CosineEmbeddingLoss`.
    """
    margin = hyper_parameter(margin, name="margin", where="cosine_embedding_loss", minimum=-1, maximum=1)
    cosine = _cosine(jnp.asarray(logits_x1), jnp.asarray(logits_x2), axis=1)
    # An unsigned dtype cannot be compared with -1.
    labels = jnp.asarray(labels).astype(cosine.dtype)
    apart = jnp.where(labels == -1, jnp.maximum(cosine - margin, 0), jnp.nan)
    return jnp.where(labels == 1, 1 - cosine, apart)


def _cosine(x1: jax.Array, x2: jax.Array, axis: int) -> jax.Array:
    unit1, unit2 = _unit(x1, axis), _unit(x2, axis)
    return jnp.sum(unit1 * unit2, axis=axis)


def _unit(x: jax.Array, axis: int) -> jax.Array:
    """x / |x|, and 0 for a zero vector."""
    # The result does not depend on the scale, so every derivative is exact with the scale held constant.
    scale = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis=axis, keepdims=True, initial=0))
    scaled = x / jnp.where(scale == 0, 1, scale)
    square = jnp.sum(jnp.square(scaled), axis=axis, keepdims=True)
    zero = square == 0
    return jnp.where(zero, 0, scaled / jnp.sqrt(jnp.where(zero, 1, square)))


ROWS = (
    LossRow(
        cosine_embedding_loss,
        "MindSpore nn.CosineEmbeddingLoss",
        cell="CosineEmbeddingLoss",
        parameters={"margin": (0.0, 0.25, -0.5)},
    ),
)
