"""Fenchel-Young losses: projections, exact gradients, ties, infinite scores, and comparisons with optax."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from oracles.losses import ORACLES
from oracles.losses._fenchel_young import _probabilities
from oracles.samples import inputs_of
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError

pytestmark = pytest.mark.slow

INF = math.inf
NAMES = ("logistic", "sparsemax", "entmax15")
PROJECTIONS = {
    "sparsemax": jax.jit(losses.sparsemax, static_argnames="axis"),
    "entmax15": jax.jit(losses.entmax15, static_argnames="axis"),
}


def value_and_gradient(fn: Any, scores: Any, *rest: Any) -> tuple[np.ndarray, np.ndarray]:
    def run(scores: jax.Array) -> Any:
        values, pull = jax.vjp(lambda a: fn(a, *rest), scores)
        return values, pull(jnp.ones_like(values))[0]

    return tuple(map(np.asarray, jax.jit(run)(jnp.asarray(scores))))


@pytest.mark.parametrize("name", PROJECTIONS)
def test_projections_match_the_oracle_with_ties_and_wide_rows(name):
    rng = np.random.default_rng(1)
    for scale in (0.1, 1.0, 30.0):
        x = (scale * rng.normal(size=(6, 40))).astype(np.float32).round(1)
        got = np.asarray(PROJECTIONS[name](x))
        np.testing.assert_allclose(got, [_probabilities(row.astype(np.float64), name) for row in x], atol=2e-6)
        np.testing.assert_allclose(got.sum(-1), 1, atol=2e-6)
    np.testing.assert_allclose(PROJECTIONS[name](np.zeros((2, 4), np.float32)), 0.25)
    np.testing.assert_array_equal(PROJECTIONS[name](np.float32([[3], [-1e4]])), 1)
    wide = rng.normal(size=(1, 20_000)).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(PROJECTIONS[name](wide))[0], _probabilities(wide[0].astype(np.float64), name), atol=1e-5
    )


@pytest.mark.parametrize("name", PROJECTIONS)
def test_projections_along_an_axis_and_of_infinite_scores(name):
    x = np.random.default_rng(2).normal(size=(3, 4, 2)).astype(np.float32)
    fn = PROJECTIONS[name]
    np.testing.assert_allclose(fn(x, axis=1), np.moveaxis(fn(np.moveaxis(x, 1, -1)), -1, 1))
    rows = np.float32([[0, -INF, 0], [INF, 1, INF], [-INF, -INF, -INF], [1e4, -1e4, 0]])
    expected = [[0.5, 0, 0.5], [0.5, 0, 0.5], [1 / 3] * 3, [1, 0, 0]]
    np.testing.assert_allclose(fn(rows), expected, rtol=1e-6)
    assert np.isfinite(jax.jit(jax.jacobian(fn))(rows)).all()


@pytest.mark.parametrize("name", PROJECTIONS)
def test_projections_are_differentiated_twice(name):
    with jax.enable_x64(True):
        x = np.array([0.3, 0.1, -0.2, 0.25, -5.0])
        check_grads(jax.jit(PROJECTIONS[name]), (x,), 2, modes=("fwd", "rev"), eps=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_p_minus_y(name):
    x, y = inputs_of(losses.get("fenchel_young_loss"), 3)
    _, gradient = value_and_gradient(lambda a, b: losses.fenchel_young_loss(a, b, max_fun=name), 3 * x, y)
    p = jax.nn.softmax(3 * x) if name == "logistic" else PROJECTIONS[name](3 * x)
    np.testing.assert_allclose(gradient, p - y, atol=3e-7)
    at_optimum, _ = value_and_gradient(
        lambda a, b: losses.fenchel_young_loss(a, b, max_fun=name), x, probabilities(name, x)
    )
    np.testing.assert_allclose(at_optimum, 0, atol=3e-6)


def probabilities(name: str, x: np.ndarray) -> np.ndarray:
    return np.asarray(jax.nn.softmax(x) if name == "logistic" else PROJECTIONS[name](x))


@pytest.mark.parametrize("name", NAMES)
def test_unnormalized_targets_match_the_oracle(name):
    x, y = inputs_of(losses.get("fenchel_young_loss"), 5)
    y = 2.5 * y
    y[..., 0] = 0
    got = jax.jit(lambda a, b: losses.fenchel_young_loss(a, b, max_fun=name))(x, y)
    np.testing.assert_allclose(got, ORACLES["fenchel_young_loss"].value(x, y, max_fun=name), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_extreme_scores(name):
    x = np.float32([[1e4, -1e4, 0], [0, -INF, 0], [-1e4, 1e4, 1e4], [0, -INF, 1]])
    y = np.float32([[1, 0, 0], [0.5, 0, 0.5], [1, 0, 0], [0, 1, 0]])
    values, gradient = value_and_gradient(lambda a, b: losses.fenchel_young_loss(a, b, max_fun=name), x, y)
    third = 2e4 + ORACLES["fenchel_young_loss"].value(np.zeros((1, 2)), np.float64([[1, 0]]), max_fun=name)[0]
    np.testing.assert_allclose(values, [0, 0, third, INF], atol=1e-6)
    np.testing.assert_allclose(gradient, probabilities(name, x) - y, atol=1e-6)


def test_class_labels_are_one_hot_rows():
    x, labels = inputs_of(losses.get("multiclass_sparsemax_loss"), 4)
    x = 2 * x
    one_hot = np.eye(x.shape[-1], dtype=np.float32)[labels]
    expected = losses.sparsemax_loss(x, one_hot)
    np.testing.assert_allclose(losses.multiclass_sparsemax_loss(x, labels), expected, atol=2e-6)
    np.testing.assert_allclose(losses.fenchel_young_loss(x, one_hot, max_fun="sparsemax"), expected, atol=1e-6)
    labels[0] = -100
    got = losses.evaluate(losses.multiclass_sparsemax_loss, x, labels, ignore_index=-100)
    np.testing.assert_allclose(got, np.asarray(expected)[1:].mean(), rtol=1e-5)


def test_binary_kinks_and_ends():
    x = np.float32([-INF, -1e4, -1, 0, 1, 1e4, INF])
    for label, sign in ((0, 1), (1, -1)):
        values, gradient = value_and_gradient(losses.binary_sparsemax_loss, sign * x, np.full(7, label))
        np.testing.assert_array_equal(values, [0, 0, 0, 0.25, 1, 1e4, INF])
        np.testing.assert_array_equal(sign * gradient, [0, 0, 0, 0.5, 1, 1, 1])
    both = losses.binary_sparsemax_loss(np.float32([0.3, 0.3]), np.array([True, False]))
    pair = losses.multiclass_sparsemax_loss(np.float32([[0, 0.3], [0, 0.3]]), np.array([1, 0]))
    np.testing.assert_allclose(both, pair, rtol=1e-6)


def test_errors():
    x, y = np.zeros((2, 3), np.float32), np.eye(3, dtype=np.float32)[:2]
    with pytest.raises(ArgumentError, match=r"`max_fun` must be one of 'logistic'.*but got 'sparsemix'.*'sparsemax'"):
        losses.fenchel_young_loss(x, y, max_fun="sparsemix")
    for call in (lambda: losses.fenchel_young_loss(x, y, max_fun=3), lambda: losses.make_fenchel_young_loss(3)):
        with pytest.raises(ArgumentTypeError, match="`max_fun` must be a function or one of 'logistic'"):
            call()
    with pytest.raises(LabelError, match="For labels 1 and -1 use"):
        losses.binary_sparsemax_loss(x, -np.ones((2, 3), int))


@pytest.mark.peers
def test_a_custom_regularizer_gives_optaxs_loss():
    optax = pytest.importorskip("optax")
    x, y = inputs_of(losses.get("fenchel_young_loss"), 7)

    def smoothed(scores: jax.Array, temperature: float = 1.0) -> jax.Array:
        return temperature * jax.nn.logsumexp(scores / temperature)

    ours, theirs = losses.make_fenchel_young_loss(smoothed), optax.losses.make_fenchel_young_loss(smoothed)
    for params in ({}, {"temperature": 0.5}):
        # optax itself drops keyword arguments on their way through jnp.vectorize.
        peer = optax.losses.make_fenchel_young_loss(functools.partial(smoothed, **params))
        got = value_and_gradient(functools.partial(ours, **params), x, y)
        expected = value_and_gradient(peer, x, y)
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    named = losses.fenchel_young_loss(x, y, max_fun=jax.nn.logsumexp)
    np.testing.assert_allclose(named, theirs(x, y), rtol=1e-5, atol=1e-6)
    # For a named regularizer the negentropy of the targets is added, which does not depend on the scores.
    entropy = -(y * np.log(y)).sum(-1)
    np.testing.assert_allclose(losses.fenchel_young_loss(x, y), theirs(x, y) - entropy, rtol=1e-5, atol=1e-6)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparsemax_losses_match_optax(dtype):
    optax = pytest.importorskip("optax")
    rng = np.random.default_rng(3)
    tolerance = 3e-6 if dtype == np.float32 else 1e-12
    with jax.enable_x64(dtype == np.float64):
        x, labels = (2 * rng.normal(size=(20, 5))).astype(dtype), rng.integers(0, 5, 20)
        cases = [
            (losses.multiclass_sparsemax_loss, optax.losses.multiclass_sparsemax_loss, labels),
            (losses.binary_sparsemax_loss, optax.losses.sparsemax_loss, rng.integers(0, 2, (20, 5))),
        ]
        for ours, theirs, y in cases:
            for one, other in zip(value_and_gradient(ours, x, y), value_and_gradient(theirs, x, y), strict=True):
                assert one.dtype == dtype
                np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
        projection = optax.projections.projection_simplex
        np.testing.assert_allclose(losses.sparsemax(x), jax.vmap(projection)(x), atol=tolerance)
