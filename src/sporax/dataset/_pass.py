"""One pass over a pipeline, and the random numbers that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

_DRAWS = 1024


@dataclass(frozen=True, slots=True)
class Pass:
    """Which epoch is read, and under which seed.

    Under a seed that the user set, an operation draws from (seed, epoch) and the number of random operations before
    it, so that two datasets of one length that are shuffled apart and then zipped stay aligned, as in MindSpore.
    Without one, `drawn` takes its place, and each operation has a stream of its own.
    """

    seed: int | None
    epoch: int
    peek: bool = False
    """Whether this only looks at what the epoch will be.

    An iterator that can be read once is then not used up, and a `repeat()` without end is read once."""
    drawn: int | None = None
    """The seed of a dataset where the user set none; with None too, each generator starts from fresh entropy."""
    streams: Mapping[int, int] = field(default_factory=dict)
    """For each object that draws random numbers, by `id`, its number in the pipeline."""
    depths: Mapping[int, int] = field(default_factory=dict)
    """For each object that draws random numbers, by `id`, how many others draw before it, from the source on."""
    plans: dict[tuple[int, int], Any] = field(default_factory=dict)
    """Plans made by a probe, for the pass that follows it."""
    probe: bool = False
    """Whether this looks at the first elements of the pass that follows, which takes over the plans."""

    def rng(self, owner: object, default: int | None = None) -> np.random.Generator:
        """A generator for this epoch.

        Args:
            owner: the operation or sampler that draws.
            default: the seed where the user set none.
        """
        seed = default if self.seed is None else self.seed
        if seed is not None:
            # Two shuffles, one after the other, that draw the same numbers give the square of a permutation, which is
            # not uniformly random: of two elements, it is always the identity.
            depth = self.depths.get(id(owner), 0)
            return np.random.default_rng((seed, self.epoch, depth) if depth else (seed, self.epoch))
        if self.drawn is not None:
            return np.random.default_rng((self.drawn, self.epoch, self.streams.get(id(owner), 0)))
        return np.random.default_rng()

    def at(self, epoch: int) -> Pass:
        """The same seed at another epoch."""
        return replace(self, epoch=epoch)


class SplitSeed:
    """The seed of the order that the parts of a `split` share.

    One object for all parts: when a resumed run restores the training part's seed, the other parts follow, so that no
    row is in two of them.
    """

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


def shuffled(items: Iterable[T], size: int, rng: np.random.Generator) -> Iterator[T]:
    """Shuffle through a buffer of `size` items.

    The buffer is filled; each further item takes the place of one drawn at random, which is given out; at
    the end the buffer is given out in random order. With `size` at or above the number of items, that is a
    uniformly random permutation, equal to `rng.permutation`.
    """
    source = iter(items)
    buffer = list(islice(source, size))
    if len(buffer) == size:
        draws: list[int] = []
        for item in source:
            if not draws:
                draws = rng.integers(size, size=_DRAWS).tolist()
            place = draws.pop()
            out, buffer[place] = buffer[place], item
            yield out
    for place in rng.permutation(len(buffer)):
        yield buffer[place]


def shuffled_positions(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """The order in which `shuffled` gives out `count` items, as positions."""
    if size >= count:
        return rng.permutation(count)
    return np.fromiter(shuffled(range(count), size, rng), dtype=np.intp, count=count)
