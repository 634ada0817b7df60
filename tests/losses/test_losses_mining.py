"""Distances, the mining of triplets, and the losses on mined triplets."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from oracles.losses._triplet import _pair_distances, semi_hard_pairs
from sporax import losses
from sporax._errors import ArgumentError, DtypeError, ShapeError

pytestmark = pytest.mark.slow


def batch(seed, count=12, classes=3, size=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, size)).astype(np.float32), rng.integers(0, classes, count).astype(np.int32)


def test_distances_are_those_of_the_differences():
    x, _ = batch(0)
    y = batch(1, 5)[0]
    direct = np.sqrt(((x[:, None].astype(np.float64) - y[None]) ** 2).sum(-1))
    np.testing.assert_allclose(losses.pairwise_distances(x, y), direct, rtol=1e-5)
    np.testing.assert_allclose(losses.pairwise_distances(x, y, squared=True), direct**2, rtol=1e-5)
    own = np.asarray(losses.pairwise_distances(x))
    assert not np.diagonal(own).any()
    np.testing.assert_allclose(own, own.T, rtol=1e-6)


def test_distances_are_accurate_far_from_the_origin():
    """Dot products alone would lose all accuracy here."""
    x = batch(0)[0]
    moved = np.asarray(losses.pairwise_distances(x + np.float32(1000)))
    np.testing.assert_allclose(moved, losses.pairwise_distances(x), atol=2e-3)


def test_safe_distances_of_equal_points_have_gradient_zero():
    x = jnp.array([[1.0, 2.0], [1.0, 2.0], [4.0, 6.0]])
    gradient = jax.jit(jax.grad(lambda a: losses.pairwise_distances(a).sum()))(x)
    np.testing.assert_allclose(gradient, [[-1.2, -1.6], [-1.2, -1.6], [2.4, 3.2]], rtol=1e-5)
    unsafe = jax.jit(jax.grad(lambda a: losses.pairwise_distances(a, safe=False).sum()))(x)
    assert not np.isfinite(unsafe).all()
    assert np.isfinite(jax.jit(jax.hessian(lambda a: losses.pairwise_distances(a).sum()))(x)).all()


def test_distances_have_the_dtype_of_their_inputs_and_check_their_shapes():
    x = batch(0)[0]
    assert losses.pairwise_distances(x.astype(np.float16)).dtype == np.float16
    assert losses.pairwise_distances(x.astype(np.int32)).dtype == np.float32
    assert losses.pairwise_distances(x[:0], x).shape == (0, 12)
    with pytest.raises(ShapeError, match=r"pairwise_distances: `x` must have shape \(N, D\), but got \(4,\)"):
        losses.pairwise_distances(x[0])
    with pytest.raises(ShapeError, match=r"vectors of one size, but got shapes \(12, 4\) and \(12, 3\)"):
        losses.pairwise_distances(x, x[:, :3])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("masked", [False, True])
def test_batch_hard_finds_the_farthest_positive_and_the_nearest_negative(seed, masked):
    x, labels = batch(seed, classes=5)
    mask = np.random.default_rng(seed).random(12) < 0.6 if masked else np.ones(12, bool)
    found = jax.jit(losses.batch_hard_triplets)(x, labels, mask=mask)
    distances = _pair_distances(x, False, False)
    for i in range(12):
        positive = [j for j in range(12) if j != i and labels[j] == labels[i] and mask[i] and mask[j]]
        negative = [j for j in range(12) if labels[j] != labels[i] and mask[i] and mask[j]]
        assert found.mask[i] == bool(positive and negative)
        if found.mask[i]:
            assert found.positives[i] == max(positive, key=lambda j: distances[i, j])
            assert found.negatives[i] == min(negative, key=lambda j: distances[i, j])
    assert found.anchors.tolist() == list(range(12))
    assert found.positives.dtype == found.negatives.dtype == np.int32


@pytest.mark.parametrize("fallback", ["none", "hardest", "easiest"])
@pytest.mark.parametrize(("margin", "squared"), [(0.5, False), (0.2, True), (100.0, False), (0.0, False)])
def test_semi_hard_triplets_are_those_of_the_definition(fallback, margin, squared):
    find = jax.jit(
        lambda x, y, mask: losses.semi_hard_triplets(x, y, margin=margin, fallback=fallback, squared=squared, mask=mask)
    )
    for seed in range(3):
        x, labels = batch(seed)
        mask = np.random.default_rng(seed).random(12) < 0.8
        expected = semi_hard_pairs(_pair_distances(x, squared, False), labels, margin, fallback, mask)
        found = find(x, labels, mask)
        rows = zip(*(np.asarray(each)[np.asarray(found.mask)].tolist() for each in found[:3]), strict=True)
        assert {(i, p): n for i, p, n in rows} == expected
        if fallback == "none" and margin:
            assert all(labels[i] != labels[n] for (i, _), n in expected.items())
    assert found.anchors.shape == (144,)


@pytest.mark.parametrize("name", ["batch_hard_triplets", "semi_hard_triplets"])
def test_mining_of_batches_without_triplets(name):
    mine = jax.jit(getattr(losses, name))
    x, _ = batch(0)
    for count in (0, 1, 12):
        for labels in (np.zeros(count, np.int32), np.arange(count, dtype=np.int32)):
            assert not mine(x[:count], labels).mask.any()
    with pytest.raises(DtypeError, match=f"{name}: `labels` must hold integers .*but got dtype float32"):
        mine(x, np.zeros(12, np.float32))
    with pytest.raises(ShapeError, match=rf"{name}: `labels` must have shape \(12,\), but got \(5,\)"):
        mine(x, np.zeros(5, np.int32))
    with pytest.raises(ShapeError, match=rf"{name}: `mask` must have shape \(12,\), but got \(5,\)"):
        mine(x, np.zeros(12, np.int32), mask=np.ones(5))


LOSSES = {
    "batch_hard_triplet_loss": [
        {"margin": m, "soft": s, "squared": q, "normalize": n}
        for m, s, q, n in itertools.product([0.7], [False, True], [False, True], [False, True])
    ],
    "semi_hard_triplet_loss": [
        {"margin": m, "fallback": f, "squared": q, "normalize": n}
        for m, f, q, n in itertools.product([0.5], ["none", "hardest", "easiest"], [False, True], [False, True])
    ],
}


@pytest.mark.parametrize("name", LOSSES)
def test_every_argument_and_the_mask_match_the_oracle(name):
    x, labels = batch(7)
    mask = np.array([1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1], bool)
    grid = LOSSES[name]
    run = jax.jit(lambda x, y, mask: [getattr(losses, name)(x, y, mask=mask, **options) for options in grid])
    for kept in (mask, ~np.zeros(12, bool)):
        for options, got in zip(grid, run(x, labels, kept), strict=True):
            expected = ORACLES[name].value(x, labels, mask=kept, **options)
            np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5, err_msg=str(options))


def test_a_mean_divides_by_the_number_of_triplets():
    x, labels = np.array([[0.0], [1.0], [1.5], [7.0], [3.0]], np.float32), np.array([0, 0, 1, 1, 2])
    total, count = losses.evaluate_sum_and_weight(losses.semi_hard_triplet_loss, x, labels)
    assert (total.item(), count.item()) == (1.0, 2)
    total, count = losses.evaluate_sum_and_weight(losses.batch_hard_triplet_loss, x, labels)
    assert count.item() == 4
    assert losses.evaluate(losses.batch_hard_triplet_loss, x[:2], labels[:2]).item() == 0


@pytest.mark.parametrize("name", LOSSES)
def test_equal_points_give_finite_derivatives(name):
    x, labels = jnp.ones((6, 3)), np.array([0, 0, 0, 1, 1, 2])
    for squared in (False, True):
        fn = lambda a, s=squared: getattr(losses, name)(a, labels, squared=s).sum()  # noqa: E731
        assert np.isfinite(jax.jit(jax.grad(fn))(x)).all()
        assert np.isfinite(jax.jit(jax.hessian(fn))(x)).all()


def test_unknown_arguments_are_named():
    x, labels = batch(0)
    for name in ("semi_hard_triplets", "semi_hard_triplet_loss"):
        with pytest.raises(ArgumentError, match=f"{name}: `fallback` must be one of .* Did you mean 'hardest'"):
            getattr(losses, name)(x, labels, fallback="hardes")
    with pytest.raises(ArgumentError, match="batch_hard_triplet_loss: `margin` must be in"):
        losses.batch_hard_triplet_loss(x, labels, margin=-1.0)
