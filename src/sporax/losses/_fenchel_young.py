"""Fenchel-Young losses: each is made from a way to turn scores into probabilities, sparse ones among them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ArgumentTypeError
from sporax._typing import ArrayLike
from sporax.losses._contract import LossFunction, loss_function
from sporax.losses._divergence import times, xlogx
from sporax.losses._indexing import take_class
from sporax.losses._row import LossRow
from sporax.losses._spec import label, prediction
from sporax.losses._sums import sum_rows

__all__ = ["entmax15", "make_fenchel_young_loss", "sparsemax"]

MaxFunction: TypeAlias = Callable[..., Any]

_SCORES = prediction("scores", "... C")
_DISTRIBUTION = label("targets", "... C", domain="distribution")


@jax.custom_jvp
def _below_largest(scores: jax.Array) -> jax.Array:
    """Scores less the largest of their row; infinite scores that are the largest count as equal.

    Every user's result does not depend on what is subtracted, so for the derivative it is a constant.
    """
    largest = jnp.max(scores, axis=-1, keepdims=True)
    return jnp.where(scores == largest, 0, scores - largest)


@_below_largest.defjvp
def _below_largest_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return _below_largest(*primals), tangents[0]


def _support_statistics(scores: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Scores in falling order, and the counts and sums of the first 1, 2, ... of them."""
    # No class more than 1 below the largest can take part, so those need not be told apart.
    falling = -jnp.sort(-jnp.maximum(scores, -1), axis=-1)
    counts = jnp.arange(1, scores.shape[-1] + 1, dtype=scores.dtype).reshape((1,) * (scores.ndim - 1) + (-1,))
    return falling, counts, jnp.cumsum(falling, axis=-1)


def _last_of(condition: jax.Array, values: jax.Array) -> jax.Array:
    """The value at the last place where the condition, which holds for the first few of a row, is true."""
    last = jnp.maximum(jnp.sum(condition, axis=-1, keepdims=True, dtype=jnp.int32) - 1, 0)
    return jnp.take_along_axis(values, last, axis=-1)


@jax.custom_jvp
def _sparsemax(scores: jax.Array) -> jax.Array:
    scores = _below_largest(scores)
    falling, counts, sums = _support_statistics(scores)
    thresholds = (sums - 1) / counts
    return jnp.maximum(scores - _last_of(falling > thresholds, thresholds), 0)


@_sparsemax.defjvp
def _sparsemax_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    p = _sparsemax(*primals)
    inside = (p > 0).astype(p.dtype)
    tangent = inside * tangents[0]
    mean = jnp.sum(tangent, axis=-1, keepdims=True) / jnp.sum(inside, axis=-1, keepdims=True)
    return p, tangent - inside * mean


@jax.custom_jvp
def _entmax15(scores: jax.Array) -> jax.Array:
    half = _below_largest(scores) / 2
    falling, counts, sums = _support_statistics(half)
    means = sums / counts
    spread = jnp.cumsum(jnp.square(falling), axis=-1) - sums * means
    thresholds = means - jnp.sqrt(jnp.maximum(1 - spread, 0) / counts)
    return jnp.square(jnp.maximum(half - _last_of(falling >= thresholds, thresholds), 0))


@_entmax15.defjvp
def _entmax15_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    p = _entmax15(*primals)
    outside = p == 0
    root = jnp.where(outside, 0, jnp.sqrt(jnp.where(outside, 1, p)))
    tangent = root * tangents[0]
    return p, tangent - root * (jnp.sum(tangent, axis=-1, keepdims=True) / jnp.sum(root, axis=-1, keepdims=True))


def _as_scores(scores: ArrayLike) -> jax.Array:
    scores = jnp.asarray(scores)
    return scores if jnp.issubdtype(scores.dtype, jnp.floating) else scores.astype(jnp.float32)


def sparsemax(scores: ArrayLike, axis: int = -1) -> jax.Array:
    r"""The distribution nearest to the scores; unlike softmax it gives unlikely classes exactly 0.

    .. math:: \operatorname{sparsemax}(x) = \arg\min_{p \ge 0, \sum p = 1} \|p - x\|^2

    Args:
        scores: of any shape.
        axis: the axis of classes.

    Returns:
        Probabilities of the shape of the scores. The derivative is that of the classes above 0.

    Example:
        >>> from sporax import losses
        >>> losses.sparsemax([1.0, 0.5, -2.0]).tolist()
        [0.75, 0.25, 0.0]

    Source: Martins and Astudillo, "From Softmax to Sparsemax", 2016.
    """
    return jnp.moveaxis(_sparsemax(jnp.moveaxis(_as_scores(scores), axis, -1)), -1, axis)


