"""Shapes: reshaping, broadcasting, repetition and slices."""

from __future__ import annotations

import builtins
import math
from dataclasses import replace
from typing import Annotated, Any, get_args

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ShapeError
from sporax.core.dtype import DType, as_dtype
from sporax.ops import _args
from sporax.ops._kinds import (
    Array,
    Axis,
    Integer,
    OptionalAxis,
    OptionalInteger,
    Shape,
    Value,
    choice_kind,
    integer_kind,
    plain,
    static_kind,
    unpacking,
)
from sporax.ops._op import op, signature

_SIZES = "int | Sequence[int] | Tensor"


def _sizes(value: Any, where: str, name: str) -> tuple[int, ...]:
    return _args.as_shape(plain(value), where=where, name=name, free=True)


def _fitting_sizes(value: Any, x: Any, where: str, name: str) -> tuple[int, ...]:
    sizes = _sizes(value, where, name)
    free = sizes.count(-1)
    known = math.prod(size for size in sizes if size != -1)
    if free > 1:
        raise ArgumentError(f"ops.{where}: only one size of `{name}` may be -1, but got {sizes}.")
    fits = known == x.size if not free else (known > 0 and x.size % known == 0)
    if not fits:
        raise ShapeError(
            f"ops.{where}: a Tensor of shape {x.shape} has {x.size} elements, which do not fit shape {sizes}."
        )
    return sizes


def _broadcast_sizes(sizes: tuple[int, ...], x: Any, where: str) -> tuple[int, ...]:
    new = len(sizes) - x.ndim
    if new < 0 or -1 in sizes[:new]:
        raise ShapeError(f"ops.{where}: a Tensor of shape {x.shape} does not broadcast to shape {sizes}.")
    wanted = sizes[:new] + tuple(here if size == -1 else size for size, here in zip(sizes[new:], x.shape, strict=True))
    for size, here in zip(wanted[new:], x.shape, strict=True):
        if here not in (1, size):
            raise ShapeError(
                f"ops.{where}: a Tensor of shape {x.shape} does not broadcast to shape {sizes}. "
                "Sizes must agree axis by axis from the right, or be 1 in the Tensor."
            )
    return wanted


FreeShape = Annotated[
    tuple[int, ...],
    static_kind(
        lambda value, _, where, name: _sizes(value, where, name),
        "int or tuple of ints; -1 for all remaining elements.",
        _SIZES,
    ),
]
FittingShape = Annotated[
    tuple[int, ...],
    unpacking(
        static_kind(
            _fitting_sizes,
            "tuple of ints; one of them may be -1 and is then inferred.",
            _SIZES,
            "ShapeError: the number of elements differs; the message names both shapes.",
        )
    ),
]
ShapeOrDType = Annotated[
    Any,
    static_kind(
        lambda value, *given: (
            as_dtype(value[0]).dtype
            if len(value) == 1 and isinstance(value[0], DType)
            else get_args(FittingShape)[1].convert(value, *given)
        ),
        "ints, one of which may be -1 and is then inferred; or a dtype.",
        "int | Sequence[int] | Tensor | DType",
        "ShapeError: the number of elements differs; the message names both shapes.",
    ),
]
BroadcastShape = Annotated[
    tuple[int, ...],
    unpacking(
        static_kind(
            lambda value, x, where, name: _broadcast_sizes(_sizes(value, where, name), x, where),
            "tuple of ints, or an integer Tensor; -1 keeps the length of that axis.",
            _SIZES,
            "ShapeError: the Tensor does not broadcast to the shape; the message names both.",
        )
    ),
]
Counts = Annotated[
    tuple[int, ...],
    unpacking(
        static_kind(
            lambda value, _, where, name: _args.as_shape(plain(value), where=where, name=name),
            "the number of copies along each axis; missing ones on either side are 1, in front.",
            _SIZES,
            "ArgumentError: a negative number.",
        )
    ),
]
_ORDER = choice_kind("C", "F", doc='"C" for row-major order of the elements, "F" for column-major.')
Order = Annotated[str, _ORDER]
OrderOrAxis = Annotated[
    Any,
    replace(_ORDER, convert=lambda value, *given: value if isinstance(value, int) else _ORDER.convert(value, *given)),
]
Repetitions = Annotated[int, integer_kind(0, "the number of copies.")]


