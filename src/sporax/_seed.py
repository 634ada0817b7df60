"""The seed of `set_seed` and the global random generators of the host; without JAX, because `dataset` imports it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_GLOBAL: int | None = None
_count = 0


def set_global_seed(seed: int | None) -> None:
    """Store the seed, which datasets without their own seed use."""
    global _GLOBAL, _count
    _GLOBAL = seed
    _count += 1


def global_seed() -> int | None:
    """Return the seed of the last `set_seed`, or None."""
    return _GLOBAL


def times_set() -> int:
    """Return the number of calls of `set_global_seed`, by which the later of two seeds is found."""
    return _count


def seed_host_random(seed: int) -> None:
    """Seed the global random generators of Python and NumPy, which augmentations use."""
    random.seed(seed)
    np.random.seed(seed % 2**32)


def host_random_state() -> dict[str, Any]:
    """Return the state of the global random generators of Python and NumPy, which augmentations use.

    Returns:
        A tree of dicts, tuples, arrays and numbers for `set_host_random_state`.
    """
    version, words, gauss = random.getstate()
    return {
        "numpy": np.random.get_state(legacy=False),
        "python": (version, np.array(words, np.uint32), gauss),
    }


def set_host_random_state(state: dict[str, Any]) -> None:
    """Set both generators to a state that `host_random_state` returned."""
    np.random.set_state(state["numpy"])
    version, words, gauss = state["python"]
    random.setstate((int(version), tuple(int(word) for word in words), gauss))


@contextmanager
def host_random_kept() -> Iterator[None]:
    """Restore the state of both global generators at the end of the block."""
    state = random.getstate(), np.random.get_state(legacy=False)
    try:
        yield
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])
