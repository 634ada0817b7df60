"""Concatenation, stacking and splitting."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax.ops import _args
from sporax.ops._kinds import (
    Array,
    Arrays,
    Axis,
    Integer,
    Kind,
    NewAxis,
    OptionalInteger,
    arrays_kind,
    choice_kind,
    integer_kind,
    plain,
    ranked_kind,
    static_kind,
)
from sporax.ops._op import op, signature


def sections_kind(minimum: int | None, doc: str, *raises: str) -> Kind:
    """An int, at least `minimum`, or a list of ints."""

    def convert(value: Any, _: Any, where: str, name: str) -> int | tuple[int, ...]:
        value = plain(value)
        if isinstance(value, (tuple, list)):
            return _args.as_ints(value, where=where, name=name)
        number = _args.as_int(value, where=where, name=name)
        return _check.integer(number, name=name, where=f"ops.{where}", minimum=minimum)

    return static_kind(convert, doc, "int | Sequence[int]", *raises)


def _array_or_arrays(value: Any, _: Any, where: str, name: str) -> Any:
    value = plain(value)
    return tuple(map(_args.as_array, value)) if isinstance(value, (tuple, list)) else _args.as_array(value)


Sections = Annotated[
    int | tuple[int, ...],
    sections_kind(
        1,
        "the number of pieces, or a list of the indices at which to split.",
        "ArgumentError: the number of pieces is less than 1.",
    ),
]
Lengths = Annotated[
    int | tuple[int, ...],
    sections_kind(None, "the length of each piece (the last may be shorter), or a list of lengths."),
]
Pieces = Annotated[int, integer_kind(1, "the number of pieces.")]
Vectors = Annotated[list[jax.Array], arrays_kind("Tensors of one axis.", "_TensorLike")]
Sliceable = Annotated[jax.Array, ranked_kind(1)]
ArrayOrArrays = Annotated[
    Any, Kind(_array_or_arrays, "Tensor, or a tuple or list of Tensors.", "_TensorLike", data=True)
]
Indexing = Annotated[
    str, choice_kind("xy", "ij", doc='"xy" puts the first Tensor along the second axis, "ij" along the first.')
]


def _concatenated(arrays: list[jax.Array], axis: int, where: str) -> jax.Array:
    first = arrays[0].shape
    for each in arrays[1:]:
        same = each.ndim == len(first) and each.shape[:axis] == first[:axis]
        if not same or each.shape[axis + 1 :] != first[axis + 1 :]:
            raise ShapeError(
                f"ops.{where}: shapes must agree on every axis but axis {axis}, but got {first} and {each.shape}."
            )
    if not first:
        raise ShapeError(f"ops.{where}: Tensors without axes cannot be concatenated. Use ops.stack.")
    return jnp.concatenate(arrays, axis=axis)


@op("ops.concat(tensors, axis=0)", "ops.cat(tensors, axis=0)", "ops.Concat(axis=0)(tensors)")
def concat(tensors: Arrays, axis: Axis) -> jax.Array:
    """Concatenate Tensors along an existing axis. Different dtypes are promoted.

    Args:
        tensors: tuple or list of Tensors; their shapes agree on the other axes.

    Returns:
        Tensor whose length along the axis is the sum of theirs.

    Raises:
        ShapeError: the shapes do not agree; the message names both.

    Examples:
        >>> print(ops.concat((Tensor([[1, 2]]), Tensor([[3, 4]]))))
        [[1 2]
         [3 4]]
    """
    return _concatenated(tensors, axis, "concat")


@op("ops.stack(tensors, axis=0)", "ops.Stack(axis=0)(tensors)", "ops.Pack(axis=0)(tensors)")
def stack(tensors: Arrays, axis: NewAxis) -> jax.Array:
    """Stack Tensors of one shape along a new axis. Different dtypes are promoted.

    Args:
        tensors: tuple or list of Tensors of one shape.

    Returns:
        Tensor with one more axis.

    Raises:
        ShapeError: the shapes differ; the message names both.

    Examples:
        >>> print(ops.stack((Tensor([1, 2]), Tensor([3, 4])), 1))
        [[1 3]
         [2 4]]
    """
    for each in tensors[1:]:
        if each.shape != tensors[0].shape:
            raise ShapeError(
                f"ops.stack: all Tensors must have one shape, but got {tensors[0].shape} and {each.shape}."
            )
    return jnp.stack(tensors, axis=axis)


@op(
    "ops.unstack(input_x, axis=0)",
    "ops.Unpack(axis=0)(input_x)",
    "ops.unbind(input, dim=0)",
    "mint.unbind(input, dim=0)",
    "Tensor.unbind(self, dim=0)",
)
def unstack(x: Sliceable, axis: Axis) -> tuple[jax.Array, ...]:
    """Return the slices along an axis, without this axis.

    Returns:
        tuple of Tensors, one for each index of the axis.

    Examples:
        >>> first, second = ops.unstack(Tensor([[1, 2], [3, 4]]))
        >>> print(first, second)
        [1 2] [3 4]
        >>> first, second = ops.unbind(Tensor([[1, 2], [3, 4]]), 1)
        >>> print(first, second)
        [1 3] [2 4]
    """
    return tuple(jnp.moveaxis(x, axis, 0))


@op("ops.Unstack(axis=0, num=None)(input_x)")
def _unstack(x: Sliceable, axis: Axis, num: OptionalInteger) -> tuple[jax.Array, ...]:
    """Return the slices along an axis, without this axis.

    Args:
        num: the number of slices, for MindSpore code that gives it; it must be correct.
    """
    if num is not None and num != x.shape[axis]:
        raise ArgumentError(f"ops.Unstack: `num` is {num}, but the axis has length {x.shape[axis]}.")
    return tuple(jnp.moveaxis(x, axis, 0))


def _cut(x: jax.Array, indices: list[int], axis: int) -> tuple[jax.Array, ...]:
    bounds = [0, *indices, x.shape[axis]]
    before = (builtins.slice(None),) * axis
    return tuple(x[(*before, builtins.slice(start, max(start, end)))] for start, end in itertools.pairwise(bounds))


@op(
    "ops.split(tensor, split_size_or_sections, axis=0)",
    "Tensor.split(self, split_size_or_sections, axis=0)",
    signature("Tensor.split(self, split_size, dim=0)", rename={"split_size": "split_size_or_sections"}),
)
def split(x: Array, split_size_or_sections: Lengths, axis: Integer) -> tuple[jax.Array, ...]:
    """Split along an axis into pieces of given lengths.

    Args:
        x: Tensor of at least one axis.
        axis: the axis. `split(x, 0, n)`, which asks for pieces of length 0, has the meaning of MindSpore 1: n pieces
            along axis 0.

    Returns:
        tuple of Tensors.

    Raises:
        ArgumentError: the axis is out of range, or a length is not positive.
        ShapeError: the sum of the lengths is not the length of the axis.

    Examples:
        >>> first, second = ops.split(Tensor([1, 2, 3]), 2)
        >>> print(first, second)
        [1 2] [3]
    """
    size = split_size_or_sections
    if size == 0 and axis > 0:
        # MindSpore 1's split(x, axis, output_num), which scripts still contain: pieces of length 0 have no meaning.
        size, axis = -(-x.shape[0] // axis), 0
    axis = _args.one_axis(axis, x, where="split")
    length = x.shape[axis]
    if isinstance(size, tuple):
        if sum(size) != length or min(size, default=0) < 0:
            raise ShapeError(
                f"ops.split: the lengths {list(size)} must add up to {length}, the length of axis {axis} "
                f"of shape {x.shape}."
            )
        return _cut(x, np.cumsum(size)[:-1].tolist(), axis)
    _check.integer(size, name="split_size_or_sections", where="ops.split", minimum=1)
    return _cut(x, list(range(size, length, size)), axis)


@op("ops.chunk(input, chunks, axis=0)", "Tensor.chunk(self, chunks, axis=0)")
def chunk(x: Array, chunks: Pieces, axis: Axis) -> tuple[jax.Array, ...]:
    """Split along an axis into n pieces of equal length; the last may be shorter, and a short axis gives fewer.

    Args:
        x: Tensor of at least one axis.

    Returns:
        tuple of Tensors.

    Examples:
        >>> first, second = ops.chunk(Tensor([1, 2, 3]), 2)
        >>> print(first, second)
        [1 2] [3]
    """
    length = x.shape[axis]
    size = max(1, -(-length // chunks))
    return _cut(x, list(range(size, length, size)), axis)


def _nearly_equal(x: jax.Array, sections: int | tuple[int, ...], axis: int) -> tuple[jax.Array, ...]:
    if isinstance(sections, int):
        return tuple(jnp.array_split(x, sections, axis=axis))
    # As slices: an index after the end, or one before its predecessor, gives an empty piece.
    before: tuple[Any, ...] = (builtins.slice(None),) * axis
    bounds = (None, *sections, None)
    return tuple(x[(*before, builtins.slice(*pair))] for pair in itertools.pairwise(bounds))


@op(
    "ops.tensor_split(input, indices_or_sections, axis=0)",
    "Tensor.tensor_split(self, indices_or_sections, axis=0)",
)
def tensor_split(x: Array, indices_or_sections: Sections, axis: Axis) -> tuple[jax.Array, ...]:
    """Split along an axis into pieces of nearly equal length, or at given indices.

    Args:
        x: Tensor of at least one axis.

    Returns:
        tuple of Tensors; the first ones are longer by 1 where the length is not divisible.

    Examples:
        >>> first, second = ops.tensor_split(Tensor([1, 2, 3]), 2)
        >>> print(first, second)
        [1 2] [3]
    """
    return _nearly_equal(x, indices_or_sections, axis)


@op("ops.hsplit(input, indices_or_sections)", "Tensor.hsplit(self, indices_or_sections)")
def hsplit(x: Array, indices_or_sections: Sections) -> tuple[jax.Array, ...]:
    """Split along the second axis, or along the only one.

    Args:
        x: Tensor of at least one axis.

    Returns:
        tuple of Tensors.

    Examples:
        >>> print(ops.hsplit(Tensor([[1, 2], [3, 4]]), 2)[1])
        [[2]
         [4]]
    """
    return _nearly_equal(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@op("ops.vsplit(input, indices_or_sections)", "Tensor.vsplit(self, indices_or_sections)")
def vsplit(x: Array, indices_or_sections: Sections) -> tuple[jax.Array, ...]:
    """Split along the first axis.

    Args:
        x: Tensor of at least two axes.

    Returns:
        tuple of Tensors.

    Examples:
        >>> print(ops.vsplit(Tensor([[1, 2], [3, 4]]), 2)[1])
        [[3 4]]
    """
    return _nearly_equal(x, indices_or_sections, 0)


@op("ops.dsplit(input, indices_or_sections)", "Tensor.dsplit(self, indices_or_sections)")
def dsplit(x: Array, indices_or_sections: Sections) -> tuple[jax.Array, ...]:
    """Split along the third axis.

    Args:
        x: Tensor of at least three axes.

    Returns:
        tuple of Tensors.

    Raises:
        ArgumentError: fewer than three axes.

    Examples:
        >>> ops.dsplit(ops.ones((1, 2, 4)), 2)[0].shape
        (1, 2, 2)
    """
    return _nearly_equal(x, indices_or_sections, _args.one_axis(2, x, where="dsplit"))


@op("ops.hstack(tensors)", "mint.hstack(tensors)")
def hstack(tensors: Arrays) -> jax.Array:
    """Concatenate along the second axis, or along the only one.

    Returns:
        Tensor.

    Raises:
        ShapeError: the shapes do not agree.

    Examples:
        >>> print(ops.hstack((Tensor([1, 2]), Tensor([3]))))
        [1 2 3]
    """
    arrays = [jnp.atleast_1d(each) for each in tensors]
    return _concatenated(arrays, 1 if arrays[0].ndim > 1 else 0, "hstack")


@op("ops.vstack(inputs)", "ops.row_stack(inputs)")
def vstack(inputs: Arrays) -> jax.Array:
    """Concatenate along the first axis; vectors are rows.

    Returns:
        Tensor of at least two axes.

    Raises:
        ShapeError: the shapes do not agree.

    Examples:
        >>> print(ops.vstack((Tensor([1, 2]), Tensor([3, 4]))))
        [[1 2]
         [3 4]]
    """
    return _concatenated([jnp.atleast_2d(each) for each in inputs], 0, "vstack")


@op("ops.dstack(tensors)", "mint.dstack(tensors)")
def dstack(tensors: Arrays) -> jax.Array:
    """Concatenate along the third axis.

    Returns:
        Tensor of at least three axes.

    Raises:
        ShapeError: the shapes do not agree.

    Examples:
        >>> ops.dstack((Tensor([1, 2]), Tensor([3, 4]))).shape
        (1, 2, 2)
    """
    return _concatenated([jnp.atleast_3d(each) for each in tensors], 2, "dstack")


@op("ops.column_stack(tensors)")
def column_stack(tensors: Arrays) -> jax.Array:
    """Concatenate vectors as the columns of a matrix, and matrices along the second axis.

    Args:
        tensors: tuple or list of Tensors of at most two axes.

    Returns:
        Tensor of two axes.

    Raises:
        ShapeError: the shapes do not agree.

    Examples:
        >>> print(ops.column_stack((Tensor([1, 2]), Tensor([3, 4]))))
        [[1 3]
         [2 4]]
    """
    arrays = [each.reshape(-1, 1) if each.ndim < 2 else each for each in tensors]
    return _concatenated(arrays, 1, "column_stack")


@op("ops.meshgrid(*inputs, indexing='xy')", "ops.Meshgrid(indexing='xy')(inputs)")
def meshgrid(inputs: Vectors, indexing: Indexing) -> tuple[jax.Array, ...]:
    """Return the coordinates of every point of a grid, from the coordinates along each axis.

    Returns:
        tuple of Tensors, one for each input, all of the grid's shape.

    Examples:
        >>> x, y = ops.meshgrid(Tensor([1, 2]), Tensor([3]))
        >>> print(x, y)
        [[1 2]] [[3 3]]
    """
    return tuple(jnp.meshgrid(*inputs, indexing=indexing))


@op("ops.cartesian_prod(*inputs)")
def cartesian_prod(inputs: Vectors) -> jax.Array:
    """Return every combination of one element from each Tensor.

    Returns:
        Tensor of shape (product of the lengths, number of Tensors).

    Examples:
        >>> print(ops.cartesian_prod(Tensor([1, 2]), Tensor([5])))
        [[1 5]
         [2 5]]
    """
    grids = jnp.meshgrid(*inputs, indexing="ij")
    return jnp.stack([grid.reshape(-1) for grid in grids], axis=1)


def _each(function: Callable[[Any], Any], inputs: Any) -> Any:
    return tuple(map(function, inputs)) if isinstance(inputs, tuple) else function(inputs)


@op("ops.atleast_1d(inputs)")
def atleast_1d(inputs: ArrayOrArrays) -> Any:
    """Return the Tensor with at least one axis.

    Returns:
        Tensor, or a tuple of Tensors.

    Examples:
        >>> ops.atleast_1d(Tensor(1.0)).shape
        (1,)
    """
    return _each(jnp.atleast_1d, inputs)


@op("ops.atleast_2d(inputs)")
def atleast_2d(inputs: ArrayOrArrays) -> Any:
    """Return the Tensor with at least two axes; new ones come first.

    Returns:
        Tensor, or a tuple of Tensors.

    Examples:
        >>> ops.atleast_2d(Tensor([1.0, 2.0])).shape
        (1, 2)
    """
    return _each(jnp.atleast_2d, inputs)


@op("ops.atleast_3d(inputs)")
def atleast_3d(inputs: ArrayOrArrays) -> Any:
    """Return the Tensor with at least three axes: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1).

    Returns:
        Tensor, or a tuple of Tensors.

    Examples:
        >>> ops.atleast_3d(Tensor([1.0, 2.0])).shape
        (1, 2, 1)
    """
    return _each(jnp.atleast_3d, inputs)


@op("ops.Split(axis=0, output_num=1)(input_x)")
def _split(x: Array, axis: Axis, output_num: Pieces) -> tuple[jax.Array, ...]:
    """Split along an axis into pieces of equal length.

    Raises:
        ArgumentError: the length of the axis is not divisible by the number of pieces.
    """
    if x.shape[axis] % output_num:
        raise ArgumentError(
            f"ops.Split: axis {axis} of shape {x.shape} does not divide into {output_num} equal pieces."
        )
    return tuple(jnp.split(x, output_num, axis=axis))
