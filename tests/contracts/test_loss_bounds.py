"""No value goes below the loss's bound where inputs are nearly or exactly equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oracles.losses import ORACLES
from oracles.programs import plain
from oracles.samples import inputs_of, settings_of
from sporax import losses

ROWS = [row for row in losses.registry().values() if row.lower_bound is not None]
APART = [0.0, 1e-7, 1e-5, 1e-3, 1e-1]


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    power = np.exp(x - x.max(axis, keepdims=True))
    return power / power.sum(axis, keepdims=True)


def nearly_equal(row: losses.LossInfo, seed: int, apart: float, size: float) -> list[np.ndarray]:
    """Example inputs in which whatever may be alike is alike, but for `apart`; real ones are `size` large."""
    rng = np.random.default_rng([seed, int(1e9 * apart)])
    inputs = inputs_of(row, seed)
    common: dict[Any, np.ndarray] = {}
    for at, (item, array) in enumerate(zip(row.inputs, inputs, strict=True)):
        if item.kind != "float" or item.role == "table":
            continue
        known = common.setdefault((array.shape, "4" in item.shape), rng.normal(size=array.shape))
        axis = item.shape.index("C") - len(item.shape) if "C" in item.shape and item.shape[-1] == "C" else -1
        axis = 1 if item.shape[:2] == ("N", "C") else axis
        moved = known + apart * rng.normal(size=array.shape)
        if "4" in item.shape:
            corner, side = moved[..., :2] * size, np.abs(known[..., 2:]) * size
            array = np.concatenate([corner, corner + side], -1)
        elif item.domain in ("distribution", "log_probability"):
            array = softmax(3 * moved, axis)
            array = np.log(array) if item.domain == "log_probability" else array
        elif item.domain == "probability":
            array = np.clip(1 / (1 + np.exp(-4 * moved)), 0, 1)
        elif item.domain in ("positive", "nonnegative"):
            array = size * np.abs(moved)
        else:
            array = size * moved
        inputs[at] = array.astype(np.float32)
    return inputs


@pytest.mark.parametrize("row", [pytest.param(r, id=r.name, marks=pytest.mark.xdist_group(r.name)) for r in ROWS])
def test_no_value_is_below_the_bound(row):
    assert row.lower_bound is not None
    shape = np.shape(ORACLES[row.oracle].value(*inputs_of(row), **settings_of(row)[0]))
    for seed, apart in enumerate(APART):
        for size in (1.0, 1e-3, 30.0):
            inputs = nearly_equal(row, seed, apart, size)
            values, _ = plain(row.name)(inputs, np.ones(shape, np.float32))
            assert (np.asarray(values) >= row.lower_bound).all(), f"{values} for inputs {apart} apart"


DIVERGENCES = [
    "distillation_loss", "kl_divergence", "kl_divergence_with_log_targets", "generalized_kl_divergence",
    "jensen_shannon_loss", "fenchel_young_loss", "sparsemax_loss", "bi_tempered_logistic_loss", "cosine_embedding_loss",
    "giou_loss",
]  # fmt: skip


@pytest.mark.parametrize("row", [pytest.param(losses.get(name), id=name) for name in DIVERGENCES])
def test_eager_values_are_not_below_the_bound_either(row):
    for apart in (0.0, 1e-6):
        values = row.function(*nearly_equal(row, 1, apart, 1.0), **settings_of(row)[0])
        assert (np.asarray(values) >= row.lower_bound).all()
