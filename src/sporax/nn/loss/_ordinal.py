"""Losses for classes that have an order; the formulas are in `sporax.losses`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sporax import losses
from sporax.core import Tensor, unwrap
from sporax.nn.loss._base import RegisteredLoss


class CoralLoss(RegisteredLoss):
    r"""Consistent rank logits: a binary cross entropy for each threshold between two ordered classes.

    .. math:: \ell = -\sum_k w_k \left( [y > k] \log \sigma(x_k) + [y \le k] \log \sigma(-x_k) \right)

    Args:
        importance_weights: w, one for each threshold; 1 unless given.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of shape (..., C-1), floating; `losses.coral_labels` makes classes of them.
        labels: classes y in [0, C), of an integer dtype and shape (...).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, or not one weight for each threshold.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: a class outside [0, C), where the values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.CoralLoss(reduction="none")(Tensor([[2.0, -2.0], [0.0, 0.0]]), Tensor([1, 2]))
        >>> [round(value, 4) for value in loss.asnumpy().tolist()]
        [0.2539, 1.3863]

    Source: Cao, Mirjalili and Raschka, "Rank consistent ordinal regression for neural networks with application to
    age estimation", 2020.
    """

    def __init__(self, importance_weights: Sequence[float] | Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        given = importance_weights
        self.importance_weights = None if given is None else tuple(np.asarray(unwrap(given), np.float64).tolist())

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of threshold logits and classes."""
        return self.evaluate(losses.coral_loss, logits, labels, importance_weights=self.importance_weights)


class CornLoss(RegisteredLoss):
    r"""Conditional ordinal regression: each threshold is asked of the samples that passed the one before.

    .. math:: \ell = -\sum_{k \le \min(y, C-2)} [y > k] \log \sigma(x_k) + [y = k] \log \sigma(-x_k)

    Args:
        reduction: "mean" (over all questions asked of the batch), "sum" or "none" (the sum of each sample).

    Inputs:
        logits: Tensor of shape (..., C-1), floating; `losses.corn_labels` makes classes of them.
        labels: classes y in [0, C), of an integer dtype and shape (...).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: a class outside [0, C), where the values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.CornLoss()(Tensor([[2.0, -2.0], [0.0, 0.0]]), Tensor([0, 2]))
        >>> round(float(loss), 4)
        1.1711

    Source: Shi, Cao and Raschka, "Deep Neural Networks for Rank-Consistent Ordinal Regression Based on Conditional
    Probabilities", 2021.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of threshold logits and classes."""
        return self.evaluate(losses.corn_loss, logits, labels)
