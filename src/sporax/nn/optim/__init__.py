"""Optimizers, learning-rate schedules, and optax in their place."""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.nn.optim.adagrad import Adagrad
from sporax.nn.optim.adam import Adam, AdamWeightDecay
from sporax.nn.optim.dynamic_lr import (
    cosine_decay_lr,
    exponential_decay_lr,
    inverse_decay_lr,
    natural_exp_decay_lr,
    piecewise_constant_lr,
    polynomial_decay_lr,
    warmup_lr,
)
from sporax.nn.optim.learning_rate_schedule import (
    CosineDecayLR,
    ExponentialDecayLR,
    InverseDecayLR,
    LearningRateSchedule,
    NaturalExpDecayLR,
    PolynomialDecayLR,
    WarmUpLR,
)
from sporax.nn.optim.momentum import Momentum
from sporax.nn.optim.optax_optimizer import OptaxOptimizer, as_optimizer
from sporax.nn.optim.optimizer import Optimizer, opt_init_args_register
from sporax.nn.optim.rmsprop import RMSProp
from sporax.nn.optim.sgd import SGD

__all__ = [
    "SGD", "Adagrad", "Adam", "AdamWeightDecay", "CosineDecayLR", "ExponentialDecayLR", "InverseDecayLR",
    "LearningRateSchedule", "Momentum", "NaturalExpDecayLR", "OptaxOptimizer", "Optimizer",
    "PolynomialDecayLR", "RMSProp", "WarmUpLR", "as_optimizer", "cosine_decay_lr", "exponential_decay_lr",
    "inverse_decay_lr", "natural_exp_decay_lr", "opt_init_args_register", "piecewise_constant_lr",
    "polynomial_decay_lr", "warmup_lr",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker shall see that a name is missing
    __getattr__ = missing_from(__name__)
