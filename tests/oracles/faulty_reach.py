"""Losses that lack gradients for some inputs, or keep state between calls: `REACH_FAULTS`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from oracles.faulty_contracts import squared_difference
from oracles.faulty_edges import Fault
from oracles.faulty_structure import TRIPLETS, triplets
from sporax import nn

PAIR = "x: f32[8, 3], y: f32[8, 3]"
CELL_PAIR = "logits: f32[8, 3], labels: f32[8, 3]"
CLASSES = "x: f32[8, 4], labels: i32[8] < 4"
TWO_CLASSES = "x: f32[8, 2], labels: i32[8] < 2"
BINARY = "x: f32[8], y: f32[8] in {0, 1}"
CERTAIN = "p: f32[8] in [0, 1], y: f32[8] in {0, 1}"
WEIGHTED = "x: f32[8, 3], y: f32[8, 3], weights: f32[8] > 0"
TOKENS = "x: f32[4, 5, 3], labels: i32[4, 5] in {-1, 0, 1, 2}"
EMBEDDED = "x: f32[8, 5], labels: i32[8] < 3"
VIEWS = "a: f32[8, 5], b: f32[8, 5]"
COUPLED = {"coupled": True}


def _negative_log(x, labels):
    hot = labels[..., None] == jnp.arange(x.shape[-1])
    return -jnp.sum(jnp.where(hot, jax.nn.log_softmax(x), 0), -1)


# Wrong predictions


def cross_entropy(x, labels):
    return _negative_log(x, labels)


def softmax_twice(x, labels):
    return _negative_log(jax.nn.softmax(x), labels)


def epsilon_beside_a_probability(x, labels):
    return -jnp.log(jnp.sum(jax.nn.softmax(x) * jax.nn.one_hot(labels, 4), -1) + 1e-3)


def clips_logits(x, labels):
    return _negative_log(jnp.clip(x, -5, 5), labels)


def binary(x, y):
    return jnp.logaddexp(0, x) - x * y


def sigmoid_twice(x, y):
    return binary(jax.nn.sigmoid(x), y)


def clips_a_sigmoid(x, y):
    p = jnp.clip(jax.nn.sigmoid(x), 1e-6, 1 - 1e-6)
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def clips_widely(p, y):
    p = jnp.clip(p, 0.02, 0.98)
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def clips_narrowly(p, y):
    p = jnp.clip(p, 1e-6, 1 - 1e-6)
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def clips_predictions(x, y):
    return (jnp.clip(x, 0, 1) - y) ** 2


def positive_predictions(x, y):
    return (jnp.maximum(x, 0) - y) ** 2


def hinge_of_labels(x, y):
    return jnp.maximum(1 - x * (2 * y - 1), 0)


def above_the_label(x, y):
    return jnp.maximum(x - y, 0) ** 2


def quantile(x, y):
    return jnp.maximum(0.9 * (y - x), 0.1 * (x - y))


# Elements


def mean_of_squares(x, y):
    return jnp.mean((x - y) ** 2, -1)


def first_column(x, y):
    return (x[:, 0] - y[:, 0]) ** 2


def last_column(x, y):
    return (x[:, -1] - y[:, -1]) ** 2


def labels_in_reverse(x, y):
    return (x - y[:, ::-1]) ** 2


def labels_cast(x, y):
    return (x - y.astype(jnp.int32)) ** 2


def one_column_of_labels(x, y):
    return jnp.mean((x - y[:, :1]) ** 2, -1)


def without_the_last_class(x, labels):
    return _negative_log(x[:, :-1], labels % 3)


def only_the_second_score(x, labels):
    return binary(x[:, 1], labels.astype(x.dtype))


def difference_of_scores(x, labels):
    return binary(x[:, 1] - x[:, 0], labels.astype(x.dtype))


def next_value(x, y):
    return jnp.mean((x[:, :-1] - y[:, 1:]) ** 2, -1)


# The minimum


def twice_the_label(x, y):
    return (x - 2 * y) ** 2


def forgets_a_logarithm(x, y):
    return jnp.sum(jax.nn.softmax(y) * (jax.nn.log_softmax(y) - x), -1)


def divergence(x, y):
    return jnp.sum(jax.nn.softmax(y) * (jax.nn.log_softmax(y) - jax.nn.log_softmax(x)), -1)


def divides_one_side_by_a_temperature(x, y):
    return jnp.sum(jax.nn.softmax(y / 3) * (jax.nn.log_softmax(y / 3) - jax.nn.log_softmax(x) / 3), -1)


def keeps_predictions_small(x, y):
    return jnp.mean((x - y) ** 2) + 0.05 * jnp.mean(jnp.abs(x))


# State

STEPS = [0]
COUNTS = {"calls": 0}
HISTORY: list[object] = []
CALLS = 0
CACHE: dict[int, object] = {}


def counts_in_a_global_list(x, y):
    STEPS[0] += 1
    return (x - y) ** 2 * (0.1 if STEPS[0] < 1_000_000 else 1)


def counts_in_a_global_dict(x, y):
    COUNTS["calls"] += 1
    return (x - y) ** 2 * (0.1 if COUNTS["calls"] < 1_000_000 else 1)


def counts_in_a_global(x, y):
    global CALLS
    CALLS += 1
    return (x - y) ** 2 * (0.1 if CALLS < 1_000_000 else 1)


def collects(x, y):
    value = (x - y) ** 2
    HISTORY.append(value)
    return value


def collects_in_a_default(x, y, *, seen=[]):  # noqa: B006
    seen.append(1)
    return (x - y) ** 2 * (0.1 if len(seen) < 1_000_000 else 1)


def _counting():
    calls = 0

    def counts_in_a_closure(x, y):
        nonlocal calls
        calls += 1
        return (x - y) ** 2 * (0.1 if calls < 1_000_000 else 1)

    return counts_in_a_closure


counts_in_a_closure = _counting()


def caches_a_constant(x, y):
    size = x.shape[-1]
    if size not in CACHE:
        CACHE[size] = np.linspace(0.5, 1, size, dtype=np.float32)
    return (x - y) ** 2 * CACHE[size]


class CountsInAList(nn.LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.calls = []

    def construct(self, logits, labels):
        self.calls.append(1)
        return self.get_loss((logits - labels) ** 2 * (0.1 if len(self.calls) < 1_000_000 else 1))


class CountsPrivately(nn.LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self._calls = 0

    def construct(self, logits, labels):
        self._calls += 1
        return self.get_loss((logits - labels) ** 2 * (0.1 if self._calls < 1_000_000 else 1))


class _Counter(nn.Cell):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def construct(self, x):
        self.calls += 1
        return x * (0.1 if self.calls < 1_000_000 else 1)


class CountsInside(nn.LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.counter = _Counter()

    def construct(self, logits, labels):
        return self.get_loss(self.counter((logits - labels) ** 2))


class CountsInItsClass(nn.LossBase):
    calls = 0

    def construct(self, logits, labels):
        CountsInItsClass.calls += 1
        return self.get_loss((logits - labels) ** 2 * (0.1 if self.calls < 1_000_000 else 1))


class ConstantList(nn.LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.factors = [0.5, 1.0, 2.0]

    def construct(self, logits, labels):
        return self.get_loss((logits - labels) ** 2 * self.factors[0])


# Weights, ignored labels, terms, pairs


def weights_over_their_maximum(x, y, weights):
    return jnp.mean(mean_of_squares(x, y) * weights / weights.max(initial=1e-6))


def weights_over_their_sum(x, y, weights):
    return jnp.sum(mean_of_squares(x, y) * weights) / jnp.maximum(weights.sum(), 1e-6)


class WeightsTwice(nn.LossBase):
    def construct(self, x, y, weights):
        return self.get_loss(((x - y) ** 2).mean(-1) * weights, weights)


class WeightsOnce(nn.LossBase):
    def construct(self, x, y, weights):
        return self.get_loss(((x - y) ** 2).mean(-1), weights)


def _left(x, labels):
    keep = labels != -1
    return jnp.where(keep, _negative_log(x, jnp.where(keep, labels, 0)), 0), keep


def mean_over_ignored_positions(x, labels):
    return jnp.mean(_left(x, labels)[0], -1)


def mean_over_other_positions(x, labels):
    values, keep = _left(x, labels)
    return values.sum() / jnp.maximum(keep.sum(), 1)


def total_among_its_terms(x, y):
    square, absolute = jnp.mean((x - y) ** 2), jnp.mean(jnp.abs(x - y))
    return {"square": square, "absolute": absolute, "total": square + absolute}


def total_as_loss(x, y):
    square, absolute = jnp.mean((x - y) ** 2), jnp.mean(jnp.abs(x - y))
    return {"square": square, "absolute": absolute, "loss": square + absolute}


def _contrast(x, labels):
    distance = jnp.sum((x[:, None] - x[None]) ** 2, -1)
    alike = labels[:, None] == labels[None]
    return jnp.sum(jnp.where(alike, distance, jnp.maximum(4 - distance, 0))) / max(x.shape[0], 1) ** 2


def partners_of_the_next(x, labels):
    return _contrast(x, labels) + jnp.sum((labels == jnp.roll(labels, 1)) * jnp.sum(x**2, -1))


def partners(x, labels):
    return _contrast(x, labels)


def views_shifted(a, b):
    return jnp.sum((a - jnp.roll(b, 1, axis=0)) ** 2)


def views(a, b):
    return jnp.sum((a - b) ** 2) + jnp.sum(a.mean(0) ** 2)


def negatives_too_close(anchor, positive, negative):
    near, far = (jnp.sum((anchor - each) ** 2, -1) for each in (positive, negative))
    return jnp.abs(near - far + 1)


REACH_FAULTS = [
    Fault(softmax_twice, cross_entropy, CLASSES, "far-off", "applied twice"),
    Fault(epsilon_beside_a_probability, cross_entropy, CLASSES, "far-off", "an epsilon inside"),
    Fault(clips_logits, cross_entropy, CLASSES, "far-off", "has a gradient of 0"),
    Fault(sigmoid_twice, binary, BINARY, "far-off", "applied twice"),
    Fault(clips_a_sigmoid, hinge_of_labels, BINARY, "far-off", "look for clip"),
    Fault(clips_widely, clips_narrowly, CERTAIN, "far-off", "probabilities of 0.998 on the wrong side"),
    Fault(clips_predictions, squared_difference, PAIR, "far-off", "at the label +30"),
    Fault(positive_predictions, above_the_label, PAIR, "far-off", "at the label -30"),
    Fault(first_column, mean_of_squares, PAIR, "elements-used", "x[:, 1] has no effect"),
    Fault(one_column_of_labels, mean_of_squares, PAIR, "elements-used", "y[:, 1] has no effect"),
    Fault(without_the_last_class, cross_entropy, CLASSES, "elements-used", "x[:, 3] has no effect"),
    Fault(only_the_second_score, difference_of_scores, TWO_CLASSES, "elements-used", "x[:, 0] has no effect"),
    Fault(last_column, next_value, PAIR, "elements-used", "x[:, 0] has no effect"),
    Fault(twice_the_label, squared_difference, PAIR, "perfect", "predictions that equal the labels have a loss of"),
    Fault(forgets_a_logarithm, divergence, PAIR, "perfect", "a temperature"),
    Fault(divides_one_side_by_a_temperature, keeps_predictions_small, PAIR, "perfect", "a temperature"),
    Fault(labels_in_reverse, quantile, PAIR, "perfect", "and others"),
    Fault(labels_cast, quantile, PAIR, "perfect", "a cast of the labels to an integer"),
    Fault(negatives_too_close, triplets, TRIPLETS, "direction", "four times as far"),
    Fault(counts_in_a_global_list, squared_difference, PAIR, "leaks", "every call changes the global 'STEPS'"),
    Fault(counts_in_a_global_dict, caches_a_constant, PAIR, "leaks", "every call changes the global 'COUNTS'"),
    Fault(counts_in_a_global, squared_difference, PAIR, "leaks", "every call changes the global 'CALLS'"),
    Fault(collects, squared_difference, PAIR, "leaks", "the global 'HISTORY' holds a value of the trace"),
    Fault(collects_in_a_default, squared_difference, PAIR, "leaks", "default argument"),
    Fault(counts_in_a_closure, squared_difference, PAIR, "leaks", "every call changes the variable 'calls'"),
    Fault(CountsInAList, ConstantList, CELL_PAIR, "leaks", "every call changes the attribute 'calls'"),
    Fault(CountsPrivately, ConstantList, CELL_PAIR, "leaks", "every call changes the attribute '_calls'"),
    Fault(CountsInside, ConstantList, CELL_PAIR, "leaks", "every call changes the attribute 'counter.calls'"),
    Fault(CountsInItsClass, ConstantList, CELL_PAIR, "leaks", "attribute 'CountsInItsClass.calls'"),
    Fault(weights_over_their_maximum, weights_over_their_sum, WEIGHTED, "zero-weight", "with weights"),
    Fault(WeightsTwice, WeightsOnce, WEIGHTED, "zero-weight", "with twice the weight for the first sample"),
    Fault(mean_over_ignored_positions, mean_over_other_positions, TOKENS, "masked-elements", "where labels is -1"),
    Fault(total_among_its_terms, total_as_loss, PAIR, "runs", "the term 'total' is the sum of the others"),
    Fault(partners_of_the_next, partners, EMBEDDED, "batch-split", "the order of the samples changes", COUPLED),
    Fault(views_shifted, views, VIEWS, "batch-split", "its partner", COUPLED),
]
