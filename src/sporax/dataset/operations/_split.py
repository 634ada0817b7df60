"""`split`: parts of a dataset that share no row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.dataset import config
from sporax.dataset.operations._base import Unchanged
from sporax.dataset.operations._rows import Shuffle, Skip, Take
from sporax.dataset.plan._blocks import Block
from sporax.dataset.plan._node import Node
from sporax.dataset.plan._pass import Pass, SplitSeed
from sporax.dataset.plan._plan import Plan
from sporax.dataset.plan._values import Row


class Frozen(Unchanged):
    """The child in the same order in every epoch, so that the parts of a `split` do not overlap."""

    def __init__(self, child: Node, seed: SplitSeed) -> None:
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


def split_parts(child: Node, sizes: Sequence[int | float], randomize: bool) -> tuple[list[Node], SplitSeed]:
    """Return the parts of `Dataset.split`, to be wrapped in `Frozen`, and the seed that they share."""
    _check.is_type(randomize, bool, name="randomize", where="split")
    counts = _part_sizes(sizes, child.get_dataset_size())
    child._check_order("split")
    seed = config.current_seed()
    if seed is None:
        seed = int(np.random.default_rng().integers(2**32))
    order = Shuffle(child, max(2, sum(counts))) if randomize else child
    parts: list[Node] = []
    start = 0
    for size in counts:
        parts.append(Take(Skip(order, start) if start else order, size))
        start += size
    return parts, SplitSeed(seed)


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
    for index in range(len(counts)):
        missing = total - sum(counts)
        counts[index] = max(1, counts[index] + (missing > 0) - (missing < 0))
    counts[int(np.argmax(counts))] += total - sum(counts)
    return counts
