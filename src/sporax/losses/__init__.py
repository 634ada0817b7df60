"""Loss functions on JAX arrays, with no Cell in sight.

A loss takes arrays (or what JAX takes for one) and returns unreduced values; `evaluate` also weights and
reduces them. They follow the caller's setting of 64-bit mode.

    >>> import jax, numpy as np
    >>> from sporax import losses
    >>> def objective(x):
    ...     return losses.evaluate(losses.mse_loss, x, np.array([1.0, 5.0], np.float32), reduction="mean")
    >>> jax.grad(objective)(np.array([2.0, 3.0], np.float32)).tolist()
    [1.0, -2.0]
"""

from sporax.losses._binary import binary_cross_entropy
from sporax.losses._classification import softmax_cross_entropy_with_logits, sparse_softmax_cross_entropy_with_logits
from sporax.losses._contract import Counted, LossFunction, hyper_parameter, loss_function
from sporax.losses._evaluate import evaluate, evaluate_sum_and_weight
from sporax.losses._examples import EXAMPLE_SIZES, example_inputs, example_shape
from sporax.losses._labels import debug_checks
from sporax.losses._metric import cosine_embedding_loss
from sporax.losses._reduce import REDUCTIONS, check_reduction, divide, reduce_loss, sum_and_weight
from sporax.losses._registry import by_cell, get, registry
from sporax.losses._regression import l1_loss, mse_loss, smooth_l1_loss
from sporax.losses._row import LossRow, Size, Sized
from sporax.losses._sampled import SampledValues, sampled_softmax_loss, uniform_candidate_sampler
from sporax.losses._softmax import log_softmax
from sporax.losses._spec import InputSpec, LossSpec, label, prediction, table

__all__ = [
    "EXAMPLE_SIZES",
    "REDUCTIONS",
    "Counted",
    "InputSpec",
    "LossFunction",
    "LossRow",
    "LossSpec",
    "SampledValues",
    "Size",
    "Sized",
    "binary_cross_entropy",
    "by_cell",
    "check_reduction",
    "cosine_embedding_loss",
    "debug_checks",
    "divide",
    "evaluate",
    "evaluate_sum_and_weight",
    "example_inputs",
    "example_shape",
    "get",
    "hyper_parameter",
    "l1_loss",
    "label",
    "log_softmax",
    "loss_function",
    "mse_loss",
    "prediction",
    "reduce_loss",
    "registry",
    "sampled_softmax_loss",
    "smooth_l1_loss",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "sum_and_weight",
    "table",
    "uniform_candidate_sampler",
]
