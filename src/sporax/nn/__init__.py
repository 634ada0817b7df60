"""Cells: layers, losses, optimizers, and what wraps them."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.core import Cell as Cell
from sporax.nn.layer import *
from sporax.nn.loss import *
from sporax.nn.optim import *
from sporax.nn.wrap import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__, "Cell")
    __getattr__ = missing_from(__name__)
