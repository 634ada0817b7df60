"""Training: Model, callbacks, metrics, checkpoints."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.train.callback import *
from sporax.train.checkpoint import async_ckpt_thread_status as async_ckpt_thread_status
from sporax.train.checkpoint import load_checkpoint as load_checkpoint
from sporax.train.checkpoint import load_param_into_net as load_param_into_net
from sporax.train.checkpoint import save_checkpoint as save_checkpoint
from sporax.train.metrics import *
from sporax.train.model import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(
        __name__, "async_ckpt_thread_status", "load_checkpoint", "load_param_into_net", "save_checkpoint"
    )
    __getattr__ = missing_from(__name__)
