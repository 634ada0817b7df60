"""Which triplets of a batch to learn from: pure functions that give indices, and compile as part of a step."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ShapeError
from sporax._typing import ArrayLike
from sporax.losses.contract._arrays import as_array, compute_dtype
from sporax.losses.contract._labels import check_dtype, to_device
from sporax.losses.contract._loss_function import hyper_parameter
from sporax.losses.contract._spec import label
from sporax.losses.numerics._vectors import safe_sqrt, squared_distances

__all__ = ["Triplets", "batch_hard_triplets", "pairwise_distances", "semi_hard_triplets"]

_CLASSES = label("labels", "N", "identity", "int")
FALLBACKS = ("none", "hardest", "easiest")


class Triplets(NamedTuple):
    """Triplets of samples, as indices in the batch; arrays of one shape.

    Attributes:
        anchors, positives, negatives: int32 indices; where `mask` is false they mean nothing, but are in range.
        mask: which of the triplets there are.
    """

    anchors: jax.Array
    positives: jax.Array
    negatives: jax.Array
    mask: jax.Array


def pairwise_distances(
    x: ArrayLike, y: ArrayLike | None = None, *, squared: bool = False, safe: bool = True
) -> jax.Array:
    r"""Euclidean distance between every pair of vectors of two sets.

    .. math:: D_{ij} = \lVert x_i - y_j \rVert_2

    Made of dot products, in memory of (N, M). Half precision is computed in float32.

    Args:
        x: vectors of shape (N, D).
        y: vectors of shape (M, D); x itself unless given, and then the diagonal is exactly 0.
        squared: whether to leave out the square root.
        safe: whether a distance of 0 has derivative 0. Without it that derivative is the square root's, infinite.

    Returns:
        Distances of shape (N, M), never below 0.

    Raises:
        ShapeError: x or y is not a matrix, or their vectors differ in size.

    Example:
        >>> from sporax import losses
        >>> losses.pairwise_distances([[0.0, 0.0], [3.0, 4.0]], [[0.0, 1.0]], squared=True).tolist()
        [[1.0], [18.0]]

    Source: PyTorch `cdist`.
    """
    where = "pairwise_distances"
    first = _vectors("x", x, where)
    second = None if y is None else _vectors("y", y, where)
    if second is not None and second.shape[1] != first.shape[1]:
        raise ShapeError(
            f"{where}: `x` and `y` must hold vectors of one size, but got shapes {first.shape} and {second.shape}. "
            "Give them the same last axis."
        )
    dtype = first.dtype if second is None else jnp.result_type(first, second)
    compute = compute_dtype(dtype)
    found = squared_distances(first.astype(compute), None if second is None else second.astype(compute))
    if not _check.is_type(squared, bool, name="squared", where=where):
        safe = _check.is_type(safe, bool, name="safe", where=where)
        found = safe_sqrt(found) if safe else jnp.sqrt(found)
    return found.astype(dtype if jnp.issubdtype(dtype, jnp.floating) else compute)


def batch_hard_triplets(embeddings: ArrayLike, labels: ArrayLike, *, mask: Any = None) -> Triplets:
    """Find, for each anchor, its farthest positive and nearest negative in the batch.

    Args:
        embeddings: vectors of shape (N, D).
        labels: class of each, integers of shape (N,).
        mask: which samples take part, of shape (N,); None for all.

    Returns:
        Triplets of shape (N,); an anchor is masked out that has no positive or no negative.

    Raises:
        ShapeError: shapes that do not fit.
        DtypeError: labels that are not integers.

    Example:
        >>> from sporax import losses
        >>> found = losses.batch_hard_triplets([[0.0], [1.0], [3.0], [7.0]], [0, 0, 1, 1])
        >>> found.positives.tolist(), found.negatives.tolist()
        ([1, 0, 3, 2], [2, 2, 1, 1])

    Source: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017.
    """
    points, classes, kept = _batch(embeddings, labels, mask, "batch_hard_triplets")
    far, near, found = hardest_of(squared_distances(points), *pair_masks(classes, kept))
    return Triplets(jnp.arange(points.shape[0], dtype=jnp.int32), far, near, found)


def semi_hard_triplets(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    margin: Any = 1.0,
    fallback: str = "none",
    squared: bool = False,
    mask: Any = None,
) -> Triplets:
    """Find, for each positive pair, the nearest negative farther than the positive (semi-hard).

    Args:
        embeddings: vectors of shape (N, D).
        labels: class of each, integers of shape (N,).
        margin: in units of the distance, at least 0.
        fallback: for a pair that has no such negative: `none` masks it out, `hardest` takes the anchor's nearest
            negative, `easiest` its farthest.
        squared: whether squared distances are compared, as in the paper.
        mask: which samples take part, of shape (N,); None for all.

    Returns:
        Triplets of shape (N * N,): entry i * N + j has the anchor i and the positive j.

    Raises:
        ArgumentError: a negative margin, or an unknown fallback.
        ShapeError: shapes that do not fit.
        DtypeError: labels that are not integers.

    Example:
        >>> from sporax import losses
        >>> found = losses.semi_hard_triplets([[0.0], [1.0], [1.5], [7.0]], [0, 0, 1, 1])
        >>> [each[found.mask].tolist() for each in found[:3]]
        [[0, 3], [1, 2], [2, 1]]

    Source: Schroff, Kalenichenko, Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
    2015.
    """
    name = "semi_hard_triplets"
    margin = hyper_parameter(margin, name="margin", where=name, minimum=0)
    _check.one_of(fallback, FALLBACKS, name="fallback", where=name)
    _check.is_type(squared, bool, name="squared", where=name)
    points, classes, kept = _batch(embeddings, labels, mask, name)
    distances = squared_distances(points) if squared else safe_sqrt(squared_distances(points))
    negatives, found = semi_hard_of(distances, *pair_masks(classes, kept), margin, fallback)
    anchors, positives = (jnp.broadcast_to(each, found.shape) for each in _places(points.shape[0]))
    return Triplets(*(each.reshape(-1) for each in (anchors, positives, negatives, found)))


def pair_masks(labels: jax.Array, mask: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """(N, N) masks of positive pairs (one class, two samples) and negative pairs, among those that take part."""
    row, column = _places(labels.shape[0])
    same = labels[:, None] == labels[None, :]
    allowed = jnp.ones_like(same) if mask is None else mask[:, None] & mask[None, :]
    return same & (row != column) & allowed, ~same & allowed


def hardest_of(
    distances: jax.Array, positive: jax.Array, negative: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The farthest positive and the nearest negative of each row, and which rows have both."""
    far = _argmin(jnp.where(positive, -distances, jnp.inf))
    near = _argmin(jnp.where(negative, distances, jnp.inf))
    return far, near, jnp.any(positive, axis=1) & jnp.any(negative, axis=1)


