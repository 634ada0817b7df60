"""The transducer loss: enumeration of paths, padding, clamped gradients, a published value."""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, LabelError, ShapeError

pytestmark = pytest.mark.slow

FRAMES, CLASSES, LONGEST = 3, 4, 3


def sequences() -> list[np.ndarray]:
    """Every number of frames with every number of labels; padding is NaN."""
    rng = np.random.default_rng(0)
    pairs = list(itertools.product(range(FRAMES + 1), range(LONGEST + 1)))
    logits = rng.normal(size=(len(pairs), FRAMES, LONGEST + 1, CLASSES)).astype(np.float32)
    targets = rng.integers(1, CLASSES, (len(pairs), LONGEST)).astype(np.int32)
    for n, (frames, size) in enumerate(pairs):
        logits[n, frames:], logits[n, :, size + 1 :], targets[n, size:] = np.nan, np.nan, 99
    counts, sizes = np.array(pairs, np.int32).T
    return [logits, targets, counts, sizes]


def by_enumeration(logits: np.ndarray, labels: list[int]) -> float:
    """Sum over all orders of the labels and the blanks (one for each frame, the last at the end)."""
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    frames, total = len(p), 0.0
    if frames == 0:
        return math.inf if labels else 0.0
    for blanks in itertools.combinations(range(frames - 1 + len(labels)), frames - 1):
        t, u, product = 0, 0, 1.0
        for step in range(frames - 1 + len(labels)):
            if step in blanks:
                product, t = product * p[t, u, 0], t + 1
            else:
                product, u = product * p[t, u, labels[u]], u + 1
        total += product * p[t, u, 0]
    return 0 - math.log(total)


@jax.jit
def value_and_gradient(logits: Any, *rest: Any) -> Any:
    def total(logits: Any) -> Any:
        values = losses.rnnt_loss(logits, *rest)
        return jnp.sum(values * (1 + jnp.arange(values.size, dtype=values.dtype))), values

    return jax.value_and_grad(total, has_aux=True)(logits)


def test_every_path_is_counted_exactly_once():
    inputs = sequences()
    (_, values), gradient = value_and_gradient(*inputs)
    expected = [
        by_enumeration(x[:frames, : size + 1].astype(float), list(labels[:size]))
        for x, labels, frames, size in zip(*inputs, strict=True)
    ]
    assert sum(map(math.isinf, expected)) == LONGEST
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    oracle = ORACLES["rnnt_loss"]
    np.testing.assert_allclose(oracle.value(*inputs), expected, rtol=1e-12, atol=1e-12)
    derivatives = oracle.gradients(1 + np.arange(len(values)), *inputs)[0]
    np.testing.assert_allclose(gradient, derivatives, rtol=1e-5, atol=1e-5)


def test_the_published_value():
    # Provenance: the smallest test of warp-transducer (HawkAaron, tests/test_cpu.cpp, small_test), used by
    # torchaudio, k2 and others too: the cost, and the gradient at the first two positions.
    rows = (
        ((0.1, 0.6, 0.1, 0.1, 0.1), (0.1, 0.1, 0.6, 0.1, 0.1), (0.1, 0.1, 0.2, 0.8, 0.1)),
        ((0.1, 0.6, 0.1, 0.1, 0.1), (0.1, 0.1, 0.2, 0.1, 0.1), (0.7, 0.1, 0.2, 0.1, 0.1)),
    )
    acts = np.array([rows], np.float32)
    inputs = acts, np.array([[1, 2]]), np.array([2]), np.array([2])
    (_, values), gradient = value_and_gradient(*inputs)
    np.testing.assert_allclose(values, [4.495666], rtol=1e-6)
    np.testing.assert_allclose(gradient[0, 0, 0], [-0.13116688, -0.3999269] + [0.17703125] * 3, rtol=1e-5)
    np.testing.assert_allclose(
        gradient[0, 0, 1], [-0.18572757, 0.12247056, -0.18168412, 0.12247056, 0.12247056], rtol=1e-5
    )


def test_clamp_bounds_the_gradient_of_each_value():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(2, 3, 3, 4)).astype(np.float32)
    rest = rng.integers(1, 4, (2, 2)).astype(np.int32), np.array([3, 2]), np.array([2, 1])
    cotangent = np.array([3.0, -0.5], np.float32)

    @jax.jit
    def run(logits: Any) -> Any:
        results = []
        for clamp in (-1.0, 0.1):
            values, pull = jax.vjp(lambda x, c=clamp: losses.rnnt_loss(x, *rest, clamp=c), logits)
            results.append((values, pull(jnp.asarray(cotangent))[0]))
        forward = jax.jvp(lambda x: losses.rnnt_loss(x, *rest, clamp=0.1), (logits,), (jnp.ones_like(logits),))[1]
        return results, forward

    (free, clamped), forward = run(logits)
    np.testing.assert_array_equal(free[0], clamped[0])
    expected = ORACLES["rnnt_loss"].gradients(cotangent, logits, *rest, clamp=0.1)[0]
    np.testing.assert_allclose(clamped[1], expected, rtol=1e-5, atol=1e-6)
    assert np.abs(np.asarray(free[1])).max() > np.abs(np.asarray(clamped[1])).max()
    np.testing.assert_allclose(
        forward, (np.asarray(clamped[1]) / cotangent[:, None, None, None]).sum((1, 2, 3)), rtol=1e-4, atol=1e-5
    )


def test_extreme_logits_have_finite_gradients():
    rng = np.random.default_rng(5)
    logits = rng.choice(np.array([-1e4, 1e4, 0, -np.inf], np.float32), (4, 3, 3, 4))
    logits[0], logits[..., 0] = 1e4, rng.choice([-1e4, 1e4], (4, 3, 3))
    rest = rng.integers(1, 4, (4, 2)).astype(np.int32), np.array([3] * 4), np.array([2] * 4)
    (_, values), gradient = value_and_gradient(logits, *rest)
    assert not np.isnan(values).any()
    assert np.isfinite(gradient).all()


def test_invalid_inputs_are_named():
    inputs = sequences()
    with pytest.raises(ShapeError, match="axis 2 of `logits` must have one position more than `targets` has labels"):
        losses.rnnt_loss(inputs[0][:, :, :-1], *inputs[1:])
    with pytest.raises(ArgumentError, match="`blank` must be one of the 4 classes, 0 to 3, got 4"):
        losses.rnnt_loss(*inputs, blank=4)
    wrong = [np.array(each) for each in inputs]
    wrong[2][1] = 4
    with pytest.raises(LabelError, match=r"`input_lengths` must be in \[0, 3\], .* but got 4 at index \(1,\)"):
        losses.rnnt_loss(*wrong)
    wrong[3][2] = -1
    wrong[1][-1, 0] = CLASSES
    (_, values), gradient = value_and_gradient(*wrong)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(values)), [1, 2, len(values) - 1])
    assert np.isfinite(gradient).all()
    assert not np.asarray(gradient)[[1, 2, -1]].any()
