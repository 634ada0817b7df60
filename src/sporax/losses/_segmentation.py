"""Losses of segmentation: overlap of a predicted and a true region."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ShapeError
from sporax._typing import ArrayLike
from sporax.losses.contract import Flag, LossInfo, NonNegative, Positive, Sized, label, loss_function, prediction
from sporax.losses.contract._indexing import kept_labels, take_class, valid_indices
from sporax.losses.numerics._ratio import nothing, ratio
from sporax.losses.numerics._regions import (
    ACTIVATIONS,
    class_log_softmax,
    class_pixels,
    dice,
    kept_pixels,
    regions,
    total,
)
from sporax.losses.numerics._softmax import log_softmax

__all__ = [
    "dice_cross_entropy_loss",
    "dice_loss",
    "focal_tversky_loss",
    "generalized_dice_loss",
    "multi_class_dice_loss",
    "soft_jaccard_loss",
    "tversky_loss",
]

_REGIONS = (
    prediction("logits", "...", domain="probability"),
    label("labels", "...", domain="probability", two_classes=True),
)


@loss_function(
    prediction("logits", "...", domain="nonnegative"),
    label("labels", "...", domain="probability", two_classes=True),
    output="",
    axis_parameter="axis",
    ignore_parameter="ignore_index",
    pixel_parameter="pixel_weights",
    info=LossInfo(
        cell="DiceLoss",
        parameters={"smooth": (1e-5, 0.5), "squared": (True, False)},
        reductions=(),
        like=("keras Dice",),
        lower_bound=0.0,
    ),
)
def dice_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    smooth: NonNegative = 1e-5,
    squared: Flag = True,
    axis: int | Sequence[int] | None = None,
    pixel_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
) -> jax.Array:
    r"""One minus the Dice coefficient of two regions.

    .. math:: \ell = 1 - \frac{2 \sum x_i y_i}{\sum x_i^2 + \sum y_i^2 + \epsilon}

    With `squared=False` the denominator is :math:`\sum x_i + \sum y_i + \epsilon`, as in Keras. Where both regions are
    empty, the loss is 0, with zero gradient, for any `smooth`.

    Args:
        logits: the membership x of each position in the predicted region, of any shape; usually probabilities.
        labels: the membership y in the true region, of the same shape.
        smooth: added to the denominator, at least 0.
        squared: whether the denominator contains squares.

    Example:
        >>> x = np.array([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]], np.float32)
        >>> y = np.array([[0, 1], [1, 0], [0, 1]], np.float32)
        >>> round(losses.dice_loss(x, y).item(), 6)
        0.385966

    Source: Milletari et al., "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image
    Segmentation", 2016; MindSpore `nn.DiceLoss`; Keras `Dice` with `squared=False`.
    """
    return dice(*kept_pixels(logits, labels, pixel_weights, ignore_index, "dice_loss"), _axes(axis), smooth, squared)


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N C ...", domain="distribution", unit="all"),
    output="",
    pixel_parameter="pixel_weights",
    info=LossInfo(
        cell="MultiClassDiceLoss",
        parameters={
            "class_weights": (None, Sized(lambda sizes: [0.5 + n for n in range(sizes["C"])])),
            "ignore_index": (None, 2),
            "activation": ("softmax", "sigmoid"),
        },
        reductions=(),
    ),
)
def multi_class_dice_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    class_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
    activation: str | Callable[[jax.Array], jax.Array] | None = "softmax",
    smooth: NonNegative = 1e-5,
    pixel_weights: ArrayLike | None = None,
) -> jax.Array:
    r"""Dice loss of each class, averaged over the classes.

    .. math:: \ell = \frac{1}{C} \sum_{c \ne \text{ignored}} w_c \operatorname{dice}(a(x)_c, y_c)

    The region of a class extends over the whole batch. C includes the ignored class, as in MindSpore.

    Args:
        labels: one-hot classes (or class probabilities) y of the same shape.
        class_weights: w of shape (C,); None for all ones.
        ignore_index: an ignored class; None for none.
        activation: the function a: `softmax`, `logsoftmax` (both over the classes, axis 1), `relu`, `relu6`, `tanh`,
            `sigmoid`, None for none, or any function.
        smooth: added to each denominator, at least 0.
        pixel_weights: the weight of each pixel, at least 0, or a bool mask, of shape (N, ...). A pixel of weight 0 is
            ignored.

    Raises:
        ArgumentError: an unknown activation.
        ShapeError: `class_weights` does not have one weight for each class.

    Example:
        >>> x = np.array([[0.2, 0.5, 0.7], [0.3, 0.1, 0.5], [0.9, 0.6, 0.3]], np.float32)
        >>> y = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
        >>> round(losses.multi_class_dice_loss(x, y).item(), 6)
        0.549581

    Source: MindSpore `nn.MultiClassDiceLoss`, whose softmax is over the last axis, which holds the classes only
    for inputs of two axes.
    """
    where = "multi_class_dice_loss"
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    classes = logits.shape[1]
    if activation is not None and not callable(activation):
        activation = ACTIVATIONS[_check.one_of(activation, tuple(ACTIVATIONS), name="activation", where=where)]
    weights = class_pixels(pixel_weights, logits.shape, where)
    if weights is not None:
        logits = jnp.where(weights == 0, 0, logits)
    if activation is not None:
        logits = activation(logits)
    each = dice(*kept_pixels(logits, labels, weights, None, where), (0, *range(2, logits.ndim)), smooth, True)
    if class_weights is not None:
        weights = jnp.asarray(class_weights, each.dtype)
        if weights.shape != (classes,):
            raise ShapeError(
                f"{where}: `class_weights` must have one weight for each of the {classes} classes, shape "
                f"({classes},), but got shape {weights.shape}."
            )
        each = each * weights
    if ignore_index is not None:
        ignore_index = _check.integer(ignore_index, name="ignore_index", where=where)
        each = jnp.where(jnp.arange(classes) == ignore_index, 0, each)
    return jnp.sum(each) / classes


@loss_function(
    prediction("logits", "N C ...", domain="distribution"),
    label("labels", "N C ...", domain="distribution", unit="all"),
    output="N",
    pixel_parameter="pixel_weights",
    info=LossInfo(
        cell="GeneralizedDiceLoss",
        parameters={"from_logits": (False, True)},
        like=("GDL", "MONAI GeneralizedDiceLoss"),
        lower_bound=0.0,
    ),
)
def generalized_dice_loss(
    logits: ArrayLike, labels: ArrayLike, *, from_logits: Flag = False, pixel_weights: ArrayLike | None = None
) -> jax.Array:
    r"""Generalized Dice loss, with classes weighted by their inverse squared size.

    With p the probabilities and r the labels of the pixels n of an image,

    .. math::
        \ell = 1 - 2\, \frac{\sum_c w_c \sum_n r_{cn} p_{cn}}{\sum_c w_c \sum_n (r_{cn} + p_{cn})}, \qquad
        w_c = \frac{1}{(\sum_n r_{cn})^2}

    A class without a pixel in the image gets the largest weight of the classes that have pixels. Where both labels and
    predictions are empty, the loss is 0, with zero gradient.

    Args:
        logits: probabilities p of shape (N, C, ...); with `from_logits`, unnormalized scores.
        labels: one-hot classes (or class probabilities) r of the same shape.
        from_logits: whether `logits` are scores, of which the softmax over the classes is taken.
        pixel_weights: the weight of each pixel, at least 0, or a bool mask, of shape (N, ...). A pixel of weight 0 is
            ignored.

    Returns:
        Values in [0, 1], of shape (N,).

    Example:
        >>> labels = np.array([[[1, 1, 1, 0], [0, 0, 0, 1]]], np.float32)
        >>> losses.generalized_dice_loss(np.full_like(labels, 0.5), labels).tolist()
        [0.625]

    Source: Sudre et al., "Generalised Dice Overlap as a Deep Learning Loss Function for Highly Unbalanced
    Segmentations", 2017; the weight of an absent class is that of MONAI's `GeneralizedDiceLoss`.
    """
    where = "generalized_dice_loss"
    x, y = jnp.asarray(logits), jnp.asarray(labels)
    weights = class_pixels(pixel_weights, x.shape, where)
    if from_logits:
        x = jnp.exp(class_log_softmax(x if weights is None else jnp.where(weights == 0, 0, x)))
    x, y, weights = kept_pixels(x, y, weights, None, where)
    axes = tuple(range(2, x.ndim))
    wrong, either, volume = (total(each, axes, weights) for each in (x * (1 - y) + y * (1 - x), x + y, y))
    # Weights multiplied by the square of the smallest volume, which cancels, stay in [0, 1].
    absent = nothing(volume)
    smallest = jnp.min(jnp.where(absent, jnp.inf, volume), axis=1, keepdims=True)
    share = jnp.where(absent, 1, jnp.square(jnp.where(absent, 1, smallest) / jnp.where(absent, 1, volume)))
    return ratio(jnp.sum(share * wrong, axis=1), jnp.sum(share * either, axis=1))


@loss_function(
    *_REGIONS,
    output="",
    axis_parameter="axis",
    ignore_parameter="ignore_index",
    pixel_parameter="pixel_weights",
    info=LossInfo(
        cell="TverskyLoss",
        parameters={"alpha": (0.5, 0.8), "beta": (0.5, 0.3)},
        like=("keras Tversky",),
        lower_bound=0.0,
    ),
)
def tversky_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    alpha: NonNegative = 0.5,
    beta: NonNegative = 0.5,
    smooth: NonNegative = 1e-7,
    axis: int | Sequence[int] | None = None,
    pixel_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
) -> jax.Array:
    r"""Tversky loss: Dice with separate weights for false negatives and false positives.

    .. math::
        \ell = 1 - \frac{\sum x_i y_i}{\sum x_i y_i + \alpha \sum (1 - x_i) y_i + \beta \sum x_i (1 - y_i) + \epsilon}

    Thus alpha is the weight of false negatives and beta that of false positives. Keras computes the same; its
    documentation, and Salehi's paper, swap the names. Both 1/2 gives Dice with `squared=False`, and both 1 the Jaccard
    loss. Where both regions are empty, the loss is 0, with zero gradient.

    Args:
        alpha: the weight of false negatives, at least 0.
        beta: the weight of false positives, at least 0.
        smooth: added to the denominator, at least 0.

    Example:
        >>> x, y = [[0.5, 0.5, 0.0], [1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
        >>> losses.tversky_loss(x, y, smooth=0.0, axis=1).tolist()
        [0.5, 0.0]

    Source: Salehi et al., "Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep
    Networks", 2017; Keras `Tversky`.
    """
    both, missed, surplus, empty = regions(
        *kept_pixels(logits, labels, pixel_weights, ignore_index, "tversky_loss"), _axes(axis)
    )
    wrong = alpha * missed + beta * surplus
    return jnp.where(empty, 0, ratio(wrong + smooth, both + wrong + smooth))


@loss_function(
    *_REGIONS,
    output="",
    axis_parameter="axis",
    ignore_parameter="ignore_index",
    pixel_parameter="pixel_weights",
    info=LossInfo(
        cell="FocalTverskyLoss", parameters={"alpha": (0.7, 0.2), "gamma": (4 / 3, 1.0, 0.75)}, lower_bound=0.0
    ),
)
def focal_tversky_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    alpha: NonNegative = 0.7,
    beta: NonNegative = 0.3,
    gamma: Positive = 4 / 3,
    smooth: NonNegative = 1e-7,
    axis: int | Sequence[int] | None = None,
    pixel_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
) -> jax.Array:
    r"""Focal Tversky loss: the Tversky loss raised to a power.

    .. math::
        \ell = (1 - T)^{1 / \gamma}, \qquad T = \frac{\sum x_i y_i + \epsilon}
        {\sum x_i y_i + \alpha \sum (1 - x_i) y_i + \beta \sum x_i (1 - y_i) + \epsilon}

    The derivative is unbounded near a perfect prediction, where it is set to 0.

    Args:
        alpha: the weight of false negatives, at least 0.
        beta: the weight of false positives, at least 0.
        gamma: above 0; 1 gives the Tversky loss, larger values increase small losses.
        smooth: added to numerator and denominator, at least 0.

    Example:
        >>> losses.focal_tversky_loss([0.5, 0.5], [1.0, 0.0], alpha=0.5, beta=0.5, gamma=0.5, smooth=0.0).item()
        0.25

    Source: Abraham and Khan, "A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion
    Segmentation", 2019.
    """
    both, missed, surplus, empty = regions(
        *kept_pixels(logits, labels, pixel_weights, ignore_index, "focal_tversky_loss"), _axes(axis)
    )
    wrong = alpha * missed + beta * surplus
    loss = jnp.where(empty, 0, ratio(wrong, both + wrong + smooth))
    perfect = loss <= 0
    return jnp.where(perfect, 0, jnp.where(perfect, 1, loss) ** (1 / gamma))


@loss_function(
    *_REGIONS,
    output="",
    axis_parameter="axis",
    ignore_parameter="ignore_index",
    pixel_parameter="pixel_weights",
    info=LossInfo(cell="JaccardLoss", parameters={"smooth": (0.0, 0.5)}, like=("soft IoU",), lower_bound=0.0),
)
def soft_jaccard_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    smooth: NonNegative = 0.0,
    axis: int | Sequence[int] | None = None,
    pixel_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
) -> jax.Array:
    r"""Soft Jaccard loss: one minus the intersection over union.

    .. math:: \ell = 1 - \frac{\sum x_i y_i + \epsilon}{\sum (x_i + y_i - x_i y_i) + \epsilon}

    Where both regions are empty, the loss is 0, with zero gradient.

    Args:
        smooth: added to numerator and denominator, at least 0.

    Example:
        >>> losses.soft_jaccard_loss([0.5, 0.5, 0.0], [1.0, 0.0, 0.5]).item()
        0.75

    Source: Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation",
    2016.
    """
    both, missed, surplus, empty = regions(
        *kept_pixels(logits, labels, pixel_weights, ignore_index, "soft_jaccard_loss"), _axes(axis)
    )
    wrong = missed + surplus
    return jnp.where(empty, 0, ratio(wrong, both + wrong + smooth))


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N ...", domain="class", kind="int"),
    output="N",
    ignore_parameter="ignore_index",
    info=LossInfo(
        cell="DiceCrossEntropyLoss",
        parameters={
            "dice_weight": (1.0, 0.3),
            "cross_entropy_weight": (1.0, 2.0),
            "ignore_index": (None, -1),
        },
        like=("MONAI DiceCELoss", "Combo loss"),
        lower_bound=0.0,
    ),
)
def dice_cross_entropy_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    dice_weight: NonNegative = 1.0,
    cross_entropy_weight: NonNegative = 1.0,
    smooth: NonNegative = 1e-5,
    ignore_index: int | None = None,
) -> jax.Array:
    r"""Weighted sum of the multiclass Dice loss and cross entropy of each image.

    With p the softmax of the logits and y the one-hot labels of an image of P pixels,

    .. math::
        \ell = \frac{\lambda_d}{C} \sum_c \Bigl(1 - \frac{2 \sum_i p_{ci} y_{ci} + \epsilon}
        {\sum_i p_{ci} + \sum_i y_{ci} + \epsilon}\Bigr) - \frac{\lambda_{ce}}{P} \sum_i \log p_{y_i i}

    Ignored pixels are excluded from all sums; an image without other pixels has loss 0.

    Args:
        dice_weight: :math:`\lambda_d`, at least 0.
        cross_entropy_weight: :math:`\lambda_{ce}`, at least 0.
        smooth: added to numerator and denominator of each ratio, at least 0.

    Example:
        >>> logits, labels = np.zeros((1, 2, 4), np.float32), np.array([[0, 0, 1, 1]])
        >>> losses.dice_cross_entropy_loss(logits, labels, cross_entropy_weight=0.0, smooth=0.0).tolist()
        [0.5]

    Source: Isensee et al., "nnU-Net: Self-adapting Framework for U-Net-Based Medical Image Segmentation", 2018,
    with Dice computed for each image, as in MONAI's `DiceCELoss`.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    count, classes = logits.shape[:2]
    logits = jnp.moveaxis(logits, 1, -1).reshape(count, math.prod(labels.shape[1:]), classes)
    labels = labels.reshape(logits.shape[:2])
    kept = jnp.ones(labels.shape, bool) if ignore_index is None else kept_labels(labels, ignore_index)
    labels = jnp.where(kept, labels, 0)
    log_p = log_softmax(jnp.where(kept[..., None], logits, 0))

    pixels = jnp.maximum(jnp.sum(kept, axis=1), 1).astype(log_p.dtype)
    entropy = jnp.sum(jnp.where(kept, 0 - take_class(log_p, labels), 0), axis=1) / pixels
    valid, safe = valid_indices(labels, classes)
    inside = kept[..., None]
    true = (inside & (safe[..., None] == jnp.arange(classes)[None, None, :])).astype(log_p.dtype)
    p = jnp.where(inside, jnp.exp(log_p), 0)
    either = jnp.sum(p + true, axis=1)
    wrong = jnp.sum(p * (1 - true) + true * (1 - p), axis=1)
    overlap = jnp.mean(ratio(wrong, either + smooth), axis=1)
    loss = dice_weight * overlap + cross_entropy_weight * entropy
    return jnp.where(jnp.all(valid, axis=1), loss, jnp.nan)


def _axes(axis: Any) -> tuple[int, ...]:
    """The axes as the contract passes them to the formula: a tuple."""
    return axis
