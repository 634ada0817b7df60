"""Losses on class probabilities and logits."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses._contract import loss_function
from sporax.losses._indexing import take_class
from sporax.losses._row import LossRow
from sporax.losses._softmax import log_softmax
from sporax.losses._spec import label, prediction


@loss_function(
    prediction("logits", "... C"),
    label("labels", "... C", domain="distribution"),
    output="...",
)
def softmax_cross_entropy_with_logits(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Cross entropy between rows of class probabilities and the softmax of logits.

    .. math:: \ell = -\sum_c y_c \log \operatorname{softmax}(x)_c

    Infinite logits give the limit. A logit of -inf is a class of probability 0: it adds nothing and has no
    gradient, unless its label is not 0, when the value is inf (the gradient, softmax(x) sum(y) - y, is finite
    still). Logits that are infinite together count as equal among themselves.

    Args:
        logits: unnormalised scores x of shape (..., C).
        labels: class probabilities y of shape (..., C). They need not sum to 1: a row of zeros has loss 0.

    Returns:
        Values of shape (...).

    Raises:
        ShapeError: the shapes differ.
        DtypeError: complex inputs.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> logits = np.array([[3, 5, 6, 9, 12, 33, 42, 12, 32, 72]], np.float32)
        >>> losses.softmax_cross_entropy_with_logits(logits, np.eye(10, dtype=np.float32)[[6]]).tolist()
        [30.0]

    Source: MindSpore `nn.SoftmaxCrossEntropyWithLogits`.
    """
    labels = jnp.asarray(labels)
    log_p = log_softmax(jnp.asarray(logits))
    # 0 log 0 = 0
    log_p = jnp.where((labels == 0) & jnp.isneginf(log_p), 0, log_p)
    # 0 - x and not -x: a loss of zero is 0, not -0.
    return 0 - jnp.sum(labels * log_p, axis=-1)


@loss_function(
    prediction("logits", "... C"),
    label("labels", "...", domain="class", kind="int"),
    output="...",
)
def sparse_softmax_cross_entropy_with_logits(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Cross entropy between class indices and the softmax of logits.

    .. math:: \ell = -\log \operatorname{softmax}(x)_y

    Infinite logits give the limit, as in `softmax_cross_entropy_with_logits`. Labels are checked where their
    values are known. In compiled code a label outside [0, C) gives NaN for its row, and the row sends no
    gradient; a negative one never counts from the end.

    Args:
        logits: unnormalised scores x of shape (..., C).
        labels: class indices y of an integer dtype, of shape (...).

    Returns:
        Values of shape (...).

    Raises:
        DtypeError: labels that are not integers.
        ShapeError: labels whose shape is not that of the logits without the last axis.
        LabelError: labels outside [0, C); names the first.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> logits = np.array([[3, 5, 6, 9, 12, 33, 42, 12, 32, 72]], np.float32)
        >>> losses.sparse_softmax_cross_entropy_with_logits(logits, np.array([1])).tolist()
        [67.0]

    Source: MindSpore `nn.SoftmaxCrossEntropyWithLogits(sparse=True)`.
    """
    return 0 - take_class(log_softmax(jnp.asarray(logits)), jnp.asarray(labels))



ROWS = (
    LossRow(
        softmax_cross_entropy_with_logits,
        "MindSpore nn.SoftmaxCrossEntropyWithLogits",
        cell="SoftmaxCrossEntropyWithLogits",
        cell_arguments={"sparse": False},
        default_reduction="none",
    ),
    LossRow(
        sparse_softmax_cross_entropy_with_logits,
        "MindSpore nn.SoftmaxCrossEntropyWithLogits",
        cell="SoftmaxCrossEntropyWithLogits",
        cell_arguments={"sparse": True},
        default_reduction="none",
    ),
)
