"""Losses on the order of the items of a list; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import Positive, PositiveInteger
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["LambdaRankLoss", "ListMLELoss", "ListNetLoss", "RankNetLoss", "RankingSoftmaxLoss"]


class RankNetLoss(FunctionLoss, function=losses.rank_net_loss, optional="mask"):
    """How unlikely it is, pair by pair, that the better of two items wins.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.RankNetLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.4402
    """

    sigma: Positive = 1.0
    reduction: str = "mean"


class ListNetLoss(FunctionLoss, function=losses.list_net_loss, optional="mask"):
    """Cross entropy between the chances to come first by grade and by score.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ListNetLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        1.0434
    """

    reduction: str = "mean"


class ListMLELoss(FunctionLoss, function=losses.list_mle_loss, optional="mask"):
    """How unlikely the scores make the true order, when items are drawn one after the other.

    The order is that of falling grades; of one grade the item that stands first in the list comes first.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ListMLELoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.7209
    """

    reduction: str = "mean"


class LambdaRankLoss(FunctionLoss, function=losses.lambda_rank_loss, optional="mask"):
    """RankNet's loss with each pair weighted by what a swap of the two would change in NDCG.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.LambdaRankLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.1791
    """

    sigma: Positive = 1.0
    k: PositiveInteger | None = None
    reduction: str = "mean"


class RankingSoftmaxLoss(FunctionLoss, function=losses.ranking_softmax_loss, optional="mask"):
    """Cross entropy of the scores' softmax, with the grades themselves as targets.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.RankingSoftmaxLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.4076
    """

    reduction: str = "mean"
