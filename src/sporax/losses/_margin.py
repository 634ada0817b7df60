"""Losses that ask for a margin between the score of the truth and the others."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._typing import ArrayLike
from sporax.losses.contract._class_weights import class_vector
from sporax.losses.contract._indexing import named, valid_indices
from sporax.losses.contract._info import LossInfo, Sized
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._sums import largest, sum_rows

__all__ = [
    "categorical_hinge_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "multi_margin_loss",
    "multiclass_hinge_loss",
    "multiclass_perceptron_loss",
    "multilabel_margin_loss",
    "perceptron_loss",
    "squared_hinge_loss",
]

_TWO_CLASSES = (prediction("logits", "..."), label("labels", "...", domain="sign_or_binary", kind="number"))
_CLASSES = (prediction("logits", "... C"), label("labels", "...", domain="class", kind="int"))


@loss_function(
    prediction("logits", "..."),
    label("labels", "...", domain="sign", kind="number"),
    output="...",
    info=LossInfo(cell="HingeEmbeddingLoss", parameters={"margin": (1.0, 0.25)}, like=("torch.nn.HingeEmbeddingLoss",)),
)
def hinge_embedding_loss(logits: ArrayLike, labels: ArrayLike, *, margin: Any = 1.0) -> jax.Array:
    r"""Hinge loss of distances: similar pairs are attracted, dissimilar ones separated by a margin.

    .. math:: \ell_i = \begin{cases} x_i & y_i = 1 \\ \max(0, m - x_i) & y_i = -1 \end{cases}

    The derivative for a dissimilar pair at x = m is -1, as from below. In compiled code a label that is neither 1
    nor -1 gives NaN, and sends no gradient.

    Args:
        logits: distances x of any shape.
        labels: 1 (similar) or -1, of the same shape and any real dtype.
        margin: m, in units of the distances.

    Returns:
        Values of the shape of the logits.

    Raises:
        ShapeError: the shapes differ.
        LabelError: labels other than 1 and -1, where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.hinge_embedding_loss([0.5, 0.25, 3.0], [1, -1, -1]).tolist()
        [0.5, 0.75, 0.0]

    Source: MindSpore `nn.HingeEmbeddingLoss`; the derivative at the margin is PyTorch's.
    """
    margin = hyper_parameter(margin, name="margin", where="hinge_embedding_loss")
    logits = jnp.asarray(logits)
    # An unsigned dtype cannot be compared with -1.
    labels = jnp.asarray(labels).astype(logits.dtype)
    lacking = jnp.where(logits > margin, 0, margin - logits)
    return jnp.where(labels == 1, logits, jnp.where(labels == -1, lacking, jnp.nan))


@loss_function(
    *_TWO_CLASSES,
    output="...",
    info=LossInfo(cell="HingeLoss", like=("keras Hinge", "optax.hinge_loss"), lower_bound=0.0),
)
def hinge_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Hinge loss of binary scores.

    .. math:: \ell_i = \max(0, 1 - y_i x_i)

    The derivative at the kink is half of that beside it. In compiled code a label that is none of 1, 0, -1 gives
    NaN, and sends no gradient.

    Args:
        logits: scores x of any shape.
        labels: 1 for one class, and 0 or -1 for the other, which counts as y = -1; of the same shape.

    Returns:
        Values of the shape of the logits.

    Raises:
        ShapeError: the shapes differ.
        LabelError: labels other than 1, 0 and -1, where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.hinge_loss([0.5, 0.5, 2.0], [1, 0, 1]).tolist()
        [0.5, 1.5, 0.0]

    Source: Keras `Hinge` and optax `hinge_loss`, which take 0 and -1 labels so too, but do not mix them.
    """
    return _with_valid(labels, jnp.maximum(1 - _towards_label(logits, labels), 0))


