"""The results of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sporax.train.metrics import Loss, Metric

Totals = dict[str, tuple[float, float]]
"""For each term of the loss: the sum of its values and the sum of their weights."""


def results_of(metrics: Mapping[str, Metric], totals: Totals) -> dict[str, Any]:
    """Return the value of every metric, and of every term of the loss if `Loss` is one of the metrics."""
    terms = {term: total / weight if weight else 0.0 for term, (total, weight) in totals.items()}
    several = bool(terms) and list(terms) != ["loss"]
    for metric in metrics.values():
        if several and isinstance(metric, Loss) and accepts_sums(metric):
            # Each term has its own denominator, so the loss is computed from the terms.
            metric.clear()
            metric.add(terms["loss"] if "loss" in terms else sum(terms.values()), 1.0)
    results = {name: _copied(metric.eval()) for name, metric in metrics.items()}
    for name, metric in metrics.items():
        if several and isinstance(metric, Loss):
            results.update({f"{name}.{term}": value for term, value in terms.items()})
    return results


def _copied(value: Any) -> Any:
    """Copy a result: a metric may return an array that it continues to update."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    return {name: _copied(each) for name, each in value.items()} if type(value) is dict else value


def accepts_sums(metric: Loss) -> bool:
    """Whether sums can be added to a `Loss`; a subclass with its own `update` gets the loss of each batch."""
    return getattr(metric.update, "__func__", None) is Loss.update
