"""Oracles of the triplet losses, of given or mined triplets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, numeric_gradients


def p_norm(x: np.ndarray, p: float) -> float:
    if math.isinf(p):
        return max((abs(e) for e in x), default=0.0)
    return math.fsum(abs(e) ** p for e in x) ** (1 / p)


def _margin(
    a: Any, q: Any, n: Any, margin: float = 1.0, p: float = 2, eps: float = 1e-6, swap: bool = False
) -> np.ndarray:
    a, q, n = f64(a, q, n)
    values = []
    for at in np.ndindex(a.shape[:-1]):
        near, far = p_norm(a[at] - q[at] + eps, p), p_norm(a[at] - n[at] + eps, p)
        if swap:
            far = min(far, p_norm(q[at] - n[at] + eps, p))
        values.append(max(0.0, margin + near - far))
    return np.array(values).reshape(a.shape[:-1])


def _margin_gradients(cotangent: Any, a: Any, q: Any, n: Any, **params: Any) -> Gradients:
    # The index of the maximum changes where two differences are nearly equal.
    return numeric_gradients(_margin, cotangent, (a, q, n), params, (0, 1, 2), reach=0.01)


def _pair_distances(x: Any, squared: bool, normalize: bool) -> np.ndarray:
    (x,) = f64(x)
    if normalize:
        x = np.array([row / math.sqrt(row @ row) if row.any() else row for row in x]).reshape(x.shape)
    found = np.zeros((len(x), len(x)))
    for i, j in np.ndindex(found.shape):
        square = math.fsum((x[i] - x[j]) ** 2)
        found[i, j] = square if squared else math.sqrt(square)
    return found


def _batch_hard(
    x: Any, labels: Any, margin: float = 1.0, soft: bool = False, squared: bool = False, normalize: bool = False,
    mask: Any = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    distances, labels = _pair_distances(x, squared, normalize), np.asarray(labels)
    here = [i for i in range(len(labels)) if mask is None or mask[i]]
    values, counts = np.zeros(len(labels)), np.zeros(len(labels))
    for i in here:
        positive = [distances[i, j] for j in here if j != i and labels[j] == labels[i]]
        negative = [distances[i, j] for j in here if labels[j] != labels[i]]
        if positive and negative:
            gap = max(positive) - min(negative)
            values[i] = np.logaddexp(0, gap) if soft else max(0.0, margin + gap)
            counts[i] = 1
    return values, counts


def semi_hard_pairs(
    distances: np.ndarray, labels: np.ndarray, margin: float, fallback: str, mask: Any = None
) -> dict[tuple[int, int], int]:
    """Yield the negative of every pair (anchor, positive) that has one."""
    here = [i for i in range(len(labels)) if mask is None or mask[i]]
    found = {}
    for i in here:
        negatives = sorted((distances[i, n], n) for n in here if labels[n] != labels[i])
        for p in here:
            if p == i or labels[p] != labels[i] or not negatives:
                continue
            semi = [n for d, n in negatives if distances[i, p] < d < distances[i, p] + margin]
            if semi:
                found[i, p] = semi[0]
            elif fallback != "none":
                found[i, p] = negatives[0][1] if fallback == "hardest" else negatives[-1][1]
    return found


def _semi_hard(
    x: Any, labels: Any, margin: float = 1.0, fallback: str = "none", squared: bool = False, normalize: bool = False,
    mask: Any = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    distances, labels = _pair_distances(x, squared, normalize), np.asarray(labels)
    values, counts = np.zeros(len(labels)), np.zeros(len(labels))
    for (i, p), n in semi_hard_pairs(distances, labels, margin, fallback, mask).items():
        values[i] += max(0.0, margin + distances[i, p] - distances[i, n])
        counts[i] += 1
    return values, counts


ORACLES = {
    "triplet_margin_loss": Oracle(_margin, _margin_gradients),
    "triplet_margin_with_distance_loss": Oracle(_margin, _margin_gradients),
    "batch_hard_triplet_loss": Oracle(
        lambda *a, **k: _batch_hard(*a, **k)[0], None, lambda *a, **k: _batch_hard(*a, **k)[1]
    ),
    "semi_hard_triplet_loss": Oracle(
        lambda *a, **k: _semi_hard(*a, **k)[0], None, lambda *a, **k: _semi_hard(*a, **k)[1]
    ),
}
