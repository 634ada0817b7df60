"""Look-up by class index with a stated result for an index that names no class."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def valid_indices(indices: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
    """Which indices lie in [0, count), and the indices as int32 with the others set to 0."""
    # In a narrow dtype `count` itself might not fit, in a wide one an index might wrap: compare in the wider
    # of the two.
    wide = indices if indices.dtype.itemsize >= 4 else indices.astype(jnp.int32)
    valid = (wide >= 0) & (wide < count)
    return valid, jnp.where(valid, wide, 0).astype(jnp.int32)


def kept_labels(labels: Any, index: int) -> Any:
    """Which labels are not the one to ignore, of whatever dtype they are; on the host where they are."""
    if jnp.issubdtype(labels.dtype, jnp.integer):
        limits = jnp.iinfo(labels.dtype)
        if not limits.min <= index <= limits.max:
            return labels == labels
        return labels != labels.dtype.type(index)
    return labels != index


def take_class(values: jax.Array, indices: jax.Array) -> jax.Array:
    """values[..., index], where the last axis holds classes; NaN, with no gradient, for no such class."""
    valid, safe = valid_indices(indices, values.shape[-1])
    return jnp.where(valid, _picked(values, safe), jnp.nan)


@jax.custom_jvp
def _picked(values: jax.Array, index: jax.Array) -> jax.Array:
    return jnp.take_along_axis(values, index[..., None], axis=-1, mode="clip")[..., 0]


@_picked.defjvp
def _picked_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    # Its transpose is a choice for each position, which joins with what comes next; a gather's is a scatter into zeros.
    (values, index), change = primals, tangents[0]
    return _picked(values, index), jnp.sum(jnp.where(named(index, values), change, 0), axis=-1)


def named(index: jax.Array, values: jax.Array) -> jax.Array:
    """Which place of the last axis of `values` the index names."""
    return index[..., None] == jax.lax.broadcasted_iota(index.dtype, values.shape, values.ndim - 1)


def take_rows(table: jax.Array, indices: jax.Array, dtype: jax.typing.DTypeLike) -> jax.Array:
    """table[index] along the first axis, in `dtype`; NaN, with no gradient, for no such row."""
    valid, safe = valid_indices(indices, table.shape[0])
    rows = jnp.take(table, safe, axis=0, mode="clip").astype(dtype)
    valid = valid.reshape(valid.shape + (1,) * (table.ndim - 1))
    return jnp.where(valid, rows, jnp.nan)
