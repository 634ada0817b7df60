"""Predictions and labels of a classification, as the metrics of classes take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import DtypeError, LabelError, ShapeError
from sporax.train.metrics._base import Metric

EVAL_TYPES = ("classification", "multilabel")


NO_CLASS = -1
"""The class of a prediction with a NaN among its scores: it equals no label, so it is wrong."""

TWO_COLUMNS = (
    "For two classes give a score for each of them: np.stack([1 - p, p], 1) for probabilities p of class 1, "
    "np.stack([np.zeros_like(z), z], 1) for logits z; Accuracy('multilabel') takes p > 0.5 of shape (N, 1) as it is. "
    "In Model an eval_network may return them."
)


def check_scores(scores: np.ndarray, where: str) -> None:
    """Scores must have shape (N, C, ...) with at least two classes: of one class, that class is always the highest."""
    if scores.ndim < 2:
        raise ShapeError(
            f"{where}.update: the prediction must hold a score for each class, shape (N, C) or (N, C, ...), "
            f"but its shape is {scores.shape}. {TWO_COLUMNS}"
        )
    if scores.shape[1] < 2:
        raise ShapeError(
            f"{where}.update: the prediction of shape {scores.shape} has a score for {scores.shape[1]} class(es), so "
            f"every sample would be predicted as class 0. {TWO_COLUMNS}"
        )


def predicted_classes(scores: np.ndarray) -> np.ndarray:
    """The class with the highest score, the first of equal ones; NO_CLASS where a score is NaN."""
    classes = scores.argmax(axis=1)
    if scores.dtype.kind == "f":
        classes[np.isnan(scores).any(axis=1)] = NO_CLASS
    return classes


def class_labels(scores: np.ndarray, labels: np.ndarray, where: str) -> np.ndarray:
    """The class of each sample, (N, ...) for scores (N, C, ...): from ints, or from one-hot (N, C, ...)."""
    check_scores(scores, where)
    expected = scores.shape[:1] + scores.shape[2:]
    if labels.shape == scores.shape:
        return _from_one_hot(labels, where)
    if labels.shape != expected:
        squeezed = tuple(size for at, size in enumerate(labels.shape) if at != 1)
        hint = " Remove axis 1 of the labels: labels.squeeze(1)." if squeezed == expected else ""
        raise ShapeError(
            f"{where}.update: the prediction has shape {scores.shape}, so the labels must have shape "
            f"{expected}, or {scores.shape} one-hot, but theirs is {labels.shape}.{hint}"
        )
    labels = whole_numbers(labels, "labels", where)
    check_range(labels, scores.shape[1], where)
    return labels.astype(np.int64)


def _from_one_hot(labels: np.ndarray, where: str) -> np.ndarray:
    """The class of each row; a row that is not a single 1 among zeros names no class."""
    wrong = ~(((labels == 0) | (labels == 1)).all(axis=1) & ((labels == 1).sum(axis=1) == 1))
    if wrong.any():
        at = tuple(int(each) for each in np.argwhere(wrong)[0])
        row = labels[(at[0], slice(None), *at[1:])]
        ones = int((row == 1).sum())
        if not ((row == 0) | (row == 1)).all():
            hint = "For soft labels give the class of the largest share: labels.argmax(1)."
        elif ones:
            hint = "Where a sample has several labels, use Accuracy, Precision or Recall with eval_type='multilabel'."
        else:
            hint = "Leave samples without a label out of the batch."
        raise LabelError(
            f"{where}.update: labels of the prediction's shape {labels.shape} must be one-hot, one 1 among zeros, but "
            f"row {at[0] if len(at) == 1 else at} is {np.array2string(row, threshold=8)}. {hint}"
        )
    return labels.argmax(axis=1)


def whole_numbers(values: np.ndarray, name: str, where: str) -> np.ndarray:
    """Integers, bools, or floats that hold integers; anything else is refused."""
    if values.dtype.kind != "f":
        return values
    fractions = ~np.isfinite(values) | (values != np.floor(values))
    if fractions.any():
        raise DtypeError(
            f"{where}.update: {name} must be whole numbers, but got {values.dtype.name} with fractions or NaN: "
            f"{values[fractions][0]}."
        )
    return values


def check_range(labels: np.ndarray, classes: int, where: str, name: str = "label") -> None:
    """Every label must name one of the classes."""
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        bad = int(labels.min()) if labels.min() < 0 else int(labels.max())
        hint = ""
        if name == "label" and (bad < 0 or bad == 255):
            hint = (
                f" Where {bad} marks what to ignore, leave it out in an update of your own: keep = labels != {bad}; "
                "super().update(np.moveaxis(scores, 1, -1)[keep], labels[keep])."
            )
        raise LabelError(
            f"{where}.update: a {name} is {bad}, but there are {classes} classes, 0 to {classes - 1}. "
            f"Labels count from 0.{hint}"
        )


class ClassMetric(Metric):
    """A Metric of classes or of several labels for each sample.

    Args:
        eval_type: "classification", with scores (N, C, ...) and labels (N, ...) or one-hot (N, C, ...); or
            "multilabel", with predictions and labels of 0 and 1, both (N, C, ...). A NaN in the prediction is never
            right: as a score it makes the sample one of no class, with several labels it agrees with none.

    Raises:
        ArgumentError: an unknown `eval_type`.
    """

    def __init__(self, eval_type: str = "classification") -> None:
        super().__init__()
        self._type = _check.one_of(eval_type, EVAL_TYPES, name="eval_type", where=type(self).__name__)
        self._class_num = 0

    def _of_batch(self, inputs: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
        """(predicted, true): classes of shape (N', ), or 0 and 1 of shape (N', C); predicted is NO_CLASS for a NaN."""
        where = type(self).__name__
        prediction, labels = self._inputs(inputs, ("the prediction", "the true value"))
        if self._type == "classification":
            labels = class_labels(prediction, labels, where).ravel()
            predicted = predicted_classes(prediction).ravel()
        else:
            if prediction.shape != labels.shape or prediction.ndim < 2:
                raise ShapeError(
                    f"{where}.update: with several labels a sample, the prediction {prediction.shape} and "
                    f"the true value {labels.shape} must have one shape (N, C) or (N, C, ...)."
                )
            unknown = np.isnan(prediction) if prediction.dtype.kind == "f" else np.zeros(prediction.shape, bool)
            if not ((unknown | np.isin(prediction, (0, 1))).all() and np.isin(labels, (0, 1)).all()):
                raise LabelError(
                    f"{where}.update: with several labels a sample, predictions and true values must be 0 "
                    "or 1. Compare probabilities with a threshold first: (y > 0.5)."
                )
            classes = prediction.shape[1]
            known = np.where(unknown, NO_CLASS, prediction == 1)
            if not classes:
                raise ShapeError(f"{where}.update: the prediction of shape {prediction.shape} has no classes.")
            predicted, labels = (np.moveaxis(each, 1, -1).reshape(-1, classes) for each in (known, labels == 1))
        self._check_classes(prediction.shape[1])
        return predicted, labels

    def _check_classes(self, classes: int) -> None:
        if self._class_num not in (0, classes):
            raise ShapeError(
                f"{type(self).__name__}.update: this batch has {classes} classes, but those before had "
                f"{self._class_num}. Call clear before another data set."
            )
        self._class_num = classes
