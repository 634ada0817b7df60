"""Preference and distillation losses: extreme inputs, arguments, comparisons with PyTorch."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, LabelError, ShapeError


def test_dpo_is_finite_and_accurate_for_large_inputs():
    chosen = np.array([1e4, -1e4, 0.0, 3e38], np.float32)
    zero = np.zeros(4, np.float32)

    @jax.jit
    def run(chosen: Any) -> Any:
        fn = lambda x: losses.dpo_loss(x, zero, zero, zero, beta=0.5)  # noqa: E731
        return fn(chosen), jax.grad(lambda x: fn(x).sum())(chosen)

    values, gradient = run(chosen)
    np.testing.assert_allclose(values, [0, 5000, np.log(2), 0], rtol=1e-6)
    np.testing.assert_allclose(gradient, [0, -0.5, -0.25, 0], rtol=1e-6)


def test_dpo_without_a_reference_does_not_read_it():
    a, b, nan = np.array([-3.0], np.float32), np.array([-4.0], np.float32), np.array([np.nan], np.float32)
    zero = np.zeros_like(a)
    got = losses.dpo_loss(a, b, nan, nan, reference_free=True)
    np.testing.assert_array_equal(got, losses.dpo_loss(a, b, zero, zero))


def test_dpo_hyper_parameters_can_be_swept_over():
    inputs = [np.array([value], np.float32) for value in (-3, -5, -4, -4)]
    betas = jnp.asarray([0.1, 0.3])
    got = jax.vmap(lambda beta: losses.dpo_loss(*inputs, beta=beta, label_smoothing=beta))(betas)
    expected = [ORACLES["dpo_loss"].value(*inputs, beta=beta, label_smoothing=beta) for beta in (0.1, 0.3)]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_arguments_are_checked():
    x = np.zeros(3, np.float32)
    for options in ({"beta": 0}, {"label_smoothing": 1.1}, {"loss_type": "hinge"}):
        with pytest.raises(ArgumentError, match=f"dpo_loss: `{next(iter(options))}` must be"):
            losses.dpo_loss(x, x, x, x, **options)
    with pytest.raises(ShapeError, match="`reference_rejected_logps` must have shape"):
        losses.dpo_loss(x, x, x, x[:2])
    with pytest.raises(ArgumentError, match="`temperature` must be in"):
        losses.distillation_loss(x, x, temperature=0)
    with pytest.raises(ArgumentError, match="`alpha` must be in"):
        losses.distillation_with_labels_loss(x, x, np.array(1), alpha=1.5)
    with pytest.raises(LabelError, match=r"`labels` must be class indices in \[0, 3\)"):
        losses.distillation_with_labels_loss(x, x, np.array(3))


def test_distillation_with_masked_classes():
    inf = np.inf
    teacher = np.array([[0, 1, -inf], [1e4, -1e4, 0], [0, 0, 0], [1e4, 0, 0]], np.float32)
    student = np.array([[0, 1, -inf], [-1e4, 1e4, 0], [0, 0, 0], [0, 0, -inf]], np.float32)

    @jax.jit
    def run(student: Any, teacher: Any) -> Any:
        values = losses.distillation_loss(student, teacher, temperature=2.0)
        total = lambda s, t: losses.distillation_loss(s, t, temperature=2.0).sum()  # noqa: E731
        return values, jax.grad(total, argnums=(0, 1))(student, teacher)

    values, gradients = run(student, teacher)
    np.testing.assert_allclose(values, [0, 4e4, 0, 4 * np.log(2)], rtol=1e-6, atol=1e-6)
    assert all(np.isfinite(each).all() for each in gradients)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_distillation_matches_torchs_divergence_and_cross_entropy(dtype, temperature):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    rng = np.random.default_rng(0)
    student, teacher = rng.normal(size=(2, 3, 2, 5)).astype(dtype)
    labels = rng.integers(0, 5, (3, 2))
    s, t = (torch.tensor(each, requires_grad=True) for each in (student, teacher))
    soft = functional.kl_div((s / temperature).log_softmax(-1), (t / temperature).softmax(-1), reduction="none").sum(-1)
    hard = functional.cross_entropy(s.movedim(-1, 1), torch.tensor(labels), reduction="none")
    expected = 0.3 * temperature**2 * soft + 0.7 * hard
    expected.sum().backward()
    tolerance = 5e-6 if dtype == np.float32 else 1e-12
    with jax.enable_x64(dtype == np.float64):

        @jax.jit
        def run(student: Any, teacher: Any) -> Any:
            def fn(s: Any, t: Any) -> Any:
                return losses.distillation_with_labels_loss(s, t, labels, temperature=temperature, alpha=0.3)

            return fn(student, teacher), *jax.grad(lambda s, t: fn(s, t).sum(), argnums=(0, 1))(student, teacher)

        found = run(student, teacher)
    for one, other in zip(found, (expected.detach(), s.grad, t.grad), strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.peers
@pytest.mark.parametrize("loss_type", ["sigmoid", "ipo"])
def test_dpo_matches_the_authors_code(loss_type):
    """The code of the appendix of the paper, and of its repository, in torch."""
    torch = pytest.importorskip("torch")
    arrays = np.random.default_rng(2).normal(-20, 5, (4, 6)).astype(np.float32)
    tensors = [torch.tensor(each, requires_grad=True) for each in arrays]
    for free in (False, True):
        ratio = tensors[0] - tensors[1] - (0 if free else 1) * (tensors[2] - tensors[3])
        if loss_type == "ipo":
            smoothing = 0.0
            expected = (ratio - 1 / (2 * 0.2)) ** 2
        else:
            smoothing, log_sigmoid = 0.1, torch.nn.functional.logsigmoid
            expected = -log_sigmoid(0.2 * ratio) * (1 - smoothing) - log_sigmoid(-0.2 * ratio) * smoothing
        gradients = torch.autograd.grad(expected.sum(), tensors[:2])
        fn = lambda *a, s=smoothing, f=free: losses.dpo_loss(  # noqa: E731
            *a, beta=0.2, label_smoothing=s, reference_free=f, loss_type=loss_type
        )
        np.testing.assert_allclose(fn(*arrays), expected.detach().numpy(), rtol=2e-6, atol=2e-6)
        found = jax.jit(jax.grad(lambda *a, fn=fn: fn(*a).sum(), argnums=(0, 1)))(*arrays)
        for one, other in zip(found, gradients, strict=True):
            np.testing.assert_allclose(one, other.numpy(), rtol=5e-6, atol=5e-6)
