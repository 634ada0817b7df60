"""Sums of probabilities given as logarithms."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp


def log_add(*terms: jax.Array) -> jax.Array:
    """log(sum of exp(term)), elementwise over arrays of one shape.

    A term of -inf is a probability of 0: it adds nothing and gets no gradient. Where all are -inf, so is the
    result, and every derivative is 0.
    """
    # No custom_jvp: inside a scan its second derivative would be that of the plain formula anyway.
    largest = jax.lax.stop_gradient(functools.reduce(jnp.maximum, terms))
    largest = jnp.where(jnp.isneginf(largest), 0, largest)
    total = functools.reduce(jnp.add, (jnp.exp(term - largest) for term in terms))
    nothing = total == 0
    return jnp.where(nothing, -jnp.inf, largest + jnp.log(jnp.where(nothing, 1, total)))


def centred(*parts: jax.Array) -> tuple[tuple[jax.Array, ...], jax.Array]:
    """Subtract the maximum over the last axis from log probabilities, and return both; the maximum has size 1 there.

    This keeps a long recursion near 0, where floats are dense. The maximum is constant in derivatives: it is added
    again later, so that no derivative changes.
    """
    tops = [jnp.max(part, axis=-1, keepdims=True, initial=-jnp.inf) for part in parts]
    top = jax.lax.stop_gradient(functools.reduce(jnp.maximum, tops))
    top = jnp.where(jnp.isfinite(top), top, 0)
    return tuple(part - top for part in parts), top
