"""Losses on distances and angles between vectors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._parameters import Number
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._vectors import cosine, hinge, one_minus_cosine

__all__ = ["cosine_embedding_loss", "margin_ranking_loss"]


@loss_function(
    prediction("logits_x1", "N D ..."),
    prediction("logits_x2", "N D ..."),
    label("labels", "N ...", domain="sign", kind="number"),
    output="N ...",
    info=LossInfo(
        cell="CosineEmbeddingLoss",
        parameters={"margin": (0.0, 0.25, -0.5)},
        like=("cosine_embedding",),
        lower_bound=0.0,
    ),
)
def cosine_embedding_loss(
    logits_x1: ArrayLike, logits_x2: ArrayLike, labels: ArrayLike, *, margin: Any = 0.0
) -> jax.Array:
    r"""Cosine embedding loss of pairs labeled similar or dissimilar.

    .. math::
        \ell = \begin{cases} 1 - \cos(x_1, x_2) & y = 1 \\ \max(0, \cos(x_1, x_2) - m) & y = -1 \end{cases}

    A zero vector has no direction: its cosine is 0, with zero gradient. Vectors are scaled before their
    squares are taken, so tiny and huge ones neither vanish nor overflow. A dissimilar pair exactly at the margin
    has the derivative of one beyond it, as in PyTorch. In compiled code a label that is neither 1 nor -1 gives NaN, and
    sends no gradient.

    Args:
        logits_x1: vectors x1 along axis 1, of shape (N, D, ...).
        logits_x2: vectors x2 of the same shape.
        labels: 1 (similar) or -1, of shape (N, ...), of any real dtype.
        margin: the cosine m in [-1, 1] below which a dissimilar pair has no loss.

    Example:
        >>> from sporax import losses
        >>> x1, x2 = [[3.0, 4.0], [1.0, 0.0]], [[3.0, 4.0], [4.0, 3.0]]
        >>> values = losses.cosine_embedding_loss(x1, x2, [1, -1], margin=0.5)
        >>> [round(value, 4) for value in values.tolist()]
        [0.0, 0.3]

    Source: MindSpore `nn.CosineEmbeddingLoss`.
    """
    margin = hyper_parameter(margin, name="margin", where="cosine_embedding_loss", minimum=-1, maximum=1)
    x1, x2 = jnp.asarray(logits_x1), jnp.asarray(logits_x2)
    similarity = cosine(x1, x2, axis=1)
    # An unsigned dtype cannot be compared with -1.
    labels = jnp.asarray(labels).astype(similarity.dtype)
    apart = jnp.where(labels == -1, hinge(similarity - margin), jnp.nan)
    return jnp.where(labels == 1, one_minus_cosine(x1, x2, axis=1), apart)


@loss_function(
    prediction("input1", "..."),
    prediction("input2", "..."),
    label("target", "...", domain="sign", kind="number"),
    output="...",
    info=LossInfo(
        cell="MarginRankingLoss", parameters={"margin": (0.0, 1.5)}, like=("margin_ranking",), lower_bound=0.0
    ),
)
def margin_ranking_loss(input1: ArrayLike, input2: ArrayLike, target: ArrayLike, *, margin: Number = 0.0) -> jax.Array:
    r"""Margin ranking loss of two scores.

    .. math:: \ell_i = \max(0, -y_i (x_{1,i} - x_{2,i}) + m)

    Where the margin is met exactly the value is 0 and the derivative still that of the other side, as in PyTorch. In
    compiled code a target that is neither 1 nor -1 gives NaN, and sends no gradient.

    Args:
        input1: scores x1, of any shape.
        input2: scores x2 of the same shape.
        target: 1 where x1 should be the greater, -1 where x2 should; of the same shape and any real dtype.
        margin: by how much, m, in units of the scores.

    Example:
        >>> from sporax import losses
        >>> losses.margin_ranking_loss([3.0, 1.0, 2.0], [1.0, 2.0, 2.0], [1, 1, -1], margin=0.5).tolist()
        [0.0, 1.5, 0.5]

    Source: MindSpore `nn.MarginRankingLoss`, PyTorch `nn.MarginRankingLoss`.
    """
    difference = jnp.asarray(input1) - jnp.asarray(input2)
    target = jnp.asarray(target).astype(difference.dtype)
    known = (target == 1) | (target == -1)
    return jnp.where(known, hinge(margin - target * difference), jnp.nan)
