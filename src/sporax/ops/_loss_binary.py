"""Losses of two classes, and of many that each have two, as ops; `sporax.losses` does the mathematics."""

from __future__ import annotations

from typing import Any

from sporax import losses
from sporax.ops._args import Array
from sporax.ops._base import op


@op
def binary_cross_entropy(logits: Array, labels: Array, weight: Any = None, reduction: str = "mean") -> Array:
    r"""The cross entropy between two-class probabilities.

    .. math:: -w_i \left[ y_i \ln x_i + (1 - y_i) \ln(1 - x_i) \right]

    Args:
        logits: Tensor of probabilities x in [0, 1].
        labels: Tensor of probabilities y in [0, 1], of the same shape.
        weight: Tensor w that broadcasts to that shape.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the same shape ("none"), or of no axis.

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: an unknown reduction, or probabilities outside [0, 1] whose values are known.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.binary_cross_entropy(Tensor([0.5]), Tensor([1.0])).asnumpy().round(4))
        0.6931

    Source: `ops.binary_cross_entropy` of MindSpore; `losses.binary_cross_entropy`.
    """
    return losses.evaluate(
        losses.binary_cross_entropy,
        logits,
        labels,
        reduction=reduction,
        where="ops.binary_cross_entropy",
        weight=weight,
    )


@op
def binary_cross_entropy_with_logits(
    input: Array, target: Array, weight: Any = None, pos_weight: Any = None, reduction: str = "mean"
) -> Array:
    r"""The cross entropy between two-class probabilities and the sigmoid of logits.

    .. math:: -w_i \left[ c_i y_i \ln \sigma(x_i) + (1 - y_i) \ln(1 - \sigma(x_i)) \right]

    Args:
        input: Tensor of logits x.
        target: Tensor of probabilities y, of the same shape.
        weight: Tensor w that broadcasts to that shape; a weight of 0 removes its element.
        pos_weight: Tensor c that broadcasts to that shape, the weight of the positive class.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the same shape ("none"), or of no axis.

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.binary_cross_entropy_with_logits(Tensor([0.0]), Tensor([1.0])).asnumpy().round(4))
        0.6931

    Source: `ops.binary_cross_entropy_with_logits` of MindSpore; `losses.binary_cross_entropy_with_logits`.
    """
    return losses.evaluate(
        losses.binary_cross_entropy_with_logits,
        input,
        target,
        reduction=reduction,
        where="ops.binary_cross_entropy_with_logits",
        weight=weight,
        pos_weight=pos_weight,
    )


@op
def soft_margin_loss(input: Array, target: Array, reduction: str = "mean") -> Array:
    r"""The logistic loss of two classes, 1 and -1.

    .. math:: \ln(1 + \exp(-y_i x_i))

    Args:
        input: Tensor of scores x.
        target: Tensor y of 1 and -1, of the same shape.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the same shape ("none"), or of no axis.

    Raises:
        ShapeError: the shapes differ.
        LabelError: labels other than 1 and -1, where their values are known.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.soft_margin_loss(Tensor([0.3, 0.7]), Tensor([-1, 1]), "none").asnumpy().round(4))
        [0.8544 0.4032]

    Source: `ops.soft_margin_loss` of MindSpore; `losses.soft_margin_loss`.
    """
    return losses.evaluate(losses.soft_margin_loss, input, target, reduction=reduction, where="ops.soft_margin_loss")


@op
def multilabel_soft_margin_loss(input: Array, target: Array, weight: Any = None, reduction: str = "mean") -> Array:
    r"""The mean over the classes of a two-class cross entropy for each.

    .. math:: -\frac{1}{C} \sum_c w_c \left[ y_c \ln \sigma(x_c) + (1 - y_c) \ln(1 - \sigma(x_c)) \right]

    Args:
        input: Tensor of scores x, of shape (..., C).
        target: Tensor y of that shape: 1 where the sample is of the class, 0 where not.
        weight: Tensor w that broadcasts to that shape, such as (C,).
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of shape (...) ("none"), or of no axis.

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> x, y = Tensor([[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]]), Tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
        >>> print(ops.multilabel_soft_margin_loss(x, y, reduction="none").asnumpy().round(4))
        [0.7764 0.9174]

    Source: `ops.multilabel_soft_margin_loss` of MindSpore; `losses.multilabel_soft_margin_loss`.
    """
    return losses.evaluate(
        losses.multilabel_soft_margin_loss,
        input,
        target,
        reduction=reduction,
        where="ops.multilabel_soft_margin_loss",
        weight=weight,
    )


@op
def hinge_embedding_loss(inputs: Array, targets: Array, margin: float = 1.0, reduction: str = "mean") -> Array:
    r"""The distance itself of similar pairs, and what the distance of others lacks of a margin.

    .. math:: x_i \text{ where } y_i = 1, \; \max(0, m - x_i) \text{ where } y_i = -1

    Args:
        inputs: Tensor of distances x.
        targets: Tensor y of 1 and -1, of the same shape.
        margin: m.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the same shape ("none"), or of no axis.

    Raises:
        ShapeError: the shapes differ.
        LabelError: labels other than 1 and -1, where their values are known.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.hinge_embedding_loss(Tensor([0.5, 0.25, 2.0]), Tensor([1, -1, -1]), reduction="none"))
        [0.5  0.75 0.  ]

    Source: `ops.hinge_embedding_loss` of MindSpore; `losses.hinge_embedding_loss`.
    """
    return losses.evaluate(
        losses.hinge_embedding_loss,
        inputs,
        targets,
        reduction=reduction,
        where="ops.hinge_embedding_loss",
        margin=margin,
    )
