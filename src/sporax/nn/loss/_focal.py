"""Focal losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentTypeError, ShapeError
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss
from sporax.nn.loss._labels import class_weight, value_of


class FocalLoss(RegisteredLoss):
    r"""Focal loss: :math:`\ell = -w\,(1 - p)^\gamma \log p`, with the softmax inside.

    Args:
        weight: a Tensor of one weight a class, of shape (C,).
        gamma: how strongly confident predictions are discounted, at least 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of shape (N, C, ...), floating.
        labels: class indices, integers of shape (N, 1, ...) or (N, ...); or probabilities or one-hot labels of the
            shape of the logits. For those the mean divides by the classes too.

    Returns:
        Tensor of shape (). For "none" the mean over the places of each sample: (N,) for class indices, (N, C) for
        probabilities.

    Raises:
        ArgumentError: an unknown reduction, or `gamma` below 0.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that sample is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> logits = Tensor([[0.8, 1.4], [0.5, 0.9], [1.2, 0.9]])
        >>> print(round(float(nn.FocalLoss(weight=Tensor([1, 2]))(logits, Tensor([[1], [1], [0]]))), 5))
        0.12517

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, weight: Any = None, gamma: float = 2.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = class_weight(weight)
        if self.weight is not None and self.weight.ndim != 1:
            raise ShapeError(f"FocalLoss: `weight` must have shape (C,), but got shape {tuple(self.weight.shape)}.")
        self.gamma = _check.number(gamma, name="gamma", where="FocalLoss", minimum=0)

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row; with nothing known of the logits, that of class indices."""
        return losses.get("focal_loss")

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        logits = input_shapes.get("logits")
        if not labels or logits is None:
            return
        column = np.asarray(labels[0])
        if _dense(logits, column.shape):
            losses.get("soft_focal_loss").check_labels(input_shapes, column)
        else:
            column = column.squeeze(1) if column.ndim == len(logits) and column.shape[1] == 1 else column
            losses.get("focal_loss").check_labels(input_shapes, column)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        options: dict[str, Any] = {"weight": value_of(self.weight), "gamma": self.gamma}
        if not _dense(logits.shape, labels.shape):
            if labels.ndim == logits.ndim and labels.shape[1] == 1:
                labels = labels.squeeze(1)
            return self.evaluate(losses.focal_loss, logits, labels, **options)
        function = losses.soft_focal_terms if self.reduction == "none" else losses.soft_focal_loss
        return self.evaluate(function, logits, labels, **options)


def _dense(logits: tuple[int, ...], labels: tuple[int, ...]) -> bool:
    return len(labels) == len(logits) > 1 and (labels[1] != 1 or logits[1] == 1)


class CategoricalFocalLoss(RegisteredLoss):
    r"""Focal loss of class probabilities: :math:`\ell = -\sum_c \alpha_c\, y_c (1 - p_c)^\gamma \log p_c`.

    Args:
        alpha: a number, or one for each class.
        gamma: how strongly confident predictions are discounted, at least 0.
        from_logits: whether logits are given; else probabilities, held in [1e-7, 1 - 1e-7].
        label_smoothing: the share of the uniform distribution in the target, in [0, 1].
        axis: the axis of the classes.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of shape (..., C) for the axis -1, floating.
        labels: class probabilities or one-hot labels of the same shape.

    Returns:
        Tensor of shape (), or the inputs' without the axis of the classes for "none".

    Raises:
        ArgumentError: an unknown reduction, `gamma` below 0, or `label_smoothing` outside [0, 1].
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> p, y = Tensor([[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]), Tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> print(round(float(nn.CategoricalFocalLoss()(p, y)), 6))
        0.233153

    Source: Keras `CategoricalFocalCrossentropy`.
    """

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        name = "CategoricalFocalLoss"
        if not np.ndim(alpha):
            alpha = _check.number(alpha, name="alpha", where=name)
        elif not isinstance(alpha, (Tensor, np.ndarray, list, tuple)):
            raise ArgumentTypeError(f"{name}: `alpha` must be a number or a Tensor of shape (C,), but got {alpha!r}.")
        self.alpha = alpha if isinstance(alpha, float) else class_weight(alpha)
        self.gamma = _check.number(gamma, name="gamma", where=name, minimum=0)
        self.from_logits = _check.is_type(from_logits, bool, name="from_logits", where=name)
        self.label_smoothing = _check.number(label_smoothing, name="label_smoothing", where=name, minimum=0, maximum=1)
        self.axis = _check.integer(axis, name="axis", where=name)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and labels."""
        if self.axis not in (-1, logits.ndim - 1):
            logits, labels = logits.movedim(self.axis, -1), labels.movedim(self.axis, -1)
        return self.evaluate(
            losses.categorical_focal_cross_entropy,
            logits,
            labels,
            alpha=self.alpha if isinstance(self.alpha, float) else value_of(self.alpha),
            gamma=self.gamma,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
        )
