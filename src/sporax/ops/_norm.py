"""Norms and distances."""

from __future__ import annotations

from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ShapeError
from sporax.core import absolute
from sporax.ops._args import check_broadcast, one_axis, widened
from sporax.ops._kinds import Axes, DType, Floating, KeepDims, Operand, Value, value_kind
from sporax.ops._linalg import check_batch
from sporax.ops._op import op, signature

Order = Annotated[float, value_kind("float")]
Dim = Annotated[int, value_kind("int")]


def norm_over(x: jax.Array, order: float, over: tuple[int, ...], keepdims: bool) -> jax.Array:
    return _wide_norm(widened(x), order, over, keepdims).astype(jnp.real(x).dtype)


def _wide_norm(x: jax.Array, order: float, over: tuple[int, ...], keepdims: bool) -> jax.Array:
    size = absolute(x)
    if order == np.inf:
        return jnp.max(size, axis=over, keepdims=keepdims)
    if order == -np.inf:
        return jnp.min(size, axis=over, keepdims=keepdims)
    if order == 0:
        return jnp.sum(x != 0, axis=over, keepdims=keepdims).astype(size.dtype)
    if order == 1:
        return jnp.sum(size, axis=over, keepdims=keepdims)
    powers = jnp.sum(jnp.real(x * jnp.conj(x)) if order == 2 else size**order, axis=over, keepdims=keepdims)
    # The root has no derivative at 0; a zero vector gets gradient 0, a subgradient, and not NaN.
    zero = powers == 0
    safe = jnp.where(zero, 1, powers)
    root = jnp.sqrt(safe) if order == 2 else safe ** (1 / order)
    return jnp.where(zero, jnp.zeros_like(root), root)


@op(
    signature("ops.norm(A, ord=None, dim=None, keepdim=False, *, dtype=None)", rename={"A": "x"}),
    "Tensor.norm(self, ord=None, dim=None, keepdim=False, *, dtype=None)",
)
def norm(x: Floating, ord: Value, axis: Axes, keepdims: KeepDims, dtype: DType) -> jax.Array:
    r"""Norm of vectors, or of matrices.

    .. math:: \left( \sum_i |x_i|^p \right)^{1/p}

    With a pair of axes, or a matrix and `ord` given, the norm is that of matrices: "fro", "nuc", inf, -inf, 1, -1, 2,
    -2. The gradient of a vector norm at 0 is 0.

    Args:
        ord: the order p: a number, inf, -inf, "fro" or "nuc". Default: 2 of all elements of the axes.
        axis: int, pair of ints, or None for all axes.
        dtype: the dtype of the computation. Default: the Tensor's own.

    Returns:
        Tensor of the shape without the reduced axes; integers and bools give float32.

    Raises:
        ArgumentError: an unknown `ord`.

    Examples:
        >>> print(ops.norm(Tensor([3.0, 4.0])))
        5.0
    """
    x = x if dtype is None else x.astype(dtype)
    if isinstance(ord, str):
        _check.one_of(ord, ("fro", "nuc"), name="ord", where="ops.norm")
    if ord is None or (isinstance(ord, str) and ord == "fro"):
        return norm_over(x, 2.0, axis, keepdims)
    if len(axis) == 2:
        return jnp.linalg.norm(widened(x), ord=ord, axis=axis, keepdims=keepdims).astype(jnp.real(x).dtype)
    return norm_over(x, float(ord), axis, keepdims)


@op("ops.vector_norm(x, ord=2, axis=None, keepdims=False, *, dtype=None)")
def vector_norm(x: Floating, ord: Order, axis: Axes, keepdims: KeepDims, dtype: DType) -> jax.Array:
    r"""Norm of vectors.

    .. math:: \left( \sum_i |x_i|^p \right)^{1/p}

    Args:
        ord: the order p; inf and -inf give the maximum and minimum of the absolute values, 0 the number of nonzero
            elements.
        dtype: the dtype of the computation. Default: the Tensor's own.

    Returns:
        Tensor of the shape without the reduced axes; integers and bools give float32. The gradient at 0 is 0.

    Examples:
        >>> print(ops.vector_norm(Tensor([3.0, -4.0]), ord=1))
        7.0
    """
    return norm_over(x if dtype is None else x.astype(dtype), float(ord), axis, keepdims)


