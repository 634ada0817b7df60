"""Conversion of the inputs of losses to arrays, on the host or the device, and their dtypes and weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import is_tracer

_INT32 = np.iinfo(np.int32)


def as_array(value: Any) -> jax.Array | np.ndarray:
    """Return an array, on the host if the value is there, so that 64-bit integers keep their bits until the check.

    For the same reason a 64-bit integer array of JAX is moved to the host if JAX would truncate it.
    """
    if isinstance(value, jax.Array | np.ndarray) or is_tracer(value):
        array = value
    elif hasattr(value, "__jax_array__"):
        array = value.__jax_array__()
    elif isinstance(value, bool | float) or (isinstance(value, int) and _INT32.min <= value <= _INT32.max):
        return jnp.asarray(value)
    else:
        return np.asarray(value)
    return np.asarray(array) if isinstance(array, jax.Array) and would_be_truncated(array) else array


def would_be_truncated(values: Any) -> bool:
    """Return whether JAX would drop the upper half of integers: known 64-bit ones, with 64-bit mode off."""
    dtype = values.dtype
    if dtype.kind not in "iu" or dtype.itemsize <= 4 or is_tracer(values):
        return False
    if jax.dtypes.canonicalize_dtype(dtype) == dtype:
        return False
    return isinstance(values, np.ndarray) or values.is_fully_addressable


def nearest_int32(values: Any) -> Any:
    """Convert 64-bit integers that JAX would truncate to int32, clipped to its range.

    2**32 would become 0, a valid class index; the end of the range of int32 is found to be out of range.
    """
    if not would_be_truncated(values):
        return values
    return np.clip(np.asarray(values), _INT32.min, _INT32.max).astype(np.int32)


def identities(labels: Any) -> Any:
    """Return integers that are equal where the labels are equal, and that JAX does not truncate."""
    if not would_be_truncated(labels) or _fits(labels):
        return nearest_int32(labels)
    labels = np.asarray(labels)
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)


def numbers(values: Any, dtype: Any) -> Any:
    """Convert integers that need more than 32 bits to floats, so that JAX does not truncate them."""
    if not would_be_truncated(values) or _fits(values):
        return nearest_int32(values)
    return np.asarray(values).astype(dtype)


def namespace_of(*arrays: Any) -> Any:
    """Return NumPy if all arrays are on the host, else `jax.numpy`."""
    return np if all(isinstance(each, np.ndarray) for each in arrays) else jnp


def _fits(values: Any) -> bool:
    host = np.asarray(values)
    return not host.size or (host.min() >= _INT32.min and host.max() <= _INT32.max)


def compute_dtype(dtype: Any) -> np.dtype:
    """Return float32 for narrower floats and for integers, and otherwise the dtype."""
    if jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits >= 32:
        return jnp.dtype(dtype)
    return jnp.dtype(jnp.float32)


def apply_weights(values: jax.Array, weights: jax.Array | None) -> jax.Array:
    """Multiply values by weights; a value of weight zero becomes 0, without gradient, even if it is NaN."""
    if weights is None:
        return values
    weights = jnp.broadcast_to(weights.astype(values.dtype), values.shape)
    return weights * jnp.where(weights != 0, values, 0)
