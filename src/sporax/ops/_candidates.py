"""Candidate samplers, for losses over large numbers of classes."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError, ShapeError
from sporax._value_checks import is_known
from sporax.ops._kinds import Flag, Integer, Integral, RepeatableKey, integer_kind, static_kind
from sporax.ops._op import op

NumSampled = Annotated[int, integer_kind(1, "the number of classes to draw.")]
RangeMax = Annotated[int, integer_kind(1, "the number of classes.")]
Unique = Annotated[
    bool,
    static_kind(
        lambda value, _, where, name: _check.is_type(value, bool, name=name, where=f"ops.{where}"),
        "whether all drawn classes are different.",
        "bool",
        "ArgumentTypeError: {name} is not a bool.",
    ),
]


def _check_sample(where: str, true: Any, num_true: int, num_sampled: int, unique: bool, range_max: int) -> None:
    if true.ndim != 2 or true.shape[1] != num_true:
        raise ShapeError(f"ops.{where}: `true_classes` must have shape (N, {num_true}), but got {true.shape}.")
    if unique and num_sampled > range_max:
        raise ArgumentError(
            f"ops.{where}: `num_sampled` must be at most `range_max` ({range_max}) for a sample without repetition, "
            f"but got {num_sampled}."
        )


@op(
    "ops.uniform_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=0, "
    "remove_accidental_hits=False)",
    "ops.UniformCandidateSampler(num_true=REQUIRED, num_sampled=REQUIRED, unique=REQUIRED, range_max=REQUIRED, seed=0, "
    "remove_accidental_hits=False)(true_classes)",
)
def uniform_candidate_sampler(
    true_classes: Integral,
    num_true: Integer,
    num_sampled: NumSampled,
    unique: Unique,
    range_max: RangeMax,
    key: RepeatableKey,
    remove_accidental_hits: Flag,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Draw classes, each with the same probability.

    Args:
        true_classes: Tensor of class indices of shape (N, num_true), of an integer dtype.
        num_true: the number of true classes of a row.
        remove_accidental_hits: whether no true class of any row is drawn. The expected counts are those without it.

    Returns:
        The classes drawn, of shape (num_sampled,) and the dtype of `true_classes`; the expected count of each true
        class in a sample, (N, num_true), float32; and that of each class drawn, (num_sampled,).

    Raises:
        ShapeError: `true_classes` does not have that shape.
        ArgumentError: there are fewer classes than are to be drawn.

    Examples:
        >>> drawn, of_true, of_drawn = ops.uniform_candidate_sampler(Tensor([[1], [3]]), 1, 4, True, 4)
        >>> print(sorted(drawn.tolist()), of_true.shape, of_drawn)
        [0, 1, 2, 3] (2, 1) [1. 1. 1. 1.]

    Source: `ops.uniform_candidate_sampler` of MindSpore; `losses.uniform_candidate_sampler`.
    """
    _check_sample("uniform_candidate_sampler", true_classes, num_true, num_sampled, unique, range_max)
    if not remove_accidental_hits:
        drawn, of_true, of_drawn = losses.uniform_candidate_sampler(
            key, num_sampled, range_max, true_shape=true_classes.shape, unique=unique
        )
        return drawn.astype(true_classes.dtype), of_true, of_drawn
    barred = jnp.zeros(range_max, bool).at[true_classes.reshape(-1)].set(True, mode="drop")
    _check_enough(barred, num_sampled if unique else 1)
    if unique:
        order = jnp.where(barred, jnp.inf, jax.random.uniform(key, (range_max,), jnp.float32))
        drawn = jnp.argsort(order)[:num_sampled]
    else:
        drawn = jax.random.categorical(key, jnp.where(barred, -jnp.inf, jnp.float32(0)), shape=(num_sampled,))
    expected = num_sampled / range_max
    return (
        drawn.astype(true_classes.dtype),
        jnp.full(true_classes.shape, expected, jnp.float32),
        jnp.full((num_sampled,), expected, jnp.float32),
    )


def _check_enough(barred: Any, needed: int) -> None:
    if not is_known(barred):
        return
    left = int(np.sum(~np.asarray(barred)))
    if left < needed:
        raise ArgumentError(
            f"ops.uniform_candidate_sampler: {needed} classes that are not true ones are needed, but there are {left}. "
            "Draw fewer, or set remove_accidental_hits=False."
        )


@op(
    "ops.log_uniform_candidate_sampler(true_classes, num_true=1, num_sampled=5, unique=True, range_max=5, seed=0)",
    "ops.LogUniformCandidateSampler(num_true=1, num_sampled=5, unique=True, range_max=5, seed=0)(true_classes)",
)
def log_uniform_candidate_sampler(
    true_classes: Integral,
    num_true: Integer,
    num_sampled: NumSampled,
    unique: Unique,
    range_max: RangeMax,
    key: RepeatableKey,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    r"""Draw classes with log-uniform probabilities, for classes in the order of decreasing frequency.

    .. math:: P(c) = \frac{\ln(c + 2) - \ln(c + 1)}{\ln(C + 1)}

    Args:
        true_classes: Tensor of class indices of shape (N, num_true), of an integer dtype.
        num_true: the number of true classes of a row.
        unique: whether all drawn classes are different. P is then the fraction of the sample, as far as possible.
        range_max: the number of classes, C.

    Returns:
        The classes drawn, of shape (num_sampled,) and the dtype of `true_classes`; the expected count of each true
        class in a sample, (N, num_true), float32; and that of each class drawn, (num_sampled,). Both are exact.

    Raises:
        ShapeError: `true_classes` does not have that shape.
        ArgumentError: there are fewer classes than are to be drawn.

    Examples:
        >>> drawn, of_true, of_drawn = ops.log_uniform_candidate_sampler(Tensor([[1, 7], [0, 4]]), 2, 5, True, 5)
        >>> print(sorted(drawn.tolist()), of_true.shape, of_drawn)
        [0, 1, 2, 3, 4] (2, 2) [1. 1. 1. 1. 1.]

    Source: `ops.log_uniform_candidate_sampler` of MindSpore; `losses.log_uniform_candidate_sampler`.
    """
    _check_sample("log_uniform_candidate_sampler", true_classes, num_true, num_sampled, unique, range_max)
    drawn, of_true, of_drawn = losses.log_uniform_candidate_sampler(
        key, num_sampled, range_max, true_classes, unique=unique
    )
    return drawn.astype(true_classes.dtype), of_true, of_drawn
