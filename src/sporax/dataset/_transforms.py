"""Operations that choose or order rows, or choose columns: no Python for an element of a stacked source."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, islice

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError
from sporax.dataset import config
from sporax.dataset._blocks import Block, skipped, taken
from sporax.dataset._columns import names_of, places_of
from sporax.dataset._dataset import Dataset
from sporax.dataset._pass import Pass, SplitSeed, shuffled, shuffled_positions
from sporax.dataset._plan import Plan, Source, joined
from sporax.dataset._sources import check_orders
from sporax.dataset._user import Row

_LONGEST_JOINED_ORDER = 1 << 22


class OneChild(Dataset):
    """An operation on one dataset that keeps its columns, their stacking and its length."""

    def __init__(self, child: Dataset) -> None:
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


class ShuffleDataset(OneChild):
    """`shuffle`."""

    draws = True

    def __init__(self, child: Dataset, buffer_size: int) -> None:
        super().__init__(child)
        self._size = _check.integer(buffer_size, name="buffer_size", where="shuffle", minimum=2)

    @property
    def _columnar(self) -> bool:
        return self._child._columnar and self._child._indexable

    def _plan(self, run: Pass) -> Plan:
        plan = self._child._plan(run)
        return plan.select(shuffled_positions(len(plan.order), self._size, run.rng(self)))

    def _rows(self, run: Pass) -> Iterator[Row]:
        if self._indexable:
            return super()._rows(run)
        return shuffled(self._child._rows(run), self._size, run.rng(self))


class TakeDataset(OneChild):
    """`take`."""

    def __init__(self, child: Dataset, number: int) -> None:
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


class SkipDataset(OneChild):
    """`skip`."""

    def __init__(self, child: Dataset, number: int) -> None:
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
            return f"skip({self._count}) passes over all {int(length)} elements. Skip fewer"
        reason = super()._why_empty()
        if reason or length is not None or not self._count:
            return reason
        return f"skip({self._count}) passes over all elements. Skip fewer"


class RepeatDataset(OneChild):
    """`repeat`. Repetition r of epoch e is the child's epoch e * count + r: each has an order of its own."""

    def __init__(self, child: Dataset, number: int | None) -> None:
        super().__init__(child)
        number = -1 if number is None else _check.integer(number, name="count", where="repeat")
        if number != -1 and number < 1:
            raise ArgumentError(f"repeat: `count` must be None or -1 (without end) or at least 1, but got {number}.")
        self._count = None if number == -1 else number

    @property
    def _indexable(self) -> bool:
        length = self._child._length()
        short = length is not None and self._count is not None and length * self._count <= _LONGEST_JOINED_ORDER
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
        return joined([self._child._plan(each) for each in self._runs(run)])

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


class ProjectDataset(OneChild):
    """`project`."""

    def __init__(self, child: Dataset, columns: str | Sequence[str]) -> None:
        super().__init__(child)
        self._names = names_of(columns, "columns", "project")
        self._places = places_of(self._names, child._names, "project")
        self._picked: tuple[Source, Source] | None = None

    def _plan(self, run: Pass) -> Plan:
        plan = self._child._plan(run)
        # Plans of one dataset share their source: by that `joined` knows that it can put orders together.
        if self._picked is None or self._picked[0] is not plan.source:
            self._picked = (plan.source, plan.source.pick(self._places))
        return Plan(self._picked[1], plan.order)

    def _pick(self, row: Row) -> Row:
        return tuple([row[place] for place in self._places])

    def _rows(self, run: Pass) -> Iterator[Row]:
        return super()._rows(run) if self._indexable else map(self._pick, self._child._rows(run))

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        if self._indexable:
            return super()._blocks(run, quantum)
        return map(self._pick, self._child._blocks(run, quantum))


