"""Losses of two classes that focus on what is hard to tell; the formulas are in `sporax.losses`."""

from __future__ import annotations

import numpy as np

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


class BinaryFocalLoss(RegisteredLoss):
    r"""Binary cross entropy that counts well-classified examples less.

    .. math:: m = y (1 - p) + (1 - y) p, \qquad \ell = -a m^\gamma (y \log p + (1 - y) \log(1 - p))

    Args:
        apply_class_balancing: whether a is `alpha` for class 1 and 1 - `alpha` for class 0, and not 1.
        alpha: the weight of class 1, in [0, 1].
        gamma: at least 0; 0 is the binary cross entropy.
        from_logits: whether the predictions are logits, and not probabilities.
        label_smoothing: s in [0, 1]; y becomes (1 - s) y + s / 2.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: probabilities p in [0, 1] (logits with `from_logits`), Tensor of any shape.
        labels: y in [0, 1], Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an argument or a probability out of its range.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, 1], where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.BinaryFocalLoss(gamma=2.0, reduction="none")
        >>> print(loss(Tensor([0.6, 0.4, 0.4]), Tensor([0.0, 1.0, 0.0])).asnumpy().round(4))
        [0.3299 0.3299 0.0817]

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017; Keras `BinaryFocalCrossentropy`.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        where = "BinaryFocalLoss"
        self.apply_class_balancing = _check.is_type(
            apply_class_balancing, bool, name="apply_class_balancing", where=where
        )
        self.alpha = _check.number(alpha, name="alpha", where=where, minimum=0, maximum=1)
        self.gamma = _check.number(gamma, name="gamma", where=where, minimum=0)
        self.from_logits = _check.is_type(from_logits, bool, name="from_logits", where=where)
        self.label_smoothing = _check.number(label_smoothing, name="label_smoothing", where=where, minimum=0, maximum=1)

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row of the function for probabilities or for logits."""
        return losses.get("sigmoid_focal_loss" if self.from_logits else "binary_focal_cross_entropy")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and labels."""
        options = {"gamma": self.gamma, "label_smoothing": self.label_smoothing}
        if self.from_logits:
            alpha = self.alpha if self.apply_class_balancing else None
            return self.evaluate(losses.sigmoid_focal_loss, logits, labels, alpha=alpha, **options)
        balance = {"apply_class_balancing": self.apply_class_balancing, "alpha": self.alpha}
        return self.evaluate(losses.binary_focal_cross_entropy, logits, labels, **balance, **options)


class SigmoidFocalLoss(RegisteredLoss):
    r"""Binary cross entropy of logits that counts well-classified examples less.

    .. math:: m = y \sigma(-x) + (1 - y) \sigma(x), \qquad
        \ell = -a m^\gamma (y \log \sigma(x) + (1 - y) \log \sigma(-x))

    Args:
        alpha: the weight a of class 1 in [0, 1], class 0 having 1 - alpha; None for no weights.
        gamma: at least 0; 0 is the binary cross entropy.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: y in [0, 1], Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an argument out of its range.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, 1], where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.SigmoidFocalLoss(alpha=0.25, reduction="none")
        >>> print(loss(Tensor([0.0, 2.0, -2.0]), Tensor([1.0, 1.0, 1.0])).asnumpy().round(4))
        [0.0433 0.0005 0.4125]

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017; optax and torchvision `sigmoid_focal_loss`.
    """

    def __init__(self, alpha: float | None = None, gamma: float = 2.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        where = "SigmoidFocalLoss"
        self.alpha = alpha if alpha is None else _check.number(alpha, name="alpha", where=where, minimum=0, maximum=1)
        self.gamma = _check.number(gamma, name="gamma", where=where, minimum=0)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        return self.evaluate(losses.sigmoid_focal_loss, logits, labels, alpha=self.alpha, gamma=self.gamma)


class AsymmetricLoss(RegisteredLoss):
    r"""A focal loss of many labels a sample, where negatives are focused harder and easy ones dropped.

    .. math:: p = \sigma(x), \quad r = \max(0, p - m), \quad
        \ell = -y (1 - p)^{\gamma_+} \log p - (1 - y) r^{\gamma_-} \log(1 - r)

    Args:
        gamma_neg: the exponent for negatives, at least 0.
        gamma_pos: the exponent for positives, at least 0.
        clip: the probability m in [0, 1) up to which a negative has no loss.
        reduction: "sum" (the default here, as in the authors' program), "mean" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: y in [0, 1], Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an argument out of its range.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, 1], where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.AsymmetricLoss(reduction="none")
        >>> print(loss(Tensor([0.0, 0.0, -4.0]), Tensor([1.0, 0.0, 0.0])).asnumpy().round(4))
        [0.3466 0.0245 0.    ]

    Source: Ridnik et al., "Asymmetric Loss for Multi-Label Classification", 2021.
    """

    def __init__(
        self, gamma_neg: float = 4.0, gamma_pos: float = 1.0, clip: float = 0.05, reduction: str = "sum"
    ) -> None:
        super().__init__(reduction)
        where = "AsymmetricLoss"
        self.gamma_neg = _check.number(gamma_neg, name="gamma_neg", where=where, minimum=0)
        self.gamma_pos = _check.number(gamma_pos, name="gamma_pos", where=where, minimum=0)
        self.clip = _check.number(clip, name="clip", where=where, minimum=0, maximum=1, open_maximum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        options = {"gamma_neg": self.gamma_neg, "gamma_pos": self.gamma_pos, "clip": self.clip}
        return self.evaluate(losses.asymmetric_loss, logits, labels, **options)
