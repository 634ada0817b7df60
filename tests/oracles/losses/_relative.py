"""Oracles of the relative regression losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, unbroadcast


def _pair(value: Callable[..., Any], derivatives: Callable[..., Any]) -> Oracle:
    """An elementwise loss that does not depend on the difference only: `derivatives` returns both derivatives."""

    def values(x: Any, y: Any, **params: Any) -> np.ndarray:
        x, y = f64(x, y)
        return value(*np.broadcast_arrays(x, y), **params)

    def gradients(cotangent: Any, x: Any, y: Any, **params: Any) -> Gradients:
        x, y = f64(x, y)
        each = np.asarray(cotangent, np.float64)
        dx, dy = derivatives(*np.broadcast_arrays(x, y), **params)
        return unbroadcast(each * dx, x.shape), unbroadcast(each * dy, y.shape)

    return Oracle(values, gradients)


def _mape(x: np.ndarray, y: np.ndarray, epsilon: float = 1e-7) -> np.ndarray:
    return 100 * np.abs(x - y) / np.maximum(np.abs(y), epsilon)


def _mape_derivatives(x: np.ndarray, y: np.ndarray, epsilon: float = 1e-7) -> tuple[np.ndarray, np.ndarray]:
    size = np.maximum(np.abs(y), epsilon)
    away = 100 * np.sign(x - y) / size
    grows = np.where(np.abs(y) > epsilon, np.sign(y), 0)
    return away, -away - 100 * np.abs(x - y) * grows / size**2


def _logarithm(x: np.ndarray, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    kept = np.maximum(x, epsilon)
    return np.log(1 + kept), np.where(x > epsilon, 1 / (1 + kept), 0)


def _msle(x: np.ndarray, y: np.ndarray, epsilon: float = 1e-7) -> np.ndarray:
    return (_logarithm(x, epsilon)[0] - _logarithm(y, epsilon)[0]) ** 2


def _msle_derivatives(x: np.ndarray, y: np.ndarray, epsilon: float = 1e-7) -> tuple[np.ndarray, np.ndarray]:
    (a, da), (b, db) = _logarithm(x, epsilon), _logarithm(y, epsilon)
    return 2 * (a - b) * da, -2 * (a - b) * db


def _poisson(x: np.ndarray, y: np.ndarray, epsilon: float = 1e-7) -> np.ndarray:
    return x - y * np.log(x + epsilon)


def _poisson_derivatives(x: np.ndarray, y: np.ndarray, epsilon: float = 1e-7) -> tuple[np.ndarray, np.ndarray]:
    return 1 - y / (x + epsilon), -np.log(x + epsilon)


ORACLES: dict[str, Oracle] = {
    "mean_absolute_percentage_error": _pair(_mape, _mape_derivatives),
    "mean_squared_logarithmic_error": _pair(_msle, _msle_derivatives),
    "poisson_loss": _pair(_poisson, _poisson_derivatives),
}
