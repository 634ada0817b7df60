"""Arrays as the losses take them: on the host or the device, in which dtype, and with which weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import is_tracer

_INT32 = np.iinfo(np.int32)


def as_array(value: Any) -> jax.Array | np.ndarray:
    """An array, left on the host if it is there, so that 64-bit integers keep their bits until they are checked.

    For the same reason a 64-bit integer array of JAX goes to the host where JAX would cut it.
    """
    if isinstance(value, jax.Array | np.ndarray) or is_tracer(value):
        array = value
    elif hasattr(value, "__jax_array__"):
        array = value.__jax_array__()
    elif isinstance(value, bool | float) or (isinstance(value, int) and _INT32.min <= value <= _INT32.max):
        return jnp.asarray(value)
    else:
        return np.asarray(value)
    return np.asarray(array) if isinstance(array, jax.Array) and would_be_cut(array) else array


def would_be_cut(values: Any) -> bool:
    """Whether JAX would drop the upper half of these integers: they have 64 bits, are known, and 64-bit mode is off."""
    dtype = values.dtype
    if dtype.kind not in "iu" or dtype.itemsize <= 4 or is_tracer(values):
        return False
    if jax.dtypes.canonicalize_dtype(dtype) == dtype:
        return False
    return isinstance(values, np.ndarray) or values.is_fully_addressable


def nearest_int32(values: Any) -> Any:
    """64-bit integers that JAX would cut, as int32; those outside its range become its nearest end.

    2**32 would become 0, which is a class; the end of the range is none, so it is found to be out of range.
    """
    if not would_be_cut(values):
        return values
    return np.clip(np.asarray(values), _INT32.min, _INT32.max).astype(np.int32)


def identities(labels: Any) -> Any:
    """Integers that are equal where the labels are, none of which JAX cuts."""
    if not would_be_cut(labels) or _fits(labels):
        return nearest_int32(labels)
    labels = np.asarray(labels)
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)


def numbers(values: Any, dtype: Any) -> Any:
    """Numbers none of which JAX cuts: integers that need more than 32 bits become floats."""
    if not would_be_cut(values) or _fits(values):
        return nearest_int32(values)
    return np.asarray(values).astype(dtype)


def _fits(values: Any) -> bool:
    host = np.asarray(values)
    return not host.size or (host.min() >= _INT32.min and host.max() <= _INT32.max)


def compute_dtype(dtype: Any) -> np.dtype:
    """float32 for anything narrower and for integers, else the dtype itself."""
    if jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits >= 32:
        return jnp.dtype(dtype)
    return jnp.dtype(jnp.float32)


def apply_weights(values: jax.Array, weights: jax.Array | None) -> jax.Array:
    """Weighted values; one of weight zero is 0 and sends no gradient back, whatever it holds."""
    if weights is None:
        return values
    weights = jnp.broadcast_to(weights.astype(values.dtype), values.shape)
    return weights * jnp.where(weights != 0, values, 0)
