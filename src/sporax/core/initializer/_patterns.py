"""Deterministic initializers: constants, the identity matrix, and the identity convolution."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from sporax._errors import ArgumentTypeError, ShapeError
from sporax._schema import PositiveInteger
from sporax.core.initializer import _draws
from sporax.core.initializer._base import Initializer, with_settings

__all__ = ["Constant", "Dirac", "Identity", "One", "Ones", "Zero", "Zeros"]


class Zero(Initializer):
    """All zeros; its names are "zeros" and "zero".

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> print(initializer(Zero(), (3,)))
        [0. 0. 0.]

    Source: the class of the same name in MindSpore.
    """

    def _initialize(self, arr: np.ndarray) -> None:
        arr[...] = 0


class One(Initializer):
    """All ones; its names are "ones" and "one".

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> print(initializer("ones", (3,)))
        [1. 1. 1.]

    Source: the class of the same name in MindSpore.
    """

    def _initialize(self, arr: np.ndarray) -> None:
        arr[...] = 1


Zeros = Zero
Ones = One


@with_settings
class Constant(Initializer):
    """A constant value.

    Args:
        value: a number, or a Tensor or array of one element.

    Raises:
        ArgumentTypeError: `value` is neither.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> print(initializer(Constant(3), (2,)))
        [3. 3.]

    Source: the class of the same name in MindSpore.
    """

    value: Any

    def _finish(self) -> None:
        value = self.value
        if not isinstance(value, numbers.Number) and not (hasattr(value, "__array__") and np.asarray(value).size == 1):
            raise ArgumentTypeError(
                f"Constant: `value` must be a number or a Tensor of one element, but got {value!r}. "
                "To use given values, pass the Tensor to `initializer`."
            )

    def _initialize(self, arr: np.ndarray) -> None:
        arr[...] = np.asarray(self.value).reshape(())


class Identity(Initializer):
    """Ones on the diagonal of a matrix, zeros elsewhere.

    Raises:
        ShapeError: when called: the shape does not have 2 dimensions.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> print(initializer("identity", (2, 3)))
        [[1. 0. 0.]
         [0. 1. 0.]]

    Source: the class of the same name in MindSpore.
    """

    def _initialize(self, arr: np.ndarray) -> None:
        self._check_ndim(arr, 2, 2)
        arr[...] = np.eye(*arr.shape)


@with_settings
class Dirac(Initializer):
    """A convolution kernel that returns its input channels unchanged.

    Args:
        groups: the number of groups of the convolution.

    Raises:
        ShapeError: when called: the shape does not have 3 to 5 dimensions, or the first is not a multiple of
            `groups`.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> print(initializer(Dirac(), (2, 2, 3)))
        [[[0. 1. 0.]
          [0. 0. 0.]]
        <BLANKLINE>
         [[0. 0. 0.]
          [0. 1. 0.]]]

    Source: Zagoruyko and Komodakis 2017, https://arxiv.org/abs/1706.00388; the class of the same name in
    MindSpore.
    """

    groups: PositiveInteger = 1

    def _initialize(self, arr: np.ndarray) -> None:
        self._check_ndim(arr, 3, 5)
        if arr.shape[0] % self.groups:
            raise ShapeError(
                f"Dirac: the first dimension must be a multiple of `groups`={self.groups}, but got shape {arr.shape}."
            )
        _draws.fill_dirac(arr, self.groups)
