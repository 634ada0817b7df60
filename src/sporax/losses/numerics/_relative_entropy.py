"""Divergences as sums of terms that are never below 0, so that nearly equal distributions keep their digits.

t (log t - log p) has both signs, and the sum of such terms cancels to a second-order remainder. Each term of

    t (log t - log p) - t + p = t (e^v - 1 - v),    v = log p - log t

is at least 0, and the additional parts add up to 0 where both rows sum to 1.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from sporax.losses.numerics._logistic import polynomial
from sporax.losses.numerics._softmax import below_top, log_softmax
from sporax.losses.numerics._sums import sum_rows

_NEAR = 1.0
"""Up to which |v| the series is used; beyond it plain formulas lose no more than a digit."""


@jax.custom_jvp
def with_derivatives_of(value: jax.Array, other: jax.Array) -> jax.Array:
    """The value, whose derivatives are those of `other`: the same quantity in another form."""
    del other
    return value


@with_derivatives_of.defjvp
def _with_derivatives_of_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    return with_derivatives_of(*primals), tangents[1]


def _series(v: jax.Array) -> jax.Array:
    """(e^v - 1 - v) / v^2 for |v| <= 1, by Taylor's series to the precision of the dtype."""
    count = 19 if v.dtype == jnp.float64 else 10
    return polynomial(v, [1 / math.factorial(power + 2) for power in range(count)])


@jax.custom_jvp
def exp_less_line(v: jax.Array) -> jax.Array:
    """e^v - 1 - v: never below 0, with full relative precision about 0."""
    near = jnp.abs(v) < _NEAR
    inside = jnp.where(near, v, 0)
    return jnp.where(near, jnp.square(inside) * _series(inside), jnp.exp(v) - 1 - v)


@exp_less_line.defjvp
def _exp_less_line_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return exp_less_line(*primals), expm1(*primals) * tangents[0]


@jax.custom_jvp
def expm1(v: jax.Array) -> jax.Array:
    """e^v - 1, from the same series as `exp_less_line`."""
    near = jnp.abs(v) < _NEAR
    inside = jnp.where(near, v, 0)
    return jnp.where(near, inside + jnp.square(inside) * _series(inside), jnp.exp(v) - 1)


@expm1.defjvp
def _expm1_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return expm1(*primals), jnp.exp(*primals) * tangents[0]


def _excess(p: jax.Array, t: jax.Array, v: jax.Array) -> jax.Array:
    """p - t, from v where that is small."""
    inside = jnp.clip(v, -_NEAR, _NEAR)
    return jnp.where(jnp.abs(v) < _NEAR, t * (inside + jnp.square(inside) * _series(inside)), p - t)


def _terms(p: jax.Array, t: jax.Array, v: jax.Array) -> jax.Array:
    """t (log t - log p) - t + p."""
    # Short, so that XLA computes it within the sum over it.
    inside = jnp.clip(v, -_NEAR, _NEAR)
    return jnp.where(jnp.abs(v) < _NEAR, t * jnp.square(inside) * _series(inside), (p - t) - t * v)


_NO_MASS = 2.0
"""Stands for v where t is 0: it is not near 0, and t v is 0."""


def _logs(log_p: jax.Array, targets: jax.Array, log_target: bool) -> tuple[jax.Array, jax.Array]:
    """The targets, and v = log p - log t."""
    if log_target:
        none = jnp.isneginf(targets)
        return jnp.exp(targets), jnp.where(none, _NO_MASS, log_p - jnp.where(none, 0, targets))
    none = targets == 0
    return targets, jnp.where(none, _NO_MASS, log_p - jnp.log(jnp.where(none, 1, targets)))


@jax.custom_jvp
def mass_divergence(log_p: jax.Array, t: jax.Array) -> jax.Array:
    """The sum over the last axis of t (log t - log p) - t + p, with 0 log 0 = 0."""
    t, v = _logs(log_p, t, False)
    return sum_rows(_terms(jnp.exp(log_p), t, v))[..., 0]


@mass_divergence.defjvp
def _mass_divergence_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    log_p, t = primals
    _, v = _logs(log_p, t, False)
    # The derivative of t log t at 0, which is -inf, is set to 0.
    by_t = jnp.where(t == 0, -1 - jnp.where(jnp.isinf(log_p), 0, log_p), -v)
    change = _excess(jnp.exp(log_p), t, v) * tangents[0] + by_t * tangents[1]
    return mass_divergence(log_p, t), jnp.sum(change, axis=-1)


def _normalised(terms: jax.Array, excess: jax.Array) -> jax.Array:
    """The divergence from p / sum(p), given the sums of the terms and of p - t, for t that sum to 1.

    The terms hold half the square of what the rounding of a normalizer adds to every v; it is taken off again.
    """
    # r - log(1 + r) = r^2 (1/2 - r/3 + ...); r is no more than such a rounding.
    r = jnp.clip(excess, -1e-2, 1e-2)
    added = jnp.square(r) * polynomial(r, (1 / 2, -1 / 3, 1 / 4, -1 / 5))
    # Where this is below 0, it is less than the rounding of the terms.
    return jnp.where(jnp.isinf(terms), terms, jnp.maximum(terms - added, 0))


