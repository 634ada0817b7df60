"""Oracle of the transducer loss: probabilities of the lattice, node by node, forward and backward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, log_softmax


def _one(p: np.ndarray, labels: list[int], blank: int) -> tuple[float, np.ndarray]:
    """Return the likelihood of a sequence, and its gradient with respect to log p, from p of shape (T, U + 1, C)."""
    frames, positions = p.shape[:2]
    derivative = np.zeros(p.shape)
    # ahead[t, u]: the probability of reaching the end from (t, u).
    ahead = np.zeros((frames + 1, positions))
    ahead[frames, positions - 1] = 1.0
    behind = np.zeros((frames + 1, positions))
    behind[0, 0] = 1.0
    for t in range(frames):
        for u in range(positions):
            behind[t + 1, u] += behind[t, u] * p[t, u, blank]
            if u + 1 < positions:
                behind[t, u + 1] += behind[t, u] * p[t, u, labels[u]]
    for t in reversed(range(frames)):
        for u in reversed(range(positions)):
            ahead[t, u] = p[t, u, blank] * ahead[t + 1, u]
            if u + 1 < positions:
                ahead[t, u] += p[t, u, labels[u]] * ahead[t, u + 1]
    total = ahead[0, 0]
    for t in range(frames):
        for u in range(positions):
            derivative[t, u, blank] += behind[t, u] * p[t, u, blank] * ahead[t + 1, u]
            if u + 1 < positions:
                derivative[t, u, labels[u]] += behind[t, u] * p[t, u, labels[u]] * ahead[t, u + 1]
    return total, derivative


def _rows(logits: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, fused: bool) -> Any:
    (logits,) = f64(logits)
    for n in range(len(logits)):
        size, frames = int(target_lengths[n]), int(input_lengths[n])
        scores = logits[n, :frames, : size + 1]
        log_p = log_softmax(scores) if fused and frames else scores
        labels = [int(each) for each in targets[n][:size]]
        yield np.exp(log_p), *_one(np.exp(log_p), labels, blank % logits.shape[-1])


def _value(
    logits: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    fused_log_softmax: bool = True,
    clamp: float = -1,
) -> np.ndarray:
    rows = _rows(logits, targets, input_lengths, target_lengths, blank, fused_log_softmax)
    return np.array([0 - math.log(total) if total > 0 else math.inf for _, total, _ in rows])


def _gradients(
    cotangent: Any,
    logits: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    fused_log_softmax: bool = True,
    clamp: float = -1,
) -> Gradients:
    result = np.zeros(np.shape(logits))
    rows = _rows(logits, targets, input_lengths, target_lengths, blank, fused_log_softmax)
    for n, (p, total, derivative) in enumerate(rows):
        if total == 0:
            continue
        found = -derivative / total
        if fused_log_softmax:
            found = found - p * found.sum(-1, keepdims=True)
        if clamp > 0:
            found = np.clip(found, -clamp, clamp)
        result[n, : p.shape[0], : p.shape[1]] = found * float(cotangent[n])
    return result, None, None, None


ORACLES = {"rnnt_loss": Oracle(_value, _gradients)}
