"""Contrastive losses: removed samples, anchors without positives, extreme inputs, other libraries."""

from __future__ import annotations

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError

pytestmark = pytest.mark.slow

LABELLED = ["multi_similarity_loss", "circle_loss", "nt_xent_loss", "sup_con_loss"]
PAIRED = ["n_pair_loss", "info_nce_loss", "siglip_loss"]
RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(2, 10, 4)).astype(np.float32)
LABELS = np.array([0, 1, 0, 2, 1, 0, 3, 1, 2, 4], np.int32)
MASK = np.array([1, 1, 0, 1, 1, 1, 1, 1, 0, 1], bool)

GRID = {
    "n_pair_loss": [{}, {"l2_weight": 0.02, "normalize": True}],
    "multi_similarity_loss": [{}, {"epsilon": None, "base": 1.0}, {"alpha": 0.5, "beta": 3.0, "normalize": False}],
    "circle_loss": [{}, {"gamma": 5.0, "margin": 0.25}, {"gamma": 2.0, "remove_diagonal": False}],
    "info_nce_loss": [{}, {"temperature": 1.5, "symmetric": True}, {"normalize": False, "temperature": 2.0}],
    "nt_xent_loss": [{}, {"temperature": 2.0, "normalize": False}],
    "sup_con_loss": [{}, {"temperature": 2.0, "normalize": False}],
    "siglip_loss": [{}, {"temperature": 3.0, "bias": 0.5}, {"normalize": False, "temperature": 1.0}],
}


def second(name):
    return LABELS if name in LABELLED else Y


def value_and_gradient(fn, x):
    """Return the values and the gradient of their sum, in one program."""

    @jax.jit
    def run(x):
        values, pull = jax.vjp(fn, x)
        return values, pull(jnp.ones_like(values))[0]

    return tuple(np.asarray(each) for each in run(x))


@pytest.mark.parametrize("name", GRID)
def test_defaults_arguments_and_the_mask_match_the_oracle(name):
    fn = getattr(losses, name)
    run = jax.jit(lambda x, y, mask: [(fn(x, y, **o), fn(x, y, mask=mask, **o)) for o in GRID[name]])
    for options, (plain, masked) in zip(GRID[name], run(X, second(name), MASK), strict=True):
        expected = ORACLES[name].value(X, second(name), **options)
        np.testing.assert_allclose(plain, expected, rtol=2e-5, atol=5e-5, err_msg=str(options))
        expected = ORACLES[name].value(X, second(name), mask=MASK, **options)
        np.testing.assert_allclose(masked, expected, rtol=2e-5, atol=5e-5, err_msg=str(options))


@pytest.mark.parametrize("name", GRID)
def test_a_removed_sample_has_no_effect_on_the_others(name):
    """Its contents do not affect the values and gradients of the others."""
    fn, other = getattr(losses, name), second(name)

    @jax.jit
    def run(x, y, mask):
        mean = lambda a: losses.evaluate(fn, a, y, mask=mask)  # noqa: E731
        return jax.value_and_grad(mean)(x)

    spoiled = X.copy()
    spoiled[~MASK] = np.nan
    value, gradient = run(spoiled, other, MASK)
    few = np.flatnonzero(MASK)
    expected, expected_gradient = jax.jit(jax.value_and_grad(lambda a: losses.evaluate(fn, a, other[few])))(X[few])
    np.testing.assert_allclose(value, expected, rtol=2e-5)
    np.testing.assert_allclose(gradient[few], expected_gradient, rtol=2e-4, atol=2e-5)
    assert not np.asarray(gradient)[~MASK].any()


@pytest.mark.parametrize("name", LABELLED)
def test_anchors_without_a_positive_have_no_loss(name):
    fn = getattr(losses, name)
    alone = np.arange(10, dtype=np.int32)
    value, gradient = jax.jit(jax.value_and_grad(lambda a: losses.evaluate(fn, a, alone)))(X)
    assert value == 0
    assert not gradient.any()
    _, count = losses.evaluate_sum_and_weight(fn, X, LABELS)
    # Label 0 and 1 occur three times, 2 twice, 3 and 4 once.
    assert count == {"multi_similarity_loss": 10, "nt_xent_loss": 6 + 6 + 2}.get(name, 8)


