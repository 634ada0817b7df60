"""Losses of regression; the formulas are in `sporax.losses`."""

from __future__ import annotations

import numpy as np

from sporax import _check, losses, ops
from sporax._errors import ArgumentError
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


class L1Loss(RegisteredLoss):
    r"""The absolute error: :math:`\ell = |x - y|`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]), Tensor([[0.0, 2.0, 5.0], [3.0, 1.0, 1.0]])
        >>> print(nn.L1Loss()(x, y), nn.L1Loss(reduction="sum")(x, y))
        1.5 9.0

    Source: the class of the same name in MindSpore.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.l1_loss, logits, labels)


class MAELoss(RegisteredLoss):
    r"""The absolute error: :math:`\ell = |x - y|`, as `L1Loss`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        label: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.MAELoss(reduction="none")
        >>> print(loss(Tensor([1.0, 2.0, 3.0]), Tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]])))
        [[0. 1. 2.]
         [0. 0. 1.]]

    Source: the class of the same name in MindSpore.
    """

    def construct(self, logits: Tensor, label: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.l1_loss, logits, label)

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row of this loss: that of `L1Loss`."""
        return losses.get("l1_loss")


class L1LossExt(RegisteredLoss):
    r"""The absolute error: :math:`\ell = |x - y|`, as `L1Loss`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.L1LossExt(reduction="none")
        >>> print(loss(Tensor([1.0, 2.0, 3.0]), Tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]])))
        [[0. 1. 2.]
         [0. 0. 1.]]

    Source: the class of the same name in MindSpore, which is also its `mint.nn.L1Loss`.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.l1_loss, logits, labels)

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row of this loss: that of `L1Loss`."""
        return losses.get("l1_loss")


class MSELoss(RegisteredLoss):
    r"""The squared error: :math:`\ell = (x - y)^2`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MSELoss()(Tensor([1.0, 2.0, 3.0]), Tensor([1.0, 1.0, 1.0])))
        1.6666666

    Source: the class of the same name in MindSpore.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.mse_loss, logits, labels)


class RMSELoss(RegisteredLoss):
    r"""The root of the mean squared error: :math:`L = \sqrt{\operatorname{mean}((x - y)^2)}`.

    It has no `reduction`. The values of batches do not add up to the value of the whole.

    Inputs:
        logits: Tensor of any shape, floating.
        label: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape ().

    Raises:
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.RMSELoss()(Tensor([1.0, 2.0, 3.0]), Tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]])))
        1.0

    Source: the class of the same name in MindSpore.
    """

    def __init__(self) -> None:
        super().__init__()

    def construct(self, logits: Tensor, label: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.rmse_loss, logits, label)


class SmoothL1Loss(RegisteredLoss):
    r"""Squared near zero, absolute beyond `beta`.

    .. math:: \ell = \begin{cases} (x-y)^2 / (2\beta), & |x-y| < \beta \\ |x-y| - \beta/2, & \text{else} \end{cases}

    Args:
        beta: where the two pieces meet; greater than 0.
        reduction: "none" (the default here, as in MindSpore), "mean" or "sum".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a beta that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SmoothL1Loss()(Tensor([1.0, 2.0, 3.0]), Tensor([1.0, 2.5, 1.0])))
        [0.    0.125 1.5  ]

    Source: Girshick, "Fast R-CNN", 2015; the class of the same name in MindSpore.
    """

    def __init__(self, beta: float = 1.0, reduction: str = "none") -> None:
        super().__init__(reduction)
        self.beta = _check.number(beta, name="beta", where="SmoothL1Loss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.smooth_l1_loss, logits, labels, beta=self.beta)


class HuberLoss(RegisteredLoss):
    r"""Half the square near zero, a line of slope `delta` beyond.

    .. math:: \ell = \begin{cases} (x-y)^2 / 2, & |x-y| < \delta \\ \delta (|x-y| - \delta/2), & \text{else} \end{cases}

    Args:
        reduction: "mean", "sum" or "none".
        delta: where the two pieces meet; greater than 0.

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a delta that is not above 0.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.HuberLoss(reduction="none")
        >>> print(loss(Tensor([1.0, 2.0, 3.0]), Tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]])))
        [[0.  0.5 1.5]
         [0.  0.  0.5]]

    Source: Huber, "Robust Estimation of a Location Parameter", 1964; the class of the same name in MindSpore.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = _check.number(delta, name="delta", where="HuberLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.huber_loss, logits, labels, delta=self.delta)


class LogCoshLoss(RegisteredLoss):
    r"""The logarithm of the hyperbolic cosine of the error: :math:`\ell = \log \cosh (x - y)`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: Tensor of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit, (N, 1) against (N,) among them.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LogCoshLoss()(Tensor([1.0, 1.0, 0.0, 0.0]), Tensor([0.0, 1.0, 0.0, 0.0])))
        0.1084452

    Source: Keras `LogCosh`, with the prediction first.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        return self.evaluate(losses.log_cosh_loss, logits, labels)


class CosineSimilarityLoss(RegisteredLoss):
    r"""The cosine of the angle between two vectors, negated: -1 for the same direction.

    .. math:: \ell = - \frac{x \cdot y}{\|x\| \|y\|}

    Args:
        axis: along which axis the vectors lie.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of vectors, floating.
        labels: Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape without the axis for "none".

    Raises:
        ArgumentError: an unknown reduction, or an axis that the inputs do not have.
        ShapeError: shapes that differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[0.0, 1.0], [0.0, 2.0]]), Tensor([[1.0, 0.0], [0.0, 3.0]])
        >>> print(nn.CosineSimilarityLoss(reduction="none")(x, y))
        [ 0. -1.]

    Source: Keras `CosineSimilarity`, with the prediction first.
    """

    def __init__(self, axis: int = -1, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.axis = _check.integer(axis, name="axis", where="CosineSimilarityLoss")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        if self.axis != -1:
            logits, labels = (self._last(each) for each in (logits, labels))
        return self.evaluate(losses.cosine_similarity_loss, logits, labels)

    def _last(self, x: Tensor) -> Tensor:
        if not -x.ndim <= self.axis < x.ndim:
            raise ArgumentError(
                f"CosineSimilarityLoss: `axis` must be an axis of the inputs, but got {self.axis} for an input of "
                f"shape {tuple(x.shape)}. Use an axis from {-x.ndim} to {x.ndim - 1}."
            )
        return ops.moveaxis(x, self.axis, -1)
