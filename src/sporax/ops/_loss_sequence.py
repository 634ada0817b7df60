"""Losses of sequences as ops, and the greedy CTC decoder."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import ShapeError
from sporax.ops import _args
from sporax.ops._kinds import Array, Flag, Floating
from sporax.ops._loss_classes import value_and_gradient
from sporax.ops._loss_op import loss_op
from sporax.ops._op import op, signature


def _ctc(
    log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, *, blank: int, reduction: str, **options: Any
) -> tuple[jax.Array, jax.Array]:
    """The loss and the forward recursion, of a batch or of one sequence."""
    log_probs = _args.as_floating(log_probs)
    labels, frames, lengths = (_args.as_array(each) for each in (targets, input_lengths, target_lengths))
    single = log_probs.ndim == 2
    if single:
        log_probs, labels = log_probs[:, None], jnp.atleast_2d(labels)
        frames, lengths = jnp.atleast_1d(frames), jnp.atleast_1d(lengths)
    arrays = log_probs, labels, frames, lengths
    normalized = reduction == "mean"
    loss = losses.evaluate(
        losses.ctc_loss, *arrays, reduction=reduction, blank=blank, length_normalized=normalized, **options
    )
    alpha = jax.lax.stop_gradient(losses.ctc_log_alpha(*arrays, blank=blank))
    return (loss[0] if single and reduction == "none" else loss), (alpha[0] if single else alpha)


_CTC_RETURNS = """
        The loss; and the log probabilities of the forward recursion, of shape (N, T, 2 S + 1), which have no gradient.
        They are -inf where no alignment starts, and beyond the lengths.
"""

ctc_loss = loss_op(
    losses.ctc_loss,
    "ops.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction='mean', zero_infinity=False)",
    doc=rf"""
    Negative log likelihood of a sequence of labels given the frames, summed over all alignments.

    .. math:: -\ln \sum_{{\pi \in \mathcal{{B}}^{{-1}}(y)}} \prod_t p_t(\pi_t)

    "mean" divides each value by the length of its target (by 1 for an empty one) before it averages over the batch. In
    compiled code an invalid length or label gives NaN for its sequence.

    Args:
        log_probs: log probabilities of shape (T, N, C), or (T, C) for one sequence.
        input_lengths: the number of frames of each sequence, a Tensor of shape (N,) or a tuple.
        target_lengths: the number of labels of each sequence, a Tensor of shape (N,) or a tuple.

    Returns:{_CTC_RETURNS}
    Examples:
        >>> import numpy as np
        >>> from sporax import ops, Tensor
        >>> log_probs = Tensor(np.log(np.full((3, 1, 2), 0.5, np.float32)))
        >>> loss, log_alpha = ops.ctc_loss(log_probs, Tensor([[1]]), (3,), (1,), reduction="none")
        >>> print(loss.exp(), log_alpha.shape)  # 8 / 6
        [1.3333333] (1, 3, 3)

    Source: Graves et al., "Connectionist Temporal Classification", 2006; `ops.ctc_loss` of MindSpore.
    """,
    compute=_ctc,
)


def _ctc_unreduced(*inputs: Any, reduction: str, where: str, **options: Any) -> tuple[jax.Array, jax.Array]:
    losses.check_reduction(reduction, where=where, allowed=("none",))
    return _ctc(*inputs, reduction=reduction, where=where, **options)


loss_op(
    losses.ctc_loss,
    "ops.CTCLossV2(blank=0, reduction='none', zero_infinity=False)(log_probs, targets, input_lengths, target_lengths)",
    doc=f"""
    Args:
        reduction: "none".

    Returns:{_CTC_RETURNS}
    """,
    compute=_ctc_unreduced,
)


def _rnnt(logits: Any, *others: Any, **options: Any) -> tuple[jax.Array, jax.Array]:
    arrays = [_args.as_array(each) for each in others]
    return value_and_gradient(
        lambda x: losses.evaluate(losses.rnnt_loss, x, *arrays, **options), _args.as_floating(logits)
    )


loss_op(
    losses.rnnt_loss,
    signature(
        "ops.RNNTLoss(blank_label=0)(acts, labels, input_lengths, label_lengths)",
        rename={"blank_label": "blank"},
        reduction="none",
    ),
    doc="""
    Returns:
        The loss of each sequence, of shape (N,), and its gradient with respect to `logits`.
    """,
    compute=_rnnt,
)


@op(
    "ops.ctc_greedy_decoder(inputs, sequence_length, merge_repeated=True)",
    "ops.CTCGreedyDecoder(merge_repeated=True)(inputs, sequence_length)",
)
def ctc_greedy_decoder(
    inputs: Floating, sequence_length: Array, merge_repeated: Flag
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """The class with the maximum score at each frame, decoded to labels; the blank is the last class.

    The number of labels depends on the values, so this op runs eagerly.

    Args:
        inputs: Tensor of scores, of shape (T, N, C).
        sequence_length: the number of frames of each sequence, of shape (N,).
        merge_repeated: whether repeated classes are one label.

    Returns:
        A sparse matrix and a Tensor: (sequence, position) of each label, of shape (M, 2), int64; the labels, of shape
        (M,), int64; the shape of the matrix (batch size and maximum number of labels), int64; and the negative sum of
        the maximum scores of each sequence, of shape (N, 1).

    Raises:
        ShapeError: inputs that do not fit.
        OutOfRangeError: a length above T.

    Examples:
        >>> scores = Tensor([[[0.1, 0.9, 0.0]], [[0.0, 0.8, 0.1]], [[0.0, 0.0, 0.7]], [[0.6, 0.0, 0.0]]])
        >>> indices, labels, shape, cost = ops.ctc_greedy_decoder(scores, Tensor([4]))
        >>> print(labels, shape)
        [1 0] [1 2]
    """
    if inputs.ndim != 3 or sequence_length.shape != inputs.shape[1:2]:
        raise ShapeError(
            "ops.ctc_greedy_decoder: `inputs` must have shape (T, N, C) and `sequence_length` (N,), but got "
            f"{inputs.shape} and {sequence_length.shape}."
        )
    frames, batch, classes = inputs.shape
    _args.check_indices(sequence_length, frames + 1, where="ctc_greedy_decoder", name="sequence_length", lowest=0)
    live = jnp.arange(frames)[:, None] < sequence_length[None]
    cost = 0 - jnp.sum(jnp.where(live, jnp.max(inputs, axis=2), 0), axis=0)[:, None]
    best, counts = np.asarray(jnp.argmax(inputs, axis=2)), np.asarray(sequence_length)
    rows = []
    for index in range(batch):
        path = best[: counts[index], index]
        if merge_repeated and path.size:
            path = path[np.concatenate([[True], path[1:] != path[:-1]])]
        rows.append(path[path != classes - 1])
    pairs = [(index, position) for index, row in enumerate(rows) for position in range(len(row))]
    longest = max((len(row) for row in rows), default=0)
    return (
        jnp.asarray(np.array(pairs, np.int64).reshape(-1, 2)),
        jnp.asarray(np.concatenate([np.zeros(0, np.int64), *rows]).astype(np.int64)),
        jnp.asarray(np.array([batch, longest], np.int64)),
        cost,
    )
