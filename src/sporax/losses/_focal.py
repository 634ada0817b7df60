"""Focal losses on class probabilities and logits: easy samples count for less."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._typing import ArrayLike
from sporax.losses.contract._class_weights import class_vector, scaled
from sporax.losses.contract._indexing import take_rows
from sporax.losses.contract._info import EXAMPLE_CLASS_WEIGHTS, LossInfo
from sporax.losses.contract._loss_function import Counted, hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._softmax import class_cost, log_softmax
from sporax.losses.numerics._sums import sum_rows

__all__ = ["categorical_focal_cross_entropy", "focal_loss", "focal_terms", "soft_focal_loss", "soft_focal_terms"]


def focal_terms(log_p: jax.Array, gamma: Any) -> jax.Array:
    r"""Focal loss of each class, from its log probability.

    .. math:: -(1 - p)^\gamma \log p

    Value and first derivative have their limits at probabilities of exactly 0 and 1, for every gamma of at least
    0.

    Args:
        log_p: log probabilities of any shape, none above 0.
        gamma: how strongly confident predictions are discounted.

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


# Apart from `_focal`: a number has no derivative to compute, and whole ones are powers by products.
@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _focal_of_number(log_p: jax.Array, gamma: float) -> jax.Array:
    return _focal_value(log_p, gamma)


@jax.custom_jvp
def _focal(log_p: jax.Array, gamma: jax.Array) -> jax.Array:
    return _focal_value(log_p, gamma)


def _focal_value(log_p: jax.Array, gamma: Any) -> jax.Array:
    # A log softmax may come out a rounding above 0.
    return 0 - _power_of_rest(log_p, gamma) * jnp.minimum(log_p, 0)


def _focal_slope(log_p: jax.Array, gamma: Any) -> jax.Array:
    # d/dL [-(1 - e^L)^g L] = -(1 - p)^g (1 + g h),  h = -L p / (1 - p)
    return 0 - _power_of_rest(log_p, gamma) * (1 + gamma * _odds_log(log_p))


def _power_of_rest(log_p: jax.Array, gamma: Any) -> jax.Array:
    """(1 - p)^gamma; products where gamma is a whole number that is known."""
    whole = isinstance(gamma, float) and gamma.is_integer()
    return _rest(log_p) ** (int(gamma) if whole else gamma)


def _rest(log_p: jax.Array) -> jax.Array:
    """1 - p."""
    return jnp.maximum(-jnp.expm1(log_p), 0)


