"""The order, number and direction of axes."""

from __future__ import annotations

import builtins
from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax._errors import ArgumentError, ShapeError
from sporax.ops import _args
from sporax.ops._kinds import (
    Array,
    Axis,
    Integer,
    Integers,
    NewAxis,
    OptionalAxes,
    SomeAxes,
    plain,
    static_kind,
    unpacking,
)
from sporax.ops._op import op, signature


def _order(value: Any, x: Any, where: str, name: str) -> tuple[int, ...]:
    numbers = _args.as_ints(plain(value), where=where, name=name)
    order = tuple(_args.one_axis(each, x, where=where, name=name) for each in numbers)
    if sorted(order) != list(range(x.ndim)):
        raise ArgumentError(
            f"ops.{where}: `{name}` must name each of the {x.ndim} axes of shape {x.shape} once, but got {numbers}."
        )
    return order


def _order_or_pair(value: Any, x: Any, where: str, name: str) -> tuple[int, ...]:
    if not value:
        return tuple(range(x.ndim)[::-1])
    if isinstance(value, tuple) and len(value) == 2:
        first, second = (_args.one_axis(plain(each), x, where=where, name=name) for each in value)
        order = list(range(x.ndim))
        if x.ndim:
            order[first], order[second] = second, first
        return tuple(order)
    return _order(_args.spread(value), x, where, name)


_ORDER = static_kind(
    _order,
    "the order: a tuple with the number of each axis once.",
    "int | Sequence[int] | Tensor",
    "ArgumentError: the order does not name each axis once.",
)
Order = Annotated[tuple[int, ...], unpacking(_ORDER)]
OrderOrPair = Annotated[
    tuple[int, ...],
    static_kind(
        _order_or_pair,
        "two axes to exchange, or the order of all axes as ints or as one tuple. Default: reversed.",
        "int | Sequence[int] | Tensor",
        *_ORDER.raises,
    ),
]

_permuted = jax.jit(jnp.transpose, static_argnums=1)  # half the overhead of jnp.transpose in eager code


@op(
    signature("ops.transpose(input, dims)", rename={"dims": "order"}),
    signature("ops.Transpose()(input, dims)", rename={"dims": "order"}),
    signature("ops.permute(input, axis)", rename={"axis": "order"}),
    "Tensor.permute(self, *order)",
    signature("Tensor.permute(self, axis)", rename={"axis": "order"}),
    signature("Tensor.permute(self, dims)", rename={"dims": "order"}),
)
def transpose(x: Array, order: Order) -> jax.Array:
    """Permute the axes.

    Returns:
        Tensor whose axis i is axis order[i] of the input.

    Examples:
        >>> print(ops.transpose(Tensor([[1, 2, 3], [4, 5, 6]]), (1, 0)))
        [[1 4]
         [2 5]
         [3 6]]
        >>> ops.permute(Tensor([[1, 2, 3], [4, 5, 6]]), (1, 0)).shape
        (3, 2)
    """
    return _permuted(x, order)


@op("Tensor.transpose(self, *axes)")
def _transpose(x: Array, axes: OrderOrPair) -> jax.Array:
    """Exchange two axes, permute all of them, or reverse their order.

    Returns:
        `x.transpose(0, 2, 1)` has the axes in that order, `x.transpose(0, 1)` has the two exchanged, and
        `x.transpose()` has them reversed.
    """
    return _permuted(x, axes)


@op(
    "ops.swapaxes(input, axis0, axis1)",
    "mint.swapaxes(input, axis0, axis1)",
    "Tensor.swapaxes(self, axis0, axis1)",
    signature("ops.swapdims(input, dim0, dim1)", rename={"dim0": "axis0", "dim1": "axis1"}),
    signature("Tensor.swapdims(self, dim0, dim1)", rename={"dim0": "axis0", "dim1": "axis1"}),
)
def swapaxes(x: Array, axis0: Axis, axis1: Axis) -> jax.Array:
    """Exchange two axes.

    Returns:
        Tensor with the two axes exchanged.

    Examples:
        >>> ops.swapaxes(ops.ones((2, 3, 4)), 0, 2).shape
        (4, 3, 2)
        >>> ops.swapdims(ops.ones((2, 3, 4)), 0, 2).shape
        (4, 3, 2)
    """
    return jnp.swapaxes(x, axis0, axis1)


@op(
    "ops.movedim(x, source, destination)",
    "ops.moveaxis(x, source, destination)",
    "Tensor.movedim(self, source, destination)",
    "Tensor.moveaxis(self, source, destination)",
)
def movedim(x: Array, source: SomeAxes, destination: SomeAxes) -> jax.Array:
    """Move axes to other positions; the others keep their order.

    Args:
        source: int or tuple of ints: the axes to move.
        destination: int or tuple of ints: their new positions, one for each.

    Returns:
        Tensor with the axes moved.

    Raises:
        ArgumentError: `source` and `destination` differ in length.

    Examples:
        >>> ops.movedim(ops.ones((2, 3, 4)), 0, 2).shape
        (3, 4, 2)
    """
    if len(source) != len(destination):
        raise ArgumentError(
            f"ops.movedim: `source` and `destination` must be of one length, but got {source}, {destination}."
        )
    return jnp.moveaxis(x, source, destination)


