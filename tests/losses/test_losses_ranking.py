"""Ranking losses: ties, masks, extreme inputs, comparisons with optax."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses, nn
from sporax._errors import ArgumentError, ShapeError
from sporax.core import Tensor

NAMES = ["rank_net_loss", "list_net_loss", "list_mle_loss", "lambda_rank_loss", "ranking_softmax_loss"]
MASK = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]])


def lists(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, 4)).astype(np.float32), rng.integers(0, 4, (3, 4)).astype(np.float32)


@jax.jit
def all_of_them(scores: Any, grades: Any, mask: Any) -> Any:
    result = {}
    for name in NAMES:
        fn = getattr(losses, name)

        def total(scores: Any, fn: Any = fn) -> Any:
            values = fn(scores, grades, mask=mask)
            return losses.evaluate(fn, scores, grades, mask=mask), values

        (mean, values), gradient = jax.value_and_grad(total, has_aux=True)(scores)
        result[name] = values, mean, gradient
    return result


def test_masked_items_are_removed_and_empty_lists_are_not_counted():
    scores, grades = lists()
    spoiled = np.where(MASK, scores, np.nan), np.where(MASK, grades, np.inf)
    for name, (values, mean, gradient) in all_of_them(*spoiled, MASK).items():
        expected = ORACLES[name].value(scores, grades, mask=MASK)
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6, err_msg=name)
        assert values[1] == 0
        np.testing.assert_allclose(mean, expected[[0, 2]].mean(), rtol=1e-5, atol=1e-6, err_msg=name)
        assert np.isfinite(gradient).all()
        assert not np.asarray(gradient)[MASK == 0].any()
        assert np.asarray(gradient)[0].any()


def test_ties_and_extremes():
    scores = np.array([[1e4, -1e4, 1e4, 0], [2, 2, 2, 2], [3, 3, 0, 0]], np.float32)
    grades = np.array([[0, 1, 2, 3], [1, 1, 1, 1], [2, 0, 2, 0]], np.float32)
    everything = np.ones((3, 4))
    for name, (values, _, gradient) in all_of_them(scores, grades, everything).items():
        expected = ORACLES[name].value(scores, grades)
        np.testing.assert_allclose(values, expected, rtol=1e-5, err_msg=name)
        assert np.isfinite(gradient).all(), name
        if name in ("rank_net_loss", "lambda_rank_loss"):
            assert values[1] == 0
            assert not np.asarray(gradient)[1].any()


def test_equal_grades_are_ranked_in_input_order():
    scores = np.array([0.5, 2.0, -1.0], np.float32)
    rising = np.array([3, 2, 1])
    np.testing.assert_allclose(
        losses.list_mle_loss(scores, np.array([1, 1, 1])), losses.list_mle_loss(scores, rising), rtol=1e-6
    )
    # Ranks of tied scores: the first is ranked higher.
    tied = losses.lambda_rank_loss(np.zeros(3, np.float32), np.array([0, 0, 1]))
    # Swapped with rank 1, then with rank 2, the last one gains (1 - 1/2) and (1/log2(3) - 1/2).
    np.testing.assert_allclose(tied, np.log(2) / np.log2(3), rtol=1e-6)


def test_a_nearly_certain_order_is_accurate():
    # log(e^20 + e^8 + 1) - 20 is e^-12; in float32 the difference itself would be 0.
    value = losses.list_mle_loss(np.array([20.0, 8.0, -40.0], np.float32), np.array([2, 1, 0]))
    np.testing.assert_allclose(value, np.exp(-12.0), rtol=1e-3)


def test_lambda_rank_accepts_grades_whose_power_overflows():
    scores = np.array([0.3, -0.2, 0.1], np.float32)
    high = losses.lambda_rank_loss(scores, np.array([500, 499, 498]))
    expected = ORACLES["lambda_rank_loss"].value(scores[None], np.array([[500.0, 499.0, 498.0]]))
    np.testing.assert_allclose(high, expected[0], rtol=1e-5)


@pytest.mark.parametrize("k", [1, 2, 9])
def test_lambda_rank_truncated_at_k_matches_the_oracle(k):
    scores, grades = lists(3)
    expected = ORACLES["lambda_rank_loss"].value(scores, grades, k=k, sigma=0.5)
    np.testing.assert_allclose(losses.lambda_rank_loss(scores, grades, k=k, sigma=0.5), expected, rtol=1e-5)


def test_arguments_are_checked():
    scores, grades = lists()
    with pytest.raises(ShapeError, match="rank_net_loss: `mask` must broadcast to the shape of `logits`"):
        losses.rank_net_loss(scores, grades, mask=np.ones((3, 5)))
    with pytest.raises(ArgumentError, match="`sigma` must be in"):
        losses.rank_net_loss(scores, grades, sigma=0)
    with pytest.raises(ArgumentError, match="`k` must be at least 1"):
        losses.lambda_rank_loss(scores, grades, k=0)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranking_softmax_matches_optax(dtype):
    optax = pytest.importorskip("optax")
    scores, grades = (each.astype(dtype) for each in lists(7))
    weights = np.random.default_rng(1).uniform(size=grades.shape).astype(dtype)
    tolerance = 2e-6 if dtype == np.float32 else 1e-12
    with jax.enable_x64(dtype == np.float64):

        @jax.jit
        def run(scores: Any, grades: Any) -> Any:
            mask = MASK != 0
            pairs = [
                (
                    lambda s, y: optax.losses.ranking_softmax_loss(s, y, reduce_fn=None),
                    lambda s, y: losses.ranking_softmax_loss(s, y),
                ),
                (
                    lambda s, y: optax.losses.ranking_softmax_loss(s, y, where=mask),
                    lambda s, y: losses.evaluate(losses.ranking_softmax_loss, s, y, mask=mask),
                ),
                (
                    lambda s, y: optax.losses.ranking_softmax_loss(s, y, weights=weights),
                    lambda s, y: losses.evaluate(losses.ranking_softmax_loss, s, y * weights),
                ),
            ]
            both = [[(fn(scores, grades), _gradients(fn, scores, grades)) for fn in pair] for pair in pairs]
            return both

        for peer, ours in run(scores, grades):
            for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(peer), strict=True):
                assert one.dtype == dtype
                # optax's mean over lists gives the empty one a NaN gradient.
                one, other = np.asarray(one), np.asarray(other)
                good = ~np.isnan(other)
                np.testing.assert_allclose(one[good], other[good], rtol=tolerance, atol=tolerance)


def _gradients(fn: Any, scores: Any, grades: Any) -> Any:
    return jax.grad(lambda s, y: jnp.sum(fn(s, y)), argnums=(0, 1))(scores, grades)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rank_net_and_list_net_match_compositions_of_torch(dtype):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    scores, grades = (each.astype(dtype) for each in lists(2))
    s, y = torch.tensor(scores, requires_grad=True), torch.tensor(grades)
    better = (y[:, :, None] > y[:, None, :]).to(s.dtype)
    pairs = functional.binary_cross_entropy_with_logits(
        s[:, :, None] - s[:, None, :], torch.ones_like(better), weight=better, reduction="none"
    ).sum((1, 2))
    tops = functional.cross_entropy(s, y.softmax(-1), reduction="none")
    order = torch.argsort(y, descending=True, stable=True, dim=-1)
    sorted_scores = s.gather(1, order)
    orders = (sorted_scores.flip(1).logcumsumexp(1).flip(1) - sorted_scores).sum(1)
    tolerance = 5e-6 if dtype == np.float32 else 1e-11
    names = ("rank_net_loss", "list_net_loss", "list_mle_loss")
    with jax.enable_x64(dtype == np.float64):
        for name, expected in zip(names, (pairs, tops, orders), strict=True):
            (derivative,) = torch.autograd.grad(expected.sum(), s, retain_graph=True)
            fn = getattr(losses, name)
            run = jax.jit(lambda x, fn=fn: (fn(x, grades), jax.grad(lambda x: fn(x, grades).sum())(x)))
            value, gradient = run(scores)
            np.testing.assert_allclose(value, expected.detach().numpy(), rtol=tolerance, err_msg=name)
            np.testing.assert_allclose(gradient, derivative.numpy(), rtol=tolerance, atol=tolerance, err_msg=name)


# Grades that are equal in float32, such as times in seconds.
GRADES = np.array([[5, 3, 1, 4, 0, 2], [2, 2, 0, 1, 5, 5]])
SOME = np.array([1, 1, 0, 1, 1, 1])


def pair_terms(scores: np.ndarray, grades: np.ndarray, kept: np.ndarray) -> np.ndarray:
    better = (grades[:, None] > grades) & (kept[:, None] & kept)
    return np.where(better, np.logaddexp(0, scores - scores[:, None]), 0)


def of_order(name: str, scores: np.ndarray, grades: np.ndarray, kept: np.ndarray) -> float:
    """The formulas of Burges, Xia and Cao, in float64 with Python integers and unbounded grades."""
    scores, kept = scores.astype(float), kept.astype(bool)
    if name == "rank_net_loss":
        return pair_terms(scores, grades, kept).sum()
    chosen, ranked = scores[kept], grades[kept].astype(float)
    if name == "list_mle_loss":
        chosen = chosen[np.argsort(-ranked, kind="stable")]
        return sum(np.logaddexp.reduce(chosen[at:]) - chosen[at] for at in range(len(chosen)))
    if name == "list_net_loss":
        chance = np.exp(ranked - ranked.max())
        return (chance / chance.sum() * (np.logaddexp.reduce(chosen) - chosen)).sum()
    gains = np.where(kept, 2.0 ** (grades - grades[kept].max()), 0)
    ranks = np.empty(len(scores))
    ranks[np.argsort(np.where(kept, -scores, np.inf), kind="stable")] = np.arange(len(scores))
    discounts = 1 / np.log2(2 + np.arange(len(scores)))
    best = (np.sort(gains)[::-1] * discounts).sum()
    drop = 1 / np.log2(2 + ranks)
    weight = np.abs((gains[:, None] - gains) * (drop[:, None] - drop)) / best
    return (weight * pair_terms(scores, grades, kept)).sum()


@pytest.mark.parametrize("name", NAMES[:4])
@pytest.mark.parametrize("kept", [np.ones(6, int), SOME], ids=["all", "masked"])
def test_grades_that_float32_cannot_distinguish(name, kept):
    scores = np.random.default_rng(3).normal(size=(2, 6)).astype(np.float32)
    fn = getattr(losses, name)
    expected = [of_order(name, *pair, kept) for pair in zip(scores, GRADES, strict=True)]
    compiled = jax.jit(lambda s, y: fn(s, y, mask=kept))
    for start, dtypes in (
        (1_700_000_000, (np.int32, np.uint32, np.int64, np.uint64, np.float64)),
        (2**24, (np.int32, np.float64)),
        (2**40, (np.int64, np.uint64, np.float64)),
    ):
        for dtype in dtypes:
            grades = (GRADES + start).astype(dtype)
            np.testing.assert_allclose(fn(scores, grades, mask=kept), expected, rtol=2e-5)
            if grades.itemsize == 4:
                np.testing.assert_allclose(compiled(scores, grades), expected, rtol=2e-5)


def test_grades_of_any_dtype_have_the_same_order():
    scores = np.random.default_rng(3).normal(size=(2, 6)).astype(np.float32)
    for name in NAMES:
        fn = getattr(losses, name)
        expected = fn(scores, GRADES.astype(np.float32))
        for dtype in (np.uint8, np.int8, np.int16, np.uint32, np.int64, np.uint64, np.float16, np.float64):
            np.testing.assert_allclose(fn(scores, GRADES.astype(dtype)), expected, rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(fn(scores, GRADES > 1), fn(scores, (GRADES > 1).astype(np.float32)), rtol=1e-6)


def test_ranking_cells_accept_times_as_grades():
    scores = np.random.default_rng(3).normal(size=(2, 6)).astype(np.float32)
    times = Tensor(GRADES + 1_700_000_000)
    for name, cell in (("rank_net_loss", nn.RankNetLoss), ("list_mle_loss", nn.ListMLELoss)):
        expected = [of_order(name, *pair, np.ones(6)) for pair in zip(scores, GRADES, strict=True)]
        values = cell(reduction="none")(Tensor(scores), times).asnumpy()
        np.testing.assert_allclose(values, expected, rtol=2e-5)
