"""Argument checks. Each returns the value, or raises an error with what was received and what was expected."""

from __future__ import annotations

import numbers
from collections.abc import Collection
from typing import Any, TypeVar

import numpy as np

from sporax._errors import ArgumentError, ArgumentTypeError
from sporax._suggest import hint

T = TypeVar("T")


def one_of(value: T, allowed: Collection[T], *, name: str, where: str) -> T:
    """Check that `value` is one of `allowed`; the error suggests a similar one."""
    if value in allowed:
        return value
    choices = ", ".join(repr(choice) for choice in allowed)
    meant = hint(value, [str(choice) for choice in allowed], 0.5)
    raise ArgumentError(f"{where}: `{name}` must be one of {choices}, but got {value!r}.{meant}")


def is_type(value: Any, types: type | tuple[type, ...], *, name: str, where: str, expected: str = "") -> Any:
    """Check that `value` is an instance of `types`; a bool is not an int. `expected` describes them in the error."""
    kinds = types if isinstance(types, tuple) else (types,)
    if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
        return value
    raise wrong_type(value, expected or " or ".join(kind.__name__ for kind in kinds), name=name, where=where)


def wrong_type(value: Any, expected: str, *, name: str, where: str, fix: str = "") -> ArgumentTypeError:
    """Return the error for an argument of the wrong type."""
    got = f"{value!r} of type {type(value).__name__}."
    return ArgumentTypeError(f"{where}: `{name}` must be {expected}, but got {got}{fix and ' '}{fix}")


def integer(value: Any, *, name: str, where: str, minimum: int | None = None) -> int:
    """Check that `value` is an integer and, if `minimum` is given, at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise wrong_type(value, "an int", name=name, where=where)
    if minimum is not None and value < minimum:
        raise ArgumentError(f"{where}: `{name}` must be at least {minimum}, but got {int(value)}.")
    return int(value)


def number(
    value: Any,
    *,
    name: str,
    where: str,
    minimum: float | None = None,
    maximum: float | None = None,
    open_minimum: bool = False,
    open_maximum: bool = False,
) -> float:
    """Check that `value` is a real number in an interval; an open end excludes the bound."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise wrong_type(value, "a number", name=name, where=where)
    real = float(value)
    below = minimum is not None and (real <= minimum if open_minimum else real < minimum)
    above = maximum is not None and (real >= maximum if open_maximum else real > maximum)
    if below or above or real != real:
        left = "(-inf" if minimum is None else f"{'(' if open_minimum else '['}{minimum}"
        right = "inf)" if maximum is None else f"{maximum}{')' if open_maximum else ']'}"
        raise ArgumentError(f"{where}: `{name}` must be in {left}, {right}, but got {value!r}.")
    return real


def first_index(wrong: np.ndarray | np.bool_) -> tuple[int, ...]:
    """Return the index of the first True element of an array, for a message."""
    return tuple(int(each) for each in np.argwhere(wrong)[0])
