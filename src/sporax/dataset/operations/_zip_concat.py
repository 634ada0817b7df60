"""`zip` and `concat`: operations on several datasets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError
from sporax.dataset.plan._blocks import Block
from sporax.dataset.plan._node import Node
from sporax.dataset.plan._pass import Pass
from sporax.dataset.plan._plan import Plan, ZipSource, concatenated
from sporax.dataset.plan._values import Row


class _SeveralChildren(Node):
    def __init__(self, datasets: Sequence[Node], where: str) -> None:
        for number, dataset in enumerate(datasets):
            if not isinstance(dataset, Node):
                raise ArgumentTypeError(
                    f"{where}: `datasets` must be datasets, but number {number} is of type {type(dataset).__name__}."
                )
        if len(datasets) < 2:
            raise ArgumentError(f"{where}: at least two datasets are needed, but got {len(datasets)}.")
        self._children = tuple(datasets)

    @property
    def _indexable(self) -> bool:
        return all(child._indexable for child in self._children)


class Zip(_SeveralChildren):
    """`zip`."""

    def __init__(self, datasets: Sequence[Node]) -> None:
        super().__init__(datasets, "zip")
        self._names = sum([child._names for child in datasets], ())
        duplicates = sorted({name for name in self._names if self._names.count(name) > 1})
        if duplicates:
            raise DatasetError(
                f"zip: the column {duplicates[0]!r} is in more than one of the datasets. Use rename on one of them."
            )

    @property
    def _columnar(self) -> bool:
        return self._indexable and all(child._columnar for child in self._children)

    def _length(self, endless: float = math.inf) -> float | None:
        lengths = [child._length() for child in self._children]
        if None in lengths:
            return None
        shortest = min(length for length in lengths if length is not None)
        if shortest == math.inf and endless != math.inf:
            lengths = [child._length(endless) for child in self._children]
            shortest = min(length for length in lengths if length is not None)
        return shortest

    def _plan(self, run: Pass) -> Plan:
        source = ZipSource([child._plan(run) for child in self._children])
        return Plan(source, range(source.length))

    def _rows(self, run: Pass) -> Iterator[Row]:
        if self._indexable:
            yield from super()._rows(run)
            return
        for parts in zip(*[child._rows(run) for child in self._children], strict=False):
            yield sum(parts, ())


class Concat(_SeveralChildren):
    """`concat`."""

    def __init__(self, datasets: Sequence[Node]) -> None:
        super().__init__(datasets, "concat")
        self._names = datasets[0]._names
        for child in datasets[1:]:
            if child._names != self._names:
                raise DatasetError(
                    f"concat: the datasets must have the same columns in the same order, but got "
                    f"{list(self._names)} and {list(child._names)}. Use rename, or project to reorder."
                )

    @property
    def _columnar(self) -> bool:
        return all(child._columnar for child in self._children)

    def _length(self, endless: float = math.inf) -> float | None:
        lengths = [child._length(endless) for child in self._children]
        return None if None in lengths else sum(length for length in lengths if length is not None)

    def _plan(self, run: Pass) -> Plan:
        return concatenated([child._plan(run) for child in self._children])

    def _rows(self, run: Pass) -> Iterator[Row]:
        for child in self._children:
            yield from child._rows(run)

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        for child in self._children:
            yield from child._blocks(run, quantum)
