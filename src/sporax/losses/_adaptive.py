"""Adaptive softmax: a cross entropy over very many classes, the rarer ones in clusters of fewer dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError
from sporax._typing import ArrayLike
from sporax.losses.contract._indexing import take_class, valid_indices
from sporax.losses.contract._info import LossInfo, Sized
from sporax.losses.contract._labels import enforce_values
from sporax.losses.contract._loss_function import as_array, compute_dtype, loss_function
from sporax.losses.contract._spec import InputSpec, label, prediction, table
from sporax.losses.numerics._softmax import log_softmax

__all__ = ["adaptive_log_softmax", "adaptive_log_softmax_loss"]

Tails = Sequence[Sequence[ArrayLike]]

_TARGET = InputSpec("target", ("N",), kind="int", domain="class", role="label")


def _example_tails(sizes: Mapping[str, int]) -> list[tuple[np.ndarray, np.ndarray]]:
    rng, width = np.random.default_rng(5), sizes["D"]
    return [(rng.normal(size=(d, width)), rng.normal(size=(classes, d))) for d, classes in ((2, 2), (1, 30))]


@loss_function(
    prediction("input", "N D"),
    # The number of classes is known from the weights, so the formula checks these itself.
    label("target", "N", domain="nonnegative", kind="int"),
    table("head_weight", "S D"),
    output="N",
    info=LossInfo(
        cell="AdaptiveLogSoftmaxWithLoss",
        parameters={
            "tails": (Sized(_example_tails),),
            "head_bias": (None, Sized(lambda sizes: np.linspace(-1, 1, sizes["S"]))),
        },
        reductions=(),
        like=("torch AdaptiveLogSoftmaxWithLoss",),
        lower_bound=0.0,
    ),
)
def adaptive_log_softmax_loss(
    input: ArrayLike,
    target: ArrayLike,
    head_weight: ArrayLike,
    *,
    tails: Tails,
    head_bias: ArrayLike | None = None,
) -> jax.Array:
    r"""Cross entropy of an adaptive softmax.

    The head has a logit for each of the K most frequent classes, and one for each cluster of the others. With
    the cluster t of a class y, and its position j in there,

    .. math::
        \ell = \begin{cases}
        -\log \operatorname{softmax}(H x + b)_y & y < K \\
        -\log \operatorname{softmax}(H x + b)_{K + t} - \log \operatorname{softmax}(O_t P_t x)_j & \text{else}
        \end{cases}

    Each cluster is computed for each row, so that shapes do not depend on the targets. In compiled code a target
    that is no class gives NaN for its row, which sends no gradient.

    Args:
        input: activations x of shape (N, D).
        target: class indices y of shape (N,), of an integer dtype.
        head_weight: H of shape (K + number of clusters, D).
        tails: for each cluster its pair of P, of shape (its dimensions, D), and O, of shape (its classes, its
            dimensions). Classes are counted through the head and then through the clusters in order.
        head_bias: b of shape (K + number of clusters,), or None.

    Returns:
        Values of shape (N,).

    Raises:
        ArgumentError: the head has no class of its own.
        DtypeError, ShapeError: weights or targets that do not fit.
        LabelError: a target that is no class, where values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> tails = [(np.zeros((1, 4), np.float32), np.zeros((8, 1), np.float32))]
        >>> x, head = np.ones((2, 4), np.float32), np.zeros((4, 4), np.float32)
        >>> np.exp(losses.adaptive_log_softmax_loss(x, np.array([1, 3]), head, tails=tails)).round(4).tolist()
        [4.0, 32.0]

    Source: Grave et al., "Efficient softmax approximation for GPUs", 2017; `torch.nn.AdaptiveLogSoftmaxWithLoss`.
    """
    input, target = jnp.asarray(input), jnp.asarray(target)
    head, clusters, sizes = _clusters(input, head_weight, tails, head_bias, "adaptive_log_softmax_loss")
    shortlist, classes = head.shape[1] - len(sizes), head.shape[1] - len(sizes) + sum(sizes)
    enforce_values(_TARGET, target, classes=classes, where="adaptive_log_softmax_loss")
    valid, safe = valid_indices(target, classes)
    entry, inside, low = jnp.where(valid, safe, -1), jnp.zeros(input.shape[:1], input.dtype), shortlist
    for number, ((project, expand), size) in enumerate(zip(clusters, sizes, strict=True)):
        here = (safe >= low) & (safe < low + size)
        log_p = log_softmax((input @ project.T) @ expand.T)
        inside = inside + jnp.where(here, take_class(log_p, jnp.where(here, safe - low, 0)), 0)
        entry = jnp.where(here & valid, shortlist + number, entry)
        low += size
    return 0 - (take_class(log_softmax(head), entry) + inside)


def adaptive_log_softmax(
    input: ArrayLike, head_weight: ArrayLike, *, tails: Tails, head_bias: ArrayLike | None = None
) -> jax.Array:
    r"""Log probabilities of every class under an adaptive softmax.

    Args:
        input: activations of shape (N, D).
        head_weight: as in `adaptive_log_softmax_loss`.
        tails: as there.
        head_bias: as there.

    Returns:
        Log-probabilities of shape (N, number of classes), in the dtype of the inputs; computed in float32 at least.

    Raises:
        ArgumentError: the head has no class of its own.
        ShapeError: weights that do not fit.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> tails = [(np.zeros((1, 4), np.float32), np.zeros((2, 1), np.float32))]
        >>> x, head = np.ones((1, 4), np.float32), np.zeros((2, 4), np.float32)
        >>> np.exp(losses.adaptive_log_softmax(x, head, tails=tails)).round(4).tolist()
        [[0.5, 0.25, 0.25]]

    Source: `torch.nn.AdaptiveLogSoftmaxWithLoss.log_prob`.
    """
    where = "adaptive_log_softmax"
    given, weight = as_array(input), as_array(head_weight)
    if given.ndim != 2 or weight.ndim != 2 or given.shape[1] != weight.shape[1]:
        raise ShapeError(
            f"{where}: `input` and `head_weight` must have shapes (N, D) and (K + clusters, D), but got "
            f"{given.shape} and {weight.shape}."
        )
    dtype = jnp.result_type(given, weight)
    head, clusters, sizes = _clusters(jnp.asarray(given, compute_dtype(dtype)), weight, tails, head_bias, where)
    log_p = log_softmax(head)
    shortlist = head.shape[1] - len(sizes)
    x = jnp.asarray(given, log_p.dtype)
    parts = [log_p[:, :shortlist]]
    for number, (project, expand) in enumerate(clusters):
        parts.append(log_p[:, shortlist + number, None] + log_softmax((x @ project.T) @ expand.T))
    return jnp.concatenate(parts, axis=1).astype(dtype if jnp.issubdtype(dtype, jnp.floating) else log_p.dtype)


def _clusters(
    x: jax.Array, head_weight: Any, tails: Any, head_bias: Any, where: str
) -> tuple[jax.Array, list[tuple[jax.Array, jax.Array]], list[int]]:
    """The head's logits, and the weights and number of classes of each cluster."""
    weight = jnp.asarray(head_weight, x.dtype)
    clusters: list[tuple[jax.Array, jax.Array]] = []
    for number, pair in enumerate(tails):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ArgumentTypeError(
                f"{where}: `tails` must hold two weights for each cluster, but cluster {number} is a "
                f"{type(pair).__name__}" + (f" of length {len(pair)}." if isinstance(pair, Sequence) else ".")
            )
        project, expand = (jnp.asarray(as_array(each), x.dtype) for each in pair)
        fits = project.ndim == 2 and expand.ndim == 2 and project.shape[1] == x.shape[1]
        if not fits or expand.shape[1] != project.shape[0]:
            raise ShapeError(
                f"{where}: the weights of a cluster must have shapes (d, {x.shape[1]}) and (classes, d), but those of "
                f"`tails[{number}]` have {project.shape} and {expand.shape}."
            )
        clusters.append((project, expand))
    if weight.shape[0] <= len(clusters):
        raise ArgumentError(
            f"{where}: `head_weight` must have a row for each of the {len(clusters)} clusters and at least one class, "
            f"but got shape {weight.shape}."
        )
    head = x @ weight.T
    if head_bias is not None:
        bias = jnp.asarray(as_array(head_bias), x.dtype)
        if bias.shape != weight.shape[:1]:
            raise ShapeError(f"{where}: `head_bias` must have shape {weight.shape[:1]}, but got {bias.shape}.")
        head = head + bias[None, :]
    return head, clusters, [expand.shape[0] for _, expand in clusters]
