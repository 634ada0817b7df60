"""Metrics: what `Model.eval` and `Model.fit` measure. NumPy only."""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.train.metrics._accuracy import Accuracy
from sporax.train.metrics._base import Metric, rearrange_inputs
from sporax.train.metrics._confusion import ConfusionMatrix
from sporax.train.metrics._error import MAE, MSE
from sporax.train.metrics._loss import Loss
from sporax.train.metrics._precision_recall import F1, Fbeta, Precision, Recall
from sporax.train.metrics._registry import get_metric_fn, get_metrics, names
from sporax.train.metrics._topk import (
    Top1CategoricalAccuracy,
    Top5CategoricalAccuracy,
    TopKCategoricalAccuracy,
)

__all__ = [
    "F1", "MAE", "MSE", "Accuracy", "ConfusionMatrix", "Fbeta", "Loss", "Metric", "Precision", "Recall",
    "Top1CategoricalAccuracy", "Top5CategoricalAccuracy", "TopKCategoricalAccuracy", "get_metric_fn",
    "get_metrics", "names", "rearrange_inputs",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker shall see that a name is missing
    __getattr__ = missing_from(__name__)
