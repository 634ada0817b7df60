"""No value is below the lower bound of the loss for equal or nearly equal inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oracles.losses import ORACLES
from oracles.programs import plain
from oracles.samples import inputs_of, settings_of
from sporax import losses

INFOS = [info for info in losses.registry().values() if info.lower_bound is not None]
APART = [0.0, 1e-7, 1e-5, 1e-3, 1e-1]


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    power = np.exp(x - x.max(axis, keepdims=True))
    return power / power.sum(axis, keepdims=True)


def nearly_equal(info: losses.LossInfo, seed: int, apart: float, size: float) -> list[np.ndarray]:
    """Return example inputs in which comparable inputs differ by about `apart`; real inputs are of size `size`."""
    rng = np.random.default_rng([seed, int(1e9 * apart)])
    inputs = inputs_of(info, seed)
    common: dict[Any, np.ndarray] = {}
    for at, (item, array) in enumerate(zip(info.inputs, inputs, strict=True)):
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


@pytest.mark.parametrize("info", [pytest.param(r, id=r.name, marks=pytest.mark.xdist_group(r.name)) for r in INFOS])
def test_no_value_is_below_the_bound(info):
    assert info.lower_bound is not None
    shape = np.shape(ORACLES[info.oracle].value(*inputs_of(info), **settings_of(info)[0]))
    for seed, apart in enumerate(APART):
        for size in (1.0, 1e-3, 30.0):
            inputs = nearly_equal(info, seed, apart, size)
            values, _ = plain(info.name)(inputs, np.ones(shape, np.float32))
            assert (np.asarray(values) >= info.lower_bound).all(), f"{values} for inputs that differ by {apart}"


DIVERGENCES = [
    "distillation_loss", "kl_divergence", "kl_divergence_with_log_targets", "generalized_kl_divergence",
    "jensen_shannon_loss", "fenchel_young_loss", "sparsemax_loss", "bi_tempered_logistic_loss", "cosine_embedding_loss",
    "giou_loss",
]  # fmt: skip


@pytest.mark.parametrize("info", [pytest.param(losses.get(name), id=name) for name in DIVERGENCES])
def test_eager_values_are_not_below_the_bound_either(info):
    for apart in (0.0, 1e-6):
        values = info.function(*nearly_equal(info, 1, apart, 1.0), **settings_of(info)[0])
        assert (np.asarray(values) >= info.lower_bound).all()
