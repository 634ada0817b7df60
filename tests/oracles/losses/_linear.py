"""Oracle of linear cross entropy: all logits, a loop over the rows, from the formula of the docstring."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, log_softmax_row


def _logits(x: Any, w: Any, bias: Any, softcap: Any) -> np.ndarray:
    x, w = f64(x, w)
    z = np.einsum("...d,cd->...c", x, w) + (0 if bias is None else np.asarray(bias, np.float64))
    return z if softcap is None else softcap * np.tanh(z / softcap)


def _row(z: np.ndarray, y: int, w: np.ndarray, s: float, z_loss: float) -> tuple[float, np.ndarray]:
    """Return the value of a row, and its gradient with respect to the (capped) logits."""
    target = s / len(z) * w
    target[y] += (1 - s) * w[y]
    log_p = log_softmax_row(z)
    lse = float(z[0] - log_p[0])
    value = math.fsum(-t * q for t, q in zip(target, log_p, strict=True) if t != 0) + z_loss * lse**2
    return value, np.exp(log_p) * (target.sum() + 2 * z_loss * lse) - target


def _each(
    x: Any,
    w: Any,
    labels: Any,
    bias: Any = None,
    class_weight: Any = None,
    ignore_index: Any = -100,
    label_smoothing: float = 0.0,
    softcap: Any = None,
    z_loss: float = 0.0,
    **_: Any,
) -> tuple[np.ndarray, np.ndarray]:
    z = _logits(x, w, bias, softcap)
    of_class = np.ones(z.shape[-1]) if class_weight is None else np.asarray(class_weight, np.float64)
    values, derivatives = np.zeros(z.shape[:-1]), np.zeros(z.shape)
    for position in np.ndindex(*values.shape):
        y = int(np.asarray(labels)[position])
        if y != ignore_index:
            values[position], derivatives[position] = _row(z[position], y, of_class, label_smoothing, z_loss)
    return values, derivatives if softcap is None else derivatives * (1 - (z / softcap) ** 2)


def value(x: Any, w: Any, labels: Any, **params: Any) -> np.ndarray:
    return _each(x, w, labels, **params)[0]


def gradients(cotangent: Any, x: Any, w: Any, labels: Any, **params: Any) -> Gradients:
    derivatives = _each(x, w, labels, **params)[1] * np.asarray(cotangent, np.float64)[..., None]
    x, w = f64(x, w)
    return derivatives @ w, derivatives.reshape(-1, len(w)).T @ x.reshape(-1, w.shape[1]), None


def bias_gradient(cotangent: Any, x: Any, w: Any, labels: Any, **params: Any) -> np.ndarray:
    derivatives = _each(x, w, labels, **params)[1] * np.asarray(cotangent, np.float64)[..., None]
    return derivatives.reshape(-1, derivatives.shape[-1]).sum(0)


def counts(x: Any, w: Any, labels: Any, class_weight: Any = None, ignore_index: Any = -100, **_: Any) -> np.ndarray:
    of_class = np.ones(len(np.asarray(w))) if class_weight is None else np.asarray(class_weight, np.float64)
    flat = [0.0 if y == ignore_index else of_class[y] for y in np.asarray(labels).ravel()]
    return np.reshape(flat, np.shape(labels))


ORACLES: dict[str, Oracle] = {"linear_cross_entropy": Oracle(value, gradients, counts)}
