"""The losses of `mint.nn`: those of `nn` with mint's argument names, order and defaults."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from sporax import losses, nn, ops
from sporax._schema import Flag, Integer, NonNegative, UnitInterval, number
from sporax.core import Tensor
from sporax.nn.loss import ClassWeight, FunctionLoss


class MSELoss(nn.MSELoss, function=losses.mse_loss, inputs="input, target"):
    """Squared error.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.MSELoss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        2.0

    Source: `mint.nn.MSELoss` of MindSpore.
    """

    reduction: str = "mean"


class SmoothL1Loss(FunctionLoss, function=losses.smooth_l1_loss, inputs="input, target"):
    """Smooth L1 loss: quadratic below `beta`, linear beyond.

    Args:
        beta: where the square ends, at least 0, in units of the inputs; 0 gives the absolute error.

    Raises:
        ArgumentError: an unknown reduction; `beta` is below 0.
        ShapeError: shapes that do not fit, or would make more elements than the larger input, as (N, 1) and (N,).
        DtypeError: complex inputs.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.SmoothL1Loss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        0.75

    Source: `mint.nn.SmoothL1Loss` of MindSpore.
    """

    reduction: str = "mean"
    beta: NonNegative = 1.0

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions and targets."""
        if self.beta == 0:
            return self.evaluate(losses.l1_loss, input, target)
        return self.evaluate(losses.smooth_l1_loss, input, target, beta=self.beta)


class BCELoss(nn.BCELoss, function=losses.binary_cross_entropy, inputs="input, target"):
    """Binary cross entropy of probabilities.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.BCELoss()(Tensor([0.5]), Tensor([1.0])).asnumpy().round(4))
        0.6931

    Source: `mint.nn.BCELoss` of MindSpore.
    """

    weight: ClassWeight = None
    reduction: str = "mean"


class BCEWithLogitsLoss(FunctionLoss, function=losses.binary_cross_entropy_with_logits, inputs="input, target"):
    """Binary cross entropy of logits.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.BCEWithLogitsLoss()(Tensor([0.0]), Tensor([1.0])).asnumpy().round(4))
        0.6931

    Source: `mint.nn.BCEWithLogitsLoss` of MindSpore.
    """

    weight: ClassWeight = None
    reduction: str = "mean"
    pos_weight: ClassWeight = None


class KLDivLoss(nn.KLDivLoss, function=losses.kl_div, inputs="input, target"):
    """Elementwise terms of the Kullback-Leibler divergence, with 0 log 0 = 0.

    Inputs:
        input: log probabilities, Tensor of any shape, floating.
        target: probabilities, or their logarithms; one of the two shapes must broadcast to the other.

    Returns:
        Tensor of shape (); for the reduction "none", values of the larger of the two shapes.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.KLDivLoss("batchmean")(Tensor([[-1.0, -0.5]]), Tensor([[0.0, 1.0]])))
        0.5

    Source: `mint.nn.KLDivLoss` of MindSpore.
    """

    reduction: str = "mean"
    log_target: Flag = False

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log probabilities and targets."""
        return self.evaluate(losses.kl_div, *_broadcast(input, target), log_target=self.log_target)


def _broadcast(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return both Tensors in the shape of the one that the other broadcasts to; unchanged if there is none."""
    if x.shape == y.shape:
        return x, y
    try:
        common = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return x, y
    if common not in (x.shape, y.shape):
        return x, y
    return ops.broadcast_to(x, common), ops.broadcast_to(y, common)


class CosineEmbeddingLoss(
    nn.CosineEmbeddingLoss, function=losses.cosine_embedding_loss, inputs="input1, input2, target"
):
    """Cosine embedding loss of pairs labeled similar or dissimilar.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.CosineEmbeddingLoss()(Tensor([[3.0, 4.0]]), Tensor([[4.0, -3.0]]), Tensor([1])))
        1.0

    Source: `mint.nn.CosineEmbeddingLoss` of MindSpore.
    """

    margin: Annotated[float, number(-1, 1)] = 0.0
    reduction: str = "mean"


class NLLLoss(nn.NLLLoss, function=losses.nll_loss, inputs="input, target"):
    """Negative log likelihood of log probabilities.

    The mean divides by the sum of :math:`w_{y_i}` over the labels that are not `ignore_index`.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.NLLLoss()(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), Tensor([0, 1])))
        0.375

    Source: `mint.nn.NLLLoss` of MindSpore.
    """

    weight: ClassWeight = None
    ignore_index: Integer = -100
    reduction: str = "mean"


class CrossEntropyLoss(nn.CrossEntropyLoss, function=losses.cross_entropy, inputs="input, target"):
    """Cross entropy of logits with class indices or class probabilities; see `nn.CrossEntropyLoss`.

    For class indices the mean divides by the sum of :math:`w_{y_i}` over the labels that are not `ignore_index`, for
    probabilities by the number of positions.

    Inputs:
        input: Tensor of logits of shape (N, C, ...), or (C,), floating.
        target: class indices, integers of shape (N, ...), or (); or probabilities, floating, of the shape of `input`.

    Examples:
        >>> from sporax import mint, Tensor
        >>> print(mint.nn.CrossEntropyLoss()(Tensor([[0.0, 2.0], [0.0, 0.0]]), Tensor([1, 0])).asnumpy().round(4))
        0.41

    Source: `mint.nn.CrossEntropyLoss` of MindSpore.
    """

    weight: ClassWeight = None
    ignore_index: Integer = -100
    reduction: str = "mean"
    label_smoothing: UnitInterval = 0.0

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits and labels."""
        return super().construct(input, target)
