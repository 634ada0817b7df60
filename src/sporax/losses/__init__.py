"""Loss functions on JAX arrays, without depending on Cell.

Every loss is called in one way:

    fn(*inputs, **hyper_parameters, reduction="none", weights=None)

It takes arrays, or what JAX takes for one, and returns unreduced values. With `reduction` "mean", "sum" or "batchmean"
it returns a scalar, as `jax.grad` needs; `weights` broadcasts to the values, and a weight of 0 removes a sample. Half
precision is computed and reduced in float32, and rounded once. `evaluate` does the same for any other function. The
functions follow the caller's setting of 64-bit mode.

    >>> import functools, jax, numpy as np
    >>> from sporax import losses
    >>> x, y = np.array([2.0, 3.0], np.float32), np.array([1.0, 5.0], np.float32)
    >>> losses.mse_loss(x, y).tolist()
    [1.0, 4.0]
    >>> jax.grad(functools.partial(losses.mse_loss, reduction="mean"))(x, y).tolist()
    [1.0, -2.0]
    >>> losses.mse_loss(x, np.array([1.0, np.nan], np.float32), reduction="mean", weights=[1.0, 0.0]).item()
    1.0
"""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.losses._adaptive import *
from sporax.losses._balanced import *
from sporax.losses._binary import *
from sporax.losses._binary_focal import *
from sporax.losses._boxes import *
from sporax.losses._classification import *
from sporax.losses._contrastive import *
from sporax.losses._ctc import *
from sporax.losses._divergence import *
from sporax.losses._fenchel_young import *
from sporax.losses._focal import *
from sporax.losses._linear import *
from sporax.losses._lovasz import *
from sporax.losses._margin import *
from sporax.losses._metric import *
from sporax.losses._mining import *
from sporax.losses._nce import *
from sporax.losses._noisy import *
from sporax.losses._ordinal import *
from sporax.losses._piecewise import *
from sporax.losses._preference import *
from sporax.losses._probabilistic import *
from sporax.losses._proxy import *
from sporax.losses._ranking import *
from sporax.losses._registry import *
from sporax.losses._regression import *
from sporax.losses._relative import *
from sporax.losses._rnnt import *
from sporax.losses._robust import *
from sporax.losses._sampled import *
from sporax.losses._scoring import *
from sporax.losses._segmentation import *
from sporax.losses._triplet import *
from sporax.losses.contract._convention import *
from sporax.losses.contract._convention import contract_loss as contract_loss
from sporax.losses.contract._evaluate import *
from sporax.losses.contract._examples import *
from sporax.losses.contract._info import *
from sporax.losses.contract._labels import *
from sporax.losses.contract._labels import enforce_values as enforce_values
from sporax.losses.contract._loss_function import *
from sporax.losses.contract._observer import observed_by as observed_by
from sporax.losses.contract._parameters import *
from sporax.losses.contract._reduce import *
from sporax.losses.contract._spec import *
from sporax.losses.numerics._softmax import *

if not TYPE_CHECKING:  # for a type checker: __init__.pyi
    __all__ = exported(__name__)
    __getattr__ = missing_from(__name__)
