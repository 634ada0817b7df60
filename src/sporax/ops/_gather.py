"""Reading elements by index.

Concrete indices are checked; in compiled code an index outside reads NaN, or the least number of an integer dtype.
"""

from __future__ import annotations

import builtins
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, Tensor, summed_wide, unwrap, wrap
from sporax.ops._args import (
    Array,
    as_array,
    check_indices,
    check_kind,
    one_axis,
    whole,
    widened,
)
from sporax.ops._base import lifted, op, primitive
from sporax.ops._state import stateful

_ALL = builtins.slice(None)


def _axis_taken(x: Array, indices: Array, axis: int) -> Array:
    return summed_wide(x, lambda table: table.at[(_ALL,) * axis + (indices,)].get(mode="fill"))


@op
def gather(input_params: Array, input_indices: Array, axis: int, batch_dims: int = 0) -> Array:
    r"""Slices along an axis, in the order of indices.

    Args:
        input_params: Tensor to read from.
        input_indices: Tensor of integers in [-n, n), n the length of the axis; of any shape.
        axis: the axis.
        batch_dims: how many leading axes the two have in common; each entry is read on its own. At most `axis`.

    Returns:
        Tensor of shape params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:].

    Raises:
        ArgumentError: the axis is out of range.
        OutOfRangeError: an index is out of range and its value known. In compiled code it reads NaN, or the
            least number of an integer dtype.
        DtypeError: indices that are not integers.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.gather(Tensor([10.0, 20.0, 30.0]), Tensor([0, 2]), 0))
        [10. 30.]

    Source: `ops.gather` of MindSpore.
    """
    x, indices = as_array(input_params), as_array(input_indices)
    place = one_axis(axis, x, where="gather")
    batch = whole(batch_dims, where="gather", name="batch_dims")
    batch = batch + indices.ndim if batch < 0 else batch
    if batch > place or x.shape[:batch] != indices.shape[:batch]:
        raise ShapeError(
            f"ops.gather: with `batch_dims` {batch_dims} and `axis` {axis}, the leading axes of shapes {x.shape} "
            f"and {indices.shape} must agree, and lie before the axis."
        )
    check_indices(indices, x.shape[place] if x.shape else 1, where="gather", name="input_indices")

    def read(values: Array, where: Array) -> Array:
        return _axis_taken(values, where, place - batch)

    for _ in builtins.range(batch):
        read = jax.vmap(read)
    return read(x, indices)


@op(method=True)
def gather_elements(input: Array, dim: int, index: Array) -> Array:
    r"""Elements along an axis, one index for each place of the result.

    .. math:: y_{i j k} = x_{i \, n_{i j k} \, k} \text{ for axis } 1

    Args:
        input: Tensor to read from.
        dim: the axis.
        index: Tensor of integers, with as many axes; not longer than the input on the other axes.

    Returns:
        Tensor of the shape of `index`.

    Raises:
        ShapeError: `index` does not fit.
        OutOfRangeError: an index is out of range and its value known.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.gather_elements(Tensor([[1, 2], [3, 4]]), 1, Tensor([[0, 0], [1, 0]])))
        [[1 1]
         [4 3]]

    Source: `ops.gather_elements` of MindSpore.
    """
    return _elements(as_array(input), dim, as_array(index), "gather_elements")


def fitted(x: Array, index: Array, place: int, where: str) -> tuple[builtins.slice, ...]:
    """The part of `x` that `index` covers on the other axes.

    Raises:
        ShapeError: `index` has another number of axes, or is longer on another axis.
    """
    if x.ndim != index.ndim or builtins.any(
        n > m for i, (n, m) in enumerate(zip(index.shape, x.shape, strict=True)) if i != place
    ):
        raise ShapeError(
            f"ops.{where}: `index` of shape {index.shape} must have as many axes as the input of shape {x.shape}, "
            f"and not be longer on any axis but axis {place}."
        )
    return tuple(_ALL if i == place else builtins.slice(0, n) for i, n in enumerate(index.shape))


