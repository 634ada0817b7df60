"""Losses for ordered classes. A model predicts one logit for each threshold between adjacent classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError
from sporax._typing import ArrayLike
from sporax.losses.contract import Counted, LossInfo, Sized, label, loss_function, prediction
from sporax.losses.contract._arrays import as_array, nearest_int32
from sporax.losses.contract._indexing import valid_indices
from sporax.losses.numerics._sums import sum_rows

__all__ = ["coral_labels", "coral_loss", "corn_labels", "corn_loss", "ordinal_levels"]

_INPUTS = (prediction("logits", "... C-1"), label("labels", "...", domain="class", kind="int"))


def _thresholds(labels: jax.Array, count: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Which labels are valid, the labels with an additional axis, and the thresholds 0, 1, ... along that axis."""
    valid, safe = valid_indices(labels, count + 1)
    return valid, jnp.expand_dims(safe, -1), jnp.arange(count, dtype=jnp.int32).reshape((1,) * labels.ndim + (count,))


def _binary_cost(logits: jax.Array, positive: jax.Array) -> jax.Array:
    """Cross entropy of a sigmoid, with the limit for infinite logits."""
    return jax.nn.softplus(jnp.where(positive, -logits, logits))


@loss_function(
    *_INPUTS,
    output="...",
    info=LossInfo(
        cell="CoralLoss",
        parameters={"importance_weights": (None, Sized(lambda sizes: np.linspace(0.5, 1.5, sizes["C"] - 1)))},
        like=("ordinal_regression",),
        lower_bound=0.0,
    ),
)
def coral_loss(
    logits: ArrayLike, labels: ArrayLike, *, importance_weights: Sequence[float] | ArrayLike | None = None
) -> jax.Array:
    r"""Consistent rank logits (CORAL): binary cross entropy for each threshold between ordered classes.

    .. math::
        \ell = -\sum_{k=0}^{C-2} w_k \left( [y > k] \log \sigma(x_k) + [y \le k] \log \sigma(-x_k) \right)

    In the paper's model, the logits share their weights and differ only in a bias, so that the thresholds are
    consistent. `coral_labels` converts logits to classes.

    Args:
        logits: scores x of shape (..., C-1), one for each threshold.
        importance_weights: w, one for each threshold; None for all ones.

    Raises:
        ArgumentError: there is not one weight for each threshold.

    Example:
        >>> [round(value, 4) for value in losses.coral_loss([[2.0, -2.0], [0.0, 0.0]], [1, 2]).tolist()]
        [0.2539, 1.3863]

    Source: Cao, Mirjalili and Raschka, "Rank consistent ordinal regression for neural networks with application to
    age estimation", 2020.
    """
    logits = jnp.asarray(logits)
    count = logits.shape[-1]
    valid, classes, thresholds = _thresholds(jnp.asarray(labels), count)
    cost = _binary_cost(logits, classes > thresholds)
    if importance_weights is not None:
        given: Any = importance_weights
        weights = given if isinstance(given, jax.Array) else np.asarray(given, np.float64)
        if weights.shape != (count,):
            raise ArgumentError(
                f"coral_loss: `importance_weights` must hold one number for each of the {count} thresholds, "
                f"but got shape {weights.shape}."
            )
        cost = cost * jnp.asarray(weights, cost.dtype).reshape(thresholds.shape)
    return jnp.where(valid, sum_rows(cost)[..., 0], jnp.nan)


@loss_function(*_INPUTS, output="...", info=LossInfo(cell="CornLoss", like=("ordinal_regression",), lower_bound=0.0))
def corn_loss(logits: ArrayLike, labels: ArrayLike) -> Counted:
    r"""Conditional ordinal regression (CORN): each threshold is conditioned on passing the previous one.

    .. math::
        \ell = -\sum_{k=0}^{\min(y, C-2)} [y > k] \log \sigma(x_k) + [y = k] \log \sigma(-x_k)

    A sample contributes only the terms whose condition it satisfies, :math:`\min(y + 1, C - 1)` of them, and the mean
    divides by the number of these terms in the batch. `corn_labels` converts logits to classes.

    Args:
        logits: scores x of shape (..., C-1), one for each threshold.

    Returns:
        Values of shape (...): the sum over the terms of each sample.

    Example:
        >>> [round(value, 4) for value in losses.corn_loss([[2.0, -2.0], [0.0, 0.0]], [0, 2]).tolist()]
        [2.1269, 1.3863]

    Source: Shi, Cao and Raschka, "Deep Neural Networks for Rank-Consistent Ordinal Regression Based on Conditional
    Probabilities", 2021.
    """
    logits = jnp.asarray(logits)
    count = logits.shape[-1]
    valid, classes, thresholds = _thresholds(jnp.asarray(labels), count)
    used = classes >= thresholds
    # The logit of an omitted term may be infinite.
    cost = jnp.where(used, _binary_cost(jnp.where(used, logits, 0), classes > thresholds), 0)
    terms = jnp.minimum(classes[..., 0] + 1, count).astype(cost.dtype)
    return Counted(jnp.where(valid, sum_rows(cost)[..., 0], jnp.nan), terms)


def ordinal_levels(labels: ArrayLike, classes: int) -> jax.Array:
    """Return, for each threshold, whether the class is above it: the labels of other CORAL implementations.

    Args:
        labels: classes in [0, classes), of any shape.
        classes: the number of classes.

    Returns:
        A float32 array of ones and zeros, of shape (..., classes - 1).

    Example:
        >>> from sporax import losses
        >>> losses.ordinal_levels([0, 2], 4).tolist()
        [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]

    Source: Cao, Mirjalili and Raschka, "Rank consistent ordinal regression", 2020.
    """
    labels = jnp.expand_dims(jnp.asarray(nearest_int32(as_array(labels))), -1)
    thresholds = jnp.arange(classes - 1).reshape((1,) * (labels.ndim - 1) + (-1,))
    return (labels > thresholds).astype(jnp.float32)


def coral_labels(logits: ArrayLike) -> jax.Array:
    """Return the classes predicted by the logits of a model trained with `coral_loss`.

    Args:
        logits: an array of shape (..., C-1).

    Returns:
        int32 classes in [0, C) of shape (...): the number of thresholds passed with a probability above 1/2.

    Example:
        >>> from sporax import losses
        >>> losses.coral_labels([[2.0, 0.5, -1.0], [-1.0, -2.0, -3.0]]).tolist()
        [2, 0]

    Source: Cao, Mirjalili and Raschka, "Rank consistent ordinal regression", 2020.
    """
    return jnp.sum(jnp.asarray(logits) > 0, axis=-1, dtype=jnp.int32)


def corn_labels(logits: ArrayLike) -> jax.Array:
    """Return the classes predicted by the logits of a model trained with `corn_loss`.

    The probability of being above a threshold is the product of the conditional ones up to it.

    Args:
        logits: an array of shape (..., C-1).

    Returns:
        int32 classes in [0, C) of shape (...): the number of thresholds passed with a probability above 1/2.

    Example:
        >>> from sporax import losses
        >>> losses.corn_labels([[2.0, 0.5, 0.5], [-1.0, 3.0, 3.0]]).tolist()
        [2, 0]

    Source: Shi, Cao and Raschka, "Deep Neural Networks for Rank-Consistent Ordinal Regression Based on Conditional
    Probabilities", 2021.
    """
    passed = jnp.cumprod(jax.nn.sigmoid(jnp.asarray(logits)), axis=-1)
    return jnp.sum(passed > 0.5, axis=-1, dtype=jnp.int32)
