"""Operators in both forms: the function `ops.abs` and the class `ops.Abs`.

Importing this package gives Tensor its methods.

    >>> from sporax import ops, Tensor
    >>> print(ops.ReduceSum(keep_dims=True)(Tensor([[1.0, 2.0]]), 1), ops.sum(Tensor([[1.0, 2.0]]), 1))
    [[3.]] [3.]
"""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.ops import (  # the families enter their names in the tables of `_base`
    _activation as _activation,
    _addition as _addition,
    _axes as _axes,
    _binary as _binary,
    _candidates as _candidates,
    _cast as _cast,
    _clip as _clip,
    _combine as _combine,
    _control as _control,
    _conv as _conv,
    _creation as _creation,
    _cumulate as _cumulate,
    _diagonal as _diagonal,
    _distributions as _distributions,
    _dropout as _dropout,
    _elementwise as _elementwise,
    _functional as _functional,
    _gather as _gather,
    _gradients as _gradients,
    _inplace as _inplace,
    _interpolate as _interpolate,
    _join as _join,
    _linalg as _linalg,
    _logic as _logic,
    _loss as _loss,
    _loss_binary as _loss_binary,
    _loss_classes as _loss_classes,
    _loss_pairs as _loss_pairs,
    _loss_primitives as _loss_primitives,
    _loss_sequence as _loss_sequence,
    _methods as _methods,
    _norm as _norm,
    _pad as _pad,
    _pool as _pool,
    _random as _random,
    _reduce as _reduce,
    _scatter as _scatter,
    _scatter_state as _scatter_state,
    _select as _select,
    _shape as _shape,
    _softmax as _softmax,
    _sort as _sort,
    _special as _special,
    _state as _state,
    _statistics as _statistics,
)
from sporax.ops._base import attach_methods, public

_names = public()
globals().update(_names)
attach_methods()

if not TYPE_CHECKING:  # for a type checker: __init__.pyi
    __all__ = list(_names)
    __getattr__ = missing_from(__name__)
