"""Losses over a sample of the classes, for when there are very many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError
from sporax._jax_compat import is_tracer
from sporax._typing import ArrayLike, Shape
from sporax.losses._contract import as_array, loss_function
from sporax.losses._indexing import take_rows
from sporax.losses._labels import check_dtype, enforce_values
from sporax.losses._row import LossRow, Size
from sporax.losses._softmax import log_softmax
from sporax.losses._spec import InputSpec, label, prediction, table

_CANDIDATES = InputSpec("sampled_candidates", ("S",), kind="int", domain="class")


class SampledValues(NamedTuple):
    """What a candidate sampler gives.

    Args:
        sampled_candidates: class indices of shape (num_sampled,).
        true_expected_count: how often each true class is expected in a sample; broadcasts to (N, num_true).
        sampled_expected_count: the same for each candidate, of shape (num_sampled,).
    """

    sampled_candidates: Any
    true_expected_count: Any
    sampled_expected_count: Any


def uniform_candidate_sampler(
    key: jax.Array, num_sampled: int, num_classes: int, *, true_shape: Shape = (1, 1)
) -> SampledValues:
    """Draw different classes, each equally likely.

    Each class is in the sample with probability num_sampled / num_classes, which is thus its exact expected
    count.

    Args:
        key: a JAX random key; the same key gives the same classes.
        num_sampled: how many classes, at most `num_classes`.
        num_classes: how many there are.
        true_shape: the shape of `true_expected_count`.

    Returns:
        Candidates (int32) and expected counts (float32).

    Raises:
        ArgumentError: more classes are asked for than there are.

    Example:
        >>> import jax
        >>> from sporax import losses
        >>> drawn = losses.uniform_candidate_sampler(jax.random.key(0), 4, 4)
        >>> sorted(drawn.sampled_candidates.tolist()), drawn.sampled_expected_count.tolist()
        ([0, 1, 2, 3], [1.0, 1.0, 1.0, 1.0])

    Source: MindSpore `ops.UniformCandidateSampler(unique=True)`, but its expected count is an estimate.
    """
    where = "uniform_candidate_sampler"
    num_sampled, num_classes = _counts(num_sampled, num_classes, where)
    classes = jax.random.permutation(key, jnp.arange(num_classes, dtype=jnp.int32))
    expected = num_sampled / num_classes
    return SampledValues(
        classes[:num_sampled],
        jnp.full(true_shape, expected, jnp.float32),
        jnp.full((num_sampled,), expected, jnp.float32),
    )


@loss_function(
    table("weights", "C D"),
    table("biases", "C"),
    label("labels", "N T?", domain="class", kind="int"),
    prediction("inputs", "N D"),
    output="N",
)
def sampled_softmax_loss(
    weights: ArrayLike,
    biases: ArrayLike,
    labels: ArrayLike,
    inputs: ArrayLike,
    *,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Sequence[Any] | None = None,
    remove_accidental_hits: bool = True,
    seed: int = 0,
    key: jax.Array | None = None,
) -> jax.Array:
    r"""Cross entropy of a softmax over the true classes and a sample of the others.

    With true classes :math:`t_1 \ldots t_T` and candidates S, every class c that takes part has the logit

    .. math:: z_c = \langle x, W_c \rangle + b_c - \log Q_c

    where Q is its expected count, and

    .. math:: \ell = -\frac{1}{T} \sum_j \log \operatorname{softmax}(z_{t_1}, \ldots, z_{t_T}, z_S)_{t_j}

    A candidate that is a true class of a row is an accidental hit; it leaves the softmax of that row. In
    compiled code a label outside [0, C) gives NaN for its row, and a candidate outside it gives NaN for all.

    Args:
        weights: class embeddings W of shape (C, D).
        biases: class biases b of shape (C,).
        labels: true classes of an integer dtype, of shape (N, num_true), or (N,) if `num_true` is 1.
        inputs: activations x of shape (N, D).
        num_sampled: how many candidates there are.
        num_classes: C.
        num_true: how many true classes a row has; each has the target probability 1 / num_true.
        sampled_values: candidates and their expected counts as a `SampledValues` or any three; drawn with
            `uniform_candidate_sampler` if None.
        remove_accidental_hits: whether accidental hits leave the softmax.
        seed: makes the key when there is none. The same seed draws the same classes at every call.
        key: a JAX random key for the draw.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: counts that do not fit `num_classes`, or an expected count that is not above 0.
        ArgumentTypeError: `sampled_values` is not a sequence of three.
        DtypeError, ShapeError, LabelError: inputs that do not fit.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> weights, biases = np.zeros((7, 2), np.float32), np.zeros(7, np.float32)
        >>> inputs, labels = np.ones((3, 2), np.float32), np.array([0, 1, 2])
        >>> given = ([3, 4, 5], [[1.0]], [1.0, 1.0, 1.0])
        >>> losses.sampled_softmax_loss(
        ...     weights, biases, labels, inputs, num_sampled=3, num_classes=7, sampled_values=given
        ... ).tolist() == [np.log(np.float32(4))] * 3
        True

    Source: Jean et al., "On Using Very Large Target Vocabulary for Neural Machine Translation", 2015;
    MindSpore `nn.SampledSoftmaxLoss`.
    """
    where = "sampled_softmax_loss"
    weights, biases = jnp.asarray(weights), jnp.asarray(biases)
    labels, inputs = jnp.asarray(labels), jnp.asarray(inputs)
    num_sampled, num_classes = _counts(num_sampled, num_classes, where)
    num_true = _check.integer(num_true, name="num_true", where=where, minimum=1)
    if num_true > num_classes:
        raise ArgumentError(f"{where}: `num_true` must be at most `num_classes` ({num_classes}), but got {num_true}.")
    if weights.shape[0] != num_classes:
        raise ShapeError(
            f"{where}: `weights` must have a row for each of the {num_classes} classes, but got shape "
            f"{weights.shape}. Set num_classes={weights.shape[0]}."
        )
    true = labels[:, None] if labels.ndim == 1 else labels
    if true.shape[1] != num_true:
        raise ShapeError(
            f"{where}: `labels` must have shape ({labels.shape[0]}, {num_true}), but got {labels.shape}. "
            f"Set num_true={true.shape[1]}."
        )

    if sampled_values is None:
        seed = _check.integer(seed, name="seed", where=where, minimum=0)
        key = jax.random.key(seed) if key is None else key
        drawn = uniform_candidate_sampler(key, num_sampled, num_classes)
    else:
        drawn = sampled_values
    sampled, true_count, sampled_count = _check_sampled(drawn, num_sampled, num_classes, true.shape, inputs.dtype)

    dtype = inputs.dtype
    true_logits = jnp.einsum("nd,ntd->nt", inputs, take_rows(weights, true, dtype)) + take_rows(biases, true, dtype)
    true_logits = true_logits - jnp.log(true_count)
    sampled_bias = take_rows(biases, sampled, dtype) - jnp.log(sampled_count)
    sampled_logits = inputs @ take_rows(weights, sampled, dtype).T + sampled_bias[None, :]
    if remove_accidental_hits:
        hits = jnp.any(true[:, :, None] == sampled[None, None, :], axis=1)
        sampled_logits = jnp.where(hits, -jnp.inf, sampled_logits)
    log_p = log_softmax(jnp.concatenate([true_logits, sampled_logits], axis=1))
    return 0 - jnp.mean(log_p[:, :num_true], axis=1)


def _counts(num_sampled: Any, num_classes: Any, where: str) -> tuple[int, int]:
    num_classes = _check.integer(num_classes, name="num_classes", where=where, minimum=1)
    num_sampled = _check.integer(num_sampled, name="num_sampled", where=where, minimum=1)
    if num_sampled > num_classes:
        raise ArgumentError(
            f"{where}: `num_sampled` must be at most `num_classes` ({num_classes}), but got {num_sampled}. "
            "Candidates are drawn without replacement."
        )
    return num_sampled, num_classes


def _check_sampled(
    given: Any, num_sampled: int, num_classes: int, true_shape: Shape, dtype: Any
) -> tuple[jax.Array, jax.Array, jax.Array]:
    where = "sampled_softmax_loss"
    if not isinstance(given, Sequence) or len(given) != 3:
        raise ArgumentTypeError(
            f"{where}: `sampled_values` must be (sampled_candidates, true_expected_count, "
            f"sampled_expected_count), but got {type(given).__name__}"
            + (f" of length {len(given)}." if isinstance(given, Sequence) else ".")
        )
    candidates, true_count, sampled_count = (as_array(value) for value in given)
    check_dtype(_CANDIDATES, candidates.dtype, where=where)
    _check_shape("sampled_candidates", candidates.shape, (num_sampled,), where)
    enforce_values(_CANDIDATES, candidates, classes=num_classes, where=where)
    _check_shape("sampled_expected_count", sampled_count.shape, (num_sampled,), where)
    if true_count.shape not in (true_shape, (true_shape[0], 1), (1, 1)):
        _check_shape("true_expected_count", true_count.shape, true_shape, where)
    for name, count in (("true_expected_count", true_count), ("sampled_expected_count", sampled_count)):
        if not is_tracer(count) and not np.all(np.asarray(count) > 0):
            raise ArgumentError(f"{where}: `{name}` must be above 0, but got {np.min(np.asarray(count))}.")
    return jnp.asarray(candidates), jnp.asarray(true_count, dtype), jnp.asarray(sampled_count, dtype)


def _check_shape(name: str, got: Shape, expected: Shape, where: str) -> None:
    if got != expected:
        raise ShapeError(f"{where}: `{name}` must have shape {expected}, but got {got}.")


ROWS = (
    LossRow(
        sampled_softmax_loss,
        "Jean et al. 2015; MindSpore nn.SampledSoftmaxLoss",
        cell="SampledSoftmaxLoss",
        parameters={
            "num_sampled": (1, 3),
            "num_classes": (Size("C"),),
            "num_true": (Size("T"),),
            "remove_accidental_hits": (True, False),
        },
        default_reduction="none",
        random=True,
    ),
)
