"""Transposed convolutions over one and two axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from sporax import _check, ops
from sporax._errors import ArgumentError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Tensor, wrap
from sporax.core.dtype import DType, float32
from sporax.nn.layer._conv import Conv, Init, Sizes, as_int, sizes_of
from sporax.nn.layer._inputs import Array

__all__ = ["Conv1dTranspose", "Conv2dTranspose"]


class _ConvTranspose(Conv):
    """A transposed convolution that is computed by one `ops.Conv2DTranspose`."""

    def _make_op(self) -> None:
        self.conv2d_transpose = ops.Conv2DTranspose(
            self.in_channels,
            self.kernel_size,
            pad_mode=self.pad_mode,
            pad=self.padding,
            stride=self.stride,
            dilation=self.dilation,
            group=self.group,
        )

    def _transposed(self, array: Array) -> Array:
        """Return the output, with the bias, of an input (N, C, H, W)."""
        mode = self.pad_mode.lower()
        padding = self.padding if isinstance(self.padding, tuple) else (self.padding,) * 4
        lengths = []
        for i, (n, k, s, d) in enumerate(
            zip(array.shape[2:], self.kernel_size, self.stride, self.dilation, strict=True)
        ):
            span, cropped = (k - 1) * d + 1, padding[2 * i] + padding[2 * i + 1]
            extra = {"same": 0, "valid": max(span - s, 0), "pad": span - s - cropped}[mode]
            lengths.append(n * s + extra)
        if min(lengths) < 1:
            raise ShapeError(
                f"{self._where}: with padding {self.padding}, the output of an input of shape {array.shape} would have "
                f"size {tuple(lengths)}. Reduce `padding`."
            )
        size = (array.shape[0], self.out_channels, *lengths)
        return self._with_bias(self.conv2d_transpose(wrap(array), self.weight, size)._value)


class Conv2dTranspose(_ConvTranspose):
    r"""The transpose of a convolution over height and width: the gradient of `Conv2d` with respect to its input.

    .. math:: H_{out} = H s \ (\text{same}), \quad H s + \max(r - s, 0) \ (\text{valid}), \quad
        H s + r - s - p_{top} - p_{bottom} + o \ (\text{pad}), \qquad r = d (k - 1) + 1

    Args:
        in_channels: the number of channels of the input.
        out_channels: the number of channels of the output.
        kernel_size: k, an int, or (height, width).
        stride: s, an int, or (vertical, horizontal).
        pad_mode: "same", "valid" or "pad": the padding of the convolution that this one transposes.
        padding: p, the number of elements cropped from the output with "pad": an int, or (top, bottom, left, right).
        output_padding: o, the number of zeros added at the bottom and the right of the output with "pad": an int, or
            (bottom, right), less than the larger of stride and dilation.
        dilation: d, an int, or (vertical, horizontal).
        group: the number of groups into which the channels are split; each group has its own kernels.
        has_bias: whether there is a bias.
        weight_init: the initial value of `weight`, of shape (in_channels, out_channels / group, height, width); see
            `initializer`. Default: as in `Conv2d`.
        bias_init: the initial value of `bias`, of shape (out_channels,). Default: as in `Conv2d`.
        dtype: the dtype of the Parameters.

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W), of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, H_out, W_out).

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, `group` does not divide the channels, the mode does not
            accept `padding`, or `output_padding` is too large.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: an initial value has the wrong shape; or, when called: the input has the wrong number of axes or
            channels, or the output would be empty.
        DtypeError: when called: the dtypes of the input and the weight differ.

    Examples:
        >>> from sporax import nn, ops
        >>> net = nn.Conv2dTranspose(3, 64, 4, has_bias=False, weight_init="normal", pad_mode="pad")
        >>> net(ops.ones((1, 3, 16, 50))).shape
        (1, 64, 19, 53)

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
        output_padding: Sizes = 0,
        dilation: Sizes = 1,
        group: int = 1,
        has_bias: bool = False,
        weight_init: Init = None,
        bias_init: Init = None,
        dtype: DType = float32,
    ) -> None:
        where = "Conv2dTranspose"
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
            "NCHW",
            dtype,
            transposed=True,
        )
        self.output_padding = output_padding
        self._output_padding = self._checked_output_padding(output_padding)
        self._make_op()

    def _checked_output_padding(self, output_padding: Any) -> Sequence[int]:
        numbers = tuple(output_padding) if isinstance(output_padding, (tuple, list)) else (output_padding,) * 2
        if len(numbers) != 2:
            raise ArgumentError(f"Conv2dTranspose: `output_padding` must be an int or 2 ints, but got {numbers}.")
        for number, stride, dilation in zip(numbers, self.stride, self.dilation, strict=True):
            _check.integer(number, name="output_padding", where="Conv2dTranspose", minimum=0)
            if number >= max(stride, dilation):
                raise ArgumentError(
                    f"Conv2dTranspose: `output_padding` must be less than the larger of stride and dilation, "
                    f"{max(stride, dilation)}, but got {output_padding}."
                )
        if any(numbers) and self.pad_mode.lower() != "pad":
            raise ArgumentError(
                f"Conv2dTranspose: `output_padding` must be 0 with pad_mode {self.pad_mode!r}, but got "
                f"{output_padding}. Use pad_mode='pad'."
            )
        return numbers

    def construct(self, x: Tensor) -> Tensor:
        array = self._input(x, "NCHW")
        with x64_scope(True):
            output = self._transposed(array)
            if any(self._output_padding):
                output = jnp.pad(output, ((0, 0), (0, 0), (0, self._output_padding[0]), (0, self._output_padding[1])))
            return wrap(output)


class Conv1dTranspose(_ConvTranspose):
    r"""The transpose of a convolution over one axis: the gradient of `Conv1d` with respect to its input.

    Args:
        in_channels: the number of channels of the input.
        out_channels: the number of channels of the output.
        kernel_size: an int.
        stride: an int.
        pad_mode: "same", "valid" or "pad"; see `Conv2dTranspose`.
        padding: the number of elements cropped from both ends of the output with "pad".
        dilation: an int.
        group: the number of groups into which the channels are split; each group has its own kernels.
        has_bias: whether there is a bias.
        weight_init: the initial value of `weight`: a Tensor of shape (in_channels, out_channels / group, kernel_size),
            or what `initializer` accepts. Default: as in `Conv2d`.
        bias_init: the initial value of `bias`, of shape (out_channels,). Default: as in `Conv2d`.
        dtype: the dtype of the Parameters.

    Inputs:
        - **x** (Tensor) - shape (N, C, L), of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, L_out). The weight has shape (in_channels, out_channels / group, 1,
        kernel_size), as in MindSpore's checkpoints.

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, `group` does not divide the channels, or the mode does
            not accept `padding`.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: an initial value has the wrong shape; or, when called: the input has the wrong number of axes or
            channels, or the output would be empty.
        DtypeError: when called: the dtypes of the input and the weight differ.

    Examples:
        >>> from sporax import nn, ops
        >>> net = nn.Conv1dTranspose(3, 64, 4, has_bias=False, weight_init="normal", pad_mode="pad")
        >>> net(ops.ones((1, 3, 50))).shape
        (1, 64, 53)

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
        where = "Conv1dTranspose"
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
            transposed=True,
        )
        self._make_op()

    def construct(self, x: Tensor) -> Tensor:
        array = self._input(x, "NCL")
        with x64_scope(True):
            return wrap(self._transposed(array[:, :, None])[:, :, 0])
