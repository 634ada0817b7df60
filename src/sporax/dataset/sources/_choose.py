"""The sampler that the arguments of a source describe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sporax import _check
from sporax._errors import ArgumentError
from sporax.dataset.plan._sampler import Sampler
from sporax.dataset.plan._samplers import DistributedSampler, RandomSampler, SequentialSampler


class IterableSampler(Sampler):
    """A sampler over any iterable of indices, or over an object with `__getitem__` and `__len__`.

    The iterable is iterated again for each epoch.
    """

    def __init__(self, indices: Any, num_samples: int | None = None) -> None:
        super().__init__(num_samples)
        self.given = indices

    @property
    def user_object(self) -> object:
        return self.given

    def count(self, size: int) -> int | None:
        try:
            count = len(self.given)
        except TypeError:
            return None
        return count if self.num_samples is None else min(count, self.num_samples)

    def __iter__(self) -> Iterator[int]:
        if isinstance(self.given, Iterable):
            return iter(self.given)
        return (self.given[index] for index in range(len(self.given)))


def make_sampler(
    sampler: Any,
    *,
    shuffle: bool | None,
    num_samples: int | None,
    num_shards: int | None,
    shard_id: int | None,
    where: str,
) -> Sampler:
    """Return the sampler that the arguments of a source describe; random order by default."""
    if num_samples is not None:
        num_samples = _check.integer(num_samples, name="num_samples", where=where, minimum=0) or None
    if shuffle is not None:
        _check.is_type(shuffle, bool, name="shuffle", where=where)
    if (num_shards is None) != (shard_id is None):
        raise ArgumentError(
            f"{where}: `num_shards` and `shard_id` must be given together, "
            f"but got num_shards={num_shards}, shard_id={shard_id}."
        )
    if sampler is not None:
        conflicting = {"shuffle": shuffle, "num_shards": num_shards, "shard_id": shard_id}
        if isinstance(sampler, Sampler):
            conflicting["num_samples"] = num_samples
        given = [f"{name}={value}" for name, value in conflicting.items() if value is not None]
        if given:
            raise ArgumentError(
                f"{where}: `sampler` alone determines the order, but {', '.join(given)} was given too. "
                "Omit it, or pass it to the sampler."
            )
        if isinstance(sampler, Sampler):
            return sampler
        if isinstance(sampler, Iterable) or (hasattr(sampler, "__getitem__") and hasattr(sampler, "__len__")):
            return IterableSampler(sampler, num_samples)
        raise _check.wrong_type(
            sampler,
            "a Sampler, an iterable of indices, or an object with `__getitem__` and `__len__`",
            name="sampler",
            where=where,
        )
    if num_shards is not None and shard_id is not None:
        return DistributedSampler(num_shards, shard_id, shuffle is not False, num_samples)
    if shuffle is False:
        return SequentialSampler(num_samples=num_samples)
    return RandomSampler(num_samples=num_samples)
