"""`shuffle`, `take`, `skip` and `repeat`: index arithmetic where the elements can be read at any index."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count, islice

from sporax import _check
from sporax._errors import ArgumentError
from sporax.dataset.operations._base import OneChild
from sporax.dataset.plan._blocks import Block, skipped, taken
from sporax.dataset.plan._node import Node
from sporax.dataset.plan._pass import Pass, shuffled, shuffled_indices
from sporax.dataset.plan._plan import Plan, concatenated
from sporax.dataset.plan._values import Row

_MAX_CONCATENATED_ORDER = 1 << 22
"""Number of indices up to which `repeat` builds one order for all repetitions."""


class Shuffle(OneChild):
    """`shuffle`."""

    draws = True

    def __init__(self, child: Node, buffer_size: int) -> None:
        super().__init__(child)
        self._size = _check.integer(buffer_size, name="buffer_size", where="shuffle", minimum=2)

    @property
    def _columnar(self) -> bool:
        return self._child._columnar and self._child._indexable

    def _plan(self, run: Pass) -> Plan:
        plan = self._child._plan(run)
        return plan.select(shuffled_indices(len(plan.order), self._size, run.rng(self)))

    def _rows(self, run: Pass) -> Iterator[Row]:
        if self._indexable:
            return super()._rows(run)
        return shuffled(self._child._rows(run), self._size, run.rng(self))


class Take(OneChild):
    """`take`."""

    def __init__(self, child: Node, number: int) -> None:
        super().__init__(child)
        number = _check.integer(number, name="count", where="take")
        if number != -1 and number < 1:
            raise ArgumentError(f"take: `count` must be -1 (all rows) or at least 1, but got {number}.")
        self._count = None if number == -1 else number

    def _length(self, endless: float = math.inf) -> float | None:
        length = self._child._length()
        if self._count is None:
            return self._child._length(endless)
        return None if length is None else min(length, self._count)

    def _plan(self, run: Pass) -> Plan:
        plan = self._child._plan(run)
        size = len(plan.order)
        return plan.select(range(size if self._count is None else min(size, self._count)))

    def _rows(self, run: Pass) -> Iterator[Row]:
        return super()._rows(run) if self._indexable else islice(self._child._rows(run), self._count)

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        if self._indexable:
            return super()._blocks(run, quantum)
        blocks = self._child._blocks(run, quantum)
        return blocks if self._count is None else taken(blocks, self._count)


class Skip(OneChild):
    """`skip`."""

    def __init__(self, child: Node, number: int) -> None:
        super().__init__(child)
        self._count = _check.integer(number, name="count", where="skip", minimum=0)

    def _length(self, endless: float = math.inf) -> float | None:
        length = self._child._length(endless)
        return None if length is None else max(0, length - self._count)

    def _plan(self, run: Pass) -> Plan:
        plan = self._child._plan(run)
        size = len(plan.order)
        return plan.select(range(min(self._count, size), size))

    def _rows(self, run: Pass) -> Iterator[Row]:
        return super()._rows(run) if self._indexable else islice(self._child._rows(run), self._count, None)

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        if self._indexable:
            return super()._blocks(run, quantum)
        return skipped(self._child._blocks(run, quantum), self._count)

    def _why_empty(self) -> str:
        length = self._child._length()
        if length and length <= self._count:
            return f"skip({self._count}) skips all {int(length)} elements. Skip fewer"
        reason = super()._why_empty()
        if reason or length is not None or not self._count:
            return reason
        return f"skip({self._count}) skips all elements. Skip fewer"


class Repeat(OneChild):
    """`repeat`. Repetition r of epoch e is epoch e * count + r of the child, so repetitions have different orders."""

    def __init__(self, child: Node, number: int | None) -> None:
        super().__init__(child)
        number = -1 if number is None else _check.integer(number, name="count", where="repeat")
        if number != -1 and number < 1:
            raise ArgumentError(f"repeat: `count` must be None or -1 (endless) or at least 1, but got {number}.")
        self._count = None if number == -1 else number

    @property
    def _indexable(self) -> bool:
        length = self._child._length()
        short = length is not None and self._count is not None and length * self._count <= _MAX_CONCATENATED_ORDER
        return short and self._child._indexable

    def _length(self, endless: float = math.inf) -> float | None:
        length = self._child._length(endless)
        times = endless if self._count is None else self._count
        if length is None:
            return math.inf if times == math.inf else None
        return length * times if length else length

    def get_repeat_count(self) -> int:
        return -1 if self._count is None else self._count

    def _runs(self, run: Pass) -> Iterator[Pass]:
        if self._count is None and not run.peek:
            return map(run.at, count(run.epoch))
        times = self._count or 1
        return map(run.at, range(run.epoch * times, (run.epoch + 1) * times))

    def _plan(self, run: Pass) -> Plan:
        return concatenated([self._child._plan(each) for each in self._runs(run)])

    def _rows(self, run: Pass) -> Iterator[Row]:
        for each in self._runs(run):
            row = None
            for row in self._child._rows(each):
                yield row
            if row is None:
                return

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        for each in self._runs(run):
            block = None
            for block in self._child._blocks(each, quantum):
                yield block
            if block is None:
                return
