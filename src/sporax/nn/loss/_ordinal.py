"""Losses for ordered classes; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import Numbers

__all__ = ["CoralLoss", "CornLoss"]


class CoralLoss(FunctionLoss, function=losses.coral_loss):
    """Consistent rank logits (CORAL): binary cross entropy for each threshold between ordered classes.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.CoralLoss(reduction="none")(Tensor([[2.0, -2.0], [0.0, 0.0]]), Tensor([1, 2]))
        >>> [round(value, 4) for value in loss.asnumpy().tolist()]
        [0.2539, 1.3863]
    """

    importance_weights: Numbers = None
    reduction: str = "mean"


class CornLoss(FunctionLoss, function=losses.corn_loss):
    """Conditional ordinal regression (CORN): each threshold is conditioned on passing the previous one.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.CornLoss()(Tensor([[2.0, -2.0], [0.0, 0.0]]), Tensor([0, 2]))
        >>> round(float(loss), 4)
        1.1711
    """

    reduction: str = "mean"
