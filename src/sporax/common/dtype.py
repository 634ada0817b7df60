"""MindSpore's module `common.dtype`: the dtypes, with all their names in MindSpore.

>>> from sporax.common import dtype as mstype
>>> mstype.half is mstype.float16
True
"""

from sporax.core.dtype import (
    DType,
    bfloat16,
    bool_,
    complex64,
    complex128,
    dtype_to_nptype,
    dtype_to_pytype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    pytype_to_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)  # fmt: skip

Type = DType
byte, ubyte = int8, uint8
short, ushort = int16, uint16
intc, uintc = int32, uint32
long = intp = int64
uintp = uint64
half, single, double = float16, float32, float64
cfloat, cdouble = complex64, complex128

__all__ = [
    "DType", "Type", "bfloat16", "bool_", "byte", "cdouble", "cfloat", "complex64", "complex128",
    "double", "dtype_to_nptype", "dtype_to_pytype", "float16", "float32", "float64", "half", "int8",
    "int16", "int32", "int64", "intc", "intp", "long", "pytype_to_dtype", "short", "single", "ubyte",
    "uint8", "uint16", "uint32", "uint64", "uintc", "uintp", "ushort",
]  # fmt: skip
