"""Base classes of samplers, which return the indices of the elements of an epoch."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import ArgumentTypeError, DatasetError
from sporax.dataset.plan._pass import Pass
from sporax.dataset.plan._plan import Order
from sporax.dataset.plan._values import user_error

__all__ = ["BuiltinSampler", "Sampler"]


class Sampler:
    """Base of custom samplers: `__iter__` yields the indices of one epoch.

    `self.dataset_size` is the number of elements and `self.num_samples` the number requested; both are set before
    `__iter__` is called.

    Args:
        num_samples: maximum number of indices to use; None or 0 for all.

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
    """Whether the sampler draws random numbers from the `Pass`; a custom sampler has its own generator."""

    def __init__(self, num_samples: int | None = None) -> None:
        where = type(self).__name__
        if num_samples is not None:
            num_samples = _check.integer(num_samples, name="num_samples", where=where, minimum=0)
        self.num_samples = num_samples or None
        self.child_sampler = None

    def __iter__(self) -> Iterator[int]:
        raise NotImplementedError(
            f"{type(self).__name__}: a sampler needs an `__iter__` that yields the indices of one epoch."
        )

    def add_child(self, sampler: Sampler) -> None:
        """Make this sampler choose among the elements that `sampler` chooses. At most one child is allowed."""
        if not isinstance(sampler, Sampler):
            raise ArgumentTypeError(
                f"{type(self).__name__}.add_child: `sampler` must be a Sampler, but got {type(sampler).__name__}."
            )
        if self.child_sampler is not None:
            raise DatasetError(
                f"{type(self).__name__}.add_child: there is a child sampler already. Add the new one to the child."
            )
        self.child_sampler = sampler

    def get_child(self) -> Sampler | None:
        """Return the child sampler, which chooses before this one."""
        return self.child_sampler

    def get_num_samples(self) -> int | None:
        """Return the number of samples requested; None for all."""
        return self.num_samples

    @property
    def user_object(self) -> object:
        """The user's object, which may have its own state."""
        return self

    def count(self, size: int) -> int | None:
        """Return the number of indices in an epoch over `size` elements; None if only a pass can tell."""
        return None

    def order(self, size: int, run: Pass) -> Order:
        """Return the indices of one epoch over a source of `size` elements."""
        child = None if self.child_sampler is None else self.child_sampler.order(size, run)
        available = size if child is None else len(child)
        order = self._indices(available, run)
        return order if child is None else np.asarray(child)[np.asarray(order)]

    def _indices(self, size: int, run: Pass) -> Order:
        self.dataset_size = size
        return _checked_indices(self, size, self.num_samples, f"the sampler {type(self).__name__}")


class BuiltinSampler(Sampler):
    """Base of the built-in samplers, which compute the order of a whole epoch in one call."""

    def count(self, size: int) -> int | None:
        child = self.child_sampler
        available = size if child is None else child.count(size)
        return None if available is None else self._count(available)

    def _count(self, size: int) -> int:
        return size if self.num_samples is None else min(self.num_samples, size)

    def __iter__(self) -> Iterator[int]:
        return iter(int(index) for index in self.order(self.dataset_size, Pass(None, 0)))


def _checked_indices(indices: Iterable[Any], size: int, limit: int | None, where: str) -> np.ndarray:
    """Return the indices that a user's iterable yields for one epoch, checked."""
    listed: list[int] = []
    for index in _iterated(indices, where):
        if limit is not None and len(listed) >= limit:
            break
        if isinstance(index, (bool, np.bool_)):
            raise DatasetError(
                f"{where} must yield integers, but yielded {index!r}. For a mask of elements use np.flatnonzero(mask)."
            )
        try:
            listed.append(operator.index(np.asarray(index).item()))
        except (ValueError, TypeError) as error:
            raise DatasetError(f"{where} must yield integers, but yielded {index!r}.") from error
    order = np.array(listed, dtype=np.intp)
    check_range(order, size, where)
    return order


def _iterated(indices: Iterable[Any], where: str) -> Iterator[Any]:
    try:
        yield from indices
    except Exception as error:
        raise user_error(where, error) from error


def check_range(indices: np.ndarray, size: int, where: str) -> None:
    """Raise `DatasetError` for an index outside [0, size)."""
    wrong = indices[(indices < 0) | (indices >= size)]
    if len(wrong):
        raise DatasetError(
            f"{where} yielded the index {int(wrong[0])}, but the source has {size} elements (0 to {size - 1})."
        )
