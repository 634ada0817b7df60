"""Samples of the classes, with exact expected counts, for losses over very many of them."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from sporax import _check
from sporax._errors import ArgumentError
from sporax._typing import ArrayLike, Shape
from sporax.losses.contract._arrays import as_array, nearest_int32

__all__ = ["SampledValues", "log_uniform_candidate_sampler", "uniform_candidate_sampler"]

_CELL = 2048
"""How many classes float32 tells apart well: positions in the sample are tabled so that it never meets more."""


class SampledValues(NamedTuple):
    """The result of a candidate sampler.

    Args:
        sampled_candidates: class indices of shape (num_sampled,).
        true_expected_count: how often each true class is expected in a sample; broadcasts to (N, num_true).
        sampled_expected_count: the same for each candidate, of shape (num_sampled,).
    """

    sampled_candidates: Any
    true_expected_count: Any
    sampled_expected_count: Any


def uniform_candidate_sampler(
    key: jax.Array, num_sampled: int, num_classes: int, *, true_shape: Shape = (1, 1), unique: bool = True
) -> SampledValues:
    """Sample classes uniformly.

    Each class is expected num_sampled / num_classes times, exactly. With `unique` all samples of that size are
    equally likely; they are the first different ones of a row of draws, which costs sorting a few times `num_sampled`
    numbers, whatever the number of classes.

    Args:
        key: a JAX random key; the same key gives the same classes.
        num_sampled: how many classes.
        num_classes: how many there are.
        true_shape: the shape of `true_expected_count`.
        unique: whether all are different.

    Returns:
        Candidates (int32) and expected counts (float32).

    Raises:
        ArgumentError: more different classes are asked for than there are.

    Example:
        >>> import jax
        >>> from sporax import losses
        >>> drawn = losses.uniform_candidate_sampler(jax.random.key(0), 4, 4)
        >>> sorted(drawn.sampled_candidates.tolist()), drawn.sampled_expected_count.tolist()
        ([0, 1, 2, 3], [1.0, 1.0, 1.0, 1.0])

    Source: MindSpore `ops.UniformCandidateSampler`, but its expected count with `unique` is an estimate.
    """
    num_sampled, num_classes = check_counts(num_sampled, num_classes, unique, where="uniform_candidate_sampler")
    if not unique:
        classes = jax.random.randint(key, (num_sampled,), 0, num_classes, jnp.int32)
    elif 4 * num_sampled > num_classes:
        classes = jax.random.permutation(key, jnp.arange(num_classes, dtype=jnp.int32))[:num_sampled]
    else:
        classes = _first_different(key, num_sampled, num_classes)
    expected = num_sampled / num_classes
    return SampledValues(
        classes,
        jnp.full(true_shape, expected, jnp.float32),
        jnp.full((num_sampled,), expected, jnp.float32),
    )


def log_uniform_candidate_sampler(
    key: jax.Array, num_sampled: int, num_classes: int, true_classes: ArrayLike, *, unique: bool = True
) -> SampledValues:
    r"""Sample classes numbered by decreasing frequency, from a log-uniform (Zipf) distribution.

    .. math:: p_c = \frac{\log (c + 2) - \log (c + 1)}{\log (C + 1)}

    Without `unique`, each candidate is class c with probability p, and c is expected n p times, for n = `num_sampled`.

    With `unique`, c is in the sample with the probability

    .. math:: \pi_c = \min(1, \lambda p_c), \qquad \sum_c \pi_c = n

    which is exactly its expected count. The k most frequent classes, those with :math:`\lambda p_c \ge 1`, are always
    in it and come first. The others are laid side by side, each as long as its :math:`\pi_c`, and cut into n - k
    pieces of length 1. One class is drawn from each piece; a class on a cut is drawn from one side only, and the draw
    on the right allows for that on the left, so that all are different and each :math:`\pi_c` is kept (Deville's
    systematic sampling). Two neighbours are thus in a sample together more rarely than by chance.

    Cost: O(num_sampled), and a table of about C log(C) / 2048 numbers in the compiled program. Probabilities are exact
    but for the rounding of float32: 0.1 % for a single class at the most, and much less for many of them together.

    Args:
        key: a JAX random key; the same key gives the same classes.
        num_sampled: n, how many classes.
        num_classes: C, how many there are.
        true_classes: classes of any shape, whose expected counts are asked for.
        unique: whether all candidates are different.

    Returns:
        Candidates (int32) and expected counts (float32), `true_expected_count` of the shape of `true_classes`.

    Raises:
        ArgumentError: more different classes are asked for than there are.

    Example:
        >>> import jax
        >>> from sporax import losses
        >>> drawn = losses.log_uniform_candidate_sampler(jax.random.key(0), 3, 6, [[0], [5]])
        >>> drawn.sampled_candidates.tolist()[0], round(drawn.true_expected_count[1, 0].item(), 4)
        (0, 0.2461)

    Source: TensorFlow `tf.random.log_uniform_candidate_sampler`, but its expected count with `unique` is an estimate;
    Deville, "Une nouvelle (encore une!) méthode de tirage à probabilités inégales", 1998.
    """
    num_sampled, num_classes = check_counts(num_sampled, num_classes, unique, where="log_uniform_candidate_sampler")
    return _log_uniform(key, jnp.asarray(nearest_int32(as_array(true_classes))), num_sampled, num_classes, unique)


def check_counts(num_sampled: Any, num_classes: Any, unique: Any, *, where: str) -> tuple[int, int]:
    """Both as whole numbers, the first at most the second where classes are not to repeat."""
    num_classes = _check.integer(num_classes, name="num_classes", where=where, minimum=1)
    num_sampled = _check.integer(num_sampled, name="num_sampled", where=where, minimum=1)
    if _check.is_type(unique, bool, name="unique", where=where) and num_sampled > num_classes:
        raise ArgumentError(
            f"{where}: `num_sampled` must be at most `num_classes` ({num_classes}), but got {num_sampled}. "
            "Candidates are drawn without replacement."
        )
    return num_sampled, num_classes


@functools.partial(jax.jit, static_argnums=(1, 2))
def _first_different(key: jax.Array, count: int, classes: int) -> jax.Array:
    """The first `count` different ones of endless draws; `classes` is much larger than that."""

    def too_few(state: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        return state[2] < count

    def more(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        key, found, _ = state
        key, now = jax.random.split(key)
        # Places not yet filled hold `classes`, which is none of them.
        drawn = jnp.concatenate([found, jax.random.randint(now, (count,), 0, classes, jnp.int32)])
        ranked, order = lax.sort((drawn, jnp.arange(2 * count, dtype=jnp.int32)), is_stable=True, num_keys=1)
        new = jnp.concatenate([jnp.ones(1, bool), ranked[1:] != ranked[:-1]]) & (ranked < classes)
        new = jnp.zeros(2 * count, bool).at[order].set(new)
        place = jnp.cumsum(new, dtype=jnp.int32)
        found = jnp.full(count, classes, jnp.int32).at[jnp.where(new, place - 1, count)].set(drawn, mode="drop")
        return key, found, place[-1]

    return lax.while_loop(too_few, more, (key, jnp.full(count, classes, jnp.int32), jnp.int32(0)))[1]


@functools.partial(jax.jit, static_argnums=(2, 3, 4))
def _log_uniform(
    key: jax.Array, true_classes: jax.Array, num_sampled: int, num_classes: int, unique: bool
) -> SampledValues:
    plan = _plan(num_sampled, num_classes, unique)
    classes = _spread(key, plan) if unique else _independent(key, plan)
    classes = jnp.concatenate([jnp.arange(plan.certain, dtype=jnp.int32), classes])

    def expected(of: jax.Array) -> jax.Array:
        rare = jnp.float32(plan.scale) * jnp.log1p(1 / (jnp.maximum(of, 0).astype(jnp.float32) + 1))
        return jnp.where(of < plan.certain, 1, rare)

    return SampledValues(classes, expected(true_classes), expected(classes))


class _Plan(NamedTuple):
    """What a log-uniform draw needs to know beforehand, computed in float64.

    In units of x = c + 1, where class c lies between c + 1 and c + 2, the density of the draw is 1 / x.
    """

    certain: int
    """The first classes, that are always in the sample."""
    drawn: int
    """How many others are drawn."""
    scale: float
    """What log1p(1 / (c + 1)) of one of the others is multiplied with for its expected count."""
    first: np.ndarray
    """The first class that begins in each piece."""
    last: np.ndarray
    """The class at the end of each piece, on its cut to the next; or the last of all."""
    carry: np.ndarray
    """Probability with which the class on the cut before the piece is drawn there if not drawn on the left."""
    whole: np.ndarray
    """For each piece, or for all together, and each cell of it: where x begins, the whole part,"""
    part: np.ndarray
    """the rest,"""
    step: np.ndarray
    """and the growth of log x over the cell."""


@functools.lru_cache(maxsize=64)
def _plan(num_sampled: int, num_classes: int, unique: bool) -> _Plan:
    certain = _always(num_sampled, num_classes) if unique else 0
    drawn, end = num_sampled - certain, num_classes + 1.0
    span = math.log(end / (certain + 1))
    scale = drawn / span if drawn else 0.0
    if not unique:
        starts, growth = np.ones(1), np.full(1, span)
        first = carry = np.zeros(0)
        last = np.array([num_classes - 1])
    else:
        cuts = (certain + 1) * np.exp(span * np.arange(drawn + 1) / max(drawn, 1))
        cuts[-1] = end
        last = np.floor(cuts[1:]).astype(np.int64) - 1
        # The end of the last piece is the end of the last class.
        last[-1:] = num_classes - 1
        first = np.concatenate([[certain], last[:-1] + 1])[:drawn]
        left = np.clip(scale * np.log(cuts[1:-1] / (last[:-1] + 1)), 0, 1)
        right = np.clip(scale * np.log((last[:-1] + 2) / cuts[1:-1]), 0, 1)
        carry = np.concatenate([[0], np.clip(right / np.maximum(1 - left, 1e-300), 0, 1)])[:drawn]
        starts = first + 1.0
        growth = np.maximum(np.log(cuts[1:] / starts), 0) if drawn else np.zeros(0)
    # A cell spans at most _CELL classes, at the far end where they lie densest.
    cells = max(1, math.ceil(float(growth.max(initial=0)) * end / _CELL))
    step = growth / cells
    x = starts[:, None] * np.exp(step[:, None] * np.arange(cells)[None, :])
    whole = np.floor(x)
    return _Plan(
        certain, drawn, scale, first.astype(np.int32), last.astype(np.int32), carry.astype(np.float32),
        whole.astype(np.int32), (x - whole).astype(np.float32), step.astype(np.float32),
    )  # fmt: skip


def _always(num_sampled: int, num_classes: int) -> int:
    """The smallest k for which the share of class k in the n - k positions left is below 1."""

    def below(k: int) -> bool:
        return (num_sampled - k) * math.log1p(1 / (k + 1)) < math.log((num_classes + 1) / (k + 1))

    low, high = 0, num_sampled
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if below(middle) else (middle + 1, high)
    return low


def _independent(key: jax.Array, plan: _Plan) -> jax.Array:
    cell_key, key = jax.random.split(key)
    cells = plan.whole.shape[1]
    at = jax.random.randint(cell_key, (plan.drawn,), 0, cells, jnp.int32)
    whole, part = jnp.asarray(plan.whole)[0, at], jnp.asarray(plan.part)[0, at]
    return jnp.clip(_within(key, whole, part, jnp.asarray(plan.step)), 0, jnp.asarray(plan.last))


def _spread(key: jax.Array, plan: _Plan) -> jax.Array:
    if not plan.drawn:
        return jnp.zeros(0, jnp.int32)
    cell_key, carry_key, key = jax.random.split(key, 3)
    shape, cells = (plan.drawn, 1), plan.whole.shape[1]
    at = jax.random.randint(cell_key, shape, 0, cells, jnp.int32)
    whole, part = (jnp.take_along_axis(jnp.asarray(each), at, axis=1)[:, 0] for each in (plan.whole, plan.part))
    first, last = jnp.asarray(plan.first), jnp.asarray(plan.last)
    own = jnp.clip(_within(key, whole, part, jnp.asarray(plan.step)), first, jnp.maximum(first, last))
    # A piece takes the class on the cut before it if its coin says so and the piece on the left has not drawn it;
    # else it draws among its own, which may give the class on the cut after it.
    coin = jax.random.uniform(carry_key, (plan.drawn,), jnp.float32) < plan.carry
    ends = own == last
    # Whether the class after a piece is drawn there: as with the piece before if `ends & coin`, else if `ends`.
    settled = jnp.where(ends & coin, -1, 2 * jnp.arange(plan.drawn, dtype=jnp.int32) + ends)
    settled = lax.cummax(settled)
    taken = (settled >= 0) & (settled % 2 == 1)
    before = jnp.concatenate([jnp.zeros(1, bool), taken[:-1]])
    return jnp.where(coin & ~before, first - 1, own)


def _within(key: jax.Array, whole: jax.Array, part: jax.Array, step: jax.Array) -> jax.Array:
    """The class at a log-uniform place of a cell. Only differences are in floats, so that the digits suffice."""
    place = jax.random.uniform(key, whole.shape, jnp.float32)
    move = part + (whole.astype(jnp.float32) + part) * jnp.expm1(place * step)
    return whole - 1 + jnp.floor(move).astype(jnp.int32)
