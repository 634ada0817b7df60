"""Cells that combine a network with its loss, evaluation and training step."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax.nn.wrap._loss_cells import *
from sporax.nn.wrap._train_cell import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
