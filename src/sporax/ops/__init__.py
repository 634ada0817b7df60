"""Operators in both forms: the function `ops.abs` and the class `ops.Abs`.

Importing this package gives Tensor its methods.

    >>> from sporax import ops, Tensor
    >>> print(ops.ReduceSum(keep_dims=True)(Tensor([[1.0, 2.0]]), 1), ops.sum(Tensor([[1.0, 2.0]]), 1))
    [[3.]] [3.]
"""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.ops import (  # the families register their names in the tables of `_base`
    _activation as _activation,
)
from sporax.ops import (
    _axes as _axes,
)
from sporax.ops import (
    _binary as _binary,
)
from sporax.ops import (
    _candidates as _candidates,
)
from sporax.ops import (
    _cast as _cast,
)
from sporax.ops import (
    _clip as _clip,
)
from sporax.ops import (
    _combine as _combine,
)
from sporax.ops import (
    _control as _control,
)
from sporax.ops import (
    _conv as _conv,
)
from sporax.ops import (
    _creation as _creation,
)
from sporax.ops import (
    _cumulate as _cumulate,
)
from sporax.ops import (
    _diagonal as _diagonal,
)
from sporax.ops import (
    _distributions as _distributions,
)
from sporax.ops import (
    _dropout as _dropout,
)
from sporax.ops import (
    _elementwise as _elementwise,
)
from sporax.ops import (
    _functional as _functional,
)
from sporax.ops import (
    _gather as _gather,
)
from sporax.ops import (
    _gradients as _gradients,
)
from sporax.ops import (
    _inplace as _inplace,
)
from sporax.ops import (
    _interpolate as _interpolate,
)
from sporax.ops import (
    _join as _join,
)
from sporax.ops import (
    _linalg as _linalg,
)
from sporax.ops import (
    _logic as _logic,
)
from sporax.ops import (
    _loss as _loss,
)
from sporax.ops import (
    _loss_binary as _loss_binary,
)
from sporax.ops import (
    _loss_classes as _loss_classes,
)
from sporax.ops import (
    _loss_ctc as _loss_ctc,
)
from sporax.ops import (
    _loss_pairs as _loss_pairs,
)
from sporax.ops import (
    _loss_sequence as _loss_sequence,
)
from sporax.ops import (
    _matrix_sums as _matrix_sums,
)
from sporax.ops import (
    _methods as _methods,
)
from sporax.ops import (
    _norm as _norm,
)
from sporax.ops import (
    _pad as _pad,
)
from sporax.ops import (
    _pool as _pool,
)
from sporax.ops import (
    _random as _random,
)
from sporax.ops import (
    _reduce as _reduce,
)
from sporax.ops import (
    _scatter as _scatter,
)
from sporax.ops import (
    _scatter_state as _scatter_state,
)
from sporax.ops import (
    _select as _select,
)
from sporax.ops import (
    _shape as _shape,
)
from sporax.ops import (
    _softmax as _softmax,
)
from sporax.ops import (
    _sort as _sort,
)
from sporax.ops import (
    _special as _special,
)
from sporax.ops import (
    _state as _state,
)
from sporax.ops import (
    _statistics as _statistics,
)
from sporax.ops._base import ELSEWHERE as ELSEWHERE
from sporax.ops._base import attach_methods, public

_names = public()
globals().update(_names)
attach_methods()

if not TYPE_CHECKING:  # for a type checker: __init__.pyi
    __all__ = list(_names)
    __getattr__ = missing_from(__name__)
