"""Robust losses of regression; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import Positive
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import TensorOrNumber, TensorOrPositive

__all__ = [
    "CauchyLoss",
    "CharbonnierLoss",
    "GemanMcClureLoss",
    "GeneralAdaptiveLoss",
    "TukeyBiweightLoss",
    "WelschLoss",
]


class CharbonnierLoss(FunctionLoss, function=losses.charbonnier_loss):
    """Charbonnier loss: smooth absolute error.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.CharbonnierLoss(epsilon=3.0)(Tensor([1.0, 5.0]), Tensor([1.0, 1.0])))
        4.0
    """

    epsilon: Positive = 0.001
    reduction: str = "mean"


class CauchyLoss(FunctionLoss, function=losses.cauchy_loss):
    """Cauchy (Lorentzian) loss, which grows logarithmically.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.CauchyLoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.54930615
    """

    scale: Positive = 1.0
    reduction: str = "mean"


class GemanMcClureLoss(FunctionLoss, function=losses.geman_mcclure_loss):
    r"""Geman-McClure loss, bounded by 2.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GemanMcClureLoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.5
    """

    scale: Positive = 1.0
    reduction: str = "mean"


class WelschLoss(FunctionLoss, function=losses.welsch_loss):
    """Welsch (Leclerc) loss, bounded by 1.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.WelschLoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.43233237
    """

    scale: Positive = 1.0
    reduction: str = "mean"


class TukeyBiweightLoss(FunctionLoss, function=losses.tukey_biweight_loss):
    """Tukey biweight loss, constant beyond `scale`, so that outliers have no gradient.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.TukeyBiweightLoss(scale=2.0)(Tensor([1.0, 9.0]), Tensor([1.0, 1.0])))
        0.33333334
    """

    scale: Positive = 4.685
    reduction: str = "mean"


class GeneralAdaptiveLoss(FunctionLoss, function=losses.general_adaptive_loss):
    """General adaptive robust loss: a family from squared to bounded losses, by its shape `alpha`.

    Special cases of `alpha`: 2 squared error / 2, 1 Charbonnier, 0 Cauchy, -2 Geman-McClure, -inf Welsch.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GeneralAdaptiveLoss(alpha=-2.0)(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.5
    """

    alpha: TensorOrNumber = 1.0
    scale: TensorOrPositive = 1.0
    reduction: str = "mean"
