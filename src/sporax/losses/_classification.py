"""Losses on class probabilities and logits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import DtypeError
from sporax._typing import ArrayLike
from sporax.losses.contract import Counted, LossInfo, UnitInterval, label, loss_function, prediction
from sporax.losses.contract._arrays import as_array, compute_dtype, nearest_int32, numbers
from sporax.losses.contract._class_weights import class_vector, cross, scaled
from sporax.losses.contract._indexing import take_class, take_rows, valid_indices
from sporax.losses.contract._info import EXAMPLE_CLASS_WEIGHTS
from sporax.losses.contract._parameters import hyper_parameter
from sporax.losses.numerics._softmax import class_cost, target_cost

__all__ = [
    "cross_entropy",
    "nll_loss",
    "smooth_labels",
    "soft_cross_entropy",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
]


@loss_function(
    prediction("logits", "... C"),
    label("labels", "... C", domain="distribution"),
    output="...",
    info=LossInfo(
        cell="SoftmaxCrossEntropyWithLogits",
        cell_arguments={"sparse": False},
        default_reduction="none",
        lower_bound=0.0,
    ),
)
def softmax_cross_entropy_with_logits(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Softmax cross entropy of logits with class probabilities.

    .. math:: \ell = -\sum_c y_c \log \operatorname{softmax}(x)_c

    Infinite logits give the limit. A logit of -inf is a class of probability 0: it adds nothing and has no gradient,
    unless its label is not 0; then the value is inf, and the gradient, softmax(x) sum(y) - y, is finite. Several logits
    of +inf count as equal.

    Args:
        labels: class probabilities y of shape (..., C). They need not sum to 1; a row of zeros has loss 0.

    Example:
        >>> logits = np.array([[3, 5, 6, 9, 12, 33, 42, 12, 32, 72]], np.float32)
        >>> losses.softmax_cross_entropy_with_logits(logits, np.eye(10, dtype=np.float32)[[6]]).tolist()
        [30.0]

    Source: MindSpore `nn.SoftmaxCrossEntropyWithLogits`.
    """
    return target_cost(jnp.asarray(logits), jnp.asarray(labels))


