"""Losses for classes of unequal frequency, and the z-loss; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated

from sporax import losses
from sporax._schema import NonNegative, Number, Positive, number
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import ClassCounts, ClassWeight

__all__ = ["ClassBalancedLoss", "LDAMLoss", "LogitAdjustedLoss", "ZLoss"]


class LDAMLoss(FunctionLoss, function=losses.ldam_loss):
    """Label-distribution-aware margin loss: cross entropy with larger margins for rarer classes.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LDAMLoss([1, 16], max_m=0.5, s=30)(Tensor([[0.5, 0.0]]), Tensor([0])).asnumpy().round(4))
        0.6931
    """

    cls_num_list: ClassCounts
    max_m: NonNegative = 0.5
    weight: ClassWeight = None
    s: Positive = 30.0
    reduction: str = "mean"


class LogitAdjustedLoss(FunctionLoss, function=losses.logit_adjusted_cross_entropy):
    """Cross entropy of logits adjusted by the log class priors.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LogitAdjustedLoss([0.25, 0.75])(Tensor([[0.0, 0.0]]), Tensor([0])).asnumpy().round(4))
        1.3863
    """

    priors: ClassCounts
    tau: Number = 1.0
    reduction: str = "mean"


class ClassBalancedLoss(FunctionLoss, function=losses.class_balanced_loss):
    """Cross entropy weighted by the inverse effective number of samples of each class.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ClassBalancedLoss([1, 2], beta=0.5)(Tensor([[0.0, 0.0]]), Tensor([0])).asnumpy().round(4))
        0.8318
    """

    samples_per_cls: ClassCounts
    beta: Annotated[float, number(0, 1, open_maximum=True)] = 0.999
    reduction: str = "mean"


class ZLoss(FunctionLoss, function=losses.z_loss):
    """Penalty on the log normalizer of a softmax.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ZLoss(coefficient=1.0)(Tensor([[0.0, 0.0]])).asnumpy().round(4))
        0.4805
    """

    coefficient: NonNegative = 0.0001
    reduction: str = "mean"
