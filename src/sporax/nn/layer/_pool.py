"""Pooling: the maximum or the mean over windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, dataclass_transform

from sporax import _check, ops
from sporax._declared import declare
from sporax._docstring import completed_by
from sporax._errors import ArgumentError
from sporax._schema import Flag, PositiveInteger, one_of
from sporax.core import Cell, Tensor, wrap
from sporax.nn.layer._inputs import Array, array_of, check_floating, check_ndim
from sporax.nn.layer._typed import Layer

__all__ = ["AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"]

Sizes = int | tuple[int, ...]

_MODES = ("VALID", "SAME", "PAD")


@dataclass_transform()
class _Pool(Layer):
    """Base class of pooling layers: sizes, padding modes and the printed form.

    A subclass with the keyword `axes`, the number of axes of the window, is a declaration: its annotated fields are the
    arguments of its constructor. Its docstring is completed with the sections of its base classes.

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, or the mode does not accept an argument.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: when called: the input has another number of axes, or is smaller than the window.

    Source: the class of the same name in MindSpore.
    """

    kernel_size: Any
    stride: Any
    pad_mode: str
    padding: Any
    ceil_mode: bool
    data_format = "NCHW"

    _axes: ClassVar[int]

    def __init_subclass__(cls, *, axes: int = 0, **options: Any) -> None:
        super().__init_subclass__(**options)
        if axes:
            cls._axes = axes
            declare(cls, Cell.__init__)
            completed_by(cls.__base__, _Pool)(cls)

    def _finish(self) -> None:
        where = type(self).__name__
        _check.is_type(self.pad_mode, str, name="pad_mode", where=where)
        self.pad_mode = _check.one_of(self.pad_mode.upper(), _MODES, name="pad_mode", where=where)
        self.format = self.data_format
        self.kernel_size = self._sizes(self.kernel_size, "kernel_size")
        self.stride = self._sizes(self.stride, "stride")
        self.padding = self._checked_padding(self.padding)

    def _sizes(self, value: Any, name: str) -> Any:
        where, count = type(self).__name__, self._axes
        if count == 1 or not isinstance(value, (tuple, list)):
            return _check.integer(value, name=name, where=where, minimum=1)
        if len(value) not in (1, count):
            raise ArgumentError(f"{where}: `{name}` must be an int or {count} ints, but got {value}.")
        numbers = tuple(_check.integer(each, name=name, where=where, minimum=1) for each in value)
        return numbers[0] if len(numbers) == 1 else numbers

    def _checked_padding(self, padding: Any) -> tuple[int, ...]:
        where, count = type(self).__name__, self._axes
        if isinstance(padding, bool) or not isinstance(padding, (int, tuple, list)):
            raise _check.wrong_type(padding, "an int or a tuple of ints", name="padding", where=where)
        numbers = padding if isinstance(padding, (tuple, list)) else (padding,)
        if len(numbers) not in (1, count):
            wanted = "an int" if count == 1 else f"an int or {count} ints"
            raise ArgumentError(f"{where}: `padding` must be {wanted}, but got {padding}.")
        numbers = tuple(_check.integer(each, name="padding", where=where, minimum=0) for each in numbers)
        if any(numbers) and self.pad_mode != "PAD":
            raise ArgumentError(
                f"{where}: `padding` must be 0 with pad_mode {self.pad_mode.lower()!r}, but got {padding}. Use "
                "pad_mode='pad' to choose the padding."
            )
        return numbers if len(numbers) == count else numbers * count

    def _input(self, x: Any, *, floating: bool) -> tuple[Array, bool]:
        """Return the input as (N, C, H, W), and whether the batch axis was added."""
        where, count = type(self).__name__, self._axes
        array = array_of(x, where)
        if floating:
            check_floating(array, where)
        layout = "(N, C, L) or (C, L)" if count == 1 else "(N, C, H, W) or (C, H, W)"
        check_ndim(array, (count + 1, count + 2), where, layout)
        single = array.ndim == count + 1
        array = array[None] if single else array
        return (array[:, :, None] if count == 1 else array), single

    def _output(self, output: Tensor, single: bool) -> Tensor:
        """Return an output for (N, C, H, W) without the axes that `_input` added."""
        if self._axes == 1:
            return output[0, :, 0] if single else output[:, :, 0]
        return output[0] if single else output

    def _window(self) -> tuple[Any, Any, Any]:
        """Return the kernel size, the stride and the padding for (N, C, H, W)."""
        if self._axes == 2:
            return self.kernel_size, self.stride, self.padding
        sizes = (self.kernel_size, self.stride)
        kernel, stride = (each[-2:] if isinstance(each, tuple) else (1, each) for each in sizes)
        return kernel, stride, (0, *self.padding)

    def extend_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, pad_mode={self.pad_mode}"


class _MaxPool(_Pool):
    """Base class of maxima over windows.

    Args:
        return_indices: also return the index of each maximum; with "pad" only.
        ceil_mode: whether a window may extend beyond the end; with "pad" only.
    """

    dilation: Any
    return_indices: bool

    def _finish(self) -> None:
        super()._finish()
        where, sizes = type(self).__name__, self.dilation
        self.use_pad = self.pad_mode == "PAD"
        sizes = self._sizes(sizes[0] if isinstance(sizes, tuple) and len(sizes) == 1 else sizes, "dilation")
        self.dilation = sizes if isinstance(sizes, tuple) else (sizes,) * self._axes
        if self.use_pad and self.format == "NHWC":
            raise ArgumentError(
                f"{where}: pad_mode 'pad' needs data_format 'NCHW', but got 'NHWC'. Transpose the input."
            )
        if not self.use_pad and (self.return_indices or self.ceil_mode or any(each != 1 for each in self.dilation)):
            raise ArgumentError(
                f"{where}: `dilation`, `return_indices` and `ceil_mode` require pad_mode 'pad', but pad_mode is "
                f"{self.pad_mode.lower()!r}. For 'valid' with these, use pad_mode='pad' with padding=0."
            )

        if self._axes == 1:
            leading = (1, 1) if self.use_pad else (1,)
            self.kernel_size, self.stride = (*leading, self.kernel_size), (*leading, self.stride)

    def construct(self, x: Tensor) -> Any:
        array, single = self._input(x, floating=False)
        kernel, stride, padding = self._window()
        found: Any
        if self.use_pad:
            dilation = (1,) * (2 - self._axes) + self.dilation
            found = ops.max_pool2d(wrap(array), kernel, stride, padding, dilation, self.return_indices, self.ceil_mode)
        else:
            found = ops.MaxPool(kernel, stride, self.pad_mode, self.format)(wrap(array))
        if self.return_indices:
            return tuple(self._output(each, single) for each in found)
        return self._output(found, single)


class MaxPool2d(_MaxPool, axes=2):
    r"""Maximum over windows of height and width.

    .. math:: y_{n,c,i,j} = \max_{k,l} x_{n,c,s_1 i+d_1 k-p_1,s_2 j+d_2 l-p_2}

    Args:
        kernel_size: an int, or (height, width).
        stride: s, the step between windows: an int, or (vertical, horizontal).
        pad_mode: "valid" (no padding), "same" (the padding for which H_out = ceil(H / stride), the larger part at the
            end), or "pad" (`padding`). Padding is never the maximum.
        padding: p, the padding on each side with "pad", at most half of the window: an int, or (vertical, horizontal).
        dilation: d, the distance between the elements of the window; with "pad" only.
        return_indices: also return the index of each maximum in the flattened H × W plane; with "pad" only.
        data_format: "NCHW", or "NHWC" where the mode is not "pad".

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W) or (C, H, W).

    Returns:
        Tensor of shape (N, C, H_out, W_out) or (C, H_out, W_out); with `return_indices`, a pair of it and an int64
        Tensor. The gradient of a maximum that occurs several times goes to its first occurrence.

    Examples:
        >>> from sporax import nn, ops
        >>> nn.MaxPool2d(kernel_size=3, stride=1)(ops.ones((1, 2, 4, 4))).shape
        (1, 2, 2, 2)
    """

    kernel_size: Sizes = 1
    stride: Sizes = 1
    pad_mode: str = "valid"
    padding: Sizes = 0
    dilation: Sizes = 1
    return_indices: Flag = False
    ceil_mode: Flag = False
    data_format: Annotated[str, one_of("NCHW", "NHWC")] = "NCHW"


class MaxPool1d(_MaxPool, axes=1):
    r"""Maximum over windows of the last axis.

    .. math:: y_{n,c,t} = \max_k x_{n,c,st+dk-p}

    Args:
        kernel_size: an int.
        stride: s, the step between windows.
        pad_mode: "valid", "same" or "pad"; see `MaxPool2d`.
        padding: p, the padding on each side with "pad", at most half of the window.
        dilation: d, the distance between the elements of the window; with "pad" only.

    Inputs:
        - **x** (Tensor) - shape (N, C, L) or (C, L).

    Returns:
        Tensor of shape (N, C, L_out) or (C, L_out); with `return_indices`, a pair of it and an int64 Tensor.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MaxPool1d(2, stride=2)(Tensor([[[1.0, 5.0, 2.0, 4.0]]])))
        [[[5. 4.]]]
    """

    kernel_size: int = 1
    stride: int = 1
    pad_mode: str = "valid"
    padding: Sizes = 0
    dilation: Sizes = 1
    return_indices: Flag = False
    ceil_mode: Flag = False


class _AvgPool(_Pool):
    """Base class of means over windows.

    Args:
        ceil_mode: whether a window may extend beyond the end.
        count_include_pad: whether the zeros of "pad" count in the mean.

    Raises:
        DtypeError: when called: the input is not floating.
    """

    count_include_pad: bool
    divisor_override: int | None = None

    def _finish(self) -> None:
        super()._finish()
        where, divisor = type(self).__name__, self.divisor_override
        plain = self.pad_mode != "PAD" and not self.ceil_mode and self.count_include_pad
        self._plain = plain and divisor is None
        if self.format == "NHWC" and not self._plain:
            raise ArgumentError(
                f"{where}: data_format 'NHWC' requires pad_mode 'valid' or 'same' and the defaults of the other "
                "arguments. Transpose the input."
            )

        if self._axes == 1 and self._plain:
            self.kernel_size, self.stride = (1, self.kernel_size), (1, self.stride)

    def construct(self, x: Tensor) -> Tensor:
        array, single = self._input(x, floating=True)
        kernel, stride, padding = self._window()
        if self._plain:
            return self._output(ops.AvgPool(kernel, stride, self.pad_mode, self.format)(wrap(array)), single)
        include = self.count_include_pad
        if self.pad_mode == "SAME":
            # With "same" the padding does not count.
            padding, include = _same(array.shape[-2:], kernel, stride), False
        divisor = self.divisor_override or 0
        return self._output(
            ops.avg_pool2d(wrap(array), kernel, stride, padding, self.ceil_mode, include, divisor), single
        )


def _same(spatial: Sequence[int], kernel: Any, stride: Any) -> tuple[int, ...]:
    pads: list[int] = []
    kernels, strides = ((each,) * 2 if isinstance(each, int) else each for each in (kernel, stride))
    for n, k, s in zip(spatial, kernels, strides, strict=True):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        pads += [total // 2, total - total // 2]
    return tuple(pads)


class AvgPool2d(_AvgPool, axes=2):
    r"""Mean over windows of height and width.

    .. math:: y_{n,c,i,j} = \frac{1}{K_h K_w} \sum_{k,l} x_{n,c,s_1 i+k-p_1,s_2 j+l-p_2}

    Args:
        kernel_size: an int, or (height, width).
        stride: s, the step between windows: an int, or (vertical, horizontal).
        pad_mode: "valid" (no padding), "same" (the padding for which H_out = ceil(H / stride), the larger part at the
            end; it does not count in the mean), or "pad" (`padding`).
        padding: p, the number of zeros on each side with "pad", at most half of the window: an int, or (vertical,
            horizontal).
        divisor_override: the divisor, instead of the number of elements.
        data_format: "NCHW", or "NHWC" where the mode is not "pad" and the other arguments are the defaults.

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W) or (C, H, W), floating dtype; half precision is summed in float32.

    Returns:
        Tensor of shape (N, C, H_out, W_out) or (C, H_out, W_out).

    Examples:
        >>> from sporax import nn, ops
        >>> pool = nn.AvgPool2d(4, stride=1, pad_mode="pad", padding=2, divisor_override=5)
        >>> pool(ops.ones((6, 6, 8, 8))).shape
        (6, 6, 9, 9)
    """

    kernel_size: Sizes = 1
    stride: Sizes = 1
    pad_mode: str = "valid"
    padding: Sizes = 0
    ceil_mode: Flag = False
    count_include_pad: Flag = True
    divisor_override: PositiveInteger | None = None
    data_format: Annotated[str, one_of("NCHW", "NHWC")] = "NCHW"


class AvgPool1d(_AvgPool, axes=1):
    r"""Mean over windows of the last axis.

    .. math:: y_{n,c,t} = \frac{1}{K} \sum_k x_{n,c,st+k-p}

    Args:
        kernel_size: an int.
        stride: s, the step between windows.
        pad_mode: "valid", "same" or "pad"; see `AvgPool2d`.
        padding: p, the number of zeros on each side with "pad", at most half of the window.

    Inputs:
        - **x** (Tensor) - shape (N, C, L) or (C, L), floating dtype; half precision is summed in float32.

    Returns:
        Tensor of shape (N, C, L_out) or (C, L_out).

    Examples:
        >>> from sporax import nn, ops
        >>> nn.AvgPool1d(kernel_size=6, stride=1)(ops.ones((1, 3, 6))).shape
        (1, 3, 1)
    """

    kernel_size: int = 1
    stride: int = 1
    pad_mode: str = "valid"
    padding: Sizes = 0
    ceil_mode: Flag = False
    count_include_pad: Flag = True


class AdaptiveAvgPool2d(Layer):
    r"""Mean over windows of height and width, for a given size of the output.

    Args:
        output_size: (height, width), or one int for both; None keeps the size of an axis.

    Inputs:
        - **input** (Tensor) - shape (N, C, H, W) or (C, H, W), floating dtype.

    Returns:
        Tensor of shape (N, C, height, width) or (C, height, width); see `ops.adaptive_avg_pool2d`.

    Raises:
        ArgumentError: a size is below 1, or there are not two sizes.
        ShapeError: when called: the input has another number of axes.
        DtypeError: when called: the input is not floating.

    Examples:
        >>> from sporax import nn, ops
        >>> nn.AdaptiveAvgPool2d((1, None))(ops.ones((2, 3, 5, 7))).shape
        (2, 3, 1, 7)

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        where = "AdaptiveAvgPool2d"
        sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * 2
        if len(sizes) != 2:
            raise ArgumentError(f"{where}: `output_size` must be an int or (height, width), but got {output_size}.")
        for each in sizes:
            if each is not None:
                _check.integer(each, name="output_size", where=where, minimum=1)
        self.output_size = output_size

    def construct(self, input: Tensor) -> Tensor:
        array = array_of(input, "AdaptiveAvgPool2d")
        check_floating(array, "AdaptiveAvgPool2d")
        check_ndim(array, (3, 4), "AdaptiveAvgPool2d", "(N, C, H, W) or (C, H, W)")
        return ops.adaptive_avg_pool2d(wrap(array), self.output_size)
