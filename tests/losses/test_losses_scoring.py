"""Scoring rules: limits, ties, the two estimators, and equivalent formulas."""

from __future__ import annotations

import math
import statistics
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.compare import check_loss
from oracles.losses import ORACLES
from oracles.samples import inputs_of
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError

pytestmark = pytest.mark.slow

ROOT_PI = math.sqrt(math.pi)


def value_and_gradients(name: str, *inputs: Any, **params: Any) -> list[np.ndarray]:
    arrays = [jnp.asarray(each, jnp.float32) for each in inputs]

    def run(*arrays: jax.Array) -> Any:
        values, pull = jax.vjp(lambda *a: getattr(losses, name)(*a, **params), *arrays)
        return values, *pull(jnp.ones_like(values))

    return [np.asarray(each) for each in jax.jit(run)(*arrays)]


def test_gaussian_crps_at_its_ends():
    y, scale = [2.0, 0.0, 1e4, -1e4, 1.0, 1e-30], [0.0, 0.0, 1e-6, 1e4, 1e-30, 1.0]
    loc = [0.0, 0.0, -1e4, 1e4, 0.0, 0.0]
    values, by_loc, by_y, by_scale = value_and_gradients("crps_gaussian", loc, y, scale)
    second = jax.jit(jax.jacfwd(jax.grad(lambda a: losses.crps_gaussian(*a).sum())))(jnp.float32([loc, y, scale]))
    certain = math.sqrt(2) / ROOT_PI - 1 / ROOT_PI
    np.testing.assert_allclose(values[[0, 1, 2, 4, 5]], [2, 0, 2e4, 1, certain], rtol=1e-6)
    np.testing.assert_allclose(values[3], ORACLES["crps_gaussian"].value([1e4], [-1e4], [1e4])[0], rtol=1e-6)
    np.testing.assert_allclose(by_y[[0, 1, 2, 4]], [1, 0, 1, 1])
    np.testing.assert_allclose(by_loc, -by_y)
    np.testing.assert_allclose(by_scale[[0, 1, 2, 4]], [-1 / ROOT_PI, certain, -1 / ROOT_PI, -1 / ROOT_PI], rtol=1e-6)
    assert np.isfinite(second).all()


def test_gaussian_crps_equals_that_of_many_samples():
    levels = (np.arange(1000) + 0.5) / 1000
    points = np.array([statistics.NormalDist().inv_cdf(level) for level in levels])
    y, loc, scale = np.float32([0.3, -2, 5]), np.float32([0, 1, 1]), np.float32([1, 0.5, 3])
    samples = loc[:, None] + scale[:, None] * points[None].astype(np.float32)

    def run(samples: jax.Array) -> Any:
        scores = losses.crps_sample(samples, y), losses.quantile_crps(samples, y)
        return *scores, losses.crps_gaussian(loc, y, scale)

    by_samples, by_quantiles, exact = jax.jit(run)(samples)
    np.testing.assert_allclose(by_samples, exact, rtol=2e-3)
    np.testing.assert_allclose(by_quantiles, exact, rtol=2e-3)


@pytest.mark.parametrize("fair", [False, True])
def test_tied_samples_have_the_symmetric_gradient_of_the_oracle(fair):
    x = np.float32([[1, 1, 1, 1], [2, 0, 2, 0], [0, 1, 1, 3], [-1e4, 1e4, 0, 0]])
    y = np.float32([1, 0, 0.5, 2])
    check_loss(losses.crps_sample, ORACLES["crps_sample"], [x, y], {"fair": fair}, jit=True, tolerance=1e-6)


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("fair", [False, True])
def test_energy_score_with_ties_matches_the_oracle(beta, fair):
    x = np.random.default_rng(3).normal(size=(2, 5, 3)).astype(np.float32)
    y = x[:, 1].copy()
    x[:, 3] = x[:, 2]
    params = {"beta": beta, "fair": fair}
    check_loss(losses.energy_score, ORACLES["energy_score"], [x, y], params, jit=True, tolerance=5e-6)


