"""Losses on the angles between embeddings and one learned vector a class."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ArgumentError
from sporax._typing import ArrayLike
from sporax.losses.contract._indexing import named, take_class, valid_indices
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._softmax import class_cost
from sporax.losses.numerics._vectors import dot_products, masked_logsumexp, norm, unit

__all__ = ["arcface_loss", "cosface_loss", "proxy_anchor_loss", "proxy_nca_loss"]

_INPUTS = (
    prediction("embeddings", "N D"),
    prediction("weight", "C D"),
    label("labels", "N", domain="class", kind="int"),
)


@loss_function(
    *_INPUTS,
    output="N",
    mask_parameter="mask",
    info=LossInfo(cell="ProxyAnchorLoss", parameters={"margin": (0.1, 0.3), "alpha": (8.0, 4.0)}, lower_bound=0.0),
)
def proxy_anchor_loss(
    embeddings: ArrayLike,
    weight: ArrayLike,
    labels: ArrayLike,
    *,
    margin: Any = 0.1,
    alpha: Any = 32.0,
    mask: Any = None,
) -> jax.Array:
    r"""Proxy anchor loss: each class proxy is an anchor for the samples of the batch.

    .. math:: \ell = \frac{1}{|P^+|} \sum_{p \in P^+} \log\Big(1 + \sum_{y_i = p} e^{-\alpha (s_{ip} - \delta)}\Big)
        + \frac{1}{C} \sum_p \log\Big(1 + \sum_{y_i \ne p} e^{\alpha (s_{ip} + \delta)}\Big)

    s are cosines, and :math:`P^+` the classes that occur in the batch. This is one number for the batch: each of its
    samples has it for its value, so that the mean is the paper's loss, and the sum N times that. In compiled code a
    sample whose label is outside [0, C) takes no part, and its value is NaN.

    Args:
        embeddings: vectors of shape (N, D).
        weight: class vectors of shape (C, D).
        labels: class indices in [0, C), of shape (N,).
        margin: :math:`\delta`.
        alpha: the scale, above 0.
        mask: which samples take part, of shape (N,).

    Returns:
        Values of shape (N,), all equal.

    Raises:
        ArgumentError: `alpha` is not above 0.
        ShapeError, DtypeError, LabelError: inputs that do not fit.

    Example:
        >>> from sporax import losses
        >>> x, weight = [[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.6, 0.8]]
        >>> [round(value, 4) for value in losses.proxy_anchor_loss(x, weight, [0, 1], alpha=1.0).tolist()]
        [1.296, 1.296]

    Source: Kim et al., "Proxy Anchor Loss for Deep Metric Learning", 2020.
    """
    name = "proxy_anchor_loss"
    margin = hyper_parameter(margin, name="margin", where=name)
    alpha = hyper_parameter(alpha, name="alpha", where=name, minimum=0, open_minimum=True)
    similarity = dot_products(unit(jnp.asarray(embeddings)), unit(jnp.asarray(weight)))
    valid, safe = valid_indices(jnp.asarray(labels), similarity.shape[1])
    here = valid if mask is None else valid & mask
    own = named(safe, similarity)
    positive, negative = own & here[:, None], ~own & here[:, None]
    pull = jax.nn.softplus(masked_logsumexp(-alpha * (similarity - margin), positive, axis=0))
    push = jax.nn.softplus(masked_logsumexp(alpha * (similarity + margin), negative, axis=0))
    present = jnp.maximum(jnp.sum(jnp.any(positive, axis=0)), 1).astype(pull.dtype)
    value = jnp.sum(pull) / present + jnp.mean(push)
    return jnp.where(valid, value, jnp.nan)


@loss_function(
    *_INPUTS,
    output="N",
    info=LossInfo(cell="ProxyNCALoss", parameters={"scale": (1.0, 3.0), "include_positive": (False, True)}),
)
def proxy_nca_loss(
    embeddings: ArrayLike,
    weight: ArrayLike,
    labels: ArrayLike,
    *,
    scale: Any = 1.0,
    include_positive: bool = False,
) -> jax.Array:
    r"""Proxy-NCA: neighborhood component analysis against one proxy per class.

    .. math:: \ell_i = -\log \frac{\exp(-s\, d(x_i, w_{y_i}))}{\sum_{c \ne y_i} \exp(-s\, d(x_i, w_c))},
        \qquad d(x, w) = \Big\lVert \frac{x}{|x|} - \frac{w}{|w|} \Big\rVert^2

    The sum leaves out the class itself, as in the paper, so the loss may be below 0. In compiled code a label
    outside [0, C) gives NaN, and sends no gradient.

    Args:
        embeddings: vectors x of shape (N, D).
        weight: class vectors w of shape (C, D).
        labels: class indices y in [0, C), of shape (N,).
        scale: s, above 0: the length squared to which vectors are scaled. The paper has 1.
        include_positive: whether the sum has the class itself, as in ProxyNCA++, so that the loss is at least 0.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `scale` is not above 0, or there is a single class and it is not included.
        ShapeError, DtypeError, LabelError: inputs that do not fit.

    Example:
        >>> from sporax import losses
        >>> x, weight = [[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.6, 0.8]]
        >>> [round(value, 4) for value in losses.proxy_nca_loss(x, weight, [0, 1]).tolist()]
        [-0.8, -1.6]

    Source: Movshovitz-Attias et al., "No Fuss Distance Metric Learning using Proxies", 2017; Teh, DeVries, Taylor,
    "ProxyNCA++", 2020 (`include_positive`).
    """
    name = "proxy_nca_loss"
    scale = hyper_parameter(scale, name="scale", where=name, minimum=0, open_minimum=True)
    # |x - w|^2 = 2 - 2 cos for vectors of length 1, and the 2 is in numerator and denominator. A zero vector keeps
    # the cosine 0.
    scores = 2 * scale * dot_products(unit(jnp.asarray(embeddings)), unit(jnp.asarray(weight)))
    classes = scores.shape[1]
    every = _check.is_type(include_positive, bool, name="include_positive", where=name)
    if classes == 1 and not every:
        raise ArgumentError(
            f"{name}: there must be at least 2 classes where a class is compared with the others, but `weight` has 1 "
            "row. Use include_positive=True, or give every class its row."
        )
    valid, safe = valid_indices(jnp.asarray(labels), classes)
    own = named(safe, scores)
    total = masked_logsumexp(scores, jnp.ones_like(own) if every else ~own)
    return jnp.where(valid, total - take_class(scores, safe), jnp.nan)


@loss_function(
    *_INPUTS,
    output="N",
    info=LossInfo(
        cell="ArcFaceLoss",
        parameters={"scale": (16.0, 4.0), "margin": (0.5, 0.2), "easy_margin": (False, True)},
        lower_bound=0.0,
    ),
)
def arcface_loss(
    embeddings: ArrayLike,
    weight: ArrayLike,
    labels: ArrayLike,
    *,
    scale: Any = 64.0,
    margin: Any = 0.5,
    easy_margin: bool = False,
) -> jax.Array:
    r"""ArcFace: cross entropy of cosines with an additive angular margin.

    .. math:: \ell_i = -\log \operatorname{softmax}(z_i)_{y_i}, \qquad z_{ic} =
        \begin{cases} s \cos(\theta_{ic} + m) & c = y_i \\ s \cos \theta_{ic} & \text{else} \end{cases}

    Beyond :math:`\theta = \pi - m`, where the cosine would rise again, :math:`\cos\theta - m \sin m` stands for it,
    as in the authors' code; it goes on falling. Gradients are finite at angles of exactly 0 and :math:`\pi`. In
    compiled code a label outside [0, C) gives NaN, and sends no gradient.

    Args:
        embeddings: vectors of shape (N, D).
        weight: class vectors of shape (C, D).
        labels: class indices y in [0, C), of shape (N,).
        scale: s, above 0.
        margin: the angle m in radians, in [0, pi/2).
        easy_margin: whether the angle is added only to those below pi/2, and others are left as they are.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `scale` is not above 0, or `margin` is out of range.
        ShapeError, DtypeError, LabelError: inputs that do not fit.

    Example:
        >>> from sporax import losses
        >>> x, weight = [[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 3.0]]
        >>> values = losses.arcface_loss(x, weight, [0, 1], scale=1.0, margin=1.0)
        >>> [round(value, 4) for value in values.tolist()]
        [0.4591, 0.4591]

    Source: Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", 2019.
    """
    name = "arcface_loss"
    scale = hyper_parameter(scale, name="scale", where=name, minimum=0, open_minimum=True)
    margin = hyper_parameter(margin, name="margin", where=name, minimum=0, maximum=jnp.pi / 2, open_maximum=True)
    points, vectors = unit(jnp.asarray(embeddings)), unit(jnp.asarray(weight))
    labels = jnp.asarray(labels)
    cosines = dot_products(points, vectors)
    valid, safe = valid_indices(labels, cosines.shape[1])
    vector = jnp.take(vectors, safe, axis=0, mode="clip")
    along = jnp.sum(points * vector, axis=-1, keepdims=True)
    # The sine is the length of what is left of the one vector beside the other. The root of 1 - cos^2 would lose
    # half of the digits near cos = 1, and has an infinite derivative there.
    sine = norm(points - along * vector)
    none = jnp.all(points == 0, axis=-1) | jnp.all(vector == 0, axis=-1)
    sine, along = jnp.where(none, 1, sine), along[:, 0]
    moved = along * jnp.cos(margin) - sine * jnp.sin(margin)
    if _check.is_type(easy_margin, bool, name="easy_margin", where=name):
        target = jnp.where(along > 0, moved, along)
    else:
        target = jnp.where(along > -jnp.cos(margin), moved, along - margin * jnp.sin(margin))
    logits = scale * jnp.where(named(safe, cosines), target[:, None], cosines)
    return jnp.where(valid, class_cost(logits, safe), jnp.nan)


@loss_function(
    *_INPUTS,
    output="N",
    info=LossInfo(cell="CosFaceLoss", parameters={"scale": (16.0, 4.0), "margin": (0.35, 0.1)}, lower_bound=0.0),
)
def cosface_loss(
    embeddings: ArrayLike, weight: ArrayLike, labels: ArrayLike, *, scale: Any = 64.0, margin: Any = 0.35
) -> jax.Array:
    r"""CosFace: cross entropy of cosines with an additive cosine margin.

    .. math:: \ell_i = -\log \operatorname{softmax}(z_i)_{y_i}, \qquad
        z_{ic} = s (\cos \theta_{ic} - m [c = y_i])

    In compiled code a label outside [0, C) gives NaN, and sends no gradient.

    Args:
        embeddings: vectors of shape (N, D).
        weight: class vectors of shape (C, D).
        labels: class indices y in [0, C), of shape (N,).
        scale: s, above 0.
        margin: the cosine m, at least 0.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `scale` is not above 0, or `margin` is negative.
        ShapeError, DtypeError, LabelError: inputs that do not fit.

    Example:
        >>> from sporax import losses
        >>> x, weight = [[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 3.0]]
        >>> values = losses.cosface_loss(x, weight, [0, 1], scale=2.0, margin=0.5)
        >>> [round(value, 4) for value in values.tolist()]
        [0.3133, 0.3133]

    Source: Wang et al., "CosFace: Large Margin Cosine Loss for Deep Face Recognition", 2018.
    """
    name = "cosface_loss"
    scale = hyper_parameter(scale, name="scale", where=name, minimum=0, open_minimum=True)
    margin = hyper_parameter(margin, name="margin", where=name, minimum=0)
    cosines = dot_products(unit(jnp.asarray(embeddings)), unit(jnp.asarray(weight)))
    valid, safe = valid_indices(jnp.asarray(labels), cosines.shape[1])
    logits = scale * jnp.where(named(safe, cosines), cosines - margin, cosines)
    return jnp.where(valid, class_cost(logits, safe), jnp.nan)
