"""The base class of initializers, and the fans and gains from which they compute variances."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any, TypeVar, dataclass_transform

import numpy as np

from sporax import _check
from sporax._declared import fields_of, set_constructor
from sporax._errors import ArgumentError, DtypeError, ShapeError
from sporax.core._host_random import default_stream
from sporax.core.dtype import as_dtype, float32

__all__ = ["Initializer", "calculate_fan_in_and_fan_out", "calculate_gain"]

Class = TypeVar("Class", bound=type)

_GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}


def calculate_gain(nonlinearity: str, negative_slope: float | None = None) -> float:
    r"""Return the factor that preserves the variance of a signal through an activation.

    linear, sigmoid 1; tanh 5/3; relu :math:`\sqrt2`; selu 3/4; leaky_relu :math:`\sqrt{2/(1+a^2)}`.

    Args:
        nonlinearity: the activation's name.
        negative_slope: `a` of leaky_relu. Default: 0.01.

    Returns:
        float.

    Raises:
        ArgumentError: the activation has no gain.

    Examples:
        >>> calculate_gain("leaky_relu", 1.0)
        1.0

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852; the numbers are those of `torch.nn.init`.
    """
    _check.one_of(nonlinearity, (*_GAINS, "leaky_relu"), name="nonlinearity", where="calculate_gain")
    if nonlinearity == "leaky_relu":
        slope = 0.01 if negative_slope is None else negative_slope
        slope = _check.number(slope, name="negative_slope", where="calculate_gain")
        return math.sqrt(2.0 / (1.0 + slope * slope))
    return _GAINS[nonlinearity]


def calculate_fan_in_and_fan_out(shape: Sequence[int]) -> tuple[int, int]:
    r"""Return the number of inputs of each output of a weight, and the number of outputs of each input.

    For (out, in, \*window): :math:`\text{in}\prod\text{window}` and :math:`\text{out}\prod\text{window}`.

    Args:
        shape: the weight's shape, of two or more dimensions.

    Returns:
        (fan_in, fan_out).

    Raises:
        ShapeError: fewer than two dimensions.

    Examples:
        >>> calculate_fan_in_and_fan_out((8, 4, 3, 3))
        (36, 72)

    Source: `torch.nn.init`, and the same convention in MindSpore.
    """
    if len(shape) < 2:
        raise ShapeError(
            f"fan_in and fan_out need a weight of 2 or more dimensions, but got shape {tuple(shape)}. "
            "For a bias or a scale use 'zeros', 'ones', Normal or Uniform."
        )
    window = math.prod(shape[2:])
    return int(shape[1] * window), int(shape[0] * window)


def shape_of(shape: Any, where: str, minimum: int) -> tuple[int, ...]:
    """Return `shape` as a tuple of ints; each must be ≥ `minimum`."""
    sizes = shape if isinstance(shape, (list, tuple)) else (shape,)
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, numbers.Integral) or size < minimum:
            raise ArgumentError(
                f"{where}: `shape` must be an int ≥ {minimum} or a tuple or list of them, but got {shape!r}."
            )
    return tuple(int(size) for size in sizes)


class Initializer:
    """Base class of initializers; a subclass defines `_initialize(arr)`, which fills a NumPy array in place.

    Args:
        kwargs: the settings; each becomes an attribute.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> class Steps(Initializer):
        ...     def _initialize(self, arr):
        ...         arr[...] = np.arange(arr.size).reshape(arr.shape)
        >>> print(initializer(Steps(), (2, 3)))
        [[0. 1. 2.]
         [3. 4. 5.]]

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._settings = tuple(kwargs)
        for name, value in kwargs.items():
            setattr(self, name, value)

    def _initialize(self, arr: np.ndarray) -> None:
        raise NotImplementedError(
            f"{type(self).__name__}: define `_initialize(self, arr)`, which fills the NumPy array `arr`."
        )

    def __call__(self, shape: int | Sequence[int], dtype: Any = float32) -> np.ndarray:
        """Return new data.

        Args:
            shape: the array's shape.
            dtype: its element type.

        Returns:
            NumPy array of that shape and dtype.

        Raises:
            ShapeError: the initializer cannot fill this shape.
            DtypeError: the initializer draws random values and `dtype` is not a floating dtype.
        """
        array = np.empty(shape_of(shape, type(self).__name__, minimum=0), as_dtype(dtype).dtype)
        self._initialize(array)
        return array

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__dict__.get("_settings", ()))
        return f"{type(self).__name__}({settings})"

    def _random(self, array: np.ndarray) -> np.random.Generator:
        """Return the generator; raise where the array cannot hold fractions."""
        if not as_dtype(array.dtype).is_floating_point:
            raise DtypeError(
                f"{type(self).__name__}: the values are fractions, but the requested dtype is "
                f"{as_dtype(array.dtype)}. Use float16, bfloat16, float32 or float64."
            )
        return default_stream.generator

    def _check_ndim(self, array: np.ndarray, low: int, high: int | None = None) -> None:
        if array.ndim < low or (high is not None and array.ndim > high):
            wanted = f"{low}" if low == high else f"{low} or more" if high is None else f"{low} to {high}"
            raise ShapeError(f"{type(self).__name__}: the shape must have {wanted} dimensions, but got {array.shape}.")


@dataclass_transform()
def with_settings(cls: Class) -> Class:
    """Decorate an initializer to define its constructor from its annotated fields, which are its settings.

    The constructor checks the settings, keeps them as they are given, and calls `self._finish()` if it is defined.
    """
    fields, checks = fields_of(cls)
    body = [f"_check_{name}({name}, name={name!r}, where=type(self).__name__)" for name in checks]
    body.append(f"_start(self, {', '.join(f'{name}={name}' for name in fields)})")
    if hasattr(cls, "_finish"):
        body.append("self._finish()")
    set_constructor(cls, fields, checks, body, Initializer.__init__)
    return cls
