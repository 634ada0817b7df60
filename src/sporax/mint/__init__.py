"""MindSpore's path `mint`: its losses, and the ops whose meaning and arguments are those of `ops`.

It re-exports names. An op that mint has with other arguments, such as `mint.cat(tensors, dim)`, is not here.

    >>> from sporax import mint, Tensor
    >>> print(mint.exp(Tensor([0.0])), mint.nn.functional.l1_loss(Tensor([1.0]), Tensor([3.0])))
    [1.] 2.0
"""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.mint import nn as nn
from sporax.ops import ELSEWHERE

_table = ELSEWHERE["mint"]
globals().update(_table)

if not TYPE_CHECKING:  # for a type checker: __init__.pyi
    __all__ = sorted([*_table, "nn"])
    __getattr__ = missing_from(__name__)
