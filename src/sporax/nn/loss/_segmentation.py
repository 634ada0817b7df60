"""Losses of segmentation; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Any

from sporax import _check, losses, ops
from sporax._errors import ShapeError
from sporax.core import Cell, Tensor, unwrap
from sporax.nn.loss._base import RegisteredLoss

_ACTIVATIONS = ("softmax", "logsoftmax", "relu", "relu6", "tanh", "sigmoid")


class DiceLoss(RegisteredLoss):
    r"""One less the Dice coefficient: :math:`\ell = 1 - 2 \sum xy / (\sum x^2 + \sum y^2 + \epsilon)`.

    The sums are over every element. `TverskyLoss` with its defaults is Dice without the squares.

    Args:
        smooth: what is added to the denominator; at least 0.
        ignore_index: a label whose pixels are left out, such as 255; None for none.

    Inputs:
        logits: Tensor of any shape, floating: probabilities, as a rule.
        labels: Tensor of the same shape.
        pixel_weights: optional, what each pixel counts, at least 0, or a bool mask; a Tensor that broadcasts to the
            shape of the labels. A pixel of weight 0 is as if it were not there.

    Returns:
        Tensor of shape (); 0 where both inputs are all zeros.

    Raises:
        ArgumentError: a `smooth` below 0.
        ShapeError: shapes that differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]]), Tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
        >>> print(nn.DiceLoss(smooth=1e-5)(x, y))
        0.38596624

    Source: Milletari et al., "V-Net", 2016; the class of the same name in MindSpore.
    """

    def __init__(self, smooth: float = 1e-5, ignore_index: int | None = None) -> None:
        super().__init__()
        self.smooth = _check.number(smooth, name="smooth", where="DiceLoss", minimum=0)
        self.ignore_index = _ignored(ignore_index, "DiceLoss")

    def construct(self, logits: Tensor, labels: Tensor, pixel_weights: Tensor | None = None) -> Tensor:
        """The loss of a predicted and a true region."""
        return self.evaluate(losses.dice_loss, logits, labels, smooth=self.smooth, **_pixels(self, pixel_weights))


class MultiClassDiceLoss(RegisteredLoss):
    r"""The mean over classes of the Dice loss of each one's region.

    Args:
        weights: Tensor of shape (C, K): weights of the classes, K times, for K results; or of shape (C,).
        ignore_indiex: a class that is left out (the divisor stays C). The name is MindSpore's.
        activation: "softmax" or "logsoftmax" (over the classes, axis 1), "relu", "relu6", "tanh", "sigmoid", a
            Cell, or None.

    Inputs:
        logits: Tensor of shape (N, C, \*), floating.
        labels: Tensor of the same shape.
        pixel_weights: optional, what each pixel counts, at least 0, or a bool mask; a Tensor of shape
            (N, \*). A pixel of weight 0 is as if it were not there.

    Returns:
        Tensor of shape (), or (K,) with weights of shape (C, K).

    Raises:
        ArgumentError: an unknown activation.
        ArgumentTypeError: an argument of the wrong type.
        ShapeError: shapes that differ, or weights that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.2, 0.5, 0.7], [0.3, 0.1, 0.5], [0.9, 0.6, 0.3]])
        >>> y = Tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        >>> print(nn.MultiClassDiceLoss(weights=None, ignore_indiex=None, activation="softmax")(x, y))
        0.5495811

    Source: the class of the same name in MindSpore; its softmax, though, runs over the last axis.
    """

    def __init__(
        self,
        weights: Tensor | None = None,
        ignore_indiex: int | None = None,
        activation: str | Cell | None = "softmax",
    ) -> None:
        super().__init__()
        where = "MultiClassDiceLoss"
        if weights is not None:
            _check.is_type(weights, Tensor, name="weights", where=where)
            if weights.ndim not in (1, 2):
                raise ShapeError(f"{where}: `weights` must have shape (C, K) or (C,), but got {weights.shape}.")
        self.weights = weights
        if ignore_indiex is not None:
            ignore_indiex = _check.integer(ignore_indiex, name="ignore_indiex", where=where)
        self.ignore_indiex = ignore_indiex
        if isinstance(activation, str):
            activation = _check.one_of(activation.lower(), _ACTIVATIONS, name="activation", where=where)
        elif activation is not None:
            _check.is_type(activation, Cell, name="activation", where=where)
        self.activation = activation

    def construct(self, logits: Tensor, labels: Tensor, pixel_weights: Tensor | None = None) -> Tensor:
        """The loss of scores and one-hot labels."""
        name = self.activation
        if isinstance(name, Cell):
            logits, name = name(logits), None
        options: dict[str, Any] = {
            "ignore_index": self.ignore_indiex,
            "activation": name,
            "pixel_weights": _value(pixel_weights),
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


class GeneralizedDiceLoss(RegisteredLoss):
    r"""Dice loss over all classes of an image at once, in which small regions count as much as large ones.

    .. math::
        \ell = 1 - 2\, \frac{\sum_c w_c \sum_n r_{cn} p_{cn}}{\sum_c w_c \sum_n (r_{cn} + p_{cn})}, \qquad
        w_c = \frac{1}{(\sum_n r_{cn})^2}

    A class without a pixel in the image gets the largest weight of the classes that are there.

    Args:
        from_logits: whether scores are given, of which the softmax over the classes is taken.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: probabilities (or scores), Tensor of shape (N, C, \*).
        labels: one-hot classes, Tensor of the same shape.
        pixel_weights: optional, what each pixel counts, at least 0, or a bool mask; a Tensor of shape (N, \*). A pixel
            of weight 0 is as if it were not there.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ArgumentTypeError: `from_logits` is not a bool.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> labels = Tensor([[[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]])
        >>> print(nn.GeneralizedDiceLoss()(ops.full_like(labels, 0.5), labels))
        0.625

    Source: Sudre et al., "Generalised Dice Overlap as a Deep Learning Loss Function for Highly Unbalanced
    Segmentations", 2017; `GeneralizedDiceLoss` in MONAI.
    """

    def __init__(self, from_logits: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.from_logits = _check.is_type(from_logits, bool, name="from_logits", where="GeneralizedDiceLoss")

    def construct(self, logits: Tensor, labels: Tensor, pixel_weights: Tensor | None = None) -> Tensor:
        """The loss of predicted and true regions."""
        return self.evaluate(
            losses.generalized_dice_loss,
            logits,
            labels,
            from_logits=self.from_logits,
            pixel_weights=_value(pixel_weights),
        )


class TverskyLoss(RegisteredLoss):
    r"""Dice with a weight each for what is missed (alpha) and what is too much (beta).

    .. math:: \ell = 1 - \frac{\sum xy}{\sum xy + \alpha \sum (1 - x) y + \beta \sum x (1 - y) + \epsilon}

    Args:
        alpha: the weight of false negatives, at least 0.
        beta: the weight of false positives, at least 0.
        axis: the axes over which one region reaches; None for all.
        smooth: what is added to the denominator, at least 0.
        reduction: "mean", "sum" or "none", of the values of the axes that are left.
        ignore_index: a label whose pixels are left out, such as 255; None for none.

    Inputs:
        logits: probabilities, Tensor of any shape.
        labels: Tensor of the same shape, in [0, 1].
        pixel_weights: optional, what each pixel counts, at least 0, or a bool mask; a Tensor that broadcasts to the
            shape of the labels. A pixel of weight 0 is as if it were not there.

    Returns:
        Tensor of shape (), or of the axes left for "none".

    Raises:
        ArgumentError: an argument out of its range, or predictions outside [0, 1].
        LabelError: labels outside [0, 1].
        ShapeError: shapes that differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.TverskyLoss(alpha=0.5, beta=0.5)(Tensor([0.5, 0.5, 0.0]), Tensor([1.0, 0.0, 0.0])))
        0.50000006

    Source: Salehi et al., "Tversky Loss Function for Image Segmentation", 2017; `Tversky` in Keras.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        axis: int | tuple[int, ...] | None = None,
        smooth: float = 1e-7,
        reduction: str = "mean",
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(reduction)
        self.alpha = _check.number(alpha, name="alpha", where="TverskyLoss", minimum=0)
        self.beta = _check.number(beta, name="beta", where="TverskyLoss", minimum=0)
        self.axis = axis
        self.smooth = _check.number(smooth, name="smooth", where="TverskyLoss", minimum=0)
        self.ignore_index = _ignored(ignore_index, "TverskyLoss")

    def construct(self, logits: Tensor, labels: Tensor, pixel_weights: Tensor | None = None) -> Tensor:
        """The loss of a predicted and a true region."""
        return self.evaluate(
            losses.tversky_loss,
            logits,
            labels,
            alpha=self.alpha,
            beta=self.beta,
            smooth=self.smooth,
            axis=self.axis,
            **_pixels(self, pixel_weights),
        )


