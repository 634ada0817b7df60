"""`ops.CTCLoss`: CTC loss of scores before the softmax, with labels in a sparse matrix."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import ArgumentError, LabelError, ShapeError
from sporax._value_checks import is_known
from sporax.ops import _args
from sporax.ops._kinds import Array, Flag, Floating
from sporax.ops._loss_classes import value_and_gradient
from sporax.ops._op import op


@op(
    "ops.CTCLoss(preprocess_collapse_repeated=False, ctc_merge_repeated=True, ignore_longer_outputs_than_inputs=False)"
    "(x, labels_indices, labels_values, sequence_length)"
)
def _ctc_from_sparse(
    x: Floating,
    labels_indices: Array,
    labels_values: Array,
    sequence_length: Array,
    preprocess_collapse_repeated: Flag,
    ctc_merge_repeated: Flag,
    ignore_longer_outputs_than_inputs: Flag,
) -> tuple[jax.Array, jax.Array]:
    """CTC loss of scores and of labels in a sparse matrix; the blank is the last class.

    The blank is not a label: blanks at the end of a sequence's labels are padding. If all labels of a sequence are
    blanks, the result is the one that MindSpore documents, which differs from that of an empty target.

    Args:
        x: scores of shape (T, N, C), before the softmax.
        labels_indices: (sequence, position) of each label, of shape (M, 2).
        labels_values: the labels, of shape (M,).
        sequence_length: the number of frames of each sequence, of shape (N,).
        preprocess_collapse_repeated: whether repeated labels are merged first.
        ctc_merge_repeated: whether repeated classes of an alignment are one label.
        ignore_longer_outputs_than_inputs: whether the loss of a sequence that cannot be aligned is 0. Otherwise it is
            an error where the lengths are known, and inf in compiled code.

    Returns:
        The losses, of shape (N,), and the gradient of each with respect to the scores, of the shape of `x`.
    """
    where, frames = "CTCLoss", sequence_length
    if x.ndim != 3:
        raise ShapeError(f"ops.{where}: `x` must have shape (T, N, C), but got {x.shape}.")
    targets, lengths = _padded(labels_indices, labels_values, x.shape[1], where)
    blank = x.shape[2] - 1
    targets, lengths, only_blanks = _without_blanks(targets, lengths, blank, where)
    if preprocess_collapse_repeated:
        targets, lengths = _collapsed(targets, lengths)
    if not ignore_longer_outputs_than_inputs and is_known(frames) and is_known(lengths):
        longer = np.asarray(lengths) > np.asarray(frames)
        if longer.any():
            at = int(longer.argmax())
            raise ArgumentError(
                f"ops.{where}: a sequence must have a frame for each of its labels, but sequence {at} has "
                f"{int(frames[at])} frames and {int(lengths[at])} labels. Leave it out, or set "
                "ignore_longer_outputs_than_inputs=True."
            )
    wide = jnp.promote_types(x.dtype, jnp.float32)

    def values(scores: jax.Array) -> jax.Array:
        log_probs = losses.log_softmax(scores.astype(wide))
        if ctc_merge_repeated:
            found = losses.ctc_loss(
                log_probs,
                targets,
                frames,
                lengths,
                blank=blank,
                zero_infinity=ignore_longer_outputs_than_inputs,
            )
        else:
            found = _unmerged(log_probs, targets, frames, lengths)
            if ignore_longer_outputs_than_inputs:
                found = jnp.where(jnp.isinf(found), 0, found)
        return found.astype(x.dtype)

    found, gradient = value_and_gradient(values, x)
    if not is_known(only_blanks) or only_blanks.any():
        value, own = _of_blanks(losses.log_softmax(x.astype(wide)), frames)
        found = jnp.where(only_blanks, value.astype(x.dtype), found)
        gradient = jnp.where(only_blanks[None, :, None], own.astype(x.dtype), gradient)
    return found, gradient


def _padded(indices: jax.Array, labels: jax.Array, batch: int, where: str) -> tuple[jax.Array, jax.Array]:
    """Labels as one padded row for each sequence, and their number in each."""
    if indices.ndim != 2 or indices.shape[1] != 2 or labels.shape != indices.shape[:1]:
        raise ShapeError(
            f"ops.{where}: `labels_indices` must have shape (M, 2) and `labels_values` (M,), but got {indices.shape} "
            f"and {labels.shape}."
        )
    rows, positions = indices[:, 0], indices[:, 1]
    _args.check_indices(rows, batch, where=where, name="labels_indices[:, 0]", lowest=0)
    count = indices.shape[0]
    known = is_known(positions)
    width = (int(positions.max(initial=-1)) + 1) if known else count
    lengths = jnp.zeros(batch, jnp.int32).at[rows].add(1, mode="drop")
    ends = jnp.zeros(batch, jnp.int32).at[rows].max(positions.astype(jnp.int32) + 1, mode="drop")
    if known and is_known(rows) and not np.array_equal(lengths, ends):
        at = int(np.argmax(np.asarray(lengths) != np.asarray(ends)))
        raise ArgumentError(
            f"ops.{where}: `labels_indices` must hold the positions 0, 1, 2, ... of a sequence once each, but "
            f"sequence {at} has {int(lengths[at])} labels up to position {int(ends[at]) - 1}."
        )
    padded = jnp.zeros((batch, width), jnp.int32)
    return padded.at[rows, positions].set(labels.astype(jnp.int32), mode="drop"), lengths


def _without_blanks(
    targets: jax.Array, lengths: jax.Array, blank: int, where: str
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Targets without the blanks at the end, their lengths, and which of them had only blanks."""
    used = jnp.arange(targets.shape[1])[None] < lengths[:, None]
    is_blank = used & (targets == blank)
    before = jnp.sum(jnp.cumsum(is_blank, axis=1) == 0, axis=1, where=used, dtype=jnp.int32)
    within = jnp.any(used & ~is_blank & (jnp.cumsum(is_blank, axis=1) > 0), axis=1)
    if is_known(within) and within.any():
        raise LabelError(
            f"ops.{where}: `labels_values` must be in [0, {blank - 1}], for {blank} is the blank, but sequence "
            f"{int(within.argmax())} has it between other labels. Leave it out."
        )
    # An invalid label makes the loss of its sequence NaN.
    return jnp.where(within[:, None], -1, targets), before, (before == 0) & (lengths > 0)


