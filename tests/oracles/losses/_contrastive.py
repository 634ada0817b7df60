"""Oracles of the contrastive losses: each anchor, positive and negative in a loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from oracles.losses._base import Oracle, f64


def units(x: Any, normalize: bool = True) -> np.ndarray:
    (x,) = f64(x)
    if not normalize:
        return x
    return np.array([row / math.sqrt(row @ row) if row.any() else row for row in x]).reshape(x.shape)


def log_sum_exp(terms: list[float]) -> float:
    if not terms:
        return -math.inf
    top = max(terms)
    return top + math.log(math.fsum(math.exp(term - top) for term in terms))


def softplus(x: float) -> float:
    return float(np.logaddexp(0, x))


def anchors(labels: Any, mask: Any) -> Iterator[tuple[int, list[int], list[int]]]:
    """Yield each sample that is not masked, its positives and its negatives."""
    labels = np.asarray(labels)
    here = [i for i in range(len(labels)) if mask is None or mask[i]]
    for i in here:
        yield i, [j for j in here if j != i and labels[j] == labels[i]], [j for j in here if labels[j] != labels[i]]


def _contrastive(x1: Any, x2: Any, labels: Any, margin: float = 1.0) -> np.ndarray:
    x1, x2, labels = f64(x1, x2, labels)
    values = []
    for at in np.ndindex(labels.shape):
        d = math.sqrt(math.fsum((x1[at] - x2[at]) ** 2))
        values.append(0.5 * d * d if labels[at] == 1 else 0.5 * max(0.0, margin - d) ** 2)
    return np.array(values).reshape(labels.shape)


def _partners(scores: np.ndarray, mask: Any) -> np.ndarray:
    count = len(scores)
    here = [i for i in range(count) if mask is None or mask[i]]
    values = np.zeros(count)
    for i in here:
        values[i] = log_sum_exp([scores[i, j] for j in here]) - scores[i, i]
    return values


def _n_pair(a: Any, p: Any, l2_weight: float = 0.0, normalize: bool = False, mask: Any = None) -> np.ndarray:
    a, p = units(a, normalize), units(p, normalize)
    lengths = np.array([x @ x + y @ y for x, y in zip(a, p, strict=True)])
    values = _partners(a @ p.T, mask) + l2_weight / 4 * lengths
    return values if mask is None else np.where(mask, values, 0)


def _info_nce(
    q: Any, k: Any, temperature: float = 0.07, symmetric: bool = False, normalize: bool = True, mask: Any = None,
    chunk_size: Any = None,
) -> np.ndarray:  # fmt: skip
    scores = units(q, normalize) @ units(k, normalize).T / temperature
    values = _partners(scores, mask)
    return (values + _partners(scores.T, mask)) / 2 if symmetric else values


def _siglip(
    x: Any, y: Any, temperature: float = 10.0, bias: float = -10.0, normalize: bool = True, mask: Any = None,
    chunk_size: Any = None,
) -> np.ndarray:  # fmt: skip
    x, y = units(x, normalize), units(y, normalize)
    here = [i for i in range(len(x)) if mask is None or mask[i]]
    values = np.zeros(len(x))
    for i in here:
        for j in here:
            score = temperature * (x[i] @ y[j]) + bias
            values[i] += softplus(-score if i == j else score)
    return values


def _multi_similarity(
    x: Any, labels: Any, alpha: float = 2.0, beta: float = 50.0, base: float = 0.5, epsilon: float | None = 0.1,
    normalize: bool = True, mask: Any = None,
) -> np.ndarray:  # fmt: skip
    x = units(x, normalize)
    values = np.zeros(len(x))
    for i, positives, negatives in anchors(labels, mask):
        p, n = [x[i] @ x[j] for j in positives], [x[i] @ x[j] for j in negatives]
        if epsilon is not None:
            least, most = min(p, default=math.inf), max(n, default=-math.inf)
            p, n = [s for s in p if s < most + epsilon], [s for s in n if s > least - epsilon]
        values[i] = math.log(1 + sum(math.exp(-alpha * (s - base)) for s in p)) / alpha
        values[i] += softplus(log_sum_exp([beta * (s - base) for s in n])) / beta
    return values


def _circle(
    x: Any, labels: Any, gamma: float = 80.0, margin: float = 0.4, remove_diagonal: bool = True,
    normalize: bool = True, mask: Any = None, **_: Any,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    x = units(x, normalize)
    values, counts = np.zeros(len(x)), np.zeros(len(x))
    for i, positives, negatives in anchors(labels, mask):
        if not remove_diagonal:
            positives = [*positives, i]
        if not positives or not negatives:
            continue
        p, n = ([min(1.0, x[i] @ x[j]) for j in group] for group in (positives, negatives))
        pull = log_sum_exp([-gamma * max(0.0, 1 + margin - s) * (s - (1 - margin)) for s in p])
        push = log_sum_exp([gamma * max(0.0, s + margin) * (s - margin) for s in n])
        values[i], counts[i] = softplus(pull + push), 1
    return values, counts


def _nt_xent(
    x: Any, labels: Any, temperature: float = 0.07, normalize: bool = True, mask: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    x = units(x, normalize)
    values, counts = np.zeros(len(x)), np.zeros(len(x))
    for i, positives, negatives in anchors(labels, mask):
        n = [x[i] @ x[j] / temperature for j in negatives]
        for j in positives:
            own = x[i] @ x[j] / temperature
            values[i] += log_sum_exp([own, *n]) - own
            counts[i] += 1
    return values, counts


def _sup_con(
    x: Any, labels: Any, temperature: float = 0.07, normalize: bool = True, mask: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    x = units(x, normalize)
    values, counts = np.zeros(len(x)), np.zeros(len(x))
    for i, positives, negatives in anchors(labels, mask):
        if positives:
            every = log_sum_exp([x[i] @ x[j] / temperature for j in positives + negatives])
            values[i] = math.fsum(every - x[i] @ x[j] / temperature for j in positives) / len(positives)
            counts[i] = 1
    return values, counts


def counted(both: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Oracle:
    return Oracle(lambda *a, **k: both(*a, **k)[0], None, lambda *a, **k: both(*a, **k)[1])


ORACLES = {
    "contrastive_loss": Oracle(_contrastive),
    "n_pair_loss": Oracle(_n_pair),
    "multi_similarity_loss": Oracle(_multi_similarity),
    "circle_loss": counted(_circle),
    "info_nce_loss": Oracle(_info_nce),
    "nt_xent_loss": counted(_nt_xent),
    "sup_con_loss": counted(_sup_con),
    "siglip_loss": Oracle(_siglip),
}
