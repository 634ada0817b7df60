"""MindSpore's package `common`: tensors, parameters, dtypes, seeds and initializers, re-exported."""

from sporax.common import api, dtype, initializer, parameter, seed, tensor
from sporax.common.api import jit, ms_function, recompute
from sporax.common.dtype import (
    bfloat16,
    bool_,
    byte,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    dtype_to_nptype,
    dtype_to_pytype,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    intc,
    intp,
    long,
    pytype_to_dtype,
    short,
    single,
    ubyte,
    uint8,
    uint16,
    uint32,
    uint64,
    uintc,
    uintp,
    ushort,
)  # fmt: skip
from sporax.common.parameter import Parameter, ParameterTuple
from sporax.common.seed import Generator, default_generator, get_seed, set_seed
from sporax.common.tensor import Tensor, is_tensor

__all__ = [
    "Generator", "Parameter", "ParameterTuple", "Tensor", "api", "bfloat16", "bool_", "byte", "cdouble",
    "cfloat", "complex64", "complex128", "default_generator", "double", "dtype", "dtype_to_nptype",
    "dtype_to_pytype", "float16", "float32", "float64", "get_seed", "half", "initializer", "int8",
    "int16", "int32", "int64", "intc", "intp", "is_tensor", "jit", "long", "ms_function", "parameter",
    "pytype_to_dtype", "recompute", "seed", "set_seed", "short", "single", "tensor", "ubyte", "uint8",
    "uint16", "uint32", "uint64", "uintc", "uintp", "ushort",
]  # fmt: skip
