"""Transforms: jit, grad, vmap, control flow, and the conversion of stateful functions to pure functions."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax.transforms._captured import *
from sporax.transforms._captured import Variables as Variables
from sporax.transforms._captured import assumed_wrongly as assumed_wrongly
from sporax.transforms._captured import constants_of as constants_of
from sporax.transforms._captured import outdated as outdated
from sporax.transforms._cell_program import run_compiled as run_compiled
from sporax.transforms._control import *
from sporax.transforms._functional import *
from sporax.transforms._grad import *
from sporax.transforms._jit import *
from sporax.transforms._modes import USES as USES
from sporax.transforms._recompute import *
from sporax.transforms._vmap import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