class FocalTverskyLoss(RegisteredLoss):
    r"""A root of the Tversky loss: :math:`\ell = (1 - T)^{1/\gamma}`.

    Args:
        alpha: the weight of false negatives, at least 0.
        beta: the weight of false positives, at least 0.
        gamma: above 0; 1 gives the Tversky loss. The paper takes it from 1 to 3, and finds 4/3 best.
        axis: the axes over which one region reaches; None for all.
        smooth: what is added to both parts of the ratio T, at least 0.
        reduction: "mean", "sum" or "none", of the values of the axes that are left.
        ignore_index: a label whose pixels are left out, such as 255; None for none.

    Inputs:
        logits: probabilities, Tensor of any shape.
        labels: Tensor of the same shape, in [0, 1].
        pixel_weights: optional, what each pixel counts, at least 0, or a bool mask; a Tensor that broadcasts to the
            shape of the labels. A pixel of weight 0 is as if it were not there.

    Returns:
        Tensor of shape (), or of the axes left for "none".

    Raises:
        ArgumentError: an argument out of its range, or predictions outside [0, 1].
        LabelError: labels outside [0, 1].
        ShapeError: shapes that differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.FocalTverskyLoss(alpha=0.5, beta=0.5, gamma=0.5, smooth=0.0)
        >>> print(loss(Tensor([0.5, 0.5]), Tensor([1.0, 0.0])))
        0.25

    Source: Abraham and Khan, "A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion
    Segmentation", 2019.
    """

    def __init__(
        self,
        alpha: float = 0.7,
        beta: float = 0.3,
        gamma: float = 4 / 3,
        axis: int | tuple[int, ...] | None = None,
        smooth: float = 1e-7,
        reduction: str = "mean",
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(reduction)
        where = "FocalTverskyLoss"
        self.alpha = _check.number(alpha, name="alpha", where=where, minimum=0)
        self.beta = _check.number(beta, name="beta", where=where, minimum=0)
        self.gamma = _check.number(gamma, name="gamma", where=where, minimum=0, open_minimum=True)
        self.axis = axis
        self.smooth = _check.number(smooth, name="smooth", where=where, minimum=0)
        self.ignore_index = _ignored(ignore_index, "FocalTverskyLoss")

    def construct(self, logits: Tensor, labels: Tensor, pixel_weights: Tensor | None = None) -> Tensor:
        """The loss of a predicted and a true region."""
        return self.evaluate(
            losses.focal_tversky_loss,
            logits,
            labels,
            alpha=self.alpha,
            beta=self.beta,
            gamma=self.gamma,
            smooth=self.smooth,
            axis=self.axis,
            **_pixels(self, pixel_weights),
        )


class JaccardLoss(RegisteredLoss):
    r"""One less intersection over union: :math:`\ell = 1 - \sum xy / \sum (x + y - xy)`.

    Args:
        smooth: what is added to both parts of the ratio, at least 0.
        axis: the axes over which one region reaches; None for all.
        reduction: "mean", "sum" or "none", of the values of the axes that are left.
        ignore_index: a label whose pixels are left out, such as 255; None for none.

    Inputs:
        logits: probabilities, Tensor of any shape.
        labels: Tensor of the same shape, in [0, 1].
        pixel_weights: optional, what each pixel counts, at least 0, or a bool mask; a Tensor that broadcasts to the
            shape of the labels. A pixel of weight 0 is as if it were not there.

    Returns:
        Tensor of shape (), or of the axes left for "none"; 0 for an empty region that was predicted empty.

    Raises:
        ArgumentError: a `smooth` below 0, or predictions outside [0, 1].
        LabelError: labels outside [0, 1].
        ShapeError: shapes that differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.JaccardLoss()(Tensor([0.5, 0.5, 0.0]), Tensor([1.0, 0.0, 0.5])))
        0.75

    Source: Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation",
    2016.
    """

    def __init__(
        self,
        smooth: float = 0.0,
        axis: int | tuple[int, ...] | None = None,
        reduction: str = "mean",
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(reduction)
        self.smooth = _check.number(smooth, name="smooth", where="JaccardLoss", minimum=0)
        self.ignore_index = _ignored(ignore_index, "JaccardLoss")
        self.axis = axis

    def construct(self, logits: Tensor, labels: Tensor, pixel_weights: Tensor | None = None) -> Tensor:
        """The loss of a predicted and a true region."""
        return self.evaluate(
            losses.soft_jaccard_loss, logits, labels, smooth=self.smooth, axis=self.axis, **_pixels(self, pixel_weights)
        )


class DiceCrossEntropyLoss(RegisteredLoss):
    r"""A Dice loss over the classes and a cross entropy, added up image by image.

    Args:
        dice_weight: the factor of the Dice loss, at least 0.
        cross_entropy_weight: the factor of the cross entropy, at least 0.
        smooth: what is added to both parts of each ratio of the Dice loss, at least 0.
        ignore_index: a label whose pixels are left out; None for none.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: unnormalised scores, Tensor of shape (N, C, \*).
        labels: class indices, Tensor of shape (N, \*), of an integer dtype.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an argument out of its range.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that image is NaN.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> loss = nn.DiceCrossEntropyLoss(cross_entropy_weight=0.0, smooth=0.0)
        >>> print(loss(ops.zeros((1, 2, 4)), Tensor([[0, 0, 1, 1]])))
        0.5

    Source: Isensee et al., "nnU-Net", 2018; `DiceCELoss` in MONAI.
    """

    def __init__(
        self,
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        smooth: float = 1e-5,
        ignore_index: int | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        where = "DiceCrossEntropyLoss"
        self.dice_weight = _check.number(dice_weight, name="dice_weight", where=where, minimum=0)
        self.cross_entropy_weight = _check.number(
            cross_entropy_weight, name="cross_entropy_weight", where=where, minimum=0
        )
        self.smooth = _check.number(smooth, name="smooth", where=where, minimum=0)
        self.ignore_index = _ignore_index(ignore_index, where)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and class indices."""
        return self.evaluate(
            losses.dice_cross_entropy_loss,
            logits,
            labels,
            dice_weight=self.dice_weight,
            cross_entropy_weight=self.cross_entropy_weight,
            smooth=self.smooth,
            ignore_index=self.ignore_index,
        )


class LovaszHingeLoss(RegisteredLoss):
    r"""The Lovász extension of the Jaccard loss at the hinge errors of a binary image.

    Args:
        per_image: whether each image is one set of pixels, or all images together.
        ignore_index: a label whose pixels are left out; None for none.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores, Tensor of shape (N, \*), above 0 for the region.
        labels: Tensor of the same shape, 1 for the region and 0 for the rest.

    Returns:
        Tensor of shape (), or for "none" (N,), or (1,) without `per_image`.

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that differ.
        LabelError: other labels than 0 and 1, where their values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LovaszHingeLoss()(Tensor([[2.0, -0.5, 0.5, -3.0]]), Tensor([[1, 1, 0, 0]])))
        1.0

    Source: Berman et al., "The Lovász-Softmax Loss", 2018.
    """

    def __init__(self, per_image: bool = True, ignore_index: int | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.per_image = _check.is_type(per_image, bool, name="per_image", where="LovaszHingeLoss")
        self.ignore_index = _ignore_index(ignore_index, "LovaszHingeLoss")

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


class LovaszSoftmaxLoss(RegisteredLoss):
    r"""The mean over classes of the Lovász extension of each one's Jaccard loss.

    Args:
        classes: "present" averages over the classes that some label names, "all" over all of them.
        per_image: whether each image is one set of pixels, or all images together.
        ignore_index: a label whose pixels are left out; None for none.
        from_logits: whether predictions are logits, to be put through a softmax.
        reduction: "mean", "sum" or "none".

    Inputs:
        predictions: class probabilities, Tensor of shape (N, C, \*).
        labels: class indices, Tensor of shape (N, \*), of an integer dtype.

    Returns:
        Tensor of shape (), or (N,) for "none" with `per_image`.

    Raises:
        ArgumentError: unknown `classes` or reduction.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code the value is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LovaszSoftmaxLoss()(Tensor([[[0.75, 0.5, 0.25], [0.25, 0.5, 0.75]]]), Tensor([[0, 0, 1]])))
        0.375

    Source: Berman et al., "The Lovász-Softmax Loss", 2018.
    """

    def __init__(
        self,
        classes: str = "present",
        per_image: bool = False,
        ignore_index: int | None = None,
        from_logits: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        where = "LovaszSoftmaxLoss"
        self.classes = _check.one_of(classes, ("present", "all"), name="classes", where=where)
        self.per_image = _check.is_type(per_image, bool, name="per_image", where=where)
        self.ignore_index = _ignore_index(ignore_index, where)
        self.from_logits = _check.is_type(from_logits, bool, name="from_logits", where=where)

    def construct(self, predictions: Tensor, labels: Tensor) -> Tensor:
        """The loss of class probabilities and class indices."""
        return self.evaluate(
            losses.lovasz_softmax_per_image_loss if self.per_image else losses.lovasz_softmax_loss,
            predictions,
            labels,
            classes=self.classes,
            ignore_index=self.ignore_index,
            from_logits=self.from_logits,
        )


def _ignore_index(value: int | None, where: str) -> int | None:
    return None if value is None else _check.integer(value, name="ignore_index", where=where)


def _ignored(index: int | None, where: str) -> int | None:
    return None if index is None else _check.integer(index, name="ignore_index", where=where)


def _value(weights: Tensor | None) -> Any:
    return None if weights is None else unwrap(weights)


def _pixels(loss: Any, weights: Tensor | None) -> dict[str, Any]:
    """Which pixels take part, as arguments of the functions."""
    return {"pixel_weights": _value(weights), "ignore_index": loss.ignore_index}
