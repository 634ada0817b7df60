"""MindSpore's `numpy`: functions of NumPy on Tensors, computed by `jax.numpy`, with derivatives.

Each is an operator as those of `ops`. Python ints give int32 and Python floats float32, as in MindSpore.

    >>> from sporax import numpy as mnp
    >>> print(mnp.tile(mnp.arange(2), 2), mnp.mean(mnp.array([1.0, 2.0])))
    [0 1 0 1] 1.5
"""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.core import dtype as _dtype
from sporax.numpy import _exceptions as _exceptions
from sporax.numpy import _names as _names
from sporax.numpy._grids import mgrid as mgrid
from sporax.numpy._grids import ogrid as ogrid
from sporax.ops import ELSEWHERE

_table = ELSEWHERE["numpy"]
globals().update(_table)

inf = PINF = float("inf")
NINF = -inf
nan = float("nan")
pi = 3.141592653589793

bool_ = _dtype.bool_
int8, int16, int32, int64 = _dtype.int8, _dtype.int16, _dtype.int32, _dtype.int64
uint8, uint16, uint32, uint64 = _dtype.uint8, _dtype.uint16, _dtype.uint32, _dtype.uint64
float16, float32, float64 = _dtype.float16, _dtype.float32, _dtype.float64
int_, uint, float_ = int32, uint32, float32

if not TYPE_CHECKING:  # for a type checker: __init__.pyi
    __all__ = sorted(
        {*_table, "NINF", "PINF", "inf", "mgrid", "nan", "ogrid", "pi"}
        | {"bool_", "float16", "float32", "float64", "float_", "int16", "int32", "int64", "int8", "int_"}
        | {"uint", "uint16", "uint32", "uint64", "uint8"}
    )
    __getattr__ = missing_from(__name__)
