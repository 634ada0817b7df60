"""Losses for noisy labels: the tempered softmax for every temperature, Keras and optax, extreme inputs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES, numeric_gradients
from oracles.losses._noisy import tempered_softmax
from sporax import losses
from sporax._errors import ArgumentError

pytestmark = pytest.mark.slow

INF = np.inf
X = np.array([[1.0, -2.0, 0.3, 0.9], [5.0, 4.0, 0.0, -3.0], [0.0, 0.0, 0.0, 0.0]])
Y = np.array([[0.7, 0.1, 0.2, 0.0], [0.0, 1.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])

# With t1 = 1 and t2 < 1 a class of probability 0 has an infinite loss, so the temperatures are paired.
TEMPERATURES = [
    (0.0, 0.5), (0.3, 0.5), (0.5, 0.9), (0.2, 0.999), (0.8, 1.0), (1.0, 1.0), (1.0, 1.0001), (0.7, 1.2), (0.5, 1.5),
    (0.2, 2.0), (1.0, 4.0),
]  # fmt: skip


def test_bi_tempered_matches_the_oracle_on_every_side_of_one():
    oracle = ORACLES["bi_tempered_logistic_loss"]

    def both(x: jax.Array, t1: jax.Array, t2: jax.Array, s: jax.Array) -> tuple[jax.Array, jax.Array]:
        values, vjp = jax.vjp(lambda a: losses.bi_tempered_logistic_loss(a, Y, t1=t1, t2=t2, label_smoothing=s), x)
        return values, vjp(jnp.ones(3))[0]

    with jax.enable_x64(True):
        compiled = jax.jit(both)
        for t1, t2 in TEMPERATURES:
            for smoothing in (0.0, 0.1):
                params = {"t1": t1, "t2": t2, "label_smoothing": smoothing}
                exact = numeric_gradients(oracle.value, np.ones(3), [X, Y], params, [0])[0]
                for call in (compiled, both) if t2 in (0.9, 1.0, 1.5) and smoothing else (compiled,):
                    values, gradient = call(jnp.asarray(X), t1, t2, smoothing)
                    np.testing.assert_allclose(values, oracle.value(X, Y, **params), rtol=1e-8, atol=1e-11)
                    np.testing.assert_allclose(gradient, exact, rtol=1e-6, atol=1e-7)


def test_probabilities_follow_the_tempered_softmax():
    # With t1 = 0 and a label of zeros the loss is sum(p^2) / 2.
    zeros = np.zeros_like(X)
    with jax.enable_x64(True):
        call = jax.jit(lambda x, t: losses.bi_tempered_logistic_loss(x, zeros, t1=0.0, t2=t))
        for t2 in (0.0, 0.4, 1.0, 1.3, 3.0):
            expected = [0.5 * np.sum(tempered_softmax(row, t2) ** 2) for row in X]
            np.testing.assert_allclose(call(jnp.asarray(X), t2), expected, rtol=1e-9)


def test_derivatives_with_respect_to_the_temperatures():
    def total(t: jax.Array) -> jax.Array:
        return losses.bi_tempered_logistic_loss(X[:1], Y[:1], t1=t[0], t2=t[1]).sum()

    oracle = ORACLES["bi_tempered_logistic_loss"]
    step, far = 1e-5, 1e-4
    with jax.enable_x64(True):
        gradient, curve = jax.jit(jax.grad(total)), jax.jit(jax.hessian(total))
        for t2 in (0.6, 0.9999, 1.0001, 1.7):
            point = np.array([0.4, t2])
            value = lambda t: oracle.value(X[:1], Y[:1], t1=t[0], t2=t[1])[0]  # noqa: E731
            exact = [(value(point + step * unit) - value(point - step * unit)) / (2 * step) for unit in np.eye(2)]
            np.testing.assert_allclose(gradient(point), exact, rtol=2e-5, atol=1e-7)
            ends = [np.asarray(gradient(point + np.array([0, move]))) for move in (-far, far)]
            np.testing.assert_allclose(curve(point)[1], (ends[1] - ends[0]) / (2 * far), rtol=1e-3, atol=1e-5)


def test_temperatures_of_one_are_kl_divergence():
    log_p = np.asarray(losses.log_softmax(jnp.asarray(X, jnp.float32)))
    safe = np.where(Y > 0, Y, 1)
    expected = np.sum(Y * (np.log(safe) - log_p), -1)
    got = losses.bi_tempered_logistic_loss(X.astype(np.float32), Y.astype(np.float32), t1=1.0, t2=1.0)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_temperature_zero_projects_on_the_simplex():
    x = np.array([[0.9, 0.5, -3.0]])
    p = np.array([0.7, 0.3, 0.0])
    gradient = jax.grad(lambda a: losses.bi_tempered_logistic_loss(a, np.zeros((1, 3)), t1=0.0, t2=0.0).sum())
    # d/dx of sum(p^2) / 2 is p minus its mean over the classes of nonzero probability
    np.testing.assert_allclose(gradient(jnp.asarray(x, jnp.float32)), [[0.2, -0.2, 0]], atol=1e-6)
    got = losses.bi_tempered_logistic_loss(x, np.zeros((1, 3)), t1=0.0, t2=0.0)
    np.testing.assert_allclose(got, 0.5 * np.sum(p**2), rtol=1e-6)


@pytest.mark.parametrize("t2", [0.5, 1.0, 1.3, 4.0])
def test_bi_tempered_is_finite_for_extreme_logits(t2):
    x = jnp.array([
        [1e4, -1e4, 0.0], [-1e4, -1e4, 1e4], [0.0, 0.0, 0.0], [INF, 0.0, -INF], [-INF, -INF, -INF], [INF, INF, 0.0],
    ])  # fmt: skip
    y = np.eye(3, dtype=np.float32)[[1, 2, 0, 1, 2, 2]]
    values, vjp = jax.jit(lambda a: jax.vjp(lambda b: losses.bi_tempered_logistic_loss(b, y, t1=0.5, t2=t2), a))(x)
    assert np.isfinite(values).all()
    # The maximum loss: a prediction of another class with probability 1.
    assert values.max() <= 2.0 + 1e-6
    assert np.isfinite(vjp(jnp.ones(6))[0]).all()
    third = losses.bi_tempered_logistic_loss(jnp.zeros((1, 3)), y[4:5], t1=0.5, t2=t2)
    np.testing.assert_allclose(values[4], third[0], rtol=1e-5)


@pytest.mark.parametrize("t2", [0.5, 1.2, 4.0])
def test_many_classes_still_sum_to_one(t2):
    # With t1 = 0 and equal logits, p = 1 / C: sum(p^2) / 2 = 1 / (2 C)
    x = jnp.zeros((2, 5000)).at[1].add(1e-8 * jnp.arange(5000))
    got = losses.bi_tempered_logistic_loss(x, np.zeros((2, 5000), np.float32), t1=0.0, t2=t2)
    np.testing.assert_allclose(got, 1e-4, rtol=1e-3)


def test_a_single_class_has_loss_zero():
    x = np.array([[3.0], [-1.0]], np.float32)
    got = losses.sparse_bi_tempered_logistic_loss(x, np.array([0, 0]), label_smoothing=0.1)
    np.testing.assert_allclose(got, 0, atol=1e-7)
    dense = losses.bi_tempered_logistic_loss(x, np.ones((2, 1), np.float32), label_smoothing=0.1)
    np.testing.assert_allclose(dense, 0, atol=1e-7)


def test_class_indices_are_one_hot_labels():
    x, labels = X.astype(np.float32), np.array([2, 0, 1])
    dense = np.eye(4, dtype=np.float32)[labels]
    for options in ({}, {"label_smoothing": 0.2}):
        sparse = losses.sparse_bi_tempered_logistic_loss(x, labels, **options)
        np.testing.assert_allclose(losses.bi_tempered_logistic_loss(x, dense, **options), sparse, rtol=1e-6)
    np.testing.assert_allclose(
        losses.poly1_cross_entropy(x, dense), losses.sparse_poly1_cross_entropy(x, labels), rtol=1e-6
    )


def test_poly_at_infinite_logits():
    x = jnp.array([[INF, 0.0, -INF], [-INF, 0.0, 0.0]])
    for fn, labels in (
        (losses.sparse_poly1_cross_entropy, np.array([0, 1])),
        (losses.poly1_cross_entropy, np.eye(3, dtype=np.float32)[[0, 1]]),
    ):
        values, vjp = jax.vjp(lambda a, fn=fn, labels=labels: fn(a, labels), x)
        np.testing.assert_allclose(values, [0, np.log(2) + 1], rtol=1e-6)
        gradient = [[0, 0, 0], [0, -1, 1]]
        np.testing.assert_allclose(vjp(jnp.ones(2))[0], gradient, atol=1e-6)


@pytest.mark.parametrize("q", [0.1, 0.5, 1.0])
def test_generalized_cross_entropy_at_certain_probabilities(q):
    p, labels = jnp.array([[0.0, 1.0], [1.0, 0.0], [1e-20, 1.0]]), np.array([0, 0, 0])
    values, vjp = jax.vjp(lambda a: losses.generalized_cross_entropy(a, labels, q=q), p)
    np.testing.assert_allclose(values[:2], [1 / q, 0], atol=1e-6)
    gradient = np.asarray(vjp(jnp.ones(3))[0])
    chord = -(1e-12 ** (q - 1)) / q
    np.testing.assert_allclose(gradient[:, 0], [chord, -1, chord], rtol=1e-4)
    logits = jnp.array([[-INF, 0.0], [INF, 0.0], [-1e4, 0.0]])
    values, vjp = jax.vjp(lambda a: losses.generalized_cross_entropy(a, labels, q=q, from_logits=True), logits)
    np.testing.assert_allclose(values, [1 / q, 0, 1 / q], atol=1e-6)
    assert not vjp(jnp.ones(3))[0].any()


def test_generalized_cross_entropy_approaches_cross_entropy_and_is_absolute_error_at_one():
    x, labels = X.astype(np.float32), np.array([2, 0, 1])
    near = losses.generalized_cross_entropy(x, labels, q=1e-4, from_logits=True)
    np.testing.assert_allclose(near, losses.cross_entropy(x, labels), rtol=1e-3)
    p = np.exp(losses.log_softmax(jnp.asarray(x)))
    np.testing.assert_allclose(losses.generalized_cross_entropy(p, labels, q=1), 1 - p[[0, 1, 2], labels], rtol=1e-5)


def test_symmetric_cross_entropy_at_infinite_logits():
    x, labels = jnp.array([[INF, 0.0], [-INF, 0.0]]), np.array([0, 0])
    values, vjp = jax.vjp(lambda a: losses.symmetric_cross_entropy(a, labels, alpha=0.0), x)
    assert values.tolist() == [0, 4]
    assert not vjp(jnp.ones(2))[0].any()
    assert losses.symmetric_cross_entropy(x, labels).tolist() == [0, INF]


def test_arguments_outside_their_interval():
    x, labels = np.zeros((1, 2), np.float32), np.array([0])
    for name, option, value in (
        ("sparse_bi_tempered_logistic_loss", "t1", 1.1),
        ("sparse_bi_tempered_logistic_loss", "t2", -0.1),
        ("sparse_bi_tempered_logistic_loss", "label_smoothing", 1.0),
        ("generalized_cross_entropy", "q", 0.0),
        ("symmetric_cross_entropy", "A", 0.0),
        ("symmetric_cross_entropy", "alpha", -1.0),
        ("symmetric_cross_entropy", "beta", -1.0),
    ):
        with pytest.raises(ArgumentError, match=f"{name}: `{option}` must be in"):
            getattr(losses, name)(x, labels, **{option: value})


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_optax_poly_loss(dtype):
    optax = pytest.importorskip("optax")
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 3, (6, 3, 5)).astype(dtype), rng.dirichlet(np.ones(5), (6, 3)).astype(dtype)
    tolerance = 5e-6 if dtype == np.float32 else 1e-12
    with jax.enable_x64(dtype == np.float64):
        for epsilon in (2.0, -1.0, 0.0):
            fns = (losses.poly1_cross_entropy, optax.losses.poly_loss_cross_entropy)
            (got, gradients), (expected, others) = (
                jax.jit(
                    jax.value_and_grad(lambda a, b, fn=fn, e=epsilon: (fn(a, b, epsilon=e) * x[..., 0]).sum(), (0, 1))
                )(x, y)
                for fn in fns
            )
            np.testing.assert_allclose(got, expected, rtol=2 * tolerance)
            for gradient, other in zip(gradients, others, strict=True):
                np.testing.assert_allclose(gradient, other, rtol=tolerance, atol=2 * tolerance)


@pytest.mark.peers
def test_keras_generalized_cross_entropy():
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("compares gradients, so needs Keras on JAX")
    rng = np.random.default_rng(0)
    p, labels = rng.dirichlet(np.ones(5), 7).astype(np.float32), rng.integers(0, 5, 7)
    for q in (0.3, 0.5, 0.9):
        peer = keras.losses.CategoricalGeneralizedCrossEntropy(q=q, reduction="sum")
        expected, gradient = jax.value_and_grad(lambda a, peer=peer: peer(labels, a))(jnp.asarray(p))
        got, mine = jax.value_and_grad(lambda a, q=q: losses.generalized_cross_entropy(a, labels, q=q).sum())(
            jnp.asarray(p)
        )
        np.testing.assert_allclose(got, expected, rtol=1e-5)
        np.testing.assert_allclose(mine, gradient, rtol=1e-5)
