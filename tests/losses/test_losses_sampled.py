"""Sampled softmax: the draws, accidental hits, and its arguments."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, LabelError, ShapeError

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(8)
WEIGHTS, BIASES = RNG.normal(size=(7, 3)).astype(np.float32), RNG.normal(size=7).astype(np.float32)
INPUTS = RNG.normal(size=(5, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 3, 4], np.int32)
SAMPLERS = ("uniform", "log_uniform")
GIVEN = (np.array([1, 5, 2, 6]), np.full((5, 1), 4 / 7), np.full(4, 4 / 7))


def loss(labels=LABELS, **changes):
    params = {"num_sampled": 4, "num_classes": 7} | changes
    return losses.sampled_softmax_loss(WEIGHTS, BIASES, labels, INPUTS, **params)


def sampler(name, count, classes, unique=True):
    """key -> the draw, with the expected count of every class."""
    if name == "uniform":
        return lambda key: losses.uniform_candidate_sampler(key, count, classes, true_shape=(classes,), unique=unique)
    every = np.arange(classes)
    return lambda key: losses.log_uniform_candidate_sampler(key, count, classes, every, unique=unique)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(
    ("count", "classes", "unique"),
    [(3, 40, True), (6, 7, True), (7, 7, True), (30, 200, True), (9, 5, False), (3, 3000, False)],
)
def test_every_class_is_drawn_as_often_as_its_expected_count(name, count, classes, unique):
    draws = 4000
    keys = jax.random.split(jax.random.key(1), draws)
    drawn, every, own = jax.jit(jax.vmap(sampler(name, count, classes, unique)))(keys)
    drawn, expected = np.asarray(drawn), np.asarray(every[0], np.float64)
    assert drawn.shape == (draws, count)
    assert drawn.min() >= 0
    assert drawn.max() < classes
    np.testing.assert_allclose(expected.sum(), count, rtol=1e-6)
    np.testing.assert_allclose(own, expected[drawn], rtol=1e-6)
    variance = expected * (1 - expected if unique else 1 - expected / count)
    free = variance > 1e-6
    seen = np.bincount(drawn.ravel(), minlength=classes)
    np.testing.assert_array_equal(seen[~free], draws * expected[~free])
    if unique:
        assert (np.diff(np.sort(drawn, axis=1)) > 0).all()
    if free.any():
        score = (seen - draws * expected)[free] / np.sqrt(draws * variance[free])
        assert np.abs(score).max() < 5
        if count < classes / 2:
            # The mean of these squares is within five standard deviations of 1.
            assert abs((score**2).mean() - 1) < 5 * np.sqrt(2 / free.sum() + 1 / draws)


def test_log_uniform_counts_follow_zipf():
    drawn = losses.log_uniform_candidate_sampler(jax.random.key(0), 5, 99, [[0, 1], [9, 98]], unique=False)
    expected = 5 * np.log([[2 / 1, 3 / 2], [11 / 10, 100 / 99]]) / np.log(100)
    np.testing.assert_allclose(drawn.true_expected_count, expected, rtol=1e-6)
    drawn = losses.log_uniform_candidate_sampler(jax.random.key(0), 30, 99, [[0, 1], [9, 98]])
    always = int((drawn.sampled_expected_count == 1).sum())
    assert drawn.sampled_candidates[:always].tolist() == list(range(always))
    scale = (30 - always) / np.log(100 / (always + 1))
    expected = [[1, 1], [1 if always > 9 else scale * np.log(11 / 10), scale * np.log(100 / 99)]]
    np.testing.assert_allclose(drawn.true_expected_count, expected, rtol=1e-6)


@pytest.mark.parametrize("unique", [True, False])
def test_a_million_classes_are_drawn_by_their_counts(unique):
    # float32 cannot distinguish positions at the upper end; bins of few classes there would show it.
    classes, count, draws = 1_000_000, 8192, 40
    draw = jax.jit(lambda key: losses.log_uniform_candidate_sampler(key, count, classes, np.arange(1), unique=unique))
    drawn = np.stack([draw(key).sampled_candidates for key in jax.random.split(jax.random.key(2), draws)])
    if unique:
        assert all(len(set(row)) == count for row in drawn.tolist())
    edges = np.array([0, 1100, 1150, 1300, 2000, 5000, 2**15, 2**17, 500_000, 900_000, 990_000, 999_000, classes])
    seen = np.histogram(drawn, edges)[0]
    every = np.concatenate(
        [
            losses.log_uniform_candidate_sampler(jax.random.key(0), count, classes, part, unique=unique)[1]
            for part in np.array_split(np.arange(classes), 2)
        ]
    ).astype(np.float64)
    expected = draws * np.add.reduceat(every, edges[:-1])
    np.testing.assert_allclose(expected.sum(), draws * count, rtol=1e-5)
    assert (np.abs(seen - expected) < 5 * np.sqrt(expected) + 1).all()
    # Odd and even classes, and those after a power of two, are equally frequent.
    far = drawn[drawn > 500_000]
    assert abs((far % 2).mean() - 0.5) < 2.5 / np.sqrt(far.size)
    assert abs((far % 64 < 8).mean() - 0.125) < 5 * np.sqrt(0.125 * 0.875 / far.size)


def test_a_million_classes_are_drawn_uniformly_without_sorting_them():
    classes, count = 1_000_000, 8192
    run = jax.jit(lambda key: losses.uniform_candidate_sampler(key, count, classes).sampled_candidates)
    drawn = np.stack([run(key) for key in jax.random.split(jax.random.key(3), 20)])
    assert all(len(set(row)) == count for row in drawn.tolist())
    seen = np.histogram(drawn, 16, (0, classes))[0]
    assert np.abs(seen - drawn.size / 16).max() < 5 * np.sqrt(drawn.size / 16)
    assert run.lower(jax.random.key(0)).compile().memory_analysis().temp_size_in_bytes < 2**20


def zipf_problem():
    rng = np.random.default_rng(3)
    classes, rows = 60, 4
    weights, biases = rng.normal(size=(classes, 5)), -np.log(np.arange(classes) + 1)
    return (
        [a.astype(np.float32) for a in (weights, biases)],
        np.array([0, 3, 17, 59]),
        rng.normal(size=(rows, 5)).astype(np.float32),
    )


def full_loss(weights, biases, labels, inputs):
    return losses.sparse_softmax_cross_entropy_with_logits(inputs @ weights.T + biases[None, :], labels)


def assert_mean_is(found, exact):
    """Assert that the mean over the first axis is `exact` within its standard error, which is small."""
    found, exact = np.asarray(found, np.float64), np.asarray(exact, np.float64)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    score = (found.mean(axis=0) - exact) / np.maximum(error, 1e-4 * np.abs(exact).max())
    assert np.abs(score).max() < 5
    assert np.median(error) < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("name", SAMPLERS)
def test_the_partition_and_its_gradient_are_estimated_without_bias(name, unique):
    (weights, biases), labels, inputs = zipf_problem()

    def estimate(key):
        drawn = sampler(name, 12, 60, unique)(key)._replace(true_expected_count=np.ones((1, 1), np.float32))

        def total(weights, biases, inputs):
            values = losses.sampled_softmax_loss(
                weights, biases, labels, inputs, num_sampled=12, num_classes=60, sampled_values=drawn, unique=unique
            )
            return jnp.exp(values).sum(), jnp.exp(values)

        gradients, values = jax.grad(total, (0, 1, 2), has_aux=True)(weights, biases, inputs)
        return values, gradients

    values, gradients = jax.jit(jax.vmap(estimate))(jax.random.split(jax.random.key(5), 4000))
    exact = lambda w, b, x: jnp.exp(full_loss(w, b, labels, x))  # noqa: E731
    derivatives = jax.grad(lambda w, b, x: exact(w, b, x).sum(), (0, 1, 2))(weights, biases, inputs)
    assert_mean_is(values, exact(weights, biases, inputs))
    for found, derivative in zip(gradients, derivatives, strict=True):
        assert_mean_is(found, derivative)


def test_samplers_are_chosen_by_name():
    key = jax.random.key(4)
    for name in SAMPLERS:
        for unique in (True, False):
            drawn = sampler(name, 4, 7, unique)(key)
            drawn = drawn._replace(true_expected_count=drawn.true_expected_count[LABELS][:, None])
            expected = ORACLES["sampled_softmax_loss"].value(WEIGHTS, BIASES, LABELS, INPUTS, sampled_values=drawn)
            np.testing.assert_allclose(loss(key=key, sampler=name, unique=unique), expected, rtol=1e-5)
    assert loss(num_sampled=20, unique=False).shape == (5,)


@pytest.mark.parametrize("name", SAMPLERS)
def test_invalid_arguments_of_samplers_raise(name):
    with pytest.raises(ArgumentError, match=f"{name}_candidate_sampler: `num_sampled` must be at most .* got 8"):
        sampler(name, 8, 7)(jax.random.key(0))
    with pytest.raises(ArgumentTypeError, match=f"{name}_candidate_sampler: `unique` must be bool"):
        sampler(name, 3, 7, "yes")(jax.random.key(0))


def test_a_seed_or_a_key_fixes_the_draw_in_any_mode():
    assert jnp.array_equal(loss(seed=3), loss(key=jax.random.key(3)))
    np.testing.assert_allclose(loss(seed=3), jax.jit(lambda: loss(seed=3))(), rtol=1e-6)
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            loss(seed=3),
            ORACLES["sampled_softmax_loss"].value(
                WEIGHTS,
                BIASES,
                LABELS,
                INPUTS,
                sampled_values=losses.uniform_candidate_sampler(jax.random.key(3), 4, 7),
            ),
            rtol=1e-5,
        )
    assert not jnp.array_equal(loss(seed=3), loss(seed=4))


def test_a_draw_of_every_class_is_the_full_softmax():
    full = losses.sparse_softmax_cross_entropy_with_logits(INPUTS @ WEIGHTS.T + BIASES, LABELS)
    np.testing.assert_allclose(loss(num_sampled=7), full, rtol=1e-5)


def test_values_match_mindspore_if_accidental_hits_are_kept():
    # Results of MindSpore 2.10 on a CPU for RandomState(0) and these candidates. It does not
    # remove hits (rows 1 and 2), regardless of `remove_accidental_hits`.
    rng = np.random.RandomState(0)
    w, b, x = (rng.randn(*shape).astype(np.float32) for shape in ((7, 3), (7,), (5, 3)))
    mindspore = [2.8703012, 3.8067741, 1.901061, 1.3893565, 8.239216]
    got = losses.sampled_softmax_loss(
        w, b, LABELS, x, num_sampled=4, num_classes=7, sampled_values=GIVEN, remove_accidental_hits=False
    )
    np.testing.assert_allclose(got, mindspore, rtol=1e-5)


def test_a_hit_is_removed_from_the_softmax_of_its_row_only():
    kept, removed = loss(sampled_values=GIVEN, remove_accidental_hits=False), loss(sampled_values=GIVEN)
    assert (kept != removed).tolist() == [False, True, True, False, False]
    assert (removed <= kept).all()


def test_a_row_all_of_whose_candidates_are_hits_has_loss_zero():
    given = ([0], [[1.0]], [1.0])
    values = loss(num_sampled=1, sampled_values=given)
    assert values[0] == 0
    gradient = jax.grad(
        lambda x: losses.sampled_softmax_loss(
            WEIGHTS, BIASES, LABELS, x, num_sampled=1, num_classes=7, sampled_values=given
        ).sum()
    )(jnp.asarray(INPUTS))
    assert np.isfinite(gradient).all()
    assert not gradient[0].any()


def test_a_removed_hit_cannot_win_over_very_low_logits():
    table, ones = np.array([[1.0], [-1.0], [-3.0]], np.float32) * 1e5, np.ones((1, 1), np.float32)
    values = losses.sampled_softmax_loss(
        table, np.zeros(3), [[2, 1]], ones, num_sampled=1, num_classes=3, num_true=2,
        sampled_values=([1], [[1.0]], [1.0]),
    )  # fmt: skip
    assert values.tolist() == [1e5]
    values = losses.sampled_softmax_loss(
        table,
        np.zeros(3),
        [2],
        ones,
        num_sampled=2,
        num_classes=3,
        sampled_values=([2, 1], [[1.0]], [1.0, 1.0]),
    )
    assert values.tolist() == [2e5]
    values = losses.sampled_softmax_loss(
        table, np.zeros(3), [2], ones, num_sampled=1, num_classes=3, sampled_values=([2], [[1.0]], [1.0])
    )
    assert values.tolist() == [0]


def test_large_logits_are_finite():
    values = losses.sampled_softmax_loss(
        WEIGHTS * 1e4, BIASES, LABELS, INPUTS, num_sampled=4, num_classes=7, sampled_values=GIVEN
    )
    assert np.isfinite(values).all()
    assert values.max() > 1e3


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None]])
def test_the_axis_of_a_single_true_class_is_optional(labels):
    np.testing.assert_array_equal(loss(labels), loss())


def test_tables_may_be_half_precision():
    half = losses.sampled_softmax_loss(
        WEIGHTS.astype(np.float16),
        BIASES.astype(np.float16),
        LABELS,
        INPUTS.astype(np.float16),
        num_sampled=4,
        num_classes=7,
        sampled_values=GIVEN,
    )
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, loss(sampled_values=GIVEN), rtol=3e-3, atol=3e-3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"num_sampled": 8}, ArgumentError, r"`num_sampled` must be at most `num_classes` \(7\), but got 8"),
        ({"num_sampled": 0}, ArgumentError, "`num_sampled` must be at least 1, but got 0"),
        ({"num_true": 0}, ArgumentError, "`num_true` must be at least 1, but got 0"),
        ({"num_true": 9}, ArgumentError, r"`num_true` must be at most `num_classes` \(7\), but got 9"),
        ({"num_true": 2}, ShapeError, r"`labels` must have shape \(5, 2\), but got \(5,\). Set num_true=1"),
        (
            {"num_classes": 9},
            ShapeError,
            "a row for each of the 9 classes, but got shape .*. Set num_classes=7",
        ),
        ({"sampler": "log"}, ArgumentError, "`sampler` must be one of 'uniform', 'log_uniform', but got 'log'"),
        ({"seed": -1}, ArgumentError, "`seed` must be at least 0, but got -1"),
        ({"sampled_values": 3}, ArgumentTypeError, r"`sampled_values` must be \(.*\), but got int\."),
        ({"sampled_values": GIVEN[:2]}, ArgumentTypeError, "but got tuple of length 2"),
        (
            {"sampled_values": (GIVEN[0][:3], *GIVEN[1:])},
            ShapeError,
            r"`sampled_candidates` must have shape \(4,\)",
        ),
        (
            {"sampled_values": (GIVEN[0] * 1.0, *GIVEN[1:])},
            DtypeError,
            "`sampled_candidates` must hold integers",
        ),
        (
            {"sampled_values": (GIVEN[0] + 1, *GIVEN[1:])},
            ArgumentError,
            r"indices in \[0, 7\), but got 7 at index",
        ),
        (
            {"sampled_values": (*GIVEN[:2], GIVEN[2] - 1)},
            ArgumentError,
            "`sampled_expected_count` must be above 0",
        ),
        (
            {"sampled_values": (*GIVEN[:2], [1.0])},
            ShapeError,
            r"`sampled_expected_count` must have shape \(4,\)",
        ),
        (
            {"sampled_values": (GIVEN[0], [1.0], GIVEN[2])},
            ShapeError,
            "`true_expected_count` must have shape",
        ),
    ],
)
def test_invalid_arguments_are_named(changes, error, message):
    with pytest.raises(error, match="sampled_softmax_loss: .*" + message):
        loss(**changes)


def test_a_label_out_of_range_is_named_before_anything_is_gathered():
    with pytest.raises(LabelError, match=r"`labels` must be class indices in \[0, 7\), but got 9 at index \(2,\)"):
        loss(np.array([0, 1, 9, 3, 4]))


def test_a_compiled_candidate_out_of_range_gives_nan():
    given = jax.jit(lambda s: loss(sampled_values=(s, *GIVEN[1:])))(np.array([1, 5, 2, -1]))
    assert np.isnan(given).all()


def test_a_compiled_label_out_of_range_gives_nan_and_no_gradient():
    def total(inputs, labels):
        values = losses.sampled_softmax_loss(
            WEIGHTS, BIASES, labels, inputs, num_sampled=4, num_classes=7, sampled_values=GIVEN
        )
        return values.sum(), values

    wrong = jax.jit(jax.grad(total, has_aux=True))
    (gradient, values), (right, _) = wrong(INPUTS, np.array([0, 7, 2, 3, 4])), wrong(INPUTS, LABELS)
    assert np.isnan(values).tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(gradient, np.where(np.isnan(values)[:, None], 0, right), rtol=1e-6)
