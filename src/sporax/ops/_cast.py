"""Dtypes: conversion and questions about them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.core import is_tensor as _is_tensor
from sporax.core.dtype import DType as _DType
from sporax.core.dtype import as_dtype, float32
from sporax.ops._args import Array, as_array, numpy_dtype
from sporax.ops._base import entered, lifted, op, primitive


@op
def cast(input: Any, dtype: Any) -> Array:
    """The same values as another dtype; towards an integer the fraction is cut off.

    Args:
        input: Tensor or number.
        dtype: the dtype.

    Returns:
        Tensor of the same shape.

    Raises:
        ArgumentTypeError: `dtype` names no dtype.

    Examples:
        >>> import sporax
        >>> from sporax import ops, Tensor
        >>> print(ops.cast(Tensor([1.7, -1.7]), sporax.int32))
        [ 1 -1]

    Source: `ops.cast` of MindSpore.
    """
    return as_array(input).astype(as_dtype(dtype).dtype)


@op(method=True)
def type_as(input: Array, other: Array) -> Array:
    """The same values as the dtype of another Tensor.

    Args:
        input: Tensor of any shape.
        other: Tensor that gives the dtype.

    Returns:
        Tensor of the shape of `input`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.type_as(Tensor([1.7]), Tensor([1])).dtype
        sporax.int64

    Source: `ops.type_as` of MindSpore.
    """
    return as_array(input).astype(as_array(other).dtype)


def _bitcast(x: Array, type: Any) -> Array:
    """The same bits read as another dtype."""
    array, wanted = as_array(x), as_dtype(type).dtype
    if array.dtype.itemsize == wanted.itemsize:
        return jax.lax.bitcast_convert_type(array, wanted)
    return array.view(wanted)


bitcast = lifted(_bitcast)


@op
def dtype(x: Array) -> _DType:
    """The element type.

    Args:
        x: Tensor of any shape.

    Returns:
        the dtype.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.dtype(Tensor([1.5])))
        Float32

    Source: `ops.dtype` of MindSpore.
    """
    return as_dtype(as_array(x).dtype)


@op
def scalar_to_tensor(input_x: Any, dtype: Any = float32) -> Array:
    """A Tensor of no axis, of a number.

    Args:
        input_x: the number.
        dtype: the dtype.

    Returns:
        Tensor of no axis.

    Examples:
        >>> from sporax import ops
        >>> print(ops.scalar_to_tensor(3))
        3.0

    Source: `ops.scalar_to_tensor` of MindSpore.
    """
    return jnp.asarray(input_x, numpy_dtype(dtype))


@op
def scalar_cast(input_x: Any, input_y: Any) -> Any:
    """A number as another kind of number.

    Args:
        input_x: the number.
        input_y: the dtype.

    Returns:
        int, float or bool.

    Examples:
        >>> import sporax
        >>> from sporax import ops
        >>> ops.scalar_cast(2.7, sporax.int32)
        2

    Source: `ops.scalar_cast` of MindSpore.
    """
    return as_dtype(input_y).dtype.type(input_x).item()


@op
def tuple_to_array(input_x: Any) -> Array:
    """A Tensor of a tuple of numbers.

    Args:
        input_x: tuple of numbers of one kind.

    Returns:
        Tensor of shape (n,): int32 for ints, float32 for floats.

    Examples:
        >>> from sporax import ops
        >>> print(ops.tuple_to_array((1, 2, 3)))
        [1 2 3]

    Source: `ops.tuple_to_array` of MindSpore.
    """
    array = as_array(input_x)
    return array.astype(np.int32) if array.dtype == np.int64 else array


@op
def identity(x: Any) -> Any:
    """The same value.

    Args:
        x: Tensor.

    Returns:
        Tensor of the same values.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.identity(Tensor([1.0])))
        [1.]

    Source: `ops.Identity` of MindSpore.
    """
    return as_array(x)


@op
def deepcopy(input_x: Any) -> Any:
    """A Tensor with data of its own.

    Args:
        input_x: Tensor.

    Returns:
        Tensor of the same values.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.deepcopy(Tensor([1.0])))
        [1.]

    Source: `ops.deepcopy` of MindSpore.
    """
    return jnp.array(as_array(input_x))


@op
def depend(value: Any, expr: Any) -> Any:
    """The first value. MindSpore orders its graph with this; sporax keeps the order of the program anyway.

    Args:
        value: what to return.
        expr: what should have run before.

    Returns:
        `value`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.depend(Tensor([1.0]), None))
        [1.]

    Source: `ops.depend` of MindSpore.
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


Cast = primitive("Cast", cast)
ScalarCast = primitive("ScalarCast", scalar_cast)
DType = primitive("DType", dtype)
ScalarToTensor = primitive("ScalarToTensor", scalar_to_tensor)
TupleToArray = primitive("TupleToArray", tuple_to_array)
Identity = primitive("Identity", identity)
Depend = primitive("Depend", depend)
