"""The cross entropy of a linear layer over very many classes, whose logits are never held all at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from sporax import _check
from sporax._errors import ArgumentError
from sporax._typing import ArrayLike
from sporax.losses.contract._arrays import apply_weights, as_array, compute_dtype, nearest_int32
from sporax.losses.contract._class_weights import class_vector
from sporax.losses.contract._convention import documentation_with_keywords, evaluate_keywords
from sporax.losses.contract._indexing import kept_labels, valid_indices
from sporax.losses.contract._info import EXAMPLE_CLASS_WEIGHTS, LossInfo, Sized, register
from sporax.losses.contract._labels import check_dtype, enforce_values
from sporax.losses.contract._loss_function import Reduced, hyper_parameter, loss_function
from sporax.losses.contract._reduce import FUNCTION_REDUCTIONS, divide
from sporax.losses.contract._spec import InputSpec, label, prediction, table
from sporax.losses.numerics._linear_rows import Plan, Rows, Terms, total_of, values_of

__all__ = ["LinearCrossEntropyStats", "linear_cross_entropy"]

_WHERE = "linear_cross_entropy"
_LEAST_ROWS = 128
_ELEMENTS, _ELEMENTS_OF_CPU = 2**28, 3 * 2**22
# On a CPU the derivatives of this number of classes stay in the cache between the products; measured on 2 cores.
_BLOCK_OF_CPU = 1024


class LinearCrossEntropyStats(NamedTuple):
    """Statistics of each row that `linear_cross_entropy` returns with `return_stats`; they have no gradient.

    Args:
        log_sum_exp: logarithm of the sum of exp(logits), of the shape of the labels; 0 for a row that is ignored.
        argmax: the class of the largest logit, the first of them where several are; -1 for a row that is ignored.
        accuracy: the share of the rows not left out whose label is that class; 0 if there are none.
    """

    log_sum_exp: jax.Array
    argmax: jax.Array
    accuracy: jax.Array


def linear_cross_entropy(
    hidden: ArrayLike,
    weight: ArrayLike,
    labels: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int | None = -100,
    label_smoothing: Any = 0.0,
    softcap: Any = None,
    z_loss: Any = 0.0,
    return_stats: bool = False,
    chunk_size: int | None = None,
    axis_name: str | None = None,
    reduction: str = "none",
    weights: ArrayLike | None = None,
) -> Any:
    r"""Linear layer and cross entropy of its logits in one, without materializing all logits.

    With the logits :math:`z = x W^\top + b`, or :math:`\kappa \tanh(z / \kappa)` of them under a `softcap`
    :math:`\kappa`, p their softmax over the V classes, w the class weights, s the label smoothing and
    :math:`\lambda` the coefficient `z_loss`,

    .. math::
        \ell_i = -(1 - s)\, w_{y_i} \log p_{i, y_i} - \frac{s}{V} \sum_c w_c \log p_{i, c}
        + \lambda \Big( \log \sum_c e^{z_{i, c}} \Big)^2

    It is `cross_entropy` of the logits, plus `z_loss`, with the same mean: over the sum of :math:`w_{y_i}` of the
    rows that are not left out. A row is ignored by the label `ignore_index` or a weight of 0.

    Rows are processed in chunks. With a scalar `reduction` the gradients for `hidden`, `weight` and `bias` are computed
    in the same pass as the value: three matrix products, none of them twice. With "none" the cotangent of each value is
    not known then, so the logits of a chunk are computed again in the backward pass: `.mean()` of the values is slower
    than `reduction="mean"`. Matrices are multiplied in the dtype of the inputs, with sums in float32 at least;
    log-sum-exp and the gradient of the weight are added up in float32.

    Reverse and forward mode and second derivatives work for every reduction; a second derivative computes the logits
    again, by chunks.

    With `axis_name`, inside `jax.shard_map`, the classes are spread over a mesh axis: `weight`, `bias` and
    `class_weight` are this device's shards, in order, the other inputs are the same on all devices of the axis, and
    labels count through all shards. A chunk costs one all-reduce of a few numbers a row (its largest logit, sum,
    target; a second one for the integers of `return_stats`), and the gradient for `hidden` one more in all. Classes
    that do not divide by the devices are filled up with rows whose bias is -inf and, under label smoothing, whose class
    weight is 0; s / V counts them.

    Args:
        hidden: activations x of shape (..., H).
        weight: W of shape (V, H).
        labels: class indices y of an integer dtype, of shape (...). In compiled code one that is no class gives NaN
            for its row, with no gradient.
        bias: b of shape (V,), or None.
        class_weight: one weight w a class, of shape (V,); None for all ones.
        ignore_index: an ignored label; or None.
        label_smoothing: s in [0, 1].
        softcap: the largest size of a logit; None for no cap.
        z_loss: lambda, at least 0.
        return_stats: whether to give statistics of the rows too.
        chunk_size: how many rows at a time. By default so many that their logits take 48 MiB in float32 on a CPU and
            1 GiB elsewhere, but 128 at least.
        axis_name: the mesh axis over which the classes are spread.

    Returns:
        Values of the shape of the labels, in the dtype of `hidden` and `weight` together; with `return_stats` a pair of
        that and `LinearCrossEntropyStats`.

    Raises:
        ArgumentError: a number out of range, or an unknown reduction.
        DtypeError, ShapeError: inputs that do not fit.
        LabelError: a label that is no class, where values are known.

    Example:
        >>> import jax, numpy as np
        >>> from sporax import losses
        >>> x, y = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]], np.float32), np.array([0, 1, -100])
        >>> w = np.eye(2, dtype=np.float32)
        >>> [round(value, 4) for value in losses.linear_cross_entropy(x, w, y).tolist()]
        [0.3133, 0.1269, 0.0]
        >>> slope = jax.grad(lambda w: losses.linear_cross_entropy(x, w, y, reduction="mean"))(w)
        >>> [[round(value, 4) for value in row] for row in slope.tolist()]
        [[-0.1345, 0.1192], [0.1345, -0.1192]]

    Source: PyTorch's `linear_cross_entropy`; Hsu et al., "Liger Kernel: Efficient Triton Kernels for LLM Training",
    2024; the cap: Gemma Team, "Gemma 2: Improving Open Language Models at a Practical Size", 2024.
    """
    _check.one_of(reduction, FUNCTION_REDUCTIONS, name="reduction", where=_WHERE)
    _check.is_type(return_stats, bool, name="return_stats", where=_WHERE)
    params = {
        "bias": bias,
        "class_weight": class_weight,
        "label_smoothing": label_smoothing,
        "softcap": softcap,
        "z_loss": z_loss,
        "chunk_size": chunk_size,
    }
    inputs = hidden, weight, labels
    if axis_name is None:
        loss, params["ignore_index"] = _LOSS, ignore_index
    else:
        loss, params["axis_name"] = _SPREAD, axis_name
        inputs, weights = _spread(*inputs, weights, ignore_index, axis_name)
    if not return_stats:
        return evaluate_keywords(loss, inputs, params, reduction, weights, _WHERE)
    found, dtype = loss.reduced(inputs, params | {"return_stats": True}, weights, reduction, _WHERE)
    return found.result.astype(dtype), found.extra


class _Given(NamedTuple):
    """The arguments with one axis of rows."""

    plan: Plan
    x: jax.Array
    w: jax.Array
    b: jax.Array | None
    terms: Terms
    labels: jax.Array
    shape: tuple[int, ...]


def _flat(
    hidden: Any,
    weight: Any,
    labels: Any,
    *,
    bias: Any = None,
    class_weight: Any = None,
    label_smoothing: Any = 0.0,
    softcap: Any = None,
    z_loss: Any = 0.0,
    chunk_size: Any = None,
    axis_name: str | None = None,
    argmax: bool = False,
) -> _Given:
    x, w, labels = (jnp.asarray(each) for each in (hidden, weight, labels))
    dtype = jnp.result_type(x, w)
    dtype = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.float32
    x, w, acc = x.astype(dtype), w.astype(dtype), compute_dtype(dtype)
    smoothing = hyper_parameter(label_smoothing, name="label_smoothing", where=_WHERE, minimum=0, maximum=1)
    penalty = hyper_parameter(z_loss, name="z_loss", where=_WHERE, minimum=0)
    if softcap is not None:
        softcap = hyper_parameter(softcap, name="softcap", where=_WHERE, minimum=0, open_minimum=True)
    classes = w.shape[0]

    def used(value: Any, unused: Any) -> jax.Array | None:
        return jnp.asarray(value, acc) if isinstance(value, jax.Array) or value != unused else None

    terms = Terms(
        None if class_weight is None else class_vector(class_weight, classes, acc, name="class_weight", where=_WHERE),
        used(smoothing, 0),
        used(softcap, None),
        used(penalty, 0),
    )
    b = None if bias is None else class_vector(bias, classes, acc, name="bias", where=_WHERE)
    shape = labels.shape
    rows = _rows_at_once(labels.size, classes, chunk_size)
    return _Given(
        Plan(rows, _BLOCK_OF_CPU if _on_cpu() else 0, axis_name, argmax),
        x.reshape(-1, x.shape[-1]),
        w,
        b,
        terms,
        labels.reshape(-1),
        shape,
    )


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


def _rows_at_once(count: int, classes: int, chunk_size: Any) -> int:
    if chunk_size is not None:
        return min(_check.integer(chunk_size, name="chunk_size", where=_WHERE, minimum=1), max(count, 1))
    most = max(_LEAST_ROWS, (_ELEMENTS_OF_CPU if _on_cpu() else _ELEMENTS) // classes)
    # Chunks of one size, so that little is left to fill up.
    return -(-count // max(-(-count // most), 1)) if count else 1


def _values(hidden: Any, weight: Any, labels: Any, *, ignore_index: Any = -100, **params: Any) -> jax.Array:
    del ignore_index  # the contract removes those rows
    given = _flat(hidden, weight, labels, **params)
    return values_of(*given[:-1]).values.reshape(given.shape)


def _reduced(
    hidden: Any,
    weight: Any,
    labels: Any,
    *,
    factor: jax.Array | None,
    reduction: str,
    return_stats: bool = False,
    **params: Any,
) -> Reduced:
    given = _flat(hidden, weight, labels, argmax=return_stats, **params)
    acc = compute_dtype(given.x.dtype)
    if factor is None:
        factor = jnp.ones(given.shape, acc)
    factor = jnp.broadcast_to(factor, given.shape).reshape(-1)
    count = _denominator(given, factor)
    if reduction == "none":
        rows = values_of(*given[:-1])
        result = apply_weights(rows.values, factor).reshape(given.shape)
    else:
        # Divided beforehand, so that the gradients come out of the pass as they are.
        scale = divide(factor, jnp.broadcast_to(count, factor.shape)) if reduction == "mean" else factor
        result, rows = total_of(given.plan, given.x, given.w, given.b, scale, given.terms, given.labels)
    return Reduced(result, count, _stats(given, factor, rows) if return_stats else None)


def _denominator(given: _Given, factor: jax.Array) -> jax.Array:
    """The sum of the class weights of the rows that are not left out."""
    plan, of_class = given.plan, given.terms.class_weight
    if of_class is None:
        return jnp.sum(factor != 0, dtype=jnp.int32).astype(factor.dtype)
    labels, classes = given.labels, of_class.shape[0]
    if plan.axis_name is not None:
        labels = labels - lax.axis_index(plan.axis_name) * classes
    here, index = valid_indices(labels, classes)
    own = jnp.sum(jnp.where(here & (factor != 0), jnp.take(of_class, index, mode="clip"), 0))
    return own if plan.axis_name is None else lax.psum(own, plan.axis_name)


def _stats(given: _Given, factor: jax.Array, rows: Rows) -> LinearCrossEntropyStats:
    kept = factor != 0
    assert rows.argmax is not None
    argmax = jnp.where(kept, rows.argmax, -1)
    right = jnp.sum((argmax == given.labels) & kept, dtype=jnp.int32)
    accuracy = divide(right.astype(factor.dtype), jnp.sum(kept, dtype=jnp.int32).astype(factor.dtype))
    log_sum_exp = jnp.where(kept, rows.log_sum_exp, 0)
    return LinearCrossEntropyStats(log_sum_exp.reshape(given.shape), argmax.reshape(given.shape), accuracy)


_LABELS = InputSpec("labels", ("...",), "int", "class", "label")


def _spread(
    hidden: Any, weight: Any, labels: Any, weights: Any, ignore_index: int | None, axis_name: str
) -> tuple[tuple[Any, ...], Any]:
    """What the contract does, for labels that count through the shards of all devices."""
    labels = as_array(labels)
    check_dtype(_LABELS, labels.dtype, where=_WHERE)
    if ignore_index is not None:
        kept = kept_labels(labels, _check.integer(ignore_index, name="ignore_index", where=_WHERE))
        weights = kept.astype(jnp.float32) * (1.0 if weights is None else jnp.asarray(as_array(weights)))
        labels = jnp.where(kept, nearest_int32(labels), 0)
    shape = jnp.shape(as_array(weight))
    if len(shape) == 2:
        try:
            enforce_values(_LABELS, labels, classes=shape[0] * lax.axis_size(axis_name), where=_WHERE)
        except NameError as error:
            raise ArgumentError(
                f"{_WHERE}: there is no mesh axis {axis_name!r} here. `axis_name` is for use inside jax.shard_map."
            ) from error
    return (hidden, weight, labels), weights


_values.__name__ = _WHERE

_HIDDEN, _TABLE = prediction("hidden", "... D", as_given=True), table("weight", "C D")
_LOSS: Any = loss_function(
    _HIDDEN,
    _TABLE,
    label("labels", "...", domain="class", kind="int"),
    output="...",
    ignore_parameter="ignore_index",
    reduced=_reduced,
)(_values)
_SPREAD: Any = loss_function(
    _HIDDEN, _TABLE, label("labels", "...", domain="nonnegative", kind="int"), output="...", reduced=_reduced
)(_values)

linear_cross_entropy.__dict__.update(
    {name: getattr(_LOSS, name) for name in _LOSS.__dict__ if name not in ("__wrapped__", "__signature__")}
)
linear_cross_entropy.__dict__["itself"] = linear_cross_entropy
linear_cross_entropy.__doc__ = documentation_with_keywords(linear_cross_entropy.__doc__, single=False)

_BIAS = Sized(lambda sizes: [0.3 - 0.2 * at for at in range(sizes["C"])])

register(
    linear_cross_entropy,
    LossInfo(
        cell="LinearCrossEntropyLoss",
        parameters={
            "bias": (None, _BIAS),
            "class_weight": (None, EXAMPLE_CLASS_WEIGHTS),
            "ignore_index": (-100, 2),
            "label_smoothing": (0.0, 0.3),
            "softcap": (None, 2.0),
            "z_loss": (0.0, 0.01),
            "chunk_size": (None, 2),
        },
        like=("fused_linear_cross_entropy", "cut_cross_entropy"),
        lower_bound=0.0,
    ),
)
