"""Losses of class scores that are wrong where a score is infinite or very large: `INFINITE_FAULTS`."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from oracles.faulty_contracts import CLASSES, logsumexp_of_jax
from oracles.faulty_edges import Fault
from sporax import nn, ops


def expected_score(x, labels):
    p = jax.nn.softmax(x)
    return jnp.sum(p * x, -1) - jnp.take_along_axis(x, labels[:, None], axis=-1)[:, 0]


def _cross_entropy(x, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], axis=-1)[:, 0]


def cross_entropy_of_jax(x, labels):
    return jnp.mean(_cross_entropy(x, labels))


def removes_every_infinity(x, labels):
    return jnp.mean(_cross_entropy(jnp.where(jnp.isinf(x), 0, x), labels))


def removes_masked_classes(x, labels):
    return jnp.mean(_cross_entropy(jnp.where(x == -jnp.inf, -1e9, x), labels))


def keeps_finite_values(x, labels):
    values = _cross_entropy(x, labels)
    return jnp.where(jnp.isfinite(values), values, 0)


class RemovesWhatOverflows(nn.LossBase):
    def construct(self, logits, labels):
        values = -ops.gather_elements(ops.log_softmax(logits), 1, labels.expand_dims(1))
        return self.get_loss(ops.where(ops.isfinite(values), values, ops.zeros_like(values)))


class LetsOverflowsPass(nn.LossBase):
    def construct(self, logits, labels):
        values = -ops.gather_elements(ops.log_softmax(logits), 1, labels.expand_dims(1))
        return self.get_loss(values)


def selects_the_limit_too_late(x, labels):
    picked = jnp.take_along_axis(x, labels[:, None], axis=-1)[:, 0]
    return jnp.where(picked == jnp.inf, 0, _cross_entropy(x, labels))


def limits_the_scores(x, labels):
    return _cross_entropy(jnp.minimum(x, 1e8), labels)


def maximum_of_at_most_20000(x, labels):
    most = jnp.minimum(jnp.max(x, -1, keepdims=True), 2e4)
    total = jnp.log(jnp.sum(jnp.exp(x - most), -1)) + most[:, 0]
    return total - jnp.take_along_axis(x, labels[:, None], axis=-1)[:, 0]


INFINITE_FAULTS: list[Fault] = [
    Fault(expected_score, logsumexp_of_jax, CLASSES, "infinite", "is NaN"),
    Fault(
        removes_every_infinity,
        removes_masked_classes,
        CLASSES,
        "infinite",
        "with a score of inf of another class the value is",
    ),
    Fault(
        keeps_finite_values, cross_entropy_of_jax, CLASSES, "infinite", "with a score of inf of another class the value"
    ),
    Fault(RemovesWhatOverflows, LetsOverflowsPass, CLASSES, "infinite", "the limit of growing scores, or NaN"),
    Fault(
        selects_the_limit_too_late, limits_the_scores, CLASSES, "infinite", "a score of inf of the label's class the"
    ),
    Fault(maximum_of_at_most_20000, logsumexp_of_jax, CLASSES, "infinite", "for a score of 1e+06 of another class"),
]
