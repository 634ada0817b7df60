"""Norms, directions and distances of vectors, with finite derivatives for zero and equal vectors."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from sporax.losses.numerics._relative_entropy import with_derivatives_of
from sporax.losses.numerics._sums import sum_rows


def absolute(x: jax.Array) -> jax.Array:
    """|x|, with derivative 0 at 0."""
    # In JAX the derivative of jnp.abs at 0 is 1; here it is sign(0) = 0, as in MindSpore and PyTorch.
    return x * jnp.sign(x)


def unit(x: jax.Array, axis: int = -1) -> jax.Array:
    """x / |x|, and 0 for a zero vector."""
    # The result does not depend on the scale, so every derivative is exact with the scale held constant.
    scale = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis=axis, keepdims=True, initial=0))
    scaled = x / jnp.where(scale == 0, 1, scale)
    square = jnp.sum(jnp.square(scaled), axis=axis, keepdims=True)
    zero = square == 0
    return jnp.where(zero, 0, scaled / jnp.sqrt(jnp.where(zero, 1, square)))


def cosine(x1: jax.Array, x2: jax.Array, axis: int = -1) -> jax.Array:
    """The cosine of the angle between two vectors, in [-1, 1]; 0 where one of them is zero."""
    # Three sums of products instead of unit vectors, which would be written to memory and read again.
    a, b = (_scaled(jnp.moveaxis(x, axis, -1)) for x in (x1, x2))
    return _cosine(a, b)[0]


def one_minus_cosine(x1: jax.Array, x2: jax.Array, axis: int = -1) -> jax.Array:
    """One minus the cosine, in [0, 2], with full precision for nearly equal directions."""
    a, b = (_scaled(jnp.moveaxis(x, axis, -1)) for x in (x1, x2))
    value, left, right = _cosine(a, b)
    # |a / |a| - b / |b||^2 / 2
    near = value > 0.5
    left, right = ((1 / jnp.sqrt(jnp.where(near, each, 1)))[..., None] for each in (left, right))
    return jnp.where(near, 0.5 * sum_rows(jnp.square(a * left - b * right))[..., 0], 1 - value)


def _cosine(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    product, left, right = (sum_rows(each)[..., 0] for each in (a * b, a * a, b * b))
    zero = (left == 0) | (right == 0)
    value = jnp.where(zero, 0, product / jnp.sqrt(jnp.where(zero, 1, left * right)))
    # By rounding it may exceed 1.
    return with_derivatives_of(jnp.clip(value, -1, 1), value), left, right


def _scaled(x: jax.Array) -> jax.Array:
    """Divide each row by its largest element, constant in derivatives, as the direction does not depend on it."""
    return x * (1 / scale_of(jnp.max(jnp.abs(x), axis=-1, keepdims=True, initial=0)))


def scale_of(largest: jax.Array) -> jax.Array:
    """Return the divisor of a vector before squaring it, from its largest element; 1 for a zero vector."""
    largest = jax.lax.stop_gradient(largest)
    # Its inverse is a normal number, so that a product can replace a division. Slightly outside these bounds squares
    # neither overflow nor underflow.
    bound = float(jnp.finfo(largest.dtype).max) / 4
    return jnp.clip(jnp.where(largest == 0, 1, largest), 1 / bound, bound)


def norm(x: jax.Array, p: float = 2.0) -> jax.Array:
    """The p-norm over the last axis, for p > 0 or infinite, with derivative 0 at a zero vector."""
    size = absolute(x)
    if p == 1:
        return jnp.sum(size, axis=-1)
    top = jnp.max(size, axis=-1, initial=0)
    if math.isinf(p):
        return top
    # The derivatives of c |x / c| do not depend on c, so c is constant in derivatives.
    scale = scale_of(top)
    if p == 2:
        total = jnp.sum(jnp.square(x * (1 / scale)[..., None]), axis=-1)
    else:
        zero = x == 0
        total = jnp.sum(jnp.where(zero, 0, jnp.where(zero, 1, size / scale[..., None]) ** p), axis=-1)
    empty = total == 0
    total = jnp.where(empty, 1, total)
    return jnp.where(empty, 0, scale * (jnp.sqrt(total) if p == 2 else total ** (1 / p)))


def safe_sqrt(x: jax.Array) -> jax.Array:
    """The square root of non-negative numbers, with derivative 0 at 0."""
    zero = x == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, x)))


def dot_products(x: jax.Array, y: jax.Array) -> jax.Array:
    """Dot products of all rows of x, (N, D), and y, (M, D), as (N, M), with full precision on every device."""
    return jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)


def squared_distances(x: jax.Array, y: jax.Array | None = None) -> jax.Array:
    """Squared distances of all rows of x and all rows of y (default: x), non-negative.

    They are computed from dot products, with memory for (N, M) values instead of (N, M, D).
    """
    other = x if y is None else y
    if x.shape[0] == 0 or other.shape[0] == 0:
        return jnp.zeros((x.shape[0], other.shape[0]), x.dtype)
    # Distances are invariant to a translation; near the origin there is less rounding.
    center = jax.lax.stop_gradient(jnp.mean(other, axis=0, keepdims=True))
    x, other = x - center, other - center
    left, right = (jnp.sum(jnp.square(each), axis=-1) for each in (x, other))
    square = left[:, None] + right[None, :] - 2 * dot_products(x, other)
    square = jnp.where(square < 0, 0, square)
    return square if y is not None else jnp.where(jnp.eye(x.shape[0], dtype=bool), 0, square)


def hinge(x: jax.Array) -> jax.Array:
    """max(0, x), with derivative 1 at 0, as PyTorch's `clamp_min`."""
    return jnp.where(x < 0, 0, x)


def masked_logsumexp(x: jax.Array, mask: jax.Array, axis: int = -1) -> jax.Array:
    """log(sum(exp(x))) over the positions of the mask; -inf, without gradient, for an empty mask."""
    top = jnp.max(jnp.where(mask, x, -jnp.inf), axis=axis, keepdims=True, initial=-jnp.inf)
    top = jax.lax.stop_gradient(jnp.where(jnp.isfinite(top), top, 0))
    # Masked elements may be infinite, and must not be multiplied by a derivative of 0.
    total = jnp.sum(jnp.where(mask, jnp.exp(jnp.where(mask, x - top, 0)), 0), axis=axis)
    empty = ~jnp.any(mask, axis=axis)
    return jnp.where(empty, -jnp.inf, jnp.log(jnp.where(empty, 1, total)) + jnp.squeeze(top, axis))