@op("ops.reshape(input, shape)", "ops.Reshape()(input, shape)", "Tensor.reshape(self, *shape)")
def reshape(x: Array, shape: FittingShape) -> jax.Array:
    """Return the same elements in another shape, in row-major order.

    Returns:
        Tensor of that shape.

    Examples:
        >>> print(ops.reshape(Tensor([1, 2, 3, 4]), (2, -1)))
        [[1 2]
         [3 4]]
    """
    return jnp.reshape(x, shape)


@op("Tensor.view(self, *shape)")
def _view(x: Array, shape: ShapeOrDType) -> jax.Array:
    """Return the same elements in another shape; with a dtype instead, the same bits as that dtype."""
    if isinstance(shape, tuple):
        return jnp.reshape(x, shape)
    return jax.lax.bitcast_convert_type(x, shape) if x.dtype.itemsize == shape.itemsize else x.view(shape)


@op(
    "ops.flatten(input, order='C', *, start_dim=1, end_dim=-1)",
    "ops.Flatten()(input, order='C', *, start_dim=1, end_dim=-1)",
)
def flatten(x: Array, order: Order, start_dim: Integer, end_dim: Integer) -> jax.Array:
    """Merge adjacent axes into one. By default the first axis, the batch, is kept.

    Args:
        start_dim: the first of the axes.
        end_dim: the last of the axes.

    Returns:
        Tensor with the axes from `start_dim` to `end_dim` merged.

    Raises:
        ArgumentError: an axis is out of range, or `start_dim` is greater than `end_dim`.

    Examples:
        >>> ops.flatten(ops.ones((2, 3, 4))).shape
        (2, 12)
    """
    return _flattened(x, order, start_dim, end_dim)


@op("Tensor.flatten(self, order='C', *end, start_dim=0, end_dim=-1)")
def _flatten_method(x: Array, order: OrderOrAxis, end: Value, start_dim: Integer, end_dim: Integer) -> jax.Array:
    """Merge adjacent axes, as `ops.flatten`; by default all of them.

    The first and last axis may be given by position: `x.flatten(0, 1)`.

    Args:
        order: "C" or "F"; or int: the first of the axes.
        end: int: the last of the axes, if the first is given by position.
        start_dim: the first of the axes.
        end_dim: the last of the axes.
    """
    if isinstance(order, int):
        if len(end) > 1:
            raise TypeError(f"Tensor.flatten: takes a first and a last axis, but got {(order, *end)!r}.")
        order, start_dim, end_dim = "C", order, end[0] if end else end_dim
    elif end:
        raise TypeError(f"Tensor.flatten: after order={order!r} name the axes, start_dim= and end_dim=; got {end!r}.")
    return _flattened(x, order, start_dim, end_dim)


def _flattened(x: jax.Array, order: str, start_dim: int, end_dim: int) -> jax.Array:
    if x.ndim < 2:
        return x.reshape(-1)
    first = _args.one_axis(start_dim, x, where="flatten", name="start_dim")
    last = _args.one_axis(end_dim, x, where="flatten", name="end_dim")
    if first > last:
        raise ArgumentError(
            f"ops.flatten: `start_dim` must not be greater than `end_dim`, but got {start_dim} and {end_dim}."
        )
    if order == "F":
        middle = range(last, first - 1, -1)
        x = jnp.transpose(x, [*range(first), *middle, *range(last + 1, x.ndim)])
        sizes = (*x.shape[:first], -1, *x.shape[last + 1 :])
    else:
        sizes = (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])
    return x.reshape(sizes)


@op("ops.ravel(input)", "mint.ravel(input)", "Tensor.ravel(self)")
def ravel(x: Array) -> jax.Array:
    """Return all elements along one axis, in row-major order.

    Returns:
        Tensor of one axis.

    Examples:
        >>> print(ops.ravel(Tensor([[1, 2], [3, 4]])))
        [1 2 3 4]
    """
    return x.reshape(-1)


