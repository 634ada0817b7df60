"""MindSpore's path `mint.nn.functional`: ops, some of them with other arguments than in `ops`.

>>> from sporax import mint, Tensor
>>> print(mint.nn.functional.smooth_l1_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
0.75
"""

from typing import TYPE_CHECKING

from sporax import ops
from sporax._suggest import missing_from
from sporax.ops import ELSEWHERE

_table = {"embedding": ops.embedding, "tanh": ops.tanh} | ELSEWHERE["mint.nn.functional"]
globals().update(_table)

if not TYPE_CHECKING:  # for a type checker: functional.pyi
    __all__ = sorted(_table)
    __getattr__ = missing_from(__name__)
