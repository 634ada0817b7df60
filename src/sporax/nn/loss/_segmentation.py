"""Losses of segmentation; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated, Any

from sporax import _check, losses, ops
from sporax._errors import ShapeError
from sporax._schema import Checked, Flag, Integer, NonNegative, Positive, one_of
from sporax.core import Cell, Tensor, unwrap
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = [
    "DiceCrossEntropyLoss",
    "DiceLoss",
    "FocalTverskyLoss",
    "GeneralizedDiceLoss",
    "JaccardLoss",
    "LovaszHingeLoss",
    "LovaszSoftmaxLoss",
    "MultiClassDiceLoss",
    "TverskyLoss",
]

_ACTIVATIONS = ("softmax", "logsoftmax", "relu", "relu6", "tanh", "sigmoid")


def _weight_columns(value: Any, *, name: str, where: str) -> Tensor | None:
    if value is not None:
        _check.is_type(value, Tensor, name=name, where=where)
        if value.ndim not in (1, 2):
            raise ShapeError(f"{where}: `{name}` must have shape (C, K) or (C,), but got {value.shape}.")
    return value


def _activation(value: Any, *, name: str, where: str) -> str | Cell | None:
    if isinstance(value, str):
        return _check.one_of(value.lower(), _ACTIVATIONS, name=name, where=where)
    return None if value is None else _check.is_type(value, Cell, name=name, where=where)


class DiceLoss(FunctionLoss, function=losses.dice_loss, optional="pixel_weights"):
    """One minus the Dice coefficient over all elements.

    `TverskyLoss` with its defaults is the Dice loss without squares.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]]), Tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
        >>> print(nn.DiceLoss(smooth=1e-5)(x, y))
        0.38596624
    """

    smooth: NonNegative = 1e-5
    ignore_index: Integer | None = None


class MultiClassDiceLoss(FunctionLoss, function=losses.multi_class_dice_loss):
    """Dice loss of each class, averaged over the classes.

    Args:
        weights: Tensor of shape (C, K): weights of the classes, K times, for K results; or of shape (C,).
        ignore_indiex: ignored class (the divisor stays C); the name is MindSpore's.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.2, 0.5, 0.7], [0.3, 0.1, 0.5], [0.9, 0.6, 0.3]])
        >>> y = Tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        >>> loss = nn.MultiClassDiceLoss(weights=None, ignore_indiex=None, activation="softmax")
        >>> print(loss(x, y).asnumpy().round(4))
        0.5496
    """

    weights: Annotated[Tensor | None, Checked(_weight_columns)] = None
    ignore_indiex: Integer | None = None
    activation: Annotated[str | Cell | None, Checked(_activation)] = "softmax"

    def construct(self, logits: Tensor, labels: Tensor, pixel_weights: Tensor | None = None) -> Tensor:
        """The loss of scores and one-hot labels."""
        name = self.activation
        if isinstance(name, Cell):
            logits, name = name(logits), None
        options: dict[str, Any] = {
            "ignore_index": self.ignore_indiex,
            "activation": name,
            "pixel_weights": unwrap(pixel_weights),
        }
        if self.weights is None:
            return self.evaluate(losses.multi_class_dice_loss, logits, labels, **options)
        weights = self.weights._value
        if weights.ndim == 1:
            return self.evaluate(losses.multi_class_dice_loss, logits, labels, class_weights=weights, **options)
        return ops.stack(
            [
                self.evaluate(losses.multi_class_dice_loss, logits, labels, class_weights=weights[:, k], **options)
                for k in range(weights.shape[1])
            ]
        )


class GeneralizedDiceLoss(FunctionLoss, function=losses.generalized_dice_loss, optional="pixel_weights"):
    """Generalized Dice loss, with classes weighted by their inverse squared size.

    A class without pixels in the image has the largest weight of the classes present.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> labels = Tensor([[[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]])
        >>> print(nn.GeneralizedDiceLoss()(ops.full_like(labels, 0.5), labels))
        0.625
    """

    from_logits: Flag = False
    reduction: str = "mean"


class TverskyLoss(FunctionLoss, function=losses.tversky_loss, optional="pixel_weights"):
    """Tversky loss: Dice with separate weights for false negatives and false positives.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.TverskyLoss(alpha=0.5, beta=0.5)(Tensor([0.5, 0.5, 0.0]), Tensor([1.0, 0.0, 0.0])))
        0.50000006
    """

    alpha: NonNegative = 0.5
    beta: NonNegative = 0.5
    axis: int | tuple[int, ...] | None = None
    smooth: NonNegative = 1e-7
    reduction: str = "mean"
    ignore_index: Integer | None = None


class FocalTverskyLoss(FunctionLoss, function=losses.focal_tversky_loss, optional="pixel_weights"):
    """Focal Tversky loss: the Tversky loss raised to a power.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.FocalTverskyLoss(alpha=0.5, beta=0.5, gamma=0.5, smooth=0.0)
        >>> print(loss(Tensor([0.5, 0.5]), Tensor([1.0, 0.0])))
        0.25
    """

    alpha: NonNegative = 0.7
    beta: NonNegative = 0.3
    gamma: Positive = 4 / 3
    axis: int | tuple[int, ...] | None = None
    smooth: NonNegative = 1e-7
    reduction: str = "mean"
    ignore_index: Integer | None = None


class JaccardLoss(FunctionLoss, function=losses.soft_jaccard_loss, optional="pixel_weights"):
    """Soft Jaccard loss: one minus the intersection over union.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.JaccardLoss()(Tensor([0.5, 0.5, 0.0]), Tensor([1.0, 0.0, 0.5])))
        0.75
    """

    smooth: NonNegative = 0.0
    axis: int | tuple[int, ...] | None = None
    reduction: str = "mean"
    ignore_index: Integer | None = None


class DiceCrossEntropyLoss(FunctionLoss, function=losses.dice_cross_entropy_loss):
    """Weighted sum of the multiclass Dice loss and cross entropy of each image.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> loss = nn.DiceCrossEntropyLoss(cross_entropy_weight=0.0, smooth=0.0)
        >>> print(loss(ops.zeros((1, 2, 4)), Tensor([[0, 0, 1, 1]])))
        0.5
    """

    dice_weight: NonNegative = 1.0
    cross_entropy_weight: NonNegative = 1.0
    smooth: NonNegative = 1e-05
    ignore_index: Integer | None = None
    reduction: str = "mean"


class LovaszHingeLoss(FunctionLoss, function=losses.lovasz_hinge_loss):
    """Lovász extension of the Jaccard loss, on the hinge errors of a binary image.

    Args:
        per_image: whether the loss is computed per image instead of over all pixels of the batch.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LovaszHingeLoss()(Tensor([[2.0, -0.5, 0.5, -3.0]]), Tensor([[1, 1, 0, 0]])))
        1.0
    """

    per_image: Flag = True
    ignore_index: Integer | None = None
    reduction: str = "mean"

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and binary labels."""
        if not self.per_image:
            if logits.shape != labels.shape:
                raise ShapeError(
                    f"LovaszHingeLoss: `labels` must have shape {logits.shape}, but got {labels.shape}. Give them the "
                    "same shape."
                )
            logits, labels = logits.reshape((1, -1)), labels.reshape((1, -1))
        return self.evaluate(losses.lovasz_hinge_loss, logits, labels, ignore_index=self.ignore_index)


class LovaszSoftmaxLoss(FunctionLoss, function=(losses.lovasz_softmax_loss, losses.lovasz_softmax_per_image_loss)):
    """Lovász extension of the Jaccard loss of each class, averaged over the classes.

    Args:
        per_image: whether the loss is computed per image instead of over all pixels of the batch.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LovaszSoftmaxLoss()(Tensor([[[0.75, 0.5, 0.25], [0.25, 0.5, 0.75]]]), Tensor([[0, 0, 1]])))
        0.375
    """

    classes: Annotated[str, one_of("present", "all")] = "present"
    per_image: Flag = False
    ignore_index: Integer | None = None
    from_logits: Flag = False
    reduction: str = "mean"
