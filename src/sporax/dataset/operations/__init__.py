"""Operations of a pipeline. The methods of `Dataset` create them."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax.dataset.operations._batch import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
