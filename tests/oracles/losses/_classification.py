"""Oracles of cross entropies: a loop over positions and classes, from the formula of the docstring."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, log_softmax_row


def _positions(shape: tuple[int, ...]) -> Any:
    """Yield the index of every position of (N, C, ...), without the class axis."""
    return itertools.product(range(shape[0]), *(range(size) for size in shape[2:]))


def _row(array: np.ndarray, position: tuple[int, ...]) -> np.ndarray:
    return array[(position[0], slice(None), *position[1:])]


def _weights(weight: Any, classes: int) -> np.ndarray:
    return np.ones(classes) if weight is None else np.asarray(weight, np.float64)


def _targets(x: np.ndarray, labels: Any, weight: Any, ignore_index: Any, s: float) -> np.ndarray:
    """Return w_c q_c for every position and class, so that the loss is -sum(target * log p)."""
    classes = x.shape[1]
    w = _weights(weight, classes)
    labels = np.asarray(labels)
    soft = labels.shape == x.shape
    target = np.zeros(x.shape)
    for position in _positions(x.shape):
        if not soft and int(labels[position]) == ignore_index:
            continue
        for c in range(classes):
            y = _row(labels, position)[c] if soft else float(c == labels[position])
            target[(position[0], c, *position[1:])] = w[c] * ((1 - s) * y + s / classes)
    return target


def _cost(target: np.ndarray, log_p: np.ndarray) -> float:
    return math.fsum(-t * q for t, q in zip(target, log_p, strict=True) if t != 0)


def _summed(x: np.ndarray, target: np.ndarray, normalize: bool) -> np.ndarray:
    values = np.zeros((x.shape[0], *x.shape[2:]))
    for position in _positions(x.shape):
        row = _row(x, position)
        values[position] = _cost(_row(target, position), log_softmax_row(row) if normalize else row)
    return values


def _cross_value(
    x: Any, labels: Any, weight: Any = None, ignore_index: Any = None, label_smoothing: float = 0.0
) -> Any:
    (x,) = f64(x)
    return _summed(x, _targets(x, labels, weight, ignore_index, label_smoothing), True)


def _cross_gradients(cotangent: Any, x: Any, labels: Any, **params: Any) -> Gradients:
    (x,) = f64(x)
    s, weight = params.get("label_smoothing", 0.0), params.get("weight")
    target = _targets(x, labels, weight, params.get("ignore_index"), s)
    soft = np.shape(labels) == x.shape
    dx, dy = np.zeros(x.shape), np.zeros(x.shape)
    w = _weights(weight, x.shape[1])
    for position in _positions(x.shape):
        at = (position[0], slice(None), *position[1:])
        log_p = log_softmax_row(x[at])
        dx[at] = (np.exp(log_p) * target[at].sum() - target[at]) * cotangent[position]
        dy[at] = -(1 - s) * w * log_p * cotangent[position]
    return dx, dy if soft else None


def _nll_value(x: Any, labels: Any, weight: Any = None, ignore_index: Any = None, label_smoothing: float = 0.0) -> Any:
    (x,) = f64(x)
    return _summed(x, _targets(x, labels, weight, ignore_index, label_smoothing), False)


def _nll_gradients(cotangent: Any, x: Any, labels: Any, **params: Any) -> Gradients:
    target = _targets(
        f64(x)[0], labels, params.get("weight"), params.get("ignore_index"), params.get("label_smoothing", 0.0)
    )
    return -target * np.expand_dims(np.asarray(cotangent, np.float64), 1), None


def _counts(x: Any, labels: Any, weight: Any = None, ignore_index: Any = None, **_: Any) -> np.ndarray:
    w = _weights(weight, np.shape(x)[1])
    labels = np.asarray(labels)
    flat = [0.0 if y == ignore_index else w[y] for y in labels.ravel()]
    return np.reshape(flat, labels.shape)


ORACLES: dict[str, Oracle] = {
    "cross_entropy": Oracle(_cross_value, _cross_gradients, _counts),
    "soft_cross_entropy": Oracle(_cross_value, _cross_gradients),
    "nll_loss": Oracle(_nll_value, _nll_gradients, _counts),
}
