"""Joining Tensors and taking them apart."""

from __future__ import annotations

import builtins
import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax.ops._args import Array, arrays_of, as_array, one_axis, whole, wholes
from sporax.ops._base import alias, lifted, op, primitive


def _joined(values: Any, axis: Any, where: str, name: str = "tensors") -> Array:
    arrays = arrays_of(values, where=where, name=name)
    place = one_axis(axis, arrays[0], where=where)
    first = arrays[0].shape
    for each in arrays[1:]:
        same = each.ndim == len(first) and each.shape[:place] == first[:place]
        if not same or each.shape[place + 1 :] != first[place + 1 :]:
            raise ShapeError(
                f"ops.{where}: shapes must agree on every axis but axis {place}, but got {first} and {each.shape}."
            )
    if not first:
        raise ShapeError(f"ops.{where}: Tensors of no axis cannot be joined. Use ops.stack.")
    return jnp.concatenate(arrays, axis=place)


@op
def concat(tensors: Any, axis: int = 0) -> Array:
    """Tensors one after the other along an axis that they have. Dtypes that differ are promoted.

    Args:
        tensors: tuple or list of Tensors; their shapes agree on the other axes.
        axis: the axis.

    Returns:
        Tensor whose length along the axis is the sum of theirs.

    Raises:
        ArgumentError: nothing to join, or the axis is out of range.
        ShapeError: the shapes do not agree; both are named.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.concat((Tensor([[1, 2]]), Tensor([[3, 4]]))))
        [[1 2]
         [3 4]]

    Source: `ops.concat` of MindSpore.
    """
    return _joined(tensors, axis, "concat")


@op
def stack(tensors: Any, axis: int = 0) -> Array:
    """Tensors of one shape along a new axis. Dtypes that differ are promoted.

    Args:
        tensors: tuple or list of Tensors of one shape.
        axis: where the new axis goes.

    Returns:
        Tensor with one axis more.

    Raises:
        ArgumentError: nothing to stack, or the axis is out of range.
        ShapeError: the shapes differ; both are named.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.stack((Tensor([1, 2]), Tensor([3, 4])), 1))
        [[1 3]
         [2 4]]

    Source: `ops.stack` of MindSpore.
    """
    arrays = arrays_of(tensors, where="stack", name="tensors")
    for each in arrays[1:]:
        if each.shape != arrays[0].shape:
            raise ShapeError(f"ops.stack: all Tensors must have one shape, but got {arrays[0].shape} and {each.shape}.")
    return jnp.stack(arrays, axis=one_axis(axis, arrays[0], where="stack", new=True))


def _unstacked(array: Array, axis: Any, where: str, name: str) -> tuple[Array, ...]:
    if not array.shape:
        raise ShapeError(f"ops.{where}: a Tensor of no axis cannot be taken apart.")
    return tuple(jnp.moveaxis(array, one_axis(axis, array, where=where, name=name), 0))


@op
def unstack(input_x: Array, axis: int = 0) -> tuple[Array, ...]:
    """The slices along an axis, each without it.

    Args:
        input_x: Tensor of at least one axis.
        axis: the axis.

    Returns:
        tuple of Tensors, as many as the axis is long.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> first, second = ops.unstack(Tensor([[1, 2], [3, 4]]))
        >>> print(first, second)
        [1 2] [3 4]

    Source: `ops.unstack` of MindSpore.
    """
    return _unstacked(as_array(input_x), axis, "unstack", "axis")


@op(method=True)
def unbind(input: Array, dim: int = 0) -> tuple[Array, ...]:
    """The slices along an axis, each without it.

    Args:
        input: Tensor of at least one axis.
        dim: the axis.

    Returns:
        tuple of Tensors, as many as the axis is long.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> first, second = ops.unbind(Tensor([[1, 2], [3, 4]]), 1)
        >>> print(first, second)
        [1 3] [2 4]

    Source: `ops.unbind` of MindSpore.
    """
    return _unstacked(as_array(input), dim, "unbind", "dim")


def _cut(array: Array, places: list[int], axis: int) -> tuple[Array, ...]:
    bounds = [0, *places, array.shape[axis]]
    before = (builtins.slice(None),) * axis
    return tuple(
        array[(*before, builtins.slice(start, builtins.max(start, end)))] for start, end in itertools.pairwise(bounds)
    )


