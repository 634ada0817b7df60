"""The gamma function's logarithm and its derivatives, for positive arguments: elementwise throughout.

XLA's own serve every argument and so cost some fifty arrays and half a second for four million numbers on a CPU. A
positive argument below n is moved up by n with gamma(x + n) = x (x + 1) ... (x + n - 1) gamma(x), and Stirling's
series does the rest.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from sporax.losses.numerics._logistic import log1p, polynomial

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)

# gamma(x) is sqrt(2 pi) x^(x - 1/2) exp(-x + r(1 / x^2) / x), and the derivative of its logarithm is
# log x - 1/2x - q(1 / x^2) / x^2.
_R = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
_Q = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160)
# The derivative of that derivative is 1/2x^2 + p(1 / x^2) / x.
_P = (1, 1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)

_BETWEEN_ONE_AND_TWO = (
    0.48312895228038555, -0.14595989698806452, 0.06291105386031728, -0.031308273165224464, 0.016808097747125605,
    -0.009432411478397181, 0.005325991991882276, -0.0031377364148102087, 0.0024467446551928304, -0.0014874843355615274,
)  # fmt: skip
"""log gamma(x) / ((x - 1) (x - 2)) on [1, 2], in powers of x - 3/2, through Chebyshev's points; within 5e-9 of it."""


def _series(dtype: jnp.dtype) -> tuple[int, int]:
    """How far up an argument is moved, and how many terms of Stirling's series are exact to the dtype there."""
    return (16, 8) if dtype == jnp.float64 else (4, 5)


@jax.custom_jvp
def log_gamma(x: jax.Array) -> jax.Array:
    """log gamma(x) for x > 0; relatively exact at its zeros, 1 and 2, too."""
    if x.dtype != jnp.float32:
        return jax.lax.lgamma(x)
    # gamma(x) = (x - 1) gamma(x - 1), down to [1, 2); below 1 it is gamma(x + 1) / x. One logarithm serves all cases.
    reduced, product = x, jnp.ones_like(x)
    for _ in range(6):
        high = reduced >= 2
        product = jnp.where(high, product * (reduced - 1), product)
        reduced = jnp.where(high, reduced - 1, reduced)
    low, large = x < 1, x >= 8
    reduced = jnp.where(low, 1 + x, reduced)
    near = polynomial(reduced - 1.5, _BETWEEN_ONE_AND_TWO) * ((reduced - 1) * (reduced - 2))
    inverse = 1 / jnp.where(large, x, 8)
    far = HALF_LOG_2PI + polynomial(inverse * inverse, _R[:4]) * inverse
    log = jnp.log(jnp.where(low | large, x, product))
    # (x - 1/2) log x - x is inf - inf at infinity.
    return jnp.where(large, (x - 0.5) * (log - 1) - 0.5 + far, near + jnp.where(low, -log, log))


@log_gamma.defjvp
def _log_gamma_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return log_gamma(*primals), digamma(*primals) * tangents[0]


@jax.custom_jvp
def digamma(x: jax.Array) -> jax.Array:
    """The derivative of log gamma at x > 0."""
    steps, terms = _series(x.dtype)
    low = x < steps
    moved = jnp.where(low, x + steps, x)
    inverse = 1 / moved
    square = inverse * inverse
    above = jnp.log(moved) - 0.5 * inverse - square * polynomial(square, _Q[:terms])
    below = _sum_of_inverses([jnp.where(low, x + k, 1) for k in range(steps)])
    return above - jnp.where(low, below, 0)


@digamma.defjvp
def _digamma_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return digamma(*primals), trigamma(*primals) * tangents[0]


def trigamma(x: jax.Array) -> jax.Array:
    """The derivative of digamma at x > 0."""
    steps, terms = _series(x.dtype)
    low = x < steps
    inverse = 1 / jnp.where(low, x + steps, x)
    square = inverse * inverse
    above = 0.5 * square + inverse * polynomial(square, _P[:terms])
    below = _sum_of_inverses([jnp.square(jnp.where(low, x + k, 1)) for k in range(steps)])
    return above + jnp.where(low, below, 0)


@jax.custom_jvp
def log_rising(x: jax.Array, rise: jax.Array) -> jax.Array:
    """log(gamma(x + rise) / gamma(x)) for x > 0, to full precision for large x too."""
    return _log_rising(x, rise, x + rise)


