"""Oracles of the seven losses of the tutorial, with analytic gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, elementwise, f64, log_softmax, log_softmax_row, one_hot


def _smooth_l1_value(d: np.ndarray, beta: float = 1.0) -> np.ndarray:
    return np.array([0.5 * e * e / beta if abs(e) < beta else abs(e) - 0.5 * beta for e in d.ravel()]).reshape(d.shape)


def _smooth_l1_derivative(d: np.ndarray, beta: float = 1.0) -> np.ndarray:
    return np.clip(d / beta, -1, 1)


def _dense_value(x: Any, y: Any) -> np.ndarray:
    x, y = f64(x, y)
    return -(y * log_softmax(x)).sum(-1)


def _dense_gradients(cotangent: Any, x: Any, y: Any) -> Gradients:
    x, y = f64(x, y)
    each = np.asarray(cotangent, np.float64)[..., None]
    log_p = log_softmax(x)
    return each * (np.exp(log_p) * y.sum(-1, keepdims=True) - y), -each * log_p


def _sparse_value(x: Any, labels: Any) -> np.ndarray:
    return _dense_value(x, one_hot(labels, np.shape(x)[-1]))


def _sparse_gradients(cotangent: Any, x: Any, labels: Any) -> Gradients:
    return _dense_gradients(cotangent, x, one_hot(labels, np.shape(x)[-1]))[0], None


def _cosines(x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    dots = np.einsum("nd...,nd...->n...", x1, x2)
    norms = np.sqrt((x1**2).sum(1)) * np.sqrt((x2**2).sum(1))
    return np.divide(dots, norms, out=np.zeros_like(dots), where=norms > 0)


def _cosine_value(x1: Any, x2: Any, labels: Any, margin: float = 0.0) -> np.ndarray:
    x1, x2, labels = f64(x1, x2, labels)
    cosines = _cosines(x1, x2)
    return np.where(labels == 1, 1 - cosines, np.maximum(0, cosines - margin))


def _cosine_gradients(cotangent: Any, x1: Any, x2: Any, labels: Any, margin: float = 0.0) -> Gradients:
    x1, x2, labels = f64(x1, x2, labels)
    cosines = _cosines(x1, x2)
    derivative = np.where(labels == 1, -1.0, (cosines > margin).astype(np.float64))
    each = np.expand_dims(np.asarray(cotangent, np.float64) * derivative, 1)
    along, n1, n2 = np.expand_dims(cosines, 1), (x1**2).sum(1, keepdims=True), (x2**2).sum(1, keepdims=True)
    # d cos / d x1 = x2 / (|x1| |x2|) - cos x1 / |x1|^2, defined as 0 for zero vectors
    both = (n1 > 0) & (n2 > 0)
    n1, n2 = np.where(both, n1, 1), np.where(both, n2, 1)
    product = np.sqrt(n1 * n2)
    g1 = np.where(both, each * (x2 / product - along * x1 / n1), 0)
    g2 = np.where(both, each * (x1 / product - along * x2 / n2), 0)
    return g1, g2, None


def _sampled_rows(w: Any, b: Any, labels: Any, x: Any, params: dict[str, Any]) -> Any:
    """Yield for each row the classes, their logits, and the target probabilities."""
    w, b, x = f64(w, b, x)
    candidates, true_count, sampled_count = (np.asarray(value) for value in params["sampled_values"])
    labels = np.asarray(labels)
    labels = labels[:, None] if labels.ndim == 1 else labels
    true_count = np.broadcast_to(true_count, labels.shape)
    for n, true in enumerate(labels):
        classes, counts = [int(c) for c in true], [float(q) for q in true_count[n]]
        for c, q in zip(candidates, sampled_count, strict=True):
            if params.get("remove_accidental_hits", True) and int(c) in true:
                continue
            classes.append(int(c))
            counts.append(float(q))
        logits = np.array([x[n] @ w[c] + b[c] - math.log(q) for c, q in zip(classes, counts, strict=True)])
        target = np.zeros(len(classes))
        target[: len(true)] = 1 / len(true)
        yield n, classes, logits, target


def _sampled_value(w: Any, b: Any, labels: Any, x: Any, **params: Any) -> np.ndarray:
    values = [-(target * log_softmax_row(z)).sum() for _, _, z, target in _sampled_rows(w, b, labels, x, params)]
    return np.array(values)


def _sampled_gradients(cotangent: Any, w: Any, b: Any, labels: Any, x: Any, **params: Any) -> Gradients:
    w64, b64, x64 = f64(w, b, x)
    gw, gb, gx = np.zeros_like(w64), np.zeros_like(b64), np.zeros_like(x64)
    for n, classes, logits, target in _sampled_rows(w, b, labels, x, params):
        derivative = (np.exp(log_softmax_row(logits)) - target) * float(cotangent[n])
        for c, s in zip(classes, derivative, strict=True):
            gw[c] += s * x64[n]
            gb[c] += s
            gx[n] += s * w64[c]
    return gw, gb, None, gx


ORACLES: dict[str, Oracle] = {
    "l1_loss": elementwise(np.abs, np.sign),
    "mse_loss": elementwise(np.square, lambda d: 2 * d),
    "smooth_l1_loss": elementwise(_smooth_l1_value, _smooth_l1_derivative),
    "softmax_cross_entropy_with_logits": Oracle(_dense_value, _dense_gradients),
    "sparse_softmax_cross_entropy_with_logits": Oracle(_sparse_value, _sparse_gradients),
    "cosine_embedding_loss": Oracle(_cosine_value, _cosine_gradients),
    "sampled_softmax_loss": Oracle(_sampled_value, _sampled_gradients),
}
