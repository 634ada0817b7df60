"""Losses on the order of the items of a list; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import _check, losses
from sporax.core import Tensor, unwrap
from sporax.nn.loss._base import RegisteredLoss


class RankNetLoss(RegisteredLoss):
    r"""How unlikely it is, pair by pair, that the better of two items wins.

    .. math:: \ell = \sum_{i, j:\, y_i > y_j} \log(1 + e^{-\sigma (s_i - s_j)})

    Args:
        sigma: the steepness, above 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores, Tensor of shape (..., L), floating.
        labels: grades of any real dtype; higher is better, of the same shape.
        mask: which items are there, of a shape that broadcasts to the same; all if left out. A list with no item
            does not count in the mean.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a sigma that is not above 0.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.RankNetLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.4402

    Source: Burges et al., "Learning to Rank using Gradient Descent", 2005.
    """

    def __init__(self, sigma: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.sigma = _check.number(sigma, name="sigma", where="RankNetLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of scores and grades, of the items that the mask keeps."""
        return self.evaluate(losses.rank_net_loss, logits, labels, mask=unwrap(mask), sigma=self.sigma)


class ListNetLoss(RegisteredLoss):
    r"""Cross entropy between the chances to come first by grade and by score.

    .. math:: \ell = -\sum_i \operatorname{softmax}(y)_i \log \operatorname{softmax}(s)_i

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores, Tensor of shape (..., L), floating.
        labels: grades; higher is better, of the same shape.
        mask: which items are there, of a shape that broadcasts to the same; all if left out. A list with no item
            does not count in the mean.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ListNetLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        1.0434

    Source: Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", 2007.
    """

    def construct(self, logits: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of scores and grades, of the items that the mask keeps."""
        return self.evaluate(losses.list_net_loss, logits, labels, mask=unwrap(mask))


class ListMLELoss(RegisteredLoss):
    r"""How unlikely the scores make the true order, when items are drawn one after the other.

    .. math:: \ell = \sum_i \log \sum_{k \ge i} e^{s_{\pi(k)}} - s_{\pi(i)}

    The order is that of falling grades; of one grade the item that stands first in the list comes first.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores, Tensor of shape (..., L), floating.
        labels: grades of any real dtype; higher is better, of the same shape.
        mask: which items are there, of a shape that broadcasts to the same; all if left out. A list with no item
            does not count in the mean.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ListMLELoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.7209

    Source: Xia et al., "Listwise Approach to Learning to Rank: Theory and Algorithm", 2008.
    """

    def construct(self, logits: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of scores and grades, of the items that the mask keeps."""
        return self.evaluate(losses.list_mle_loss, logits, labels, mask=unwrap(mask))


class LambdaRankLoss(RegisteredLoss):
    r"""RankNet's loss with each pair weighted by what a swap of the two would change in NDCG.

    .. math:: \ell = \sum_{i, j:\, y_i > y_j} |\Delta \mathrm{NDCG}_{ij}| \log(1 + e^{-\sigma (s_i - s_j)})

    Args:
        sigma: the steepness, above 0.
        k: how many of the first ranks count in NDCG; all for None.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores, Tensor of shape (..., L), floating.
        labels: grades >= 0 of any real dtype; higher is better, of the same shape.
        mask: which items are there, of a shape that broadcasts to the same; all if left out. A list with no item
            does not count in the mean.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, a sigma that is not above 0, or a k below 1.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.LambdaRankLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.1791

    Source: Burges, Ragno, Le, "Learning to Rank with Nonsmooth Cost Functions", 2006; Wang et al., "The LambdaLoss
    Framework for Ranking Metric Optimization", 2018.
    """

    def __init__(self, sigma: float = 1.0, k: int | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.sigma = _check.number(sigma, name="sigma", where="LambdaRankLoss", minimum=0, open_minimum=True)
        self.k = None if k is None else _check.integer(k, name="k", where="LambdaRankLoss", minimum=1)

    def construct(self, logits: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of scores and grades, of the items that the mask keeps."""
        return self.evaluate(losses.lambda_rank_loss, logits, labels, mask=unwrap(mask), sigma=self.sigma, k=self.k)


class RankingSoftmaxLoss(RegisteredLoss):
    r"""Cross entropy of the scores' softmax, with the grades themselves as targets.

    .. math:: \ell = -\sum_i y_i \log \operatorname{softmax}(s)_i

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores, Tensor of shape (..., L), floating.
        labels: grades >= 0, of the same shape.
        mask: which items are there, of a shape that broadcasts to the same; all if left out. A list with no item
            does not count in the mean.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.RankingSoftmaxLoss()(Tensor([[2.0, 1.0, 0.0]]), Tensor([[1.0, 0.0, 0.0]]))
        >>> print(round(loss.item(), 4))
        0.4076

    Source: `optax.losses.ranking_softmax_loss`.
    """

    def construct(self, logits: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of scores and grades, of the items that the mask keeps."""
        return self.evaluate(losses.ranking_softmax_loss, logits, labels, mask=unwrap(mask))
