"""MindSpore's module `common.initializer`: initial values of Parameters."""

from typing import TYPE_CHECKING

from sporax.core import initializer as _initializer
from sporax.core.initializer import *  # noqa: F403

if not TYPE_CHECKING:  # a type checker reads the star import
    __all__ = _initializer.__all__
