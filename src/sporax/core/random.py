"""The random generator: a key in a Parameter, so that transforms treat it like other state."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from sporax import _check, _seed
from sporax._jax_compat import x64_scope
from sporax.core import _frames
from sporax.core._host_random import HostStream, default_stream
from sporax.core.parameter import Parameter


def _key_data(seed: int) -> np.ndarray:
    # The two words of a threefry key, computed on the host: no device work at import.
    return np.array([(seed >> 32) & 0xFFFFFFFF, seed & 0xFFFFFFFF], dtype=np.uint32)


class Generator:
    """A stream of random keys.

    Args:
        seed: the seed. Default: a seed from the operating system.

    Examples:
        >>> a, b = Generator(1), Generator(1)
        >>> bool((jax.random.key_data(a.next_key()) == jax.random.key_data(b.next_key())).all())
        True
    """

    _name = "random_key"

    def __init__(self, seed: int | None = None) -> None:
        self._key: Parameter | None = None
        self._stream = HostStream()
        if seed is not None:
            self.manual_seed(seed)

    @classmethod
    def _of(cls, stream: HostStream) -> Generator:
        """Return a generator that shares the seed and the generator of a host stream."""
        generator = cls()
        generator._stream = stream
        return generator

    @property
    def key(self) -> Parameter:
        """The Parameter that holds the key. It is created at its first use, so that the import starts no device."""
        if self._key is None:
            self._key = Parameter(_key_data(self._stream.seed), name=self._name, requires_grad=False)
        return self._key

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream from `seed`."""
        self._stream.start(_check.integer(seed, name="seed", where="Generator", minimum=0))
        if self._key is not None:
            self._key.set_data(_key_data(self._stream.seed))
        return self

    def initial_seed(self) -> int:
        """Return the seed of the stream."""
        return self._stream.seed

    def next_key(self) -> jax.Array:
        """Return a new JAX key and advance the state. Under vmap each lane gets its own key."""
        with x64_scope(True):
            key, fresh = jax.random.split(jax.random.wrap_key_data(self.key._value))
            self.key._value = jax.random.key_data(key)
            for lane in _frames.lanes():
                fresh = jax.random.fold_in(fresh, jax.lax.axis_index(lane))
        return fresh

    def host(self) -> np.random.Generator:
        """Return the NumPy generator of the stream. Initializers draw from that of `default_generator`."""
        return self._stream.generator


class _SeededGenerator(Generator):
    _name = "seeded_random_key"


default_generator = Generator._of(default_stream)
seeded_generator = _SeededGenerator(0)
"""The generator of operations with their own seed.

It starts from 0 unless `set_seed` is called, so that these operations give the same values in every run of a program.
"""


def set_seed(seed: int) -> None:
    """Seed the generators of sporax, initializers, datasets, Python (`random`) and NumPy (`np.random`).

    Args:
        seed: an integer ≥ 0.

    Raises:
        ArgumentError, ArgumentTypeError: `seed` is negative, or not an integer.

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
    """Return the seed of the last `set_seed`, or None."""
    return _seed.global_seed()


def next_key(generator: Generator | None = None) -> Any:
    """Return a new JAX key from `generator`. Default: from `default_generator`."""
    return (generator or default_generator).next_key()
