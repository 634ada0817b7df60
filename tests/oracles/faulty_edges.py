"""Losses that fail at the ends of their domain: `EDGE_FAULTS`, and `EDGE_RIGHT` with correct counterparts."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sporax import nn, ops

UNIT = "f32[8] in [0, 1]"
UNITS = "p: f32[8] in [0, 1], y: f32[8] in [0, 1]"
COSINE = "f32[4, 3] in [-1, 1]"
NONNEGATIVE = "x: f32[8] >= 0"
SHARES = "p: f32[8, 4] simplex, y: f32[8, 4] simplex"
MASKED = "x: f32[8], y: f32[8], mask: bool[8]"
PAIR = "f32[8, 3], f32[8, 3]"


class Fault(NamedTuple):
    """A faulty loss, and a correct loss of the same kind.

    Args:
        loss: the faulty one.
        right: its correct counterpart, which must pass.
        inputs: the inputs of both.
        check: the check that reports the fault.
        words: expected words of the report.
        options: additional arguments of the check.
    """

    loss: Any
    right: Any
    inputs: str
    check: str
    words: str
    options: dict[str, Any] = {}


def _where_positive(x, of, otherwise=0.0):
    """`of(x)` where x > 0, without a derivative elsewhere."""
    return jnp.where(x > 0, of(jnp.where(x > 0, x, 1.0)), otherwise)


def _root(x):
    return _where_positive(x, jnp.sqrt)


# Ends of intervals


def focal_with_a_root(pt):
    return -jnp.mean((1 - pt) ** 0.5 * jnp.log(jnp.maximum(pt, 1e-7)))


def focal_with_a_square(pt):
    return -jnp.mean((1 - pt) ** 2 * jnp.log(jnp.maximum(pt, 1e-7)))


def focal_unclipped(pt):
    return -jnp.mean((1 - pt) ** 0.5 * jnp.log(pt))


def angle(c):
    return jnp.mean(jnp.arccos(jnp.clip(c, -1, 1)))


def angle_inside(c):
    return jnp.mean(jnp.arccos(0.999 * c))


def elevation(c):
    return jnp.mean(jnp.arcsin(c) ** 2)


def elevation_inside(c):
    return jnp.mean(jnp.arcsin(0.999 * c) ** 2)


def rapidity(c):
    return jnp.mean(jnp.arctanh(c) ** 2)


def rapidity_inside(c):
    return jnp.mean(jnp.arctanh(0.999 * c) ** 2)


class ArcCell(nn.LossBase):
    def construct(self, cosine):
        return self.get_loss(ops.acos(ops.clamp(cosine, -1, 1)))


class ArcCellInside(nn.LossBase):
    def construct(self, cosine):
        return self.get_loss(ops.acos(ops.clamp(cosine, -0.999, 0.999)))


def root(x):
    return jnp.mean(jnp.sqrt(x))


def root_with_epsilon(x):
    return jnp.mean(jnp.sqrt(x + 1e-3))


def entropy_of_counts(x):
    return jnp.mean(x * jnp.log(x))


def entropy_of_counts_right(x):
    return jnp.mean(x * jnp.log(x + 1e-2))


def power(x):
    return jnp.mean(jnp.power(x, 0.5))


def power_right(x):
    return jnp.mean(jnp.power(x + 1e-2, 0.5))


def selected_too_late(x):
    return jnp.mean(jnp.where(x > 0, x * jnp.log(x), 0.0))


def selected_before(x):
    return jnp.mean(x * _where_positive(x, lambda v: jnp.log(v + 1e-2)))


def one_sided(x):
    return jnp.mean(jnp.sqrt(1 - x))


def one_sided_right(x):
    return jnp.mean(jnp.sqrt(1.01 - x))


def rounds_onto_its_end(x):
    return -jnp.mean(jnp.log(3 - (x + 1)))


def rounds_onto_its_end_right(x):
    return -jnp.mean(jnp.log(2.1 - x))


def complement(p, y):
    return -jnp.mean(y * jnp.log(jnp.maximum(p, 1e-6)) + (1 - y) * jnp.log1p(-p))


def complement_right(p, y):
    return -jnp.mean(y * jnp.log(jnp.maximum(p, 1e-6)) + (1 - y) * jnp.log1p(-jnp.minimum(p, 1 - 1e-6)))


def infinite_surprise(p):
    return -jnp.log(p)


def clipped_surprise(p):
    return -jnp.log(jnp.maximum(p, 1e-6))


def power_of_powers(p, y):
    return jnp.mean((p**y - 0.5) ** 2)


def power_of_powers_right(p, y):
    return jnp.mean(((p + 0.1) ** y - 0.5) ** 2)


def gamma_at_its_pole(x):
    return jnp.mean(jax.lax.lgamma(x))


def gamma_off_its_pole(x):
    return jnp.mean(jax.lax.lgamma(x + 1))


def ratio(p, y):
    return jnp.mean(p * y / (p + y))


def ratio_right(p, y):
    return jnp.mean(p * y / (p + y + 1e-3))


def dice_of_empty_regions(p, y):
    return 1 - 2 * jnp.sum(p * y) / (jnp.sum(p) + jnp.sum(y))


def dice_smoothed(p, y):
    return 1 - (2 * jnp.sum(p * y) + 1) / (jnp.sum(p) + jnp.sum(y) + 1)


def positives_only(x, y):
    return jnp.sum(jax.nn.softplus(-x) * y) / jnp.sum(y) + jnp.mean(x * x)


def positives_only_right(x, y):
    return jnp.sum(jax.nn.softplus(-x) * y) / jnp.maximum(jnp.sum(y), 1) + jnp.mean(x * x)


# Simplexes


def entropy(p):
    return -jnp.sum(p * jnp.log(p), axis=-1)


def entropy_right(p):
    return -jnp.sum(p * jnp.log(p + 1e-3), axis=-1)


def cross_entropy(p, y):
    return -jnp.sum(y * jnp.log(p), axis=-1)


def cross_entropy_right(p, y):
    return -jnp.sum(y * jnp.log(jnp.maximum(p, 1e-6)), axis=-1)


def divergence_with_safe_prediction(p, y):
    return jnp.sum(y * (jnp.log(y) - jnp.log(p + 1e-6)), axis=-1)


def divergence_right(p, y):
    return jnp.sum(y * (jnp.log(y + 1e-6) - jnp.log(p + 1e-6)), axis=-1)


def divergence_with_safe_label(p, y):
    return jnp.sum(_where_positive(y, lambda v: v * jnp.log(v)) - y * jnp.log(p), axis=-1)


def hellinger(p, y):
    return jnp.sqrt(jnp.sum((jnp.sqrt(p + 1e-3) - jnp.sqrt(y + 1e-3)) ** 2, axis=-1))


def hellinger_right(p, y):
    return jnp.sum((jnp.sqrt(p + 1e-3) - jnp.sqrt(y + 1e-3)) ** 2, axis=-1)


def bhattacharyya(p, y):
    return -jnp.log(jnp.sum(jnp.sqrt(p * y), axis=-1) + 1e-3)


def bhattacharyya_right(p, y):
    return -jnp.log(jnp.sum(jnp.sqrt(p * y + 1e-4), axis=-1))


def likelihood(p, labels):
    return -jnp.log(jnp.take_along_axis(p, labels[:, None], axis=-1)[:, 0])


def likelihood_right(p, labels):
    return -jnp.log(jnp.maximum(jnp.take_along_axis(p, labels[:, None], axis=-1)[:, 0], 1e-6))


def far_from_uniform(p):
    spread = jnp.sum((p - 0.25) ** 2, axis=-1)
    return jnp.sum(p**2, axis=-1) - 1e-3 * jnp.sqrt(spread)


def far_from_uniform_right(p):
    return jnp.sum(p**2, axis=-1) - 1e-3 * jnp.sum((p - 0.25) ** 2, axis=-1)


# Ties and zeros


def absolute_as_a_root(p, y):
    return jnp.mean(jnp.sqrt((p - y) ** 2))


def absolute(p, y):
    return jnp.mean(jnp.abs(p - y))


def root_of_distance(p, y):
    return jnp.mean(jnp.abs(p - y) ** 0.5)


def power_of_distance(p, y):
    return jnp.mean(jnp.abs(p - y) ** 1.5)


def log_of_distance(p, y):
    return jnp.mean(jnp.log(jnp.abs(p - y) + 1) + jnp.abs(p - y) * jnp.log(jnp.abs(p - y)))


def log_of_distance_right(p, y):
    return jnp.mean(jnp.log(jnp.abs(p - y) + 1))


def norm(p, y):
    return jnp.linalg.norm(p - y, axis=-1)


def norm_right(p, y):
    return _root(jnp.sum((p - y) ** 2, axis=-1))


def cosine_of_vectors(p, y):
    unit = lambda v: v / jnp.sqrt(jnp.sum(v * v, axis=-1, keepdims=True))  # noqa: E731
    return 1 - jnp.sum(unit(p) * unit(y), axis=-1)


def cosine_of_vectors_right(p, y):
    unit = lambda v: v / jnp.sqrt(jnp.sum(v * v, axis=-1, keepdims=True) + 1e-3)  # noqa: E731
    return 1 - jnp.sum(unit(p) * unit(y), axis=-1)


def angle_between(p, y):
    unit = lambda v: v / jnp.sqrt(jnp.sum(v * v, axis=-1, keepdims=True) + 1e-6)  # noqa: E731
    return jnp.arccos(jnp.clip(1.00001 * jnp.sum(unit(p) * unit(y), axis=-1), -1, 1))


def angle_between_right(p, y):
    unit = lambda v: v / jnp.sqrt(jnp.sum(v * v, axis=-1, keepdims=True) + 1e-2)  # noqa: E731
    return jnp.arccos(0.99 * jnp.sum(unit(p) * unit(y), axis=-1))


def direction_angle(p):
    return jnp.arctan2(p[:, 1], p[:, 0]) ** 2


def direction_angle_right(p):
    return jnp.arctan2(p[:, 1], 1 + p[:, 0] ** 2) ** 2


def epsilon_lost_in_float32(p, y):
    return jnp.mean(jnp.sqrt((p - y) ** 2 + 1e-60))


def epsilon_kept(p, y):
    return jnp.mean(jnp.sqrt((p - y) ** 2 + 1e-4))


def epsilon_lost_in_half(p, y):
    return jnp.mean(jnp.sqrt((p - y) ** 2 + 1e-9))


def epsilon_in_float32(p, y):
    d = p.astype(jnp.result_type(p.dtype, jnp.float32)) - y
    return jnp.mean(jnp.sqrt(d**2 + 1e-9)).astype(p.dtype)


@jax.custom_jvp
def _largest(x):
    return jnp.max(x, axis=-1)


_largest.defjvp(
    lambda primals, tangents: (
        _largest(*primals),
        jnp.sum((primals[0] == jnp.max(primals[0], -1, keepdims=True)) * tangents[0], -1),
    )
)


def gradient_to_every_maximum(x):
    return _largest(x) - jnp.mean(x, axis=-1)


def gradient_divided_among_ties(x):
    return jnp.max(x, axis=-1) - jnp.mean(x, axis=-1)


def spread(x):
    return jnp.std(x, axis=-1)


def spread_right(x):
    return jnp.sqrt(jnp.var(x, axis=-1) + 1e-3)


def one_bad_value_among_good(x):
    # Infinite by its formula at one end, and with a NaN gradient at the other.
    return jnp.mean(jnp.where(x < 0.5, 1 / x, 1.0)) + jnp.mean(jnp.sqrt(jnp.maximum(1 - x, 0.0)))


def no_bad_value(x):
    return jnp.mean(1 / (x + 0.1)) + jnp.mean(jnp.sqrt(1.1 - x))


EDGE_FAULTS: list[Fault] = [
    Fault(focal_with_a_root, focal_with_a_square, "pt: " + UNIT, "edges", "ops.clamp(x, eps) ** a"),
    Fault(focal_unclipped, focal_with_a_square, "pt: " + UNIT, "edges", "the gradient for pt[0] is NaN"),
    Fault(angle, angle_inside, COSINE, "edges", "the derivative of acos is infinite at 1 and -1"),
    Fault(elevation, elevation_inside, COSINE, "edges", "the derivative of asin is infinite"),
    Fault(rapidity, rapidity_inside, COSINE, "edges", "atanh"),
    Fault(ArcCell, ArcCellInside, COSINE, "edges", "faulty_edges.py:"),
    Fault(root, root_with_epsilon, NONNEGATIVE, "edges", "the derivative of sqrt is infinite at 0"),
    Fault(entropy_of_counts, entropy_of_counts_right, NONNEGATIVE, "edges", "xlogy"),
    Fault(power, power_right, NONNEGATIVE, "edges", "ops.clamp(x, eps) ** a"),
    Fault(selected_too_late, selected_before, NONNEGATIVE, "edges", "before the operation too"),
    Fault(one_sided, one_sided_right, "x: f32[8] <= 1", "edges", "the gradient for x[0]"),
    Fault(rounds_onto_its_end, rounds_onto_its_end_right, "x: f32[8] < 2", "edges", "the value is inf"),
    Fault(rounds_onto_its_end, rounds_onto_its_end_right, "x: f32[8] in [0, 2)", "edges", "the value is inf"),
    Fault(complement, complement_right, UNITS, "edges", "take no logarithm of 0"),
    Fault(
        infinite_surprise, clipped_surprise, "p: " + UNIT, "edges", "the value at [0] is inf, and the gradient for p[0]"
    ),
    Fault(power_of_powers, power_of_powers_right, UNITS, "edges", "ops.clamp(x, eps) ** a"),
    Fault(gamma_at_its_pole, gamma_off_its_pole, NONNEGATIVE, "edges", "poles at 0"),
    Fault(ratio, ratio_right, UNITS, "edges", "the denominator is 0"),
    Fault(
        dice_of_empty_regions, dice_smoothed, UNITS, "edges", "the value is NaN, and the gradient for p[0], y[0] is NaN"
    ),
    Fault(positives_only, positives_only_right, "x: f32[8], y: f32[8] in {0, 1}", "edges", "y of 0"),
    Fault(one_bad_value_among_good, no_bad_value, "x: f32[8] in [0, 1]", "edges", ""),
    Fault(entropy, entropy_right, "p: f32[8, 4] simplex", "edges", "one-hot p"),
    Fault(cross_entropy, cross_entropy_right, SHARES, "edges", "one-hot p"),
    Fault(divergence_with_safe_prediction, divergence_right, SHARES, "edges", "one-hot y"),
    Fault(divergence_with_safe_label, divergence_right, SHARES, "edges", "one-hot p"),
    Fault(hellinger, hellinger_right, SHARES, "edges", "norm"),
    Fault(bhattacharyya, bhattacharyya_right, SHARES, "edges", "one-hot"),
    Fault(likelihood, likelihood_right, "p: f32[8, 4] simplex, labels: i32[8] < 4", "edges", "one-hot p"),
    Fault(far_from_uniform, far_from_uniform_right, "p: f32[8, 4] simplex", "edges", "uniform p"),
    Fault(absolute_as_a_root, absolute, "p: f32[8], y: f32[8]", "gradient-ties", "use ops.abs(x)"),
    Fault(root_of_distance, power_of_distance, "p: f32[8], y: f32[8]", "gradient-ties", "ops.clamp(x, eps) ** a"),
    Fault(log_of_distance, log_of_distance_right, "p: f32[8], y: f32[8]", "gradient-ties", "logarithm of 0"),
    Fault(norm, norm_right, "p: f32[8, 3], y: f32[8, 3]", "gradient-ties", "zero vector"),
    Fault(cosine_of_vectors, cosine_of_vectors_right, "p: f32[8, 3], y: f32[8, 3]", "gradient-ties", "NaN"),
    Fault(angle_between, angle_between_right, "p: f32[8, 3], y: f32[8, 3]", "gradient-ties", "acos"),
    Fault(direction_angle, direction_angle_right, "p: f32[8, 2]", "gradient-ties", "no derivative at (0, 0)"),
    Fault(epsilon_lost_in_float32, epsilon_kept, "p: f32[8], y: f32[8]", "gradient-ties", "is NaN"),
    Fault(epsilon_lost_in_half, epsilon_in_float32, "p: f32[8], y: f32[8]", "half-precision", "float16: where"),
    Fault(gradient_to_every_maximum, gradient_divided_among_ties, "x: f32[8, 3]", "gradient-ties", "sum to"),
    Fault(spread, spread_right, "x: f32[8, 4]", "gradient-ties", "the derivative of sqrt is infinite"),
]
