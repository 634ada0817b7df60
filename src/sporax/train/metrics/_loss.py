"""Loss: the mean loss of an evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax._errors import ArgumentError
from sporax.train.metrics._base import Metric, as_array

__all__ = ["Loss"]


class Loss(Metric):
    r"""The mean of the batches' losses, each by its weight.

    .. math:: \frac{\sum_k w_k \ell_k}{\sum_k w_k}

    With the denominator of each batch's mean as its weight, this is the mean over the whole data set, also
    with a smaller last batch or uneven masks.

    Examples:
        >>> loss = Loss()
        >>> loss.update(0.5, 3)
        >>> loss.update(0.1, 1)
        >>> loss.eval()
        0.4

    Source: the class of the same name in MindSpore, where each batch has the weight 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        """Forget every batch."""
        self._sum = self._weight = 0.0
        self._batches = 0

    def update(self, *inputs: Any) -> None:
        """Take in the loss of a batch.

        Args:
            inputs: the loss, a number or an array that is averaged; and its weight, ≥ 0, or None for 1.

        Raises:
            ArgumentError, ArgumentTypeError: they are not that.
        """
        if len(inputs) not in (1, 2):
            raise ArgumentError(
                f"Loss.update: it needs the loss, and perhaps its weight, but got {len(inputs)} inputs."
            )
        loss = as_array(inputs[0], "the loss", "Loss").astype(np.float64)
        if not loss.size:
            raise ArgumentError("Loss.update: the loss has no elements.")
        weight = 1.0
        if len(inputs) == 2 and inputs[1] is not None:
            given = as_array(inputs[1], "the weight", "Loss")
            if given.size != 1 or not 0.0 <= float(given.reshape(())) < float("inf"):
                raise ArgumentError(f"Loss.update: the weight must be one number ≥ 0, but got {inputs[1]!r}.")
            weight = float(given.reshape(()))
        # A batch with nothing left (all targets ignored) counts for nothing, whatever its loss. With a weight, a NaN
        # stays in the result.
        self.add(float(loss.mean()) * weight if weight else 0.0, weight)

    def add(self, total: float, weight: float) -> None:
        """Take in a batch by the numerator and denominator of its loss, as `LossBase.sum_and_weight` gives them.

        A denominator of 0 does not make the numerator 0: with label smoothing, labels of a class of weight 0 still
        add to the loss.

        Args:
            total: the sum of the weighted losses.
            weight: what it is over.
        """
        self._sum += total
        self._weight += weight
        self._batches += 1

    def eval(self) -> float:
        """The mean loss.

        Returns:
            a float; 0 where every weight was 0.

        Raises:
            TrainError: there are no batches.
        """
        self._check_samples(self._batches)
        return self._sum / self._weight if self._weight else 0.0
