"""The seed of `set_seed` and the host's random generators, below `dataset`, which must not import JAX."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_GLOBAL: int | None = None
_times_set = 0


def set_global_seed(seed: int | None) -> None:
    """Remember the seed; datasets without one of their own start from it."""
    global _GLOBAL, _times_set
    _GLOBAL = seed
    _times_set += 1


def global_seed() -> int | None:
    """The seed that `set_seed` was last given, or None."""
    return _GLOBAL


def times_set() -> int:
    """How often the seed was set: of two seeds, the later one holds."""
    return _times_set


def seed_host_random(seed: int) -> None:
    """Seed Python's and NumPy's global random generators, which augmentations draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)


def host_random_state() -> dict[str, Any]:
    """The state of Python's and NumPy's global random generators, which augmentations draw from.

    Returns:
        a tree of dicts, tuples, arrays and numbers for `set_host_random_state`.
    """
    version, words, gauss = random.getstate()
    return {
        "numpy": np.random.get_state(legacy=False),
        "python": (version, np.array(words, np.uint32), gauss),
    }


def set_host_random_state(state: dict[str, Any]) -> None:
    """Put both generators into a state that `host_random_state` returned."""
    np.random.set_state(state["numpy"])
    version, words, gauss = state["python"]
    random.setstate((int(version), tuple(int(word) for word in words), gauss))


@contextmanager
def host_random_kept() -> Iterator[None]:
    """Random numbers drawn inside leave both global generators as they were."""
    state = random.getstate(), np.random.get_state(legacy=False)
    try:
        yield
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])
