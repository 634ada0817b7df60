"""Tests of the oracles: gradients against finite differences, and checks that can fail."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from oracles.compare import assert_same, check_loss
from oracles.losses import ORACLES, Oracle, reduced
from oracles.samples import inputs_of, settings_of
from sporax import losses

# A factor of these is held constant, so their gradient is not the derivative of their value.
HELD_CONSTANT = ("ciou_loss", "beta_weighted_gaussian_nll_loss")
INFOS = [
    info
    for info in losses.registry().values()
    if ORACLES[info.oracle].gradients is not None and info.name not in HELD_CONSTANT
]


@pytest.mark.parametrize("info", INFOS, ids=[info.name for info in INFOS])
def test_an_oracles_gradient_is_the_difference_quotient_of_its_value(info):
    oracle, step = ORACLES[info.oracle], 1e-6
    for seed, params in enumerate(settings_of(info)):
        inputs: list[Any] = inputs_of(info, seed, np.float64)
        rng = np.random.default_rng(seed)
        cotangent = rng.normal(size=oracle.value(*inputs, **params).shape)
        for at, gradient in enumerate(oracle.gradients(cotangent, *inputs, **params)):
            # Counts are integers, at which the formulas have jumps.
            if gradient is None or info.inputs[at].domain == "nonnegative":
                continue
            direction = rng.normal(size=inputs[at].shape)

            ends = []
            for shift in (step * direction, -step * direction):
                moved = [array + shift if n == at else array for n, array in enumerate(inputs)]
                ends.append(float((oracle.value(*moved, **params) * cotangent).sum()))
            quotient = (ends[0] - ends[1]) / (2 * step)
            assert quotient == pytest.approx(float((gradient * direction).sum()), rel=1e-6, abs=1e-6)


def test_reduced_distinguishes_removal_from_zeroing():
    assert reduced([1.0, np.nan, 3.0], "mean", [1.0, 0.0, 1.0]) == 2
    assert reduced([1.0, 3.0], "none", [0.0, 2.0]).tolist() == [0, 6]


INPUTS = [np.array([1.0, 4.0], np.float32), np.array([0.5, 6.0], np.float32)]
ABSOLUTE = ORACLES["l1_loss"]


def test_check_loss_passes_a_correct_loss():
    check_loss(losses.l1_loss, ABSOLUTE, INPUTS)
    check_loss(losses.l1_loss, ABSOLUTE, INPUTS, jit=True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x, y: jnp.abs(x - y) * 1.001, "value"),
        (lambda x, y: jnp.abs(x - y)[None], "value: shape"),
        (lambda x, y: jnp.abs(x - y).astype(jnp.float16), "value: dtype"),
    ],
)
def test_check_loss_fails_a_wrong_value_shape_or_dtype(wrong, message):
    with pytest.raises(AssertionError, match=message):
        check_loss(wrong, ABSOLUTE, INPUTS)


def test_check_loss_fails_a_wrong_gradient():
    doubled = Oracle(ABSOLUTE.value, lambda *args: tuple(2 * g for g in ABSOLUTE.gradients(*args)))
    with pytest.raises(AssertionError, match="gradient of input 0"):
        check_loss(losses.l1_loss, doubled, INPUTS)
    second = Oracle(ABSOLUTE.value, lambda *args: (ABSOLUTE.gradients(*args)[0], np.zeros(2)))
    with pytest.raises(AssertionError, match="gradient of input 1"):
        check_loss(losses.l1_loss, second, INPUTS)


def test_assert_same_fails_on_nan():
    with pytest.raises(AssertionError, match="here"):
        assert_same("here", jnp.array([jnp.nan]), [0.0], np.float32)
