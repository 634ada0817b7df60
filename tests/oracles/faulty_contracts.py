"""Losses that violate the contract in ordinary batches: `CONTRACT_FAULTS`, each with a correct counterpart."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from oracles.faulty_edges import Fault
from sporax import nn, ops
from sporax.core import Tensor

PAIR = "x: f32[8, 3], y: f32[8, 3]"
VECTORS = "x: f32[8], y: f32[8]"
CLASSES = "x: f32[8, 5], labels: i32[8] < 5"
TOKENS = "x: f32[8, 3], y: f32[8, 3], mask: f32[8, 3] in {0, 1}"
MASKED = "x: f32[8], y: f32[8], mask: bool[8]"
IGNORED = "x: f32[8, 3], labels: i32[8] in {-100, 0, 1, 2}"
EMBEDDED = "x: f32[8, 3], labels: i32[8] < 4"


# Gradients


def detached_norm(x, y):
    length = jnp.sqrt(jnp.sum(x * x, axis=-1, keepdims=True) + 1e-3)
    return jnp.mean((x / jax.lax.stop_gradient(length) - y) ** 2)


def attached_norm(x, y):
    length = jnp.sqrt(jnp.sum(x * x, axis=-1, keepdims=True) + 1e-3)
    return jnp.mean((x / length - y) ** 2)


def detached_denominator(x, labels):
    e = jnp.exp(x - jax.lax.stop_gradient(jnp.max(x, -1, keepdims=True)))
    p = e / jax.lax.stop_gradient(jnp.sum(e, -1, keepdims=True))
    return 1 - jnp.take_along_axis(p, labels[:, None], axis=-1)[:, 0]


def detached_maximum(x, labels):
    # The maximum cancels: its gradient is zero whether it is detached or not.
    e = jnp.exp(x - jax.lax.stop_gradient(jnp.max(x, -1, keepdims=True)))
    p = e / jnp.sum(e, -1, keepdims=True)
    return 1 - jnp.take_along_axis(p, labels[:, None], axis=-1)[:, 0]


@jax.custom_jvp
def _difference(x, y):
    return x - y


_difference.defjvp(lambda primals, tangents: (_difference(*primals), tangents[0] + tangents[1]))


def wrong_sign_for_the_second(x, y):
    return jnp.mean(_difference(x, y) ** 2)


def squared_difference(x, y):
    return jnp.mean((x - y) ** 2)


@jax.custom_vjp
def _clipped(x):
    return x


_clipped.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -0.1, 0.1),))


def clips_the_gradient(x, y):
    return jnp.sum(_clipped((x - y) ** 2))


class WrongVjpCell(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss(_square_of_half(logits - labels))


@jax.custom_vjp
def _half_square(x):
    return 0.5 * x * x


_half_square.defvjp(lambda x: (0.5 * x * x, x), lambda x, g: (2 * g * x,))


def _square_of_half(x: Any) -> Any:
    return Tensor(_half_square(x._value)) if isinstance(x, Tensor) else _half_square(x)


class RightVjpCell(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss(0.5 * (logits - labels) ** 2)


class WrongBprop(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss((logits - labels) ** 2)

    def bprop(self, logits, labels, out, dout):
        return dout * (logits - labels), -dout * (logits - labels)


class RightBprop(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss((logits - labels) ** 2)

    def bprop(self, logits, labels, out, dout):
        gradient = 2 * (logits - labels)
        if self.reduction == "mean":
            gradient = gradient / logits.size
        return dout * gradient, -dout * gradient


class BpropOfTheMeanOnly(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss((logits - labels) ** 2)

    def bprop(self, logits, labels, out, dout):
        gradient = 2 * (logits - labels) / logits.size
        return dout * gradient, -dout * gradient


class _AbsoluteWithoutItsSign(nn.Cell):
    def construct(self, x):
        return ops.abs(x)

    def bprop(self, x, out, dout):
        return (dout,)


class NestedWrongBprop(nn.LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.absolute = _AbsoluteWithoutItsSign()

    def construct(self, logits, labels):
        return self.get_loss(self.absolute(logits - labels))


def quantized(x, y):
    return jnp.mean((jnp.round(x * 4) / 4 - y) ** 2)


def not_quantized(x, y):
    return jnp.mean((x - y) ** 2)


@jax.custom_vjp
def _fourth(x):
    return x**4


_fourth.defvjp(lambda x: (x**4, jax.lax.stop_gradient(4 * x**3)), lambda r, g: (g * jax.lax.stop_gradient(r),))


def first_derivative_only(x, y):
    return jnp.mean(_fourth(x - y))


def fourth_power(x, y):
    return jnp.mean((x - y) ** 4)


# Reductions and shapes


def mean_that_divides_by_the_batch(x, y, reduction="mean"):
    values = (x - y) ** 2
    if reduction == "mean":
        return jnp.sum(values) / x.shape[0]
    return values if reduction == "none" else jnp.sum(values)


def applies_the_reduction(x, y, reduction="mean"):
    values = (x - y) ** 2
    return {"mean": jnp.mean, "sum": jnp.sum, "none": lambda v: v}[reduction](values)


def ignores_the_reduction(x, y, reduction="mean"):
    return jnp.mean((x - y) ** 2)


class SumOverTheWrongAxis(nn.LossBase):
    def construct(self, logits, labels):
        values = (logits - labels) ** 2
        return values.mean(axis=-1).sum() if self.reduction == "sum" else self.get_loss(values)


class ReducedByGetLoss(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss((logits - labels) ** 2)


def broadcasts_to_pairs(x, y):
    return jnp.sum(jnp.abs(x - y))


def compares_shapes(x, y):
    if x.shape != y.shape:
        raise ValueError(f"x of shape {x.shape} against y of shape {y.shape}")
    return jnp.sum(jnp.abs(x - y))


class TransposesAColumn(nn.LossBase):
    def construct(self, logits, labels):
        return ((logits - labels) ** 2).mean()


# The samples of a batch


def normalized_over_the_batch(x, y):
    return jnp.mean(((x - jnp.mean(x, axis=0)) - y) ** 2, axis=-1)


def normalized_over_features(x, y):
    return jnp.mean(((x - jnp.mean(x, axis=-1, keepdims=True)) - y) ** 2, axis=-1)


def weighted_by_position(x, y):
    return jnp.mean((x - y) ** 2, axis=-1) * jnp.arange(1, x.shape[0] + 1) / x.shape[0]


def squared_by_row(x, y):
    return jnp.mean((x - y) ** 2, axis=-1)


def variance_of_the_batch(x, y):
    return jnp.mean((x - y) ** 2) + jnp.sum((x - jnp.mean(x, axis=0)) ** 2) / (x.shape[0] - 1)


def maximum_of_the_batch(x, y):
    return jnp.max((x - y) ** 2)


# Labels


def clips_labels(x, labels):
    labels = jnp.clip(labels, 0, x.shape[-1] - 1)
    return -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], axis=-1)[:, 0]


def wraps_labels(x, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(x), (labels % x.shape[-1])[:, None], axis=-1)[:, 0]


def rejects_labels(x, labels):
    named = (labels >= 0) & (labels < x.shape[-1])
    picked = jnp.take_along_axis(jax.nn.log_softmax(x), jnp.where(named, labels, 0)[:, None], axis=-1)[:, 0]
    return jnp.where(named, -picked, jnp.nan)


def signs_from_labels(x, labels):
    sign = (2 * labels - 1).astype(x.dtype)
    return jnp.mean(jax.nn.softplus(-x * sign))


def signs_from_cast_labels(x, labels):
    return jnp.mean(jax.nn.softplus(-x * (2 * labels.astype(x.dtype) - 1)))


# Half precision


def squares_in_half(x, y):
    return jnp.mean((300 * (x - y)) ** 2) / 9e4


def squares_in_float32(x, y):
    d = x.astype(jnp.result_type(x.dtype, jnp.float32)) - y.astype(jnp.result_type(y.dtype, jnp.float32))
    return jnp.where(d.size > 0, jnp.sum((300 * d) ** 2) / 9e4 / max(d.size, 1), 0).astype(x.dtype)


def root_mean_square_in_half(x, y):
    total = jnp.sum((40 * (x - y)) ** 2, axis=-1, dtype=x.dtype)
    return jnp.sqrt(total + 1e-3) / 40


def root_mean_square_in_float32(x, y):
    d = x.astype(jnp.result_type(x.dtype, jnp.float32)) - y
    return (jnp.sqrt(jnp.sum((40 * d) ** 2, axis=-1) + 1e-3) / 40).astype(x.dtype)


def sharpened_in_half(x, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(x / 1e-4) * 1e-4, labels[:, None], axis=-1)[:, 0]


def sharpened_in_float32(x, labels):
    wide = x.astype(jnp.result_type(x.dtype, jnp.float32))
    log_p = jax.nn.log_softmax(wide / 1e-4) * 1e-4
    return -jnp.take_along_axis(log_p, labels[:, None], axis=-1)[:, 0].astype(x.dtype)


# Large, infinite and undefined inputs


def naive_softplus(x, y):
    return jnp.mean(jnp.log(1 + jnp.exp(x)) - x * jax.nn.sigmoid(y))


def softplus_of_jax(x, y):
    return jnp.mean(jax.nn.softplus(x) - x * jax.nn.sigmoid(y))


def naive_logsumexp(x, labels):
    return jnp.log(jnp.sum(jnp.exp(x), -1)) - jnp.take_along_axis(x, labels[:, None], axis=-1)[:, 0]


def logsumexp_of_jax(x, labels):
    return jax.nn.logsumexp(x, -1) - jnp.take_along_axis(x, labels[:, None], axis=-1)[:, 0]


def logarithm_of_cosh(x, y):
    return jnp.mean(jnp.log(jnp.cosh(x - y)))


def log_cosh(x, y):
    d = jnp.abs(x - y)
    return jnp.mean(d + jnp.log1p(jnp.exp(-2 * d)))


def tenth_power(x, y):
    return jnp.mean(((x - y) ** 10 + 1) ** 0.1)


def tenth_power_scaled(x, y):
    d = jnp.abs(x - y)
    most = jnp.maximum(d, 1)
    return jnp.mean(most * ((d / most) ** 10 + (1 / most) ** 10) ** 0.1)


def one_minus_tanh(x, y):
    return -jnp.mean(jnp.log(1 - jnp.tanh(x) ** 2)) + jnp.mean(jnp.abs(y - x))


def one_minus_tanh_correct(x, y):
    return jnp.mean(2 * (jnp.abs(x) + jnp.log1p(jnp.exp(-2 * jnp.abs(x))))) + jnp.mean(jnp.abs(y - x))


def skips_nan(x, y):
    return jnp.nanmean((x - y) ** 2)


def replaces_nan(x, y):
    return jnp.mean(jnp.where(jnp.isnan(x), 0, (x - y) ** 2))


# Programs


class ReadsItsValue(nn.LossBase):
    def construct(self, logits, labels):
        scale = float(ops.abs(labels).max())
        return self.get_loss((logits - labels) ** 2 / (1 + scale))


class StoresItsValue(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss((logits - labels) ** 2 / (1 + ops.abs(labels).max()))


class Remembers(nn.LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.history = []

    def construct(self, logits, labels):
        values = (logits - labels) ** 2
        self.history.append(values)
        return self.get_loss(values)


class NamesEachCall(nn.LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.phase = 0

    def construct(self, logits, labels):
        self.phase += 1
        return self.get_loss((logits - labels) ** 2 * (1.0 + self.phase * 0.0))


def random_mask(x, y):
    keep = np.random.uniform(size=x.shape) > 0.5
    return jnp.mean(keep * (x - y) ** 2)


_STEP = [0]


def new_key_each_call(x, y):
    _STEP[0] += 1
    noise = jax.random.normal(jax.random.key(_STEP[0]), x.shape, x.dtype)
    return jnp.mean((x + 0.1 * noise - y) ** 2)


def same_key_each_call(x, y):
    noise = jax.random.normal(jax.random.key(7), x.shape, jnp.float32).astype(x.dtype)
    return jnp.mean((x + 0.1 * noise - y) ** 2)


# Losses of interacting samples


def contrast_over_negatives(x, labels):
    near = jnp.sum((x[:, None] - x[None]) ** 2, axis=-1)
    other = labels[:, None] != labels[None]
    return jnp.sum(jnp.where(other, jnp.exp(-near), 0)) / jnp.sum(other)


def contrast_over_negatives_right(x, labels):
    near = jnp.sum((x[:, None] - x[None]) ** 2, axis=-1)
    other = labels[:, None] != labels[None]
    return jnp.sum(jnp.where(other, jnp.exp(-near), 0)) / jnp.maximum(jnp.sum(other), 1)


def distances_to_itself(x, labels):
    far = jnp.sqrt(jnp.sum((x[:, None] - x[None]) ** 2, axis=-1))
    return jnp.mean(jnp.where(labels[:, None] == labels[None], far, 0))


def distances_to_itself_right(x, labels):
    square = jnp.sum((x[:, None] - x[None]) ** 2, axis=-1)
    far = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
    return jnp.mean(jnp.where(labels[:, None] == labels[None], far, 0))


# Return values of a loss


class HalfOfItsSum(nn.LossBase):
    def construct(self, logits, labels):
        values = (logits - labels) ** 2
        if self.reduction == "sum":
            return 0.5 * values.sum() + ops.stop_gradient(0.5 * values.sum())
        return self.get_loss(values)


class DictOfTerms(nn.LossBase):
    def construct(self, logits, labels):
        return {"near": self.get_loss((logits - labels) ** 2), "root": ops.sqrt(ops.abs(logits - labels)).mean()}


class DictOfTermsRight(nn.LossBase):
    def construct(self, logits, labels):
        return {"near": self.get_loss((logits - labels) ** 2), "far": ops.abs(logits - labels).mean()}


def dict_with_its_loss(x, y):
    return {"loss": jnp.mean(jnp.sqrt(jnp.abs(x - y))), "logged": jnp.mean((x - y) ** 2)}


def dict_with_its_loss_right(x, y):
    # Terms that are only logged may have any value.
    return {"loss": jnp.mean((x - y) ** 2), "logged": jnp.mean(jnp.sqrt(jnp.abs(x - y)))}


def tuple_of_loss_and_rest(x, y):
    return jnp.mean(jnp.sqrt(jnp.abs(x - y))), x


def tuple_of_loss_and_rest_right(x, y):
    return jnp.mean((x - y) ** 2), x


def of_tensors(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits - labels).abs().pow(0.5).mean()


def of_tensors_right(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits - labels).abs().pow(1.5).mean()


class GivesAnArray(nn.Cell):
    def construct(self, logits, labels):
        return jnp.mean(jnp.sqrt(jnp.abs(logits._value - labels._value)))


class GivesAnArrayRight(nn.Cell):
    def construct(self, logits, labels):
        return jnp.mean((logits._value - labels._value) ** 2)


COUPLED = {"coupled": True}

CONTRACT_FAULTS: list[Fault] = [
    Fault(detached_norm, attached_norm, PAIR, "gradient", "by finite differences"),
    Fault(detached_denominator, detached_maximum, CLASSES, "gradient", "by finite differences"),
    Fault(wrong_sign_for_the_second, squared_difference, PAIR, "gradient", "the gradient for y["),
    Fault(clips_the_gradient, squared_difference, PAIR, "gradient", "custom derivative"),
    Fault(WrongVjpCell, RightVjpCell, PAIR, "gradient", "by finite differences"),
    Fault(WrongBprop, RightBprop, "logits: f32[8, 3], labels: f32[8, 3]", "gradient", "custom derivative (bprop"),
    Fault(NestedWrongBprop, RightBprop, "logits: f32[8, 3], labels: f32[8, 3]", "gradient", "custom derivative (bprop"),
    Fault(BpropOfTheMeanOnly, RightBprop, "logits: f32[8, 3], labels: f32[8, 3]", "reduction", "with reduction="),
    Fault(quantized, not_quantized, PAIR, "gradient", "no gradient reaches x"),
    Fault(first_derivative_only, fourth_power, PAIR, "second-derivative", "by differences of the gradient"),
    Fault(mean_that_divides_by_the_batch, applies_the_reduction, PAIR, "reduction", "reduction='mean' gives"),
    Fault(ignores_the_reduction, applies_the_reduction, PAIR, "reduction", "reduction='none' gives one number"),
    Fault(SumOverTheWrongAxis, ReducedByGetLoss, PAIR, "reduction", "reduction='sum' gives"),
    Fault(HalfOfItsSum, ReducedByGetLoss, PAIR, "reduction", "with reduction='sum' the gradient"),
    Fault(broadcasts_to_pairs, compares_shapes, VECTORS, "shape-hazard", "(8, 1) against y of shape (8,)"),
    Fault(
        TransposesAColumn, ReducedByGetLoss, "logits: f32[8, 1], labels: f32[8, 1]", "shape-hazard", "(8, 1) against"
    ),
    Fault(normalized_over_the_batch, normalized_over_features, PAIR, "batch-split", "values of parts differ"),
    Fault(weighted_by_position, squared_by_row, PAIR, "batch-split", "values of parts differ"),
    Fault(variance_of_the_batch, squared_by_row, PAIR, "one-sample", "a batch of one sample gives"),
    Fault(maximum_of_the_batch, squared_by_row, PAIR, "batch-split", "its halves"),
    Fault(clips_labels, rejects_labels, CLASSES, "labels", "goes unnoticed"),
    Fault(wraps_labels, rejects_labels, CLASSES, "labels", "goes unnoticed"),
    Fault(
        signs_from_labels,
        signs_from_cast_labels,
        "x: f32[8], labels: i32[8] < 2",
        "label-dtype",
        "wraps in a narrow dtype",
    ),
    Fault(squares_in_half, squares_in_float32, PAIR, "half-precision", "float16"),
    Fault(root_mean_square_in_half, root_mean_square_in_float32, PAIR, "half-precision", "float16"),
    Fault(sharpened_in_half, sharpened_in_float32, CLASSES, "half-precision", "float16"),
    Fault(naive_softplus, softplus_of_jax, PAIR, "extremes", "softplus"),
    Fault(naive_logsumexp, logsumexp_of_jax, CLASSES, "extremes", "logsumexp"),
    Fault(logarithm_of_cosh, log_cosh, PAIR, "extremes", "the exponential overflows"),
    Fault(tenth_power, tenth_power_scaled, PAIR, "extremes", "scale before squaring"),
    Fault(one_minus_tanh, one_minus_tanh_correct, PAIR, "extremes", "take no logarithm of 0"),
    Fault(skips_nan, squared_difference, PAIR, "nan", "hide it"),
    Fault(replaces_nan, squared_difference, PAIR, "nan", "hide it"),
    Fault(ReadsItsValue, StoresItsValue, PAIR, "traceable", "faulty_contracts.py:"),
    Fault(Remembers, ReducedByGetLoss, PAIR, "leaks", "'history'"),
    Fault(NamesEachCall, ReducedByGetLoss, PAIR, "recompile", "more traces"),
    Fault(random_mask, squared_difference, PAIR, "determinism", "three calls give"),
    Fault(new_key_each_call, same_key_each_call, PAIR, "determinism", "three calls give"),
    Fault(contrast_over_negatives, contrast_over_negatives_right, EMBEDDED, "edges", "labels of 0", COUPLED),
    Fault(distances_to_itself, distances_to_itself_right, EMBEDDED, "gradient", "zero vector", COUPLED),
    Fault(DictOfTerms, DictOfTermsRight, "logits: f32[8], labels: f32[8]", "gradient-ties", "faulty_contracts.py:"),
    Fault(dict_with_its_loss, dict_with_its_loss_right, VECTORS, "gradient-ties", "faulty_contracts.py:"),
    Fault(tuple_of_loss_and_rest, tuple_of_loss_and_rest_right, VECTORS, "gradient-ties", "faulty_contracts.py:"),
    Fault(of_tensors, of_tensors_right, "logits: f32[8], labels: f32[8]", "gradient-ties", "faulty_contracts.py:"),
    Fault(GivesAnArray, GivesAnArrayRight, "logits: f32[8], labels: f32[8]", "gradient-ties", "faulty_contracts.py:"),
]
