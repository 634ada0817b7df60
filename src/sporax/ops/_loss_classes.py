"""Losses of classes as ops; `sporax.losses` does the mathematics."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from sporax import losses
from sporax.ops._args import Array, as_array
from sporax.ops._base import alias, op


@op
def cross_entropy(
    input: Array,
    target: Array,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Array:
    r"""The cross entropy of class indices or class probabilities, with the softmax inside.

    .. math:: -\sum_c w_c\, q_{i,c} \ln \operatorname{softmax}(x_i)_c, \qquad
        q_{i,c} = (1 - s)\, [c = y_i] + \frac{s}{C} \text{ or } (1 - s)\, y_{i,c} + \frac{s}{C}

    For class indices the mean divides by the sum of :math:`w_{y_i}` over the labels that are not `ignore_index`, for
    probabilities by the number of places.

    Args:
        input: Tensor of logits x, of shape (N, C, ...), or (C,) for one sample.
        target: integers are class indices, of shape (N, ...), or (); floating ones are probabilities of the shape of
            `input`.
        weight: Tensor w of one weight a class, of shape (C,).
        ignore_index: a class index that stands for no label. Probabilities have none.
        reduction: "none", "mean" or "sum".
        label_smoothing: s in [0, 1], the share of the uniform distribution in the target.

    Returns:
        Tensor of the shape of class indices ("none"), or of no axis.

    Raises:
        ShapeError: shapes that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.
        ArgumentError: an unknown reduction, or `label_smoothing` outside [0, 1].

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.cross_entropy(Tensor([[0.0, 2.0], [0.0, 0.0]]), Tensor([1, 0]), reduction="none"))
        [0.12692805 0.6931472 ]

    Source: `ops.cross_entropy` of MindSpore; `losses.cross_entropy` and `losses.soft_cross_entropy`.
    """
    options = {"weight": weight, "label_smoothing": label_smoothing}
    target = as_array(target)
    if jnp.issubdtype(target.dtype, jnp.integer):
        options["ignore_index"] = ignore_index
        return losses.evaluate(
            losses.cross_entropy, input, target, reduction=reduction, where="ops.cross_entropy", **options
        )
    return losses.evaluate(
        losses.soft_cross_entropy, input, target, reduction=reduction, where="ops.cross_entropy", **options
    )


@op
def nll_loss(
    inputs: Array,
    target: Array,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Array:
    r"""The negative log likelihood of class indices, given log probabilities.

    .. math:: -(1 - s)\, w_{y_i} x_{i, y_i} - \frac{s}{C} \sum_c w_c x_{i, c}

    The mean divides by the sum of :math:`w_{y_i}` over the labels that are not `ignore_index`.

    Args:
        inputs: Tensor of log probabilities x, of shape (N, C, ...), or (C,) for one sample.
        target: Tensor of class indices y, of shape (N, ...), or ().
        weight: Tensor w of one weight a class, of shape (C,).
        ignore_index: a class index that stands for no label.
        reduction: "none", "mean" or "sum".
        label_smoothing: s in [0, 1], the share of the uniform distribution in the target.

    Returns:
        Tensor of the shape of `target` ("none"), or of no axis.

    Raises:
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.
        ArgumentError: an unknown reduction, or `label_smoothing` outside [0, 1].

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.nll_loss(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), Tensor([0, 1])))
        0.375

    Source: `ops.nll_loss` of MindSpore; `losses.nll_loss`.
    """
    options = {"weight": weight, "ignore_index": ignore_index, "label_smoothing": label_smoothing}
    return losses.evaluate(losses.nll_loss, inputs, target, reduction=reduction, where="ops.nll_loss", **options)


@op
def nll_loss_ext(
    input: Array, target: Array, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Array:
    r"""The negative log likelihood of class indices, given log probabilities: :math:`-w_{y_i} x_{i, y_i}`.

    Args:
        input: Tensor of log probabilities x, of shape (N, C, ...), or (C,) for one sample.
        target: Tensor of class indices y, of shape (N, ...), or ().
        weight: Tensor w of one weight a class, of shape (C,).
        ignore_index: a class index that stands for no label.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the shape of `target` ("none"), or of no axis.

    Raises:
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.nll_loss_ext(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), Tensor([0, 1])))
        0.375

    Source: `mint.nn.functional.nll_loss` of MindSpore; `losses.nll_loss`.
    """
    options = {"weight": weight, "ignore_index": ignore_index}
    return losses.evaluate(losses.nll_loss, input, target, reduction=reduction, where="ops.nll_loss_ext", **options)


@op
def multi_margin_loss(
    input: Array, target: Array, p: int = 1, margin: float = 1, weight: Any = None, reduction: str = "mean"
) -> Array:
    r"""What the score of the true class lacks of a margin above each of the others, as a mean over the classes.

    .. math:: \frac{1}{C} \sum_{c \ne y} w_y \max(0, m - x_y + x_c)^p

    Args:
        input: Tensor of scores x, of shape (N, C), or (C,) for one sample.
        target: Tensor of class indices y, of shape (N,), or ().
        p: 1 or 2.
        margin: m.
        weight: Tensor w of one weight a class, of shape (C,); it does not enter the denominator of the mean.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the shape of `target` ("none"), or of no axis.

    Raises:
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that row is NaN.
        ArgumentError: an unknown reduction, or a `p` that is neither 1 nor 2.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.multi_margin_loss(Tensor([[0.5, 1.0, 0.0, 0.5]]), Tensor([1])))
        0.25

    Source: `ops.multi_margin_loss` of MindSpore; `losses.multi_margin_loss`.
    """
    return losses.evaluate(
        losses.multi_margin_loss,
        input,
        target,
        reduction=reduction,
        where="ops.multi_margin_loss",
        p=p,
        margin=margin,
        weight=weight,
    )


@op
def multilabel_margin_loss(input: Array, target: Array, reduction: str = "mean") -> Array:
    r"""What the scores of the true classes lack of 1 above those of the others, over all such pairs.

    .. math:: \frac{1}{C} \sum_{j \in Y} \sum_{c \notin Y} \max(0, 1 - x_j + x_c)

    Args:
        input: Tensor of scores x, of shape (N, C), or (C,) for one sample.
        target: Tensor of that shape: the true classes Y of each sample, ended by the first -1.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of shape (N,) or () ("none"), or of no axis.

    Raises:
        DtypeError, ShapeError: labels that do not fit.
        LabelError: a label outside [-1, C), where the values are known; in compiled code that row is NaN.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.multilabel_margin_loss(Tensor([[0.5, 1.0, 0.0, 0.5]]), Tensor([[1, 3, -1, 0]])))
        0.5

    Source: `ops.multilabel_margin_loss` of MindSpore; `losses.multilabel_margin_loss`.
    """
    return losses.evaluate(
        losses.multilabel_margin_loss, input, target, reduction=reduction, where="ops.multilabel_margin_loss"
    )


cross_entropy_ext = alias("cross_entropy_ext", cross_entropy)
