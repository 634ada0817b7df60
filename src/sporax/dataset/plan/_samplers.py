"""Built-in samplers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError
from sporax.dataset.config import UNSET_SEED
from sporax.dataset.plan._pass import Pass
from sporax.dataset.plan._plan import Order
from sporax.dataset.plan._sampler import BuiltinSampler, check_range

__all__ = [
    "DistributedSampler",
    "RandomSampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "SubsetSampler",
    "WeightedRandomSampler",
]


class SequentialSampler(BuiltinSampler):
    """Elements in sequence, from `start_index` on.

    Args:
        start_index: the first element; None for 0.
        num_samples: maximum number of elements; None for all.
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
    """Elements in random order, a different one in each epoch.

    Args:
        replacement: whether an element may be drawn more than once.
        num_samples: maximum number of elements; None for the size of the source, which is never exceeded.
    """

    draws = True

    def __init__(self, replacement: bool = False, num_samples: int | None = None) -> None:
        super().__init__(num_samples)
        self.replacement = _check.is_type(replacement, bool, name="replacement", where="RandomSampler")

    def _indices(self, size: int, run: Pass) -> Order:
        rng, count = run.rng(self), self._count(size)
        return rng.integers(size, size=count) if self.replacement and size else rng.permutation(size)[:count]


class SubsetSampler(BuiltinSampler):
    """Elements at the given indices, in the given order; indices may be repeated.

    Args:
        indices: an iterable of indices, or one index.
        num_samples: maximum number of elements; None for all.
    """

    def __init__(self, indices: Iterable[int] | int, num_samples: int | None = None) -> None:
        super().__init__(num_samples)
        listed = list(indices) if isinstance(indices, Iterable) else [indices]
        where = type(self).__name__
        self.indices = np.array([_check.integer(index, name="indices", where=where) for index in listed], dtype=np.intp)

    def _count(self, size: int) -> int:
        return super()._count(len(self.indices))

    def _indices(self, size: int, run: Pass) -> Order:
        check_range(self.indices, size, type(self).__name__)
        return self.indices[: self._count(size)]


class SubsetRandomSampler(SubsetSampler):
    """Elements at the given indices in random order, a different one in each epoch.

    Args:
        indices: an iterable of indices.
        num_samples: maximum number of elements, drawn at random; None for all.
    """

    draws = True

    def _indices(self, size: int, run: Pass) -> Order:
        check_range(self.indices, size, type(self).__name__)
        return run.rng(self).permutation(self.indices)[: self._count(size)]


class WeightedRandomSampler(BuiltinSampler):
    """Elements drawn with the given weights.

    Args:
        weights: the weight of each element, proportional to its probability: not negative, not all 0. Elements
            without a weight are never drawn.
        num_samples: maximum number of elements; None for the size of the source.
        replacement: whether an element may be drawn more than once. Without replacement, elements of larger weight
            tend to come first, and only elements with a positive weight can be drawn.
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
                f"WeightedRandomSampler: there are {len(self.weights)} weights for a source of {size} elements. "
                "Give at most one weight for each element."
            )
        probabilities = self.weights / self.weights.sum()
        count, drawable = self._count(size), int(np.count_nonzero(probabilities))
        if not self.replacement and count > drawable:
            raise DatasetError(
                f"WeightedRandomSampler: {count} elements cannot be drawn without replacement, because only "
                f"{drawable} have a positive weight. Use num_samples={drawable} or less, or replacement=True."
            )
        return run.rng(self).choice(len(probabilities), size=count, replace=self.replacement, p=probabilities)


class DistributedSampler(BuiltinSampler):
    """Every `num_shards`-th element, starting with number `shard_id`: one shard for each of several processes.

    All shards draw the same order: from `config.set_seed`, or from a fixed seed if none was set.

    Args:
        num_shards: the number of shards.
        shard_id: the number of the shard to read, counted from 0.
        shuffle: whether the elements are shuffled, differently in each epoch, before they are distributed.
        num_samples: maximum number of elements; None for the whole shard.
        offset: the shard that gets the first element. With -1 it is shard 0, and elements are repeated to give all
            shards the same size.
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

    def _shard_indices(self, size: int) -> np.ndarray:
        if self.offset < 0:
            indices = self.shard_id + self.num_shards * np.arange(-(-size // self.num_shards), dtype=np.intp)
            return indices % max(size, 1)
        return np.arange((self.shard_id - self.offset) % self.num_shards, size, self.num_shards, dtype=np.intp)

    def _count(self, size: int) -> int:
        return super()._count(len(self._shard_indices(size)))

    def _indices(self, size: int, run: Pass) -> Order:
        indices = self._shard_indices(size)[: self.num_samples]
        return run.rng(self, default=UNSET_SEED).permutation(size)[indices] if self.shuffle else indices
