"""Activations as Cells, and `get_activation`."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax.nn.layer.activation._by_name import *
from sporax.nn.layer.activation._gelu import *
from sporax.nn.layer.activation._rectifier import *
from sporax.nn.layer.activation._shrink import *
from sporax.nn.layer.activation._sigmoid import *
from sporax.nn.layer.activation._softmax import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
