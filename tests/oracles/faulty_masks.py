"""Losses that fail for masked, weighted or ignored samples: `MASK_FAULTS`, each with a correct counterpart."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from oracles.faulty_contracts import squared_difference
from oracles.faulty_edges import Fault
from sporax import nn

PAIR = "x: f32[8, 3], y: f32[8, 3]"
VECTORS = "x: f32[8], y: f32[8]"
CLASSES = "x: f32[8, 5], labels: i32[8] < 5"
TOKENS = "x: f32[8, 3], y: f32[8, 3], mask: f32[8, 3] in {0, 1}"
MASKED = "x: f32[8], y: f32[8], mask: bool[8]"
IGNORED = "x: f32[8, 3], labels: i32[8] in {-100, 0, 1, 2}"


# Nothing left


def mean_over_mask(x, y, mask):
    return jnp.sum(jnp.where(mask, (x - y) ** 2, 0)) / jnp.sum(mask)


def mean_over_mask_right(x, y, mask):
    return jnp.sum(jnp.where(mask, (x - y) ** 2, 0)) / jnp.maximum(jnp.sum(mask), 1)


def mean_where(x, y, mask):
    return jnp.mean((x - y) ** 2, where=mask)


def mean_over_integers(x, y, mask):
    return jnp.sum(mask * (x - y) ** 2) / jnp.sum(mask)


def mean_over_integers_right(x, y, mask):
    return jnp.sum(mask * (x - y) ** 2) / jnp.maximum(jnp.sum(mask), 1)


def mean_over_weights(x, y, weights):
    return jnp.sum(weights * (x - y) ** 2) / jnp.sum(weights)


def mean_over_weights_right(x, y, weights):
    total = jnp.sum(weights)
    return jnp.sum(weights * (x - y) ** 2) / jnp.where(total > 0, total, 1)


def mean_over_epsilon(x, y, weights):
    return jnp.sum(weights * (x - y) ** 2) / (jnp.sum(weights) + 1e-8)


def unnamed_mask(x, y, chosen):
    return jnp.sum(chosen * (x - y) ** 2) / jnp.sum(chosen)


def unnamed_mask_right(x, y, chosen):
    return jnp.sum(chosen * (x - y) ** 2) / jnp.maximum(jnp.sum(chosen), 1)


def ignores_some(x, labels):
    keep = labels >= 0
    log_p = jax.nn.log_softmax(x)
    picked = jnp.take_along_axis(log_p, jnp.where(keep, labels, 0)[:, None], axis=-1)[:, 0]
    return -jnp.sum(picked * keep) / jnp.sum(keep)


def ignores_some_right(x, labels):
    keep = labels >= 0
    log_p = jax.nn.log_softmax(x)
    picked = jnp.take_along_axis(log_p, jnp.where(keep, labels, 0)[:, None], axis=-1)[:, 0]
    return -jnp.sum(picked * keep) / jnp.maximum(jnp.sum(keep), 1)


def ignores_by_default(x, labels, *, ignore_index=-100):
    keep = labels != ignore_index
    named = (labels >= 0) & (labels < x.shape[-1])
    log_p = jax.nn.log_softmax(x)
    picked = jnp.take_along_axis(log_p, jnp.where(keep & named, labels, 0)[:, None], axis=-1)[:, 0]
    return -jnp.sum(jnp.where(named, picked, jnp.nan) * 1.0, where=keep) / jnp.sum(keep)


def ignores_by_default_right(x, labels, *, ignore_index=-100):
    keep = labels != ignore_index
    named = (labels >= 0) & (labels < x.shape[-1])
    log_p = jax.nn.log_softmax(x)
    picked = jnp.take_along_axis(log_p, jnp.where(keep & named, labels, 0)[:, None], axis=-1)[:, 0]
    return -jnp.sum(jnp.where(named, picked, jnp.nan), where=keep) / jnp.maximum(jnp.sum(keep), 1)


def maximum_over_mask(x, mask):
    return jnp.max(jnp.where(mask, x * x, -jnp.inf))


def maximum_over_mask_right(x, mask):
    return jnp.max(jnp.where(mask, x * x, 0.0))


def row_means_over_tokens(x, y, mask):
    each = jnp.sum(mask * (x - y) ** 2, axis=-1) / jnp.sum(mask, axis=-1)
    return jnp.mean(each)


def mean_over_padding(x, y, padding_mask):
    keep = 1.0 - padding_mask
    return jnp.sum(keep * (x - y) ** 2) / jnp.sum(keep)


def mean_over_padding_right(x, y, padding_mask):
    keep = 1.0 - padding_mask
    return jnp.sum(keep * (x - y) ** 2) / jnp.maximum(jnp.sum(keep), 1)


def mask_forgets_a_term(x, y, mask):
    return jnp.sum(mask * (x - y) ** 2) / jnp.maximum(jnp.sum(mask), 1) + 0.1 * jnp.mean(x * x)


def mask_as_logarithm(x, y, mask):
    return jax.nn.logsumexp(jnp.where(mask, (x - y) ** 2, -jnp.inf))


class MaskedCell(nn.LossBase):
    def construct(self, logits, labels, mask):
        values = (logits - labels) ** 2 * mask
        return values.sum() / mask.sum()


class MaskedCellRight(nn.LossBase):
    def construct(self, logits, labels, mask):
        return self.get_loss((logits - labels) ** 2, mask)


# Weights and masks


def mean_over_every_token(x, y, mask):
    return jnp.mean(mask * (x - y) ** 2)


def mean_over_tokens(x, y, mask):
    # Selected before the square: the derivative of an element that ops.where drops afterwards is 0 * NaN.
    return jnp.sum(jnp.where(mask > 0, x - y, 0) ** 2) / jnp.maximum(jnp.sum(mask), 1)


def multiplies_by_the_mask(x, y, mask):
    # 0 times NaN is NaN.
    return jnp.sum(mask * (x - y) ** 2) / jnp.maximum(jnp.sum(mask), 1)


def zeros_for_the_masked(x, y, mask):
    return jnp.mean(jnp.where(mask, (x - y) ** 2, 0))


def masked_predictions_only(x, y, mask):
    return jnp.sum((x * mask - y) ** 2) / jnp.maximum(jnp.sum(mask), 1)


def normalized_over_all_samples(x, y, mask):
    share = jax.nn.softmax(x)
    return jnp.sum(mask * share * (x - y) ** 2) / jnp.maximum(jnp.sum(mask), 1)


def masked_mean(x, y, mask):
    return jnp.sum(jnp.where(mask, x - y, 0) ** 2) / jnp.maximum(jnp.sum(mask), 1)


def ignores_class_weights(x, labels, class_weights):
    return -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], axis=-1)[:, 0]


def takes_class_weights(x, labels, class_weights):
    return -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], axis=-1)[:, 0] * class_weights[labels]


def compares_with_itself(x, y):
    return jnp.mean((x - jnp.tanh(x)) ** 2)


def names_what_it_does_not_use(x, _y):
    return jnp.mean((x - jnp.tanh(x)) ** 2)


def weights_as_flags(x, y, sample_weights):
    keep = sample_weights > 0
    return jnp.sum(keep * (x - y) ** 2) / jnp.maximum(jnp.sum(keep), 1)


def weights_as_numbers(x, y, sample_weights):
    total = jnp.sum(sample_weights)
    return jnp.sum(sample_weights * (x - y) ** 2) / jnp.where(total > 0, total, 1)


def mean_over_ignored_too(x, labels):
    keep = labels >= 0
    picked = jnp.take_along_axis(jax.nn.log_softmax(x), jnp.where(keep, labels, 0)[:, None], axis=-1)[:, 0]
    return -jnp.mean(picked * keep)


def mean_over_the_rest(x, labels):
    keep = labels >= 0
    picked = jnp.take_along_axis(jax.nn.log_softmax(x), jnp.where(keep, labels, 0)[:, None], axis=-1)[:, 0]
    return -jnp.sum(picked * keep) / jnp.maximum(jnp.sum(keep), 1)


def ignored_as_the_first_class(x, labels):
    named = jnp.maximum(labels, 0)
    return -jnp.take_along_axis(jax.nn.log_softmax(x), named[:, None], axis=-1)[:, 0]


def ignored_as_zero(x, labels):
    keep = labels >= 0
    picked = jnp.take_along_axis(jax.nn.log_softmax(x), jnp.where(keep, labels, 0)[:, None], axis=-1)[:, 0]
    return -picked * keep


MASK_FAULTS: list[Fault] = [
    Fault(mean_over_mask, mean_over_mask_right, MASKED, "nothing-left", "ops.clamp(count, 1)"),
    Fault(mean_where, mean_over_mask_right, MASKED, "nothing-left", "with mask all 0 the value is NaN"),
    Fault(
        mean_over_integers,
        mean_over_integers_right,
        "x: f32[8], y: f32[8], mask: i32[8] < 2",
        "nothing-left",
        "with mask all 0",
    ),
    Fault(
        mean_over_weights,
        mean_over_weights_right,
        "x: f32[8], y: f32[8], weights: f32[8] >= 0",
        "nothing-left",
        "with weights all 0",
    ),
    Fault(
        mean_over_epsilon,
        mean_over_weights_right,
        "x: f32[8], y: f32[8], weights: f32[8] >= 0",
        "nothing-left",
        "float16",
    ),
    Fault(
        unnamed_mask,
        unnamed_mask_right,
        "x: f32[8], y: f32[8], chosen: i32[8] in {0, 1}",
        "nothing-left",
        "with chosen all 0",
    ),
    Fault(
        ignores_some,
        ignores_some_right,
        "x: f32[8, 3], labels: i32[8] in {-100, 0, 1, 2}",
        "nothing-left",
        "with labels all -100",
    ),
    Fault(
        ignores_by_default,
        ignores_by_default_right,
        "x: f32[8, 3], labels: i32[8] < 3",
        "nothing-left",
        "with labels all -100",
    ),
    Fault(
        maximum_over_mask,
        maximum_over_mask_right,
        "x: f32[8], mask: bool[8]",
        "nothing-left",
        "over no elements is infinite",
    ),
    Fault(
        row_means_over_tokens,
        mean_over_tokens,
        "x: f32[8, 3], y: f32[8, 3], mask: f32[8, 3] in {0, 1}",
        "nothing-left",
        "is NaN",
    ),
    Fault(
        mean_over_padding,
        mean_over_padding_right,
        "x: f32[8], y: f32[8], padding_mask: f32[8] in {0, 1}",
        "nothing-left",
        "with padding_mask all 1",
    ),
    Fault(
        mask_forgets_a_term,
        mean_over_integers_right,
        "x: f32[8], y: f32[8], mask: bool[8]",
        "nothing-left",
        "the value is 0.",
    ),
    Fault(mask_as_logarithm, mean_over_integers_right, "x: f32[8], y: f32[8], mask: bool[8]", "nothing-left", "-inf"),
    Fault(
        MaskedCell,
        MaskedCellRight,
        "logits: f32[8], labels: f32[8], mask: f32[8] in [0, 1]",
        "nothing-left",
        "faulty_masks.py:",
    ),
    Fault(mean_over_every_token, mean_over_tokens, TOKENS, "zero-weight", "divide by the sum of the remaining weights"),
    Fault(multiplies_by_the_mask, mean_over_tokens, TOKENS, "zero-weight", "0 * NaN is NaN"),
    Fault(zeros_for_the_masked, masked_mean, MASKED, "zero-weight", "divide by the sum of the remaining weights"),
    Fault(masked_predictions_only, masked_mean, MASKED, "zero-weight", "with weights of 0"),
    Fault(normalized_over_all_samples, masked_mean, MASKED, "zero-weight", "with weights of 0"),
    Fault(
        mean_over_ignored_too, mean_over_the_rest, IGNORED, "ignored-label", "divide by the number of remaining samples"
    ),
    Fault(ignored_as_the_first_class, ignored_as_zero, IGNORED, "ignored-label", "labels != ignore_index"),
    Fault(
        ignores_class_weights,
        takes_class_weights,
        CLASSES + ", class_weights: f32[5] > 0",
        "inputs-used",
        "class_weights has no effect",
    ),
    Fault(compares_with_itself, squared_difference, PAIR, "inputs-used", "y has no effect"),
    Fault(
        weights_as_flags,
        weights_as_numbers,
        VECTORS + ", sample_weights: f32[8] > 0",
        "inputs-used",
        "sample_weights has no effect",
    ),
]
