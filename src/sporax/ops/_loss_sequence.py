"""Losses of sequences as ops, and the decoder that goes with them; `sporax.losses` does the mathematics."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import ShapeError
from sporax.ops._args import Array, as_array, as_floating, check_indices
from sporax.ops._base import op


def value_and_slope(function: Any, x: Array) -> tuple[Array, Array]:
    """The values of samples that do not depend on each other, and the gradient of each by its own part of x."""
    values, pull = jax.vjp(function, x)
    return values, jax.lax.stop_gradient(pull(jnp.ones_like(values))[0])


@op
def ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> tuple[Array, Array]:
    r"""How unlikely frames make a sequence of labels, over all ways to align the two.

    .. math:: -\ln \sum_{\pi \in \mathcal{B}^{-1}(y)} \prod_t p_t(\pi_t)

    "mean" divides each value by the length of its target (by 1 for an empty one) before it averages over the batch.

    Args:
        log_probs: Tensor of log probabilities, of shape (T, N, C), or (T, C) for one sequence.
        targets: labels of an integer dtype, of shape (N, S) with padding, or all in a row, of shape
            (sum of `target_lengths`,).
        input_lengths: how many frames each has; a Tensor of shape (N,) or a tuple.
        target_lengths: how many labels each has; a Tensor of shape (N,) or a tuple.
        blank: the class that stands for no label.
        reduction: "none", "mean" or "sum".
        zero_infinity: whether a target that cannot be aligned counts 0, and not inf.

    Returns:
        The loss, a Tensor of shape (N,) ("none") or of no axis; and the log probabilities of the forward recursion, of
        shape (N, T, 2 S + 1), which send no gradient. -inf stands where no alignment begins so, and beyond the
        lengths.

    Raises:
        DtypeError, ShapeError: inputs that do not fit.
        LabelError: a length or label out of range, where values are known; in compiled code that sequence is NaN.
        ArgumentError: an unknown reduction, or a blank that is no class.

    Examples:
        >>> import numpy as np
        >>> from sporax import ops, Tensor
        >>> log_probs = Tensor(np.log(np.full((3, 1, 2), 0.5, np.float32)))
        >>> loss, log_alpha = ops.ctc_loss(log_probs, Tensor([[1]]), (3,), (1,), reduction="none")
        >>> print(loss.exp(), log_alpha.shape)  # 8 / 6
        [1.3333333] (1, 3, 3)

    Source: Graves et al., "Connectionist Temporal Classification", 2006; `ops.ctc_loss` of MindSpore.
    """
    return ctc(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity, "ops.ctc_loss")


def ctc(
    log_probs: Array,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int,
    reduction: str,
    zero_infinity: bool,
    where: str,
) -> tuple[Array, Array]:
    """The loss and the forward recursion, of a batch or of one sequence."""
    log_probs = as_floating(log_probs)
    labels, frames, lengths = (as_array(each) for each in (targets, input_lengths, target_lengths))
    single = log_probs.ndim == 2
    if single:
        log_probs, labels = log_probs[:, None], jnp.atleast_2d(labels)
        frames, lengths = jnp.atleast_1d(frames), jnp.atleast_1d(lengths)
    arrays = log_probs, labels, frames, lengths
    loss = losses.evaluate(
        losses.ctc_loss,
        *arrays,
        reduction=reduction,
        where=where,
        blank=blank,
        zero_infinity=zero_infinity,
        length_normalized=reduction == "mean",
    )
    alpha = jax.lax.stop_gradient(losses.ctc_log_alpha(*arrays, blank=blank))
    return (loss[0] if single and reduction == "none" else loss), (alpha[0] if single else alpha)


@op
def ctc_greedy_decoder(
    inputs: Array, sequence_length: Array, merge_repeated: bool = True
) -> tuple[Array, Array, Array, Array]:
    """The class of the highest score at each frame, read as labels; the blank is the last class.

    The number of labels depends on the values, so this op runs eagerly.

    Args:
        inputs: Tensor of scores, of shape (T, N, C).
        sequence_length: how many frames each sequence has, of shape (N,).
        merge_repeated: whether equal classes in a row are one label.

    Returns:
        A sparse matrix and a Tensor: (sequence, place) of each label, of shape (M, 2), int64; the labels, of shape
        (M,), int64; the matrix's shape, the batch and the longest sequence of labels, int64; and minus the sum of the
        highest scores of each sequence, of shape (N, 1).

    Raises:
        ShapeError: inputs that do not fit.
        OutOfRangeError: a length above T.

    Examples:
        >>> from sporax import ops, Tensor
        >>> scores = Tensor([[[0.1, 0.9, 0.0]], [[0.0, 0.8, 0.1]], [[0.0, 0.0, 0.7]], [[0.6, 0.0, 0.0]]])
        >>> indices, labels, shape, cost = ops.ctc_greedy_decoder(scores, Tensor([4]))
        >>> print(labels, shape)
        [1 0] [1 2]

    Source: `ops.ctc_greedy_decoder` of MindSpore.
    """
    x, lengths = as_floating(inputs), as_array(sequence_length)
    if x.ndim != 3 or lengths.shape != x.shape[1:2]:
        raise ShapeError(
            "ops.ctc_greedy_decoder: `inputs` must have shape (T, N, C) and `sequence_length` (N,), but got "
            f"{x.shape} and {lengths.shape}."
        )
    frames, batch, classes = x.shape
    check_indices(lengths, frames + 1, where="ctc_greedy_decoder", name="sequence_length", lowest=0)
    live = jnp.arange(frames)[:, None] < lengths[None]
    cost = 0 - jnp.sum(jnp.where(live, jnp.max(x, axis=2), 0), axis=0)[:, None]
    best, counts = np.asarray(jnp.argmax(x, axis=2)), np.asarray(lengths)
    rows = []
    for at in range(batch):
        path = best[: counts[at], at]
        if merge_repeated and path.size:
            path = path[np.concatenate([[True], path[1:] != path[:-1]])]
        rows.append(path[path != classes - 1])
    pairs = [(at, place) for at, row in enumerate(rows) for place in range(len(row))]
    longest = max((len(row) for row in rows), default=0)
    return (
        jnp.asarray(np.array(pairs, np.int64).reshape(-1, 2)),
        jnp.asarray(np.concatenate([np.zeros(0, np.int64), *rows]).astype(np.int64)),
        jnp.asarray(np.array([batch, longest], np.int64)),
        cost,
    )
