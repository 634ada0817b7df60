"""Reduction, weights and denominators, independent of any loss."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.compare import assert_same
from oracles.losses import reduced
from sporax import losses
from sporax._errors import ArgumentError, ShapeError

VALUES = np.array([[1.5, -2.0, 4.0], [0.25, 8.0, -1.0]], np.float32)


@pytest.mark.parametrize("reduction", losses.REDUCTIONS)
@pytest.mark.parametrize("weights", [None, 2.0, np.array([[1.0], [3.0]]), np.array([0.0, 2.0, 0.5])])
def test_reduce_loss_removes_and_weights(reduction, weights):
    with jax.numpy_rank_promotion("raise"):
        got = losses.reduce_loss(VALUES, reduction, weights)
    assert_same(reduction, got, reduced(VALUES, reduction, weights), np.float32)


def test_the_mean_matches_mindspore_without_zero_weights():
    weights = np.array([[0.5, 2.0, 3.0], [1.0, 0.25, 4.0]], np.float32)
    assert losses.reduce_loss(VALUES, "mean", weights).item() == pytest.approx(np.mean(VALUES * weights))


def test_an_element_of_weight_zero_affects_neither_value_nor_gradient():
    def objective(x: jax.Array, reduction: str) -> jax.Array:
        # log has an infinite value and derivative at 0, and is NaN below.
        return losses.reduce_loss(jnp.log(x), reduction, np.array([0.0, 1.0, 0.0, 2.0])).sum()

    x = jnp.array([0.0, 2.0, jnp.inf, 4.0])
    for reduction, scale in (("none", 1.0), ("sum", 1.0), ("mean", 0.5)):
        value, gradient = jax.value_and_grad(objective)(x, reduction)
        assert value.item() == pytest.approx(scale * (np.log(2) + 2 * np.log(4)), rel=1e-6)
        assert np.isfinite(value)
        np.testing.assert_allclose(gradient[np.array([1, 3])], [scale / 2, scale / 2], rtol=1e-6)


@pytest.mark.parametrize("values", [np.zeros((0, 3), np.float32), np.array([np.nan, np.inf], np.float32)])
def test_nothing_left_is_zero_with_zero_gradients(values):
    def objective(x: jax.Array, w: jax.Array) -> jax.Array:
        return losses.reduce_loss(x, "mean", w)

    weights = jnp.zeros(values.shape)
    value, (gradient, weight_gradient) = jax.value_and_grad(objective, (0, 1))(jnp.asarray(values), weights)
    assert value.item() == 0
    assert not gradient.any()
    assert not weight_gradient.any()


def test_the_gradient_with_respect_to_the_weights_is_the_value_over_the_count():
    weights = jnp.array([[1.0, 2.0, 1.0], [3.0, 0.5, 1.0]])
    gradient = jax.grad(lambda w: losses.reduce_loss(VALUES, "mean", w))(weights)
    np.testing.assert_allclose(gradient, VALUES / 6, rtol=1e-6)


def test_half_precision_is_accumulated_in_float32():
    values = np.full(40_000, 4.0, np.float16)
    mean = losses.reduce_loss(values, "mean")
    assert (mean.dtype, mean.item()) == (np.float16, 4.0)
    total, weight = losses.sum_and_weight(values)
    assert (total.dtype, total.item(), weight.item()) == (np.float32, 160_000.0, 40_000.0)


def test_the_count_is_exact_above_the_limit_of_float32():
    size = 2**24 + 2
    weight = jax.jit(lambda: losses.sum_and_weight(jnp.zeros(size), jnp.ones(size))[1])()
    assert weight.item() == size


def test_integer_values_are_not_truncated():
    mean = losses.reduce_loss(np.array([1, 2], np.int32), "mean")
    assert (mean.dtype, mean.item()) == (np.float32, 1.5)


@settings(max_examples=20, deadline=None)
@given(cuts=st.sets(st.integers(0, 12)), seed=st.integers(0, 999))
def test_any_division_into_parts_gives_the_same_mean(cuts, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=12).astype(np.float32)
    weights = rng.choice([0.0, 1.0, 2.5], 12).astype(np.float32)
    cut = sorted(cuts)
    parts = [
        losses.sum_and_weight(part, weight)
        for part, weight in zip(np.split(values, cut), np.split(weights, cut), strict=True)
    ]
    got = losses.divide(sum(total for total, _ in parts), sum(weight for _, weight in parts))
    assert_same("mean", got, losses.reduce_loss(values, "mean", weights), np.float32)


def test_division_by_zero_weight_is_zero_with_zero_gradients():
    value, gradients = jax.value_and_grad(losses.divide, (0, 1))(0.0, 0.0)
    assert value == 0
    assert [gradient.item() for gradient in gradients] == [0, 0]
    assert losses.divide(np.array([3.0, 3.0]), np.array([2.0, 0.0])).tolist() == [1.5, 0.0]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            np.ones((6, 1)),
            "reduce_loss: `weights` must broadcast to the shape of the loss values, (6,), "
            "but got shape (6, 1). "
            "Use weights.reshape((6,)).",
        ),
        (
            np.ones((2, 6)),
            "reduce_loss: `weights` must broadcast to the shape of the loss values, (6,), "
            "but got shape (2, 6). "
            "Give them the same shape.",
        ),
    ],
)
def test_weights_of_the_wrong_shape_are_named(weights, message):
    with pytest.raises(ShapeError) as caught:
        losses.reduce_loss(np.ones(6, np.float32), "mean", weights)
    assert str(caught.value) == message


def test_one_weight_for_each_row_has_a_suggested_fix():
    with pytest.raises(ShapeError, match=r"For one weight per row use weights.reshape\(\(2, 1\)\)\."):
        losses.reduce_loss(VALUES, "mean", np.ones(2))


@pytest.mark.parametrize("reduction", ["avg", None, 1, ["mean"]])
def test_an_unknown_reduction_is_an_error(reduction):
    with pytest.raises(ArgumentError, match=r"MyLoss: `reduction` must be one of 'none', 'mean', 'sum', but got"):
        losses.reduce_loss(VALUES, reduction, where="MyLoss")


def test_evaluate_accepts_any_function():
    def my_loss(x, y, power=2):
        return jnp.abs(x - y) ** power

    x, y = np.array([1.0, 5.0], np.float32), np.array([0.0, 2.0], np.float32)
    assert losses.evaluate(my_loss, x, y, power=3).item() == 14
    assert losses.evaluate(my_loss, x, y, weights=[1.0, 0.0]).item() == 1
    total, weight = losses.evaluate_sum_and_weight(my_loss, x, y)
    assert (total.item(), weight.item()) == (10, 2)
    half = losses.evaluate(my_loss, x.astype(np.float16), y.astype(np.float16))
    assert (half.dtype, half.item()) == (np.float16, 5)
    with pytest.raises(ShapeError, match="my_loss: `weights` must broadcast"):
        losses.evaluate(my_loss, x, y, weights=np.ones(3))


def test_errors_of_evaluate_name_the_function():
    with pytest.raises(ShapeError, match=r"^L1Loss: shapes must be equal"):
        losses.evaluate(losses.l1_loss, np.ones((4, 1)), np.ones(4), where="L1Loss")
