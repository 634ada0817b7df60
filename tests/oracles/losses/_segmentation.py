"""Oracles of the segmentation losses, region by region and pixel by pixel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Oracle, f64, log_softmax_row


def _by_region(one: Any) -> Any:
    """Apply a loss of one region, given as two lists of pixels, to the regions defined by `axis`."""

    def value(x: Any, y: Any, axis: Any = None, **params: Any) -> np.ndarray:
        x, y = f64(x, y)
        axes = range(x.ndim) if axis is None else [a % x.ndim for a in np.atleast_1d(axis)]
        left = [a for a in range(x.ndim) if a not in axes]
        result = np.zeros([x.shape[a] for a in left])
        for position in np.ndindex(*result.shape):
            at: list[Any] = [slice(None)] * x.ndim
            for a, n in zip(left, position, strict=True):
                at[a] = n
            a, b = x[tuple(at)].ravel(), y[tuple(at)].ravel()
            result[position] = one(a, b, **params) if a.any() or b.any() else 0.0
        return result

    return value


def _dice(x: Any, y: Any, smooth: float = 1e-5, squared: bool = True) -> float:
    power = 2 if squared else 1
    return 1 - 2 * sum(x * y) / (sum(x**power) + sum(y**power) + smooth)


def _tversky_parts(x: Any, y: Any, alpha: float, beta: float) -> tuple[float, float]:
    both = sum(a * b for a, b in zip(x, y, strict=True))
    missed = sum((1 - a) * b for a, b in zip(x, y, strict=True))
    surplus = sum(a * (1 - b) for a, b in zip(x, y, strict=True))
    return both, both + alpha * missed + beta * surplus


def _tversky(x: Any, y: Any, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1e-7) -> float:
    both, whole = _tversky_parts(x, y, alpha, beta)
    return 1 - both / (whole + smooth)


def _focal_tversky(
    x: Any, y: Any, alpha: float = 0.7, beta: float = 0.3, gamma: float = 4 / 3, smooth: float = 1e-7
) -> float:
    both, whole = _tversky_parts(x, y, alpha, beta)
    return max(0.0, 1 - (both + smooth) / (whole + smooth)) ** (1 / gamma)


def _jaccard(x: Any, y: Any, smooth: float = 0.0) -> float:
    both = sum(x * y)
    return 1 - (both + smooth) / (sum(x) + sum(y) - both + smooth)


_ACTIVATIONS = {
    "softmax": lambda row: np.exp(log_softmax_row(row)),
    "logsoftmax": log_softmax_row,
    "relu": lambda row: np.maximum(row, 0),
    "relu6": lambda row: np.clip(row, 0, 6),
    "tanh": np.tanh,
    "sigmoid": lambda row: 1 / (1 + np.exp(-row)),
    None: lambda row: row,
}


def _multi_class_dice(
    x: Any,
    y: Any,
    class_weights: Any = None,
    ignore_index: int | None = None,
    activation: str | None = "softmax",
    smooth: float = 1e-5,
) -> np.ndarray:
    x, y = f64(x, y)
    x, y = (np.moveaxis(a, 1, -1).reshape(-1, a.shape[1]) for a in (x, y))
    x = np.array([_ACTIVATIONS[activation](row) for row in x]).reshape(x.shape)
    total = 0.0
    for c in range(x.shape[1]):
        if c != ignore_index and (x[:, c].any() or y[:, c].any()):
            weight = 1.0 if class_weights is None else class_weights[c]
            total += weight * _dice(x[:, c], y[:, c], smooth)
    return np.array(total / x.shape[1])


def _dice_cross_entropy(
    x: Any,
    labels: Any,
    dice_weight: float = 1.0,
    cross_entropy_weight: float = 1.0,
    smooth: float = 1e-5,
    ignore_index: int | None = None,
) -> np.ndarray:
    (x,) = f64(x)
    result = np.zeros(x.shape[0])
    for n in range(x.shape[0]):
        rows = [
            (log_softmax_row(x[(n, slice(None), *position)]), int(labels[(n, *position)]))
            for position in np.ndindex(*x.shape[2:])
            if labels[(n, *position)] != ignore_index
        ]
        if not rows:
            continue
        entropy = -sum(row[y] for row, y in rows) / len(rows)
        dice = 0.0
        for c in range(x.shape[1]):
            p = [math.exp(row[c]) for row, _ in rows]
            t = [float(y == c) for _, y in rows]
            dice += 1 - (2 * sum(a * b for a, b in zip(p, t, strict=True)) + smooth) / (sum(p) + sum(t) + smooth)
        result[n] = dice_weight * dice / x.shape[1] + cross_entropy_weight * entropy
    return result


def _generalized_dice(x: Any, y: Any, from_logits: bool = False, pixel_weights: Any = None) -> np.ndarray:
    x, y = f64(x, y)
    images, classes = x.shape[:2]
    x, y = (a.reshape(images, classes, -1) for a in (x, y))
    counted = np.ones((images, x.shape[2])) if pixel_weights is None else np.reshape(pixel_weights, (images, -1))
    result = np.zeros(images)
    for n in range(images):
        p = np.stack([np.exp(log_softmax_row(row)) for row in x[n].T], axis=1) if from_logits else x[n]
        volumes = [float(sum(w * r for w, r in zip(counted[n], y[n, c], strict=True))) for c in range(classes)]
        present = [1 / v**2 for v in volumes if v > 0]
        above = below = 0.0
        for c in range(classes):
            weight = 1 / volumes[c] ** 2 if volumes[c] > 0 else max(present, default=1.0)
            above += weight * sum(counted[n] * y[n, c] * p[c])
            below += weight * sum(counted[n] * (y[n, c] + p[c]))
        result[n] = 1 - 2 * above / below if below else 0.0
    return result


ORACLES: dict[str, Oracle] = {
    "dice_loss": Oracle(_by_region(_dice)),
    "multi_class_dice_loss": Oracle(_multi_class_dice),
    "generalized_dice_loss": Oracle(_generalized_dice),
    "tversky_loss": Oracle(_by_region(_tversky)),
    "focal_tversky_loss": Oracle(_by_region(_focal_tversky)),
    "soft_jaccard_loss": Oracle(_by_region(_jaccard)),
    "dice_cross_entropy_loss": Oracle(_dice_cross_entropy),
}
