"""Oracles of ordinal regression: threshold by threshold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64


def _cost(x: float, positive: bool) -> float:
    """-log of the sigmoid of x, or of -x."""
    x = x if positive else -x
    return math.log(1 + math.exp(-x)) if x > -30 else -x


def _derivative(x: float, positive: bool) -> float:
    return 1 / (1 + math.exp(-x)) - positive


def _questions(kind: str, label: int, count: int) -> list[int]:
    return list(range(count)) if kind == "coral" else list(range(min(label + 1, count)))


def _oracle(kind: str) -> Oracle:
    def value(x: Any, labels: Any, importance_weights: Any = None) -> np.ndarray:
        (x,) = f64(x)
        count = x.shape[-1]
        weights = np.ones(count) if importance_weights is None else np.asarray(importance_weights)
        result = np.zeros(x.shape[:-1])
        for position in np.ndindex(result.shape):
            label = int(np.asarray(labels)[position])
            costs = [weights[k] * _cost(x[position][k], label > k) for k in _questions(kind, label, count)]
            result[position] = sum(costs)
        return result

    def gradients(cotangent: Any, x: Any, labels: Any, importance_weights: Any = None) -> Gradients:
        (x,) = f64(x)
        count = x.shape[-1]
        weights = np.ones(count) if importance_weights is None else np.asarray(importance_weights)
        result = np.zeros_like(x)
        for position in np.ndindex(x.shape[:-1]):
            label = int(np.asarray(labels)[position])
            for k in _questions(kind, label, count):
                result[position][k] = float(cotangent[position]) * weights[k] * _derivative(x[position][k], label > k)
        return result, None

    return Oracle(value, gradients, _counts if kind == "corn" else None)


def _counts(x: Any, labels: Any) -> np.ndarray:
    return np.minimum(np.asarray(labels, np.float64) + 1, np.shape(x)[-1])


ORACLES: dict[str, Oracle] = {"coral_loss": _oracle("coral"), "corn_loss": _oracle("corn")}
