"""Class weights, and products in which 0 times infinity is 0."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, DtypeError, ShapeError
from sporax._value_checks import check_when_known
from sporax.losses.contract._arrays import as_array
from sporax.losses.numerics._sums import sum_rows


def class_vector(
    value: Any, classes: int, dtype: np.dtype, *, name: str, where: str, positive: bool = False
) -> jax.Array:
    """Convert `value` to an array of shape (classes,) in `dtype`; with `positive`, known values must be above 0."""
    array = as_array(value)
    if array.shape != (classes,):
        raise ShapeError(
            f"{where}: `{name}` must have shape ({classes},), one number per class, but got shape {array.shape}."
        )
    if not (jnp.issubdtype(array.dtype, jnp.floating) or jnp.issubdtype(array.dtype, jnp.integer)):
        raise DtypeError(f"{where}: `{name}` must hold real numbers, but got dtype {jnp.dtype(array.dtype).name}.")
    if positive:
        check_positive(array, name=name, where=where)
    return jnp.asarray(array).astype(dtype)


def check_positive(array: jax.Array | np.ndarray, *, name: str, where: str) -> None:
    """Check that known values are above 0."""
    check_when_known(functools.partial(_check_positive, name=name, where=where), array)


def _check_positive(array: jax.Array | np.ndarray, *, name: str, where: str) -> None:
    host = np.asarray(array)
    wrong = ~(host > 0)
    if wrong.any():
        index = int(np.flatnonzero(wrong)[0])
        raise ArgumentError(
            f"{where}: `{name}` must be above 0 for every class, but got {host[index].item()} for class {index}. "
            "Remove a class that never occurs, or give it a small number."
        )


def scaled(factor: Any, cost: jax.Array) -> jax.Array:
    """factor * cost, where a factor of 0 also removes an infinite cost and its gradient; NaN stays."""
    return factor * jnp.where((factor == 0) & jnp.isinf(cost), 0, cost)


def cross(target: jax.Array, log_p: jax.Array) -> jax.Array:
    """-sum(target * log_p) over the last axis, with 0 log 0 = 0."""
    # 0 - x instead of -x, so that a loss of zero is 0 and not -0.
    return 0 - sum_rows(target * jnp.where((target == 0) & jnp.isneginf(log_p), 0, log_p))[..., 0]
