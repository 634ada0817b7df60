"""Order: sorting, the largest elements, distinct elements, searching."""

from __future__ import annotations

import builtins
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax.core.dtype import int64
from sporax.ops._args import Array, as_array, check_kind, is_floating, numpy_dtype, one_axis, whole, widened
from sporax.ops._base import lifted, op, primitive


def _sorted(input: Any, axis: Any, descending: bool, where: str) -> tuple[Array, Array]:
    x = as_array(input)
    check_kind(x, "biuf", where=where)
    place = one_axis(axis, x, where=where)
    if not x.shape:
        return x, jnp.zeros((), np.int32)
    order = jnp.argsort(x, axis=place, stable=True, descending=descending)
    return jnp.take_along_axis(x, order, axis=place), order.astype(np.int32)


@op(method=True, also={"dim": "axis"})
def sort(input_x: Array, axis: int = -1, descending: bool = False) -> tuple[Array, Array]:
    """The elements in order along an axis, and where they were. Equal ones keep their order.

    Args:
        input_x: Tensor of any shape.
        axis: the axis.
        descending: the largest first.

    Returns:
        (values, int32 indices), of the same shape. NaN counts as largest.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> values, indices = ops.sort(Tensor([3.0, 1.0, 2.0]))
        >>> print(values, indices)
        [1. 2. 3.] [1 2 0]

    Source: `ops.sort` of MindSpore.
    """
    return _sorted(input_x, axis, descending, "sort")


@op(method=True, also={"dim": "axis"})
def argsort(input: Array, axis: int = -1, descending: bool = False) -> Array:
    """Where the elements would be taken from to be in order along an axis. Equal ones keep their order.

    Args:
        input: Tensor of any shape.
        axis: the axis.
        descending: the largest first.

    Returns:
        int32 Tensor of the same shape.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.argsort(Tensor([3.0, 1.0, 2.0])))
        [1 2 0]

    Source: `ops.argsort` of MindSpore.
    """
    return _sorted(input, axis, descending, "argsort")[1]


@op(method=True)
def msort(input: Array) -> Array:
    """The elements in order along the first axis.

    Args:
        input: Tensor of any shape.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.msort(Tensor([[3, 1], [2, 4]])))
        [[2 1]
         [3 4]]

    Source: `ops.msort` of MindSpore.
    """
    return _sorted(input, 0, False, "msort")[0]


@op(method=True)
def topk(
    input: Array, k: int, dim: int | None = None, largest: bool = True, sorted: bool = True
) -> tuple[Array, Array]:
    """The k largest or smallest elements along an axis, and where they are.

    Args:
        input: Tensor of any shape.
        k: how many.
        dim: the axis. Default: the last.
        largest: the largest ones; False for the smallest.
        sorted: in order; sporax gives them in order always.

    Returns:
        (values, int32 indices), with the axis of length k.

    Raises:
        ArgumentError: the axis is out of range, or `k` longer than it.

    Examples:
        >>> from sporax import ops, Tensor
        >>> values, indices = ops.topk(Tensor([3.0, 1.0, 2.0]), 2)
        >>> print(values, indices)
        [3. 2.] [0 2]

    Source: `ops.topk` of MindSpore.
    """
    return _largest(as_array(input), k, -1 if dim is None else dim, largest, "topk")


def _largest(x: Array, k: Any, axis: Any, largest: bool, where: str) -> tuple[Array, Array]:
    check_kind(x, "biuf", where=where)
    place = one_axis(axis, x, where=where, name="dim")
    count = whole(k, where=where, name="k")
    length = x.shape[place] if x.shape else 1
    if not 0 <= count <= length:
        raise ArgumentError(
            f"ops.{where}: `k` must be in [0, {length}] for axis {place} of shape {x.shape}, but got {count}."
        )
    if not x.shape:
        return x, jnp.zeros((), np.int32)
    # The smallest are the largest of what is turned round: the negative of floats, the complement of integers.
    keys = x if largest else (-x if is_floating(x) else jnp.invert(x))
    indices = jax.lax.top_k(jnp.moveaxis(keys, place, -1), count)[1]
    indices = jnp.moveaxis(indices, -1, place)
    return jnp.take_along_axis(x, indices, axis=place), indices.astype(np.int32)