@loss_function(
    *_TWO_CLASSES, output="...", info=LossInfo(cell="SquaredHingeLoss", like=("keras SquaredHinge",), lower_bound=0.0)
)
def squared_hinge_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Squared hinge loss of binary scores.

    .. math:: \ell_i = \max(0, 1 - y_i x_i)^2

    In compiled code a label that is none of 1, 0, -1 gives NaN, and sends no gradient.

    Args:
        logits: scores x of any shape.
        labels: 1 for one class, and 0 or -1 for the other, which counts as y = -1; of the same shape.

    Returns:
        Values of the shape of the logits.

    Raises:
        ShapeError: the shapes differ.
        LabelError: labels other than 1, 0 and -1, where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.squared_hinge_loss([0.5, 0.5, 2.0], [1, 0, 1]).tolist()
        [0.25, 2.25, 0.0]

    Source: Keras `SquaredHinge`.
    """
    return _with_valid(labels, jnp.square(jnp.maximum(1 - _towards_label(logits, labels), 0)))


@loss_function(
    *_TWO_CLASSES, output="...", info=LossInfo(cell="PerceptronLoss", like=("optax.perceptron_loss",), lower_bound=0.0)
)
def perceptron_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Perceptron loss of binary scores.

    .. math:: \ell_i = \max(0, -y_i x_i)

    The derivative at 0 is half of that beside it. In compiled code a label that is none of 1, 0, -1 gives NaN,
    and sends no gradient.

    Args:
        logits: scores x of any shape.
        labels: 1 for one class, and 0 or -1 for the other, which counts as y = -1; of the same shape.

    Returns:
        Values of the shape of the logits.

    Raises:
        ShapeError: the shapes differ.
        LabelError: labels other than 1, 0 and -1, where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.perceptron_loss([0.5, 0.5, -2.0], [1, -1, 1]).tolist()
        [0.0, 0.5, 2.0]

    Source: Rosenblatt, "The Perceptron", 1958; optax `perceptron_loss`, which knows no label 0.
    """
    return _with_valid(labels, jnp.maximum(-_towards_label(logits, labels), 0))


