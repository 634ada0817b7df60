"""The samplers that come with the package."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError
from sporax.dataset._pass import Pass
from sporax.dataset._plan import Order
from sporax.dataset._sampling import BuiltinSampler, in_range
from sporax.dataset.config import UNSET_SEED

__all__ = [
    "DistributedSampler",
    "RandomSampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "SubsetSampler",
    "WeightedRandomSampler",
]


class SequentialSampler(BuiltinSampler):
    """The elements in their order, from `start_index` on.

    Args:
        start_index: the first element; None for 0.
        num_samples: how many at most; None for all.
    """

    def __init__(self, start_index: int | None = None, num_samples: int | None = None) -> None:
        super().__init__(num_samples)
        first = 0 if start_index is None else start_index
        self.start_index = _check.integer(first, name="start_index", where="SequentialSampler", minimum=0)

    def _count(self, size: int) -> int:
        return super()._count(max(0, size - self.start_index))

    def _indices(self, size: int, run: Pass) -> Order:
        if self.start_index >= size > 0:
            raise DatasetError(
                f"SequentialSampler: `start_index` must be less than the {size} elements of the source, "
                f"but got {self.start_index}."
            )
        return range(self.start_index, self.start_index + self._count(size))


class RandomSampler(BuiltinSampler):
    """The elements in random order, another one each epoch.

    Args:
        replacement: whether an element may come more than once.
        num_samples: how many at most; None for as many as there are. It never gives more than the source has.
    """

    draws = True

    def __init__(self, replacement: bool = False, num_samples: int | None = None) -> None:
        super().__init__(num_samples)
        self.replacement = _check.is_type(replacement, bool, name="replacement", where="RandomSampler")

    def _indices(self, size: int, run: Pass) -> Order:
        rng, count = run.rng(self), self._count(size)
        return rng.integers(size, size=count) if self.replacement and size else rng.permutation(size)[:count]


class SubsetSampler(BuiltinSampler):
    """The elements at the given indices, in the given order; an index may come more than once.

    Args:
        indices: an iterable of indices, or one index.
        num_samples: how many of them at most; None for all.
    """

    def __init__(self, indices: Iterable[int] | int, num_samples: int | None = None) -> None:
        super().__init__(num_samples)
        listed = list(indices) if isinstance(indices, Iterable) else [indices]
        where = type(self).__name__
        self.indices = np.array([_check.integer(index, name="indices", where=where) for index in listed], dtype=np.intp)

    def _count(self, size: int) -> int:
        return super()._count(len(self.indices))

    def _indices(self, size: int, run: Pass) -> Order:
        in_range(self.indices, size, type(self).__name__)
        return self.indices[: self._count(size)]


class SubsetRandomSampler(SubsetSampler):
    """The elements at the given indices in random order, another one each epoch.

    Args:
        indices: an iterable of indices.
        num_samples: how many of them at most, drawn at random; None for all.
    """

    draws = True

    def _indices(self, size: int, run: Pass) -> Order:
        in_range(self.indices, size, type(self).__name__)
        return run.rng(self).permutation(self.indices)[: self._count(size)]


class WeightedRandomSampler(BuiltinSampler):
    """Elements drawn with the given chances.

    Args:
        weights: the chance of each element, up to a common factor: not negative, not all 0. Elements beyond
            the last weight are never drawn.
        num_samples: how many at most; None for as many as the source has.
        replacement: whether an element may come more than once. Without it, elements of larger weight tend to
            come first, and no more can be drawn than have a weight above 0.
    """

    draws = True

    def __init__(self, weights: Iterable[float], num_samples: int | None = None, replacement: bool = True) -> None:
        super().__init__(num_samples)
        where = "WeightedRandomSampler"
        if not isinstance(weights, Iterable):
            raise ArgumentTypeError(f"{where}: `weights` must be a list of numbers, but got {type(weights).__name__}.")
        self.weights = np.array([_check.number(weight, name="weights", where=where, minimum=0.0) for weight in weights])
        if not np.any(self.weights > 0) or not np.all(np.isfinite(self.weights)):
            raise ArgumentError(f"{where}: `weights` must be finite with at least one above 0, but got {weights!r}.")
        self.replacement = _check.is_type(replacement, bool, name="replacement", where=where)

    def _indices(self, size: int, run: Pass) -> Order:
        if len(self.weights) > size:
            raise DatasetError(
                f"WeightedRandomSampler: there are {len(self.weights)} weights for a source of {size} "
                "elements. "
                "Give at most one weight for each element."
            )
        chances = self.weights / self.weights.sum()
        count, drawable = self._count(size), int(np.count_nonzero(chances))
        if not self.replacement and count > drawable:
            raise DatasetError(
                f"WeightedRandomSampler: {count} elements cannot be drawn without replacement where "
                f"{drawable} "
                f"have a weight above 0. Use num_samples={drawable} or less, or replacement=True."
            )
        return run.rng(self).choice(len(chances), size=count, replace=self.replacement, p=chances)


class DistributedSampler(BuiltinSampler):
    """Every `num_shards`-th element, from the `shard_id`-th on: one part for each of several processes.

    All shards draw the same order: from `config.set_seed`, or from a fixed seed where none was set.

    Args:
        num_shards: the number of parts.
        shard_id: which part, from 0.
        shuffle: whether the elements are put in random order, another one each epoch, before they are dealt.
        num_samples: how many at most; None for the whole part.
        offset: the shard that gets the first element. With -1 it is shard 0, and elements are used twice
            where that makes all parts of one size.
    """

    def __init__(
        self,
        num_shards: int,
        shard_id: int,
        shuffle: bool = True,
        num_samples: int | None = None,
        offset: int = -1,
    ) -> None:
        super().__init__(num_samples)
        where = "DistributedSampler"
        self.num_shards = _check.integer(num_shards, name="num_shards", where=where, minimum=1)
        self.shard_id = _check.integer(shard_id, name="shard_id", where=where, minimum=0)
        self.offset = _check.integer(offset, name="offset", where=where, minimum=-1)
        self.shuffle = self.draws = _check.is_type(shuffle, bool, name="shuffle", where=where)
        for name, value in (("shard_id", self.shard_id), ("offset", self.offset)):
            if value >= self.num_shards:
                raise ArgumentError(
                    f"{where}: `{name}` must be less than num_shards={self.num_shards}, but got {value}."
                )

    def _places(self, size: int) -> np.ndarray:
        if self.offset < 0:
            places = self.shard_id + self.num_shards * np.arange(-(-size // self.num_shards), dtype=np.intp)
            return places % max(size, 1)
        return np.arange((self.shard_id - self.offset) % self.num_shards, size, self.num_shards, dtype=np.intp)

    def _count(self, size: int) -> int:
        return super()._count(len(self._places(size)))

    def _indices(self, size: int, run: Pass) -> Order:
        places = self._places(size)[: self.num_samples]
        return run.rng(self, default=UNSET_SEED).permutation(size)[places] if self.shuffle else places
