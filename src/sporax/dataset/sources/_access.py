"""Access to the user's data: at any index, in sequence, or once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError
from sporax.dataset.plan._plan import Source
from sporax.dataset.plan._values import Row, columns_text, user_error


class ObjectSource(Source):
    """A user's object whose `__getitem__` is called for each element."""

    columnar = False

    def __init__(self, given: Any, row: Callable[[Any, int], Row], names: Sequence[str]) -> None:
        self._given, self._row, self._names = given, row, names

    @property
    def length(self) -> int:  # type: ignore[override]
        return length_of(self._given)

    def fetch(self, index: int) -> Row:
        try:
            value = self._given[index]
        except Exception as error:
            what = f"GeneratorDataset: the source at element {index} ({columns_text(self._names)})"
            raise user_error(what, error) from error
        return self._row(value, index)


def length_of(given: Any) -> int:
    """Return `len()` of a user's object."""
    try:
        return len(given)
    except Exception as error:
        raise user_error("GeneratorDataset: len() of the source", error) from error


class OneShotIterator:
    """An iterator that can be read once, and inspected before."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator = iterator
        self._seen: deque[Any] = deque()
        self._was_read = False

    def _check(self) -> None:
        if self._was_read:
            raise DatasetError(
                "GeneratorDataset: the source is an iterator, which can be read only once, and was read before. "
                "For more than one epoch give a list, the generator function itself instead of its call, or an object "
                "whose `__iter__` starts from the first element each time."
            )

    def peek(self) -> Iterator[Any]:
        """Yield the elements, and keep them for `read`."""
        self._check()
        index = 0
        while True:
            if index == len(self._seen):
                try:
                    self._seen.append(next(self._iterator))
                except StopIteration:
                    return
            yield self._seen[index]
            index += 1

    def read(self) -> Iterator[Any]:
        """Yield the elements; possible once."""
        self._check()
        self._was_read = True
        while self._seen:
            yield self._seen.popleft()
        yield from self._iterator


def is_indexable(source: Any) -> bool:
    """Whether the elements of a source can be read at any index."""
    if in_memory(source):
        return True
    if hasattr(source, "__getitem__") and not isinstance(source, type):
        if hasattr(source, "__len__"):
            return True
        if not hasattr(source, "__iter__"):
            raise DatasetError(
                f"GeneratorDataset: a source with `__getitem__` must have `__len__` too, but "
                f"{type(source).__name__} has none. Add it, or give an iterable."
            )
    if not callable(source) and not hasattr(source, "__iter__") and not hasattr(source, "__next__"):
        raise _check.wrong_type(
            source,
            "a list, an object with `__getitem__` and `__len__`, a generator function or an iterable",
            name="source",
            where="GeneratorDataset",
        )
    return False


def in_memory(source: Any) -> bool:
    """Whether a source is a list, a tuple or an array."""
    return type(source) in (list, tuple) or (hasattr(source, "__array__") and hasattr(source, "__len__"))


def column_dtypes(given: Sequence[Any] | None, names: Sequence[str]) -> list[np.dtype | None]:
    """Return the dtype that `column_types` requires for each column, or None."""
    if given is None:
        return [None] * len(names)
    where = "GeneratorDataset"
    listed = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(listed) != len(names):
        raise ArgumentError(
            f"{where}: `column_types` must have one dtype for each of the {len(names)} columns, but got {len(listed)}."
        )
    return [_dtype(item, where) for item in listed]


def _dtype(given: Any, where: str) -> np.dtype:
    # A MindSpore dtype prints as Float32; this package cannot import its class.
    for candidate in (given, str(given).lower()):
        try:
            return np.dtype(candidate)
        except TypeError:
            continue
    raise ArgumentTypeError(f"{where}: `column_types` must be dtypes, but got {given!r}.")
