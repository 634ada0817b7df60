"""Focal losses: values of MindSpore, Keras, and the ends of the interval of probabilities."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError

INF = np.inf
GAMMAS = (0.0, 0.5, 1.0, 2.0)


def test_terms_have_their_limits_at_probabilities_of_0_and_1():
    log_p = jnp.array([0.0, -INF, -1e4, -1e-12, 1e-7])
    values, vjp = jax.vjp(lambda x: jnp.stack([losses.focal_terms(x, gamma) for gamma in GAMMAS]), log_p)
    gradients = np.stack([vjp(jnp.zeros((4, 5)).at[at].set(1.0))[0] for at in range(4)])
    np.testing.assert_allclose(values[:, :3], [[0, INF, 1e4]] * 4, rtol=1e-6)
    np.testing.assert_allclose(values[:, 3:], 0, atol=1e-9)
    np.testing.assert_allclose(gradients[:, 0], [-1, 0, 0, 0], atol=1e-7)
    np.testing.assert_allclose(gradients[:, 1:3], -1, atol=1e-6)
    assert np.isfinite(gradients).all()
    assert not np.signbit(values).any()


def test_terms_and_their_derivatives_follow_the_formula():
    # Includes values on both sides of the point where the series begins.
    log_p = np.array([-1e-3, -0.04, -0.049, -0.051, -0.3, -1.0, -5.0, -30.0])
    with jax.enable_x64(True):
        for gamma in (0.5, 1.0, 2.0, 3.5):
            plain = lambda x, gamma=gamma: -((-jnp.expm1(x)) ** gamma) * x  # noqa: E731
            mine = lambda x, gamma=gamma: losses.focal_terms(x, gamma)  # noqa: E731
            for fn, other in (
                (mine, plain),
                (jax.grad(mine), jax.grad(plain)),
                (jax.hessian(mine), jax.hessian(plain)),
            ):
                got, expected = (jax.jit(jax.vmap(each))(jnp.asarray(log_p)) for each in (fn, other))
                np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-14)


def test_the_derivative_with_respect_to_gamma():
    logits, labels = np.array([[0.3, -1.0, 2.0], [INF, 0.0, 0.0]], np.float32), np.array([1, 0])
    gradient = jax.jit(jax.jacfwd(lambda gamma: losses.focal_loss(logits, labels, gamma=gamma)))(1.5)
    p = np.exp(-1.0) / np.exp([0.3, -1.0, 2.0]).sum()
    np.testing.assert_allclose(gradient, [-((1 - p) ** 1.5) * np.log(1 - p) * np.log(p), 0], rtol=1e-5)


def test_values_match_mindspore():
    """Printed by MindSpore 2.10 on a CPU."""
    x = np.array([[0.8, 1.4], [0.5, 0.9], [1.2, 0.9]], np.float32)
    labels, weight = np.array([1, 1, 0]), np.array([1, 2])
    dense = np.eye(2, dtype=np.float32)[labels]
    np.testing.assert_allclose(
        losses.focal_loss(x, labels, weight=weight), [0.10986024, 0.16524136, 0.10039291], rtol=5e-5
    )
    terms = [[0, 0.10986024], [0, 0.16524136], [0.10039291, 0]]
    np.testing.assert_allclose(losses.soft_focal_terms(x, dense, weight=weight), terms, rtol=5e-5)
    for reduction, expected in (("mean", 0.06258242), ("sum", 0.37549451)):
        got = losses.evaluate(losses.soft_focal_loss, x, dense, weight=weight, reduction=reduction)
        assert got.item() == pytest.approx(expected, rel=5e-5)
    x, labels = np.linspace(-1, 1.3, 12, dtype=np.float32).reshape(2, 3, 2), np.array([[0, 2], [1, 1]])
    np.testing.assert_allclose(losses.focal_loss(x, labels, gamma=1.5), [0.69477886, 0.65583104], rtol=5e-5)
    dense = np.moveaxis(np.eye(3, dtype=np.float32)[labels], -1, 1)
    terms = [[0.55567986, 0, 0.13909908], [0, 0.65583104, 0]]
    np.testing.assert_allclose(losses.soft_focal_terms(x, dense, gamma=1.5), terms, rtol=5e-5)


def test_gamma_zero_is_cross_entropy():
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(4, 3, 5)).astype(np.float32), rng.integers(0, 3, (4, 5))
    weight = [0.5, 1.0, 2.0]
    expected = losses.cross_entropy(x, labels, weight=weight).mean(1)
    np.testing.assert_allclose(losses.focal_loss(x, labels, weight=weight, gamma=0), expected, rtol=2e-6)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_infinite_logits_give_the_limit(gamma):
    x = jnp.array([[INF, 0.0, -INF], [1e4, -1e4, 0.0], [-INF, -INF, -INF]])
    for labels, expected in (([0, 0, 0], [0, 0, (2 / 3) ** gamma * np.log(3)]), ([1, 1, 1], [INF, 2e4, None])):
        indices, dense = np.array(labels), np.eye(3, dtype=np.float32)[labels]
        for values, vjp in (
            jax.vjp(lambda a, y=indices: losses.focal_loss(a, y, gamma=gamma), x),
            jax.vjp(lambda a, y=dense: losses.soft_focal_loss(a, y, gamma=gamma), x),
            jax.vjp(
                lambda a, y=dense: losses.categorical_focal_cross_entropy(a, y, alpha=1, gamma=gamma, from_logits=True),
                x,
            ),
        ):
            for got, known in zip(values, expected, strict=True):
                assert known is None or got.item() == pytest.approx(known, rel=1e-5, abs=1e-7)
            assert np.isfinite(vjp(jnp.ones(3))[0]).all()


def test_probabilities_of_0_and_1_are_clipped_as_in_keras():
    p, y = jnp.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)
    values, vjp = jax.vjp(lambda a: losses.categorical_focal_cross_entropy(a, y), p)
    np.testing.assert_allclose(values, [-0.25 * np.log(1e-7)] * 2, rtol=1e-5)
    assert not vjp(jnp.ones(2))[0].any()


@pytest.mark.peers
def test_keras_categorical_focal_cross_entropy():
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("compares gradients, so needs Keras on JAX")
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(3, 4, 5)).astype(np.float32)
    y = rng.dirichlet(np.ones(5), (3, 4)).astype(np.float32)
    grid = itertools.product((0.25, [0.1, 0.5, 1.0, 2.0, 0.3]), (0.5, 2.0), (False, True), (0.0, 0.2))
    for alpha, gamma, from_logits, smoothing in grid:
        x = jnp.asarray(raw if from_logits else np.exp(raw))
        options: dict[str, Any] = {
            "alpha": alpha, "gamma": gamma, "from_logits": from_logits,
            "label_smoothing": smoothing,
        }  # fmt: skip
        expected, gradient = jax.jit(
            jax.value_and_grad(
                lambda a, o=options: keras.losses.categorical_focal_crossentropy(
                    y, a, **(o | {"alpha": np.float32(o["alpha"]).reshape(1, 1, -1)})
                ).sum()
            )
        )(x)
        mine = lambda a, o=options: losses.categorical_focal_cross_entropy(a, y, **o).sum()  # noqa: E731
        got, mine_gradient = jax.jit(jax.value_and_grad(mine))(x)
        np.testing.assert_allclose(got, expected, rtol=1e-5)
        np.testing.assert_allclose(mine_gradient, gradient, rtol=1e-4, atol=1e-5)


def test_invalid_arguments_raise():
    x, y = np.zeros((2, 3), np.float32), np.array([0, 1])
    dense = np.eye(3, dtype=np.float32)[y]
    for name, labels in (("focal_loss", y), ("soft_focal_loss", dense), ("categorical_focal_cross_entropy", dense)):
        with pytest.raises(ArgumentError, match=rf"{name}: `gamma` must be in \[0, inf\), but got"):
            getattr(losses, name)(x, labels, gamma=-1.0)
    with pytest.raises(ShapeError, match=r"`alpha` must have shape \(3,\)"):
        losses.categorical_focal_cross_entropy(x, dense, alpha=[1.0, 2.0])
    with pytest.raises(ArgumentTypeError, match="`from_logits` must be bool"):
        losses.categorical_focal_cross_entropy(x, dense, from_logits=1)  # pyright: ignore[reportArgumentType]
