"""Losses on distances and angles between vectors."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses.contract import LossInfo, Number, label, loss_function, prediction
from sporax.losses.contract._parameters import number
from sporax.losses.numerics._vectors import cosine, hinge, one_minus_cosine

__all__ = ["cosine_embedding_loss", "margin_ranking_loss"]

_Cosine = Annotated[Any, number(-1, 1)]


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
    logits_x1: ArrayLike, logits_x2: ArrayLike, labels: ArrayLike, *, margin: _Cosine = 0.0
) -> jax.Array:
    r"""Cosine embedding loss of pairs labeled similar or dissimilar.

    .. math::
        \ell = \begin{cases} 1 - \cos(x_1, x_2) & y = 1 \\ \max(0, \cos(x_1, x_2) - m) & y = -1 \end{cases}

    A zero vector has no direction: its cosine is 0, with zero gradient. Vectors are scaled before their squares are
    taken, so that tiny and huge ones neither underflow nor overflow. A dissimilar pair exactly at the margin has the
    derivative of one beyond it, as in PyTorch.

    Args:
        logits_x1: vectors x1 along axis 1, of shape (N, D, ...).
        logits_x2: vectors x2 of the same shape.
        labels: 1 (similar) or -1, of shape (N, ...), of any real dtype.
        margin: the cosine m in [-1, 1] below which a dissimilar pair has no loss.

    Example:
        >>> x1, x2 = [[3.0, 4.0], [1.0, 0.0]], [[3.0, 4.0], [4.0, 3.0]]
        >>> values = losses.cosine_embedding_loss(x1, x2, [1, -1], margin=0.5)
        >>> [round(value, 4) for value in values.tolist()]
        [0.0, 0.3]

    Source: MindSpore `nn.CosineEmbeddingLoss`.
    """
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

    Exactly at the margin, the value is 0 and the derivative is that of a violated margin, as in PyTorch.

    Args:
        input1: scores x1, of any shape.
        input2: scores x2 of the same shape.
        target: 1 where x1 should be the larger, -1 where x2 should be; of the same shape and any real dtype.
        margin: the required difference m, in units of the scores.

    Example:
        >>> losses.margin_ranking_loss([3.0, 1.0, 2.0], [1.0, 2.0, 2.0], [1, 1, -1], margin=0.5).tolist()
        [0.0, 1.5, 0.5]

    Source: MindSpore `nn.MarginRankingLoss`, PyTorch `nn.MarginRankingLoss`.
    """
    difference = jnp.asarray(input1) - jnp.asarray(input2)
    target = jnp.asarray(target).astype(difference.dtype)
    known = (target == 1) | (target == -1)
    return jnp.where(known, hinge(margin - target * difference), jnp.nan)
