"""Dropout of elements and of channels."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ShapeError
from sporax.ops._kinds import Flag, Floating, Key, key_kind, static_kind
from sporax.ops._op import op, signature

Probability = Annotated[
    float,
    static_kind(
        lambda value, _, where, name: _check.number(value, name=name, where=f"ops.{where}", minimum=0, maximum=1),
        "the probability to drop an element, in [0, 1].",
        "float",
        "ArgumentError: {name} is outside [0, 1].",
    ),
]
PositiveProbability = Annotated[
    float,
    static_kind(
        lambda value, _, where, name: _check.number(
            value, name=name, where=f"ops.{where}", minimum=0, maximum=1, open_minimum=True
        ),
        "the probability to keep an element, in (0, 1].",
        "float",
        "ArgumentError: {name} is outside (0, 1].",
    ),
]
KeyOfTraining = Annotated[Any, key_kind(needed_if=("training", "p"))]
"""A key if something is dropped, else None."""


def _dropped(x: Any, p: float, shape: tuple[int, ...], key: Any) -> tuple[jax.Array, jax.Array]:
    keep = jax.random.bernoulli(key, 1 - p, shape)
    mask = jnp.broadcast_to(keep, x.shape)
    # With probability 1 all elements are dropped, and there is nothing to scale.
    scale = 1.0 / (1.0 - p) if p < 1 else 0.0
    return jnp.where(mask, x * jnp.asarray(scale, x.dtype), jnp.zeros_like(x)), mask


@op("ops.dropout(input, p=0.5, training=True, seed=None)")
def dropout(x: Floating, p: Probability, training: Flag, key: KeyOfTraining) -> jax.Array:
    r"""Set elements to 0 at random while training, and scale the others so that the expected value stays.

    .. math:: x_i b_i / (1 - p), \quad b_i \sim \text{Bernoulli}(1 - p)

    Args:
        training: False returns the Tensor unchanged.

    Returns:
        Tensor of the same shape and dtype; integers give float32.

    Examples:
        >>> print(ops.dropout(Tensor([1.0, 2.0]), p=0.5, training=False))
        [1. 2.]

    Source: Srivastava et al., 2014; `ops.dropout` of MindSpore.
    """
    return _dropped(x, p, x.shape, key)[0] if training and p else x


def _channels_dropped(name: str, x: Any, p: float, training: bool, key: Any) -> jax.Array:
    spatial = int(name[-2])
    if x.ndim not in (spatial + 1, spatial + 2):
        raise ShapeError(
            f"ops.{name}: `input` must have {spatial + 1} or {spatial + 2} axes, but its shape is {x.shape}."
        )
    return _dropped(x, p, x.shape[:-spatial] + (1,) * spatial, key)[0] if training and p else x


@op("ops.dropout1d(input, p=0.5, training=True)")
def dropout1d(x: Floating, p: Probability, training: Flag, key: KeyOfTraining) -> jax.Array:
    """Set channels to 0 at random while training, and scale the others.

    Args:
        x: Tensor of shape (N, C, L) or (C, L).
        p: the probability to drop a channel, in [0, 1].
        training: False returns the Tensor unchanged.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ShapeError: another number of axes.

    Examples:
        >>> ops.dropout1d(ops.ones((2, 3, 4)), 0.5).shape
        (2, 3, 4)
    """
    return _channels_dropped("dropout1d", x, p, training, key)


@op("ops.dropout2d(input, p=0.5, training=True)")
def dropout2d(x: Floating, p: Probability, training: Flag, key: KeyOfTraining) -> jax.Array:
    """Set channels to 0 at random while training, and scale the others.

    Args:
        x: Tensor of shape (N, C, H, W) or (C, H, W).
        p: the probability to drop a channel, in [0, 1].
        training: False returns the Tensor unchanged.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ShapeError: another number of axes.

    Examples:
        >>> ops.dropout2d(ops.ones((2, 3, 4, 5)), 0.5).shape
        (2, 3, 4, 5)

    Source: Tompson et al., 2015; `ops.dropout2d` of MindSpore.
    """
    return _channels_dropped("dropout2d", x, p, training, key)


@op("ops.dropout3d(input, p=0.5, training=True)")
def dropout3d(x: Floating, p: Probability, training: Flag, key: KeyOfTraining) -> jax.Array:
    """Set channels to 0 at random while training, and scale the others.

    Args:
        x: Tensor of shape (N, C, D, H, W) or (C, D, H, W).
        p: the probability to drop a channel, in [0, 1].
        training: False returns the Tensor unchanged.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ShapeError: another number of axes.

    Examples:
        >>> ops.dropout3d(ops.ones((2, 3, 4, 5, 6)), 0.5).shape
        (2, 3, 4, 5, 6)
    """
    return _channels_dropped("dropout3d", x, p, training, key)


@op(signature("ops.Dropout(keep_prob=0.5, Seed0=0, Seed1=0)(x)", rename={"Seed0": "key", "Seed1": "key"}))
def _dropout_and_mask(x: Floating, keep_prob: PositiveProbability, key: Key) -> tuple[jax.Array, jax.Array]:
    """Set elements to 0 with probability 1 - keep_prob, and scale the others; and the mask of those kept."""
    result, mask = _dropped(x, 1 - keep_prob, x.shape, key)
    return result, mask.astype(x.dtype)


@op("ops.Dropout2D(keep_prob=0.5)(x)", "ops.Dropout3D(keep_prob=0.5)(x)")
def _channel_dropout_and_mask(x: Floating, keep_prob: Probability, key: Key) -> tuple[jax.Array, jax.Array]:
    """Set channels to 0 with probability 1 - keep_prob, and scale the others; and the mask of those kept.

    Args:
        keep_prob: the probability to keep a channel, in [0, 1].
    """
    return _dropped(x, 1 - keep_prob, x.shape[:2] + (1,) * (x.ndim - 2), key)
