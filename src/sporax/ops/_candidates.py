"""Samples of classes, for losses over very many of them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError, ShapeError
from sporax._jax_compat import is_tracer
from sporax.ops._args import Array, as_array, check_kind
from sporax.ops._base import REQUIRED, op, random_primitive
from sporax.ops._random import seeds_key


def _true(classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, where: str) -> Array:
    """The true classes, when everything about the sample is checked."""
    name = f"ops.{where}"
    _check.integer(num_sampled, name="num_sampled", where=name, minimum=1)
    _check.integer(range_max, name="range_max", where=name, minimum=1)
    _check.is_type(unique, bool, name="unique", where=name)
    true = as_array(classes)
    check_kind(true, "iu", where=where, name="true_classes")
    if true.ndim != 2 or true.shape[1] != num_true:
        raise ShapeError(f"{name}: `true_classes` must have shape (N, {num_true}), but got {true.shape}.")
    if unique and num_sampled > range_max:
        raise ArgumentError(
            f"{name}: `num_sampled` must be at most `range_max` ({range_max}) for a sample without repetition, but "
            f"got {num_sampled}."
        )
    return true


@op
def uniform_candidate_sampler(
    true_classes: Array,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    remove_accidental_hits: bool = False,
) -> tuple[Array, Array, Array]:
    """Draw classes, each equally likely.

    Args:
        true_classes: Tensor of class indices of shape (N, num_true), of an integer dtype.
        num_true: how many true classes a row has.
        num_sampled: how many to draw.
        unique: whether all drawn are different.
        range_max: how many classes there are.
        seed: a whole number above 0 for the same draw each time; 0 for a fresh one.
        remove_accidental_hits: whether no true class of any row is drawn. The expected counts are those without it.

    Returns:
        The classes drawn, of shape (num_sampled,) and the dtype of `true_classes`; how often each true class is
        expected in a sample, (N, num_true), float32; and the same of each class drawn, (num_sampled,).

    Raises:
        ShapeError, DtypeError: `true_classes` does not fit.
        ArgumentError: more classes are asked for than there are.

    Examples:
        >>> from sporax import ops, Tensor
        >>> drawn, of_true, of_drawn = ops.uniform_candidate_sampler(Tensor([[1], [3]]), 1, 4, True, 4)
        >>> print(sorted(drawn.tolist()), of_true.shape, of_drawn)
        [0, 1, 2, 3] (2, 1) [1. 1. 1. 1.]

    Source: `ops.uniform_candidate_sampler` of MindSpore; `losses.uniform_candidate_sampler`.
    """
    where = "uniform_candidate_sampler"
    true = _true(true_classes, num_true, num_sampled, unique, range_max, where)
    key = seeds_key(seed, 0, where)
    if not remove_accidental_hits:
        drawn, of_true, of_drawn = losses.uniform_candidate_sampler(
            key, num_sampled, range_max, true_shape=true.shape, unique=unique
        )
        return drawn.astype(true.dtype), of_true, of_drawn
    barred = jnp.zeros(range_max, bool).at[true.reshape(-1)].set(True, mode="drop")
    if unique:
        order = jnp.where(barred, jnp.inf, jax.random.uniform(key, (range_max,), jnp.float32))
        drawn = jnp.argsort(order)[:num_sampled]
        _refuse_too_few(barred, num_sampled, where)
    else:
        drawn = jax.random.categorical(key, jnp.where(barred, -jnp.inf, jnp.float32(0)), shape=(num_sampled,))
        _refuse_too_few(barred, 1, where)
    expected = num_sampled / range_max
    return (
        drawn.astype(true.dtype),
        jnp.full(true.shape, expected, jnp.float32),
        jnp.full((num_sampled,), expected, jnp.float32),
    )


def _refuse_too_few(barred: Array, needed: int, where: str) -> None:
    if is_tracer(barred):
        return
    left = int(np.sum(~np.asarray(barred)))
    if left < needed:
        raise ArgumentError(
            f"ops.{where}: {needed} classes that are not true ones are needed, but there are {left}. Draw fewer, or "
            "set remove_accidental_hits=False."
        )


@op
def log_uniform_candidate_sampler(
    true_classes: Array,
    num_true: int = 1,
    num_sampled: int = 5,
    unique: bool = True,
    range_max: int = 5,
    seed: int = 0,
) -> tuple[Array, Array, Array]:
    r"""Draw classes, small indices more often: for classes in the order of their frequency.

    .. math:: P(c) = \frac{\ln(c + 2) - \ln(c + 1)}{\ln(C + 1)}

    Args:
        true_classes: Tensor of class indices of shape (N, num_true), of an integer dtype.
        num_true: how many true classes a row has.
        num_sampled: how many to draw.
        unique: whether all drawn are different. P is then the share of a class in the sample, as far as it can be.
        range_max: how many classes there are, C.
        seed: a whole number above 0 for the same draw each time; 0 for a fresh one.

    Returns:
        The classes drawn, of shape (num_sampled,) and the dtype of `true_classes`; how often each true class is
        expected in a sample, (N, num_true), float32; and the same of each class drawn, (num_sampled,). Both are exact.

    Raises:
        ShapeError, DtypeError: `true_classes` does not fit.
        ArgumentError: more classes are asked for than there are.

    Examples:
        >>> from sporax import ops, Tensor
        >>> drawn, of_true, of_drawn = ops.log_uniform_candidate_sampler(Tensor([[1, 7], [0, 4]]), 2, 5, True, 5)
        >>> print(sorted(drawn.tolist()), of_true.shape, of_drawn)
        [0, 1, 2, 3, 4] (2, 2) [1. 1. 1. 1. 1.]

    Source: `ops.log_uniform_candidate_sampler` of MindSpore; `losses.log_uniform_candidate_sampler`.
    """
    where = "log_uniform_candidate_sampler"
    true = _true(true_classes, num_true, num_sampled, unique, range_max, where)
    key = seeds_key(seed, 0, where)
    drawn, of_true, of_drawn = losses.log_uniform_candidate_sampler(key, num_sampled, range_max, true, unique=unique)
    return drawn.astype(true.dtype), of_true, of_drawn


UniformCandidateSampler = random_primitive(
    "UniformCandidateSampler",
    uniform_candidate_sampler,
    ("seed",),
    num_true=REQUIRED,
    num_sampled=REQUIRED,
    unique=REQUIRED,
    range_max=REQUIRED,
    seed=0,
    remove_accidental_hits=False,
)
LogUniformCandidateSampler = random_primitive(
    "LogUniformCandidateSampler",
    log_uniform_candidate_sampler,
    ("seed",),
    num_true=1,
    num_sampled=5,
    unique=True,
    range_max=5,
    seed=0,
)
