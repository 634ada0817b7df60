"""Losses on the order of the items of a list."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._typing import ArrayLike
from sporax.losses.contract._arrays import would_be_cut
from sporax.losses.contract._info import LossInfo, Sized
from sporax.losses.contract._loss_function import Counted, as_array, hyper_parameter, loss_function
from sporax.losses.contract._shapes import broadcast_into
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._logspace import log_add
from sporax.losses.numerics._softmax import log_softmax
from sporax.losses.numerics._sums import sum_rows

__all__ = ["lambda_rank_loss", "list_mle_loss", "list_net_loss", "rank_net_loss", "ranking_softmax_loss"]

_SCORES = prediction("logits", "... L")
_GRADES = label("labels", "... L", domain="nonnegative", kind="number")
"""Grades are only compared, or give the size of a step: no derivative is taken by them. Integers stay integers, since a
float32 cannot tell 2**24 from 2**24 + 1."""

_HIGHEST = 2000
"""2**-2000 is 0 in every dtype."""


def _some_items(sizes: Any) -> np.ndarray:
    return np.arange(sizes["L"]) % 3 != 1


_MASKS = (None, Sized(_some_items))


def _known_and_wide(labels: Any) -> bool:
    """Whether the values are known, and JAX would round them or drop their upper half."""
    return isinstance(labels, np.ndarray) and (labels.dtype == np.float64 or would_be_cut(labels))


def _grades_by_order(arrays: dict[str, Any]) -> dict[str, Any]:
    """Wide grades as their positions among the grades of their list, for a loss that only compares them."""
    labels = arrays["labels"]
    if not _known_and_wide(labels) or labels.ndim == 0 or (labels.dtype.kind == "f" and np.isnan(labels).any()):
        return arrays
    order = np.argsort(labels, axis=-1, kind="stable")
    ordered = np.take_along_axis(labels, order, axis=-1)
    places = np.zeros(labels.shape, np.int32)
    places[..., 1:] = np.cumsum(ordered[..., 1:] != ordered[..., :-1], axis=-1)
    result = np.empty_like(places)
    np.put_along_axis(result, order, places, axis=-1)
    return arrays | {"labels": result}


def _grades_in_range(arrays: dict[str, Any]) -> dict[str, Any]:
    """Wide grades moved down to where a power of 2 is no longer told from 0, for a loss of differences of powers."""
    labels = arrays["labels"]
    if not _known_and_wide(labels) or labels.ndim == 0 or not labels.shape[-1]:
        return arrays
    highest = labels.max(axis=-1, keepdims=True)
    below = highest - labels
    top = np.minimum(highest, _HIGHEST)
    if labels.dtype.kind != "f":
        top, below = top.astype(np.int64), np.minimum(below, np.iinfo(np.int32).max).astype(np.int64)
    return arrays | {"labels": (top - below).astype(np.float32 if labels.dtype.kind == "f" else np.int32)}


def _grades_below_highest(arrays: dict[str, Any]) -> dict[str, Any]:
    """Integer or wide grades minus the maximum of their list, for a loss of their softmax."""
    labels = arrays["labels"]
    integers = labels.dtype.kind in "iu"
    if not (integers or _known_and_wide(labels)) or labels.ndim == 0 or not labels.shape[-1]:
        return arrays
    if integers and labels.dtype.itemsize < 4:
        labels = labels.astype(np.int32)
    below = labels.max(axis=-1, keepdims=True) - labels
    if integers:
        below = below.clip(max=np.iinfo(np.int32).max).astype(np.int32)
    return arrays | {"labels": -below}


@loss_function(
    _SCORES,
    _GRADES,
    output="...",
    prepare=_grades_by_order,
    info=LossInfo(
        cell="RankNetLoss",
        parameters={"sigma": (1.0, 0.7), "mask": _MASKS},
        like=("pairwise logistic loss",),
        lower_bound=0.0,
    ),
)
def rank_net_loss(
    logits: ArrayLike, labels: ArrayLike, *, sigma: Any = 1.0, mask: ArrayLike | None = None
) -> jax.Array | Counted:
    r"""RankNet: pairwise logistic loss.

    .. math:: \ell = \sum_{i, j:\, y_i > y_j} \log(1 + e^{-\sigma (s_i - s_j)})

    A list whose items are all of one grade, or all masked, has no pair: 0, with zero gradient.

    Args:
        logits: scores s of shape (..., L), L items in each list.
        labels: grades y of the same shape, of any real dtype; higher is better.
        sigma: the steepness, above 0.
        mask: which items are there, of a shape that broadcasts to (..., L); all for None. A list with none does not
            count in the mean.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `sigma` is not above 0.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> round(float(losses.rank_net_loss([2.0, 1.0, 0.0], [1, 0, 0])), 4)  # log(1 + 1/e) + log(1 + 1/e**2)
        0.4402

    Source: Burges et al., "Learning to Rank using Gradient Descent", 2005.
    """
    where = "rank_net_loss"
    sigma = hyper_parameter(sigma, name="sigma", where=where, minimum=0, open_minimum=True)
    logits, labels, kept = _items(logits, labels, mask, where)
    return _counted(jnp.sum(_pair_losses(logits, labels, kept, sigma), axis=(-2, -1)), mask, kept)


@loss_function(
    _SCORES,
    label("labels", "... L"),
    output="...",
    prepare=_grades_below_highest,
    info=LossInfo(cell="ListNetLoss", parameters={"mask": _MASKS}, lower_bound=0.0),
)
def list_net_loss(logits: ArrayLike, labels: ArrayLike, *, mask: ArrayLike | None = None) -> jax.Array | Counted:
    r"""ListNet: cross entropy between the top-one probabilities of grades and scores.

    .. math:: \ell = -\sum_i \operatorname{softmax}(y)_i \log \operatorname{softmax}(s)_i

    Args:
        logits: scores s of shape (..., L), L items in each list.
        labels: grades y of the same shape.
        mask: which items are there, of a shape that broadcasts to (..., L); all for None. A list with none is 0 and
            does not count in the mean.

    Returns:
        Values of shape (...).

    Raises:
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> round(float(losses.list_net_loss([0.0, 0.0], [3.0, 1.0])), 4)  # log 2
        0.6931

    Source: Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", 2007 (top one).
    """
    logits, labels, kept = _items(logits, labels, mask, "list_net_loss")
    target = jnp.where(kept, jnp.exp(_masked_log_softmax(labels, kept)), 0)
    return _counted(_cross_entropy(target, logits, kept), mask, kept)


@loss_function(
    _SCORES,
    _GRADES,
    output="...",
    prepare=_grades_by_order,
    info=LossInfo(cell="ListMLELoss", parameters={"mask": _MASKS}, like=("Plackett-Luce likelihood",), lower_bound=0.0),
)
def list_mle_loss(logits: ArrayLike, labels: ArrayLike, *, mask: ArrayLike | None = None) -> jax.Array | Counted:
    r"""ListMLE: negative Plackett-Luce log likelihood of the order of the grades.

    .. math:: \ell = \sum_{i=1}^{L} \log \sum_{k=i}^{L} e^{s_{\pi(k)}} - s_{\pi(i)}

    where :math:`\pi` orders the items by falling grade. Of items of one grade the one that stands first in the list
    comes first, so shuffle the list if their positions mean nothing.

    Args:
        logits: scores s of shape (..., L), L items in each list.
        labels: grades of the same shape, of any real dtype; higher is better.
        mask: which items are there, of a shape that broadcasts to (..., L); all for None. A list with none is 0 and
            does not count in the mean.

    Returns:
        Values of shape (...).

    Raises:
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> round(float(losses.list_mle_loss([0.0, 0.0, 0.0], [1, 3, 2])), 4)  # log 3!
        1.7918

    Source: Xia et al., "Listwise Approach to Learning to Rank: Theory and Algorithm", 2008.
    """
    logits, labels, kept = _items(logits, labels, mask, "list_mle_loss")
    if jnp.issubdtype(labels.dtype, jnp.integer):
        falling = jnp.where(kept, ~labels, jnp.iinfo(labels.dtype).max)
    else:
        falling = jnp.where(kept, -labels, jnp.inf)
    order = jnp.argsort(falling, axis=-1, stable=True)
    scores = jnp.take_along_axis(logits, order, axis=-1)
    left = jnp.take_along_axis(kept, order, axis=-1)
    sums = _sums_from_each(jnp.where(left, scores, -jnp.inf))
    # log(sum from i) - s = log(1 + exp(log(sum from i + 1) - s)): no digits are lost where the first one dwarfs
    # the rest. The last item has no rest.
    here, rest = scores[..., :-1], sums[..., 1:]
    follows = left[..., 1:]
    terms = jax.nn.softplus(jnp.where(follows, rest, 0) - jnp.where(follows, here, 0))
    return _counted(jnp.sum(jnp.where(follows, terms, 0), axis=-1), mask, kept)


@loss_function(
    _SCORES,
    _GRADES,
    output="...",
    prepare=_grades_in_range,
    info=LossInfo(
        cell="LambdaRankLoss",
        parameters={"sigma": (1.0, 0.7), "k": (None, 3), "mask": _MASKS},
        like=("LambdaLoss", "NDCG"),
        lower_bound=0.0,
    ),
)
def lambda_rank_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    sigma: Any = 1.0,
    k: int | None = None,
    mask: ArrayLike | None = None,
) -> jax.Array | Counted:
    r"""LambdaRank: RankNet with each pair weighted by its change of NDCG.

    .. math::
        \ell = \sum_{i, j:\, y_i > y_j} |\Delta_{ij}| \log(1 + e^{-\sigma (s_i - s_j)}), \qquad
        \Delta_{ij} = \frac{(2^{y_i} - 2^{y_j})(D(r_i) - D(r_j))}{\max \text{DCG}}

    where r is the rank by the present scores, from 1, of tied items the first one first, and
    :math:`D(r) = 1 / \log_2(1 + r)`, or 0 below the first k. Ranks are held constant, as in the paper, so the
    gradient is that of LambdaRank. A list whose items are all of one grade, or all masked, gives 0, with zero gradient.

    Args:
        logits: scores s of shape (..., L), L items in each list.
        labels: grades y >= 0 of the same shape, of any real dtype; higher is better.
        sigma: the steepness, above 0.
        k: how many of the first ranks count in NDCG; all for None.
        mask: which items are there, of a shape that broadcasts to (..., L); all for None. A list with none does not
            count in the mean.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `sigma` is not above 0, or `k` is below 1.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> value = losses.lambda_rank_loss([0.0, 1.0], [1, 0])  # (1 - 1 / log2(3)) * log(1 + e)
        >>> round(float(value), 4)
        0.4847

    Source: Burges, Ragno, Le, "Learning to Rank with Nonsmooth Cost Functions", 2006; Wang et al., "The LambdaLoss
    Framework for Ranking Metric Optimization", 2018 (which takes the logarithm to base 2).
    """
    where = "lambda_rank_loss"
    sigma = hyper_parameter(sigma, name="sigma", where=where, minimum=0, open_minimum=True)
    logits, labels, kept = _items(logits, labels, mask, where)
    count = logits.shape[-1]
    k = count if k is None else _check.integer(k, name="k", where=where, minimum=1)
    order = jnp.argsort(jnp.where(kept, -logits, jnp.inf), axis=-1, stable=True)
    places = jnp.arange(count, dtype=logits.dtype)
    discounts = jnp.where(places < k, 1 / jnp.log2(2 + places), 0)
    # Everything is relative to the highest grade, so that no power overflows.
    highest = jnp.max(labels, axis=-1, keepdims=True, initial=0)
    below = (highest - labels).astype(logits.dtype)
    gains = jnp.where(kept, jnp.exp2(-below) - jnp.exp2(-highest.astype(logits.dtype)), 0)
    best = jnp.sum(-jnp.sort(-gains, axis=-1) * _like(discounts, gains), axis=-1, keepdims=True)
    gains = jnp.where(best > 0, gains / jnp.where(best > 0, best, 1), 0)
    discount = jnp.take(discounts, jnp.argsort(order, axis=-1), axis=0, mode="clip")
    weights = jnp.abs(_differences(gains) * _differences(discount))
    values = jax.lax.stop_gradient(weights) * _pair_losses(logits, labels, kept, sigma)
    return _counted(jnp.sum(values, axis=(-2, -1)), mask, kept)


@loss_function(
    _SCORES,
    label("labels", "... L", domain="nonnegative"),
    output="...",
    info=LossInfo(
        cell="RankingSoftmaxLoss", parameters={"mask": _MASKS}, like=("optax ranking_softmax_loss",), lower_bound=0.0
    ),
)
def ranking_softmax_loss(logits: ArrayLike, labels: ArrayLike, *, mask: ArrayLike | None = None) -> jax.Array | Counted:
    r"""Softmax cross entropy of scores with the grades as unnormalized targets.

    .. math:: \ell = -\sum_i y_i \log \operatorname{softmax}(s)_i

    Args:
        logits: scores s of shape (..., L), L items in each list.
        labels: grades y >= 0 of the same shape, which need not add up to 1.
        mask: which items are there, of a shape that broadcasts to (..., L); all for None. A list with none is 0 and
            does not count in the mean.

    Returns:
        Values of shape (...).

    Raises:
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> round(float(losses.ranking_softmax_loss([2.0, 1.0, 3.0], [1.0, 0.0, 0.0])), 4)
        1.4076

    Source: `optax.losses.ranking_softmax_loss`, whose `weights` are to be multiplied into the labels here.
    """
    logits, labels, kept = _items(logits, labels, mask, "ranking_softmax_loss")
    return _counted(_cross_entropy(jnp.where(kept, labels, 0), logits, kept), mask, kept)


def _items(logits: Any, labels: Any, mask: Any, where: str) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Scores and grades, 0 where there is no item, and where there is one. Integer grades are signed."""
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        labels = labels.astype(logits.dtype)
    elif labels.dtype.itemsize < 4:
        labels = labels.astype(jnp.int32)
    elif jnp.issubdtype(labels.dtype, jnp.unsignedinteger):
        signed = jnp.iinfo(f"int{8 * labels.dtype.itemsize}")
        labels = jnp.minimum(labels, signed.max).astype(signed.dtype)
    if mask is None:
        return logits, labels, jnp.ones(logits.shape, bool)
    mask = as_array(mask)
    broadcast_into("mask", mask.shape, logits.shape, target_name="`logits`", where=where)
    kept = jnp.broadcast_to(jnp.asarray(mask != 0), logits.shape)
    return jnp.where(kept, logits, 0), jnp.where(kept, labels, 0), kept


