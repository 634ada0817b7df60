"""Regression losses: kinks, extreme and small differences; comparisons with torch, Keras and optax."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses
from sporax._errors import ArgumentError, ShapeError

INF = math.inf


def value_and_gradient(name: str, x: Any, y: Any = None, **params: Any) -> tuple[np.ndarray, np.ndarray]:
    x = jnp.asarray(x, jnp.float32)
    y = jnp.zeros_like(x) if y is None else jnp.asarray(y, jnp.float32)

    def run(x: jax.Array) -> Any:
        values, pull = jax.vjp(lambda a: getattr(losses, name)(a, y, **params), x)
        return values, pull(jnp.ones_like(values))[0]

    values, gradient = jax.jit(run)(x)
    return np.asarray(values), np.asarray(gradient)


# Root mean square


def test_rmse_of_equal_inputs_has_no_gradient_in_any_order():
    x = jnp.arange(3.0)
    value, gradient = value_and_gradient("rmse_loss", x, x)
    assert value == 0
    assert not gradient.any()
    assert not jax.jit(jax.hessian(lambda a: losses.rmse_loss(a, x)))(x).any()


def test_rmse_broadcasts_and_accepts_half_precision_and_empty_inputs():
    x, y = np.array([1.0, 2.0, 3.0], np.float32), np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]], np.float32)
    assert losses.rmse_loss(x, y) == 1
    assert losses.rmse_loss(y, x) == 1
    assert losses.rmse_loss(np.zeros((0, 3)), np.zeros((0, 3))) == 0
    # Their squares overflow in float16.
    half = losses.rmse_loss(np.full(5000, 300, np.float16), np.zeros(5000, np.float16))
    assert half.dtype == np.float16
    assert half == 300
    with pytest.raises(ShapeError, match=r"rmse_loss: .*\(3, 1\).*\(3,\)"):
        losses.rmse_loss(x[:, None], x)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_rmse_of_tiny_and_huge_differences(scale):
    value, gradient = value_and_gradient("rmse_loss", np.array([3 * scale, 4 * scale], np.float32))
    np.testing.assert_allclose(value, scale * math.sqrt(12.5), rtol=1e-6)
    np.testing.assert_allclose(gradient, np.array([1.5, 2]) / math.sqrt(12.5), rtol=1e-6)


def test_rmse_of_an_infinite_difference_is_infinite():
    assert losses.rmse_loss(np.array([INF, 1.0]), np.zeros(2)) == INF


def test_a_weight_of_zero_removes_an_rmse_completely():
    bad = np.full((2, 3), np.nan, np.float32)

    def total(x: jax.Array) -> jax.Array:
        return losses.evaluate(losses.rmse_loss, x, np.ones(3, np.float32), weights=np.float32(0))

    value, gradient = jax.value_and_grad(total)(jnp.asarray(bad))
    assert value == 0
    assert not gradient.any()


# Huber and log-cosh


def test_huber_is_continuous_at_delta_and_finite_for_large_errors():
    x = [0.5, -0.5, 0.49, 0.0, 1e30, -INF]
    values, gradient = value_and_gradient("huber_loss", x, delta=0.5)
    np.testing.assert_allclose(values, [0.125, 0.125, 0.12005, 0, 5e29, INF], rtol=1e-6)
    np.testing.assert_allclose(gradient, [0.5, -0.5, 0.49, 0, 0.5, -0.5], rtol=1e-6)


def test_huber_with_an_infinite_delta_is_half_the_square():
    values, gradient = value_and_gradient("huber_loss", [3.0, 0.0, -100.0], delta=INF)
    np.testing.assert_allclose(values, [4.5, 0, 5000])
    np.testing.assert_allclose(gradient, [3, 0, -100])


@pytest.mark.parametrize("delta", [0.3, 1.0, 4.0])
def test_huber_is_delta_times_smooth_l1(delta):
    x = np.linspace(-6, 6, 41)
    values, gradient = value_and_gradient("huber_loss", x, delta=delta)
    expected, expected_gradient = value_and_gradient("smooth_l1_loss", x, beta=delta)
    np.testing.assert_allclose(values, delta * expected, rtol=2e-6)
    np.testing.assert_allclose(gradient, delta * expected_gradient, rtol=2e-6)


def test_log_cosh_is_accurate_from_zero_to_infinity():
    x = np.array([0.0, 1e-8, -1e-4, 1e-2, 0.999, -1.001, 5.0, 90.0, -1e4, 1e30, INF], np.float32)
    exact = x.astype(np.float64)
    # log cosh x = log(1 + 2 sinh(x / 2)^2)
    inner = np.log1p(2 * np.sinh(np.clip(exact, -20, 20) / 2) ** 2)
    expected = np.where(np.abs(exact) < 20, inner, np.abs(exact) - math.log(2))
    values, gradient = value_and_gradient("log_cosh_loss", x)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, np.tanh(exact), rtol=1e-6)
    bend = jax.jit(jax.vmap(jax.grad(jax.grad(lambda a: losses.log_cosh_loss(a, 0.0)))))(x)
    np.testing.assert_allclose(bend, 1 - np.tanh(exact) ** 2, atol=1e-6)


# Cosine similarity


def test_cosine_similarity_of_zero_vectors_is_zero_without_gradient():
    x, y = jnp.array([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]]), jnp.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])

    def total(a: jax.Array, b: jax.Array) -> jax.Array:
        return losses.cosine_similarity_loss(a, b).sum()

    value, gradients = jax.jit(jax.value_and_grad(total, (0, 1)))(x, y)
    assert value == 0
    assert not np.signbit(value)
    assert not any(gradient.any() for gradient in gradients)
    assert np.isfinite(jax.tree.leaves(jax.jit(jax.hessian(total))(x, y))).all()


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_cosine_similarity_does_not_depend_on_norms(scale):
    x, y = np.array([[1.0, 2.0, -1.0]], np.float32), np.array([[0.5, 3.0, 2.0]], np.float32)
    expected, expected_gradient = value_and_gradient("cosine_similarity_loss", x, y)
    values, gradient = value_and_gradient("cosine_similarity_loss", x * np.float32(scale), y)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient * np.float32(scale), expected_gradient, rtol=2e-6)


def test_cosine_similarity_needs_equal_shapes_and_an_axis():
    with pytest.raises(ShapeError, match=r"cosine_similarity_loss: `labels` must have shape \(2, 3\), but got \(3,\)"):
        losses.cosine_similarity_loss(np.ones((2, 3)), np.ones(3))
    with pytest.raises(ShapeError, match="cosine_similarity_loss: `logits` must have shape"):
        losses.cosine_similarity_loss(1.0, 1.0)


# Relative to the target


def test_percentages_of_zero_and_negative_targets():
    values, gradient = value_and_gradient(
        "mean_absolute_percentage_error", [0.0, 2.0, -3.0, 1.0], [0.0, 2.0, -2.0, 0.0]
    )
    np.testing.assert_allclose(values, [0, 0, 50, 1e9], rtol=1e-6)
    np.testing.assert_allclose(gradient, [0, 0, -50, 1e9], rtol=1e-6)


def test_a_target_below_epsilon_is_replaced_by_epsilon():
    gradient = jax.grad(lambda y: losses.mean_absolute_percentage_error(3.0, y, epsilon=1.0))
    assert [gradient(y).item() for y in (0.5, 1.0, -1.0)] == [-100, -100, -100]
    assert gradient(2.0).item() == pytest.approx(-75)


def test_predictions_at_or_below_epsilon_have_no_gradient():
    values, gradient = value_and_gradient(
        "mean_squared_logarithmic_error", [-5.0, 0.0, 1e-7, 1.0], [1.0, 1.0, 1.0, 0.0]
    )
    np.testing.assert_allclose(values, math.log(2) ** 2, rtol=1e-6)
    np.testing.assert_allclose(gradient, [0, 0, 0, math.log(2)], rtol=1e-6)


def test_small_quantities_are_accurate():
    values, _ = value_and_gradient("mean_squared_logarithmic_error", [1e-4, 2e-5], [3e-4, 1e-5])
    np.testing.assert_allclose(values, [(math.log1p(1e-4) - math.log1p(3e-4)) ** 2, 1e-10], rtol=1e-4)


def test_rates_of_zero_are_finite_and_negative_rates_give_nan():
    values, gradient = value_and_gradient("poisson_loss", [0.0, 0.0, -1.0], [0.0, 2.0, 1.0])
    np.testing.assert_allclose(values, [0, -2 * math.log(1e-7), np.nan], rtol=1e-6)
    np.testing.assert_allclose(gradient[:2], [1, 1 - 2e7], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("huber_loss", {"delta": 0}, r"`delta` must be in \(0, inf\), but got 0"),
        ("mean_absolute_percentage_error", {"epsilon": 0}, r"`epsilon` must be in \(0, inf\)"),
        ("mean_squared_logarithmic_error", {"epsilon": -1}, r"`epsilon` must be in \[0, inf\)"),
        ("poisson_loss", {"epsilon": 0}, r"`epsilon` must be in \(0, inf\)"),
    ],
)
def test_parameters_out_of_range_are_named(name, params, message):
    with pytest.raises(ArgumentError, match=f"{name}: {message}"):
        getattr(losses, name)(np.ones(2), np.ones(2), **params)


# Peers


def real(shape: tuple[int, ...], dtype: Any) -> list[np.ndarray]:
    rng = np.random.default_rng(31)
    return [rng.normal(0.3, 2, shape).astype(dtype), rng.normal(-0.2, 2, shape).astype(dtype)]


def counts(shape: tuple[int, ...], dtype: Any) -> list[np.ndarray]:
    rng = np.random.default_rng(32)
    return [rng.uniform(0.01, 4, shape).astype(dtype), rng.poisson(2, shape).astype(dtype)]


TORCH = [
    ("huber_loss", {"delta": 0.7}),
    ("huber_loss", {"delta": 3.0}),
    ("smooth_l1_loss", {"beta": 2.5}),
    ("rmse_loss", {}),
    ("cosine_similarity_loss", {}),
    ("poisson_loss", {"epsilon": 0.01}),
]


@pytest.mark.peers
@pytest.mark.parametrize(("name", "params"), TORCH)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(7,), (3, 2, 5)])
def test_value_and_gradients_match_torch(name, params, dtype, shape):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    peers: dict[str, Callable[..., Any]] = {
        "huber_loss": lambda x, y, delta: functional.huber_loss(x, y, delta=delta, reduction="none"),
        "smooth_l1_loss": lambda x, y, beta: functional.smooth_l1_loss(x, y, beta=beta, reduction="none"),
        "rmse_loss": lambda x, y: functional.mse_loss(x, y).sqrt(),
        "cosine_similarity_loss": lambda x, y: -functional.cosine_similarity(x, y, dim=-1),
        "poisson_loss": lambda x, y, epsilon: functional.poisson_nll_loss(
            x, y, log_input=False, eps=epsilon, reduction="none"
        ),
    }
    inputs = (counts if name == "poisson_loss" else real)(shape, dtype)
    tensors = [torch.tensor(array, requires_grad=True) for array in inputs]
    expected = peers[name](*tensors, **params)
    cotangent = np.random.default_rng(2).normal(size=tuple(expected.shape)).astype(dtype)
    expected.backward(torch.tensor(cotangent))
    gradients = [tensor.grad.numpy() for tensor in tensors]
    compare(name, params, inputs, cotangent, expected.detach().numpy(), gradients)


KERAS = [
    ("l1_loss", "mean_absolute_error", {}),
    ("mse_loss", "mean_squared_error", {}),
    ("log_cosh_loss", "log_cosh", {}),
    ("huber_loss", "huber", {"delta": 0.8}),
    ("mean_absolute_percentage_error", "mean_absolute_percentage_error", {}),
    ("mean_squared_logarithmic_error", "mean_squared_logarithmic_error", {}),
    ("poisson_loss", "poisson", {}),
    ("cosine_similarity_loss", "cosine_similarity", {}),
]


@pytest.mark.peers
@pytest.mark.parametrize(("name", "peer", "params"), KERAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(7,), (3, 2, 5)])
def test_value_and_gradients_match_keras(name, peer, params, dtype, shape):
    """Keras gives the mean over the last axis of our values, except for the cosine."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("Keras runs on another backend")
    function = getattr(keras.losses, peer)
    inputs = (counts if name in ("poisson_loss", "mean_squared_logarithmic_error") else real)(shape, dtype)
    cotangent = np.random.default_rng(2).normal(size=shape[:-1]).astype(dtype)
    with jax.enable_x64(dtype == np.float64), jax.numpy_rank_promotion("allow"):
        expected, pull = jax.vjp(lambda x, y: function(y, x, **params), *map(jnp.asarray, inputs))
        gradients = [np.asarray(each) for each in pull(jnp.asarray(cotangent))]
    last = (lambda values: values) if name == "cosine_similarity_loss" else lambda values: values.mean(-1)
    # Keras computes means in float32.
    compare(name, params, inputs, cotangent, np.asarray(expected), gradients, last, 5e-7)