@op
def split(tensor: Array, split_size_or_sections: Any, axis: int = 0) -> tuple[Array, ...]:
    """Pieces of a stated length along an axis.

    Args:
        tensor: Tensor of at least one axis.
        split_size_or_sections: the length of each piece (the last may be shorter), or a list of lengths.
        axis: the axis. `split(x, 0, n)`, which asks for pieces of length 0, is taken as MindSpore 1 took it: n pieces
            along axis 0.

    Returns:
        tuple of Tensors.

    Raises:
        ArgumentError: the axis is out of range, or a length is not above 0.
        ShapeError: the lengths do not add up to the axis.

    Examples:
        >>> from sporax import ops, Tensor
        >>> first, second = ops.split(Tensor([1, 2, 3]), 2)
        >>> print(first, second)
        [1 2] [3]

    Source: `ops.split` of MindSpore.
    """
    if isinstance(split_size_or_sections, int) and split_size_or_sections == 0 and axis > 0:
        # MindSpore 1's split(x, axis, output_num), which scripts still write: pieces of length 0 mean nothing.
        return split(tensor, -(-as_array(tensor).shape[0] // axis), 0)
    array = as_array(tensor)
    place = one_axis(axis, array, where="split")
    length = array.shape[place]
    if isinstance(split_size_or_sections, (tuple, list)):
        sizes = wholes(split_size_or_sections, where="split", name="split_size_or_sections")
        if builtins.sum(sizes) != length or builtins.min(sizes, default=0) < 0:
            raise ShapeError(
                f"ops.split: the lengths {list(sizes)} must add up to {length}, the length of axis {place} "
                f"of shape {array.shape}."
            )
        return _cut(array, np.cumsum(sizes)[:-1].tolist(), place)
    size = _check.integer(
        whole(split_size_or_sections, where="split", name="split_size_or_sections"),
        name="split_size_or_sections",
        where="ops.split",
        minimum=1,
    )
    return _cut(array, list(builtins.range(size, length, size)), place)


@op(method=True, also={"dim": "axis"})
def chunk(input: Array, chunks: int, axis: int = 0) -> tuple[Array, ...]:
    """So many pieces along an axis, of equal length but the last; fewer where the axis is too short.

    Args:
        input: Tensor of at least one axis.
        chunks: how many.
        axis: the axis.

    Returns:
        tuple of Tensors.

    Raises:
        ArgumentError: the axis is out of range, or `chunks` is below 1.

    Examples:
        >>> from sporax import ops, Tensor
        >>> first, second = ops.chunk(Tensor([1, 2, 3]), 2)
        >>> print(first, second)
        [1 2] [3]

    Source: `ops.chunk` of MindSpore.
    """
    array = as_array(input)
    place = one_axis(axis, array, where="chunk")
    count = _check.integer(chunks, name="chunks", where="ops.chunk", minimum=1)
    length = array.shape[place]
    size = builtins.max(1, -(-length // count))
    return _cut(array, list(builtins.range(size, length, size)), place)


@op(method=True)
def tensor_split(input: Array, indices_or_sections: Any, axis: int = 0) -> tuple[Array, ...]:
    """Pieces of nearly equal length along an axis, or cut at stated places.

    Args:
        input: Tensor of at least one axis.
        indices_or_sections: how many pieces, or a list of the places to cut at.
        axis: the axis.

    Returns:
        tuple of Tensors; the first ones are longer by 1 where the length does not divide.

    Raises:
        ArgumentError: the axis is out of range, or the number of pieces is below 1.

    Examples:
        >>> from sporax import ops, Tensor
        >>> first, second = ops.tensor_split(Tensor([1, 2, 3]), 2)
        >>> print(first, second)
        [1 2] [3]

    Source: `ops.tensor_split` of MindSpore.
    """
    return _nearly_equal(as_array(input), indices_or_sections, axis, "tensor_split")


def _nearly_equal(array: Array, indices_or_sections: Any, axis: Any, where: str) -> tuple[Array, ...]:
    place = one_axis(axis, array, where=where)
    if isinstance(indices_or_sections, (tuple, list)):
        cuts = wholes(indices_or_sections, where=where, name="indices_or_sections")
        # As slices: a cut behind the end, or one before its predecessor, gives an empty piece.
        before: tuple[Any, ...] = (builtins.slice(None),) * place
        bounds = (None, *cuts, None)
        return tuple(array[(*before, builtins.slice(*pair))] for pair in itertools.pairwise(bounds))
    count = _check.integer(
        whole(indices_or_sections, where=where, name="indices_or_sections"),
        name="indices_or_sections",
        where=f"ops.{where}",
        minimum=1,
    )
    return tuple(jnp.array_split(array, count, axis=place))


@op(method=True)
def hsplit(input: Array, indices_or_sections: Any) -> tuple[Array, ...]:
    """Pieces along the second axis, or along the only one.

    Args:
        input: Tensor of at least one axis.
        indices_or_sections: how many pieces, or a list of the places to cut at.

    Returns:
        tuple of Tensors.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.hsplit(Tensor([[1, 2], [3, 4]]), 2)[1])
        [[2]
         [4]]

    Source: `ops.hsplit` of MindSpore.
    """
    array = as_array(input)
    return _nearly_equal(array, indices_or_sections, 1 if array.ndim > 1 else 0, "hsplit")


@op(method=True)
def vsplit(input: Array, indices_or_sections: Any) -> tuple[Array, ...]:
    """Pieces along the first axis.

    Args:
        input: Tensor of at least two axes.
        indices_or_sections: how many pieces, or a list of the places to cut at.

    Returns:
        tuple of Tensors.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.vsplit(Tensor([[1, 2], [3, 4]]), 2)[1])
        [[3 4]]

    Source: `ops.vsplit` of MindSpore.
    """
    return _nearly_equal(as_array(input), indices_or_sections, 0, "vsplit")


@op(method=True)
def dsplit(input: Array, indices_or_sections: Any) -> tuple[Array, ...]:
    """Pieces along the third axis.

    Args:
        input: Tensor of at least three axes.
        indices_or_sections: how many pieces, or a list of the places to cut at.

    Returns:
        tuple of Tensors.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.dsplit(ops.ones((1, 2, 4)), 2)[0].shape
        (1, 2, 2)

    Source: `ops.dsplit` of MindSpore.
    """
    return _nearly_equal(as_array(input), indices_or_sections, 2, "dsplit")


@op
def hstack(tensors: Any) -> Array:
    """Tensors side by side: along the second axis, or along the only one.

    Args:
        tensors: tuple or list of Tensors.

    Returns:
        Tensor.

    Raises:
        ShapeError: the shapes do not agree.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.hstack((Tensor([1, 2]), Tensor([3]))))
        [1 2 3]

    Source: `ops.hstack` of MindSpore.
    """
    arrays = [jnp.atleast_1d(each) for each in arrays_of(tensors, where="hstack", name="tensors")]
    return _joined(arrays, 1 if arrays[0].ndim > 1 else 0, "hstack")


@op
def vstack(inputs: Any) -> Array:
    """Tensors below each other: along the first axis; vectors are rows.

    Args:
        inputs: tuple or list of Tensors.

    Returns:
        Tensor of at least two axes.

    Raises:
        ShapeError: the shapes do not agree.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.vstack((Tensor([1, 2]), Tensor([3, 4]))))
        [[1 2]
         [3 4]]

    Source: `ops.vstack` of MindSpore.
    """
    arrays = [jnp.atleast_2d(each) for each in arrays_of(inputs, where="vstack", name="inputs")]
    return _joined(arrays, 0, "vstack", "inputs")


@op
def dstack(tensors: Any) -> Array:
    """Tensors behind each other: along the third axis.

    Args:
        tensors: tuple or list of Tensors.

    Returns:
        Tensor of at least three axes.

    Raises:
        ShapeError: the shapes do not agree.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.dstack((Tensor([1, 2]), Tensor([3, 4]))).shape
        (1, 2, 2)

    Source: `ops.dstack` of MindSpore.
    """
    arrays = [jnp.atleast_3d(each) for each in arrays_of(tensors, where="dstack", name="tensors")]
    return _joined(arrays, 2, "dstack")


@op
def column_stack(tensors: Any) -> Array:
    """Vectors as the columns of a matrix; matrices side by side.

    Args:
        tensors: tuple or list of Tensors of at most two axes.

    Returns:
        Tensor of two axes.

    Raises:
        ShapeError: the shapes do not agree.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.column_stack((Tensor([1, 2]), Tensor([3, 4]))))
        [[1 3]
         [2 4]]

    Source: `ops.column_stack` of MindSpore.
    """
    arrays = [
        each.reshape(-1, 1) if each.ndim < 2 else each
        for each in arrays_of(tensors, where="column_stack", name="tensors")
    ]
    return _joined(arrays, 1, "column_stack")


@op
def meshgrid(*inputs: Array, indexing: str = "xy") -> tuple[Array, ...]:
    """Coordinates of every point of a grid, from the coordinates along each axis.

    Args:
        inputs: Tensors of one axis.
        indexing: "xy" puts the first Tensor along the second axis, "ij" along the first.

    Returns:
        tuple of Tensors, one for each input, all of the grid's shape.

    Raises:
        ArgumentError: an unknown `indexing`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> x, y = ops.meshgrid(Tensor([1, 2]), Tensor([3]))
        >>> print(x, y)
        [[1 2]] [[3 3]]

    Source: `ops.meshgrid` of MindSpore.
    """
    _check.one_of(indexing, ("xy", "ij"), name="indexing", where="ops.meshgrid")
    return tuple(jnp.meshgrid(*[as_array(each) for each in inputs], indexing=indexing))


@op
def cartesian_prod(*inputs: Array) -> Array:
    """Every combination of one element from each Tensor.

    Args:
        inputs: Tensors of one axis.

    Returns:
        Tensor of shape (product of the lengths, number of Tensors).

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.cartesian_prod(Tensor([1, 2]), Tensor([5])))
        [[1 5]
         [2 5]]

    Source: `ops.cartesian_prod` of MindSpore.
    """
    grids = jnp.meshgrid(*[as_array(each) for each in inputs], indexing="ij")
    return jnp.stack([grid.reshape(-1) for grid in grids], axis=1)


def _at_least(value: Any, make: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(make(as_array(each)) for each in value)
    return make(as_array(value))


@op
def atleast_1d(inputs: Any) -> Any:
    """With one axis at least.

    Args:
        inputs: Tensor, or a tuple or list of them.

    Returns:
        Tensor, or a tuple of them.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.atleast_1d(Tensor(1.0)).shape
        (1,)

    Source: `ops.atleast_1d` of MindSpore.
    """
    return _at_least(inputs, jnp.atleast_1d)


@op
def atleast_2d(inputs: Any) -> Any:
    """With two axes at least; new ones come first.

    Args:
        inputs: Tensor, or a tuple or list of them.

    Returns:
        Tensor, or a tuple of them.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.atleast_2d(Tensor([1.0, 2.0])).shape
        (1, 2)

    Source: `ops.atleast_2d` of MindSpore.
    """
    return _at_least(inputs, jnp.atleast_2d)


@op
def atleast_3d(inputs: Any) -> Any:
    """With three axes at least: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1).

    Args:
        inputs: Tensor, or a tuple or list of them.

    Returns:
        Tensor, or a tuple of them.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.atleast_3d(Tensor([1.0, 2.0])).shape
        (1, 2, 1)

    Source: `ops.atleast_3d` of MindSpore.
    """
    return _at_least(inputs, jnp.atleast_3d)


def _split_equally(input_x: Array, axis: int = 0, output_num: int = 1) -> tuple[Array, ...]:
    """So many pieces of equal length along an axis."""
    array = as_array(input_x)
    place = one_axis(axis, array, where="Split")
    if array.shape[place] % output_num:
        raise ArgumentError(
            f"ops.Split: axis {place} of shape {array.shape} does not divide into {output_num} equal pieces."
        )
    return tuple(jnp.split(array, output_num, axis=place))


def _unstack_some(input_x: Array, axis: int = 0, num: int | None = None) -> tuple[Array, ...]:
    """The slices along an axis, each without it; `num`, where given, must be their number."""
    pieces = _unstacked(as_array(input_x), axis, "Unstack", "axis")
    if num is not None and num != len(pieces):
        raise ArgumentError(f"ops.Unstack: `num` is {num}, but the axis has length {len(pieces)}.")
    return pieces


def _meshgrid_of(inputs: Any, indexing: str = "xy") -> tuple[Array, ...]:
    """Coordinates of every point of a grid, from a tuple of the coordinates along each axis."""
    return tuple(jnp.meshgrid(*arrays_of(inputs, where="Meshgrid", name="inputs"), indexing=indexing))


cat = alias("cat", concat)
row_stack = alias("row_stack", vstack)

Concat = primitive("Concat", concat, axis=0)
Stack = primitive("Stack", stack, axis=0)
Pack = primitive("Pack", stack, axis=0)
Unstack = primitive("Unstack", lifted(_unstack_some), axis=0, num=None)
Unpack = primitive("Unpack", unstack, axis=0)
Split = primitive("Split", lifted(_split_equally), axis=0, output_num=1)
Meshgrid = primitive("Meshgrid", lifted(_meshgrid_of), indexing="xy")
