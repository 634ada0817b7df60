"""One pass over a pipeline, and its random numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

_DRAWS = 1024
"""Random indices that `shuffled` draws at a time."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The epoch to read and its seed.

    If the user set a seed, an operation draws from (seed, epoch) and the number of random operations before it, so
    that two datasets of equal length that are shuffled separately and then zipped stay aligned, as in MindSpore.
    Otherwise the seed is `drawn`, and each operation has its own stream.
    """

    seed: int | None
    epoch: int
    peek: bool = False
    """Whether this pass only inspects the next epoch.

    It does not consume a one-shot iterator, and reads an endless `repeat()` once."""
    drawn: int | None = None
    """The seed that the dataset drew if the user set none. If it is None too, generators start from fresh entropy."""
    streams: Mapping[int, int] = field(default_factory=dict)
    """The number in the pipeline of each object that draws random numbers, by `id`."""
    depths: Mapping[int, int] = field(default_factory=dict)
    """For each object that draws random numbers, by `id`: how many others between the source and it draw."""
    plans: dict[tuple[int, int], Any] = field(default_factory=dict)
    """Plans computed by a probe, for the pass that follows it."""
    probe: bool = False
    """Whether this pass reads the first elements only; the pass that follows reuses its plans."""

    def rng(self, owner: object, default: int | None = None) -> np.random.Generator:
        """Return a generator for this epoch.

        Args:
            owner: the operation or sampler that draws.
            default: the seed if the user set none.
        """
        seed = default if self.seed is None else self.seed
        if seed is not None:
            # Two consecutive shuffles that draw the same numbers would apply the square of a permutation, which is not
            # uniformly random: for two elements it is always the identity.
            depth = self.depths.get(id(owner), 0)
            return np.random.default_rng((seed, self.epoch, depth) if depth else (seed, self.epoch))
        if self.drawn is not None:
            return np.random.default_rng((self.drawn, self.epoch, self.streams.get(id(owner), 0)))
        return np.random.default_rng()

    def at(self, epoch: int) -> Pass:
        """Return the pass over another epoch with the same seed."""
        return replace(self, epoch=epoch)


class SplitSeed:
    """The seed of the order that the parts of a `split` share.

    All parts hold the same object: when a resumed run restores the seed of the training part, the other parts use it
    too, so that no row is in two parts.
    """

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


def shuffled(items: Iterable[T], size: int, rng: np.random.Generator) -> Iterator[T]:
    """Shuffle through a buffer of `size` items.

    The buffer is filled first. Each further item replaces an item drawn at random, which is yielded; at the end the
    buffer is yielded in random order. If `size` is at least the number of items, the result is a uniformly random
    permutation, equal to `rng.permutation`.
    """
    source = iter(items)
    buffer = list(islice(source, size))
    if len(buffer) == size:
        draws: list[int] = []
        for item in source:
            if not draws:
                draws = rng.integers(size, size=_DRAWS).tolist()
            index = draws.pop()
            out, buffer[index] = buffer[index], item
            yield out
    for index in rng.permutation(len(buffer)):
        yield buffer[index]


def shuffled_indices(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the indices of `count` items in the order in which `shuffled` yields them."""
    if size >= count:
        return rng.permutation(count)
    return np.fromiter(shuffled(range(count), size, rng), dtype=np.intp, count=count)
