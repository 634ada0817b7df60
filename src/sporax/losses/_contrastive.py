"""Contrastive losses: of given pairs, and of a batch of embeddings in which every two samples meet."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, DtypeError, ShapeError
from sporax._typing import ArrayLike
from sporax.losses._mining import pair_masks
from sporax.losses._pairwise import (
    Pairs,
    pick_partner,
    pick_partner_chunked,
    plan_of,
    tell_partner,
    tell_partner_chunked,
)
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import Counted, as_array, hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._vectors import dot_products, masked_logsumexp, norm, unit

__all__ = [
    "circle_loss",
    "contrastive_loss",
    "info_nce_loss",
    "multi_similarity_loss",
    "n_pair_loss",
    "nt_xent_loss",
    "siglip_loss",
    "sup_con_loss",
]

_BATCH = (prediction("embeddings", "N D"), label("labels", "N", "identity", "int"))


_TEMPERATURE = {"temperature": (0.5, 0.2), "normalize": (True, False)}


@loss_function(
    prediction("x1", "... D"),
    prediction("x2", "... D"),
    label("labels", "...", domain="binary", kind="number"),
    output="...",
    info=LossInfo(cell="ContrastiveLoss", parameters={"margin": (1.0, 4.0)}, lower_bound=0.0),
)
def contrastive_loss(x1: ArrayLike, x2: ArrayLike, labels: ArrayLike, *, margin: Any = 1.0) -> jax.Array:
    r"""Contrastive loss: attracts similar pairs, and separates dissimilar pairs by a margin.

    .. math:: \ell = \tfrac{1}{2} y d^2 + \tfrac{1}{2} (1 - y) \max(0, m - d)^2,
        \qquad d = \lVert x_1 - x_2 \rVert_2

    The paper has Y = 1 - y. A dissimilar pair of equal points has derivative 0. In compiled code a label that is
    neither 0 nor 1 gives NaN, and sends no gradient.

    Args:
        x1: vectors along the last axis, of shape (..., D).
        x2: vectors of the same shape.
        labels: y, 1 for a similar pair and 0 for a dissimilar one, of shape (...), of any real dtype.
        margin: m, at least 0, in units of the distance.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: a negative margin.
        ShapeError: shapes that do not fit.
        LabelError: labels other than 0 and 1, where their values are known.

    Example:
        >>> from sporax import losses
        >>> origin, points = [[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [0.0, 0.5]]
        >>> losses.contrastive_loss(origin, points, [1, 0]).tolist()
        [12.5, 0.125]

    Source: Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006.
    """
    margin = hyper_parameter(margin, name="margin", where="contrastive_loss", minimum=0)
    difference = jnp.asarray(x1) - jnp.asarray(x2)
    labels = jnp.asarray(labels)
    short = margin - norm(difference)
    apart = jnp.where(labels == 0, jnp.square(jnp.where(short <= 0, 0, short)), jnp.nan)
    return 0.5 * jnp.where(labels == 1, jnp.sum(jnp.square(difference), axis=-1), apart)


@loss_function(
    prediction("anchors", "N D"),
    prediction("positives", "N D"),
    output="N",
    mask_parameter="mask",
    info=LossInfo(
        cell="NPairLoss",
        parameters={"l2_weight": (0.0, 0.3), "normalize": (False, True)},
        like=("npairs", "NpairsLoss", "npairs_loss"),
    ),
)
def n_pair_loss(
    anchors: ArrayLike, positives: ArrayLike, *, l2_weight: Any = 0.0, normalize: bool = False, mask: Any = None
) -> jax.Array:
    r"""N-pair loss: cross entropy of each anchor's positive among all positives of the batch.

    .. math:: \ell_i = \log\Big(1 + \sum_{j \ne i} \exp(a_i \cdot p_j - a_i \cdot p_i)\Big)
        + \tfrac{\lambda}{4} (|a_i|^2 + |p_i|^2)

    No two pairs of a batch should be of one class.

    Args:
        anchors: vectors a of shape (N, D).
        positives: vectors p of shape (N, D): row i is the positive of anchor i, and a negative of the others.
        l2_weight: :math:`\lambda`, at least 0. The paper keeps vectors short in this way, and does not normalise.
        normalize: whether vectors are normalized first.
        mask: which pairs take part, of shape (N,); the others are nobody's negative.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `l2_weight` is negative.
        ShapeError: the shapes differ.

    Example:
        >>> from sporax import losses
        >>> anchors, positives = [[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 3.0]]
        >>> [round(value, 4) for value in losses.n_pair_loss(anchors, positives).tolist()]
        [0.1269, 0.0486]

    Source: Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", 2016; the weight of the
    squares is TensorFlow's `npairs_loss`.
    """
    name = "n_pair_loss"
    l2_weight = hyper_parameter(l2_weight, name="l2_weight", where=name, minimum=0)
    a, p = _points(anchors, normalize, name), _points(positives, normalize, name)
    values = pick_partner(dot_products(a, p), mask)
    return values + 0.25 * l2_weight * (jnp.sum(jnp.square(a), axis=-1) + jnp.sum(jnp.square(p), axis=-1))


@loss_function(
    *_BATCH,
    output="N",
    mask_parameter="mask",
    info=LossInfo(
        cell="MultiSimilarityLoss",
        parameters={"alpha": (2.0, 1.0), "beta": (10.0, 5.0), "epsilon": (0.1, None)},
        lower_bound=0.0,
    ),
)
def multi_similarity_loss(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    alpha: Any = 2.0,
    beta: Any = 50.0,
    base: Any = 0.5,
    epsilon: Any = 0.1,
    normalize: bool = True,
    mask: Any = None,
) -> jax.Array:
    r"""Multi-similarity loss: weights each pair by its own similarity and those of the anchor's other pairs.

    .. math:: \ell_i = \frac{1}{\alpha} \log\Big(1 + \sum_{k \in P_i} e^{-\alpha (S_{ik} - \lambda)}\Big)
        + \frac{1}{\beta} \log\Big(1 + \sum_{k \in N_i} e^{\beta (S_{ik} - \lambda)}\Big)

    S holds the dot products. Of an anchor's negatives those are kept that are more similar than its least similar
    positive less epsilon, of its positives those less similar than its most similar negative plus epsilon; so an
    anchor without a positive or without a negative has loss 0. It counts in the mean, as in the paper.

    Args:
        embeddings: vectors of shape (N, D).
        labels: class of each, integers of shape (N,).
        alpha: how sharply positives are weighed, above 0.
        beta: how sharply negatives are weighed, above 0.
        base: :math:`\lambda`, the similarity around which weights turn.
        epsilon: how far pairs may be from being hard and are still kept. None keeps all pairs.
        normalize: whether vectors are normalized first, so that S holds cosines.
        mask: which samples take part, of shape (N,); the others are neither anchor nor positive nor negative.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `alpha` or `beta` is not above 0.
        ShapeError: shapes that do not fit.
        DtypeError: labels that are not integers.

    Example:
        >>> from sporax import losses
        >>> x = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]
        >>> [round(value, 4) for value in losses.multi_similarity_loss(x, [0, 0, 1]).tolist()]
        [0.0, 0.5991, 0.0]

    Source: Wang et al., "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning", 2019.
    """
    name = "multi_similarity_loss"
    alpha = hyper_parameter(alpha, name="alpha", where=name, minimum=0, open_minimum=True)
    beta = hyper_parameter(beta, name="beta", where=name, minimum=0, open_minimum=True)
    base = hyper_parameter(base, name="base", where=name)
    points = _points(embeddings, normalize, name)
    similarity = dot_products(points, points)
    positive, negative = pair_masks(jnp.asarray(labels), mask)
    if epsilon is not None:
        epsilon = hyper_parameter(epsilon, name="epsilon", where=name)
        held = jax.lax.stop_gradient(similarity)
        least = jnp.min(jnp.where(positive, held, jnp.inf), axis=1, keepdims=True, initial=jnp.inf)
        most = jnp.max(jnp.where(negative, held, -jnp.inf), axis=1, keepdims=True, initial=-jnp.inf)
        # Written so that a NaN is not left out.
        positive, negative = positive & ~(held >= most + epsilon), negative & ~(held <= least - epsilon)
    pull = _log1p_sum_exp(-alpha * (similarity - base), positive) / alpha
    return pull + _log1p_sum_exp(beta * (similarity - base), negative) / beta


@loss_function(
    *_BATCH,
    output="N",
    mask_parameter="mask",
    info=LossInfo(
        cell="CircleLoss",
        parameters={"gamma": (8.0, 4.0), "margin": (0.4, 0.25), "remove_diagonal": (True, False)},
        like=("circle",),
        lower_bound=0.0,
    ),
)
def circle_loss(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    gamma: Any = 80.0,
    margin: Any = 0.4,
    remove_diagonal: bool = True,
    hold_weights: bool = False,
    normalize: bool = True,
    mask: Any = None,
) -> Counted:
    r"""Circle loss: weights each similarity by its distance from its optimum.

    .. math:: \ell_i = \log\Big(1 + \sum_n e^{\gamma \alpha_n (s_n - m)} \sum_p e^{-\gamma \alpha_p (s_p - 1 + m)}\Big),
        \quad \alpha_n = \max(0, s_n + m), \quad \alpha_p = \max(0, 1 + m - s_p)

    s are cosines, held at 1 where rounding takes them past it. A sample without a positive or without a negative
    has loss 0 and does not count in the mean, as in Keras (which leaves out every value of 0).

    Args:
        embeddings: vectors of shape (N, D).
        labels: class of each, integers of shape (N,).
        gamma: the scale, above 0.
        margin: the relaxation m.
        remove_diagonal: whether a sample is not its own positive.
        hold_weights: whether derivatives take the weights :math:`\alpha` as constants, as the paper does; Keras
            does not.
        normalize: whether vectors are normalized first. Keras takes them as they are.
        mask: which samples take part, of shape (N,); the others are neither anchor nor positive nor negative.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `gamma` is not above 0.
        ShapeError: shapes that do not fit.
        DtypeError: labels that are not integers.

    Example:
        >>> from sporax import losses
        >>> x = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]
        >>> [round(value, 4) for value in losses.circle_loss(x, [0, 0, 1], gamma=10).tolist()]
        [0.1839, 4.8082, 0.0]

    Source: Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", 2020; Keras `Circle`.
    """
    name = "circle_loss"
    gamma = hyper_parameter(gamma, name="gamma", where=name, minimum=0, open_minimum=True)
    margin = hyper_parameter(margin, name="margin", where=name)
    points = _points(embeddings, normalize, name)
    apart = jnp.maximum(1 - dot_products(points, points), 0)
    positive, negative = pair_masks(jnp.asarray(labels), mask)
    if not _check.is_type(remove_diagonal, bool, name="remove_diagonal", where=name):
        itself = jnp.eye(apart.shape[0], dtype=bool)
        positive = positive | (itself if mask is None else itself & mask[:, None])
    weight_p, weight_n = jnp.maximum(margin + apart, 0), jnp.maximum(1 + margin - apart, 0)
    if _check.is_type(hold_weights, bool, name="hold_weights", where=name):
        weight_p, weight_n = jax.lax.stop_gradient((weight_p, weight_n))
    pull = masked_logsumexp(-gamma * weight_p * (margin - apart), positive)
    push = masked_logsumexp(gamma * weight_n * (1 - margin - apart), negative)
    counts = jnp.any(positive, axis=1) & jnp.any(negative, axis=1)
    values = jax.nn.softplus(jnp.where(counts, pull, 0) + jnp.where(counts, push, 0))
    return Counted(jnp.where(counts, values, 0), counts.astype(values.dtype))


@loss_function(
    prediction("queries", "N D"),
    prediction("keys", "N D"),
    output="N",
    mask_parameter="mask",
    info=LossInfo(
        cell="InfoNCELoss",
        parameters={**_TEMPERATURE, "symmetric": (False, True), "chunk_size": (None, 2)},
        like=("clip_loss", "infonce"),
        lower_bound=0.0,
    ),
)
def info_nce_loss(
    queries: ArrayLike,
    keys: ArrayLike,
    *,
    temperature: Any = 0.07,
    symmetric: bool = False,
    normalize: bool = True,
    mask: Any = None,
    chunk_size: int | None = None,
    axis_name: str | None = None,
    negatives: Any = None,
    labels: Any = None,
) -> jax.Array:
    r"""InfoNCE loss: cross entropy of each query's key among all keys.

    .. math:: \ell_i = -\log \frac{\exp(q_i \cdot k_i / \tau)}{\sum_{j \in \{i\} \cup N_i} \exp(q_i \cdot k_j / \tau)}

    :math:`N_i` are the negatives of query i: all other keys, without those that `negatives` or `labels` leave out, as
    keys that would be right answers too ("false negatives").

    With `symmetric` it is the mean of this and of the same with queries and keys exchanged, as in CLIP. In chunks no
    (N, N) array is made: derivatives, in forward and reverse mode and of any order, compute scores again. With
    `axis_name`, inside `jax.shard_map`, each device holds N of the pairs, meets the others' a device at a time, and has
    the values of its own; for a mean over all, `psum` both parts of `evaluate_sum_and_weight`.

    Args:
        queries: vectors q of shape (N, D).
        keys: vectors k of shape (N, D): row i is the partner of query i, and a negative of the others.
        temperature: :math:`\tau`, above 0; it may be traced, and learned.
        symmetric: whether keys pick their queries too.
        normalize: whether vectors are normalized first.
        mask: which pairs take part, of shape (N,); the others are nobody's negative.
        chunk_size: queries at a time. None: so many as have 2¹⁸ scores on a CPU and 2²⁴ elsewhere, but 128 at least.
        axis_name: the mesh axis over which the pairs are spread.
        negatives: which keys are negatives of which query, of shape (N, N): a row for each query. The diagonal is not
            looked at. It counts in both directions for `symmetric`. Not with `axis_name`.
        labels: integers of shape (N,); pairs with equal labels are no negatives of each other.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `temperature` is not above 0, `chunk_size` below 1, no such axis, or `negatives` together with an
            axis.
        DtypeError: `labels` that are not integers.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> queries, keys = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.6, 0.8]]
        >>> [round(value, 4) for value in losses.info_nce_loss(queries, keys, temperature=1.0).tolist()]
        [0.513, 0.3711]

    Source: van den Oord, Li, Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018; Radford
    et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021 (`symmetric`).
    """
    name = "info_nce_loss"
    temperature = _temperature(temperature, name)
    symmetric = _check.is_type(symmetric, bool, name="symmetric", where=name)
    q, k = _points(queries, normalize, name), _points(keys, normalize, name)
    plan = plan_of(q.shape[0], chunk_size, axis_name, name)
    pairs = _pairs(negatives, labels, q.shape[0], axis_name, name)
    if plan is not None:
        return pick_partner_chunked(plan, q / temperature, k, mask, symmetric, pairs)
    scores = dot_products(q, k) / temperature
    values = pick_partner(scores, mask, pairs=pairs)
    return 0.5 * (values + pick_partner(scores, mask, 0, pairs)) if symmetric else values


@loss_function(
    *_BATCH,
    output="N",
    mask_parameter="mask",
    info=LossInfo(cell="NTXentLoss", parameters=_TEMPERATURE, like=("ntxent", "simclr"), lower_bound=0.0),
)
def nt_xent_loss(
    embeddings: ArrayLike, labels: ArrayLike, *, temperature: Any = 0.07, normalize: bool = True, mask: Any = None
) -> Counted:
    r"""Normalized temperature-scaled cross entropy (SimCLR): each positive pair against the sample's negatives.

    .. math:: \ell_i = -\sum_{p \ne i,\, y_p = y_i} \log \frac{\exp(x_i \cdot x_p / \tau)}
        {\exp(x_i \cdot x_p / \tau) + \sum_{y_n \ne y_i} \exp(x_i \cdot x_n / \tau)}

    The mean is over the positive pairs, not over the samples; one without a positive has loss 0. Two views of n
    images have the labels 0, 1, …, n - 1 twice.

    Args:
        embeddings: vectors x of shape (N, D).
        labels: integers of shape (N,), equal for samples that are positives of one another.
        temperature: :math:`\tau`, above 0; it may be traced, and learned.
        normalize: whether vectors are normalized first.
        mask: which samples take part, of shape (N,); the others are neither anchor nor positive nor negative.

    Returns:
        Values of shape (N,): for each sample the sum over its positives.

    Raises:
        ArgumentError: `temperature` is not above 0.
        ShapeError: shapes that do not fit.
        DtypeError: labels that are not integers.

    Example:
        >>> from sporax import losses
        >>> x = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]
        >>> [round(value, 4) for value in losses.nt_xent_loss(x, [0, 0, 1], temperature=1.0).tolist()]
        [0.4375, 0.7981, 0.0]

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020; optax
    `ntxent`.
    """
    name = "nt_xent_loss"
    temperature = _temperature(temperature, name)
    points = _points(embeddings, normalize, name)
    scores = dot_products(points, points) / temperature
    positive, negative = pair_masks(jnp.asarray(labels), mask)
    others = masked_logsumexp(scores, negative)
    values = jnp.where(positive, jax.nn.softplus(others[:, None] - scores), 0)
    return Counted(jnp.sum(values, axis=1), jnp.sum(positive, axis=1).astype(scores.dtype))


@loss_function(
    *_BATCH,
    output="N",
    mask_parameter="mask",
    info=LossInfo(cell="SupConLoss", parameters=_TEMPERATURE, like=("supcon",), lower_bound=0.0),
)
def sup_con_loss(
    embeddings: ArrayLike, labels: ArrayLike, *, temperature: Any = 0.07, normalize: bool = True, mask: Any = None
) -> Counted:
    r"""Supervised contrastive loss: the positives of each sample among all other samples.

    .. math:: \ell_i = -\frac{1}{|P_i|} \sum_{p \in P_i} \log \frac{\exp(x_i \cdot x_p / \tau)}
        {\sum_{a \ne i} \exp(x_i \cdot x_a / \tau)}

    A sample without a positive has loss 0 and does not count in the mean: the paper's sum leaves it undefined.

    Args:
        embeddings: vectors x of shape (N, D).
        labels: class of each, integers of shape (N,).
        temperature: :math:`\tau`, above 0; it may be traced, and learned.
        normalize: whether vectors are normalized first.
        mask: which samples take part, of shape (N,); the others are neither anchor nor positive nor negative.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `temperature` is not above 0.
        ShapeError: shapes that do not fit.
        DtypeError: labels that are not integers.

    Example:
        >>> from sporax import losses
        >>> x = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]
        >>> [round(value, 4) for value in losses.sup_con_loss(x, [0, 0, 1], temperature=1.0).tolist()]
        [0.4375, 0.7981, 0.0]

    Source: Khosla et al., "Supervised Contrastive Learning", 2020 (its "out" form).
    """
    name = "sup_con_loss"
    temperature = _temperature(temperature, name)
    points = _points(embeddings, normalize, name)
    scores = dot_products(points, points) / temperature
    positive, negative = pair_masks(jnp.asarray(labels), mask)
    count = jnp.sum(positive, axis=1).astype(scores.dtype)
    found = count > 0
    mean = jnp.sum(jnp.where(positive, scores, 0), axis=1) / jnp.where(found, count, 1)
    every = jnp.where(found, masked_logsumexp(scores, positive | negative), 0)
    return Counted(jnp.where(found, every - mean, 0), found.astype(scores.dtype))


@loss_function(
    prediction("images", "N D"),
    prediction("texts", "N D"),
    output="N",
    mask_parameter="mask",
    info=LossInfo(
        cell="SigLIPLoss",
        parameters={
            "temperature": (2.0, 5.0),
            "bias": (-1.0, 0.5),
            "normalize": (True, False),
            "chunk_size": (None, 2),
        },
        like=("sigmoid_contrastive_loss",),
        lower_bound=0.0,
    ),
)
def siglip_loss(
    images: ArrayLike,
    texts: ArrayLike,
    *,
    temperature: Any = 10.0,
    bias: Any = -10.0,
    normalize: bool = True,
    mask: Any = None,
    chunk_size: int | None = None,
    axis_name: str | None = None,
) -> jax.Array:
    r"""Pairwise sigmoid loss of image and text embeddings.

    .. math:: \ell_i = \sum_j \log\big(1 + \exp(-z_{ij} (t\, x_i \cdot y_j + b))\big), \qquad
        z_{ij} = \begin{cases} 1 & i = j \\ -1 & \text{else} \end{cases}

    Here the temperature multiplies, as in the paper; the other losses of this family divide by theirs.

    Args:
        images: vectors x of shape (N, D).
        texts: vectors y of shape (N, D): row i belongs to image i.
        temperature: t, above 0; it may be traced, and learned (the paper learns its logarithm).
        bias: b; it may be traced, and learned.
        normalize: whether vectors are normalized first.
        mask: which pairs take part, of shape (N,); the others are nobody's negative.
        chunk_size: how many images at a time, as in `info_nce_loss`.
        axis_name: the mesh axis over which the pairs are spread, as there.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `temperature` is not above 0, `chunk_size` below 1, or no such axis.
        ShapeError: the shapes differ.

    Example:
        >>> from sporax import losses
        >>> images, texts = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.6, 0.8]]
        >>> values = losses.siglip_loss(images, texts, temperature=5.0, bias=-3.0)
        >>> [round(value, 4) for value in values.tolist()]
        [0.8201, 0.3618]

    Source: Zhai et al., "Sigmoid Loss for Language Image Pre-Training", 2023.
    """
    name = "siglip_loss"
    temperature = _temperature(temperature, name)
    bias = hyper_parameter(bias, name="bias", where=name)
    x, y = _points(images, normalize, name), _points(texts, normalize, name)
    plan = plan_of(x.shape[0], chunk_size, axis_name, name)
    if plan is not None:
        return tell_partner_chunked(plan, temperature * x, y, bias, mask)
    return tell_partner(temperature * dot_products(x, y) + bias, mask)


def _points(vectors: ArrayLike, normalize: bool, name: str) -> jax.Array:
    points = jnp.asarray(vectors)
    return unit(points) if _check.is_type(normalize, bool, name="normalize", where=name) else points


def _pairs(negatives: Any, labels: Any, count: int, axis_name: str | None, name: str) -> Pairs:
    """Which queries and keys are negatives of each other."""
    if negatives is not None:
        negatives = as_array(negatives)
        if axis_name is not None:
            raise ArgumentError(
                f"{name}: `negatives` must be None with `axis_name`, as a device has no rows for the keys of the "
                "others. Give `labels`, whose equals are no negatives."
            )
        if negatives.shape != (count, count):
            raise ShapeError(
                f"{name}: `negatives` must have shape {(count, count)}, a row of keys for each query, but got "
                f"{negatives.shape}."
            )
        negatives = jnp.asarray(negatives != 0)
    if labels is not None:
        labels = as_array(labels)
        if not jnp.issubdtype(labels.dtype, jnp.integer):
            raise DtypeError(f"{name}: `labels` must hold integers, but got dtype {jnp.dtype(labels.dtype).name}.")
        if labels.shape != (count,):
            raise ShapeError(f"{name}: `labels` must have shape {(count,)}, but got {labels.shape}.")
        if isinstance(labels, np.ndarray):
            # Only their equality counts, which 32 bits of a 64-bit label would not keep.
            labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
        labels = jnp.asarray(labels)
    return Pairs(negatives, labels)


def _temperature(value: Any, name: str) -> Any:
    return hyper_parameter(value, name="temperature", where=name, minimum=0, open_minimum=True)


def _log1p_sum_exp(x: jax.Array, mask: jax.Array) -> jax.Array:
    """log(1 + sum(exp(x))) over the positions of the mask along the last axis; 0 where there is none."""
    return jax.nn.softplus(masked_logsumexp(x, mask))
