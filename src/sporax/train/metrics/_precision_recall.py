"""Precision, Recall, Fbeta and F1, for each class or as a mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax.train.metrics._base import Metric, rearrange_inputs
from sporax.train.metrics._classes import NO_CLASS, ClassMetric

__all__ = ["F1", "Fbeta", "Precision", "Recall"]


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return numerator / denominator, or 0 if the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros(np.shape(numerator), np.float64), where=denominator > 0)


class _Counts(ClassMetric):
    """Counts of true positives, predicted positives and positives, by class or (multilabel) by sample.

    Args:
        eval_type: "classification" (a value for each class), or "multilabel" (a value for each sample).

    Raises:
        ArgumentError: an unknown `eval_type`.
    """

    def __init__(self, eval_type: str = "classification") -> None:
        super().__init__(eval_type)
        self.clear()

    def clear(self) -> None:
        self._class_num = self._samples = 0
        self._batches: list[np.ndarray] = []

    @rearrange_inputs
    @completed_by(Metric.update)
    def update(self, *inputs: Any) -> None:
        """Update the metric with a batch.

        Args:
            inputs: the prediction and the true value: scores (N, C, ...) with C of at least 2 and labels (N, ...)
                or one-hot; with several labels per sample, both (N, C, ...) of 0 and 1. A prediction with a NaN has
                no class: it is a false negative of its true class, and not a false positive.
        """
        predicted, labels = self._of_batch(inputs)
        self._samples += len(labels)
        if self._type == "multilabel":
            found = predicted == 1
            counts = np.stack([each.sum(axis=1) for each in (found & labels, found, labels)])
            # A new list, so that copies of the metric do not change.
            self._batches = [*self._batches, counts.astype(np.float64)]
            return
        classes = self._class_num
        counted = (labels[predicted == labels], predicted[predicted != NO_CLASS], labels)
        counts = np.stack([np.bincount(each, minlength=classes) for each in counted]).astype(np.float64)
        self._batches = [sum(self._batches, counts)]

    def eval(self, average: bool = False) -> Any:
        """Return the result for each class.

        Args:
            average: whether to return the unweighted mean.

        Returns:
            An array of shape (C,), or (N,) for "multilabel"; a float with `average`.

        Raises:
            TrainError: there are no samples.
        """
        self._check_samples(self._samples)
        values = self._score(*np.concatenate(self._batches, axis=1))
        _check.is_type(average, bool, name="average", where=f"{type(self).__name__}.eval")
        return float(values.mean()) if average else values

    def _score(self, right: np.ndarray, predicted: np.ndarray, positive: np.ndarray) -> np.ndarray:
        """Return the result from true positives, predicted positives and positives."""
        raise NotImplementedError


@completed_by(_Counts)
class Precision(_Counts):
    r"""Fraction of the samples predicted as a class that belong to it; 0 if there are none.

    .. math:: \frac{TP}{TP + FP}

    Examples:
        >>> precision = Precision()
        >>> precision.update([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]], [1, 0, 1])
        >>> precision.eval()
        array([0.5, 1. ])

    Source: the class of the same name in MindSpore.
    """

    def _score(self, right: np.ndarray, predicted: np.ndarray, positive: np.ndarray) -> np.ndarray:
        return _ratio(right, predicted)


@completed_by(_Counts)
class Recall(_Counts):
    r"""Fraction of the samples of a class that are predicted as it; 0 if there are none.

    .. math:: \frac{TP}{TP + FN}

    Examples:
        >>> recall = Recall()
        >>> recall.update([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]], [1, 0, 1])
        >>> recall.eval()
        array([1. , 0.5])

    Source: the class of the same name in MindSpore.
    """

    def _score(self, right: np.ndarray, predicted: np.ndarray, positive: np.ndarray) -> np.ndarray:
        return _ratio(right, positive)


class Fbeta(_Counts):
    r"""Weighted harmonic mean of precision and recall of each class; 0 for a class without samples or predictions.

    .. math:: \frac{(1 + \beta^2) TP}{(1 + \beta^2) TP + \beta^2 FN + FP}

    Args:
        beta: weight of recall relative to precision, above 0.

    Raises:
        ArgumentTypeError, ArgumentError: `beta` is not a number above 0.

    Examples:
        >>> score = Fbeta(1.0)
        >>> score.update([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]], [1, 0, 1])
        >>> score.eval(average=True)
        0.6666666666666666

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, beta: float) -> None:
        self.beta = _check.number(beta, name="beta", where=type(self).__name__, minimum=0.0, open_minimum=True)
        super().__init__()

    def _score(self, right: np.ndarray, predicted: np.ndarray, positive: np.ndarray) -> np.ndarray:
        squared = self.beta**2
        return _ratio((1 + squared) * right, squared * positive + predicted)


class F1(Fbeta):
    r"""Harmonic mean of precision and recall of each class.

    .. math:: \frac{2 TP}{2 TP + FN + FP}

    Examples:
        >>> score = F1()
        >>> score.update([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]], [1, 0, 1])
        >>> score.eval(average=True)
        0.6666666666666666

    Source: the class of the same name in MindSpore.
    """

    def __init__(self) -> None:
        super().__init__(1.0)
