"""Sums of probabilities that are held as logarithms."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp


def log_add(*terms: jax.Array) -> jax.Array:
    """log(sum of exp(term)), elementwise over arrays of one shape.

    A term of -inf is a probability of 0: it adds nothing and gets no gradient. Where all are -inf, so is the
    result, and every derivative is 0.
    """
    # No custom_jvp: within a scan its second derivative would be that of the plain formula all the same.
    largest = jax.lax.stop_gradient(functools.reduce(jnp.maximum, terms))
    largest = jnp.where(jnp.isneginf(largest), 0, largest)
    total = functools.reduce(jnp.add, (jnp.exp(term - largest) for term in terms))
    nothing = total == 0
    return jnp.where(nothing, -jnp.inf, largest + jnp.log(jnp.where(nothing, 1, total)))


def centred(*parts: jax.Array) -> tuple[tuple[jax.Array, ...], jax.Array]:
    """Log probabilities over the last axis less their largest, and that, of size 1 along that axis.

    A long recursion stays near 0 with it, where floats are dense. The largest is held constant: what is taken off
    here is added again later, so no derivative changes.
    """
    tops = [jnp.max(part, axis=-1, keepdims=True, initial=-jnp.inf) for part in parts]
    top = jax.lax.stop_gradient(functools.reduce(jnp.maximum, tops))
    top = jnp.where(jnp.isfinite(top), top, 0)
    return tuple(part - top for part in parts), top
