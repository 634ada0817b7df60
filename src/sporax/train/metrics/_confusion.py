"""ConfusionMatrix."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentError, DtypeError, LabelError, ShapeError, SporaxWarning
from sporax.train.metrics._base import Metric, rearrange_inputs
from sporax.train.metrics._classes import NO_CLASS, check_integers, check_range, predicted_classes

__all__ = ["ConfusionMatrix"]

NORMALIZE = ("no_norm", "target", "prediction", "all", None)


class ConfusionMatrix(Metric):
    """Confusion matrix: how often class i (row) was predicted as class j (column).

    A prediction with a NaN has no class and is in no column: `undefined` counts such samples by their true class, with
    a warning. They are included in the denominators of "target" and "all", so that a row with such a sample sums to
    less than 1.

    Args:
        num_classes: the number of classes, at least 2.
        normalize: "no_norm" or None for counts; "target" to divide by the sum of each row, "prediction" by that of
            each column, "all" by that of the matrix. A row or column without samples is 0.
        threshold: with two classes, the value from which floating predictions of the shape of the labels are class 1:
            for probabilities, or 0 or less for logits.

    Attributes:
        confusion_matrix: the counts, of shape (C, C).
        undefined: the number of samples of each true class whose prediction is NaN, of shape (C,).

    Raises:
        ArgumentTypeError, ArgumentError: an argument is of the wrong type or not allowed.

    Examples:
        >>> matrix = ConfusionMatrix(2)
        >>> matrix.update([1, 0, 1, 0], [1, 0, 0, 1])
        >>> matrix.eval()
        array([[1., 1.],
               [1., 1.]])

    Source: the class of the same name in MindSpore, which counts labels out of range as the last class.
    """

    def __init__(self, num_classes: int, normalize: str | None = "no_norm", threshold: float = 0.5) -> None:
        super().__init__()
        where = "ConfusionMatrix"
        self.num_classes = _check.integer(num_classes, name="num_classes", where=where, minimum=2)
        self.normalize = _check.one_of(normalize, NORMALIZE, name="normalize", where=where)
        self.threshold = _check.number(threshold, name="threshold", where=where)
        self.clear()

    def clear(self) -> None:
        self.confusion_matrix = np.zeros((self.num_classes, self.num_classes), np.float64)
        self.undefined = np.zeros(self.num_classes, np.float64)
        self._samples = 0
        self._warned = False

    @rearrange_inputs
    @completed_by(Metric.update)
    def update(self, *inputs: Any) -> None:
        """Update the metric with a batch.

        Args:
            inputs: the prediction: scores (N, C, ...), classes (N, ...), or with two classes probabilities (N, ...);
                and the true value: integer labels (N, ...).
        """
        where = "ConfusionMatrix"
        prediction, labels = self._inputs(inputs, ("the prediction", "the true value"))
        labels = check_integers(labels, "labels", where)
        check_range(labels, self.num_classes, where)
        labels = labels.astype(np.int64)
        predicted = self._predicted(prediction, labels).ravel()
        labels = labels.ravel()
        known = predicted != NO_CLASS
        counts = np.bincount(labels[known] * self.num_classes + predicted[known], minlength=self.num_classes**2)
        # New arrays, so that copies of the metric or of its results do not change.
        self.confusion_matrix = self.confusion_matrix + counts.reshape(self.confusion_matrix.shape)
        self._samples += labels.size
        if not known.all():
            self.undefined = self.undefined + np.bincount(labels[~known], minlength=self.num_classes)
            self._warn(int((~known).sum()))

    def _predicted(self, prediction: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return the class of each sample, or NO_CLASS."""
        where, classes = "ConfusionMatrix", self.num_classes
        if prediction.ndim == labels.ndim + 1:
            if prediction.shape[:1] + prediction.shape[2:] != labels.shape or prediction.shape[1] != classes:
                hint = ""
                if prediction.shape[1] == 1:
                    hint = " Remove axis 1 of the prediction if its values are probabilities: y.squeeze(1)."
                raise ShapeError(
                    f"{where}.update: for {classes} classes and labels of shape {labels.shape}, scores must have shape "
                    f"{(*labels.shape[:1], classes, *labels.shape[1:])}, but the prediction has shape "
                    f"{prediction.shape}.{hint}"
                )
            return predicted_classes(prediction)
        if prediction.shape != labels.shape:
            raise ShapeError(
                f"{where}.update: the prediction has shape {prediction.shape}, but the labels have shape "
                f"{labels.shape}. Give scores (N, C, ...) or classes (N, ...)."
            )
        if labels.ndim > 1 and labels.shape[1] == classes and labels.size and _one_hot(labels):
            raise LabelError(
                f"{where}.update: labels of shape {labels.shape} look one-hot for {classes} classes, but they must be "
                "class indices: labels.argmax(1). If they are class indices already, flatten them: .reshape(-1)."
            )
        if prediction.dtype.kind != "f":
            check_range(prediction, classes, where, "predicted class")
            return prediction.astype(np.int64)
        return self._from_floats(prediction)

    def _from_floats(self, prediction: np.ndarray) -> np.ndarray:
        """Return the classes of floating predictions: by the threshold for two classes, else integer values."""
        where, classes = "ConfusionMatrix", self.num_classes
        unknown = np.isnan(prediction)
        known = prediction[~unknown]
        if classes == 2:
            outside = (known < 0) | (known > 1)
            if 0 < self.threshold <= 1 and outside.any():
                raise ArgumentError(
                    f"{where}.update: a prediction is {known[outside][0]}, so predictions are not probabilities to "
                    f"compare with the threshold {self.threshold}. For logits use ConfusionMatrix(2, threshold=0.0)."
                )
            found = prediction >= self.threshold
        else:
            integral = np.isfinite(known) & (known == np.floor(known))
            if not integral.all():
                raise DtypeError(
                    f"{where}.update: a prediction is {known[~integral][0]}, neither a class nor scores of {classes} "
                    f"classes. Give scores of shape (N, {classes}, ...), or classes of shape (N, ...)."
                )
            check_range(known, classes, where, "predicted class")
            found = np.where(unknown, 0, prediction)
        return np.where(unknown, NO_CLASS, found.astype(np.int64))

    def _warn(self, count: int) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"ConfusionMatrix: {count} prediction(s) of a batch are NaN. They have no class and are in no column "
                "of the matrix; `undefined` counts them by their true class.",
                SporaxWarning,
                stacklevel=4,
            )

    @completed_by(Metric.eval)
    def eval(self) -> np.ndarray:
        """Return the matrix.

        Returns:
            An array of shape (C, C), float64.
        """
        self._check_samples(self._samples)
        matrix = self.confusion_matrix
        if self.normalize in ("no_norm", None):
            return matrix.copy()
        totals: Any = {
            "target": lambda: (matrix.sum(axis=1) + self.undefined)[:, np.newaxis],
            "prediction": lambda: matrix.sum(axis=0),
            "all": lambda: matrix.sum() + self.undefined.sum(),
        }[self.normalize]()
        totals = np.broadcast_to(totals, matrix.shape)
        return np.divide(matrix, totals, out=np.zeros_like(matrix), where=totals > 0)


def _one_hot(labels: np.ndarray) -> bool:
    return bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all())
