"""The transducer loss: labels of a sequence, each given the labels before it, with no alignment to its frames."""

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
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._lengths import take_lengths, take_targets
from sporax.losses.contract._loss_function import loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._logspace import centred, log_add
from sporax.losses.numerics._softmax import log_softmax

__all__ = ["rnnt_loss"]


def _examples(rng: np.random.Generator, sizes: Mapping[str, int], dtype: Any) -> list[np.ndarray]:
    batch, frames, classes, longest = sizes["N"], sizes["L"], sizes["C"], sizes["S"]
    logits = rng.normal(0.3, 1.5, (batch, frames, longest + 1, classes)).astype(dtype)
    targets = rng.integers(1, classes - 1, (batch, longest)).astype(np.int32)
    target_lengths = rng.integers(0, longest + 1, batch).astype(np.int32)
    targets[np.arange(longest) >= target_lengths[:, None]] = -1
    input_lengths = rng.integers(frames - 2, frames + 1, batch).astype(np.int32)
    return [logits, targets, input_lengths, target_lengths]


@loss_function(
    prediction("logits", "N L K C"),
    label("targets", "N S", kind="int"),
    label("input_lengths", "N", kind="int"),
    label("target_lengths", "N", kind="int"),
    output="N",
    info=LossInfo(
        cell="RNNTLoss",
        parameters={"blank": (0, -1), "fused_log_softmax": (True, False)},
        examples=_examples,
        like=("torchaudio rnnt_loss", "transducer loss"),
        lower_bound=0.0,
    ),
)
def rnnt_loss(
    logits: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    *,
    blank: int = 0,
    clamp: float = -1.0,
    fused_log_softmax: bool = True,
) -> jax.Array:
    r"""RNN transducer: negative log likelihood of a label sequence over all alignments.

    .. math:: \ell = -\log \sum_{\pi} \prod_{(t, u) \in \pi} p_{t,u}(\pi_{t,u})

    A path :math:`\pi` starts at frame 0 with no label read, (0, 0). At (t, u) it takes the next label, to (t, u + 1),
    or a blank, to (t + 1, u); it ends with a blank at the last frame when all labels are read.

    What lies beyond `input_lengths` and `target_lengths` may hold anything. No frames and an empty target give 0;
    no frames and a target give inf, with zero gradient. In compiled code a length that does not fit, or a label
    that is no class, gives NaN for its sequence and sends no gradient.

    Args:
        logits: scores of shape (N, T, U + 1, C): of each class, the blank among them, at frame t after u labels.
        targets: labels of an integer dtype, of shape (N, U).
        input_lengths: the number of frames of each sequence, of shape (N,), at most T.
        target_lengths: the number of labels of each, of shape (N,), at most U.
        blank: the ignored class; negative ones count from the end.
        clamp: the bound of each element of a value's gradient, to both sides; none where it is not above 0.
        fused_log_softmax: whether `logits` go through a log-softmax; False if they are log probabilities already.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: `blank` is no class.
        DtypeError, ShapeError: inputs that do not fit.
        LabelError: a length or a label out of range, where values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> logits, targets = np.zeros((1, 3, 2, 4), np.float32), np.array([[2]])
        >>> value = losses.rnnt_loss(logits, targets, np.array([3]), np.array([1]))
        >>> round(float(np.exp(-value[0])) * 4**4, 3)  # 3 paths, each of 4 steps of probability 1/4
        3.0

    Source: Graves, "Sequence Transduction with Recurrent Neural Networks", 2012; torchaudio
    `functional.rnnt_loss`; MindSpore `ops.RNNTLoss`.
    """
    where = "rnnt_loss"
    _check.is_type(fused_log_softmax, bool, name="fused_log_softmax", where=where)
    logits, targets = jnp.asarray(logits), jnp.asarray(targets)
    frames, places, classes = logits.shape[1:]
    if places != targets.shape[1] + 1:
        raise ShapeError(
            f"{where}: axis 2 of `logits` must have one place more than `targets` has labels, for none to all of them "
            f"read, but got shapes {logits.shape} and {targets.shape}."
        )
    blank = _check.integer(blank, name="blank", where=where)
    if not -classes <= blank < classes:
        raise ArgumentError(f"{where}: `blank` must be one of the {classes} classes, 0 to {classes - 1}, got {blank}.")
    clamp = _check.number(clamp, name="clamp", where=where)
    fits, counts = take_lengths(jnp.asarray(input_lengths), frames, name="input_lengths", where=where)
    short, lengths = take_lengths(jnp.asarray(target_lengths), places - 1, name="target_lengths", where=where)
    named, labels, _ = take_targets(targets, lengths, classes, where=where)
    if clamp > 0:
        values = _clamped(logits, labels, counts, lengths, blank % classes, fused_log_softmax, clamp)
    else:
        values = _cost(logits, labels, counts, lengths, blank % classes, fused_log_softmax)
    return jnp.where(fits & short & named, values, jnp.nan)


