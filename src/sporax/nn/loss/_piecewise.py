"""Losses of regression made of pieces; the formulas are in `sporax.losses`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


class QuantileLoss(RegisteredLoss):
    r"""The pinball loss, whose least mean is at a quantile of the target.

    .. math:: \ell = \max\bigl(\tau (y - x), (\tau - 1) (y - x)\bigr)

    Args:
        quantile: tau, between 0 and 1; or several, and the loss is the mean of theirs.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating; with several quantiles, one for each along the last axis.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger; with several
            quantiles, of the shape of `logits` without the last axis.

    Returns:
        Tensor of shape (), or of the shape of `labels` for "none".

    Raises:
        ArgumentError: an unknown reduction, or a quantile that is not between 0 and 1.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.QuantileLoss(0.75)(Tensor([1.0, 2.0, 3.0]), Tensor([3.0, 2.0, 1.0])))
        0.6666667
        >>> several = nn.QuantileLoss((0.25, 0.75))
        >>> print(several(Tensor([[1.0, 2.0], [5.0, 5.0]]), Tensor([3.0, 1.0])))
        1.3125

    Source: Koenker, Bassett, "Regression Quantiles", 1978.
    """

    def __init__(self, quantile: float | Sequence[float] = 0.5, reduction: str = "mean") -> None:
        super().__init__(reduction)

        def checked(value: float) -> float:
            return _check.number(
                value, name="quantile", where="QuantileLoss", minimum=0, maximum=1, open_minimum=True, open_maximum=True
            )

        self.several = isinstance(quantile, Sequence)
        self.quantile = tuple(map(checked, quantile)) if isinstance(quantile, Sequence) else checked(quantile)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(self.row().function, logits, labels, quantile=self.quantile)

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row for one quantile or for several."""
        return losses.get("multi_quantile_loss" if self.several else "quantile_loss")


class EpsilonInsensitiveLoss(RegisteredLoss):
    r"""The absolute error beyond a dead zone: :math:`\ell = \max(0, |x - y| - \epsilon)`.

    Args:
        epsilon: how far off costs nothing; not below 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an epsilon below 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.EpsilonInsensitiveLoss(0.5)(Tensor([1.0, 2.0, 3.0]), Tensor([1.25, 3.0, 1.5])))
        0.5

    Source: Vapnik, "The Nature of Statistical Learning Theory", 1995.
    """

    def __init__(self, epsilon: float = 0.1, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.epsilon = _check.number(epsilon, name="epsilon", where="EpsilonInsensitiveLoss", minimum=0)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.epsilon_insensitive_loss, logits, labels, epsilon=self.epsilon)


class WingLoss(RegisteredLoss):
    r"""A logarithm near zero, where small errors weigh more, and the absolute error beyond.

    .. math:: \ell = \begin{cases} w \log(1 + |x - y| / \epsilon), & |x - y| < w \\
        |x - y| - w + w \log(1 + w / \epsilon), & \text{else} \end{cases}

    Args:
        width: w, where the logarithm ends; greater than 0.
        curvature: epsilon, greater than 0; the slope at 0 is width / curvature.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a width or curvature that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.WingLoss(reduction="none")(Tensor([1.0, 2.0]), Tensor([1.0, 0.0])))
        [0.       6.931472]

    Source: Feng et al., "Wing Loss for Robust Facial Landmark Localisation with Convolutional Neural Networks", 2018.
    """

    def __init__(self, width: float = 10.0, curvature: float = 2.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.width = _check.number(width, name="width", where="WingLoss", minimum=0, open_minimum=True)
        self.curvature = _check.number(curvature, name="curvature", where="WingLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.wing_loss, logits, labels, width=self.width, curvature=self.curvature)


class AdaptiveWingLoss(RegisteredLoss):
    r"""A wing loss for heatmaps, steeper where the target is bright.

    .. math:: \ell = \begin{cases} \omega \log(1 + |(x - y) / \epsilon|^{\alpha - y}), & |x - y| < \theta \\
        A |x - y| - C, & \text{else} \end{cases}

    A and C make value and slope continuous.

    Args:
        omega: the size of the loss; greater than 0.
        theta: where the curve ends and the line starts; greater than 0.
        epsilon: the width of the curve; greater than 0.
        alpha: the exponent for a dark target, a little above 2; greater than 1.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, in [0, 1].

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a parameter out of its range.
        LabelError: a label outside [0, 1], where the values are known.
        ShapeError: shapes that differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.AdaptiveWingLoss(reduction="none")(Tensor([0.5, 0.5]), Tensor([0.5, 1.0])))
        [0.        5.3604584]

    Source: Wang, Bo, Fuxin, "Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression", 2019.
    """

    def __init__(
        self,
        omega: float = 14.0,
        theta: float = 0.5,
        epsilon: float = 1.0,
        alpha: float = 2.1,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.omega = _check.number(omega, name="omega", where="AdaptiveWingLoss", minimum=0, open_minimum=True)
        self.theta = _check.number(theta, name="theta", where="AdaptiveWingLoss", minimum=0, open_minimum=True)
        self.epsilon = _check.number(epsilon, name="epsilon", where="AdaptiveWingLoss", minimum=0, open_minimum=True)
        self.alpha = _check.number(alpha, name="alpha", where="AdaptiveWingLoss", minimum=1, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predicted and true heatmaps."""
        return self.evaluate(
            losses.adaptive_wing_loss,
            logits,
            labels,
            omega=self.omega,
            theta=self.theta,
            epsilon=self.epsilon,
            alpha=self.alpha,
        )
