"""The class forms of losses; some give more than their function: a gradient, or what the mean divided by."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import losses
from sporax.ops._args import Array, as_array, as_floating
from sporax.ops._base import lifted, primitive
from sporax.ops._loss import divergence
from sporax.ops._loss_ctc import ctc_from_sparse
from sporax.ops._loss_sequence import ctc, ctc_greedy_decoder, value_and_slope


def _smooth_l1(prediction: Array, target: Array, beta: float = 1.0, reduction: str = "none") -> Array:
    """Squared near zero, absolute farther away."""
    return losses.evaluate(
        losses.smooth_l1_loss, prediction, target, reduction=reduction, where="ops.SmoothL1Loss", beta=beta
    )


def _l2(input_x: Array) -> Array:
    """Half the sum of squares."""
    x = as_floating(input_x)
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    return (jnp.sum(wide * wide) / 2).astype(x.dtype)


def _kl_div(logits: Array, labels: Array, reduction: str = "mean") -> Array:
    """The Kullback-Leibler divergence of each element; "batchmean" is the sum over the size of the first axis."""
    return divergence(logits, labels, reduction, "ops.KLDivLoss")


def _binary_cross_entropy(input: Array, target: Array, weight: Any = None, reduction: str = "mean") -> Array:
    """The cross entropy between two-class probabilities."""
    return losses.evaluate(
        losses.binary_cross_entropy, input, target, reduction=reduction, where="ops.BinaryCrossEntropy", weight=weight
    )


def _binary_cross_entropy_with_logits(
    input: Array, target: Array, weight: Any = None, posWeight: Any = None, reduction: str = "mean"
) -> Array:
    """The cross entropy between two-class probabilities and the sigmoid of logits."""
    return losses.evaluate(
        losses.binary_cross_entropy_with_logits,
        input,
        target,
        reduction=reduction,
        where="ops.BCEWithLogitsLoss",
        weight=weight,
        pos_weight=posWeight,
    )


def _sigmoid_cross_entropy(logits: Array, labels: Array) -> Array:
    """The cross entropy between two-class probabilities and the sigmoid of logits, element by element."""
    return losses.evaluate(
        losses.binary_cross_entropy_with_logits,
        logits,
        labels,
        reduction="none",
        where="ops.SigmoidCrossEntropyWithLogits",
    )


def _soft_margin(input: Array, target: Array, reduction: str = "mean") -> Array:
    """The logistic loss of two classes, 1 and -1."""
    return losses.evaluate(losses.soft_margin_loss, input, target, reduction=reduction, where="ops.SoftMarginLoss")


def _softmax_cross_entropy(logits: Array, labels: Array) -> tuple[Array, Array]:
    """The cross entropy of each row, of shape (N,), and its gradient by the logits, of shape (N, C)."""
    y = as_array(labels)
    return value_and_slope(
        lambda x: losses.evaluate(
            losses.softmax_cross_entropy_with_logits,
            x,
            y,
            reduction="none",
            where="ops.SoftmaxCrossEntropyWithLogits",
        ),
        as_floating(logits),
    )


def _sparse_softmax_cross_entropy(logits: Array, labels: Array, is_grad: bool = False) -> Array:
    """The mean cross entropy over rows with class numbers as labels; with is_grad, its gradient by the logits."""
    y = as_array(labels)

    def mean(array: Array) -> Array:
        return losses.evaluate(
            losses.sparse_softmax_cross_entropy_with_logits,
            array,
            y,
            reduction="mean",
            where="ops.SparseSoftmaxCrossEntropyWithLogits",
        )

    x = as_floating(logits)
    return jax.grad(mean)(x) if is_grad else mean(x)


def _nll(
    logits: Array, labels: Array, weight: Any, reduction: str = "mean", ignore_index: int = -100
) -> tuple[Array, Array]:
    """The negative log likelihood, and the sum of the weights of the labels that are not `ignore_index`."""
    options = {"weight": weight, "ignore_index": ignore_index}
    loss = losses.evaluate(losses.nll_loss, logits, labels, reduction=reduction, where="ops.NLLLoss", **options)
    _, total = losses.evaluate_sum_and_weight(losses.nll_loss, logits, labels, where="ops.NLLLoss", **options)
    dtype = loss.dtype if weight is None else as_floating(weight).dtype
    return loss, jax.lax.stop_gradient(total).astype(dtype)


def _multi_margin(
    x: Array, target: Array, weight: Any = None, p: int = 1, margin: float = 1.0, reduction: str = "mean"
) -> Array:
    """What the score of the true class lacks of a margin above each of the others, as a mean over the classes."""
    return losses.evaluate(
        losses.multi_margin_loss,
        x,
        target,
        reduction=reduction,
        where="ops.MultiMarginLoss",
        p=p,
        margin=margin,
        weight=weight,
    )


def _multilabel_margin(x: Array, target: Array, reduction: str = "mean") -> tuple[Array, Array]:
    """The loss of lists of true classes, and 1 for each class that is in its sample's list, 0 for others, as int32."""
    y = as_array(target)
    loss = losses.evaluate(losses.multilabel_margin_loss, x, y, reduction=reduction, where="ops.MultilabelMarginLoss")
    # The list ends at the first -1.
    listed = jnp.cumprod((y >= 0).astype(jnp.int32), axis=-1) == 1
    found = jax.nn.one_hot(jnp.where(listed, y, -1), y.shape[-1], dtype=jnp.int32)
    return loss, jnp.max(found, axis=-2)


