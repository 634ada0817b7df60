"""`Layer`: `Cell` for static type checkers, with a call that returns one Tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sporax.core import Cell, Tensor

if TYPE_CHECKING:

    class Layer(Cell):
        """A Cell whose call returns one Tensor."""

        def __call__(self, *args: Any, **kwargs: Any) -> Tensor: ...

else:
    Layer = Cell