@pytest.mark.parametrize("name", GRID)
def test_batches_of_size_0_and_1(name):
    fn = getattr(losses, name)
    for count in (0, 1):
        values, gradient = value_and_gradient(lambda a, n=count: fn(a, second(name)[:n]), X[:count])
        assert values.shape == (count,)
        assert np.isfinite(values).all()
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", GRID)
def test_zero_equal_and_opposite_vectors_give_finite_derivatives(name):
    fn = getattr(losses, name)
    hessian = jax.jit(jax.hessian(lambda a, b: fn(a, b).sum()))
    gradient = jax.jit(jax.grad(lambda a, b: fn(a, b).sum()))
    for x in (np.zeros((6, 2)), np.ones((6, 2)), np.tile([[1.0, 0.0], [-1.0, 0.0]], (3, 1))):
        x = x.astype(np.float32)
        other = LABELS[:6] if name in LABELLED else x[::-1].copy()
        assert np.isfinite(gradient(x, other)).all()
        assert np.isfinite(hessian(x, other)).all()


@pytest.mark.parametrize("name", ["info_nce_loss", "nt_xent_loss", "sup_con_loss", "siglip_loss"])
def test_a_temperature_may_be_traced_and_has_its_gradient(name):
    fn = getattr(losses, name)
    with jax.enable_x64(True):
        total = jax.jit(lambda t: fn(X.astype(np.float64), second(name), temperature=t).sum())
        gradient = jax.jit(jax.grad(lambda t: total(t)))(0.4)
        np.testing.assert_allclose(gradient, (total(0.4 + 1e-5) - total(0.4 - 1e-5)) / 2e-5, rtol=1e-6)
    half = [each if name in LABELLED and at else each.astype(np.float16) for at, each in enumerate((X, second(name)))]
    assert fn(*half, temperature=jnp.float32(0.3)).dtype == np.float16
    with pytest.raises(ArgumentError, match=rf"{name}: `temperature` must be in \(0, inf\), but got 0"):
        fn(X, second(name), temperature=0)
    with pytest.raises(ArgumentTypeError, match=f"{name}: `normalize` must be bool"):
        fn(X, second(name), normalize=1)


def test_labels_are_any_integers():
    for labels in (LABELS - 3, LABELS.astype(np.uint8), LABELS.astype(np.int64) * 1000 - 7):
        np.testing.assert_allclose(losses.sup_con_loss(X, labels), losses.sup_con_loss(X, LABELS), rtol=1e-6)


def test_contrastive_loss_where_points_are_equal_or_at_the_margin():
    x1 = jnp.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    x2 = jnp.array([[1.0, 2.0], [1.0, 2.0], [0.6, 0.8], [3.0, 4.0]])
    labels = np.array([1, 0, 0, 0])
    values, gradient = value_and_gradient(lambda a: losses.contrastive_loss(a, x2, labels), x1)
    np.testing.assert_allclose(values, [0, 0.5, 0, 0], atol=1e-7)
    np.testing.assert_allclose(gradient, 0, atol=1e-6)
    assert np.isfinite(jax.jit(jax.hessian(lambda a: losses.contrastive_loss(a, x2, labels).sum()))(x1)).all()
    with pytest.raises(
        LabelError, match=r"contrastive_loss: `labels` must be 0 or 1, but got -1 .* \(labels \+ 1\) / 2"
    ):
        losses.contrastive_loss(x1, x2, [1, -1, 1, 1])


def test_multi_similarity_selects_the_pairs_of_the_paper():
    """Easy negatives and easy positives are excluded: moving them changes nothing."""
    x = np.array([[1, 0], [0.8, 0.6], [0.9, np.sqrt(0.19)], [-1, 0]], np.float32)
    labels = np.array([0, 0, 1, 1])
    gradient = jax.jit(jax.grad(lambda a: losses.multi_similarity_loss(a, labels)[0]))(x)
    assert np.abs(gradient[2]).sum() > 0
    assert not gradient[3].any()


