"""Losses with one fault each: `FAULTS` contains (loss, inputs, the check that must report it, words of the report)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import nn, ops
from sporax.core import dtype as mstype

PAIR = "f32[8, 3], f32[8, 3]"
CLASSES = "f32[8, 5], i32[8] < 5"
PROBABILITIES = "f32[8, 3] in [0, 1], f32[8, 3] in [0, 1]"


class StoppedGradient(nn.LossBase):
    def construct(self, logits, labels):
        scale = ops.stop_gradient(ops.abs(logits))
        return self.get_loss(scale * (logits - labels) ** 2)


@jax.custom_vjp
def _square(x):
    return x * x


_square.defvjp(lambda x: (x * x, x), lambda x, g: (g * x,))


def wrong_custom_derivative(x, y):
    return _square(x - y)


def without_gradient(x, y):
    return jnp.mean((jnp.round(x) - jnp.round(y)) ** 2)


def clipped_where_large(x, y):
    return jnp.mean(jnp.where(jnp.abs(x) > 8, jax.lax.stop_gradient(x) * x, (x - y) ** 2))


def distance(x, y):
    return jnp.sqrt(jnp.sum((x - y) ** 2, axis=-1))


@jax.custom_vjp
def _cube(x):
    return x**3


_cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * 3 * jax.lax.stop_gradient(x) ** 2,))


def wrong_second_derivative(x, y):
    return _cube(x - y)


def host_derivative(x, y):
    @jax.custom_vjp
    def square(d):
        return d * d

    def backward(d, g):
        gradient = jax.pure_callback(lambda v: 2 * np.asarray(v), jax.ShapeDtypeStruct(d.shape, d.dtype), d)
        return (g * gradient,)

    square.defvjp(lambda d: (d * d, d), backward)
    return square(x - y)


class MeanOverBatchOnly(nn.LossBase):
    def construct(self, logits, labels):
        values = (logits - labels) ** 2
        if self.reduction == "mean":
            return values.sum() / logits.shape[0]
        return self.get_loss(values)


class ReducedTwice(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss(((logits - labels) ** 2).mean())


class SumThatIsAMean(nn.LossBase):
    def construct(self, logits, labels):
        values = (logits - labels) ** 2
        return values.mean() if self.reduction == "sum" else self.get_loss(values)


def mean_over_all_weights(x, y, weights):
    return jnp.mean(weights * (x - y) ** 2)


def weight_after_the_mean(x, y, weights):
    return jnp.sum((x - y) ** 2) * jnp.mean(weights) / jnp.sum(weights)


def weight_in_a_softmax(x, y, weights):
    share = jax.nn.softmax(weights)
    return jnp.sum(share * (x - y) ** 2)


def every_pair(x, y):
    return jnp.mean((x - y) ** 2)


def mean_of_nothing(x, y):
    return jnp.mean((x - y) ** 2)


def softmax_over_the_batch(x, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(x, axis=0), labels[:, None], axis=1)[:, 0]


def divided_by_the_root(x, y):
    return jnp.sum((x - y) ** 2) / jnp.sqrt(x.shape[0])


def drops_the_last(x, y):
    return (x[:-1] - y[:-1]) ** 2


def scaled_by_the_maximum(x, y):
    return jnp.mean((x - y) ** 2 / jnp.max(jnp.abs(y)))


def labels_in_reverse(x, y):
    return jnp.mean((x - y[::-1]) ** 2)


def one_hot_of_anything(x, labels):
    return -jnp.sum(jax.nn.one_hot(labels, x.shape[-1]) * jax.nn.log_softmax(x), axis=-1)


def log_of_softmax(x, labels):
    e = jnp.exp(x)
    p = e / jnp.sum(e, axis=-1, keepdims=True)
    return -jnp.log(jnp.take_along_axis(p, labels[:, None], axis=-1)[:, 0])


def log_of_sigmoid(x, y):
    p = 1 / (1 + jnp.exp(-x))
    return -jnp.mean(jnp.log(p) + 0 * y)


def saturated(x, y):
    p = jax.nn.sigmoid(x)
    return -jnp.mean(jnp.log(1 - p + 1e-12) + 0 * y)


def catastrophic_cancellation(x, y):
    return jnp.mean(jnp.sqrt(x**2 + 1) - jnp.abs(x) + 0 * y) * 1e3


def unguarded_log(p, y):
    return -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def tiny_epsilon(p, y):
    return -jnp.mean(y * jnp.log(p + 1e-12) + (1 - y) * jnp.log(1 - p + 1e-12))


def exponent_in_half(x, y):
    return jnp.log(jnp.mean(jnp.exp(x - y))) if x.dtype == jnp.float32 else jnp.log(jnp.mean(jnp.exp(x - y)) + 0)


def sum_in_half(x, y):
    total = jax.lax.reduce(jnp.abs(x - y), jnp.asarray(0, x.dtype), jax.lax.add, (0, 1))
    return total / x.size


def infinite_minus_infinite(x, labels):
    shifted = x - jnp.max(x, axis=-1, keepdims=True)
    log_p = shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=-1, keepdims=True))
    return -jnp.sum(jax.nn.one_hot(labels, x.shape[-1]) * log_p, axis=-1)


def hides_nan(x, y):
    return jnp.mean(jnp.nan_to_num((x - y) ** 2))


class Decides(nn.LossBase):
    def construct(self, logits, labels):
        d = ops.abs(logits - labels)
        if d.max() > 1:
            d = d * 2
        return self.get_loss(d)


class Counts(nn.LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.calls = 0

    def construct(self, logits, labels):
        self.calls = self.calls + 1
        return self.get_loss((logits - labels) ** 2 * (1 + 0.0 * self.calls))


_CALLS = [0]


def remembers(x, y):
    _CALLS[0] += 1
    return jnp.mean((x - y) ** 2) * _CALLS[0]


def numpy_noise(x, y):
    return jnp.mean((x - y) ** 2) + np.random.uniform()


def fixed_axis(x, y):
    return jnp.mean(x - y, axis=0) ** 2 if x.ndim == 1 else jnp.mean((x - y) ** 2, axis=tuple(range(x.ndim)))


def host_call(x, y):
    squared = jax.pure_callback(lambda d: np.asarray(d) ** 2, jax.ShapeDtypeStruct(x.shape, x.dtype), x - y)
    return jnp.mean(squared + 0 * x)


class WritesItsInput(nn.LossBase):
    def construct(self, logits, labels):
        logits[0] = 0.0
        return self.get_loss((logits - labels) ** 2)


def compares_all_pairs(x, labels):
    near = jnp.exp(-jnp.abs(x[:, None, :] - x[None, :, :])).sum(axis=(1, 2))
    return jnp.mean(-jax.nn.log_softmax(x)[jnp.arange(x.shape[0]), labels] + 1e-9 * near)


def one_by_one(x, y):
    def body(at, total):
        return total + jnp.sum((x[at] - y[at]) ** 2)

    return jax.lax.fori_loop(0, x.shape[0], body, jnp.zeros((), x.dtype)) / x.size


def loops_over_samples(x, y):
    def body(total, pair):
        row = pair[0]
        for _ in range(12):
            row = jnp.sort(row) + 1e-9 * pair[1]
        return total + jnp.sum((pair[0] - pair[1]) ** 2 + 0 * row), None

    return jax.lax.scan(body, jnp.zeros((), x.dtype), (x, y))[0] / x.size


def always_float64(x, y):
    return jnp.mean((x - y) ** 2).astype(jnp.float16)


def rounded_to_integers(x, y):
    return jnp.sum(jnp.abs(x - y)).astype(jnp.int32)


class KeepsHalf(nn.LossBase):
    def construct(self, logits, labels):
        p = ops.exp(ops.cast(logits, mstype.float16))
        return self.get_loss(ops.cast(p, logits.dtype) * 0 + (logits - labels) ** 2 + 0 * ops.cast(p, logits.dtype))


def squeezes(x, y):
    return jnp.mean((jnp.squeeze(x) - jnp.squeeze(y[:, :1])) ** 2) * jnp.squeeze(x).ndim


def signed_labels(x, labels):
    sign = labels * 200 - 100
    return jnp.mean(jnp.maximum(0, 1 - x[:, 0] * sign.astype(x.dtype)))


def sign_error(x, y):
    return -jnp.mean((x - y) ** 2)


class StoresTheLastValue(nn.LossBase):
    def construct(self, logits, labels):
        self.last = (logits - labels) ** 2
        return self.get_loss(self.last)


FAULTS: list[tuple[Any, str, str, str]] = [
    (StoppedGradient, PAIR, "gradient", "by finite differences"),
    (wrong_custom_derivative, PAIR, "gradient", "by finite differences"),
    (without_gradient, PAIR, "gradient", "every gradient is zero"),
    (clipped_where_large, PAIR, "gradient-extreme", "at a large input"),
    (distance, PAIR, "gradient-ties", "faulty_losses.py:"),
    (wrong_second_derivative, PAIR, "second-derivative", "by differences of the gradient"),
    (host_derivative, PAIR, "second-derivative", "raises"),
    (MeanOverBatchOnly, PAIR, "reduction", "reduction='mean' gives"),
    (ReducedTwice, PAIR, "reduction", "reduction='none' gives one number"),
    (SumThatIsAMean, PAIR, "reduction", "reduction='sum' gives"),
    (mean_over_all_weights, "f32[8], f32[8], f32[8] > 0", "zero-weight", "divide by the sum of the remaining weights"),
    (weight_after_the_mean, "f32[8], f32[8], f32[8] > 0", "zero-weight", "with weights of 0"),
    (weight_in_a_softmax, "f32[8], f32[8], f32[8] > 0", "zero-weight", "with weights of 0"),
    (every_pair, PAIR, "shape-hazard", "(8, 1) against y of shape (8,)"),
    (squeezes, "f32[8, 1], f32[8, 3]", "one-sample", "squeeze()"),
    (signed_labels, "f32[8, 2], i32[8] < 2", "label-dtype", "wraps in a narrow dtype"),
    (sign_error, PAIR, "direction", "missing minus sign"),
    (StoresTheLastValue, PAIR, "leaks", "'last'"),
    (mean_of_nothing, PAIR, "empty-batch", "0 / 0"),
    (softmax_over_the_batch, CLASSES, "batch-split", "axis=0"),
    (divided_by_the_root, PAIR, "batch-split", "its halves"),
    (drops_the_last, PAIR, "batch-split", "8 samples give 7 values"),
    (scaled_by_the_maximum, PAIR, "batch-split", "its halves"),
    (labels_in_reverse, "f32[8, 3], f32[8, 3]", "batch-split", ""),
    (one_hot_of_anything, CLASSES, "labels", "goes unnoticed"),
    (log_of_softmax, CLASSES, "extremes", "faulty_losses.py:"),
    (log_of_sigmoid, PAIR, "extremes", "log_softmax"),
    (saturated, PAIR, "extremes", "±20"),
    (catastrophic_cancellation, PAIR, "extremes", "as in float64"),
    (unguarded_log, PROBABILITIES, "edges", "faulty_losses.py:"),
    (tiny_epsilon, PROBABILITIES, "half-precision", "float16: certain inputs"),
    (exponent_in_half, PAIR, "half-precision", "float16"),
    (sum_in_half, "f32[8, 9], f32[8, 9]", "half-precision", "in float32"),
    (infinite_minus_infinite, CLASSES, "infinite", "faulty_losses.py:"),
    (hides_nan, PAIR, "nan", "hide it"),
    (Decides, PAIR, "traceable", "faulty_losses.py:"),
    (Counts, PAIR, "recompile", "more traces in 3 calls"),
    (remembers, PAIR, "jit", "as eager"),
    (remembers, PAIR, "determinism", "three calls give"),
    (numpy_noise, PAIR, "determinism", "three calls give"),
    (WritesItsInput, PAIR, "determinism", "is changed by the call"),
    (host_call, PAIR, "vmap", "vmap"),
    (compares_all_pairs, CLASSES, "memory", "every pair"),
    (loops_over_samples, PAIR, "time", "samples"),
    (always_float64, PAIR, "runs", "float16"),
    (rounded_to_integers, PAIR, "runs", "int32"),
]
