"""Losses on boxes; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import NonNegative
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["CIoULoss", "DIoULoss", "GIoULoss", "IoULoss"]


class IoULoss(FunctionLoss, function=losses.iou_loss):
    """One minus the intersection over union of two boxes.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.IoULoss(eps=0.0)(Tensor([[0.0, 0.0, 2.0, 2.0]]), Tensor([[1.0, 0.0, 2.0, 2.0]])))
        0.5
    """

    eps: NonNegative = 0.0
    reduction: str = "mean"


class GIoULoss(FunctionLoss, function=losses.giou_loss):
    """Generalized IoU loss: adds the fraction of the enclosing box that neither box covers.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GIoULoss(eps=0.0)(Tensor([[0.0, 0.0, 1.0, 1.0]]), Tensor([[3.0, 0.0, 4.0, 1.0]])))
        1.5
    """

    eps: NonNegative = 0.0
    reduction: str = "mean"


class DIoULoss(FunctionLoss, function=losses.diou_loss):
    """Distance IoU loss: adds the normalized distance between the box centers.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.DIoULoss(eps=0.0)(Tensor([[0.0, 0.0, 1.0, 2.0]]), Tensor([[3.0, 2.0, 4.0, 4.0]])))
        1.40625
    """

    eps: NonNegative = 0.0
    reduction: str = "mean"


class CIoULoss(FunctionLoss, function=losses.ciou_loss):
    """Complete IoU loss: adds a penalty on the difference of aspect ratios to the DIoU loss.

    alpha is a constant for the gradient, as in the paper and torchvision.

    Examples:
        >>> from sporax import nn, Tensor
        >>> box = Tensor([[0.0, 0.0, 4.0, 2.0]])
        >>> print(nn.CIoULoss()(box, box) < 1e-6)
        True
    """

    eps: NonNegative = 0.0
    reduction: str = "mean"
