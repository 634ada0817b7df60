"""The batches of a run in stacks, and where in the data a run is.

A position names the source's state at the beginning of the pass that is read, the batch at which the present stack
begins, and how many batches of the stack were used. To go on from there the stack is read again, so that what follows
is stacked as it would have been: on a CPU, convolutions in a stack are compiled together, and another grouping of
steps can change the last bits.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from sporax._errors import DatasetError, ResumeWarning
from sporax._seed import host_random_state, set_host_random_state
from sporax.dataset import Dataset
from sporax.train import _source
from sporax.train._source import Batch


class _Begin:
    """The state at the beginning of a pass over the source."""

    __slots__ = ("random", "state")

    def __init__(self, state: Any, random: Any) -> None:
        self.state, self.random = state, random


class Stack:
    """Consecutive batches of one shape and dtype.

    Attributes:
        arrays: the batches, stacked on a new first axis.
        begin: the beginning of the pass.
        row: the number in its pass of the batch at which the stack began.
        offset: how many batches of the stack precede these.
        read: where reading runs ahead, the number of the read that gave it; else 0.
        epochs: where reading runs ahead, how many epochs of the dataset were begun when its first batch was read.
    """

    __slots__ = ("arrays", "begin", "epochs", "offset", "read", "row")

    read: int
    epochs: int | None

    def __init__(self, arrays: Sequence[np.ndarray], begin: _Begin, row: int, offset: int = 0) -> None:
        self.arrays, self.begin, self.row, self.offset = arrays, begin, row, offset
        self.read, self.epochs = 0, None

    def part(self, start: int, stop: int) -> Stack:
        """Some of the batches."""
        part = Stack([array[start:stop] for array in self.arrays], self.begin, self.row, self.offset + start)
        part.read, part.epochs = self.read, self.epochs
        return part

    def __len__(self) -> int:
        return len(self.arrays[0])


class Feed:
    """The epochs of a run.

    Args:
        source: the dataset, as `_source.as_source` gives it.
        where: what a message calls the run.
        steps: with data sinking, the number of batches that make an epoch, whatever the dataset's size; 0: the size.
        keeps: whether positions inside a pass are asked for.
    """

    def __init__(self, source: Any, where: str, steps: int, keeps: bool) -> None:
        self.source, self._where, self.steps, self._keeps = source, where, steps, keeps
        self.size, self._cut = _source.expected_size(source, cut=not steps)
        self.stack_size = 0
        """With data sinking: batches in a stack, once the first was seen."""
        self._endless: Iterator[tuple[_Begin, int, Batch]] | None = None
        self._latest: tuple[_Begin, int, Batch] | None = None
        self._resumed: dict[str, Any] | None = None
        self._to_enter: dict[str, Any] | None = None
        self._passes = 1
        self._reads = 0
        self._random_before_read: Any = None
        self._epochs_to_set: int | None = None
        self._random_after_read: Any = None
        """Of a run that goes on: what its next read leaves, callbacks' draws included."""

    def set_sizes(self, params: Any) -> None:
        """Show callbacks the number of steps of an epoch, or how to find it where it is not known yet."""
        size = self.steps or self.size
        if size is None:
            params.count_batches = self.source.get_dataset_size
            # Counted before, by the user.
            size = self.source.dataset_size_hint()
        if size is not None:
            params.batch_num = size

    @property
    def counts(self) -> bool:
        """Whether only reading an epoch tells how many batches it has."""
        return not self.steps and self.size is None

    # --- position ---------------------------------------------------------------------------------------------

    def position(self, stack: Stack | None, used: int) -> dict[str, Any]:
        """Where the run is.

        Args:
            stack: what is being trained on; None between epochs.
            used: how many batches of it were trained on.
        """
        random, random_after, epochs = host_random_state(), None, self._epochs_begun()
        if stack is not None:
            batch = [array[used - 1] for array in stack.arrays]
            begin, row, used = stack.begin, stack.row, stack.offset + used
            if stack.read:
                epochs = stack.epochs
                if stack.read < self._reads:
                    # What follows the stack was read already: the run that goes on has to read it again.
                    random, random_after = self._random_before_read, random
        elif self._latest is not None:
            (begin, row, batch), used = self._latest, 1
        else:
            return {"source": _source.state_of(self.source), "row": 0, "used": 0, "random": random}
        return {
            "source": begin.state,
            "row": row,
            "used": used,
            "begin_random": begin.random,
            "random": random,
            "random_after": random_after,
            "epochs": epochs,
            "checksum": _checksum(batch),
            "stack_size": self.stack_size,
        }

    def go_to(self, position: dict[str, Any]) -> None:
        """Have the next epoch begin, or go on, at a position."""
        self._resumed, self._endless, self._latest = position, None, None
        self._to_enter = position
        self._epochs_to_set = position.get("epochs")
        _source.batches_from(self.source, position["source"], position["row"])
        if position["used"]:
            self.stack_size = position["stack_size"]
        set_host_random_state(position["random"])

    def _arrived(self, batch: Sequence[np.ndarray]) -> None:
        """The batches before the position were read, of which this is the last."""
        position, self._resumed = self._resumed, None
        assert position is not None
        if _checksum(batch) != position["checksum"]:
            warnings.warn(
                "the last batch that was trained on before the interruption is not the same when it is read again: the "
                "data changed, or the dataset draws random numbers that are neither NumPy's global ones nor those of "
                "sporax.dataset, or callbacks draw from NumPy's between batches. The run goes on, but may not be what "
                "the uninterrupted run would have been. An object in the pipeline can keep a generator of its own: "
                "give it `state_dict()` and `load_state_dict(state)`.",
                ResumeWarning,
                stacklevel=2,
            )
        set_host_random_state(position["random"])
        self._random_after_read = position["random_after"]
        self._set_epochs()

    def _set_epochs(self) -> None:
        """Count the epochs of the dataset that a validation or a callback read since the present pass began."""
        epochs, self._epochs_to_set = self._epochs_to_set, None
        if epochs is not None:
            self.source.epochs_begun = epochs

    def _epochs_begun(self) -> int | None:
        return self.source.epochs_begun if isinstance(self.source, Dataset) else None

    # --- epochs -----------------------------------------------------------------------------------------------

    def plain(self, epoch: int, count: int) -> Iterator[Stack]:
        """One epoch, in stacks of up to `count` where stacking copies nothing, else batch by batch."""
        return self._checked(self._columnar(count) if self._gives_stacks else self._single(), epoch)

    @property
    def _gives_stacks(self) -> bool:
        """Whether the source stacks batches itself, mostly without a copy."""
        skips = isinstance(self.source, Dataset) or self._resumed is None
        return skips and getattr(self.source, "columnar", False) and hasattr(self.source, "stacked_batches")

    def batches(self, epoch: int) -> Iterator[Batch]:
        """One epoch, batch by batch."""
        for stack in self._checked(self._single(), epoch):
            yield tuple([array[0] for array in stack.arrays])

    def sunk(self, epoch: int, done: int, size_of: Callable[[Batch], int]) -> Iterator[Stack]:
        """One epoch, in stacks of as many batches as one call of the device holds.

        Args:
            epoch: its number.
            done: how many of its steps were done before.
            size_of: says for a batch how many of its shape a stack may hold.
        """
        if self.steps:
            return self._ahead(self._from_endless(done, size_of))
        if self._gives_stacks and (self.stack_size or isinstance(self.source, Dataset)):
            stacks = self._columnar(self.stack_size or (lambda batch: self._sized(batch, size_of)))
        else:
            stacks = self._stacked(self._pass(), lambda batch: self._sized(batch, size_of))
        return self._ahead(self._checked(stacks, epoch))

    def _sized(self, batch: Batch, size_of: Callable[[Batch], int]) -> int:
        if not self.stack_size:
            count = size_of(batch)
            # Stacks of nearly one size, so that at most two programs are compiled.
            self.stack_size = count if not self.size or self.steps else -(-self.size // -(-self.size // count))
        return self.stack_size

    def _begin(self) -> _Begin:
        if not self._keeps:
            return _Begin(None, None)
        # An iterable that is read for its column names has begun its first pass by then.
        random = getattr(self.source, "begin_random", None) or host_random_state()
        return _Begin(_source.state_of(self.source), random)

    def _enter(self) -> tuple[int, _Begin]:
        """Begin to read a pass; the first after `go_to` begins at a row, with the random states of its beginning."""
        position, self._to_enter = self._to_enter, None
        if position is not None and position["used"] and position["begin_random"] is not None:
            set_host_random_state(position["begin_random"])
        return (0 if position is None else position["row"]), self._begin()

    def _columnar(self, count: int | Callable[[Batch], int]) -> Iterator[Stack]:
        row, begin = self._enter()
        for rows, arrays in self.source.stacked_batches(count):
            yield Stack(arrays, begin, row)
            row += rows

    def _opened(self) -> tuple[int, _Begin, Iterator[Batch]]:
        """The batches of a pass, from where it is to be entered."""
        row, begin = self._enter()
        rows = _source.batches(self.source)
        if row and begin.state is None and self._keeps:
            # A source that cannot be told where to start.
            rows = islice(rows, row, None)
        return row, begin, rows

    def _pass(self) -> Iterator[tuple[_Begin, int, Batch]]:
        start, begin, rows = self._opened()
        for row, batch in enumerate(rows, start):
            yield begin, row, batch

    def _single(self) -> Iterator[Stack]:
        """Each batch as a stack of one."""
        start, begin, rows = self._opened()
        for row, batch in enumerate(rows, start):
            yield Stack([array[np.newaxis] for array in batch], begin, row)

    def _stacked(
        self, rows: Iterable[tuple[_Begin, int, Batch]], count: int | Callable[[Batch], int]
    ) -> Iterator[Stack]:
        """Batches stacked, up to `count` of one shape and dtype."""
        held: list[Batch] = []
        begin, first, size = _Begin(None, None), 0, 0
        for each in rows:
            batch = each[2]
            if not held:
                begin, first = each[0], each[1]
                size = count(batch) if callable(count) else count
            elif [(a.shape, a.dtype) for a in batch] != [(a.shape, a.dtype) for a in held[0]]:
                yield Stack([np.stack(column) for column in zip(*held, strict=True)], begin, first)
                held, begin, first = [], each[0], each[1]
            held.append(batch)
            if len(held) == size:
                yield Stack([np.stack(column) for column in zip(*held, strict=True)], begin, first)
                held = []
        if held:
            yield Stack([np.stack(column) for column in zip(*held, strict=True)], begin, first)

    def _checked(self, stacks: Iterator[Stack], epoch: int) -> Iterator[Stack]:
        """The stacks without what was used before; as many batches as the dataset said."""
        size, done = self.size, 0
        if self._resumed is not None:
            done = self._resumed["row"] + self._resumed["used"]
            if self._resumed["used"]:
                rest = self._rest(stacks)
                if len(rest):
                    stacks = chain((rest,), stacks)
            else:
                self._resumed = None
        for stack in stacks:
            done += len(stack)
            if size is not None and done > size:
                if not self._cut:
                    raise self._wrong_size(f"at least {size + 1}", epoch)
                part = stack.part(0, len(stack) - (done - size))
                if len(part):
                    yield part
                return
            yield stack
            if self._cut and done == size:
                return
        if size is not None and done < size:
            raise self._wrong_size(str(done), epoch)
        if not done:
            raise DatasetError(
                f"{self._where}: the dataset gave no batches in epoch {epoch}. Have its `__iter__` start from the "
                "first batch each time, as a generator function does."
            )

    def _rest(self, stacks: Iterator[Stack]) -> Stack:
        """What is left of the stack in which the position is."""
        assert self._resumed is not None
        stack, used = next(stacks, None), self._resumed["used"]
        if stack is None or len(stack) < used:
            raise DatasetError(
                f"{self._where}: {self._resumed['row'] + used} batches of the epoch were trained on before the "
                "interruption, but the dataset does not give that many now. It was changed, or it cannot be started "
                "again. Delete the backup to train from the beginning."
            )
        self._arrived([array[used - 1] for array in stack.arrays])
        return stack.part(used, len(stack))

    def _wrong_size(self, received: str, epoch: int) -> DatasetError:
        return DatasetError(
            f"{self._where}: the dataset says that an epoch has {self.size} batches, but in epoch {epoch} it gave "
            f"{received}. Have `__len__` (or `get_dataset_size`) say how many each epoch gives, or leave `__len__` "
            "out; and have `__iter__` start from the first batch each time."
        )

    # --- an epoch of so many steps ----------------------------------------------------------------------------

    def _from_endless(self, done: int, size_of: Callable[[Batch], int]) -> Iterator[Stack]:
        if self._endless is None:
            self._endless = self._batch_after_batch()
        rows, used = self._endless, 0
        if self._resumed is not None:
            used = self._resumed["used"]
            if used and not done:
                # Between two epochs: stacks begin again after the position.
                batch: Batch = ()
                for _ in range(used):
                    batch = next(rows)[2]
                self._arrived(batch)
                used = 0
            elif not used:
                self._resumed = None
        # A stack may be more of the epoch than what is left: the part of it that was used is read again.
        limit = self.steps - done + used
        stacks = self._stacked(self._up_to(rows, limit), lambda batch: self._sized(batch, size_of))
        if self._resumed is not None:
            rest = self._rest(stacks)
            if len(rest):
                yield rest
        yield from stacks

    def _up_to(self, rows: Iterator[tuple[_Begin, int, Batch]], count: int) -> Iterator[tuple[_Begin, int, Batch]]:
        for _ in range(count):
            self._latest = next(rows)
            yield self._latest

    def _batch_after_batch(self) -> Iterator[tuple[_Begin, int, Batch]]:
        """Pass after pass."""
        while True:
            row = 0 if self._to_enter is None else self._to_enter["row"]
            for each in self._pass():
                row = each[1] + 1
                if self.size is not None and row > self.size:
                    raise self._wrong_size(f"at least {row}", self._passes)
                # Before the next pass begins, which may be inside the stack that is read again.
                self._set_epochs()
                yield each
            if not row:
                raise DatasetError(f"{self._where}: the dataset gave no batches in epoch {self._passes} of its own.")
            if self.size is not None and row < self.size:
                raise self._wrong_size(str(row), self._passes)
            self._passes += 1

    def _ahead(self, stacks: Iterator[Stack]) -> Iterator[Stack]:
        """Note what a position needs to know of the reading: when it is asked for, the next stack may be read."""
        return self._numbered(stacks) if self._keeps else stacks

    def _numbered(self, stacks: Iterator[Stack]) -> Iterator[Stack]:
        while True:
            self._reads += 1
            self._random_before_read = host_random_state()
            epochs = self._epochs_begun()
            stack = next(stacks, None)
            if self._random_after_read is not None and (stack is None or not stack.offset):
                set_host_random_state(self._random_after_read)
                self._random_after_read = None
            if stack is None:
                return
            stack.read = self._reads
            if epochs is not None:
                stack.epochs = max(epochs, stack.begin.state["epoch"] + 1)
            yield stack


def aligned(stacks: Iterable[Stack], step: int, period: int) -> Iterator[Stack]:
    """The same stacks, cut so that one ends after every step whose number `period` divides; `step` were done."""
    for stack in stacks:
        start, rows = 0, len(stack)
        while start < rows:
            stop = min(rows, start + period - step % period)
            yield stack.part(start, stop)
            step += stop - start
            start = stop


def _checksum(batch: Sequence[np.ndarray]) -> int:
    """CRC-32 of the bytes of a batch."""
    checksum = 0
    for array in batch:
        text = array.dtype.kind in "US"
        data = "\0".join(map(str, array.ravel().tolist())).encode() if text else array.tobytes()
        checksum = zlib.crc32(data, zlib.crc32(f"{array.dtype} {array.shape}".encode(), checksum))
    return checksum
