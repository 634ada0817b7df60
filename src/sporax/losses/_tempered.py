"""The tempered softmax: log probabilities of a softmax whose exponential has a temperature."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

# With k = 1 - t:  log_t(x) = (x^k - 1) / k,  exp_t(x) = max(1 + k x, 0)^(1 / k);  at k = 0 log and exp.


def tempered_log(log_x: jax.Array, t: Any) -> jax.Array:
    """log_t(x), from log x. At x = 0 it is -1 / (1 - t) for t < 1, with no gradient, and else -inf."""
    k = jnp.asarray(1 - t, log_x.dtype)
    some = ~jnp.isneginf(log_x)
    value = _expm1_ratio(jnp.where(some, log_x, 0), k)
    floor = jnp.where(k > 0, -1 / jnp.where(k > 0, k, 1), -jnp.inf)
    return jnp.where(some, value, floor)


def _expm1_ratio(x: jax.Array, k: jax.Array) -> jax.Array:
    """(e^(k x) - 1) / k, and x at k = 0."""
    flat = k == 0
    return jnp.where(flat, x, jnp.expm1(k * x) / jnp.where(flat, 1, k))


def _log_exp_t(x: jax.Array, k: jax.Array) -> jax.Array:
    """log of exp_t(x): log(1 + k x) / k, -inf where exp_t(x) is 0, and x at k = 0."""
    flat = k == 0
    inside = ~(k * x <= -1)  # a NaN stays one
    safe = jnp.where(inside & ~jnp.isinf(x), x, 0)
    value = jnp.where(flat, safe, jnp.log1p(k * safe) / jnp.where(flat, 1, k))
    return jnp.where((flat | inside) & ~jnp.isinf(x), value, -jnp.inf)


def _shifted(logits: jax.Array) -> jax.Array:
    largest = jnp.max(logits, axis=-1, keepdims=True)
    return jnp.where(logits == largest, 0, logits - largest)


def _log_probabilities(logits: jax.Array, k: jax.Array) -> jax.Array:
    """log exp_t(x - z) with the z at which they sum to 1.

    Shifted so that the largest x is 0, z lies in [0, -log_t(1 / C)]; the sum falls with z and is convex in it, so
    that Newton's method climbs from 0 to the root and never passes it.
    """
    x = _shifted(logits)
    small = 4 * jnp.finfo(x.dtype).eps

    def go_on(state: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        count, z, step = state
        return (count < 200) & jnp.any(step > small * jnp.maximum(z, 1))

    def climb(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        count, z, _ = state
        log_p = _log_exp_t(x - z, k)
        some = ~jnp.isneginf(log_p)
        slopes = jnp.where(some, jnp.exp((1 - k) * jnp.where(some, log_p, 0)), 0)
        step = (jnp.sum(jnp.exp(log_p), axis=-1, keepdims=True) - 1) / jnp.sum(slopes, axis=-1, keepdims=True)
        return count + 1, z + step, step

    z = jnp.zeros_like(x[..., :1])
    _, z, _ = jax.lax.while_loop(go_on, climb, (jnp.zeros((), jnp.int32), z, jnp.ones_like(z)))
    return _log_exp_t(x - z, k)


@jax.custom_jvp
def _tempered_log_softmax(logits: jax.Array, k: jax.Array) -> jax.Array:
    return _log_probabilities(logits, k)


def _tempered_log_softmax_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[Any, Any]
) -> tuple[jax.Array, jax.Array]:
    # L = f(x - z, k) with f = log exp_t.  f' = p^-k, and the condition sum(p) = 1 gives dz.
    (logits, k), (x_tangent, k_tangent) = primals, tangents
    result = _tempered_log_softmax(logits, k)
    some = ~jnp.isneginf(result)
    log_p = jnp.where(some, result, 0)
    steep = jnp.where(some, jnp.exp(-k * log_p), 0)
    escort = jnp.where(some, jnp.exp((1 - k) * log_p), 0)
    moved = jnp.zeros_like(result)
    if not isinstance(x_tangent, SymbolicZero):
        moved = moved + escort * x_tangent
    by_k = None
    if not isinstance(k_tangent, SymbolicZero):
        by_k = jnp.where(some, _slope_by_k(log_p, k) * k_tangent, 0)
        moved = moved + jnp.where(some, jnp.exp(log_p), 0) * by_k
    z_tangent = jnp.sum(moved, axis=-1, keepdims=True) / jnp.sum(escort, axis=-1, keepdims=True)
    tangent = -steep * z_tangent
    if not isinstance(x_tangent, SymbolicZero):
        tangent = tangent + steep * x_tangent
    return result, tangent if by_k is None else tangent + by_k


_tempered_log_softmax.defjvp(_tempered_log_softmax_jvp, symbolic_zeros=True)


def _slope_by_k(log_p: jax.Array, k: jax.Array) -> jax.Array:
    """d/dk of log(1 + k x) / k at fixed x, from its value L: L^2 (1 - u - e^-u) / u^2 with u = k L."""
    u = k * log_p
    near = jnp.abs(u) < 0.05
    safe = jnp.where(near, 1, u)
    far = (-jnp.expm1(-safe) - safe) / jnp.square(safe)
    close = -0.5 + u / 6 - jnp.square(u) / 24 + u**3 / 120 - u**4 / 720
    return jnp.square(log_p) * jnp.where(near, close, far)


def tempered_log_softmax(logits: jax.Array, t: Any) -> jax.Array:
    """Log probabilities over the last axis; -inf for a class that gets none, as happens below t = 1."""
    return _tempered_log_softmax(logits, jnp.asarray(1 - t, logits.dtype))
