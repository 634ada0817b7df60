"""Oracles of ranking losses, list by list and pair by pair."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, log_softmax_row


def _by_list(one: Callable[..., float], derivative: Callable[..., list[float]] | None = None) -> Oracle:
    """Return an oracle from a function of the scores and grades of the unmasked items of one list.

    `derivative` is the gradient with respect to the scores, for functions whose finite differences are not accurate.
    """

    def lists(logits: Any, labels: Any, mask: Any) -> Any:
        s, y = f64(logits, labels)
        kept = np.broadcast_to(True if mask is None else np.asarray(mask) != 0, s.shape)
        size = s.shape[-1]
        return zip(s.reshape(-1, size), y.reshape(-1, size), kept.reshape(-1, size), strict=True)

    def value(logits: Any, labels: Any, mask: Any = None, **params: Any) -> np.ndarray:
        found = [one(s[k], y[k], **params) if k.any() else 0.0 for s, y, k in lists(logits, labels, mask)]
        return np.reshape(found, np.shape(logits)[:-1])

    def counts(logits: Any, labels: Any, mask: Any = None, **params: Any) -> np.ndarray:
        return np.reshape([float(k.any()) for _, _, k in lists(logits, labels, mask)], np.shape(logits)[:-1])

    def gradients(cotangent: Any, logits: Any, labels: Any, mask: Any = None, **params: Any) -> Gradients:
        result = np.zeros((np.size(cotangent), np.shape(logits)[-1]))
        for n, (s, y, k) in enumerate(lists(logits, labels, mask)):
            result[n, k] = np.multiply(derivative(s[k], y[k], **params), np.ravel(cotangent)[n]) if k.any() else 0
        return result.reshape(np.shape(logits)), None

    return Oracle(value, None if derivative is None else gradients, counts)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _rank_net(s: np.ndarray, y: np.ndarray, sigma: float = 1.0) -> float:
    size = range(len(s))
    return sum(_softplus(-sigma * (s[i] - s[j])) for i in size for j in size if y[i] > y[j])


def _list_net(s: np.ndarray, y: np.ndarray) -> float:
    return -float(np.exp(log_softmax_row(y)) @ log_softmax_row(s))


def _list_mle(s: np.ndarray, y: np.ndarray) -> float:
    left = sorted(range(len(s)), key=lambda i: (-y[i], i))
    total = 0.0
    while left:
        total -= log_softmax_row(s[left])[0]
        left.pop(0)
    return total


def _dcg(grades: list[float], k: int | None) -> float:
    return sum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades[:k], 1))


def _changes(s: np.ndarray, y: np.ndarray, k: int | None) -> Any:
    """Yield each pair of a better and a worse item, and the change of NDCG if the two are swapped."""
    order = sorted(range(len(s)), key=lambda i: (-s[i], i))
    best = _dcg(sorted(y, reverse=True), k)
    for i in range(len(s)):
        for j in range(len(s)):
            if y[i] > y[j]:
                swapped = [j if each == i else i if each == j else each for each in order]
                yield i, j, abs(_dcg([y[each] for each in swapped], k) - _dcg([y[each] for each in order], k)) / best


def _lambda_rank(s: np.ndarray, y: np.ndarray, sigma: float = 1.0, k: int | None = None) -> float:
    return sum(change * _softplus(-sigma * (s[i] - s[j])) for i, j, change in _changes(s, y, k))


def _lambdas(s: np.ndarray, y: np.ndarray, sigma: float = 1.0, k: int | None = None) -> list[float]:
    result = [0.0] * len(s)
    for i, j, change in _changes(s, y, k):
        force = sigma * change * 0.5 * (1 - math.tanh(sigma * (s[i] - s[j]) / 2))
        result[i] -= force
        result[j] += force
    return result


def _ranking_softmax(s: np.ndarray, y: np.ndarray) -> float:
    return -float(y @ log_softmax_row(s))


ORACLES = {
    "rank_net_loss": _by_list(_rank_net),
    "list_net_loss": _by_list(_list_net),
    "list_mle_loss": _by_list(_list_mle),
    "lambda_rank_loss": _by_list(_lambda_rank, _lambdas),
    "ranking_softmax_loss": _by_list(_ranking_softmax),
}
