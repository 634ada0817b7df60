"""Oracles of the regression losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, elementwise, f64, unbroadcast


def _rmse_value(x: Any, y: Any) -> np.ndarray:
    x, y = f64(x, y)
    squares = [d * d for d in (x - y).ravel()]
    return np.array(math.sqrt(math.fsum(squares) / len(squares)) if squares else 0.0)


def _rmse_gradients(cotangent: Any, x: Any, y: Any) -> Gradients:
    x, y = f64(x, y)
    value = float(_rmse_value(x, y))
    whole = np.zeros((x - y).shape) if value == 0 else float(cotangent) * (x - y) / ((x - y).size * value)
    return unbroadcast(whole, x.shape), unbroadcast(-whole, y.shape)


def _huber_value(d: np.ndarray, delta: float = 1.0) -> np.ndarray:
    return np.where(np.abs(d) < delta, d * d / 2, delta * (np.abs(d) - delta / 2))


def _log_cosh_value(d: np.ndarray) -> np.ndarray:
    # cosh d - 1 = 2 sinh(d / 2)^2; beyond 20, exp(-2 |d|) is below the precision of float64.
    values = [math.log1p(2 * math.sinh(e / 2) ** 2) if abs(e) < 20 else abs(e) - math.log(2) for e in d.ravel()]
    return np.reshape(values, d.shape)


def _cosine_value(x: Any, y: Any) -> np.ndarray:
    x, y = f64(x, y)
    values = np.zeros(x.shape[:-1])
    for at in np.ndindex(*values.shape):
        lengths = math.hypot(*x[at]) * math.hypot(*y[at])
        values[at] = -float(x[at] @ y[at]) / lengths if lengths else 0.0
    return values


def _cosine_gradients(cotangent: Any, x: Any, y: Any) -> Gradients:
    x, y = f64(x, y)
    values, gx, gy = _cosine_value(x, y), np.zeros_like(x), np.zeros_like(y)
    for at in np.ndindex(*values.shape):
        a, b, n1, n2 = x[at], y[at], math.hypot(*x[at]), math.hypot(*y[at])
        if n1 and n2:
            gx[at] = -float(cotangent[at]) * (b / (n1 * n2) + values[at] * a / n1**2)
            gy[at] = -float(cotangent[at]) * (a / (n1 * n2) + values[at] * b / n2**2)
    return gx, gy


ORACLES: dict[str, Oracle] = {
    "rmse_loss": Oracle(_rmse_value, _rmse_gradients),
    "huber_loss": elementwise(_huber_value, lambda d, delta=1.0: np.clip(d, -delta, delta)),
    "log_cosh_loss": elementwise(_log_cosh_value, np.tanh),
    "cosine_similarity_loss": Oracle(_cosine_value, _cosine_gradients),
}