def _elements(x: Array, dim: Any, index: Array, where: str) -> Array:
    place = one_axis(dim, x, where=where, name="dim")
    if not x.shape and not index.shape:
        return x
    part = fitted(x, index, place, where)
    check_indices(index, x.shape[place], where=where, name="index")
    return summed_wide(x, lambda table: jnp.take_along_axis(table[part], index, axis=place, mode="fill"))


@op
def gather_d(x: Array, dim: int, index: Array) -> Array:
    r"""Elements along an axis, one index for each place of the result.

    .. math:: y_{i j k} = x_{i \, n_{i j k} \, k} \text{ for axis } 1

    Args:
        x: Tensor to read from.
        dim: the axis.
        index: Tensor of integers, with as many axes; not longer than `x` on the other axes.

    Returns:
        Tensor of the shape of `index`.

    Raises:
        ShapeError: `index` does not fit.
        OutOfRangeError: an index is out of range and its value known.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.gather_d(Tensor([[1, 2], [3, 4]]), 1, Tensor([[0, -1], [1, 0]])))
        [[1 2]
         [4 3]]

    Source: `ops.gather_d` of MindSpore.
    """
    return _elements(as_array(x), dim, as_array(index), "gather_d")


def split_index(x: Array, indices: Array, where: str, name: str = "indices") -> tuple[Array, ...]:
    """The last axis of `indices` as a tuple of index arrays into the first axes of `x`.

    Raises:
        ShapeError: it is longer than `x` has axes.
        OutOfRangeError: an index is out of range and its value known.
    """
    if not indices.shape or indices.shape[-1] > x.ndim:
        raise ShapeError(
            f"ops.{where}: the last axis of `{name}`, of shape {indices.shape}, must have at most as many entries as "
            f"the Tensor of shape {x.shape} has axes."
        )
    parts = tuple(indices[..., i] for i in builtins.range(indices.shape[-1]))
    for axis, part in enumerate(parts):
        check_indices(part, x.shape[axis], where=where, name=name)
    return parts


@op(method=True)
def gather_nd(input_x: Array, indices: Array) -> Array:
    r"""Elements or slices at points.

    Args:
        input_x: Tensor to read from.
        indices: Tensor of integers of shape (..., k): k coordinates of each point, for the first k axes.

    Returns:
        Tensor of shape indices.shape[:-1] + input_x.shape[k:].

    Raises:
        ShapeError: more coordinates than axes.
        OutOfRangeError: an index is out of range and its value known.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.gather_nd(Tensor([[1, 2], [3, 4]]), Tensor([[0, 1], [1, 0]])))
        [2 3]

    Source: `ops.gather_nd` of MindSpore.
    """
    x, points = as_array(input_x), as_array(indices)
    index = split_index(x, points, "gather_nd")
    return summed_wide(x, lambda table: table.at[index].get(mode="fill"))


@op(method=True, also={"dim": "axis"})
def index_select(input: Array, axis: int, index: Array) -> Array:
    r"""Slices along an axis, in the order of indices.

    Args:
        input: Tensor to read from.
        axis: the axis.
        index: Tensor of integers of shape (n,) or ().

    Returns:
        Tensor with the axis of length n.

    Raises:
        ArgumentError: the axis is out of range.
        OutOfRangeError: an index is out of range and its value known.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.index_select(Tensor([[1, 2], [3, 4]]), 1, Tensor([1])))
        [[2]
         [4]]

    Source: `ops.index_select` of MindSpore.
    """
    x, indices = as_array(input), as_array(index)
    place = one_axis(axis, x, where="index_select")
    check_indices(indices, x.shape[place], where="index_select", name="index")
    return _axis_taken(x, indices.reshape(-1), place)


@op
def take(input: Array, index: Array) -> Array:
    r"""Elements of the flattened Tensor.

    Args:
        input: Tensor of any shape.
        index: Tensor of integers.

    Returns:
        Tensor of the shape of `index`.

    Raises:
        OutOfRangeError: an index is out of range and its value known.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.take(Tensor([[1, 2], [3, 4]]), Tensor([3, 0])))
        [4 1]

    Source: `ops.take` of MindSpore.
    """
    x, indices = as_array(input).reshape(-1), as_array(index)
    check_indices(indices, x.shape[0], where="take", name="index")
    return _axis_taken(x, indices, 0)


