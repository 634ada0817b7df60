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
from sporax.losses._divergence import times
from sporax.losses.contract._indexing import named, valid_indices
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import LossFunction, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._relative_entropy import divergence_of_masses, sum_rounding
from sporax.losses.numerics._softmax import log_softmax
from sporax.losses.numerics._sums import sum_rows
from sporax.losses.numerics._vectors import safe_sqrt

__all__ = [
    "binary_sparsemax_loss",
    "entmax15",
    "fenchel_young_loss",
    "make_fenchel_young_loss",
    "multiclass_sparsemax_loss",
    "sparsemax",
    "sparsemax_loss",
]

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
    """The value at the last position where the condition, which holds for the first few of a row, is true."""
    last = jnp.maximum(jnp.sum(condition, axis=-1, keepdims=True, dtype=jnp.int32) - 1, 0)
    return jnp.take_along_axis(values, last, axis=-1)


def _sparsemax_threshold(scores: jax.Array) -> jax.Array:
    """The number that scores, the largest of which is 0, exceed by their probabilities."""
    falling, counts, sums = _support_statistics(scores)
    thresholds = (sums - 1) / counts
    return _last_of(falling > thresholds, thresholds)


@jax.custom_jvp
def _sparsemax(scores: jax.Array) -> jax.Array:
    scores = _below_largest(scores)
    return jnp.maximum(scores - _sparsemax_threshold(scores), 0)


@_sparsemax.defjvp
def _sparsemax_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    p = _sparsemax(*primals)
    inside = (p > 0).astype(p.dtype)
    tangent = inside * tangents[0]
    mean = jnp.sum(tangent, axis=-1, keepdims=True) / jnp.sum(inside, axis=-1, keepdims=True)
    return p, tangent - inside * mean


def _entmax15_threshold(half: jax.Array) -> jax.Array:
    """The number that half the scores exceed by the square roots of their probabilities."""
    falling, counts, sums = _support_statistics(half)
    means = sums / counts
    spread = jnp.cumsum(jnp.square(falling), axis=-1) - sums * means
    thresholds = means - jnp.sqrt(jnp.maximum(1 - spread, 0) / counts)
    return _last_of(falling >= thresholds, thresholds)


@jax.custom_jvp
def _entmax15(scores: jax.Array) -> jax.Array:
    half = _below_largest(scores) / 2
    return jnp.square(jnp.maximum(half - _entmax15_threshold(half), 0))


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
    r"""Sparsemax: the Euclidean projection of scores onto the simplex.

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
    r"""1.5-entmax: a sparse, smooth alternative to softmax.

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


# The loss is Omega*(x) + Omega(y) - <y, x>, a sum that cancels where p is near y. Each function below takes scores x
# whose largest is 0, and gives the same as terms that are never below 0 for distributions y; and what a mass of 1 that
# is missing in y adds.