def test_energy_score_of_tiny_and_huge_vectors():
    x = np.float32([[0.6, 0.8], [0, 0], [1, 0]])[None]
    for size in (1e-25, 1e25):
        values, by_x, by_y = value_and_gradients("energy_score", size * x, np.zeros((1, 2)))
        expected = value_and_gradients("energy_score", x, np.zeros((1, 2)))
        np.testing.assert_allclose(values / np.float32(size), expected[0], rtol=1e-6)
        np.testing.assert_allclose(by_x, expected[1], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(by_y, expected[2], rtol=1e-6, atol=1e-7)
    swept = jax.jit(lambda beta: losses.energy_score(x, np.zeros((1, 2), np.float32), beta=beta))(1.0)
    np.testing.assert_allclose(swept, expected[0], rtol=1e-6)


def test_the_fair_estimator_does_not_depend_on_the_number_of_samples():
    rng = np.random.default_rng(5)
    draws = rng.normal(size=(60_000, 2)).astype(np.float32)
    y = np.zeros(60_000, np.float32)
    exact = float(losses.crps_gaussian(0.0, 0.0, 1.0))
    fair = np.asarray(losses.crps_sample(draws, y, fair=True))
    assert abs(fair.mean() - exact) < 5 * fair.std() / math.sqrt(fair.size)
    assert np.mean(losses.crps_sample(draws, y)) > exact + 0.2


def test_no_array_of_pairs_is_created():
    samples, y = jax.ShapeDtypeStruct((7, 1000), np.float32), jax.ShapeDtypeStruct((7,), np.float32)
    text = str(jax.make_jaxpr(jax.grad(lambda x, y: losses.crps_sample(x, y).sum()))(samples, y))
    assert "1000,1000" not in text
    vectors, y = jax.ShapeDtypeStruct((7, 1000, 3), np.float32), jax.ShapeDtypeStruct((7, 3), np.float32)
    text = str(jax.make_jaxpr(jax.grad(lambda x, y: losses.energy_score(x, y).sum()))(vectors, y))
    for stacked in ("[999,7,1000", "[1000,7,1000", "1000,1000"):
        assert stacked not in text


def test_quantiles_that_equal_the_label_and_weights():
    values, by_q, by_y = value_and_gradients("quantile_crps", [[1.0, 1.0, 1.0]], [1.0], levels=[0.1, 0.5, 0.9])
    np.testing.assert_array_equal(values, 0)
    np.testing.assert_allclose(by_q[0], [0.8 / 3, 0, -0.8 / 3], rtol=1e-6)
    np.testing.assert_allclose(by_y, 0, atol=1e-7)
    q, y = inputs_of(losses.get("quantile_crps"), 6)
    levels, weights = np.linspace(0.05, 0.95, 7), np.arange(7.0)
    expected = ORACLES["quantile_crps"].value(q, y, levels=levels, level_weights=weights)
    for kind in (list, tuple, np.asarray, jnp.asarray):
        got = losses.quantile_crps(q, y, levels=kind(levels), level_weights=kind(weights))
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_errors():
    x, y = np.zeros((2, 1), np.float32), np.zeros(2, np.float32)
    with pytest.raises(ArgumentError, match=r"crps_sample: there must be at least 2 samples for `fair`, but got 1"):
        losses.crps_sample(x, y, fair=True)
    np.testing.assert_array_equal(losses.crps_sample(x, y + 3), 3)
    np.testing.assert_array_equal(losses.energy_score(x[..., None], y[..., None] + 3), 3)
    with pytest.raises(ArgumentTypeError, match="energy_score: `fair` must be bool"):
        losses.energy_score(x[..., None], y[..., None], fair=1)
    with pytest.raises(ArgumentError, match=r"energy_score: `beta` must be in \(0, 2\), but got 2"):
        losses.energy_score(x[..., None], y[..., None], beta=2)
    with pytest.raises(ArgumentError, match=r"quantile_crps: `levels` must be a list of numbers in \(0, 1\)"):
        losses.quantile_crps(x, y, levels=[1.0])
    with pytest.raises(
        ArgumentError, match=r"`levels` must hold one number for each of the 1 predicted quantiles.*\(2,"
    ):
        losses.quantile_crps(x, y, levels=[0.2, 0.4])
    with pytest.raises(ArgumentError, match="`level_weights` must hold one number"):
        losses.quantile_crps(x, y, level_weights=[0.2, 0.4])
