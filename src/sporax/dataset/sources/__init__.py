"""Sources of a pipeline."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax.dataset.sources._generator import *
from sporax.dataset.sources._numpy_slices import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