def _of_blanks(log_probs: jax.Array, frames: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Loss and gradient that MindSpore documents for targets of only blanks.

    The probability is that of blanks at all frames, plus that of blanks at all but the last. The gradient is the
    softmax minus the fraction of those paths that have a blank there, which is not exactly the derivative.
    """
    at = jnp.arange(log_probs.shape[0])[:, None]
    of_blank = log_probs[..., -1]
    shorter = jnp.sum(jnp.where(at < frames[None] - 1, of_blank, 0), axis=0)
    last = jnp.sum(jnp.where(at == frames[None] - 1, of_blank, 0), axis=0)
    share = jnp.where(at == frames[None] - 1, jax.nn.sigmoid(last), 1)
    is_blank = jax.nn.one_hot(log_probs.shape[2] - 1, log_probs.shape[2], dtype=share.dtype)
    gradient = jnp.exp(log_probs) - share[..., None] * is_blank[None, None]
    live = (at < frames[None])[..., None]
    return 0 - shorter - jnp.logaddexp(last, 0), jax.lax.stop_gradient(jnp.where(live, gradient, 0))


def _collapsed(targets: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Targets in which repeated labels are merged."""
    positions = jnp.arange(targets.shape[1])[None]
    before = jnp.concatenate([targets[:, :1], targets[:, :-1]], axis=1)
    kept = (positions < lengths[:, None]) & ((targets != before) | (positions == 0))
    order = jnp.argsort(~kept, axis=1, stable=True)
    return jnp.take_along_axis(targets, order, axis=1), jnp.sum(kept, axis=1, dtype=jnp.int32)


# Under jit: in eager code a scan would be compiled again at each call.
@jax.jit
def _unmerged(log_probs: jax.Array, targets: jax.Array, frames: jax.Array, lengths: jax.Array) -> jax.Array:
    """The loss where each label takes one frame, and blanks the others; the blank is the last class."""
    batch, size = targets.shape
    never = jnp.full((batch, 1), -jnp.inf, log_probs.dtype)
    start = jnp.concatenate([jnp.zeros_like(never), jnp.broadcast_to(never, (batch, size))], axis=1)
    live = jnp.arange(log_probs.shape[0])[:, None] < frames[None]

    def step(state: jax.Array, frame: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        scores, on = frame
        of_labels = jnp.take_along_axis(scores, targets, axis=1, mode="clip")
        read = jnp.concatenate([never, state[:, :-1] + of_labels], axis=1)
        moved = _log_add(state + scores[:, -1:], read)
        return jnp.where(on[:, None], moved, state), None

    state, _ = jax.lax.scan(step, start, (log_probs, live))
    return 0 - jnp.take_along_axis(state, lengths[:, None], axis=1)[:, 0]


def _log_add(x: jax.Array, y: jax.Array) -> jax.Array:
    """log(exp(x) + exp(y)), whose gradient where both are -inf is 0."""
    largest = jax.lax.stop_gradient(jnp.maximum(x, y))
    largest = jnp.where(jnp.isneginf(largest), 0, largest)
    total = jnp.exp(x - largest) + jnp.exp(y - largest)
    return jnp.where(total == 0, -jnp.inf, largest + jnp.log(jnp.where(total == 0, 1, total)))
