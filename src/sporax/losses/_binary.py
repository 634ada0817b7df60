"""Losses on two-class probabilities and logits, each output for itself."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses.contract._info import LossInfo, Sized
from sporax.losses.contract._loss_function import as_array, hyper_parameter, loss_function
from sporax.losses.contract._shapes import broadcast_into
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._logistic import at_infinity, log1p, softpluses
from sporax.losses.numerics._sums import sum_rows

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
]


@loss_function(
    prediction("inputs", "...", domain="probability"),
    label("labels", "...", domain="probability", two_classes=True),
    output="...",
    weight_parameter="weight",
    info=LossInfo(
        cell="BCELoss",
        parameters={"label_smoothing": (0.0, 0.2)},
        like=("torch.nn.BCELoss", "keras BinaryCrossentropy"),
        lower_bound=0.0,
    ),
)
def binary_cross_entropy(
    inputs: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None, label_smoothing: Any = 0.0
) -> jax.Array:
    r"""Binary cross entropy of probabilities.

    .. math:: \ell_i = -w_i \left[ y_i \log x_i + (1 - y_i) \log(1 - x_i) \right]

    Logarithms are not taken below -100, so a probability of exactly 0 or 1 has a finite loss (100 at most for
    weight 1), and the denominator of the derivative, (x - y) / (x (1 - x)), not below 1e-12. In compiled code
    a probability outside [0, 1] gives NaN.

    Args:
        inputs: predicted probabilities x of any shape.
        labels: target probabilities y of the same shape.
        weight: broadcasts to that shape. A weight of 0 removes its element, as in `evaluate`.
        label_smoothing: s in [0, 1]; y becomes (1 - s) y + s / 2.

    Returns:
        Values of the shape of the inputs.

    Raises:
        ShapeError: shapes of inputs and labels differ, or the weight would make them larger.
        ArgumentError: inputs or `label_smoothing` outside [0, 1], where their values are known.
        LabelError: labels outside [0, 1], where their values are known.

    Example:
        >>> from sporax import losses
        >>> values = losses.binary_cross_entropy([0.5, 1.0, 0.0], [1.0, 1.0, 1.0], weight=[2.0, 1.0, 1.0])
        >>> [round(value, 4) for value in values.tolist()]
        [1.3863, 0.0, 100.0]

    Source: MindSpore `nn.BCELoss`; the two bounds are those of PyTorch's `binary_cross_entropy`, the smoothing is
    that of Keras' `BinaryCrossentropy`.
    """
    del weight  # the contract applies it
    labels = smoothed(jnp.asarray(labels), label_smoothing, "binary_cross_entropy")
    return clamped_cross_entropy(jnp.asarray(inputs), labels)


@loss_function(
    prediction("logits", "..."),
    label("labels", "...", two_classes=True),
    output="...",
    weight_parameter="weight",
    info=LossInfo(
        cell="BCEWithLogitsLoss",
        parameters={"pos_weight": (None, 2.5), "label_smoothing": (0.0, 0.2)},
        like=("torch.nn.BCEWithLogitsLoss", "optax.sigmoid_binary_cross_entropy"),
    ),
)
def binary_cross_entropy_with_logits(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    label_smoothing: Any = 0.0,
) -> jax.Array:
    r"""Binary cross entropy of logits.

    .. math::
        \ell_i = -w_i \left[ c_i y_i \log \sigma(x_i) + (1 - y_i) \log(1 - \sigma(x_i)) \right]

    Infinite logits give the limit, in value and derivative. Labels outside [0, 1] are taken as they are.

    Args:
        logits: scores x of any shape.
        labels: target probabilities y of the same shape.
        weight: w, broadcasts to that shape. A weight of 0 removes its element, as in `evaluate`.
        pos_weight: c, broadcasts to that shape: above 1 for more recall, below for more precision.
        label_smoothing: s in [0, 1]; y becomes (1 - s) y + s / 2.

    Returns:
        Values of the shape of the logits.

    Raises:
        ShapeError: shapes of logits and labels differ, or a weight would make them larger.
        ArgumentError: `label_smoothing` is outside [0, 1].

    Example:
        >>> from sporax import losses
        >>> values = losses.binary_cross_entropy_with_logits([0.0, 1e4, -1e4], [1.0, 1.0, 1.0], pos_weight=2.0)
        >>> [round(value, 4) for value in values.tolist()]
        [1.3863, 0.0, 20000.0]

    Source: MindSpore `nn.BCEWithLogitsLoss`; the smoothing is that of Keras' `BinaryCrossentropy`.
    """
    del weight  # the contract applies it
    logits = jnp.asarray(logits)
    target = smoothed(jnp.asarray(labels), label_smoothing, "binary_cross_entropy_with_logits")
    positive = target
    if pos_weight is not None:
        factor = as_array(pos_weight)
        broadcast_into(
            "pos_weight", factor.shape, logits.shape, target_name="the logits", where="binary_cross_entropy_with_logits"
        )
        positive = target * jnp.broadcast_to(jnp.asarray(factor, logits.dtype), logits.shape)

    def formula(x: jax.Array) -> jax.Array:
        if_zero, if_one = softpluses(x)
        return positive * if_one + (1 - target) * if_zero

    return at_infinity(formula, logits)


@loss_function(
    prediction("logits", "..."),
    label("labels", "...", domain="sign", kind="number"),
    output="...",
    info=LossInfo(cell="SoftMarginLoss", like=("torch.nn.SoftMarginLoss",), lower_bound=0.0),
)
def soft_margin_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Logistic loss for labels 1 and -1.

    .. math:: \ell_i = \log(1 + \exp(-y_i x_i))

    Infinite logits give the limit, in value and derivative. In compiled code a label that is neither 1 nor -1
    gives NaN, and sends no gradient.

    Args:
        logits: scores x of any shape.
        labels: y, 1 or -1, of the same shape and any real dtype.

    Returns:
        Values of the shape of the logits.

    Raises:
        ShapeError: the shapes differ.
        LabelError: labels other than 1 and -1, where their values are known.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.soft_margin_loss([0.3, 0.7], [-1, 1]).tolist()]
        [0.8544, 0.4032]

    Source: MindSpore `nn.SoftMarginLoss`.
    """
    logits = jnp.asarray(logits)
    # An unsigned dtype cannot be compared with -1.
    labels = jnp.asarray(labels).astype(logits.dtype)

    def formula(x: jax.Array) -> jax.Array:
        if_other, if_one = softpluses(x)
        return jnp.where(labels == 1, if_one, jnp.where(labels == -1, if_other, jnp.nan))

    return at_infinity(formula, logits)


