"""Base of the operations of a pipeline: how they are read, and the properties that follow."""

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
from sporax.dataset.plan._blocks import Block, block_rows, grouped, row_block, skipped
from sporax.dataset.plan._dicts import output_rows
from sporax.dataset.plan._pass import Pass, SplitSeed
from sporax.dataset.plan._plan import Plan
from sporax.dataset.plan._values import Row


class Node:
    """An operation of a pipeline, with the operations that it reads.

    A subclass sets `_names` and `_children`, and implements `_length` and one of `_plan` (elements at known indices;
    `_indexable` is then true), `_blocks` (stacked elements; `_columnar` is then true) or `_rows` (elements one by one
    in Python). The default implementations of the other methods call the one implemented.
    """

    _names: tuple[str, ...] = ()
    _children: tuple[Node, ...] = ()
    """The operations that this one reads."""
    _epochs_read = 0
    _seed_generation: tuple[int, int] | None = None
    _root_seed: int | None = None
    _drawn_seed: int | None = None
    """The seed of the random orders if the user set none."""
    _rows_used = 0
    """Number of rows of the next epoch that the resumed run has used already."""
    _split_seed: SplitSeed | None = None
    """For a part of a `split`: the seed of the order that the parts share."""
    _counted: int | None = None
    _code_of_arguments: dict[str, str] | None = None
    """Texts for the code of the user's functions, at the beginning of a run that is saved."""

    # --- implemented by operations ----------------------------------------------------------------------------

    @property
    def _indexable(self) -> bool:
        """Whether `_plan` is available: the elements can be read at any index, in any order."""
        return False

    @property
    def _columnar(self) -> bool:
        """Whether `_blocks` yields many elements at a time and runs no Python code per element."""
        return False

    @property
    def columnar(self) -> bool:
        """Whether `stacked_batches` runs no Python code per element; most stacks are then views."""
        return self._columnar

    def _plan(self, run: Pass) -> Plan:
        raise NotImplementedError

    draws = False
    """Whether the operation draws random numbers from its `Pass`."""

    def _random_owners(self) -> list[object]:
        """Return the objects that may draw random numbers for this operation; the last draws first."""
        return [self]

    def _user_objects(self) -> list[object]:
        """Return the user's objects that this operation calls; they may have their own state."""
        return []

    def _sample(self, count: int) -> list[Row]:
        """Return up to `count` elements by which a resumed run recognises a source in memory; else an empty list."""
        return []

    def _check_order(self, where: str) -> None:
        """Raise `DatasetError` if a user's sampler returns a different order each time it is iterated."""
        for child in self._children:
            child._check_order(where)

    def _planned(self, run: Pass) -> Plan:
        """Return the plan of a pass; it reuses the plan of a probe, so that a user's sampler runs once."""
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
        """Yield stacked elements. The operations that follow group multiples of `quantum` elements."""
        if not self._indexable:
            return map(row_block, self._rows(run))
        plan = self._planned(run)
        return plan.blocks(quantum) if plan.source.columnar else map(row_block, plan.rows())

    def _rows_from(self, run: Pass, start: int) -> Iterator[Row]:
        """Yield the rows but the first `start`. These are skipped by index if no Python code runs per element.

        Otherwise they are read and dropped, since a user's source or function may draw random numbers for each element.
        """
        plan = self._plan_from(run, start)
        if plan is not None:
            return plan.rows()
        rows = self._rows(run)
        return islice(rows, start, None) if start else rows

    def _blocks_from(self, run: Pass, quantum: int, start: int) -> Iterator[Block]:
        """Yield the blocks without the first `start` elements."""
        plan = self._plan_from(run, start)
        if plan is not None:
            return plan.blocks(quantum) if plan.source.columnar else map(row_block, plan.rows())
        blocks = self._blocks(run, quantum)
        return skipped(blocks, start) if start else blocks

    def _plan_from(self, run: Pass, start: int) -> Plan | None:
        """Return the plan without the first `start` elements; None if they must be read, or `start` is 0."""
        if not start or not self._indexable or not self._columnar:
            return None
        plan = self._planned(run)
        return plan.select(range(start, max(start, len(plan.order))))

    def _length(self, endless: float = math.inf) -> float | None:
        """Return the number of elements in an epoch; None if only a pass can tell.

        An endless `repeat()` counts as `endless` repetitions.
        """
        raise NotImplementedError

    def _why_empty(self) -> str:
        """Return the likely reason for an empty epoch if this operation knows it, else an empty string."""
        return next(filter(None, [child._why_empty() for child in self._children]), "")

    # --- reading ----------------------------------------------------------------------------------------------

    def epoch(self, reader: Node | None = None) -> Iterator[Row]:
        """Return an iterator over the rows of the next epoch: tuples of arrays; dict columns hold dicts of arrays.

        Args:
            reader: an operation on this dataset through which the epoch is read, such as a selection of columns.

        Raises:
            DatasetError: the epoch is empty.
        """
        run, start = self._next_pass()
        reader = self if reader is None else reader
        if reader._columnar:
            rows = chain.from_iterable(map(block_rows, reader._blocks_from(run, 1, start)))
        else:
            rows = output_rows(reader._rows_from(run, start))
        first = next(rows, None)
        if first is None:
            if start:
                return iter(())
            raise self._empty_error()
        return chain((first,), rows)

    def stacked_batches(self, count: int | Callable[[Row], int]) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
        """Iterate over the batches of the next epoch in stacks of up to `count`, for training with data sinking.

        Consecutive batches of equal shape and dtype share a stack; another shape starts a new stack.
        Stacks of a columnar pipeline are views.

        Args:
            count: the maximum number of batches in a stack, at least 1; or a function that returns it for the first
                batch.

        Returns:
            Iterator of (n, arrays), n <= count; each array has the shape (n, *batch shape).

        Raises:
            DatasetError: the epoch is empty.

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
                # The user's Python code must run once per row, so the first row is not read again.
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

    # --- properties -------------------------------------------------------------------------------------------

    def get_col_names(self) -> list[str]:
        """Return the names of the columns."""
        return list(self._names)

    def get_dataset_size(self) -> int:
        """Return the number of rows (batches, after `batch`) in an epoch.

        If only a pass can tell (a generator function, `filter`), one pass is made, and the result is kept. An endless
        `repeat()` counts as one repetition.
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
        """Whether the size is known without a pass, so that every epoch has it."""
        return self._length() not in (None, math.inf)

    @property
    def endless(self) -> bool:
        """Whether an epoch is endless: the pipeline has a `repeat()` without a count."""
        return self._length() == math.inf

    def dataset_size_hint(self) -> int | None:
        """Return `get_dataset_size()` if it is known without a pass; None if it is not, or the dataset is endless."""
        length = self._length()
        if length is None:
            return self._counted
        return None if length == math.inf else int(length)

    def get_batch_size(self) -> int:
        """Return the size given to the last `batch`; 1 without `batch`."""
        return self._children[0].get_batch_size() if self._children else 1

    def get_repeat_count(self) -> int:
        """Return the count given to the last `repeat`; -1 if it is endless, 1 without `repeat`."""
        return self._children[0].get_repeat_count() if self._children else 1

    def output_shapes(self, estimate: bool = False) -> list[list[int | None]]:
        """Return the shape of each column in the first row, as lists.

        Args:
            estimate: read a whole epoch, and return None for each size that varies.

        Raises:
            DatasetError: the dataset is empty.
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
                        "of different rank, so it has no common shape."
                    )
                shape[:] = [a if a == b else None for a, b in zip(shape, column.shape, strict=True)]
            if not estimate:
                break
        if shapes is None:
            raise self._empty_error()
        return shapes

    def output_types(self) -> list[np.dtype]:
        """Return the NumPy dtype of each column in the first row; string dtypes without a length."""
        with host_random_kept():
            first = next(self._rows(self._peek_pass()), None)
        if first is None:
            raise self._empty_error()
        return [np.dtype(c.dtype.kind) if c.dtype.kind in "US" else c.dtype for c in first]

    # --- epochs -----------------------------------------------------------------------------------------------

    @property
    def epochs_begun(self) -> int:
        """Number of epochs begun since the seed was set, which is the number of the next epoch, counted from 0."""
        self._follow_seed()
        return self._epochs_read

    @epochs_begun.setter
    def epochs_begun(self, count: int) -> None:
        self._epochs_read = count

    def _next_pass(self) -> tuple[Pass, int]:
        """Return the pass to read now, and the number of its rows to skip."""
        run = replace(self._peek_pass(), peek=False)
        start, self._rows_used = self._rows_used, 0
        self._epochs_read += 1
        return run, start

    def _peek_pass(self) -> Pass:
        """Return the pass over the next epoch without counting it as begun."""
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
        """Read `epoch` next, without its first `rows` rows, with these seeds, until a seed is set again."""
        self._seed_generation = config.generation()
        self._root_seed, self._drawn_seed = seed, drawn
        self._epochs_read, self._rows_used = epoch, rows

    def _follow_seed(self) -> None:
        """Start again with epoch 0 if a seed was set since the last call."""
        if self._seed_generation != config.generation():
            self._seed_generation, self._root_seed = config.generation(), config.current_seed()
            self._epochs_read = self._rows_used = 0

    def _all_owners(self) -> Iterator[object]:
        yield from self._random_owners()
        for child in self._children:
            yield from child._all_owners()

    def _add_depths(self, depths: dict[int, int]) -> int:
        """Record the depth of each object that draws random numbers, and return the number of consecutive draws."""
        depth = max((child._add_depths(depths) for child in self._children), default=0)
        for owner in reversed(self._random_owners()):
            if getattr(owner, "draws", False):
                depths[id(owner)] = depth
                depth += 1
        return depth

    def _empty_error(self) -> DatasetError:
        reason = self._why_empty() or "it has no elements"
        return DatasetError(f"the dataset gave no batches: {reason}.")
