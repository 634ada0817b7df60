"""Losses of regression that outliers do not dominate; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import _check, losses
from sporax.core import Tensor, unwrap
from sporax.nn.loss._base import RegisteredLoss


class CharbonnierLoss(RegisteredLoss):
    r"""A smooth absolute error: :math:`\ell = \sqrt{(x - y)^2 + \epsilon^2}`.

    Args:
        epsilon: how wide the rounded corner is; greater than 0.
        reduction: "mean", "sum" or "none".

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
        >>> print(nn.CharbonnierLoss(epsilon=3.0)(Tensor([1.0, 5.0]), Tensor([1.0, 1.0])))
        4.0

    Source: Charbonnier et al., 1994; Lai et al., 2017.
    """

    def __init__(self, epsilon: float = 1e-3, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.epsilon = _check.number(epsilon, name="epsilon", where="CharbonnierLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.charbonnier_loss, logits, labels, epsilon=self.epsilon)


class CauchyLoss(RegisteredLoss):
    r"""A loss that grows as a logarithm: :math:`\ell = \log(1 + ((x - y) / c)^2 / 2)`.

    Args:
        scale: c, the size of a usual error; greater than 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a scale that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.CauchyLoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.54930615

    Source: Black, Anandan, 1996; in the scaling of Barron, 2019.
    """

    def __init__(self, scale: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.scale = _check.number(scale, name="scale", where="CauchyLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.cauchy_loss, logits, labels, scale=self.scale)


class GemanMcClureLoss(RegisteredLoss):
    r"""A loss bounded by 2: :math:`\ell = 2 u^2 / (u^2 + 4)` with :math:`u = (x - y) / c`.

    Args:
        scale: c, the size of a usual error; greater than 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a scale that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GemanMcClureLoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.5

    Source: Geman, McClure, 1985; in the scaling of Barron, 2019.
    """

    def __init__(self, scale: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.scale = _check.number(scale, name="scale", where="GemanMcClureLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.geman_mcclure_loss, logits, labels, scale=self.scale)


class WelschLoss(RegisteredLoss):
    r"""A loss bounded by 1: :math:`\ell = 1 - \exp(-((x - y) / c)^2 / 2)`.

    Args:
        scale: c, the size of a usual error; greater than 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a scale that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.WelschLoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.43233237

    Source: Dennis, Welsch, 1978; in the scaling of Barron, 2019.
    """

    def __init__(self, scale: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.scale = _check.number(scale, name="scale", where="WelschLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.welsch_loss, logits, labels, scale=self.scale)


class TukeyBiweightLoss(RegisteredLoss):
    r"""Half the square near zero, constant beyond `scale`, where outliers have no gradient.

    .. math:: \ell = \frac{c^2}{6} \bigl(1 - \max(0, 1 - (x - y)^2 / c^2)^3\bigr)

    Args:
        scale: c, greater than 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a scale that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.TukeyBiweightLoss(scale=2.0)(Tensor([1.0, 9.0]), Tensor([1.0, 1.0])))
        0.33333334

    Source: Beaton, Tukey, 1974.
    """

    def __init__(self, scale: float = 4.685, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.scale = _check.number(scale, name="scale", where="TukeyBiweightLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.tukey_biweight_loss, logits, labels, scale=self.scale)


class GeneralAdaptiveLoss(RegisteredLoss):
    r"""One family from the squared to the bounded losses, by its shape `alpha`.

    .. math:: \ell = \frac{|\alpha - 2|}{\alpha} \left( \Bigl(\frac{(x - y)^2}{c^2 |\alpha - 2|} + 1\Bigr)^{\alpha / 2}
        - 1 \right)

    2 is half the square, 1 Charbonnier's, 0 Cauchy's, -2 Geman and McClure's, minus infinity Welsch's loss.

    Args:
        alpha: the shape: any number, infinite ones included, or a Tensor or Parameter that broadcasts to the inputs.
            A Parameter is trained; add a term that pulls it up, as a smaller `alpha` always makes the loss smaller.
        scale: c, the size of a usual error: greater than 0, or a Tensor or Parameter.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a scale that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GeneralAdaptiveLoss(alpha=-2.0)(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        0.5

    Source: Barron, "A General and Adaptive Robust Loss Function", 2019.
    """

    def __init__(self, alpha: float | Tensor = 1.0, scale: float | Tensor = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        where = "GeneralAdaptiveLoss"
        self.alpha = alpha if isinstance(alpha, Tensor) else _check.number(alpha, name="alpha", where=where)
        self.scale = (
            scale
            if isinstance(scale, Tensor)
            else _check.number(scale, name="scale", where=where, minimum=0, open_minimum=True)
        )

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(
            losses.general_adaptive_loss, logits, labels, alpha=unwrap(self.alpha), scale=unwrap(self.scale)
        )
