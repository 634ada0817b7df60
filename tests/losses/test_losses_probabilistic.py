"""Negative log likelihoods: bounds, large parameters, argument grids, and comparisons with torch."""

from __future__ import annotations

import itertools
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
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError

INF = math.inf
LABELLED = ["laplace_nll_loss", "student_t_nll_loss", "negative_binomial_nll_loss", "beta_nll_loss"]


def value_and_gradients(name: str, *inputs: Any, **params: Any) -> list[np.ndarray]:
    arrays = [jnp.asarray(each) for each in inputs]

    def run(*arrays: jax.Array) -> Any:
        values, pull = jax.vjp(lambda *a: getattr(losses, name)(*a, **params), *arrays)
        return values, *pull(jnp.ones_like(values))

    return [np.asarray(each) for each in jax.jit(run)(*arrays)]


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


# Poisson


@pytest.mark.parametrize(("log_input", "full"), list(itertools.product([True, False], repeat=2)))
def test_poisson_counts_of_zero_and_one_match_the_oracle(log_input, full):
    x, y = f32(0.3, 0.7, 2.0, 0.0, 1.0), f32(0, 1, 1, 0, 7)
    params = {"log_input": log_input, "full": full, "eps": 1e-3}
    check_loss(losses.poisson_nll_loss, ORACLES["poisson_nll_loss"], [x, y], params, jit=True, tolerance=2e-6)


def test_poisson_at_its_ends():
    values, by_x, _ = value_and_gradients("poisson_nll_loss", f32(-INF, -1e4, -1e4, 100), f32(0, 0, 2, 1))
    np.testing.assert_array_equal(values, [0, 0, 2e4, INF])
    np.testing.assert_array_equal(by_x, [0, 0, -2, INF])
    values, by_x, _ = value_and_gradients("poisson_nll_loss", f32(0, 3), f32(0, 0), log_input=False, eps=0)
    np.testing.assert_array_equal(values, [0, 3])
    np.testing.assert_array_equal(by_x, [1, 1])


# Gaussian


def test_a_variance_for_each_row_is_not_one_for_each_column():
    x, y, var = np.ones((3, 3), np.float32), np.zeros((3, 3), np.float32), f32(1, 2, 4)
    values = losses.gaussian_nll_loss(x, y, var)
    np.testing.assert_allclose(values, losses.gaussian_nll_loss(x, y, var[:, None]))
    assert not np.allclose(values, losses.gaussian_nll_loss(x, y, np.broadcast_to(var, (3, 3))))
    np.testing.assert_allclose(losses.gaussian_nll_loss(x, y, 2.0), losses.gaussian_nll_loss(x, y, 2 * x))
    np.testing.assert_allclose(losses.gaussian_nll_loss(x[0], y[0], f32(2)), 0.5 * math.log(2) + 0.25)
    with pytest.raises(ShapeError, match="`var` of shape"):
        losses.gaussian_nll_loss(x[:, :2], y[:, :2], np.ones((3, 1, 1), np.float32))


@pytest.mark.parametrize("name", ["gaussian_nll_loss", "beta_weighted_gaussian_nll_loss"])
def test_variances_below_the_bound_match_the_oracle(name):
    x, y, var = f32(0.1, 0.1, 1.0, -1e4), f32(0, 0.1, -1, 1e4), f32(0, 1e-9, -2, 0)
    for params in ({"eps": 1e-6}, {"eps": 0.1, "full": True}):
        got = value_and_gradients(name, x, y, var, **params)
        expected = [ORACLES[name].value(x, y, var, **params), *ORACLES[name].gradients(np.ones(4), x, y, var, **params)]
        for one, other in zip(got, expected, strict=True):
            assert np.isfinite(one).all()
            np.testing.assert_allclose(one, other, rtol=3e-6)


def test_the_variance_of_a_row_of_weight_zero_is_ignored():
    x, y = np.ones((3, 2), np.float32), np.zeros((3, 2), np.float32)

    def mean(var: jax.Array) -> jax.Array:
        return losses.evaluate(losses.gaussian_nll_loss, x, y, var, weights=f32(1, 0, 1)[:, None])

    value, gradient = jax.jit(jax.value_and_grad(mean))(f32(1, math.nan, 1))
    assert value == 0.5
    np.testing.assert_array_equal(gradient, [0, 0, 0])


