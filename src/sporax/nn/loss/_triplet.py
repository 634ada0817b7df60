"""Losses on triplets, given or found in the batch; the formulas are in `sporax.losses`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax import _check, losses
from sporax._errors import ArgumentTypeError
from sporax.core import Tensor, unwrap, wrap
from sporax.nn.loss._base import RegisteredLoss

_FALLBACKS = ("none", "hardest", "easiest")


class TripletMarginLoss(RegisteredLoss):
    r"""Whether an anchor is nearer to its positive than to its negative, by a margin.

    .. math:: \ell = \max(0, d(a, p) - d(a, n) + m), \qquad d(x, y) = \lVert x - y + \varepsilon \rVert_p

    Args:
        p: the degree of the norm, above 0.
        swap: whether the negative's distance is the smaller of those from the anchor and from the positive.
        eps: what is added to each coordinate of a difference.
        reduction: "mean", "sum" or "none".
        margin: m, a number from 0 on or a Tensor of shape ().

    Inputs:
        x, positive, negative: Tensors of one shape (N, D), floating.
        margin: m for this call; it counts where the constructor's is 1.0, as in MindSpore.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, a negative margin, or a `p` that is not above 0.
        ShapeError: the shapes differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, near, far = Tensor([[0.0, 0.0]]), Tensor([[0.0, 1.0]]), Tensor([[3.0, 4.0]])
        >>> print(nn.TripletMarginLoss(eps=0.0)(x, far, near))
        5.0

    Source: Balntas et al., "Learning local feature descriptors with triplets and shallow convolutional neural
    networks", 2016; the class of the same name in MindSpore; `torch.nn.TripletMarginLoss`.
    """

    def __init__(
        self, p: float = 2, swap: bool = False, eps: float = 1e-06, reduction: str = "mean", margin: Any = 1.0
    ) -> None:
        super().__init__(reduction)
        where = "TripletMarginLoss"
        _check.number(p, name="p", where=where, minimum=0, open_minimum=True)
        self.p = p
        self.swap = _check.is_type(swap, bool, name="swap", where=where)
        self.eps = _check.number(eps, name="eps", where=where)
        self.margin = _margin(margin, where)

    def construct(self, x: Tensor, positive: Tensor, negative: Tensor, margin: Any = 1.0) -> Tensor:
        """The loss of a batch of triplets."""
        own = self.margin if isinstance(self.margin, Tensor) or self.margin != 1.0 else margin
        return self.evaluate(
            losses.triplet_margin_loss,
            x,
            positive,
            negative,
            margin=unwrap(own),
            p=self.p,
            eps=self.eps,
            swap=self.swap,
        )


class TripletMarginWithDistanceLoss(RegisteredLoss):
    r"""Whether an anchor is nearer to its positive than to its negative, in a distance of one's own.

    .. math:: \ell = \max(0, d(a, p) - d(a, n) + m)

    Args:
        distance_function: a function or Cell that takes two Tensors (N, D) and gives their distances, (N,). None for
            the Euclidean distance with 1e-6 added to each coordinate of the difference, as in PyTorch.
        swap: whether the negative's distance is the smaller of those from the anchor and from the positive.
        reduction: "mean", "sum" or "none".
        margin: m, from 0 on.

    Inputs:
        x, positive, negative: Tensors of one shape (N, D), floating.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a negative margin.
        ArgumentTypeError: a `distance_function` that cannot be called.
        ShapeError: the shapes differ, or distances of another shape than (N,).

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> loss = nn.TripletMarginWithDistanceLoss(lambda a, b: ops.abs(a - b).sum(axis=-1))
        >>> print(loss(Tensor([[0.0, 0.0]]), Tensor([[1.0, 1.0]]), Tensor([[0.5, 0.0]])))
        2.5

    Source: the class of the same name in MindSpore; `torch.nn.TripletMarginWithDistanceLoss`.
    """

    def __init__(
        self,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        swap: bool = False,
        reduction: str = "mean",
        margin: float = 1.0,
    ) -> None:
        super().__init__(reduction)
        where = "TripletMarginWithDistanceLoss"
        if distance_function is not None and not callable(distance_function):
            raise ArgumentTypeError(
                f"{where}: `distance_function` must be None or take two Tensors, but got {distance_function!r}. "
                "Give a function or a Cell."
            )
        self.distance_function = distance_function
        self.swap = _check.is_type(swap, bool, name="swap", where=where)
        self.margin = _check.number(margin, name="margin", where=where, minimum=0)

    def construct(self, x: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of a batch of triplets."""
        own = self.distance_function
        return self.evaluate(
            losses.triplet_margin_with_distance_loss,
            x,
            positive,
            negative,
            distance_function=None if own is None else lambda a, b: unwrap(own(wrap(a), wrap(b))),
            margin=self.margin,
            swap=self.swap,
        )


