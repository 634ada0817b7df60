"""Oracles of scoring rules: a loop over all pairs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, unbroadcast


def _cdf(z: float) -> float:
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _gaussian_element(loc: float, y: float, scale: float) -> float:
    if scale == 0:
        return abs(y - loc)
    z = (y - loc) / scale
    return scale * (z * (2 * _cdf(z) - 1) + 2 * _density(z) - 1 / math.sqrt(math.pi))


def _gaussian(loc: Any, y: Any, scale: Any) -> np.ndarray:
    arrays = np.broadcast_arrays(*f64(loc, y, scale))
    values = [_gaussian_element(*numbers) for numbers in zip(*(array.ravel() for array in arrays), strict=True)]
    return np.reshape(np.array(values, np.float64), arrays[0].shape)


def _gaussian_gradients(cotangent: Any, loc: Any, y: Any, scale: Any) -> Gradients:
    loc, y, scale = f64(loc, y, scale)
    each = np.asarray(cotangent, np.float64)
    z = (y - loc) / scale
    by_y = each * np.vectorize(lambda u: 2 * _cdf(u) - 1, otypes=[float])(z)
    by_scale = each * np.vectorize(lambda u: 2 * _density(u) - 1 / math.sqrt(math.pi), otypes=[float])(z)
    return unbroadcast(-by_y, loc.shape), unbroadcast(by_y, y.shape), unbroadcast(by_scale, scale.shape)


def _energy(x: Any, y: Any, beta: float = 1.0, fair: bool = False) -> np.ndarray:
    x, y = f64(x, y)
    count = x.shape[-2]
    result = np.zeros(y.shape[:-1])
    for position in np.ndindex(result.shape):
        members, truth = x[position], y[position]
        error = sum(math.dist(member, truth) ** beta for member in members) / count
        spread = sum(math.dist(one, other) ** beta for one in members for other in members)
        result[position] = error - spread / (2 * count * (count - 1 if fair else count))
    return result


def _energy_gradients(cotangent: Any, x: Any, y: Any, beta: float = 1.0, fair: bool = False) -> Gradients:
    x, y = f64(x, y)
    each, count = np.asarray(cotangent, np.float64), x.shape[-2]
    g_x, g_y = np.zeros_like(x), np.zeros_like(y)

    def derivative(d: np.ndarray) -> np.ndarray:
        length = math.hypot(*d)
        return beta * length ** (beta - 2) * d if length else np.zeros_like(d)

    for position in np.ndindex(y.shape[:-1]):
        for i, member in enumerate(x[position]):
            toward = derivative(member - y[position]) / count
            g_y[position] -= each[position] * toward
            apart = sum((derivative(member - other) for other in x[position]), np.zeros_like(member))
            g_x[position][i] += each[position] * (toward - apart / (count * (count - 1 if fair else count)))
    return g_x, g_y


def _sample(x: Any, y: Any, fair: bool = False) -> np.ndarray:
    return _energy(np.asarray(x)[..., None], np.asarray(y)[..., None], 1.0, fair)


def _sample_gradients(cotangent: Any, x: Any, y: Any, fair: bool = False) -> Gradients:
    g_x, g_y = _energy_gradients(cotangent, np.asarray(x)[..., None], np.asarray(y)[..., None], 1.0, fair)
    assert g_x is not None
    assert g_y is not None
    return g_x[..., 0], g_y[..., 0]


def _quantile_parts(q: Any, y: Any, levels: Any, level_weights: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    q, y = f64(q, y)
    count = q.shape[-1]
    tau = np.array([(n + 0.5) / count for n in range(count)]) if levels is None else np.asarray(levels)
    weights = np.full(count, 1 / count) if level_weights is None else np.asarray(level_weights)
    return y[..., None] - q, tau, weights


def _quantile(q: Any, y: Any, levels: Any = None, level_weights: Any = None) -> np.ndarray:
    u, tau, weights = _quantile_parts(q, y, levels, level_weights)
    return 2 * (weights * np.maximum(tau * u, (tau - 1) * u)).sum(-1)


def _quantile_gradients(cotangent: Any, q: Any, y: Any, levels: Any = None, level_weights: Any = None) -> Gradients:
    u, tau, weights = _quantile_parts(q, y, levels, level_weights)
    derivative = np.where(u > 0, tau, np.where(u < 0, tau - 1, tau - 0.5))
    whole = 2 * np.asarray(cotangent, np.float64)[..., None] * weights * derivative
    return -whole, whole.sum(-1)


ORACLES: dict[str, Oracle] = {
    "crps_gaussian": Oracle(_gaussian, _gaussian_gradients),
    "crps_sample": Oracle(_sample, _sample_gradients),
    "energy_score": Oracle(_energy, _energy_gradients),
    "quantile_crps": Oracle(_quantile, _quantile_gradients),
}
