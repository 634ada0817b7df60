"""Initializers: the initial values of Parameters.

They draw with NumPy on the host, from the generator that `set_seed` seeds, so building a network compiles nothing.
The values are drawn immediately, whereas MindSpore waits for `init_data()`.

    >>> from sporax.core import set_seed
    >>> from sporax.core.initializer import Normal, initializer
    >>> set_seed(1)
    >>> print(initializer(Normal(sigma=0.5), (2, 2)).shape)
    (2, 2)
"""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax.core.initializer._base import *
from sporax.core.initializer._initializer import *
from sporax.core.initializer._patterns import *
from sporax.core.initializer._random import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
