"""Losses on triplets, given or found in the batch; the formulas are in `sporax.losses`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from sporax import _check, losses
from sporax._errors import ArgumentTypeError
from sporax._schema import Checked, Flag, NonNegative, Number, one_of
from sporax.core import Tensor, unwrap, wrap
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import TensorOrNonNegative

__all__ = ["BatchHardTripletLoss", "SemiHardTripletLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss"]

_FALLBACKS = ("none", "hardest", "easiest")


def _norm_degree(value: Any, *, name: str, where: str) -> Any:
    _check.number(value, name=name, where=where, minimum=0, open_minimum=True)
    return value


def _distance(value: Any, *, name: str, where: str) -> Any:
    if value is not None and not callable(value):
        raise ArgumentTypeError(
            f"{where}: `{name}` must be None or take two Tensors, but got {value!r}. Give a function or a Cell."
        )
    return value


class TripletMarginLoss(FunctionLoss, function=losses.triplet_margin_loss):
    """Triplet margin loss: the positive must be nearer to the anchor than the negative, by a margin.

    Inputs:
        x, positive, negative: Tensors of one shape (N, D), floating.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, near, far = Tensor([[0.0, 0.0]]), Tensor([[0.0, 1.0]]), Tensor([[3.0, 4.0]])
        >>> print(nn.TripletMarginLoss(eps=0.0)(x, far, near))
        5.0
    """

    p: Annotated[float, Checked(_norm_degree)] = 2
    swap: Flag = False
    eps: Number = 1e-06
    reduction: str = "mean"
    margin: TensorOrNonNegative = 1.0

    def construct(self, x: Tensor, positive: Tensor, negative: Tensor, margin: Any = 1.0) -> Tensor:
        """The loss of a batch of triplets."""
        own = self.margin if isinstance(self.margin, Tensor) or self.margin != 1.0 else margin
        arguments = self._arguments() | {"margin": unwrap(own)}
        return self.evaluate(losses.triplet_margin_loss, x, positive, negative, **arguments)


class TripletMarginWithDistanceLoss(FunctionLoss, function=losses.triplet_margin_with_distance_loss):
    """Triplet margin loss with a custom distance function.

    Inputs:
        x, positive, negative: Tensors of one shape (N, D), floating.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> loss = nn.TripletMarginWithDistanceLoss(lambda a, b: ops.abs(a - b).sum(axis=-1))
        >>> print(loss(Tensor([[0.0, 0.0]]), Tensor([[1.0, 1.0]]), Tensor([[0.5, 0.0]])))
        2.5
    """

    distance_function: Annotated[Callable[[Tensor, Tensor], Tensor] | None, Checked(_distance)] = None
    swap: Flag = False
    reduction: str = "mean"
    margin: NonNegative = 1.0

    def construct(self, x: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of a batch of triplets."""
        arguments, own = self._arguments(), self.distance_function
        if own is not None:
            arguments["distance_function"] = lambda a, b: unwrap(own(wrap(a), wrap(b)))
        return self.evaluate(losses.triplet_margin_with_distance_loss, x, positive, negative, **arguments)


class BatchHardTripletLoss(FunctionLoss, function=losses.batch_hard_triplet_loss, optional="mask"):
    """Triplet loss of each sample with its hardest positive and hardest negative in the batch.

    A sample without a positive or without a negative has loss 0 and does not count in the mean.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.0], [1.0], [3.0], [7.0]])
        >>> print(nn.BatchHardTripletLoss(reduction="none")(x, Tensor([0, 0, 1, 1])))
        [0. 0. 3. 0.]
    """

    margin: NonNegative = 1.0
    soft: Flag = False
    squared: Flag = False
    normalize: Flag = False
    reduction: str = "mean"


class SemiHardTripletLoss(FunctionLoss, function=losses.semi_hard_triplet_loss, optional="mask"):
    """Triplet loss of each positive pair with a semi-hard negative.

    The mean is over the triplets.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.0], [1.0], [1.5], [7.0]])
        >>> print(nn.SemiHardTripletLoss()(x, Tensor([0, 0, 1, 1])))
        0.5
    """

    margin: NonNegative = 1.0
    fallback: Annotated[str, one_of(*_FALLBACKS)] = "none"
    squared: Flag = False
    normalize: Flag = False
    reduction: str = "mean"
