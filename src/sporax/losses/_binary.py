"""Losses on two-class probabilities and logits, each output for itself."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses._contract import loss_function
from sporax.losses._row import LossRow
from sporax.losses._spec import label, prediction


@loss_function(
    prediction("inputs", "...", domain="probability"),
    label("labels", "...", domain="probability"),
    output="...",
    weight_parameter="weight",
)
def binary_cross_entropy(inputs: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None) -> jax.Array:
    r"""Cross entropy between two-class probabilities.

    .. math:: \ell_i = -w_i \left[ y_i \log x_i + (1 - y_i) \log(1 - x_i) \right]

    Logarithms are not taken below -100, so a probability of exactly 0 or 1 has a finite loss (100 at most for
    weight 1), and the denominator of the derivative, (x - y) / (x (1 - x)), not below 1e-12. In compiled code
    a probability outside [0, 1] gives NaN.

    Args:
        inputs: predicted probabilities x of any shape.
        labels: target probabilities y of the same shape.
        weight: broadcasts to that shape. A weight of 0 removes its element, as in `evaluate`.

    Returns:
        Values of the shape of the inputs.

    Raises:
        ShapeError: shapes of inputs and labels differ, or the weight would make them larger.
        ArgumentError: inputs outside [0, 1], where their values are known.
        LabelError: labels outside [0, 1], where their values are known.

    Example:
        >>> from sporax import losses
        >>> values = losses.binary_cross_entropy([0.5, 1.0, 0.0], [1.0, 1.0, 1.0], weight=[2.0, 1.0, 1.0])
        >>> [round(value, 4) for value in values.tolist()]
        [1.3863, 0.0, 100.0]

    Source: MindSpore `nn.BCELoss`; the two bounds are those of PyTorch's `binary_cross_entropy`.
    """
    del weight  # the contract applies it
    return _binary_cross_entropy(jnp.asarray(inputs), jnp.asarray(labels))


def _costs(p: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What a label of 1 and a label of 0 cost."""
    return jnp.minimum(-jnp.log(p), 100), jnp.minimum(-jnp.log1p(-p), 100)


@jax.custom_jvp
def _binary_cross_entropy(p: jax.Array, target: jax.Array) -> jax.Array:
    if_one, if_zero = _costs(p)
    return target * if_one + (1 - target) * if_zero


@_binary_cross_entropy.defjvp
def _binary_cross_entropy_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (p, target), (p_tangent, target_tangent) = primals, tangents
    slope = (p - target) / jnp.maximum(p * (1 - p), 1e-12)
    return _binary_cross_entropy(p, target), slope * p_tangent - _log_odds(p) * target_tangent


@jax.custom_jvp
def _log_odds(p: jax.Array) -> jax.Array:
    # The derivative of log(p / (1 - p)) is bounded as that of the loss is.
    if_one, if_zero = _costs(p)
    return if_zero - if_one


@_log_odds.defjvp
def _log_odds_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (p,), (tangent,) = primals, tangents
    return _log_odds(p), tangent / jnp.maximum(p * (1 - p), 1e-12)


ROWS = (LossRow(binary_cross_entropy, "MindSpore nn.BCELoss", cell="BCELoss"),)
