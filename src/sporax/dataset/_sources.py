"""What the two sources share: a sampler that says which elements are read."""

from __future__ import annotations

import math

from sporax._errors import ArgumentTypeError, DatasetError
from sporax.dataset._dataset import Dataset
from sporax.dataset._pass import Pass
from sporax.dataset._plan import Plan, Source
from sporax.dataset._sampling import Sampler

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
