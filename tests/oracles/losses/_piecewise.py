"""Oracles of the piecewise regression losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, elementwise, f64


def _pinball(d: np.ndarray, quantile: float) -> np.ndarray:
    """The pinball loss of d = x - y."""
    return np.maximum(-quantile * d, (1 - quantile) * d)


def _pinball_derivative(d: np.ndarray, quantile: float) -> np.ndarray:
    return np.where(d < 0, -quantile, np.where(d > 0, 1 - quantile, 0))


def _several_value(x: Any, y: Any, quantile: Sequence[float]) -> np.ndarray:
    x, y = f64(x, y)
    return np.mean([_pinball(x[..., k] - y, tau) for k, tau in enumerate(quantile)], axis=0)


def _several_gradients(cotangent: Any, x: Any, y: Any, quantile: Sequence[float]) -> Gradients:
    x, y = f64(x, y)
    each = np.asarray(cotangent, np.float64) / len(quantile)
    derivatives = [each * _pinball_derivative(x[..., k] - y, tau) for k, tau in enumerate(quantile)]
    return np.stack(derivatives, -1), -np.sum(derivatives, axis=0)


def _wing_value(d: np.ndarray, width: float = 10.0, curvature: float = 2.0) -> np.ndarray:
    constant = width - width * math.log(1 + width / curvature)
    return np.where(np.abs(d) < width, width * np.log(1 + np.abs(d) / curvature), np.abs(d) - constant)


def _wing_derivative(d: np.ndarray, width: float = 10.0, curvature: float = 2.0) -> np.ndarray:
    return np.sign(d) * np.where(np.abs(d) < width, width / (curvature + np.abs(d)), 1)


def _awing_value(
    x: Any, y: Any, omega: float = 14.0, theta: float = 0.5, epsilon: float = 1.0, alpha: float = 2.1
) -> np.ndarray:
    x, y = np.broadcast_arrays(*f64(x, y))
    values = np.zeros(x.shape)
    for at in np.ndindex(*x.shape):
        apart, p = abs(x[at] - y[at]), alpha - y[at]
        edge = theta / epsilon
        derivative = omega * (1 / (1 + edge**p)) * p * edge ** (p - 1) * (1 / epsilon)
        constant = theta * derivative - omega * math.log(1 + edge**p)
        inner = omega * math.log(1 + (apart / epsilon) ** p)
        values[at] = inner if apart < theta else derivative * apart - constant
    return values


ORACLES: dict[str, Oracle] = {
    "quantile_loss": elementwise(
        lambda d, quantile=0.5: _pinball(d, quantile), lambda d, quantile=0.5: _pinball_derivative(d, quantile)
    ),
    "multi_quantile_loss": Oracle(_several_value, _several_gradients),
    "epsilon_insensitive_loss": elementwise(
        lambda d, epsilon=0.1: np.maximum(0, np.abs(d) - epsilon),
        lambda d, epsilon=0.1: np.sign(d) * (np.abs(d) > epsilon),
    ),
    "wing_loss": elementwise(_wing_value, _wing_derivative),
    "adaptive_wing_loss": Oracle(_awing_value),
}