def test_constant_weights_give_the_papers_gradient_of_circle_loss():
    gamma, margin = 4.0, 0.25
    with jax.enable_x64(True):
        x = X[:5].astype(np.float64)
        labels = np.array([0, 0, 1, 0, 1])

        def frozen(similarity, held):
            """The loss of sample 0, with weights from other similarities than those at which it is evaluated."""
            p, n = similarity[np.array([1, 3])], similarity[np.array([2, 4])]
            hp, hn = held[np.array([1, 3])], held[np.array([2, 4])]
            push = jnp.exp(gamma * jnp.maximum(hn + margin, 0) * (n - margin)).sum()
            pull = jnp.exp(-gamma * jnp.maximum(1 + margin - hp, 0) * (p - 1 + margin)).sum()
            return jnp.log1p(push * pull)

        def expected(a):
            unit = a / jnp.linalg.norm(a, axis=1, keepdims=True)
            similarity = jnp.sum(unit[:1] * unit, axis=1)
            return frozen(similarity, jax.lax.stop_gradient(similarity))

        for hold in (True, False):
            fn = lambda a, h=hold: losses.circle_loss(a, labels, gamma=gamma, margin=margin, hold_weights=h)[0]  # noqa: E731
            (value, gradient), (value_of, gradient_of) = (jax.jit(jax.value_and_grad(f))(x) for f in (fn, expected))
            np.testing.assert_allclose(value, value_of, rtol=1e-12)
            assert np.allclose(gradient, gradient_of, rtol=1e-9) == hold


@pytest.mark.peers
def test_nt_xent_matches_optax():
    optax = pytest.importorskip("optax")
    with jax.enable_x64(True):
        for labels, temperature in ((LABELS, 0.07), (np.repeat(np.arange(5), 2), 0.5)):
            theirs = jax.value_and_grad(lambda a, y=labels, t=temperature: optax.ntxent(a, y, t))
            ours = jax.value_and_grad(
                lambda a, y=labels, t=temperature: losses.evaluate(losses.nt_xent_loss, a, y, temperature=t)
            )
            x = jnp.asarray(X, jnp.float64)
            (expected, expected_gradient), (value, gradient) = jax.jit(theirs)(x), jax.jit(ours)(x)
            np.testing.assert_allclose(value, expected, rtol=1e-12)
            np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.peers
def test_circle_matches_keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("its gradient is computed with JAX")
    unit = jnp.asarray(X / np.linalg.norm(X, axis=1, keepdims=True))
    for options in ({}, {"gamma": 10.0, "margin": 0.25}, {"gamma": 10.0, "remove_diagonal": False}):
        theirs = jax.jit(jax.value_and_grad(lambda a, o=options: keras.losses.Circle(**o)(LABELS, a)))
        ours = jax.jit(
            jax.value_and_grad(
                lambda a, o=options: losses.evaluate(losses.circle_loss, a, LABELS, normalize=False, **o)
            )
        )
        (expected, expected_gradient), (value, gradient) = theirs(unit), ours(unit)
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        size = np.abs(expected_gradient).max()
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-5 * size)


@pytest.mark.peers
def test_info_nce_matches_torchs_cross_entropy_of_the_similarities():
    torch = pytest.importorskip("torch")
    q, k = (torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in (X, Y))
    scores = torch.nn.functional.normalize(q, dim=1) @ torch.nn.functional.normalize(k, dim=1).T / 0.1
    target = torch.arange(10)
    cross_entropy = torch.nn.functional.cross_entropy
    expected = (cross_entropy(scores, target) + cross_entropy(scores.T, target)) / 2
    expected.backward()
    with jax.enable_x64(True):
        fn = lambda a, b: losses.evaluate(losses.info_nce_loss, a, b, temperature=0.1, symmetric=True)  # noqa: E731
        value, gradients = jax.jit(jax.value_and_grad(fn, (0, 1)))(X.astype(np.float64), Y.astype(np.float64))
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    for gradient, tensor in zip(gradients, (q, k), strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
