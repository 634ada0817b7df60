"""Losses of regression that outliers do not dominate; the formulas are in `sporax.losses`."""

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
    """A smooth absolute error.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.CharbonnierLoss(epsilon=3.0)(Tensor([1.0, 5.0]), Tensor([1.0, 1.0])))
        4.0
    """

    epsilon: Positive = 0.001
    reduction: str = "mean"


class CauchyLoss(FunctionLoss, function=losses.cauchy_loss):
    """A loss that grows as a logarithm.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.CauchyLoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.54930615
    """

    scale: Positive = 1.0
    reduction: str = "mean"


class GemanMcClureLoss(FunctionLoss, function=losses.geman_mcclure_loss):
    r"""A loss bounded by 2: :math:`\ell = 2 u^2 / (u^2 + 4)` with :math:`u = (x - y) / c`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GemanMcClureLoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.5
    """

    scale: Positive = 1.0
    reduction: str = "mean"


class WelschLoss(FunctionLoss, function=losses.welsch_loss):
    """A loss bounded by 1.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.WelschLoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.43233237
    """

    scale: Positive = 1.0
    reduction: str = "mean"


class TukeyBiweightLoss(FunctionLoss, function=losses.tukey_biweight_loss):
    """Half the square near zero, constant beyond `scale`, where outliers have no gradient.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.TukeyBiweightLoss(scale=2.0)(Tensor([1.0, 9.0]), Tensor([1.0, 1.0])))
        0.33333334
    """

    scale: Positive = 4.685
    reduction: str = "mean"


class GeneralAdaptiveLoss(FunctionLoss, function=losses.general_adaptive_loss):
    """One family from the squared to the bounded losses, by its shape `alpha`.

    2 is half the square, 1 Charbonnier's, 0 Cauchy's, -2 Geman and McClure's, minus infinity Welsch's loss.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GeneralAdaptiveLoss(alpha=-2.0)(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.5
    """

    alpha: TensorOrNumber = 1.0
    scale: TensorOrPositive = 1.0
    reduction: str = "mean"
