"""Reading and writing by index, masks, order and search against NumPy."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.op_checks import assert_close, check_gradient, check_op
from sporax import ops
from sporax._errors import ArgumentError, DtypeError, OutOfRangeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Tensor, wrap

pytestmark = pytest.mark.rank_promotion

RNG = np.random.default_rng(29)
X = RNG.normal(0.2, 1.0, (3, 4, 5))
M = RNG.normal(0.5, 1.0, (3, 4))
INDICES = RNG.integers(-3, 3, (2, 2))
ALONG = RNG.integers(-4, 4, (3, 2))
POINTS = np.array([[0, 1], [2, -1], [0, 1]])
UPDATES = RNG.normal(0.0, 1.0, (3, 5))
NUMBERS = np.array([4, 1, 4, 4, 2, 1, 0])

READS: dict[str, tuple[Any, Any, list[np.ndarray]]] = {
    "gather": (lambda x, i: ops.gather(x, i, 0), lambda x, i: np.take(x, i, 0), [X, INDICES]),
    "gather_axis": (lambda x, i: ops.gather(x, i, -2), lambda x, i: np.take(x, i, -2), [X, INDICES]),
    "gather_batch": (
        lambda x, i: ops.gather(x, i, 1, 1),
        lambda x, i: np.stack([row[indices] for row, indices in zip(x, i, strict=True)]),
        [X, np.array([[0, 3], [1, 1], [-1, 2]])],
    ),
    "gather_d": (lambda x, i: ops.gather_d(x, 1, i), lambda x, i: np.take_along_axis(x, i, 1), [M, ALONG]),
    "gather_elements": (
        lambda x, i: ops.gather_elements(x, 1, i),
        lambda x, i: np.take_along_axis(x[:2], i, 1),
        [M, ALONG[:2]],
    ),
    "gather_nd": (ops.gather_nd, lambda x, p: x[tuple(p.T)], [X, POINTS]),
    "index_select": (lambda x, i: ops.index_select(x, 2, i), lambda x, i: np.take(x, i, 2), [X, INDICES[0]]),
    "take": (ops.take, np.take, [X, INDICES * 7]),
    "where": (lambda c, x: ops.where(c, x, 0.0), lambda c, x: np.where(c, x, 0.0), [M > 0, M]),
    "select": (lambda c, x: ops.select(c, x, -x), lambda c, x: np.where(c, x, -x), [M > 0, M]),
    "masked_fill": (lambda x, m: ops.masked_fill(x, m, 0.1), lambda x, m: np.where(m, 0.1, x), [X, M[..., None] > 0]),
    "sort": (lambda x: ops.sort(x, 1)[0], lambda x: np.sort(x, 1), [X]),
    "sort_down": (lambda x: ops.sort(x, 1, True)[0], lambda x: -np.sort(-x, 1), [X]),
    "msort": (ops.msort, lambda x: np.sort(x, 0), [X]),
    "topk": (lambda x: ops.topk(x, 2, 1)[0], lambda x: -np.sort(-x, 1)[:, :2], [X]),
    "topk_low": (lambda x: ops.topk(x, 2, 0, largest=False)[0], lambda x: np.sort(x, 0)[:2], [X]),
}


@pytest.mark.parametrize("name", READS)
def test_reads(name: str):
    call, reference, inputs = READS[name]
    floating = next(each for each in inputs if each.dtype.kind == "f")
    check_op(call, reference, inputs, dtype=floating.dtype, name=name)
    check_gradient(call, inputs, name=name)


def _put(how: str, x: np.ndarray, index: Any, updates: np.ndarray) -> np.ndarray:
    result = x.copy()
    ufunc = {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "div": np.divide,
        "max": np.maximum,
        "min": np.minimum,
    }
    if how == "update":
        result[index] = updates
    else:
        ufunc[how].at(result, index, updates)
    return result


@pytest.mark.parametrize("how", ["update", "add", "sub", "mul", "div", "max", "min"])
def test_writes_at_points(how: str):
    points, updates = (POINTS[:2], UPDATES[:2]) if how == "update" else (POINTS, UPDATES)
    call = getattr(ops, f"tensor_scatter_{how}")
    check_op(call, lambda x, p, u: _put(how, x, tuple(p.T), u), [X, points, updates], dtype=np.float64, name=how)
    check_gradient(call, [X, points, updates], name=how)
    if how != "update":
        method = getattr(Tensor, f"scatter_{how}")
        assert_close(method(Tensor(X), Tensor(points), Tensor(updates)), _put(how, X, tuple(points.T), updates))


def test_the_gradient_of_a_product_with_zeros():
    """The gradient with respect to each update is the product of the others, also if some are 0."""
    points = Tensor([[0], [0], [1], [1], [1]])

    def total(u: Tensor) -> Tensor:
        return ops.tensor_scatter_mul(Tensor([2.0, 3.0]), points, u)

    assert ops.grad(total)(Tensor([0.0, 5.0, 0.0, 0.0, 7.0])).tolist() == [10.0, 0.0, 0.0, 0.0, 0.0]


def test_integer_division_of_points():
    got = ops.tensor_scatter_div(Tensor([7, 9]), Tensor([[0], [0]]), Tensor([2, 3]))
    assert got.tolist() == [1, 9]


def _along(x: np.ndarray, index: np.ndarray, src: np.ndarray, add: bool) -> np.ndarray:
    result = x.copy()
    for position in np.ndindex(index.shape):
        at = (position[0], index[position])
        result[at] = result[at] + src[position] if add else src[position]
    return result


def test_writes_of_elements():
    index, src = np.array([[0, -1], [2, 1]]), RNG.normal(0.0, 1.0, (3, 2))
    check_op(lambda x, i, s: ops.scatter(x, 1, i, s), lambda x, i, s: _along(x, i, s, False), [M, index, src])
    doubled = np.array([[0, 0], [2, 1]])
    call = lambda x, i, s: ops.tensor_scatter_elements(x, i, s, 1, "add")  # noqa: E731
    check_op(call, lambda x, i, s: _along(x, i, s, True), [M, doubled, src[:2]])
    check_gradient(call, [M, doubled, src[:2]])
    x = Tensor(M)
    assert_close(x.scatter(1, Tensor(doubled), Tensor(src[:2]), reduce="add"), _along(M, doubled, src[:2], True))
    assert_close(x.scatter_add(1, Tensor(doubled), Tensor(src[:2])), _along(M, doubled, src[:2], True))
    assert_close(x.scatter(dim=1, index=Tensor(index), src=0.1), _along(M, index, np.full((2, 2), 0.1), False))


def test_writes_of_slices():
    rows, values = np.array([1, -1, 1]), RNG.normal(0.0, 1.0, (3, 3, 5))
    call = lambda x, i, y: ops.index_add(x, i, y, 1)  # noqa: E731
    check_op(call, lambda x, i, y: _put("add", x, (slice(None), i), y), [X, rows, values])
    check_gradient(call, [X, rows, values])
    assert_close(
        Tensor(X).index_add(1, Tensor(rows), Tensor(values), alpha=2), _put("add", X, (slice(None), rows), 2 * values)
    )
    filled = X.copy()
    filled[:, [0, 2]] = 0.1
    check_op(lambda x, i: ops.index_fill(x, 1, i, 0.1), lambda x, i: filled, [X, np.array([0, 2])])
    check_op(lambda x, v: ops.inplace_update(x, v, (2, 0)), lambda x, v: _put("update", x, [2, 0], v), [M, M[:2] * 9])
    check_op(lambda x, v: ops.inplace_add(x, v, [1, 1]), lambda x, v: _put("add", x, [1, 1], v), [M, M[:2]])
    check_op(lambda x, v: ops.inplace_sub(x, v, 1), lambda x, v: _put("sub", x, [1], v), [M, M[:1]])
    replaced = X.copy()
    replaced[:, 2] = M[:, :1] + np.zeros(5)
    check_op(lambda x, s: ops.select_scatter(x, s, 1, -2), lambda x, s: replaced, [X, replaced[:, 2]])
    stretched = X.copy()
    stretched[:, 0:4:2] = 5.0
    check_op(lambda x, s: ops.slice_scatter(x, s, 1, 0, 4, 2), lambda x, s: stretched, [X, np.full((3, 2, 5), 5.0)])


def test_scatter_nd_sums_repeated_indices():
    expected = np.zeros((3, 4, 5))
    np.add.at(expected, tuple(POINTS.T), UPDATES)
    check_op(lambda p, u: ops.scatter_nd(p, u, (3, 4, 5)), lambda p, u: expected, [POINTS, UPDATES])


@pytest.mark.parametrize("kind", ["sum", "prod", "max", "min"])
def test_segments(kind: str):
    numbers = np.array([0, 2, 0])
    empty = {"sum": 0.0, "prod": 1.0, "max": np.finfo(np.float64).min, "min": np.finfo(np.float64).max}[kind]
    reduce = getattr(np, kind)

    def reference(x: Any, n: Any) -> Any:
        return np.stack([reduce(x[n == i], 0) if (n == i).any() else np.full(x.shape[1:], empty) for i in range(4)])

    call = lambda x, n: getattr(ops, f"unsorted_segment_{kind}")(x, n, 4)  # noqa: E731
    check_op(call, reference, [X, numbers], name=kind)
    full = lambda x, n: getattr(ops, f"unsorted_segment_{kind}")(x, n, 2)  # noqa: E731
    check_gradient(full, [M, np.array([1, 0, 1])], name=kind)
    dropped = getattr(ops, f"unsorted_segment_{kind}")(Tensor(M), Tensor([-1, 9, 1]), 2)
    assert_close(dropped[1], M[2])


def test_one_hot():
    i = np.array([[0, 2], [3, -1]])
    check_op(
        lambda n: ops.one_hot(n, 3), lambda n: (n[..., None] == np.arange(3)).astype(np.int64), [i], dtype=np.int64
    )
    check_op(
        lambda n: ops.OneHot(axis=0)(n, 3, Tensor(2.5), Tensor(-1.0)),
        lambda n: np.where(np.arange(3)[:, None, None] == n, 2.5, -1.0),
        [i],
        dtype=np.float32,
    )


def test_masks_whose_size_depends_on_values():
    assert_close(ops.masked_select(Tensor(X), Tensor(M[..., None] > 0)), X[np.broadcast_to(M[..., None] > 0, X.shape)])
    assert_close(ops.nonzero(Tensor(M > 0)), np.argwhere(M > 0), dtype=np.int64)
    assert_close(ops.argwhere(Tensor(M > 0)), np.argwhere(M > 0), dtype=np.int64)
    for got, wanted in zip(ops.nonzero(Tensor(M > 0), as_tuple=True), np.nonzero(M > 0), strict=True):
        assert_close(got, wanted)
    assert ops.nonzero(Tensor(3.0)).shape == (1, 0)


def test_sequence_mask_and_intopk():
    assert ops.sequence_mask(Tensor([1, 3]), 4).tolist() == [[True, False, False, False], [True, True, True, False]]
    assert ops.sequence_mask(Tensor([1, 3])).shape == (2, 3)
    scores = Tensor([[0.1, 0.9, 0.5], [0.4, 0.2, 0.3]])
    assert ops.intopk(scores, Tensor([2, 1]), 2).tolist() == [True, False]
    assert ops.InTopK(1)(scores, Tensor([1, 7])).tolist() == [True, False]


def test_sorting_is_stable_and_returns_indices():
    x = np.array([3.0, 1.0, 3.0, np.nan, 2.0])
    values, indices = ops.sort(Tensor(x))
    assert indices.tolist() == [1, 4, 0, 2, 3]
    assert indices._value.dtype == np.int32
    assert ops.argsort(Tensor(x[:3]), descending=True).tolist() == [0, 2, 1]
    assert Tensor([3, 1]).argsort(dim=0).tolist() == [1, 0]
    values, indices = ops.topk(Tensor([3, 1, 2]), 2, largest=False)
    assert (values.tolist(), indices.tolist()) == ([1, 2], [1, 2])
    lowest = ops.topk(Tensor(np.array([0, -128, 5], np.int8)), 1, largest=False)[0]
    assert lowest.tolist() == [-128]
    assert ops.TopK()(Tensor([1.0, 3.0, 2.0]), 2)[1].tolist() == [1, 2]
    assert ops.top_k(Tensor([1.0, 3.0, 2.0]), 1)[0].tolist() == [3.0]


def test_distinct_elements():
    values, indices = ops.unique(Tensor(NUMBERS))
    assert (values.tolist(), indices.tolist()) == ([4, 1, 2, 0], [0, 1, 0, 0, 2, 1, 3])
    assert indices._value.dtype == np.int64
    assert ops.unique(Tensor(NUMBERS, np.int32))[1]._value.dtype == np.int32
    assert ops.unique_with_pad(Tensor(NUMBERS), -1)[0].tolist() == [4, 1, 2, 0, -1, -1, -1]
    values, runs, counts = ops.unique_consecutive(Tensor(NUMBERS), True, True)
    assert values.tolist() == [4, 1, 4, 2, 1, 0]
    assert (runs.tolist(), counts.tolist()) == ([0, 1, 2, 2, 3, 4, 5], [1, 1, 2, 1, 1, 1])
    assert ops.unique_consecutive(Tensor([[1, 2], [1, 2], [3, 4]]), dim=0).tolist() == [[1, 2], [3, 4]]


def test_search():
    row = np.array([1.0, 3.0, 3.0, 5.0])
    for side in ("left", "right"):
        check_op(
            lambda s, v, side=side: ops.searchsorted(s, v, side=side),
            lambda s, v, side=side: np.searchsorted(s, v, side),
            [row, np.array([[0.0, 3.0], [4.0, 9.0]])],
            dtype=np.int64,
        )
    rows, values = np.stack([row, row * 2]), np.array([[3.0], [3.0]])
    check_op(
        lambda s, v: ops.searchsorted(s, v, out_int32=True),
        lambda s, v: np.array([[1], [1]]),
        [rows, values],
        dtype=np.int32,
    )
    shuffled = Tensor([5.0, 1.0, 3.0])
    assert ops.searchsorted(shuffled, Tensor([3.0]), sorter=Tensor([1, 2, 0])).tolist() == [1]
    check_op(lambda x: ops.bucketize(x, [0.0, 1.0]), lambda x: np.searchsorted([0.0, 1.0], x), [M], dtype=np.int32)
    assert ops.bucketize(Tensor([3.0]), [1.0, 3.0], right=True).tolist() == [2]


def test_counts():
    assert_close(ops.bincount(Tensor(NUMBERS)), np.bincount(NUMBERS), dtype=np.float32)
    weights = np.arange(7.0)
    assert_close(ops.bincount(Tensor(NUMBERS), Tensor(weights), 8), np.bincount(NUMBERS, weights, 8), dtype=np.float64)
    assert ops.Bincount()(Tensor([1, 1, 9]), 3, Tensor([1, 1, 1])).tolist() == [0, 2, 0]


def test_methods_distinguish_their_two_forms():
    x = Tensor([[1, 2], [3, 4]])
    assert x.gather(Tensor([1]), 0).tolist() == x.gather(input_indices=Tensor([1]), axis=0).tolist() == [[3, 4]]
    assert x.gather(1, Tensor([[1], [0]])).tolist() == x.gather(dim=1, index=Tensor([[1], [0]])).tolist() == [[2], [3]]
    assert x.where(x > 2, 0).tolist() == x.select(x > 2, 0).tolist() == [[0, 0], [3, 4]]
    assert x.select(1, 0).tolist() == x.select(dim=1, index=0).tolist() == [1, 3]
    assert x.take(Tensor([9, -3])).tolist() == [4, 2]
    assert x.take(Tensor([5]), axis=0, mode="wrap").tolist() == [[3, 4]]
    assert x.index_select(dim=0, index=Tensor([1])).tolist() == [[3, 4]]
    assert x.index_put((Tensor([0]), Tensor([1])), Tensor([9]), accumulate=True).tolist() == [[1, 11], [3, 4]]
    assert x.scatter_add(Tensor([[0, 0]]), Tensor([5])).tolist() == [[6, 2], [3, 4]]
    assert Tensor([1.0, 3.0]).searchsorted(2.0).item() == 1


def test_embedding():
    table = RNG.normal(0.0, 1.0, (6, 3))
    i = np.array([[0, 5], [2, 2]])
    check_op(ops.embedding, lambda n, w: w[n], [i, table])
    check_gradient(lambda w: ops.embedding(Tensor(i), w), [table])
    gradient = ops.grad(lambda w: ops.embedding(Tensor(i), w, padding_idx=-4))(Tensor(table)).asnumpy()
    assert not gradient[2].any()
    assert gradient[5].all()
    shared = ops.grad(lambda w: ops.embedding(Tensor(i), w, scale_grad_by_freq=True))(Tensor(table)).asnumpy()
    np.testing.assert_allclose(shared[2], 1.0)
    from sporax.core import Parameter

    weight = Parameter(Tensor(np.array([[3.0, 4.0], [0.3, 0.4]], np.float32)), name="w")
    assert_close(ops.embedding(Tensor([0]), weight, max_norm=1.0), [[0.6, 0.8]], tolerance=1e-5)
    assert_close(weight, [[0.6, 0.8], [0.3, 0.4]], tolerance=1e-5)


def test_compiled_code_has_the_documented_result_for_an_index_out_of_range():
    with x64_scope(True):
        read = jax.jit(lambda i: ops.gather(Tensor([1.0, 2.0]), wrap(i), 0)._value)(jnp.array([1, 7, -3]))
        written = jax.jit(lambda i: ops.tensor_scatter_add(Tensor([1.0, 2.0]), wrap(i), Tensor([5.0]))._value)(
            jnp.array([[9]])
        )
        elements = jax.jit(lambda i: ops.gather_d(Tensor([1.0, 2.0]), 0, wrap(i))._value)(jnp.array([0, 7]))
        row = jax.jit(lambda i: ops.embedding(wrap(i), Tensor([[1.0], [2.0]]))._value)(jnp.array([1, -1, 2]))
    np.testing.assert_array_equal(read, [2.0, np.nan, np.nan])
    np.testing.assert_array_equal(written, [1.0, 2.0])
    np.testing.assert_array_equal(elements, [1.0, np.nan])
    np.testing.assert_array_equal(row, [[2.0], [np.nan], [np.nan]])


WRONG: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: ops.gather(Tensor(M), Tensor([0, 9]), 0),
        OutOfRangeError,
        "ops.gather: `input_indices` must be in [-3, 2], but got 9.",
    ),
    (
        lambda: ops.gather(Tensor(M), Tensor([0.0]), 0),
        DtypeError,
        "`input_indices` must be of a dtype among int, unsigned int, but got Float32.",
    ),
    (
        lambda: ops.gather(Tensor(M), Tensor([0]), 2),
        ArgumentError,
        "`axis` must be in [-2, 1] for a Tensor of shape (3, 4), but got 2.",
    ),
    (
        lambda: ops.gather_d(Tensor(M), 0, Tensor([0])),
        ShapeError,
        "`index` of shape (1,) must have as many axes as the input of shape (3, 4)",
    ),
    (
        lambda: ops.gather_nd(Tensor(M), Tensor([[0, 0, 0]])),
        ShapeError,
        "of shape (1, 3), must have at most as many entries",
    ),
    (lambda: ops.gather_nd(Tensor(M), Tensor([[0, 4]])), OutOfRangeError, "`indices` must be in [-4, 3], but got 4."),
    (
        lambda: ops.tensor_scatter_add(Tensor(M), Tensor([[0]]), Tensor([1.0])),
        ShapeError,
        "`updates` must be of shape (1, 4), but is (1,).",
    ),
    (
        lambda: ops.tensor_scatter_update(Tensor(M), Tensor([[3]]), Tensor(M[:1])),
        OutOfRangeError,
        "must be in [-3, 2], but got 3.",
    ),
    (
        lambda: ops.masked_fill(Tensor([1, 2]), Tensor([True, False]), 0.5),
        DtypeError,
        "`value` of dtype float32 cannot be stored as int64 without loss.",
    ),
    (
        lambda: ops.masked_fill(Tensor(M), Tensor(M), 0.5),
        DtypeError,
        "`mask` must be of a dtype among bool, but got Float64.",
    ),
    (
        lambda: ops.where(Tensor(M), 1, 0),
        DtypeError,
        "`condition` must be of a dtype among bool, int, unsigned int, but got Float64.",
    ),
    (
        lambda: ops.where(Tensor([True]), Tensor(M), Tensor(X[0])),
        ShapeError,
        "shapes (1,) and (3, 4) and (4, 5) do not broadcast.",
    ),
    (lambda: ops.topk(Tensor(M), 5), ArgumentError, "`k` must be in [0, 4] for axis 1 of shape (3, 4), but got 5."),
    (
        lambda: ops.one_hot(Tensor([1.0]), 3),
        DtypeError,
        "`indices` must be of a dtype among int, unsigned int, but got Float32.",
    ),
    (lambda: ops.one_hot(Tensor([1]), -3), ArgumentError, "`depth` must not be negative, but got -3."),
    (
        lambda: ops.index_add(Tensor(M), Tensor([0]), Tensor(M), 0),
        ShapeError,
        "must be of shape (1, 4), but are (3, 4).",
    ),
    (
        lambda: ops.unsorted_segment_sum(Tensor(M), Tensor([0]), 1),
        ShapeError,
        "the shape of `segment_ids`, (1,), must begin the shape of `x`, (3, 4).",
    ),
    (
        lambda: ops.searchsorted(Tensor([1.0]), 1.0, right=True, side="left"),
        ArgumentError,
        "`right` is True but `side` is 'left'",
    ),
    (
        lambda: ops.bucketize(Tensor([1.0]), [2.0, 1.0]),
        ArgumentError,
        "`boundaries` must be an ascending list, but got [2.0, 1.0].",
    ),
    (lambda: ops.bincount(Tensor([-1])), ArgumentError, "`input` must not be negative, but holds -1."),
    (lambda: ops.embedding(Tensor([7]), Tensor(M)), OutOfRangeError, "`input` must be in [0, 2], but got 7."),
    (
        lambda: ops.embedding(Tensor([0]), Tensor(M), padding_idx=3),
        ArgumentError,
        "`padding_idx` must be in [-3, 2], but got 3.",
    ),
    (
        lambda: Tensor(M).take(Tensor([99]), mode="raise"),
        OutOfRangeError,
        "`indices` must be in [-12, 11], but got 99.",
    ),
    (
        lambda: ops.tensor_scatter_elements(Tensor(M), Tensor([[0]]), Tensor([[1.0]]), reduction="max"),
        ArgumentError,
        "`reduction` must be one of 'none', 'add', but got 'max'.",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_invalid_arguments(call: Any, kind: type[Exception], message: str):
    with pytest.raises(kind, match=re.escape(message)):
        call()
