"""Oracles of preference and distillation losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, log_softmax, one_hot


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.reshape([max(v, 0.0) + math.log1p(math.exp(-abs(v))) for v in x.ravel()], x.shape)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.reshape([0.5 * (1 + math.tanh(v / 2)) for v in x.ravel()], x.shape)


def _margin(chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any, reference_free: bool) -> np.ndarray:
    a, b, c, d = f64(chosen, rejected, ref_chosen, ref_rejected)
    return (a - b) - (0 if reference_free else 1) * (c - d)


def _dpo_value(
    *inputs: Any,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
    reference_free: bool = False,
    loss_type: str = "sigmoid",
) -> np.ndarray:
    h, eps = _margin(*inputs, reference_free), label_smoothing
    if loss_type == "ipo":
        return (1 - eps) * (h - 0.5 / beta) ** 2 + eps * (h + 0.5 / beta) ** 2
    return (1 - eps) * _softplus(-beta * h) + eps * _softplus(beta * h)


def _dpo_gradients(
    cotangent: Any,
    *inputs: Any,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
    reference_free: bool = False,
    loss_type: str = "sigmoid",
) -> Gradients:
    h, eps = _margin(*inputs, reference_free), label_smoothing
    if loss_type == "ipo":
        derivative = 2 * h - (1 - 2 * eps) / beta
    else:
        derivative = beta * (_sigmoid(beta * h) - (1 - eps))
    derivative = derivative * np.asarray(cotangent, np.float64)
    used = 0.0 if reference_free else 1.0
    return derivative, -derivative, -used * derivative, used * derivative


def _distillation_value(logits: Any, teacher: Any, temperature: float = 1.0) -> np.ndarray:
    s, t = f64(logits, teacher)
    log_p, log_q = log_softmax(s / temperature), log_softmax(t / temperature)
    return temperature**2 * (np.exp(log_q) * (log_q - log_p)).sum(-1)


def _distillation_gradients(cotangent: Any, logits: Any, teacher: Any, temperature: float = 1.0) -> Gradients:
    s, t = f64(logits, teacher)
    each = np.asarray(cotangent, np.float64)[..., None] * temperature
    log_p, log_q = log_softmax(s / temperature), log_softmax(t / temperature)
    p, q, gap = np.exp(log_p), np.exp(log_q), log_q - log_p
    return each * (p - q), each * q * (gap - (q * gap).sum(-1, keepdims=True))


def _mixed_value(logits: Any, teacher: Any, labels: Any, temperature: float = 1.0, alpha: float = 0.5) -> np.ndarray:
    (s,) = f64(logits)
    hard = -(log_softmax(s) * one_hot(labels, s.shape[-1])).sum(-1)
    return alpha * _distillation_value(logits, teacher, temperature) + (1 - alpha) * hard


def _mixed_gradients(
    cotangent: Any, logits: Any, teacher: Any, labels: Any, temperature: float = 1.0, alpha: float = 0.5
) -> Gradients:
    (s,) = f64(logits)
    cotangent = np.asarray(cotangent, np.float64)
    student, of_teacher = _distillation_gradients(alpha * cotangent, logits, teacher, temperature)
    hard = np.exp(log_softmax(s)) - one_hot(labels, s.shape[-1])
    return student + (1 - alpha) * cotangent[..., None] * hard, of_teacher, None


ORACLES = {
    "dpo_loss": Oracle(_dpo_value, _dpo_gradients),
    "distillation_loss": Oracle(_distillation_value, _distillation_gradients),
    "distillation_with_labels_loss": Oracle(_mixed_value, _mixed_gradients),
}
