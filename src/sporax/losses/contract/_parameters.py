"""Kinds of hyper-parameters: an annotation of a formula that states a check, and what the docstring says of it.

    def huber_loss(logits: ArrayLike, labels: ArrayLike, *, delta: Positive = 1.0) -> jax.Array: ...

`loss_function` runs the check before it calls the formula, and adds the error to the section Raises. A kind with
`about` also supplies the entry in the section Args. Defaults are not checked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ForwardRef

import jax

from sporax import _schema
from sporax._schema import Check


class Parameter(_schema.Checked):
    """The metadata of the annotation of a hyper-parameter.

    Args:
        check: see `_schema.Check`; None for no check.
        error: the name of the error class that the check raises.
        fault: what is wrong then, as in "is not above 0".
        about: the argument's entry in the section Args, where the docstring has none.
    """

    __slots__ = ("about", "error", "fault")

    def __init__(self, check: Check | None = None, error: str = "", fault: str = "", about: str = "") -> None:
        super().__init__(check or (lambda value, *, name, where: value))
        self.error = error
        self.fault = fault
        self.about = about


def number(
    minimum: float | None = None,
    maximum: float | None = None,
    *,
    open_minimum: bool = False,
    open_maximum: bool = False,
    about: str = "",
) -> Parameter:
    """Return the check of a number in an interval; traced and device values pass, so that they can be swept over."""
    on_host = _schema.number(minimum, maximum, open_minimum=open_minimum, open_maximum=open_maximum).check

    def check(value: Any, *, name: str, where: str) -> Any:
        return value if isinstance(value, jax.Array) else on_host(value, name=name, where=where)

    if minimum is None or maximum is None:
        fault = f"not above {minimum}" if open_minimum else f"below {minimum}"
        fault = (f"not below {maximum}" if open_maximum else f"above {maximum}") if minimum is None else fault
    else:
        fault = f"outside {'(' if open_minimum else '['}{minimum:g}, {maximum:g}{')' if open_maximum else ']'}"
    return Parameter(check, "ArgumentError", "" if minimum is None and maximum is None else fault, about)


def flag(about: str = "") -> Parameter:
    """Return the check of a bool."""
    return Parameter(_schema.instance_of(bool).check, "ArgumentTypeError", "not a bool", about)


def one_of(*allowed: str, about: str = "") -> Parameter:
    """Return the check of one of the given names."""
    names = ", ".join(f'"{each}"' for each in allowed[:-1])
    return Parameter(_schema.one_of(*allowed).check, "ArgumentError", f'not {names} or "{allowed[-1]}"', about)


Number = Annotated[Any, number()]
Positive = Annotated[Any, number(0, open_minimum=True)]
NonNegative = Annotated[Any, number(0)]
UnitInterval = Annotated[Any, number(0, 1)]
Flag = Annotated[bool, flag()]
PositiveInteger = Annotated[int, Parameter(_schema.integer(1).check, "ArgumentError", "below 1")]


def parameters_of(formula: Callable[..., Any]) -> dict[str, Parameter]:
    """Return the kinds of the arguments of a formula whose annotation is one, or one with `| None`.

    The annotations are replaced by the static types, for signatures and stubs.
    """
    found: dict[str, Parameter] = {}
    scope: Mapping[str, Any] = getattr(formula, "__globals__", {})
    for name, annotation in inspect.get_annotations(formula).items():
        text = annotation if isinstance(annotation, str) else ""
        # Looked up and not evaluated: the annotations of a user's formula may name what only a type checker knows.
        kind = scope.get(text.removesuffix(" | None")) if text else annotation
        for each in getattr(kind, "__metadata__", ()):
            if isinstance(each, Parameter):
                found[name] = _or_none(each) if text.endswith(" | None") else each
                formula.__annotations__[name] = _static(kind.__origin__, text.endswith(" | None"))
    return found


def _or_none(kind: Parameter) -> Parameter:
    def check(value: Any, *, name: str, where: str) -> Any:
        return None if value is None else kind.check(value, name=name, where=where)

    return Parameter(check, kind.error, kind.fault, kind.about)


def _static(origin: Any, optional: bool) -> str:
    if origin is Any:
        return "Any"
    text = origin.__forward_arg__ if isinstance(origin, ForwardRef) else _schema.static_type(origin)
    return f"{text} | None" if optional else text
