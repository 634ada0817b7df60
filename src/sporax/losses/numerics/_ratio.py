"""Division that gives 0 for a zero denominator."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


@jax.custom_jvp
def ratio(part: jax.Array, whole: jax.Array) -> jax.Array:
    """part / whole, and 0 without derivative where the whole is 0.

    The derivative of a plain division has the factor 1 / whole², which overflows for a very small denominator, as in
    nearly empty regions or boxes.
    """
    none = nothing(whole)
    return jnp.where(none, 0, part / jnp.where(none, 1, whole))


@ratio.defjvp
def _ratio_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[jax.Array, jax.Array]:
    (part, whole), (part_tangent, whole_tangent) = primals, tangents
    result, none = ratio(part, whole), nothing(whole)
    tangent = (part_tangent - result * whole_tangent) / jnp.where(none, 1, whole)
    return result, jnp.where(none, 0, tangent)


def nothing(total: jax.Array) -> jax.Array:
    """Return whether a total is 0, or so small that its inverse overflows."""
    return jnp.abs(total) < jnp.finfo(total.dtype).tiny
