"""Losses for classes of unequal frequency, and the z-loss."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses._balanced import class_balanced
from sporax import losses
from sporax._errors import ArgumentError, ShapeError

INF = np.inf
COUNTS = [500, 40, 3, 1]
RNG = np.random.default_rng(8)
X, LABELS = RNG.normal(size=(6, 4)).astype(np.float32), RNG.integers(0, 4, 6)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.99, 0.9999])
def test_class_balanced_weights_follow_the_effective_number(beta):
    got = losses.class_balanced_weights(COUNTS, beta)
    np.testing.assert_allclose(got, class_balanced(COUNTS, beta), rtol=1e-4)
    assert got.sum() == pytest.approx(4, rel=1e-6)


def test_class_balanced_weights_near_one_are_the_inverse_frequency():
    inverse = 1 / np.array(COUNTS)
    got = losses.class_balanced_weights(np.array(COUNTS, np.float32), 0.999999)
    np.testing.assert_allclose(got, inverse / inverse.sum() * 4, rtol=2e-2)
    assert losses.class_balanced_weights(jnp.array(COUNTS, jnp.float16), 0.5).dtype == np.float16


def test_class_balanced_loss_is_weighted_cross_entropy_except_for_the_mean():
    weight = losses.class_balanced_weights(COUNTS, 0.99)
    options: dict[str, Any] = {"samples_per_cls": COUNTS, "beta": 0.99}
    values = losses.class_balanced_loss(X, LABELS, **options)
    np.testing.assert_allclose(values, losses.cross_entropy(X, LABELS, weight=weight), rtol=2e-6)
    mean = losses.evaluate(losses.class_balanced_loss, X, LABELS, **options)
    assert mean.item() == pytest.approx(values.mean().item(), rel=1e-6)


def test_the_margins_of_ldam():
    scale, most = 30.0, 0.5
    margins = np.array(COUNTS) ** -0.25
    margins *= most / margins.max()
    shifted = X - np.eye(4)[LABELS] * margins
    expected = losses.cross_entropy((scale * shifted).astype(np.float32), LABELS)
    got = losses.ldam_loss(X, LABELS, cls_num_list=COUNTS, max_m=most, s=scale)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    none = losses.ldam_loss(X, LABELS, cls_num_list=COUNTS, max_m=0, s=1)
    np.testing.assert_allclose(none, losses.cross_entropy(X, LABELS), rtol=1e-6)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ldam_matches_the_authors_torch_code(dtype):
    torch = pytest.importorskip("torch")
    with jax.enable_x64(dtype == np.float64):
        for weight in (None, [0.5, 1.0, 2.0, 4.0]):
            x = torch.tensor(X.astype(dtype), requires_grad=True)
            margins = torch.tensor(COUNTS, dtype=x.dtype) ** -0.25
            margins = margins * (0.4 / margins.max())
            hot = torch.nn.functional.one_hot(torch.tensor(LABELS), 4)
            expected = torch.nn.functional.cross_entropy(
                10 * (x - hot * margins),
                torch.tensor(LABELS),
                weight=None if weight is None else torch.tensor(weight, dtype=x.dtype),
            )
            expected.backward()
            options: dict[str, Any] = {"cls_num_list": COUNTS, "max_m": 0.4, "weight": weight, "s": 10}
            got, gradient = jax.value_and_grad(lambda a, o=options: losses.evaluate(losses.ldam_loss, a, LABELS, **o))(
                jnp.asarray(X.astype(dtype))
            )
            tolerance = 1e-5 if dtype == np.float32 else 1e-12
            np.testing.assert_allclose(got, expected.item(), rtol=tolerance)
            np.testing.assert_allclose(gradient, x.grad.numpy(), rtol=tolerance, atol=tolerance)


def test_counts_are_accepted_as_frequencies():
    frequencies = np.array(COUNTS) / sum(COUNTS)
    for tau in (0.0, 0.5, 1.5):
        got = losses.logit_adjusted_cross_entropy(X, LABELS, priors=COUNTS, tau=tau)
        same = losses.logit_adjusted_cross_entropy(X, LABELS, priors=frequencies, tau=tau)
        np.testing.assert_allclose(got, same, rtol=1e-5)
        shifted = (X + tau * np.log(frequencies)).astype(np.float32)
        np.testing.assert_allclose(got, losses.cross_entropy(shifted, LABELS), rtol=1e-5)


def test_infinite_logits_give_the_limit():
    x, labels = jnp.array([[INF, 0.0], [-INF, 0.0], [1e4, -1e4]]), np.array([0, 1, 0])
    for call in (
        lambda a: losses.ldam_loss(a, labels, cls_num_list=[1, 9]),
        lambda a: losses.logit_adjusted_cross_entropy(a, labels, priors=[1, 9]),
        lambda a: losses.class_balanced_loss(a, labels, samples_per_cls=[1, 9]),
    ):
        values, vjp = jax.vjp(call, x)
        assert values.tolist() == [0, 0, 0]
        assert not vjp(jnp.ones(3))[0].any()


def test_a_class_of_weight_zero_has_no_loss_even_where_its_probability_is_zero():
    x = jnp.array([[-INF, 0.0]])
    value, gradient = jax.value_and_grad(
        lambda a: losses.ldam_loss(a, np.array([0]), cls_num_list=[1, 9], weight=[0.0, 1.0]).sum()
    )(x)
    assert value.item() == 0
    assert not gradient.any()


def test_a_label_that_is_not_a_class_gives_nan_without_gradient_in_compiled_code():
    for call in (
        lambda a, y: losses.ldam_loss(a, y, cls_num_list=COUNTS, weight=COUNTS),
        lambda a, y: losses.logit_adjusted_cross_entropy(a, y, priors=COUNTS),
        lambda a, y: losses.class_balanced_loss(a, y, samples_per_cls=COUNTS),
    ):
        values, gradient = jax.jit(lambda a, y, call=call: (call(a, y), jax.grad(lambda b: call(b, y).sum())(a)))(
            X[:3], np.array([0, 4, -1])
        )
        assert np.isnan(values).tolist() == [False, True, True]
        assert not gradient[1:].any()


class TestZLoss:
    def test_it_is_the_square_of_the_normalizer(self):
        x = jnp.array([[0.0, 1.0, -INF], [1e4, 1e4, 0.0], [-2.0, -1.0, -0.5]])
        got = losses.z_loss(x, coefficient=0.5)
        normalizer = np.array([np.log1p(np.e), 1e4 + np.log(2), np.log(np.exp([-2.0, -1.0, -0.5]).sum())])
        np.testing.assert_allclose(got, 0.5 * normalizer**2, rtol=1e-5)
        gradient = jax.grad(lambda a: losses.z_loss(a, coefficient=0.5).sum())(x)
        np.testing.assert_allclose(gradient, normalizer[:, None] * np.exp(losses.log_softmax(x)), rtol=1e-5)

    def test_it_is_accurate_where_the_normalizer_is_near_one(self):
        logits = losses.log_softmax(jnp.asarray(X))
        np.testing.assert_allclose(losses.z_loss(logits, coefficient=1.0), 0, atol=1e-12)


def test_invalid_arguments_raise():
    with pytest.raises(ArgumentError, match="`cls_num_list` must be above 0 for every class, but got 0 for class 1"):
        losses.ldam_loss(X, LABELS, cls_num_list=[1, 0, 2, 0])
    with pytest.raises(ArgumentError, match="`priors` must be above 0 for every class, but got nan for class 3"):
        losses.logit_adjusted_cross_entropy(X, LABELS, priors=[1, 1, 2, np.nan])
    with pytest.raises(ShapeError, match=r"`samples_per_cls` must have shape \(4,\)"):
        losses.class_balanced_loss(X, LABELS, samples_per_cls=[1, 2, 3])
    with pytest.raises(ShapeError, match=r"class_balanced_weights: `samples_per_cls` must have shape \(C,\)"):
        losses.class_balanced_weights([[1, 2]])
    with pytest.raises(ArgumentError, match=r"class_balanced_weights: `beta` must be in \[0, 1\), but got"):
        losses.class_balanced_weights([1, 2], 1.0)
    with pytest.raises(ArgumentError, match=r"z_loss: `coefficient` must be in \[0, inf\), but got"):
        losses.z_loss(X, coefficient=-1.0)
    with pytest.raises(ArgumentError, match=r"ldam_loss: `s` must be in \(0, inf\), but got"):
        losses.ldam_loss(X, LABELS, cls_num_list=COUNTS, s=0)