def _towards_label(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    logits = jnp.asarray(logits)
    return jnp.where(jnp.asarray(labels) == 1, logits, -logits)


def _with_valid(labels: ArrayLike, values: jax.Array) -> jax.Array:
    # An unsigned dtype cannot be compared with -1.
    labels = jnp.asarray(labels).astype(values.dtype)
    return jnp.where((labels == 1) | (labels == 0) | (labels == -1), values, jnp.nan)


@loss_function(
    prediction("logits", "... C"),
    label("labels", "... C", domain="distribution"),
    output="...",
    info=LossInfo(cell="CategoricalHingeLoss", like=("keras CategoricalHinge",), lower_bound=0.0),
)
def categorical_hinge_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Categorical hinge loss for one-hot labels.

    .. math:: \ell = \max\left(0, \; 1 - \sum_c y_c x_c + \max_c (1 - y_c) x_c \right)

    The highest is at least 0 for one-hot labels, as the true class counts as 0 in it. Derivatives at ties and at
    the kink are the mean over the pieces that meet.

    Args:
        logits: scores x of shape (..., C).
        labels: y, one-hot or a distribution, of shape (..., C).

    Returns:
        Values of shape (...).

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> from sporax import losses
        >>> losses.categorical_hinge_loss([[0.5, 0.25, -1.0], [3.0, 0.5, 1.0]], [[1, 0, 0], [1, 0, 0]]).tolist()
        [0.75, 0.0]

    Source: Keras `CategoricalHinge`.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    true = sum_rows(_product(labels, logits))[..., 0]
    highest = largest(_product(1 - labels, logits))[..., 0]
    return jnp.maximum(highest - true + 1, 0)


def _product(factor: jax.Array, x: jax.Array) -> jax.Array:
    """factor * x, with 0 times infinity as 0."""
    return factor * jnp.where((factor == 0) & jnp.isinf(x), 0, x)


@loss_function(
    *_CLASSES,
    output="...",
    info=LossInfo(cell="MulticlassHingeLoss", like=("optax.multiclass_hinge_loss",), lower_bound=0.0),
)
def multiclass_hinge_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Multiclass hinge loss (Crammer-Singer) for class indices.

    .. math:: \ell = \max(0, \; \max_{c \ne y} x_c + 1 - x_y)

    Derivatives at ties and at the kink are the mean over the pieces that meet. In compiled code a label outside
    [0, C) gives NaN for its row, and sends no gradient.

    Args:
        logits: scores x of shape (..., C).
        labels: class indices y of an integer dtype, of shape (...).

    Returns:
        Values of shape (...).

    Raises:
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.multiclass_hinge_loss([[0.5, 0.25, -1.0], [3.0, 0.5, 1.0]], [0, 0]).tolist()
        [0.75, 0.0]

    Source: Crammer and Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines",
    2001; optax `multiclass_hinge_loss`.
    """
    above, valid = _above_true(logits, labels, 1.0)
    return jnp.where(valid, largest(above)[..., 0], jnp.nan)


@loss_function(
    *_CLASSES,
    output="...",
    info=LossInfo(cell="MulticlassPerceptronLoss", like=("optax.multiclass_perceptron_loss",), lower_bound=0.0),
)
def multiclass_perceptron_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Multiclass perceptron loss: the highest score minus that of the true class.

    .. math:: \ell = \max_c x_c - x_y

    Derivatives at ties are the mean over the pieces that meet. In compiled code a label outside [0, C) gives NaN
    for its row, and sends no gradient.

    Args:
        logits: scores x of shape (..., C).
        labels: class indices y of an integer dtype, of shape (...).

    Returns:
        Values of shape (...).

    Raises:
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.multiclass_perceptron_loss([[0.5, 0.25, 1.0], [3.0, 0.5, 1.0]], [0, 0]).tolist()
        [0.5, 0.0]

    Source: Collins, "Discriminative Training Methods for Hidden Markov Models", 2002; optax
    `multiclass_perceptron_loss`.
    """
    above, valid = _above_true(logits, labels, 0.0)
    return jnp.where(valid, largest(above)[..., 0], jnp.nan)


@loss_function(
    *_CLASSES,
    output="...",
    info=LossInfo(
        cell="MultiMarginLoss",
        parameters={
            "p": (1, 2),
            "margin": (1.0, 0.3),
            "weight": (None, Sized(lambda sizes: [0.25 + 0.5 * at for at in range(sizes["C"])])),
        },
        like=("torch.nn.MultiMarginLoss",),
        lower_bound=0.0,
    ),
)
def multi_margin_loss(
    logits: ArrayLike, labels: ArrayLike, *, p: int = 1, margin: Any = 1.0, weight: ArrayLike | None = None
) -> jax.Array:
    r"""Multiclass margin loss, averaged over the classes.

    .. math:: \ell = \frac{w_y}{C} \sum_{c \ne y} \max(0, m - x_y + x_c)^p

    The derivative at the kink is 0. In compiled code a label outside [0, C) gives NaN for its row, and sends no
    gradient.

    Args:
        logits: scores x of shape (..., C).
        labels: class indices y of an integer dtype, of shape (...).
        p: 1 or 2.
        margin: m, in units of the scores.
        weight: w, one number for each class. The mean over samples does not divide by it.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `p` is neither 1 nor 2.
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.multi_margin_loss([[0.5, 0.25, 0.0, 2.0]], [0], margin=0.5).tolist()
        [0.5625]

    Source: MindSpore `nn.MultiMarginLoss`.
    """
    where = "multi_margin_loss"
    p = _check.one_of(_check.integer(p, name="p", where=where), (1, 2), name="p", where=where)
    margin = hyper_parameter(margin, name="margin", where=where)
    above, valid = _above_true(logits, labels, margin)
    _, safe = valid_indices(jnp.asarray(labels), above.shape[-1])
    # The derivative at 0 is 0, and NaN stays NaN.
    lacking = jnp.where(above <= 0, 0, above)
    values = sum_rows(lacking if p == 1 else jnp.square(lacking))[..., 0] / above.shape[-1]
    if weight is not None:
        values = values * class_vector(weight, above.shape[-1], above.dtype, name="weight", where=where)[safe]
    return jnp.where(valid, values, jnp.nan)


def _above_true(logits: ArrayLike, labels: ArrayLike, margin: Any) -> tuple[jax.Array, jax.Array]:
    """margin + x_c - x_y for each class, 0 for the true one; and which labels are classes."""
    logits = jnp.asarray(logits)
    valid, safe = valid_indices(jnp.asarray(labels), logits.shape[-1])
    true = jnp.take_along_axis(logits, safe[..., None], axis=-1, mode="clip")
    return jnp.where(named(safe, logits), 0, margin - true + logits), valid


@loss_function(
    prediction("logits", "... C"),
    label("labels", "... C", domain="class_or_none", kind="int"),
    output="...",
    info=LossInfo(cell="MultilabelMarginLoss", like=("torch.nn.MultiLabelMarginLoss",), lower_bound=0.0),
)
def multilabel_margin_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Multi-label margin loss over all pairs of a true and another class.

    .. math:: \ell = \frac{1}{C} \sum_{t \in y} \sum_{c \notin y} \max(0, 1 - x_t + x_c)

    The derivative at the kink is 0. A class that is listed twice counts twice. In compiled code a label outside
    [-1, C) gives NaN for its row, and sends no gradient.

    Args:
        logits: scores x of shape (..., C).
        labels: the true classes y of an integer dtype, of shape (..., C). The list ends at the first -1; what
            follows it is passed over.

    Returns:
        Values of shape (...).

    Raises:
        DtypeError: labels that are not integers.
        ShapeError: the shapes differ.
        LabelError: labels outside [-1, C), where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.multilabel_margin_loss([[0.5, 0.25, 2.0, 1.0]], [[2, 3, -1, 0]]).tolist()
        [0.1875]

    Source: MindSpore `nn.MultilabelMarginLoss`.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    classes = logits.shape[-1]
    known, safe = valid_indices(labels, classes)
    listed = jnp.cumsum(labels < 0, axis=-1) == 0
    # An unsigned dtype cannot be compared with -1.
    valid = jnp.all(known | ((labels < 0) & (labels + 1 == 0)), axis=-1)

    total = _pairs(logits, safe, listed)
    return jnp.where(valid, total / classes, jnp.nan)


@jax.custom_jvp
def _pairs(logits: jax.Array, index: jax.Array, listed: jax.Array) -> jax.Array:
    return _pairs_and_slope(logits, index, listed)[0]


@_pairs.defjvp
def _pairs_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
    total, slope = _pairs_and_slope(*primals)
    # The derivative is constant between the kinks, so the second derivative is 0.
    return total, jnp.sum(jax.lax.stop_gradient(slope) * tangents[0], axis=-1)


def _pairs_and_slope(logits: jax.Array, index: jax.Array, listed: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What true classes lack of 1 above the others, and its derivative; one true class after the other."""
    shape, classes = logits.shape, logits.shape[-1]
    x, index, listed = (each.reshape(-1, classes) for each in (logits, index, listed))
    rows = jnp.broadcast_to(jnp.arange(x.shape[0])[:, None], index.shape)
    is_true = jnp.zeros(x.shape, bool).at[rows, index].max(listed)
    true = jnp.take_along_axis(x, index, axis=-1, mode="clip")

    def one(carry: tuple[jax.Array, jax.Array], column: tuple[jax.Array, jax.Array]) -> Any:
        total, above = carry
        own, counts = column
        lacking = 1 - own[:, None] + x
        counted = counts[:, None] & ~is_true & ~(lacking <= 0)
        change = counted.astype(x.dtype)
        return (total + jnp.sum(jnp.where(counted, lacking, 0), axis=-1), above + change), -jnp.sum(change, axis=-1)

    start = (jnp.zeros(x.shape[:1], x.dtype), jnp.zeros_like(x))
    (total, slope), own = jax.lax.scan(one, start, (true.T, listed.T))
    slope = slope.at[rows, index].add(own.T)
    return total.reshape(shape[:-1]), slope.reshape(shape)
