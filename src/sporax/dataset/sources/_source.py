"""Base of the sources: a sampler chooses which elements are read, and in which order."""

from __future__ import annotations

import math

import numpy as np

from sporax._errors import ArgumentTypeError, DatasetError
from sporax._seed import host_random_kept
from sporax.dataset._dataset import Dataset
from sporax.dataset.plan._pass import Pass
from sporax.dataset.plan._plan import Plan, Source
from sporax.dataset.plan._sampler import BuiltinSampler, Sampler
from sporax.dataset.plan._values import Row

NOT_INDEXABLE = "the source has no `__getitem__`, so its elements are read in the order in which it yields them."


class SourceDataset(Dataset):
    """Base of the sources. If the elements can be read at any index, a sampler chooses them.

    Args:
        num_samples: maximum number of elements in an epoch; None or 0 for all.
        num_parallel_workers: accepted; the source is read in the calling thread.
        shuffle: whether elements are read in random order, a different one in each epoch; None for True.
        sampler: a Sampler or an iterable of indices, which alone determines the order.
        num_shards: number of shards into which the data is divided.
        shard_id: the shard to read, counted from 0.
    """

    _sampler: Sampler | None = None
    _where = ""

    def _source(self) -> Source:
        raise NotImplementedError

    def _source_length(self) -> int:
        return self._source().length

    @property
    def _indexable(self) -> bool:
        return self._sampler is not None

    @property
    def _columnar(self) -> bool:
        return self._indexable and self._source().columnar

    def _plan(self, run: Pass) -> Plan:
        source = self._source()
        if self._sampler is None or not source.length:
            return Plan(source, range(source.length))
        return Plan(source, self._sampler.order(source.length, run))

    def _random_owners(self) -> list[object]:
        owners: list[object] = []
        sampler = self._sampler
        while sampler is not None:
            owners.append(sampler)
            sampler = sampler.child_sampler
        return owners

    def _user_objects(self) -> list[object]:
        return [each.user_object for each in self._random_owners() if isinstance(each, Sampler)]

    def _length(self, endless: float = math.inf) -> float | None:
        return None if self._sampler is None else self._sampler.count(self._source_length())

    def _why_empty(self) -> str:
        if self._indexable and not self._source_length():
            return f"the source of {self._where} is empty. Check that the data was read"
        return ""

    def _sample(self, count: int) -> list[Row]:
        if not self._columnar or not self._source_length():
            return []
        source = self._source()
        indices = sorted({int(index) for index in np.linspace(0, source.length - 1, count)})
        return [source.fetch(index) for index in indices]

    def _check_order(self, where: str) -> None:
        custom = [each for each in self._random_owners() if not isinstance(each, BuiltinSampler)]
        if not self._indexable or not custom:
            return
        with host_random_kept():
            first, second = [np.asarray(self._plan(Pass(0, 0)).order) for _ in range(2)]
        if not np.array_equal(first, second):
            raise DatasetError(
                f"{where}: the sampler {type(custom[0]).__name__} returns a different order each time it is iterated, "
                "so the parts would share rows. Draw the order once, as a list of indices, or use shuffle on the parts "
                "instead."
            )

    def use_sampler(self, new_sampler: Sampler) -> None:
        """Replace the sampler; it applies from the next epoch on."""
        if self._sampler is None:
            raise DatasetError(f"{self._where}.use_sampler: {NOT_INDEXABLE}")
        if not isinstance(new_sampler, Sampler):
            raise ArgumentTypeError(
                f"{self._where}.use_sampler: `new_sampler` must be a Sampler, but got {type(new_sampler).__name__}."
            )
        self._sampler = new_sampler

    def add_sampler(self, new_sampler: Sampler) -> None:
        """Add a sampler that chooses among the elements that the current sampler chooses."""
        current = self._sampler
        self.use_sampler(new_sampler)
        if current is not None:
            new_sampler.add_child(current)
