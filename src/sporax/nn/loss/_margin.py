"""Losses that ask for a margin; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Any

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss
from sporax.nn.loss._labels import class_weight, value_of


class HingeEmbeddingLoss(RegisteredLoss):
    r"""Distances of similar pairs, and what those of dissimilar pairs lack of a margin.

    .. math:: \ell = \begin{cases} x, & y = 1 \\ \max(0, m - x), & y = -1 \end{cases}

    Args:
        margin: m, in units of the distances.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: distances x, Tensor of any shape.
        labels: 1 for similar and -1 for dissimilar pairs, Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.
        LabelError: a label that is neither 1 nor -1, where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HingeEmbeddingLoss(reduction="none")(Tensor([0.5, 0.25, 3.0]), Tensor([1, -1, -1])))
        [0.5  0.75 0.  ]

    Source: the class of the same name in MindSpore; `torch.nn.HingeEmbeddingLoss`.
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = _check.number(margin, name="margin", where="HingeEmbeddingLoss")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of distances and labels."""
        return self.evaluate(losses.hinge_embedding_loss, logits, labels, margin=self.margin)


class HingeLoss(RegisteredLoss):
    r"""What a score lacks of the margin 1 on its class's side.

    .. math:: \ell = \max(0, 1 - y x)

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores x, Tensor of any shape.
        labels: 1 for one class, and 0 or -1 for the other (y = -1), Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.
        LabelError: a label that is none of 1, 0 and -1, where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HingeLoss(reduction="none")(Tensor([0.5, 0.5, 2.0]), Tensor([1, 0, 1])))
        [0.5 1.5 0. ]

    Source: Keras `Hinge`; optax `hinge_loss`.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and labels."""
        return self.evaluate(losses.hinge_loss, logits, labels)


class SquaredHingeLoss(RegisteredLoss):
    r"""The square of what a score lacks of the margin 1 on its class's side.

    .. math:: \ell = \max(0, 1 - y x)^2

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores x, Tensor of any shape.
        labels: 1 for one class, and 0 or -1 for the other (y = -1), Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.
        LabelError: a label that is none of 1, 0 and -1, where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SquaredHingeLoss(reduction="none")(Tensor([0.5, 0.5, 2.0]), Tensor([1, 0, 1])))
        [0.25 2.25 0.  ]

    Source: Keras `SquaredHinge`.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and labels."""
        return self.evaluate(losses.squared_hinge_loss, logits, labels)


class PerceptronLoss(RegisteredLoss):
    r"""How far a score is on the wrong side of 0.

    .. math:: \ell = \max(0, -y x)

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores x, Tensor of any shape.
        labels: 1 for one class, and 0 or -1 for the other (y = -1), Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.
        LabelError: a label that is none of 1, 0 and -1, where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PerceptronLoss(reduction="none")(Tensor([0.5, 0.5, -2.0]), Tensor([1, -1, 1])))
        [0.  0.5 2. ]

    Source: Rosenblatt, "The Perceptron", 1958; optax `perceptron_loss`.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and labels."""
        return self.evaluate(losses.perceptron_loss, logits, labels)


class CategoricalHingeLoss(RegisteredLoss):
    r"""What the score of the true class lacks of 1 above the highest of the others.

    .. math:: \ell = \max\left(0, 1 - \sum_c y_c x_c + \max_c (1 - y_c) x_c\right)

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores x, Tensor of shape (N, C).
        labels: y, one-hot or a distribution, Tensor of the same shape.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[0.5, 0.25, -1.0], [3.0, 0.5, 1.0]]), Tensor([[1, 0, 0], [1, 0, 0]])
        >>> print(nn.CategoricalHingeLoss(reduction="none")(x, y))
        [0.75 0.  ]

    Source: Keras `CategoricalHinge`.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and labels."""
        return self.evaluate(losses.categorical_hinge_loss, logits, labels)


class MulticlassHingeLoss(RegisteredLoss):
    r"""What the score of the true class lacks of 1 above the highest of the others.

    .. math:: \ell = \max(0, \max_{c \ne y} x_c + 1 - x_y)

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores x, Tensor of shape (N, C).
        labels: class indices y in [0, C), int32 or int64, of shape (N,).

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.5, 0.25, -1.0], [3.0, 0.5, 1.0]])
        >>> print(nn.MulticlassHingeLoss(reduction="none")(x, Tensor([0, 0])))
        [0.75 0.  ]

    Source: Crammer and Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines", 2001;
    optax `multiclass_hinge_loss`.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and class indices."""
        return self.evaluate(losses.multiclass_hinge_loss, logits, labels)


class MulticlassPerceptronLoss(RegisteredLoss):
    r"""How far the highest score is above that of the true class.

    .. math:: \ell = \max_c x_c - x_y

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores x, Tensor of shape (N, C).
        labels: class indices y in [0, C), int32 or int64, of shape (N,).

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.5, 0.25, 1.0], [3.0, 0.5, 1.0]])
        >>> print(nn.MulticlassPerceptronLoss(reduction="none")(x, Tensor([0, 0])))
        [0.5 0. ]

    Source: Collins, "Discriminative Training Methods for Hidden Markov Models", 2002; optax
    `multiclass_perceptron_loss`.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and class indices."""
        return self.evaluate(losses.multiclass_perceptron_loss, logits, labels)


class MultiMarginLoss(RegisteredLoss):
    r"""What the score of the true class lacks of a margin above each of the others, as a mean over the classes.

    .. math:: \ell = \frac{w_y}{C} \sum_{c \ne y} \max(0, m - x_y + x_c)^p

    Args:
        p: 1 or 2.
        margin: m, in units of the scores.
        reduction: "mean" (over the samples; the class weights do not enter the denominator), "sum" or "none".
        weight: a Tensor w with one number for each class.

    Inputs:
        x: scores, Tensor of shape (N, C).
        target: class indices y in [0, C), int32 or int64, of shape (N,).
        weight: as the argument, for this call; the argument goes before.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a `p` other than 1 and 2.
        DtypeError, ShapeError: inputs that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MultiMarginLoss(margin=0.5)(Tensor([[0.5, 0.25, 0.0, 2.0]]), Tensor([0])))
        0.5625

    Source: the class of the same name in MindSpore; `torch.nn.MultiMarginLoss`.
    """

    def __init__(self, p: int = 1, margin: float = 1.0, reduction: str = "mean", weight: Any = None) -> None:
        super().__init__(reduction)
        where = "MultiMarginLoss"
        self.p = _check.one_of(_check.integer(p, name="p", where=where), (1, 2), name="p", where=where)
        self.margin = _check.number(margin, name="margin", where=where)
        self.weight = class_weight(weight)

    def construct(self, x: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of scores and class indices."""
        weight = weight if self.weight is None else self.weight
        options = {"p": self.p, "margin": self.margin, "weight": value_of(weight)}
        return self.evaluate(losses.multi_margin_loss, x, target, **options)


class MultilabelMarginLoss(RegisteredLoss):
    r"""What the scores of the true classes lack of 1 above those of the others, summed over all pairs.

    .. math:: \ell = \frac{1}{C} \sum_{t \in y} \sum_{c \notin y} \max(0, 1 - x_t + x_c)

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        x: scores, Tensor of shape (N, C) or (C,).
        target: the true classes y, int32 or int64, of the same shape; the list ends at the first -1.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [-1, C), where the values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.1, 0.2, 0.4, 0.8], [0.2, 0.3, 0.5, 0.7]])
        >>> print(nn.MultilabelMarginLoss()(x, Tensor([[1, 2, 0, 3], [2, 3, -1, 1]])))
        0.325

    Source: the class of the same name in MindSpore; `torch.nn.MultiLabelMarginLoss`.
    """

    def construct(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of scores and lists of class indices."""
        return self.evaluate(losses.multilabel_margin_loss, x, target)
