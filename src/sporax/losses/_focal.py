"""Focal losses on class probabilities and logits, which down-weight easy samples."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._typing import ArrayLike
from sporax.losses.contract import Counted, Flag, LossInfo, NonNegative, UnitInterval, label, loss_function, prediction
from sporax.losses.contract._class_weights import class_vector, scaled
from sporax.losses.contract._indexing import take_rows
from sporax.losses.contract._info import EXAMPLE_CLASS_WEIGHTS
from sporax.losses.contract._parameters import hyper_parameter
from sporax.losses.numerics._softmax import class_cost, log_softmax
from sporax.losses.numerics._sums import sum_rows

__all__ = ["categorical_focal_cross_entropy", "focal_loss", "focal_terms", "soft_focal_loss", "soft_focal_terms"]


def focal_terms(log_p: jax.Array, gamma: Any) -> jax.Array:
    r"""Focal loss of each class, from its log probability.

    .. math:: -(1 - p)^\gamma \log p

    Value and first derivative are the limits at probabilities of exactly 0 and 1, for every gamma of at least 0.

    Args:
        log_p: log probabilities of any shape, none above 0.
        gamma: the strength with which confident predictions are down-weighted.

    Returns:
        Costs of that shape.

    Example:
        >>> import jax.numpy as jnp
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.focal_terms(jnp.log(jnp.array([0.5, 1.0])), 2.0).tolist()]
        [0.1733, 0.0]

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017.
    """
    if isinstance(gamma, jax.Array):
        return _focal(log_p, gamma.astype(log_p.dtype))
    return _focal_of_number(log_p, float(gamma))


# Separate from `_focal`: a number needs no derivative, and integer powers are products.
@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _focal_of_number(log_p: jax.Array, gamma: float) -> jax.Array:
    return _focal_value(log_p, gamma)


@jax.custom_jvp
def _focal(log_p: jax.Array, gamma: jax.Array) -> jax.Array:
    return _focal_value(log_p, gamma)


def _focal_value(log_p: jax.Array, gamma: Any) -> jax.Array:
    # Rounding may make a log softmax slightly positive.
    return 0 - _power_of_rest(log_p, gamma) * jnp.minimum(log_p, 0)


def _focal_derivative(log_p: jax.Array, gamma: Any) -> jax.Array:
    # d/dL [-(1 - e^L)^g L] = -(1 - p)^g (1 + g h),  h = -L p / (1 - p)
    return 0 - _power_of_rest(log_p, gamma) * (1 + gamma * _odds_log(log_p))


def _power_of_rest(log_p: jax.Array, gamma: Any) -> jax.Array:
    """(1 - p)^gamma, by products if gamma is a known integer."""
    integral = isinstance(gamma, float) and gamma.is_integer()
    return _rest(log_p) ** (int(gamma) if integral else gamma)


def _rest(log_p: jax.Array) -> jax.Array:
    """1 - p."""
    return jnp.maximum(-jnp.expm1(log_p), 0)


@_focal_of_number.defjvp
def _focal_of_number_jvp(
    gamma: float, primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    return _focal_of_number(*primals, gamma), _focal_derivative(*primals, gamma) * tangents[0]


@_focal.defjvp
def _focal_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (log_p, gamma), (log_p_tangent, gamma_tangent) = primals, tangents
    value = _focal(log_p, gamma)
    rest = _rest(log_p)
    log_rest = jnp.where(rest > 0, jnp.log(jnp.where(rest > 0, rest, 1)), 0)
    by_gamma = jnp.where(log_rest == 0, 0, log_rest * jnp.where(jnp.isinf(value), 0, value))
    return value, _focal_derivative(log_p, gamma) * log_p_tangent + by_gamma * gamma_tangent


@jax.custom_jvp
def _odds_log(log_p: jax.Array) -> jax.Array:
    """x / (e^x - 1) with x = -log p, between 0 (p = 0) and 1 (p = 1)."""
    # e^x - 1 = (1 - p) / p, where 1 - p is known.
    x, rest = jnp.clip(-log_p, 0, 1e3), _rest(log_p)
    return jnp.where(rest == 0, 1, x * jnp.exp(-x) / jnp.where(rest == 0, 1, rest))


@_odds_log.defjvp
def _odds_log_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (log_p,), (tangent,) = primals, tangents
    x = jnp.clip(-log_p, 0, 80)
    near = x < 0.05
    safe = jnp.where(near, 1, x)
    far_derivative = (1 - safe / -jnp.expm1(-safe)) / jnp.expm1(safe)
    near_derivative = -0.5 + x / 6 - x**3 / 180 + x**5 / 5040
    return _odds_log(log_p), -jnp.where(near, near_derivative, far_derivative) * tangent


def _mean_over_positions(terms: jax.Array, axis: int) -> jax.Array:
    return jnp.sum(terms, axis=tuple(range(axis, terms.ndim))) / max(math.prod(terms.shape[axis:]), 1)


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N ...", domain="class", kind="int"),
    output="N",
    info=LossInfo(
        cell="FocalLoss", parameters={"weight": (None, EXAMPLE_CLASS_WEIGHTS), "gamma": (2.0, 0.5, 0)}, lower_bound=0.0
    ),
)
def focal_loss(
    logits: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None, gamma: NonNegative = 2.0
) -> jax.Array:
    r"""Focal loss of logits with class indices.

    With p the softmax of the logits over the C classes, w the class weights and P the positions of a sample,

    .. math:: \ell_n = -\frac{1}{|P|} \sum_{i \in P} w_{y_{n,i}} (1 - p_{n,i,y_{n,i}})^\gamma \log p_{n,i,y_{n,i}}

    The mean divides by the number of samples, not by the weights. Infinite logits give the limit.

    Args:
        weight: one weight w per class, of shape (C,); None for all ones.
        gamma: the strength with which confident predictions are down-weighted, at least 0; 0 gives cross entropy.

    Example:
        >>> logits = np.array([[0.8, 1.4], [0.5, 0.9], [1.2, 0.9]], np.float32)
        >>> round(losses.evaluate(losses.focal_loss, logits, np.array([1, 1, 0]), weight=[1, 2]).item(), 5)
        0.12517

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017; MindSpore `nn.FocalLoss`.
    """
    labels = jnp.asarray(labels)
    scores = jnp.moveaxis(jnp.asarray(logits), 1, -1)
    terms = focal_terms(-class_cost(scores, labels), gamma)
    if weight is not None:
        of_class = class_vector(weight, scores.shape[-1], scores.dtype, name="weight", where="focal_loss")
        terms = scaled(take_rows(of_class, labels, scores.dtype), terms)
    return _mean_over_positions(terms, 1)


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N C ...", domain="distribution"),
    output="N",
    info=LossInfo(
        cell="FocalLoss", parameters={"weight": (None, EXAMPLE_CLASS_WEIGHTS), "gamma": (2.0, 0.5)}, lower_bound=0.0
    ),
)
def soft_focal_loss(
    logits: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None, gamma: NonNegative = 2.0
) -> Counted:
    r"""Focal loss of logits with class probabilities or one-hot labels.

    With p the softmax of the logits over the C classes, w the class weights and P the positions of a sample,

    .. math::
        \ell_n = -\sum_c \frac{1}{|P|} \sum_{i \in P} w_c\, y_{n,c,i} (1 - p_{n,c,i})^\gamma \log p_{n,c,i},
        \qquad \text{mean} = \frac{1}{N C} \sum_n \ell_n

    The mean divides by the number of classes too, as in MindSpore: for one-hot labels it is 1 / C times that of
    `focal_loss`. Infinite logits give the limit.

    Args:
        weight: one weight w per class, of shape (C,); None for all ones.
        gamma: the strength with which confident predictions are down-weighted, at least 0.

    Example:
        >>> [round(value, 4) for value in losses.soft_focal_loss([[0.0, 0.0]], [[0.0, 1.0]]).tolist()]
        [0.1733]
        >>> round(losses.evaluate(losses.soft_focal_loss, [[0.0, 0.0]], [[0.0, 1.0]]).item(), 4)
        0.0866

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017; MindSpore `nn.FocalLoss`.
    """
    terms = _dense_terms(jnp.asarray(logits), jnp.asarray(labels), weight, gamma)
    values = _mean_over_positions(sum_rows(terms)[..., 0], 1)
    return Counted(values, jnp.full_like(values, terms.shape[-1]))


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N C ...", domain="distribution"),
    output="N C",
)
def soft_focal_terms(
    logits: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None, gamma: NonNegative = 2.0
) -> jax.Array:
    """Terms of `soft_focal_loss`, one for each class.

    The terms of a sample share its softmax, so this function is not in the registry: weights may only be those of
    samples.

    Args:
        logits: unnormalized scores of shape (N, C, ...).
        labels: class probabilities of the same shape.
        weight: one weight per class, of shape (C,); None for all ones.
        gamma: the strength with which confident predictions are down-weighted, at least 0.

    Returns:
        Terms of shape (N, C), each a mean over the positions of its sample.

    Raises:
        ArgumentError: `gamma` below 0.
        ShapeError: shapes that do not match.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.soft_focal_terms([[0.0, 0.0]], [[0.0, 1.0]])[0].tolist()]
        [0.0, 0.1733]

    Source: MindSpore's `nn.FocalLoss` for dense labels and no reduction.
    """
    terms = _dense_terms(jnp.asarray(logits), jnp.asarray(labels), weight, gamma)
    return _mean_over_positions(jnp.moveaxis(terms, -1, 1), 2)


def _dense_terms(logits: jax.Array, labels: jax.Array, weight: Any, gamma: Any) -> jax.Array:
    """The cost of each class at each position of a sample, the classes last."""
    log_p = log_softmax(jnp.moveaxis(logits, 1, -1))
    share = jnp.moveaxis(labels, 1, -1)
    if weight is not None:
        of_class = class_vector(weight, log_p.shape[-1], log_p.dtype, name="weight", where="soft_focal_loss")
        share = share * jnp.broadcast_to(of_class, share.shape)
    return scaled(share, focal_terms(log_p, gamma))


@loss_function(
    prediction("logits", "... C", domain="distribution"),
    label("labels", "... C", domain="distribution"),
    output="...",
    info=LossInfo(
        cell="CategoricalFocalLoss",
        parameters={
            "alpha": (0.25, EXAMPLE_CLASS_WEIGHTS),
            "gamma": (2.0, 0.5),
            "from_logits": (False, True),
            "label_smoothing": (0.0, 0.2),
        },
        like=("categorical_focal_crossentropy", "CategoricalFocalCrossentropy"),
        lower_bound=0.0,
    ),
)
def categorical_focal_cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    alpha: Any = 0.25,
    gamma: NonNegative = 2.0,
    from_logits: Flag = False,
    label_smoothing: UnitInterval = 0.0,
) -> jax.Array:
    r"""Focal loss of class probabilities, with a balancing factor and label smoothing.

    .. math::
        \ell = -\sum_c \alpha_c \left[(1 - s)\, y_c + \frac{s}{C}\right] (1 - p_c)^\gamma \log p_c

    With `from_logits` p is the softmax of the logits, and infinite logits give the limit. Otherwise p are the
    probabilities divided by their sum and clipped to [1e-7, 1 - 1e-7], as in Keras, with no gradient where clipped. A
    row of zeros is clipped to the lower bound.

    Args:
        logits: probabilities p of shape (..., C); with `from_logits`, unnormalized scores.
        alpha: a number, or one for each class, of shape (C,).
        gamma: the strength with which confident predictions are down-weighted, at least 0.
        from_logits: whether `logits` are scores.
        label_smoothing: s in [0, 1], the share of the uniform distribution in the target.

    Example:
        >>> p, y = [[0.05, 0.9, 0.05], [0.1, 0.85, 0.05]], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        >>> [round(value, 6) for value in losses.categorical_focal_cross_entropy(p, y).tolist()]
        [0.000263, 0.675912]

    Source: Keras `CategoricalFocalCrossentropy`; Lin et al., "Focal Loss for Dense Object Detection", 2017.
    """
    where = "categorical_focal_cross_entropy"
    x, target = jnp.asarray(logits), jnp.asarray(labels)
    classes = x.shape[-1]
    target = (1 - label_smoothing) * target + label_smoothing / classes
    if np.ndim(alpha):
        of_class = class_vector(alpha, classes, x.dtype, name="alpha", where=where)
        target = target * jnp.broadcast_to(of_class, target.shape)
    else:
        target = target * hyper_parameter(alpha, name="alpha", where=where)
    if from_logits:
        log_p = log_softmax(x)
    else:
        total = jnp.sum(x, axis=-1, keepdims=True)
        p = x / jnp.where(total == 0, 1, total)
        clipped = jnp.where(p < 1e-7, 1e-7, jnp.where(p > 1 - 1e-7, 1 - 1e-7, p))
        log_p = jnp.log(clipped)
    return sum_rows(scaled(target, focal_terms(log_p, gamma)))[..., 0]
