"""Binary focal losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from sporax import losses
from sporax._schema import Flag, NonNegative, UnitInterval, number
from sporax.core import Tensor
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["AsymmetricLoss", "BinaryFocalLoss", "SigmoidFocalLoss"]


class BinaryFocalLoss(FunctionLoss, function=losses.sigmoid_focal_loss):
    """Binary focal loss: cross entropy that down-weights well-classified examples.

    Args:
        apply_class_balancing: whether class 1 is weighted by `alpha` and class 0 by 1 - `alpha`.
        from_logits: whether the predictions are logits instead of probabilities.

    Inputs:
        logits: probabilities p in [0, 1] (logits with `from_logits`), Tensor of any shape.
        labels: y in [0, 1], Tensor of the same shape.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.BinaryFocalLoss(gamma=2.0, reduction="none")
        >>> print(loss(Tensor([0.6, 0.4, 0.4]), Tensor([0.0, 1.0, 0.0])).asnumpy().round(4))
        [0.3299 0.3299 0.0817]
    """

    apply_class_balancing: Flag = False
    alpha: UnitInterval = 0.25
    gamma: NonNegative = 2.0
    from_logits: Flag = False
    label_smoothing: UnitInterval = 0.0
    reduction: str = "mean"

    def loss_info(self, *labels: np.ndarray) -> losses.LossInfo:
        """Return the registry's entry of the function for probabilities or for logits."""
        return losses.get("sigmoid_focal_loss" if self.from_logits else "binary_focal_cross_entropy")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and labels."""
        options = {"gamma": self.gamma, "label_smoothing": self.label_smoothing}
        if self.from_logits:
            alpha = self.alpha if self.apply_class_balancing else None
            return self.evaluate(losses.sigmoid_focal_loss, logits, labels, alpha=alpha, **options)
        balance = {"apply_class_balancing": self.apply_class_balancing, "alpha": self.alpha}
        return self.evaluate(losses.binary_focal_cross_entropy, logits, labels, **balance, **options)


class SigmoidFocalLoss(FunctionLoss, function=losses.sigmoid_focal_loss):
    """Binary focal loss of logits.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.SigmoidFocalLoss(alpha=0.25, reduction="none")
        >>> print(loss(Tensor([0.0, 2.0, -2.0]), Tensor([1.0, 1.0, 1.0])).asnumpy().round(4))
        [0.0433 0.0005 0.4125]
    """

    alpha: UnitInterval | None = None
    gamma: NonNegative = 2.0
    reduction: str = "mean"


class AsymmetricLoss(FunctionLoss, function=losses.asymmetric_loss):
    """Asymmetric multi-label focal loss, with stronger focusing and a probability shift for negatives.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.AsymmetricLoss(reduction="none")
        >>> print(loss(Tensor([0.0, 0.0, -4.0]), Tensor([1.0, 0.0, 0.0])).asnumpy().round(4))
        [0.3466 0.0245 0.    ]
    """

    gamma_neg: NonNegative = 4.0
    gamma_pos: NonNegative = 1.0
    clip: Annotated[float, number(0, 1, open_maximum=True)] = 0.05
    reduction: str = "sum"
