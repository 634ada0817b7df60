"""The base class of activations."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, dataclass_transform

from sporax import _docstring
from sporax._declared import declare
from sporax.core import Cell, Tensor, wrap
from sporax.nn.layer._inputs import array_of, check_floating
from sporax.nn.layer._typed import Layer

_WRONG_TYPE = """
Raises:
    ArgumentTypeError: an argument has the wrong type.
"""


@dataclass_transform()
class Activation(Layer):
    """Base class of activations that apply one operator to a floating Tensor.

    A subclass with the keyword `function` is a declaration: its annotated fields are the arguments of its constructor
    and keyword arguments of the operator. Its docstring is completed with the sections of this one.

    Args:
        function: the operator.
        integers: whether integer and bool inputs are accepted.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Source: the class of the same name in MindSpore.
    """

    _function: ClassVar[Callable[..., Any]]
    _integers: ClassVar[bool] = False
    _settings: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, function: Any = None, integers: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if function is None:
            return
        cls._function = staticmethod(function)
        cls._integers = integers
        if inspect.get_annotations(cls):
            cls._settings = tuple(declare(cls, Cell.__init__))
        if not integers:
            _docstring.completed_by(*([_WRONG_TYPE] if cls._settings else []), Activation)(cls)

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, type(self).__name__)
        if not self._integers:
            check_floating(array, type(self).__name__)
        return type(self)._function(wrap(array), **self._options())

    def _options(self) -> dict[str, Any]:
        """Return the keyword arguments of the operator."""
        return {name: getattr(self, name) for name in self._settings}
