"""Losses of classification that bear wrong labels."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._typing import ArrayLike
from sporax.losses._tempered import tempered_log, tempered_log_softmax
from sporax.losses.contract._class_weights import scaled
from sporax.losses.contract._indexing import take_class, valid_indices
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
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
_SPARSE = (prediction("logits", "... C"), label("labels", "...", domain="class", kind="int"))


_TEMPERATURES = {"t1": (0.7, 1.0, 0.2), "t2": (1.3, 1.0, 0.9), "label_smoothing": (0.0, 0.1)}


@loss_function(
    *_DENSE,
    output="...",
    info=LossInfo(
        cell="PolyLoss", parameters={"epsilon": (2.0, -1.0)}, like=("poly_loss_cross_entropy",), lower_bound=0.0
    ),
)
def poly1_cross_entropy(logits: ArrayLike, labels: ArrayLike, *, epsilon: Any = 2.0) -> jax.Array:
    r"""Poly-1 cross entropy of class probabilities.

    With p the softmax of the logits,

    .. math:: \ell = -\sum_c y_c \log p_c + \epsilon \sum_c y_c (1 - p_c)

    Infinite logits give the limit, as in `softmax_cross_entropy_with_logits`.

    Args:
        logits: unnormalised scores of shape (..., C).
        labels: class probabilities y of the same shape.
        epsilon: the additional weight of the first term; 0 gives cross entropy. The paper takes 2 for image
            classification and -1 for detection.

    Returns:
        Values of shape (...).

    Raises:
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.poly1_cross_entropy([[0.0, 0.0]], [[1.0, 0.0]], epsilon=2.0).tolist()]
        [1.6931]

    Source: Leng et al., "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions", 2022;
    optax `poly_loss_cross_entropy`.
    """
    epsilon = hyper_parameter(epsilon, name="epsilon", where="poly1_cross_entropy")
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
def sparse_poly1_cross_entropy(logits: ArrayLike, labels: ArrayLike, *, epsilon: Any = 2.0) -> jax.Array:
    r"""Poly-1 cross entropy of class indices.

    With p the softmax of the logits,

    .. math:: \ell = -\log p_y + \epsilon (1 - p_y)

    Infinite logits give the limit. In compiled code a label that is no class gives NaN, with no gradient.

    Args:
        logits: unnormalised scores of shape (..., C).
        labels: class indices y of an integer dtype, of shape (...).
        epsilon: the additional weight of the first term; 0 gives cross entropy.

    Returns:
        Values of shape (...).

    Raises:
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> values = losses.sparse_poly1_cross_entropy([[0.0, 0.0]], np.array([1]), epsilon=2.0)
        >>> [round(value, 4) for value in values.tolist()]
        [1.6931]

    Source: Leng et al., "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions", 2022.
    """
    epsilon = hyper_parameter(epsilon, name="epsilon", where="sparse_poly1_cross_entropy")
    cost = class_cost(jnp.asarray(logits), jnp.asarray(labels))
    return _poly1(cost, epsilon)


def _poly1(cost: jax.Array, epsilon: Any) -> jax.Array:
    """c + epsilon (1 - p) of a cost c = -log p."""
    # With epsilon near -1 the two cancel where p is near 1:  1 - p = c - (e^-c - 1 + c).
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
    logits: ArrayLike, labels: ArrayLike, *, q: Any = 0.5, from_logits: bool = False
) -> jax.Array:
    r"""Generalized cross entropy, which interpolates between cross entropy and absolute error.

    .. math:: \ell = \frac{1 - p_y^q}{q}

    With `from_logits`, p is the softmax of the logits, and infinite logits give the limit. Otherwise p are the
    probabilities as given; below 1e-12 the power is continued linearly to 0, so that its derivative is finite. In
    compiled code a label that is not a class gives NaN, with no gradient.

    Args:
        logits: probabilities p of shape (..., C); with `from_logits`, unnormalised scores.
        labels: class indices y of an integer dtype, of shape (...).
        q: in (0, 1]; the larger, the less a wrong label can do.
        from_logits: whether scores are given.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `q` outside (0, 1].
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> losses.generalized_cross_entropy([[0.25, 0.75], [1.0, 0.0]], np.array([0, 1])).tolist()
        [1.0, 2.0]

    Source: Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
    2018; Keras `CategoricalGeneralizedCrossEntropy`.
    """
    where = "generalized_cross_entropy"
    q = hyper_parameter(q, name="q", where=where, minimum=0, maximum=1, open_minimum=True)
    _check.is_type(from_logits, bool, name="from_logits", where=where)
    x, labels = jnp.asarray(logits), jnp.asarray(labels)
    if from_logits:
        return -jnp.expm1(-q * class_cost(x, labels)) / q
    p = take_class(x, labels)
    low = p < _LEAST
    log_p = jnp.log(jnp.where(low, 1, p))
    # 1 - p^q, which keeps its digits where p is near 1.
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
    logits: ArrayLike, labels: ArrayLike, *, alpha: Any = 0.1, beta: Any = 1.0, A: Any = -4.0
) -> jax.Array:
    r"""Symmetric cross entropy: cross entropy plus reverse cross entropy.

    With p the softmax of the logits,

    .. math:: \ell = -\alpha \log p_y - \beta A (1 - p_y)

    Infinite logits give the limit. In compiled code a label that is no class gives NaN, with no gradient.

    Args:
        logits: unnormalised scores of shape (..., C).
        labels: class indices y of an integer dtype, of shape (...).
        alpha: the weight of cross entropy, at least 0.
        beta: the weight of the reverse cross entropy, at least 0.
        A: what stands for log 0, below 0.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `alpha` or `beta` below 0, or `A` not below 0.
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> losses.symmetric_cross_entropy([[0.0, 0.0]], np.array([1]), alpha=0.0, beta=0.5).tolist()
        [1.0]

    Source: Wang et al., "Symmetric Cross Entropy for Robust Learning with Noisy Labels", 2019.
    """
    where = "symmetric_cross_entropy"
    alpha = hyper_parameter(alpha, name="alpha", where=where, minimum=0)
    beta = hyper_parameter(beta, name="beta", where=where, minimum=0)
    log_zero = hyper_parameter(A, name="A", where=where, maximum=0, open_maximum=True)
    cost = class_cost(jnp.asarray(logits), jnp.asarray(labels))
    return scaled(alpha, cost) + beta * log_zero * jnp.expm1(-cost)


@loss_function(
    *_DENSE, output="...", info=LossInfo(cell="BiTemperedLogisticLoss", parameters=_TEMPERATURES, lower_bound=0.0)
)
def bi_tempered_logistic_loss(
    logits: ArrayLike, labels: ArrayLike, *, t1: Any = 0.8, t2: Any = 1.2, label_smoothing: Any = 0.0
) -> jax.Array:
    r"""Bi-tempered logistic loss of class probabilities.

    .. math::
        \log_t x = \frac{x^{1 - t} - 1}{1 - t}, \qquad \exp_t x = \max(0, 1 + (1 - t) x)^{1 / (1 - t)}, \qquad
        p_c = \exp_{t_2}(x_c - \lambda), \quad \sum_c p_c = 1

    .. math::
        \ell = \sum_c \left[ q_c (\log_{t_1} q_c - \log_{t_1} p_c)
            - \frac{q_c^{2 - t_1} - p_c^{2 - t_1}}{2 - t_1} \right]

    At t1 = 1 and t2 = 1 the logarithm and the exponential are the usual ones, and the loss is the divergence
    KL(q || p). Below t1 = 1 a wrong label costs at most 1 / (1 - t1) or so; above t2 = 1 probabilities fall as a
    power of the distance, and below t2 = 1 classes far behind get none, and no gradient. Smoothing is
    q = (1 - s C / (C - 1)) y + s / (C - 1). The normalisation has exact derivatives, for t1 and t2 as well.

    Args:
        logits: unnormalised scores x of shape (..., C).
        labels: class probabilities y of the same shape.
        t1: temperature of the logarithm, in [0, 1].
        t2: temperature of the exponential, at least 0.
        label_smoothing: s in [0, 1).

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `t1` outside [0, 1], `t2` below 0, or `label_smoothing` outside [0, 1).
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> x, y = [[0.0, 0.0], [-1000.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]]
        >>> [round(value, 4) for value in losses.bi_tempered_logistic_loss(x, y, t1=0.5, t2=1.0).tolist()]
        [0.3905, 2.0]

    Source: Amid et al., "Robust Bi-Tempered Logistic Loss Based on Bregman Divergences", 2019.
    """
    where = "bi_tempered_logistic_loss"
    t1, t2, smoothing = _temperatures(t1, t2, label_smoothing, where)
    log_p = _log_probabilities(jnp.asarray(logits), t2)
    target = jnp.asarray(labels)
    classes = log_p.shape[-1]
    if classes > 1:
        target = (1 - smoothing * classes / (classes - 1)) * target + smoothing / (classes - 1)
    return _bregman(target, log_p, t1)


@loss_function(
    *_SPARSE, output="...", info=LossInfo(cell="BiTemperedLogisticLoss", parameters=_TEMPERATURES, lower_bound=0.0)
)
def sparse_bi_tempered_logistic_loss(
    logits: ArrayLike, labels: ArrayLike, *, t1: Any = 0.8, t2: Any = 1.2, label_smoothing: Any = 0.0
) -> jax.Array:
    r"""Bi-tempered logistic loss of class indices.

    It is `bi_tempered_logistic_loss` of one-hot labels, smoothed to 1 - s at the label and s / (C - 1) elsewhere:

    .. math::
        \ell = \sum_c \left[ q_c (\log_{t_1} q_c - \log_{t_1} p_c)
            - \frac{q_c^{2 - t_1} - p_c^{2 - t_1}}{2 - t_1} \right], \qquad
        p_c = \exp_{t_2}(x_c - \lambda)

    In compiled code a label that is no class gives NaN, with no gradient.

    Args:
        logits: unnormalised scores x of shape (..., C).
        labels: class indices of an integer dtype, of shape (...).
        t1: temperature of the logarithm, in [0, 1].
        t2: temperature of the exponential, at least 0.
        label_smoothing: s in [0, 1).

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `t1` outside [0, 1], `t2` below 0, or `label_smoothing` outside [0, 1).
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> losses.sparse_bi_tempered_logistic_loss([[-1000.0, 0.0]], np.array([0]), t1=0.5, t2=1.0).tolist()
        [2.0]

    Source: Amid et al., "Robust Bi-Tempered Logistic Loss Based on Bregman Divergences", 2019.
    """
    where = "sparse_bi_tempered_logistic_loss"
    t1, t2, smoothing = _temperatures(t1, t2, label_smoothing, where)
    log_p = _log_probabilities(jnp.asarray(logits), t2)
    classes = log_p.shape[-1]
    valid, safe = valid_indices(jnp.asarray(labels), classes)
    here = jax.nn.one_hot(safe, classes, dtype=bool)
    target = jnp.where(here, 1 - smoothing, smoothing / (classes - 1)) if classes > 1 else jnp.ones_like(log_p)
    return jnp.where(valid, _bregman(target.astype(log_p.dtype), log_p, t1), jnp.nan)


def _temperatures(t1: Any, t2: Any, label_smoothing: Any, where: str) -> tuple[Any, Any, Any]:
    return (
        hyper_parameter(t1, name="t1", where=where, minimum=0, maximum=1),
        hyper_parameter(t2, name="t2", where=where, minimum=0),
        hyper_parameter(label_smoothing, name="label_smoothing", where=where, minimum=0, maximum=1, open_maximum=True),
    )


def _log_probabilities(logits: jax.Array, t2: Any) -> jax.Array:
    if isinstance(t2, jax.Array) or t2 != 1:
        return tempered_log_softmax(logits, t2)
    return log_softmax(logits)


def _bregman(target: jax.Array, log_p: jax.Array, t1: Any) -> jax.Array:
    some = target > 0
    own = tempered_log(jnp.where(some, jnp.log(jnp.where(some, target, 1)), -jnp.inf), t1)
    # At a target of 0 the derivative of q log_t1(q) is log_t1(0) where that is a number.
    own = target * jnp.where(jnp.isinf(own), 0, own)
    missed = scaled(target, 0 - tempered_log(log_p, t1))
    present = ~jnp.isneginf(log_p)
    powers = jnp.where(present, jnp.exp((2 - t1) * jnp.where(present, log_p, 0)), 0)
    left = jnp.where(some, jnp.where(some, target, 1) ** (2 - t1), 0) - powers
    # Where q and p are close the terms cancel. With k = 1 - t1, v = log(p / q) and f(u) = e^u - 1 - u they are
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
