"""What stands under every dataset: how an operation of the pipeline is read, and the facts that follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from sporax import _check
from sporax._errors import DatasetError
from sporax._seed import host_random_kept
from sporax.dataset import config
from sporax.dataset._blocks import Block, block_rows, grouped, row_block, skipped
from sporax.dataset._dicts import shown_rows
from sporax.dataset._pass import Pass, SplitSeed
from sporax.dataset._plan import Plan
from sporax.dataset._user import Row


class Node:
    """One operation of a pipeline, with those before it.

    For an operation: set `_names` and `_children`, and implement `_length` and one of `_plan` (elements at
    known indices; say so in `_indexable`), `_blocks` (stacked elements; say so in `_columnar`) or `_rows`
    (elements one by one in Python). What is not implemented follows from the others.
    """

    _names: tuple[str, ...] = ()
    _epochs_read = 0
    _seed_generation: tuple[int, int] | None = None
    _root_seed: int | None = None
    _drawn_seed: int | None = None
    """The seed of the random orders where the user set none."""
    _rows_used = 0
    """How many rows of the next epoch were used before, by the run that is being resumed."""
    _split_seed: SplitSeed | None = None
    """Of a part of a `split`: the seed of the order that the parts share."""
    _counted: int | None = None

    @property
    def _before(self) -> tuple[Node, ...]:
        """The operations that this one reads."""
        return ()

    # What an operation implements.

    @property
    def _indexable(self) -> bool:
        """Whether `_plan` works: the elements can be read at any index, in any order."""
        return False

    @property
    def _columnar(self) -> bool:
        """Whether `_blocks` gives many elements at once, with no Python for each."""
        return False

    @property
    def columnar(self) -> bool:
        """Whether `stacked_batches` hands out stacks with no Python run for an element; mostly they are views."""
        return self._columnar

    def _plan(self, run: Pass) -> Plan:
        raise NotImplementedError

    draws = False
    """Whether the operation draws random numbers from its `Pass`."""

    def _random_owners(self) -> list[object]:
        """What may draw random numbers for this operation, in a fixed order: the last draws first."""
        return [self]

    def _user_objects(self) -> list[object]:
        """The user's objects that this operation calls; they may have a state of their own."""
        return []

    def _planned(self, run: Pass) -> Plan:
        """The plan of a pass. One made by a probe serves the pass that follows, so a user's sampler runs once."""
        key = (id(self), run.epoch)
        if run.probe:
            if key not in run.plans:
                run.plans[key] = self._plan(run)
            return run.plans[key]
        plan = run.plans.pop(key, None)
        return self._plan(run) if plan is None else plan

    def _rows(self, run: Pass) -> Iterator[Row]:
        if self._indexable:
            return self._planned(run).rows()
        return chain.from_iterable(map(block_rows, self._blocks(run, 1)))

    def _blocks(self, run: Pass, quantum: int) -> Iterator[Block]:
        """Stacked elements. What comes after will want `quantum` of them, or a multiple, together."""
        if not self._indexable:
            return map(row_block, self._rows(run))
        plan = self._planned(run)
        return plan.blocks(quantum) if plan.source.columnar else map(row_block, plan.rows())

    def _rows_from(self, run: Pass, start: int) -> Iterator[Row]:
        """The rows but the first `start`: passed over by index where that runs no Python, else read and dropped.

        A source or function of the user's may draw random numbers for each element, in the order of reading.
        """
        plan = self._plan_from(run, start)
        if plan is not None:
            return plan.rows()
        rows = self._rows(run)
        return islice(rows, start, None) if start else rows

    def _blocks_from(self, run: Pass, quantum: int, start: int) -> Iterator[Block]:
        """`_blocks` without the first `start` elements."""
        plan = self._plan_from(run, start)
        if plan is not None:
            return plan.blocks(quantum) if plan.source.columnar else map(row_block, plan.rows())
        blocks = self._blocks(run, quantum)
        return skipped(blocks, start) if start else blocks

    def _plan_from(self, run: Pass, start: int) -> Plan | None:
        """The plan without the first `start` elements; None where they are to be read, or there are none."""
        if not start or not self._indexable or not self._columnar:
            return None
        plan = self._planned(run)
        return plan.select(range(start, max(start, len(plan.order))))

    def _length(self, endless: float = math.inf) -> float | None:
        """The number of elements in an epoch; None where only a pass tells.

        A `repeat()` without end counts `endless` times.
        """
        raise NotImplementedError

    def _why_empty(self) -> str:
        """The likely reason that an epoch gave nothing, if this operation knows it."""
        return next(filter(None, [child._why_empty() for child in self._before]), "")

    # Reading.

    def epoch(self, reader: Node | None = None) -> Iterator[Row]:
        """The rows of the next epoch: tuples of arrays, or dicts of them in dict columns.

        Args:
            reader: an operation on this dataset through which the epoch is read, as a choice of columns.

        Raises:
            DatasetError: there are none.
        """
        run, start = self._next_pass()
        reader = self if reader is None else reader
        if reader._columnar:
            rows = chain.from_iterable(map(block_rows, reader._blocks_from(run, 1, start)))
        else:
            rows = shown_rows(reader._rows_from(run, start))
        first = next(rows, None)
        if first is None:
            if start:
                return iter(())
            raise self._empty_error()
        return chain((first,), rows)

    def stacked_batches(self, count: int | Callable[[Row], int]) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
        """The batches of the next epoch in stacks of up to `count`, as training with data sinking takes them.

        Consecutive batches of equal shape and dtype share a stack; another shape starts a stack of its own.
        Stacks of a columnar pipeline are views.

        Args:
            count: the largest number of batches in a stack, at least 1; or a function that gets the first batch
                and returns it.

        Returns:
            Iterator of (n, arrays), n <= count; each array has the shape (n, *batch shape).

        Raises:
            DatasetError: the epoch gives no batch.

        Example:
            >>> import numpy as np
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset(np.arange(10), ["x"], shuffle=False).batch(2)
            >>> [(n, x.shape) for n, (x,) in data.stacked_batches(3)]
            [(3, (3, 2)), (2, (2, 2))]
        """
        run, start = self._next_pass()
        if callable(count):
            probe = replace(run, probe=True)
            if self._columnar:
                first = next(chain.from_iterable(map(block_rows, self._blocks_from(probe, 1, start))), None)
                size = 1 if first is None else count(first)
                blocks = self._blocks_from(run, size, start)
            else:
                # Python runs for each of these rows, and it runs once.
                rows = self._rows_from(run, start)
                first = next(rows, None)
                size = 1 if first is None else count(first)
                blocks = iter(()) if first is None else map(row_block, chain((first,), rows))
        else:
            size = count
            blocks = self._blocks_from(run, size, start)
        _check.integer(size, name="count", where="stacked_batches", minimum=1)
        empty = not start
        for groups in grouped(blocks, size):
            for group in zip(*groups, strict=True):
                empty = False
                yield len(group[0]), group
        if empty:
            raise self._empty_error()

    # Facts.

    def get_col_names(self) -> list[str]:
        """The names of the columns."""
        return list(self._names)

    def get_dataset_size(self) -> int:
        """The number of rows (batches, after `batch`) in an epoch.

        Where only a pass can tell (a generator function, `filter`), one is made, and the number kept. An
        endless `repeat()` counts as one repetition.
        """
        length = self._length()
        if length == math.inf:
            length = self._length(1)
        if length is None:
            if self._counted is None:
                run = self._peek_pass()
                with host_random_kept():
                    count = len(self._plan(run).order) if self._indexable else sum(1 for _ in self._rows(run))
                self._counted = count
            length = self._counted
        return int(length)

    @property
    def size_is_fixed(self) -> bool:
        """Whether the size is known without a pass, and so is that of every epoch."""
        return self._length() not in (None, math.inf)

    @property
    def endless(self) -> bool:
        """Whether an epoch has no end: there is a `repeat()` without a count."""
        return self._length() == math.inf

    def dataset_size_hint(self) -> int | None:
        """`get_dataset_size` without a pass: None where only a pass can tell, or without end."""
        length = self._length()
        if length is None:
            return self._counted
        return None if length == math.inf else int(length)

    def get_batch_size(self) -> int:
        """The size that was given to the last `batch`; 1 where there is none."""
        return self._before[0].get_batch_size() if self._before else 1

    def get_repeat_count(self) -> int:
        """The count that was given to the last `repeat`, -1 where it is endless; 1 where there is none."""
        return self._before[0].get_repeat_count() if self._before else 1

    def output_shapes(self, estimate: bool = False) -> list[list[int | None]]:
        """The shape of each column in the first row, as lists.

        Args:
            estimate: read a whole epoch, and give None for each size that varies.

        Raises:
            DatasetError: the dataset gives nothing.
        """
        with host_random_kept():
            return self._shapes(estimate)

    def _shapes(self, estimate: bool) -> list[list[int | None]]:
        shapes: list[list[int | None]] | None = None
        for row in self._rows(self._peek_pass()):
            if shapes is None:
                shapes = [list(column.shape) for column in row]
            for shape, column in zip(shapes, row, strict=True):
                if len(shape) != column.ndim:
                    raise DatasetError(
                        f"output_shapes: a column has elements of shapes {shape} and {list(column.shape)}, "
                        "of different rank, so it has no one shape."
                    )
                shape[:] = [a if a == b else None for a, b in zip(shape, column.shape, strict=True)]
            if not estimate:
                break
        if shapes is None:
            raise self._empty_error()
        return shapes

    def output_types(self) -> list[np.dtype]:
        """The NumPy dtype of each column in the first row; strings have no length in it."""
        with host_random_kept():
            first = next(self._rows(self._peek_pass()), None)
        if first is None:
            raise self._empty_error()
        return [np.dtype(c.dtype.kind) if c.dtype.kind in "US" else c.dtype for c in first]

    # Epochs.

    @property
    def epochs_begun(self) -> int:
        """How many epochs were begun since the seed was set; the number of the next one, from 0."""
        self._follow_seed()
        return self._epochs_read

    @epochs_begun.setter
    def epochs_begun(self, count: int) -> None:
        self._epochs_read = count

    def _next_pass(self) -> tuple[Pass, int]:
        """The pass to read now, and how many of its rows are to be passed over."""
        run = replace(self._peek_pass(), peek=False)
        start, self._rows_used = self._rows_used, 0
        self._epochs_read += 1
        return run, start

    def _peek_pass(self) -> Pass:
        """The pass that the next epoch will be, without counting it."""
        self._follow_seed()
        if self._root_seed is None and self._drawn_seed is None:
            self._drawn_seed = int(np.random.default_rng().integers(2**63))
        streams = {} if self._root_seed is not None else {id(owner): i for i, owner in enumerate(self._all_owners())}
        depths: dict[int, int] = {}
        self._add_depths(depths)
        return Pass(
            self._root_seed, self._epochs_read, peek=True, drawn=self._drawn_seed, streams=streams, depths=depths
        )

    def _continue(self, seed: int | None, drawn: int | None, epoch: int, rows: int) -> None:
        """Read `epoch` next, without its first `rows` rows, under these seeds; until a seed is set again."""
        self._seed_generation = config.generation()
        self._root_seed, self._drawn_seed = seed, drawn
        self._epochs_read, self._rows_used = epoch, rows

    def _follow_seed(self) -> None:
        """Begin again with epoch 0 where a seed was set meanwhile."""
        if self._seed_generation != config.generation():
            self._seed_generation, self._root_seed = config.generation(), config.current_seed()
            self._epochs_read = self._rows_used = 0

    def _all_owners(self) -> Iterator[object]:
        yield from self._random_owners()
        for child in self._before:
            yield from child._all_owners()

    def _add_depths(self, depths: dict[int, int]) -> int:
        """Note what draws random numbers up to here, and return how many draw one after the other."""
        depth = max((child._add_depths(depths) for child in self._before), default=0)
        for owner in reversed(self._random_owners()):
            if getattr(owner, "draws", False):
                depths[id(owner)] = depth
                depth += 1
        return depth

    def _empty_error(self) -> DatasetError:
        reason = self._why_empty() or "it has no elements"
        return DatasetError(f"the dataset gave no batches: {reason}.")
