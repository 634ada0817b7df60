"""Reading of a pipeline: columns, index plans, samplers, blocks of stacked elements, and the base of its operations."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax.dataset.plan._sampler import *
from sporax.dataset.plan._samplers import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
