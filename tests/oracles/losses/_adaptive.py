"""Oracle of the adaptive softmax: the probability of a class is that of its cluster times that within the cluster."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.losses._base import Oracle, f64, log_softmax_row


def log_probabilities(row: Any, head: Any, tails: Any, bias: Any = None) -> list[float]:
    scores = log_softmax_row(head @ row + (0 if bias is None else np.asarray(bias, np.float64)))
    own = len(head) - len(tails)
    result = list(scores[:own])
    for score, (project, expand) in zip(scores[own:], tails, strict=True):
        result += [score + each for each in log_softmax_row(expand @ (project @ row))]
    return result


def _value(x: Any, target: Any, head: Any, tails: Any, head_bias: Any = None) -> np.ndarray:
    x, head = f64(x, head)
    tails = [f64(*pair) for pair in tails]
    return np.array([-log_probabilities(row, head, tails, head_bias)[y] for row, y in zip(x, target, strict=True)])


ORACLES: dict[str, Oracle] = {"adaptive_log_softmax_loss": Oracle(_value)}
