"""Losses over a sample of very many classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses.contract import LossInfo, Size, label, loss_function, prediction, table
from sporax.losses.sampling._candidate_logits import candidate_logits
from sporax.losses.sampling._candidates import SampledValues, log_uniform_candidate_sampler, uniform_candidate_sampler

__all__ = ["SampledValues", "log_uniform_candidate_sampler", "sampled_softmax_loss", "uniform_candidate_sampler"]


@loss_function(
    table("weight", "C D"),
    table("bias", "C"),
    label("labels", "N T?", domain="class", kind="int"),
    prediction("inputs", "N D"),
    output="N",
    info=LossInfo(
        cell="SampledSoftmaxLoss",
        parameters={
            "num_sampled": (1, 3),
            "num_classes": (Size("C"),),
            "num_true": (Size("T"),),
            "remove_accidental_hits": (True, False),
        },
        default_reduction="none",
        random=True,
        lower_bound=0.0,
    ),
)
def sampled_softmax_loss(
    weight: ArrayLike,
    bias: ArrayLike,
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
    sampler: str = "uniform",
    unique: bool = True,
) -> jax.Array:
    r"""Cross entropy of a softmax over the true and sampled classes.

    With true classes :math:`t_1 \ldots t_T` and candidates S, each of these classes c has the logit

    .. math:: z_c = \langle x, W_c \rangle + b_c - \log Q_c

    where Q are the expected counts, and

    .. math:: \ell = -\frac{1}{T} \sum_j \log \operatorname{softmax}(z_{t_1}, \ldots, z_{t_T}, z_S)_{t_j}

    A candidate that is a true class of a row is an accidental hit, which is removed from the softmax of that row. In
    compiled code, a candidate outside [0, C) makes all values NaN.

    With one true class whose expected count is given as 1, and hits removed, the expected value of :math:`e^\ell` over
    the draws is that of the full softmax, and so is that of its gradient.

    Args:
        weight: class embeddings W of shape (C, D).
        bias: class biases b of shape (C,).
        labels: true classes of an integer dtype, of shape (N, num_true), or (N,) if `num_true` is 1.
        inputs: activations x of shape (N, D).
        num_sampled: the number of candidates, which all rows share.
        num_classes: C.
        num_true: T, the number of true classes per row; each has the target probability 1 / num_true.
        sampled_values: candidates and their expected counts as a `SampledValues` or any three arrays; drawn if None.
        remove_accidental_hits: whether to remove accidental hits.
        seed: the seed of the draw, if there is no `key`. The same seed draws the same classes at every call.
        key: a JAX random key for the draw.
        sampler: "uniform" (`uniform_candidate_sampler`), or "log_uniform" (`log_uniform_candidate_sampler`) for
            classes numbered in order of decreasing frequency.
        unique: whether the drawn candidates are distinct.

    Raises:
        ArgumentError: counts that do not match `num_classes`, an unknown sampler, or an expected count that is not
            above 0.
        ArgumentTypeError: `sampled_values` is not a sequence of three.

    Example:
        >>> weight, bias = np.zeros((7, 2), np.float32), np.zeros(7, np.float32)
        >>> inputs, labels = np.ones((3, 2), np.float32), np.array([0, 1, 2])
        >>> given = ([3, 4, 5], [[1.0]], [1.0, 1.0, 1.0])
        >>> losses.sampled_softmax_loss(
        ...     weight, bias, labels, inputs, num_sampled=3, num_classes=7, sampled_values=given
        ... ).tolist() == [np.log(np.float32(4))] * 3
        True

    Source: Jean et al., "On Using Very Large Target Vocabulary for Neural Machine Translation", 2015;
    MindSpore `nn.SampledSoftmaxLoss`.
    """
    logits = candidate_logits(
        weight,
        bias,
        labels,
        inputs,
        num_sampled=num_sampled,
        num_classes=num_classes,
        num_true=num_true,
        sampled_values=sampled_values,
        remove_accidental_hits=remove_accidental_hits,
        sampler=sampler,
        unique=unique,
        seed=seed,
        key=key,
        where="sampled_softmax_loss",
    )
    log_p, _ = _log_softmax(logits.true, logits.sampled)
    return jnp.where(logits.valid, 0 - jnp.mean(log_p, axis=1), jnp.nan)


@jax.custom_jvp
def _log_softmax(true: jax.Array, sampled: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`log_softmax` over the columns of both, without concatenating them."""
    top = jnp.maximum(jnp.max(true, axis=1, keepdims=True), jnp.max(sampled, axis=1, keepdims=True))
    # inf - inf is NaN, so the maximum is set to 0 instead of being subtracted.
    one, other = (jnp.where(z == top, 0, z - top) for z in (true, sampled))
    total = jnp.sum(jnp.exp(one), axis=1, keepdims=True) + jnp.sum(jnp.exp(other), axis=1, keepdims=True)
    return one - jnp.log(total), other - jnp.log(total)


@_log_softmax.defjvp
def _log_softmax_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    results = _log_softmax(*primals)
    one, other = (jnp.sum(jnp.exp(z) * t, axis=1, keepdims=True) for z, t in zip(results, tangents, strict=True))
    return results, (tangents[0] - (one + other), tangents[1] - (one + other))
