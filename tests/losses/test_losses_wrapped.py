"""A function that wraps a loss is not that loss, although it has its attributes."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import Tensor, losses, nn

X = np.array([[0.9, 0.1], [0.2, 0.3]], np.float32)
Y = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
SQUARES = (X.astype(np.float64) - Y) ** 2


@functools.wraps(losses.mse_loss)
def doubled(logits, labels):
    return 2 * losses.mse_loss(logits, labels)


def test_evaluate_calls_the_given_function():
    np.testing.assert_allclose(losses.evaluate(doubled, X, Y), 2 * SQUARES.mean(), rtol=1e-6)
    np.testing.assert_allclose(
        losses.evaluate_sum_and_weight(doubled, X, Y, weights=[[1.0], [0.0]]), [2 * SQUARES[0].sum(), 2], rtol=1e-5
    )
    rows = [float(losses.dice_loss(x, y)) for x, y in zip(X, Y, strict=True)]
    assert abs(np.mean(rows) - float(losses.dice_loss(X, Y))) > 0.01
    np.testing.assert_allclose(losses.evaluate(jax.vmap(losses.dice_loss), X, Y), np.mean(rows), rtol=1e-6)


def test_masked_loss_calls_the_given_function():
    @functools.wraps(losses.mse_loss)
    def of_tensors(logits, labels):
        return wrapped(logits, labels) * 2

    wrapped = nn.MSELoss("none")
    found = nn.MaskedLoss(of_tensors)(Tensor(X), Tensor(Y), Tensor([1, 0]))
    np.testing.assert_allclose(found.asnumpy(), 2 * SQUARES[0].mean(), rtol=1e-5)


@pytest.mark.parametrize("wrap", [jax.jit, lambda fn: functools.partial(jax.jit(fn))], ids=["jit", "partial of jit"])
def test_a_jitted_loss_is_that_loss(wrap):
    spoiled = X.copy()
    spoiled[1] = np.nan
    gradient = jax.grad(lambda x: losses.evaluate(wrap(losses.mse_loss), x, Y, weights=[[1.0], [0.0]]))(spoiled)
    np.testing.assert_allclose(gradient, [X[0] - Y[0], [0, 0]], rtol=1e-6)


def test_weights_bound_by_a_partial_are_used_in_the_mean():
    weighted = functools.partial(losses.mse_loss, weights=np.array([[1.0], [0.0]]))
    np.testing.assert_allclose(losses.evaluate(weighted, X, Y), SQUARES[0].mean(), rtol=1e-5)
    both = losses.evaluate(weighted, X, Y, weights=jnp.array([0.0, 3.0]), reduction="sum")
    np.testing.assert_allclose(both, 3 * SQUARES[0, 1], rtol=1e-5)


class Weighted(nn.LossBase):
    def construct(self, logits, labels, weights):
        return self.evaluate(losses.mse_loss, logits, labels, weights=weights)


def test_a_mask_does_not_replace_the_weights_of_a_custom_loss():
    loss = nn.MaskedLoss(Weighted())
    found = loss(Tensor(X), Tensor(Y), Tensor([[1.0, 5.0], [3.0, 1.0]]), Tensor([True, False]))
    np.testing.assert_allclose(found.asnumpy(), (SQUARES[0] * [1, 5]).mean(), rtol=1e-5)