def divergence_of_masses(log_p: jax.Array, t: jax.Array) -> jax.Array:
    """`mass_divergence` from the distribution p / sum(p), where t sums to 1."""
    t, v = _logs(log_p, t, False)
    terms, mean = (sum_rows(each)[..., 0] for each in (_terms(jnp.exp(log_p), t, v), t * v))
    return _normalised(terms, terms + mean)


def sum_rounding(rows: jax.Array) -> float:
    """How far a sum of rounded probabilities, or of exponentials of rounded logarithms, may be from 1."""
    return 8 * float(jnp.finfo(rows.dtype).eps) * (1 + math.log(max(rows.shape[-1], 1)))


def divergence_of_rows(log_p: jax.Array, targets: jax.Array, log_target: bool) -> jax.Array:
    """Sums over the last axis of t (log t - log p), for rows that sum to 1 but for their rounding not below 0.

    Other rows have the plain sum, which has no such bound.
    """
    plain = sum_rows(divergence_terms(log_p, targets, log_target))[..., 0]
    log_p, targets = jax.lax.stop_gradient((log_p, targets))
    t, v = _logs(log_p, targets, log_target)
    terms = sum_rows(_terms(jnp.exp(log_p), t, v))[..., 0]
    value = jax.lax.stop_gradient(plain)
    excess = terms - value
    rows = jnp.abs(excess) <= sum_rounding(t) * jnp.maximum(value, 1)
    return with_derivatives_of(jnp.where(rows, _normalised(terms, excess), value), plain)


def divergence_terms(log_p: jax.Array, targets: jax.Array, log_target: bool) -> jax.Array:
    """t (log t - log p) for each element, with 0 log 0 = 0."""
    if log_target:
        none = jnp.isneginf(targets)
        log_t = jnp.where(none, 0, targets)
        return jnp.where(none, 0, jnp.exp(log_t) * (log_t - jnp.where(none, 0, log_p)))
    none = targets == 0
    log_t = jnp.log(jnp.where(none, 1, targets))
    # The derivative of t log t at 0, which is -inf, is set to 0; so is that of 0 times an infinite log p.
    return targets * (log_t - jnp.where(none & jnp.isinf(log_p), 0, log_p))


@jax.custom_jvp
def logit_divergence(logits: jax.Array, target_logits: jax.Array, temperature: jax.Array) -> jax.Array:
    """sum(q (log q - log p)) over the last axis, with p and q the softmax of both logits over the temperature."""
    p, q, v = _of_logits(logits, target_logits, temperature)
    terms, mean = (sum_rows(each)[..., 0] for each in (_terms(p, q, v), q * v))
    return _normalised(terms, terms + mean)


def _of_logits(x: jax.Array, y: jax.Array, temperature: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """p, q, and v = log p - log q."""
    below_x, below_y = below_top(x / temperature), below_top(y / temperature)
    power_x, power_y = jnp.exp(below_x), jnp.exp(below_y)
    total_x, total_y = sum_rows(power_x), sum_rows(power_y)
    p, q = power_x * (1 / total_x), power_y * (1 / total_y)
    # Made of the difference of the logits themselves, which is exact where they are nearly equal, less that of the
    # normalisers. In a row with infinities there is no such difference, and a large shift would round it.
    rest = jnp.log(total_y) - jnp.log(total_x)
    shift = (jnp.max(y, axis=-1, keepdims=True) - jnp.max(x, axis=-1, keepdims=True)) / temperature
    exact = jnp.isfinite(x) & jnp.isfinite(y) & (jnp.abs(shift) < 8)
    v = jnp.where(exact, (x - y) / temperature + (shift + rest), below_x - below_y + rest)
    return p, q, jnp.where(q == 0, _NO_MASS, v)


@logit_divergence.defjvp
def _logit_divergence_jvp(
    primals: tuple[jax.Array, jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    x, y, temperature = primals
    value = logit_divergence(x, y, temperature)
    p, q, v = _of_logits(x, y, temperature)
    # For the derivatives of these, which are taken where this is differentiated again.
    log_p, log_q = log_softmax(x / temperature), log_softmax(y / temperature)
    none = q == 0
    gap = jnp.where(none, 0, log_p) - jnp.where(none, 0, log_q)
    p, q, v = (with_derivatives_of(*pair) for pair in ((p, jnp.exp(log_p)), (q, jnp.exp(log_q)), (v, gap)))
    # Of logits that are infinite the probabilities, and so the value, do not change with the temperature.
    by_p, by_q = (
        change - jnp.where(jnp.isfinite(logits), logits, 0) / temperature * tangents[2]
        for logits, change in zip((x, y), tangents[:2], strict=True)
    )
    known = jnp.where(jnp.isfinite(value), value, 0)[..., None]
    v = jnp.where(jnp.isfinite(v), v, 0)
    # The rounding of the normalisers is in every v, and larger than the v of nearly equal logits. It shows as the sum
    # of p - q, and goes out again.
    excess = _excess(p, q, v)
    off = jax.lax.stop_gradient(sum_rows(excess))
    change = (excess - off * p) * by_p - q * (v - off + known) * by_q
    return value, jnp.sum(change, axis=-1) / temperature
