"""Products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ShapeError
from sporax.core import Tensor
from sporax.ops._args import as_array, as_ints, check_broadcast, one_axis
from sporax.ops._kinds import Array, Flag, Kind, OptionalArray, Value, choice_kind, plain, value_kind
from sporax.ops._op import op, signature


def check_inner(x: jax.Array, y: jax.Array, where: str) -> None:
    """Check that the summed axes of a product have equal lengths.

    Raises:
        ShapeError: they are not; the message names both shapes.
    """
    if not x.ndim or not y.ndim:
        raise ShapeError(
            f"ops.{where}: takes Tensors of at least one axis, but got shapes {x.shape} and {y.shape}. "
            "Use ops.mul for scalars."
        )
    inner = y.shape[-2] if y.ndim > 1 else y.shape[0]
    if x.shape[-1] != inner:
        raise ShapeError(
            f"ops.{where}: shapes {x.shape} and {y.shape} do not fit: the last axis of the first has length "
            f"{x.shape[-1]}, but the {'second to last' if y.ndim > 1 else 'last'} axis of the second has {inner}."
        )


def check_batch(where: str, x: jax.Array, y: jax.Array) -> None:
    """Check that the axes before the last two broadcast.

    Raises:
        ShapeError: they do not; the message names both shapes.
    """
    if x.ndim > 2 and y.ndim > 2 and x.shape[:-2] != y.shape[:-2]:
        try:
            np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        except ValueError:
            raise ShapeError(
                f"ops.{where}: the leading axes of shapes {x.shape} and {y.shape} do not broadcast."
            ) from None


def _ranked(ndim: int, doc: str) -> Kind:
    """A Tensor with `ndim` axes."""

    def convert(value: Any, _: Any, where: str, name: str) -> jax.Array:
        array = value._value if isinstance(value, Tensor) else as_array(plain(value))
        if array.ndim != ndim:
            raise ShapeError(f"ops.{where}: `{name}` must have {ndim} axes, but its shape is {array.shape}.")
        return array

    return Kind(convert, doc, "_TensorLike", ("ShapeError: the shapes are incompatible.",), data=True)


Vector = Annotated[jax.Array, _ranked(1, "Tensor with one axis.")]
Matrix = Annotated[jax.Array, _ranked(2, "Tensor with two axes.")]
Batch = Annotated[jax.Array, _ranked(3, "Tensor with three axes.")]


def product(where: str, x: jax.Array, y: jax.Array) -> jax.Array:
    """Return the matrix product, after a check of both shapes."""
    check_inner(x, y, where)
    check_batch(where, x, y)
    return jnp.matmul(x, y)


@op(
    "ops.matmul(input, other)",
    "mint.matmul(input, other)",
    "Tensor.matmul(self, other)",
    signature("Tensor.matmul(self, tensor2)", rename={"tensor2": "y"}),
)
def matmul(x: Array, y: Array) -> jax.Array:
    r"""Matrix product; leading axes broadcast.

    .. math:: \sum_k x_{\dots i k} \, y_{\dots k j}

    Args:
        x: Tensor of shape (..., n, k), or (k,).
        y: Tensor of shape (..., k, m), or (k,).

    Returns:
        Tensor of shape (..., n, m), without n or m for a vector.

    Raises:
        ShapeError: the shapes are incompatible; the message names both.

    Examples:
        >>> print(ops.matmul(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]])))
        [[11.]]
    """
    return product("matmul", x, y)


@op(
    "ops.MatMul(transpose_a=False, transpose_b=False)(x, y)",
    "ops.BatchMatMul(transpose_a=False, transpose_b=False)(x, y)",
)
def _matmul(x: Array, y: Array, transpose_a: Flag, transpose_b: Flag) -> jax.Array:
    """Matrix product; leading axes broadcast.

    Args:
        x: Tensor of shape (..., n, k), or (..., k, n) with `transpose_a`.
        y: Tensor of shape (..., k, m), or (..., m, k) with `transpose_b`.
        transpose_a: whether the last two axes of x are exchanged first.
        transpose_b: whether those of y are.
    """
    return product("MatMul", x.mT if transpose_a else x, y.mT if transpose_b else y)


@op("ops.mm(input, mat2)", "mint.mm(input, mat2)", "Tensor.mm(self, mat2)")
def mm(x: Matrix, mat2: Matrix) -> jax.Array:
    r"""Product of two matrices.

    .. math:: \sum_k x_{i k} \, y_{k j}

    Args:
        x: Tensor of shape (n, k).
        mat2: Tensor of shape (k, m).

    Returns:
        Tensor of shape (n, m).

    Examples:
        >>> print(ops.mm(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]])))
        [[11.]]
    """
    return product("mm", x, mat2)


@op("ops.bmm(input_x, mat2)", "Tensor.bmm(self, mat2)")
def bmm(x: Array, mat2: Array) -> jax.Array:
    r"""Matrix product of each element of a batch.

    .. math:: \sum_k x_{\dots i k} \, y_{\dots k j}

    Args:
        x: Tensor of shape (..., n, k), at least 3 axes.
        mat2: Tensor of shape (..., k, m).

    Returns:
        Tensor of shape (..., n, m).

    Raises:
        ShapeError: the shapes are incompatible; the message names both.

    Examples:
        >>> ops.bmm(ops.ones((2, 3, 4)), ops.ones((2, 4, 5))).shape
        (2, 3, 5)
    """
    if x.ndim < 3 or x.ndim != mat2.ndim:
        raise ShapeError(
            f"ops.bmm: takes Tensors of the same number of axes, at least 3, but got shapes {x.shape} and {mat2.shape}."
        )
    return product("bmm", x, mat2)


@op("ops.mv(mat, vec)")
def mv(mat: Matrix, vec: Vector) -> jax.Array:
    r"""Product of a matrix and a vector.

    .. math:: \sum_k x_{i k} \, y_k

    Args:
        mat: Tensor of shape (n, k).
        vec: Tensor of shape (k,).

    Returns:
        Tensor of shape (n,).

    Examples:
        >>> print(ops.mv(Tensor([[1.0, 2.0]]), Tensor([3.0, 4.0])))
        [11.]
    """
    return product("mv", mat, vec)


@op("ops.dot(input, other)", "mint.dot(input, other)", "Tensor.dot(self, other)")
def dot(x: Array, y: Array) -> jax.Array:
    r"""Sum over the last axis of the first Tensor and the second to last of the second.

    .. math:: \sum_k x_{\dots i k} \, y_{\dots k j}, \text{ with the leading axes of both}

    Args:
        x: Tensor of shape (..., k).
        y: Tensor of shape (..., k, m), or (k,).

    Returns:
        Tensor of the leading axes of the first and then of the second.

    Raises:
        ShapeError: the shapes are incompatible; the message names both.

    Examples:
        >>> print(ops.dot(Tensor([1.0, 2.0]), Tensor([3.0, 4.0])))
        11.0
    """
    check_inner(x, y, "dot")
    return jnp.dot(x, y)


@op("ops.inner(input, other)", "Tensor.inner(self, other)")
def inner(x: Array, y: Array) -> jax.Array:
    r"""Sum over the last axes of both Tensors.

    .. math:: \sum_k x_{\dots k} \, y_{\dots k}

    Args:
        x: Tensor of shape (..., k), or a scalar.
        y: Tensor of shape (..., k), or a scalar.

    Returns:
        Tensor of the leading axes of the first and then of the second.

    Raises:
        ShapeError: the last axes differ in length.

    Examples:
        >>> print(ops.inner(Tensor([1.0, 2.0]), Tensor([3.0, 4.0])))
        11.0
    """
    if x.ndim and y.ndim and x.shape[-1] != y.shape[-1]:
        raise ShapeError(f"ops.inner: the last axes of shapes {x.shape} and {y.shape} differ in length.")
    return jnp.inner(x, y)


@op(
    "ops.outer(input, vec2)",
    "mint.outer(input, vec2)",
    "Tensor.outer(self, vec2)",
    "ops.ger(input, vec2)",
    "Tensor.ger(self, vec2)",
    "ops.Ger()(input, vec2)",
)
def outer(x: Vector, vec2: Vector) -> jax.Array:
    r"""Outer product of two vectors.

    .. math:: x_i y_j

    Args:
        x: Tensor of shape (n,).
        vec2: Tensor of shape (m,).

    Returns:
        Tensor of shape (n, m).

    Examples:
        >>> print(ops.outer(Tensor([1, 2]), Tensor([3, 4])))
        [[3 4]
         [6 8]]
    """
    return jnp.outer(x, vec2)


def _operands(value: Any, _: Any, where: str, name: str) -> list[jax.Array]:
    value = plain(value)
    given = value[0] if len(value) == 1 and isinstance(value[0], (tuple, list)) else value
    return [as_array(each) for each in given]


Operands = Annotated[
    Sequence[jax.Array],
    Kind(_operands, "Tensors, or one tuple of them.", "_TensorLike | Sequence[_TensorLike]", data=True),
]


@op(
    "ops.einsum(equation, *operands)",
    "mint.einsum(equation, *operands)",
    signature("ops.Einsum(equation=REQUIRED)(inputs)", rename={"inputs": "operands"}),
)
def einsum(equation: Annotated[str, value_kind("str")], operands: Operands) -> jax.Array:
    r"""Sum of products given by an equation of axis names.

    Args:
        equation: as in NumPy, for example "ij,jk->ik".

    Returns:
        Tensor of the axes after the arrow.

    Raises:
        ShapeError: the shapes are incompatible with the equation.

    Examples:
        >>> print(ops.einsum("i,i->", Tensor([1.0, 2.0]), Tensor([3.0, 4.0])))
        11.0
    """
    try:
        return jnp.einsum(equation, *operands)
    except (ValueError, TypeError) as error:
        shapes = ", ".join(str(each.shape) for each in operands)
        raise ShapeError(f"ops.einsum: {equation!r} does not fit shapes {shapes} ({error}).") from error


@op("ops.tensor_dot(x1, x2, axes)")
def tensor_dot(x1: Array, x2: Array, axes: Value) -> jax.Array:
    r"""Sum over given axes of both Tensors.

    Args:
        axes: a number n, for the last n axes of `x1` and the first n of `x2`; or a pair of axes, or of tuples.

    Returns:
        Tensor of the remaining axes, of `x1` first.

    Raises:
        ShapeError: the axes differ in length.

    Examples:
        >>> print(ops.tensor_dot(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]]), 1))
        [[11.]]
    """
    if isinstance(axes, (tuple, list)):
        axes = tuple(as_ints(each, where="tensor_dot", name="axes") for each in axes)
    try:
        return jnp.tensordot(x1, x2, axes=axes)
    except (ValueError, TypeError) as error:
        raise ShapeError(
            f"ops.tensor_dot: axes {axes} of shapes {x1.shape} and {x2.shape} do not fit ({error})."
        ) from error


@op("ops.batch_dot(x1, x2, axes=None)")
def batch_dot(x1: Array, x2: Array, axes: Value) -> jax.Array:
    r"""Sum over one axis of each Tensor, for each element of a batch.

    Args:
        x1: Tensor of shape (b, ...).
        x2: Tensor of shape (b, ...).
        axes: one axis for both, or a pair; not the batch axis. Default: the last of `x1` and the second to last of
            `x2` (the last, where it has two axes).

    Returns:
        Tensor of shape (b, remaining axes of x1, remaining axes of x2), at least two axes.

    Raises:
        ShapeError: the axes differ in length.
        ArgumentError: the batch axis is named.

    Examples:
        >>> print(ops.batch_dot(Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]]), axes=1))
        [[11.]]
    """
    x, y = x1, x2
    if axes is None:
        axes = (x.ndim - 1, max(y.ndim - 2, 1))
    pair = as_ints(axes, where="batch_dot", name="axes")
    first, second = pair * 2 if len(pair) == 1 else pair
    left = one_axis(first, x, where="batch_dot", name="axes")
    right = one_axis(second, y, where="batch_dot", name="axes")
    if not left or not right:
        raise ArgumentError(f"ops.batch_dot: `axes` must not name the batch axis 0, but got {axes}.")
    if x.shape[0] != y.shape[0] or x.shape[left] != y.shape[right]:
        raise ShapeError(
            f"ops.batch_dot: shapes {x.shape} and {y.shape} do not fit on the batch axis, and on axes {left}, {right}."
        )
    x, y = jnp.moveaxis(x, left, -1), jnp.moveaxis(y, right, 1)
    batch, inside = x.shape[0], x.shape[-1]
    product = jnp.matmul(x.reshape(batch, -1, inside), y.reshape(batch, inside, -1))
    shape = (batch, *x.shape[1:-1], *y.shape[2:])
    return product.reshape(shape if len(shape) > 1 else (batch, 1))


@op(
    "ops.cross(input, other, dim=None)",
    "mint.cross(input, other, dim=None)",
    "Tensor.cross(self, other, dim=None)",
)
def cross(x: Array, y: Array, dim: Annotated[int | None, value_kind("int | None")]) -> jax.Array:
    r"""Cross product of vectors of length 3.

    .. math:: (x_2 y_3 - x_3 y_2, \; x_3 y_1 - x_1 y_3, \; x_1 y_2 - x_2 y_1)

    Args:
        x: Tensor, of length 3 along the axis.
        y: Tensor that broadcasts with it.
        dim: the axis. Default: the first of length 3.

    Returns:
        Tensor of the broadcast shape.

    Raises:
        ShapeError: no axis of length 3.

    Examples:
        >>> print(ops.cross(Tensor([1.0, 2.0, 3.0]), Tensor([4.0, 5.0, 6.0])))
        [-3.  6. -3.]
    """
    x, y = jnp.broadcast_arrays(x, y)
    if dim is None:
        axis = next((i for i, n in enumerate(x.shape) if n == 3), -1)
    else:
        axis = one_axis(dim, x, where="cross", name="dim")
    if axis < 0 or x.shape[axis] != 3:
        raise ShapeError(f"ops.cross: needs an axis of length 3, but the shape is {x.shape} (dim={dim}).")
    return jnp.cross(x, y, axis=axis)


@op("ops.kron(input, other)")
def kron(x: Array, y: Array) -> jax.Array:
    r"""Kronecker product: each element of the first Tensor times the second Tensor.

    Returns:
        Tensor whose lengths are the products of theirs.

    Examples:
        >>> print(ops.kron(Tensor([1, 2]), Tensor([1, 10])))
        [ 1 10  2 20]
    """
    return jnp.kron(x, y)


@op("ops.vecdot(x, y, *, axis=-1)")
def vecdot(x: Array, y: Array, axis: Annotated[int, value_kind("int")]) -> jax.Array:
    r"""Dot product along an axis, the first argument conjugated.

    .. math:: \sum_k \overline{x_k} y_k

    Args:
        y: Tensor that broadcasts with it, of equal length along the axis.
        axis: the axis.

    Returns:
        Tensor of the broadcast shape without the axis.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.vecdot(Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[1.0, 1.0], [2.0, 2.0]])))
        [ 3. 14.]
    """
    check_broadcast("vecdot", x, y)
    return jnp.sum(jnp.conj(x) * y, axis=axis)


@op(
    signature("ops.bias_add(input_x, bias)", data_format="NCHW"),
    'ops.BiasAdd(data_format="NCHW")(input_x, bias)',
)
def bias_add(x: Array, bias: Array, data_format: Annotated[str, choice_kind("NCHW", "NHWC", "NCDHW")]) -> jax.Array:
    """Add a bias to each channel.

    Args:
        x: Tensor of shape (N, C, ...).
        bias: Tensor of shape (C,).
        data_format: with "NHWC" the channels are on the last axis.

    Returns:
        Tensor of the shape of `input_x`.

    Raises:
        ShapeError: the shapes are incompatible; the message names both.

    Examples:
        >>> print(ops.bias_add(Tensor([[1.0, 2.0]]), Tensor([10.0, 20.0])))
        [[11. 22.]]
    """
    axis = x.ndim - 1 if data_format == "NHWC" else 1
    if bias.ndim != 1 or x.ndim < 2 or bias.shape[0] != x.shape[axis]:
        raise ShapeError(
            f"ops.BiasAdd: `bias` of shape {bias.shape} does not fit axis {axis} of `input_x` of shape {x.shape}."
        )
    return x + bias.reshape((-1,) + (1,) * (x.ndim - axis - 1))


@op("ops.dense(input, weight, bias=None)", "ops.Dense()(input, weight, bias=None)")
def dense(x: Array, weight: Array, bias: OptionalArray) -> jax.Array:
    r"""Linear layer.

    .. math:: x W^\top + b

    Args:
        x: Tensor of shape (..., k).
        weight: Tensor W of shape (m, k), or (k,).
        bias: Tensor b of shape (m,), or a scalar for a vector `weight`.

    Returns:
        Tensor of shape (..., m).

    Raises:
        ShapeError: the shapes are incompatible.

    Examples:
        >>> print(ops.dense(Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]]), Tensor([0.5])))
        [[11.5]]
    """
    if weight.ndim not in (1, 2) or not x.ndim or x.shape[-1] != weight.shape[-1]:
        raise ShapeError(
            f"ops.dense: `weight` of shape {weight.shape} does not fit `input` of shape {x.shape}: it must be "
            f"(m, {x.shape[-1] if x.ndim else 'k'})."
        )
    result = jnp.matmul(x, weight.T)
    if bias is None:
        return result
    if check_broadcast("dense", result, bias) != result.shape:
        raise ShapeError(f"ops.dense: `bias` of shape {bias.shape} does not fit the result's shape {result.shape}.")
    return result + bias.reshape((1,) * (result.ndim - bias.ndim) + bias.shape)
