"""Piecewise losses of regression; the formulas are in `sporax.losses`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from sporax import _check, losses
from sporax._schema import Checked, NonNegative, Positive, number
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["AdaptiveWingLoss", "EpsilonInsensitiveLoss", "QuantileLoss", "WingLoss"]


def _quantiles(value: Any, *, name: str, where: str) -> float | tuple[float, ...]:
    def checked(each: Any) -> float:
        return _check.number(each, name=name, where=where, minimum=0, maximum=1, open_minimum=True, open_maximum=True)

    return tuple(map(checked, value)) if isinstance(value, Sequence) else checked(value)


class QuantileLoss(FunctionLoss, function=(losses.quantile_loss, losses.multi_quantile_loss)):
    r"""Quantile (pinball) loss, which is minimized by a quantile of the target.

    Args:
        quantile: :math:`\tau`, between 0 and 1: the fraction of the targets below the best prediction; or several, for
            the mean of their losses.

    Inputs:
        logits: Tensor of any shape, floating; with several quantiles, one for each along the last axis.
        labels: Tensor of the same shape, or one of the two shapes broadcasts to the other; with several quantiles, of
            the shape of `logits` without the last axis.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.QuantileLoss(0.75)(Tensor([1.0, 2.0, 3.0]), Tensor([3.0, 2.0, 1.0])))
        0.6666667
        >>> several = nn.QuantileLoss((0.25, 0.75))
        >>> print(several(Tensor([[1.0, 2.0], [5.0, 5.0]]), Tensor([3.0, 1.0])))
        1.3125
    """

    quantile: Annotated[float | Sequence[float], Checked(_quantiles)] = 0.5
    reduction: str = "mean"

    def loss_info(self, *labels: np.ndarray) -> losses.LossInfo:
        """Return the registry's entry for one quantile or for several."""
        return losses.get("multi_quantile_loss" if isinstance(self.quantile, tuple) else "quantile_loss")


class EpsilonInsensitiveLoss(FunctionLoss, function=losses.epsilon_insensitive_loss):
    """Absolute error beyond an insensitive zone.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.EpsilonInsensitiveLoss(0.5)(Tensor([1.0, 2.0, 3.0]), Tensor([1.25, 3.0, 1.5])))
        0.5
    """

    epsilon: NonNegative = 0.1
    reduction: str = "mean"


class WingLoss(FunctionLoss, function=losses.wing_loss):
    """Wing loss: logarithmic near zero, absolute error beyond.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.WingLoss(reduction="none")(Tensor([1.0, 2.0]), Tensor([1.0, 0.0])))
        [0.       6.931472]
    """

    width: Positive = 10.0
    curvature: Positive = 2.0
    reduction: str = "mean"


class AdaptiveWingLoss(FunctionLoss, function=losses.adaptive_wing_loss):
    """Adaptive wing loss for heatmaps, with larger gradients for foreground pixels.

    A and C make the value and its derivative continuous.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.AdaptiveWingLoss(reduction="none")(Tensor([0.5, 0.5]), Tensor([0.5, 1.0])))
        [0.        5.3604584]
    """

    omega: Positive = 14.0
    theta: Positive = 0.5
    epsilon: Positive = 1.0
    alpha: Annotated[float, number(1, open_minimum=True)] = 2.1
    reduction: str = "mean"
