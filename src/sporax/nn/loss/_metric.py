"""Losses on distances between embeddings; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


class CosineEmbeddingLoss(RegisteredLoss):
    r"""How far two vectors are from the angle that their label asks for.

    .. math:: \ell = \begin{cases} 1 - \cos(x_1, x_2), & y = 1 \\ \max(0, \cos(x_1, x_2) - m), & y = -1 \end{cases}

    Args:
        margin: m, in [-1, 1]; 0 to 0.5 is usual.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits_x1, logits_x2: Tensors of shape (N, D), floating.
        labels: 1 for similar and -1 for dissimilar pairs, of shape (N,).

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a margin outside [-1, 1].
        ShapeError: shapes that do not fit.
        LabelError: a label that is neither 1 nor -1, where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x1, x2 = Tensor([[1.0, 0.0], [0.0, 2.0]]), Tensor([[0.0, 3.0], [0.0, 1.0]])
        >>> print(nn.CosineEmbeddingLoss()(x1, x2, Tensor([1, -1])))
        1.0

    Source: the class of the same name in MindSpore; `torch.nn.CosineEmbeddingLoss`.
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = _check.number(margin, name="margin", where="CosineEmbeddingLoss", minimum=-1, maximum=1)

    def construct(self, logits_x1: Tensor, logits_x2: Tensor, labels: Tensor) -> Tensor:
        """The loss of two batches of vectors."""
        return self.evaluate(losses.cosine_embedding_loss, logits_x1, logits_x2, labels, margin=self.margin)


class MarginRankingLoss(RegisteredLoss):
    r"""Whether the one of two scores is greater that the target names, by a margin.

    .. math:: \ell = \max(0, -y (x_1 - x_2) + m)

    Args:
        margin: m, in units of the scores.
        reduction: "mean", "sum" or "none".

    Inputs:
        input1, input2: scores, Tensors of one shape, floating.
        target: 1 where the first should be greater and -1 where the second should, of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ArgumentTypeError: a margin that is no number.
        ShapeError: shapes that do not fit.
        LabelError: a target that is neither 1 nor -1, where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.MarginRankingLoss(margin=0.5, reduction="none")
        >>> print(loss(Tensor([3.0, 1.0]), Tensor([1.0, 2.0]), Tensor([1.0, 1.0])))
        [0.  1.5]

    Source: the class of the same name in MindSpore; `torch.nn.MarginRankingLoss`.
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = _check.number(margin, name="margin", where="MarginRankingLoss")

    def construct(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """The loss of two batches of scores."""
        return self.evaluate(losses.margin_ranking_loss, input1, input2, target, margin=self.margin)
