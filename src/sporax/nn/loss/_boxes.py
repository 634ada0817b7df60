"""Losses on boxes; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import NonNegative
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["CIoULoss", "DIoULoss", "GIoULoss", "IoULoss"]


class IoULoss(FunctionLoss, function=losses.iou_loss):
    """One less intersection over union.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.IoULoss(eps=0.0)(Tensor([[0.0, 0.0, 2.0, 2.0]]), Tensor([[1.0, 0.0, 2.0, 2.0]])))
        0.5
    """

    eps: NonNegative = 0.0
    reduction: str = "mean"


class GIoULoss(FunctionLoss, function=losses.giou_loss):
    """The IoU loss, and how much of the smallest box C around both is in neither.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GIoULoss(eps=0.0)(Tensor([[0.0, 0.0, 1.0, 1.0]]), Tensor([[3.0, 0.0, 4.0, 1.0]])))
        1.5
    """

    eps: NonNegative = 0.0
    reduction: str = "mean"


class DIoULoss(FunctionLoss, function=losses.diou_loss):
    """The IoU loss, and how far the centres are apart.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.DIoULoss(eps=0.0)(Tensor([[0.0, 0.0, 1.0, 2.0]]), Tensor([[3.0, 2.0, 4.0, 4.0]])))
        1.40625
    """

    eps: NonNegative = 0.0
    reduction: str = "mean"


class CIoULoss(FunctionLoss, function=losses.ciou_loss):
    """The DIoU loss, and how much the aspect ratios differ.

    The gradient takes alpha for a constant, as the paper's and torchvision's.

    Examples:
        >>> from sporax import nn, Tensor
        >>> box = Tensor([[0.0, 0.0, 4.0, 2.0]])
        >>> print(nn.CIoULoss()(box, box) < 1e-6)
        True
    """

    eps: NonNegative = 0.0
    reduction: str = "mean"
