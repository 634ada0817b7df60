"""Focal losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentTypeError, ShapeError
from sporax._schema import Checked, Flag, Integer, NonNegative, UnitInterval
from sporax.core import Tensor
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import ClassWeight, class_weight

__all__ = ["CategoricalFocalLoss", "FocalLoss"]


def _dense(logits: tuple[int, ...], labels: tuple[int, ...]) -> bool:
    return len(labels) == len(logits) > 1 and (labels[1] != 1 or logits[1] == 1)


def _alpha(value: Any, *, name: str, where: str) -> Any:
    if not np.ndim(value):
        return _check.number(value, name=name, where=where)
    if not isinstance(value, (Tensor, np.ndarray, list, tuple)):
        raise ArgumentTypeError(f"{where}: `{name}` must be a number or a Tensor of shape (C,), but got {value!r}.")
    return class_weight(value)


class FocalLoss(FunctionLoss, function=losses.focal_loss):
    """Focal loss of logits: cross entropy that down-weights well-classified samples.

    Inputs:
        logits: Tensor of shape (N, C, ...), floating.
        labels: class indices, integers of shape (N, 1, ...) or (N, ...); or probabilities or one-hot labels of the
            shape of the logits. For those the mean divides by the classes too.

    Examples:
        >>> from sporax import nn, Tensor
        >>> logits = Tensor([[0.8, 1.4], [0.5, 0.9], [1.2, 0.9]])
        >>> print(round(float(nn.FocalLoss(weight=Tensor([1, 2]))(logits, Tensor([[1], [1], [0]]))), 5))
        0.12517
    """

    weight: ClassWeight = None
    gamma: NonNegative = 2.0
    reduction: str = "mean"

    def _finish(self) -> None:
        if self.weight is not None and self.weight.ndim != 1:
            raise ShapeError(f"FocalLoss: `weight` must have shape (C,), but got shape {tuple(self.weight.shape)}.")

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
        if not _dense(logits.shape, labels.shape):
            if labels.ndim == logits.ndim and labels.shape[1] == 1:
                labels = labels.squeeze(1)
            return self.evaluate(losses.focal_loss, logits, labels, **self._arguments())
        function = losses.soft_focal_terms if self.reduction == "none" else losses.soft_focal_loss
        return self.evaluate(function, logits, labels, **self._arguments())


class CategoricalFocalLoss(FunctionLoss, function=losses.categorical_focal_cross_entropy):
    """Focal loss of class probabilities.

    Args:
        axis: the axis of the classes.

    Examples:
        >>> from sporax import nn, Tensor
        >>> p, y = Tensor([[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]), Tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> print(round(float(nn.CategoricalFocalLoss()(p, y)), 6))
        0.233153
    """

    alpha: Annotated[Any, Checked(_alpha)] = 0.25
    gamma: NonNegative = 2.0
    from_logits: Flag = False
    label_smoothing: UnitInterval = 0.0
    axis: Integer = -1
    reduction: str = "mean"

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and labels."""
        if self.axis not in (-1, logits.ndim - 1):
            logits, labels = logits.movedim(self.axis, -1), labels.movedim(self.axis, -1)
        return self.evaluate(losses.categorical_focal_cross_entropy, logits, labels, **self._arguments())
