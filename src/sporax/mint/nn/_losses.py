"""The losses of `mint.nn`: those of `nn` with mint's names and order of arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check, losses, nn, ops
from sporax.core import Tensor


class MSELoss(nn.MSELoss):
    r"""The squared error: :math:`\ell = (x - y)^2`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        input: Tensor of any shape, floating.
        target: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the larger shape for "none".

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.MSELoss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        2.0

    Source: the class of the same name in MindSpore's `mint.nn`.
    """

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return super().construct(input, target)


class SmoothL1Loss(nn.SmoothL1Loss):
    r"""Squared near zero, absolute farther away; `nn.SmoothL1Loss` with another order and default.

    Args:
        reduction: "mean", "sum" or "none".
        beta: where the square ends, from 0 on; 0 stands for the absolute error.

    Inputs:
        input: Tensor of any shape, floating.
        target: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the larger shape for "none".

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.SmoothL1Loss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        0.75

    Source: the class of the same name in MindSpore's `mint.nn`.
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        _check.number(beta, name="beta", where="SmoothL1Loss", minimum=0)
        super().__init__(beta or 1.0, reduction)
        self.beta = float(beta)

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return super().construct(input, target) if self.beta else self.evaluate(losses.l1_loss, input, target)


class BCELoss(nn.BCELoss):
    r"""The cross entropy between two-class probabilities.

    Args:
        weight: Tensor that broadcasts to the shape of the inputs; a weight of 0 removes its element.
        reduction: "mean", "sum" or "none".

    Inputs:
        input: Tensor of probabilities in [0, 1].
        target: Tensor of probabilities in [0, 1], of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.BCELoss()(Tensor([0.5]), Tensor([1.0])).asnumpy().round(4))
        0.6931

    Source: the class of the same name in MindSpore's `mint.nn`.
    """

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return super().construct(input, target)


class BCEWithLogitsLoss(nn.BCEWithLogitsLoss):
    r"""The cross entropy between two-class probabilities and the sigmoid of logits.

    Args:
        weight: Tensor that broadcasts to the shape of the inputs; a weight of 0 removes its element.
        reduction: "mean", "sum" or "none".
        pos_weight: the weight of the positive class; broadcasts to the shape of the inputs.

    Inputs:
        input: Tensor of logits.
        target: Tensor of probabilities, of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.BCEWithLogitsLoss()(Tensor([0.0]), Tensor([1.0])).asnumpy().round(4))
        0.6931

    Source: the class of the same name in MindSpore's `mint.nn`.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction, weight, pos_weight)


class KLDivLoss(nn.KLDivLoss):
    r"""The Kullback-Leibler divergence of each element: how far log probabilities are from probabilities.

    Args:
        reduction: "mean", "sum", "none", or "batchmean": the sum over the size of the first axis.
        log_target: whether targets are log probabilities.

    Inputs:
        input: Tensor of log probabilities.
        target: Tensor of probabilities, or of their logarithms; one shape must broadcast to the other.

    Returns:
        Tensor of shape (), or of the larger shape for "none".

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.KLDivLoss("batchmean")(Tensor([[-1.0, -0.5]]), Tensor([[0.0, 1.0]])))
        0.5

    Source: the class of the same name in MindSpore's `mint.nn`.
    """

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log probabilities and targets."""
        return super().construct(*_in_one_shape(input, target))


def _in_one_shape(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the shape of the one that the other broadcasts to, or as they are where there is none."""
    if x.shape == y.shape:
        return x, y
    try:
        common = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return x, y
    if common not in (x.shape, y.shape):
        return x, y
    return ops.broadcast_to(x, common), ops.broadcast_to(y, common)


class CosineEmbeddingLoss(nn.CosineEmbeddingLoss):
    r"""Pulls the directions of similar pairs together, and pushes dissimilar ones apart.

    Args:
        margin: how near dissimilar pairs may be, in [-1, 1].
        reduction: "mean", "sum" or "none".

    Inputs:
        input1, input2: Tensors of vectors along axis 1, of one shape (N, D, ...).
        target: Tensor of 1 (similar) and -1, of shape (N, ...).

    Returns:
        Tensor of shape (), or of the shape of `target` for "none".

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.CosineEmbeddingLoss()(Tensor([[3.0, 4.0]]), Tensor([[4.0, -3.0]]), Tensor([1])))
        1.0

    Source: the class of the same name in MindSpore's `mint.nn`.
    """

    def construct(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """The loss of pairs of vectors."""
        return super().construct(input1, input2, target)


class NLLLoss(nn.NLLLoss):
    r"""Negative log likelihood of log probabilities: :math:`\ell_i = -w_{y_i} x_{i, y_i}`.

    Args:
        weight: a Tensor of one weight a class, of shape (C,).
        ignore_index: a class index that stands for no label.
        reduction: "mean" (over the sum of the weights of the labels), "sum" or "none".

    Inputs:
        input: log probabilities, Tensor of shape (N, C, ...), or (C,).
        target: class indices, of shape (N, ...), or ().

    Returns:
        Tensor of shape (), or that of the labels for "none".

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.NLLLoss()(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), Tensor([0, 1])))
        0.375

    Source: the class of the same name in MindSpore's `mint.nn`.
    """

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log probabilities and labels."""
        return super().construct(input, target)


class CrossEntropyLoss(nn.CrossEntropyLoss):
    r"""Cross entropy of class indices or class probabilities, with the softmax inside: `nn.CrossEntropyLoss`.

    Args:
        weight: a Tensor of one weight a class, of shape (C,).
        ignore_index: a class index that stands for no label.
        reduction: "mean", "sum" or "none".
        label_smoothing: the share of the uniform distribution in the target, in [0, 1].

    Inputs:
        input: Tensor of logits, of shape (N, C, ...), or (C,).
        target: integers are class indices, of shape (N, ...), or (); floating ones are probabilities of the shape of
            `input`.

    Returns:
        Tensor of shape (), or that of class indices for "none".

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.CrossEntropyLoss()(Tensor([[0.0, 2.0], [0.0, 0.0]]), Tensor([1, 0])).asnumpy().round(4))
        0.41

    Source: the class of the same name in MindSpore's `mint.nn`.
    """

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits and labels."""
        return super().construct(input, target)