@loss_function(
    prediction("logits", "... C"),
    label("labels", "...", domain="class", kind="int"),
    output="...",
    info=LossInfo(
        cell="SoftmaxCrossEntropyWithLogits", cell_arguments={"sparse": True}, default_reduction="none", lower_bound=0.0
    ),
)
def sparse_softmax_cross_entropy_with_logits(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Softmax cross entropy of logits with class indices.

    .. math:: \ell = -\log \operatorname{softmax}(x)_y

    Infinite logits give the limit, as in `softmax_cross_entropy_with_logits`.

    Example:
        >>> logits = np.array([[3, 5, 6, 9, 12, 33, 42, 12, 32, 72]], np.float32)
        >>> losses.sparse_softmax_cross_entropy_with_logits(logits, np.array([1])).tolist()
        [67.0]

    Source: MindSpore `nn.SoftmaxCrossEntropyWithLogits(sparse=True)`.
    """
    return class_cost(jnp.asarray(logits), jnp.asarray(labels))


def smooth_labels(labels: Any, label_smoothing: Any, *, classes: int | None = None, axis: int = -1) -> jax.Array:
    r"""Mix class probabilities with the uniform distribution.

    .. math:: q_c = (1 - s) y_c + \frac{s}{C}

    Args:
        labels: class probabilities y; or, with `classes`, class indices, which become one-hot along a new axis. An
            invalid index gives a row of NaN.
        label_smoothing: the share s in [0, 1] of the uniform distribution.
        classes: the number of classes C, for class indices.
        axis: the axis of the classes in the result.

    Returns:
        Probabilities q of the shape of the labels, with one additional axis for class indices.

    Raises:
        ArgumentError: `label_smoothing` is outside [0, 1].
        DtypeError: `classes` is given, and the labels are not integers.

    Example:
        >>> from sporax import losses
        >>> [round(value, 3) for value in losses.smooth_labels([[0.0, 1.0]], 0.2)[0].tolist()]
        [0.1, 0.9]
        >>> losses.smooth_labels([2], 0.0, classes=3).tolist()
        [[0.0, 0.0, 1.0]]

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016.
    """
    where = "smooth_labels"
    smoothing = hyper_parameter(label_smoothing, name="label_smoothing", where=where, minimum=0, maximum=1)
    array = as_array(labels)
    array = jnp.asarray(numbers(array, jnp.float32) if classes is None else nearest_int32(array))
    if classes is not None:
        classes = _check.integer(classes, name="classes", where=where, minimum=1)
        if not jnp.issubdtype(array.dtype, jnp.integer):
            raise DtypeError(
                f"{where}: `labels` must hold integers (class indices) where `classes` is given, "
                f"but got dtype {array.dtype.name}."
            )
        valid, safe = valid_indices(array, classes)
        valid = jnp.expand_dims(valid, axis)
        array = jnp.where(valid, jax.nn.one_hot(safe, classes, axis=axis), jnp.nan)
    dtype = array.dtype if jnp.issubdtype(array.dtype, jnp.floating) else jnp.float32
    mixed = _mixed(array.astype(compute_dtype(array.dtype)), smoothing, array.shape[axis])
    return mixed.astype(dtype)


def _mixed(labels: jax.Array, smoothing: Any, classes: int) -> jax.Array:
    return (1 - smoothing) * labels + smoothing / classes


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N ...", domain="class", kind="int"),
    output="N ...",
    ignore_parameter="ignore_index",
    info=LossInfo(
        cell="CrossEntropyLoss",
        parameters={"weight": (None, EXAMPLE_CLASS_WEIGHTS), "ignore_index": (-100, 2), "label_smoothing": (0.0, 0.3)},
        like=("categorical_crossentropy", "sparse_categorical_crossentropy"),
        lower_bound=0.0,
    ),
)
def cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: UnitInterval = 0.0,
) -> jax.Array | Counted:
    r"""Cross entropy of logits with class indices, class weights, an ignored index and label smoothing.

    With p the softmax of the logits over the C classes, w the class weights, s the label smoothing and K the
    positions whose label is not `ignore_index`,

    .. math::
        \ell_i = \begin{cases}
            -(1 - s)\, w_{y_i} \log p_{i, y_i} - \frac{s}{C} \sum_c w_c \log p_{i, c} & i \in K \\
            0 & \text{else}
        \end{cases}
        \qquad \text{mean} = \frac{\sum_{i \in K} \ell_i}{\sum_{i \in K} w_{y_i}}

    The denominator of the mean does not depend on s; where it is 0 the mean is 0. Infinite logits give the limit, as in
    `softmax_cross_entropy_with_logits`, and a class of weight 0 adds nothing even where its probability is 0.

    Args:
        weight: one weight w per class, of shape (C,); None for all ones.
        label_smoothing: s in [0, 1], the share of the uniform distribution in the target.

    Example:
        >>> logits, labels = np.array([[0.0, 2.0], [0.0, 0.0], [5.0, 0.0]], np.float32), np.array([1, 0, -100])
        >>> [round(value, 4) for value in losses.cross_entropy(logits, labels, weight=[1.0, 3.0]).tolist()]
        [0.3808, 0.6931, 0.0]
        >>> round(losses.evaluate(losses.cross_entropy, logits, labels, weight=[1.0, 3.0]).item(), 4)
        0.2685

    Source: MindSpore `nn.CrossEntropyLoss`; PyTorch's `cross_entropy`.
    """
    del ignore_index  # the contract removes those positions
    logits = jnp.moveaxis(jnp.asarray(logits), 1, -1)
    return _index_loss(logits, jnp.asarray(labels), weight, label_smoothing, "cross_entropy", normalize=True)


@loss_function(
    prediction("logits", "N C ..."),
    label("labels", "N C ...", domain="distribution"),
    output="N ...",
    info=LossInfo(
        cell="CrossEntropyLoss",
        parameters={"weight": (None, EXAMPLE_CLASS_WEIGHTS), "label_smoothing": (0.0, 0.3)},
        like=("categorical_crossentropy", "softmax_cross_entropy"),
        lower_bound=0.0,
    ),
)
def soft_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None, label_smoothing: UnitInterval = 0.0
) -> jax.Array:
    r"""Cross entropy of logits with class probabilities, class weights and label smoothing.

    With p the softmax of the logits over the C classes, w the class weights and s the label smoothing,

    .. math:: \ell_i = -\sum_c w_c \left[ (1 - s)\, y_{i, c} + \frac{s}{C} \right] \log p_{i, c}

    The mean divides by the number of positions, whereas that of `cross_entropy` divides by the weights of the labels;
    for one-hot labels, the values are the same. Infinite logits give the limit, as in
    `softmax_cross_entropy_with_logits`.

    Args:
        labels: class probabilities y of the same shape. They need not sum to 1.
        weight: one weight w per class, of shape (C,); None for all ones.
        label_smoothing: s in [0, 1], the share of the uniform distribution in the target.

    Example:
        >>> values = losses.soft_cross_entropy([[0.0, 0.0]], [[0.75, 0.25]], weight=[1.0, 2.0])
        >>> [round(value, 4) for value in values.tolist()]
        [0.8664]

    Source: MindSpore `nn.CrossEntropyLoss`; PyTorch's `cross_entropy`.
    """
    logits = jnp.moveaxis(jnp.asarray(logits), 1, -1)
    classes = logits.shape[-1]
    target = _mixed(jnp.moveaxis(jnp.asarray(labels), 1, -1), label_smoothing, classes)
    if weight is not None:
        of_class = class_vector(weight, classes, logits.dtype, name="weight", where="soft_cross_entropy")
        target = target * jnp.broadcast_to(of_class, target.shape)
    return target_cost(logits, target)


@loss_function(
    prediction("logits", "N C ...", domain="log_probability"),
    label("labels", "N ...", domain="class", kind="int"),
    output="N ...",
    ignore_parameter="ignore_index",
    info=LossInfo(
        cell="NLLLoss",
        parameters={"weight": (None, EXAMPLE_CLASS_WEIGHTS), "ignore_index": (-100, 2), "label_smoothing": (0.0, 0.3)},
    ),
)
def nll_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: UnitInterval = 0.0,
) -> jax.Array | Counted:
    r"""Negative log likelihood of class indices under log probabilities.

    With x the log probabilities, w the class weights, s the label smoothing and K the positions whose label is not
    `ignore_index`,

    .. math::
        \ell_i = \begin{cases}
            -(1 - s)\, w_{y_i} x_{i, y_i} - \frac{s}{C} \sum_c w_c x_{i, c} & i \in K \\
            0 & \text{else}
        \end{cases}
        \qquad \text{mean} = \frac{\sum_{i \in K} \ell_i}{\sum_{i \in K} w_{y_i}}

    For the output of `log_softmax` it equals `cross_entropy`. A log probability of -inf at the label gives inf, unless
    its class weight is 0.

    Args:
        logits: log probabilities x of shape (N, C, ...). They are not normalized here.
        weight: one weight w per class, of shape (C,); None for all ones.
        label_smoothing: s in [0, 1], the share of the uniform distribution in the target.

    Example:
        >>> log_p = np.array([[-0.5, -1.0], [-2.0, -0.25]], np.float32)
        >>> losses.nll_loss(log_p, np.array([0, 1]), weight=[1.0, 2.0]).tolist()
        [0.5, 0.5]

    Source: MindSpore `nn.NLLLoss` and `ops.nll_loss`; PyTorch's `nll_loss`.
    """
    del ignore_index  # the contract removes those positions
    log_p = jnp.moveaxis(jnp.asarray(logits), 1, -1)
    return _index_loss(log_p, jnp.asarray(labels), weight, label_smoothing, "nll_loss", normalize=False)


def _index_loss(
    scores: jax.Array, labels: jax.Array, weight: Any, smoothing: Any, where: str, *, normalize: bool
) -> jax.Array | Counted:
    """`nll_loss`; with `normalize`, `cross_entropy`."""
    classes, dtype = scores.shape[-1], scores.dtype
    own = of_class = None
    if weight is not None:
        of_class = class_vector(weight, classes, dtype, name="weight", where=where)
        own = take_rows(of_class, labels, dtype)
    cost = class_cost(scores, labels) if normalize else 0 - take_class(scores, labels)
    if own is not None:
        cost = scaled(own, cost)
    if isinstance(smoothing, jax.Array) or smoothing != 0:
        share = jnp.ones(classes, dtype) if of_class is None else of_class
        share = jnp.broadcast_to(smoothing / classes * share, scores.shape)
        spread = target_cost(scores, share) if normalize else cross(share, scores)
        # An invalid label has no gradient.
        spread = jnp.where(valid_indices(labels, classes)[0], spread, 0)
        cost = scaled(1 - smoothing, cost) + spread
    return cost if own is None else Counted(cost, own)
