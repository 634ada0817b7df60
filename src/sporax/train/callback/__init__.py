"""Callbacks: what is told of each step and epoch of a run."""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.train.callback._backup import BackupAndRestore
from sporax.train.callback._base import Callback, RunContext, RunParams
from sporax.train.callback._checkpoint_config import CheckpointConfig
from sporax.train.callback._early_stopping import EarlyStopping
from sporax.train.callback._history import History
from sporax.train.callback._lambda import LambdaCallback
from sporax.train.callback._learning_rate import LearningRateScheduler, ReduceLROnPlateau
from sporax.train.callback._loss_monitor import LossMonitor
from sporax.train.callback._manager import CallbackList
from sporax.train.callback._model_checkpoint import ModelCheckpoint
from sporax.train.callback._non_finite import StopOnNonFinite
from sporax.train.callback._progress import ProgressBar
from sporax.train.callback._reading import LossReader, scalar_loss
from sporax.train.callback._time_monitor import TimeMonitor

__all__ = [
    "BackupAndRestore", "Callback", "CallbackList", "CheckpointConfig", "EarlyStopping", "History",
    "LambdaCallback", "LearningRateScheduler", "LossMonitor", "LossReader", "ModelCheckpoint", "ProgressBar",
    "ReduceLROnPlateau", "RunContext", "RunParams", "StopOnNonFinite", "TimeMonitor", "scalar_loss",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker shall see that a name is missing
    __getattr__ = missing_from(__name__)
