"""Products, norms and distances against NumPy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from oracles.op_checks import assert_close, check_gradient, check_op
from sporax import ops
from sporax._errors import ArgumentError, ShapeError
from sporax.core import Tensor

pytestmark = pytest.mark.rank_promotion

RNG = np.random.default_rng(31)
A, B = RNG.normal(0.2, 1.0, (3, 4)), RNG.normal(-0.1, 1.0, (4, 5))
BATCH_A, BATCH_B = RNG.normal(0.2, 1.0, (2, 3, 4)), RNG.normal(0.1, 1.0, (2, 4, 5))
V, W, U = RNG.normal(0.0, 1.0, 4), RNG.normal(0.3, 1.0, 4), RNG.normal(0.3, 1.0, 3)
THREE = RNG.normal(0.0, 1.0, (2, 3))

PRODUCTS: dict[str, tuple[Any, Any, list[np.ndarray]]] = {
    "matmul": (ops.matmul, np.matmul, [A, BATCH_B]),
    "matmul_vector": (ops.matmul, np.matmul, [BATCH_A, V]),
    "mm": (ops.mm, np.matmul, [A, B]),
    "bmm": (ops.bmm, np.matmul, [BATCH_A, BATCH_B]),
    "mv": (ops.mv, np.matmul, [A, V]),
    "dot": (ops.dot, np.dot, [BATCH_A, BATCH_B]),
    "inner": (ops.inner, np.inner, [BATCH_A, A]),
    "outer": (ops.outer, np.outer, [V, U]),
    "ger": (ops.ger, np.outer, [V, U]),
    "kron": (ops.kron, np.kron, [A, THREE]),
    "vecdot": (ops.vecdot, lambda x, y: (x * y).sum(-1), [A, V]),
    "cross": (ops.cross, np.cross, [THREE, THREE[::-1] + 1]),
    "einsum": (
        lambda x, y: ops.einsum("bij,bjk->kbi", x, y),
        lambda x, y: np.einsum("bij,bjk->kbi", x, y),
        [BATCH_A, BATCH_B],
    ),
    "Einsum": (lambda x, y: ops.Einsum("ij,jk->ki")((x, y)), lambda x, y: (x @ y).T, [A, B]),
    "tensor_dot": (
        lambda x, y: ops.tensor_dot(x, y, ((0, 2), (0, 1))),
        lambda x, y: np.tensordot(x, y, ((0, 2), (0, 1))),
        [BATCH_A, BATCH_B],
    ),
    "batch_dot": (ops.batch_dot, np.matmul, [BATCH_A, BATCH_B]),
    "batch_dot_vectors": (lambda x, y: ops.batch_dot(x, y, 1), lambda x, y: (x * y).sum(1)[:, None], [A, A + 1]),
    "addmm": (
        lambda x, a, b: ops.addmm(x, a, b, beta=2, alpha=0.5),
        lambda x, a, b: 2 * x + 0.5 * (a @ b),
        [U[:, None], A, B],
    ),
    "addmv": (ops.addmv, lambda x, a, b: x + a @ b, [U, A, V]),
    "addr": (ops.addr, lambda x, a, b: x + np.outer(a, b), [A, U, V]),
    "baddbmm": (
        lambda x, a, b: ops.baddbmm(x, a, b, 0.5),
        lambda x, a, b: 0.5 * x + a @ b,
        [RNG.normal(0, 1, (3, 5)), BATCH_A, BATCH_B],
    ),
    "addbmm": (ops.addbmm, lambda x, a, b: x + (a @ b).sum(0), [RNG.normal(0, 1, (3, 5)), BATCH_A, BATCH_B]),
    "dense": (ops.dense, lambda x, w, b: x @ w.T + b, [BATCH_A, B.T, RNG.normal(0, 1, 5)]),
    "bias_add": (ops.bias_add, lambda x, b: x + b[:, None], [BATCH_A, U]),
    "BiasAdd": (ops.BiasAdd("NHWC"), lambda x, b: x + b, [BATCH_A, V]),
    "MatMul": (ops.MatMul(transpose_a=True, transpose_b=True), lambda x, y: x.T @ y.T, [A.T, B.T]),
    "BatchMatMul": (
        ops.BatchMatMul(transpose_b=True),
        lambda x, y: x @ y.swapaxes(1, 2),
        [BATCH_A, BATCH_B.swapaxes(1, 2)],
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str):
    call, reference, inputs = PRODUCTS[name]
    check_op(call, reference, inputs, dtype=np.float64, tolerance=1e-11, name=name)
    check_gradient(call, inputs, name=name)


def test_integers_multiply_as_integers():
    assert ops.matmul(Tensor([[1, 2]]), Tensor([[3], [4]])).dtype.name == "int64"


NORMS: dict[str, tuple[Any, Any, np.ndarray]] = {
    "norm": (ops.norm, np.linalg.norm, A),
    "norm_all": (ops.norm, lambda x: np.sqrt((x * x).sum()), BATCH_A),
    "norm_fro": (lambda x: ops.norm(x, "fro", keepdim=True), lambda x: np.linalg.norm(x, "fro", keepdims=True), A),
    "norm_nuc": (lambda x: ops.norm(x, "nuc"), lambda x: np.linalg.norm(x, "nuc"), A),
    "norm_matrix": (lambda x: ops.norm(x, 1, (1, 2)), lambda x: np.linalg.norm(x, 1, (1, 2)), BATCH_A),
    "norm_3": (lambda x: ops.norm(x, 3, 1), lambda x: np.linalg.norm(x, 3, 1), A),
    "norm_inf": (lambda x: ops.norm(x, float("inf"), 1), lambda x: np.linalg.norm(x, np.inf, 1), A),
    "norm_low": (lambda x: ops.norm(x, float("-inf"), 1), lambda x: np.linalg.norm(x, -np.inf, 1), A),
    "norm_0": (lambda x: ops.norm(x, 0, 1), lambda x: np.linalg.norm(x, 0, 1), np.array([[0.0, 2.0, 3.0]])),
    "vector_norm": (lambda x: ops.vector_norm(x, 1, 0, True), lambda x: np.abs(x).sum(0, keepdims=True), A),
    "L2Normalize": (ops.L2Normalize(axis=1), lambda x: x / np.linalg.norm(x, axis=1, keepdims=True), A),
}


@pytest.mark.parametrize("name", NORMS)
def test_norms(name: str):
    call, reference, sample = NORMS[name]
    check_op(call, reference, [sample], dtype=np.float64, tolerance=1e-10, name=name)
    if name not in ("norm_nuc", "norm_0"):
        check_gradient(call, [sample], name=name)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_distances(p: float):
    x, y = A, A[1:] * 1.5
    reference = np.array([[np.linalg.norm(a - b, p) for b in y] for a in x])
    check_op(lambda a, b: ops.cdist(a, b, p), lambda a, b: reference, [x, y], tolerance=1e-11)
    check_op(
        lambda a, b: ops.dist(a, b, p), lambda a, b: np.linalg.norm((a - b).ravel(), p), [x[1:], y], tolerance=1e-11
    )
    check_gradient(lambda a, b: ops.cdist(a, b, p), [x, y])


def test_cosine():
    check_op(
        ops.cosine_similarity,
        lambda x, y: (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1),
        [A, A[:, ::-1]],
        tolerance=1e-11,
    )
    check_gradient(ops.cosine_similarity, [A, A[:, ::-1].copy()])


@pytest.mark.parametrize("order", [1, 2, 3, float("inf")])
def test_the_gradient_at_a_zero_vector_is_zero(order: Any):
    zero = Tensor(np.zeros((2, 3)))
    for call in (
        lambda x: ops.norm(x, order, 1),
        lambda x: ops.cdist(x, x, order),
        lambda x: ops.dist(x, zero, order),
        lambda x: ops.cosine_similarity(x, zero),
    ):
        assert not ops.grad(call)(zero).asnumpy().any()


WRONG: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: ops.matmul(Tensor(A), Tensor(A)),
        ShapeError,
        "ops.matmul: shapes (3, 4) and (3, 4) do not fit: the last axis of the first has length 4",
    ),
    (
        lambda: ops.matmul(Tensor(BATCH_A), Tensor(np.ones((3, 4, 5)))),
        ShapeError,
        "the leading axes of shapes (2, 3, 4) and (3, 4, 5) do not broadcast.",
    ),
    (
        lambda: ops.matmul(Tensor(1.0), Tensor(A)),
        ShapeError,
        "takes Tensors of at least one axis, but got shapes () and (3, 4). Use ops.mul",
    ),
    (lambda: ops.mm(Tensor(A), Tensor(V)), ShapeError, "ops.mm: `mat2` must have 2 axes, but its shape is (4,)."),
    (lambda: ops.bmm(Tensor(A), Tensor(B)), ShapeError, "at least 3, but got shapes (3, 4) and (4, 5)."),
    (lambda: ops.outer(Tensor(A), Tensor(V)), ShapeError, "`input` must have 1 axes, but its shape is (3, 4)."),
    (lambda: ops.addmm(Tensor(V), Tensor(A), Tensor(B)), ShapeError, "shapes (4,) and (3, 5) do not broadcast."),
    (
        lambda: ops.addmm(Tensor(np.ones((2, 3, 5))), Tensor(A), Tensor(B)),
        ShapeError,
        "does not broadcast to the product's shape (3, 5).",
    ),
    (
        lambda: ops.einsum("ij,jk->ik", Tensor(A), Tensor(A)),
        ShapeError,
        "ops.einsum: 'ij,jk->ik' does not fit shapes (3, 4), (3, 4)",
    ),
    (
        lambda: ops.tensor_dot(Tensor(A), Tensor(A), 1),
        ShapeError,
        "ops.tensor_dot: axes 1 of shapes (3, 4) and (3, 4) do not fit",
    ),
    (
        lambda: ops.batch_dot(Tensor(A), Tensor(A), 0),
        ArgumentError,
        "`axes` must not name the batch axis 0, but got 0.",
    ),
    (
        lambda: ops.cross(Tensor(A), Tensor(A), 1),
        ShapeError,
        "needs an axis of length 3, but the shape is (3, 4) (dim=1).",
    ),
    (
        lambda: ops.cdist(Tensor(A), Tensor(B)),
        ShapeError,
        "needs shapes (..., n, k) and (..., m, k), but got (3, 4) and (4, 5).",
    ),
    (
        lambda: ops.dense(Tensor(A), Tensor(B)),
        ShapeError,
        "`weight` of shape (4, 5) does not fit `input` of shape (3, 4): it must be (m, 4).",
    ),
    (
        lambda: ops.bias_add(Tensor(A), Tensor(U)),
        ShapeError,
        "`bias` of shape (3,) does not fit axis 1 of `input_x` of shape (3, 4).",
    ),
    (
        lambda: ops.norm(Tensor(A), "frob"),
        ArgumentError,
        "`ord` must be one of 'fro', 'nuc', but got 'frob'. Did you mean 'fro'?",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_invalid_arguments(call: Any, kind: type[Exception], message: str):
    with pytest.raises(kind, match=re.escape(message)):
        call()


def test_methods():
    x, y = Tensor(A), Tensor(B)
    assert_close(x.matmul(y), A @ B, tolerance=1e-12)
    assert_close(x.mm(y), A @ B, tolerance=1e-12)
    assert_close(x.norm(dim=1), np.linalg.norm(A, axis=1), tolerance=1e-12)
    assert_close(Tensor(V).outer(Tensor(U)), np.outer(V, U))
    assert_close(Tensor(V).dot(Tensor(W)), V @ W, tolerance=1e-12)
