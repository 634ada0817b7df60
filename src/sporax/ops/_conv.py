"""Convolution over one, two and three axes, and its transpose."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ArgumentError, DtypeError, ShapeError
from sporax.core.dtype import as_dtype
from sporax.ops import _windows
from sporax.ops._kinds import Array, OptionalArray, Value, choice_kind, static_kind, value_kind
from sporax.ops._op import op
from sporax.ops._windows import Padding, pad_mode_kind, sizes_kind

Sizes1 = Annotated[tuple[int, ...], sizes_kind(1)]
Sizes2 = Annotated[tuple[int, ...], sizes_kind(2)]
Sizes3 = Annotated[tuple[int, ...], sizes_kind(3)]
Count = Annotated[int, value_kind("int")]
PadMode = Annotated[str, pad_mode_kind("same", "valid", "pad")]

_LAYOUTS = {
    "NCHW": ("NCHW", "OIHW", "NCHW"),
    "NHWC": ("NHWC", "OHWI", "NHWC"),
    "NCDHW": ("NCDHW", "OIDHW", "NCDHW"),
}


def _convolve(
    x: jax.Array,
    weight: jax.Array,
    strides: tuple[int, ...],
    pad_mode: str,
    padding: Any,
    dilations: tuple[int, ...],
    groups: int,
    *,
    where: str,
    data_format: str,
    pad_name: str = "padding",
) -> jax.Array:
    layout = _LAYOUTS[data_format]
    last = data_format in _windows.CHANNELS_LAST
    channels = -1 if last else 1
    for array, name, axes in ((x, "the input", data_format), (weight, "the weight", layout[1])):
        if array.ndim != len(axes):
            raise ShapeError(f"{where}: {name} must have {len(axes)} dimensions, {axes}, but got shape {array.shape}.")
    _windows.check_float(x, where=where)
    if x.dtype != weight.dtype:
        here, wanted = as_dtype(x.dtype), as_dtype(weight.dtype)
        raise DtypeError(
            f"{where}: the input's dtype is {here}, but the weight's is {wanted}. Cast one: x.astype({wanted!r})."
        )
    groups = _check.integer(groups, name="groups", where=where, minimum=1)
    if x.shape[channels] != weight.shape[channels] * groups:
        raise ShapeError(
            f"{where}: the input has {x.shape[channels]} channels (shape {x.shape}), but the weight of shape "
            f"{weight.shape} is for {weight.shape[channels] * groups} ({groups} group(s) of {weight.shape[channels]})."
        )
    if weight.shape[0] % groups:
        raise ArgumentError(
            f"{where}: the weight's {weight.shape[0]} output channels must divide by the number of groups, {groups}."
        )
    spatial = slice(1, -1) if last else slice(2, None)
    pads = _windows.resolved(
        pad_mode, padding, x.shape[spatial], weight.shape[spatial], strides, dilations, where=where, name=pad_name
    )
    return jax.lax.conv_general_dilated(
        x, weight, strides, pads, rhs_dilation=dilations, dimension_numbers=layout, feature_group_count=groups
    )


def _with_bias(output: jax.Array, bias: jax.Array | None, where: str) -> jax.Array:
    if bias is None:
        return output
    if bias.shape != (output.shape[1],):
        raise ShapeError(
            f"{where}: `bias` must have shape ({output.shape[1]},), one number for each output channel, but got "
            f"shape {bias.shape}."
        )
    return output + bias.reshape((1, -1) + (1,) * (output.ndim - 2)).astype(output.dtype)


@op('ops.conv1d(input, weight, bias=None, stride=1, pad_mode="valid", padding=0, dilation=1, groups=1)')
def conv1d(
    x: Array,
    weight: Array,
    bias: OptionalArray,
    stride: Sizes1,
    pad_mode: PadMode,
    padding: Padding,
    dilation: Sizes1,
    groups: Count,
) -> jax.Array:
    r"""Convolution over the last axis (cross-correlation: the kernel is not flipped).

    .. math:: y_{n,o,t} = b_o + \sum_c \sum_k w_{o,c,k} \, x_{n,c,st+dk-p}

    Args:
        x: Tensor of shape (N, C, L), floating dtype.
        weight: Tensor of shape (C_out, C / groups, K), of the same dtype.
        bias: Tensor of shape (C_out,), or None.
        stride: s, the step between windows.
        pad_mode: "valid" (no padding), "same" (the padding for which L_out = ceil(L / stride), the larger part at the
            end), or "pad" (`padding` zeros).
        padding: p, an int, or (before, after).
        dilation: d, the distance between a window's elements.
        groups: the number of groups of channels, each with its own kernels.

    Returns:
        Tensor of shape (N, C_out, L_out).

    Raises:
        ShapeError: the shapes are incompatible, or the padded input is smaller than a window.
        DtypeError: the dtypes differ, or are not floating.
        ArgumentError: padding with a mode that accepts none.

    Examples:
        >>> print(ops.conv1d(Tensor([[[1.0, 2.0, 4.0]]]), Tensor([[[1.0, 10.0]]])))
        [[[21. 42.]]]
    """
    where = "ops.conv1d"
    for array, name in ((x, "input"), (weight, "weight")):
        if array.ndim != 3:
            raise ShapeError(f"{where}: `{name}` must have 3 dimensions, but got shape {array.shape}.")
    ((before, after),) = _windows.pairs(padding, 1, where=where)
    output = _convolve(
        x[:, :, None],
        weight[:, :, None],
        (1, *stride),
        pad_mode,
        (0, 0, before, after),
        (1, *dilation),
        groups,
        where=where,
        data_format="NCHW",
    )
    return _with_bias(output[:, :, 0], bias, where)


@op('ops.conv2d(input, weight, bias=None, stride=1, pad_mode="valid", padding=0, dilation=1, groups=1)')
def conv2d(
    x: Array,
    weight: Array,
    bias: OptionalArray,
    stride: Sizes2,
    pad_mode: PadMode,
    padding: Padding,
    dilation: Sizes2,
    groups: Count,
) -> jax.Array:
    r"""Convolution over the last two axes (cross-correlation: the kernel is not flipped).

    .. math:: y_{n,o,i,j} = b_o + \sum_c \sum_{k,l} w_{o,c,k,l} \, x_{n,c,s_1 i+d_1 k-p_1,s_2 j+d_2 l-p_2}

    Args:
        x: Tensor of shape (N, C, H, W), floating dtype.
        weight: Tensor of shape (C_out, C / groups, K_h, K_w), of the same dtype.
        bias: Tensor of shape (C_out,), or None.
        stride: s, the step between windows: an int, or one for each axis.
        pad_mode: "valid" (no padding), "same" (the padding for which H_out = ceil(H / stride), the larger part at the
            end), or "pad" (`padding` zeros).
        padding: p, an int, one for each axis, or (top, bottom, left, right).
        dilation: d, the distance between a window's elements: an int, or one for each axis.
        groups: the number of groups of channels, each with its own kernels.

    Returns:
        Tensor of shape (N, C_out, H_out, W_out).

    Raises:
        ShapeError: the shapes are incompatible, or the padded input is smaller than a window.
        DtypeError: the dtypes differ, or are not floating.
        ArgumentError: padding with a mode that accepts none.

    Examples:
        >>> ops.conv2d(ops.ones((10, 32, 32, 32)), ops.ones((32, 32, 3, 3))).shape
        (10, 32, 30, 30)

    Source: LeCun et al. 1998; `ops.conv2d` of MindSpore.
    """
    where = "ops.conv2d"
    output = _convolve(x, weight, stride, pad_mode, padding, dilation, groups, where=where, data_format="NCHW")
    return _with_bias(output, bias, where)


@op('ops.conv3d(input, weight, bias=None, stride=1, pad_mode="valid", padding=0, dilation=1, groups=1)')
def conv3d(
    x: Array,
    weight: Array,
    bias: OptionalArray,
    stride: Sizes3,
    pad_mode: PadMode,
    padding: Padding,
    dilation: Sizes3,
    groups: Count,
) -> jax.Array:
    """Convolution over the last three axes; see `conv2d`.

    Args:
        x: Tensor of shape (N, C, D, H, W), floating dtype.
        weight: Tensor of shape (C_out, C / groups, K_d, K_h, K_w), of the same dtype.
        bias: Tensor of shape (C_out,), or None.
        stride: the step between windows: an int, or one for each axis.
        padding: an int, one for each axis, or (head, tail, top, bottom, left, right).
        dilation: the distance between a window's elements: an int, or one for each axis.
        groups: the number of groups of channels, each with its own kernels.

    Returns:
        Tensor of shape (N, C_out, D_out, H_out, W_out).

    Raises:
        ShapeError: the shapes are incompatible, or the padded input is smaller than a window.
        DtypeError: the dtypes differ, or are not floating.
        ArgumentError: padding with a mode that accepts none.

    Examples:
        >>> ops.conv3d(ops.ones((2, 3, 5, 6, 7)), ops.ones((4, 3, 2, 3, 1))).shape
        (2, 4, 4, 4, 7)
    """
    where = "ops.conv3d"
    output = _convolve(x, weight, stride, pad_mode, padding, dilation, groups, where=where, data_format="NCDHW")
    return _with_bias(output, bias, where)


# --- class forms ---


def _convert_mode(value: Any, _: Any, where: str, name: str) -> int:
    if value != 1:
        raise ArgumentError(f"ops.{where}: `{name}` must be 1 (convolution), but got {value!r}.")
    return 1


Mode = Annotated[int, static_kind(_convert_mode, "1.", "int", "ArgumentError: a mode other than 1.")]


def _check_weight(weight: jax.Array, out_channel: int, kernel: tuple[int, ...], where: str, data_format: str) -> None:
    spatial = slice(1, -1) if data_format in _windows.CHANNELS_LAST else slice(2, None)
    if weight.ndim != len(data_format) or weight.shape[0] != out_channel or weight.shape[spatial] != kernel:
        raise ShapeError(
            f"{where}: the weight must be for out_channel={out_channel} and kernel_size={kernel}, but its shape is "
            f"{weight.shape}."
        )


@op(
    'ops.Conv2D(out_channel=REQUIRED, kernel_size=REQUIRED, mode=1, pad_mode="valid", pad=0, stride=1, dilation=1,'
    ' group=1, data_format="NCHW")(x, weight)'
)
def _conv2d_class(
    x: Array,
    weight: Array,
    out_channel: Count,
    kernel_size: Sizes2,
    mode: Mode,
    pad_mode: PadMode,
    pad: Padding,
    stride: Sizes2,
    dilation: Sizes2,
    group: Count,
    data_format: Annotated[str, choice_kind("NCHW", "NHWC")],
) -> jax.Array:
    """Convolution over two axes; `ops.conv2d` without a bias."""
    where = "ops.Conv2D"
    _check_weight(weight, out_channel, kernel_size, where, data_format)
    return _convolve(
        x, weight, stride, pad_mode, pad, dilation, group, where=where, data_format=data_format, pad_name="pad"
    )


@op(
    'ops.Conv3D(out_channel=REQUIRED, kernel_size=REQUIRED, mode=1, pad_mode="valid", pad=0, stride=1, dilation=1,'
    ' group=1, data_format="NCDHW")(x, weight)'
)
def _conv3d_class(
    x: Array,
    weight: Array,
    out_channel: Count,
    kernel_size: Sizes3,
    mode: Mode,
    pad_mode: PadMode,
    pad: Padding,
    stride: Sizes3,
    dilation: Sizes3,
    group: Count,
    data_format: Annotated[str, choice_kind("NCDHW", doc="'NCDHW'.")],
) -> jax.Array:
    """Convolution over three axes; `ops.conv3d` without a bias."""
    where = "ops.Conv3D"
    _check_weight(weight, out_channel, kernel_size, where, data_format)
    return _convolve(
        x, weight, stride, pad_mode, pad, dilation, group, where=where, data_format=data_format, pad_name="pad"
    )


@op(
    'ops.Conv2DTranspose(out_channel=REQUIRED, kernel_size=REQUIRED, pad_mode="valid", pad=0, pad_list=None, mode=1,'
    ' stride=1, dilation=1, group=1, data_format="NCHW")(x, weight, input_size)'
)
def _conv2d_transpose_class(
    x: Array,
    weight: Array,
    input_size: Value,
    out_channel: Count,
    kernel_size: Sizes2,
    pad_mode: PadMode,
    pad: Padding,
    pad_list: Value,
    mode: Mode,
    stride: Sizes2,
    dilation: Sizes2,
    group: Count,
    data_format: Annotated[str, choice_kind("NCHW", doc="'NCHW'.")],
) -> jax.Array:
    """Transposed convolution: the gradient of `ops.Conv2D` with respect to its input, of shape `input_size`.

    Args:
        input_size: the shape of the result.
        pad_list: the padding of each side, instead of `pad`.
    """
    where = "ops.Conv2DTranspose"
    _check_weight(weight, out_channel, kernel_size, where, data_format)
    _windows.check_float(x, where=where)
    if x.ndim != 4 or x.dtype != weight.dtype or x.shape[1] != out_channel:
        raise ShapeError(
            f"{where}: the input must have shape (N, {out_channel}, H, W) and the weight's dtype, "
            f"{as_dtype(weight.dtype)}, but got shape {x.shape} and {as_dtype(x.dtype)}."
        )
    size = tuple(int(each) for each in input_size)
    if len(size) != 4 or size[0] != x.shape[0] or size[1] != weight.shape[1] * group:
        raise ShapeError(
            f"{where}: `input_size` must be ({x.shape[0]}, {weight.shape[1] * group}, H, W), but got {size}."
        )
    extents = [_windows.extent(k, d) for k, d in zip(kernel_size, dilation, strict=True)]
    padding = pad if pad_list is None else pad_list
    _windows.check_unpadded(pad_mode, padding, where=where, name="pad")
    # With "same" the padding is that of the convolution whose output has the size of x.
    given = _windows.pairs(padding, 2, where=where, name="pad")
    before = [
        max((n - 1) * s + extent - total, 0) // 2 if pad_mode == "same" else low
        for n, s, extent, total, (low, _) in zip(x.shape[2:], stride, extents, size[2:], given, strict=True)
    ]
    # The convolution of x, dilated by the stride, with the flipped kernel, each side padded so that it gives
    # `input_size`; a negative number crops.
    pads = [
        (extent - 1 - low, total - (n - 1) * s - 1 + low)
        for n, s, extent, total, low in zip(x.shape[2:], stride, extents, size[2:], before, strict=True)
    ]
    channels, per_group = weight.shape[:2]
    flipped = jnp.flip(weight, (2, 3)).reshape(group, channels // group, per_group, *weight.shape[2:])
    flipped = jnp.swapaxes(flipped, 1, 2).reshape(group * per_group, channels // group, *weight.shape[2:])
    return jax.lax.conv_general_dilated(
        x,
        flipped,
        (1, 1),
        pads,
        lhs_dilation=stride,
        rhs_dilation=dilation,
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        feature_group_count=group,
    )
