"""Robust and piecewise losses: the complete range of arguments, kinks, tails and limits."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from oracles.losses._robust import adaptive
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError

pytestmark = pytest.mark.slow

INF = math.inf
ZEROS = np.zeros(8, np.float32)


def value_and_gradient(name: str, x: Any, y: Any = None, **params: Any) -> tuple[np.ndarray, np.ndarray]:
    x = jnp.asarray(x, jnp.float32)
    y = jnp.zeros_like(x) if y is None else jnp.asarray(y, jnp.float32)

    def run(x: jax.Array) -> Any:
        values, pull = jax.vjp(lambda a: getattr(losses, name)(a, y, **params), x)
        return values, pull(jnp.ones_like(values))[0]

    values, gradient = jax.jit(run)(x)
    return np.asarray(values), np.asarray(gradient)


# General adaptive


ALPHAS = (
    2.0, 0.0, 1.0, -1.0, -2.0, -50.0, -1e4, -1e8, -INF, 1.999, 2.001, 2 - 1e-6, 2 + 1e-6, 1e-3, -1e-3, 1e-7, -1e-7,
    0.999, 1.001, 1.49, 1.51, 2.49, 2.51, 3.0, 4.0, 0.5,
)  # fmt: skip
POINTS = (0.0, 1e-6, 1e-3, 0.1, 0.5, 1.0, 2.0, 10.0, 100.0, 1e4, -3.0)


def alpha_derivative(x: float, alpha: float, scale: float) -> float:
    """Return the derivative with respect to alpha, as a difference quotient in 60 digits."""
    with localcontext() as context:
        context.prec = 60
        z, step = (Decimal(x) / Decimal(scale)) ** 2, Decimal(10) ** -15

        def value(shape: Decimal) -> Decimal:
            b = abs(shape - 2)
            return b / shape * ((z / b + 1) ** (shape / 2) - 1)

        return float((value(Decimal(alpha) + step) - value(Decimal(alpha) - step)) / (2 * step))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adaptive_loss_is_accurate_at_and_near_every_special_alpha(dtype):
    """alpha is traced here; errors are relative, even for tiny values."""
    alphas, points, scale = np.array(ALPHAS, dtype), np.array(POINTS, dtype), float(dtype(0.7))
    exact = np.array([[adaptive(float(x), float(a), scale) for x in points] for a in alphas])
    with jax.enable_x64(dtype == np.float64):

        def one(x: jax.Array, alpha: jax.Array) -> Any:
            return jax.value_and_grad(
                lambda x, a: losses.general_adaptive_loss(x, jnp.zeros_like(x), alpha=a, scale=scale), (0, 1)
            )(x, alpha)

        values, (gradients, in_alpha) = jax.jit(jax.vmap(jax.vmap(one, (0, None)), (None, 0)))(points, alphas)
    fine = np.isfinite(exact[..., 0].astype(dtype))
    tolerance = 50 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(values[fine], exact[..., 0][fine], rtol=tolerance, atol=1e-37)
    np.testing.assert_allclose(gradients[fine], exact[..., 1][fine], rtol=10 * tolerance, atol=1e-37)
    assert np.isfinite(in_alpha).all()
    assert not np.asarray(in_alpha)[ALPHAS.index(-INF)].any()
    for row, alpha in enumerate(alphas):
        if abs(alpha) > 1e-5 and abs(alpha - 2) > 1e-5 and np.isfinite(alpha):
            expected = [alpha_derivative(float(x), float(alpha), scale) for x in points]
            np.testing.assert_allclose(in_alpha[row], expected, rtol=1e3 * tolerance, atol=1e2 * tolerance)


def test_adaptive_loss_is_the_same_for_a_concrete_and_a_traced_alpha():
    x = np.array(POINTS, np.float32)
    any_alpha = jax.jit(lambda x, alpha: losses.general_adaptive_loss(x, 0.0, alpha=alpha))
    for alpha in (2.0, 1.5, 0.0, -2.0, -INF):
        known = jax.jit(lambda x, alpha=alpha: losses.general_adaptive_loss(x, 0.0, alpha=alpha))(x)
        traced = any_alpha(x, np.float32(alpha))
        np.testing.assert_allclose(known, traced, rtol=1e-6)


def test_the_derivative_of_adaptive_loss_with_respect_to_alpha_at_zero_and_two():
    compiled = jax.jit(jax.grad(lambda a: losses.general_adaptive_loss(3.0, 0.0, alpha=a)))

    def gradient(alpha: float) -> float:
        return compiled(alpha).item()

    near = (alpha_derivative(3.0, 1e-6, 1.0) + alpha_derivative(3.0, -1e-6, 1.0)) / 2
    assert gradient(0.0) == pytest.approx(near, rel=1e-5)
    # It is unbounded near 2, and limited by the float32 value next to 2.
    assert gradient(1.9) < gradient(1.999) < gradient(1.99999) < gradient(2.0) < 100


@pytest.mark.parametrize(
    ("name", "alpha"),
    [("cauchy_loss", 0.0), ("geman_mcclure_loss", -2.0), ("welsch_loss", -INF)],
)
def test_special_cases_equal_the_general_loss(name, alpha):
    x = np.array(POINTS, np.float32)
    values, gradient = value_and_gradient(name, x, scale=0.6)
    expected = value_and_gradient("general_adaptive_loss", x, alpha=alpha, scale=0.6)
    np.testing.assert_allclose(values, expected[0], rtol=2e-6)
    np.testing.assert_allclose(gradient, expected[1], rtol=2e-5, atol=1e-30)


def test_adaptive_loss_of_an_infinite_or_overflowing_difference_is_its_limit():
    for alpha, limit in ((-INF, 1.0), (-2.0, 2.0), (-1.0, 3.0), (0.0, INF), (1.0, INF), (3.0, INF)):
        values, gradient = value_and_gradient("general_adaptive_loss", [INF, -INF, 1e30], alpha=alpha)
        np.testing.assert_allclose(values, limit, rtol=1e-6)
        np.testing.assert_array_equal(gradient, 0)


def test_adaptive_parameters_may_be_elementwise():
    x = np.array([[3.0, 3.0, 3.0], [1.0, 1.0, 1.0]], np.float32)
    alpha, scale = jnp.array([2.0, 0.0, -2.0]), jnp.array([1.0, 2.0, 0.5])
    got = jax.jit(lambda a, c: losses.general_adaptive_loss(x, 0.0, alpha=a, scale=c))(alpha, scale)
    expected = [[adaptive(float(v), float(a), float(c))[0] for v, a, c in zip(r, alpha, scale, strict=True)] for r in x]
    np.testing.assert_allclose(got, expected, rtol=2e-6)


# Ends and kinks


def test_value_and_derivative_of_charbonnier_are_accurate():
    for epsilon in (1e-30, 1e-3, 1e3):
        x = np.array([0.0, 1e-9, 1.0, -1e4, 1e20, INF], np.float32)
        values, gradient = value_and_gradient("charbonnier_loss", x, epsilon=epsilon)
        np.testing.assert_allclose(values, np.hypot(x.astype(np.float64), epsilon), rtol=5e-7)
        ratio = np.array([0, *(x[1:-1] / np.hypot(x[1:-1].astype(np.float64), epsilon)), 1])
        np.testing.assert_allclose(gradient, ratio, rtol=5e-7)


def test_bounded_losses_at_infinity_and_the_logarithm_for_large_errors():
    for name, limit in (("geman_mcclure_loss", 2), ("welsch_loss", 1), ("tukey_biweight_loss", 4.685**2 / 6)):
        values, gradient = value_and_gradient(name, [INF, -INF, 1e30])
        np.testing.assert_allclose(values, limit, rtol=1e-6)
        np.testing.assert_array_equal(gradient, 0)
    values, gradient = value_and_gradient("cauchy_loss", [1e30, -1e30, INF])
    np.testing.assert_allclose(values, [2 * math.log(1e30) - math.log(2)] * 2 + [INF], rtol=1e-6)
    np.testing.assert_allclose(gradient, [2e-30, -2e-30, 0], rtol=1e-6)


def test_small_differences_are_accurate():
    x = np.array([1e-8, -1e-5, 1e-3], np.float32)
    for name in ("cauchy_loss", "geman_mcclure_loss", "welsch_loss", "tukey_biweight_loss"):
        values, gradient = value_and_gradient(name, x)
        np.testing.assert_allclose(values, x.astype(np.float64) ** 2 / 2, rtol=2e-6)
        np.testing.assert_allclose(gradient, x, rtol=2e-6)


def test_the_second_derivative_of_tukey_is_zero_at_its_end():
    bend = jax.grad(jax.grad(lambda x: losses.tukey_biweight_loss(x, 0.0, scale=2.0)))
    assert [bend(x).item() for x in (0.0, 2.0, 3.0)] == [1, 0, 0]


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_derivatives_of_pinball_and_its_tie(quantile):
    values, gradient = value_and_gradient("quantile_loss", [1.0, -1.0, 0.0, INF, -INF], quantile=quantile)
    np.testing.assert_allclose(values, [1 - quantile, quantile, 0, INF, INF], rtol=1e-6)
    np.testing.assert_allclose(gradient, [1 - quantile, -quantile, 0, 1 - quantile, -quantile], rtol=1e-6)


def test_the_minimum_of_the_mean_pinball_loss_is_at_the_quantile():
    targets = np.random.default_rng(4).normal(size=999).astype(np.float32)
    grid = np.linspace(-2, 2, 81, dtype=np.float32)
    total = jax.jit(lambda x: losses.quantile_loss(jnp.broadcast_to(x[:, None], (81, 999)), targets, quantile=0.8))
    assert grid[np.argmin(total(grid).mean(1))] == pytest.approx(np.quantile(targets, 0.8), abs=0.03)


def test_several_quantiles_are_the_mean_of_each():
    rng = np.random.default_rng(5)
    x, y, levels = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=4).astype(np.float32), (0.1, 0.5, 0.8)
    expected = np.mean([losses.quantile_loss(x[:, k], y, quantile=q) for k, q in enumerate(levels)], 0)
    for given in (levels, list(levels), np.array(levels), jnp.array(levels)):
        np.testing.assert_allclose(losses.multi_quantile_loss(x, y, quantile=given), expected, rtol=1e-6)


@pytest.mark.parametrize("levels", [(0.1, 0.9), (0.1,), np.full(4, 0.5), jnp.full(4, 0.5), 0.5])
def test_the_number_of_quantiles_must_fit(levels):
    with pytest.raises(ArgumentError, match="multi_quantile_loss: `quantile` must hold one number for each of the 3"):
        losses.multi_quantile_loss(np.ones((2, 3)), np.ones(2), quantile=levels)


def test_the_dead_zone_includes_its_ends():
    values, gradient = value_and_gradient("epsilon_insensitive_loss", [0.0, 0.5, -0.5, 0.75, -2.0], epsilon=0.5)
    assert values.tolist() == [0, 0, 0, 0.25, 1.5]
    assert gradient.tolist() == [0, 0, 0, 1, -1]
    values, gradient = value_and_gradient("epsilon_insensitive_loss", [0.0, 0.5, -0.5], epsilon=0.0)
    assert values.tolist() == [0, 0.5, 0.5]
    assert gradient.tolist() == [0, 1, -1]


def test_the_kinks_of_wing():
    values, gradient = value_and_gradient("wing_loss", [0.0, 10.0, -10.0, 9.999, INF, 1e-6])
    edge = 10 * math.log(6)
    np.testing.assert_allclose(values, [0, edge, edge, edge - 0.000833, INF, 5e-6], rtol=1e-5)
    np.testing.assert_allclose(gradient, [0, 1, -1, 10 / 11.999, 1, 5], rtol=1e-5)


def test_adaptive_wing_is_smooth_between_its_pieces_and_has_derivative_zero_at_a_tie():
    y = np.array([0.0, 0.3, 1.0], np.float32)
    below, above = (value_and_gradient("adaptive_wing_loss", y + np.float32(0.5 + e), y) for e in (-1e-4, 1e-4))
    np.testing.assert_allclose(below[0], above[0], atol=5e-3)
    np.testing.assert_allclose(below[1], above[1], atol=2e-2)
    values, gradient = value_and_gradient("adaptive_wing_loss", y, y)
    np.testing.assert_array_equal(values, 0)
    np.testing.assert_array_equal(gradient, 0)
    full = jax.jit(jax.hessian(lambda x, y: losses.adaptive_wing_loss(x, y).sum(), (0, 1)))(y, y)
    assert np.isfinite(jax.tree.leaves(full)).all()


def test_adaptive_wing_requires_labels_that_are_probabilities():
    with pytest.raises(LabelError, match=r"adaptive_wing_loss: `labels` must be probabilities .* but got 255"):
        losses.adaptive_wing_loss(ZEROS, np.full(8, 255.0))


@pytest.mark.parametrize("name", ["quantile_loss", "wing_loss", "epsilon_insensitive_loss", "tukey_biweight_loss"])
def test_complete_grids_match_the_oracle(name):
    row, oracle = losses.get(name), ORACLES[name]
    assert oracle.gradients is not None
    x = np.linspace(-13, 13, 53).astype(np.float32) + np.float32(0.01)
    for params in row.settings({}):
        expected = oracle.value(x, np.float32(0.25), **params)
        derivatives = oracle.gradients(np.ones(53), x, np.float32(0.25), **params)[0]
        values, derivative = value_and_gradient(name, x, np.float32(0.25), **params)
        np.testing.assert_allclose(values, expected, rtol=2e-5, atol=2e-6)
        assert derivatives is not None
        np.testing.assert_allclose(derivative, derivatives, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("charbonnier_loss", {"epsilon": 0}, r"`epsilon` must be in \(0, inf\), but got 0"),
        ("cauchy_loss", {"scale": -1.0}, r"`scale` must be in \(0, inf\)"),
        ("geman_mcclure_loss", {"scale": 0}, r"`scale` must be in \(0, inf\)"),
        ("welsch_loss", {"scale": 0}, r"`scale` must be in \(0, inf\)"),
        ("tukey_biweight_loss", {"scale": math.nan}, r"`scale` must be in \(0, inf\)"),
        ("general_adaptive_loss", {"scale": 0}, r"`scale` must be in \(0, inf\)"),
        ("general_adaptive_loss", {"alpha": math.nan}, "`alpha` must be in"),
        ("quantile_loss", {"quantile": 0}, r"`quantile` must be in \(0, 1\), but got 0"),
        ("quantile_loss", {"quantile": 1.0}, r"`quantile` must be in \(0, 1\), but got 1.0"),
        ("epsilon_insensitive_loss", {"epsilon": -0.1}, r"`epsilon` must be in \[0, inf\)"),
        ("wing_loss", {"width": 0}, r"`width` must be in \(0, inf\)"),
        ("wing_loss", {"curvature": 0}, r"`curvature` must be in \(0, inf\)"),
        ("adaptive_wing_loss", {"alpha": 1}, r"`alpha` must be in \(1, inf\)"),
        ("adaptive_wing_loss", {"theta": 0}, r"`theta` must be in \(0, inf\)"),
    ],
)
def test_parameters_out_of_range_are_named(name, params, message):
    with pytest.raises(ArgumentError, match=f"{name}: {message}"):
        getattr(losses, name)(ZEROS, ZEROS, **params)


def test_other_invalid_arguments():
    with pytest.raises(ArgumentTypeError, match="quantile_loss: `quantile` must be a number"):
        losses.quantile_loss(ZEROS, ZEROS, quantile="0.5")
    with pytest.raises(ShapeError, match="multi_quantile_loss: `labels` must have shape"):
        losses.multi_quantile_loss(np.ones((2, 3)), np.ones((2, 3)), quantile=(0.1, 0.5, 0.9))