@functools.partial(log_rising.defjvp, symbolic_zeros=True)
def _log_rising_jvp(primals: tuple[jax.Array, ...], tangents: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
    x, rise = primals
    slopes = lambda: _digamma_rise(x, rise, x + rise), lambda: digamma(x + rise)
    return log_rising(x, rise), _along(slopes, tangents, x)


@jax.custom_jvp
def log_beta(a: jax.Array, b: jax.Array) -> jax.Array:
    """log(gamma(a) gamma(b) / gamma(a + b)) for a, b > 0."""
    # The larger one is the base, so that large ones cancel.
    larger, smaller = jnp.maximum(a, b), jnp.minimum(a, b)
    return log_gamma(smaller) - _log_rising(larger, smaller, a + b)


@functools.partial(log_beta.defjvp, symbolic_zeros=True)
def _log_beta_jvp(primals: tuple[jax.Array, ...], tangents: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
    a, b = primals
    slopes = lambda: -_digamma_rise(a, b, a + b), lambda: -_digamma_rise(b, a, a + b)
    return log_beta(a, b), _along(slopes, tangents, a)


@jax.custom_jvp
def log_choices(r: jax.Array, y: jax.Array) -> jax.Array:
    """log(gamma(r + y) / (gamma(r) gamma(y + 1))) for r > 0, y >= 0."""
    # In r and y + 1 it is symmetric; again the larger one is the base.
    larger, smaller = jnp.maximum(r, y + 1), jnp.minimum(r, y + 1)
    return _log_rising(larger, smaller - 1, r + y) - log_gamma(smaller)


@functools.partial(log_choices.defjvp, symbolic_zeros=True)
def _log_choices_jvp(primals: tuple[jax.Array, ...], tangents: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
    r, y = primals
    slopes = lambda: _digamma_rise(r, y, r + y), lambda: _digamma_rise(y + 1, r - 1, r + y)
    return log_choices(r, y), _along(slopes, tangents, r)


def _along(slopes: tuple[Callable[[], jax.Array], ...], tangents: tuple[Any, ...], like: jax.Array) -> jax.Array:
    """The sum of derivative * tangent; a derivative that is not needed is not computed.

    The derivatives of the functions of two arguments are formulas of their own, not the derivative of the value's: what
    both had in common XLA would write to memory, ten arrays of it.
    """
    asked = [
        slope() * tangent
        for slope, tangent in zip(slopes, tangents, strict=True)
        if not isinstance(tangent, jax.custom_derivatives.SymbolicZero)
    ]
    return functools.reduce(jnp.add, asked) if asked else jnp.zeros_like(like)


def _log_rising(x: jax.Array, rise: jax.Array, moved: jax.Array) -> jax.Array:
    """`log_rising`, where `moved` is x + rise. Of large arguments Stirling's series are subtracted term by term."""
    _, terms = _series(x.dtype)
    low, high, gain, factors = _moved_up(x, rise, moved)
    a, b = 1 / low, 1 / high
    less = -gain * a * b  # b - a
    value, slope = _divided(_R[:terms], a * a, b * b)
    rest = less * (value + a * (a + b) * slope)
    up = (low - 0.5) * log1p(gain * a) + gain * (jnp.log(high) - 1) + rest
    return up - jnp.log(factors)


@jax.custom_jvp
def _digamma_rise(x: jax.Array, rise: jax.Array, moved: jax.Array) -> jax.Array:
    """digamma(x + rise) - digamma(x), to full precision where the two are nearly equal.

    `moved` is x + rise, of which that sum may not have the digits, and has no derivative of its own.
    """
    steps, terms = _series(x.dtype)
    low, high, gain, _ = _moved_up(x, rise, moved)
    a, b = 1 / low, 1 / high
    value, slope = _divided(_Q[:terms], a * a, b * b)
    # u q(u) at b^2 less at a^2.
    square = -gain * a * b * (a + b) * (value + a * a * slope)
    up = log1p(gain * a) + 0.5 * gain * a * b - square
    first, second = _is_moved(x, moved, steps)
    # 1 / (x + k) - 1 / (x + rise + k) is rise over both; only one of the two may be there, or none.
    parts = [jnp.where(first, x + k, 1) * jnp.where(second, moved + k, 1) for k in range(steps)]
    factor = jnp.where(first, jnp.where(second, rise, 1), jnp.where(second, -1, 0).astype(rise.dtype))
    return up + factor * _sum_of_inverses(parts)


@_digamma_rise.defjvp
def _digamma_rise_jvp(
    primals: tuple[jax.Array, jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    change = _trigamma_rise(*primals) * tangents[0] + trigamma(primals[2]) * tangents[1]
    return _digamma_rise(*primals), change


def _trigamma_rise(x: jax.Array, rise: jax.Array, moved: jax.Array) -> jax.Array:
    """trigamma(x + rise) - trigamma(x)."""
    large = (x >= 64) & (moved >= 64)
    a, b = 1 / jnp.where(large, x, 64), 1 / jnp.where(large, moved, 64)
    value, slope = _divided(_P, a * a, b * b)
    series = -rise * a * b * (0.5 * (a + b) + value + a * (a + b) * slope)
    return jnp.where(large, series, trigamma(jnp.where(large, 1, moved)) - trigamma(jnp.where(large, 1, x)))


def _is_moved(x: jax.Array, moved: jax.Array, steps: int) -> tuple[jax.Array, jax.Array]:
    """Which of the two arguments are moved up: both where they may be near each other, as their difference counts."""
    near = (jnp.minimum(x, moved) < steps) & (jnp.maximum(x, moved) < 2 * steps)
    return near | (x < steps), near | (moved < steps)


def _moved_up(x: jax.Array, rise: jax.Array, moved: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Both arguments where Stirling's series holds, their difference, and the factors that lie between."""
    steps, _ = _series(x.dtype)
    first, second = _is_moved(x, moved, steps)
    gain = rise + jnp.where(first == second, 0, jnp.where(first, -steps, steps)).astype(x.dtype)
    top = bottom = jnp.ones_like(x)
    for k in range(steps):
        top, bottom = top * jnp.where(second, moved + k, 1), bottom * jnp.where(first, x + k, 1)
    return jnp.where(first, x + steps, x), jnp.where(second, moved + steps, moved), gain, top / bottom


def _sum_of_inverses(parts: Sequence[jax.Array]) -> jax.Array:
    """The sum of 1 / part, with one division."""
    above, below = jnp.zeros_like(parts[0]), jnp.ones_like(parts[0])
    for part in parts:
        above, below = above * part + below, below * part
    return above / below


def _divided(factors: Sequence[float], at: jax.Array, to: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A polynomial at `to`, and its difference to that at `at` over to - at, which may be 0."""
    value, slope = jnp.full_like(to, factors[-1]), jnp.zeros_like(to)
    for factor in factors[-2::-1]:
        value, slope = value * to + factor, slope * at + value
    return value, slope
