"""Faulty losses of sequences, signs, pieces, Parameters and custom derivatives: `STRUCTURE_FAULTS`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from oracles.faulty_contracts import squared_difference
from oracles.faulty_edges import Fault
from sporax import nn, ops
from sporax.core import Parameter, Tensor

PAIR = "x: f32[8, 3], y: f32[8, 3]"
CELL_PAIR = "logits: f32[8, 3], labels: f32[8, 3]"
BINARY = "x: f32[8], y: f32[8] in {0, 1}"
CLASSES = "x: f32[8, 5], labels: i32[8] < 5"
MASKED = "x: f32[8, 4], y: f32[8, 4], mask: bool[8, 4]"
LIST = "x: f32[8, 4], y: f32[8, 4] in [0, 1], mask: f32[8, 4] in {0, 1}"
SEQUENCE = "x: f32[8, 6], y: f32[8, 6], lengths: i32[8] in [1, 6]"
TOKENS = "x: f32[4, 6, 5], labels: i32[4, 6] < 5"
IMAGES = "x: f32[4, 5, 2, 3], labels: i32[4, 2, 3] < 5"
TRIPLETS = "anchor: f32[8, 3], positive: f32[8, 3], negative: f32[8, 3]"
SCORES = "positive_scores: f32[8], negative_scores: f32[8]"
COUPLED = {"coupled": True}


# Custom derivatives


@jax.custom_vjp
def _mean_square(x, y):
    return jnp.mean((x - y) ** 2)


_mean_square.defvjp(lambda x, y: (_mean_square(x, y), x - y), lambda d, _: (2 * d / d.size, -2 * d / d.size))


def forgets_the_cotangent(x, y):
    return _mean_square(x, y)


class BpropForgetsDout(nn.Cell):
    def construct(self, logits, labels):
        return ((logits - labels) ** 2).mean()

    def bprop(self, logits, labels, out, dout):
        d = 2 * (logits - labels) / logits.size
        return d, -d


class BpropTimesDout(nn.Cell):
    def construct(self, logits, labels):
        return ((logits - labels) ** 2).mean()

    def bprop(self, logits, labels, out, dout):
        d = 2 * (logits - labels) / logits.size
        return dout * d, -dout * d


def weight_detached(x, y):
    d = x - y
    return jnp.mean(jax.lax.stop_gradient(1 + jnp.abs(d)) * d * d)


def target_detached(x, y):
    return jnp.mean((x - jax.lax.stop_gradient(y)) ** 2)


def rounded(x, y):
    return jnp.mean((x + jax.lax.stop_gradient(jnp.round(x) - x) - y) ** 2)


def rounded_on_purpose(x, y):
    """Squared error of rounded predictions; the gradient is a straight-through estimate."""
    return rounded(x, y)


# Parameters


class CentersDetached(nn.Cell):
    def __init__(self):
        super().__init__()
        self.centers = Parameter(Tensor(np.ones((4, 3), np.float32)), name="centers")

    def construct(self, x, labels):
        return ((x - ops.gather(ops.stop_gradient(self.centers), labels, 0)) ** 2).mean()


class Centers(nn.Cell):
    def __init__(self):
        super().__init__()
        self.centers = Parameter(Tensor(np.ones((4, 3), np.float32)), name="centers")

    def construct(self, x, labels):
        return ((x - ops.gather(self.centers, labels, 0)) ** 2).mean()


class _Square(nn.Cell):
    def construct(self, w):
        return w * w

    def bprop(self, w, out, dout):
        return (dout * w,)


class WrongGradientOfItsParameter(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor(np.array([1.5, 0.5, 2], np.float32)), name="w")
        self.square = _Square()

    def construct(self, x, y):
        return ((x - y) ** 2 * self.square(self.w)).mean()


class CorrectGradientOfItsParameter(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor(np.array([1.5, 0.5, 2], np.float32)), name="w")

    def construct(self, x, y):
        return ((x - y) ** 2 * self.w * self.w).mean()


class ParameterUnused(CorrectGradientOfItsParameter):
    def __init__(self):
        super().__init__()
        self.scale = Parameter(Tensor(np.ones(1, np.float32)), name="scale")


class DividesByAParameterOfZero(nn.Cell):
    def __init__(self):
        super().__init__()
        self.sigma = Parameter(Tensor(np.zeros(3, np.float32)), name="sigma")

    def construct(self, x, y):
        return ((x - y) ** 2 + ops.sqrt(self.sigma)).mean()


# Pieces


def huber_without_its_offset(x, y):
    d = jnp.abs(x - y)
    return jnp.mean(jnp.where(d < 1, 0.5 * d * d, d))


def huber(x, y):
    d = jnp.abs(x - y)
    return jnp.mean(jnp.where(d < 1, 0.5 * d * d, d - 0.5))


def switches_at_half(p, y):
    pt = jnp.where(y > 0, p, 1 - p)
    return jnp.mean(jnp.where(pt > 0.5, -((1 - pt) ** 2) * jnp.log(pt), -jnp.log(pt)))


def does_not_switch(p, y):
    pt = jnp.where(y > 0, p, 1 - p)
    return jnp.mean(-((1 - pt) ** 2) * jnp.log(pt))


def quantile_of_one_side(x, y):
    d = y - x
    return jnp.mean(jnp.where(d > 0, 0.9 * d, 0.1))


def quantile(x, y):
    d = y - x
    return jnp.mean(jnp.where(d > 0, 0.9 * d, -0.1 * d))


def pseudo_labels(x, y):
    """Only the samples with a score above 1; discontinuous there."""
    return jnp.mean(jnp.where(jnp.abs(x) > 1, (x - y) ** 2, 0.0))


def target_rounded(x, y, z):
    return jnp.mean((x - y) ** 2) + jnp.mean((x - jnp.round(z)) ** 2)


def target_not_rounded(x, y, z):
    return jnp.mean((x - y) ** 2) + jnp.mean((x - z) ** 2)


# Signs


def swapped_sides(x, y):
    return jnp.mean(y * jax.nn.softplus(x) + (1 - y) * jax.nn.softplus(-x))


def correct_sides(x, y):
    return jnp.mean(jax.nn.softplus(x) - x * y)


def overlap(p, y):
    return (2 * jnp.sum(p * y, -1) + 1) / (jnp.sum(p, -1) + jnp.sum(y, -1) + 1)


def one_minus_overlap(p, y):
    return 1 - overlap(p, y)


def likelihood_of_rows(p, labels):
    return jnp.mean(jnp.log(jnp.clip(jnp.take_along_axis(p, labels[:, None], -1), 1e-6)))


def minus_likelihood_of_rows(p, labels):
    return -likelihood_of_rows(p, labels)


def soft_labels_without_minus(x, y):
    return jnp.mean(jnp.sum(y * jax.nn.log_softmax(x), -1))


def soft_labels(x, y):
    return -soft_labels_without_minus(x, y)


def hinge_with_plus(x, y):
    return jnp.mean(jnp.maximum(0, 1 + x * y))


def hinge(x, y):
    return jnp.mean(jnp.maximum(0, 1 - x * y))


def swapped_triplets(anchor, positive, negative):
    near, far = jnp.sum((anchor - positive) ** 2, -1), jnp.sum((anchor - negative) ** 2, -1)
    return jnp.mean(jnp.maximum(far - near + 1, 0))


def triplets(anchor, positive, negative):
    return swapped_triplets(anchor, negative, positive)


def swapped_ranks(positive_scores, negative_scores):
    return jnp.mean(jax.nn.softplus(positive_scores - negative_scores))


def ranks(positive_scores, negative_scores):
    return jnp.mean(jax.nn.softplus(negative_scores - positive_scores))


def no_absolute_value(x, y):
    return jnp.mean(x - y)


def _nll(x, labels):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), labels[..., None], -1))


def reshapes_channels(x, labels):
    return _nll(x.reshape(-1, 5), labels.reshape(-1))


def moves_channels(x, labels):
    return _nll(jnp.moveaxis(x, 1, -1), labels)


def labels_as_uint8(x, labels):
    narrow = labels.astype(jnp.uint8).astype(jnp.int32)
    return -jnp.take_along_axis(jax.nn.log_softmax(x), narrow[:, None], -1)[:, 0]


def labels_unchanged(x, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], -1)[:, 0]


# Labels without effect, and interacting positions


def only_positives(x, y):
    return -jnp.mean(y * jax.nn.log_sigmoid(x))


def hinge_of_zero_and_one(x, y):
    return jnp.mean(jnp.maximum(0, 1 - x * y))


def hinge_of_signs(x, y):
    return jnp.mean(jnp.maximum(0, 1 - x * (2 * y - 1)))


def softmax_over_time(x, labels):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x, axis=1), labels[..., None], -1))


def softmax_over_classes(x, labels):
    return _nll(x, labels)


# Masked elements and lengths


def list_with_its_padding(x, y, mask):
    return -jnp.sum(mask * y * jax.nn.log_softmax(x)) / jnp.maximum(jnp.sum(mask), 1)


def list_without_its_padding(x, y, mask):
    log_p = jax.nn.log_softmax(jnp.where(mask > 0, x, -1e9))
    return -jnp.sum(jnp.where(mask > 0, y * log_p, 0)) / jnp.maximum(jnp.sum(mask), 1)


def centered_over_padding(x, y, mask):
    x = x - jnp.mean(x, -1, keepdims=True)
    return jnp.sum(jnp.where(mask, (x - y) ** 2, 0)) / jnp.maximum(mask.sum(), 1)


def row_means_over_padding(x, y, mask):
    kept = mask.any(-1)
    return jnp.sum(jnp.mean(jnp.where(mask, (x - y) ** 2, 0), -1) * kept) / jnp.maximum(kept.sum(), 1)


def mean_over_kept(x, y, mask):
    return jnp.sum(jnp.where(mask, x - y, 0) ** 2) / jnp.maximum(mask.sum(), 1)


def inverts_an_integer(x, y, pad):
    kept = ~pad
    return jnp.sum(kept * (x - y) ** 2) / jnp.where(kept.sum() == 0, 1, kept.sum())


def one_minus_an_integer(x, y, pad):
    kept = 1 - pad
    return jnp.sum(kept * (x - y) ** 2) / jnp.maximum(kept.sum(), 1)


def _kept(x, lengths):
    return jnp.arange(x.shape[1])[None] < lengths[:, None]


def one_additional_position(x, y, lengths):
    kept = jnp.arange(x.shape[1])[None] <= lengths[:, None]
    return jnp.sum(kept * (x - y) ** 2) / jnp.sum(kept)


def divided_by_all_positions(x, y, lengths):
    return jnp.mean(_kept(x, lengths) * (x - y) ** 2)


def a_term_beyond_the_length(x, y, lengths):
    return mean_over_lengths(x, y, lengths) + 0.1 * jnp.mean(x * x)


def mean_over_lengths(x, y, lengths):
    kept = _kept(x, lengths)
    return jnp.sum(jnp.where(kept, x - y, 0) ** 2) / jnp.maximum(jnp.sum(kept), 1)


def weighted_before_the_square(x, y, weights):
    w, total = weights[:, None], jnp.sum(weights)
    return jnp.sum((w * x - w * y) ** 2) / jnp.where(total > 0, total, 1)


def weighted_after_the_square(x, y, weights):
    w, total = weights[:, None], jnp.sum(weights)
    return jnp.sum(w * jnp.where(w > 0, x - y, 0) ** 2) / jnp.where(total > 0, total, 1)


# Numbers


def variance_by_squares(x):
    return jnp.sqrt(jnp.mean(x * x, -1) - jnp.mean(x, -1) ** 2 + 1e-3)


def variance_by_differences(x):
    return jnp.sqrt(jnp.mean((x - jnp.mean(x, -1, keepdims=True)) ** 2, -1) + 1e-3)


def distance_by_products(x, y):
    return jnp.sqrt(jnp.abs(jnp.sum(x * x, -1) + jnp.sum(y * y, -1) - 2 * jnp.sum(x * y, -1)) + 1e-3)


def distance_by_differences(x, y):
    return jnp.sqrt(jnp.sum((x - y) ** 2, -1) + 1e-3)


def casts_to_half(x, y):
    return jnp.mean((x.astype(jnp.bfloat16) - y.astype(jnp.bfloat16)).astype(x.dtype) ** 2)


def does_not_cast(x, y):
    d = x.astype(jnp.result_type(x.dtype, jnp.float32)) - y
    return (jnp.sum(d * d) / max(d.size, 1)).astype(x.dtype)


def balanced_by_counts(x, labels):
    hot = jax.nn.one_hot(labels, 5, dtype=x.dtype)
    return -jnp.sum(hot * (1 / jnp.sum(hot, 0)) * jax.nn.log_softmax(x))


def balanced_by_clamped_counts(x, labels):
    hot = jax.nn.one_hot(labels, 5, dtype=x.dtype)
    return -jnp.sum(hot * (1 / jnp.maximum(jnp.sum(hot, 0), 1)) * jax.nn.log_softmax(x))


# A single interacting sample, and state of a Cell


def mean_over_others(x):
    near = jnp.exp(-jnp.sum((x[:, None] - x[None]) ** 2, -1))
    n = x.shape[0]
    return jnp.sum(near * (1 - jnp.eye(n))) / (n * (n - 1))


def mean_over_others_if_any(x):
    near = jnp.exp(-jnp.sum((x[:, None] - x[None]) ** 2, -1))
    n = x.shape[0]
    return jnp.sum(near * (1 - jnp.eye(n))) / max(n * (n - 1), 1)


class StoresTheFirstScale(nn.LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.scale = None

    def construct(self, logits, labels):
        if self.scale is None:
            self.scale = 1.0 / (1 + logits.shape[0])
        return self.get_loss((logits - labels) ** 2) * self.scale


class ScaleOfEachCall(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss((logits - labels) ** 2) * (1.0 / (1 + logits.shape[0]))


def _class_weighted(x, labels, weights):
    picked = -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], -1)[:, 0]
    return jnp.sum(weights * picked) / jnp.sum(weights)


def weighted_by_batch_and_class(x, labels):
    # The weight of a class depends on its frequency in the batch.
    hot = jax.nn.one_hot(labels, 5, dtype=x.dtype)
    return _class_weighted(x, labels, (hot @ jnp.sum(hot, 0)) ** 2)


def weighted_by_class(x, labels):
    return _class_weighted(x, labels, jnp.asarray([1, 2, 3, 0.5, 1], x.dtype)[labels])


STRUCTURE_FAULTS: list[Fault] = [
    Fault(forgets_the_cotangent, squared_difference, PAIR, "gradient", "must multiply by the gradient of its result"),
    Fault(BpropForgetsDout, BpropTimesDout, CELL_PAIR, "gradient", "must multiply by the gradient of its result"),
    Fault(weight_detached, target_detached, PAIR, "gradient", "by finite differences"),
    Fault(rounded, rounded_on_purpose, PAIR, "gradient", "'straight-through'"),
    Fault(CentersDetached, Centers, "x: f32[8, 3], labels: i32[8] < 4", "parameters", "along a random direction"),
    Fault(WrongGradientOfItsParameter, CorrectGradientOfItsParameter, PAIR, "parameters", "along a random direction"),
    Fault(
        ParameterUnused, CorrectGradientOfItsParameter, PAIR, "parameters", "no gradient reaches the Parameter scale"
    ),
    Fault(
        DividesByAParameterOfZero,
        CorrectGradientOfItsParameter,
        PAIR,
        "parameters",
        "the gradient for the Parameter sigma",
    ),
    Fault(huber_without_its_offset, huber, PAIR, "continuous", "the value jumps from"),
    Fault(
        switches_at_half,
        does_not_switch,
        "p: f32[8] in (0, 1), y: f32[8] in {0, 1}",
        "continuous",
        "the value jumps from",
    ),
    Fault(quantile_of_one_side, quantile, PAIR, "continuous", "the value jumps from"),
    Fault(target_rounded, target_not_rounded, PAIR + ", z: f32[8, 3]", "continuous", "the value jumps from"),
    Fault(swapped_sides, correct_sides, BINARY, "direction", "missing minus sign"),
    Fault(overlap, one_minus_overlap, "p: f32[8, 4] in [0, 1], y: f32[8, 4] in {0, 1}", "direction", "raises the loss"),
    Fault(
        likelihood_of_rows,
        minus_likelihood_of_rows,
        "p: f32[8, 4] simplex, labels: i32[8] < 4",
        "direction",
        "raises the loss",
    ),
    Fault(soft_labels_without_minus, soft_labels, "x: f32[8, 4], y: f32[8, 4] simplex", "direction", "raises the loss"),
    Fault(hinge_with_plus, hinge, "x: f32[8], y: i32[8] in {-1, 1}", "direction", "raises the loss"),
    Fault(swapped_triplets, triplets, TRIPLETS, "direction", "nearer than the negative"),
    Fault(swapped_ranks, ranks, SCORES, "direction", "nearer than the negative"),
    Fault(no_absolute_value, squared_difference, PAIR, "direction", "raises the loss"),
    Fault(reshapes_channels, moves_channels, IMAGES, "direction", "ops.moveaxis"),
    Fault(
        labels_as_uint8,
        labels_unchanged,
        "x: f32[8, 300], labels: i32[8] < 300",
        "direction",
        "of the sample with label",
    ),
    Fault(only_positives, correct_sides, BINARY, "label-gradient", "with y of 0 no gradient reaches x"),
    Fault(hinge_of_zero_and_one, hinge_of_signs, BINARY, "label-gradient", "2 * y - 1"),
    Fault(softmax_over_time, softmax_over_classes, TOKENS, "positions", "the axis of the classes"),
    Fault(list_with_its_padding, list_without_its_padding, LIST, "masked-elements", "change the loss"),
    Fault(centered_over_padding, mean_over_kept, MASKED, "masked-elements", "change the loss"),
    Fault(row_means_over_padding, mean_over_kept, MASKED, "masked-elements", "as without that position"),
    Fault(
        inverts_an_integer,
        one_minus_an_integer,
        "x: f32[8, 4], y: f32[8, 4], pad: i32[8, 4] < 2",
        "masked-elements",
        "change the loss",
    ),
    Fault(one_additional_position, mean_over_lengths, SEQUENCE, "lengths", "without the position at the length itself"),
    Fault(divided_by_all_positions, mean_over_lengths, SEQUENCE, "lengths", "as without that position"),
    Fault(a_term_beyond_the_length, mean_over_lengths, SEQUENCE, "lengths", "change the loss"),
    Fault(
        weighted_before_the_square,
        weighted_after_the_square,
        PAIR + ", weights: f32[8] >= 0",
        "zero-weight",
        "as with that sample twice",
    ),
    Fault(variance_by_squares, variance_by_differences, "x: f32[8, 4]", "extremes", "for inputs near 1000"),
    Fault(
        distance_by_products, distance_by_differences, "x: f32[8, 4], y: f32[8, 4]", "extremes", "for inputs near 1000"
    ),
    Fault(casts_to_half, does_not_cast, PAIR, "half-precision", "casts to half precision"),
    Fault(
        balanced_by_counts, balanced_by_clamped_counts, CLASSES, "jit", "a product of 0 and an infinite number", COUPLED
    ),
    Fault(mean_over_others, mean_over_others_if_any, "x: f32[8, 4]", "one-sample", "for a batch of one", COUPLED),
    Fault(StoresTheFirstScale, ScaleOfEachCall, CELL_PAIR, "leaks", "changes the attribute 'scale'"),
    Fault(weighted_by_batch_and_class, weighted_by_class, CLASSES, "batch-split", "its halves"),
]