OPTAX = [
    ("mse_loss", lambda optax: optax.losses.squared_error, {}),
    ("huber_loss", lambda optax: optax.losses.huber_loss, {"delta": 0.8}),
    ("log_cosh_loss", lambda optax: optax.losses.log_cosh, {}),
    ("cosine_similarity_loss", lambda optax: lambda x, y: optax.losses.cosine_distance(x, y) - 1, {}),
]


@pytest.mark.peers
@pytest.mark.parametrize(("name", "peer", "params"), OPTAX, ids=[row[0] for row in OPTAX])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_and_gradients_match_optax(name, peer, params, dtype):
    function, inputs = peer(pytest.importorskip("optax")), real((4, 3), dtype)
    with jax.enable_x64(dtype == np.float64), jax.numpy_rank_promotion("allow"):
        expected, pull = jax.vjp(lambda x, y: function(x, y, **params), *map(jnp.asarray, inputs))
        cotangent = np.random.default_rng(2).normal(size=expected.shape).astype(dtype)
        gradients = [np.asarray(each) for each in pull(jnp.asarray(cotangent))]
    compare(name, params, inputs, cotangent, np.asarray(expected), gradients)


def compare(
    name: str,
    params: dict[str, Any],
    inputs: list[np.ndarray],
    cotangent: np.ndarray,
    expected: np.ndarray,
    gradients: list[np.ndarray],
    last: Callable[[jax.Array], jax.Array] = lambda values: values,
    finest: float = 1e-11,
) -> None:
    dtype = inputs[0].dtype
    # Both have rounding errors relative to their maximum.
    exact = 5e-6 if dtype == np.float32 else finest

    def run(arrays: list[Any], cotangent: Any) -> Any:
        values, pull = jax.vjp(lambda *a: last(getattr(losses, name)(*a, **params)), *arrays)
        return values, pull(cotangent)

    with jax.enable_x64(dtype == np.float64):
        values, derivatives = jax.jit(run)(inputs, cotangent)
    assert values.dtype == dtype
    for got, wanted in ((values, expected), *zip(derivatives, gradients, strict=True)):
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=exact, atol=exact * max(1, np.abs(wanted).max()))


@pytest.mark.peers
@pytest.mark.parametrize(("name", "params"), [("huber_loss", {"delta": 1.0}), ("huber_loss", {"delta": 0.5})])
def test_gradients_at_kinks_match_torch(name, params):
    torch = pytest.importorskip("torch")
    x = np.array([0.0, 0.5, -0.5, 1.0, -1.0, 2.0], np.float32)
    tensor = torch.tensor(x, requires_grad=True)
    getattr(torch.nn.functional, name)(tensor, torch.zeros(6), reduction="sum", **params).backward()
    np.testing.assert_array_equal(value_and_gradient(name, x, **params)[1], tensor.grad.numpy())
