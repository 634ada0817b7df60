"""The hyper-parameters with which contract tests call a loss, and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sporax.losses import EXAMPLE_SIZES as SIZES
from sporax.losses import LossRow
from sporax.losses import example_inputs as inputs_of
from sporax.losses import example_shape as shape_of

__all__ = ["SIZES", "inputs_of", "settings_of", "shape_of"]

MOST_SETTINGS = 3


def settings_of(row: LossRow, seed: int = 0, sizes: Mapping[str, int] = SIZES) -> list[dict[str, Any]]:
    """Combinations of hyper-parameters, with the draw of a random loss made known to the oracle.

    All of them where they are few; else the first, the last, and some at random. A family's own tests go through
    the whole grid where it matters.
    """
    rng = np.random.default_rng([seed, 7])
    result = list(row.settings(sizes))
    if len(result) > MOST_SETTINGS:
        between = 1 + rng.permutation(len(result) - 2)[: MOST_SETTINGS - 2]
        result = [result[0], *(result[at] for at in sorted(between)), result[-1]]
    if row.random:
        for setting in result:
            count = setting["num_sampled"]
            setting["sampled_values"] = (
                rng.permutation(sizes["C"])[:count].astype(np.int32),
                rng.uniform(0.2, 0.9, (1, 1)),
                rng.uniform(0.2, 0.9, count),
            )
    return result