def _triplet_margin(
    x: Array,
    positive: Array,
    negative: Array,
    margin: Any,
    p: float = 2,
    swap: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Array:
    """Whether an anchor is nearer to its positive than to its negative, by a margin."""
    return losses.evaluate(
        losses.triplet_margin_loss,
        x,
        positive,
        negative,
        reduction=reduction,
        where="ops.TripletMarginLoss",
        margin=margin,
        p=p,
        eps=eps,
        swap=swap,
    )


def _ctc_second(
    log_probs: Array,
    targets: Array,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "none",
    zero_infinity: bool = False,
) -> tuple[Array, Array]:
    """The losses of sequences, and the log probabilities of the forward recursion; `reduction` is "none"."""
    where = "ops.CTCLossV2"
    losses.check_reduction(reduction, where=where, allowed=("none",))
    return ctc(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity, where)


def _rnnt(
    acts: Array, labels: Array, input_lengths: Array, label_lengths: Array, blank_label: int = 0
) -> tuple[Array, Array]:
    """The transducer losses of sequences, of shape (B,), and the gradient of each by `acts`, before the softmax."""
    rest = [as_array(each) for each in (labels, input_lengths, label_lengths)]
    return value_and_slope(
        lambda x: losses.evaluate(
            losses.rnnt_loss, x, *rest, reduction="none", where="ops.RNNTLoss", blank=blank_label
        ),
        as_floating(acts),
    )


SmoothL1Loss = primitive("SmoothL1Loss", lifted(_smooth_l1), beta=1.0, reduction="none")
L2Loss = primitive("L2Loss", lifted(_l2))
KLDivLoss = primitive("KLDivLoss", lifted(_kl_div), reduction="mean")
BinaryCrossEntropy = primitive("BinaryCrossEntropy", lifted(_binary_cross_entropy), reduction="mean")
BCEWithLogitsLoss = primitive("BCEWithLogitsLoss", lifted(_binary_cross_entropy_with_logits), reduction="mean")
SigmoidCrossEntropyWithLogits = primitive("SigmoidCrossEntropyWithLogits", lifted(_sigmoid_cross_entropy))
SoftMarginLoss = primitive("SoftMarginLoss", lifted(_soft_margin), reduction="mean")
SoftmaxCrossEntropyWithLogits = primitive("SoftmaxCrossEntropyWithLogits", lifted(_softmax_cross_entropy))
SparseSoftmaxCrossEntropyWithLogits = primitive(
    "SparseSoftmaxCrossEntropyWithLogits", lifted(_sparse_softmax_cross_entropy), is_grad=False
)
NLLLoss = primitive("NLLLoss", lifted(_nll), reduction="mean", ignore_index=-100)
MultiMarginLoss = primitive("MultiMarginLoss", lifted(_multi_margin), p=1, margin=1.0, reduction="mean")
MultilabelMarginLoss = primitive("MultilabelMarginLoss", lifted(_multilabel_margin), reduction="mean")
TripletMarginLoss = primitive("TripletMarginLoss", lifted(_triplet_margin), p=2, swap=False, eps=1e-6, reduction="mean")
CTCLoss = primitive(
    "CTCLoss",
    lifted(ctc_from_sparse),
    preprocess_collapse_repeated=False,
    ctc_merge_repeated=True,
    ignore_longer_outputs_than_inputs=False,
)
CTCLossV2 = primitive("CTCLossV2", lifted(_ctc_second), blank=0, reduction="none", zero_infinity=False)
CTCGreedyDecoder = primitive("CTCGreedyDecoder", ctc_greedy_decoder, merge_repeated=True)
RNNTLoss = primitive("RNNTLoss", lifted(_rnnt), blank_label=0)
