"""Convolution over one, two and three axes, and its transpose."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ArgumentError, DtypeError, ShapeError
from sporax.core.dtype import as_dtype
from sporax.ops import _windows
from sporax.ops._args import Array, as_array
from sporax.ops._base import REQUIRED, lifted, op, primitive

_LAYOUTS = {
    ("NCHW", 2): ("NCHW", "OIHW", "NCHW"),
    ("NHWC", 2): ("NHWC", "OHWI", "NHWC"),
    ("NCDHW", 3): ("NCDHW", "OIDHW", "NCDHW"),
}


def _convolve(
    input: Any,
    weight: Any,
    stride: Any,
    pad_mode: str,
    padding: Any,
    dilation: Any,
    groups: int,
    *,
    where: str,
    data_format: str,
    pad_name: str = "padding",
) -> Array:
    x, w = as_array(input), as_array(weight)
    count = len(data_format) - 2
    layout = _LAYOUTS[data_format, count]
    last = data_format in _windows.CHANNELS_LAST
    channels = -1 if last else 1
    for array, name in ((x, "the input"), (w, "the weight")):
        if array.ndim != count + 2:
            raise ShapeError(
                f"{where}: {name} must have {count + 2} dimensions, {data_format if name == 'the input' else layout[1]}"
                f", but got shape {array.shape}."
            )
    _windows.check_float(x, where=where)
    if x.dtype != w.dtype:
        here, wanted = as_dtype(x.dtype), as_dtype(w.dtype)
        raise DtypeError(
            f"{where}: the input's dtype is {here}, but the weight's is {wanted}. Cast one: x.astype({wanted!r})."
        )
    groups = _check.integer(groups, name="groups", where=where, minimum=1)
    if x.shape[channels] != w.shape[channels] * groups:
        raise ShapeError(
            f"{where}: the input has {x.shape[channels]} channels (shape {x.shape}), but the weight of shape {w.shape} "
            f"is for {w.shape[channels] * groups} ({groups} group(s) of {w.shape[channels]})."
        )
    if w.shape[0] % groups:
        raise ArgumentError(
            f"{where}: the weight's {w.shape[0]} output channels must divide by the number of groups, {groups}."
        )
    spatial = slice(1, -1) if last else slice(2, None)
    strides = _windows.sizes(stride, count, where=where, name="stride")
    dilations = _windows.sizes(dilation, count, where=where, name="dilation")
    mode = _windows.mode_of(pad_mode, where=where)
    pads = _windows.resolved(
        mode, padding, x.shape[spatial], w.shape[spatial], strides, dilations, where=where, name=pad_name
    )
    return jax.lax.conv_general_dilated(
        x, w, strides, pads, rhs_dilation=dilations, dimension_numbers=layout, feature_group_count=groups
    )


def _with_bias(output: Array, bias: Any, where: str) -> Array:
    if bias is None:
        return output
    b = as_array(bias)
    if b.shape != (output.shape[1],):
        raise ShapeError(
            f"{where}: `bias` must have shape ({output.shape[1]},), one number for each output channel, but got "
            f"shape {b.shape}."
        )
    return output + b.reshape((1, -1) + (1,) * (output.ndim - 2)).astype(output.dtype)


@op
def conv1d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Any = 1,
    pad_mode: str = "valid",
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Array:
    r"""Convolution over the last axis (cross-correlation: the kernel is not turned round).

    .. math:: y_{n,o,t} = b_o + \sum_c \sum_k w_{o,c,k} \, x_{n,c,st+dk-p}

    Args:
        input: Tensor of shape (N, C, L), floating dtype.
        weight: Tensor of shape (C_out, C / groups, K), of the same dtype.
        bias: Tensor of shape (C_out,), or None.
        stride: s, the step between windows.
        pad_mode: "valid" (no padding), "same" (as much as L_out = ceil(L / stride) needs, the larger part at the
            end), or "pad" (`padding` zeros).
        padding: p, an int, or (before, after).
        dilation: d, the distance between a window's elements.
        groups: the channels are split into so many groups, each with its own kernels.

    Returns:
        Tensor of shape (N, C_out, L_out).

    Raises:
        ShapeError: the shapes do not fit each other, or no window fits the input.
        DtypeError: the dtypes differ, or are not floating.
        ArgumentError: an unknown mode, a size below 1, or padding with a mode that takes none.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.conv1d(Tensor([[[1.0, 2.0, 4.0]]]), Tensor([[[1.0, 10.0]]])))
        [[[21. 42.]]]

    Source: `ops.conv1d` of MindSpore.
    """
    where = "ops.conv1d"
    x, w = as_array(input), as_array(weight)
    for array, name in ((x, "input"), (w, "weight")):
        if array.ndim != 3:
            raise ShapeError(f"{where}: `{name}` must have 3 dimensions, but got shape {array.shape}.")
    ((before, after),) = _windows.pairs(padding, 1, where=where)
    step = _windows.sizes(stride, 1, where=where, name="stride")
    gap = _windows.sizes(dilation, 1, where=where, name="dilation")
    output = _convolve(
        x[:, :, None],
        w[:, :, None],
        (1, *step),
        pad_mode,
        (0, 0, before, after),
        (1, *gap),
        groups,
        where=where,
        data_format="NCHW",
    )
    return _with_bias(output[:, :, 0], bias, where)


@op
def conv2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Any = 1,
    pad_mode: str = "valid",
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Array:
    r"""Convolution over the last two axes (cross-correlation: the kernel is not turned round).

    .. math:: y_{n,o,i,j} = b_o + \sum_c \sum_{k,l} w_{o,c,k,l} \, x_{n,c,s_1 i+d_1 k-p_1,s_2 j+d_2 l-p_2}

    Args:
        input: Tensor of shape (N, C, H, W), floating dtype.
        weight: Tensor of shape (C_out, C / groups, K_h, K_w), of the same dtype.
        bias: Tensor of shape (C_out,), or None.
        stride: s, the step between windows: an int, or one for each axis.
        pad_mode: "valid" (no padding), "same" (as much as H_out = ceil(H / stride) needs, the larger part at the
            end), or "pad" (`padding` zeros).
        padding: p, an int, one for each axis, or (top, bottom, left, right).
        dilation: d, the distance between a window's elements: an int, or one for each axis.
        groups: the channels are split into so many groups, each with its own kernels.

    Returns:
        Tensor of shape (N, C_out, H_out, W_out).

    Raises:
        ShapeError: the shapes do not fit each other, or no window fits the input.
        DtypeError: the dtypes differ, or are not floating.
        ArgumentError: an unknown mode, a size below 1, or padding with a mode that takes none.

    Examples:
        >>> from sporax import ops
        >>> ops.conv2d(ops.ones((10, 32, 32, 32)), ops.ones((32, 32, 3, 3))).shape
        (10, 32, 30, 30)

    Source: LeCun et al. 1998; `ops.conv2d` of MindSpore.
    """
    where = "ops.conv2d"
    output = _convolve(input, weight, stride, pad_mode, padding, dilation, groups, where=where, data_format="NCHW")
    return _with_bias(output, bias, where)


@op
def conv3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Any = 1,
    pad_mode: str = "valid",
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Array:
    """Convolution over the last three axes; see `conv2d`.

    Args:
        input: Tensor of shape (N, C, D, H, W), floating dtype.
        weight: Tensor of shape (C_out, C / groups, K_d, K_h, K_w), of the same dtype.
        bias: Tensor of shape (C_out,), or None.
        stride: the step between windows: an int, or one for each axis.
        pad_mode: "valid", "same" or "pad".
        padding: an int, one for each axis, or (head, tail, top, bottom, left, right).
        dilation: the distance between a window's elements: an int, or one for each axis.
        groups: the channels are split into so many groups, each with its own kernels.

    Returns:
        Tensor of shape (N, C_out, D_out, H_out, W_out).

    Raises:
        ShapeError: the shapes do not fit each other, or no window fits the input.
        DtypeError: the dtypes differ, or are not floating.
        ArgumentError: an unknown mode, a size below 1, or padding with a mode that takes none.

    Examples:
        >>> from sporax import ops
        >>> ops.conv3d(ops.ones((2, 3, 5, 6, 7)), ops.ones((4, 3, 2, 3, 1))).shape
        (2, 4, 4, 4, 7)

    Source: `ops.conv3d` of MindSpore.
    """
    where = "ops.conv3d"
    output = _convolve(input, weight, stride, pad_mode, padding, dilation, groups, where=where, data_format="NCDHW")
    return _with_bias(output, bias, where)


def _check_weight(weight: Any, out_channel: int, kernel_size: Any, where: str, data_format: str) -> Array:
    w = as_array(weight)
    spatial = slice(1, -1) if data_format in _windows.CHANNELS_LAST else slice(2, None)
    kernel = _windows.sizes(kernel_size, len(data_format) - 2, where=where, name="kernel_size")
    if w.ndim != len(data_format) or w.shape[0] != out_channel or w.shape[spatial] != kernel:
        raise ShapeError(
            f"{where}: the weight must be for out_channel={out_channel} and kernel_size={kernel}, but its shape is "
            f"{w.shape}."
        )
    return w


def _check_mode(mode: int, where: str) -> None:
    if mode != 1:
        raise ArgumentError(f"{where}: `mode` must be 1 (convolution), but got {mode!r}.")


def _conv2d_class(
    x: Array,
    weight: Array,
    *,
    out_channel: int,
    kernel_size: Any,
    mode: int,
    pad_mode: str,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    data_format: str,
) -> Array:
    """Convolution over two axes; `ops.conv2d` without a bias."""
    where = "ops.Conv2D"
    _check_mode(mode, where)
    _check.one_of(data_format, ("NCHW", "NHWC"), name="data_format", where=where)
    w = _check_weight(weight, out_channel, kernel_size, where, data_format)
    return _convolve(x, w, stride, pad_mode, pad, dilation, group, where=where, data_format=data_format, pad_name="pad")


def _conv3d_class(
    x: Array,
    weight: Array,
    *,
    out_channel: int,
    kernel_size: Any,
    mode: int,
    pad_mode: str,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    data_format: str,
) -> Array:
    """Convolution over three axes; `ops.conv3d` without a bias."""
    where = "ops.Conv3D"
    _check_mode(mode, where)
    _check.one_of(data_format, ("NCDHW",), name="data_format", where=where)
    w = _check_weight(weight, out_channel, kernel_size, where, data_format)
    return _convolve(x, w, stride, pad_mode, pad, dilation, group, where=where, data_format=data_format, pad_name="pad")


def _conv2d_transpose_class(
    x: Array,
    weight: Array,
    input_size: Any,
    *,
    out_channel: int,
    kernel_size: Any,
    pad_mode: str,
    pad: Any,
    pad_list: Any,
    mode: int,
    stride: Any,
    dilation: Any,
    group: int,
    data_format: str,
) -> Array:
    """The gradient of `ops.Conv2D` with respect to its input, of shape `input_size`: transposed convolution."""
    where = "ops.Conv2DTranspose"
    _check_mode(mode, where)
    _check.one_of(data_format, ("NCHW",), name="data_format", where=where)
    y, w = as_array(x), _check_weight(weight, out_channel, kernel_size, where, data_format)
    _windows.check_float(y, where=where)
    if y.ndim != 4 or y.dtype != w.dtype or y.shape[1] != out_channel:
        raise ShapeError(
            f"{where}: the input must have shape (N, {out_channel}, H, W) and the weight's dtype, "
            f"{as_dtype(w.dtype)}, but got shape {y.shape} and {as_dtype(y.dtype)}."
        )
    size = tuple(int(each) for each in input_size)
    if len(size) != 4 or size[0] != y.shape[0] or size[1] != w.shape[1] * group:
        raise ShapeError(f"{where}: `input_size` must be ({y.shape[0]}, {w.shape[1] * group}, H, W), but got {size}.")
    steps = _windows.sizes(stride, 2, where=where, name="stride")
    gaps = _windows.sizes(dilation, 2, where=where, name="dilation")
    reach = [_windows.spread_of(k, d) for k, d in zip(w.shape[2:], gaps, strict=True)]
    padding = pad if pad_list is None else pad_list
    found = _windows.mode_of(pad_mode, where=where)
    _windows.check_unpadded(found, padding, where=where, name="pad")
    # With "same" the padding is that of the convolution whose output has the size of x.
    given = _windows.pairs(padding, 2, where=where, name="pad")
    before = [
        max((n - 1) * s + r - total, 0) // 2 if found == "same" else low
        for n, s, r, total, (low, _) in zip(y.shape[2:], steps, reach, size[2:], given, strict=True)
    ]
    # The convolution of x, spread out by the stride, with the kernel turned round, each side padded so that it
    # gives `input_size`; a negative number cuts off.
    pads = [
        (r - 1 - low, total - (n - 1) * s - 1 + low)
        for n, s, r, total, low in zip(y.shape[2:], steps, reach, size[2:], before, strict=True)
    ]
    channels, per_group = w.shape[:2]
    turned = jnp.flip(w, (2, 3)).reshape(group, channels // group, per_group, *w.shape[2:])
    turned = jnp.swapaxes(turned, 1, 2).reshape(group * per_group, channels // group, *w.shape[2:])
    return jax.lax.conv_general_dilated(
        y,
        turned,
        (1, 1),
        pads,
        lhs_dilation=steps,
        rhs_dilation=gaps,
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        feature_group_count=group,
    )


Conv2D = primitive(
    "Conv2D",
    lifted(_conv2d_class),
    out_channel=REQUIRED,
    kernel_size=REQUIRED,
    mode=1,
    pad_mode="valid",
    pad=0,
    stride=1,
    dilation=1,
    group=1,
    data_format="NCHW",
)
Conv3D = primitive(
    "Conv3D",
    lifted(_conv3d_class),
    out_channel=REQUIRED,
    kernel_size=REQUIRED,
    mode=1,
    pad_mode="valid",
    pad=0,
    stride=1,
    dilation=1,
    group=1,
    data_format="NCDHW",
)
Conv2DTranspose = primitive(
    "Conv2DTranspose",
    lifted(_conv2d_transpose_class),
    out_channel=REQUIRED,
    kernel_size=REQUIRED,
    pad_mode="valid",
    pad=0,
    pad_list=None,
    mode=1,
    stride=1,
    dilation=1,
    group=1,
    data_format="NCHW",
)
