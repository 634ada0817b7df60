"""MindSpore's module `common.seed`."""

from sporax.core import Generator, default_generator, get_seed, set_seed

__all__ = ["Generator", "default_generator", "get_seed", "set_seed"]
