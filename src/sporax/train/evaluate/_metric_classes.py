"""What an evaluation needs to know about the classes of metrics."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from sporax._errors import ShapeError, SporaxError
from sporax.train.metrics import Metric

_METRICS = "sporax.train.metrics."


def is_built_in(metric: Metric) -> bool:
    """Whether the `update` of a metric is one of sporax."""
    return type(metric).update.__module__.startswith(_METRICS)


def _built_in_class(metric: Metric) -> type[Metric]:
    """Return the class of sporax that a metric is an instance of."""
    return next(cls for cls in type(metric).__mro__ if cls.__module__.startswith(_METRICS))


def uses_indexes(metric: Metric) -> bool:
    """Whether `set_indexes` has an effect: an `update` of the class is decorated, or reads `indexes` itself."""
    if "update" in vars(metric):
        return True
    updates = [vars(cls)["update"] for cls in type(metric).__mro__ if "update" in vars(cls)]
    reads = {name for each in updates for name in getattr(getattr(each, "__code__", None), "co_names", ())}
    return any(hasattr(each, "rearranges") for each in updates) or not reads.isdisjoint({"indexes", "_indexes"})


def check_shapes(metric: Metric, values: Sequence[Any]) -> None:
    """Update a copy of the metric with zeros, so that it raises `ShapeError` for invalid shapes.

    Errors that depend on values are ignored: they are raised for a batch.
    """
    # A shallow copy and the class of sporax: no user code runs, and no file or network of a subclass is copied.
    trial = copy.copy(metric)
    _built_in_class(metric).clear(trial)
    trial.set_indexes(list(range(len(values))))
    try:
        trial.update(*(np.broadcast_to(np.zeros((), value._value.dtype), value.shape) for value in values))
    except ShapeError:
        raise
    except SporaxError:
        return
