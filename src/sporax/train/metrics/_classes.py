"""Predictions and labels of a classification: checks and conversion to classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import DtypeError, LabelError, ShapeError
from sporax.train.metrics._base import Metric

EVAL_TYPES = ("classification", "multilabel")


NO_CLASS = -1
"""The class of a prediction with a NaN score. It equals no label, so the prediction is wrong."""

TWO_COLUMNS = (
    "For two classes give a score for each: np.stack([1 - p, p], 1) for probabilities p of class 1, "
    "np.stack([np.zeros_like(z), z], 1) for logits z; Accuracy('multilabel') accepts p > 0.5 of shape (N, 1). "
    "In Model an eval_network can return them."
)


def check_scores(scores: np.ndarray, where: str) -> None:
    """Check that scores have shape (N, C, ...) with at least two classes; a single class would always be predicted."""
    if scores.ndim < 2:
        raise ShapeError(
            f"{where}.update: the prediction must have a score for each class, shape (N, C) or (N, C, ...), "
            f"but its shape is {scores.shape}. {TWO_COLUMNS}"
        )
    if scores.shape[1] < 2:
        raise ShapeError(
            f"{where}.update: the prediction of shape {scores.shape} has a score for {scores.shape[1]} class(es), so "
            f"every sample would be predicted as class 0. {TWO_COLUMNS}"
        )


def predicted_classes(scores: np.ndarray) -> np.ndarray:
    """Return the class with the highest score, the first of equal scores; NO_CLASS if a score is NaN."""
    classes = scores.argmax(axis=1)
    if scores.dtype.kind == "f":
        classes[np.isnan(scores).any(axis=1)] = NO_CLASS
    return classes


def class_labels(scores: np.ndarray, labels: np.ndarray, where: str) -> np.ndarray:
    """Return the class of each sample, (N, ...) for scores (N, C, ...), from int or one-hot (N, C, ...) labels."""
    check_scores(scores, where)
    expected = scores.shape[:1] + scores.shape[2:]
    if labels.shape == scores.shape:
        return _from_one_hot(labels, where)
    if labels.shape != expected:
        squeezed = tuple(size for at, size in enumerate(labels.shape) if at != 1)
        hint = " Remove axis 1 of the labels: labels.squeeze(1)." if squeezed == expected else ""
        raise ShapeError(
            f"{where}.update: the prediction has shape {scores.shape}, so the labels must have shape "
            f"{expected}, or {scores.shape} one-hot, but they have shape {labels.shape}.{hint}"
        )
    labels = check_integers(labels, "labels", where)
    check_range(labels, scores.shape[1], where)
    return labels.astype(np.int64)


def _from_one_hot(labels: np.ndarray, where: str) -> np.ndarray:
    """Return the class of each one-hot row; raise `LabelError` for a row that is not a single 1 among zeros."""
    wrong = ~(((labels == 0) | (labels == 1)).all(axis=1) & ((labels == 1).sum(axis=1) == 1))
    if wrong.any():
        at = tuple(int(each) for each in np.argwhere(wrong)[0])
        row = labels[(at[0], slice(None), *at[1:])]
        ones = int((row == 1).sum())
        if not ((row == 0) | (row == 1)).all():
            hint = "For soft labels use the class of the highest probability: labels.argmax(1)."
        elif ones:
            hint = "For several labels per sample use Accuracy, Precision or Recall with eval_type='multilabel'."
        else:
            hint = "Remove samples without a label from the batch."
        raise LabelError(
            f"{where}.update: labels of the prediction's shape {labels.shape} must be one-hot (a single 1 among "
            f"zeros), but row {at[0] if len(at) == 1 else at} is {np.array2string(row, threshold=8)}. {hint}"
        )
    return labels.argmax(axis=1)


def check_integers(values: np.ndarray, name: str, where: str) -> np.ndarray:
    """Check that values are integers, bools, or floats with integer values."""
    if values.dtype.kind != "f":
        return values
    fractions = ~np.isfinite(values) | (values != np.floor(values))
    if fractions.any():
        raise DtypeError(
            f"{where}.update: {name} must be integers, but got {values.dtype.name} with fractions or NaN: "
            f"{values[fractions][0]}."
        )
    return values


def check_range(labels: np.ndarray, classes: int, where: str, name: str = "label") -> None:
    """Check that every label is one of the classes."""
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        bad = int(labels.min()) if labels.min() < 0 else int(labels.max())
        hint = ""
        if name == "label" and (bad < 0 or bad == 255):
            hint = (
                f" If {bad} is an ignored label, remove it in a custom update: keep = labels != {bad}; "
                "super().update(np.moveaxis(scores, 1, -1)[keep], labels[keep])."
            )
        raise LabelError(
            f"{where}.update: a {name} is {bad}, but there are {classes} classes, 0 to {classes - 1}. "
            f"Labels count from 0.{hint}"
        )


class ClassMetric(Metric):
    """Base of metrics of classes or of several labels per sample.

    Args:
        eval_type: "classification", with scores (N, C, ...) and labels (N, ...) or one-hot (N, C, ...); or
            "multilabel", with predictions and labels of 0 and 1, both (N, C, ...). A NaN in the prediction is
            never correct: a sample with a NaN score has no class, and a NaN agrees with no label.

    Raises:
        ArgumentError: an unknown `eval_type`.
    """

    def __init__(self, eval_type: str = "classification") -> None:
        super().__init__()
        self._type = _check.one_of(eval_type, EVAL_TYPES, name="eval_type", where=type(self).__name__)
        self._class_num = 0

    def _of_batch(self, inputs: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return (predicted, true): classes of shape (N',), or 0 and 1 of shape (N', C); NO_CLASS for a NaN."""
        where = type(self).__name__
        prediction, labels = self._inputs(inputs, ("the prediction", "the true value"))
        if self._type == "classification":
            labels = class_labels(prediction, labels, where).ravel()
            predicted = predicted_classes(prediction).ravel()
        else:
            if prediction.shape != labels.shape or prediction.ndim < 2:
                raise ShapeError(
                    f"{where}.update: with several labels per sample, the prediction {prediction.shape} and "
                    f"the true value {labels.shape} must have the same shape (N, C) or (N, C, ...)."
                )
            unknown = np.isnan(prediction) if prediction.dtype.kind == "f" else np.zeros(prediction.shape, bool)
            if not ((unknown | np.isin(prediction, (0, 1))).all() and np.isin(labels, (0, 1)).all()):
                raise LabelError(
                    f"{where}.update: with several labels per sample, predictions and true values must be 0 "
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
                f"{type(self).__name__}.update: this batch has {classes} classes, but the previous ones had "
                f"{self._class_num}. Call clear before another dataset."
            )
        self._class_num = classes
