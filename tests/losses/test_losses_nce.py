"""Noise-contrastive estimation: TensorFlow's formula, the draw, hits, extremes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, LabelError, ShapeError

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(12)
WEIGHTS, BIASES = RNG.normal(size=(9, 3)).astype(np.float32), RNG.normal(size=9).astype(np.float32)
INPUTS = RNG.normal(size=(5, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 3, 8], np.int32)
GIVEN = (np.array([1, 5, 2, 6]), np.full((5, 1), 0.4), np.array([0.6, 0.2, 0.5, 0.3]))


def loss(labels=LABELS, inputs=INPUTS, **changes):
    params = {"num_sampled": 4, "num_classes": 9} | changes
    return losses.nce_loss(WEIGHTS, BIASES, labels, inputs, **params)


@pytest.mark.parametrize("true", [1, 2])
@pytest.mark.parametrize("remove", [False, True])
def test_values_are_sums_of_binary_cross_entropies(true, remove):
    labels = np.stack([LABELS, (LABELS + 3) % 9], axis=1)[:, :true]
    given = (GIVEN[0], RNG.uniform(0.2, 0.9, (5, true)), GIVEN[2])
    got = loss(labels, num_true=true, sampled_values=given, remove_accidental_hits=remove)
    expected = ORACLES["nce_loss"].value(
        WEIGHTS, BIASES, labels, INPUTS, sampled_values=given, remove_accidental_hits=remove
    )
    np.testing.assert_allclose(got, expected, rtol=2e-6)
    # As in TensorFlow, with its formula of the cross entropy: max(z, 0) - z t + log1p(exp(-|z|)).
    logits = INPUTS @ WEIGHTS.T + BIASES
    rows = np.arange(5)[:, None]
    z = np.concatenate([logits[rows, labels] - np.log(given[1]), logits[:, given[0]] - np.log(given[2])], axis=1)
    targets = np.concatenate([np.full((5, true), 1 / true), np.zeros((5, 4))], axis=1)
    if remove:
        z[:, true:][(labels[:, :, None] == given[0]).any(axis=1)] = -np.finfo(np.float32).max
    entropy = np.maximum(z, 0) - z * targets + np.log1p(np.exp(-np.abs(z)))
    np.testing.assert_allclose(got, entropy.sum(axis=1), rtol=2e-6)


@pytest.mark.parametrize(("sampler", "unique"), [("log_uniform", True), ("log_uniform", False), ("uniform", True)])
def test_the_mean_over_draws_is_the_sum_over_all_classes(sampler, unique):
    draw = {"num_sampled": 4, "num_classes": 9, "sampler": sampler, "unique": unique}

    def run(key):
        def total(weights, inputs):
            values = losses.nce_loss(weights, BIASES, LABELS, inputs, key=key, **draw)
            return values.sum(), values

        return jax.grad(total, (0, 1), has_aux=True)(WEIGHTS, INPUTS)

    (dw, dx), values = jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(2), 4000))
    key = jax.random.key(0)
    if sampler == "uniform":
        count = np.full(9, 4 / 9)
    else:
        count = np.asarray(losses.log_uniform_candidate_sampler(key, 4, 9, np.arange(9), unique=unique)[1])

    def exact(weights, inputs):
        z = inputs @ weights.T + (BIASES - np.log(count))[None, :]
        own = jnp.take_along_axis(z, LABELS[:, None], axis=1)[:, 0]
        return jax.nn.softplus(-own) + jnp.sum(count[None, :] * jax.nn.softplus(z), axis=1)

    gradients = jax.grad(lambda w, x: exact(w, x).sum(), (0, 1))(WEIGHTS, INPUTS)
    for found, right in ((values, exact(WEIGHTS, INPUTS)), (dw, gradients[0]), (dx, gradients[1])):
        found, right = np.asarray(found, np.float64), np.asarray(right, np.float64)
        error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        score = (found.mean(axis=0) - right) / np.maximum(error, 1e-5)
        assert np.abs(score).max() < 5
        assert error.max() < 0.1 * np.abs(right).max()


def test_the_default_draw_is_log_uniform_and_fixed_by_a_seed_or_a_key():
    drawn = losses.log_uniform_candidate_sampler(jax.random.key(3), 4, 9, LABELS[:, None])
    np.testing.assert_allclose(loss(seed=3), loss(sampled_values=drawn), rtol=1e-6)
    assert jnp.array_equal(loss(seed=3), loss(key=jax.random.key(3)))
    assert not jnp.array_equal(loss(seed=3), loss(seed=4))


def test_extreme_logits_have_limits():
    run = jax.jit(jax.value_and_grad(lambda x: loss(inputs=x, sampled_values=GIVEN).sum()))
    value, gradient = run(INPUTS * 1e5)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    biases = np.zeros(9, np.float32)
    biases[5], biases[0] = -np.inf, np.inf
    for remove in (False, True):
        values, gradients = jax.value_and_grad(
            lambda x, remove=remove: losses.nce_loss(
                WEIGHTS, biases, [0, 1, 2, 3, 8], x, num_sampled=4, num_classes=9, sampled_values=GIVEN,
                remove_accidental_hits=remove,
            ).sum()
        )(INPUTS)  # fmt: skip
        assert np.isfinite(values)
        assert np.isfinite(gradients).all()


def test_half_precision_tables_are_accumulated_in_float32():
    half = losses.nce_loss(
        *(a.astype(np.float16) for a in (WEIGHTS, BIASES)), LABELS, INPUTS.astype(np.float16),
        num_sampled=4, num_classes=9, sampled_values=GIVEN,
    )  # fmt: skip
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, loss(sampled_values=GIVEN), rtol=3e-3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"num_sampled": 10}, ArgumentError, r"`num_sampled` must be at most `num_classes` \(9\), but got 10"),
        ({"num_true": 2}, ShapeError, r"`labels` must have shape \(5, 2\), but got \(5,\). Set num_true=1"),
        ({"num_classes": 8}, ShapeError, "a row for each of the 8 classes"),
        ({"sampler": "zipf"}, ArgumentError, "`sampler` must be one of 'uniform', 'log_uniform', but got 'zipf'"),
        ({"labels": np.array([0, 1, 9, 3, 4])}, LabelError, r"`labels` must be class indices in \[0, 9\), but got 9"),
    ],
)
def test_invalid_arguments_are_named(changes, error, message):
    with pytest.raises(error, match="nce_loss: .*" + message):
        loss(**changes)
