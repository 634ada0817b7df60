"""Names for the array types that appear in signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

ArrayLike: TypeAlias = jax.Array | np.ndarray | np.generic | complex | Sequence[Any]
"""The array arguments of pure functions in `sporax.losses`: an array, a number, or nested sequences of numbers."""

Shape: TypeAlias = tuple[int, ...]
Axis: TypeAlias = int | tuple[int, ...] | None
Reduction: TypeAlias = Literal["none", "mean", "sum"]
PyTree: TypeAlias = Any