class BatchHardTripletLoss(RegisteredLoss):
    r"""The triplet loss of each sample with its farthest positive and its nearest negative in the batch.

    .. math:: \ell_i = \max(0, m + \max_p d(x_i, x_p) - \min_n d(x_i, x_n))

    A sample without a positive or without a negative has loss 0 and does not count in the mean.

    Args:
        margin: m, from 0 on; not used with `soft`.
        soft: whether the hinge is smoothed, to log(1 + exp(d_p - d_n)).
        squared: whether d is the squared Euclidean distance.
        normalize: whether vectors are first scaled to length 1.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: class of each, Tensor (N,), int32 or int64.
        mask: which samples take part, Tensor (N,); all if left out.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a negative margin.
        DtypeError, ShapeError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.0], [1.0], [3.0], [7.0]])
        >>> print(nn.BatchHardTripletLoss(reduction="none")(x, Tensor([0, 0, 1, 1])))
        [0. 0. 3. 0.]

    Source: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017.
    """

    def __init__(
        self,
        margin: float = 1.0,
        soft: bool = False,
        squared: bool = False,
        normalize: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        where = "BatchHardTripletLoss"
        self.margin = _check.number(margin, name="margin", where=where, minimum=0)
        self.soft = _check.is_type(soft, bool, name="soft", where=where)
        self.squared = _check.is_type(squared, bool, name="squared", where=where)
        self.normalize = _check.is_type(normalize, bool, name="normalize", where=where)

    def construct(self, embeddings: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(
            losses.batch_hard_triplet_loss,
            embeddings,
            labels,
            margin=self.margin,
            soft=self.soft,
            squared=self.squared,
            normalize=self.normalize,
            mask=unwrap(mask),
        )


class SemiHardTripletLoss(RegisteredLoss):
    r"""The triplet loss of every pair of a class with a negative that is farther, but not by the margin.

    .. math:: \ell_i = \sum_p \max(0, m + d(x_i, x_p) - d(x_i, x_{n(i, p)}))

    The mean is over the triplets.

    Args:
        margin: m, from 0 on.
        fallback: for a pair that has no such negative: "none" leaves it out, "hardest" takes the nearest negative,
            "easiest" the farthest.
        squared: whether d is the squared Euclidean distance.
        normalize: whether vectors are first scaled to length 1.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: class of each, Tensor (N,), int32 or int64.
        mask: which samples take part, Tensor (N,); all if left out.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction or fallback, or a negative margin.
        DtypeError, ShapeError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.0], [1.0], [1.5], [7.0]])
        >>> print(nn.SemiHardTripletLoss()(x, Tensor([0, 0, 1, 1])))
        0.5

    Source: Schroff, Kalenichenko, Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
    2015.
    """

    def __init__(
        self,
        margin: float = 1.0,
        fallback: str = "none",
        squared: bool = False,
        normalize: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        where = "SemiHardTripletLoss"
        self.margin = _check.number(margin, name="margin", where=where, minimum=0)
        self.fallback = _check.one_of(fallback, _FALLBACKS, name="fallback", where=where)
        self.squared = _check.is_type(squared, bool, name="squared", where=where)
        self.normalize = _check.is_type(normalize, bool, name="normalize", where=where)

    def construct(self, embeddings: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(
            losses.semi_hard_triplet_loss,
            embeddings,
            labels,
            margin=self.margin,
            fallback=self.fallback,
            squared=self.squared,
            normalize=self.normalize,
            mask=unwrap(mask),
        )


def _margin(value: Any, where: str) -> Any:
    return value if isinstance(value, Tensor) else _check.number(value, name="margin", where=where, minimum=0)