# Compiled by itself: in eager code a scan would be compiled again at every call.
@functools.partial(jax.jit, static_argnums=(4, 5))
def _cost(
    logits: jax.Array, labels: jax.Array, counts: jax.Array, lengths: jax.Array, blank: int, normalise: bool
) -> jax.Array:
    batch, frames, places, _ = logits.shape
    live = jnp.arange(frames, dtype=jnp.int32)[None, :] < counts[:, None]
    read = jnp.arange(places, dtype=jnp.int32)[None, :]
    inside = live[:, :, None] & (read <= lengths[:, None])[:, None, :]
    scores = jnp.where(inside[..., None], logits, 0)
    log_p = log_softmax(scores) if normalise else scores
    of_blank = jnp.where(inside, log_p[..., blank], -jnp.inf)
    index = jnp.broadcast_to(labels[:, None, :, None], (batch, frames, places - 1, 1))
    of_labels = jnp.take_along_axis(log_p[:, :, :-1], index, axis=3, mode="clip")[..., 0]
    of_labels = jnp.where(inside[:, :, 1:], of_labels, -jnp.inf)

    # Step d goes from the positions with t + u = d to those with t + u = d + 1, all u at once.
    never = jnp.full((batch, 1), -jnp.inf, log_p.dtype)
    start = jnp.where(jnp.broadcast_to(read, (batch, places)) == 0, jnp.zeros((), log_p.dtype), -jnp.inf)
    blanks = _diagonals(of_blank, frames + places - 1)
    emissions = _diagonals(of_labels, frames + places - 1)
    goal = counts + lengths
    steps = jnp.arange(frames + places - 1, dtype=jnp.int32)[:, None] < goal[None, :]

    def step(state: jax.Array, here: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        of_blank, of_labels, live = here
        read_one = jnp.concatenate([never, state[:, :-1] + of_labels], axis=1)
        moved = jnp.where(live, log_add(state + of_blank, read_one), state)
        (state,), top = centred(moved)
        return state, top

    state, tops = jax.lax.scan(step, start, (blanks, emissions, steps[..., None]))
    found = jnp.take_along_axis(state, lengths[:, None], axis=1)
    return 0 - (jnp.sum(tops, axis=0) + found)[:, 0]


def _diagonals(values: jax.Array, count: int) -> jax.Array:
    """(N, T, U) as (count, N, U), where [d, n, u] is that of t = d - u, and -inf where there is no such t."""
    batch, frames, places = values.shape
    if places == 0:
        return jnp.zeros((count, batch, 0), values.dtype)
    # A row of count + 1 read as rows of count is moved by one position more with each row.
    padded = jnp.pad(
        jnp.swapaxes(values, 1, 2), ((0, 0), (0, 0), (0, count + 1 - frames)), constant_values=-jnp.inf
    ).reshape(batch, places * (count + 1))
    moved = padded[:, : places * count].reshape(batch, places, count)
    return jnp.transpose(moved, (2, 0, 1))


@functools.partial(jax.custom_jvp, nondiff_argnums=(4, 5, 6))
def _clamped(
    logits: jax.Array,
    labels: jax.Array,
    counts: jax.Array,
    lengths: jax.Array,
    blank: int,
    normalise: bool,
    clamp: float,
) -> jax.Array:
    return _cost(logits, labels, counts, lengths, blank, normalise)


@_clamped.defjvp
def _clamped_jvp(
    blank: int, normalise: bool, clamp: float, primals: tuple[jax.Array, ...], tangents: tuple[Any, ...]
) -> tuple[jax.Array, jax.Array]:
    logits, *rest = primals
    values, pull = jax.vjp(lambda x: _cost(x, *rest, blank, normalise), logits)
    # A sequence's value depends on its own logits alone, so the gradient of the sum holds that of each.
    (gradient,) = pull(jnp.ones_like(values))
    return values, jnp.sum(jnp.clip(gradient, -clamp, clamp) * tangents[0], axis=(1, 2, 3))
