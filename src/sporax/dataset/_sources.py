"""What the two sources share: a sampler that says which elements are read."""

from __future__ import annotations

import math

import numpy as np

from sporax._errors import ArgumentTypeError, DatasetError
from sporax._seed import host_random_kept
from sporax.dataset._dataset import Dataset
from sporax.dataset._pass import Pass
from sporax.dataset._plan import Plan, Source
from sporax.dataset._sampling import BuiltinSampler, Sampler

NOT_AT_ANY_INDEX = "the source has no `__getitem__`, so its elements come in the order in which it gives them."


class SourceDataset(Dataset):
    """A dataset with nothing before it. Where its elements can be read at any index, a sampler says which."""

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

    def use_sampler(self, new_sampler: Sampler) -> None:
        """Read by `new_sampler` from here on."""
        if self._sampler is None:
            raise DatasetError(f"{self._where}.use_sampler: {NOT_AT_ANY_INDEX}")
        if not isinstance(new_sampler, Sampler):
            raise ArgumentTypeError(
                f"{self._where}.use_sampler: `new_sampler` must be a Sampler, but got {type(new_sampler).__name__}."
            )
        self._sampler = new_sampler

    def add_sampler(self, new_sampler: Sampler) -> None:
        """Have `new_sampler` choose among the elements that the present sampler gives."""
        present = self._sampler
        self.use_sampler(new_sampler)
        if present is not None:
            new_sampler.add_child(present)


def check_orders(dataset: Dataset, where: str) -> None:
    """Refuse a pipeline in which a sampler of the user's gives another order each time that it is iterated."""
    for child in dataset._children:
        check_orders(child, where)
    if not isinstance(dataset, SourceDataset) or not dataset._indexable:
        return
    own = [each for each in dataset._random_owners() if not isinstance(each, BuiltinSampler)]
    if not own:
        return
    with host_random_kept():
        first, second = [np.asarray(dataset._plan(Pass(0, 0)).order) for _ in range(2)]
    if not np.array_equal(first, second):
        raise DatasetError(
            f"{where}: the sampler {type(own[0]).__name__} gives another order each time that it is iterated, so the "
            "parts would share rows. Draw the order once, as a list of indices, or use shuffle on the parts instead."
        )