class Unchanged(OneChild):
    """An operation that hands on what it reads."""

    def _plan(self, run: Pass) -> Plan:
        return self._child._plan(run)

    def _rows(self, run: Pass) -> Iterator[Row]:
        return self._child._rows(run)

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        return self._child._blocks(run, quantum)


class RenameDataset(Unchanged):
    """`rename`."""

    def __init__(self, child: Dataset, old: str | Sequence[str], new: str | Sequence[str]) -> None:
        super().__init__(child)
        before = names_of(old, "input_columns", "rename")
        after = names_of(new, "output_columns", "rename")
        if len(before) != len(after):
            raise ArgumentError(
                f"rename: `input_columns` and `output_columns` must be of one length, "
                f"but got {len(before)} and {len(after)}."
            )
        names = list(child._names)
        for place, name in zip(places_of(before, names, "rename"), after, strict=True):
            names[place] = name
        if len(set(names)) < len(names):
            raise DatasetError(
                f"rename: the columns would be {', '.join(map(repr, names))}, one name twice. "
                "Rename the other column too, or drop it with project."
            )
        self._names = tuple(names)


class FrozenDataset(Unchanged):
    """The child in the order of one epoch, whatever epoch is read: parts of a `split` must not overlap."""

    def __init__(self, child: Dataset, seed: SplitSeed) -> None:
        super().__init__(child)
        self._split_seed = seed

    def _frozen(self, run: Pass) -> Pass:
        assert self._split_seed is not None
        return replace(run, seed=self._split_seed.value, epoch=0)

    def _plan(self, run: Pass) -> Plan:
        return super()._plan(self._frozen(run))

    def _rows(self, run: Pass) -> Iterator[Row]:
        return super()._rows(self._frozen(run))

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        return super()._blocks(self._frozen(run), quantum)


def split(child: Dataset, sizes: Sequence[int | float], randomize: bool) -> list[Dataset]:
    """The parts of `Dataset.split`."""
    _check.is_type(randomize, bool, name="randomize", where="split")
    counts = _part_sizes(sizes, child.get_dataset_size())
    check_orders(child, "split")
    seed = config.current_seed()
    if seed is None:
        seed = int(np.random.default_rng().integers(2**32))
    order = ShuffleDataset(child, max(2, sum(counts))) if randomize else child
    shared = SplitSeed(seed)
    parts: list[Dataset] = []
    start = 0
    for size in counts:
        rest = SkipDataset(order, start) if start else order
        parts.append(FrozenDataset(TakeDataset(rest, size), shared))
        start += size
    return parts


def _part_sizes(sizes: Sequence[int | float], total: int) -> list[int]:
    if not isinstance(sizes, (list, tuple)) or not sizes:
        raise ArgumentTypeError(f"split: `sizes` must be a list of ints or of floats, but got {sizes!r}.")
    if all(isinstance(size, int) and not isinstance(size, bool) for size in sizes):
        counts = [_check.integer(size, name="sizes", where="split", minimum=1) for size in sizes]
        if sum(counts) != total:
            raise ArgumentError(
                f"split: `sizes` must sum to the {total} rows of the dataset, but {list(sizes)} sum to {sum(counts)}."
            )
        return counts
    if not all(isinstance(size, float) for size in sizes):
        raise ArgumentTypeError(f"split: `sizes` must be all ints or all floats, but got {list(sizes)}.")
    if not math.isclose(sum(sizes), 1.0, abs_tol=1e-9) or min(sizes) <= 0:
        raise ArgumentError(f"split: fractions must be positive and sum to 1, but got {list(sizes)}.")
    counts = [round(size * total) for size in sizes]
    if min(counts) < 1:
        raise ArgumentError(
            f"split: {list(sizes)} of {total} rows would leave a part empty ({counts}). Give larger fractions."
        )
    for place in range(len(counts)):
        missing = total - sum(counts)
        counts[place] = max(1, counts[place] + (missing > 0) - (missing < 0))
    counts[int(np.argmax(counts))] += total - sum(counts)
    return counts
