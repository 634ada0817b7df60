"""The check of each relation of the loss contract finds violations, and nothing for correct results."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax.testing._definitions import (
    compiled_mismatch,
    differ,
    difference_mismatch,
    directional_derivatives,
    hides_nan,
    limit_mismatch,
    nonzero,
    not_finite_result,
    reaches_removed,
    reduction_mismatch,
    rounding_mismatch,
    vmap_mismatch,
)


def test_results_differ_by_value_shape_or_nan():
    assert not differ([1.0, 1000.0], [1.005, 1000.0], 1e-5)
    assert differ([1.0, 1000.0], [1.05, 1000.0], 1e-5)
    assert differ([1.0], 1.0, 1e-5)
    assert differ([np.nan, 1.0], [1.0, np.nan], 1e-5)
    assert not differ([np.nan, 1.0], [np.nan, 1.0], 1e-5)


def test_sum_and_mean_follow_from_the_values():
    right = {"none": np.array([1.0, 2.0, 3.0]), "sum": 6.0, "mean": 2.0}
    assert reduction_mismatch(right, None, 1e-6) is None
    assert reduction_mismatch(right | {"mean": 3.0}, 2.0, 1e-6) is None
    wrong = reduction_mismatch(right | {"mean": 3.0}, None, 1e-6)
    assert wrong is not None
    assert (wrong.what, wrong.got, wrong.expected) == ("mean", 3.0, 2.0)


def test_nothing_left_must_give_zero_and_zero_gradients():
    zeros = np.zeros(3)
    assert nonzero(0.0, [zeros]) is None
    assert nonzero(0.5, [zeros]) == "the value is 0.5"
    assert nonzero(np.nan, [zeros]) == "the value is nan"
    assert nonzero(0.0, [zeros, np.array([0.0, np.nan])]) == "a gradient is not 0"


def test_a_gradient_must_not_reach_removed_samples():
    gradient = np.array([[1.0, 0.0], [2.0, 0.0]])
    removed = np.array([False, True])
    assert not reaches_removed(gradient, 1, removed)
    assert reaches_removed(gradient, 0, removed)


def test_what_is_not_finite_is_described():
    ones = np.ones((2, 2))
    assert not_finite_result(ones[0], [ones], ["x"]) is None
    found = not_finite_result(ones[0], [np.array([[1.0, np.inf], [1.0, np.nan]])], ["x"])
    assert found is not None
    assert found.is_gradient
    assert found.text == "the gradient for x[1, 1] and 1 more is NaN"
    found = not_finite_result(np.array([1.0, np.inf]), [ones], ["x"])
    assert found is not None
    assert (found.kind, found.text) == ("inf", "the value at [1] is inf")
    # The gradient of a sample whose own value is not finite is part of that problem.
    gradient = np.array([[1.0, 1.0], [np.nan, 1.0]])
    found = not_finite_result(np.array([1.0, np.nan]), [gradient], ["x"])
    assert found is not None
    assert not found.is_gradient


def test_a_nan_must_not_be_hidden():
    assert hides_nan(1.0)
    assert not hides_nan([1.0, np.nan])


def test_a_finite_value_at_infinity_must_be_the_limit():
    for right in (2.0, np.nan, np.inf):
        assert limit_mismatch(right, 2.0, 2.0) is None, "a limit of 2"
    for right in (1e6, 3e38, np.inf, np.nan):
        assert limit_mismatch(right, 1e4, 1e6) is None, "a limit of inf"
    assert limit_mismatch(-3e38, -1e4, -1e6) is None
    for wrong in ((3.0, 2.0, 2.0), (0.0, 1e4, 1e6), (-1e5, -1e4, -1e6)):
        assert limit_mismatch(*wrong) is not None
    found = limit_mismatch([1.0, 0.0, np.nan], [1.0, 10.0, 1.0], [1.0, 20.0, 1.0])
    assert found is not None
    assert (found.what, found.got, found.expected) == ("the value at [1]", 0.0, 20.0)


def test_half_precision_is_rounded_once():
    exact = np.array([1.0, 3.0])
    step = float(jnp.finfo(jnp.float16).eps)
    assert rounding_mismatch("value", exact * (1 + step), exact, jnp.float16, steps=2, floor=1) is None
    assert rounding_mismatch("value", exact * (1 + 8 * step), exact, jnp.float16, steps=2, floor=1) is not None
    assert rounding_mismatch("value", exact[:1], exact, jnp.float16, steps=2, floor=1) is not None


@jax.custom_jvp
def _cube(x):
    return x**3


def _cube_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    # The derivative is right, and its own derivative is not.
    return _cube(x), 3 * jax.lax.stop_gradient(x) ** 2 * dx


_cube.defjvp(_cube_jvp)


@pytest.mark.parametrize(
    ("function", "mode"),
    [
        (lambda x: jnp.sum(x**3), None),
        (lambda x: jnp.sum(x[0] * jax.lax.stop_gradient(x[1:])), "reverse"),
        (lambda x: jnp.sum(_cube(x)), "reverse over reverse"),
    ],
    ids=["right", "first", "second"],
)
def test_derivatives_equal_differences(function, mode):
    with jax.enable_x64(True):
        x, v, u = (np.random.default_rng(seed).normal(size=3) for seed in range(3))
        run = jax.jit(directional_derivatives(lambda floats: function(floats[0]), [v], [u]))
        wrong = difference_mismatch(run, [x], [v], tolerances={"value": (1e-5, 1e-6), "gradient": (1e-4, 1e-5)})
    assert (wrong and wrong.what) == mode


def test_a_derivative_that_is_nan_is_a_mismatch():
    def run(floats):
        return {"value": np.float64(0), "reverse": np.float64(np.nan)}

    assert difference_mismatch(run, [np.ones(1)], [np.ones(1)], tolerances={"value": (1e-5, 1e-6)}) is not None


def test_programs_equal_eager_code_and_loops():
    assert compiled_mismatch(1.0, 1.0, 1e-6) is None
    assert compiled_mismatch(1.0, 1.1, 1e-6) is not None
    batches = [[np.arange(3.0)], [np.ones(3)]]
    assert vmap_mismatch(lambda x: x.sum(1), np.sum, batches, 1e-6) is None
    assert vmap_mismatch(lambda x: x.sum(0)[:2], np.sum, batches, 1e-6) is not None
