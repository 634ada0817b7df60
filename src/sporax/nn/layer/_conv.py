"""Convolutions over one, two and three axes."""

from __future__ import annotations

import math
from typing import Any

from sporax import _check, ops
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, Tensor, wrap
from sporax.core.dtype import DType, as_dtype, float32
from sporax.core.initializer import HeUniform, Initializer, Uniform, initializer
from sporax.nn.layer._inputs import Array, array_of, check_floating
from sporax.nn.layer._typed import Layer

__all__ = ["Conv1d", "Conv2d", "Conv3d"]

Init = str | float | Tensor | Initializer | None
Sizes = int | tuple[int, ...]

_MODES = ("same", "valid", "pad")


def sizes_of(value: Any, count: int, *, name: str, where: str) -> tuple[int, ...]:
    """Return one positive int for each of `count` axes, from one int or a sequence."""
    if not isinstance(value, (tuple, list)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ArgumentTypeError(
                f"{where}: `{name}` must be an int or a tuple of {count} ints, but got {value!r} of type "
                f"{type(value).__name__}."
            )
        value = (value,) * count
    if len(value) != count:
        raise ArgumentError(f"{where}: `{name}` must be an int or {count} ints, one for each axis, but got {value}.")
    return tuple(_check.integer(each, name=name, where=where, minimum=1) for each in value)


def as_int(value: Any, *, name: str, where: str, minimum: int = 1) -> int:
    """Return `value` as an int that is at least `minimum`."""
    return _check.integer(value, name=name, where=where, minimum=minimum)


class Conv(Layer):
    """Base class of convolutions: Parameters, checks and the printed form."""

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        pad_mode: str,
        padding: Any,
        dilation: tuple[int, ...],
        group: int,
        has_bias: bool,
        weight_init: Init,
        bias_init: Init,
        data_format: str,
        dtype: DType,
        *,
        transposed: bool = False,
    ) -> None:
        super().__init__()
        where = self._where
        self.in_channels = _check.integer(in_channels, name="in_channels", where=where, minimum=1)
        self.out_channels = _check.integer(out_channels, name="out_channels", where=where, minimum=1)
        self.kernel_size = kernel_size
        self.stride = stride
        _check.is_type(pad_mode, str, name="pad_mode", where=where)
        _check.one_of(pad_mode.lower(), _MODES, name="pad_mode", where=where)
        self.pad_mode = pad_mode
        self.padding = self._checked_padding(padding)
        self.dilation = dilation
        self.group = _check.integer(group, name="group", where=where, minimum=1)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % group:
                raise ArgumentError(
                    f"{where}: `{name}` must be a multiple of `group`, but got {name}={channels} and group={group}."
                )
        self.has_bias = _check.is_type(has_bias, bool, name="has_bias", where=where)
        self.data_format = data_format
        kind = as_dtype(dtype)
        if transposed:
            shape = (in_channels, out_channels // group, *kernel_size)
        elif data_format == "NHWC":
            shape = (out_channels, *kernel_size, in_channels // group)
        else:
            shape = (out_channels, in_channels // group, *kernel_size)
        self.weight_init = HeUniform(math.sqrt(5)) if weight_init is None else weight_init
        self.weight = self._parameter("weight", self.weight_init, shape, kind)
        self.bias_init = bias_init
        self.bias = None
        if self.has_bias:
            if bias_init is None:
                self.bias_init = Uniform(1 / math.sqrt(math.prod(shape[1:])))
            self.bias = self._parameter("bias", self.bias_init, (self.out_channels,), kind)

    @property
    def _where(self) -> str:
        return type(self).__name__

    def _checked_padding(self, padding: Any) -> Any:
        if isinstance(padding, list):
            padding = tuple(padding)
        if isinstance(padding, bool) or not isinstance(padding, (int, tuple)):
            raise ArgumentTypeError(
                f"{self._where}: `padding` must be an int or a tuple of ints, but got {padding!r} of type "
                f"{type(padding).__name__}."
            )
        numbers = padding if isinstance(padding, tuple) else (padding,)
        for each in numbers:
            _check.integer(each, name="padding", where=self._where, minimum=0)
        if isinstance(padding, tuple) and len(padding) != 2 * len(self.kernel_size):
            raise ArgumentError(
                f"{self._where}: `padding` must be an int, or {2 * len(self.kernel_size)} ints, before and after each "
                f"axis, but got {padding}."
            )
        if any(numbers) and self.pad_mode.lower() != "pad":
            raise ArgumentError(
                f"{self._where}: `padding` must be 0 with pad_mode {self.pad_mode!r}, but got {padding}. Use "
                "pad_mode='pad' to choose the padding."
            )
        return padding

    def _parameter(self, name: str, init: Any, shape: tuple[int, ...], dtype: DType) -> Parameter:
        if isinstance(init, Tensor) and init.shape != shape:
            raise ShapeError(f"{self._where}: `{name}_init` must have shape {shape}, but its shape is {init.shape}.")
        return Parameter(initializer(init, shape, dtype), name=name)

    def _input(self, x: Any, layout: str) -> Array:
        array, where = array_of(x, self._where), self._where
        check_floating(array, where)
        if array.ndim != len(layout):
            hint = " Add a batch axis: x.expand_dims(0)." if array.ndim == len(layout) - 1 else ""
            raise ShapeError(
                f"{where}: the input must have {len(layout)} dimensions, {layout}, but got shape {array.shape}.{hint}"
            )
        axis = layout.index("C")
        if array.shape[axis] != self.in_channels:
            elsewhere = array.shape[-1 if axis == 1 else 1] == self.in_channels
            hint = " The channels seem to be on another axis; transpose it." if elsewhere else ""
            raise ShapeError(
                f"{where}: the input's axis {axis} must have size in_channels={self.in_channels}, but got shape "
                f"{array.shape}.{hint}"
            )
        if array.dtype != self.weight._value.dtype:
            here, wanted = as_dtype(array.dtype), as_dtype(self.weight._value.dtype)
            raise DtypeError(
                f"{where}: the input's dtype is {here}, but the weight's is {wanted}. Cast the input, "
                f"x.astype({wanted!r}), or let the layer compute in another dtype with .to_float(...)."
            )
        return array

    def _with_bias(self, output: Array) -> Array:
        if self.bias is None:
            return output
        shape = [1] * output.ndim
        shape[-1 if self.data_format == "NHWC" else 1] = self.out_channels
        return output + self.bias._value.reshape(shape)

    def _with_height_axis(self, init: Any) -> Any:
        """Return a Tensor of shape (O, I, K) as (O, I, 1, K), the shape of MindSpore's weight."""
        if not isinstance(init, Tensor):
            return init
        if init.ndim != 3:
            raise ShapeError(f"{self._where}: `weight_init` must have 3 dimensions, but its shape is {init.shape}.")
        return wrap(init._value[:, :, None])

    def extend_repr(self) -> str:
        return (
            f"input_channels={self.in_channels}, output_channels={self.out_channels}, "
            f"kernel_size={self.kernel_size}, stride={self.stride}, pad_mode={self.pad_mode}, padding={self.padding}, "
            f"dilation={self.dilation}, group={self.group}, has_bias={self.has_bias}, "
            f"weight_init={self.weight_init}, bias_init={self.bias_init}, format={self.data_format}"
        )


class _Conv2d(Conv):
    """A convolution that is computed by one `ops.Conv2D`."""

    def _make_op(self) -> None:
        self.conv2d = ops.Conv2D(
            self.out_channels,
            self.kernel_size,
            pad_mode=self.pad_mode,
            pad=self.padding,
            stride=self.stride,
            dilation=self.dilation,
            group=self.group,
            data_format=self.data_format,
        )


class Conv2d(_Conv2d):
    r"""A convolution over height and width (cross-correlation: the kernel is not flipped).

    .. math:: y_{n,o,i,j} = b_o + \sum_c \sum_{k,l} w_{o,c,k,l} \, x_{n,c,s_1 i+d_1 k-p_1,s_2 j+d_2 l-p_2}

    Args:
        in_channels: the number of channels of the input.
        out_channels: the number of channels of the output.
        kernel_size: an int, or (height, width).
        stride: s, the step between windows: an int, or (vertical, horizontal).
        pad_mode: "same" (the padding for which H_out = ceil(H / stride), the larger part at the end), "valid" (none),
            or "pad" (`padding`).
        padding: p, the number of zeros around the input with "pad": an int, or (top, bottom, left, right).
        dilation: d, the distance between the elements of the window: an int, or (vertical, horizontal).
        group: the number of groups into which the channels are split; each group has its own kernels.
        has_bias: whether there is a bias.
        weight_init: the initial value of `weight`; see `initializer`. Default: uniform in :math:`\pm 1/\sqrt{f}`, where
            f is the number of weights of an output element (`HeUniform(sqrt(5))`).
        bias_init: the initial value of `bias`, of shape (out_channels,). Default: the same interval.
        data_format: "NCHW" or "NHWC", the layout of the input and the output.
        dtype: the dtype of the Parameters.

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W), or (N, H, W, C) with "NHWC"; of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, H_out, W_out), or (N, H_out, W_out, out_channels). The weight has shape
        (out_channels, in_channels / group, height, width), or (out_channels, height, width, in_channels / group).

    Raises:
        ArgumentError: the mode or the format is unknown, a size is below 1, `group` does not divide the channels, or
            the mode does not accept `padding`.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: an initial value has the wrong shape; or, when called: the input has the wrong number of axes or
            channels, or is smaller than the window.
        DtypeError: when called: the dtypes of the input and the weight differ.

    Examples:
        >>> from sporax import nn, ops
        >>> nn.Conv2d(120, 240, 4, has_bias=False, weight_init="normal")(ops.ones((1, 120, 10, 6))).shape
        (1, 240, 10, 6)

    Source: LeCun et al. 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf; the class of the same name in
    MindSpore.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        pad_mode: str = "same",
        padding: Sizes = 0,
        dilation: Sizes = 1,
        group: int = 1,
        has_bias: bool = False,
        weight_init: Init = None,
        bias_init: Init = None,
        data_format: str = "NCHW",
        dtype: DType = float32,
    ) -> None:
        where = "Conv2d"
        _check.one_of(data_format, ("NCHW", "NHWC"), name="data_format", where=where)
        super().__init__(
            in_channels,
            out_channels,
            sizes_of(kernel_size, 2, name="kernel_size", where=where),
            sizes_of(stride, 2, name="stride", where=where),
            pad_mode,
            padding,
            sizes_of(dilation, 2, name="dilation", where=where),
            group,
            has_bias,
            weight_init,
            bias_init,
            data_format,
            dtype,
        )
        self._make_op()

    def construct(self, x: Tensor) -> Tensor:
        array = self._input(x, self.data_format)
        with x64_scope(True):
            return wrap(self._with_bias(self.conv2d(wrap(array), self.weight)._value))


class Conv1d(_Conv2d):
    r"""A convolution over one axis (cross-correlation: the kernel is not flipped).

    .. math:: y_{n,o,t} = b_o + \sum_c \sum_k w_{o,c,k} \, x_{n,c,st+dk-p}

    Args:
        in_channels: the number of channels of the input.
        out_channels: the number of channels of the output.
        kernel_size: an int.
        stride: s, the step between windows.
        pad_mode: "same", "valid" or "pad"; see `Conv2d`.
        padding: p, the number of zeros at both ends with "pad".
        dilation: d, the distance between the elements of the window.
        group: the number of groups into which the channels are split; each group has its own kernels.
        has_bias: whether there is a bias.
        weight_init: the initial value of `weight`: a Tensor of shape (out_channels, in_channels / group, kernel_size),
            or what `initializer` accepts. Default: as in `Conv2d`.
        bias_init: the initial value of `bias`, of shape (out_channels,). Default: as in `Conv2d`.
        dtype: the dtype of the Parameters.

    Inputs:
        - **x** (Tensor) - shape (N, C, L), of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, L_out). The weight has shape (out_channels, in_channels / group, 1,
        kernel_size), as in MindSpore's checkpoints.

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, `group` does not divide the channels, or the mode does
            not accept `padding`.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: an initial value has the wrong shape; or, when called: the input has the wrong number of axes or
            channels, or is shorter than the window.
        DtypeError: when called: the dtypes of the input and the weight differ.

    Examples:
        >>> from sporax import nn, ops
        >>> nn.Conv1d(120, 240, 4, has_bias=False, weight_init="normal")(ops.ones((1, 120, 640))).shape
        (1, 240, 640)

    Source: the class of the same name in MindSpore.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        pad_mode: str = "same",
        padding: int = 0,
        dilation: int = 1,
        group: int = 1,
        has_bias: bool = False,
        weight_init: Init = None,
        bias_init: Init = None,
        dtype: DType = float32,
    ) -> None:
        where = "Conv1d"
        pad = as_int(padding, name="padding", where=where, minimum=0)
        super().__init__(
            in_channels,
            out_channels,
            (1, as_int(kernel_size, name="kernel_size", where=where)),
            (1, as_int(stride, name="stride", where=where)),
            pad_mode,
            (0, 0, pad, pad),
            (1, as_int(dilation, name="dilation", where=where)),
            group,
            has_bias,
            self._with_height_axis(weight_init),
            bias_init,
            "NCHW",
            dtype,
        )
        self._make_op()

    def construct(self, x: Tensor) -> Tensor:
        array = self._input(x, "NCL")
        with x64_scope(True):
            output = self.conv2d(wrap(array[:, :, None]), self.weight)._value
            return wrap(self._with_bias(output)[:, :, 0])


class Conv3d(Conv):
    r"""A convolution over depth, height and width; see `Conv2d`.

    Args:
        in_channels: the number of channels of the input.
        out_channels: the number of channels of the output.
        kernel_size: an int, or (depth, height, width).
        stride: the step between windows: an int, or one for each axis.
        pad_mode: "same", "valid" or "pad"; see `Conv2d`.
        padding: the number of zeros around the input with "pad": an int, or (front, back, top, bottom, left, right).
        dilation: the distance between the elements of the window: an int, or one for each axis.
        group: the number of groups into which the channels are split; each group has its own kernels.
        has_bias: whether there is a bias.
        weight_init: the initial value of `weight`, of shape (out_channels, in_channels / group, depth, height, width);
            see `initializer`. Default: as in `Conv2d`.
        bias_init: the initial value of `bias`, of shape (out_channels,). Default: as in `Conv2d`.
        data_format: "NCDHW".
        dtype: the dtype of the Parameters.

    Inputs:
        - **x** (Tensor) - shape (N, C, D, H, W), of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, D_out, H_out, W_out).

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, `group` does not divide the channels, or the mode does
            not accept `padding`.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: an initial value has the wrong shape; or, when called: the input has the wrong number of axes or
            channels, or is smaller than the window.
        DtypeError: when called: the dtypes of the input and the weight differ.

    Examples:
        >>> from sporax import nn, ops
        >>> nn.Conv3d(3, 4, (4, 3, 3))(ops.ones((2, 3, 5, 6, 7))).shape
        (2, 4, 5, 6, 7)

    Source: the class of the same name in MindSpore.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        pad_mode: str = "same",
        padding: Sizes = 0,
        dilation: Sizes = 1,
        group: int = 1,
        has_bias: bool = False,
        weight_init: Init = None,
        bias_init: Init = None,
        data_format: str = "NCDHW",
        dtype: DType = float32,
    ) -> None:
        where = "Conv3d"
        _check.one_of(data_format, ("NCDHW",), name="data_format", where=where)
        super().__init__(
            in_channels,
            out_channels,
            sizes_of(kernel_size, 3, name="kernel_size", where=where),
            sizes_of(stride, 3, name="stride", where=where),
            pad_mode,
            padding,
            sizes_of(dilation, 3, name="dilation", where=where),
            group,
            has_bias,
            weight_init,
            bias_init,
            data_format,
            dtype,
        )

    def construct(self, x: Tensor) -> Tensor:
        return ops.conv3d(
            wrap(self._input(x, "NCDHW")),
            self.weight,
            self.bias,
            self.stride,
            self.pad_mode,
            self.padding,
            self.dilation,
            self.group,
        )