def _take_axis(self: Array, indices: Array, axis: int | None = None, mode: str = "clip") -> Array:
    x, places = as_array(self), as_array(indices)
    if axis is None:
        x, axis = x.reshape(-1), 0
    place = one_axis(axis, x, where="take")
    if mode not in ("clip", "wrap", "raise"):
        raise ArgumentError(f"Tensor.take: `mode` must be 'clip', 'wrap' or 'raise', but got {mode!r}.")
    size = x.shape[place]
    if mode == "raise":
        check_indices(places, size, where="take", name="indices")
        return _axis_taken(x, places, place)
    check_kind(places, "iu", where="take", name="indices")
    # As in MindSpore, "clip" keeps the negative indices that count from the end.
    bounded = places if mode == "wrap" else jnp.clip(places, -size, size - 1)
    return _axis_taken(x, bounded % size, place)


take_axis = lifted(_take_axis)
"""What `Tensor.take` computes."""


@stateful
def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
) -> Tensor:
    r"""Rows of a table, by their numbers.

    Args:
        input: Tensor of row numbers, of any shape.
        weight: Parameter or Tensor of shape (V, D).
        padding_idx: the row that gets no gradient.
        max_norm: rows that are read are first scaled down to this norm; in the Parameter too.
        norm_type: the order of that norm.
        scale_grad_by_freq: divide a row's gradient by how often it was read.

    Returns:
        Tensor of shape input.shape + (D,).

    Raises:
        OutOfRangeError: a row number is outside [0, V) and its value known. In compiled code it reads NaN.
        ArgumentError: `padding_idx` is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.embedding(Tensor([1, 0]), Tensor([[1.0, 2.0], [3.0, 4.0]])))
        [[3. 4.]
         [1. 2.]]

    Source: `ops.embedding` of MindSpore.
    """
    with x64_scope(True):
        indices, table = as_array(unwrap(input)), as_array(unwrap(weight))
        if table.ndim != 2:
            raise ShapeError(f"ops.embedding: `weight` must have shape (V, D), but got {table.shape}.")
        check_indices(indices, table.shape[0], where="embedding", name="input", lowest=0)
        if max_norm is not None:
            table = _renormed(table, indices, float(max_norm), float(norm_type))
            if isinstance(weight, Parameter):
                weight._rebind(jax.lax.stop_gradient(table))
        rows = _axis_taken(table, jnp.where(indices < 0, table.shape[0], indices), 0)
        if padding_idx is not None:
            size = table.shape[0]
            if not -size <= padding_idx < size:
                raise ArgumentError(
                    f"ops.embedding: `padding_idx` must be in [{-size}, {size - 1}], but got {padding_idx}."
                )
            row = padding_idx % size
            held_back = jnp.expand_dims(indices == row, -1)
            rows = jnp.where(held_back, jax.lax.stop_gradient(rows), rows)
        if scale_grad_by_freq:
            counts = jnp.zeros(table.shape[0], np.int32).at[indices.reshape(-1)].add(1)
            share = (1 / jnp.expand_dims(counts[indices], -1)).astype(table.dtype)
            still = jax.lax.stop_gradient(rows)
            rows = still + share * (rows - still)
        return wrap(rows)


def _renormed(table: Array, indices: Array, bound: float, order: float) -> Array:
    flat = indices.reshape(-1)
    rows = table.at[flat].get(mode="fill")
    rows = widened(rows)
    size = jnp.sum(jnp.abs(rows) ** order, axis=1, keepdims=True) ** (1 / order)
    return table.at[flat].set(jnp.where(size > bound, rows * (bound / (size + 1e-7)), rows).astype(table.dtype))


Gather = primitive("Gather", gather, batch_dims=0)
GatherV2 = primitive("GatherV2", gather, batch_dims=0)
GatherD = primitive("GatherD", gather_d)
GatherNd = primitive("GatherNd", gather_nd)
