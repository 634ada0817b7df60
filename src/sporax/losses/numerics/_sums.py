"""Sums over all elements and over rows, in forms that XLA fuses with the computation of their terms.

XLA does not fuse reductions on CPU with the formula before them: it writes the values, and often more, to memory, and
computes them on one core. A sum of a few slices is elementwise, so it is fused, and only an eighth of the values
remains to be reduced. On other devices these are the plain reductions (measured: docs/performance.md).
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp

_MANY = 1 << 15
"""The minimum number of elements for splitting a reduction."""

_WIDE = 64
"""The minimum number of columns for reducing an array by rows."""


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def sum_all(values: jax.Array, fuse: bool = True) -> jax.Array:
    """Sum of all elements; `fuse`: whether XLA may fuse it with the computation of the elements."""
    if values.size < _MANY:
        return jnp.sum(values)
    return _sum_many(values, fuse)


@sum_all.defjvp
def _sum_all_jvp(fuse: bool, primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return sum_all(*primals, fuse), jnp.sum(tangents[0])


@jax.custom_jvp
def sum_rows(values: jax.Array) -> jax.Array:
    """Sum over the last axis, kept with size 1."""
    if values.size < _MANY or values.shape[-1] < _WIDE:
        return _plain_rows(values)
    return _sum_wide_rows(values)


@sum_rows.defjvp
def _sum_rows_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return sum_rows(*primals), _plain_rows(tangents[0])


def spread(values: jax.Array, size: int) -> jax.Array:
    """Broadcast values of shape (..., 1) to a last axis of that size, with a transpose that sums as `sum_rows` does.

    The transpose of `jnp.broadcast_to` is a plain sum.
    """
    if math.prod(values.shape) * size < _MANY or size < _WIDE:
        return _plain_spread(values, size)
    return _spread_wide(values, size)


@jax.custom_jvp
def largest(values: jax.Array) -> jax.Array:
    """Maximum over the last axis, kept with size 1; NaN propagates, and equal maxima share the derivative."""
    # XLA's maximum on CPU ignores NaN when it is fused with the computation of its operand.
    has_nan = sum_rows(jnp.isnan(values).astype(values.dtype)) > 0
    return jnp.where(has_nan, jnp.nan, jnp.max(values, axis=-1, keepdims=True))


@largest.defjvp
def _largest_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (values,), (change,) = primals, tangents
    top = largest(values)
    is_top = (values == top).astype(values.dtype)
    return top, _plain_rows(is_top / sum_rows(is_top) * change)


# Each compiled as one program, so that an eager call does not run its operations one by one.


@functools.partial(jax.jit, static_argnums=1)
def _sum_many(values: jax.Array, fuse: bool) -> jax.Array:
    return jax.lax.platform_dependent(values, cpu=functools.partial(_sum_all_on_cpu, fuse=fuse), default=jnp.sum)


@jax.jit
def _sum_wide_rows(values: jax.Array) -> jax.Array:
    return jax.lax.platform_dependent(values, cpu=_sum_rows_on_cpu, default=_plain_rows)


@functools.partial(jax.jit, static_argnums=1)
def _spread_wide(values: jax.Array, size: int) -> jax.Array:
    cpu, plain = (functools.partial(form, size=size) for form in (_spread_on_cpu, _plain_spread))
    return jax.lax.platform_dependent(values, cpu=cpu, default=plain)


def _plain_spread(values: jax.Array, size: int) -> jax.Array:
    return jnp.broadcast_to(values, (*values.shape[:-1], size))


def _plain_rows(values: jax.Array) -> jax.Array:
    return jnp.sum(values, axis=-1, keepdims=True)


def _sum_all_on_cpu(values: jax.Array, *, fuse: bool) -> jax.Array:
    columns = values.shape[-1]
    wide = values.ndim > 1 and columns >= _WIDE
    values = values.reshape(-1, columns) if wide else values.reshape(-1)
    if fuse:
        # Adjacent rows are added, so that a batch that is sharded over devices is not moved.
        values = _folded(values, 0, adjacent=wide)
    if values.ndim == 1 or not jnp.issubdtype(values.dtype, jnp.floating):
        return jnp.sum(values)
    # Unlike a sum, a product with ones does not compute its operand again, and runs in parallel.
    ones = jnp.ones(values.shape[0], values.dtype)
    return jnp.sum(jnp.matmul(ones, values, precision=jax.lax.Precision.HIGHEST))


def _sum_rows_on_cpu(values: jax.Array) -> jax.Array:
    values = _folded(values, values.ndim - 1, adjacent=False)
    if not jnp.issubdtype(values.dtype, jnp.floating):
        return _plain_rows(values)
    return jnp.matmul(values, jnp.ones((values.shape[-1], 1), values.dtype), precision=jax.lax.Precision.HIGHEST)


def _spread_on_cpu(values: jax.Array, size: int) -> jax.Array:
    parts = _parts(size)
    ones = jnp.ones((1, size // parts), values.dtype)
    part = jnp.matmul(values, ones, precision=jax.lax.Precision.HIGHEST)
    return jnp.concatenate([part] * parts, axis=-1)


def _parts(size: int) -> int:
    """Return the number of equal parts, at most eight, into which an axis is split."""
    return next((count for count in range(8, 0, -1) if size % count == 0), 1)


def _folded(values: jax.Array, axis: int, *, adjacent: bool) -> jax.Array:
    """Shorten the axis by a factor of up to eight by adding adjacent elements, or equal parts of it, elementwise."""
    size = values.shape[axis]
    count = _parts(size)
    if count == 1:
        return values
    split = (size // count, count) if adjacent else (count, size // count)
    values = values.reshape(*values.shape[:axis], *split, *values.shape[axis + 1 :])
    across = axis + 1 if adjacent else axis
    return functools.reduce(jnp.add, [jax.lax.index_in_dim(values, at, across, keepdims=False) for at in range(count)])
