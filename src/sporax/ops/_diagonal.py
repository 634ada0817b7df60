"""Triangles and diagonals."""

from __future__ import annotations

from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ShapeError
from sporax.ops import _args
from sporax.ops._kinds import Array, Axis, DType, NewAxis, arrays_kind, plain, ranked_kind, static_kind
from sporax.ops._op import op, signature

Matrices = Annotated[jax.Array, ranked_kind(2, "Tensor of shape (..., n, m).")]
NotScalar = Annotated[jax.Array, ranked_kind(1)]
Offset = Annotated[
    int,
    static_kind(
        lambda value, _, where, name: _args.as_int(plain(value), where=where, name=name),
        "the diagonal: 0 is the main one, positive numbers are above it.",
        "int",
        "ArgumentTypeError: not an int.",
    ),
]
Blocks = Annotated[list[jax.Array], arrays_kind("Tensors of at most two axes; a vector is a row.", "_TensorLike")]


@op(
    "ops.tril(input, diagonal=0)",
    "mint.tril(input, diagonal=0)",
    "Tensor.tril(self, diagonal=0)",
    "ops.Tril(diagonal=0)(input)",
)
def tril(x: Matrices, diagonal: Offset) -> jax.Array:
    """Return the lower triangle of matrices, with zeros elsewhere.

    Args:
        diagonal: the last diagonal that is kept; 0 is the main one, positive numbers are above it.

    Returns:
        Tensor of the same shape and dtype.

    Examples:
        >>> print(ops.tril(Tensor([[1, 2], [3, 4]])))
        [[1 0]
         [3 4]]
    """
    return jnp.tril(x, diagonal)


@op(
    "ops.triu(input, diagonal=0)",
    "mint.triu(input, diagonal=0)",
    "Tensor.triu(self, diagonal=0)",
    "ops.Triu(diagonal=0)(input)",
)
def triu(x: Matrices, diagonal: Offset) -> jax.Array:
    """Return the upper triangle of matrices, with zeros elsewhere.

    Args:
        diagonal: the first diagonal that is kept; 0 is the main one, positive numbers are above it.

    Returns:
        Tensor of the same shape and dtype.

    Examples:
        >>> print(ops.triu(Tensor([[1, 2], [3, 4]])))
        [[1 2]
         [0 4]]
    """
    return jnp.triu(x, diagonal)


@op("ops.diag(input)", "Tensor.diag(self)", "ops.Diag()(input)")
def diag(x: NotScalar) -> jax.Array:
    """Return a Tensor with the elements on the diagonal of twice as many axes: a vector becomes a matrix.

    Args:
        x: Tensor of shape s, of at least one axis.

    Returns:
        Tensor of shape s + s, zero off the diagonal.

    Examples:
        >>> print(ops.diag(Tensor([1, 2])))
        [[1 0]
         [0 2]]
    """
    return jnp.diag(x.reshape(-1)).reshape(x.shape + x.shape)


def _check_different(first: int, second: int, where: str) -> None:
    if first == second:
        raise ArgumentError(f"ops.{where}: `dim1` and `dim2` must differ, but both name axis {first}.")


@op(
    "ops.diagonal(input, offset=0, dim1=0, dim2=1)",
    "Tensor.diagonal(self, offset=0, dim1=0, dim2=1)",
    signature("Tensor.diagonal(self, offset=0, axis1=0, axis2=1)", rename={"axis1": "dim1", "axis2": "dim2"}),
)
def diagonal(x: Array, offset: Offset, dim1: Axis, dim2: Axis) -> jax.Array:
    """Return the diagonal of two axes, as a new last axis.

    Args:
        x: Tensor of at least 2 axes.

    Returns:
        Tensor without the two axes, with one more at the end.

    Raises:
        ArgumentError: the two axes are the same.

    Examples:
        >>> print(ops.diagonal(Tensor([[1, 2], [3, 4]])))
        [1 4]
    """
    _check_different(dim1, dim2, "diagonal")
    return jnp.diagonal(x, offset, dim1, dim2)


@op("ops.diagflat(input, offset=0)", "Tensor.diagflat(self, offset=0)")
def diagflat(x: Array, offset: Offset) -> jax.Array:
    """Return a matrix with all elements on a diagonal.

    Returns:
        Tensor of two axes.

    Examples:
        >>> print(ops.diagflat(Tensor([1, 2]), 1))
        [[0 1 0]
         [0 0 2]
         [0 0 0]]
    """
    return jnp.diag(x.reshape(-1), offset)


