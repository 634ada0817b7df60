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
    """Return the array of a Tensor, or a JAX or NumPy array as a JAX array; raise `ArgumentTypeError` otherwise."""
    if isinstance(value, Tensor):
        return value._value
    if isinstance(value, (jax.Array, np.ndarray)) or is_tracer(value):
        return to_array(value)
    raise ArgumentTypeError(
        f"{where}: {name} must be a Tensor, but got {value!r} of type {type(value).__name__}. Wrap it: Tensor(...)."
    )


def check_floating(array: Array, where: str, name: str = "the input") -> None:
    """Raise `DtypeError` for an array of integers or bools."""
    if array.dtype.kind in "iub":
        raise DtypeError(
            f"{where}: {name} must be of a floating dtype, but got {as_dtype(array.dtype)}. "
            "Cast it first: x.astype(sporax.float32)."
        )


def check_ndim(array: Array, allowed: tuple[int, ...], where: str, layout: str) -> None:
    """Raise `ShapeError` if the number of dimensions is not in `allowed`; `layout` names the dimensions."""
    if array.ndim not in allowed:
        counts = " or ".join(str(each) for each in allowed)
        raise ShapeError(f"{where}: the input must have {counts} dimensions, {layout}, but got shape {array.shape}.")


def check_weight_dtype(array: Array, weight: Array, where: str) -> None:
    """Raise `DtypeError` for an input of another dtype than the weight of the layer."""
    if array.dtype != weight.dtype:
        here, wanted = as_dtype(array.dtype), as_dtype(weight.dtype)
        raise DtypeError(
            f"{where}: the input's dtype is {here}, but the weight's is {wanted}. Cast the input, "
            f"x.astype({wanted!r}), or let the layer compute in another dtype with .to_float(...)."
        )
