"""Two-class cross entropies that focus on the examples that are hard to tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._typing import ArrayLike
from sporax.losses._binary import clamped_cross_entropy, smoothed
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._logistic import at_infinity, sigmoids, softpluses

__all__ = ["asymmetric_loss", "binary_focal_cross_entropy", "sigmoid_focal_loss"]

_LABELS = label("labels", "...", domain="probability", two_classes=True)
_PROBABILITIES = (prediction("inputs", "...", domain="probability"), _LABELS)
_LOGITS = (prediction("logits", "..."), _LABELS)


@loss_function(
    *_PROBABILITIES,
    output="...",
    info=LossInfo(
        cell="BinaryFocalLoss",
        parameters={
            "gamma": (2.0, 1.5, 0.0),
            "apply_class_balancing": (False, True),
            "alpha": (0.25, 0.6),
            "label_smoothing": (0.0, 0.1),
        },
        like=("keras BinaryFocalCrossentropy",),
        lower_bound=0.0,
    ),
)
def binary_focal_cross_entropy(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    apply_class_balancing: bool = False,
    alpha: Any = 0.25,
    gamma: Any = 2.0,
    label_smoothing: Any = 0.0,
) -> jax.Array:
    r"""Binary focal loss of probabilities.

    .. math::
        m_i = y_i (1 - x_i) + (1 - y_i) x_i, \qquad
        \ell_i = -a_i m_i^\gamma \left[ y_i \log x_i + (1 - y_i) \log(1 - x_i) \right]

    with :math:`a_i = \alpha y_i + (1 - \alpha)(1 - y_i)` under `apply_class_balancing`, else 1. Logarithms and
    derivatives at probabilities of 0 and 1 are bounded as in `binary_cross_entropy`. For logits use
    `sigmoid_focal_loss`, which is the same loss.

    Args:
        inputs: predicted probabilities x of any shape.
        labels: target probabilities y of the same shape.
        apply_class_balancing: whether the classes are weighted.
        alpha: the weight of class 1 in [0, 1]; class 0 has 1 - alpha.
        gamma: at least 0; 0 is the cross entropy.
        label_smoothing: s in [0, 1]; y becomes (1 - s) y + s / 2.

    Returns:
        Values of the shape of the inputs.

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: a hyper-parameter or an input out of its range.
        LabelError: labels outside [0, 1], where their values are known.

    Example:
        >>> from sporax import losses
        >>> values = losses.binary_focal_cross_entropy([0.6, 0.4], [0.0, 1.0])
        >>> [round(value, 4) for value in values.tolist()]
        [0.3299, 0.3299]

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017; Keras `BinaryFocalCrossentropy`.
    """
    where = "binary_focal_cross_entropy"
    _check.is_type(apply_class_balancing, bool, name="apply_class_balancing", where=where)
    gamma = hyper_parameter(gamma, name="gamma", where=where, minimum=0)
    alpha = hyper_parameter(alpha, name="alpha", where=where, minimum=0, maximum=1)
    inputs, labels = jnp.asarray(inputs), smoothed(jnp.asarray(labels), label_smoothing, where)
    missed = labels * (1 - inputs) + (1 - labels) * inputs
    values = _power(missed, gamma) * clamped_cross_entropy(inputs, labels)
    return _balance(labels, alpha) * values if apply_class_balancing else values


@loss_function(
    *_LOGITS,
    output="...",
    info=LossInfo(
        cell="SigmoidFocalLoss",
        parameters={"gamma": (2.0, 0.0, 1.5), "alpha": (None, 0.25), "label_smoothing": (0.0, 0.1)},
        like=("optax.sigmoid_focal_loss", "torchvision.ops.sigmoid_focal_loss"),
        lower_bound=0.0,
    ),
)
def sigmoid_focal_loss(
    logits: ArrayLike, labels: ArrayLike, *, alpha: Any = None, gamma: Any = 2.0, label_smoothing: Any = 0.0
) -> jax.Array:
    r"""Binary focal loss of logits.

    .. math::
        p_i = \sigma(x_i), \quad m_i = y_i (1 - p_i) + (1 - y_i) p_i, \quad
        \ell_i = -a_i m_i^\gamma \left[ y_i \log p_i + (1 - y_i) \log(1 - p_i) \right]

    with :math:`a_i = \alpha y_i + (1 - \alpha)(1 - y_i)`. Infinite logits give the limit, in value and
    derivative.

    Args:
        logits: scores x of any shape.
        labels: target probabilities y of the same shape.
        alpha: the weight of class 1 in [0, 1], class 0 having 1 - alpha; None for no weights.
        gamma: at least 0; 0 is the cross entropy.
        label_smoothing: s in [0, 1]; y becomes (1 - s) y + s / 2.

    Returns:
        Values of the shape of the logits.

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: a hyper-parameter out of its range.
        LabelError: labels outside [0, 1], where their values are known.

    Example:
        >>> from sporax import losses
        >>> values = losses.sigmoid_focal_loss([0.0, 2.0, -2.0], [1.0, 1.0, 1.0], alpha=0.25)
        >>> [round(value, 4) for value in values.tolist()]
        [0.0433, 0.0005, 0.4125]

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017; optax and torchvision `sigmoid_focal_loss`.
    """
    where = "sigmoid_focal_loss"
    gamma = hyper_parameter(gamma, name="gamma", where=where, minimum=0)
    target = smoothed(jnp.asarray(labels), label_smoothing, where)

    def formula(x: jax.Array) -> jax.Array:
        if_zero, if_one = softpluses(x)
        p, q = sigmoids(x)
        missed = target * q + (1 - target) * p
        factor = _power(missed, gamma, lambda: jnp.logaddexp(_log(target) - if_zero, _log(1 - target) - if_one))
        return factor * (target * if_one + (1 - target) * if_zero)

    values = at_infinity(formula, jnp.asarray(logits))
    if alpha is None:
        return values
    return _balance(target, hyper_parameter(alpha, name="alpha", where=where, minimum=0, maximum=1)) * values


@loss_function(
    *_LOGITS,
    output="...",
    info=LossInfo(
        cell="AsymmetricLoss",
        parameters={"gamma_neg": (4.0, 2.5), "gamma_pos": (1.0, 0.0, 0.5), "clip": (0.05, 0.0)},
        default_reduction="sum",
        like=("timm AsymmetricLossMultiLabel",),
        lower_bound=0.0,
    ),
)
def asymmetric_loss(
    logits: ArrayLike, labels: ArrayLike, *, gamma_neg: Any = 4.0, gamma_pos: Any = 1.0, clip: Any = 0.05
) -> jax.Array:
    r"""Asymmetric multi-label focal loss, with stronger focusing and a probability shift for negatives.

    .. math::
        p_i = \sigma(x_i), \quad r_i = \max(0, p_i - m), \quad
        \ell_i = -y_i (1 - p_i)^{\gamma_+} \log p_i - (1 - y_i) r_i^{\gamma_-} \log(1 - r_i)

    The derivative where p = m is that from above. Infinite logits give the limit, in value and derivative.

    Args:
        logits: scores x of any shape.
        labels: target probabilities y of the same shape.
        gamma_neg: the exponent for negatives, at least 0.
        gamma_pos: the exponent for positives, at least 0.
        clip: the probability m in [0, 1) up to which a negative has no loss.

    Returns:
        Values of the shape of the logits.

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: a hyper-parameter out of its range.
        LabelError: labels outside [0, 1], where their values are known.

    Example:
        >>> from sporax import losses
        >>> values = losses.asymmetric_loss([0.0, 0.0, -4.0], [1.0, 0.0, 0.0])
        >>> [round(value, 4) for value in values.tolist()]
        [0.3466, 0.0245, 0.0]

    Source: Ridnik et al., "Asymmetric Loss for Multi-Label Classification", 2021. The derivative is the full one; the
    authors' program holds the focal factor constant unless told otherwise.
    """
    where = "asymmetric_loss"
    gamma_neg = hyper_parameter(gamma_neg, name="gamma_neg", where=where, minimum=0)
    gamma_pos = hyper_parameter(gamma_pos, name="gamma_pos", where=where, minimum=0)
    clip = hyper_parameter(clip, name="clip", where=where, minimum=0, maximum=1, open_maximum=True)
    target = jnp.asarray(labels)

    def formula(x: jax.Array) -> jax.Array:
        if_zero, if_one = softpluses(x)
        p, q = sigmoids(x)
        positive = _power(q, gamma_pos, lambda: -if_zero) * if_one
        if isinstance(clip, float) and clip == 0:
            negative = _power(p, gamma_neg, lambda: -if_one) * if_zero
        else:
            left = jnp.where(p >= clip, p - clip, 0)
            negative = -_power(left, gamma_neg) * jnp.log(jnp.where(p >= clip, q + clip, 1))
        return target * positive + (1 - target) * negative

    return at_infinity(formula, jnp.asarray(logits))


def _balance(labels: jax.Array, alpha: Any) -> jax.Array:
    return alpha * labels + (1 - alpha) * (1 - labels)


def _power(base: jax.Array, exponent: Any, log_base: Callable[[], jax.Array] | None = None) -> jax.Array:
    """base ** exponent for a base in [0, 1], with finite derivatives at 0, where those of a broken power are set to 0.

    `log_base` makes the logarithm where it is known better than from the base, which may underflow.
    """
    if isinstance(exponent, float) and exponent.is_integer():
        return base ** int(exponent)
    if log_base is not None:
        return jnp.exp(exponent * log_base())
    some = base > 0
    power = jnp.exp(exponent * jnp.log(jnp.where(some, base, 1)))
    return jnp.where(some, power, jnp.where(jnp.asarray(exponent) == 0, 1, 0).astype(base.dtype))


def _log(v: jax.Array) -> jax.Array:
    """log v for v in [0, 1], held above that of a tiny number, where the derivative is that of v over that number."""
    # A little above the least normal number, so that its inverse and its share of a sum of exponentials are normal too.
    limits = jnp.finfo(v.dtype)
    floor = jnp.maximum(v, limits.tiny / limits.eps)
    return jnp.log(v + jax.lax.stop_gradient(floor - v))
