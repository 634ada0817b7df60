"""Noise-contrastive estimation over a sample of the classes, for when there are very many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses.contract._info import LossInfo, Size
from sporax.losses.contract._loss_function import loss_function
from sporax.losses.contract._spec import label, prediction, table
from sporax.losses.numerics._logistic import at_infinity, softpluses
from sporax.losses.sampling._candidate_logits import candidate_logits

__all__ = ["nce_loss"]


@loss_function(
    table("weight", "C D"),
    table("bias", "C"),
    label("labels", "N T?", domain="class", kind="int"),
    prediction("inputs", "N D"),
    output="N",
    info=LossInfo(
        cell="NCELoss",
        parameters={
            "num_sampled": (1, 3),
            "num_classes": (Size("C"),),
            "num_true": (Size("T"),),
            "remove_accidental_hits": (False, True),
        },
        random=True,
        lower_bound=0.0,
    ),
)
def nce_loss(
    weight: ArrayLike,
    bias: ArrayLike,
    labels: ArrayLike,
    inputs: ArrayLike,
    *,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Sequence[Any] | None = None,
    remove_accidental_hits: bool = False,
    sampler: str = "log_uniform",
    unique: bool = True,
    seed: int = 0,
    key: jax.Array | None = None,
) -> jax.Array:
    r"""Noise-contrastive estimation over the true and randomly sampled classes.

    With true classes :math:`t_1 \ldots t_T`, candidates S, and the logit of a class less the logarithm of its
    expected count Q,

    .. math::
        z_c = \langle x, W_c \rangle + b_c - \log Q_c, \qquad
        \ell = \sum_j \Big( \log (1 + e^{z_{t_j}}) - \frac{z_{t_j}}{T} \Big) + \sum_{s \in S} \log (1 + e^{z_s})

    These are binary cross entropies of the target 1 / T for a true class and 0 for a candidate. The mean over the
    draws of value and gradient is that of the sum over all classes, each Q times. In compiled code a label outside
    [0, C) gives NaN for its row, and a candidate outside it gives NaN for all, with no gradient.

    Args:
        weight: class embeddings W of shape (C, D).
        bias: class biases b of shape (C,).
        labels: true classes of an integer dtype, of shape (N, num_true), or (N,) if `num_true` is 1.
        inputs: activations x of shape (N, D).
        num_sampled: number of candidates; all rows share them.
        num_classes: C.
        num_true: T, number of true classes per row.
        sampled_values: candidates and their expected counts as a `SampledValues` or any three; drawn if None.
        remove_accidental_hits: whether a candidate that is a true class of a row leaves the sum of that row.
        sampler: "log_uniform" (`log_uniform_candidate_sampler`) for classes that are numbered by falling frequency,
            or "uniform" (`uniform_candidate_sampler`).
        unique: whether the candidates drawn are all different.
        seed: makes the key when there is none. The same seed draws the same classes at every call.
        key: a JAX random key for the draw.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: counts that do not fit `num_classes`, an unknown sampler, or an expected count that is not above
            0.
        ArgumentTypeError: `sampled_values` is not a sequence of three.
        DtypeError, ShapeError, LabelError: inputs that do not fit.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> weight, bias = np.zeros((7, 2), np.float32), np.zeros(7, np.float32)
        >>> inputs, labels = np.ones((3, 2), np.float32), np.array([0, 1, 2])
        >>> given = ([3, 4, 5], [[1.0]], [1.0, 1.0, 1.0])
        >>> losses.nce_loss(
        ...     weight, bias, labels, inputs, num_sampled=3, num_classes=7, sampled_values=given
        ... ).round(2).tolist() == [np.float32(2.77)] * 3
        True

    Source: Gutmann and Hyvärinen, "Noise-contrastive estimation: A new estimation principle for unnormalized
    statistical models", 2010; Mnih and Teh, "A fast and simple algorithm for training neural probabilistic language
    models", 2012; TensorFlow `tf.nn.nce_loss`.
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
        where="nce_loss",
    )
    share = 1 / num_true

    def of_true(z: jax.Array) -> jax.Array:
        up, down = softpluses(z)
        return share * down + (1 - share) * up

    true = jnp.sum(at_infinity(of_true, logits.true), axis=1)
    return jnp.where(logits.valid, true + _sum_of_softplus(logits.sampled), jnp.nan)


@jax.custom_jvp
def _sum_of_softplus(logits: jax.Array) -> jax.Array:
    """The sum of log(1 + exp(z)) over the last axis."""
    return jnp.sum(softpluses(logits)[0], axis=-1)


@_sum_of_softplus.defjvp
def _sum_of_softplus_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    # With an exponential of its own the derivative is one array; sharing that of the value would keep two more.
    (logits,), (tangent,) = primals, tangents
    return _sum_of_softplus(logits), jnp.sum(jax.lax.logistic(logits) * tangent, axis=-1)
