"""Selection by masks and conditions, and masks from indices."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, DtypeError, ShapeError
from sporax.core import align
from sporax.ops._args import as_array, as_dtype_of, as_int, check_broadcast, one_axis
from sporax.ops._kinds import Array, Flag, Integer, Operand, array_kind, plain, static_kind
from sporax.ops._op import op
from sporax.ops._table import arrays

Mask = Annotated[jax.Array, array_kind("b", doc="bool Tensor that broadcasts.")]
Condition = Annotated[jax.Array, array_kind("biu", doc="bool Tensor, or integers, which are true unless 0.")]
Integers = Annotated[jax.Array, array_kind("iu", doc="Tensor of integers.")]
NewAxis = Annotated[
    int,
    static_kind(
        lambda value, x, where, name: one_axis(plain(value), x, where=where, name=name, new=True),
        "position of the new axis.",
        "int",
        "ArgumentError: the axis is out of range.",
    ),
]
OptionalInteger = Annotated[
    int | None,
    static_kind(
        lambda value, _, where, name: None if value is None else as_int(plain(value), where=where, name=name),
        "int or None.",
        "int | None",
    ),
]


@op(
    "ops.masked_select(input, mask)",
    "mint.masked_select(input, mask)",
    "Tensor.masked_select(self, mask)",
    "ops.MaskedSelect()(input, mask)",
)
def masked_select(x: Array, mask: Mask) -> jax.Array:
    """Select the elements where a mask is true, in row-major order. The shape depends on values: not compilable.

    Returns:
        Tensor of one axis.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.masked_select(Tensor([1, 2, 3]), Tensor([True, False, True])))
        [1 3]
    """
    shape = check_broadcast("masked_select", x, mask)
    return jnp.broadcast_to(x, shape)[jnp.broadcast_to(mask, shape)]


@op(
    "ops.nonzero(input, *, as_tuple=False)",
    "mint.nonzero(input, *, as_tuple=False)",
    "Tensor.nonzero(self, *, as_tuple=False)",
    "ops.NonZero()(input, *, as_tuple=False)",
)
def nonzero(x: Array, as_tuple: Flag) -> Any:
    """Indices of the elements that are not 0. The shape depends on values: not compilable.

    Args:
        as_tuple: whether to return one Tensor for each axis.

    Returns:
        int64 Tensor of shape (K, ndim), the K indices in row-major order; or a tuple of ndim Tensors of shape (K,).

    Examples:
        >>> print(ops.nonzero(Tensor([[0, 1], [2, 0]])))
        [[0 1]
         [1 0]]
    """
    indices = [each.astype(np.int64) for each in np.nonzero(np.atleast_1d(np.asarray(x)))]
    if as_tuple:
        return tuple(jnp.asarray(each) for each in indices)
    return jnp.asarray(np.stack(indices, axis=1)[:, : x.ndim])


@op("ops.argwhere(input)", "Tensor.argwhere(self)")
def argwhere(x: Array) -> jax.Array:
    """Indices of the elements that are not 0. The shape depends on values: not compilable.

    Returns:
        int64 Tensor of shape (K, ndim), the K indices in row-major order.

    Examples:
        >>> print(ops.argwhere(Tensor([0, 5, 7])))
        [[1]
         [2]]
    """
    return jnp.asarray(np.argwhere(np.asarray(x)).astype(np.int64))


def _selected(condition: jax.Array, x: Any, y: Any, where: str) -> jax.Array:
    x, y = align(*arrays(x, y))
    check_broadcast(where, condition, x, y)
    return jnp.where(condition != 0 if condition.dtype.kind != "b" else condition, x, y)


@op(
    "ops.where(condition, input, other)",
    "Tensor.where(self, condition, other)",
    "Tensor.where(self, condition, y)",
)
def where(condition: Condition, x: Operand, y: Operand) -> jax.Array:
    r"""Select elements of one Tensor where a condition is true, and of another where it is false.

    .. math:: x_i \text{ if } c_i, \; y_i \text{ otherwise}

    Args:
        x: Tensor or number x.
        y: Tensor or number y; all three broadcast.

    Returns:
        Tensor of the broadcast shape, of the promoted dtype of the two values.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.where(Tensor([True, False]), Tensor([1.0, 2.0]), 0))
        [1. 0.]
    """
    return _selected(condition, x, y, "where")


@op("ops.select(condition, input, other)", "ops.Select()(condition, input, other)")
def select(condition: Condition, x: Operand, y: Operand) -> jax.Array:
    r"""Select elements of one Tensor where a condition is true, and of another where it is false.

    .. math:: x_i \text{ if } c_i, \; y_i \text{ otherwise}

    Args:
        x: Tensor or number x.
        y: Tensor or number y; all three broadcast.

    Returns:
        Tensor of the broadcast shape, of the promoted dtype of the two values.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.select(Tensor([True, False]), Tensor([1, 2]), Tensor([8, 9])))
        [1 9]
    """
    return _selected(condition, x, y, "select")


@op(
    "ops.masked_fill(input_x, mask, value)",
    "Tensor.masked_fill(self, mask, value)",
    "ops.MaskedFill()(input_x, mask, value)",
)
def masked_fill(x: Array, mask: Mask, value: Operand) -> jax.Array:
    """Replace the elements where a mask is true by one number.

    Args:
        value: number, or 0-d Tensor.

    Returns:
        Tensor of the broadcast shape, of the dtype of `input_x`.

    Raises:
        DtypeError: `value` has a fraction and `input_x` is of integers.
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.masked_fill(Tensor([1.0, 2.0]), Tensor([True, False]), 0.5))
        [0.5 2. ]
    """
    check_broadcast("masked_fill", x, mask)
    return jnp.where(mask, filling(value, x, "masked_fill"), x)


def filling(value: Any, x: jax.Array, where: str) -> jax.Array:
    """`value` as an element of the dtype of `x`.

    Raises:
        DtypeError: it has a fraction and `x` is of integers.
        ShapeError: it is not a single number.
    """
    number = as_array(value)
    if number.size != 1:
        raise ShapeError(f"ops.{where}: `value` must be one number, but its shape is {number.shape}.")
    if x.dtype.kind in "iub" and number.dtype.kind not in "iub":
        integral = isinstance(value, float) and value.is_integer()
        if not integral:
            raise DtypeError(
                f"ops.{where}: `value` of dtype {number.dtype.name} cannot be stored as {x.dtype.name} without loss. "
                "Cast the Tensor first, with .astype(...)."
            )
    return as_dtype_of(value, x).reshape(())


@op(
    "ops.one_hot(indices, depth, on_value=1, off_value=0, axis=-1)",
    "ops.OneHot(axis=-1)(indices, depth, on_value=1, off_value=0)",
)
def one_hot(indices: Integers, depth: Integer, on_value: Operand, off_value: Operand, axis: NewAxis) -> jax.Array:
    """One-hot encoding along a new axis.

    Args:
        indices: Tensor of integers; an index outside [0, depth) gives only `off_value`.
        depth: length of the new axis.
        on_value: number, or 0-d Tensor: the value at the index.
        off_value: number, or 0-d Tensor: the value elsewhere.

    Returns:
        Tensor with one more axis, of the dtype of `on_value` (int64 or float32 for numbers).

    Raises:
        ArgumentError: `depth` is negative.

    Examples:
        >>> print(ops.one_hot(Tensor([0, 2]), 3))
        [[1 0 0]
         [0 0 1]]
    """
    if depth < 0:
        raise ArgumentError(f"ops.one_hot: `depth` must not be negative, but got {depth}.")
    on = as_array(on_value)
    off = as_array(off_value).astype(on.dtype)
    steps = jnp.arange(depth, dtype=indices.dtype).reshape((1,) * axis + (depth,) + (1,) * (indices.ndim - axis))
    return jnp.where(jnp.expand_dims(indices, axis) == steps, on, off)


@op("ops.sequence_mask(lengths, maxlen=None)")
def sequence_mask(lengths: Integers, maxlen: OptionalInteger) -> jax.Array:
    """Mask of sequences: along a new last axis, true for the first n elements, where n is the length.

    Args:
        maxlen: length of the new axis. Default: the maximum of `lengths`, whose values must then be known.

    Returns:
        Bool Tensor of shape lengths.shape + (maxlen,).

    Examples:
        >>> print(ops.sequence_mask(Tensor([1, 3]), 3))
        [[ True False False]
         [ True  True  True]]
    """
    size = int(lengths.max()) if maxlen is None else maxlen
    steps = jnp.arange(size, dtype=lengths.dtype).reshape((1,) * lengths.ndim + (size,))
    return steps < jnp.expand_dims(lengths, -1)


@op("ops.intopk(x1, x2, k)", "ops.InTopK(k=REQUIRED)(x1, x2)")
def intopk(x1: Array, x2: Array, k: Integer) -> jax.Array:
    """Whether the score of each target is among the k highest scores of its row.

    Args:
        x1: Tensor of scores of shape (N, C).
        x2: Tensor of class indices of shape (N,).
        k: number of scores.

    Returns:
        Bool Tensor of shape (N,). Equal scores count as among the highest; a target out of range, or a score that is
        not finite, gives False.

    Raises:
        ShapeError: the shapes are not (N, C) and (N,).

    Examples:
        >>> print(ops.intopk(Tensor([[1.0, 8.0, 5.0], [2.0, 7.0, 9.0]]), Tensor([2, 0]), 2))
        [ True False]
    """
    if x1.ndim != 2 or x2.shape != x1.shape[:1]:
        raise ShapeError(f"ops.intopk: needs shapes (N, C) and (N,), but got {x1.shape} and {x2.shape}.")
    valid = (x2 >= 0) & (x2 < x1.shape[1])
    score = jnp.take_along_axis(x1, jnp.where(valid, x2, 0)[:, None], axis=1)
    higher = jnp.sum(x1 > score, axis=1)
    return valid & jnp.isfinite(score[:, 0]) & (higher < k)
