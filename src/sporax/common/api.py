"""MindSpore's module `common.api`: compilation of functions."""

from sporax.transforms import jit, recompute

# The name of `jit` in MindSpore 1.
ms_function = jit

__all__ = ["jit", "ms_function", "recompute"]
