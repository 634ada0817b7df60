"""Metrics by name."""

from __future__ import annotations

from typing import Any

from sporax import _check
from sporax._errors import ArgumentTypeError
from sporax.train.metrics._accuracy import Accuracy
from sporax.train.metrics._base import Metric
from sporax.train.metrics._confusion import ConfusionMatrix
from sporax.train.metrics._error import MAE, MSE
from sporax.train.metrics._loss import Loss
from sporax.train.metrics._precision_recall import F1, Fbeta, Precision, Recall
from sporax.train.metrics._topk import (
    Top1CategoricalAccuracy,
    Top5CategoricalAccuracy,
    TopKCategoricalAccuracy,
)

__all__ = ["get_metric_fn", "get_metrics", "names"]

_BY_NAME: dict[str, type[Metric]] = {
    "F1": F1,
    "acc": Accuracy,
    "accuracy": Accuracy,
    "confusion_matrix": ConfusionMatrix,
    "fbeta": Fbeta,
    "loss": Loss,
    "mae": MAE,
    "mse": MSE,
    "precision": Precision,
    "recall": Recall,
    "top_1_accuracy": Top1CategoricalAccuracy,
    "top_5_accuracy": Top5CategoricalAccuracy,
    "topk": TopKCategoricalAccuracy,
}


def names() -> list[str]:
    """Return the names that `Model(metrics=...)` and `get_metric_fn` accept.

    Examples:
        >>> "mae" in names()
        True

    Source: the function of the same name in MindSpore.
    """
    return sorted(_BY_NAME)


def get_metric_fn(name: str, *args: Any, **kwargs: Any) -> Metric:
    """Create a metric by name.

    Args:
        name: one of `names()`.
        args, kwargs: the arguments of its class.

    Raises:
        ArgumentError: the name is unknown.

    Examples:
        >>> type(get_metric_fn("accuracy", eval_type="multilabel"))
        <class 'sporax.train.metrics._accuracy.Accuracy'>

    Source: the function of the same name in MindSpore.
    """
    return _BY_NAME[_check.one_of(name, _BY_NAME, name="name", where="get_metric_fn")](*args, **kwargs)


def get_metrics(metrics: Any) -> dict[str, Metric]:
    """Return metrics by name from the argument of `Model(metrics=...)`; `loss` is first, so that it is printed first.

    Args:
        metrics: None; a name or a Metric; a set, list or tuple of these; or a dict of names to Metrics.

    Raises:
        ArgumentError: a name is unknown or repeated.
        ArgumentTypeError: another type.

    Examples:
        >>> list(get_metrics({"mae", "loss"}))
        ['loss', 'mae']
    """
    if metrics is None:
        return {}
    if isinstance(metrics, dict):
        for name, metric in metrics.items():
            if not isinstance(name, str) or not isinstance(metric, Metric):
                hint = f" Write {metric.__name__}()." if isinstance(metric, type) else ""
                raise ArgumentTypeError(
                    f"metrics: a dict must map names to Metrics, but got {name!r}: {metric!r}.{hint}"
                )
        return dict(metrics)
    if isinstance(metrics, (str, Metric)):
        metrics = [metrics]
    if not isinstance(metrics, (set, frozenset, list, tuple)):
        raise ArgumentTypeError(
            "metrics: give names (a set or a list), or a dict of names to Metrics, but got "
            f"{metrics!r} of type {type(metrics).__name__}."
        )
    # The order of a set differs between processes.
    ordered = sorted(metrics, key=str) if isinstance(metrics, (set, frozenset)) else list(metrics)
    found: dict[str, Metric] = {}
    for each in ordered:
        name = each if isinstance(each, str) else _default_name(each)
        if name in found:
            raise ArgumentTypeError(f"metrics: {name!r} occurs twice. Use a dict with different names.")
        found[name] = get_metric_fn(name) if isinstance(each, str) else each
    return dict(sorted(found.items(), key=lambda item: item[0] != "loss"))


def _default_name(metric: Any) -> str:
    if not isinstance(metric, Metric):
        hint = f" Write {metric.__name__}()." if isinstance(metric, type) else ""
        raise ArgumentTypeError(
            f"metrics: an element must be a name or a Metric, but got {metric!r} of type {type(metric).__name__}.{hint}"
        )
    known = [name for name, kind in _BY_NAME.items() if type(metric) is kind]
    return known[-1] if known else type(metric).__name__
