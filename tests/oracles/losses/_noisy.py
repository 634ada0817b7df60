"""Oracles of the losses for noisy labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Oracle, f64, log_softmax_row, one_hot


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1])


def _poly(x: Any, y: Any, epsilon: float = 2.0) -> np.ndarray:
    x, y = f64(x, y)
    values = []
    for row, target in zip(_rows(x), _rows(y), strict=True):
        log_p = log_softmax_row(row)
        values.append(-(target * log_p).sum() + epsilon * (target * (1 - np.exp(log_p))).sum())
    return np.reshape(values, x.shape[:-1])


def _sparse_poly(x: Any, labels: Any, epsilon: float = 2.0) -> np.ndarray:
    return _poly(x, one_hot(labels, np.shape(x)[-1]), epsilon)


def _gce(x: Any, labels: Any, q: float = 0.5, from_logits: bool = False) -> np.ndarray:
    (x,) = f64(x)
    values = []
    for row, label in zip(_rows(x), np.ravel(labels), strict=True):
        p = math.exp(log_softmax_row(row)[label]) if from_logits else row[label]
        values.append((1 - p**q) / q)
    return np.reshape(values, x.shape[:-1])


def _sce(x: Any, labels: Any, alpha: float = 0.1, beta: float = 1.0, A: float = -4.0) -> np.ndarray:
    (x,) = f64(x)
    values = []
    for row, label in zip(_rows(x), np.ravel(labels), strict=True):
        log_p = log_softmax_row(row)
        reverse = -sum(math.exp(log_p[c]) * (0.0 if c == label else A) for c in range(len(row)))
        values.append(-alpha * log_p[label] + beta * reverse)
    return np.reshape(values, x.shape[:-1])


def log_t(x: float, t: float) -> float:
    if t == 1:
        return math.log(x) if x > 0 else -math.inf
    if x == 0:
        return -1 / (1 - t) if t < 1 else -math.inf
    return (x ** (1 - t) - 1) / (1 - t)


def exp_t(x: float, t: float) -> float:
    if t == 1:
        return math.exp(x)
    base = 1 + (1 - t) * x
    return base ** (1 / (1 - t)) if base > 0 else 0.0


def tempered_softmax(row: np.ndarray, t: float) -> np.ndarray:
    """By bisection: the sum decreases with the shift."""
    top = max(row)
    low, high = 0.0, -log_t(1 / len(row), t) + 1e-9
    for _ in range(64):
        middle = (low + high) / 2
        if math.fsum(exp_t(z - top - middle, t) for z in row) > 1:
            low = middle
        else:
            high = middle
    return np.array([exp_t(z - top - low, t) for z in row])


def bi_tempered(x: Any, y: Any, t1: float = 0.8, t2: float = 1.2, label_smoothing: float = 0.0) -> np.ndarray:
    x, y = f64(x, y)
    classes = x.shape[-1]
    values = []
    for row, target in zip(_rows(x), _rows(y), strict=True):
        p = tempered_softmax(row, t2)
        target = (1 - label_smoothing * classes / (classes - 1)) * target + label_smoothing / (classes - 1)
        value = 0.0
        for a, b in zip(target, p, strict=True):
            value -= (a ** (2 - t1) - b ** (2 - t1)) / (2 - t1)
            if a != 0:
                value += a * (log_t(a, t1) - log_t(b, t1))
        values.append(value)
    return np.reshape(values, x.shape[:-1])


def _sparse_bi_tempered(x: Any, labels: Any, **params: Any) -> np.ndarray:
    return bi_tempered(x, one_hot(labels, np.shape(x)[-1]), **params)


ORACLES: dict[str, Oracle] = {
    "poly1_cross_entropy": Oracle(_poly),
    "sparse_poly1_cross_entropy": Oracle(_sparse_poly),
    "generalized_cross_entropy": Oracle(_gce),
    "symmetric_cross_entropy": Oracle(_sce),
    "bi_tempered_logistic_loss": Oracle(bi_tempered),
    "sparse_bi_tempered_logistic_loss": Oracle(_sparse_bi_tempered),
}
