"""Divergences: 0 log 0 = 0 for predictions and targets, batchmean, and comparisons with PyTorch and optax."""

from __future__ import annotations

import math
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

INF = math.inf


def value_and_gradients(name: str, *inputs: Any, **params: Any) -> list[np.ndarray]:
    arrays = [jnp.asarray(each, jnp.float32) for each in inputs]

    def run(*arrays: jax.Array) -> Any:
        values, pull = jax.vjp(lambda *a: getattr(losses, name)(*a, **params), *arrays)
        return values, *pull(jnp.ones_like(values))

    return [np.asarray(each) for each in jax.jit(run)(*arrays)]


def test_kl_div_at_its_ends():
    x, t = [-1.0, -INF, -INF, -2.0, 0.0], [0.0, 0.0, 0.5, 1.0, 1.0]
    values, by_x, by_t = value_and_gradients("kl_div", x, t)
    np.testing.assert_array_equal(values, [0, 0, INF, 2, 0])
    np.testing.assert_array_equal(by_x, [0, 0, -0.5, -1, -1])
    np.testing.assert_allclose(by_t, [1, 0, INF, 3, 1])


def test_kl_div_of_log_targets_at_its_ends():
    x, t = [-1.0, -INF, -INF, -2.0], [-INF, -INF, 0.0, 0.0]
    values, by_x, by_t = value_and_gradients("kl_div", x, t, log_target=True)
    np.testing.assert_array_equal(values, [0, 0, INF, 2])
    np.testing.assert_array_equal(by_x, [0, 0, -1, -1])
    np.testing.assert_array_equal(by_t, [0, 0, INF, 3])


def test_forms_of_one_divergence_agree():
    x, t = inputs_of(losses.get("kl_divergence"), 3)
    rows = losses.kl_divergence(x, t)
    np.testing.assert_allclose(losses.kl_div(x, t).sum(-1), rows, atol=1e-6)
    np.testing.assert_allclose(losses.kl_divergence_with_log_targets(x, np.log(t)), rows, atol=1e-6)
    np.testing.assert_allclose(losses.generalized_kl_divergence(x, t), rows, atol=1e-6)
    np.testing.assert_allclose(losses.generalized_kl_divergence(x, np.exp(x)), 0 * rows, atol=1e-6)
    assert (np.asarray(losses.generalized_kl_divergence(x + 1, 3 * t)) > 0).all()
    np.testing.assert_array_equal(losses.convex_kl_divergence(x, t), losses.generalized_kl_divergence(x, t))


def test_batchmean_divides_by_the_number_of_remaining_samples():
    x, t = inputs_of(losses.get("kl_divergence"), 4, rest=(5,))
    rows = np.asarray(losses.kl_divergence(x, t))
    got = losses.evaluate(losses.kl_div, x, t, reduction="batchmean")
    np.testing.assert_allclose(got, rows.mean(), rtol=1e-5)
    weights = np.array([1, 0, 2, 0, 1], np.float32)
    got = losses.evaluate(losses.kl_div, x, t, reduction="batchmean", weights=weights[:, None])
    np.testing.assert_allclose(got, (weights * rows).sum() / 3, rtol=1e-5)


def test_jensen_shannon_is_symmetric_bounded_and_finite():
    rng = np.random.default_rng(0)
    p, t = rng.dirichlet(np.full(5, 0.3), (2, 50))
    one = losses.jensen_shannon_loss(np.log(p), t)
    np.testing.assert_allclose(one, losses.jensen_shannon_loss(np.log(t), p), atol=1e-6)
    assert np.min(one) > 0
    assert np.max(one) < math.log(2)
    x, t = [[0.0, -INF, -INF], [-1e4, -1e4, 0.0]], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    values, by_x, by_t = value_and_gradients("jensen_shannon_loss", x, t)
    np.testing.assert_allclose(values, [math.log(2), 0], atol=1e-7)
    np.testing.assert_allclose(by_x, [[0.5 * math.log(2), 0, 0], [0, 0, 0]], atol=1e-7)
    np.testing.assert_allclose(by_t, [[0, 0.5 * math.log(2), 0], [0, 0, 0]], atol=1e-7)
    log_t = [[-INF, 0.0, -INF], [-INF, -INF, 0.0]]
    for each in value_and_gradients("jensen_shannon_loss", x, log_t, log_target=True):
        assert np.isfinite(each).all()


def test_targets_of_zero_match_the_oracle():
    x, t = inputs_of(losses.get("kl_div"), 8)
    t[::2] = 0
    for name in ("kl_div", "kl_divergence", "generalized_kl_divergence"):
        check_loss(getattr(losses, name), ORACLES[name], [x, t], tolerance=1e-5, jit=True)


def test_errors():
    x = np.zeros(3, np.float32)
    with pytest.raises(ArgumentTypeError, match="kl_div: `log_target` must be bool, but got 1"):
        losses.kl_div(x, x, log_target=1)
    with pytest.raises(ArgumentError, match="`reduction` must be one of"):
        losses.evaluate(losses.kl_div, x, x, reduction="batch")


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.parametrize("reduction", ["none", "batchmean", "sum"])
def test_kl_div_matches_torch(dtype, log_target, reduction):
    torch = pytest.importorskip("torch")
    x, t = (array.astype(dtype) for array in inputs_of(losses.get("kl_div"), 5))
    t = np.log(t) if log_target else t
    tensors = [torch.tensor(array, requires_grad=True) for array in (x, t)]
    expected = torch.nn.functional.kl_div(*tensors, reduction=reduction, log_target=log_target)
    expected.sum().backward()
    with jax.enable_x64(dtype == np.float64):

        def run(x: jax.Array, t: jax.Array) -> Any:
            values = losses.evaluate(losses.kl_div, x, t, reduction=reduction, log_target=log_target)
            return values.sum(), values

        gradients, values = jax.jit(jax.grad(run, (0, 1), has_aux=True))(x, t)
    tolerance = 3e-6 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(values, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    for gradient, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.peers
@pytest.mark.parametrize(
    "name", ["kl_divergence", "kl_divergence_with_log_targets", "generalized_kl_divergence", "convex_kl_divergence"]
)
def test_rows_match_optax(name):
    optax = pytest.importorskip("optax")
    inputs = inputs_of(losses.get(name), 6)
    # optax formerly used the name convex_kl_divergence for the other one, and warns about it.
    peer = getattr(optax.losses, "generalized_kl_divergence" if name == "convex_kl_divergence" else name)
    cotangent = np.random.default_rng(1).normal(size=inputs[0].shape[:-1]).astype(np.float32)

    def of(fn: Any) -> Any:
        values, pull = jax.vjp(fn, *map(jnp.asarray, inputs))
        return values, pull(jnp.asarray(cotangent))

    got, expected = jax.jit(lambda: (of(getattr(losses, name)), of(peer)))()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=3e-6, atol=3e-6), got, expected)
