"""Connectionist temporal classification: sequences whose labels are not aligned to their frames."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax._typing import ArrayLike
from sporax._value_checks import is_known
from sporax.losses.contract import Flag, LossInfo, Sized, label, loss_function, prediction
from sporax.losses.contract._arrays import as_array, nearest_int32
from sporax.losses.contract._lengths import take_lengths, take_targets
from sporax.losses.numerics._logspace import centred, log_add

__all__ = ["ctc_log_alpha", "ctc_loss", "pad_targets"]


def _examples(rng: np.random.Generator, sizes: Mapping[str, int], dtype: Any) -> list[np.ndarray]:
    """Sequences that have an alignment; the first and the last class can be the blank."""
    frames, batch, classes, longest = sizes["L"], sizes["N"], sizes["C"], sizes["S"]
    raw = rng.uniform(0.1, 1.0, (frames, batch, classes))
    log_probs = np.log(raw / raw.sum(-1, keepdims=True)).astype(dtype)
    targets = rng.integers(1, classes - 1, (batch, longest)).astype(np.int32)
    target_lengths = rng.integers(0, longest + 1, batch).astype(np.int32)
    targets[np.arange(longest) >= target_lengths[:, None]] = -1
    input_lengths = rng.integers(frames - 1, frames + 1, batch).astype(np.int32)
    return [log_probs, targets, input_lengths, target_lengths]


def pad_targets(targets: Any, target_lengths: Any) -> jax.Array | np.ndarray:
    """Return concatenated targets as padded rows.

    Args:
        targets: the labels of all sequences, of shape (sum of the lengths,).
        target_lengths: the number of labels of each sequence, of shape (N,).

    Returns:
        An array of shape (N, S), padded with -1. S is the maximum length; in compiled code, where that is not
        known, S is the size of `targets`.

    Raises:
        ShapeError: the number of targets is not the sum of the lengths, where those are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> losses.pad_targets(np.array([4, 5, 6]), np.array([1, 2])).tolist()
        [[4, -1], [5, 6]]

    Source: the second layout of the targets of `torch.nn.functional.ctc_loss`.
    """
    targets, lengths = as_array(targets), as_array(target_lengths)
    known = is_known(lengths)
    count = targets.shape[0]
    if known and (total := int(np.sum(lengths))) != count:
        raise ShapeError(
            f"pad_targets: targets of shape {targets.shape} must hold as many labels as "
            f"`target_lengths` adds up to, {total}. Give targets of shape ({total},), or padded ones of shape (N, S)."
        )
    longest = int(np.max(lengths, initial=0)) if known else count
    on_host = known and isinstance(targets, np.ndarray)
    xp: Any = np if on_host else jnp
    lengths = xp.asarray(lengths).astype(np.int32)
    positions = xp.expand_dims(xp.arange(longest, dtype=np.int32), 0)
    index = xp.expand_dims(xp.cumsum(lengths, dtype=np.int32) - lengths, 1) + positions
    used = (positions < xp.expand_dims(lengths, 1)) & (index < count)
    if not on_host:
        targets = nearest_int32(targets)
    narrow = targets.dtype.kind == "u" or targets.dtype.itemsize < 4
    signed = targets.astype(np.int64 if targets.dtype.itemsize > 4 else np.int32) if narrow else targets
    if count == 0:
        return xp.full(index.shape, -1, signed.dtype)
    return xp.where(used, xp.asarray(signed)[xp.clip(index, 0, count - 1)], -1)


def _padded(arrays: dict[str, Any]) -> dict[str, Any]:
    targets, lengths = arrays["targets"], arrays["target_lengths"]
    if targets.ndim != 1 or lengths.ndim != 1:
        return arrays
    return arrays | {"targets": pad_targets(targets, lengths)}


@loss_function(
    prediction("log_probs", "L N C", domain="log_probability"),
    label("targets", "N S", kind="int"),
    label("input_lengths", "N", kind="int"),
    label("target_lengths", "N", kind="int"),
    output="N",
    prepare=_padded,
    info=LossInfo(
        cell="CTCLoss",
        parameters={
            "blank": (0, Sized(lambda sizes: sizes["C"] - 1)),
            "zero_infinity": (False, True),
            "length_normalized": (False, True),
        },
        examples=_examples,
        like=("torch ctc_loss", "optax ctc_loss", "Keras CTC"),
        lower_bound=0.0,
    ),
)
def ctc_loss(
    log_probs: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    *,
    blank: int = 0,
    zero_infinity: Flag = False,
    length_normalized: Flag = False,
) -> jax.Array:
    r"""Connectionist temporal classification: negative log likelihood of a label sequence over all alignments.

    .. math:: \ell = -\log \sum_{\pi \in \mathcal{B}^{-1}(y)} \prod_{t=1}^{T} p_t(\pi_t)

    An alignment :math:`\pi` has a class for each frame. :math:`\mathcal{B}` maps it to labels: repetitions are merged,
    then blanks are removed. So two equal successive labels need a blank between them, and a target that needs more
    frames than there are has no alignment: its loss is inf, with zero gradient. The only alignment of an empty target
    is all blanks.

    Frames beyond `input_lengths` and labels beyond `target_lengths` are ignored. In compiled code, a length out of
    range or an invalid label makes its sequence's value NaN, with no gradient.

    The gradient is the exact derivative for `log_probs`: minus the probability of each class at each frame, given the
    target. PyTorch and MindSpore add exp(log_probs), since they assume that `log_probs` is the output of a log-softmax;
    through a log-softmax, all three are equal.

    Args:
        log_probs: log probabilities of shape (T, N, C), where the blank is one of the C classes.
        targets: labels of an integer dtype, of shape (N, S) with padding, or concatenated, of shape
            (sum of `target_lengths`,).
        input_lengths: the number of frames of each sequence, of shape (N,), at most T.
        target_lengths: the number of labels of each sequence, of shape (N,).
        blank: the class that is the blank.
        zero_infinity: whether the value of a target without an alignment is 0 instead of inf.
        length_normalized: whether each value is divided by its target's length (by 1 for an empty target).

    Raises:
        ArgumentError: `blank` is not a class.
        LabelError: a length or a label out of range, where values are known.

    Example:
        >>> log_probs = np.log(np.full((3, 1, 2), 0.5, np.float32))
        >>> value = losses.ctc_loss(log_probs, np.array([[1]]), np.array([3]), np.array([1]))
        >>> round(float(np.exp(-value[0])) * 8, 4)  # 6 of the 8 alignments of 3 frames map to "1"
        6.0

    Source: Graves, Fernández, Gomez, Schmidhuber, "Connectionist Temporal Classification", 2006;
    `torch.nn.functional.ctc_loss`; MindSpore `nn.CTCLoss`.
    """
    arrays = (jnp.asarray(each) for each in (targets, input_lengths, target_lengths))
    log_probs = jnp.asarray(log_probs)
    labels, counts, lengths, valid = _checked(log_probs, *arrays, blank=blank, where="ctc_loss")
    values = _costs(log_probs, labels, counts, lengths, blank)
    if zero_infinity:
        values = jnp.where(jnp.isposinf(values), 0, values)
    if length_normalized:
        values = values / jnp.maximum(lengths, 1).astype(values.dtype)
    return jnp.where(valid, values, jnp.nan)


def ctc_log_alpha(
    log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, *, blank: int = 0
) -> jax.Array:
    """Return the forward variables of CTC: log probabilities of prefixes of the labels.

    Args:
        log_probs: log probabilities of shape (T, N, C).
        targets: labels of shape (N, S), or concatenated, of shape (sum of `target_lengths`,).
        input_lengths: the number of frames of each sequence, of shape (N,).
        target_lengths: the number of labels of each sequence, of shape (N,).
        blank: the class that is the blank.

    Returns:
        Logarithms of shape (N, T, 2 S + 1): after frame t, at position s of the labels with blanks before, between and
        after them. -inf where that is impossible, and beyond the lengths.

    Raises:
        ArgumentError: `blank` is not a class.
        LabelError: a length or a label out of range, where values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> log_probs = np.array([[[0.3, 0.6, 0.6]], [[0.9, 0.4, 0.2]]], np.float32)
        >>> lengths = np.array([2]), np.array([1])
        >>> print(np.round(np.asarray(losses.ctc_log_alpha(log_probs, np.array([[1]]), *lengths)), 3))
        [[[0.3   0.6    -inf]
          [1.2   1.554 1.5  ]]]

    Source: Graves et al. 2006, section 4.1; the second result of MindSpore `ops.ctc_loss`.
    """
    given = {"targets": as_array(targets), "target_lengths": as_array(target_lengths)}
    targets = _padded(given)["targets"]
    arrays = (jnp.asarray(nearest_int32(as_array(each))) for each in (targets, input_lengths, target_lengths))
    log_probs = jnp.asarray(as_array(log_probs))
    labels, counts, lengths, valid = _checked(log_probs, *arrays, blank=blank, where="ctc_log_alpha")
    return jnp.where(valid[:, None, None], _alphas(log_probs, labels, counts, lengths, blank), jnp.nan)


def _checked(
    log_probs: jax.Array,
    targets: jax.Array,
    input_lengths: jax.Array,
    target_lengths: jax.Array,
    *,
    blank: Any,
    where: str,
) -> tuple[jax.Array, ...]:
    """Labels and lengths that are in range, and which rows were valid."""
    frames, _, classes = log_probs.shape
    blank = _check.integer(blank, name="blank", where=where)
    if not 0 <= blank < classes:
        raise ArgumentError(f"{where}: `blank` must be one of the {classes} classes, 0 to {classes - 1}, got {blank}.")
    fits, counts = take_lengths(input_lengths, frames, name="input_lengths", where=where)
    short, lengths = take_lengths(target_lengths, targets.shape[1], name="target_lengths", where=where)
    named, labels, _ = take_targets(targets, lengths, classes, where=where)
    return labels, counts, lengths, fits & short & named


# Jitted here, since eager code would compile a scan again at every call.


@functools.partial(jax.jit, static_argnums=4)
def _costs(log_probs: jax.Array, labels: jax.Array, counts: jax.Array, lengths: jax.Array, blank: int) -> jax.Array:
    (blanks, labelled), tops, _ = _forward(log_probs, labels, counts, lengths, blank, history=False)
    ends = jnp.concatenate([jnp.full_like(blanks[:, :1], -jnp.inf), labelled], axis=1)
    last = lengths[:, None]
    found = log_add(jnp.take_along_axis(blanks, last, axis=1), jnp.take_along_axis(ends, last, axis=1))
    return 0 - (jnp.sum(tops, axis=0) + found)[:, 0]


@functools.partial(jax.jit, static_argnums=4)
def _alphas(log_probs: jax.Array, labels: jax.Array, counts: jax.Array, lengths: jax.Array, blank: int) -> jax.Array:
    _, tops, (blanks, labelled) = _forward(log_probs, labels, counts, lengths, blank, history=True)
    offset = jnp.cumsum(tops, axis=0)
    pairs = jnp.stack([blanks[..., :-1] + offset, labelled + offset], axis=-1)
    interleaved = pairs.reshape(*labelled.shape[:2], 2 * labelled.shape[2])
    alpha = jnp.concatenate([interleaved, blanks[..., -1:] + offset], axis=-1)
    return jnp.swapaxes(jnp.where(_live(len(tops), counts), alpha, -jnp.inf), 0, 1)


def _live(frames: int, counts: jax.Array) -> jax.Array:
    """Which frames are within the input lengths, of shape (L, N, 1)."""
    return (jnp.arange(frames, dtype=jnp.int32)[:, None] < counts[None, :])[..., None]


def _forward(
    log_probs: jax.Array, labels: jax.Array, counts: jax.Array, lengths: jax.Array, blank: int, *, history: bool
) -> tuple[Any, jax.Array, Any]:
    """The forward recursion.

    Its state: for each n, the log probability of n labels read so far, with the last frame a blank (N, S + 1) or the
    last of these labels (N, S). Both are kept near 0; the second result is what was subtracted at each frame.
    """
    batch, size = labels.shape
    dtype = log_probs.dtype
    live = _live(log_probs.shape[0], counts)
    used = jnp.arange(size, dtype=jnp.int32)[None, :] < lengths[:, None]
    of_blank = jnp.where(live, log_probs[:, :, blank : blank + 1], 0)
    index = jnp.broadcast_to(labels[None], (log_probs.shape[0], batch, size))
    of_labels = jnp.take_along_axis(log_probs, index, axis=2, mode="clip")
    of_labels = jnp.where(used[None], jnp.where(live, of_labels, 0), -jnp.inf)
    # A label may follow another without a blank between them if the two are different.
    skips = labels != jnp.concatenate([labels[:, :1], labels[:, :-1]], axis=1)
    never = jnp.full((batch, 1), -jnp.inf, dtype)
    start = jnp.zeros((batch, 1), dtype), jnp.full((batch, size), -jnp.inf, dtype)

    def step(state: tuple[jax.Array, jax.Array], frame: tuple[jax.Array, ...]) -> Any:
        blanks, labelled = state
        of_blank, of_labels, live = frame
        before = jnp.concatenate([never, labelled], axis=1)
        skipping = jnp.where(skips, before[:, :-1], -jnp.inf)
        new_blanks = log_add(blanks, before) + of_blank
        new_labelled = log_add(labelled, blanks[:, :-1], skipping) + of_labels
        moved, top = centred(jnp.where(live, new_blanks, blanks), jnp.where(live, new_labelled, labelled))
        state = moved[0], moved[1]
        return state, (top, state if history else None)

    whole = jnp.concatenate(start, axis=1), start[1]
    state, (tops, states) = jax.lax.scan(step, whole, (of_blank, of_labels, live))
    return state, tops, states
