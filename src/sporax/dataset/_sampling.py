"""What every sampler is: the elements of an epoch, as indices."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import ArgumentTypeError, DatasetError
from sporax.dataset._pass import Pass
from sporax.dataset._plan import Order
from sporax.dataset._user import user_error

__all__ = ["BuiltinSampler", "Sampler"]


class Sampler:
    """Base of the samplers that a user writes: `__iter__` gives the indices of one epoch.

    `self.dataset_size` is the number of elements and `self.num_samples` the number asked for; both are set
    before `__iter__` is called.

    Args:
        num_samples: how many of the given indices are used at most; None or 0 for all.

    Example:
        >>> from sporax import dataset as ds
        >>> class Backwards(ds.Sampler):
        ...     def __iter__(self):
        ...         yield from reversed(range(self.dataset_size))
        >>> [int(x) for (x,) in ds.NumpySlicesDataset([1, 2, 3], sampler=Backwards()).create_tuple_iterator(
        ...     num_epochs=1, output_numpy=True)]
        [3, 2, 1]
    """

    dataset_size: int = 0
    num_samples: int | None = None
    child_sampler: Sampler | None = None
    draws = False
    """Whether it draws random numbers from the pass; what a user's sampler draws is its own."""

    def __init__(self, num_samples: int | None = None) -> None:
        where = type(self).__name__
        if num_samples is not None:
            num_samples = _check.integer(num_samples, name="num_samples", where=where, minimum=0)
        self.num_samples = num_samples or None
        self.child_sampler = None

    def __iter__(self) -> Iterator[int]:
        raise NotImplementedError(
            f"{type(self).__name__}: a sampler needs an `__iter__` that gives the indices of one epoch."
        )

    def add_child(self, sampler: Sampler) -> None:
        """Have this sampler choose among the elements that `sampler` gives. One child at most."""
        if not isinstance(sampler, Sampler):
            raise ArgumentTypeError(
                f"{type(self).__name__}.add_child: `sampler` must be a Sampler, but got {type(sampler).__name__}."
            )
        if self.child_sampler is not None:
            raise DatasetError(
                f"{type(self).__name__}.add_child: there is a child sampler already. Give the new one to the child."
            )
        self.child_sampler = sampler

    def get_child(self) -> Sampler | None:
        """The sampler that chooses before this one."""
        return self.child_sampler

    def get_num_samples(self) -> int | None:
        """The number of samples asked for; None for all."""
        return self.num_samples

    @property
    def user_object(self) -> object:
        """The object that the user wrote; it may have a state of its own."""
        return self

    def count(self, size: int) -> int | None:
        """How many indices an epoch over `size` elements gives; None where only a pass tells."""
        return None

    def order(self, size: int, run: Pass) -> Order:
        """The indices of one epoch over a source of `size` elements."""
        child = None if self.child_sampler is None else self.child_sampler.order(size, run)
        reached = size if child is None else len(child)
        own = self._indices(reached, run)
        return own if child is None else np.asarray(child)[np.asarray(own)]

    def _indices(self, size: int, run: Pass) -> Order:
        self.dataset_size = size
        return _given_indices(self, size, self.num_samples, f"the sampler {type(self).__name__}")


class BuiltinSampler(Sampler):
    """Base of the samplers below, which compute the order of a whole epoch at once."""

    def count(self, size: int) -> int | None:
        child = self.child_sampler
        reached = size if child is None else child.count(size)
        return None if reached is None else self._count(reached)

    def _count(self, size: int) -> int:
        return size if self.num_samples is None else min(self.num_samples, size)

    def __iter__(self) -> Iterator[int]:
        return iter(int(index) for index in self.order(self.dataset_size, Pass(None, 0)))


def _given_indices(indices: Iterable[Any], size: int, limit: int | None, where: str) -> np.ndarray:
    """The indices that a user's iterable gives for one epoch, checked."""
    listed: list[int] = []
    steps = iter(_stepped(indices, where))
    for index in steps:
        if limit is not None and len(listed) >= limit:
            break
        if isinstance(index, (bool, np.bool_)):
            raise DatasetError(
                f"{where} must give whole numbers, but gave {index!r}. For a mask of elements give "
                "np.flatnonzero(mask)."
            )
        try:
            listed.append(operator.index(np.asarray(index).item()))
        except (ValueError, TypeError) as error:
            raise DatasetError(f"{where} must give whole numbers, but gave {index!r}.") from error
    order = np.array(listed, dtype=np.intp)
    in_range(order, size, where)
    return order


def _stepped(indices: Iterable[Any], where: str) -> Iterator[Any]:
    try:
        yield from indices
    except Exception as error:
        raise user_error(where, error) from error


def in_range(indices: np.ndarray, size: int, where: str) -> None:
    wrong = indices[(indices < 0) | (indices >= size)]
    if len(wrong):
        raise DatasetError(
            f"{where} gave the index {int(wrong[0])}, but the source has {size} elements (0 to {size - 1})."
        )
