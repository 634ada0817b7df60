"""Half precision is accumulated and squared in float32: sums do not stop at 2048, and squares do not overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sporax as ms
from sporax import Tensor, nn, ops

N = 5000
ZERO = np.zeros(N, np.int32)
HALVES = [ms.float16, ms.bfloat16]


def _sums() -> dict[str, Any]:
    def ones(dtype: Any) -> Tensor:
        return Tensor(np.ones(N, np.float32)).astype(dtype)

    def zero(dtype: Any) -> Tensor:
        return Tensor([0.0]).astype(dtype)

    rows = Tensor(ZERO)
    return {
        "unsorted_segment_sum": lambda t: ops.unsorted_segment_sum(ones(t), rows, 1),
        "tensor_scatter_add": lambda t: ops.tensor_scatter_add(zero(t), rows.reshape(N, 1), ones(t)),
        "tensor_scatter_sub": lambda t: -ops.tensor_scatter_sub(zero(t), rows.reshape(N, 1), ones(t)),
        "index_add": lambda t: ops.index_add(ms.Parameter(zero(t), name="x"), rows, ones(t), 0),
        "Tensor.index_add": lambda t: zero(t).index_add(0, rows, ones(t)),
        "Tensor.scatter_add": lambda t: zero(t).scatter_add(0, rows.astype(ms.int64), ones(t)),
        "scatter_add": lambda t: ops.scatter_add(ms.Parameter(zero(t), name="x"), rows, ones(t)),
        "scatter_nd_add": lambda t: ops.scatter_nd_add(ms.Parameter(zero(t), name="x"), rows.reshape(N, 1), ones(t)),
        "bincount": lambda t: ops.bincount(rows, ones(t)),
        "histc": lambda t: ops.histc(ones(t), 1, 0.0, 2.0),
    }


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("name", list(_sums()))
def test_five_thousand_ones_in_one_element(name: str, dtype: Any):
    result = _sums()[name](dtype)
    # 4992 is the nearest bfloat16 to 5000; counts are float32.
    right = 4992.0 if result.dtype == ms.bfloat16 else 5000.0
    assert result.astype(ms.float32).asnumpy().tolist() == [right]


def test_many_products_are_rounded_once():
    factors = np.full(200, 1.01, np.float16)
    exact = np.prod(factors.astype(np.float64))
    result = ops.unsorted_segment_prod(Tensor(factors), Tensor(np.zeros(200, np.int32)), 1)
    assert result.asnumpy()[0] == np.float16(exact)


SPREADS = {
    "ops.std": lambda x: ops.std(x),
    "Tensor.std": lambda x: x.std(),
    "std_mean": lambda x: ops.std_mean(x)[0],
    "ReduceStd": lambda x: ops.ReduceStd(unbiased=False)(x)[0],
}


@pytest.mark.parametrize("name", list(SPREADS))
def test_a_variance_beyond_the_range_of_float16(name: str):
    result = SPREADS[name](Tensor(np.array([0, 1000], np.float16)))
    assert (result.asnumpy(), result.dtype) == (500.0, ms.float16)


NORMS = {
    "ops.norm": lambda x: ops.norm(x, dim=1),
    "Tensor.norm": lambda x: x.norm(dim=1),
    "fro": lambda x: ops.norm(x, "fro"),
    "matrix 2": lambda x: ops.norm(x, 2),
    "vector_norm": lambda x: ops.vector_norm(x, axis=1),
    "cdist": lambda x: ops.cdist(x, x * 0),
    "dist": lambda x: ops.dist(x, x * 0),
}


@pytest.mark.parametrize("name", list(NORMS))
def test_a_norm_whose_square_is_beyond_float16(name: str):
    def length(x: Tensor) -> Tensor:
        return NORMS[name](x)

    x = Tensor(np.array([[300, 400]], np.float16))
    result = length(x)
    assert (result.asnumpy().ravel().tolist(), result.dtype) == ([500.0], ms.float16)
    gradient = ms.grad(lambda each: length(each).sum())(x)
    np.testing.assert_allclose(gradient.asnumpy().astype(np.float32), [[0.6, 0.8]], rtol=2e-3)


def test_covariances_of_half_precision_are_float32_as_in_mindspore():
    numbers = np.arange(400, dtype=np.float16)
    result = ops.cov(Tensor(numbers))
    assert result.dtype == ms.float32
    np.testing.assert_allclose(result.asnumpy(), np.cov(numbers.astype(np.float64)), rtol=1e-6)


ONE = Tensor(ZERO)
READS = {
    "gather": lambda z: ops.gather(z, ONE, 0),
    "index": lambda z: z[ONE],
    "index_select": lambda z: ops.index_select(z, 0, ONE),
    "gather_nd": lambda z: ops.gather_nd(z, ONE.reshape(N, 1)),
    "gather_elements": lambda z: ops.gather_elements(z, 0, ONE),
    "Tensor.take": lambda z: z.take(ONE),
    "ops.take": lambda z: ops.take(z, ONE),
    "embedding": lambda z: ops.embedding(ONE, z.reshape(1, 1)),
}


@pytest.mark.parametrize("name", list(READS))
def test_the_gradients_of_an_element_that_is_read_often_are_summed(name: str):
    def total(z: Tensor) -> Tensor:
        return READS[name](z).sum()

    zero = Tensor(np.zeros(1, np.float16))
    assert ms.grad(total)(zero).asnumpy().tolist() == [5000.0]
    assert ms.jit(ms.grad(total))(zero).asnumpy().tolist() == [5000.0]


@pytest.mark.parametrize("how", ["dtype", "to_float"])
def test_the_gradient_of_an_embedding_that_is_read_often(how: str):
    net = nn.Embedding(1, 1, dtype=ms.float16) if how == "dtype" else nn.Embedding(1, 1).to_float(ms.float16)
    gradients = ms.grad(lambda: net(ONE).sum(), None, net.trainable_params())()
    assert [each.asnumpy().tolist() for each in gradients] == [[[5000.0]]]


def test_index_frequencies_of_an_embedding_are_counted_exactly():
    weight = ms.Parameter(Tensor(np.ones((2, 1), np.float16)), name="w")

    def total() -> Tensor:
        return ops.embedding(Tensor(ZERO), weight, scale_grad_by_freq=True).astype(ms.float32).sum()

    gradient = ms.grad(total, None, [weight])()
    value = gradient[0] if isinstance(gradient, tuple) else gradient
    # 5000 shares of 1/5000 each. In float16 the count would have been 2048, and each share 1/2048.
    assert value.asnumpy()[0, 0] == pytest.approx(1.0, abs=0.002)