@_focal_of_number.defjvp
def _focal_of_number_jvp(
    gamma: float, primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    return _focal_of_number(*primals, gamma), _focal_slope(*primals, gamma) * tangents[0]


@_focal.defjvp
def _focal_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (log_p, gamma), (log_p_tangent, gamma_tangent) = primals, tangents
    value = _focal(log_p, gamma)
    rest = _rest(log_p)
    log_rest = jnp.where(rest > 0, jnp.log(jnp.where(rest > 0, rest, 1)), 0)
    by_gamma = jnp.where(log_rest == 0, 0, log_rest * jnp.where(jnp.isinf(value), 0, value))
    return value, _focal_slope(log_p, gamma) * log_p_tangent + by_gamma * gamma_tangent


@jax.custom_jvp
def _odds_log(log_p: jax.Array) -> jax.Array:
    """x / (e^x - 1) with x = -log p, between 0 (p = 0) and 1 (p = 1)."""
    # e^x - 1 = (1 - p) / p, and 1 - p is at hand.
    x, rest = jnp.clip(-log_p, 0, 1e3), _rest(log_p)
    return jnp.where(rest == 0, 1, x * jnp.exp(-x) / jnp.where(rest == 0, 1, rest))


@_odds_log.defjvp
def _odds_log_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (log_p,), (tangent,) = primals, tangents
    x = jnp.clip(-log_p, 0, 80)
    near = x < 0.05
    safe = jnp.where(near, 1, x)
    far_slope = (1 - safe / -jnp.expm1(-safe)) / jnp.expm1(safe)
    near_slope = -0.5 + x / 6 - x**3 / 180 + x**5 / 5040
    return _odds_log(log_p), -jnp.where(near, near_slope, far_slope) * tangent


def _mean_over_places(terms: jax.Array, axis: int) -> jax.Array:
    axes = tuple(range(axis, terms.ndim))
    count = 1
    for each in axes:
        count *= terms.shape[each]
    return jnp.sum(terms, axis=axes) / max(count, 1)


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N ...", domain="class", kind="int"),
    output="N",
    info=LossInfo(
        cell="FocalLoss", parameters={"weight": (None, EXAMPLE_CLASS_WEIGHTS), "gamma": (2.0, 0.5, 0)}, lower_bound=0.0
    ),
)
def focal_loss(logits: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None, gamma: Any = 2.0) -> jax.Array:
    r"""Focal loss of logits with class indices.

    With p the softmax of the logits over the C classes, w the class weights and P the positions of a sample,

    .. math:: \ell_n = -\frac{1}{|P|} \sum_{i \in P} w_{y_{n,i}} (1 - p_{n,i,y_{n,i}})^\gamma \log p_{n,i,y_{n,i}}

    The mean divides by the number of samples, not by the weights. Infinite logits give the limit. In compiled code
    a label that is no class gives NaN for its sample, and sends no gradient.

    Args:
        logits: unnormalised scores of shape (N, C, ...).
        labels: class indices y of an integer dtype, of shape (N, ...).
        weight: one weight w a class, of shape (C,); None for all ones.
        gamma: how strongly confident predictions are discounted, at least 0; 0 gives cross entropy.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `gamma` below 0.
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> logits = np.array([[0.8, 1.4], [0.5, 0.9], [1.2, 0.9]], np.float32)
        >>> round(losses.evaluate(losses.focal_loss, logits, np.array([1, 1, 0]), weight=[1, 2]).item(), 5)
        0.12517

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017; MindSpore `nn.FocalLoss`.
    """
    where = "focal_loss"
    gamma = hyper_parameter(gamma, name="gamma", where=where, minimum=0)
    labels = jnp.asarray(labels)
    scores = jnp.moveaxis(jnp.asarray(logits), 1, -1)
    terms = focal_terms(-class_cost(scores, labels), gamma)
    if weight is not None:
        of_class = class_vector(weight, scores.shape[-1], scores.dtype, name="weight", where=where)
        terms = scaled(take_rows(of_class, labels, scores.dtype), terms)
    return _mean_over_places(terms, 1)


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N C ...", domain="distribution"),
    output="N",
    info=LossInfo(
        cell="FocalLoss", parameters={"weight": (None, EXAMPLE_CLASS_WEIGHTS), "gamma": (2.0, 0.5)}, lower_bound=0.0
    ),
)
def soft_focal_loss(
    logits: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None, gamma: Any = 2.0
) -> Counted:
    r"""Focal loss of logits with class probabilities or one-hot labels.

    With p the softmax of the logits over the C classes, w the class weights and P the positions of a sample,

    .. math::
        \ell_n = -\sum_c \frac{1}{|P|} \sum_{i \in P} w_c\, y_{n,c,i} (1 - p_{n,c,i})^\gamma \log p_{n,c,i},
        \qquad \text{mean} = \frac{1}{N C} \sum_n \ell_n

    The mean divides by the classes too, as MindSpore's does: for one-hot labels it is 1 / C of that of
    `focal_loss`. Infinite logits give the limit.

    Args:
        logits: unnormalised scores of shape (N, C, ...).
        labels: class probabilities y of the same shape.
        weight: one weight w a class, of shape (C,); None for all ones.
        gamma: how strongly confident predictions are discounted, at least 0.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `gamma` below 0.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.soft_focal_loss([[0.0, 0.0]], [[0.0, 1.0]]).tolist()]
        [0.1733]
        >>> round(losses.evaluate(losses.soft_focal_loss, [[0.0, 0.0]], [[0.0, 1.0]]).item(), 4)
        0.0866

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017; MindSpore `nn.FocalLoss`.
    """
    terms = _dense_terms(jnp.asarray(logits), jnp.asarray(labels), weight, gamma)
    values = _mean_over_places(sum_rows(terms)[..., 0], 1)
    return Counted(values, jnp.full_like(values, terms.shape[-1]))


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N C ...", domain="distribution"),
    output="N C",
)
def soft_focal_terms(
    logits: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None, gamma: Any = 2.0
) -> jax.Array:
    """Terms of `soft_focal_loss`, one for each class.

    The classes of a sample hang together, so it is no loss of the registry: weights may only be those of samples.

    Args:
        logits: unnormalised scores of shape (N, C, ...).
        labels: class probabilities of the same shape.
        weight: one weight per class, of shape (C,); None for all ones.
        gamma: how strongly confident predictions are discounted, at least 0.

    Returns:
        Terms of shape (N, C), each a mean over the positions of its sample.

    Raises:
        ArgumentError: `gamma` below 0.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.soft_focal_terms([[0.0, 0.0]], [[0.0, 1.0]])[0].tolist()]
        [0.0, 0.1733]

    Source: what MindSpore's `nn.FocalLoss` gives for dense labels and no reduction.
    """
    terms = _dense_terms(jnp.asarray(logits), jnp.asarray(labels), weight, gamma)
    return _mean_over_places(jnp.moveaxis(terms, -1, 1), 2)


