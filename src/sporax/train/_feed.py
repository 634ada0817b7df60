"""The batches of a run in stacks, and the position of a run in its data.

A position consists of the state of the source at the beginning of the current pass, the batch at which the current
stack begins, and the number of batches of the stack that were used. To resume, the stack is read again, so that the
following stacks are those of the uninterrupted run: on a CPU, convolutions in a stack are compiled together, and
another grouping of steps can change the last bits.
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


class _PassBegin:
    """The state at the beginning of a pass over the source."""

    __slots__ = ("random", "state")

    def __init__(self, state: Any, random: Any) -> None:
        self.state, self.random = state, random


class Stack:
    """Consecutive batches of one shape and dtype.

    Attributes:
        arrays: the batches, stacked on a new first axis.
        begin: the beginning of the pass.
        row: the number in the pass of the first batch of the stack.
        offset: number of batches of the stack before these.
        read: if stacks are read ahead, the number of the read; else 0.
        epochs: if stacks are read ahead, the number of epochs of the dataset begun when its first batch was read.
    """

    __slots__ = ("arrays", "begin", "epochs", "offset", "read", "row")

    read: int
    epochs: int | None

    def __init__(self, arrays: Sequence[np.ndarray], begin: _PassBegin, row: int, offset: int = 0) -> None:
        self.arrays, self.begin, self.row, self.offset = arrays, begin, row, offset
        self.read, self.epochs = 0, None

    def part(self, start: int, stop: int) -> Stack:
        """Return the batches from `start` to `stop`."""
        part = Stack([array[start:stop] for array in self.arrays], self.begin, self.row, self.offset + start)
        part.read, part.epochs = self.read, self.epochs
        return part

    def __len__(self) -> int:
        return len(self.arrays[0])


class Feed:
    """The epochs of a run.

    Args:
        source: the dataset, from `_source.as_source`.
        where: the name of the run in messages.
        steps: with data sinking, the number of batches in an epoch; 0 for the size of the dataset.
        keeps: whether positions within a pass are needed.
    """

    def __init__(self, source: Any, where: str, steps: int, keeps: bool) -> None:
        self.source, self._where, self.steps, self._keeps = source, where, steps, keeps
        self.size, self._cut = _source.expected_size(source, cut=not steps)
        self.stack_size = 0
        """With data sinking: the number of batches in a stack, after the first was read; else 0."""
        self._endless: Iterator[tuple[_PassBegin, int, Batch]] | None = None
        self._latest: tuple[_PassBegin, int, Batch] | None = None
        self._resumed: dict[str, Any] | None = None
        self._pass_to_resume: dict[str, Any] | None = None
        self._passes = 1
        self._reads = 0
        self._random_before_read: Any = None
        self._epochs_to_restore: int | None = None
        self._random_after_read: Any = None
        """In a resumed run: the random state to set after its next read, which includes draws of callbacks."""

    def set_sizes(self, params: Any) -> None:
        """Set the number of steps of an epoch for callbacks, or a function that counts them if it is unknown."""
        size = self.steps or self.size
        if size is None:
            params.count_batches = self.source.get_dataset_size
            # Known if the user counted before.
            size = self.source.dataset_size_hint()
        if size is not None:
            params.batch_num = size

    @property
    def counts(self) -> bool:
        """Whether the number of batches of an epoch is known only after reading it."""
        return not self.steps and self.size is None

    # --- position ---------------------------------------------------------------------------------------------

    def position(self, stack: Stack | None, used: int) -> dict[str, Any]:
        """Return the position of the run.

        Args:
            stack: the current stack; None between epochs.
            used: number of its batches that were used.
        """
        random, random_after, epochs = host_random_state(), None, self._epochs_begun()
        if stack is not None:
            batch = [array[used - 1] for array in stack.arrays]
            begin, row, used = stack.begin, stack.row, stack.offset + used
            if stack.read:
                epochs = stack.epochs
                if stack.read < self._reads:
                    # The next stack was read already; the resumed run has to read it again.
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
        """Begin or continue the next epoch at a position."""
        self._resumed, self._endless, self._latest = position, None, None
        self._pass_to_resume = position
        self._epochs_to_restore = position.get("epochs")
        _source.batches_from(self.source, position["source"], position["row"])
        if position["used"]:
            self.stack_size = position["stack_size"]
        set_host_random_state(position["random"])

    def _reached_position(self, batch: Sequence[np.ndarray]) -> None:
        """Restore the random state after the batches before the position were read; `batch` is the last of them."""
        position, self._resumed = self._resumed, None
        assert position is not None
        if _checksum(batch) != position["checksum"]:
            warnings.warn(
                "the last batch used before the interruption differs when it is read again: the data changed, or the "
                "dataset draws random numbers from generators other than NumPy's global one and those of "
                "sporax.dataset, or callbacks draw from NumPy's between batches. The run continues, but its results "
                "may differ from those of the uninterrupted run. If an object in the pipeline has its own generator, "
                "give it `state_dict()` and `load_state_dict(state)`.",
                ResumeWarning,
                stacklevel=2,
            )
        set_host_random_state(position["random"])
        self._random_after_read = position["random_after"]
        self._restore_epochs()

    def _restore_epochs(self) -> None:
        """Restore the number of epochs begun, including those that a validation or a callback read in this pass."""
        epochs, self._epochs_to_restore = self._epochs_to_restore, None
        if epochs is not None:
            self.source.epochs_begun = epochs

    def _epochs_begun(self) -> int | None:
        return self.source.epochs_begun if isinstance(self.source, Dataset) else None

    # --- epochs -----------------------------------------------------------------------------------------------

    def plain(self, epoch: int, count: int) -> Iterator[Stack]:
        """Iterate over one epoch in stacks of up to `count` if stacking does not copy, else batch by batch."""
        return self._checked(self._columnar(count) if self._gives_stacks else self._single(), epoch)

    @property
    def _gives_stacks(self) -> bool:
        """Whether the source stacks batches itself, usually without a copy."""
        skips = isinstance(self.source, Dataset) or self._resumed is None
        return skips and getattr(self.source, "columnar", False) and hasattr(self.source, "stacked_batches")

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Iterate over one epoch, batch by batch."""
        for stack in self._checked(self._single(), epoch):
            yield tuple([array[0] for array in stack.arrays])

    def sunk(self, epoch: int, done: int, size_of: Callable[[Batch], int]) -> Iterator[Stack]:
        """Iterate over one epoch in stacks, each for one call of the device.

        Args:
            epoch: the number of the epoch.
            done: number of its steps done before.
            size_of: returns the maximum number of batches in a stack for the shape of a batch.
        """
        if self.steps:
            return self._read_ahead(self._from_endless(done, size_of))
        if self._gives_stacks and (self.stack_size or isinstance(self.source, Dataset)):
            stacks = self._columnar(self.stack_size or (lambda batch: self._stack_size_for(batch, size_of)))
        else:
            stacks = self._stacked(self._pass(), lambda batch: self._stack_size_for(batch, size_of))
        return self._read_ahead(self._checked(stacks, epoch))

    def _stack_size_for(self, batch: Batch, size_of: Callable[[Batch], int]) -> int:
        if not self.stack_size:
            count = size_of(batch)
            # Stacks of nearly equal size, so that at most two programs are compiled.
            self.stack_size = count if not self.size or self.steps else -(-self.size // -(-self.size // count))
        return self.stack_size

    def _begin(self) -> _PassBegin:
        if not self._keeps:
            return _PassBegin(None, None)
        # An iterable whose column names were read has already begun its first pass.
        random = getattr(self.source, "begin_random", None) or host_random_state()
        return _PassBegin(_source.state_of(self.source), random)

    def _enter(self) -> tuple[int, _PassBegin]:
        """Begin a pass; the first after `go_to` begins at its row, with the random state of its beginning."""
        position, self._pass_to_resume = self._pass_to_resume, None
        if position is not None and position["used"] and position["begin_random"] is not None:
            set_host_random_state(position["begin_random"])
        return (0 if position is None else position["row"]), self._begin()

    def _columnar(self, count: int | Callable[[Batch], int]) -> Iterator[Stack]:
        row, begin = self._enter()
        for rows, arrays in self.source.stacked_batches(count):
            yield Stack(arrays, begin, row)
            row += rows

    def _pass(self) -> Iterator[tuple[_PassBegin, int, Batch]]:
        """Iterate over the batches of a pass, with its beginning and their numbers."""
        first, begin = self._enter()
        rows = _source.batches(self.source)
        if first and begin.state is None and self._keeps:
            # A source whose position cannot be restored.
            rows = islice(rows, first, None)
        for row, batch in enumerate(rows, first):
            yield begin, row, batch

    def _single(self) -> Iterator[Stack]:
        """Yield each batch as a stack of one."""
        for begin, row, batch in self._pass():
            yield Stack([array[np.newaxis] for array in batch], begin, row)

    def _stacked(
        self, rows: Iterable[tuple[_PassBegin, int, Batch]], count: int | Callable[[Batch], int]
    ) -> Iterator[Stack]:
        """Stack batches, up to `count` of equal shape and dtype."""
        pending: list[Batch] = []
        begin, first, size = _PassBegin(None, None), 0, 0
        for each in rows:
            batch = each[2]
            if not pending:
                begin, first = each[0], each[1]
                size = count(batch) if callable(count) else count
            elif [(a.shape, a.dtype) for a in batch] != [(a.shape, a.dtype) for a in pending[0]]:
                yield _stack_of(pending, begin, first)
                pending, begin, first = [], each[0], each[1]
            pending.append(batch)
            if len(pending) == size:
                yield _stack_of(pending, begin, first)
                pending = []
        if pending:
            yield _stack_of(pending, begin, first)

    def _checked(self, stacks: Iterator[Stack], epoch: int) -> Iterator[Stack]:
        """Yield the stacks without the batches used before, and check the number of batches."""
        size, done = self.size, 0
        if self._resumed is not None:
            done = self._resumed["row"] + self._resumed["used"]
            if self._resumed["used"]:
                rest = self._remainder(stacks)
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
                f"{self._where}: the dataset gave no batches in epoch {epoch}. Make its `__iter__` start from the "
                "first batch each time, as a generator function does."
            )

    def _remainder(self, stacks: Iterator[Stack]) -> Stack:
        """Return the unused batches of the stack that contains the position."""
        assert self._resumed is not None
        stack, used = next(stacks, None), self._resumed["used"]
        if stack is None or len(stack) < used:
            raise DatasetError(
                f"{self._where}: {self._resumed['row'] + used} batches of the epoch were used before the "
                "interruption, but the dataset has fewer now. It was changed, or it cannot be iterated again. Delete "
                "the backup to train from the beginning."
            )
        self._reached_position([array[used - 1] for array in stack.arrays])
        return stack.part(used, len(stack))

    def _wrong_size(self, received: str, epoch: int) -> DatasetError:
        return DatasetError(
            f"{self._where}: an epoch has {self.size} batches according to the dataset, but it gave {received} in "
            f"epoch {epoch}. Make `__len__` (or `get_dataset_size`) return the number of batches of each epoch, or "
            "remove `__len__`; and make `__iter__` start from the first batch each time."
        )

    # --- epochs of a given number of steps --------------------------------------------------------------------

    def _from_endless(self, done: int, size_of: Callable[[Batch], int]) -> Iterator[Stack]:
        if self._endless is None:
            self._endless = self._all_passes()
        rows, used = self._endless, 0
        if self._resumed is not None:
            used = self._resumed["used"]
            if used and not done:
                # Between two epochs, a new stack begins after the position.
                batch: Batch = ()
                for _ in range(used):
                    batch = next(rows)[2]
                self._reached_position(batch)
                used = 0
            elif not used:
                self._resumed = None
        # The used part of the current stack is read again, so it is added to the remaining steps.
        limit = self.steps - done + used
        stacks = self._stacked(self._up_to(rows, limit), lambda batch: self._stack_size_for(batch, size_of))
        if self._resumed is not None:
            rest = self._remainder(stacks)
            if len(rest):
                yield rest
        yield from stacks

    def _up_to(
        self, rows: Iterator[tuple[_PassBegin, int, Batch]], count: int
    ) -> Iterator[tuple[_PassBegin, int, Batch]]:
        for _ in range(count):
            self._latest = next(rows)
            yield self._latest

    def _all_passes(self) -> Iterator[tuple[_PassBegin, int, Batch]]:
        """Iterate over the batches of consecutive passes."""
        while True:
            row = 0 if self._pass_to_resume is None else self._pass_to_resume["row"]
            for each in self._pass():
                row = each[1] + 1
                if self.size is not None and row > self.size:
                    raise self._wrong_size(f"at least {row}", self._passes)
                # Before the next pass begins, which may be within the stack that is read again.
                self._restore_epochs()
                yield each
            if not row:
                raise DatasetError(f"{self._where}: the dataset gave no batches in its epoch {self._passes}.")
            if self.size is not None and row < self.size:
                raise self._wrong_size(str(row), self._passes)
            self._passes += 1

    def _read_ahead(self, stacks: Iterator[Stack]) -> Iterator[Stack]:
        """Record what a position needs, since the next stack may already be read when the position is requested."""
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


def _stack_of(batches: Sequence[Batch], begin: _PassBegin, row: int) -> Stack:
    return Stack([np.stack(column) for column in zip(*batches, strict=True)], begin, row)


def aligned(stacks: Iterable[Stack], step: int, period: int) -> Iterator[Stack]:
    """Split the stacks so that one ends after every step whose number is a multiple of `period`.

    Args:
        stacks: the stacks.
        step: number of steps done before.
        period: number of steps.
    """
    for stack in stacks:
        start, rows = 0, len(stack)
        while start < rows:
            stop = min(rows, start + period - step % period)
            yield stack.part(start, stop)
            step += stop - start
            start = stop


def _checksum(batch: Sequence[np.ndarray]) -> int:
    """Return the CRC-32 of the bytes of a batch."""
    checksum = 0
    for array in batch:
        text = array.dtype.kind in "US"
        data = "\0".join(map(str, array.ravel().tolist())).encode() if text else array.tobytes()
        checksum = zlib.crc32(data, zlib.crc32(f"{array.dtype} {array.shape}".encode(), checksum))
    return checksum
