"""Look-up by class index with a defined result for an index out of range."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def valid_indices(indices: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
    """Return which indices are in [0, count), and the indices as int32 with the others set to 0."""
    # `count` may not fit a narrow dtype, and a wide index may wrap in int32, so they are compared in the wider dtype.
    wide = indices if indices.dtype.itemsize >= 4 else indices.astype(jnp.int32)
    valid = (wide >= 0) & (wide < count)
    return valid, jnp.where(valid, wide, 0).astype(jnp.int32)


def kept_labels(labels: Any, index: int) -> Any:
    """Return which labels are not the ignored one, for any dtype; on the host if the labels are there."""
    if jnp.issubdtype(labels.dtype, jnp.integer):
        limits = jnp.iinfo(labels.dtype)
        if not limits.min <= index <= limits.max:
            return labels == labels
        return labels != labels.dtype.type(index)
    return labels != index


def take_class(values: jax.Array, indices: jax.Array) -> jax.Array:
    """values[..., index] along the class axis, the last one; NaN, without gradient, for an index out of range."""
    valid, safe = valid_indices(indices, values.shape[-1])
    return jnp.where(valid, _picked(values, safe), jnp.nan)


@jax.custom_jvp
def _picked(values: jax.Array, index: jax.Array) -> jax.Array:
    return jnp.take_along_axis(values, index[..., None], axis=-1, mode="clip")[..., 0]


@_picked.defjvp
def _picked_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    # Its transpose is elementwise, so that XLA fuses it with the following operations; that of a gather is a scatter.
    (values, index), change = primals, tangents[0]
    return _picked(values, index), jnp.sum(jnp.where(named(index, values), change, 0), axis=-1)


def named(index: jax.Array, values: jax.Array) -> jax.Array:
    """Return a mask over the last axis of `values` that is True at the index."""
    return index[..., None] == jax.lax.broadcasted_iota(index.dtype, values.shape, values.ndim - 1)


def take_rows(table: jax.Array, indices: jax.Array, dtype: jax.typing.DTypeLike) -> jax.Array:
    """table[index] along the first axis, in `dtype`; NaN, without gradient, for an index out of range."""
    valid, safe = valid_indices(indices, table.shape[0])
    rows = jnp.take(table, safe, axis=0, mode="clip").astype(dtype)
    valid = valid.reshape(valid.shape + (1,) * (table.ndim - 1))
    return jnp.where(valid, rows, jnp.nan)
