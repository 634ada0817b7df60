"""Log-softmax that is finite wherever a limit is, in value and in every derivative."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sporax.losses.contract._indexing import named, valid_indices
from sporax.losses.numerics._sums import spread, sum_rows

__all__ = ["log_softmax"]


@jax.custom_jvp
def log_softmax(logits: jax.Array) -> jax.Array:
    """Logarithm of the softmax over the last axis.

    Softmax does not change when all logits move together, so logits that are infinite together count as
    equal: a row of -inf is uniform, and rows with +inf share their probability among those. A -inf beside
    finite logits is a class of probability 0.
    """
    return _less_log_sum(below_top(logits))


@log_softmax.defjvp
def _log_softmax_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    # d log p = t - <p, t>: finite even where log p is not, and so is its own derivative.
    (logits,), (tangent,) = primals, tangents
    result = log_softmax(logits)
    return result, tangent - spread(_linear_sum(jnp.exp(result) * tangent), result.shape[-1])


def _linear_sum(change: jax.Array) -> jax.Array:
    # Plain, as it is transposed into the gradient: a broadcast, where `sum_rows` would give its slices back one by one.
    return jnp.sum(change, axis=-1, keepdims=True)


def below_top(logits: jax.Array) -> jax.Array:
    """Logits less the largest of their row."""
    top = jax.lax.stop_gradient(jnp.max(logits, axis=-1, keepdims=True))
    # inf - inf is NaN, so in an infinite row the largest are set to 0 and not subtracted. The largest is looked at row
    # by row before it meets the elements: XLA on CPU else writes it out for each of them.
    endless = jnp.isinf(top)
    level, edge = jnp.where(endless, 0, top), jnp.where(endless, top, 0)
    return jnp.where(endless, jnp.where(logits == edge, 0, -jnp.inf), logits - level)


def _less_log_sum(shifted: jax.Array) -> jax.Array:
    return shifted - jnp.log(sum_rows(jnp.exp(shifted)))


@jax.custom_jvp
def _softmax(logits: jax.Array) -> jax.Array:
    # Of the same exponentials as the value, so that they are computed once.
    powers = jnp.exp(below_top(logits))
    return powers * (1 / jnp.sum(powers, axis=-1, keepdims=True))


@_softmax.defjvp
def _softmax_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    # Stated, as the differences that are set to 0 in an infinite row have derivatives all the same.
    p, change = _softmax(*primals), tangents[0]
    return p, p * (change - _linear_sum(p * change))


def class_cost(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """-log_softmax(logits)[..., label], never below 0; NaN, with no gradient, for a label that names no class.

    The log probabilities of the other classes are not held.
    """
    valid, safe = valid_indices(labels, logits.shape[-1])
    return jnp.where(valid, _index_cost(logits, safe), jnp.nan)


@jax.custom_jvp
def _index_cost(logits: jax.Array, index: jax.Array) -> jax.Array:
    """-log_softmax(logits)[..., index], for an index that names a class."""
    shifted = below_top(logits)
    own = jnp.take_along_axis(shifted, index[..., None], axis=-1, mode="clip")
    return (jnp.log(jnp.sum(jnp.exp(shifted), axis=-1, keepdims=True)) - own)[..., 0]


@_index_cost.defjvp
def _index_cost_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (logits, index), (change, _) = primals, tangents
    slope = _softmax(logits) - named(index, logits)
    return _index_cost(logits, index), _linear_sum(slope * change)[..., 0]


@jax.custom_jvp
def target_cost(logits: jax.Array, target: jax.Array) -> jax.Array:
    """-sum(target * log_softmax(logits)) over the last axis, with 0 log 0 = 0.

    The derivative by the logits, softmax(logits) * sum(target) - target, is finite even where the value is not.
    """
    shifted = below_top(logits)
    # Two terms that are never below 0 for a target that is not: nothing is lost in their sum.
    spread = sum_rows(target) * jnp.log(jnp.sum(jnp.exp(shifted), axis=-1, keepdims=True))
    return (spread - sum_rows(target * _terms(target, shifted)))[..., 0]


@target_cost.defjvp
def _target_cost_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    logits, target = primals
    change, target_change = tangents
    slope = _softmax(logits) * sum_rows(target) - target
    by_target = _terms(target, log_softmax(logits))
    return target_cost(logits, target), _linear_sum(slope * change - by_target * target_change)[..., 0]


def _terms(target: jax.Array, log_p: jax.Array) -> jax.Array:
    """log p, and 0 where it is infinite and the target is 0."""
    return jnp.where((target == 0) & jnp.isneginf(log_p), 0, log_p)
