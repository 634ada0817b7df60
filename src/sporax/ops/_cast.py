"""Conversion of dtypes, and queries about them."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.core import is_tensor as _is_tensor
from sporax.core.dtype import DType as _DType
from sporax.core.dtype import as_dtype
from sporax.ops._base import entered
from sporax.ops._kinds import Array, DType, Kind, Operand, Value, plain, static_kind
from sporax.ops._op import op, signature

RequiredDType = Annotated[
    Any,
    static_kind(
        lambda value, *_: as_dtype(value).dtype, "the dtype.", "Any", "ArgumentTypeError: `dtype` is not a dtype."
    ),
]
Anything = Annotated[Any, Kind(lambda value, *_: plain(value), "any value.", "Any", data=True)]
"""Data of any structure, passed on as it is."""


@op("ops.cast(input, dtype)", "ops.Cast()(input, dtype)")
def cast(x: Array, dtype: RequiredDType) -> jax.Array:
    """Cast to another dtype; a float becomes an integer by truncation.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> import sporax
        >>> from sporax import ops, Tensor
        >>> print(ops.cast(Tensor([1.7, -1.7]), sporax.int32))
        [ 1 -1]
    """
    return x.astype(dtype)


def _cast_method(name: str, target: str) -> None:
    dtype = as_dtype(target).dtype

    def kernel(x: Array) -> jax.Array:
        return x.astype(dtype)

    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = f"Cast to {target}."
    op(f"Tensor.{name}(self)")(kernel)


for _name, _target in {
    "bool": "bool",
    "byte": "uint8",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "half": "float16",
    "bfloat16": "bfloat16",
    "float": "float32",
    "double": "float64",
}.items():
    _cast_method(_name, _target)
del _name, _target


@op("ops.type_as(input, other)", "Tensor.type_as(self, other)")
def type_as(x: Array, other: Array) -> jax.Array:
    """Cast to the dtype of another Tensor.

    Args:
        other: Tensor that gives the dtype.

    Returns:
        Tensor of the shape of `input`.

    Examples:
        >>> ops.type_as(Tensor([1.7]), Tensor([1])).dtype
        sporax.int64
    """
    return x.astype(other.dtype)


@op("ops.dtype(x)", "ops.DType()(x)")
def dtype(x: Array) -> _DType:
    """Return the dtype.

    Returns:
        the dtype.

    Examples:
        >>> print(ops.dtype(Tensor([1.5])))
        Float32
    """
    return as_dtype(x.dtype)


@op("ops.scalar_to_tensor(input_x, dtype=sporax.float32)", "ops.ScalarToTensor()(input_x, dtype=sporax.float32)")
def scalar_to_tensor(x: Operand, dtype: DType) -> jax.Array:
    """Convert a number to a 0-d Tensor.

    Args:
        x: the number.
        dtype: the dtype.

    Returns:
        0-d Tensor.

    Examples:
        >>> print(ops.scalar_to_tensor(3))
        3.0
    """
    return jnp.asarray(x, dtype)


@op(
    signature("ops.scalar_cast(input_x, input_y)", rename={"input_y": "dtype"}),
    signature("ops.ScalarCast()(input_x, input_y)", rename={"input_y": "dtype"}),
)
def scalar_cast(x: Value, dtype: RequiredDType) -> Any:
    """Convert a number to the Python type of a dtype.

    Args:
        x: the number.

    Returns:
        int, float or bool.

    Examples:
        >>> import sporax
        >>> from sporax import ops
        >>> ops.scalar_cast(2.7, sporax.int32)
        2
    """
    return dtype.type(x).item()


@op("ops.tuple_to_array(input_x)", "ops.TupleToArray()(input_x)")
def tuple_to_array(x: Array) -> jax.Array:
    """Convert a tuple of numbers to a Tensor.

    Args:
        x: tuple of numbers of one type.

    Returns:
        Tensor of shape (n,): int32 for ints, float32 for floats.

    Examples:
        >>> print(ops.tuple_to_array((1, 2, 3)))
        [1 2 3]
    """
    return x.astype(np.int32) if x.dtype == np.int64 else x


@op("ops.identity(x)", "ops.Identity()(x)")
def identity(x: Array) -> jax.Array:
    """Return the input.

    Returns:
        Tensor of the same values.

    Examples:
        >>> print(ops.identity(Tensor([1.0])))
        [1.]

    Source: `ops.Identity` of MindSpore.
    """
    return x


@op("ops.deepcopy(input_x)", "Tensor.clone(self)")
def deepcopy(x: Array) -> jax.Array:
    """Copy a Tensor; gradients flow through the copy.

    Returns:
        Tensor of the same values, with its own memory.

    Examples:
        >>> print(ops.deepcopy(Tensor([1.0])))
        [1.]
    """
    return jnp.array(x)


@op("ops.depend(value, expr)", "ops.Depend()(value, expr)")
def depend(value: Anything, expr: Anything) -> Any:
    """Return the first argument. MindSpore orders its graph with it; sporax always keeps the order of the program.

    Args:
        value: the result.
        expr: a value that must be computed before.

    Returns:
        `value`.

    Examples:
        >>> print(ops.depend(Tensor([1.0]), None))
        [1.]
    """
    del expr
    return value


@entered
def is_tensor(obj: Any) -> bool:
    """Whether a value is a Tensor.

    Args:
        obj: any value.

    Returns:
        bool.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.is_tensor(Tensor(1.0)), ops.is_tensor(1.0)
        (True, False)

    Source: `ops.is_tensor` of MindSpore.
    """
    return _is_tensor(obj)
