"""Oracles of the box losses, box by box."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64


def _iou(a: Any, b: Any, eps: float) -> tuple[float, float]:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = wide * high if wide > 0 and high > 0 else 0.0
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    return both / (union + eps), union


def _around(a: Any, b: Any) -> tuple[float, float]:
    return max(a[2], b[2]) - min(a[0], b[0]), max(a[3], b[3]) - min(a[1], b[1])


def iou(a: Any, b: Any, eps: float = 0.0) -> float:
    return 1 - _iou(a, b, eps)[0]


def giou(a: Any, b: Any, eps: float = 0.0) -> float:
    overlap, union = _iou(a, b, eps)
    wide, high = _around(a, b)
    return 1 - (overlap - (wide * high - union) / (wide * high + eps))


def diou(a: Any, b: Any, eps: float = 0.0) -> float:
    wide, high = _around(a, b)
    apart = ((a[0] + a[2]) / 2 - (b[0] + b[2]) / 2) ** 2 + ((a[1] + a[3]) / 2 - (b[1] + b[3]) / 2) ** 2
    return iou(a, b, eps) + apart / (wide**2 + high**2 + eps)


def _v(a: Any, b: Any) -> float:
    angle = math.atan((b[2] - b[0]) / (b[3] - b[1])) - math.atan((a[2] - a[0]) / (a[3] - a[1]))
    return 4 / math.pi**2 * angle**2


def _alpha(a: Any, b: Any, eps: float) -> float:
    return _v(a, b) / (1 - _iou(a, b, eps)[0] + _v(a, b) + eps)


def ciou(a: Any, b: Any, eps: float = 0.0, alpha_gradient: bool = False) -> float:
    return diou(a, b, eps) + _alpha(a, b, eps) * _v(a, b)


def _each(one: Any) -> Any:
    def value(x: Any, y: Any, **params: Any) -> np.ndarray:
        x, y = f64(x, y)
        pairs = zip(x.reshape(-1, 4), y.reshape(-1, 4), strict=True)
        return np.array([one(a, b, **params) for a, b in pairs]).reshape(x.shape[:-1])

    return value


def _ciou_gradients(cotangent: Any, x: Any, y: Any, eps: float = 0.0, alpha_gradient: bool = False) -> Gradients:
    """Finite differences of the value with alpha held constant, unless it has a gradient."""
    x, y = f64(x, y)
    derivatives = np.zeros((2, *x.reshape(-1, 4).shape))
    for n, (a, b) in enumerate(zip(x.reshape(-1, 4), y.reshape(-1, 4), strict=True)):
        held = _alpha(a, b, eps)
        for box in range(2):
            for k in range(4):
                found = []
                for move in (-2, -1, 1, 2):
                    moved = [a.copy(), b.copy()]
                    moved[box][k] += move * 2e-4
                    alpha = _alpha(moved[0], moved[1], eps) if alpha_gradient else held
                    found.append(diou(moved[0], moved[1], eps) + alpha * _v(moved[0], moved[1]))
                derivative = (found[0] - 8 * found[1] + 8 * found[2] - found[3]) / (12 * 2e-4)
                derivatives[box, n, k] = derivative * np.ravel(cotangent)[n]
    return derivatives[0].reshape(x.shape), derivatives[1].reshape(y.shape)


ORACLES: dict[str, Oracle] = {
    "iou_loss": Oracle(_each(iou)),
    "giou_loss": Oracle(_each(giou)),
    "diou_loss": Oracle(_each(diou)),
    "ciou_loss": Oracle(_each(ciou), _ciou_gradients),
}
