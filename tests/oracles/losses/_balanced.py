"""Oracles of the losses for classes of unequal frequency, and of the z-loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Oracle, f64, log_softmax_row


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1])


def class_balanced(counts: Any, beta: float) -> np.ndarray:
    v = np.array([(1 - beta) / (1 - beta ** float(n)) for n in counts])
    return v / v.sum() * len(v)


def _class_balanced(x: Any, labels: Any, samples_per_cls: Any, beta: float = 0.999) -> np.ndarray:
    (x,) = f64(x)
    w = class_balanced(samples_per_cls, beta)
    values = [-w[y] * log_softmax_row(row)[y] for row, y in zip(_rows(x), np.ravel(labels), strict=True)]
    return np.reshape(values, x.shape[:-1])


def _ldam(
    x: Any, labels: Any, cls_num_list: Any, max_m: float = 0.5, weight: Any = None, s: float = 30.0
) -> np.ndarray:
    (x,) = f64(x)
    margins = 1 / np.sqrt(np.sqrt(np.asarray(cls_num_list, np.float64)))
    margins = margins * (max_m / margins.max())
    w = np.ones(x.shape[-1]) if weight is None else np.asarray(weight, np.float64)
    values = []
    for row, y in zip(_rows(x), np.ravel(labels), strict=True):
        row = row.copy()
        row[y] -= margins[y]
        values.append(-w[y] * log_softmax_row(s * row)[y])
    return np.reshape(values, x.shape[:-1])


def _ldam_counts(x: Any, labels: Any, weight: Any = None, **_: Any) -> np.ndarray:
    return np.ones(np.shape(labels)) if weight is None else np.asarray(weight, np.float64)[np.asarray(labels)]


def _logit_adjusted(x: Any, labels: Any, priors: Any, tau: float = 1.0) -> np.ndarray:
    (x,) = f64(x)
    shift = tau * np.log(np.asarray(priors, np.float64) / np.sum(priors))
    values = [-log_softmax_row(row + shift)[y] for row, y in zip(_rows(x), np.ravel(labels), strict=True)]
    return np.reshape(values, x.shape[:-1])


def _z(x: Any, coefficient: float = 1e-4) -> np.ndarray:
    (x,) = f64(x)
    values = [
        coefficient * (max(row) + math.log(math.fsum(math.exp(v - max(row)) for v in row))) ** 2 for row in _rows(x)
    ]
    return np.reshape(values, x.shape[:-1])


ORACLES: dict[str, Oracle] = {
    "class_balanced_loss": Oracle(_class_balanced),
    "ldam_loss": Oracle(_ldam, counts=_ldam_counts),
    "logit_adjusted_cross_entropy": Oracle(_logit_adjusted),
    "z_loss": Oracle(_z),
}