def _logistic_gap(scores: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    # KL(y || p), and log(sum(exp(x))) - 1.
    return divergence_of_masses(log_softmax(scores), targets), jnp.log(sum_rows(jnp.exp(scores)))[..., 0] - 1


def _sparsemax_gap(scores: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    # x = p + tau where p > 0, and below tau elsewhere:  |p - y|^2 / 2 + sum(y max(tau - x, 0)).
    tau = _sparsemax_threshold(scores)
    p = jnp.maximum(scores - tau, 0)
    return (
        sum_rows(0.5 * jnp.square(p - targets) + times(targets, jnp.maximum(tau - scores, 0)))[..., 0],
        tau[..., 0] + 0.5,
    )


def _entmax15_gap(scores: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    # x / 2 = sqrt(p) + tau:  2/3 sum((sqrt(p) - sqrt(y))^2 (sqrt(p) + 2 sqrt(y))) + sum(y max(2 tau - x, 0)).
    tau = _entmax15_threshold(scores / 2)
    root_p, root_y = jnp.maximum(scores / 2 - tau, 0), jnp.sqrt(targets)
    apart = (2 / 3) * jnp.square(root_p - root_y) * (root_p + 2 * root_y)
    return (
        sum_rows(apart + times(targets, jnp.maximum(2 * tau - scores, 0)))[..., 0],
        2 * tau[..., 0] + 4 / 3,
    )


class _Regularizer(NamedTuple):
    """A convex function Omega of distributions.

    Args:
        gap: its loss, as above.
        slope: its derivative.
        probabilities: what it makes of scores.
    """

    gap: Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
    slope: Callable[[jax.Array], jax.Array]
    probabilities: Callable[[jax.Array], jax.Array]


_REGULARIZERS = {
    # The derivative of y log y at 0, which is -inf, is set to 0.
    "logistic": _Regularizer(
        _logistic_gap, lambda y: jnp.where(y == 0, 0, jnp.log(jnp.where(y == 0, 1, y)) + 1), jax.nn.softmax
    ),
    "sparsemax": _Regularizer(_sparsemax_gap, lambda y: y - 0.5, _sparsemax),
    "entmax15": _Regularizer(_entmax15_gap, lambda y: 2 * safe_sqrt(y) - 4 / 3, _entmax15),
}


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _named(name: str, scores: jax.Array, targets: jax.Array) -> jax.Array:
    gap, offset = _REGULARIZERS[name].gap(_below_largest(scores), targets)
    largest = jnp.max(scores, axis=-1)
    # Targets that sum to 1 but for their rounding are distributions: scores of 1e4 would make much of that rounding.
    missing = 1 - sum_rows(targets)[..., 0]
    missing = jnp.where(jnp.abs(missing) <= sum_rounding(targets), 0, missing)
    rest = missing * (offset + jnp.where(jnp.isfinite(largest), largest, 0))
    return gap + jnp.where(missing == 0, 0, rest)


@_named.defjvp
def _named_jvp(
    name: str, primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    scores, targets = primals
    regularizer = _REGULARIZERS[name]
    by_targets = regularizer.slope(targets) - jnp.where((targets == 0) & jnp.isinf(scores), 0, scores)
    change = (regularizer.probabilities(scores) - targets) * tangents[0] + by_targets * tangents[1]
    return _named(name, scores, targets), jnp.sum(change, axis=-1)


def _from_function(max_fun: MaxFunction, scores: jax.Array, targets: jax.Array) -> jax.Array:
    best = jnp.vectorize(max_fun, signature="(n)->()")(scores)
    return best - sum_rows(times(targets, scores))[..., 0]


@loss_function(
    prediction("logits", "... C"),
    label("labels", "... C", domain="distribution"),
    output="...",
    info=LossInfo(cell="SparsemaxLoss", lower_bound=0.0),
)
def sparsemax_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""Fenchel-Young loss of sparsemax for class probabilities.

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
    info=LossInfo(cell="SparsemaxLoss", lower_bound=0.0),
)
def multiclass_sparsemax_loss(logits: ArrayLike, labels: ArrayLike, *, ignore_index: int | None = None) -> jax.Array:
    r"""Fenchel-Young loss of sparsemax for class indices.

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
    logits = jnp.asarray(logits)
    valid, index = valid_indices(jnp.asarray(labels), logits.shape[-1])
    return jnp.where(valid, _named("sparsemax", logits, named(index, logits).astype(logits.dtype)), jnp.nan)


@loss_function(
    prediction("logits", "..."),
    label("labels", "...", domain="binary", kind="number"),
    output="...",
    info=LossInfo(cell="BinarySparsemaxLoss", lower_bound=0.0),
)
def binary_sparsemax_loss(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    r"""`sparsemax_loss` of two classes with the scores 0 and x, elementwise.

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


@loss_function(
    _SCORES,
    _DISTRIBUTION,
    output="...",
    info=LossInfo(
        cell="FenchelYoungLoss",
        parameters={"max_fun": ("logistic", "sparsemax", "entmax15")},
        like=("entmax",),
        lower_bound=0.0,
    ),
)
def fenchel_young_loss(scores: ArrayLike, targets: ArrayLike, *, max_fun: str | MaxFunction = "logistic") -> jax.Array:
    r"""Fenchel-Young loss of a regularized maximum.

    .. math::
        \Omega^*(x) = \max_p \langle p, x \rangle - \Omega(p), \qquad
        \ell = \Omega^*(x) + \Omega(y) - \langle y, x \rangle

    The gradient is p - y, with p the maximiser. With a name for `max_fun` p ranges over distributions, and the loss
    is 0 exactly where p = y:

    - "logistic": :math:`\Omega(p) = \sum p \log p`; p is the softmax, and the loss the Kullback-Leibler divergence.
    - "sparsemax": :math:`\Omega(p) = \frac{1}{2} \sum (p^2 - p)`; `sparsemax_loss`.
    - "entmax15": :math:`\Omega(p) = \frac{4}{3} \sum (p^{3/2} - p)`; p is `entmax15`.

    A function stands for :math:`\Omega^*` itself. What :math:`\Omega` is it does not tell, so that
    :math:`\Omega(y)`, on which no gradient for the scores depends, is ignored.

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
    """Return the Fenchel-Young loss of a function, as optax does; see `fenchel_young_loss`.

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
