"""MindSpore's path `mint.nn`: the losses, and the layers that are the same as in `nn`.

>>> from sporax import mint, Tensor
>>> print(mint.nn.L1Loss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
1.0
"""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.mint.nn import functional
from sporax.mint.nn._losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    KLDivLoss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from sporax.nn import Flatten, Identity, LogSigmoid, Mish, ReLU, Sigmoid, SoftMarginLoss, Tanh
from sporax.nn import L1LossExt as L1Loss

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "Flatten",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LogSigmoid",
    "MSELoss",
    "Mish",
    "NLLLoss",
    "ReLU",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Tanh",
    "functional",
]

if not TYPE_CHECKING:  # so that a type checker reports missing names
    __getattr__ = missing_from(__name__)
