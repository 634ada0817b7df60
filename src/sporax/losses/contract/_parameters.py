"""Kinds of hyper-parameters: annotations of a formula that state a check, and its entry in the docstring.

    def huber_loss(logits: ArrayLike, labels: ArrayLike, *, delta: Positive = 1.0) -> jax.Array: ...

`loss_function` runs the check before it calls the formula, and adds the error to the section Raises of the docstring.
Defaults are not checked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import jax

from sporax import _check, _schema
from sporax._schema import Check

__all__ = ["hyper_parameter"]


def hyper_parameter(value: Any, *, name: str, where: str, **bounds: Any) -> Any:
    """Check a number; JAX arrays are accepted without a check, so that they can be traced."""
    return value if isinstance(value, jax.Array) else _check.number(value, name=name, where=where, **bounds)


class Parameter(_schema.Checked):
    """The metadata of the annotation of a hyper-parameter.

    Args:
        check: see `_schema.Check`.
        error: the name of the error class that the check raises.
        fault: what is wrong then, as in "not above 0"; empty for a check that the docstring does not mention.
    """

    __slots__ = ("error", "fault")

    def __init__(self, check: Check, error: str, fault: str) -> None:
        super().__init__(check)
        self.error = error
        self.fault = fault


def number(
    minimum: float | None = None,
    maximum: float | None = None,
    *,
    open_minimum: bool = False,
    open_maximum: bool = False,
) -> Parameter:
    """Return the check of a number in an interval; see `hyper_parameter`."""
    bounds = {"minimum": minimum, "maximum": maximum, "open_minimum": open_minimum, "open_maximum": open_maximum}
    fault = ""
    if minimum is not None and maximum is not None:
        fault = f"outside {'(' if open_minimum else '['}{minimum:g}, {maximum:g}{')' if open_maximum else ']'}"
    elif minimum is not None:
        fault = f"{'not above' if open_minimum else 'below'} {minimum:g}"
    elif maximum is not None:
        fault = f"{'not below' if open_maximum else 'above'} {maximum:g}"
    return Parameter(partial(hyper_parameter, **bounds), "ArgumentError", fault)


def one_of(*allowed: str) -> Parameter:
    """Return the check of one of the given names."""
    names = ", ".join(f'"{each}"' for each in allowed[:-1])
    return Parameter(_schema.one_of(*allowed).check, "ArgumentError", f'not {names} or "{allowed[-1]}"')


Number = Annotated[Any, number()]
Positive = Annotated[Any, number(0, open_minimum=True)]
NonNegative = Annotated[Any, number(0)]
UnitInterval = Annotated[Any, number(0, 1)]
BelowOne = Annotated[Any, number(0, 1, open_maximum=True)]
Flag = Annotated[bool, Parameter(_schema.instance_of(bool).check, "ArgumentTypeError", "not a bool")]
PositiveInteger = Annotated[int, Parameter(_schema.integer(1).check, "ArgumentError", "below 1")]


def parameters_of(formula: Callable[..., Any]) -> dict[str, Parameter]:
    """Return the kinds of the arguments of a formula, and replace those annotations by the static types.

    An annotation is the name of a kind in the formula's module, or that name and `| None`.
    """
    found: dict[str, Parameter] = {}
    for name, annotation in inspect.get_annotations(formula).items():
        text, optional = str(annotation).removesuffix(" | None"), str(annotation).endswith(" | None")
        # Looked up and not evaluated: the annotations of a user's formula may name what only a type checker knows.
        annotated = formula.__globals__.get(text)
        for kind in getattr(annotated, "__metadata__", ()):
            if isinstance(kind, Parameter):
                found[name] = Parameter(_or_none(kind.check), kind.error, kind.fault) if optional else kind
                static = _schema.static_type(annotated)
                formula.__annotations__[name] = f"{static} | None" if optional and static != "Any" else static
    return found


def _or_none(check: Check) -> Check:
    return lambda value, *, name, where: None if value is None else check(value, name=name, where=where)
