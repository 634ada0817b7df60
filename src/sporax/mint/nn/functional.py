"""MindSpore's path `mint.nn.functional`: most names are those of `ops`, a few have an argument order of their own."""

from __future__ import annotations

from typing import Any

from sporax import ops
from sporax.core import Tensor
from sporax.ops import cosine_embedding_loss as cosine_embedding_loss
from sporax.ops import cross_entropy_ext as cross_entropy
from sporax.ops import embedding as embedding
from sporax.ops import hardshrink as hardshrink
from sporax.ops import hardsigmoid as hardsigmoid
from sporax.ops import hardswish as hardswish
from sporax.ops import interpolate as interpolate
from sporax.ops import kl_div_ext as kl_div
from sporax.ops import l1_loss_ext as l1_loss
from sporax.ops import mse_loss_ext as mse_loss
from sporax.ops import nll_loss_ext as nll_loss
from sporax.ops import prelu as prelu
from sporax.ops import sigmoid as sigmoid
from sporax.ops import soft_margin_loss as soft_margin_loss
from sporax.ops import softplus as softplus
from sporax.ops import softshrink as softshrink
from sporax.ops import tanh as tanh

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "embedding",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "interpolate",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "prelu",
    "sigmoid",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softplus",
    "softshrink",
    "tanh",
]


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Any = None, reduction: str = "mean") -> Tensor:
    """The cross entropy between two-class probabilities: `ops.binary_cross_entropy`.

    Args:
        input: Tensor of probabilities in [0, 1].
        target: Tensor of probabilities in [0, 1], of the same shape.
        weight: Tensor that broadcasts to that shape; a weight of 0 removes its element.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the same shape ("none"), or of no axis.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.functional.binary_cross_entropy(Tensor([0.5]), Tensor([1.0])).asnumpy().round(4))
        0.6931

    Source: the function of the same name in MindSpore.
    """
    return ops.binary_cross_entropy(input, target, weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """The cross entropy between two-class probabilities and the sigmoid of logits.

    It is `ops.binary_cross_entropy_with_logits` with `reduction` before `pos_weight`.

    Args:
        input: Tensor of logits.
        target: Tensor of probabilities, of the same shape.
        weight: Tensor that broadcasts to that shape; a weight of 0 removes its element.
        reduction: "none", "mean" or "sum".
        pos_weight: the weight of the positive class; broadcasts to that shape.

    Returns:
        Tensor of the same shape ("none"), or of no axis.

    Examples:
        >>> from sporax import mint, Tensor
        >>> loss = mint.nn.functional.binary_cross_entropy_with_logits(Tensor([0.0]), Tensor([1.0]))
        >>> print(loss.asnumpy().round(4))
        0.6931

    Source: the function of the same name in MindSpore.
    """
    return ops.binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """Squared near zero, absolute farther away.

    It is `ops.smooth_l1_loss` with another order and default, and with a `beta` of 0 for the absolute difference.

    Args:
        input: Tensor of predictions.
        target: Tensor of targets; one shape must broadcast to the other.
        reduction: "none", "mean" or "sum".
        beta: where the square ends, from 0 on.

    Returns:
        Tensor of the larger shape ("none"), or of no axis.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.functional.smooth_l1_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        0.75

    Source: the function of the same name in MindSpore.
    """
    if isinstance(beta, (int, float)) and beta == 0:
        return ops.l1_loss(input, target, reduction)
    return ops.smooth_l1_loss(input, target, beta, reduction)
