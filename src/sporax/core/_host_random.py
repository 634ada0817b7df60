"""The random stream of the host (NumPy), from which initializers draw."""

from __future__ import annotations

import os

import numpy as np


class HostStream:
    """A NumPy random generator and its seed, by default one from the operating system."""

    seed: int
    generator: np.random.Generator

    def __init__(self, seed: int | None = None) -> None:
        self.start(int.from_bytes(os.urandom(4), "little") if seed is None else seed)

    def start(self, seed: int) -> None:
        """Restart the stream from `seed`."""
        self.seed = seed
        self.generator = np.random.Generator(np.random.PCG64(seed))


default_stream = HostStream()
"""The stream of the default generator, which `set_seed` restarts."""
