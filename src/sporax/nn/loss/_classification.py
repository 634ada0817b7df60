"""Losses of classification; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import Flag, Integer, UnitInterval
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import ClassWeight

__all__ = ["CrossEntropyLoss", "NLLLoss", "SoftmaxCrossEntropyWithLogits"]


class SoftmaxCrossEntropyWithLogits(
    FunctionLoss,
    function=(losses.softmax_cross_entropy_with_logits, losses.sparse_softmax_cross_entropy_with_logits),
):
    """Softmax cross entropy of logits.

    Args:
        sparse: whether labels are class indices, of shape (N,), instead of distributions, of shape (N, C).

    Inputs:
        logits: Tensor of shape (N, C), floating.
        labels: with `sparse`, class indices in [0, C), int32 or int64, of shape (N,); else a Tensor (N, C).

    Examples:
        >>> from sporax import nn, Tensor
        >>> import numpy as np
        >>> loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
        >>> print(loss(Tensor([[3.0, 5.0, 6.0], [1.0, 1.0, 1.0]]), Tensor([2, 0])))
        0.7238123
    """

    sparse: Flag = False
    reduction: str = "none"


class CrossEntropyLoss(FunctionLoss, function=losses.cross_entropy, distributions=losses.soft_cross_entropy):
    """Cross entropy of logits with class indices or class probabilities.

    With p the softmax of the logits over the classes, w the class weights and s the label smoothing,

    For class indices the mean divides by the sum of :math:`w_{y_i}` over the labels that are not `ignore_index`, for
    probabilities by the number of positions.

    Inputs:
        logits: Tensor of shape (N, C, ...), or (C,), floating.
        labels: class indices, integers of shape (N, ...), or () for logits of shape (C,); or probabilities, floating,
            of the shape of the logits.

    Examples:
        >>> from sporax import nn, Tensor
        >>> logits = Tensor([[0.0, 2.0], [0.0, 0.0]])
        >>> print(nn.CrossEntropyLoss()(logits, Tensor([1, 0])).asnumpy().round(4))
        0.41
        >>> print(nn.CrossEntropyLoss(reduction="none")(logits, Tensor([[0.5, 0.5], [1.0, 0.0]])).asnumpy().round(4))
        [1.1269 0.6931]
    """

    weight: ClassWeight = None
    ignore_index: Integer = -100
    reduction: str = "mean"
    label_smoothing: UnitInterval = 0.0


class NLLLoss(FunctionLoss, function=losses.nll_loss):
    """Negative log likelihood of log probabilities.

    The mean divides by the sum of :math:`w_{y_i}` over the labels that are not `ignore_index`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> log_p = Tensor([[-0.5, -1.0], [-2.0, -0.25]])
        >>> print(nn.NLLLoss()(log_p, Tensor([0, 1])))
        0.375
    """

    weight: ClassWeight = None
    ignore_index: Integer = -100
    reduction: str = "mean"
