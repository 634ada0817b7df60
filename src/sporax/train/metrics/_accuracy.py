"""Accuracy."""

from __future__ import annotations

from typing import Any

from sporax._docstring import completed_by
from sporax.train.metrics._base import Metric, rearrange_inputs
from sporax.train.metrics._classes import ClassMetric

__all__ = ["Accuracy"]


class Accuracy(ClassMetric):
    r"""Fraction of correct samples.

    .. math:: \frac{\#\{\text{correct}\}}{\#\{\text{samples}\}}

    Args:
        eval_type: "classification": scores (N, C) or (N, C, ...) with C of at least 2, labels (N, ...) of ints or
            one-hot (N, C, ...); a sample is correct if the class of its highest score, the first of equal
            scores, is its label. "multilabel": both (N, C, ...) of 0 and 1; a sample is correct if all
            agree. A sample with a NaN in its prediction is wrong.

    Raises:
        ArgumentError: an unknown `eval_type`.

    Examples:
        >>> accuracy = Accuracy()
        >>> accuracy.update([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]], [1, 0, 1])
        >>> round(accuracy.eval(), 4)
        0.6667

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, eval_type: str = "classification") -> None:
        super().__init__(eval_type)
        self.clear()

    def clear(self) -> None:
        self._correct = self._samples = self._class_num = 0

    @rearrange_inputs
    @completed_by(Metric.update)
    def update(self, *inputs: Any) -> None:
        """Update the metric with a batch.

        Args:
            inputs: the prediction and the true value, in the form for `eval_type`.
        """
        predicted, labels = self._of_batch(inputs)
        correct = predicted == labels
        self._correct += int((correct if correct.ndim == 1 else correct.all(axis=1)).sum())
        self._samples += len(labels)

    @completed_by(Metric.eval)
    def eval(self) -> float:
        """Return the accuracy, in [0, 1]."""
        self._check_samples(self._samples)
        return self._correct / self._samples
