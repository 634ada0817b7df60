"""Indexing of Tensors by NumPy's rules, with an error for indices out of range, which JAX would clamp."""

from __future__ import annotations

import numbers
from typing import Any

import jax
import numpy as np

from sporax._errors import ShapeError
from sporax._jax_compat import is_tracer
from sporax.core._arith import summed_wide

Array = Any


def normalize(index: Any, shape: tuple[int, ...]) -> Any:
    """Return the index with arrays for Tensors and lists, after a check of concrete integers against `shape`.

    As in MindSpore, a list that contains anything but ints and bools is a tuple: `x[[[0, 1], [1, 0]]]` is
    `x[[0, 1], [1, 0]]`.

    Raises:
        IndexError: there are too many indices, or an index is out of range.
    """
    if isinstance(index, list) and not all(isinstance(part, (numbers.Integral, np.bool_)) for part in index):
        index = tuple(index)
    parts = index if isinstance(index, tuple) else (index,)
    parts = tuple(_plain(part) for part in parts)
    _check(parts, shape)
    return parts if isinstance(index, tuple) else parts[0]


def is_basic(index: Any) -> bool:
    """Return whether an index consists of ints, slices, `...` and None, so that the result is a slice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        isinstance(part, (int, slice, numbers.Integral)) or part is None or part is Ellipsis for part in parts
    ) and not any(isinstance(part, bool) for part in parts)


def part(array: Array, index: Any) -> Array:
    """Return the elements of an array at a normalized index."""
    if is_basic(index):
        return array[index]
    return summed_wide(array, lambda value: value[index])


def with_part(array: Array, index: Any, new: Array) -> Array:
    """Return an array with other elements at a normalized index.

    Raises:
        ShapeError: `new` does not broadcast to the shape of the elements.
    """
    try:
        return array.at[index].set(new.astype(array.dtype))
    except ValueError as error:
        selected = jax.eval_shape(lambda old: old[index], array).shape
        raise ShapeError(
            f"values of shape {new.shape} cannot be assigned to the elements, of shape {selected}, that the index "
            f"selects in a Tensor of shape {array.shape}."
        ) from error


def _plain(part: Any) -> Any:
    # Duck typing, because tensor.py imports this file.
    if hasattr(part, "_value") and not isinstance(part, jax.Array):
        part = part._value
    if isinstance(part, (str, bytes, float, complex, dict, set)):
        raise IndexError(
            f"a Tensor is indexed by ints, slices, `...`, None, bools, and Tensors or lists of ints or bools, but "
            f"got {part!r} of type {type(part).__name__}."
        )
    if isinstance(part, (list, range)):
        return np.asarray(part, dtype=np.int64 if len(part) == 0 else None)
    if isinstance(part, slice):
        return slice(*(_slice_bound(each) for each in (part.start, part.stop, part.step)))
    return part


def _slice_bound(bound: Any) -> Any:
    return bound if bound is None else bound.__index__()


def _consumed(part: Any) -> int:
    if part is None or part is Ellipsis or isinstance(part, (bool, np.bool_)):
        return 0
    if hasattr(part, "dtype") and part.dtype == np.bool_:
        return part.ndim
    return 1


def _check(parts: tuple[Any, ...], shape: tuple[int, ...]) -> None:
    needed = sum(_consumed(part) for part in parts)
    if needed > len(shape):
        raise IndexError(f"Tensor of shape {shape} has {len(shape)} dimensions, but the index has {needed}: {parts}.")
    axis = 0
    for part in parts:
        if part is Ellipsis:
            axis += len(shape) - needed
            continue
        width = _consumed(part)
        if width == 1:
            _check_axis(part, axis, shape)
        axis += width


def _check_axis(part: Any, axis: int, shape: tuple[int, ...]) -> None:
    size = shape[axis]
    if isinstance(part, numbers.Integral):
        low = high = int(part)
    elif hasattr(part, "dtype") and part.dtype.kind in "iu" and part.size and not is_tracer(part):
        values = np.asarray(part)
        low, high = int(values.min()), int(values.max())
    else:
        return
    if low < -size or high >= size:
        wrong = low if low < -size else high
        raise IndexError(
            f"index {wrong} is out of range for axis {axis} of a Tensor of shape {shape}: "
            f"it must be in [{-size}, {size - 1}]."
        )
