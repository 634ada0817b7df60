"""Losses of regression in proportion to the target; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


class MAPELoss(RegisteredLoss):
    r"""The absolute error as a percentage of the target.

    .. math:: \ell = 100 \, |x - y| / \max(|y|, \epsilon)

    Args:
        reduction: "mean", "sum" or "none".
        epsilon: the size below which a target counts as that large; greater than 0.

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an epsilon that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MAPELoss()(Tensor([90.0, 210.0, 310.0]), Tensor([100.0, 200.0, 300.0])))
        6.111111

    Source: Keras `MeanAbsolutePercentageError`, with the prediction first.
    """

    def __init__(self, reduction: str = "mean", epsilon: float = 1e-7) -> None:
        super().__init__(reduction)
        self.epsilon = _check.number(epsilon, name="epsilon", where="MAPELoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.mean_absolute_percentage_error, logits, labels, epsilon=self.epsilon)


class MSLELoss(RegisteredLoss):
    r"""The squared error of logarithms, for quantities that are not negative.

    .. math:: \ell = \bigl(\log(1 + \max(x, \epsilon)) - \log(1 + \max(y, \epsilon))\bigr)^2

    Args:
        reduction: "mean", "sum" or "none".
        epsilon: the least value that counts; not below 0.

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an epsilon that is below 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MSLELoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.2402265

    Source: Keras `MeanSquaredLogarithmicError`, with the prediction first.
    """

    def __init__(self, reduction: str = "mean", epsilon: float = 1e-7) -> None:
        super().__init__(reduction)
        self.epsilon = _check.number(epsilon, name="epsilon", where="MSLELoss", minimum=0)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.mean_squared_logarithmic_error, logits, labels, epsilon=self.epsilon)


class PoissonLoss(RegisteredLoss):
    r"""The negative log-likelihood of counts, given their rate: :math:`\ell = x - y \log(x + \epsilon)`.

    Args:
        reduction: "mean", "sum" or "none".
        epsilon: keeps the logarithm finite for a rate of 0; greater than 0.

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an epsilon that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PoissonLoss()(Tensor([2.0, 0.5]), Tensor([0.0, 0.0])))
        1.25

    Source: Keras `Poisson`, with the prediction first.
    """

    def __init__(self, reduction: str = "mean", epsilon: float = 1e-7) -> None:
        super().__init__(reduction)
        self.epsilon = _check.number(epsilon, name="epsilon", where="PoissonLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.poisson_loss, logits, labels, epsilon=self.epsilon)
