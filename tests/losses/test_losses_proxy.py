"""Losses on angles to class vectors: extreme angles, ties, masks and labels."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, LabelError

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(6)
X, WEIGHT = RNG.normal(size=(9, 4)).astype(np.float32), RNG.normal(size=(5, 4)).astype(np.float32)
LABELS = np.array([0, 1, 0, 4, 1, 0, 3, 1, 4], np.int32)

GRID = {
    "proxy_anchor_loss": [{}, {"margin": 0.3, "alpha": 4.0}],
    "proxy_nca_loss": [{}, {"scale": 9.0, "include_positive": True}, {"scale": 3.0}],
    "arcface_loss": [{}]
    + [{"scale": 8.0, "margin": m, "easy_margin": e} for m, e in itertools.product([0.0, 0.5, 1.2], [False, True])],
    "cosface_loss": [{}, {"scale": 10.0, "margin": 0.1}],
}


@pytest.mark.parametrize("name", GRID)
def test_defaults_and_arguments_match_the_oracle(name):
    run = jax.jit(lambda x, w, y: [getattr(losses, name)(x, w, y, **options) for options in GRID[name]])
    for options, got in zip(GRID[name], run(X, WEIGHT, LABELS), strict=True):
        expected = ORACLES[name].value(X, WEIGHT, LABELS, **options)
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=5e-5, err_msg=str(options))


ANGLES = np.linspace(0, np.pi, 721)


@pytest.mark.parametrize("easy", [False, True])
@pytest.mark.parametrize("margin", [0.3, 0.5, 1.2])
def test_arcface_increases_with_the_angle(margin, easy):
    """Up to the opposite direction, where cos(theta + m) would increase again."""
    x = np.stack([np.cos(ANGLES), np.sin(ANGLES), 0 * ANGLES], axis=1).astype(np.float32)
    weight = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    # A single class has no loss: a second class, orthogonal to all samples, keeps the other logit at 0.
    run = jax.jit(lambda x, w, y: losses.arcface_loss(x, w, y, scale=2.0, margin=margin, easy_margin=easy))
    values = run(x, weight, np.zeros(721, np.int32))
    steps = np.diff(np.asarray(values))
    if easy:
        # With the authors' easy margin the target increases where the angle exceeds a right angle.
        assert (np.delete(steps, [359, 360]) > -1e-6).all()
    else:
        assert (steps > -1e-6).all()
    far = np.pi - margin + 1e-3 < ANGLES
    target = np.cos(ANGLES) - (0 if easy else margin * np.sin(margin))
    np.testing.assert_allclose(np.asarray(values)[far], np.log1p(np.exp(-2 * target[far])), rtol=1e-5)


@pytest.mark.parametrize("name", ["arcface_loss", "cosface_loss", "proxy_nca_loss", "proxy_anchor_loss"])
def test_parallel_opposite_and_zero_vectors_give_finite_derivatives(name):
    weight = np.array([[1.0, 2.0, -0.5], [-1.0, -2.0, 0.5], [0.0, 0.0, 0.0]], np.float32)
    x = np.array([[1, 2, -0.5], [-3, -6, 1.5], [0, 0, 0], [1, 2, -0.5], [1, 1, 1]], np.float32)
    labels = np.array([0, 0, 1, 1, 2], np.int32)
    fn = lambda a, w: getattr(losses, name)(a, w, labels).sum()  # noqa: E731
    value, gradients = jax.jit(jax.value_and_grad(fn, (0, 1)))(x, weight)
    assert np.isfinite(value)
    for gradient in gradients:
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() < 1e4
    assert np.isfinite(jax.jit(jax.hessian(fn))(x, weight)).all()


def test_arcface_is_accurate_at_small_angles():
    """In float32, the square root of 1 - cos^2 would have an error of a third here."""
    angle, margin = 4e-4, 0.5
    x = np.array([[np.cos(angle), np.sin(angle), 0.0]], np.float32)
    weight = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    fn = lambda a: losses.arcface_loss(a, weight, np.array([0]), scale=1.0, margin=margin)[0]  # noqa: E731
    got, gradient = jax.jit(jax.value_and_grad(fn))(x)
    np.testing.assert_allclose(got, np.log1p(np.exp(-np.cos(angle + margin))), rtol=3e-7)
    p = 1 / (1 + np.exp(np.cos(angle + margin)))
    # Along the circle only the angle changes.
    np.testing.assert_allclose(gradient[0, 1], p * np.sin(angle + margin), rtol=1e-3)


def test_a_zero_embedding_is_orthogonal_to_every_class():
    got = losses.arcface_loss(np.zeros((1, 4), np.float32), WEIGHT, np.array([2]), scale=3.0, margin=0.4)
    np.testing.assert_allclose(got, np.log(4 + np.exp(-3 * np.sin(0.4))) + 3 * np.sin(0.4), rtol=1e-6)


def test_proxy_anchor_is_a_scalar_for_the_batch():
    mask = np.array([1, 1, 0, 1, 1, 0, 1, 1, 1], bool)
    run = jax.jit(lambda x, w, y, mask: losses.proxy_anchor_loss(x, w, y, alpha=4.0, mask=mask))
    values = np.asarray(run(X, WEIGHT, LABELS, mask))
    np.testing.assert_allclose(
        values, ORACLES["proxy_anchor_loss"].value(X, WEIGHT, LABELS, alpha=4.0, mask=mask), rtol=1e-5
    )
    mean, alone = jax.jit(
        lambda x, w, y: [
            losses.evaluate(losses.proxy_anchor_loss, x, w, y, alpha=4.0, mask=mask),
            losses.evaluate(losses.proxy_anchor_loss, x[mask], w, y[mask], alpha=4.0),
        ]
    )(X, WEIGHT, LABELS)
    np.testing.assert_allclose(mean, values[0], rtol=1e-6)
    np.testing.assert_allclose(mean, alone, rtol=1e-6)


def test_a_sample_without_a_class_is_ignored_in_compiled_code():
    labels = LABELS.copy()
    labels[[1, 5]] = [-1, 5]
    kept = np.delete(np.arange(9), [1, 5])
    for name in GRID:
        with pytest.raises(LabelError, match=rf"{name}: `labels` must be class indices in \[0, 5\), but got -1"):
            getattr(losses, name)(X, WEIGHT, labels)

        @jax.jit
        def run(x, w, y, name=name):
            values, pull = jax.vjp(lambda x, w: getattr(losses, name)(x, w, y), x, w)
            return values, pull(jnp.ones_like(values)), getattr(losses, name)(x[kept], w, y[kept])

        values, gradients, expected = run(X, WEIGHT, labels)
        np.testing.assert_allclose(np.asarray(values)[kept], expected, rtol=1e-5, atol=1e-6)
        assert np.isnan(np.asarray(values)[[1, 5]]).all()
        assert not np.asarray(gradients[0])[[1, 5]].any()
        assert np.isfinite(gradients[1]).all()


def test_arguments_are_checked():
    with pytest.raises(ArgumentError, match=r"arcface_loss: `margin` must be in \[0, 1.57"):
        losses.arcface_loss(X, WEIGHT, LABELS, margin=2.0)
    with pytest.raises(ArgumentError, match=r"cosface_loss: `scale` must be in \(0, inf\)"):
        losses.cosface_loss(X, WEIGHT, LABELS, scale=0.0)
    with pytest.raises(ArgumentError, match="proxy_nca_loss: there must be at least 2 classes"):
        losses.proxy_nca_loss(X, WEIGHT[:1], np.zeros(9, np.int32))
    swept = jax.jit(jax.vmap(lambda m: losses.arcface_loss(X, WEIGHT, LABELS, margin=m)))(jnp.array([0.1, 0.5]))
    np.testing.assert_allclose(swept[1], ORACLES["arcface_loss"].value(X, WEIGHT, LABELS), rtol=1e-5, atol=5e-5)
