"""Reading elements by index.

Concrete indices are checked. In compiled code an index out of range reads NaN, or the minimum of an integer dtype.
"""

from __future__ import annotations

import builtins
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, Tensor, summed_wide, unwrap, wrap
from sporax.ops import _args
from sporax.ops._kinds import Array, Axis, Integer, OptionalAxis, Value, choice_kind
from sporax.ops._op import op, signature
from sporax.ops._state import stateful

_ALL = builtins.slice(None)

Mode = Annotated[
    str,
    choice_kind(
        "clip",
        "wrap",
        "raise",
        doc='the treatment of an index out of range: "clip" takes the nearest, "wrap" counts modulo the length, '
        '"raise" is an error.',
    ),
]


def _along(x: jax.Array, indices: jax.Array, axis: int) -> jax.Array:
    return summed_wide(x, lambda table: table.at[(_ALL,) * axis + (indices,)].get(mode="fill"))


_GATHER = {"input_params": "x", "input_indices": "indices"}


@op(
    signature("ops.gather(input_params, input_indices, axis, batch_dims=0)", rename=_GATHER),
    signature("ops.Gather(batch_dims=0)(input_params, input_indices, axis)", rename=_GATHER),
    signature("ops.GatherV2(batch_dims=0)(input_params, input_indices, axis)", rename=_GATHER),
)
def gather(x: Array, indices: Array, axis: Axis, batch_dims: Integer) -> jax.Array:
    r"""Return slices along an axis, in the order of indices.

    Args:
        x: Tensor to read from.
        indices: Tensor of integers in [-n, n), n the length of the axis; of any shape.
        batch_dims: the number of leading axes that the two share; each entry is read separately. At most `axis`.

    Returns:
        Tensor of shape params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:].

    Raises:
        OutOfRangeError: a known index is out of range. In compiled code it reads NaN, or the minimum of an integer
            dtype.
        DtypeError: indices that are not integers.

    Examples:
        >>> print(ops.gather(Tensor([10.0, 20.0, 30.0]), Tensor([0, 2]), 0))
        [10. 30.]
    """
    batch = batch_dims + indices.ndim if batch_dims < 0 else batch_dims
    if batch > axis or x.shape[:batch] != indices.shape[:batch]:
        raise ShapeError(
            f"ops.gather: with `batch_dims` {batch_dims} and `axis` {axis}, the leading axes of shapes {x.shape} "
            f"and {indices.shape} must agree, and lie before the axis."
        )
    _args.check_indices(indices, x.shape[axis] if x.shape else 1, where="gather", name="input_indices")

    def read(values: jax.Array, where: jax.Array) -> jax.Array:
        return _along(values, where, axis - batch)

    for _ in builtins.range(batch):
        read = jax.vmap(read)
    return read(x, indices)


def fitted(x: jax.Array, index: jax.Array, axis: int, where: str) -> tuple[builtins.slice, ...]:
    """The part of `x` that `index` covers on the other axes.

    Raises:
        ShapeError: `index` has another number of axes, or is longer on another axis.
    """
    if x.ndim != index.ndim or builtins.any(
        n > m for i, (n, m) in enumerate(zip(index.shape, x.shape, strict=True)) if i != axis
    ):
        raise ShapeError(
            f"ops.{where}: `index` of shape {index.shape} must have as many axes as the input of shape {x.shape}, "
            f"and not be longer on any axis but axis {axis}."
        )
    return tuple(_ALL if i == axis else builtins.slice(0, n) for i, n in enumerate(index.shape))


@op(
    "ops.gather_elements(input, dim, index)",
    "Tensor.gather_elements(self, dim, index)",
    signature("ops.gather_d(x, dim, index)", where="gather_d"),
    signature("ops.GatherD()(x, dim, index)", where="GatherD"),
)
def gather_elements(x: Array, axis: Axis, index: Array, where: Value = "gather_elements") -> jax.Array:
    r"""Return elements along an axis, one index for each element of the result.

    .. math:: y_{i j k} = x_{i \, n_{i j k} \, k} \text{ for axis } 1

    Args:
        x: Tensor to read from.
        index: Tensor of integers with the same number of axes, not longer than the input on the other axes.

    Returns:
        Tensor of the shape of `index`.

    Raises:
        ShapeError: `index` does not fit.
        OutOfRangeError: a known index is out of range.

    Examples:
        >>> print(ops.gather_elements(Tensor([[1, 2], [3, 4]]), 1, Tensor([[0, 0], [1, 0]])))
        [[1 1]
         [4 3]]
        >>> print(ops.gather_d(Tensor([[1, 2], [3, 4]]), 1, Tensor([[0, -1], [1, 0]])))
        [[1 2]
         [4 3]]
    """
    if not x.shape and not index.shape:
        return x
    part = fitted(x, index, axis, where)
    _args.check_indices(index, x.shape[axis], where=where, name="index")
    return summed_wide(x, lambda table: jnp.take_along_axis(table[part], index, axis=axis, mode="fill"))


def split_index(x: jax.Array, indices: jax.Array, where: str, name: str = "indices") -> tuple[jax.Array, ...]:
    """The last axis of `indices` as a tuple of index arrays into the first axes of `x`.

    Raises:
        ShapeError: it is longer than the number of axes of `x`.
        OutOfRangeError: a known index is out of range.
    """
    if not indices.shape or indices.shape[-1] > x.ndim:
        raise ShapeError(
            f"ops.{where}: the last axis of `{name}`, of shape {indices.shape}, must have at most as many entries as "
            f"the Tensor of shape {x.shape} has axes."
        )
    parts = tuple(indices[..., i] for i in builtins.range(indices.shape[-1]))
    for axis, part in enumerate(parts):
        _args.check_indices(part, x.shape[axis], where=where, name=name)
    return parts


