"""How a user's data is read: at any index, one after the other, or once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError
from sporax.dataset._plan import Source
from sporax.dataset._user import Row, named, user_error


class ObjectSource(Source):
    """A user's object, asked for each element."""

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
            what = f"GeneratorDataset: the source at element {index} ({named(self._names)})"
            raise user_error(what, error) from error
        return self._row(value, index)


def length_of(given: Any) -> int:
    """`len()` of a user's object."""
    try:
        return len(given)
    except Exception as error:
        raise user_error("GeneratorDataset: len() of the source", error) from error


class ReadOnce:
    """An iterator that can be looked into before it is read, and read once."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator = iterator
        self._seen: deque[Any] = deque()
        self._was_read = False

    def _check(self) -> None:
        if self._was_read:
            raise DatasetError(
                "GeneratorDataset: the source is an iterator, which can be read once, and it was read. "
                "For more than one epoch give a list, the generator function itself instead of its call, or an object "
                "whose `__iter__` starts from the first element each time."
            )

    def peek(self) -> Iterator[Any]:
        """The elements, kept for `read`."""
        self._check()
        place = 0
        while True:
            if place == len(self._seen):
                try:
                    self._seen.append(next(self._iterator))
                except StopIteration:
                    return
            yield self._seen[place]
            place += 1

    def read(self) -> Iterator[Any]:
        """The elements, for the one time."""
        self._check()
        self._was_read = True
        while self._seen:
            yield self._seen.popleft()
        yield from self._iterator


def at_any_index(source: Any) -> bool:
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
        raise ArgumentTypeError(
            "GeneratorDataset: `source` must be a list, an object with `__getitem__` and `__len__`, a "
            "generator "
            f"function or an iterable, but got {source!r} of type {type(source).__name__}."
        )
    return False


def in_memory(source: Any) -> bool:
    return type(source) in (list, tuple) or (hasattr(source, "__array__") and hasattr(source, "__len__"))


def column_dtypes(given: Sequence[Any] | None, names: Sequence[str]) -> list[np.dtype | None]:
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
    # A MindSpore-style dtype prints as Float32; this package does not know its class.
    for candidate in (given, str(given).lower()):
        try:
            return np.dtype(candidate)
        except TypeError:
            continue
    raise ArgumentTypeError(f"{where}: `column_types` must be dtypes, but got {given!r}.")
