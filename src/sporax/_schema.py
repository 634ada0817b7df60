"""Argument kinds: an annotation that states the static type of an argument, its check and its conversion.

    class HuberLoss(FunctionLoss, function=losses.huber_loss):
        reduction: str = "mean"
        delta: Positive = 1.0

`delta` is a `float` to a type checker; at run time the check in the annotation converts the value, or raises an error
that names the argument and the class.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Union

from sporax import _check

Check = Callable[..., Any]
"""A function of a value and the keywords `name` and `where` that returns the converted value or raises an error."""


class Checked:
    """The metadata of an annotation with a check.

    Args:
        check: see `Check`.
    """

    __slots__ = ("check",)

    def __init__(self, check: Check) -> None:
        self.check = check


def number(
    minimum: float | None = None,
    maximum: float | None = None,
    *,
    open_minimum: bool = False,
    open_maximum: bool = False,
) -> Checked:
    """Return the check of a real number in an interval; an open end excludes the bound."""

    def check(value: Any, *, name: str, where: str) -> float:
        return _check.number(
            value,
            name=name,
            where=where,
            minimum=minimum,
            maximum=maximum,
            open_minimum=open_minimum,
            open_maximum=open_maximum,
        )

    return Checked(check)


def integer(minimum: int | None = None) -> Checked:
    """Return the check of an int that is, if `minimum` is given, at least `minimum`."""

    def check(value: Any, *, name: str, where: str) -> int:
        return _check.integer(value, name=name, where=where, minimum=minimum)

    return Checked(check)


def one_of(*allowed: Any) -> Checked:
    """Return the check of one of the given values."""

    def check(value: Any, *, name: str, where: str) -> Any:
        return _check.one_of(value, allowed, name=name, where=where)

    return Checked(check)


def instance_of(*kinds: type) -> Checked:
    """Return the check of an instance of one of the given classes."""

    def check(value: Any, *, name: str, where: str) -> Any:
        return _check.is_type(value, kinds, name=name, where=where)

    return Checked(check)


Number = Annotated[float, number()]
Positive = Annotated[float, number(0, open_minimum=True)]
NonNegative = Annotated[float, number(0)]
UnitInterval = Annotated[float, number(0, 1)]
Integer = Annotated[int, integer()]
PositiveInteger = Annotated[int, integer(1)]
Flag = Annotated[bool, instance_of(bool)]


def check_of(annotation: Any) -> Check | None:
    """Return the check of an annotation; that of `X | None` accepts None.

    Args:
        annotation: a resolved annotation, with its metadata (`typing.get_type_hints(..., include_extras=True)`).

    Returns:
        The check, or None for an annotation without one.
    """
    for each in getattr(annotation, "__metadata__", ()):
        if isinstance(each, Checked):
            return each.check
    if typing.get_origin(annotation) in (Union, types.UnionType):
        members = typing.get_args(annotation)
        checks = [check for check in map(check_of, members) if check is not None]
        if len(checks) == 1 and type(None) in members:
            check = checks[0]
            return lambda value, *, name, where: None if value is None else check(value, name=name, where=where)
    return None


def static_type(annotation: Any) -> str:
    """Return the text of the annotation without its metadata, as a type checker reads it."""
    if hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return " | ".join(map(static_type, typing.get_args(annotation)))
    if annotation is type(None):
        return "None"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
