"""`mgrid` and `ogrid`: grids of coordinates by slices."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax._jax_compat import x64_scope
from sporax.core import wrap
from sporax.ops._listed import finished


class Grid:
    """Coordinates of a grid, from slices; an imaginary step is the number of points, with the end included.

    Examples:
        >>> from sporax import numpy as mnp
        >>> print(mnp.mgrid[0:2, 0:3][1])
        [[0 1 2]
         [0 1 2]]
        >>> print(mnp.ogrid[0:1:3j])
        [0.  0.5 1. ]
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getitem__(self, key: Any) -> Any:
        with x64_scope(True):
            return jax.tree.map(wrap, finished(getattr(jnp, self._name)[key], ()))

    def __repr__(self) -> str:
        return f"sporax.numpy.{self._name}"


mgrid = Grid("mgrid")
ogrid = Grid("ogrid")
