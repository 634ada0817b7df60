"""Loss: the mean loss of an evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax._errors import ArgumentError
from sporax.train.metrics._base import Metric, as_array

__all__ = ["Loss"]


class Loss(Metric):
    r"""Weighted mean of the losses of the batches.

    .. math:: \frac{\sum_k w_k \ell_k}{\sum_k w_k}

    If the weight is the denominator of the batch's mean, this is the mean over the whole dataset, also with a smaller
    last batch or uneven masks.

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
        self._sum = self._weight = 0.0
        self._batches = 0

    def update(self, *inputs: Any) -> None:
        """Add the loss of a batch.

        Args:
            inputs: the loss, a number or an array that is averaged; and optionally its weight, ≥ 0, or None for 1.

        Raises:
            ArgumentError, ArgumentTypeError: invalid inputs.
        """
        if len(inputs) not in (1, 2):
            raise ArgumentError(
                f"Loss.update: it needs the loss, and optionally its weight, but got {len(inputs)} inputs."
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
        # A batch of weight 0 (all targets ignored) is not counted, whatever its loss. A NaN with a weight stays in the
        # result.
        self.add(float(loss.mean()) * weight if weight else 0.0, weight)

    def add(self, total: float, weight: float) -> None:
        """Add a batch by the numerator and denominator of its loss, as returned by `LossBase.sum_and_weight`.

        If the denominator is 0, the numerator need not be 0: with label smoothing, labels of a class of weight 0 still
        contribute to the loss.

        Args:
            total: the sum of the weighted losses.
            weight: the sum of the weights.
        """
        self._sum += total
        self._weight += weight
        self._batches += 1

    def eval(self) -> float:
        """Return the mean loss.

        Returns:
            A float; 0 if every weight was 0.

        Raises:
            TrainError: there are no batches.
        """
        self._check_samples(self._batches)
        return self._sum / self._weight if self._weight else 0.0