@op("ops.view_as(input, other)", "Tensor.view_as(self, other)", "Tensor.reshape_as(self, other)")
def view_as(x: Array, other: Array) -> jax.Array:
    """Return the same elements in the shape of another Tensor.

    Args:
        other: Tensor with the same number of elements.

    Returns:
        Tensor of the shape of `other`.

    Raises:
        ShapeError: the number of elements differs.

    Examples:
        >>> ops.view_as(Tensor([1, 2, 3, 4]), ops.ones((2, 2))).shape
        (2, 2)
    """
    if x.size != other.size:
        raise ShapeError(f"ops.view_as: shapes {x.shape} and {other.shape} differ in their number of elements.")
    return x.reshape(other.shape)


@op(
    "ops.broadcast_to(input, shape)",
    "mint.broadcast_to(input, shape)",
    "Tensor.broadcast_to(self, shape)",
    "ops.BroadcastTo(shape=REQUIRED)(input)",
    signature("ops.expand(input_x, size)", rename={"size": "shape"}),
    signature("Tensor.expand(self, *sizes)", rename={"sizes": "shape"}),
    signature("Tensor.expand(self, size)", rename={"size": "shape"}),
)
def broadcast_to(x: Array, shape: BroadcastShape) -> jax.Array:
    """Repeat the Tensor along axes of length 1, and along new leading axes, to a shape.

    Returns:
        Tensor of that shape.

    Examples:
        >>> print(ops.broadcast_to(Tensor([1, 2]), (2, 2)))
        [[1 2]
         [1 2]]
        >>> ops.expand(ops.ones((3, 1)), (3, 4)).shape
        (3, 4)
    """
    return jnp.broadcast_to(x, shape)


@op(
    "ops.expand_as(input, other)",
    "Tensor.expand_as(self, other)",
    signature("Tensor.expand_as(self, x)", rename={"x": "other"}),
)
def expand_as(x: Array, other: Array) -> jax.Array:
    """Broadcast to the shape of another Tensor.

    Args:
        other: Tensor of the shape to broadcast to.

    Returns:
        Tensor of the shape of `other`.

    Raises:
        ShapeError: the Tensor does not broadcast to it.

    Examples:
        >>> ops.expand_as(ops.ones((3, 1)), ops.ones((3, 4))).shape
        (3, 4)
    """
    return jnp.broadcast_to(x, _broadcast_sizes(other.shape, x, "expand_as"))


@op(
    signature("ops.tile(input, dims)", rename={"dims": "counts"}),
    signature("mint.tile(input, dims)", rename={"dims": "counts"}),
    signature("ops.Tile()(input, dims)", rename={"dims": "counts"}),
    "Tensor.tile(self, *counts)",
    signature("Tensor.tile(self, reps)", rename={"reps": "counts"}),
    signature("Tensor.tile(self, dims)", rename={"dims": "counts"}),
    signature("Tensor.repeat(self, *repeats)", rename={"repeats": "counts"}),
)
def tile(x: Array, counts: Counts) -> jax.Array:
    """Repeat the whole Tensor along axes.

    Returns:
        Tensor whose lengths are multiplied by the counts.

    Examples:
        >>> print(ops.tile(Tensor([1, 2]), (2, 2)))
        [[1 2 1 2]
         [1 2 1 2]]
    """
    return jnp.tile(x, counts)


@op(
    "ops.repeat_interleave(input, repeats, axis=None, output_size=None)",
    "Tensor.repeat_interleave(self, repeats, axis=None, output_size=None)",
)
def repeat_interleave(x: Array, repeats: Shape, axis: OptionalAxis, output_size: OptionalInteger) -> jax.Array:
    """Repeat each element.

    Args:
        repeats: the number of copies: an int, or one number for each position along the axis.
        output_size: the new length of the axis, which MindSpore code may give; it must be correct.

    Returns:
        Tensor with the repeated elements next to each other along the axis.

    Raises:
        ShapeError: the number of `repeats` is not the length of the axis, or `output_size` is not their sum.

    Examples:
        >>> print(ops.repeat_interleave(Tensor([1, 2]), 2))
        [1 1 2 2]
    """
    if axis is None:
        x, axis = x.reshape(-1), 0
    if len(repeats) not in (1, x.shape[axis]):
        raise ShapeError(
            f"ops.repeat_interleave: `repeats` must hold 1 or {x.shape[axis]} numbers for shape "
            f"{x.shape} along axis {axis}, but holds {len(repeats)}."
        )
    length = repeats[0] * x.shape[axis] if len(repeats) == 1 else sum(repeats)
    if output_size is not None and output_size != length:
        raise ShapeError(
            f"ops.repeat_interleave: `output_size` must be {length}, the sum of `repeats`, but got {output_size}."
        )
    if len(repeats) == 1:
        return jnp.repeat(x, repeats[0], axis=axis)
    return jnp.take(x, np.repeat(np.arange(len(repeats)), repeats), axis=axis)


