"""MindSpore's `scipy`: linear algebra, cosine transforms and optimization on Tensors, by `jax.scipy`.

>>> from sporax import scipy, Tensor
>>> print(scipy.linalg.inv(Tensor([[2.0, 0.0], [0.0, 4.0]])))
[[0.5  0.  ]
 [0.   0.25]]
"""

from sporax.scipy import fft, linalg, optimize

__all__ = ["fft", "linalg", "optimize"]
