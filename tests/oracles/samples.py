"""The hyper-parameters with which contract tests call a loss, and its inputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from sporax.losses import EXAMPLE_SIZES as SIZES
from sporax.losses import LossInfo
from sporax.losses import example_inputs as inputs_of
from sporax.losses import example_shape as shape_of

__all__ = ["SIZES", "inputs_of", "settings_of", "shape_of"]

THOROUGH = os.environ.get("SPORAX_TESTS") == "thorough"
"""Whether every setting and dtype of every loss is tested: `SPORAX_TESTS=thorough pytest`."""

MOST_SETTINGS = 100 if THOROUGH else 2


def settings_of(info: LossInfo, seed: int = 0, sizes: Mapping[str, int] = SIZES) -> list[dict[str, Any]]:
    """Return combinations of hyper-parameters, with the draw of a random loss as an argument of the oracle.

    The first and the last, and all of them in a thorough run. The tests of a family cover the complete grid where
    it matters.
    """
    rng = np.random.default_rng([seed, 7])
    result = list(info.settings(sizes))
    if len(result) > MOST_SETTINGS:
        between = 1 + rng.permutation(len(result) - 2)[: MOST_SETTINGS - 2]
        result = [result[0], *(result[at] for at in sorted(between)), result[-1]]
    if info.random:
        for setting in result:
            count = setting["num_sampled"]
            setting["sampled_values"] = (
                rng.permutation(sizes["C"])[:count].astype(np.int32),
                rng.uniform(0.2, 0.9, (1, 1)),
                rng.uniform(0.2, 0.9, count),
            )
    return result
