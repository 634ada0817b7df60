"""Base classes of the operations on one dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sporax.dataset.plan._blocks import Block
from sporax.dataset.plan._node import Node
from sporax.dataset.plan._pass import Pass
from sporax.dataset.plan._plan import Plan
from sporax.dataset.plan._values import Row


class OneChild(Node):
    """An operation on one dataset that keeps its columns, its stacking and its length."""

    def __init__(self, child: Node) -> None:
        self._children = (child,)
        self._child = child
        self._names = child._names

    @property
    def _indexable(self) -> bool:
        return self._child._indexable

    @property
    def _columnar(self) -> bool:
        return self._child._columnar

    def _length(self, endless: float = math.inf) -> float | None:
        return self._child._length(endless)


class Unchanged(OneChild):
    """An operation that forwards the elements of its child."""

    def _plan(self, run: Pass) -> Plan:
        return self._child._plan(run)

    def _rows(self, run: Pass) -> Iterator[Row]:
        return self._child._rows(run)

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        return self._child._blocks(run, quantum)