def _dense_terms(logits: jax.Array, labels: jax.Array, weight: Any, gamma: Any) -> jax.Array:
    """The cost of each class at each position of a sample, the classes last."""
    where = "soft_focal_loss"
    gamma = hyper_parameter(gamma, name="gamma", where=where, minimum=0)
    log_p = log_softmax(jnp.moveaxis(logits, 1, -1))
    share = jnp.moveaxis(labels, 1, -1)
    if weight is not None:
        of_class = class_vector(weight, log_p.shape[-1], log_p.dtype, name="weight", where=where)
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
    gamma: Any = 2.0,
    from_logits: bool = False,
    label_smoothing: Any = 0.0,
) -> jax.Array:
    r"""Focal loss of class probabilities, with a balancing factor and label smoothing.

    .. math::
        \ell = -\sum_c \alpha_c \left[(1 - s)\, y_c + \frac{s}{C}\right] (1 - p_c)^\gamma \log p_c

    With `from_logits` p is the softmax of the logits, and infinite ones give the limit. Else p are the
    probabilities over their sum, held in [1e-7, 1 - 1e-7] as Keras holds them, with no gradient where held. A row
    of zeros counts as that lower bound.

    Args:
        logits: probabilities p of shape (..., C); with `from_logits`, unnormalised scores.
        labels: class probabilities y of the same shape.
        alpha: a number, or one for each class, of shape (C,).
        gamma: how strongly confident predictions are discounted, at least 0.
        from_logits: whether scores are given.
        label_smoothing: s in [0, 1], the share of the uniform distribution in the target.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `gamma` below 0, or `label_smoothing` outside [0, 1].
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> p, y = [[0.05, 0.9, 0.05], [0.1, 0.85, 0.05]], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        >>> [round(value, 6) for value in losses.categorical_focal_cross_entropy(p, y).tolist()]
        [0.000263, 0.675912]

    Source: Keras `CategoricalFocalCrossentropy`; Lin et al., "Focal Loss for Dense Object Detection", 2017.
    """
    where = "categorical_focal_cross_entropy"
    gamma = hyper_parameter(gamma, name="gamma", where=where, minimum=0)
    smoothing = hyper_parameter(label_smoothing, name="label_smoothing", where=where, minimum=0, maximum=1)
    _check.is_type(from_logits, bool, name="from_logits", where=where)
    x, target = jnp.asarray(logits), jnp.asarray(labels)
    classes = x.shape[-1]
    target = (1 - smoothing) * target + smoothing / classes
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
        held = jnp.where(p < 1e-7, 1e-7, jnp.where(p > 1 - 1e-7, 1 - 1e-7, p))
        log_p = jnp.log(held)
    return sum_rows(scaled(target, focal_terms(log_p, gamma)))[..., 0]
