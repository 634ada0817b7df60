"""Accuracy."""

from __future__ import annotations

from typing import Any

from sporax.train.metrics._base import rearrange_inputs
from sporax.train.metrics._classes import ClassMetric

__all__ = ["Accuracy"]


class Accuracy(ClassMetric):
    r"""The share of samples that are right.

    .. math:: \frac{\#\{\text{right}\}}{\#\{\text{samples}\}}

    Args:
        eval_type: "classification": scores (N, C) or (N, C, ...) with C of at least 2, labels (N, ...) of ints or
            one-hot (N, C, ...); a sample is right if its highest score, the first of equal ones, is that of its
            label. "multilabel": both (N, C, ...) of 0 and 1; a sample is right if all agree. A sample with a NaN in
            its prediction is wrong.

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
        """Forget every batch."""
        self._right = self._samples = self._class_num = 0

    @rearrange_inputs
    def update(self, *inputs: Any) -> None:
        """Take in a batch.

        Args:
            inputs: the prediction and the true value, as the class says.

        Raises:
            ShapeError, LabelError, DtypeError, ArgumentError: they do not fit.
        """
        predicted, labels = self._of_batch(inputs)
        right = predicted == labels
        self._right += int((right if right.ndim == 1 else right.all(axis=1)).sum())
        self._samples += len(labels)

    def eval(self) -> float:
        """The accuracy.

        Returns:
            a float in [0, 1].

        Raises:
            TrainError: there are no samples.
        """
        self._check_samples(self._samples)
        return self._right / self._samples
