"""Oracle of noise-contrastive estimation: binary cross entropies, class by class."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64


def _parts(w: Any, b: Any, labels: Any, x: Any, params: dict[str, Any]) -> Iterator[tuple[int, int, float, float]]:
    """Yield row, class, logit and target of every class of a row."""
    w, b, x = f64(w, b, x)
    candidates, true_count, sampled_count = (np.asarray(value) for value in params["sampled_values"])
    labels = np.asarray(labels).reshape(len(x), -1)
    true_count = np.broadcast_to(true_count, labels.shape)
    for n, true in enumerate(labels):
        for c, q in zip(true, true_count[n], strict=True):
            yield n, int(c), x[n] @ w[c] + b[c] - math.log(q), 1 / len(true)
        for c, q in zip(candidates, sampled_count, strict=True):
            if not (params.get("remove_accidental_hits", False) and c in true):
                yield n, int(c), x[n] @ w[c] + b[c] - math.log(q), 0.0


def value(w: Any, b: Any, labels: Any, x: Any, **params: Any) -> np.ndarray:
    values = np.zeros(len(x))
    for n, _, z, target in _parts(w, b, labels, x, params):
        values[n] += target * np.logaddexp(0, -z) + (1 - target) * np.logaddexp(0, z)
    return values


def gradients(cotangent: Any, w: Any, b: Any, labels: Any, x: Any, **params: Any) -> Gradients:
    w64, b64, x64 = f64(w, b, x)
    gw, gb, gx = np.zeros_like(w64), np.zeros_like(b64), np.zeros_like(x64)
    for n, c, z, target in _parts(w, b, labels, x, params):
        derivative = (0.5 * (1 + math.tanh(z / 2)) - target) * float(cotangent[n])
        gw[c] += derivative * x64[n]
        gb[c] += derivative
        gx[n] += derivative * w64[c]
    return gw, gb, None, gx


ORACLES = {"nce_loss": Oracle(value, gradients)}
