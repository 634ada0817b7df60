"""Proper scoring rules; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated, Any

from sporax import losses
from sporax._errors import ArgumentError
from sporax._schema import Checked, Flag, number
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import Numbers, numbers

__all__ = ["EnergyScoreLoss", "GaussianCRPSLoss", "QuantileCRPSLoss", "SampleCRPSLoss"]


def _levels(value: Any, *, name: str, where: str) -> tuple[float, ...] | None:
    levels = numbers(value)
    if levels is not None and not all(0 < level < 1 for level in levels):
        raise ArgumentError(f"{where}: `{name}` must be a list of numbers in (0, 1), but got {value!r}.")
    return levels


class GaussianCRPSLoss(FunctionLoss, function=losses.crps_gaussian):
    """Continuous ranked probability score of a Gaussian, in closed form.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GaussianCRPSLoss()(Tensor([3.0]), Tensor([1.0]), Tensor([0.0])))
        2.0
    """

    reduction: str = "mean"


class SampleCRPSLoss(FunctionLoss, function=losses.crps_sample):
    """Continuous ranked probability score of a sample.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SampleCRPSLoss()(Tensor([[0.0, 2.0], [1.0, 1.0]]), Tensor([1.0, 4.0])))
        1.75
    """

    fair: Flag = False
    reduction: str = "mean"


class EnergyScoreLoss(FunctionLoss, function=losses.energy_score):
    """Energy score of sample vectors.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.EnergyScoreLoss()(Tensor([[[0.0, 0.0], [6.0, 8.0]]]), Tensor([[3.0, 4.0]])))
        2.5
    """

    beta: Annotated[float, number(0, 2, open_minimum=True, open_maximum=True)] = 1.0
    fair: Flag = False
    reduction: str = "mean"


class QuantileCRPSLoss(FunctionLoss, function=losses.quantile_crps):
    """Continuous ranked probability score estimated from predicted quantiles.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.QuantileCRPSLoss([0.25, 0.75])(Tensor([[0.0, 2.0]]), Tensor([1.0])))
        0.5
    """

    levels: Annotated[Any, Checked(_levels)] = None
    level_weights: Numbers = None
    reduction: str = "mean"
