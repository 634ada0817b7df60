"""Binary and multi-label losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import ClassWeight

__all__ = ["BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss", "SoftMarginLoss"]


class BCELoss(FunctionLoss, function=losses.binary_cross_entropy, inputs="logits, labels"):
    """Binary cross entropy of probabilities.

    Logarithms are clamped at -100, so that probabilities of exactly 0 and 1 have finite losses.

    Examples:
        >>> from sporax import nn, Tensor
        >>> weight = Tensor([[1.0, 2.0, 3.0], [4.0, 3.3, 2.2]])
        >>> x, y = Tensor([[0.1, 0.2, 0.3], [0.5, 0.7, 0.9]]), Tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> print(nn.BCELoss(weight=weight, reduction="mean")(x, y))
        1.8952923
    """

    weight: ClassWeight = None
    reduction: str = "mean"


class BCEWithLogitsLoss(FunctionLoss, function=losses.binary_cross_entropy_with_logits, inputs="input, target"):
    """Binary cross entropy of logits.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[-0.8, 1.2, 0.7], [-0.1, -0.4, 0.7]]), Tensor([[0.0, 1.0, 1.0], [0.0, 0.5, 0.0]])
        >>> loss = nn.BCEWithLogitsLoss(reduction="none", pos_weight=Tensor([1.0, 2.0, 3.0]))
        >>> print(loss(x, y).asnumpy().round(4))
        [[0.3711 0.5266 1.2096]
         [0.6444 1.1695 1.1032]]
    """

    reduction: str = "mean"
    weight: ClassWeight = None
    pos_weight: ClassWeight = None


class SoftMarginLoss(FunctionLoss, function=losses.soft_margin_loss):
    """Logistic loss for labels 1 and -1.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SoftMarginLoss()(Tensor([[0.3, 0.7], [0.5, 0.5]]), Tensor([[-1, 1], [1, -1]])))
        0.6764238
    """

    reduction: str = "mean"


class MultiLabelSoftMarginLoss(FunctionLoss, function=losses.multilabel_soft_margin_loss, inputs="x, target"):
    """Multi-label binary cross entropy of logits, averaged over the classes.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]]), Tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
        >>> print(nn.MultiLabelSoftMarginLoss(reduction="none")(x, y).asnumpy().round(4))
        [0.7764 0.9174]
    """

    weight: ClassWeight = None
    reduction: str = "mean"
