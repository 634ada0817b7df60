"""Pooling: the maximum or the mean of windows.

A window is reduced axis by axis, from strided slices, not with XLA's reduce-window: on a 2-core CPU the gradient of a
maximum over 2 × 2 took 0.9 ms so and 5.5 ms there (batch 32, 16 channels, 28 × 28), and equal elements give the whole
gradient to the first of them, in forward mode and for second derivatives too. Outside a compiled function each pooling
is compiled as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax.ops import _windows
from sporax.ops._args import Array, as_array, is_floating
from sporax.ops._base import REQUIRED, lifted, op, primitive

_SLICED = 8
"""Windows of up to so many elements an axis are reduced slice by slice."""


def _count(length: int, reach: int, stride: int, pair: tuple[int, int], ceil: bool) -> int:
    """How many windows an axis has; with `ceil`, one may reach over the end, but not begin in the padding there."""
    room = length + sum(pair) - reach
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= length + pair[0] else count


def _slice(array: Array, axis: int, start: int, count: int, stride: int) -> Array:
    return jax.lax.slice_in_dim(array, start, start + (count - 1) * stride + 1, stride, axis)


def _first_larger(left: Sequence[Array], right: Sequence[Array]) -> list[Array]:
    """Element by element the larger value, with what belongs to it; the left one of equals, the first NaN."""
    take = right[0] > left[0]
    if is_floating(left[0]):
        take |= jnp.isnan(right[0]) & ~jnp.isnan(left[0])
    return [jnp.where(take, r, a) for a, r in zip(left, right, strict=True)]


def _max_along(arrays: list[Array], axis: int, kernel: int, stride: int, dilation: int, count: int) -> list[Array]:
    if kernel <= _SLICED:
        found = [_slice(each, axis, 0, count, stride) for each in arrays]
        for i in range(1, kernel):
            found = _first_larger(found, [_slice(each, axis, i * dilation, count, stride) for each in arrays])
        return found
    # Windows of 2, 4, 8, … elements from those of half the size; the last two overlap.
    size, held = 1, arrays
    while size < kernel:
        step = min(size, kernel - size)
        length = held[0].shape[axis] - step * dilation
        held = _first_larger(
            [jax.lax.slice_in_dim(each, 0, length, 1, axis) for each in held],
            [jax.lax.slice_in_dim(each, step * dilation, None, 1, axis) for each in held],
        )
        size += step
    return [_slice(each, axis, 0, count, stride) for each in held]


def _padded(array: Array, axis: int, pair: tuple[int, int], needed: int, fill: Any) -> Array:
    """The axis with `pair[0]` elements before it, and as many after it as `needed` in all asks for."""
    after = max(needed - array.shape[axis] - pair[0], 0)
    if not pair[0] and not after:
        return array
    widths = [(0, 0, 0)] * array.ndim
    widths[axis] = (pair[0], after, 0)
    return jax.lax.pad(array, jnp.asarray(fill, array.dtype), widths)


@partial(jax.jit, static_argnums=(1, 2, 3, 4, 5, 6, 7), inline=True)
def _max_pool(
    x: Array,
    axes: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pads: _windows.Pairs,
    dilation: tuple[int, ...],
    ceil: bool,
    indices: bool,
) -> Any:
    lowest = -np.inf if is_floating(x) else jnp.iinfo(x.dtype).min
    arrays = [x]
    if indices:
        places = np.arange(np.prod([x.shape[axis] for axis in axes])).reshape([x.shape[axis] for axis in axes])
        shape = [x.shape[axis] if axis in axes else 1 for axis in range(x.ndim)]
        arrays.append(jnp.broadcast_to(jnp.asarray(places.reshape(shape), jnp.int64), x.shape))
    for axis, k, s, pair, d in reversed(list(zip(axes, kernel, stride, pads, dilation, strict=True))):
        reach = _windows.spread_of(k, d)
        count = _count(x.shape[axis], reach, s, pair, ceil)
        needed = (count - 1) * s + reach
        arrays = [_padded(each, axis, pair, needed, fill) for each, fill in zip(arrays, (lowest, 0), strict=False)]
        arrays = _max_along(arrays, axis, k, s, d, count)
    return tuple(arrays) if indices else arrays[0]


def _sum_along(x: Array, axis: int, kernel: int, stride: int, count: int) -> Array:
    if count == 1:
        return jnp.sum(jax.lax.slice_in_dim(x, 0, kernel, 1, axis), axis=axis, keepdims=True)
    if kernel <= _SLICED:
        total = _slice(x, axis, 0, count, stride)
        for i in range(1, kernel):
            total = total + _slice(x, axis, i, count, stride)
        return total
    window, strides = [1] * x.ndim, [1] * x.ndim
    window[axis], strides[axis] = kernel, stride
    x = jax.lax.slice_in_dim(x, 0, (count - 1) * stride + kernel, 1, axis)
    return jax.lax.reduce_window(x, np.zeros((), x.dtype), jax.lax.add, window, strides, "VALID")


@partial(jax.jit, static_argnums=(1, 2, 3, 4, 5, 6, 7), inline=True)
def _avg_pool(
    x: Array,
    axes: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pads: _windows.Pairs,
    ceil: bool,
    include: bool,
    divisor: int,
) -> Array:
    total = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    counts = np.ones((1,) * x.ndim)
    for axis, k, s, pair in zip(axes, kernel, stride, pads, strict=True):
        length = x.shape[axis]
        count = _count(length, k, s, pair, ceil)
        total = _sum_along(_padded(total, axis, pair, (count - 1) * s + k, 0), axis, k, s, count)
        # A window that reaches over the end (with `ceil`) counts what lies inside the padding alone.
        low, high = (-pair[0], length + pair[1]) if include else (0, length)
        starts = np.arange(count) * s - pair[0]
        inside = np.minimum(starts + k, high) - np.maximum(starts, low)
        shape = [1] * x.ndim
        shape[axis] = count
        counts = counts * inside.reshape(shape)
    weights = divisor if divisor else np.asarray(np.maximum(counts, 1), total.dtype)
    return (total / weights).astype(x.dtype)


def _check_half(kernel: Sequence[int], pads: _windows.Pairs, where: str) -> None:
    if any(max(pair) > k // 2 for k, pair in zip(kernel, pads, strict=True)):
        raise ArgumentError(
            f"{where}: `padding` must be at most half of the kernel, or windows lie wholly in it, but got padding "
            f"{pads} with kernel_size {tuple(kernel)}."
        )


def _spatial(x: Array, count: int, where: str) -> tuple[int, ...]:
    if x.ndim not in (count + 1, count + 2):
        raise ShapeError(
            f"{where}: the input must have {count + 2} dimensions (or {count + 1}, without the batch), but got shape "
            f"{x.shape}."
        )
    return tuple(range(x.ndim - count, x.ndim))


@op
def max_pool2d(
    x: Array,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
) -> Any:
    r"""The largest element of each window over the last two axes.

    .. math:: y_{n,c,i,j} = \max_{k,l} x_{n,c,s_1 i+d_1 k-p_1,s_2 j+d_2 l-p_2}

    Args:
        x: Tensor of shape (N, C, H, W) or (C, H, W).
        kernel_size: the window's size: an int, or (height, width).
        stride: s, the step between windows. Default: the window's size.
        padding: p on each side, at most half of the window; what is added never wins.
        dilation: d, the distance between a window's elements.
        return_indices: also return where each maximum lies in its H × W plane, row by row.
        ceil_mode: whether a window may reach over the end.

    Returns:
        Tensor of shape (N, C, H_out, W_out); with `return_indices`, a pair of it and an int64 Tensor. The gradient of
        equal elements goes to the first of them.

    Raises:
        ShapeError: the input has another number of axes, or no window fits.
        ArgumentError: a size below 1, or padding of more than half of the window.

    Examples:
        >>> from sporax import ops
        >>> x = ops.arange(16).reshape(1, 1, 4, 4).astype("float32")
        >>> print(ops.max_pool2d(x, 2))
        [[[[ 5.  7.]
           [13. 15.]]]]

    Source: `ops.max_pool2d` of MindSpore.
    """
    where = "ops.max_pool2d"
    array = as_array(x)
    axes = _spatial(array, 2, where)
    kernel = _windows.sizes(kernel_size, 2, where=where, name="kernel_size")
    steps = _windows.sizes(kernel_size if stride is None else stride, 2, where=where, name="stride")
    gaps = _windows.sizes(dilation, 2, where=where, name="dilation")
    _check.is_type(ceil_mode, bool, name="ceil_mode", where=where)
    _check.is_type(return_indices, bool, name="return_indices", where=where)
    _check_half(kernel, _windows.pairs(padding, 2, where=where), where)
    pads = _windows.resolved("pad", padding, array.shape[-2:], kernel, steps, gaps, where=where)
    return _max_pool(array, axes, kernel, steps, pads, gaps, ceil_mode, return_indices)


def _mean_windows(
    input_x: Any,
    axes_count: int,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int,
    where: str,
) -> Array:
    x = as_array(input_x)
    axes = _spatial(x, axes_count, where)
    _windows.check_float(x, where=where)
    kernel = _windows.sizes(kernel_size, axes_count, where=where, name="kernel_size")
    steps = _windows.sizes(stride, axes_count, where=where, name="stride")
    _check.is_type(ceil_mode, bool, name="ceil_mode", where=where)
    _check.is_type(count_include_pad, bool, name="count_include_pad", where=where)
    _check_half(kernel, _windows.pairs(padding, axes_count, where=where), where)
    spatial = [x.shape[axis] for axis in axes]
    pads = _windows.resolved("pad", padding, spatial, kernel, steps, (1,) * axes_count, where=where)
    return _avg_pool(x, axes, kernel, steps, pads, ceil_mode, count_include_pad, divisor)


@op
def avg_pool1d(
    input_x: Array,
    kernel_size: Any = 1,
    stride: Any = 1,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """The mean of each window over the last axis; see `avg_pool2d`.

    Args:
        input_x: Tensor of shape (N, C, L) or (C, L), floating dtype.
        kernel_size: the window's size.
        stride: the step between windows.
        padding: zeros on each side, or (before, after); at most half of the window.
        ceil_mode: whether a window may reach over the end.
        count_include_pad: whether the zeros count in the mean.

    Returns:
        Tensor of shape (N, C, L_out).

    Raises:
        ShapeError: the input has another number of axes, or no window fits.
        DtypeError: the input is not floating.
        ArgumentError: a size below 1, or padding of more than half of the window.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.avg_pool1d(Tensor([[[1.0, 3.0, 5.0]]]), 2))
        [[[2. 4.]]]

    Source: `ops.avg_pool1d` of MindSpore.
    """
    where = "ops.avg_pool1d"
    return _mean_windows(input_x, 1, kernel_size, stride, padding, ceil_mode, count_include_pad, 0, where)


@op
def avg_pool2d(
    input_x: Array,
    kernel_size: Any = 1,
    stride: Any = 1,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int = 0,
) -> Array:
    r"""The mean of each window over the last two axes.

    .. math:: y_{n,c,i,j} = \frac{1}{K_h K_w} \sum_{k,l} x_{n,c,s_1 i+k-p_1,s_2 j+l-p_2}

    Args:
        input_x: Tensor of shape (N, C, H, W) or (C, H, W), floating dtype; half precision is summed in float32.
        kernel_size: the window's size: an int, or (height, width).
        stride: s, the step between windows.
        padding: p zeros on each side, or (top, bottom, left, right); at most half of the window.
        ceil_mode: whether a window may reach over the end.
        count_include_pad: whether the zeros count in the mean.
        divisor_override: what to divide by instead of the count; 0 for the count.

    Returns:
        Tensor of shape (N, C, H_out, W_out).

    Raises:
        ShapeError: the input has another number of axes, or no window fits.
        DtypeError: the input is not floating.
        ArgumentError: a size below 1, or padding of more than half of the window.

    Examples:
        >>> from sporax import ops
        >>> x = ops.arange(9).reshape(1, 1, 3, 3).astype("float32")
        >>> print(ops.avg_pool2d(x, 2))
        [[[[2. 3.]
           [5. 6.]]]]

    Source: `ops.avg_pool2d` of MindSpore.
    """
    where = "ops.avg_pool2d"
    divisor = _check.integer(divisor_override, name="divisor_override", where=where, minimum=0)
    return _mean_windows(input_x, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor, where)


def _parts(length: int, count: int, dtype: Any) -> np.ndarray:
    """The matrix that adds up an axis in `count` even parts, which overlap where it does not divide."""
    matrix = np.zeros((count, length), dtype)
    for i in range(count):
        matrix[i, i * length // count : -(-(i + 1) * length // count)] = 1
    return matrix


@op
def adaptive_avg_pool2d(input: Array, output_size: Any) -> Array:
    r"""The mean of windows that are laid so that the output has the size asked for.

    .. math:: y_{i,j} = \operatorname{mean} x_{\lfloor iH/H_o \rfloor : \lceil (i+1)H/H_o \rceil, \;
        \lfloor jW/W_o \rfloor : \lceil (j+1)W/W_o \rceil}

    Args:
        input: Tensor of shape (N, C, H, W) or (C, H, W), floating dtype; half precision is summed in float32.
        output_size: (H_o, W_o), or one int for both; None keeps an axis.

    Returns:
        Tensor of shape (N, C, H_o, W_o) or (C, H_o, W_o).

    Raises:
        ShapeError: the input has another number of axes.
        DtypeError: the input is not floating.
        ArgumentError: a size below 1, or not two of them.

    Examples:
        >>> from sporax import ops
        >>> x = ops.arange(9).reshape(1, 3, 3).astype("float32")
        >>> print(ops.adaptive_avg_pool2d(x, 2))
        [[[2. 3.]
          [5. 6.]]]

    Source: `ops.adaptive_avg_pool2d` of MindSpore.
    """
    where = "ops.adaptive_avg_pool2d"
    x = as_array(input)
    axes = _spatial(x, 2, where)
    _windows.check_float(x, where=where)
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * 2
    if len(wanted) != 2:
        raise ArgumentError(f"{where}: `output_size` must be an int or (height, width), but got {output_size}.")
    result = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    for axis, size in zip(axes, wanted, strict=True):
        if size is None or size == x.shape[axis]:
            continue
        count = _check.integer(size, name="output_size", where=where, minimum=1)
        if count == 1:
            result = jnp.mean(result, axis=axis, keepdims=True)
            continue
        matrix = _parts(x.shape[axis], count, result.dtype)
        sums = jnp.tensordot(result, matrix, ((axis,), (1,)), precision="highest")
        result = jnp.moveaxis(sums / matrix.sum(1).reshape((1,) * (x.ndim - 1) + (-1,)), -1, axis)
    return result.astype(x.dtype)


def _pool_class(x: Array, kernel_size: Any, strides: Any, pad_mode: str, data_format: str, where: str) -> Any:
    array = as_array(x)
    _check.one_of(data_format, ("NCHW", "NHWC"), name="data_format", where=where)
    mode = _windows.mode_of(pad_mode, where=where, allowed=("same", "valid"))
    if array.ndim != 4:
        raise ShapeError(f"{where}: the input must have 4 dimensions, {data_format}, but got shape {array.shape}.")
    axes = (1, 2) if data_format == "NHWC" else (2, 3)
    kernel = _windows.sizes(kernel_size, 2, where=where, name="kernel_size")
    steps = _windows.sizes(strides, 2, where=where, name="strides")
    pads = _windows.resolved(mode, 0, [array.shape[axis] for axis in axes], kernel, steps, (1, 1), where=where)
    return array, axes, kernel, steps, pads


def _max_pool_class(x: Array, *, kernel_size: Any, strides: Any, pad_mode: str, data_format: str) -> Array:
    """The largest element of each window; `pad_mode` is "valid" or "same"."""
    array, axes, kernel, steps, pads = _pool_class(x, kernel_size, strides, pad_mode, data_format, "ops.MaxPool")
    return _max_pool(array, axes, kernel, steps, pads, (1, 1), False, False)


def _avg_pool_class(x: Array, *, kernel_size: Any, strides: Any, pad_mode: str, data_format: str) -> Array:
    """The mean of each window, of the elements that are not padding; `pad_mode` is "valid" or "same"."""
    array, axes, kernel, steps, pads = _pool_class(x, kernel_size, strides, pad_mode, data_format, "ops.AvgPool")
    _windows.check_float(array, where="ops.AvgPool")
    return _avg_pool(array, axes, kernel, steps, pads, False, False, 0)


MaxPool = primitive("MaxPool", lifted(_max_pool_class), kernel_size=1, strides=1, pad_mode="valid", data_format="NCHW")
AvgPool = primitive("AvgPool", lifted(_avg_pool_class), kernel_size=1, strides=1, pad_mode="valid", data_format="NCHW")
AdaptiveAvgPool2D = primitive("AdaptiveAvgPool2D", adaptive_avg_pool2d, output_size=REQUIRED)
