"""Dtypes, printed as in MindSpore: `sporax.float32` prints `Float32`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentTypeError


class DType:
    """An element type. The instances are singletons, so `is` and `==` agree.

    Examples:
        >>> import sporax
        >>> print(sporax.float32, repr(sporax.float32))
        Float32 sporax.float32
        >>> import numpy as np
        >>> np.dtype(sporax.float32)
        dtype('float32')
    """

    __slots__ = ("dtype", "name")

    def __init__(self, name: str, dtype: Any) -> None:
        self.name = name
        self.dtype = np.dtype(dtype)

    def __str__(self) -> str:
        return _PRINTED.get(self.name, self.name.capitalize())

    def __repr__(self) -> str:
        return f"sporax.{self.name}"

    def __reduce__(self) -> str | tuple[Any, ...]:
        return (as_dtype, (self.dtype.name,))

    @property
    def itemsize(self) -> int:
        """The number of bytes of an element."""
        return self.dtype.itemsize

    @property
    def is_floating_point(self) -> bool:
        """Whether this is a real floating dtype."""
        return bool(jnp.issubdtype(self.dtype, np.floating))

    @property
    def is_complex(self) -> bool:
        """Whether this is a complex dtype."""
        return self.dtype.kind == "c"

    @property
    def is_signed(self) -> bool:
        """Whether values of this dtype can be negative."""
        return self.dtype.kind not in "ub"


_PRINTED = {
    "bool_": "Bool",
    "uint8": "UInt8",
    "uint16": "UInt16",
    "uint32": "UInt32",
    "uint64": "UInt64",
    "bfloat16": "BFloat16",
}

bool_ = DType("bool_", np.bool_)
int8 = DType("int8", np.int8)
int16 = DType("int16", np.int16)
int32 = DType("int32", np.int32)
int64 = DType("int64", np.int64)
uint8 = DType("uint8", np.uint8)
uint16 = DType("uint16", np.uint16)
uint32 = DType("uint32", np.uint32)
uint64 = DType("uint64", np.uint64)
float16 = DType("float16", np.float16)
bfloat16 = DType("bfloat16", jnp.bfloat16)
float32 = DType("float32", np.float32)
float64 = DType("float64", np.float64)
complex64 = DType("complex64", np.complex64)
complex128 = DType("complex128", np.complex128)

ALL_DTYPES = (
    bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex64, complex128,
)  # fmt: skip

_BY_NUMPY: dict[Any, DType] = {each.dtype: each for each in ALL_DTYPES}
_BY_NAME: dict[str, DType] = {each.dtype.name: each for each in ALL_DTYPES} | {"bool_": bool_}
_BY_PYTHON: dict[type, DType] = {bool: bool_, int: int64, float: float32, complex: complex64}

_CONVERTS: dict[Any, DType] = {float: float64, "float": float64, "int": int64}
"""Types that MindSpore's conversions map to other dtypes than its constructors."""


def as_dtype(value: Any) -> DType:
    """Return the DType of a DType, a NumPy or JAX dtype, a name, or a Python number type.

    As in MindSpore's constructors, `int` is int64 and `float` is float32; for `Tensor.astype` and `pytype_to_dtype`,
    `float` is float64.

    Raises:
        ArgumentTypeError: `value` is not a dtype of sporax.

    Examples:
        >>> import numpy as np
        >>> as_dtype(np.int32), as_dtype("float16"), as_dtype(float)
        (sporax.int32, sporax.float16, sporax.float32)
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, type) and value in _BY_PYTHON:
        return _BY_PYTHON[value]
    if isinstance(value, str):
        found = _BY_NAME.get(value.lower())
    else:
        try:
            found = None if value is None else _BY_NUMPY.get(np.dtype(value))
        except TypeError:
            found = None
    if found is None:
        known = ", ".join(each.name for each in ALL_DTYPES)
        raise ArgumentTypeError(f"{value!r} is not a dtype that sporax has. It has: {known}.")
    return found


def from_numpy_dtype(dtype: Any) -> DType:
    """Return the DType of a NumPy dtype object: a fast look-up for `Tensor.dtype`."""
    return _BY_NUMPY[dtype] if dtype in _BY_NUMPY else as_dtype(dtype)


def dtype_to_nptype(type_: DType) -> type:
    """Return the NumPy scalar type of a dtype.

    Examples:
        >>> dtype_to_nptype(int8)
        <class 'numpy.int8'>
    """
    return as_dtype(type_).dtype.type


def dtype_to_pytype(type_: DType) -> type:
    """Return the Python type of a value of a dtype.

    Examples:
        >>> dtype_to_pytype(float16)
        <class 'float'>
    """
    kind = as_dtype(type_)
    if kind is bool_:
        return bool
    if kind.is_complex:
        return complex
    return float if kind.is_floating_point else int


def pytype_to_dtype(obj: type) -> DType:
    """Return the dtype of a Python or NumPy type.

    Examples:
        >>> pytype_to_dtype(bool)
        sporax.bool_
        >>> pytype_to_dtype(float)
        sporax.float64
    """
    return _CONVERTS.get(obj) or as_dtype(obj)
