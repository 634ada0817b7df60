"""Losses of classification for noisy labels; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated

from sporax import losses
from sporax._schema import Flag, NonNegative, Number, UnitInterval, number
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["BiTemperedLogisticLoss", "GeneralizedCrossEntropyLoss", "PolyLoss", "SymmetricCrossEntropyLoss"]


class PolyLoss(FunctionLoss, function=losses.sparse_poly1_cross_entropy, distributions=losses.poly1_cross_entropy):
    """Poly-1 cross entropy: cross entropy plus a multiple of the first term of its expansion.

    Inputs:
        logits: Tensor of shape (..., C), floating.
        labels: class indices, integers of shape (...); or probabilities, floating, of shape (..., C).

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PolyLoss(epsilon=2.0)(Tensor([[0.0, 0.0]]), Tensor([1])).asnumpy().round(4))
        1.6931
    """

    epsilon: Number = 2.0
    reduction: str = "mean"


class GeneralizedCrossEntropyLoss(FunctionLoss, function=losses.generalized_cross_entropy):
    """Generalized cross entropy, which interpolates between cross entropy and absolute error.

    Inputs:
        logits: probabilities, or logits with `from_logits`, Tensor of shape (..., C), floating.
        labels: class indices, integers of shape (...).

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.GeneralizedCrossEntropyLoss(q=0.5, reduction="none")
        >>> print(loss(Tensor([[0.25, 0.75], [1.0, 0.0]]), Tensor([0, 1])))
        [1. 2.]
    """

    q: Annotated[float, number(0, 1, open_minimum=True)] = 0.5
    from_logits: Flag = False
    reduction: str = "mean"


class SymmetricCrossEntropyLoss(FunctionLoss, function=losses.symmetric_cross_entropy):
    """Symmetric cross entropy: cross entropy plus reverse cross entropy.

    Inputs:
        logits: Tensor of shape (..., C), floating.
        labels: class indices, integers of shape (...).

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SymmetricCrossEntropyLoss(alpha=0.0, beta=0.5)(Tensor([[0.0, 0.0]]), Tensor([1])))
        1.0
    """

    alpha: NonNegative = 0.1
    beta: NonNegative = 1.0
    A: Annotated[float, number(None, 0, open_maximum=True)] = -4.0
    reduction: str = "mean"


class BiTemperedLogisticLoss(
    FunctionLoss,
    function=losses.sparse_bi_tempered_logistic_loss,
    distributions=losses.bi_tempered_logistic_loss,
):
    """Bi-tempered logistic loss: bounded logarithm (t1 < 1) and heavy-tailed softmax (t2 > 1).

    Inputs:
        logits: Tensor x of shape (..., C), floating.
        labels: class indices, integers of shape (...); or probabilities, floating, of shape (..., C).

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.BiTemperedLogisticLoss(t1=0.5, t2=1.0)(Tensor([[-1000.0, 0.0]]), Tensor([0])))
        2.0
    """

    t1: UnitInterval = 0.8
    t2: NonNegative = 1.2
    label_smoothing: Annotated[float, number(0, 1, open_maximum=True)] = 0.0
    reduction: str = "mean"