@loss_function(
    prediction("logits", "... C"),
    label("labels", "... C", domain="probability", two_classes=True),
    output="...",
    info=LossInfo(
        cell="MultiLabelSoftMarginLoss",
        parameters={"weight": (None, Sized(lambda sizes: [0.25 + 0.5 * at for at in range(sizes["C"])]))},
        like=("torch.nn.MultiLabelSoftMarginLoss",),
        lower_bound=0.0,
    ),
)
def multilabel_soft_margin_loss(logits: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None) -> jax.Array:
    r"""Multi-label binary cross entropy of logits, averaged over the classes.

    .. math::
        \ell = -\frac{1}{C} \sum_c w_c \left[ y_c \log \sigma(x_c) + (1 - y_c) \log(1 - \sigma(x_c)) \right]

    Infinite logits give the limit. A class of weight 0 adds nothing, whatever its logits are; the sum is divided
    by C all the same.

    Args:
        logits: scores x of shape (..., C).
        labels: y, 1 where the sample is of the class and 0 where not, or between; of shape (..., C).
        weight: w, broadcasts to (..., C): one number for each class, say.

    Returns:
        Values of shape (...).

    Raises:
        ShapeError: the shapes differ, or the weight would make them larger.
        LabelError: labels outside [0, 1], where their values are known.

    Example:
        >>> from sporax import losses
        >>> values = losses.multilabel_soft_margin_loss([[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]], [[0, 0, 1], [0, 0, 1]])
        >>> [round(value, 4) for value in values.tolist()]
        [0.7764, 0.9174]

    Source: MindSpore `nn.MultiLabelSoftMarginLoss`.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)

    def formula(x: jax.Array) -> jax.Array:
        if_zero, if_one = softpluses(x)
        return labels * if_one + (1 - labels) * if_zero

    values = at_infinity(formula, logits)
    if weight is not None:
        factor = as_array(weight)
        broadcast_into(
            "weight", factor.shape, logits.shape, target_name="the logits", where="multilabel_soft_margin_loss"
        )
        factor = jnp.broadcast_to(jnp.asarray(factor, logits.dtype), logits.shape)
        values = factor * jnp.where(factor == 0, 0, values)
    return sum_rows(values)[..., 0] / logits.shape[-1]


def smoothed(labels: jax.Array, amount: Any, where: str) -> jax.Array:
    """Labels moved towards 1/2 by `label_smoothing`, which is checked here."""
    amount = hyper_parameter(amount, name="label_smoothing", where=where, minimum=0, maximum=1)
    if isinstance(amount, float) and amount == 0:
        return labels
    return labels * (1 - amount) + 0.5 * amount


def _costs(p: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What a label of 1 and a label of 0 cost."""
    return jnp.minimum(-jnp.log(p), 100), jnp.minimum(-log1p(-p), 100)


@jax.custom_jvp
def clamped_cross_entropy(p: jax.Array, target: jax.Array) -> jax.Array:
    """The formula of `binary_cross_entropy`."""
    if_one, if_zero = _costs(p)
    return target * if_one + (1 - target) * if_zero


@clamped_cross_entropy.defjvp
def _clamped_cross_entropy_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (p, target), (p_tangent, target_tangent) = primals, tangents
    slope = (p - target) / jnp.maximum(p * (1 - p), 1e-12)
    return clamped_cross_entropy(p, target), slope * p_tangent - _log_odds(p) * target_tangent


@jax.custom_jvp
def _log_odds(p: jax.Array) -> jax.Array:
    # The derivative of log(p / (1 - p)) is bounded as that of the loss is.
    if_one, if_zero = _costs(p)
    return if_zero - if_one


@_log_odds.defjvp
def _log_odds_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (p,), (tangent,) = primals, tangents
    return _log_odds(p), tangent / jnp.maximum(p * (1 - p), 1e-12)
