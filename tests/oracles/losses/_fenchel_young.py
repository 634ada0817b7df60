"""Oracles of Fenchel-Young losses: the projections by bisection, the loss from its definition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, log_softmax_row, one_hot


def _project(row: np.ndarray, power: float, factor: float) -> np.ndarray:
    """p = max(0, factor x - tau) ** power, with the tau for which p sums to 1, by bisection."""
    z = factor * row
    low, high = z.max() - 1, z.max()
    for _ in range(200):
        middle = (low + high) / 2
        if (np.maximum(z - middle, 0) ** power).sum() > 1:
            low = middle
        else:
            high = middle
    return np.maximum(z - low, 0) ** power


def _probabilities(row: np.ndarray, max_fun: str) -> np.ndarray:
    if max_fun == "logistic":
        return np.exp(log_softmax_row(row))
    return _project(row, 1, 1) if max_fun == "sparsemax" else _project(row, 2, 0.5)


def _omega(p: np.ndarray, max_fun: str) -> float:
    if max_fun == "logistic":
        return sum(q * math.log(q) for q in p if q > 0)
    if max_fun == "sparsemax":
        return float((p * p - p).sum()) / 2
    return float((p**1.5 - p).sum()) * 4 / 3


def _omega_derivative(p: np.ndarray, max_fun: str) -> np.ndarray:
    if max_fun == "logistic":
        return np.where(p > 0, np.log(np.where(p > 0, p, 1)) + 1, 0)
    return p - 0.5 if max_fun == "sparsemax" else 2 * np.sqrt(p) - 4 / 3


def _value(x: Any, y: Any, max_fun: str = "logistic") -> np.ndarray:
    x, y = f64(x, y)
    result = np.zeros(x.shape[:-1])
    for position in np.ndindex(result.shape):
        p = _probabilities(x[position], max_fun)
        result[position] = (p - y[position]) @ x[position] - _omega(p, max_fun) + _omega(y[position], max_fun)
    return result


def _gradients(cotangent: Any, x: Any, y: Any, max_fun: str = "logistic") -> Gradients:
    x, y = f64(x, y)
    each = np.asarray(cotangent, np.float64)
    g_x, g_y = np.zeros_like(x), np.zeros_like(y)
    for position in np.ndindex(x.shape[:-1]):
        g_x[position] = each[position] * (_probabilities(x[position], max_fun) - y[position])
        g_y[position] = each[position] * (_omega_derivative(y[position], max_fun) - x[position])
    return g_x, g_y


def _sparsemax(x: Any, y: Any) -> np.ndarray:
    return _value(x, y, "sparsemax")


def _sparsemax_gradients(cotangent: Any, x: Any, y: Any) -> Gradients:
    return _gradients(cotangent, x, y, "sparsemax")


def _multiclass(x: Any, labels: Any) -> np.ndarray:
    return _sparsemax(x, one_hot(labels, np.shape(x)[-1]))


def _multiclass_gradients(cotangent: Any, x: Any, labels: Any) -> Gradients:
    return _sparsemax_gradients(cotangent, x, one_hot(labels, np.shape(x)[-1]))[0], None


def _two_classes(x: Any) -> np.ndarray:
    (x,) = f64(x)
    return np.stack([np.zeros_like(x), x], -1)


def _binary(x: Any, labels: Any) -> np.ndarray:
    return _multiclass(_two_classes(x), labels)


def _binary_gradients(cotangent: Any, x: Any, labels: Any) -> Gradients:
    whole = _multiclass_gradients(cotangent, _two_classes(x), labels)[0]
    assert whole is not None
    return whole[..., 1], None


ORACLES: dict[str, Oracle] = {
    "sparsemax_loss": Oracle(_sparsemax, _sparsemax_gradients),
    "multiclass_sparsemax_loss": Oracle(_multiclass, _multiclass_gradients),
    "binary_sparsemax_loss": Oracle(_binary, _binary_gradients),
    "fenchel_young_loss": Oracle(_value, _gradients),
}
