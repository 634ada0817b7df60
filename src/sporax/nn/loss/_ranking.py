"""Ranking losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import Positive, PositiveInteger
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["LambdaRankLoss", "ListMLELoss", "ListNetLoss", "RankNetLoss", "RankingSoftmaxLoss"]


class RankNetLoss(FunctionLoss, function=losses.rank_net_loss, optional="mask"):
    """RankNet: pairwise logistic loss.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.RankNetLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.4402
    """

    sigma: Positive = 1.0
    reduction: str = "mean"


class ListNetLoss(FunctionLoss, function=losses.list_net_loss, optional="mask"):
    """ListNet: cross entropy between the top-one probabilities of grades and scores.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ListNetLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        1.0434
    """

    reduction: str = "mean"


class ListMLELoss(FunctionLoss, function=losses.list_mle_loss, optional="mask"):
    """ListMLE: negative Plackett-Luce log likelihood of the order of the grades.

    The order is by decreasing grade; equal grades keep the order of the list.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ListMLELoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.7209
    """

    reduction: str = "mean"


class LambdaRankLoss(FunctionLoss, function=losses.lambda_rank_loss, optional="mask"):
    """LambdaRank: RankNet with each pair weighted by its change of NDCG.

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
    """Softmax cross entropy of scores with the grades as unnormalized targets.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.RankingSoftmaxLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.4076
    """

    reduction: str = "mean"