def entmax15(scores: ArrayLike, axis: int = -1) -> jax.Array:
    r"""Between softmax and sparsemax: smooth, and 0 for classes far below the best.

    .. math:: p_c = \max(0, x_c / 2 - \tau)^2, \qquad \sum_c p_c = 1

    Args:
        scores: of any shape.
        axis: the axis of classes.

    Returns:
        Probabilities of the shape of the scores.

    Example:
        >>> from sporax import losses
        >>> [round(p, 4) for p in losses.entmax15([2.0, 2.0, -3.0]).tolist()]
        [0.5, 0.5, 0.0]

    Source: Peters, Niculae and Martins, "Sparse Sequence-to-Sequence Models", 2019.
    """
    return jnp.moveaxis(_entmax15(jnp.moveaxis(_as_scores(scores), axis, -1)), -1, axis)


class _Regularizer(NamedTuple):
    """A convex function of distributions, summed over classes, and the probabilities that it makes of scores."""

    negentropy: Callable[[jax.Array], jax.Array]
    probabilities: Callable[[jax.Array], jax.Array]


def _entmax15_negentropy(p: jax.Array) -> jax.Array:
    zero = p == 0
    return sum_rows((4 / 3) * (jnp.where(zero, 0, p * jnp.sqrt(jnp.where(zero, 1, p))) - p))[..., 0]


_REGULARIZERS = {
    "logistic": _Regularizer(lambda p: jnp.sum(xlogx(p), axis=-1), jax.nn.softmax),
    "sparsemax": _Regularizer(lambda p: 0.5 * sum_rows(p * p - p)[..., 0], _sparsemax),
    "entmax15": _Regularizer(_entmax15_negentropy, _entmax15),
}


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _conjugate(name: str, scores: jax.Array) -> jax.Array:
    """max over distributions p of <p, scores> - negentropy(p), for scores whose largest is 0."""
    if name == "logistic":
        return jnp.log(jnp.sum(jnp.exp(scores), axis=-1))
    p = _REGULARIZERS[name].probabilities(scores)
    return sum_rows(times(p, scores))[..., 0] - _REGULARIZERS[name].negentropy(p)


