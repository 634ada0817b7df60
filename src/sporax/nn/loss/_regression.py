"""Losses of regression; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses, ops
from sporax._errors import ArgumentError
from sporax._schema import Integer, Positive
from sporax.core import Tensor
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = [
    "CosineSimilarityLoss",
    "HuberLoss",
    "L1Loss",
    "L1LossExt",
    "LogCoshLoss",
    "MAELoss",
    "MSELoss",
    "RMSELoss",
    "SmoothL1Loss",
]


class L1Loss(FunctionLoss, function=losses.l1_loss):
    """Absolute error.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]), Tensor([[0.0, 2.0, 5.0], [3.0, 1.0, 1.0]])
        >>> print(nn.L1Loss()(x, y), nn.L1Loss(reduction="sum")(x, y))
        1.5 9.0
    """

    reduction: str = "mean"


class MAELoss(FunctionLoss, function=losses.l1_loss, inputs="logits, label"):
    """Absolute error; the same as `L1Loss`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.MAELoss(reduction="none")
        >>> print(loss(Tensor([1.0, 2.0, 3.0]), Tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]])))
        [[0. 1. 2.]
         [0. 0. 1.]]
    """

    reduction: str = "mean"


class L1LossExt(FunctionLoss, function=losses.l1_loss):
    """Absolute error; the same as `L1Loss`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.L1LossExt(reduction="none")
        >>> print(loss(Tensor([1.0, 2.0, 3.0]), Tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]])))
        [[0. 1. 2.]
         [0. 0. 1.]]
    """

    reduction: str = "mean"


class MSELoss(FunctionLoss, function=losses.mse_loss):
    """Squared error.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MSELoss()(Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        2.0
    """

    reduction: str = "mean"


class RMSELoss(FunctionLoss, function=losses.rmse_loss, inputs="logits, label"):
    """Root mean squared error over all elements.

    It has no `reduction`, since it is not a mean over elements.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.RMSELoss()(Tensor([1.0, 2.0, 3.0]), Tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]])))
        1.0
    """


class SmoothL1Loss(FunctionLoss, function=losses.smooth_l1_loss):
    """Smooth L1 loss: quadratic below `beta`, linear beyond.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SmoothL1Loss()(Tensor([1.0, 2.0, 3.0]), Tensor([1.0, 2.5, 1.0])))
        [0.    0.125 1.5  ]
    """

    beta: Positive = 1.0
    reduction: str = "none"


class HuberLoss(FunctionLoss, function=losses.huber_loss):
    """Huber loss: quadratic below `delta`, linear beyond.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.HuberLoss(reduction="none")
        >>> print(loss(Tensor([1.0, 2.0, 3.0]), Tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]])))
        [[0.  0.5 1.5]
         [0.  0.  0.5]]
    """

    reduction: str = "mean"
    delta: Positive = 1.0


class LogCoshLoss(FunctionLoss, function=losses.log_cosh_loss):
    """Logarithm of the hyperbolic cosine of the error.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LogCoshLoss()(Tensor([1.0, 1.0, 0.0, 0.0]), Tensor([0.0, 1.0, 0.0, 0.0])))
        0.1084452
    """

    reduction: str = "mean"


class CosineSimilarityLoss(FunctionLoss, function=losses.cosine_similarity_loss):
    """Negative cosine similarity of vectors.

    Args:
        axis: the axis of the vectors.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[0.0, 1.0], [0.0, 2.0]]), Tensor([[1.0, 0.0], [0.0, 3.0]])
        >>> print(nn.CosineSimilarityLoss(reduction="none")(x, y))
        [ 0. -1.]
    """

    axis: Integer = -1
    reduction: str = "mean"

    def _last(self, x: Tensor) -> Tensor:
        if not -x.ndim <= self.axis < x.ndim:
            raise ArgumentError(
                f"CosineSimilarityLoss: `axis` must be an axis of the inputs, but got {self.axis} for an input of "
                f"shape {tuple(x.shape)}. Use an axis from {-x.ndim} to {x.ndim - 1}."
            )
        return ops.moveaxis(x, self.axis, -1)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        if self.axis != -1:
            logits, labels = (self._last(each) for each in (logits, labels))
        return self.evaluate(losses.cosine_similarity_loss, logits, labels)
