"""Division that is 0 where there is nothing to divide by."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


@jax.custom_jvp
def ratio(part: jax.Array, whole: jax.Array) -> jax.Array:
    """part / whole, and 0 with no derivative where the whole is 0.

    The derivative of a plain division has 1 / whole², which overflows where the whole is very small, as in regions or
    boxes that are nearly empty.
    """
    none = nothing(whole)
    return jnp.where(none, 0, part / jnp.where(none, 1, whole))


@ratio.defjvp
def _ratio_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[jax.Array, jax.Array]:
    (part, whole), (part_tangent, whole_tangent) = primals, tangents
    result, none = ratio(part, whole), nothing(whole)
    slope = (part_tangent - result * whole_tangent) / jnp.where(none, 1, whole)
    return result, jnp.where(none, 0, slope)


def nothing(total: jax.Array) -> jax.Array:
    """Whether it is 0, or so small that one divided by it overflows."""
    return jnp.abs(total) < jnp.finfo(total.dtype).tiny
