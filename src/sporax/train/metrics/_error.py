"""MAE and MSE: mean errors of predictions."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from sporax._docstring import completed_by
from sporax.train.metrics._base import Metric, rearrange_inputs, same_shape

__all__ = ["MAE", "MSE"]


def _difference(prediction: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return prediction - label in float64, exact also for integers beyond 2**53, such as times in nanoseconds."""
    if _beyond_float64(prediction) and _beyond_float64(label):
        return (prediction.astype(object) - label.astype(object)).astype(np.float64)
    return prediction.astype(np.float64) - label.astype(np.float64)


def _beyond_float64(values: np.ndarray) -> bool:
    """Whether float64 would round these 64-bit integers."""
    is_int64 = values.dtype.kind in "iu" and values.dtype.itemsize == 8
    return is_int64 and values.size > 0 and max(int(values.max()), -int(values.min())) > 2**53


class _ErrorMetric(Metric):
    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        self._sum = 0.0
        self._samples = 0

    @rearrange_inputs
    @completed_by(Metric.update)
    def update(self, *inputs: Any) -> None:
        """Update the metric with a batch.

        Args:
            inputs: the prediction and the true value, both of shape (N, ...). A NaN in one of them makes the result
                NaN.
        """
        given = self._inputs(inputs, ("the prediction", "the true value"))
        prediction, label = same_shape(given[0], given[1], type(self).__name__)
        # inf - inf is NaN, which the result shows, so NumPy's warning is not needed.
        with np.errstate(invalid="ignore", over="ignore"):
            self._sum += float(self._measure(_difference(prediction, label)).sum())
        self._samples += label.shape[0] if label.ndim else 1

    @staticmethod
    @abstractmethod
    def _measure(difference: np.ndarray) -> np.ndarray:
        """Return the error of each element."""

    def eval(self) -> float:
        self._check_samples(self._samples)
        return self._sum / self._samples


class MAE(_ErrorMetric):
    r"""Mean absolute error: the sum over all elements, divided by the number of samples.

    .. math:: \frac{1}{N} \sum_i |y_i - t_i|

    Examples:
        >>> error = MAE()
        >>> error.update([0.1, 0.2, 0.6, 0.9], [0.1, 0.2, 0.7, 0.8])
        >>> round(error.eval(), 6)
        0.05

    Source: the class of the same name in MindSpore.
    """

    @staticmethod
    def _measure(difference: np.ndarray) -> np.ndarray:
        return np.abs(difference)


class MSE(_ErrorMetric):
    r"""Mean squared error: the sum over all elements, divided by the number of samples.

    .. math:: \frac{1}{N} \sum_i (y_i - t_i)^2

    Examples:
        >>> error = MSE()
        >>> error.update([0.1, 0.2, 0.6, 0.9], [0.1, 0.2, 0.7, 0.8])
        >>> round(error.eval(), 6)
        0.005

    Source: the class of the same name in MindSpore.
    """

    @staticmethod
    def _measure(difference: np.ndarray) -> np.ndarray:
        return np.square(difference)
