"""Sorting, largest elements, distinct elements, searching and counting."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax.ops._args import is_floating, widened
from sporax.ops._kinds import (
    Array,
    Axis,
    DType,
    Flag,
    Integer,
    Integral,
    Operand,
    OptionalArray,
    OptionalAxis,
    Real,
    Value,
    static_kind,
)
from sporax.ops._op import op, signature

Descending = Annotated[
    bool, static_kind(lambda value, *_: bool(value), "whether the maximum comes first instead of the minimum.", "bool")
]
Right = Annotated[
    bool,
    static_kind(
        lambda value, *_: bool(value), "whether the index is after equal elements instead of before them.", "bool"
    ),
]


def _side(value: Any, _: Any, where: str, name: str) -> str | None:
    return None if value is None else _check.one_of(value, ("left", "right"), name=name, where=f"ops.{where}")


Side = Annotated[
    Any,
    static_kind(
        _side,
        '"left" or "right": the same as `right` False or True.',
        "str | None",
        "ArgumentError: {name} is unknown.",
    ),
]


def _sorted(x: Any, axis: int, descending: bool) -> tuple[jax.Array, jax.Array]:
    if not x.shape:
        return x, jnp.zeros((), np.int32)
    order = jnp.argsort(x, axis=axis, stable=True, descending=descending)
    return jnp.take_along_axis(x, order, axis=axis), order.astype(np.int32)


@op(
    "ops.sort(input_x, axis=-1, descending=False)",
    "Tensor.sort(self, axis=-1, descending=False)",
    "ops.Sort(axis=-1, descending=False)(input_x)",
)
def sort(x: Real, axis: Axis, descending: Descending) -> tuple[jax.Array, jax.Array]:
    """Sort along an axis, and return the indices too. The sort is stable.

    Returns:
        (values, int32 indices), of the same shape. NaN counts as the maximum.

    Examples:
        >>> values, indices = ops.sort(Tensor([3.0, 1.0, 2.0]))
        >>> print(values, indices)
        [1. 2. 3.] [1 2 0]
    """
    return _sorted(x, axis, descending)


@op("ops.argsort(input, axis=-1, descending=False)", "Tensor.argsort(self, axis=-1, descending=False)")
def argsort(x: Real, axis: Axis, descending: Descending) -> jax.Array:
    """Indices that sort along an axis. The sort is stable.

    Returns:
        int32 Tensor of the same shape.

    Examples:
        >>> print(ops.argsort(Tensor([3.0, 1.0, 2.0])))
        [1 2 0]
    """
    return _sorted(x, axis, descending)[1]


@op("ops.msort(input)", "Tensor.msort(self)")
def msort(x: Real) -> jax.Array:
    """Sort along the first axis, in ascending order.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> print(ops.msort(Tensor([[3, 1], [2, 4]])))
        [[2 1]
         [3 4]]
    """
    return _sorted(x, 0, False)[0]


def _top_k(x: Any, k: int, axis: int, largest: bool, where: str) -> tuple[jax.Array, jax.Array]:
    length = x.shape[axis] if x.shape else 1
    if not 0 <= k <= length:
        raise ArgumentError(
            f"ops.{where}: `k` must be in [0, {length}] for axis {axis} of shape {x.shape}, but got {k}."
        )
    if not x.shape:
        return x, jnp.zeros((), np.int32)
    # The smallest elements are the largest of an order-reversing map: the negative of floats, the complement of ints.
    keys = x if largest else (-x if is_floating(x) else jnp.invert(x))
    indices = jax.lax.top_k(jnp.moveaxis(keys, axis, -1), k)[1]
    indices = jnp.moveaxis(indices, -1, axis)
    return jnp.take_along_axis(x, indices, axis=axis), indices.astype(np.int32)


@op(
    "ops.topk(input, k, dim=None, largest=True, sorted=True)",
    "Tensor.topk(self, k, dim=None, largest=True, sorted=True)",
)
def topk(x: Real, k: Integer, axis: OptionalAxis, largest: Flag, sorted: Flag) -> tuple[jax.Array, jax.Array]:
    """The k largest or smallest elements along an axis, and their indices.

    Args:
        k: the number of elements.
        axis: the axis. Default: the last.
        largest: whether to return the largest elements; False for the smallest.
        sorted: whether the result is sorted; it always is.

    Returns:
        (values, int32 indices), with the axis of length k.

    Raises:
        ArgumentError: `k` exceeds the length of the axis.

    Examples:
        >>> values, indices = ops.topk(Tensor([3.0, 1.0, 2.0]), 2)
        >>> print(values, indices)
        [3. 2.] [0 2]
    """
    return _top_k(x, k, max(x.ndim - 1, 0) if axis is None else axis, largest, "topk")


@op(
    "ops.top_k(input_x, k, sorted=True)",
    "Tensor.top_k(self, k, sorted=True)",
    "ops.TopK(sorted=True)(input_x, k)",
)
def top_k(x: Real, k: Integer, sorted: Flag) -> tuple[jax.Array, jax.Array]:
    """The k largest elements along the last axis, and their indices.

    Args:
        k: the number of elements.
        sorted: whether the result is sorted; it always is.

    Returns:
        (values, int32 indices), with the last axis of length k.

    Raises:
        ArgumentError: `k` exceeds the length of the axis.

    Examples:
        >>> values, indices = ops.top_k(Tensor([3.0, 1.0, 2.0]), 2)
        >>> print(values, indices)
        [3. 2.] [0 2]
    """
    return _top_k(x, k, max(x.ndim - 1, 0), True, "top_k")


def distinct(x: Any) -> tuple[np.ndarray, np.ndarray]:
    flat = np.asarray(x).reshape(-1)
    values, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return values[order], rank[inverse.reshape(-1)].astype(np.int64 if flat.dtype == np.int64 else np.int32)


@op("ops.unique(input)", "Tensor.unique(self)", "ops.Unique()(input)")
def unique(x: Array) -> tuple[jax.Array, jax.Array]:
    """Distinct elements, in the order of their first occurrence. The shape depends on values: it cannot be compiled.

    Args:
        x: Tensor of any shape; it is flattened.

    Returns:
        (values, indices): the distinct elements, and the index among them of each element of the input; indices are
        int64 for an int64 Tensor, else int32.

    Examples:
        >>> values, indices = ops.unique(Tensor([3, 1, 3, 2]))
        >>> print(values, indices)
        [3 1 2] [0 1 0 2]
    """
    values, indices = distinct(x)
    return jnp.asarray(values), jnp.asarray(indices)


@op("ops.unique_with_pad(x, pad_num)", "ops.UniqueWithPad()(x, pad_num)")
def unique_with_pad(x: Array, pad_num: Operand) -> tuple[jax.Array, jax.Array]:
    """Distinct elements in the order of their first occurrence, padded to the length of the input.

    Args:
        x: Tensor of one axis.
        pad_num: number: the padding value.

    Returns:
        (values, indices), both of the length of the input.

    Examples:
        >>> values, indices = ops.unique_with_pad(Tensor([3, 1, 3, 2]), 8)
        >>> print(values, indices)
        [3 1 2 8] [0 1 0 2]
    """
    values, indices = distinct(x)
    padded = np.full(x.size, pad_num, values.dtype)
    padded[: values.size] = values
    return jnp.asarray(padded), jnp.asarray(indices)


@op(
    "ops.unique_consecutive(input, return_inverse=False, return_counts=False, dim=None)",
    "Tensor.unique_consecutive(self, return_inverse=False, return_counts=False, dim=None)",
    "ops.UniqueConsecutive(return_inverse=False, return_counts=False, dim=None)(input)",
)
def unique_consecutive(x: Array, return_inverse: Flag, return_counts: Flag, axis: OptionalAxis) -> Any:
    """First element of each run of equal elements. The shape depends on values: it cannot be compiled.

    Args:
        return_inverse: whether to return the index of the run of each element too.
        return_counts: whether to return the length of each run too.
        axis: the axis whose slices are compared; None for the flattened Tensor.

    Returns:
        the elements, or a tuple of them and of the further results.

    Examples:
        >>> values, runs, counts = ops.unique_consecutive(Tensor([1, 1, 2, 1]), True, True)
        >>> print(values, runs, counts)
        [1 2 1] [0 0 1 2] [2 1 1]
    """
    host = np.asarray(x)
    rows = host.reshape(-1, 1) if axis is None else np.moveaxis(host, axis, 0).reshape(host.shape[axis], -1)
    starts = np.ones(len(rows), bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    kept = np.flatnonzero(starts)
    values = host.reshape(-1)[kept] if axis is None else np.take(host, kept, axis=axis)
    runs = (np.cumsum(starts) - 1).astype(np.int64)
    results = [jnp.asarray(values)]
    if return_inverse:
        results.append(jnp.asarray(runs.reshape(host.shape) if axis is None else runs))
    if return_counts:
        results.append(jnp.asarray(np.diff(np.append(kept, len(rows))).astype(np.int64)))
    return results[0] if len(results) == 1 else tuple(results)


def _searchsorted(rows: Any, values: Any, side: str) -> jax.Array:
    if rows.ndim == 1:
        return jnp.searchsorted(rows, values, side=side)
    if rows.shape[:-1] != values.shape[:-1]:
        raise ShapeError(
            f"ops.searchsorted: the leading axes of shapes {rows.shape} and {values.shape} must agree, or the "
            "sequence must have one axis."
        )

    def find(row: Any, value: Any) -> jax.Array:
        return jnp.searchsorted(row, value, side=side)

    for _ in range(rows.ndim - 1):
        find = jax.vmap(find)
    return find(rows, values)


@op(
    "ops.searchsorted(sorted_sequence, values, *, out_int32=False, right=False, side=None, sorter=None)",
    "mint.searchsorted(sorted_sequence, values, *, out_int32=False, right=False, side=None, sorter=None)",
    signature(
        "Tensor.searchsorted(self, v, side='left', sorter=None)",
        rename={"self": "sorted_sequence", "v": "values"},
        out_int32=False,
        right=False,
    ),
)
def searchsorted(
    sorted_sequence: Array, values: Array, out_int32: Flag, right: Right, side: Side, sorter: OptionalArray
) -> jax.Array:
    """Indices at which values can be inserted into sorted rows so that these stay sorted.

    Args:
        sorted_sequence: Tensor of shape (..., n), sorted along the last axis.
        values: Tensor or number; its leading axes are those of the sequence, or the sequence has one axis.
        out_int32: whether the result is int32 instead of int64.
        sorter: Tensor of the indices that sort the sequence.

    Returns:
        int64 or int32 Tensor of the shape of `values`.

    Raises:
        ShapeError: the leading axes differ.
        ArgumentError: `side` contradicts `right`.

    Examples:
        >>> print(ops.searchsorted(Tensor([1.0, 3.0, 5.0]), Tensor([3.0, 4.0])))
        [1 2]
    """
    if right and side == "left":
        raise ArgumentError("ops.searchsorted: `right` is True but `side` is 'left'; give one of them.")
    if sorter is not None:
        sorted_sequence = jnp.take_along_axis(sorted_sequence, sorter, axis=-1)
    found = _searchsorted(sorted_sequence, values, "right" if right or side == "right" else "left")
    return found.astype(np.int32 if out_int32 else np.int64)


@op("ops.SearchSorted(dtype=dtype.int64, right=False)(sorted_sequence, values)")
def _search_sorted(sorted_sequence: Array, values: Array, dtype: DType, right: Right) -> jax.Array:
    """Indices at which values can be inserted into sorted rows so that these stay sorted.

    Args:
        sorted_sequence: Tensor of shape (..., n), sorted along the last axis.
        values: Tensor or number; its leading axes are those of the sequence, or the sequence has one axis.
        dtype: the dtype: int32 or int64.
    """
    return _searchsorted(sorted_sequence, values, "right" if right else "left").astype(dtype)


@op("ops.bucketize(input, boundaries, *, right=False)")
def bucketize(x: Array, boundaries: Value, right: Flag) -> jax.Array:
    """Index of the interval between boundaries that contains each element.

    Args:
        boundaries: list of numbers in ascending order.
        right: whether an element equal to a boundary belongs to the interval above it instead of below.

    Returns:
        int32 Tensor of the same shape.

    Raises:
        ArgumentError: the boundaries are not in ascending order.

    Examples:
        >>> print(ops.bucketize(Tensor([0.0, 3.0, 9.0]), [1.0, 3.0, 5.0]))
        [0 1 3]
    """
    bounds = np.asarray(boundaries)
    if bounds.ndim != 1 or (np.diff(bounds) < 0).any():
        raise ArgumentError(f"ops.bucketize: `boundaries` must be an ascending list, but got {boundaries}.")
    return jnp.searchsorted(jnp.asarray(bounds), x, side="right" if right else "left").astype(np.int32)


@op(
    "ops.bincount(input, weights=None, minlength=0)",
    "mint.bincount(input, weights=None, minlength=0)",
    "Tensor.bincount(self, weights=None, minlength=0)",
)
def bincount(x: Integral, weights: OptionalArray, minlength: Integer) -> jax.Array:
    """Number of occurrences of each non-negative integer. The shape depends on values: it cannot be compiled.

    Args:
        x: Tensor of integers ≥ 0, of one axis.
        weights: Tensor of the same shape: the weight of each occurrence. Default: 1.
        minlength: the minimum length of the result.

    Returns:
        float32 Tensor of shape (max(input) + 1,), or of the dtype of floating weights.

    Raises:
        ArgumentError: a negative element.
        ShapeError: not one axis, or weights of another shape.

    Examples:
        >>> print(ops.bincount(Tensor([1, 1, 3])))
        [0. 2. 0. 1.]
    """
    if x.ndim != 1 or (weights is not None and weights.shape != x.shape):
        shape = x.shape if weights is None else f"{x.shape} and {weights.shape}"
        raise ShapeError(f"ops.bincount: `input` must have one axis, and `weights` its shape, but got {shape}.")
    host = np.asarray(x)
    if host.size and host.min() < 0:
        raise ArgumentError(f"ops.bincount: `input` must not be negative, but holds {host.min()}.")
    length = max(int(host.max()) + 1 if host.size else 0, minlength)
    dtype = np.dtype(np.float32) if weights is None or not is_floating(weights) else widened(weights).dtype
    counted = jnp.ones(x.shape, dtype) if weights is None else weights.astype(dtype)
    return jnp.zeros(length, dtype).at[x].add(counted)


@op("ops.Bincount()(array, size, weights)")
def _bincount(array: Array, size: Integer, weights: Array) -> jax.Array:
    """Number of occurrences of each non-negative integer below `size`; other elements are ignored.

    Args:
        size: the length of the result.
        weights: Tensor of the same shape, or an empty one for weights of 1.
    """
    x, weights = array.reshape(-1), weights.reshape(-1)
    counted = widened(weights) if weights.size else jnp.ones(x.shape, widened(weights).dtype)
    counts = jnp.zeros(size, counted.dtype).at[jnp.where(x < 0, size, x)].add(counted, mode="drop")
    return counts.astype(weights.dtype)
