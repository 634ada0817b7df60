"""Norms and distances."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ShapeError
from sporax.core import absolute
from sporax.ops._args import (
    Array,
    as_floating,
    axes,
    check_broadcast,
    numpy_dtype,
    one_axis,
    widened,
)
from sporax.ops._base import lifted, op, primitive
from sporax.ops._linalg import check_batch


def _vector_norm(x: Array, ord: float, over: tuple[int, ...], keepdims: bool) -> Array:
    return _wide_norm(widened(x), ord, over, keepdims).astype(jnp.real(x).dtype)


def _wide_norm(x: Array, ord: float, over: tuple[int, ...], keepdims: bool) -> Array:
    size = absolute(x)
    if ord == np.inf:
        return jnp.max(size, axis=over, keepdims=keepdims)
    if ord == -np.inf:
        return jnp.min(size, axis=over, keepdims=keepdims)
    if ord == 0:
        return jnp.sum(x != 0, axis=over, keepdims=keepdims).astype(size.dtype)
    if ord == 1:
        return jnp.sum(size, axis=over, keepdims=keepdims)
    powers = jnp.sum(jnp.real(x * jnp.conj(x)) if ord == 2 else size**ord, axis=over, keepdims=keepdims)
    # The root has no derivative at 0; a zero vector gets gradient 0, a subgradient, and not NaN.
    zero = powers == 0
    safe = jnp.where(zero, 1, powers)
    root = jnp.sqrt(safe) if ord == 2 else safe ** (1 / ord)
    return jnp.where(zero, jnp.zeros_like(root), root)


@op(method=True)
def norm(A: Array, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    r"""The norm of vectors, or of matrices.

    .. math:: \left( \sum_i |x_i|^p \right)^{1/p}

    With `dim` a pair of axes, or a matrix and `ord` given, the norm is that of matrices: "fro", "nuc", inf, -inf, 1,
    -1, 2, -2. The gradient of a vector norm at 0 is 0.

    Args:
        A: Tensor of any shape.
        ord: the order p: a number, inf, -inf, "fro" or "nuc". Default: 2 of all elements of the axes.
        dim: int, pair of ints, or None for all axes.
        keepdim: keep the reduced axes, with length 1.
        dtype: compute in this dtype.

    Returns:
        Tensor of the shape without the reduced axes; integers give float32.

    Raises:
        ArgumentError: an axis is out of range, or an unknown `ord`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.norm(Tensor([3.0, 4.0])))
        5.0

    Source: `ops.norm` of MindSpore.
    """
    x = as_floating(A)
    x = x if dtype is None else x.astype(numpy_dtype(dtype))
    over = axes(dim, x, where="norm", name="dim")
    if ord is None:
        return _vector_norm(x, 2.0, over, keepdim)
    if isinstance(ord, str):
        _check.one_of(ord, ("fro", "nuc"), name="ord", where="ops.norm")
        if ord == "fro":
            return _vector_norm(x, 2.0, over, keepdim)
    if len(over) == 2 and (dim is None or not isinstance(dim, int)):
        return jnp.linalg.norm(widened(x), ord=ord, axis=over, keepdims=keepdim).astype(jnp.real(x).dtype)
    return _vector_norm(x, float(ord), over, keepdim)


@op
def vector_norm(x: Array, ord: float = 2, axis: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Array:
    r"""The norm of vectors.

    .. math:: \left( \sum_i |x_i|^p \right)^{1/p}

    Args:
        x: Tensor of any shape.
        ord: the order p; inf and -inf take the largest and smallest size, 0 counts what is not 0.
        axis: int, tuple of ints, or None for all axes.
        keepdims: keep the reduced axes, with length 1.
        dtype: compute in this dtype.

    Returns:
        Tensor of the shape without the reduced axes; integers give float32. The gradient at 0 is 0.

    Raises:
        ArgumentError: an axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.vector_norm(Tensor([3.0, -4.0]), ord=1))
        7.0

    Source: `ops.vector_norm` of MindSpore.
    """
    array = as_floating(x)
    array = array if dtype is None else array.astype(numpy_dtype(dtype))
    return _vector_norm(array, float(ord), axes(axis, array, where="vector_norm"), keepdims)


@op
def cdist(x1: Array, x2: Array, p: float = 2.0) -> Array:
    r"""The distance of every row of one Tensor to every row of the other.

    .. math:: \left( \sum_k |x_{i k} - y_{j k}|^p \right)^{1/p}

    Args:
        x1: Tensor of shape (..., n, k).
        x2: Tensor of shape (..., m, k).
        p: the order, at least 0; inf takes the largest difference.

    Returns:
        Tensor of shape (..., n, m). The gradient at distance 0 is 0.

    Raises:
        ShapeError: the last axes differ in length.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.cdist(Tensor([[1.0, 2.0]]), Tensor([[4.0, 6.0], [1.0, 2.0]])))
        [[5. 0.]]

    Source: `ops.cdist` of MindSpore.
    """
    x, y = as_floating(x1), as_floating(x2)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(f"ops.cdist: needs shapes (..., n, k) and (..., m, k), but got {x.shape} and {y.shape}.")
    check_batch("cdist", x, y)
    difference = jnp.expand_dims(widened(x), -2) - jnp.expand_dims(widened(y), -3)
    return _vector_norm(difference, float(p), (difference.ndim - 1,), False).astype(
        jnp.finfo(jnp.result_type(x, y)).dtype
    )


@op
def dist(input: Array, other: Array, p: float = 2) -> Array:
    r"""The norm of the difference.

    .. math:: \left( \sum_i |x_i - y_i|^p \right)^{1/p}

    Args:
        input, other: Tensors that broadcast.
        p: the order.

    Returns:
        Tensor of no axis. The gradient at distance 0 is 0.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.dist(Tensor([1.0, 2.0]), Tensor([4.0, 6.0])))
        5.0

    Source: `ops.dist` of MindSpore.
    """
    x, y = as_floating(input), as_floating(other)
    check_broadcast("dist", x, y)
    difference = widened(x) - widened(y)
    dtype = jnp.finfo(jnp.result_type(x, y)).dtype
    return _vector_norm(difference, float(p), axes(None, difference, where="dist"), False).astype(dtype)


@op
def cosine_similarity(x1: Array, x2: Array, dim: int = 1, eps: float = 1e-08) -> Array:
    r"""The cosine of the angle between vectors.

    .. math:: \frac{x \cdot y}{\max(\|x\|, \epsilon) \, \max(\|y\|, \epsilon)}

    Args:
        x1, x2: Tensors that broadcast.
        dim: the axis of the vectors.
        eps: the least norm to divide by.

    Returns:
        Tensor of the broadcast shape without the axis. For a zero vector it is 0, as is its gradient.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.cosine_similarity(Tensor([[3.0, 4.0]]), Tensor([[6.0, 8.0]])).asnumpy().round(4))
        [1.]

    Source: `ops.cosine_similarity` of MindSpore.
    """
    x, y = as_floating(x1), as_floating(x2)
    check_broadcast("cosine_similarity", x, y)
    x, y = jnp.broadcast_arrays(x, y)
    over = (one_axis(dim, x, where="cosine_similarity", name="dim"),)
    lengths = [jnp.maximum(_vector_norm(each, 2.0, over, False), eps) for each in (x, y)]
    return jnp.sum(x * y, axis=over) / (lengths[0] * lengths[1])


def _l2_normalize(input_x: Array, axis: Any = 0, epsilon: float = 1e-4) -> Array:
    """Vectors along axes divided by their length; a length below sqrt(epsilon) counts as that."""
    x = as_floating(input_x)
    over = axes(axis, x, where="L2Normalize")
    return x / jnp.sqrt(jnp.maximum(jnp.sum(x * x, axis=over, keepdims=True), epsilon))


Cdist = primitive("Cdist", cdist, p=2.0)
L2Normalize = primitive("L2Normalize", lifted(_l2_normalize), axis=0, epsilon=1e-4)
