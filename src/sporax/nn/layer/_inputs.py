"""Checks of the inputs of layers: type, dtype and number of dimensions."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from sporax._errors import ArgumentTypeError, DtypeError, ShapeError
from sporax._jax_compat import is_tracer
from sporax.core import Tensor, to_array
from sporax.core.dtype import as_dtype

Array = Any


def array_of(value: Any, where: str, name: str = "the input") -> Array:
    """Return the array of a Tensor, or a JAX or NumPy array as a JAX array.

    Raises:
        ArgumentTypeError: `value` is something else.
    """
    if isinstance(value, Tensor):
        return value._value
    if isinstance(value, (jax.Array, np.ndarray)) or is_tracer(value):
        return to_array(value)
    raise ArgumentTypeError(
        f"{where}: {name} must be a Tensor, but got {value!r} of type {type(value).__name__}. Wrap it: Tensor(...)."
    )


def check_floating(array: Array, where: str, name: str = "the input") -> None:
    """Check that the dtype of `array` is floating or complex.

    Raises:
        DtypeError: it is integer or bool.
    """
    if array.dtype.kind in "iub":
        raise DtypeError(
            f"{where}: {name} must be of a floating dtype, but got {as_dtype(array.dtype)}. "
            "Cast it first: x.astype(sporax.float32)."
        )


def check_ndim(array: Array, allowed: tuple[int, ...], where: str, layout: str) -> None:
    """Check the number of dimensions of `array`.

    Args:
        array: the input.
        allowed: the allowed numbers of dimensions.
        where: the name of the layer.
        layout: the meaning of the dimensions, for the message.

    Raises:
        ShapeError: the number is not allowed.
    """
    if array.ndim not in allowed:
        counts = " or ".join(str(each) for each in allowed)
        raise ShapeError(f"{where}: the input must have {counts} dimensions, {layout}, but got shape {array.shape}.")


def check_weight_dtype(array: Array, weight: Array, where: str) -> None:
    """Check that the input of a layer has the dtype of its weight.

    Raises:
        DtypeError: it has another one.
    """
    if array.dtype != weight.dtype:
        here, wanted = as_dtype(array.dtype), as_dtype(weight.dtype)
        raise DtypeError(
            f"{where}: the input's dtype is {here}, but the weight's is {wanted}. Cast the input, "
            f"x.astype({wanted!r}), or let the layer compute in another dtype with .to_float(...)."
        )
