"""Precision, Recall, Fbeta and F1, for each class or as one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check
from sporax.train.metrics._base import rearrange_inputs
from sporax.train.metrics._classes import NO_CLASS, ClassMetric

__all__ = ["F1", "Fbeta", "Precision", "Recall"]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(np.shape(part), np.float64), where=whole > 0)


class _Counts(ClassMetric):
    """True positives, predicted positives and positives: of each class, or (multilabel) of each sample."""

    def __init__(self, eval_type: str = "classification") -> None:
        super().__init__(eval_type)
        self.clear()

    def clear(self) -> None:
        """Forget every batch."""
        self._class_num = self._samples = 0
        self._batches: list[np.ndarray] = []

    @rearrange_inputs
    def update(self, *inputs: Any) -> None:
        """Take in a batch.

        Args:
            inputs: the prediction and the true value: scores (N, C, ...) with C of at least 2 and labels (N, ...)
                or one-hot; with several labels a sample, both (N, C, ...) of 0 and 1. A prediction with a NaN is of
                no class: it is a false negative of its true class, and no false positive.

        Raises:
            ShapeError, LabelError, DtypeError, ArgumentError: they do not fit.
        """
        predicted, labels = self._of_batch(inputs)
        self._samples += len(labels)
        if self._type == "multilabel":
            found = predicted == 1
            counts = np.stack([each.sum(axis=1) for each in (found & labels, found, labels)])
            # A new list: a copy of the metric keeps its own.
            self._batches = [*self._batches, counts.astype(np.float64)]
            return
        classes = self._class_num
        counted = (labels[predicted == labels], predicted[predicted != NO_CLASS], labels)
        counts = np.stack([np.bincount(each, minlength=classes) for each in counted]).astype(np.float64)
        self._batches = [sum(self._batches, counts)]

    def _totals(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._check_samples(self._samples)
        right, predicted, positive = np.concatenate(self._batches, axis=1)
        return right, predicted, positive

    @staticmethod
    def _result(values: np.ndarray, average: bool, where: str) -> Any:
        _check.is_type(average, bool, name="average", where=f"{where}.eval")
        return float(values.mean()) if average else values


class Precision(_Counts):
    r"""Of the samples predicted as a class, the share that is of it; 0 where none was predicted so.

    .. math:: \frac{TP}{TP + FP}

    Args:
        eval_type: "classification" (a value for each class), or "multilabel" (a value for each sample).

    Raises:
        ArgumentError: an unknown `eval_type`.

    Examples:
        >>> precision = Precision()
        >>> precision.update([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]], [1, 0, 1])
        >>> precision.eval()
        array([0.5, 1. ])

    Source: the class of the same name in MindSpore.
    """

    def eval(self, average: bool = False) -> Any:
        """The precision.

        Args:
            average: whether to give the mean, unweighted.

        Returns:
            an array of shape (C,), or (N,) for "multilabel"; a float with `average`.

        Raises:
            TrainError: there are no samples.
        """
        right, predicted, _ = self._totals()
        return self._result(_ratio(right, predicted), average, "Precision")


class Recall(_Counts):
    r"""Of the samples of a class, the share that was predicted so; 0 where there is none.

    .. math:: \frac{TP}{TP + FN}

    Args:
        eval_type: "classification" (a value for each class), or "multilabel" (a value for each sample).

    Raises:
        ArgumentError: an unknown `eval_type`.

    Examples:
        >>> recall = Recall()
        >>> recall.update([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]], [1, 0, 1])
        >>> recall.eval()
        array([1. , 0.5])

    Source: the class of the same name in MindSpore.
    """

    def eval(self, average: bool = False) -> Any:
        """The recall.

        Args:
            average: whether to give the mean, unweighted.

        Returns:
            an array of shape (C,), or (N,) for "multilabel"; a float with `average`.

        Raises:
            TrainError: there are no samples.
        """
        right, _, positive = self._totals()
        return self._result(_ratio(right, positive), average, "Recall")


class Fbeta(_Counts):
    r"""The weighted harmonic mean of precision and recall of each class; 0 for a class that is nowhere.

    .. math:: \frac{(1 + \beta^2) TP}{(1 + \beta^2) TP + \beta^2 FN + FP}

    Args:
        beta: how much more recall counts than precision, above 0.

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

    def eval(self, average: bool = False) -> Any:
        """The score.

        Args:
            average: whether to give the mean over the classes, unweighted.

        Returns:
            an array of shape (C,); a float with `average`.

        Raises:
            TrainError: there are no samples.
        """
        right, predicted, positive = self._totals()
        squared = self.beta**2
        score = _ratio((1 + squared) * right, squared * positive + predicted)
        return self._result(score, average, type(self).__name__)


class F1(Fbeta):
    r"""The harmonic mean of precision and recall of each class.

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
