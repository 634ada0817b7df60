"""Dropout."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ShapeError
from sporax.core import next_key
from sporax.ops._args import (
    Array,
    as_floating,
)
from sporax.ops._base import lifted, op, primitive, random_primitive
from sporax.ops._random import seeded_key, seeds_key


def _dropped(x: Array, p: float, shape: tuple[int, ...], key: Any) -> tuple[Array, Array]:
    keep = jax.random.bernoulli(key, 1 - p, shape)
    mask = jnp.broadcast_to(keep, x.shape)
    # A probability of 1 drops all: there is nothing left to scale up.
    scale = 1.0 / (1.0 - p) if p < 1 else 0.0
    return jnp.where(mask, x * jnp.asarray(scale, x.dtype), jnp.zeros_like(x)), mask


def _probability(p: Any, where: str) -> float:
    return _check.number(p, name="p", where=f"ops.{where}", minimum=0, maximum=1)


@op
def dropout(input: Array, p: float = 0.5, training: bool = True, seed: int | None = None) -> Array:
    r"""Elements set to 0 at random while training, the others scaled up so that the mean stays.

    .. math:: x_i b_i / (1 - p), \quad b_i \sim \text{Bernoulli}(1 - p)

    Args:
        input: Tensor of floats.
        p: the probability of dropping an element, in [0, 1].
        training: False returns the Tensor as it is.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Raises:
        ArgumentError: `p` is outside [0, 1].

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.dropout(Tensor([1.0, 2.0]), p=0.5, training=False))
        [1. 2.]

    Source: Srivastava et al., 2014; `ops.dropout` of MindSpore.
    """
    rate = _probability(p, "dropout")
    x = as_floating(input)
    if not training or rate == 0:
        return x
    return _dropped(x, rate, x.shape, seeded_key(seed, "dropout"))[0]


def _channel_dropout(input: Any, p: Any, training: bool, spatial: int, where: str) -> Array:
    rate = _probability(p, where)
    x = as_floating(input)
    if x.ndim not in (spatial + 1, spatial + 2):
        raise ShapeError(
            f"ops.{where}: `input` must have {spatial + 1} or {spatial + 2} axes, but its shape is {x.shape}."
        )
    if not training or rate == 0:
        return x
    return _dropped(x, rate, x.shape[:-spatial] + (1,) * spatial, next_key())[0]


@op
def dropout1d(input: Array, p: float = 0.5, training: bool = True) -> Array:
    """Whole channels set to 0 at random while training, the others scaled up.

    Args:
        input: Tensor of shape (N, C, L) or (C, L).
        p: the probability of dropping a channel, in [0, 1].
        training: False returns the Tensor as it is.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ArgumentError: `p` is outside [0, 1].
        ShapeError: another number of axes.

    Examples:
        >>> from sporax import ops
        >>> ops.dropout1d(ops.ones((2, 3, 4)), 0.5).shape
        (2, 3, 4)

    Source: `ops.dropout1d` of MindSpore.
    """
    return _channel_dropout(input, p, training, 1, "dropout1d")


@op
def dropout2d(input: Array, p: float = 0.5, training: bool = True) -> Array:
    """Whole channels set to 0 at random while training, the others scaled up.

    Args:
        input: Tensor of shape (N, C, H, W) or (C, H, W).
        p: the probability of dropping a channel, in [0, 1].
        training: False returns the Tensor as it is.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ArgumentError: `p` is outside [0, 1].
        ShapeError: another number of axes.

    Examples:
        >>> from sporax import ops
        >>> ops.dropout2d(ops.ones((2, 3, 4, 5)), 0.5).shape
        (2, 3, 4, 5)

    Source: Tompson et al., 2015; `ops.dropout2d` of MindSpore.
    """
    return _channel_dropout(input, p, training, 2, "dropout2d")


@op
def dropout3d(input: Array, p: float = 0.5, training: bool = True) -> Array:
    """Whole channels set to 0 at random while training, the others scaled up.

    Args:
        input: Tensor of shape (N, C, D, H, W) or (C, D, H, W).
        p: the probability of dropping a channel, in [0, 1].
        training: False returns the Tensor as it is.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ArgumentError: `p` is outside [0, 1].
        ShapeError: another number of axes.

    Examples:
        >>> from sporax import ops
        >>> ops.dropout3d(ops.ones((2, 3, 4, 5, 6)), 0.5).shape
        (2, 3, 4, 5, 6)

    Source: `ops.dropout3d` of MindSpore.
    """
    return _channel_dropout(input, p, training, 3, "dropout3d")


def _dropout_primitive(x: Array, keep_prob: float = 0.5, Seed0: int = 0, Seed1: int = 0) -> tuple[Array, Array]:
    """Elements set to 0 with probability 1 - keep_prob, the others scaled up; and the mask of those kept."""
    keep = _check.number(keep_prob, name="keep_prob", where="ops.Dropout", minimum=0, maximum=1, open_minimum=True)
    array = as_floating(x)
    result, mask = _dropped(array, 1 - keep, array.shape, seeds_key(Seed0, Seed1, "Dropout"))
    return result, mask.astype(array.dtype)


def _channels_primitive(x: Array, keep_prob: float, where: str) -> tuple[Array, Array]:
    keep = _check.number(keep_prob, name="keep_prob", where=f"ops.{where}", minimum=0, maximum=1)
    array = as_floating(x)
    shape = array.shape[:2] + (1,) * (array.ndim - 2)
    return _dropped(array, 1 - keep, shape, next_key())


def _dropout2d_primitive(x: Array, keep_prob: float = 0.5) -> tuple[Array, Array]:
    """Whole channels set to 0 with probability 1 - keep_prob, the others scaled up; and the mask."""
    return _channels_primitive(x, keep_prob, "Dropout2D")


Dropout = random_primitive("Dropout", lifted(_dropout_primitive), ("Seed0", "Seed1"), keep_prob=0.5, Seed0=0, Seed1=0)
Dropout2D = primitive("Dropout2D", lifted(_dropout2d_primitive), keep_prob=0.5)
Dropout3D = primitive("Dropout3D", lifted(_dropout2d_primitive), keep_prob=0.5)