def semi_hard_of(
    distances: jax.Array, positive: jax.Array, negative: jax.Array, margin: Any, fallback: str
) -> tuple[jax.Array, jax.Array]:
    """The negative for each pair (row, column), and which pairs are positive and have one; both (N, N)."""
    count = distances.shape[0]
    if count == 0:
        return jnp.zeros((0, 0), jnp.int32), positive
    # In each row's sorted negatives the first that is farther than a positive is found by bisection: memory for
    # (N, N) values, where comparing all triplets would take (N, N, N).
    candidates = jnp.where(negative, distances, jnp.inf)
    order = jnp.argsort(candidates, axis=1).astype(jnp.int32)
    ranked = jnp.take_along_axis(candidates, order, axis=1)
    rank = jax.vmap(lambda row, wanted: jnp.searchsorted(row, wanted, side="right"))(ranked, distances)
    # Where the bisection runs past the last negative, that row's last candidate is looked at, which is no farther.
    rank = jnp.minimum(rank, count - 1).astype(jnp.int32)
    apart = jnp.take_along_axis(ranked, rank, axis=1)
    negatives = jnp.take_along_axis(order, rank, axis=1)
    semi = (apart > distances) & (apart < distances + margin)
    if fallback == "none":
        return negatives, positive & semi
    other = _argmin(candidates if fallback == "hardest" else jnp.where(negative, -distances, jnp.inf))
    negatives = jnp.where(semi, negatives, other[:, None])
    return negatives, positive & jnp.any(negative, axis=1, keepdims=True)


def _places(count: int) -> tuple[jax.Array, jax.Array]:
    places = jnp.arange(count, dtype=jnp.int32)
    return places[:, None], places[None, :]


def _argmin(values: jax.Array) -> jax.Array:
    if values.shape[1] == 0:
        return jnp.zeros(values.shape[:1], jnp.int32)
    return jnp.argmin(values, axis=1).astype(jnp.int32)


def _vectors(name: str, value: ArrayLike, where: str) -> jax.Array:
    array = jnp.asarray(as_array(value))
    if array.ndim != 2:
        raise ShapeError(
            f"{where}: `{name}` must have shape (N, D), but got {array.shape}. Put one vector in each row."
        )
    return array


def _batch(
    embeddings: ArrayLike, labels: ArrayLike, mask: Any, name: str
) -> tuple[jax.Array, jax.Array, jax.Array | None]:
    points = _vectors("embeddings", embeddings, name)
    classes = as_array(labels)
    check_dtype(_CLASSES, classes.dtype, where=name)
    classes = to_device(_CLASSES, classes, np.float32)
    kept = None if mask is None else jnp.asarray(as_array(mask)) != 0
    for what, array in (("labels", classes), ("mask", kept)):
        if array is not None and array.shape != points.shape[:1]:
            raise ShapeError(
                f"{name}: `{what}` must have shape {points.shape[:1]}, but got {array.shape} where `embeddings` has "
                f"shape {points.shape}. Give one for each row."
            )
    return points.astype(compute_dtype(points.dtype)), classes, kept
