"""Preparation of the arguments of ops: conversion to arrays, and checks of axes, shapes and dtypes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, OutOfRangeError, ShapeError
from sporax._jax_compat import is_tracer
from sporax._value_checks import check_when_known
from sporax.core import to_array
from sporax.core.dtype import as_dtype

Array = Any
"""Inside an implementation every Tensor is a JAX array already."""


def as_array(value: Any) -> Array:
    """Convert to a JAX array; numbers and lists get MindSpore's dtypes."""
    return value if isinstance(value, jax.Array) else to_array(value)


def as_dtype_of(value: Any, array: Array) -> Array:
    """Convert `value` to a JAX array with the dtype of `array`; a Python number is rounded once."""
    if isinstance(value, (bool, int, float, complex)):
        return jnp.asarray(value, array.dtype)
    return as_array(value).astype(array.dtype)


def as_floating(value: Any) -> Array:
    """Convert to a JAX array of floating or complex dtype; integers and bools become float32."""
    array = as_array(value)
    return array.astype(np.float32) if array.dtype.kind in "iub" else array


def widened(array: Array) -> Array:
    """Convert half precision, in which squares overflow and sums stop growing, to float32."""
    return array.astype(np.float32) if is_floating(array) and array.dtype.itemsize < 4 else array


def is_floating(array: Array) -> bool:
    """Return whether the dtype is floating, bfloat16 included; complex is not."""
    return bool(jnp.issubdtype(array.dtype, np.floating))


def check_kind(array: Array, kinds: str, *, where: str, name: str = "input") -> None:
    """Check that the dtype of `array` is of one of NumPy's `kinds`; "f" includes bfloat16."""
    kind = "f" if is_floating(array) else array.dtype.kind
    if kind not in kinds:
        raise DtypeError(
            f"ops.{where}: `{name}` must be of a dtype among {words_of(kinds)}, but got {as_dtype(array.dtype)}. "
            f"Cast it first, with .astype(...)."
        )


def words_of(kinds: str) -> str:
    """NumPy's kinds of dtype in words."""
    words = {"b": "bool", "i": "int", "u": "unsigned int", "f": "float", "c": "complex"}
    return ", ".join(words[each] for each in kinds)


def check_broadcast(where: str, *arrays: Any) -> tuple[int, ...]:
    """The shape that the arrays broadcast to.

    Raises:
        ShapeError: they do not broadcast; both shapes are named.
    """
    shapes = [np.shape(each) for each in arrays]
    if all(shape == shapes[0] for shape in shapes):
        return shapes[0]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        named = " and ".join(str(shape) for shape in shapes)
        raise ShapeError(
            f"ops.{where}: shapes {named} do not broadcast. Sizes must agree axis by axis from the right, "
            "or one of them be 1."
        ) from None


def as_int(value: Any, *, where: str, name: str) -> int:
    """A Python int from an int or a 0-d integer Tensor."""
    if isinstance(value, (bool, float)):
        raise ArgumentTypeError(
            f"ops.{where}: `{name}` must be an int, but got {value!r} of type {type(value).__name__}."
        )
    try:
        return value.__index__()
    except AttributeError:
        pass
    except TypeError:
        if is_tracer(value):
            raise
    if hasattr(value, "size") and value.size == 1 and value.dtype.kind in "iu":
        return int(value.reshape(()))
    raise ArgumentTypeError(f"ops.{where}: `{name}` must be an int, but got {value!r} of type {type(value).__name__}.")


def as_ints(value: Any, *, where: str, name: str) -> tuple[int, ...]:
    """A tuple of Python ints from an int, a sequence, or an integer Tensor."""
    if hasattr(value, "dtype") and hasattr(value, "ndim"):
        if value.ndim == 0:
            return (as_int(value, where=where, name=name),)
        value = np.asarray(value).tolist()
    if isinstance(value, (list, tuple)):
        return tuple(as_int(each, where=where, name=name) for each in value)
    return (as_int(value, where=where, name=name),)