@op("ops.diag_embed(input, offset=0, dim1=-2, dim2=-1)")
def diag_embed(x: NotScalar, offset: Offset, dim1: NewAxis, dim2: NewAxis) -> jax.Array:
    """Return matrices with the elements of the last axis on a diagonal.

    Args:
        dim1: the axis of the result for the rows.
        dim2: the axis of the result for the columns.

    Returns:
        Tensor with one more axis.

    Raises:
        ArgumentError: the two axes are the same.

    Examples:
        >>> print(ops.diag_embed(Tensor([[1, 2]])))
        [[[1 0]
          [0 2]]]
    """
    _check_different(dim1, dim2, "diag_embed")
    size = x.shape[-1] + abs(offset)
    steps = np.arange(x.shape[-1])
    rows, columns = steps + max(-offset, 0), steps + max(offset, 0)
    matrices = jnp.zeros((*x.shape[:-1], size, size), x.dtype).at[..., rows, columns].set(x)
    return jnp.moveaxis(matrices, (-2, -1), (dim1, dim2))


@op(
    "ops.diagonal_scatter(input, src, offset=0, dim1=0, dim2=1)",
    "Tensor.diagonal_scatter(self, src, offset=0, dim1=0, dim2=1)",
)
def diagonal_scatter(x: Array, src: Array, offset: Offset, dim1: Axis, dim2: Axis) -> jax.Array:
    """Replace the diagonal of two axes.

    Args:
        x: Tensor of at least 2 axes.
        src: Tensor of the shape of that diagonal, as `ops.diagonal` returns it.

    Returns:
        Tensor of the shape of the input.

    Raises:
        ArgumentError: the two axes are the same.
        ShapeError: `src` has another shape.

    Examples:
        >>> print(ops.diagonal_scatter(Tensor([[1, 2], [3, 4]]), Tensor([8, 9])))
        [[8 2]
         [3 9]]
    """
    _check_different(dim1, dim2, "diagonal_scatter")
    matrices = jnp.moveaxis(x, (dim1, dim2), (-2, -1))
    length = max(0, min(x.shape[dim1] - max(-offset, 0), x.shape[dim2] - max(offset, 0)))
    expected = (*matrices.shape[:-2], length)
    if src.shape != expected:
        raise ShapeError(f"ops.diagonal_scatter: `src` must be of shape {expected}, but is {src.shape}.")
    steps = np.arange(length)
    changed = matrices.at[..., steps + max(-offset, 0), steps + max(offset, 0)].set(src.astype(x.dtype))
    return jnp.moveaxis(changed, (-2, -1), (dim1, dim2))


@op("ops.block_diag(*inputs)")
def block_diag(inputs: Blocks) -> jax.Array:
    """Return a matrix with the given matrices along its diagonal.

    Returns:
        Tensor of two axes.

    Raises:
        ShapeError: more than two axes.

    Examples:
        >>> print(ops.block_diag(Tensor([[1, 2]]), Tensor([[3]])))
        [[1 2 0]
         [0 0 3]]
    """
    blocks = [jnp.atleast_2d(each) for each in inputs]
    if any(each.ndim > 2 for each in blocks):
        raise ShapeError(f"ops.block_diag: takes at most 2 axes, but got {[each.shape for each in blocks]}.")
    columns = sum(each.shape[1] for each in blocks)
    rows, before = [], 0
    for each in blocks:
        rows.append(jnp.pad(each, ((0, 0), (before, columns - before - each.shape[1]))))
        before += each.shape[1]
    return jnp.concatenate(rows)


@op("ops.trace(input)", "mint.trace(input)", "ops.Trace()(input)")
def trace(x: Array) -> jax.Array:
    """Return the sum of the main diagonal of a matrix.

    Args:
        x: Tensor of shape (n, m).

    Returns:
        Tensor without axes; small integers give int64.

    Raises:
        ShapeError: not two axes.

    Examples:
        >>> print(ops.trace(Tensor([[1.0, 2.0], [3.0, 4.0]])))
        5.0
    """
    if x.ndim != 2:
        raise ShapeError(f"ops.trace: `input` must have 2 axes, but its shape is {x.shape}.")
    return jnp.trace(x)


@op("Tensor.trace(self, offset=0, axis1=0, axis2=1, dtype=None)")
def _trace(x: Array, offset: Offset, axis1: Axis, axis2: Axis, dtype: DType) -> jax.Array:
    """Return the sum of a diagonal of two axes.

    Returns:
        Tensor without the two axes.
    """
    return jnp.trace(x, offset, axis1, axis2, dtype)
