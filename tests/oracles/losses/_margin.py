"""Oracles of the margin losses: loops over samples and classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.losses._base import Oracle, f64


def _rows(function: Callable[..., float], x: Any, y: Any, **params: Any) -> np.ndarray:
    """Return function(scores of the classes, label or labels) for each sample."""
    x, y = np.asarray(x).astype(np.float64), np.asarray(y)
    classes = x.shape[-1]
    labels = y.reshape(-1, classes) if y.ndim == x.ndim else y.reshape(-1)
    pairs = zip(x.reshape(-1, classes), labels, strict=True)
    return np.array([function(row, each, **params) for row, each in pairs], np.float64).reshape(x.shape[:-1])


def _two_classes(function: Callable[[np.ndarray], np.ndarray]) -> Oracle:
    """A loss of y x with y = -1 for the label 0; its gradient is computed by finite differences."""

    def value(x: Any, y: Any) -> np.ndarray:
        x, y = f64(x, y)
        return function(np.where(y == 1, x, -x))

    return Oracle(value)


def _embedding(x: Any, y: Any, margin: float = 1.0) -> np.ndarray:
    x, y = f64(x, y)
    return np.where(y == 1, x, np.maximum(0, margin - x))


def _categorical(x: np.ndarray, y: np.ndarray) -> float:
    return max(0.0, 1 - sum(x * y) + max(x * (1 - y)))


def _multiclass_hinge(x: np.ndarray, y: int) -> float:
    return max(0.0, max([x[c] + 1 - x[y] for c in range(len(x)) if c != y], default=0.0))


def _multiclass_perceptron(x: np.ndarray, y: int) -> float:
    return max(x) - x[y]


def _multi_margin(x: np.ndarray, y: int, p: int = 1, margin: float = 1.0, weight: Any = None) -> float:
    total = sum(max(0.0, margin - x[y] + x[c]) ** p for c in range(len(x)) if c != y)
    return total / len(x) * (1 if weight is None else weight[y])


def _multilabel_margin(x: np.ndarray, y: np.ndarray) -> float:
    true = []
    for label in y:
        if label == -1:
            break
        true.append(int(label))
    others = [c for c in range(len(x)) if c not in true]
    return sum(max(0.0, 1 - x[t] + x[c]) for t in true for c in others) / len(x)


def _by_rows(function: Callable[..., float]) -> Oracle:
    return Oracle(lambda x, y, **params: _rows(function, x, y, **params))


ORACLES: dict[str, Oracle] = {
    "hinge_embedding_loss": Oracle(_embedding),
    "hinge_loss": _two_classes(lambda side: np.maximum(0, 1 - side)),
    "squared_hinge_loss": _two_classes(lambda side: np.maximum(0, 1 - side) ** 2),
    "perceptron_loss": _two_classes(lambda side: np.maximum(0, -side)),
    "categorical_hinge_loss": _by_rows(_categorical),
    "multiclass_hinge_loss": _by_rows(_multiclass_hinge),
    "multiclass_perceptron_loss": _by_rows(_multiclass_perceptron),
    "multi_margin_loss": _by_rows(_multi_margin),
    "multilabel_margin_loss": _by_rows(_multilabel_margin),
}
