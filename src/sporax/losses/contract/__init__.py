"""The contract of a loss: its inputs, and what happens around its formula (shapes, labels, weights, reduction).

What the declaration of a loss needs is exported here.
"""

from sporax.losses.contract._info import LossInfo, Size, Sized
from sporax.losses.contract._loss_function import Counted, LossFunction, loss_function
from sporax.losses.contract._parameters import (
    BelowOne,
    Flag,
    NonNegative,
    Number,
    Positive,
    PositiveInteger,
    UnitInterval,
)
from sporax.losses.contract._spec import label, prediction, table

__all__ = [
    "BelowOne",
    "Counted",
    "Flag",
    "LossFunction",
    "LossInfo",
    "NonNegative",
    "Number",
    "Positive",
    "PositiveInteger",
    "Size",
    "Sized",
    "UnitInterval",
    "label",
    "loss_function",
    "prediction",
    "table",
]
