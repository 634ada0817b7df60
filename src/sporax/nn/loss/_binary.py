"""Losses of two classes, each output for itself; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Any

from sporax import losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss
from sporax.nn.loss._labels import class_weight, value_of


class BCELoss(RegisteredLoss):
    r"""Binary cross entropy of probabilities: :math:`\ell = -w (y \log x + (1 - y) \log(1 - x))`.

    The logarithms are held above -100, so that probabilities of exactly 0 and 1 give finite values.

    Args:
        weight: a Tensor that rescales each element; it broadcasts to the inputs' shape. A zero weight removes the
            element.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: probabilities in [0, 1], Tensor of any shape.
        labels: Tensor of the same shape, in [0, 1].

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a value outside [0, 1].
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> weight = Tensor([[1.0, 2.0, 3.0], [4.0, 3.3, 2.2]])
        >>> x, y = Tensor([[0.1, 0.2, 0.3], [0.5, 0.7, 0.9]]), Tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> print(nn.BCELoss(weight=weight, reduction="mean")(x, y))
        1.8952923

    Source: the class of the same name in MindSpore; `torch.nn.BCELoss`.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = class_weight(weight)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of probabilities and labels."""
        return self.evaluate(losses.binary_cross_entropy, logits, labels, weight=value_of(self.weight))


class BCEWithLogitsLoss(RegisteredLoss):
    r"""Binary cross entropy of logits: :math:`\ell = -w (c y \log \sigma(x) + (1 - y) \log(1 - \sigma(x)))`.

    Args:
        reduction: "mean", "sum" or "none".
        weight: a Tensor w that rescales each element; it broadcasts to the inputs' shape. A zero weight removes the
            element.
        pos_weight: a Tensor c that rescales the positive part; it broadcasts to the inputs' shape.

    Inputs:
        input: logits, Tensor of any shape.
        target: Tensor of the same shape, usually in [0, 1].

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[-0.8, 1.2, 0.7], [-0.1, -0.4, 0.7]]), Tensor([[0.0, 1.0, 1.0], [0.0, 0.5, 0.0]])
        >>> loss = nn.BCEWithLogitsLoss(reduction="none", pos_weight=Tensor([1.0, 2.0, 3.0]))
        >>> print(loss(x, y).asnumpy().round(4))
        [[0.3711 0.5266 1.2096]
         [0.6444 1.1695 1.1032]]

    Source: the class of the same name in MindSpore; `torch.nn.BCEWithLogitsLoss`.
    """

    def __init__(self, reduction: str = "mean", weight: Any = None, pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.weight = class_weight(weight)
        self.pos_weight = class_weight(pos_weight)

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits and labels."""
        weights = {"weight": value_of(self.weight), "pos_weight": value_of(self.pos_weight)}
        return self.evaluate(losses.binary_cross_entropy_with_logits, input, target, **weights)


class SoftMarginLoss(RegisteredLoss):
    r"""The logistic loss of the classes 1 and -1: :math:`\ell = \log(1 + \exp(-y x))`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: 1 or -1, Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.
        LabelError: a label that is neither 1 nor -1, where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SoftMarginLoss()(Tensor([[0.3, 0.7], [0.5, 0.5]]), Tensor([[-1, 1], [1, -1]])))
        0.6764238

    Source: the class of the same name in MindSpore; `torch.nn.SoftMarginLoss`.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and labels."""
        return self.evaluate(losses.soft_margin_loss, logits, labels)


class MultiLabelSoftMarginLoss(RegisteredLoss):
    r"""Binary cross entropy of logits for each class, and its mean over the classes.

    .. math:: \ell = -\frac{1}{C} \sum_c w_c (y_c \log \sigma(x_c) + (1 - y_c) \log(1 - \sigma(x_c)))

    Args:
        weight: a number, or a Tensor w with one for each class.
        reduction: "mean", "sum" or "none".

    Inputs:
        x: logits, Tensor of shape (N, C).
        target: 1 for a class of the sample and 0 for others, Tensor of the same shape.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, 1], where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]]), Tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
        >>> print(nn.MultiLabelSoftMarginLoss(reduction="none")(x, y).asnumpy().round(4))
        [0.7764 0.9174]

    Source: the class of the same name in MindSpore; `torch.nn.MultiLabelSoftMarginLoss`.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = class_weight(weight)

    def construct(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of logits and labels."""
        return self.evaluate(losses.multilabel_soft_margin_loss, x, target, weight=value_of(self.weight))
