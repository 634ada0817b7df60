"""Lengths, directions and distances of vectors, finite in every derivative where vectors are zero or equal."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from sporax.losses.numerics._relative_entropy import with_derivatives_of
from sporax.losses.numerics._sums import sum_rows


def absolute(x: jax.Array) -> jax.Array:
    """|x|, with derivative 0 at 0."""
    # JAX gives jnp.abs the derivative 1 at 0; this has sign(0) = 0, as MindSpore and PyTorch.
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
    # Three sums of products and no unit vectors: those would go to memory and back.
    a, b = (_scaled(jnp.moveaxis(x, axis, -1)) for x in (x1, x2))
    return _cosine(a, b)[0]


def one_minus_cosine(x1: jax.Array, x2: jax.Array, axis: int = -1) -> jax.Array:
    """One minus the cosine, in [0, 2], which keeps its digits where the directions are nearly equal."""
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
    # Rounding takes it past 1.
    return with_derivatives_of(jnp.clip(value, -1, 1), value), left, right


def _scaled(x: jax.Array) -> jax.Array:
    """x over its largest element of each row, held constant: no direction depends on it."""
    return x * (1 / scale_of(jnp.max(jnp.abs(x), axis=-1, keepdims=True, initial=0)))


def scale_of(largest: jax.Array) -> jax.Array:
    """What to divide a vector by, given its largest element, before its squares are taken; 1 for a zero vector."""
    largest = jax.lax.stop_gradient(largest)
    # Its inverse is a normal number, as a product costs less than a division. A little beyond these bounds squares are
    # still far from theirs.
    bound = float(jnp.finfo(largest.dtype).max) / 4
    return jnp.clip(jnp.where(largest == 0, 1, largest), 1 / bound, bound)


def norm(x: jax.Array, p: float = 2.0) -> jax.Array:
    """The p-norm over the last axis, for p above 0 or infinite; its derivative at a zero vector is 0."""
    size = absolute(x)
    if p == 1:
        return jnp.sum(size, axis=-1)
    top = jnp.max(size, axis=-1, initial=0)
    if math.isinf(p):
        return top
    # c |x / c| has the same derivatives whatever c is, so c is held constant.
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
    """The square root of numbers from 0 on, with derivative 0 at 0."""
    zero = x == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, x)))


def dot_products(x: jax.Array, y: jax.Array) -> jax.Array:
    """Every row of x times every row of y, (N, D) and (M, D) to (N, M), in full precision on every device."""
    return jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)


def squared_distances(x: jax.Array, y: jax.Array | None = None) -> jax.Array:
    """The squared distances of every row of x and every row of y (of x, unless given), never below 0.

    They are made from dot products, with memory for (N, M) values and not (N, M, D).
    """
    other = x if y is None else y
    if x.shape[0] == 0 or other.shape[0] == 0:
        return jnp.zeros((x.shape[0], other.shape[0]), x.dtype)
    # Distances do not change when all points move together; near the origin less is lost to rounding.
    centre = jax.lax.stop_gradient(jnp.mean(other, axis=0, keepdims=True))
    x, other = x - centre, other - centre
    left, right = (jnp.sum(jnp.square(each), axis=-1) for each in (x, other))
    square = left[:, None] + right[None, :] - 2 * dot_products(x, other)
    square = jnp.where(square < 0, 0, square)
    return square if y is not None else jnp.where(jnp.eye(x.shape[0], dtype=bool), 0, square)


def hinge(x: jax.Array) -> jax.Array:
    """max(0, x), with derivative 1 at 0 as PyTorch's `clamp_min`."""
    return jnp.where(x < 0, 0, x)


def masked_logsumexp(x: jax.Array, mask: jax.Array, axis: int = -1) -> jax.Array:
    """log(sum(exp(x))) over the positions of the mask; -inf, with no gradient, where there is none."""
    top = jnp.max(jnp.where(mask, x, -jnp.inf), axis=axis, keepdims=True, initial=-jnp.inf)
    top = jax.lax.stop_gradient(jnp.where(jnp.isfinite(top), top, 0))
    # What is masked may be infinite, and must not meet a derivative of 0.
    total = jnp.sum(jnp.where(mask, jnp.exp(jnp.where(mask, x - top, 0)), 0), axis=axis)
    empty = ~jnp.any(mask, axis=axis)
    return jnp.where(empty, -jnp.inf, jnp.log(jnp.where(empty, 1, total)) + jnp.squeeze(top, axis))
