"""`project` and `rename`: operations on columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sporax._errors import ArgumentError, DatasetError
from sporax.dataset.operations._base import OneChild, Unchanged
from sporax.dataset.plan._blocks import Block
from sporax.dataset.plan._columns import indices_of, names_of
from sporax.dataset.plan._node import Node
from sporax.dataset.plan._pass import Pass
from sporax.dataset.plan._plan import Plan, Source
from sporax.dataset.plan._values import Row


class Project(OneChild):
    """`project`."""

    def __init__(self, child: Node, columns: str | Sequence[str]) -> None:
        super().__init__(child)
        self._names = names_of(columns, "columns", "project")
        self._columns = indices_of(self._names, child._names, "project")
        self._picked: tuple[Source, Source] | None = None

    def _plan(self, run: Pass) -> Plan:
        plan = self._child._plan(run)
        # Plans of one dataset must share their source: `concatenated` then concatenates the orders only.
        if self._picked is None or self._picked[0] is not plan.source:
            self._picked = (plan.source, plan.source.pick(self._columns))
        return Plan(self._picked[1], plan.order)

    def _pick(self, row: Row) -> Row:
        return tuple([row[index] for index in self._columns])

    def _rows(self, run: Pass) -> Iterator[Row]:
        return super()._rows(run) if self._indexable else map(self._pick, self._child._rows(run))

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        if self._indexable:
            return super()._blocks(run, quantum)
        return map(self._pick, self._child._blocks(run, quantum))


class Rename(Unchanged):
    """`rename`."""

    def __init__(self, child: Node, old: str | Sequence[str], new: str | Sequence[str]) -> None:
        super().__init__(child)
        before = names_of(old, "input_columns", "rename")
        after = names_of(new, "output_columns", "rename")
        if len(before) != len(after):
            raise ArgumentError(
                f"rename: `input_columns` and `output_columns` must have the same length, "
                f"but got {len(before)} and {len(after)}."
            )
        names = list(child._names)
        for index, name in zip(indices_of(before, names, "rename"), after, strict=True):
            names[index] = name
        if len(set(names)) < len(names):
            raise DatasetError(
                f"rename: the columns would be {', '.join(map(repr, names))}, with a duplicate name. "
                "Rename the other column too, or drop it with project."
            )
        self._names = tuple(names)
