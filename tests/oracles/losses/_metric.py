"""Oracle of the margin ranking loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.losses._base import Oracle, f64


def _ranking(x1: Any, x2: Any, target: Any, margin: float = 0.0) -> np.ndarray:
    arrays = np.broadcast_arrays(*f64(x1, x2, target))
    terms = [
        max(0.0, -y * (a - b) + margin) if y in (1, -1) else np.nan
        for a, b, y in zip(*(array.ravel() for array in arrays), strict=True)
    ]
    return np.array(terms).reshape(arrays[0].shape)


ORACLES = {"margin_ranking_loss": Oracle(_ranking)}
