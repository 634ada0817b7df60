"""Oracle of CTC: forward and backward recursions over labels with blanks between them, sequence by sequence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64


def _extended(target: Any, blank: int) -> list[int]:
    row = [blank]
    for each in target:
        row += [int(each), blank]
    return row


def _log_sum(terms: list[float]) -> float:
    top = max(terms, default=-math.inf)
    return top if math.isinf(top) else top + math.log(math.fsum(math.exp(term - top) for term in terms))


def _forward(log_p: np.ndarray, row: list[int]) -> np.ndarray:
    """alpha[t, s]: frames 0 to t are aligned with positions 0 to s, and frame t is at position s."""
    alpha = np.full((len(log_p), len(row)), -math.inf)
    for t in range(len(log_p)):
        for s in range(len(row)):
            if t == 0:
                before = [0.0] if s < 2 else []
            else:
                before = [alpha[t - 1, s]]
                if s > 0:
                    before.append(alpha[t - 1, s - 1])
                if s > 1 and s % 2 == 1 and row[s] != row[s - 2]:
                    before.append(alpha[t - 1, s - 2])
            alpha[t, s] = _log_sum(before) + log_p[t, row[s]]
    return alpha


def _one(log_p: np.ndarray, row: list[int]) -> tuple[float, np.ndarray]:
    """Return the log likelihood and its gradient with respect to log_p."""
    derivative = np.zeros(log_p.shape)
    if len(log_p) == 0:
        return (0.0 if len(row) == 1 else -math.inf), derivative
    alpha = _forward(log_p, row)
    total = _log_sum(list(alpha[-1, -2:]))
    if total == -math.inf:
        return total, derivative
    # Time and labels reversed: beta includes frame t, which is therefore in both.
    beta = _forward(log_p[::-1], row[::-1])[::-1, ::-1]
    for t in range(len(log_p)):
        for s, each in enumerate(row):
            both = alpha[t, s] + beta[t, s]
            if both > -math.inf:
                derivative[t, each] += math.exp(both - log_p[t, each] - total)
    return total, derivative


def _rows(log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int) -> Any:
    log_probs, at = f64(log_probs)[0], 0
    for n in range(log_probs.shape[1]):
        size = int(target_lengths[n])
        labels = targets[at : at + size] if np.ndim(targets) == 1 else targets[n][:size]
        at += size
        yield (*_one(log_probs[: int(input_lengths[n]), n], _extended(labels, blank)), size)


def _value(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    zero_infinity: bool = False,
    length_normalized: bool = False,
) -> np.ndarray:
    values = []
    for total, _, size in _rows(log_probs, targets, input_lengths, target_lengths, blank):
        value = 0.0 if zero_infinity and total == -math.inf else 0 - total
        values.append(value / max(size, 1) if length_normalized else value)
    return np.array(values)


def _gradients(
    cotangent: Any,
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    zero_infinity: bool = False,
    length_normalized: bool = False,
) -> Gradients:
    result = np.zeros(np.shape(log_probs))
    for n, (_, derivative, size) in enumerate(_rows(log_probs, targets, input_lengths, target_lengths, blank)):
        scale = max(size, 1) if length_normalized else 1
        result[: len(derivative), n] = -derivative * float(cotangent[n]) / scale
    return result, None, None, None


ORACLES = {"ctc_loss": Oracle(_value, _gradients)}
