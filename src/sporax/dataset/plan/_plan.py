"""Index plans: a source and the order in which it is read. Operations such as shuffle and take change the order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from sporax.dataset.plan._blocks import Block, block_rows
from sporax.dataset.plan._values import Row

Order: TypeAlias = range | np.ndarray
"""Indices in reading order: a range of step 1, or an array."""

_GATHER_BYTES = 1 << 22
"""Approximate size of the blocks into which elements are gathered."""


class Source:
    """Data of known length that can be read at any index."""

    length: int
    columnar: bool
    """Whether the elements are stacked: `view` and `gather` work, and reading runs no Python code per element."""

    def fetch(self, index: int) -> Row:
        """Return the element at `index`."""
        raise NotImplementedError

    def view(self, order: range) -> Block | None:
        """Return the elements of `order` without a copy, or None if that is impossible. Columnar sources only."""
        raise NotImplementedError

    def gather(self, indices: np.ndarray) -> Block:
        """Return a copy of the elements at `indices`. Columnar sources only."""
        raise NotImplementedError

    def pick(self, columns: Sequence[int]) -> Source:
        """Return a source of the same elements with the columns at these indices."""
        return PickSource(self, columns)

    def element_bytes(self) -> int:
        """Return the size of one element. Columnar sources only."""
        block = self.gather(np.zeros(1, dtype=np.intp))
        return sum(column.nbytes for column in block)


class ColumnSource(Source):
    """Columns of stacked elements. They are read-only, because the elements that are read are views of them."""

    columnar = True

    def __init__(self, columns: Sequence[np.ndarray]) -> None:
        self.columns = tuple([_read_only(column) for column in columns])
        self.length = len(self.columns[0])

    def fetch(self, index: int) -> Row:
        return tuple([column[index : index + 1].reshape(column.shape[1:]) for column in self.columns])

    def view(self, order: range) -> Block:
        if len(order) == self.length:
            return self.columns
        return tuple([column[order.start : order.stop] for column in self.columns])

    def gather(self, indices: np.ndarray) -> Block:
        return tuple([np.take(column, indices, axis=0) for column in self.columns])

    def pick(self, columns: Sequence[int]) -> ColumnSource:
        return ColumnSource([self.columns[index] for index in columns])

    def element_bytes(self) -> int:
        return sum(column.itemsize * int(np.prod(column.shape[1:])) for column in self.columns)


class RowSource(Source):
    """Elements of different shapes or dtypes, converted to arrays once."""

    columnar = False

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = [tuple([_read_only(column) for column in row]) for row in rows]
        self.length = len(self.rows)

    def fetch(self, index: int) -> Row:
        return self.rows[index]


class PickSource(Source):
    """Some columns of another source."""

    def __init__(self, source: Source, columns: Sequence[int]) -> None:
        self.source, self.columns = source, tuple(columns)
        self.length, self.columnar = source.length, source.columnar

    def fetch(self, index: int) -> Row:
        return self._picked(self.source.fetch(index))

    def view(self, order: range) -> Block | None:
        block = self.source.view(order)
        return None if block is None else self._picked(block)

    def gather(self, indices: np.ndarray) -> Block:
        return self._picked(self.source.gather(indices))

    def _picked(self, row: Row) -> Row:
        return tuple([row[index] for index in self.columns])


class ZipSource(Source):
    """The columns of several plans side by side, as long as the shortest."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.length = min(len(plan.order) for plan in plans)
        self.plans = [plan.select(range(self.length)) for plan in plans]
        self.columnar = all(plan.source.columnar for plan in plans)

    def fetch(self, index: int) -> Row:
        return sum([plan.fetch(index) for plan in self.plans], ())

    def view(self, order: range) -> Block | None:
        views = [plan.select(order).view() for plan in self.plans]
        return None if any(view is None for view in views) else sum([view or () for view in views], ())

    def gather(self, indices: np.ndarray) -> Block:
        return sum([plan.gather(indices) for plan in self.plans], ())


