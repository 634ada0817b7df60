"""The logarithm of the gamma function and functions derived from it, compared with SciPy in float64."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from sporax.losses.numerics._gamma import digamma, log_beta, log_choices, log_gamma, log_rising

RNG = np.random.default_rng(5)
EDGES = [1e-6, 0.5, 1.0, 2.0, 3.999, 4.0, 7.999, 8.0, 15.999, 16.0, 1e4, 1e6]
SMALL = np.concatenate([np.exp(RNG.uniform(-12, 3, 300)), RNG.uniform(0.5, 3, 200), EDGES])
LARGE = np.exp(RNG.uniform(3, 14, 200))
ALL = np.concatenate([SMALL, LARGE])


def close(got, exact, scale, dtype, ulps):
    error = np.abs(np.asarray(got, np.float64) - exact) / scale / np.finfo(dtype).eps
    assert error.max() < ulps, (error.max(), int(error.argmax()))


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    with jax.enable_x64(request.param == "float64"):
        yield request.param


def test_log_gamma_and_its_derivatives(dtype):
    x = jnp.asarray(ALL, dtype)
    held = np.asarray(x, np.float64)
    value, gradient, curve = special.gammaln(held), special.digamma(held), special.polygamma(1, held)
    close(jax.jit(log_gamma)(x), value, 1 + np.abs(value), dtype, 16)
    close(jax.jit(digamma)(x), gradient, 1 + np.abs(gradient), dtype, 16)
    close(jax.jit(jax.vmap(jax.grad(log_gamma)))(x), gradient, 1 + np.abs(gradient), dtype, 16)
    close(jax.jit(jax.vmap(jax.grad(jax.grad(log_gamma))))(x), curve, curve, dtype, 64)


def test_log_gamma_has_a_small_relative_error_at_its_zeros():
    x = jnp.asarray([1, 2, 1 + 2**-20, 2 + 2**-19, 2 - 2**-20], jnp.float32)
    exact = special.gammaln(np.asarray(x, np.float64))
    np.testing.assert_allclose(log_gamma(x), exact, rtol=2e-6)


def test_infinity_and_nan():
    x = jnp.asarray([np.inf, np.nan], jnp.float32)
    np.testing.assert_array_equal(log_gamma(x), [np.inf, np.nan])
    np.testing.assert_array_equal(digamma(x), [np.inf, np.nan])


# Below 50, where the difference of SciPy's values is accurate enough; and small rises of any base.


def test_log_rising(dtype):
    base = jnp.asarray(np.where(SMALL < 50, SMALL, 50), dtype)
    rise = jnp.asarray(np.where(RNG.random(base.size) < 0.5, 0.5, RNG.uniform(0.1, 20, base.size)), dtype)
    x, r = np.asarray(base, np.float64), np.asarray(rise, np.float64)
    exact = special.gammaln(x + r) - special.gammaln(x)
    scale = 1 + np.abs(special.gammaln(x)) + np.abs(special.gammaln(x + r))
    close(jax.jit(log_rising)(base, rise), exact, scale, dtype, 16)
    by_x, by_rise = jax.jit(jax.vmap(jax.grad(log_rising, (0, 1))))(base, rise)
    close(by_x, special.digamma(x + r) - special.digamma(x), 1 + np.abs(special.digamma(x)), dtype, 16)
    close(by_rise, special.digamma(x + r), 1 + np.abs(special.digamma(x + r)), dtype, 16)


def test_a_small_rise_of_a_large_base_is_accurate():
    base = jnp.asarray(LARGE, jnp.float32)
    x, half = np.asarray(base, np.float64), 0.5
    # log(gamma(x + 1/2) / gamma(x)) = (log x) / 2 - 1/8x + 1/192x^3 - ...
    exact = 0.5 * np.log(x) - 1 / (8 * x) + 1 / (192 * x**3) - 1 / (640 * x**5)
    close(jax.jit(log_rising)(base, jnp.full_like(base, half)), exact, np.abs(exact), "float32", 4)
    gradient = 1 / (2 * x) + 1 / (8 * x**2) - 1 / (64 * x**4)
    by_x = jax.jit(jax.vmap(jax.grad(log_rising)))(base, jnp.full_like(base, half))
    close(by_x, gradient, gradient, "float32", 16)


@pytest.mark.parametrize("name", ["log_beta", "log_choices"])
def test_the_functions_of_two_arguments(dtype, name):
    fn = {"log_beta": log_beta, "log_choices": log_choices}[name]
    first = jnp.asarray(np.where(SMALL < 100, SMALL, 100), dtype)
    second = jnp.asarray(RNG.permutation(np.where(SMALL < 100, SMALL, 100)), dtype)
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    psi = special.digamma
    if name == "log_beta":
        exact, gradients = special.betaln(a, b), (psi(a) - psi(a + b), psi(b) - psi(a + b))
        parts = special.gammaln(a), special.gammaln(b), special.gammaln(a + b)
    else:
        exact = special.gammaln(a + b) - special.gammaln(a) - special.gammaln(b + 1)
        gradients = psi(a + b) - psi(a), psi(a + b) - psi(b + 1)
        parts = special.gammaln(a), special.gammaln(b + 1), special.gammaln(a + b)
    close(jax.jit(fn)(first, second), exact, 1 + sum(map(np.abs, parts)), dtype, 16)
    for got, there, at in zip(jax.jit(jax.vmap(jax.grad(fn, (0, 1))))(first, second), gradients, (a, b), strict=True):
        close(got, there, 1 + np.abs(psi(at)) + np.abs(psi(a + b)), dtype, 16)
    # Forward over reverse against reverse over reverse: the derivatives of the rules.
    grad = jax.grad(fn, (0, 1))
    forward = jax.jit(jax.vmap(jax.jacfwd(grad, (0, 1))))(first, second)
    reverse = jax.jit(jax.vmap(jax.jacrev(grad, (0, 1))))(first, second)
    for one, other in zip(jax.tree.leaves(forward), jax.tree.leaves(reverse), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
