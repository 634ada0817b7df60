"""Oracles of the losses on angles to class vectors, with the angles of the papers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.losses._base import Oracle, f64, log_softmax_row


def _unit_rows(x: Any) -> np.ndarray:
    (x,) = f64(x)
    return np.array([row / math.sqrt(row @ row) if row.any() else row for row in x]).reshape(x.shape)


def _proxy_anchor(
    x: Any, w: Any, labels: Any, margin: float = 0.1, alpha: float = 32.0, mask: Any = None
) -> np.ndarray:
    x, w = _unit_rows(x), _unit_rows(w)
    here = [i for i in range(len(x)) if mask is None or mask[i]]
    pull, push = [], []
    for c, vector in enumerate(w):
        own = [math.exp(-alpha * (x[i] @ vector - margin)) for i in here if labels[i] == c]
        if own:
            pull.append(math.log(1 + math.fsum(own)))
        push.append(math.log(1 + math.fsum(math.exp(alpha * (x[i] @ vector + margin)) for i in here if labels[i] != c)))
    value = (math.fsum(pull) / len(pull) if pull else 0.0) + math.fsum(push) / len(w)
    values = np.full(len(x), value)
    return values if mask is None else np.where(mask, values, 0)


def _proxy_nca(x: Any, w: Any, labels: Any, scale: float = 1.0, include_positive: bool = False) -> np.ndarray:
    x, w = _unit_rows(x), _unit_rows(w)
    values = []
    for row, label in zip(x, labels, strict=True):
        near = [math.exp(-scale * ((row - vector) ** 2).sum()) for vector in w]
        rest = [term for c, term in enumerate(near) if include_positive or c != label]
        values.append(-math.log(near[label] / math.fsum(rest)))
    return np.array(values)


def _margin_softmax(target: Callable[[float], float], x: Any, w: Any, labels: Any, scale: float) -> np.ndarray:
    cosines = _unit_rows(x) @ _unit_rows(w).T
    values = []
    for row, label in zip(cosines, labels, strict=True):
        logits = scale * row
        logits[label] = scale * target(row[label])
        values.append(-log_softmax_row(logits)[label])
    return np.array(values)


def _arcface(
    x: Any, w: Any, labels: Any, scale: float = 64.0, margin: float = 0.5, easy_margin: bool = False
) -> np.ndarray:
    def target(cosine: float) -> float:
        angle = math.acos(min(1.0, max(-1.0, cosine)))
        if easy_margin:
            return math.cos(angle + margin) if angle < math.pi / 2 else cosine
        return math.cos(angle + margin) if angle + margin < math.pi else cosine - margin * math.sin(margin)

    return _margin_softmax(target, x, w, labels, scale)


def _cosface(x: Any, w: Any, labels: Any, scale: float = 64.0, margin: float = 0.35) -> np.ndarray:
    return _margin_softmax(lambda cosine: cosine - margin, x, w, labels, scale)


ORACLES = {
    "proxy_anchor_loss": Oracle(_proxy_anchor),
    "proxy_nca_loss": Oracle(_proxy_nca),
    "arcface_loss": Oracle(_arcface),
    "cosface_loss": Oracle(_cosface),
}
