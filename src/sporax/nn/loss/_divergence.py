"""Divergences between distributions; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import Flag
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["ConvexKLLoss", "GeneralizedKLLoss", "JensenShannonLoss", "KLDivLoss", "KLDivergenceLoss"]


class KLDivLoss(FunctionLoss, function=losses.kl_div):
    """Elementwise terms of the Kullback-Leibler divergence, with 0 log 0 = 0.

    Examples:
        >>> from sporax import nn, Tensor
        >>> logits, labels = Tensor([0.2, 0.7, 0.1]), Tensor([0.0, 1.0, 0.0])
        >>> print(nn.KLDivLoss(reduction="mean")(logits, labels))
        -0.23333333
    """

    reductions = ("none", "mean", "batchmean", "sum")

    reduction: str = "mean"
    log_target: Flag = False


class KLDivergenceLoss(
    FunctionLoss,
    function=(losses.kl_divergence, losses.kl_divergence_with_log_targets),
    inputs="log_predictions, targets",
):
    """Kullback-Leibler divergence of class distributions.

    Args:
        log_target: whether the targets are logarithms of probabilities.

    Inputs:
        log_predictions: log-probabilities x, Tensor of shape (..., C), floating.
        targets: probabilities t, or their logarithms, of the same shape.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.KLDivergenceLoss()(Tensor([[-0.5, -1.0]]), Tensor([[0.0, 1.0]])))
        1.0
    """

    log_target: Flag = False
    reduction: str = "mean"


class GeneralizedKLLoss(FunctionLoss, function=losses.generalized_kl_divergence):
    """Generalized Kullback-Leibler divergence of unnormalized measures.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GeneralizedKLLoss()(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])))
        1.0
    """

    reduction: str = "mean"


class ConvexKLLoss(FunctionLoss, function=losses.convex_kl_divergence):
    """`GeneralizedKLLoss` under optax's original name.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ConvexKLLoss()(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])))
        1.0
    """

    reduction: str = "mean"


class JensenShannonLoss(FunctionLoss, function=losses.jensen_shannon_loss):
    """Jensen-Shannon divergence of class distributions, between 0 and log 2.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.JensenShannonLoss()(Tensor([[-0.5, -1.0]]), Tensor([[-0.5, -1.0]]).exp()))
        0.0
    """

    log_target: Flag = False
    reduction: str = "mean"
