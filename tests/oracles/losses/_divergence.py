"""Oracles of divergences, with 0 log 0 = 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64


def _term(t: float, log_t: float, x: float) -> float:
    return t * (log_t - x) if t > 0 else 0.0


def _log(t: float) -> float:
    return math.log(t) if t > 0 else -math.inf


def _elementwise(x: Any, t: Any, log_target: bool = False) -> np.ndarray:
    x, t = f64(x, t)
    pairs = [(math.exp(b), b) if log_target else (b, _log(b)) for b in t.ravel()]
    return np.reshape([_term(*pair, a) for pair, a in zip(pairs, x.ravel(), strict=True)], x.shape)


def _elementwise_gradients(cotangent: Any, x: Any, t: Any, log_target: bool = False) -> Gradients:
    x, t = f64(x, t)
    each = np.asarray(cotangent, np.float64)
    if log_target:
        return -each * np.exp(t), each * np.exp(t) * (t - x + 1)
    return -each * t, each * np.where(t > 0, np.log(np.where(t > 0, t, 1)) + 1 - x, -x)


def _rows(log_target: bool) -> Oracle:
    def value(x: Any, t: Any) -> np.ndarray:
        return _elementwise(x, t, log_target).sum(-1)

    def gradients(cotangent: Any, x: Any, t: Any) -> Gradients:
        return _elementwise_gradients(np.asarray(cotangent, np.float64)[..., None], x, t, log_target)

    return Oracle(value, gradients)


def _generalized(x: Any, t: Any) -> np.ndarray:
    x, t = f64(x, t)
    return _elementwise(x, t).sum(-1) + np.exp(x).sum(-1) - t.sum(-1)


def _generalized_gradients(cotangent: Any, x: Any, t: Any) -> Gradients:
    each = np.asarray(cotangent, np.float64)[..., None]
    g_x, g_t = _elementwise_gradients(each, x, t)
    assert g_x is not None
    assert g_t is not None
    return g_x + each * np.exp(f64(x)[0]), g_t - each


def _jensen_shannon(x: Any, t: Any, log_target: bool = False) -> np.ndarray:
    p, t = np.exp(f64(x)[0]), np.exp(f64(t)[0]) if log_target else f64(t)[0]
    result = np.zeros(p.shape[:-1])
    for position in np.ndindex(p.shape):
        m = (p[position] + t[position]) / 2
        for q in (p[position], t[position]):
            if q > 0:
                result[position[:-1]] += 0.5 * q * math.log(q / m)
    return result


def _jensen_shannon_gradients(cotangent: Any, x: Any, t: Any, log_target: bool = False) -> Gradients:
    p, t = np.exp(f64(x)[0]), np.exp(f64(t)[0]) if log_target else f64(t)[0]
    each, m = np.asarray(cotangent, np.float64)[..., None], (p + t) / 2
    by_t = 0.5 * np.log(np.where(t > 0, t / m, 1))
    return each * 0.5 * p * np.log(p / m), each * by_t * (t if log_target else 1)


ORACLES: dict[str, Oracle] = {
    "kl_div": Oracle(_elementwise, _elementwise_gradients),
    "kl_divergence": _rows(False),
    "kl_divergence_with_log_targets": _rows(True),
    "generalized_kl_divergence": Oracle(_generalized, _generalized_gradients),
    "convex_kl_divergence": Oracle(_generalized, _generalized_gradients),
    "jensen_shannon_loss": Oracle(_jensen_shannon, _jensen_shannon_gradients),
}
