"""Losses on triplets of an anchor, a positive and a negative sample: given, or found in the batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax import _schema
from sporax._errors import ShapeError
from sporax._typing import ArrayLike
from sporax.losses._mining import Fallback, hardest_of, pair_masks, points_of, semi_hard_of
from sporax.losses.contract import Counted, Flag, LossInfo, NonNegative, Number, label, loss_function, prediction
from sporax.losses.contract._parameters import Parameter
from sporax.losses.numerics._vectors import hinge, norm, safe_sqrt, squared_distances

__all__ = [
    "batch_hard_triplet_loss",
    "semi_hard_triplet_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

_TRIPLET = (prediction("anchor", "... D"), prediction("positive", "... D"), prediction("negative", "... D"))
_Degree = Annotated[float, Parameter(_schema.number(0, open_minimum=True).check, "ArgumentError", "not above 0")]
_BATCH = (prediction("embeddings", "N D"), label("labels", "N", "identity", "int"))


@loss_function(
    *_TRIPLET,
    output="...",
    info=LossInfo(
        cell="TripletMarginLoss",
        parameters={"margin": (1.0, 0.3), "p": (2, 1, math.inf, 3), "swap": (False, True)},
        like=("triplet_margin", "triplet_loss"),
        lower_bound=0.0,
    ),
)
def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    margin: NonNegative = 1.0,
    p: _Degree = 2,
    eps: Number = 1e-6,
    swap: Flag = False,
) -> jax.Array:
    r"""Triplet margin loss: the positive must be nearer to the anchor than the negative, by a margin.

    .. math:: \ell = \max(0, d(a, p) - d(a, n) + m), \qquad d(x, y) = \lVert x - y + \varepsilon \rVert_p

    eps is added to every coordinate of a difference, as in PyTorch. Exactly at the margin, the derivative is that of a
    triplet that violates it. A distance of 0 (equal points and `eps=0`) has derivative 0.

    Args:
        anchor: vectors a along the last axis, of shape (..., D).
        positive: vectors p of the same shape.
        negative: vectors n of the same shape.
        margin: m, at least 0, in units of the distance.
        p: the degree of the norm, above 0; `float("inf")` is the largest coordinate.
        eps: added to each coordinate of a difference.
        swap: whether d(a, n) is replaced by the smaller of d(a, n) and d(p, n).

    Example:
        >>> near, far = [[0.0, 1.0]], [[3.0, 4.0]]
        >>> losses.triplet_margin_loss([[0.0, 0.0]], far, near, eps=0.0).tolist()
        [5.0]

    Source: Balntas et al., "Learning local feature descriptors with triplets and shallow convolutional neural
    networks", 2016; PyTorch and MindSpore `nn.TripletMarginLoss`.
    """
    return _triplet(
        _arrays(anchor, positive, negative), lambda x, y: norm(x - y + eps, p), margin, swap, "triplet_margin_loss"
    )


@loss_function(
    *_TRIPLET,
    output="...",
    info=LossInfo(
        cell="TripletMarginWithDistanceLoss", parameters={"margin": (1.0, 2.5), "swap": (False, True)}, lower_bound=0.0
    ),
)
def triplet_margin_with_distance_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: NonNegative = 1.0,
    swap: Flag = False,
) -> jax.Array:
    r"""Triplet margin loss with a custom distance function.

    .. math:: \ell = \max(0, d(a, p) - d(a, n) + m)

    Args:
        anchor: vectors a along the last axis, of shape (..., D).
        positive: vectors p of the same shape.
        negative: vectors n of the same shape.
        distance_function: takes two arrays of shape (..., D) and returns distances of shape (...). None for the
            Euclidean distance, with 1e-6 added to each coordinate of the difference, as in PyTorch.
        margin: m, at least 0, in units of the distance.
        swap: whether d(a, n) is replaced by the smaller of d(a, n) and d(p, n).

    Raises:
        ShapeError: the distances have a shape other than (...).

    Example:
        >>> import jax.numpy as jnp
        >>> city = lambda x, y: jnp.abs(x - y).sum(axis=-1)
        >>> losses.triplet_margin_with_distance_loss(
        ...     [[0.0, 0.0]], [[1.0, 1.0]], [[0.5, 0.0]], distance_function=city
        ... ).tolist()
        [2.5]

    Source: PyTorch and MindSpore `nn.TripletMarginWithDistanceLoss`.
    """
    distance = distance_function or (lambda x, y: norm(x - y + 1e-6))
    return _triplet(_arrays(anchor, positive, negative), distance, margin, swap, "triplet_margin_with_distance_loss")


def _arrays(a: ArrayLike, p: ArrayLike, n: ArrayLike) -> tuple[jax.Array, jax.Array, jax.Array]:
    return jnp.asarray(a), jnp.asarray(p), jnp.asarray(n)


def _triplet(
    triplet: tuple[jax.Array, jax.Array, jax.Array],
    distance: Callable[[Any, Any], Any],
    margin: Any,
    swap: bool,
    where: str,
) -> jax.Array:
    anchor, positive, negative = triplet

    def between(x: jax.Array, y: jax.Array) -> jax.Array:
        found = jnp.asarray(distance(x, y))
        if found.shape != x.shape[:-1]:
            raise ShapeError(
                f"{where}: `distance_function` must return one distance for each pair of vectors, of shape "
                f"{x.shape[:-1]} for inputs of shape {x.shape}, but returned shape {found.shape}. "
                "Reduce over the last axis only."
            )
        return found

    apart = between(anchor, negative)
    if swap:
        # At a tie each gets half of the derivative, as in PyTorch.
        apart = jnp.minimum(apart, between(positive, negative))
    return hinge(margin + between(anchor, positive) - apart)


@loss_function(
    *_BATCH,
    output="N",
    mask_parameter="mask",
    info=LossInfo(
        cell="BatchHardTripletLoss",
        parameters={"margin": (1.0, 0.2), "soft": (True, False), "normalize": (False, True)},
        like=("triplet_hard_loss", "TripletHardLoss"),
        lower_bound=0.0,
    ),
)
def batch_hard_triplet_loss(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    margin: NonNegative = 1.0,
    soft: Flag = False,
    squared: Flag = False,
    normalize: Flag = False,
    mask: Any = None,
) -> Counted:
    r"""Triplet loss of each sample with its hardest positive and hardest negative in the batch.

    .. math:: \ell_i = \max\Big(0, m + \max_{y_p = y_i} d(x_i, x_p) - \min_{y_n \ne y_i} d(x_i, x_n)\Big)

    With `soft` it is :math:`\log(1 + \exp(d_p - d_n))`. A sample without a positive or without a negative has loss
    0 and does not count in the mean. Of several at the same distance, the first is chosen. Equal points have distance
    0 with derivative 0.

    Args:
        margin: m, at least 0, in units of the distance; not used with `soft`.
        soft: whether to use the smooth form.
        squared: whether d is the squared Euclidean distance.
        normalize: whether vectors are normalized first.

    Example:
        >>> x = [[0.0], [1.0], [3.0], [7.0]]
        >>> losses.batch_hard_triplet_loss(x, [0, 0, 1, 1]).tolist()
        [0.0, 0.0, 3.0, 0.0]

    Source: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017; TensorFlow
    Addons `TripletHardLoss`.
    """
    points = points_of(embeddings, normalize)
    distances = jax.lax.stop_gradient(squared_distances(points))
    far, near, found = hardest_of(distances, *pair_masks(jnp.asarray(labels), mask))
    # The N chosen distances are computed again from the vectors, which is exact for points that nearly coincide.
    d_far, d_near = (_between(points, jnp.take(points, at, axis=0, mode="clip"), squared) for at in (far, near))
    gap = d_far - d_near
    values = jax.nn.softplus(gap) if soft else hinge(margin + gap)
    return Counted(jnp.where(found, values, 0), found.astype(values.dtype))


@loss_function(
    *_BATCH,
    output="N",
    mask_parameter="mask",
    info=LossInfo(
        cell="SemiHardTripletLoss",
        parameters={"margin": (1.0, 2.0), "fallback": ("none", "hardest", "easiest"), "squared": (True, False)},
        like=("triplet_semihard_loss", "TripletSemiHardLoss"),
        lower_bound=0.0,
    ),
)
def semi_hard_triplet_loss(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    margin: NonNegative = 1.0,
    fallback: Fallback = "none",
    squared: Flag = False,
    normalize: Flag = False,
    mask: Any = None,
) -> Counted:
    r"""Triplet loss of each positive pair with a semi-hard negative.

    .. math:: \ell_i = \sum_{p \ne i,\, y_p = y_i} \max(0, m + d(x_i, x_p) - d(x_i, x_{n(i, p)}))

    :math:`n(i, p)` is the nearest x_n of another class with :math:`d(x_i, x_p) < d(x_i, x_n) < d(x_i, x_p) + m`.
    For a pair without one, see `fallback`. The mean is over the triplets, not over the samples.

    Args:
        margin: m, at least 0, in units of the distance.
        fallback: for a pair without such a negative: `none` excludes it from sum and mean, `hardest` uses the nearest
            negative, `easiest` the farthest (then the mean is that of TensorFlow Addons).
        squared: whether d is the squared Euclidean distance, as in the paper.
        normalize: whether vectors are normalized first, as in the paper.

    Returns:
        Values of shape (N,): the sum over the triplets of each sample.

    Example:
        >>> x = [[0.0], [1.0], [1.5], [7.0]]
        >>> losses.semi_hard_triplet_loss(x, [0, 0, 1, 1]).tolist()
        [0.5, 0.0, 0.0, 0.5]

    Source: Schroff, Kalenichenko, Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
    2015; TensorFlow Addons `TripletSemiHardLoss`.
    """
    distances = squared_distances(points_of(embeddings, normalize))
    distances = distances if squared else safe_sqrt(distances)
    masks = pair_masks(jnp.asarray(labels), mask)
    negatives, found = semi_hard_of(jax.lax.stop_gradient(distances), *masks, margin, fallback)
    apart = jnp.take_along_axis(distances, negatives, axis=1, mode="clip")
    # Comparisons with a NaN find no negative, but the NaN must propagate.
    counts = found | (masks[0] & jnp.isnan(distances))
    values = jnp.where(counts, hinge(margin + distances - apart), 0)
    return Counted(jnp.sum(values, axis=1), jnp.sum(found, axis=1).astype(values.dtype))


def _between(x: jax.Array, y: jax.Array, squared: bool) -> jax.Array:
    return jnp.sum(jnp.square(x - y), axis=-1) if squared else norm(x - y)
