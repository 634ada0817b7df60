"""Convolutions over one, two and three axes."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, dataclass_transform

from sporax import _check, ops
from sporax._declared import declare
from sporax._docstring import completed_by
from sporax._errors import ArgumentError, ShapeError
from sporax._jax_compat import x64_scope
from sporax._schema import Flag, PositiveInteger, one_of
from sporax.core import Cell, Parameter, Tensor, wrap
from sporax.core.dtype import DType, as_dtype, float32
from sporax.core.initializer import HeUniform, Initializer, Uniform, initializer
from sporax.nn.layer._inputs import Array, array_of, check_floating, check_weight_dtype
from sporax.nn.layer._typed import Layer

__all__ = ["Conv1d", "Conv2d", "Conv3d"]

Init = str | float | Tensor | Initializer | None
Sizes = int | tuple[int, ...]

_MODES = ("same", "valid", "pad")


@dataclass_transform()
class Conv(Layer):
    """Base class of convolutions: Parameters, checks and the printed form.

    A subclass with the keyword `axes`, the number of axes of the window, is a declaration: its annotated fields are the
    arguments of its constructor. Its docstring is completed with the sections of this one. A convolution over one axis
    is computed over two, the first of which has size 1.

    Args:
        in_channels: the number of channels of the input.
        out_channels: the number of channels of the output.
        pad_mode: "same", "valid" or "pad"; see `Conv2d`.
        group: the number of groups into which the channels are split; each group has its own kernels.
        has_bias: whether there is a bias.
        bias_init: the initial value of `bias`, of shape (out_channels,). Default: as in `Conv2d`.
        dtype: the dtype of the Parameters.

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, `group` does not divide the channels, or the mode does
            not accept `padding`.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: an initial value has the wrong shape; or, when called: the input has the wrong number of axes or
            channels, or is smaller than the window.
        DtypeError: when called: the dtypes of the input and the weight differ.

    Source: the class of the same name in MindSpore.
    """

    in_channels: int
    out_channels: int
    kernel_size: Any
    stride: Any
    pad_mode: str
    padding: Any
    dilation: Any
    group: int
    has_bias: bool
    weight_init: Any
    bias_init: Any
    dtype: DType
    weight: Parameter
    bias: Parameter | None
    data_format = "NCHW"

    _axes: ClassVar[int]
    _is_transposed: ClassVar[bool] = False

    def __init_subclass__(cls, *, axes: int = 0, **options: Any) -> None:
        super().__init_subclass__(**options)
        if axes:
            cls._axes = axes
            declare(cls, Cell.__init__)
            completed_by(Conv)(cls)

    def _finish(self) -> None:
        """Check arguments together, and create the Parameters."""
        where = self._where
        for name in ("kernel_size", "stride", "dilation"):
            setattr(self, name, self._sizes(getattr(self, name), name))
        _check.is_type(self.pad_mode, str, name="pad_mode", where=where)
        _check.one_of(self.pad_mode.lower(), _MODES, name="pad_mode", where=where)
        self.padding = self._checked_padding(self.padding)
        for name, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels % self.group:
                raise ArgumentError(
                    f"{where}: `{name}` must be a multiple of `group`, but got {name}={channels} and "
                    f"group={self.group}."
                )
        shape = self._weight_shape()
        if self._axes == 1:
            self.weight_init = self._with_height_axis(self.weight_init)
        if self.weight_init is None:
            self.weight_init = HeUniform(math.sqrt(5))
        self.weight = self._parameter("weight", self.weight_init, shape)
        self.bias = None
        if self.has_bias:
            if self.bias_init is None:
                self.bias_init = Uniform(1 / math.sqrt(math.prod(shape[1:])))
            self.bias = self._parameter("bias", self.bias_init, (self.out_channels,))

    @property
    def _where(self) -> str:
        return type(self).__name__

    def _sizes(self, value: Any, name: str) -> tuple[int, ...]:
        """Return one positive int for each axis of the window, from one int or a sequence."""
        count, where = self._axes, self._where
        if count == 1:
            return (1, _check.integer(value, name=name, where=where, minimum=1))
        if not isinstance(value, (tuple, list)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise _check.wrong_type(value, f"an int or a tuple of {count} ints", name=name, where=where)
            value = (value,) * count
        if len(value) != count:
            raise ArgumentError(
                f"{where}: `{name}` must be an int or {count} ints, one for each axis, but got {value}."
            )
        return tuple(_check.integer(each, name=name, where=where, minimum=1) for each in value)

    def _weight_shape(self) -> tuple[int, ...]:
        if self._is_transposed:
            return (self.in_channels, self.out_channels // self.group, *self.kernel_size)
        if self.data_format == "NHWC":
            return (self.out_channels, *self.kernel_size, self.in_channels // self.group)
        return (self.out_channels, self.in_channels // self.group, *self.kernel_size)

    def _checked_padding(self, padding: Any) -> Any:
        if self._axes == 1:
            padding = _check.integer(padding, name="padding", where=self._where, minimum=0)
            padding = (0, 0, padding, padding)
        if isinstance(padding, list):
            padding = tuple(padding)
        if isinstance(padding, bool) or not isinstance(padding, (int, tuple)):
            raise _check.wrong_type(padding, "an int or a tuple of ints", name="padding", where=self._where)
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

    def _parameter(self, name: str, init: Any, shape: tuple[int, ...]) -> Parameter:
        if isinstance(init, Tensor) and init.shape != shape:
            raise ShapeError(f"{self._where}: `{name}_init` must have shape {shape}, but its shape is {init.shape}.")
        return Parameter(initializer(init, shape, as_dtype(self.dtype)), name=name)

    def _input(self, x: Any) -> Array:
        array, where, layout = array_of(x, self._where), self._where, "NCL" if self._axes == 1 else self.data_format
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
        check_weight_dtype(array, self.weight._value, where)
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

    def _finish(self) -> None:
        super()._finish()
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


class Conv2d(_Conv2d, axes=2):
    r"""A convolution over height and width (cross-correlation: the kernel is not flipped).

    .. math:: y_{n,o,i,j} = b_o + \sum_c \sum_{k,l} w_{o,c,k,l} \, x_{n,c,s_1 i+d_1 k-p_1,s_2 j+d_2 l-p_2}

    Args:
        kernel_size: an int, or (height, width).
        stride: s, the step between windows: an int, or (vertical, horizontal).
        pad_mode: "same" (the padding for which H_out = ceil(H / stride), the larger part at the end), "valid" (none),
            or "pad" (`padding`).
        padding: p, the number of zeros around the input with "pad": an int, or (top, bottom, left, right).
        dilation: d, the distance between the elements of the window: an int, or (vertical, horizontal).
        weight_init: the initial value of `weight`; see `initializer`. Default: uniform in :math:`\pm 1/\sqrt{f}`, where
            f is the number of weights of an output element (`HeUniform(sqrt(5))`).
        bias_init: the initial value of `bias`, of shape (out_channels,). Default: the same interval.
        data_format: "NCHW" or "NHWC", the layout of the input and the output.

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W), or (N, H, W, C) with "NHWC"; of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, H_out, W_out), or (N, H_out, W_out, out_channels). The weight has shape
        (out_channels, in_channels / group, height, width), or (out_channels, height, width, in_channels / group).

    Raises:
        ArgumentError: the mode or the format is unknown, a size is below 1, `group` does not divide the channels, or
            the mode does not accept `padding`.

    Examples:
        >>> from sporax import nn, ops
        >>> nn.Conv2d(120, 240, 4, has_bias=False, weight_init="normal")(ops.ones((1, 120, 10, 6))).shape
        (1, 240, 10, 6)

    Source: LeCun et al. 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf; the class of the same name in
    MindSpore.
    """

    in_channels: PositiveInteger
    out_channels: PositiveInteger
    kernel_size: Sizes
    stride: Sizes = 1
    pad_mode: str = "same"
    padding: Sizes = 0
    dilation: Sizes = 1
    group: PositiveInteger = 1
    has_bias: Flag = False
    weight_init: Init = None
    bias_init: Init = None
    data_format: Annotated[str, one_of("NCHW", "NHWC")] = "NCHW"
    dtype: DType = float32

    def construct(self, x: Tensor) -> Tensor:
        array = self._input(x)
        with x64_scope(True):
            return wrap(self._with_bias(self.conv2d(wrap(array), self.weight)._value))


class Conv1d(_Conv2d, axes=1):
    r"""A convolution over one axis (cross-correlation: the kernel is not flipped).

    .. math:: y_{n,o,t} = b_o + \sum_c \sum_k w_{o,c,k} \, x_{n,c,st+dk-p}

    Args:
        kernel_size: an int.
        stride: s, the step between windows.
        padding: p, the number of zeros at both ends with "pad".
        dilation: d, the distance between the elements of the window.
        weight_init: the initial value of `weight`: a Tensor of shape (out_channels, in_channels / group, kernel_size),
            or what `initializer` accepts. Default: as in `Conv2d`.

    Inputs:
        - **x** (Tensor) - shape (N, C, L), of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, L_out). The weight has shape (out_channels, in_channels / group, 1,
        kernel_size), as in MindSpore's checkpoints.

    Examples:
        >>> from sporax import nn, ops
        >>> nn.Conv1d(120, 240, 4, has_bias=False, weight_init="normal")(ops.ones((1, 120, 640))).shape
        (1, 240, 640)
    """

    in_channels: PositiveInteger
    out_channels: PositiveInteger
    kernel_size: int
    stride: int = 1
    pad_mode: str = "same"
    padding: int = 0
    dilation: int = 1
    group: PositiveInteger = 1
    has_bias: Flag = False
    weight_init: Init = None
    bias_init: Init = None
    dtype: DType = float32

    def construct(self, x: Tensor) -> Tensor:
        array = self._input(x)
        with x64_scope(True):
            output = self.conv2d(wrap(array[:, :, None]), self.weight)._value
            return wrap(self._with_bias(output)[:, :, 0])


class Conv3d(Conv, axes=3):
    r"""A convolution over depth, height and width; see `Conv2d`.

    Args:
        kernel_size: an int, or (depth, height, width).
        stride: the step between windows: an int, or one for each axis.
        padding: the number of zeros around the input with "pad": an int, or (front, back, top, bottom, left, right).
        dilation: the distance between the elements of the window: an int, or one for each axis.
        weight_init: the initial value of `weight`, of shape (out_channels, in_channels / group, depth, height, width);
            see `initializer`. Default: as in `Conv2d`.
        data_format: "NCDHW".

    Inputs:
        - **x** (Tensor) - shape (N, C, D, H, W), of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, D_out, H_out, W_out).

    Examples:
        >>> from sporax import nn, ops
        >>> nn.Conv3d(3, 4, (4, 3, 3))(ops.ones((2, 3, 5, 6, 7))).shape
        (2, 4, 5, 6, 7)
    """

    in_channels: PositiveInteger
    out_channels: PositiveInteger
    kernel_size: Sizes
    stride: Sizes = 1
    pad_mode: str = "same"
    padding: Sizes = 0
    dilation: Sizes = 1
    group: PositiveInteger = 1
    has_bias: Flag = False
    weight_init: Init = None
    bias_init: Init = None
    data_format: Annotated[str, one_of("NCDHW")] = "NCDHW"
    dtype: DType = float32

    def construct(self, x: Tensor) -> Tensor:
        return ops.conv3d(
            wrap(self._input(x)),
            self.weight,
            self.bias,
            self.stride,
            self.pad_mode,
            self.padding,
            self.dilation,
            self.group,
        )
