"""Proper scoring rules; the formulas are in `sporax.losses`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError
from sporax.core import Tensor, unwrap
from sporax.nn.loss._base import RegisteredLoss


class GaussianCRPSLoss(RegisteredLoss):
    r"""Continuous ranked probability score of a Gaussian, in closed form; see `losses.crps_gaussian`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        loc: means, Tensor of any shape, floating.
        labels: targets, of that shape, or of one that broadcasts to it.
        scale: standard deviations, at least 0, likewise.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none", in units of the labels.

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GaussianCRPSLoss()(Tensor([3.0]), Tensor([1.0]), Tensor([0.0])))
        2.0

    Source: Gneiting, Raftery, Westveld and Goldman, "Calibrated Probabilistic Forecasting Using Ensemble Model Output
    Statistics and Minimum CRPS Estimation", 2005.
    """

    def construct(self, loc: Tensor, labels: Tensor, scale: Tensor) -> Tensor:
        """The loss of means, targets and standard deviations."""
        return self.evaluate(losses.crps_gaussian, loc, labels, scale)


class SampleCRPSLoss(RegisteredLoss):
    r"""Continuous ranked probability score of samples: :math:`\ell = E|x - y| - \frac{1}{2} E|x - x'|`.

    Args:
        fair: whether a sample is compared with the others only, so that the score's expected value does not depend
            on their number.
        reduction: "mean", "sum" or "none".

    Inputs:
        samples: Tensor of shape (..., S), floating.
        labels: targets of shape (...).

    Returns:
        Tensor of shape (), or (...) for "none", in units of the labels.

    Raises:
        ArgumentError: an unknown reduction, or too few samples.
        ArgumentTypeError: `fair` is not a bool.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SampleCRPSLoss()(Tensor([[0.0, 2.0], [1.0, 1.0]]), Tensor([1.0, 4.0])))
        1.75

    Source: Gneiting and Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", 2007; Ferro, "Fair
    scores for ensemble forecasts", 2014.
    """

    def __init__(self, fair: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.fair = _check.is_type(fair, bool, name="fair", where="SampleCRPSLoss")

    def construct(self, samples: Tensor, labels: Tensor) -> Tensor:
        """The loss of samples and targets."""
        return self.evaluate(losses.crps_sample, samples, labels, fair=self.fair)


class EnergyScoreLoss(RegisteredLoss):
    r"""The score of sample vectors: :math:`\ell = E\|x - y\|^\beta - \frac{1}{2} E\|x - x'\|^\beta`.

    Args:
        beta: the exponent, in (0, 2).
        fair: whether a sample is compared with the others only, so that the score's expected value does not depend
            on their number.
        reduction: "mean", "sum" or "none".

    Inputs:
        samples: Tensor of shape (..., S, D), floating.
        labels: targets of shape (..., D).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, too few samples, or a `beta` outside (0, 2).
        ArgumentTypeError: `fair` is not a bool.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.EnergyScoreLoss()(Tensor([[[0.0, 0.0], [6.0, 8.0]]]), Tensor([[3.0, 4.0]])))
        2.5

    Source: Gneiting and Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", 2007.
    """

    def __init__(self, beta: float = 1.0, fair: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.beta = _check.number(
            beta, name="beta", where="EnergyScoreLoss", minimum=0, maximum=2, open_minimum=True, open_maximum=True
        )
        self.fair = _check.is_type(fair, bool, name="fair", where="EnergyScoreLoss")

    def construct(self, samples: Tensor, labels: Tensor) -> Tensor:
        """The loss of sample vectors and targets."""
        return self.evaluate(losses.energy_score, samples, labels, beta=self.beta, fair=self.fair)


class QuantileCRPSLoss(RegisteredLoss):
    r"""The score of predicted quantiles: twice the weighted sum of their pinball losses.

    Args:
        levels: the levels in (0, 1) of the quantiles; the middles of equal parts, (l + 1/2) / L, unless given.
        level_weights: a weight for each level; 1/L unless given.
        reduction: "mean", "sum" or "none".

    Inputs:
        quantiles: Tensor of shape (..., L), floating.
        labels: targets of shape (...).

    Returns:
        Tensor of shape (), or (...) for "none", in units of the labels.

    Raises:
        ArgumentError: an unknown reduction, levels outside (0, 1), or not one level and weight for each quantile.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.QuantileCRPSLoss([0.25, 0.75])(Tensor([[0.0, 2.0]]), Tensor([1.0])))
        0.5

    Source: Gneiting and Ranjan, "Comparing Density Forecasts Using Threshold- and Quantile-Weighted Scoring Rules",
    2011.
    """

    def __init__(
        self,
        levels: Sequence[float] | None = None,
        level_weights: Sequence[float] | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.levels = _numbers(levels)
        if self.levels is not None and not all(0 < level < 1 for level in self.levels):
            raise ArgumentError(f"QuantileCRPSLoss: `levels` must be a list of numbers in (0, 1), but got {levels!r}.")
        self.level_weights = _numbers(level_weights)

    def construct(self, quantiles: Tensor, labels: Tensor) -> Tensor:
        """The loss of quantiles and targets."""
        return self.evaluate(
            losses.quantile_crps, quantiles, labels, levels=self.levels, level_weights=self.level_weights
        )


def _numbers(values: Any) -> tuple[float, ...] | None:
    return None if values is None else tuple(np.asarray(unwrap(values), np.float64).ravel().tolist())
