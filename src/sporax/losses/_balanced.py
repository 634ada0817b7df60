"""Losses for classes of unequal frequency, and the z-loss."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax._errors import ShapeError
from sporax._typing import ArrayLike
from sporax.losses.contract._class_weights import check_positive, class_vector, scaled
from sporax.losses.contract._indexing import take_rows
from sporax.losses.contract._info import EXAMPLE_CLASS_WEIGHTS, LossInfo, Sized
from sporax.losses.contract._loss_function import Counted, as_array, compute_dtype, hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._softmax import class_cost

__all__ = ["class_balanced_loss", "class_balanced_weights", "ldam_loss", "logit_adjusted_cross_entropy", "z_loss"]

_INPUTS = (prediction("logits", "... C"), label("labels", "...", domain="class", kind="int"))


_COUNTS = Sized(lambda sizes: [3 + 5 * at * at for at in range(sizes["C"])])


def class_balanced_weights(samples_per_cls: Any, beta: Any = 0.999) -> jax.Array:
    r"""Return one weight per class: the inverse of its effective number of samples.

    .. math:: w_c = C\, \frac{v_c}{\sum_k v_k}, \qquad v_c = \frac{1 - \beta}{1 - \beta^{n_c}}

    They add up to C. beta = 0 gives all ones; near 1 they come near the inverse frequency.

    Args:
        samples_per_cls: the counts n, all above 0, of shape (C,).
        beta: in [0, 1).

    Returns:
        Weights of shape (C,).

    Raises:
        ArgumentError: `beta` outside [0, 1), or a count that is not above 0.
        ShapeError: counts that are not a vector.

    Example:
        >>> from sporax import losses
        >>> [round(value, 3) for value in losses.class_balanced_weights([1, 2], beta=0.5).tolist()]
        [1.2, 0.8]

    Source: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", 2019.
    """
    where = "class_balanced_weights"
    counts = as_array(samples_per_cls)
    if counts.ndim != 1 or counts.shape[0] == 0:
        raise ShapeError(f"{where}: `samples_per_cls` must have shape (C,), but got shape {counts.shape}.")
    check_positive(counts, name="samples_per_cls", where=where)
    counts = jnp.asarray(counts)
    dtype = counts.dtype if jnp.issubdtype(counts.dtype, jnp.floating) else jnp.float32
    return _balanced_weights(counts.astype(compute_dtype(dtype)), beta, where).astype(dtype)


def _balanced_weights(counts: jax.Array, beta: Any, where: str) -> jax.Array:
    beta = jnp.asarray(
        hyper_parameter(beta, name="beta", where=where, minimum=0, maximum=1, open_maximum=True), counts.dtype
    )
    # 1 - beta^n without cancellation; the factor 1 - beta goes out again in the sum.
    log_beta = jnp.log(jnp.where(beta > 0, beta, 1))
    effective = jnp.where(beta > 0, -jnp.expm1(counts * log_beta), 1)
    inverse = 1 / jnp.where(effective > 0, effective, jnp.nan)
    return inverse * (counts.size / jnp.sum(inverse))


@loss_function(
    *_INPUTS,
    output="...",
    info=LossInfo(
        cell="ClassBalancedLoss", parameters={"samples_per_cls": (_COUNTS,), "beta": (0.9, 0.0)}, lower_bound=0.0
    ),
)
def class_balanced_loss(
    logits: ArrayLike, labels: ArrayLike, *, samples_per_cls: ArrayLike, beta: Any = 0.999
) -> jax.Array:
    r"""Cross entropy weighted by the inverse effective number of samples of each class.

    With p the softmax of the logits and n the samples of each class,

    .. math::
        \ell = -w_y \log p_y, \qquad w_c = C\, \frac{v_c}{\sum_k v_k}, \quad v_c = \frac{1 - \beta}{1 - \beta^{n_c}}

    The mean divides by the number of samples, not by the weights: `cross_entropy` with the weights of
    `class_balanced_weights` divides by those. Infinite logits give the limit. In compiled code a label that is no
    class gives NaN, with no gradient.

    Args:
        logits: unnormalised scores of shape (..., C).
        labels: class indices y of an integer dtype, of shape (...).
        samples_per_cls: the counts n, all above 0, of shape (C,).
        beta: in [0, 1); 0 weights all the same.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `beta` outside [0, 1), or a count that is not above 0.
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> values = losses.class_balanced_loss([[0.0, 0.0]], np.array([0]), samples_per_cls=[1, 2], beta=0.5)
        >>> [round(value, 4) for value in values.tolist()]
        [0.8318]

    Source: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", 2019.
    """
    where = "class_balanced_loss"
    x, labels = jnp.asarray(logits), jnp.asarray(labels)
    counts = class_vector(samples_per_cls, x.shape[-1], x.dtype, name="samples_per_cls", where=where, positive=True)
    weights = _balanced_weights(counts, beta, where)
    return scaled(take_rows(weights, labels, x.dtype), class_cost(x, labels))


@loss_function(
    *_INPUTS,
    output="...",
    info=LossInfo(
        cell="LDAMLoss",
        parameters={
            "cls_num_list": (_COUNTS,),
            "max_m": (0.5, 0.2),
            "weight": (None, EXAMPLE_CLASS_WEIGHTS),
            "s": (2.0, 1),
        },
        lower_bound=0.0,
    ),
)
def ldam_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    cls_num_list: ArrayLike,
    max_m: Any = 0.5,
    weight: ArrayLike | None = None,
    s: Any = 30.0,
) -> jax.Array | Counted:
    r"""Label-distribution-aware margin loss: cross entropy with larger margins for rarer classes.

    With n the samples of each class,

    .. math::
        \ell = -w_y \log \frac{e^{s (x_y - \Delta_y)}}{e^{s (x_y - \Delta_y)} + \sum_{c \ne y} e^{s x_c}}, \qquad
        \Delta_c = m \left(\frac{\min_k n_k}{n_c}\right)^{1/4}

    The mean divides by the weights of the labels. Infinite logits give the limit. In compiled code a label that is
    no class gives NaN, with no gradient.

    Args:
        logits: scores x of shape (..., C), usually cosines.
        labels: class indices y of an integer dtype, of shape (...).
        cls_num_list: the counts n, all above 0, of shape (C,).
        max_m: the margin m of the rarest class, at least 0.
        weight: one weight w a class, of shape (C,); None for all ones.
        s: the scale of the scores, above 0.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `max_m` below 0, `s` not above 0, or a count that is not above 0.
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> values = losses.ldam_loss([[0.5, 0.0]], np.array([0]), cls_num_list=[1, 16], max_m=0.5, s=30.0)
        >>> [round(value, 4) for value in values.tolist()]
        [0.6931]

    Source: Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", 2019.
    """
    where = "ldam_loss"
    margin = hyper_parameter(max_m, name="max_m", where=where, minimum=0)
    scale = hyper_parameter(s, name="s", where=where, minimum=0, open_minimum=True)
    x, labels = jnp.asarray(logits), jnp.asarray(labels)
    classes = x.shape[-1]
    counts = class_vector(cls_num_list, classes, x.dtype, name="cls_num_list", where=where, positive=True)
    margins = margin * (jnp.min(counts) / counts) ** 0.25
    index = jax.lax.broadcasted_iota(jnp.int32, x.shape, x.ndim - 1)
    # A label that names no class meets no index, whatever its dtype; class_cost sees to it.
    own = index == jnp.expand_dims(labels, -1)
    x = x - jnp.where(own, jnp.broadcast_to(margins, x.shape), 0)
    cost = class_cost(scale * x, labels)
    if weight is None:
        return cost
    of_class = class_vector(weight, classes, x.dtype, name="weight", where=where)
    own_weight = take_rows(of_class, labels, x.dtype)
    return Counted(scaled(own_weight, cost), own_weight)


@loss_function(
    *_INPUTS,
    output="...",
    info=LossInfo(cell="LogitAdjustedLoss", parameters={"priors": (_COUNTS,), "tau": (1.0, 0.5)}, lower_bound=0.0),
)
def logit_adjusted_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, *, priors: ArrayLike, tau: Any = 1.0
) -> jax.Array:
    r"""Cross entropy of logits adjusted by the log class priors.

    With pi the frequency of each class,

    .. math:: \ell = -\log \frac{\pi_y^\tau e^{x_y}}{\sum_c \pi_c^\tau e^{x_c}}

    Infinite logits give the limit. In compiled code a label that is no class gives NaN, with no gradient.

    Args:
        logits: unnormalised scores x of shape (..., C).
        labels: class indices y of an integer dtype, of shape (...).
        priors: frequencies pi of the classes, above 0, of shape (C,). Counts will do: their scale does not matter.
        tau: how strongly the frequencies count; 0 gives cross entropy.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: a frequency that is not above 0.
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> values = losses.logit_adjusted_cross_entropy([[0.0, 0.0]], np.array([0]), priors=[0.25, 0.75])
        >>> [round(value, 4) for value in values.tolist()]
        [1.3863]

    Source: Menon et al., "Long-Tail Learning via Logit Adjustment", 2021.
    """
    where = "logit_adjusted_cross_entropy"
    tau = hyper_parameter(tau, name="tau", where=where)
    x = jnp.asarray(logits)
    priors = class_vector(priors, x.shape[-1], x.dtype, name="priors", where=where, positive=True)
    x = x + jnp.broadcast_to(tau * jnp.log(priors), x.shape)
    return class_cost(x, jnp.asarray(labels))


@loss_function(
    prediction("logits", "... C"),
    output="...",
    info=LossInfo(cell="ZLoss", parameters={"coefficient": (1e-4, 1.0)}, lower_bound=0.0),
)
def z_loss(logits: ArrayLike, *, coefficient: Any = 1e-4) -> jax.Array:
    r"""Penalty on the log normalizer of a softmax.

    .. math:: \ell = \kappa \left( \log \sum_c e^{x_c} \right)^2

    A logit of -inf adds nothing. It has no limit at +inf, nor where all are -inf: the value is inf there.

    Args:
        logits: unnormalised scores x of shape (..., C).
        coefficient: kappa, at least 0.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `coefficient` below 0.
        ShapeError: no axis of classes.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.z_loss([[0.0, 0.0]], coefficient=1.0).tolist()]
        [0.4805]

    Source: Chowdhery et al., "PaLM: Scaling Language Modeling with Pathways", 2022; for routers Zoph et al.,
    "ST-MoE: Designing Stable and Transferable Sparse Expert Models", 2022.
    """
    coefficient = hyper_parameter(coefficient, name="coefficient", where="z_loss", minimum=0)
    return coefficient * jnp.square(jax.nn.logsumexp(jnp.asarray(logits), axis=-1))