@op(
    "ops.gather_nd(input_x, indices)",
    "Tensor.gather_nd(self, indices)",
    "ops.GatherNd()(input_x, indices)",
)
def gather_nd(x: Array, indices: Array) -> jax.Array:
    r"""Return elements or slices at given points.

    Args:
        x: Tensor to read from.
        indices: Tensor of integers of shape (..., k): k coordinates of each point, for the first k axes.

    Returns:
        Tensor of shape indices.shape[:-1] + input_x.shape[k:].

    Raises:
        ShapeError: more coordinates than axes.
        OutOfRangeError: a known index is out of range.

    Examples:
        >>> print(ops.gather_nd(Tensor([[1, 2], [3, 4]]), Tensor([[0, 1], [1, 0]])))
        [2 3]
    """
    index = split_index(x, indices, "gather_nd")
    return summed_wide(x, lambda table: table.at[index].get(mode="fill"))


@op("ops.index_select(input, axis, index)", "Tensor.index_select(self, axis, index)")
def index_select(x: Array, axis: Axis, index: Array) -> jax.Array:
    r"""Return slices along an axis, in the order of indices.

    Args:
        x: Tensor to read from.
        index: Tensor of integers of shape (n,) or ().

    Returns:
        Tensor with the axis of length n.

    Raises:
        OutOfRangeError: a known index is out of range.

    Examples:
        >>> print(ops.index_select(Tensor([[1, 2], [3, 4]]), 1, Tensor([1])))
        [[2]
         [4]]
    """
    _args.check_indices(index, x.shape[axis], where="index_select", name="index")
    return _along(x, index.reshape(-1), axis)


@op("ops.take(input, index)", "mint.take(input, index)")
def take(x: Array, index: Array) -> jax.Array:
    r"""Return elements of the flattened Tensor.

    Args:
        index: Tensor of integers.

    Returns:
        Tensor of the shape of `index`.

    Raises:
        OutOfRangeError: a known index is out of range.

    Examples:
        >>> print(ops.take(Tensor([[1, 2], [3, 4]]), Tensor([3, 0])))
        [4 1]
    """
    x = x.reshape(-1)
    _args.check_indices(index, x.shape[0], where="take", name="index")
    return _along(x, index, 0)


@op("Tensor.take(self, indices, axis=None, mode='clip')")
def _take(x: Array, indices: Array, axis: OptionalAxis, mode: Mode) -> jax.Array:
    """Return slices along an axis, or elements of the flattened Tensor.

    Args:
        indices: Tensor of integers.

    Returns:
        Tensor of shape x.shape[:axis] + indices.shape + x.shape[axis + 1:].

    Raises:
        OutOfRangeError: with "raise", a known index is out of range.
        DtypeError: indices that are not integers.
    """
    if axis is None:
        x, axis = x.reshape(-1), 0
    size = x.shape[axis]
    if mode == "raise":
        _args.check_indices(indices, size, where="take", name="indices")
        return _along(x, indices, axis)
    _args.check_kind(indices, "iu", where="take", name="indices")
    # As in MindSpore, "clip" keeps the negative indices that count from the end.
    bounded = indices if mode == "wrap" else jnp.clip(indices, -size, size - 1)
    return _along(x, bounded % size, axis)


@stateful
def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
) -> Tensor:
    r"""Return rows of a table by index.

    Args:
        input: Tensor of row indices, of any shape.
        weight: Parameter or Tensor of shape (V, D).
        padding_idx: the row that receives no gradient.
        max_norm: rows that are read are first scaled down to this norm, in the Parameter too.
        norm_type: the order of that norm.
        scale_grad_by_freq: whether to divide a row's gradient by the number of times it was read.

    Returns:
        Tensor of shape input.shape + (D,).

    Raises:
        OutOfRangeError: a known index is outside [0, V). In compiled code it reads NaN.
        ArgumentError: `padding_idx` is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.embedding(Tensor([1, 0]), Tensor([[1.0, 2.0], [3.0, 4.0]])))
        [[3. 4.]
         [1. 2.]]

    Source: `ops.embedding` of MindSpore.
    """
    with x64_scope(True):
        indices, table = _args.as_array(unwrap(input)), _args.as_array(unwrap(weight))
        if table.ndim != 2:
            raise ShapeError(f"ops.embedding: `weight` must have shape (V, D), but got {table.shape}.")
        _args.check_indices(indices, table.shape[0], where="embedding", name="input", lowest=0)
        if max_norm is not None:
            table = _renormed(table, indices, float(max_norm), float(norm_type))
            if isinstance(weight, Parameter):
                weight._rebind(jax.lax.stop_gradient(table))
        rows = _along(table, jnp.where(indices < 0, table.shape[0], indices), 0)
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


def _renormed(table: jax.Array, indices: jax.Array, bound: float, order: float) -> jax.Array:
    flat = indices.reshape(-1)
    rows = table.at[flat].get(mode="fill")
    rows = _args.widened(rows)
    size = jnp.sum(jnp.abs(rows) ** order, axis=1, keepdims=True) ** (1 / order)
    return table.at[flat].set(jnp.where(size > bound, rows * (bound / (size + 1e-7)), rows).astype(table.dtype))
