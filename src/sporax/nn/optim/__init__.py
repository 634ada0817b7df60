"""Optimizers, learning-rate schedules, and optimizers of optax."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.nn.optim.adagrad import *
from sporax.nn.optim.adam import *
from sporax.nn.optim.dynamic_lr import *
from sporax.nn.optim.learning_rate_schedule import *
from sporax.nn.optim.momentum import *
from sporax.nn.optim.optax_optimizer import *
from sporax.nn.optim.optimizer import *
from sporax.nn.optim.optimizer import opt_init_args_register as opt_init_args_register
from sporax.nn.optim.rmsprop import *
from sporax.nn.optim.sgd import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
    __getattr__ = missing_from(__name__)
