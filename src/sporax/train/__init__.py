"""Training: Model, callbacks, metrics, checkpoints."""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.train.callback import (
    BackupAndRestore,
    Callback,
    CheckpointConfig,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    LossMonitor,
    ModelCheckpoint,
    ProgressBar,
    ReduceLROnPlateau,
    RunContext,
    RunParams,
    StopOnNonFinite,
    TimeMonitor,
)
from sporax.train.checkpoint import async_ckpt_thread_status, load_checkpoint, load_param_into_net, save_checkpoint
from sporax.train.metrics import (
    F1,
    MAE,
    MSE,
    Accuracy,
    ConfusionMatrix,
    Fbeta,
    Loss,
    Metric,
    Precision,
    Recall,
    Top1CategoricalAccuracy,
    Top5CategoricalAccuracy,
    TopKCategoricalAccuracy,
    get_metric_fn,
    get_metrics,
    names,
    rearrange_inputs,
)
from sporax.train.model import Model

__all__ = [
    "F1",
    "MAE",
    "MSE",
    "Accuracy",
    "BackupAndRestore",
    "Callback",
    "CheckpointConfig",
    "ConfusionMatrix",
    "EarlyStopping",
    "Fbeta",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "Loss",
    "LossMonitor",
    "Metric",
    "Model",
    "ModelCheckpoint",
    "Precision",
    "ProgressBar",
    "Recall",
    "ReduceLROnPlateau",
    "RunContext",
    "RunParams",
    "StopOnNonFinite",
    "TimeMonitor",
    "Top1CategoricalAccuracy",
    "Top5CategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "async_ckpt_thread_status",
    "get_metric_fn",
    "get_metrics",
    "load_checkpoint",
    "load_param_into_net",
    "names",
    "rearrange_inputs",
    "save_checkpoint",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker shall see that a name is missing
    __getattr__ = missing_from(__name__)