@op("ops.repeat_elements(x, rep, axis=0)")
def repeat_elements(x: Array, rep: Repetitions, axis: Axis) -> jax.Array:
    """Repeat each element along an axis.

    Returns:
        Tensor with the axis `rep` times as long.

    Examples:
        >>> print(ops.repeat_elements(Tensor([[1, 2]]), 2, 1))
        [[1 1 2 2]]
    """
    return jnp.repeat(x, rep, axis=axis)


@op("ops.narrow(input, axis, start, length)", "Tensor.narrow(self, axis, start, length)")
def narrow(x: Array, axis: Axis, start: Integer, length: Integer) -> jax.Array:
    """Return a contiguous part of an axis.

    Args:
        start: the first index; a negative one counts from the end.
        length: the length of the part.

    Returns:
        Tensor with the axis shortened to `length`.

    Raises:
        ArgumentError: the part does not lie inside the axis.

    Examples:
        >>> print(ops.narrow(Tensor([1, 2, 3, 4]), 0, 1, 2))
        [2 3]
    """
    size = x.shape[axis] if x.shape else 1
    begin = start + size if start < 0 else start
    if not (begin >= 0 and length >= 0 and begin + length <= size):
        raise ArgumentError(
            f"ops.narrow: `start` {start} and `length` {length} do not lie inside axis {axis} of shape {x.shape}."
        )
    return x[(builtins.slice(None),) * axis + (builtins.slice(begin, begin + length),)]


@op("ops.slice(input_x, begin, size)", "ops.Slice()(input_x, begin, size)")
def slice(x: Array, begin: Shape, size: FreeShape) -> jax.Array:
    """Return a block of the Tensor.

    Args:
        begin: the first index along each axis.
        size: the length along each axis; -1 for all remaining elements.

    Returns:
        Tensor of shape `size`.

    Raises:
        ArgumentError: the block does not lie inside the Tensor.

    Examples:
        >>> print(ops.slice(Tensor([[1, 2], [3, 4]]), (0, 1), (2, 1)))
        [[2]
         [4]]
    """
    if len(begin) != x.ndim or len(size) != x.ndim:
        raise ArgumentError(
            f"ops.slice: `begin` {begin} and `size` {size} must have one number for each axis of shape {x.shape}."
        )
    ends = [n if count == -1 else first + count for first, count, n in zip(begin, size, x.shape, strict=True)]
    if any(end > n or first > n for first, end, n in zip(begin, ends, x.shape, strict=True)):
        raise ArgumentError(f"ops.slice: `begin` {begin} and `size` {size} do not lie inside shape {x.shape}.")
    return x[tuple(map(builtins.slice, begin, ends))]


@op("ops.shape(input_x)", "ops.Shape()(input_x)")
def shape(x: Array) -> tuple[int, ...]:
    """Return the length of each axis.

    Returns:
        tuple of ints.

    Examples:
        >>> ops.shape(Tensor([[1, 2, 3]]))
        (1, 3)
    """
    return x.shape


@op("ops.TensorShape()(input)")
def _tensor_shape(x: Array) -> jax.Array:
    """Return the length of each axis, as an int64 Tensor."""
    return jnp.asarray(x.shape, np.int64)


@op("ops.rank(input_x)", "ops.Rank()(input_x)")
def rank(x: Array) -> int:
    """Return the number of axes.

    Returns:
        int.

    Examples:
        >>> ops.rank(Tensor([[1, 2, 3]]))
        2
    """
    return x.ndim


@op("ops.size(input_x)", "ops.numel(input_x)", "ops.Size()(input_x)", "Tensor.numel(self)")
def size(x: Array) -> int:
    """Return the number of elements.

    Returns:
        int.

    Examples:
        >>> ops.size(Tensor([[1, 2, 3]]))
        3
    """
    return x.size
