"""Losses of regression relative to the target; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import NonNegative, Positive
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["MAPELoss", "MSLELoss", "PoissonLoss"]


class MAPELoss(FunctionLoss, function=losses.mean_absolute_percentage_error):
    """Mean absolute percentage error.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MAPELoss()(Tensor([90.0, 210.0]), Tensor([100.0, 200.0])))
        7.5
    """

    reduction: str = "mean"
    epsilon: Positive = 1e-07


class MSLELoss(FunctionLoss, function=losses.mean_squared_logarithmic_error):
    """Squared error of logarithms, for non-negative quantities.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MSLELoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.2402265
    """

    reduction: str = "mean"
    epsilon: NonNegative = 1e-07


class PoissonLoss(FunctionLoss, function=losses.poisson_loss):
    """Negative log likelihood of counts, given their rate.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PoissonLoss()(Tensor([2.0, 0.5]), Tensor([0.0, 0.0])))
        1.25
    """

    reduction: str = "mean"
    epsilon: Positive = 1e-07
