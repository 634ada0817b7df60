"""Sums over everything and over rows, in forms that XLA joins with what made their terms.

XLA's reductions on CPU do not join with the formula before them: they write its values, and often more, to memory, and
run it on one core. A sum of a few slices is elementwise, so it does join, and only an eighth is left to be reduced.
On other devices these are the plain reductions (measured: docs/performance.md).
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp

_MANY = 1 << 15
"""From how many elements on a reduction is worth splitting."""

_WIDE = 64
"""From how many columns on the rows of an array are taken whole."""


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def sum_all(values: jax.Array, joins: bool = True) -> jax.Array:
    """The sum of all elements; without `joins` it is left apart from what made them."""
    if values.size < _MANY:
        return jnp.sum(values)
    return _sum_many(values, joins)


@sum_all.defjvp
def _sum_all_jvp(joins: bool, primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return sum_all(*primals, joins), jnp.sum(tangents[0])


@jax.custom_jvp
def sum_rows(values: jax.Array) -> jax.Array:
    """The sum over the last axis, which stays with size 1."""
    if values.size < _MANY or values.shape[-1] < _WIDE:
        return _plain_rows(values)
    return _sum_wide_rows(values)


@sum_rows.defjvp
def _sum_rows_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return sum_rows(*primals), _plain_rows(tangents[0])


def spread(values: jax.Array, size: int) -> jax.Array:
    """Values of shape (..., 1) along a last axis of that size, by operations whose transpose adds as `sum_rows` does.

    A broadcast's transpose is a plain sum.
    """
    if math.prod(values.shape) * size < _MANY or size < _WIDE:
        return _plain_spread(values, size)
    return _spread_wide(values, size)


@jax.custom_jvp
def largest(values: jax.Array) -> jax.Array:
    """Maximum over the last axis, kept with size 1; NaN propagates, and equal maxima share the derivative."""
    # XLA's maximum on CPU passes over NaN where it joins with what made its operand.
    unknown = sum_rows(jnp.isnan(values).astype(values.dtype)) > 0
    return jnp.where(unknown, jnp.nan, jnp.max(values, axis=-1, keepdims=True))


@largest.defjvp
def _largest_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (values,), (change,) = primals, tangents
    top = largest(values)
    meets = (values == top).astype(values.dtype)
    return top, _plain_rows(meets / sum_rows(meets) * change)


# Compiled as a whole, so that an eager call does not take them apart.


@functools.partial(jax.jit, static_argnums=1)
def _sum_many(values: jax.Array, joins: bool) -> jax.Array:
    return jax.lax.platform_dependent(values, cpu=functools.partial(_sum_all_on_cpu, joins=joins), default=jnp.sum)


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


def _sum_all_on_cpu(values: jax.Array, *, joins: bool) -> jax.Array:
    columns = values.shape[-1]
    wide = values.ndim > 1 and columns >= _WIDE
    values = values.reshape(-1, columns) if wide else values.reshape(-1)
    if joins:
        # Neighbouring rows go together, so that a batch that is spread over devices stays where it is.
        values = _folded(values, 0, adjacent=wide)
    if values.ndim == 1 or not jnp.issubdtype(values.dtype, jnp.floating):
        return jnp.sum(values)
    # A product with ones, unlike a sum, does not compute its operand again, and runs in parallel.
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
    """Into how many equal parts an axis is cut, at most eight."""
    return next((count for count in range(8, 0, -1) if size % count == 0), 1)


def _folded(values: jax.Array, axis: int, *, adjacent: bool) -> jax.Array:
    """The axis made shorter by up to eight times: neighbours, or equal parts of it, added elementwise."""
    size = values.shape[axis]
    count = _parts(size)
    if count == 1:
        return values
    split = (size // count, count) if adjacent else (count, size // count)
    values = values.reshape(*values.shape[:axis], *split, *values.shape[axis + 1 :])
    across = axis + 1 if adjacent else axis
    return functools.reduce(jnp.add, [jax.lax.index_in_dim(values, at, across, keepdims=False) for at in range(count)])