@op("ops.t(input)", "Tensor.t(self)")
def t(x: Array) -> jax.Array:
    """Transpose a matrix; a vector or scalar is returned as it is.

    Args:
        x: Tensor of at most 2 axes.

    Returns:
        Tensor with its axes exchanged.

    Raises:
        ShapeError: more than 2 axes.

    Examples:
        >>> ops.t(ops.ones((2, 3))).shape
        (3, 2)
    """
    if x.ndim > 2:
        raise ShapeError(f"ops.t: takes at most 2 axes, but got shape {x.shape}. Use ops.transpose.")
    return x.T


@op("ops.squeeze(input, axis=None)", "Tensor.squeeze(self, axis=None)", "ops.Squeeze(axis=())(input)")
def squeeze(x: Array, axis: OptionalAxes) -> jax.Array:
    """Remove axes of length 1.

    Args:
        axis: int or tuple of ints; None or () for every axis of length 1.

    Returns:
        Tensor of the shape without these axes.

    Raises:
        ShapeError: a given axis is longer than 1.

    Examples:
        >>> ops.squeeze(ops.ones((1, 2, 1)), 0).shape
        (2, 1)
    """
    for each in axis or ():
        if x.shape and x.shape[each] != 1:
            raise ShapeError(f"ops.squeeze: axis {each} of shape {x.shape} has length {x.shape[each]}, not 1.")
    return jnp.squeeze(x, axis) if x.shape else x


@op(
    "ops.expand_dims(input_x, axis)",
    "Tensor.expand_dims(self, axis)",
    "ops.ExpandDims()(input_x, axis)",
    "ops.unsqueeze(input, dim)",
    "mint.unsqueeze(input, dim)",
    "Tensor.unsqueeze(self, dim)",
)
def expand_dims(x: Array, axis: NewAxis) -> jax.Array:
    """Insert an axis of length 1.

    Returns:
        Tensor with one more axis.

    Examples:
        >>> ops.expand_dims(Tensor([1, 2]), 0).shape
        (1, 2)
        >>> ops.unsqueeze(Tensor([1, 2]), 1).shape
        (2, 1)
    """
    return jnp.expand_dims(x, axis)


@op(
    "ops.flip(input, dims)",
    "mint.flip(input, dims)",
    "Tensor.flip(self, dims)",
    "ops.reverse(x, axis)",
    "Tensor.reverse(self, axis)",
    "ops.ReverseV2(axis=REQUIRED)(x)",
)
def flip(x: Array, axis: SomeAxes) -> jax.Array:
    """Reverse the order of the elements along axes.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> print(ops.flip(Tensor([[1, 2], [3, 4]]), (1,)))
        [[2 1]
         [4 3]]
        >>> print(ops.reverse(Tensor([1, 2, 3]), 0))
        [3 2 1]
    """
    return jnp.flip(x, axis)


@op("ops.fliplr(input)", "Tensor.fliplr(self)")
def fliplr(x: Array) -> jax.Array:
    """Reverse the order of the columns, along the second axis.

    Args:
        x: Tensor of at least 2 axes.

    Returns:
        Tensor of the same shape.

    Raises:
        ArgumentError: fewer than 2 axes.

    Examples:
        >>> print(ops.fliplr(Tensor([[1, 2], [3, 4]])))
        [[2 1]
         [4 3]]
    """
    return jnp.flip(x, _args.one_axis(1, x, where="fliplr"))


@op("ops.flipud(input)", "Tensor.flipud(self)")
def flipud(x: Array) -> jax.Array:
    """Reverse the order of the rows, along the first axis.

    Args:
        x: Tensor of at least 1 axis.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> print(ops.flipud(Tensor([[1, 2], [3, 4]])))
        [[3 4]
         [1 2]]
    """
    return jnp.flip(x, _args.one_axis(0, x, where="flipud"))


@op(
    "ops.roll(input, shifts, dims=None)",
    "mint.roll(input, shifts, dims=None)",
    "Tensor.roll(self, shifts, dims=None)",
    "ops.Roll(shifts=REQUIRED, dims=None)(input)",
)
def roll(x: Array, shifts: Integers, axis: OptionalAxes) -> jax.Array:
    """Shift elements along axes; those that pass the end reappear at the start.

    Args:
        shifts: int or tuple of ints: the number of positions.
        axis: the axes, one for each shift; None rolls the flattened Tensor.

    Returns:
        Tensor of the same shape.

    Raises:
        ArgumentError: `shifts` and `dims` differ in length.

    Examples:
        >>> print(ops.roll(Tensor([1, 2, 3]), 1))
        [3 1 2]
    """
    if axis is None:
        return jnp.roll(x, builtins.sum(shifts))
    if len(shifts) != len(axis):
        raise ArgumentError(f"ops.roll: `shifts` and `dims` must be of one length, but got {shifts} and {axis}.")
    return jnp.roll(x, shifts, axis)


@op("ops.rot90(input, k, dims)", "Tensor.rot90(self, k, dims)")
def rot90(x: Array, k: Integer, axis: SomeAxes) -> jax.Array:
    """Rotate by 90 degrees, `k` times, in the plane of two axes.

    Args:
        x: Tensor of at least 2 axes.
        k: the number of rotations, from the first axis towards the second.
        axis: the two axes.

    Returns:
        Tensor, its two axes exchanged for odd `k`.

    Raises:
        ArgumentError: not two different axes.

    Examples:
        >>> print(ops.rot90(Tensor([[1, 2], [3, 4]]), 1, (0, 1)))
        [[2 4]
         [1 3]]
    """
    if len(set(axis)) != 2 or len(axis) != 2:
        raise ArgumentError(f"ops.rot90: `dims` must name two different axes, but got {axis}.")
    return jnp.rot90(x, k, axis)
