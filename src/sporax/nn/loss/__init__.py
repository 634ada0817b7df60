"""Losses as Cells: each holds hyper-parameters and calls its function of `sporax.losses`."""

from sporax.nn.loss._base import LossBase, RegisteredLoss
from sporax.nn.loss._classification import BCELoss, SoftmaxCrossEntropyWithLogits
from sporax.nn.loss._metric import CosineEmbeddingLoss
from sporax.nn.loss._regression import L1Loss, MSELoss, SmoothL1Loss
from sporax.nn.loss._sampled import SampledSoftmaxLoss

__all__ = [
    "BCELoss",
    "CosineEmbeddingLoss",
    "L1Loss",
    "LossBase",
    "MSELoss",
    "RegisteredLoss",
    "SampledSoftmaxLoss",
    "SmoothL1Loss",
    "SoftmaxCrossEntropyWithLogits",
]