def _counted(values: jax.Array, mask: Any, kept: jax.Array) -> jax.Array | Counted:
    if mask is None:
        return values
    some = jnp.any(kept, axis=-1)
    return Counted(jnp.where(some, values, 0), some.astype(values.dtype))


# Compiled by itself: in eager code a scan would be compiled again at every call.
@jax.jit
def _sums_from_each(scores: jax.Array) -> jax.Array:
    """log(sum of exp) of each item and those after it, along the last axis."""

    def step(rest: jax.Array, score: jax.Array) -> tuple[jax.Array, jax.Array]:
        total = log_add(rest, score)
        return total, total

    nothing = jnp.full(scores.shape[:-1], -jnp.inf, scores.dtype)
    return jnp.moveaxis(jax.lax.scan(step, nothing, jnp.moveaxis(scores, -1, 0), reverse=True)[1], 0, -1)


def _like(row: jax.Array, values: jax.Array) -> jax.Array:
    return jnp.broadcast_to(row, values.shape)


def _differences(values: jax.Array) -> jax.Array:
    """v_i - v_j for every two of the last axis."""
    return values[..., :, None] - values[..., None, :]


def _pair_losses(logits: jax.Array, labels: jax.Array, kept: jax.Array, sigma: Any) -> jax.Array:
    better = (labels[..., :, None] > labels[..., None, :]) & kept[..., :, None] & kept[..., None, :]
    return jnp.where(better, jax.nn.softplus(-sigma * _differences(logits)), 0)


def _masked_log_softmax(values: jax.Array, kept: jax.Array) -> jax.Array:
    return jnp.where(kept, log_softmax(jnp.where(kept, values, -jnp.inf)), 0)


def _cross_entropy(target: jax.Array, logits: jax.Array, kept: jax.Array) -> jax.Array:
    log_p = _masked_log_softmax(logits, kept)
    # 0 log 0 is 0.
    nothing = (target == 0) & jnp.isneginf(log_p)
    return 0 - sum_rows(target * jnp.where(nothing, 0, log_p))[..., 0]
