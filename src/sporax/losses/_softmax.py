"""Log-softmax that is finite wherever a limit is, in value and in every derivative."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sporax.losses._sums import max_rows, sum_rows


@jax.custom_jvp
def log_softmax(logits: jax.Array) -> jax.Array:
    """log(softmax) over the last axis.

    Softmax does not change when all logits move together, so logits that are infinite together count as
    equal: a row of -inf is uniform, and rows with +inf share their probability among those. A -inf beside
    finite logits is a class of probability 0.
    """
    return _less_log_sum(_shifted(logits))


@log_softmax.defjvp
def _log_softmax_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    # d log p = t - <p, t>: finite even where log p is not, and so is its own derivative.
    (logits,), (tangent,) = primals, tangents
    result = log_softmax(logits)
    return result, tangent - sum_rows(jnp.exp(result) * tangent)


def _shifted(logits: jax.Array) -> jax.Array:
    """Logits less the largest of their row."""
    largest = max_rows(logits)
    # inf - inf is NaN, so the largest are put to 0 and not subtracted.
    return jnp.where(logits == largest, 0, logits - largest)


def _less_log_sum(shifted: jax.Array) -> jax.Array:
    return shifted - jnp.log(sum_rows(jnp.exp(shifted)))


def _softmax(logits: jax.Array) -> jax.Array:
    return jnp.exp(log_softmax(logits))


@jax.custom_jvp
def index_cost(logits: jax.Array, index: jax.Array) -> jax.Array:
    """-log_softmax(logits)[..., index], for an index that names a class.

    Its derivative is one pass over the logits: nothing is gathered from, or scattered into, an array of their size.
    """
    shifted = _shifted(logits)
    own = jnp.take_along_axis(logits, index[..., None], axis=-1, mode="clip")
    largest = max_rows(logits)
    own = jnp.where(own == largest, 0, own - largest)
    return (jnp.log(sum_rows(jnp.exp(shifted))) - own)[..., 0]


@index_cost.defjvp
def _index_cost_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, object]
) -> tuple[jax.Array, jax.Array]:
    logits, index = primals
    own = index[..., None] == jax.lax.broadcasted_iota(index.dtype, logits.shape, logits.ndim - 1)
    slope = _softmax(logits) - jnp.where(own, 1, 0).astype(logits.dtype)
    return index_cost(logits, index), sum_rows(slope * tangents[0])[..., 0]


@jax.custom_jvp
def target_cost(logits: jax.Array, target: jax.Array) -> jax.Array:
    """-sum(target * log_softmax(logits)) over the last axis, with 0 log 0 = 0.

    The slope by the logits, softmax(logits) * sum(target) - target, is finite even where the value is not.
    """
    return _cross(target, log_softmax(logits))


@target_cost.defjvp
def _target_cost_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    logits, target = primals
    change, target_change = tangents
    slope = _softmax(logits) * sum_rows(target) - target
    by_target = _terms(target, log_softmax(logits))
    return target_cost(logits, target), sum_rows(slope * change - by_target * target_change)[..., 0]


def _terms(target: jax.Array, log_p: jax.Array) -> jax.Array:
    """log p, and 0 where it is infinite and the target is 0."""
    return jnp.where((target == 0) & jnp.isneginf(log_p), 0, log_p)


def _cross(target: jax.Array, log_p: jax.Array) -> jax.Array:
    # 0 - x and not -x: a loss of zero is 0, not -0.
    return 0 - sum_rows(target * _terms(target, log_p))[..., 0]
