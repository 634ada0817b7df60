"""Constructors declared by annotated fields (`sporax._declared`), and docstrings completed from others."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import pytest

from sporax import _docstring
from sporax._declared import declare, declared
from sporax._docstring import completed_by
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax._schema import Flag, NonNegative, PositiveInteger


class Base:
    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale


@declared
class Window(Base):
    family: ClassVar[str] = "window"
    size: PositiveInteger
    names: list[str]
    factor: NonNegative = 0.5
    _: KW_ONLY
    wide: Flag = False

    def _finish(self) -> None:
        if self.wide and self.size < 2:
            raise ArgumentError("Window: a wide window has at least 2 elements.")


class Narrow(Window):
    pass


def test_the_fields_are_the_arguments_of_the_constructor():
    window = Window(3, ["a"], wide=True)
    assert (window.size, window.names, window.factor, window.wide, window.scale) == (3, ["a"], 0.5, True, 1.0)
    assert str(inspect.signature(Window)).replace("'", "") == (
        "(size: int, names: list[str], factor: float = 0.5, *, wide: bool = False)"
    )
    assert Window.family == "window"
    assert "factor" not in vars(Window)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: Window(0, []), ArgumentError, "Window: `size` must be at least 1, but got 0."),
        (lambda: Narrow(1.5, []), ArgumentTypeError, "Narrow: `size` must be an int"),
        (lambda: Window(1, [], -1), ArgumentError, "Window: `factor` must be in [0, inf)"),
        (lambda: Window(1, [], wide=1), ArgumentTypeError, "Window: `wide` must be bool"),
        (lambda: Window(1, [], wide=True), ArgumentError, "at least 2 elements"),
        (lambda: Window(1), TypeError, "missing 1 required positional argument: 'names'"),
        (lambda: Window(1, [], 0.5, True), TypeError, "positional arguments"),
    ],
)
def test_values_are_checked(call: Any, kind: type[Exception], message: str):
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)


def test_fields_can_be_passed_to_the_base_class():
    class Scaled(Base):
        scale: NonNegative = 2.0
        size: PositiveInteger = 1

    declare(Scaled, Base.__init__, passed=["scale"])
    assert vars(Scaled(-3.0)) == {"scale": -3.0, "size": 1}


SHARED = """
Args:
    x: the input.
    rate, decay: the rates.

Inputs:
    - **x** (Tensor).

Returns:
    Tensor.

Raises:
    ShapeError: a wrong shape.
    ArgumentError: a wrong number.

Examples:
    >>> 1
    1

Source: the same.
"""


def test_missing_parts_of_a_docstring_are_completed():
    @completed_by(SHARED)
    def scaled(decay: float, y: float, x: float, *rest: float) -> None:
        """Scale.

        Args:
            y: the other input.
            rest: more inputs.

        Returns:
            None.

        Raises:
            ArgumentError: a rate below 0.
        """

    assert scaled.__doc__ == (
        "Scale.\n\nArgs:\n    decay: the rates.\n    y: the other input.\n    x: the input.\n    rest: more inputs.\n\n"
        "Inputs:\n    - **x** (Tensor).\n\nReturns:\n    None.\n\n"
        "Raises:\n    ArgumentError: a rate below 0.\n    ShapeError: a wrong shape.\n\nSource: the same.\n"
    )


def test_only_the_given_sections_are_completed():
    @completed_by(SHARED, sections=["Args"])
    def scaled(rate: float) -> None:
        """Scale."""

    assert scaled.__doc__ == "Scale.\n\nArgs:\n    rate: the rates.\n"


def test_an_argument_without_documentation_is_an_error():
    def scaled(x: float, power: float) -> None:
        """Scale."""

    with pytest.raises(TypeError, match=r"scaled: the docstring has no entry for the argument\(s\) \['power'\]"):
        completed_by(SHARED)(scaled)


def _undocumented(module: str) -> Iterator[str]:
    """The arguments of public classes and functions of a module that their docstrings do not document."""
    for name in importlib.import_module(module).__all__:
        value = getattr(importlib.import_module(module), name)
        inherited = isinstance(value, type) and "__init__" not in vars(value)
        if inherited or not callable(value) or not value.__module__.startswith("sporax."):
            continue
        text = _docstring.split(value.__doc__).get("Args", "").replace("\n", " ")
        function: Any = value.__init__ if isinstance(value, type) else value
        for argument in inspect.signature(function).parameters:
            if argument != "self" and not any(f"{argument}{end}" in text for end in (":", ",")):
                yield f"{name}: {argument}"


@pytest.mark.parametrize("module", ["sporax.nn", "sporax.train.callback", "sporax.train.metrics"])
def test_every_argument_of_a_public_class_is_documented(module: str):
    assert list(_undocumented(module)) in ([], ["RunParams: args", "RunParams: kwargs"])


def test_an_undocumented_argument_is_found(monkeypatch: pytest.MonkeyPatch):
    from sporax import nn

    monkeypatch.setattr(nn.Flatten, "__doc__", "Flatten.\n\nArgs:\n    start_dim: the first axis.\n")
    assert list(_undocumented("sporax.nn")) == ["Flatten: end_dim"]
