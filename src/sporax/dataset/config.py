"""Settings of the data pipeline: the seed of its random orders, and two hints that are stored without effect.

>>> from sporax.dataset import config
>>> config.set_seed(7)
>>> config.get_seed()
7
"""

from __future__ import annotations

from sporax import _check, _seed

__all__ = [
    "get_num_parallel_workers",
    "get_prefetch_size",
    "get_seed",
    "set_num_parallel_workers",
    "set_prefetch_size",
    "set_seed",
]

UNSET_SEED = 5489
"""Result of `get_seed` before any `set_seed`, as in MindSpore. Shards use it if no seed was set, so that they agree."""

_UINT32_MAX = 2**32 - 1
_INT32_MAX = 2**31 - 1

_own_seed: int | None = None
_global_before_own = 0
"""How often the global seed had been set at the last call of `set_seed` in this module."""
_generation = 0
_num_parallel_workers = 8
_prefetch_size = 16


def set_seed(seed: int) -> None:
    """Set the seed of the random orders of all pipelines, and seed the global generators of Python and NumPy.

    Each dataset restarts at its first epoch: the same seed and the same pipeline give the same sequence of orders,
    which differ from epoch to epoch. Functions of `map` and `batch` that draw from `random` or `np.random` draw the
    same numbers again.

    Args:
        seed: integer in [0, 2**32 - 1].

    Raises:
        ArgumentTypeError: `seed` is not an int.
        ArgumentError: `seed` is out of range.
    """
    global _own_seed, _global_before_own, _generation
    _own_seed = _bounded(seed, 0, _UINT32_MAX, "seed", "config.set_seed")
    _global_before_own = _seed.times_set()
    _generation += 1
    _seed.seed_host_random(_own_seed)


def get_seed() -> int:
    """Return the last seed set here or by `sporax.set_seed`; 5489 if none was set, when orders differ by run."""
    seed = current_seed()
    return UNSET_SEED if seed is None else seed


def set_num_parallel_workers(num: int) -> None:
    """Store the default number of workers. It has no effect: Python operations run in the calling thread."""
    global _num_parallel_workers
    _num_parallel_workers = _bounded(num, 1, _INT32_MAX, "num", "config.set_num_parallel_workers")


def get_num_parallel_workers() -> int:
    """Return the number given to `set_num_parallel_workers`; 8 by default."""
    return _num_parallel_workers


def set_prefetch_size(size: int) -> None:
    """Store the length of the queue between operations. It has no effect: operations are evaluated on demand."""
    global _prefetch_size
    _prefetch_size = _bounded(size, 1, _INT32_MAX, "size", "config.set_prefetch_size")


def get_prefetch_size() -> int:
    """Return the number given to `set_prefetch_size`; 16 by default."""
    return _prefetch_size


def current_seed() -> int | None:
    """Return the last seed set here or by `sporax.set_seed`; None if none was set."""
    later = _seed.global_seed() if _seed.times_set() > _global_before_own else None
    return _seed.global_seed() if _own_seed is None else _own_seed if later is None else later


def generation() -> tuple[int, int]:
    """Return a value that changes whenever a seed is set; datasets then restart at epoch 0."""
    return _generation, _seed.times_set()


def _bounded(value: int, low: int, high: int, name: str, where: str) -> int:
    number = _check.integer(value, name=name, where=where)
    _check.number(number, name=name, where=where, minimum=low, maximum=high)
    return number
