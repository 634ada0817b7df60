"""Losses on distances between embeddings; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated

from sporax import losses
from sporax._schema import Number, number
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["CosineEmbeddingLoss", "MarginRankingLoss"]


class CosineEmbeddingLoss(FunctionLoss, function=losses.cosine_embedding_loss):
    """Cosine embedding loss of pairs labeled similar or dissimilar.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x1, x2 = Tensor([[1.0, 0.0], [0.0, 2.0]]), Tensor([[0.0, 3.0], [0.0, 1.0]])
        >>> print(nn.CosineEmbeddingLoss()(x1, x2, Tensor([1, -1])))
        1.0
    """

    margin: Annotated[float, number(-1, 1)] = 0.0
    reduction: str = "mean"


class MarginRankingLoss(FunctionLoss, function=losses.margin_ranking_loss):
    """Margin ranking loss of two scores.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.MarginRankingLoss(margin=0.5, reduction="none")
        >>> print(loss(Tensor([3.0, 1.0]), Tensor([1.0, 2.0]), Tensor([1.0, 1.0])))
        [0.  1.5]
    """

    margin: Number = 0.0
    reduction: str = "mean"