@_conjugate.defjvp
def _conjugate_jvp(name: str, primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    # The derivative is the probabilities themselves, exactly.
    p = _REGULARIZERS[name].probabilities(*primals)
    return _conjugate(name, *primals), sum_rows(p * tangents[0])[..., 0]


def _named(name: str, scores: jax.Array, targets: jax.Array) -> jax.Array:
    below = _below_largest(scores)
    largest = jax.lax.stop_gradient(jnp.max(scores, axis=-1))
    # Scores enter as their distance from the largest, so that those of 1e4 lose no digits. For targets that sum to 1
    # that is all; for others the largest counts by what is missing.
    rest = jnp.where(jnp.isfinite(largest), largest, 0) * (1 - sum_rows(targets)[..., 0])
    return (
        (_conjugate(name, below) - sum_rows(times(targets, below))[..., 0])
        + _REGULARIZERS[name].negentropy(targets)
        + rest
    )


def _from_function(max_fun: MaxFunction, scores: jax.Array, targets: jax.Array) -> jax.Array:
    best = jnp.vectorize(max_fun, signature="(n)->()")(scores)
    return best - sum_rows(times(targets, scores))[..., 0]


@loss_function(prediction("logits", "... C"), label("labels", "... C", domain="distribution"), output="...")
def sparsemax_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""What sparsemax probabilities are trained with, as cross entropy is for softmax.

    .. math::
        p = \operatorname{sparsemax}(x), \qquad
        \ell = \langle p - y, x \rangle + \tfrac{1}{2} (\|y\|^2 - \|p\|^2)

    It is 0 exactly where p = y, and its gradient is p - y. For class indices there is `multiclass_sparsemax_loss`,
    for single outputs `binary_sparsemax_loss`.

    Args:
        logits: scores x of shape (..., C). A score of -inf is a class that cannot be: the loss is inf if its label
            is not 0.
        labels: class probabilities y of shape (..., C).

    Returns:
        Values of shape (...).

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> from sporax import losses
        >>> losses.sparsemax_loss([[1.0, 0.5, -2.0]], [[0.75, 0.25, 0.0]]).tolist()
        [0.0]

    Source: Martins and Astudillo, "From Softmax to Sparsemax", 2016; for distributions, Blondel, Martins and
    Niculae, "Learning with Fenchel-Young Losses", 2020.
    """
    return _named("sparsemax", jnp.asarray(logits), jnp.asarray(labels))


@loss_function(
    prediction("logits", "... C"),
    label("labels", "...", domain="class", kind="int"),
    output="...",
    ignore_parameter="ignore_index",
)
def multiclass_sparsemax_loss(logits: ArrayLike, labels: ArrayLike, *, ignore_index: int | None = None) -> jax.Array:
    r"""`sparsemax_loss` for class indices.

    .. math::
        p = \operatorname{sparsemax}(x), \qquad
        \ell = \langle p, x \rangle - x_y + \tfrac{1}{2} (1 - \|p\|^2)

    It is 0 where the score of the true class is larger than every other by 1 or more. In compiled code a label
    outside [0, C) gives NaN for its row, and the row sends no gradient.

    Args:
        logits: scores x of shape (..., C).
        labels: class indices y of an integer dtype, of shape (...).
        ignore_index: a label that removes its row.

    Returns:
        Values of shape (...).

    Raises:
        DtypeError: labels that are not integers.
        ShapeError: shapes that do not fit.
        LabelError: labels outside [0, C), where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.multiclass_sparsemax_loss([[1.0, 0.5, -2.0], [3.0, 2.0, 0.0]], [1, 0]).tolist()
        [0.5625, 0.0]

    Source: Martins and Astudillo, "From Softmax to Sparsemax", 2016; optax `losses.multiclass_sparsemax_loss`.
    """
    del ignore_index  # the contract applies it
    below = _below_largest(jnp.asarray(logits))
    return _conjugate("sparsemax", below) - take_class(below, jnp.asarray(labels))


@loss_function(prediction("logits", "..."), label("labels", "...", domain="binary", kind="number"), output="...")
def binary_sparsemax_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""`sparsemax_loss` of two classes with the scores 0 and x, for each element.

    .. math::
        u = \begin{cases} -x & y = 1 \\ x & y = 0 \end{cases}, \qquad
        \ell = \begin{cases} 0 & u \le -1 \\ (u + 1)^2 / 4 & -1 < u < 1 \\ u & u \ge 1 \end{cases}

    In compiled code a label that is neither 0 nor 1 gives NaN, and sends no gradient.

    Args:
        logits: scores x of any shape.
        labels: 0 or 1, of the same shape and any real dtype.

    Returns:
        Values of the same shape.

    Raises:
        ShapeError: the shapes differ.
        LabelError: labels other than 0 and 1, where their values are known.

    Example:
        >>> from sporax import losses
        >>> losses.binary_sparsemax_loss([-3.0, 0.0, 2.0], [0, 1, 0]).tolist()
        [0.0, 0.25, 2.0]

    Source: Blondel, Martins and Niculae, "Learning with Fenchel-Young Losses", 2020; optax `losses.sparsemax_loss`.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    against = jnp.where(labels == 1, -logits, logits)
    inside = jnp.abs(against) < 1
    near = 0.25 * jnp.square(jnp.where(inside, against, 0) + 1)
    value = jnp.where(inside, near, jnp.where(against <= 0, 0, against))
    return jnp.where((labels == 0) | (labels == 1), value, jnp.nan)


@loss_function(_SCORES, _DISTRIBUTION, output="...")
def fenchel_young_loss(scores: ArrayLike, targets: ArrayLike, *, max_fun: str | MaxFunction = "logistic") -> jax.Array:
    r"""The loss that a regularised maximum brings with it.

    .. math::
        \Omega^*(x) = \max_p \langle p, x \rangle - \Omega(p), \qquad
        \ell = \Omega^*(x) + \Omega(y) - \langle y, x \rangle

    The gradient is p - y, with p the maximiser. With a name for `max_fun` p ranges over distributions, and the loss
    is 0 exactly where p = y:

    - "logistic": :math:`\Omega(p) = \sum p \log p`; p is the softmax, and the loss the Kullback-Leibler divergence.
    - "sparsemax": :math:`\Omega(p) = \frac{1}{2} \sum (p^2 - p)`; `sparsemax_loss`.
    - "entmax15": :math:`\Omega(p) = \frac{4}{3} \sum (p^{3/2} - p)`; p is `entmax15`.

    A function stands for :math:`\Omega^*` itself. What :math:`\Omega` is it does not tell, so that
    :math:`\Omega(y)`, on which no gradient for the scores depends, is left out.

    Args:
        scores: x of shape (..., C).
        targets: y of shape (..., C); one-hot rows for classes.
        max_fun: "logistic", "sparsemax", "entmax15", or a function of a vector (C,) to a number, such as
            `jax.nn.logsumexp`.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError, ArgumentTypeError: a `max_fun` that is neither one of the names nor a function.
        ShapeError: the shapes differ.

    Example:
        >>> from sporax import losses
        >>> import jax
        >>> scores, targets = [[1.0, 0.5, -2.0]], [[0.0, 1.0, 0.0]]
        >>> losses.fenchel_young_loss(scores, targets, max_fun="sparsemax").tolist()
        [0.5625]
        >>> round(losses.fenchel_young_loss(scores, targets, max_fun=jax.nn.logsumexp).item(), 4)
        1.0046

    Source: Blondel, Martins and Niculae, "Learning with Fenchel-Young Losses", 2020; a function as in optax
    `losses.make_fenchel_young_loss`.
    """
    scores, targets = jnp.asarray(scores), jnp.asarray(targets)
    if isinstance(max_fun, str):
        _check.one_of(max_fun, _REGULARIZERS, name="max_fun", where="fenchel_young_loss")
        return _named(max_fun, scores, targets)
    return _from_function(check_max_fun(max_fun, where="fenchel_young_loss"), scores, targets)


def check_max_fun(max_fun: Any, *, where: str) -> Any:
    """`max_fun` must be one of the names, or a function."""
    if isinstance(max_fun, str):
        return _check.one_of(max_fun, _REGULARIZERS, name="max_fun", where=where)
    if not callable(max_fun):
        raise ArgumentTypeError(
            f"{where}: `max_fun` must be a function or one of {', '.join(map(repr, _REGULARIZERS))}, "
            f"but got {max_fun!r} of type {type(max_fun).__name__}."
        )
    return max_fun


def make_fenchel_young_loss(max_fun: MaxFunction) -> LossFunction[...]:
    """The Fenchel-Young loss of a function, as optax makes it; see `fenchel_young_loss`.

    Args:
        max_fun: a function of scores (C,) to a number; its further arguments are given to the loss by keyword.

    Returns:
        A loss of scores (..., C) and targets (..., C), with values of shape (...).

    Raises:
        ArgumentTypeError: `max_fun` is not a function.

    Example:
        >>> from sporax import losses
        >>> import jax
        >>> loss = losses.make_fenchel_young_loss(jax.nn.logsumexp)
        >>> round(loss([[1.0, 0.5, -2.0]], [[0.0, 1.0, 0.0]]).item(), 4)
        1.0046

    Source: Blondel, Martins and Niculae, "Learning with Fenchel-Young Losses", 2020; optax
    `losses.make_fenchel_young_loss`.
    """
    check_max_fun(max_fun, where="make_fenchel_young_loss")

    @loss_function(_SCORES, _DISTRIBUTION, output="...")
    def fenchel_young_loss(scores: ArrayLike, targets: ArrayLike, **kwargs: Any) -> jax.Array:
        chosen = functools.partial(max_fun, **kwargs)
        return _from_function(chosen, jnp.asarray(scores), jnp.asarray(targets))

    return fenchel_young_loss


_SPARSEMAX = "Martins and Astudillo 2016"

ROWS = (
    LossRow(sparsemax_loss, _SPARSEMAX, cell="SparsemaxLoss"),
    LossRow(
        multiclass_sparsemax_loss,
        f"{_SPARSEMAX}; optax multiclass_sparsemax_loss",
        cell="SparsemaxLoss",
    ),
    LossRow(binary_sparsemax_loss, "Blondel et al. 2020; optax sparsemax_loss", cell="BinarySparsemaxLoss"),
    LossRow(
        fenchel_young_loss,
        "Blondel et al. 2020; optax make_fenchel_young_loss",
        cell="FenchelYoungLoss",
        parameters={"max_fun": ("logistic", "sparsemax", "entmax15")},
        like=("entmax",),
    ),
)
