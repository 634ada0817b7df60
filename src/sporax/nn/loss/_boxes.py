"""Losses on boxes; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


class _BoxLoss(RegisteredLoss):
    def __init__(self, eps: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.eps = _check.number(eps, name="eps", where=type(self).__name__, minimum=0)


class IoULoss(_BoxLoss):
    r"""One less intersection over union: :math:`\ell = 1 - |A \cap B| / (|A \cup B| + \epsilon)`.

    Args:
        eps: what is added to the denominator, at least 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        boxes1: predicted boxes (x1, y1, x2, y2), Tensor of shape (\*, 4).
        boxes2: true boxes, Tensor of the same shape.

    Returns:
        Tensor of shape (), or (\*,) for "none".

    Raises:
        ArgumentError: an `eps` below 0, or an unknown reduction.
        ShapeError: shapes that differ, or do not end in 4.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.IoULoss(eps=0.0)(Tensor([[0.0, 0.0, 2.0, 2.0]]), Tensor([[1.0, 0.0, 2.0, 2.0]])))
        0.5

    Source: Yu et al., "UnitBox", 2016, without the logarithm.
    """

    def construct(self, boxes1: Tensor, boxes2: Tensor) -> Tensor:
        """The loss of predicted and true boxes."""
        return self.evaluate(losses.iou_loss, boxes1, boxes2, eps=self.eps)


class GIoULoss(_BoxLoss):
    r"""The IoU loss, and how much of the smallest box C around both is in neither.

    .. math:: \ell = 1 - IoU + (|C| - |A \cup B|) / (|C| + \epsilon)

    Args:
        eps: what is added to the denominators, at least 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        boxes1: predicted boxes (x1, y1, x2, y2), Tensor of shape (\*, 4).
        boxes2: true boxes, Tensor of the same shape.

    Returns:
        Tensor of shape (), or (\*,) for "none".

    Raises:
        ArgumentError: an `eps` below 0, or an unknown reduction.
        ShapeError: shapes that differ, or do not end in 4.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GIoULoss(eps=0.0)(Tensor([[0.0, 0.0, 1.0, 1.0]]), Tensor([[3.0, 0.0, 4.0, 1.0]])))
        1.5

    Source: Rezatofighi et al., "Generalized Intersection over Union", 2019; torchvision's
    `generalized_box_iou_loss`.
    """

    def construct(self, boxes1: Tensor, boxes2: Tensor) -> Tensor:
        """The loss of predicted and true boxes."""
        return self.evaluate(losses.giou_loss, boxes1, boxes2, eps=self.eps)


class DIoULoss(_BoxLoss):
    r"""The IoU loss, and how far the centres are apart: :math:`\ell = 1 - IoU + |a - b|^2 / (d^2 + \epsilon)`.

    Args:
        eps: what is added to the denominators, at least 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        boxes1: predicted boxes (x1, y1, x2, y2), Tensor of shape (\*, 4).
        boxes2: true boxes, Tensor of the same shape.

    Returns:
        Tensor of shape (), or (\*,) for "none".

    Raises:
        ArgumentError: an `eps` below 0, or an unknown reduction.
        ShapeError: shapes that differ, or do not end in 4.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.DIoULoss(eps=0.0)(Tensor([[0.0, 0.0, 1.0, 2.0]]), Tensor([[3.0, 2.0, 4.0, 4.0]])))
        1.40625

    Source: Zheng et al., "Distance-IoU Loss", 2020; torchvision's `distance_box_iou_loss`.
    """

    def construct(self, boxes1: Tensor, boxes2: Tensor) -> Tensor:
        """The loss of predicted and true boxes."""
        return self.evaluate(losses.diou_loss, boxes1, boxes2, eps=self.eps)


class CIoULoss(_BoxLoss):
    r"""The DIoU loss, and how much the aspect ratios differ.

    .. math:: \ell = \ell_{DIoU} + \alpha v, \quad v = \frac{4}{\pi^2} (\arctan \frac{w_B}{h_B} - \arctan
        \frac{w_A}{h_A})^2, \quad \alpha = \frac{v}{1 - IoU + v + \epsilon}

    The gradient takes alpha for a constant, as the paper's and torchvision's.

    Args:
        eps: what is added to the denominators, at least 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        boxes1: predicted boxes (x1, y1, x2, y2), Tensor of shape (\*, 4).
        boxes2: true boxes, Tensor of the same shape.

    Returns:
        Tensor of shape (), or (\*,) for "none".

    Raises:
        ArgumentError: an `eps` below 0, or an unknown reduction.
        ShapeError: shapes that differ, or do not end in 4.

    Examples:
        >>> from sporax import nn, Tensor
        >>> box = Tensor([[0.0, 0.0, 4.0, 2.0]])
        >>> print(nn.CIoULoss()(box, box) < 1e-6)
        True

    Source: Zheng et al., "Distance-IoU Loss", 2020; torchvision's `complete_box_iou_loss`.
    """

    def construct(self, boxes1: Tensor, boxes2: Tensor) -> Tensor:
        """The loss of predicted and true boxes."""
        return self.evaluate(losses.ciou_loss, boxes1, boxes2, eps=self.eps)