def spread(values: tuple[Any, ...]) -> Any:
    """Return the tuple of `f(2, 3)` or `f((2, 3))`, for methods that accept both."""
    return values[0] if len(values) == 1 and not isinstance(values[0], int) else values


def one_axis(axis: Any, array: Array, *, where: str, name: str = "axis", new: bool = False) -> int:
    """`axis` as a number ≥ 0.

    Args:
        axis: an integer; negative ones count from the end.
        array: the array whose axis it is.
        where, name: for the message.
        new: whether it is the place of an axis that is to be inserted.

    Raises:
        ArgumentError: it is out of range; names the axis, the shape and the range.
    """
    number = as_int(axis, where=where, name=name)
    rank = len(array.shape) + new
    # A 0-d array counts as one element along an axis, as in MindSpore.
    bound = rank or 1
    if not -bound <= number < bound:
        raise ArgumentError(
            f"ops.{where}: `{name}` must be in [{-bound}, {bound - 1}] for a Tensor of shape {array.shape}, "
            f"but got {number}."
        )
    return number + bound if number < 0 else number


def axes(axis: Any, array: Array, *, where: str, name: str = "axis") -> tuple[int, ...]:
    """The axes to reduce, each ≥ 0: None and () mean all of them.

    Raises:
        ArgumentError: one is out of range, or named twice.
    """
    if axis is None:
        return tuple(np.arange(len(array.shape)).tolist())
    numbers = as_ints(axis, where=where, name=name)
    if not numbers:
        return tuple(np.arange(len(array.shape)).tolist())
    found = tuple(one_axis(each, array, where=where, name=name) for each in numbers)
    if len(set(found)) != len(found):
        raise ArgumentError(f"ops.{where}: `{name}` must name each axis once, but got {axis}.")
    return found if array.shape else ()


def as_shape(value: Any, *, where: str, name: str = "shape", free: bool = False) -> tuple[int, ...]:
    """Return a shape from an int, a sequence or a Tensor; `free` allows sizes of -1."""
    sizes = as_ints(value, where=where, name=name)
    if sizes and min(sizes) < (-1 if free else 0):
        raise ArgumentError(f"ops.{where}: sizes of `{name}` must not be negative, but got {sizes}.")
    return sizes


def numpy_dtype(dtype: Any, default: Any = None) -> Any:
    """Return the NumPy dtype of what MindSpore accepts as a dtype, or `default` for None."""
    return default if dtype is None else as_dtype(dtype).dtype


def check_indices(indices: Array, size: int, *, where: str, name: str, lowest: int | None = None) -> None:
    """Concrete indices must be in [-size, size - 1], or from `lowest` on.

    Traced ones pass: their values are not known.

    Raises:
        DtypeError: they are not integers.
        OutOfRangeError: one is outside; names the first.
    """
    check_kind(indices, "iu", where=where, name=name)
    if indices.size:
        low = -size if lowest is None else lowest
        check_when_known(functools.partial(_check_range, low=low, size=size, where=where, name=name), indices)


def _check_range(indices: Array, *, low: int, size: int, where: str, name: str) -> None:
    values = np.asarray(indices).reshape(-1)
    wrong = (values < low) | (values >= size)
    if wrong.any():
        raise OutOfRangeError(
            f"ops.{where}: `{name}` must be in [{low}, {size - 1}], but got {values[wrong.argmax()]}."
        )


def arrays_of(values: Any, *, where: str, name: str) -> list[Array]:
    """Return the arrays of a non-empty tuple or list of Tensors.

    Raises:
        ArgumentTypeError: `values` is not a sequence.
        ArgumentError: it is empty.
    """
    if not isinstance(values, Sequence):
        raise ArgumentTypeError(
            f"ops.{where}: `{name}` must be a tuple or list of Tensors, but got {type(values).__name__}."
        )
    if not values:
        raise ArgumentError(f"ops.{where}: `{name}` must hold at least one Tensor, but it is empty.")
    return [as_array(each) for each in values]
