"""Layers."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.nn.layer._conv import *
from sporax.nn.layer._conv_transpose import *
from sporax.nn.layer._pool import *
from sporax.nn.layer.activation import *
from sporax.nn.layer.basic import *
from sporax.nn.layer.container import *
from sporax.nn.layer.embedding import *
from sporax.nn.layer.normalization import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
    __getattr__ = missing_from(__name__)
