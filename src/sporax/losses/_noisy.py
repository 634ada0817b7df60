"""Classification losses that are robust to noisy labels."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses._tempered import tempered_log, tempered_log_softmax
from sporax.losses.contract import LossInfo, label, loss_function, prediction
from sporax.losses.contract._class_weights import scaled
from sporax.losses.contract._indexing import take_class, valid_indices
from sporax.losses.contract._parameters import BelowOne, Flag, NonNegative, Number, UnitInterval, number
from sporax.losses.numerics._relative_entropy import exp_less_line, expm1
from sporax.losses.numerics._softmax import class_cost, log_softmax
from sporax.losses.numerics._sums import sum_rows

__all__ = [
    "bi_tempered_logistic_loss",
    "generalized_cross_entropy",
    "poly1_cross_entropy",
    "sparse_bi_tempered_logistic_loss",
    "sparse_poly1_cross_entropy",
    "symmetric_cross_entropy",
]

_DENSE = (prediction("logits", "... C"), label("labels", "... C", domain="distribution"))
_Negative = Annotated[Any, number(maximum=0, open_maximum=True)]
_Power = Annotated[Any, number(0, 1, open_minimum=True)]
_SPARSE = (prediction("logits", "... C"), label("labels", "...", domain="class", kind="int"))
_TEMPERATURES = {"t1": (0.7, 1.0, 0.2), "t2": (1.3, 1.0, 0.9), "label_smoothing": (0.0, 0.1)}


@loss_function(
    *_DENSE,
    output="...",
    info=LossInfo(
        cell="PolyLoss", parameters={"epsilon": (2.0, -1.0)}, like=("poly_loss_cross_entropy",), lower_bound=0.0
    ),
)
def poly1_cross_entropy(logits: ArrayLike, labels: ArrayLike, *, epsilon: Number = 2.0) -> jax.Array:
    r"""Poly-1 cross entropy of class probabilities.

    With p the softmax of the logits,

    .. math:: \ell = -\sum_c y_c \log p_c + \epsilon \sum_c y_c (1 - p_c)

    Infinite logits give the limit, as in `softmax_cross_entropy_with_logits`.

    Args:
        epsilon: the additional weight of the first polynomial term; 0 gives cross entropy. The paper uses 2 for image
            classification and -1 for detection.

    Example:
        >>> [round(value, 4) for value in losses.poly1_cross_entropy([[0.0, 0.0]], [[1.0, 0.0]], epsilon=2.0).tolist()]
        [1.6931]

    Source: Leng et al., "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions", 2022;
    optax `poly_loss_cross_entropy`.
    """
    labels = jnp.asarray(labels)
    log_p = log_softmax(jnp.asarray(logits))
    return sum_rows(scaled(labels, _poly1(0 - log_p, epsilon)))[..., 0]


@loss_function(
    *_SPARSE,
    output="...",
    info=LossInfo(
        cell="PolyLoss", parameters={"epsilon": (2.0, -1.0)}, like=("poly_loss_cross_entropy",), lower_bound=0.0
    ),
)
def sparse_poly1_cross_entropy(logits: ArrayLike, labels: ArrayLike, *, epsilon: Number = 2.0) -> jax.Array:
    r"""Poly-1 cross entropy of class indices.

    With p the softmax of the logits,

    .. math:: \ell = -\log p_y + \epsilon (1 - p_y)

    Infinite logits give the limit.

    Args:
        epsilon: the additional weight of the first polynomial term; 0 gives cross entropy.

    Example:
        >>> values = losses.sparse_poly1_cross_entropy([[0.0, 0.0]], np.array([1]), epsilon=2.0)
        >>> [round(value, 4) for value in values.tolist()]
        [1.6931]

    Source: Leng et al., "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions", 2022.
    """
    cost = class_cost(jnp.asarray(logits), jnp.asarray(labels))
    return _poly1(cost, epsilon)


def _poly1(cost: jax.Array, epsilon: Any) -> jax.Array:
    """c + epsilon (1 - p) of a cost c = -log p."""
    # With epsilon near -1, the two cancel where p is near 1:  1 - p = c - (e^-c - 1 + c).
    small = cost < 0.5
    near = jnp.where(small, cost, 0)
    close = (1 + epsilon) * near - epsilon * exp_less_line(-near)
    return jnp.where(small, close, cost - epsilon * expm1(-jnp.where(small, 1, cost)))


@loss_function(
    prediction("logits", "... C", domain="distribution"),
    label("labels", "...", domain="class", kind="int"),
    output="...",
    info=LossInfo(
        cell="GeneralizedCrossEntropyLoss",
        parameters={"q": (0.5, 0.7, 1), "from_logits": (False, True)},
        like=("CategoricalGeneralizedCrossEntropy",),
        lower_bound=0.0,
    ),
)
def generalized_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, *, q: _Power = 0.5, from_logits: Flag = False
) -> jax.Array:
    r"""Generalized cross entropy, which interpolates between cross entropy and absolute error.

    .. math:: \ell = \frac{1 - p_y^q}{q}

    With `from_logits`, p is the softmax of the logits, and infinite logits give the limit. Otherwise p are the
    probabilities as given; below 1e-12, the power is extended linearly to 0, so that its derivative is finite.

    Args:
        logits: probabilities p of shape (..., C); with `from_logits`, unnormalized scores.
        q: in (0, 1]; the larger, the smaller the effect of a wrong label.
        from_logits: whether `logits` are scores.

    Example:
        >>> losses.generalized_cross_entropy([[0.25, 0.75], [1.0, 0.0]], np.array([0, 1])).tolist()
        [1.0, 2.0]

    Source: Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
    2018; Keras `CategoricalGeneralizedCrossEntropy`.
    """
    x, labels = jnp.asarray(logits), jnp.asarray(labels)
    if from_logits:
        return -jnp.expm1(-q * class_cost(x, labels)) / q
    p = take_class(x, labels)
    low = p < _LEAST
    log_p = jnp.log(jnp.where(low, 1, p))
    # 1 - p^q without cancellation where p is near 1.
    return jnp.where(low, 1 - p * _LEAST ** (q - 1), -jnp.expm1(q * log_p)) / q


_LEAST = 1e-12


@loss_function(
    *_SPARSE,
    output="...",
    info=LossInfo(
        cell="SymmetricCrossEntropyLoss",
        parameters={"alpha": (0.1, 1.0), "beta": (1.0, 0.0), "A": (-4.0, -6.0)},
        lower_bound=0.0,
    ),
)
def symmetric_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, *, alpha: NonNegative = 0.1, beta: NonNegative = 1.0, A: _Negative = -4.0
) -> jax.Array:
    r"""Symmetric cross entropy: cross entropy plus reverse cross entropy.

    With p the softmax of the logits,

    .. math:: \ell = -\alpha \log p_y - \beta A (1 - p_y)

    Infinite logits give the limit.

    Args:
        alpha: the weight of cross entropy, at least 0.
        beta: the weight of the reverse cross entropy, at least 0.
        A: the value used for log 0, below 0.

    Example:
        >>> losses.symmetric_cross_entropy([[0.0, 0.0]], np.array([1]), alpha=0.0, beta=0.5).tolist()
        [1.0]

    Source: Wang et al., "Symmetric Cross Entropy for Robust Learning with Noisy Labels", 2019.
    """
    cost = class_cost(jnp.asarray(logits), jnp.asarray(labels))
    return scaled(alpha, cost) + beta * A * jnp.expm1(-cost)


@loss_function(
    *_DENSE, output="...", info=LossInfo(cell="BiTemperedLogisticLoss", parameters=_TEMPERATURES, lower_bound=0.0)
)
def bi_tempered_logistic_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    t1: UnitInterval = 0.8,
    t2: NonNegative = 1.2,
    label_smoothing: BelowOne = 0.0,
) -> jax.Array:
    r"""Bi-tempered logistic loss of class probabilities.

    .. math::
        \log_t x = \frac{x^{1 - t} - 1}{1 - t}, \qquad \exp_t x = \max(0, 1 + (1 - t) x)^{1 / (1 - t)}, \qquad
        p_c = \exp_{t_2}(x_c - \lambda), \quad \sum_c p_c = 1

    .. math::
        \ell = \sum_c \left[ q_c (\log_{t_1} q_c - \log_{t_1} p_c)
            - \frac{q_c^{2 - t_1} - p_c^{2 - t_1}}{2 - t_1} \right]

    At t1 = t2 = 1 the logarithm and the exponential are the usual ones, and the loss is KL(q || p). Below t1 = 1, the
    cost of a wrong label is bounded by about 1 / (1 - t1). Above t2 = 1, probabilities decay as a power of the
    distance; below t2 = 1, classes with low scores have probability 0 and no gradient. Smoothing is
    q = (1 - s C / (C - 1)) y + s / (C - 1). The normalization has exact derivatives, also for t1 and t2.

    Args:
        t1: temperature of the logarithm, in [0, 1].
        t2: temperature of the exponential, at least 0.
        label_smoothing: s in [0, 1).

    Example:
        >>> x, y = [[0.0, 0.0], [-1000.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]]
        >>> [round(value, 4) for value in losses.bi_tempered_logistic_loss(x, y, t1=0.5, t2=1.0).tolist()]
        [0.3905, 2.0]

    Source: Amid et al., "Robust Bi-Tempered Logistic Loss Based on Bregman Divergences", 2019.
    """
    log_p = _log_probabilities(jnp.asarray(logits), t2)
    target = jnp.asarray(labels)
    classes = log_p.shape[-1]
    if classes > 1:
        target = (1 - label_smoothing * classes / (classes - 1)) * target + label_smoothing / (classes - 1)
    return _bregman(target, log_p, t1)


@loss_function(
    *_SPARSE, output="...", info=LossInfo(cell="BiTemperedLogisticLoss", parameters=_TEMPERATURES, lower_bound=0.0)
)
def sparse_bi_tempered_logistic_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    t1: UnitInterval = 0.8,
    t2: NonNegative = 1.2,
    label_smoothing: BelowOne = 0.0,
) -> jax.Array:
    r"""Bi-tempered logistic loss of class indices.

    It is `bi_tempered_logistic_loss` of one-hot labels, smoothed to 1 - s at the label and s / (C - 1) elsewhere:

    .. math::
        \ell = \sum_c \left[ q_c (\log_{t_1} q_c - \log_{t_1} p_c)
            - \frac{q_c^{2 - t_1} - p_c^{2 - t_1}}{2 - t_1} \right], \qquad
        p_c = \exp_{t_2}(x_c - \lambda)

    Args:
        t1: temperature of the logarithm, in [0, 1].
        t2: temperature of the exponential, at least 0.
        label_smoothing: s in [0, 1).

    Example:
        >>> losses.sparse_bi_tempered_logistic_loss([[-1000.0, 0.0]], np.array([0]), t1=0.5, t2=1.0).tolist()
        [2.0]

    Source: Amid et al., "Robust Bi-Tempered Logistic Loss Based on Bregman Divergences", 2019.
    """
    log_p = _log_probabilities(jnp.asarray(logits), t2)
    classes = log_p.shape[-1]
    valid, safe = valid_indices(jnp.asarray(labels), classes)
    here = jax.nn.one_hot(safe, classes, dtype=bool)
    target = jnp.ones_like(log_p)
    if classes > 1:
        target = jnp.where(here, 1 - label_smoothing, label_smoothing / (classes - 1))
    return jnp.where(valid, _bregman(target.astype(log_p.dtype), log_p, t1), jnp.nan)


def _log_probabilities(logits: jax.Array, t2: Any) -> jax.Array:
    if isinstance(t2, jax.Array) or t2 != 1:
        return tempered_log_softmax(logits, t2)
    return log_softmax(logits)


def _bregman(target: jax.Array, log_p: jax.Array, t1: Any) -> jax.Array:
    some = target > 0
    own = tempered_log(jnp.where(some, jnp.log(jnp.where(some, target, 1)), -jnp.inf), t1)
    # At a target of 0, the derivative of q log_t1(q) is log_t1(0), where that is finite.
    own = target * jnp.where(jnp.isinf(own), 0, own)
    missed = scaled(target, 0 - tempered_log(log_p, t1))
    present = ~jnp.isneginf(log_p)
    powers = jnp.where(present, jnp.exp((2 - t1) * jnp.where(present, log_p, 0)), 0)
    left = jnp.where(some, jnp.where(some, target, 1) ** (2 - t1), 0) - powers
    # Where q and p are close, the terms cancel. With k = 1 - t1, v = log(p / q) and f(u) = e^u - 1 - u they are
    #     q^(k + 1) (f((k + 1) v) / (k + 1) - f(k v) / k).
    near = some & present
    log_q = jnp.log(jnp.where(near, target, 1))
    v = jnp.where(near, log_p, 0) - log_q
    near = near & (jnp.abs(v) < 0.5)
    v, k = jnp.where(near, v, 0), jnp.asarray(1 - t1, log_p.dtype)
    flat = k == 0
    close = exp_less_line((k + 1) * v) / (k + 1) - jnp.where(flat, 0, exp_less_line(k * v) / jnp.where(flat, 1, k))
    close = jnp.exp((k + 1) * log_q) * close
    return sum_rows(jnp.where(near, close, own + missed - left / (2 - t1)))[..., 0]
