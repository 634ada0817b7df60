"""Matrix products with a term added."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax._errors import ShapeError
from sporax.ops._args import check_broadcast
from sporax.ops._kinds import Array, Operand
from sporax.ops._linalg import Batch, Matrix, Vector, product
from sporax.ops._op import op


def _scaled(value: jax.Array, factor: Any) -> jax.Array:
    return value if isinstance(factor, (int, float)) and factor == 1 else factor * value


def _add(where: str, term: jax.Array, result: jax.Array, beta: Any, alpha: Any) -> jax.Array:
    if check_broadcast(where, term, result) != result.shape:
        raise ShapeError(
            f"ops.{where}: `input` of shape {term.shape} does not broadcast to the product's shape {result.shape}."
        )
    return _scaled(term, beta) + _scaled(result, alpha)


@op(
    "ops.addmm(input, mat1, mat2, *, beta=1, alpha=1)",
    "mint.addmm(input, mat1, mat2, *, beta=1, alpha=1)",
    "Tensor.addmm(self, mat1, mat2, *, beta=1, alpha=1)",
)
def addmm(x: Array, mat1: Matrix, mat2: Matrix, beta: Operand, alpha: Operand) -> jax.Array:
    r"""A matrix plus a matrix product.

    .. math:: \beta x + \alpha (A B)

    Args:
        x: Tensor that broadcasts to shape (n, m).
        mat1: Tensor A of shape (n, k).
        mat2: Tensor B of shape (k, m).
        beta: a factor.
        alpha: a factor.

    Returns:
        Tensor of shape (n, m).

    Examples:
        >>> print(ops.addmm(Tensor([[1.0]]), Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]]), beta=2))
        [[13.]]
    """
    return _add("addmm", x, product("addmm", mat1, mat2), beta, alpha)


@op(
    "ops.addmv(input, mat, vec, *, beta=1, alpha=1)",
    "mint.addmv(input, mat, vec, *, beta=1, alpha=1)",
    "Tensor.addmv(self, mat, vec, *, beta=1, alpha=1)",
)
def addmv(x: Array, mat: Matrix, vec: Vector, beta: Operand, alpha: Operand) -> jax.Array:
    r"""A vector plus the product of a matrix and a vector.

    .. math:: \beta x + \alpha (A b)

    Args:
        x: Tensor that broadcasts to shape (n,).
        mat: Tensor A of shape (n, k).
        vec: Tensor b of shape (k,).
        beta: a factor.
        alpha: a factor.

    Returns:
        Tensor of shape (n,).

    Examples:
        >>> print(ops.addmv(Tensor([1.0]), Tensor([[1.0, 2.0]]), Tensor([3.0, 4.0])))
        [12.]
    """
    return _add("addmv", x, product("addmv", mat, vec), beta, alpha)


@op(
    "ops.addr(x, vec1, vec2, *, beta=1, alpha=1)",
    "Tensor.addr(self, vec1, vec2, *, beta=1, alpha=1)",
)
def addr(x: Array, vec1: Vector, vec2: Vector, beta: Operand, alpha: Operand) -> jax.Array:
    r"""A matrix plus the outer product of two vectors.

    .. math:: \beta x + \alpha \, u v^\top

    Args:
        x: Tensor that broadcasts to shape (n, m).
        vec1: Tensor u of shape (n,).
        vec2: Tensor v of shape (m,).
        beta: a factor.
        alpha: a factor.

    Returns:
        Tensor of shape (n, m).

    Examples:
        >>> print(ops.addr(Tensor([[1.0]]), Tensor([2.0]), Tensor([3.0, 4.0])))
        [[7. 9.]]
    """
    return _add("addr", x, jnp.outer(vec1, vec2), beta, alpha)


@op(
    "ops.baddbmm(input, batch1, batch2, beta=1, alpha=1)",
    "mint.baddbmm(input, batch1, batch2, beta=1, alpha=1)",
    "Tensor.baddbmm(self, batch1, batch2, beta=1, alpha=1)",
)
def baddbmm(x: Array, batch1: Batch, batch2: Batch, beta: Operand, alpha: Operand) -> jax.Array:
    r"""A batch of matrices plus a batch of matrix products.

    .. math:: \beta x_b + \alpha (A_b B_b)

    Args:
        x: Tensor that broadcasts to shape (b, n, m).
        batch1: Tensor A of shape (b, n, k).
        batch2: Tensor B of shape (b, k, m).
        beta: a factor.
        alpha: a factor.

    Returns:
        Tensor of shape (b, n, m).

    Examples:
        >>> ops.baddbmm(ops.ones((1, 2, 2)), ops.ones((3, 2, 4)), ops.ones((3, 4, 2))).shape
        (3, 2, 2)
    """
    return _add("baddbmm", x, product("baddbmm", batch1, batch2), beta, alpha)


@op(
    "ops.addbmm(input, batch1, batch2, *, beta=1, alpha=1)",
    "mint.addbmm(input, batch1, batch2, *, beta=1, alpha=1)",
    "Tensor.addbmm(self, batch1, batch2, *, beta=1, alpha=1)",
)
def addbmm(x: Array, batch1: Batch, batch2: Batch, beta: Operand, alpha: Operand) -> jax.Array:
    r"""A matrix plus the sum of a batch of matrix products.

    .. math:: \beta x + \alpha \sum_b A_b B_b

    Args:
        x: Tensor that broadcasts to shape (n, m).
        batch1: Tensor A of shape (b, n, k).
        batch2: Tensor B of shape (b, k, m).
        beta: a factor.
        alpha: a factor.

    Returns:
        Tensor of shape (n, m).

    Examples:
        >>> print(ops.addbmm(Tensor([[1.0]]), ops.ones((3, 1, 4)), ops.ones((3, 4, 1))))
        [[13.]]
    """
    return _add("addbmm", x, product("addbmm", batch1, batch2).sum(0), beta, alpha)
