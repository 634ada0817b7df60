"""MindSpore's `scipy.fft`: cosine transforms of Tensors.

>>> from sporax import Tensor
>>> from sporax.scipy import fft
>>> print(fft.dct(Tensor([1.0, 1.0])))
[4. 0.]
"""

from typing import TYPE_CHECKING

import jax.scipy.fft

from sporax._suggest import missing_from
from sporax.ops import ELSEWHERE
from sporax.ops._listed import INTEGER, STATIC, listed

_KINDS = {"type": STATIC, "n": INTEGER, "s": STATIC, "norm": STATIC}

for _name in ("dct", "idct"):
    _text = f"scipy.fft.{_name}(x, type=2, n=None, axis=-1, norm=None)"
    listed(_text, getattr(jax.scipy.fft, _name), f"scipy.fft.{_name}", kinds=_KINDS)
for _name in ("dctn", "idctn"):
    _text = f"scipy.fft.{_name}(x, type=2, s=None, axes=None, norm=None)"
    listed(_text, getattr(jax.scipy.fft, _name), f"scipy.fft.{_name}", kinds=_KINDS)

_table = ELSEWHERE["scipy.fft"]
globals().update(_table)

if not TYPE_CHECKING:  # for a type checker: fft.pyi
    __all__ = sorted(_table)
    __getattr__ = missing_from(__name__)