class ConcatSource(Source):
    """The concatenation of plans; columnar only if their elements have equal shapes and dtypes."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = [plan for plan in plans if len(plan.order)] or list(plans[:1])
        self.ends = np.cumsum([len(plan.order) for plan in self.plans])
        self.length = int(self.ends[-1])
        self.columnar = all(plan.source.columnar for plan in self.plans) and self._uniform()

    def fetch(self, index: int) -> Row:
        part = int(np.searchsorted(self.ends, index, side="right"))
        return self.plans[part].fetch(index - self._start(part))

    def view(self, order: range) -> Block | None:
        part = int(np.searchsorted(self.ends, order.start, side="right")) if len(order) else 0
        start = self._start(part)
        if order.stop > self.ends[part]:
            return None
        return self.plans[part].select(range(order.start - start, order.stop - start)).view()

    def gather(self, indices: np.ndarray) -> Block:
        parts = np.searchsorted(self.ends, indices, side="right")
        block: list[np.ndarray] = []
        for part, plan in enumerate(self.plans):
            positions = np.flatnonzero(parts == part)
            if not block:
                like = plan.gather(np.zeros(1, dtype=np.intp))
                block = [np.empty((len(indices), *column.shape[1:]), column.dtype) for column in like]
            if len(positions):
                values = plan.gather(indices[positions] - self._start(part))
                for column, value in zip(block, values, strict=True):
                    column[positions] = value
        return tuple(block)

    def _start(self, part: int) -> int:
        return int(self.ends[part - 1]) if part else 0

    def _uniform(self) -> bool:
        if not self.length:
            return True
        firsts = [plan.gather(np.zeros(1, dtype=np.intp)) for plan in self.plans]
        return all(
            a.shape == b.shape and a.dtype == b.dtype
            for first, second in pairwise(firsts)
            for a, b in zip(first, second, strict=True)
        )


class Plan:
    """A source and the order in which it is read."""

    __slots__ = ("order", "source")

    def __init__(self, source: Source, order: Order) -> None:
        self.source, self.order = source, order

    def select(self, positions: Order) -> Plan:
        """Return the plan of the elements at `positions` of this one, in that order."""
        return Plan(self.source, _select(self.order, positions))

    def fetch(self, position: int) -> Row:
        """Return the element at `position`."""
        return self.source.fetch(int(self.order[position]))

    def view(self) -> Block | None:
        """Return all elements without a copy, or None if that is impossible."""
        return self.source.view(self.order) if isinstance(self.order, range) else None

    def gather(self, positions: np.ndarray) -> Block:
        """Return a copy of the elements at `positions`."""
        return self.source.gather(np.asarray(_select(self.order, positions)))

    def rows(self) -> Iterator[Row]:
        """Yield the elements one by one."""
        if self.source.columnar:
            for block in self.blocks(1):
                yield from block_rows(block)
        else:
            for index in self.order:
                yield self.source.fetch(int(index))

    def blocks(self, quantum: int) -> Iterator[Block]:
        """Yield the elements stacked: one view if the order is contiguous, else copies of about 4 MB.

        A copy holds a multiple of `quantum` elements, so that groups of that size are views of it.
        """
        count = len(self.order)
        if not count:
            return
        view = self.view()
        if view is not None:
            yield view
            return
        step = max(1, _GATHER_BYTES // max(1, self.source.element_bytes() * quantum)) * quantum
        for start in range(0, count, step):
            part = self.order[start : start + step]
            yield self.source.gather(np.asarray(part, dtype=np.intp))


def concatenated(plans: Sequence[Plan]) -> Plan:
    """Concatenate plans; only their orders if they share the source."""
    first = plans[0].source
    if all(plan.source is first for plan in plans):
        return Plan(first, np.concatenate([np.asarray(plan.order, dtype=np.intp) for plan in plans]))
    source = ConcatSource(plans)
    return Plan(source, range(source.length))


def _select(order: Order, positions: Order) -> Order:
    if isinstance(positions, range):
        return order[positions.start : positions.stop]
    if isinstance(order, range):
        return positions + order.start if order.start else positions
    return order[positions]


def _read_only(array: np.ndarray) -> np.ndarray:
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array
