"""Padding, strided slices, and the rearrangement of channels and space."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ShapeError
from sporax.ops import _args
from sporax.ops._kinds import (
    Array,
    Integer,
    Integers,
    Kind,
    choice_kind,
    integer_kind,
    plain,
    static_kind,
)
from sporax.ops._op import op, signature

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _pairs(value: Any, *_: Any) -> tuple[tuple[int, int], ...]:
    return tuple((before, after) for before, after in np.asarray(plain(value)).tolist())


def _optional_operand(value: Any, *_: Any) -> Any:
    value = plain(value)
    return value if value is None or isinstance(value, (bool, int, float, complex)) else _args.as_array(value)


Mode = Annotated[
    str,
    choice_kind(
        *_MODES,
        doc='"constant" (one number), "reflect" (mirrored at the edge, which is not repeated), "replicate" (the edge '
        'repeated), "circular" (from the other end).',
    ),
]
MirrorMode = Annotated[
    str, choice_kind("REFLECT", "SYMMETRIC", doc='"REFLECT", or "SYMMETRIC", which repeats the edge itself.')
]
Fill = Annotated[
    Any, Kind(_optional_operand, 'the number for "constant". Default: 0.', "_TensorLike | None", data=True)
]
Pairs = Annotated[
    tuple[tuple[int, int], ...],
    static_kind(_pairs, "a pair (before, after) for each axis.", "Sequence[Sequence[int]] | Tensor"),
]
Factor = Annotated[int, integer_kind(1, "the factor r.")]


@op("ops.pad(input_x, padding, mode='constant', value=None)")
def pad(x: Array, padding: Integers, mode: Mode, value: Fill) -> jax.Array:
    """Pad the last axes.

    Args:
        padding: (left, right, top, bottom, ...): the number of elements to add, last axis first; with "constant",
            negative numbers remove elements.

    Returns:
        Tensor with these axes longer.

    Raises:
        ArgumentError: an odd number of paddings, more of them than axes, one that is too long for its axis, or a
            `value` for another mode than "constant".

    Examples:
        >>> print(ops.pad(Tensor([[1.0, 2.0]]), (1, 2)))
        [[0. 1. 2. 0. 0.]]
    """
    if len(padding) % 2 or len(padding) > 2 * x.ndim:
        raise ArgumentError(
            f"ops.pad: `padding` must hold a pair of numbers for each of the last axes of shape {x.shape}, "
            f"but got {padding}."
        )
    pairs = [(0, 0)] * (x.ndim - len(padding) // 2) + list(zip(padding[::2], padding[1::2], strict=True))[::-1]
    if mode != "constant":
        if value is not None:
            raise ArgumentError(f"ops.pad: `value` is only for mode 'constant', but the mode is {mode!r}.")
        _check_lengths(x.shape, pairs, mode)
        return jnp.pad(x, pairs, mode=_MODES[mode])
    kept = tuple(
        slice(max(-before, 0), size - max(-after, 0)) for (before, after), size in zip(pairs, x.shape, strict=True)
    )
    added = [(max(before, 0), max(after, 0)) for before, after in pairs]
    return jnp.pad(x[kept], added, constant_values=jnp.asarray(0 if value is None else value, x.dtype))


def _check_lengths(shape: tuple[int, ...], pairs: list[tuple[int, int]], mode: str) -> None:
    for axis, (size, pair) in enumerate(zip(shape, pairs, strict=True)):
        most = {"reflect": size - 1, "circular": size}.get(mode, np.inf)
        if pair != (0, 0) and (min(pair) < 0 or max(pair) > most or not size):
            raise ArgumentError(
                f"ops.pad: mode {mode!r} cannot pad axis {axis} of length {size} by {pair}: each number must be in "
                f"[0, {most}]."
            )


@op("ops.Pad(paddings=REQUIRED)(input_x)")
def _pad(x: Array, paddings: Pairs) -> jax.Array:
    """Pad each axis with zeros.

    Raises:
        ShapeError: the number of pairs is not the number of axes.
    """
    if len(paddings) != x.ndim:
        raise ShapeError(
            f"ops.Pad: `paddings` must hold one pair for each axis of shape {x.shape}, but got {paddings}."
        )
    return jnp.pad(x, paddings)


@op("ops.MirrorPad(mode='REFLECT')(input_x, paddings)")
def _mirror_pad(x: Array, paddings: Pairs, mode: MirrorMode) -> jax.Array:
    """Pad each axis with the elements mirrored at its edges."""
    return jnp.pad(x, paddings, mode=mode.lower())


@op("ops.pixel_shuffle(input, upscale_factor)")
def pixel_shuffle(x: Array, upscale_factor: Factor) -> jax.Array:
    """Rearrange channels into space: (..., C r², H, W) to (..., C, H r, W r).

    Args:
        x: Tensor of at least 3 axes.

    Returns:
        Tensor with r² times fewer channels.

    Raises:
        ShapeError: the number of channels is not divisible by r².

    Examples:
        >>> print(ops.pixel_shuffle(ops.arange(4).reshape(1, 4, 1, 1), 2))
        [[[[0 1]
           [2 3]]]]

    Source: Shi et al., 2016; `ops.pixel_shuffle` of MindSpore.
    """
    r = upscale_factor
    if x.ndim < 3 or x.shape[-3] % (r * r):
        raise ShapeError(f"ops.pixel_shuffle: the channels, axis -3 of shape {x.shape}, must divide by {r * r}.")
    *leading, channels, height, width = x.shape
    x = x.reshape(*leading, channels // (r * r), r, r, height, width)
    n = len(leading)
    x = jnp.transpose(x, (*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    return x.reshape(*leading, channels // (r * r), height * r, width * r)


@op("ops.pixel_unshuffle(input, downscale_factor)")
def pixel_unshuffle(x: Array, downscale_factor: Factor) -> jax.Array:
    """Rearrange space into channels: (..., C, H r, W r) to (..., C r², H, W).

    Args:
        x: Tensor of at least 3 axes.

    Returns:
        Tensor with r² times as many channels.

    Raises:
        ShapeError: height or width is not divisible by r.

    Examples:
        >>> ops.pixel_unshuffle(ops.ones((1, 1, 4, 6)), 2).shape
        (1, 4, 2, 3)
    """
    r = downscale_factor
    if x.ndim < 3 or x.shape[-2] % r or x.shape[-1] % r:
        raise ShapeError(f"ops.pixel_unshuffle: the last two axes of shape {x.shape} must divide by {r}.")
    *leading, channels, height, width = x.shape
    n = len(leading)
    x = x.reshape(*leading, channels, height // r, r, width // r, r)
    x = jnp.transpose(x, (*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    return x.reshape(*leading, channels * r * r, height // r, width // r)


@op(
    "ops.channel_shuffle(x, groups)",
    signature("ops.ChannelShuffle(group=REQUIRED)(x)", rename={"group": "groups"}),
)
def channel_shuffle(x: Array, groups: Integer) -> jax.Array:
    """Interleave the channels of groups: channel i of each group in turn.

    Args:
        x: Tensor of shape (N, C, ...).
        groups: a divisor of C.

    Returns:
        Tensor of the same shape.

    Raises:
        ShapeError: the number of channels is not divisible by `groups`.

    Examples:
        >>> print(ops.channel_shuffle(ops.arange(4).reshape(1, 4, 1), 2).reshape(-1))
        [0 2 1 3]

    Source: Zhang et al., 2017; `ops.channel_shuffle` of MindSpore.
    """
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise ShapeError(f"ops.channel_shuffle: the channels, axis 1 of shape {x.shape}, must divide by {groups}.")
    batch, channels, *space = x.shape
    grouped = x.reshape(batch, groups, channels // groups, *space)
    return jnp.swapaxes(grouped, 1, 2).reshape(x.shape)


@op(
    "ops.strided_slice(input_x, begin, end, strides, begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0, "
    "shrink_axis_mask=0)",
    "ops.StridedSlice(begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0)"
    "(input_x, begin, end, strides)",
)
def strided_slice(
    x: Array,
    begin: Integers,
    end: Integers,
    strides: Integers,
    begin_mask: Integer,
    end_mask: Integer,
    ellipsis_mask: Integer,
    new_axis_mask: Integer,
    shrink_axis_mask: Integer,
) -> jax.Array:
    """Return a block of the Tensor, with strides.

    Args:
        begin: the first index along each of the first axes.
        end: the index after the last along each of these axes.
        strides: the step along each of these axes.
        begin_mask: bit i set: `begin` of axis i is ignored.
        end_mask: bit i set: `end` of axis i is ignored.
        ellipsis_mask: bit i set: entry i denotes all axes that are not named.
        new_axis_mask: bit i set: entry i inserts a new axis.
        shrink_axis_mask: bit i set: entry i takes one element and removes the axis.

    Returns:
        Tensor.

    Raises:
        ArgumentError: the tuples differ in length, name more axes than there are, or a stride is 0.

    Examples:
        >>> print(ops.strided_slice(Tensor([[1, 2], [3, 4]]), (0, 0), (2, 2), (1, 2)))
        [[1]
         [3]]
    """
    if not len(begin) == len(end) == len(strides) or 0 in strides:
        raise ArgumentError(
            f"ops.strided_slice: `begin`, `end` and `strides` must be of one length and no stride 0, but got {begin}, "
            f"{end}, {strides}."
        )
    index: list[Any] = []
    for i, (start, stop, step) in enumerate(zip(begin, end, strides, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            index.append(Ellipsis)
        elif new_axis_mask & bit:
            index.append(None)
        elif shrink_axis_mask & bit:
            index.append(start)
        else:
            index.append(slice(None if begin_mask & bit else start, None if end_mask & bit else stop, step))
    named = sum(part is not None and part is not Ellipsis for part in index)
    if named > x.ndim:
        raise ArgumentError(f"ops.strided_slice: {named} axes are named, but the shape is {x.shape}.")
    return x[tuple(index)]
