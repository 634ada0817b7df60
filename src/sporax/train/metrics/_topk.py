"""Top-k accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ShapeError
from sporax.train.metrics._base import Metric, rearrange_inputs
from sporax.train.metrics._classes import class_labels

__all__ = ["Top1CategoricalAccuracy", "Top5CategoricalAccuracy", "TopKCategoricalAccuracy"]


class TopKCategoricalAccuracy(Metric):
    r"""Fraction of samples whose label is among the k highest scores; of equal scores, the first ranks higher.

    A sample with a NaN among its scores is wrong.

    .. math:: \frac{\#\{i : t_i \in \text{the k highest of } y_i\}}{N}

    Args:
        k: number of scores, at least 1 and at most the number of classes.

    Raises:
        ArgumentTypeError, ArgumentError: `k` is not an int, or is below 1.

    Examples:
        >>> top = TopKCategoricalAccuracy(2)
        >>> top.update([[0.2, 0.5, 0.1], [0.3, 0.1, 0.2], [0.9, 0.6, 0.3]], [0, 1, 1])
        >>> round(top.eval(), 4)
        0.6667

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = _check.integer(k, name="k", where=type(self).__name__, minimum=1)
        self.clear()

    def clear(self) -> None:
        self._right = self._samples = 0

    @rearrange_inputs
    @completed_by(Metric.update)
    def update(self, *inputs: Any) -> None:
        """Update the metric with a batch.

        Args:
            inputs: scores (N, C) or (N, C, ...) with C of at least 2, and labels (N, ...) of ints or one-hot.
        """
        where = type(self).__name__
        scores, labels = self._inputs(inputs, ("the prediction", "the true value"))
        labels = class_labels(scores, labels, where)
        if self.k > scores.shape[1]:
            raise ShapeError(
                f"{where}.update: k is {self.k}, but the prediction of shape {scores.shape} has only "
                f"{scores.shape[1]} classes. Use TopKCategoricalAccuracy with a smaller k."
            )
        of_label = np.take_along_axis(scores, np.expand_dims(labels, 1), axis=1)
        index = np.arange(scores.shape[1]).reshape((1, -1) + (1,) * (scores.ndim - 2))
        higher = (scores > of_label) | ((scores == of_label) & (index < np.expand_dims(labels, 1)))
        # Comparisons with NaN are false, so that a NaN would never rank above the label.
        right = (higher.sum(axis=1) < self.k) & ~np.isnan(scores).any(axis=1)
        self._right += int(right.sum())
        self._samples += labels.size

    @completed_by(Metric.eval)
    def eval(self) -> float:
        """Return the accuracy, in [0, 1]."""
        self._check_samples(self._samples)
        return self._right / self._samples


class Top1CategoricalAccuracy(TopKCategoricalAccuracy):
    """Fraction of samples whose label has the highest score.

    Examples:
        >>> top = Top1CategoricalAccuracy()
        >>> top.update([[0.2, 0.5], [0.9, 0.6]], [1, 1])
        >>> top.eval()
        0.5

    Source: the class of the same name in MindSpore.
    """

    def __init__(self) -> None:
        super().__init__(1)


class Top5CategoricalAccuracy(TopKCategoricalAccuracy):
    """Fraction of samples whose label is among the five highest scores.

    Examples:
        >>> top = Top5CategoricalAccuracy()
        >>> top.update([[6, 5, 4, 3, 2, 1], [6, 5, 4, 3, 2, 1]], [4, 5])
        >>> top.eval()
        0.5

    Source: the class of the same name in MindSpore.
    """

    def __init__(self) -> None:
        super().__init__(5)
