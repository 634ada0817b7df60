"""The base class of activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sporax.core import Tensor, wrap
from sporax.nn.layer._inputs import array_of, check_floating
from sporax.nn.layer._typed import Layer


class Activation(Layer):
    """Base class of activations that apply one operator to a floating Tensor."""

    _function: ClassVar[Callable[..., Any]]
    """The operator."""
    _integers: ClassVar[bool] = False
    """Whether integer and bool inputs are accepted."""

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, type(self).__name__)
        if not self._integers:
            check_floating(array, type(self).__name__)
        return type(self)._function(wrap(array), **self._options())

    def _options(self) -> dict[str, Any]:
        """Return the keyword arguments of the operator."""
        return {}
