"""MindSpore's module `common.tensor`."""

import sporax.ops  # noqa: F401  adds the op methods of Tensor
from sporax.core import Tensor, is_tensor

# MindSpore's function of this name creates a Tensor from the arguments of the class.
tensor = Tensor

__all__ = ["Tensor", "is_tensor", "tensor"]
