"""Callbacks, which are called in each step and epoch of a run."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.train.callback._backup import *
from sporax.train.callback._base import *
from sporax.train.callback._checkpoint_config import *
from sporax.train.callback._early_stopping import *
from sporax.train.callback._history import *
from sporax.train.callback._lambda import *
from sporax.train.callback._learning_rate import *
from sporax.train.callback._loss_monitor import *
from sporax.train.callback._manager import CallbackList as CallbackList
from sporax.train.callback._model_checkpoint import *
from sporax.train.callback._non_finite import *
from sporax.train.callback._progress import *
from sporax.train.callback._reading import LossReader as LossReader
from sporax.train.callback._reading import scalar_loss as scalar_loss
from sporax.train.callback._time_monitor import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
    __getattr__ = missing_from(__name__)