@op(method=True)
def top_k(input_x: Array, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The k largest elements along the last axis, and where they are.

    Args:
        input_x: Tensor of any shape.
        k: how many.
        sorted: in order; sporax gives them in order always.

    Returns:
        (values, int32 indices), with the last axis of length k.

    Raises:
        ArgumentError: `k` is longer than the axis.

    Examples:
        >>> from sporax import ops, Tensor
        >>> values, indices = ops.top_k(Tensor([3.0, 1.0, 2.0]), 2)
        >>> print(values, indices)
        [3. 2.] [0 2]

    Source: `ops.top_k` of MindSpore.
    """
    return _largest(as_array(input_x), k, -1, True, "top_k")


@op(method=True)
def unique(input: Array) -> tuple[Array, Array]:
    """The distinct elements, in the order of their first appearance. The shape depends on values: not compiled.

    Args:
        input: Tensor of any shape; it is flattened.

    Returns:
        (values, indices): the distinct elements, and for each element of the input where it is among them;
        indices are int64 for an int64 Tensor, else int32.

    Examples:
        >>> from sporax import ops, Tensor
        >>> values, indices = ops.unique(Tensor([3, 1, 3, 2]))
        >>> print(values, indices)
        [3 1 2] [0 1 0 2]

    Source: `ops.unique` of MindSpore.
    """
    values, places = _distinct(as_array(input))
    return jnp.asarray(values), jnp.asarray(places)


def _distinct(x: Array) -> tuple[np.ndarray, np.ndarray]:
    flat = np.asarray(x).reshape(-1)
    values, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return values[order], rank[inverse.reshape(-1)].astype(np.int64 if flat.dtype == np.int64 else np.int32)


@op
def unique_with_pad(x: Array, pad_num: Any) -> tuple[Array, Array]:
    """The distinct elements in the order of their first appearance, padded to the length of the input.

    Args:
        x: Tensor of one axis.
        pad_num: what to pad with.

    Returns:
        (values, indices), both of the length of the input.

    Examples:
        >>> from sporax import ops, Tensor
        >>> values, indices = ops.unique_with_pad(Tensor([3, 1, 3, 2]), 8)
        >>> print(values, indices)
        [3 1 2 8] [0 1 0 2]

    Source: `ops.unique_with_pad` of MindSpore.
    """
    array = as_array(x)
    values, places = _distinct(array)
    padded = np.full(array.size, pad_num, values.dtype)
    padded[: values.size] = values
    return jnp.asarray(padded), jnp.asarray(places)


@op(method=True)
def unique_consecutive(
    input: Array, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The first of each run of equal elements. The shape depends on values: not compiled.

    Args:
        input: Tensor of any shape.
        return_inverse: also which run each element belongs to.
        return_counts: also how long each run is.
        dim: compare whole slices along this axis; None flattens.

    Returns:
        the elements, or a tuple of them and of what else was asked for.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> values, runs, counts = ops.unique_consecutive(Tensor([1, 1, 2, 1]), True, True)
        >>> print(values, runs, counts)
        [1 2 1] [0 0 1 2] [2 1 1]

    Source: `ops.unique_consecutive` of MindSpore.
    """
    array = as_array(input)
    place = 0 if dim is None else one_axis(dim, array, where="unique_consecutive", name="dim")
    host = np.asarray(array)
    rows = host.reshape(-1, 1) if dim is None else np.moveaxis(host, place, 0).reshape(host.shape[place], -1)
    starts = np.ones(len(rows), bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    kept = np.flatnonzero(starts)
    values = host.reshape(-1)[kept] if dim is None else np.take(host, kept, axis=place)
    runs = (np.cumsum(starts) - 1).astype(np.int64)
    results = [jnp.asarray(values)]
    if return_inverse:
        results.append(jnp.asarray(runs.reshape(host.shape) if dim is None else runs))
    if return_counts:
        results.append(jnp.asarray(np.diff(np.append(kept, len(rows))).astype(np.int64)))
    return results[0] if len(results) == 1 else tuple(results)


@op
def searchsorted(
    sorted_sequence: Array,
    values: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Array:
    """Where values would be put into sorted rows, so that these stay sorted.

    Args:
        sorted_sequence: Tensor of shape (..., n), sorted along the last axis.
        values: Tensor or number; its leading axes are those of the sequence, or the sequence has one axis.
        out_int32: int32 in place of int64.
        right: behind equal elements, not before them.
        side: "left" or "right", as another way to say it.
        sorter: Tensor of the indices that would sort the sequence.

    Returns:
        int64 or int32 Tensor of the shape of `values`.

    Raises:
        ShapeError: the leading axes differ.
        ArgumentError: `side` is unknown, or contradicts `right`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.searchsorted(Tensor([1.0, 3.0, 5.0]), Tensor([3.0, 4.0])))
        [1 2]

    Source: `ops.searchsorted` of MindSpore.
    """
    if side is not None:
        _check.one_of(side, ("left", "right"), name="side", where="ops.searchsorted")
        if right and side == "left":
            raise ArgumentError("ops.searchsorted: `right` is True but `side` is 'left'; give one of them.")
    rows, wanted = as_array(sorted_sequence), as_array(values)
    if sorter is not None:
        rows = jnp.take_along_axis(rows, as_array(sorter), axis=-1)
    which = "right" if right or side == "right" else "left"
    return _placed(rows, wanted, which).astype(np.int32 if out_int32 else np.int64)


def _placed(rows: Array, wanted: Array, side: str) -> Array:
    if rows.ndim == 1:
        return jnp.searchsorted(rows, wanted, side=side)
    if rows.shape[:-1] != wanted.shape[:-1]:
        raise ShapeError(
            f"ops.searchsorted: the leading axes of shapes {rows.shape} and {wanted.shape} must agree, or the "
            "sequence have one axis."
        )

    def find(row: Array, value: Array) -> Array:
        return jnp.searchsorted(row, value, side=side)

    for _ in builtins.range(rows.ndim - 1):
        find = jax.vmap(find)
    return find(rows, wanted)


@op
def bucketize(input: Array, boundaries: Any, *, right: bool = False) -> Array:
    """Which of the intervals between boundaries each element lies in.

    Args:
        input: Tensor of any shape.
        boundaries: list of numbers in ascending order.
        right: an element on a boundary counts to the interval above it, not below.

    Returns:
        int32 Tensor of the same shape.

    Raises:
        ArgumentError: the boundaries do not ascend.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.bucketize(Tensor([0.0, 3.0, 9.0]), [1.0, 3.0, 5.0]))
        [0 1 3]

    Source: `ops.bucketize` of MindSpore.
    """
    bounds = np.asarray(boundaries)
    if bounds.ndim != 1 or (np.diff(bounds) < 0).any():
        raise ArgumentError(f"ops.bucketize: `boundaries` must be an ascending list, but got {boundaries}.")
    side = "right" if right else "left"
    return jnp.searchsorted(jnp.asarray(bounds), as_array(input), side=side).astype(np.int32)


@op(method=True)
def bincount(input: Array, weights: Any = None, minlength: int = 0) -> Array:
    """How often each whole number occurs. The shape depends on values: not compiled.

    Args:
        input: Tensor of whole numbers ≥ 0, of one axis.
        weights: Tensor of the same shape: what each occurrence counts. Default: 1.
        minlength: the least length of the result.

    Returns:
        float32 Tensor of shape (max(input) + 1,), or the dtype of float64 weights.

    Raises:
        ArgumentError: a negative number.
        ShapeError: not one axis, or weights of another shape.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.bincount(Tensor([1, 1, 3])))
        [0. 2. 0. 1.]

    Source: `ops.bincount` of MindSpore.
    """
    numbers = as_array(input)
    check_kind(numbers, "iu", where="bincount")
    shares = None if weights is None else as_array(weights)
    if numbers.ndim != 1 or (shares is not None and shares.shape != numbers.shape):
        shape = numbers.shape if shares is None else f"{numbers.shape} and {shares.shape}"
        raise ShapeError(f"ops.bincount: `input` must have one axis, and `weights` its shape, but got {shape}.")
    host = np.asarray(numbers)
    if host.size and host.min() < 0:
        raise ArgumentError(f"ops.bincount: `input` must not be negative, but holds {host.min()}.")
    length = builtins.max(int(host.max()) + 1 if host.size else 0, whole(minlength, where="bincount", name="minlength"))
    dtype = np.dtype(np.float32) if shares is None or not is_floating(shares) else widened(shares).dtype
    counted = jnp.ones(numbers.shape, dtype) if shares is None else shares.astype(dtype)
    return jnp.zeros(length, dtype).at[numbers].add(counted)


def _topk_primitive(input_x: Array, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The k largest elements along the last axis, and where they are."""
    return _largest(as_array(input_x), k, -1, True, "TopK")


def _search(sorted_sequence: Array, values: Any, dtype: Any = int64, right: bool = False) -> Array:
    """Where values would be put into sorted rows, so that these stay sorted."""
    rows, wanted = as_array(sorted_sequence), as_array(values)
    return _placed(rows, wanted, "right" if right else "left").astype(numpy_dtype(dtype))


def _bincount_primitive(array: Array, size: Any, weights: Array) -> Array:
    """How often each whole number below `size` occurs; numbers beyond it are left out."""
    length = whole(size, where="Bincount", name="size")
    numbers, shares = as_array(array).reshape(-1), as_array(weights).reshape(-1)
    counted = widened(shares) if shares.size else jnp.ones(numbers.shape, widened(shares).dtype)
    places = jnp.where(numbers < 0, length, numbers)
    return jnp.zeros(length, counted.dtype).at[places].add(counted, mode="drop").astype(shares.dtype)


Sort = primitive("Sort", sort, axis=-1, descending=False)
TopK = primitive("TopK", lifted(_topk_primitive), sorted=True)
Unique = primitive("Unique", unique)
UniqueWithPad = primitive("UniqueWithPad", unique_with_pad)
UniqueConsecutive = primitive(
    "UniqueConsecutive", unique_consecutive, return_inverse=False, return_counts=False, dim=None
)
SearchSorted = primitive("SearchSorted", lifted(_search), dtype=int64, right=False)
Bincount = primitive("Bincount", lifted(_bincount_primitive))
