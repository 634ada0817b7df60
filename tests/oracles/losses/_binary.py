"""Oracles of the binary losses: logarithms of probabilities, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64


def _log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x > -30 else x - math.log1p(math.exp(x))


def _sigmoid(x: float) -> float:
    return math.exp(_log_sigmoid(x))


def _each(function: Callable[..., float], *arrays: np.ndarray) -> np.ndarray:
    return np.reshape([function(*values) for values in zip(*map(np.ravel, arrays), strict=True)], arrays[0].shape)


def _smoothed(y: np.ndarray, amount: float) -> np.ndarray:
    return y * (1 - amount) + amount / 2


def _weighted_cross_entropy(x: float, y: float, positive: float) -> float:
    return -(positive * y * _log_sigmoid(x) + (1 - y) * _log_sigmoid(-x))


def _logits_value(x: Any, y: Any, weight: Any = None, pos_weight: Any = None, label_smoothing: float = 0) -> np.ndarray:
    x, y = f64(x, y)
    positive = np.broadcast_to(np.asarray(1.0 if pos_weight is None else pos_weight, np.float64), x.shape)
    values = _each(_weighted_cross_entropy, x, _smoothed(y, label_smoothing), positive)
    return values * np.asarray(1.0 if weight is None else weight, np.float64)


def _logits_gradients(
    cotangent: Any, x: Any, y: Any, weight: Any = None, pos_weight: Any = None, label_smoothing: float = 0
) -> Gradients:
    x, y = f64(x, y)
    positive = 1.0 if pos_weight is None else np.asarray(pos_weight, np.float64)
    each = np.asarray(cotangent, np.float64) * np.asarray(1.0 if weight is None else weight, np.float64)
    target = _smoothed(y, label_smoothing)
    of_x = (1 - target) * _each(_sigmoid, x) - positive * target * _each(_sigmoid, -x)
    of_y = (_each(_log_sigmoid, -x) - positive * _each(_log_sigmoid, x)) * (1 - label_smoothing)
    return each * of_x, each * of_y


def _soft_margin_value(x: Any, y: Any) -> np.ndarray:
    x, y = f64(x, y)
    return _each(lambda a, b: -_log_sigmoid(a * b), x, y)


def _soft_margin_gradients(cotangent: Any, x: Any, y: Any) -> Gradients:
    x, y = f64(x, y)
    return np.asarray(cotangent, np.float64) * _each(lambda a, b: -b * _sigmoid(-a * b), x, y), None


def _multilabel_value(x: Any, y: Any, weight: Any = None) -> np.ndarray:
    each = _logits_value(x, y)
    factors = np.broadcast_to(np.asarray(1.0 if weight is None else weight, np.float64), each.shape)
    rows = zip(each.reshape(-1, each.shape[-1]), factors.reshape(-1, each.shape[-1]), strict=True)
    return np.reshape([sum(row * factor) / len(row) for row, factor in rows], each.shape[:-1])


def _clamped_log(p: float) -> float:
    return max(math.log(p), -100.0) if p > 0 else -100.0


def _bce_value(p: Any, y: Any, weight: Any = 1.0, label_smoothing: float = 0) -> np.ndarray:
    p, y = f64(p, y)
    target = _smoothed(y, label_smoothing)
    values = _each(lambda a, b: -(b * _clamped_log(a) + (1 - b) * _clamped_log(1 - a)), p, target)
    return values * np.asarray(weight, np.float64)


def _bce_gradients(cotangent: Any, p: Any, y: Any, weight: Any = 1.0, label_smoothing: float = 0) -> Gradients:
    p, y = f64(p, y)
    each = np.asarray(cotangent, np.float64) * np.asarray(weight, np.float64)
    of_p = (p - _smoothed(y, label_smoothing)) / np.maximum(p * (1 - p), 1e-12)
    of_y = _each(lambda a: _clamped_log(1 - a) - _clamped_log(a), p) * (1 - label_smoothing)
    return each * of_p, each * of_y


def _focal_value(
    p: Any,
    y: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2,
    label_smoothing: float = 0,
) -> np.ndarray:
    p, y = f64(p, y)

    def one(p: float, y: float) -> float:
        truth = p * y + (1 - p) * (1 - y)
        balance = alpha * y + (1 - alpha) * (1 - y) if apply_class_balancing else 1
        return -balance * (1 - truth) ** gamma * (y * _clamped_log(p) + (1 - y) * _clamped_log(1 - p))

    return _each(one, p, _smoothed(y, label_smoothing))


def _sigmoid_focal_value(
    x: Any, y: Any, alpha: float | None = None, gamma: float = 2, label_smoothing: float = 0
) -> np.ndarray:
    x, y = f64(x, y)

    def one(x: float, y: float) -> float:
        missed = y * _sigmoid(-x) + (1 - y) * _sigmoid(x)
        balance = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
        return balance * missed**gamma * _weighted_cross_entropy(x, y, 1)

    return _each(one, x, _smoothed(y, label_smoothing))


def _asymmetric_value(x: Any, y: Any, gamma_neg: float = 4, gamma_pos: float = 1, clip: float = 0.05) -> np.ndarray:
    x, y = f64(x, y)

    def one(x: float, y: float) -> float:
        p = _sigmoid(x)
        reduced = max(p - clip, 0)
        log_rest = math.log(min(_sigmoid(-x) + clip, 1))
        return -y * (1 - p) ** gamma_pos * _log_sigmoid(x) - (1 - y) * reduced**gamma_neg * log_rest

    return _each(one, x, y)


ORACLES: dict[str, Oracle] = {
    "binary_cross_entropy": Oracle(_bce_value, _bce_gradients),
    "binary_cross_entropy_with_logits": Oracle(_logits_value, _logits_gradients),
    "soft_margin_loss": Oracle(_soft_margin_value, _soft_margin_gradients),
    "multilabel_soft_margin_loss": Oracle(_multilabel_value),
    "binary_focal_cross_entropy": Oracle(_focal_value),
    "sigmoid_focal_loss": Oracle(_sigmoid_focal_value),
    "asymmetric_loss": Oracle(_asymmetric_value),
}