@op("ops.cdist(x1, x2, p=2.0)", "ops.Cdist(p=2.0)(x1, x2)")
def cdist(x1: Floating, x2: Floating, p: Order) -> jax.Array:
    r"""Distance of every row of one Tensor to every row of the other.

    .. math:: \left( \sum_k |x_{i k} - y_{j k}|^p \right)^{1/p}

    Args:
        x1: Tensor of shape (..., n, k).
        x2: Tensor of shape (..., m, k).
        p: the order, at least 0; inf gives the maximum difference.

    Returns:
        Tensor of shape (..., n, m). The gradient at distance 0 is 0.

    Raises:
        ShapeError: the last axes differ in length.

    Examples:
        >>> print(ops.cdist(Tensor([[1.0, 2.0]]), Tensor([[4.0, 6.0], [1.0, 2.0]])))
        [[5. 0.]]
    """
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(f"ops.cdist: needs shapes (..., n, k) and (..., m, k), but got {x1.shape} and {x2.shape}.")
    check_batch("cdist", x1, x2)
    difference = jnp.expand_dims(widened(x1), -2) - jnp.expand_dims(widened(x2), -3)
    result = norm_over(difference, float(p), (difference.ndim - 1,), False)
    return result.astype(jnp.finfo(jnp.result_type(x1, x2)).dtype)


@op("ops.dist(input, other, p=2)")
def dist(x: Floating, y: Floating, p: Order) -> jax.Array:
    r"""Norm of the difference.

    .. math:: \left( \sum_i |x_i - y_i|^p \right)^{1/p}

    Args:
        y: Tensor that broadcasts with it.
        p: the order.

    Returns:
        Scalar Tensor. The gradient at distance 0 is 0.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.dist(Tensor([1.0, 2.0]), Tensor([4.0, 6.0])))
        5.0
    """
    check_broadcast("dist", x, y)
    difference = widened(x) - widened(y)
    result = norm_over(difference, float(p), tuple(np.arange(difference.ndim).tolist()), False)
    return result.astype(jnp.finfo(jnp.result_type(x, y)).dtype)


@op("ops.cosine_similarity(x1, x2, dim=1, eps=1e-08)")
def cosine_similarity(x1: Floating, x2: Floating, dim: Dim, eps: Operand) -> jax.Array:
    r"""Cosine of the angle between vectors.

    .. math:: \frac{x \cdot y}{\max(\|x\|, \epsilon) \, \max(\|y\|, \epsilon)}

    Args:
        x2: Tensor that broadcasts with `x1`.
        dim: the axis of the vectors.
        eps: the minimum of the norms that are divided by.

    Returns:
        Tensor of the broadcast shape without the axis. For a zero vector it is 0, as is its gradient.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.cosine_similarity(Tensor([[3.0, 4.0]]), Tensor([[6.0, 8.0]])).asnumpy().round(4))
        [1.]
    """
    check_broadcast("cosine_similarity", x1, x2)
    x, y = jnp.broadcast_arrays(x1, x2)
    over = (one_axis(dim, x, where="cosine_similarity", name="dim"),)
    lengths = [jnp.maximum(norm_over(each, 2.0, over, False), eps) for each in (x, y)]
    return jnp.sum(x * y, axis=over) / (lengths[0] * lengths[1])


@op("ops.L2Normalize(axis=0, epsilon=1e-4)(input_x)")
def _l2_normalize(x: Floating, axis: Axes, epsilon: Operand) -> jax.Array:
    """Vectors along axes divided by their length, or by sqrt(epsilon) where that is larger.

    Args:
        epsilon: the minimum of the squared length.
    """
    return x / jnp.sqrt(jnp.maximum(jnp.sum(x * x, axis=axis, keepdims=True), epsilon))
