"""Layers: the Cells that networks are made of."""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.nn.layer._conv import Conv1d, Conv2d, Conv3d
from sporax.nn.layer._conv_transpose import Conv1dTranspose, Conv2dTranspose
from sporax.nn.layer._pool import AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from sporax.nn.layer.activation import (
    CELU,
    ELU,
    GELU,
    GLU,
    FastGelu,
    Hardtanh,
    HShrink,
    HSigmoid,
    HSwish,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    RReLU,
    SeLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softmax2d,
    Softmin,
    SoftShrink,
    Softsign,
    Tanh,
    Tanhshrink,
    Threshold,
    get_activation,
)
from sporax.nn.layer.basic import Dense, Dropout, Flatten, Identity, Unflatten
from sporax.nn.layer.container import CellDict, CellList, SequentialCell
from sporax.nn.layer.embedding import Embedding
from sporax.nn.layer.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, LayerNorm

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "BatchNorm1d",
    "BatchNorm2d", "BatchNorm3d", "CellDict", "CellList", "Conv1d", "Conv1dTranspose", "Conv2d",
    "Conv2dTranspose", "Conv3d", "Dense", "Dropout", "Embedding", "FastGelu", "Flatten", "GroupNorm",
    "HShrink", "HSigmoid", "HSwish", "Hardtanh", "Identity", "LayerNorm", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "MaxPool1d", "MaxPool2d", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SeLU",
    "SequentialCell", "SiLU", "Sigmoid", "SoftShrink", "Softmax", "Softmax2d", "Softmin", "Softsign",
    "Tanh", "Tanhshrink", "Threshold", "Unflatten", "get_activation",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker shall see that a name is missing
    __getattr__ = missing_from(__name__)
