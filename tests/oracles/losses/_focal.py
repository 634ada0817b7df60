"""Oracles of the focal losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, log_softmax, one_hot


def _terms(x: Any, y: np.ndarray, weight: Any, gamma: float) -> np.ndarray:
    """Return the (N, C) means over the positions of -w y (1 - p)^gamma log p."""
    x = np.moveaxis(np.asarray(x, np.float64), 1, -1)
    log_p = log_softmax(x) if x.size else x
    w = np.ones(x.shape[-1]) if weight is None else np.asarray(weight, np.float64)
    terms = -w * y * (1 - np.exp(log_p)) ** gamma * log_p
    terms = terms.reshape(len(terms), -1, x.shape[-1])
    return terms.sum(1) / max(terms.shape[1], 1) if terms.size else np.zeros((len(terms), x.shape[-1]))


def _focal(x: Any, labels: Any, weight: Any = None, gamma: float = 2.0) -> np.ndarray:
    return _terms(x, one_hot(labels, np.shape(x)[1]), weight, gamma).sum(1)


def _soft_focal(x: Any, y: Any, weight: Any = None, gamma: float = 2.0) -> np.ndarray:
    return _terms(x, np.moveaxis(np.asarray(y, np.float64), 1, -1), weight, gamma).sum(1)


def _soft_counts(x: Any, y: Any, **_: Any) -> np.ndarray:
    return np.full(len(x), float(np.shape(x)[1]))


def _categorical(
    x: Any, y: Any, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0
) -> np.ndarray:
    x, y = f64(x, y)
    classes = x.shape[-1]
    alphas = np.broadcast_to(np.asarray(alpha, np.float64), (classes,))
    values = []
    for row, target in zip(x.reshape(-1, classes), y.reshape(-1, classes), strict=True):
        if from_logits:
            p = np.exp(row - row.max())
            p = p / p.sum()
        else:
            p = row / row.sum() if row.sum() else row
            p = np.clip(p, 1e-7, 1 - 1e-7)
        value = 0.0
        for c in range(classes):
            share = (1 - label_smoothing) * target[c] + label_smoothing / classes
            value -= alphas[c] * share * (1 - p[c]) ** gamma * math.log(p[c])
        values.append(value)
    return np.reshape(values, x.shape[:-1])


def _categorical_gradients(
    cotangent: Any,
    x: Any,
    y: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Gradients:
    x, y = f64(x, y)
    each = np.asarray(cotangent, np.float64)[..., None]
    total = x.sum(-1, keepdims=True)
    p = np.exp(log_softmax(x)) if from_logits else x / total
    share = np.asarray(alpha) * ((1 - label_smoothing) * y + label_smoothing / x.shape[-1])
    derivative = share * (gamma * (1 - p) ** (gamma - 1) * np.log(p) - (1 - p) ** gamma / p)
    through = derivative - (derivative * p).sum(-1, keepdims=True)
    dx = through * p if from_logits else through / total
    return each * dx, -each * np.asarray(alpha) * (1 - label_smoothing) * (1 - p) ** gamma * np.log(p)


ORACLES: dict[str, Oracle] = {
    "focal_loss": Oracle(_focal),
    "soft_focal_loss": Oracle(_soft_focal, counts=_soft_counts),
    "categorical_focal_cross_entropy": Oracle(_categorical, _categorical_gradients),
}