def test_the_factor_of_beta_nll_is_constant_in_the_gradient():
    x, y, var = inputs_of(losses.get("gaussian_nll_loss"), 2)
    plain = value_and_gradients("gaussian_nll_loss", x, y, var)
    for beta in (0.0, 0.5, 1.0):
        weighted = value_and_gradients("beta_weighted_gaussian_nll_loss", x, y, var, beta=beta)
        for one, other in zip(weighted, plain, strict=True):
            np.testing.assert_allclose(one, var**beta * other, rtol=1e-5, atol=1e-6)


# The others


@pytest.mark.parametrize("name", ["student_t_nll_loss", "negative_binomial_nll_loss", "beta_nll_loss"])
@pytest.mark.parametrize("size", [1e-3, 15.9, 16.1, 300.0])
def test_parameters_of_every_size_match_the_oracle(name, size):
    with jax.enable_x64(True):
        inputs = inputs_of(losses.get(name), 3, np.float64)
        for at in range(2, len(inputs)):
            inputs[at] = size * inputs[at]
        # The gradients of the oracle are finite differences, which are inaccurate near the pole at 0.
        check_loss(getattr(losses, name), ORACLES[name], inputs, jit=True, tolerance=2e-5 if size < 0.01 else 2e-8)


def test_large_parameters_are_accurate_in_float32():
    """The limits are a Gaussian and a Poisson distribution; the logarithms of gamma alone are 1e8 and more."""
    x, y = np.linspace(-2, 2, 9).astype(np.float32), np.zeros(9, np.float32)
    gaussian = losses.gaussian_nll_loss(x, y, 1.0, full=True)
    np.testing.assert_allclose(losses.student_t_nll_loss(x, y, 1.0, 1e9), gaussian, rtol=3e-6)
    counts = np.arange(9).astype(np.float32)
    poisson = losses.poisson_nll_loss(x, counts) + jax.scipy.special.gammaln(counts + 1)
    for many in (1e7, 1e9):
        got = losses.negative_binomial_nll_loss(x - np.float32(math.log(many)), counts, many)
        np.testing.assert_allclose(got, poisson, rtol=2e-5, atol=2e-5)
    large = np.float32([3e5])
    np.testing.assert_allclose(
        losses.negative_binomial_nll_loss(f32(11.0), large, 5.0),
        ORACLES["negative_binomial_nll_loss"].value(f32(11.0), large, 5.0),
        rtol=1e-5,
    )


def test_parameters_of_zero_are_bounded_and_have_a_gradient():
    one, zero = np.ones(3, np.float32), np.zeros(3, np.float32)
    y = f32(0, 1, 3)
    for name, inputs in {
        "laplace_nll_loss": (one, y, zero),
        "student_t_nll_loss": (one, y, zero, zero),
        "negative_binomial_nll_loss": (one, y, zero),
        "beta_nll_loss": (zero, y / 3, zero),
    }.items():
        got = value_and_gradients(name, *inputs)
        for each in got:
            assert np.isfinite(each).all(), name
        np.testing.assert_allclose(got[0], ORACLES[name].value(*inputs), rtol=2e-5, atol=2e-6, err_msg=name)
        assert got[-1].any(), name


def test_kinks_and_ends():
    _, by_x, by_y, _ = value_and_gradients("laplace_nll_loss", f32(1, 2), f32(1, 1), f32(0.5, 0.5))
    np.testing.assert_array_equal([by_x, by_y], [[0, 2], [0, -2]])
    values, by_x, _, by_r = value_and_gradients(
        "negative_binomial_nll_loss", f32(-INF, -1e4, 1e4), f32(0, 0, 3), f32(2, 2, 2)
    )
    np.testing.assert_allclose(values, [0, 0, 2e4 - math.log(4)], atol=1e-6)
    np.testing.assert_allclose(by_x, [0, 0, 2])
    assert np.isfinite(by_r).all()
    values, _, by_y, _ = value_and_gradients(
        "beta_nll_loss", f32(2, 1, 1, 3), f32(0, 0, 1, 1), f32(1, 1, 1, 1), eps=1e-3
    )
    np.testing.assert_allclose(values, [-math.log(2e-3), 0, 0, -math.log(3 * 0.999**2)], atol=3e-6)
    np.testing.assert_array_equal(by_y, 0)


