"""Logarithms of a sigmoid and of its complement: accurate, quick, and right in derivatives of any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp

Pair: TypeAlias = tuple[jax.Array, jax.Array]

_HUGE = 1e30
"""Stands for an infinite logit: its sigmoid is 0 or 1, and 0 times it is 0."""

_LARGE = 1e8
"""A loss above this at an infinite logit has no limit."""

_LOG1P = (
    0.9999999698815792, -0.49999493148508234, 0.3331909689916243, -0.24842982669225736, 0.19106007903498676,
    -0.13663247281576227, 0.0782259609355013, -0.02950524011800587, 0.0052326937037630115,
)  # fmt: skip
"""log1p(e) / e on [0, 1], minimax in relative error (3e-8): as exact in float32 as the library's, and it vectorises."""


def polynomial(x: jax.Array, factors: Sequence[float]) -> jax.Array:
    """The sum of factors[i] x^i."""
    total = jnp.full_like(x, factors[-1])
    for factor in factors[-2::-1]:
        total = total * x + factor
    return total


@jax.custom_jvp
def log1p(x: jax.Array) -> jax.Array:
    """log(1 + x), in float32 at half of what XLA's own costs, which computes a polynomial beside the logarithm."""
    if x.dtype != jnp.float32:
        return jnp.log1p(x)
    # Kahan: what 1 + x lost, over the derivative there. Rounding is spelt out, as XLA takes (1 + x) - 1 for x.
    whole = jax.lax.reduce_precision(1 + x, 8, 23)
    lost = jnp.where((whole > 0.25) & (whole < 1e8), (x - (whole - 1)) / whole, 0)
    return jnp.log(whole) + lost


@log1p.defjvp
def _log1p_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return log1p(*primals), tangents[0] / (1 + primals[0])


def log1p_within_one(e: jax.Array) -> jax.Array:
    """log(1 + e) for e in [0, 1]."""
    return polynomial(e, _LOG1P) * e if e.dtype == jnp.float32 else jnp.log1p(e)


@jax.custom_jvp
def sigmoids(x: jax.Array) -> Pair:
    """sigmoid(x) and sigmoid(-x); the small one keeps its digits."""
    e = jnp.exp(-jnp.abs(x))
    large = 1 / (1 + e)
    small = e * large
    return jnp.where(x >= 0, large, small), jnp.where(x >= 0, small, large)


@sigmoids.defjvp
def _sigmoids_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[Pair, Pair]:
    (x,), (tangent,) = primals, tangents
    p, q = sigmoids(x)
    change = p * q * tangent
    return (p, q), (change, -change)


@jax.custom_jvp
def softpluses(x: jax.Array) -> Pair:
    """log(1 + exp(x)) and log(1 + exp(-x)): -log sigmoid(-x) and -log sigmoid(x)."""
    rest = log1p_within_one(jnp.exp(-jnp.abs(x)))
    return jnp.maximum(x, 0) + rest, jnp.maximum(-x, 0) + rest


@softpluses.defjvp
def _softpluses_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[Pair, Pair]:
    (x,), (tangent,) = primals, tangents
    p, q = sigmoids(x)
    return softpluses(x), (p * tangent, -q * tangent)


def at_infinity(formula: Callable[[jax.Array], jax.Array], logits: jax.Array) -> jax.Array:
    """formula(logits), elementwise, with the limits of value and derivative at infinite logits."""
    values = formula(_bounded(logits))
    endless = jnp.isinf(logits) & (jnp.abs(values) > _LARGE)
    return values + jnp.where(endless, jnp.copysign(jnp.inf, values), 0)


@jax.custom_jvp
def _bounded(x: jax.Array) -> jax.Array:
    return jnp.where(jnp.isinf(x), jnp.copysign(_HUGE, x), x)


@_bounded.defjvp
def _bounded_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    # The derivative goes on, so that the formula's own derivative far out is the limit.
    return _bounded(primals[0]), tangents[0]
