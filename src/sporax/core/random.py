"""The random generator: one key, held in a Parameter, so that drawing is a state change like any other."""

from __future__ import annotations

import os
from typing import Any

import jax
import numpy as np

from sporax import _check, _seed
from sporax._jax_compat import x64_scope
from sporax.core import _frames
from sporax.core.parameter import Parameter


def _key_data(seed: int) -> np.ndarray:
    # The two words of a threefry key, made on the host: no device work at import.
    return np.array([(seed >> 32) & 0xFFFFFFFF, seed & 0xFFFFFFFF], dtype=np.uint32)


class Generator:
    """A stream of random keys.

    Args:
        seed: where the stream starts; default a seed drawn from the system.

    Examples:
        >>> a, b = Generator(1), Generator(1)
        >>> bool((jax.random.key_data(a.next_key()) == jax.random.key_data(b.next_key())).all())
        True
    """

    _name = "random_key"

    def __init__(self, seed: int | None = None) -> None:
        self._key: Parameter | None = None
        self._host: np.random.Generator
        self._seed: int
        self.manual_seed(int.from_bytes(os.urandom(4), "little") if seed is None else seed)

    @property
    def key(self) -> Parameter:
        """The Parameter that holds the key; made when first used, so that importing sporax starts no device."""
        if self._key is None:
            self._key = Parameter(_key_data(self._seed), name=self._name, requires_grad=False)
        return self._key

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream anew."""
        self._seed = _check.integer(seed, name="seed", where="Generator", minimum=0)
        self._host = np.random.Generator(np.random.PCG64(self._seed))
        if self._key is not None:
            self._key.set_data(_key_data(self._seed))
        return self

    def initial_seed(self) -> int:
        """The seed that the stream started from."""
        return self._seed

    def next_key(self) -> jax.Array:
        """A fresh JAX key; the state moves on. Under vmap each lane gets a key of its own."""
        with x64_scope(True):
            key, fresh = jax.random.split(jax.random.wrap_key_data(self.key._value))
            self.key._value = jax.random.key_data(key)
            for lane in _frames.lanes():
                fresh = jax.random.fold_in(fresh, jax.lax.axis_index(lane))
        return fresh

    def host(self) -> np.random.Generator:
        """The generator that initializers draw from: NumPy's, so that building a network compiles nothing."""
        return self._host


class _SeededGenerator(Generator):
    _name = "seeded_random_key"


default_generator = Generator()

seeded_generator = _SeededGenerator(0)
"""What a draw with a seed of its own takes its key from.

It starts at 0 where `set_seed` was not called, so that such draws are the same in every run of a program.
"""


def set_seed(seed: int) -> None:
    """Seed everything: sporax's generator, initializers, Python's and NumPy's global generators, the datasets' default.

    Args:
        seed: a whole number ≥ 0.

    Raises:
        ArgumentError, ArgumentTypeError: `seed` is negative, or not a whole number.

    Examples:
        >>> set_seed(1)
        >>> get_seed()
        1
    """
    seed = _check.integer(seed, name="seed", where="set_seed", minimum=0)
    _seed.seed_host_random(seed)
    _seed.set_global_seed(seed)
    default_generator.manual_seed(seed)
    seeded_generator.manual_seed(seed)


def get_seed() -> int | None:
    """The seed of the last `set_seed`, or None."""
    return _seed.global_seed()


def next_key(generator: Generator | None = None) -> Any:
    """A fresh JAX key from `generator`, or from the default one."""
    return (generator or default_generator).next_key()