def test_parameters_broadcast():
    x, y = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    for name, count in (("laplace_nll_loss", 1), ("student_t_nll_loss", 2), ("negative_binomial_nll_loss", 1)):
        fn = getattr(losses, name)
        np.testing.assert_array_equal(fn(x, y, *[2.0] * count), fn(x, y, *[2 * x] * count))


def test_errors():
    x = np.ones(2, np.float32)
    with pytest.raises(ArgumentTypeError, match="poisson_nll_loss: `full` must be bool"):
        losses.poisson_nll_loss(x, x, full=1)
    with pytest.raises(ArgumentError, match=r"`eps` must be in \[0"):
        losses.poisson_nll_loss(x, x, eps=-1)
    with pytest.raises(ArgumentError, match=r"gaussian_nll_loss: `eps` must be in \(0, inf\), but got 0"):
        losses.gaussian_nll_loss(x, x, x, eps=0)
    with pytest.raises(ArgumentError, match=r"`beta` must be in \[0, 1\], but got 2"):
        losses.beta_weighted_gaussian_nll_loss(x, x, x, beta=2)
    with pytest.raises(ArgumentError, match=r"`eps` must be in \(0, 0.5\)"):
        losses.beta_nll_loss(x, x, x, eps=0.5)
    with pytest.raises(LabelError, match=r"beta_nll_loss: `labels` must be probabilities in \[0, 1\], but got 2.0"):
        losses.beta_nll_loss(x, 2 * x, x)


# Peers


def compare(name: str, peer: Any, inputs: list[np.ndarray], params: dict[str, Any], tolerance: float) -> None:
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(array, requires_grad=True) for array in inputs]
    expected = peer(*tensors)
    expected.sum().backward()
    with jax.enable_x64(inputs[0].dtype == np.float64):
        values, *gradients = value_and_gradients(name, *inputs, **params)
    assert values.dtype == inputs[0].dtype
    np.testing.assert_allclose(values, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    for at, (gradient, tensor) in enumerate(zip(gradients, tensors, strict=True)):
        if tensor.grad is not None:
            np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=tolerance, atol=tolerance, err_msg=str(at))


DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-11)])


@pytest.mark.peers
@DTYPES
@pytest.mark.parametrize(("log_input", "full"), list(itertools.product([True, False], repeat=2)))
def test_poisson_matches_torch(dtype, tolerance, log_input, full):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0.1, 2, (4, 5)).astype(dtype), rng.integers(0, 5, (4, 5)).astype(dtype)
    params = {"log_input": log_input, "full": full, "eps": 1e-4}

    def peer(x: Any, y: Any) -> Any:
        # torch computes log y at a count of 0 and masks it, so it has no gradient there.
        return torch.nn.functional.poisson_nll_loss(x, y.detach(), reduction="none", **params)

    compare("poisson_nll_loss", peer, [x, y], params, tolerance)


@pytest.mark.peers
@DTYPES
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (4,), (1, 3)])
def test_gaussian_matches_torch(dtype, tolerance, full, shape):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 4, 3)).astype(dtype)
    var = rng.uniform(0.01, 2, shape).astype(dtype)  # some are below eps
    params = {"full": full, "eps": 0.5}
    peer = lambda *a: torch.nn.functional.gaussian_nll_loss(*a, reduction="none", **params)  # noqa: E731
    compare("gaussian_nll_loss", peer, [x, y, var], params, tolerance)


@pytest.mark.peers
@DTYPES
@pytest.mark.parametrize("name", LABELLED)
def test_likelihoods_match_torch(name, dtype, tolerance):
    torch = pytest.importorskip("torch")
    D = torch.distributions
    peer = {
        "laplace_nll_loss": lambda x, y, s: -D.Laplace(x, s).log_prob(y),
        "student_t_nll_loss": lambda x, y, s, df: -D.StudentT(df, x, s).log_prob(y),
        "negative_binomial_nll_loss": lambda x, y, r: -D.NegativeBinomial(r, logits=x).log_prob(y.detach()),
        "beta_nll_loss": lambda a, y, b: -D.Beta(a, b).log_prob(y),
    }[name]
    compare(name, peer, inputs_of(losses.get(name), 9, dtype), {}, tolerance)
