"""Ordinal losses: infinite logits, levels, denominators, and logits turned into classes."""

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
from sporax._errors import ArgumentError, LabelError, ShapeError

INF = math.inf
BOTH = ("coral_loss", "corn_loss")


def value_and_gradient(name: str, logits: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    def run(x: jax.Array, labels: jax.Array) -> Any:
        values, pull = jax.vjp(lambda a: getattr(losses, name)(a, labels), x)
        return values, pull(jnp.ones_like(values))[0]

    values, gradient = jax.jit(run)(jnp.asarray(logits, jnp.float32), jnp.asarray(labels))
    return np.asarray(values), np.asarray(gradient)


@pytest.mark.parametrize("name", BOTH)
def test_every_class_matches_the_oracle(name):
    logits = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    check_loss(getattr(losses, name), ORACLES[name], [logits, np.arange(4)], jit=True)


@pytest.mark.parametrize("name", BOTH)
def test_infinite_and_large_logits(name):
    x = [[INF, -INF], [1e4, -1e4], [-1e4, 1e4], [INF, INF]]
    values, gradient = value_and_gradient(name, x, [1, 1, 0, 2])
    np.testing.assert_array_equal(values, [0, 0, 1e4 if name == "coral_loss" else 0, 0])
    np.testing.assert_array_equal(gradient, [[0, 0], [0, 0], [0, 1 if name == "coral_loss" else 0], [0, 0]])


def test_corn_counts_only_samples_that_passed_the_previous_threshold():
    _, gradient = value_and_gradient("corn_loss", [[0.0, INF, math.nan]], [0])
    np.testing.assert_array_equal(gradient, [[0.5, 0, 0]])


def test_the_mean_of_corn_is_over_all_conditional_terms():
    x, labels = inputs_of(losses.get("corn_loss"), 3, rest=(40,))
    values = np.asarray(losses.corn_loss(x, labels))
    questions = np.minimum(labels + 1, x.shape[-1])
    np.testing.assert_allclose(losses.evaluate(losses.corn_loss, x, labels), values.sum() / questions.sum(), rtol=1e-5)
    weights = (np.arange(40) % 3).astype(np.float32)
    got = losses.evaluate(losses.corn_loss, x, labels, weights=weights)
    np.testing.assert_allclose(got, (weights * values).sum() / questions[weights > 0].sum(), rtol=1e-5)


def test_levels_and_classes():
    labels = np.arange(5)
    levels = losses.ordinal_levels(labels, 5)
    assert levels.tolist() == [[1.0] * y + [0.0] * (4 - y) for y in range(5)]
    np.testing.assert_array_equal(losses.coral_labels(20 * levels - 10), labels)
    np.testing.assert_array_equal(losses.corn_labels(20 * levels - 10), labels)
    # Each threshold is passed with probability 0.7, both with 0.49.
    logits = np.full((1, 2), math.log(0.7 / 0.3), np.float32)
    assert losses.corn_labels(logits).tolist() == [1]
    assert losses.coral_labels(logits).tolist() == [2]


def test_coral_is_the_binary_cross_entropy_of_levels():
    x, labels = inputs_of(losses.get("coral_loss"), 4)
    levels = losses.ordinal_levels(labels, x.shape[-1] + 1)
    terms = losses.binary_cross_entropy(jax.nn.sigmoid(x), levels)
    np.testing.assert_allclose(losses.coral_loss(x, labels), terms.sum(-1), rtol=1e-5)
    weights = np.arange(x.shape[-1]) / 2
    expected = (terms * weights.astype(np.float32).reshape(1, 1, -1)).sum(-1)
    for kind in (list, tuple, np.asarray, jnp.asarray):
        got = losses.coral_loss(x, labels, importance_weights=kind(weights))
        np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("name", BOTH)
def test_there_is_one_more_class_than_thresholds(name):
    fn, logits = getattr(losses, name), np.zeros((2, 3), np.float32)
    fn(logits, np.array([3, 0]))
    with pytest.raises(LabelError, match=rf"{name}: `labels` must be class indices in \[0, 4\), but got 4"):
        fn(logits, np.array([3, 4]))
    with pytest.raises(ShapeError, match=rf"{name}: `labels` must have shape \(2,\), but got \(3,\)"):
        fn(logits, np.array([3, 1, 1]))
    values, gradient = value_and_gradient(name, logits, [4, -1])
    assert np.isnan(values).all()
    np.testing.assert_array_equal(gradient, 0)
    one_class, _ = value_and_gradient(name, np.zeros((2, 0)), [0, 0])
    np.testing.assert_array_equal(one_class, 0)


def test_errors():
    with pytest.raises(ArgumentError, match="`importance_weights` must hold one number for each of the 3 thresholds"):
        losses.coral_loss(np.zeros((2, 3), np.float32), np.array([0, 1]), importance_weights=[1.0])


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_match_the_authors_torch_code(dtype):
    """The formulas of the authors' package, `coral_pytorch`, with torch functions."""
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    x, labels = inputs_of(losses.get("coral_loss"), 8, dtype, rest=(12,))
    count, tolerance = x.shape[-1], 1e-5 if dtype == np.float32 else 1e-12

    def coral(x: Any) -> Any:
        levels = torch.tensor(np.array(losses.ordinal_levels(labels, count + 1)), dtype=x.dtype)
        return -(F.logsigmoid(x) * levels + (F.logsigmoid(x) - x) * (1 - levels)).sum(1).mean()

    def corn(x: Any) -> Any:
        total, examples = 0, 0
        for k in range(count):
            asked = torch.tensor(labels > k - 1)
            passed = torch.tensor(labels > k).to(x.dtype)[asked]
            logit = x[asked, k]
            total = total - (F.logsigmoid(logit) * passed + (F.logsigmoid(logit) - logit) * (1 - passed)).sum()
            examples += len(passed)
        return total / examples

    with jax.enable_x64(dtype == np.float64):
        for name, peer in {"coral_loss": coral, "corn_loss": corn}.items():
            tensor = torch.tensor(x, requires_grad=True)
            expected = peer(tensor)
            expected.backward()
            value, gradient = jax.jit(
                jax.value_and_grad(lambda a, n=name: losses.evaluate(getattr(losses, n), a, labels))
            )(x)
            np.testing.assert_allclose(value, expected.item(), rtol=tolerance)
            np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=tolerance, atol=tolerance)
