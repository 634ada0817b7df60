"""The sampler that the arguments of a source stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.dataset._samplers import DistributedSampler, RandomSampler, SequentialSampler
from sporax.dataset._sampling import Sampler


class IterableSampler(Sampler):
    """Any iterable of indices in the place of a sampler, or an object with `__getitem__` and `__len__`.

    It is iterated again for each epoch.
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
        return (self.given[place] for place in range(len(self.given)))


def chosen(
    sampler: Any,
    *,
    shuffle: bool | None,
    num_samples: int | None,
    num_shards: int | None,
    shard_id: int | None,
    where: str,
) -> Sampler:
    """The sampler that a source's arguments stand for; random order unless something says otherwise.

    Raises:
        ArgumentError: arguments that exclude one another.
    """
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
        clashing = {"shuffle": shuffle, "num_shards": num_shards, "shard_id": shard_id}
        if isinstance(sampler, Sampler):
            clashing["num_samples"] = num_samples
        given = [f"{name}={value}" for name, value in clashing.items() if value is not None]
        if given:
            raise ArgumentError(
                f"{where}: `sampler` decides the order alone, but got also {', '.join(given)}. "
                "Leave that out, or give it to the sampler."
            )
        if isinstance(sampler, Sampler):
            return sampler
        if isinstance(sampler, Iterable) or (hasattr(sampler, "__getitem__") and hasattr(sampler, "__len__")):
            return IterableSampler(sampler, num_samples)
        raise ArgumentTypeError(
            f"{where}: `sampler` must be a Sampler, an iterable of indices, or an object with `__getitem__` and "
            f"`__len__`, but got {sampler!r} of type {type(sampler).__name__}."
        )
    if num_shards is not None and shard_id is not None:
        return DistributedSampler(num_shards, shard_id, shuffle is not False, num_samples)
    if shuffle is False:
        return SequentialSampler(num_samples=num_samples)
    return RandomSampler(num_samples=num_samples)
