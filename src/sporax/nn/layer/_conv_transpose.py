"""Transposed convolutions over one and two axes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from sporax import _check, ops
from sporax._errors import ArgumentError, ShapeError
from sporax._jax_compat import x64_scope
from sporax._schema import Flag, PositiveInteger
from sporax.core import Tensor, wrap
from sporax.core.dtype import DType, float32
from sporax.nn.layer._conv import Conv, Init, Sizes
from sporax.nn.layer._inputs import Array

__all__ = ["Conv1dTranspose", "Conv2dTranspose"]


class _ConvTranspose(Conv):
    """A transposed convolution that is computed by one `ops.Conv2DTranspose`."""

    _is_transposed = True

    def _finish(self) -> None:
        super()._finish()
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


class Conv2dTranspose(_ConvTranspose, axes=2):
    r"""The transpose of a convolution over height and width: the gradient of `Conv2d` with respect to its input.

    .. math:: H_{out} = H s \ (\text{same}), \quad H s + \max(r - s, 0) \ (\text{valid}), \quad
        H s + r - s - p_{top} - p_{bottom} + o \ (\text{pad}), \qquad r = d (k - 1) + 1

    Args:
        kernel_size: k, an int, or (height, width).
        stride: s, an int, or (vertical, horizontal).
        pad_mode: "same", "valid" or "pad": the padding of the convolution that this one transposes.
        padding: p, the number of elements cropped from the output with "pad": an int, or (top, bottom, left, right).
        output_padding: o, the number of zeros added at the bottom and the right of the output with "pad": an int, or
            (bottom, right), less than the larger of stride and dilation.
        dilation: d, an int, or (vertical, horizontal).
        weight_init: the initial value of `weight`, of shape (in_channels, out_channels / group, height, width); see
            `initializer`. Default: as in `Conv2d`.

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W), of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, H_out, W_out).

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, `group` does not divide the channels, the mode does not
            accept `padding`, or `output_padding` is too large.
        ShapeError: an initial value has the wrong shape; or, when called: the input has the wrong number of axes or
            channels, or the output would be empty.

    Examples:
        >>> from sporax import nn, ops
        >>> net = nn.Conv2dTranspose(3, 64, 4, has_bias=False, weight_init="normal", pad_mode="pad")
        >>> net(ops.ones((1, 3, 16, 50))).shape
        (1, 64, 19, 53)
    """

    in_channels: PositiveInteger
    out_channels: PositiveInteger
    kernel_size: Sizes
    stride: Sizes = 1
    pad_mode: str = "same"
    padding: Sizes = 0
    output_padding: Sizes = 0
    dilation: Sizes = 1
    group: PositiveInteger = 1
    has_bias: Flag = False
    weight_init: Init = None
    bias_init: Init = None
    dtype: DType = float32

    def _finish(self) -> None:
        super()._finish()
        given = self.output_padding
        numbers = tuple(given) if isinstance(given, (tuple, list)) else (given,) * 2
        if len(numbers) != 2:
            raise ArgumentError(f"Conv2dTranspose: `output_padding` must be an int or 2 ints, but got {numbers}.")
        sizes: Any = (self.stride, self.dilation)
        for number, stride, dilation in zip(numbers, *sizes, strict=True):
            _check.integer(number, name="output_padding", where="Conv2dTranspose", minimum=0)
            if number >= max(stride, dilation):
                raise ArgumentError(
                    f"Conv2dTranspose: `output_padding` must be less than the larger of stride and dilation, "
                    f"{max(stride, dilation)}, but got {given}."
                )
        if any(numbers) and self.pad_mode.lower() != "pad":
            raise ArgumentError(
                f"Conv2dTranspose: `output_padding` must be 0 with pad_mode {self.pad_mode!r}, but got {given}. Use "
                "pad_mode='pad'."
            )
        self._output_padding = numbers

    def construct(self, x: Tensor) -> Tensor:
        array = self._input(x)
        with x64_scope(True):
            output = self._transposed(array)
            if any(self._output_padding):
                output = jnp.pad(output, ((0, 0), (0, 0), (0, self._output_padding[0]), (0, self._output_padding[1])))
            return wrap(output)


class Conv1dTranspose(_ConvTranspose, axes=1):
    r"""The transpose of a convolution over one axis: the gradient of `Conv1d` with respect to its input.

    Args:
        kernel_size: an int.
        stride: an int.
        pad_mode: "same", "valid" or "pad"; see `Conv2dTranspose`.
        padding: the number of elements cropped from both ends of the output with "pad".
        dilation: an int.
        weight_init: the initial value of `weight`: a Tensor of shape (in_channels, out_channels / group, kernel_size),
            or what `initializer` accepts. Default: as in `Conv2d`.

    Inputs:
        - **x** (Tensor) - shape (N, C, L), of the weight's dtype.

    Returns:
        Tensor of shape (N, out_channels, L_out). The weight has shape (in_channels, out_channels / group, 1,
        kernel_size), as in MindSpore's checkpoints.

    Raises:
        ShapeError: an initial value has the wrong shape; or, when called: the input has the wrong number of axes or
            channels, or the output would be empty.

    Examples:
        >>> from sporax import nn, ops
        >>> net = nn.Conv1dTranspose(3, 64, 4, has_bias=False, weight_init="normal", pad_mode="pad")
        >>> net(ops.ones((1, 3, 50))).shape
        (1, 64, 53)
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
            return wrap(self._transposed(array[:, :, None])[:, :, 0])
