"""Pooling: the maximum or the mean over windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sporax import _check, ops
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Tensor, wrap
from sporax.nn.layer._inputs import Array, array_of, check_floating, check_ndim
from sporax.nn.layer._typed import Layer

__all__ = ["AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"]

Sizes = int | tuple[int, ...]

_MODES = ("VALID", "SAME", "PAD")


class _Pool(Layer):
    """Base class of pooling layers: sizes, padding modes and the printed form."""

    def __init__(self, kernel_size: Any, stride: Any, pad_mode: Any, data_format: str, count: int) -> None:
        super().__init__()
        where = type(self).__name__
        _check.is_type(pad_mode, str, name="pad_mode", where=where)
        self.pad_mode = _check.one_of(pad_mode.upper(), _MODES, name="pad_mode", where=where)
        self.format = _check.one_of(data_format, ("NCHW", "NHWC"), name="data_format", where=where)
        self.kernel_size = self._sizes(kernel_size, "kernel_size", count)
        self.stride = self._sizes(stride, "stride", count)

    def _sizes(self, value: Any, name: str, count: int) -> Any:
        where = type(self).__name__
        if count == 1 or not isinstance(value, (tuple, list)):
            return _check.integer(value, name=name, where=where, minimum=1)
        if len(value) not in (1, count):
            raise ArgumentError(f"{where}: `{name}` must be an int or {count} ints, but got {value}.")
        numbers = tuple(_check.integer(each, name=name, where=where, minimum=1) for each in value)
        return numbers[0] if len(numbers) == 1 else numbers

    def _padding(self, padding: Any, count: int) -> tuple[int, ...]:
        where = type(self).__name__
        if isinstance(padding, bool) or not isinstance(padding, (int, tuple, list)):
            raise ArgumentTypeError(
                f"{where}: `padding` must be an int or a tuple of ints, but got {padding!r} of type "
                f"{type(padding).__name__}."
            )
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

    def _input(self, x: Any, count: int, *, floating: bool) -> tuple[Array, bool]:
        """Return the input with a batch axis, and whether the axis was added."""
        where = type(self).__name__
        array = array_of(x, where)
        if floating:
            check_floating(array, where)
        layout = "(N, C, L) or (C, L)" if count == 1 else "(N, C, H, W) or (C, H, W)"
        check_ndim(array, (count + 1, count + 2), where, layout)
        single = array.ndim == count + 1
        return (array[None] if single else array), single

    def extend_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, pad_mode={self.pad_mode}"


class _MaxPool(_Pool):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any,
        pad_mode: str,
        padding: Any,
        dilation: Any,
        return_indices: bool,
        ceil_mode: bool,
        data_format: str,
        count: int,
    ) -> None:
        super().__init__(kernel_size, stride, pad_mode, data_format, count)
        where = type(self).__name__
        self.return_indices = _check.is_type(return_indices, bool, name="return_indices", where=where)
        self.use_pad = self.pad_mode == "PAD"
        self.ceil_mode = _check.is_type(ceil_mode, bool, name="ceil_mode", where=where)
        self.padding = self._padding(padding, count)
        sizes = dilation[0] if isinstance(dilation, tuple) and len(dilation) == 1 else dilation
        sizes = self._sizes(sizes, "dilation", count)
        self.dilation = sizes if isinstance(sizes, tuple) else (sizes,) * count
        if self.use_pad and self.format == "NHWC":
            raise ArgumentError(
                f"{where}: pad_mode 'pad' needs data_format 'NCHW', but got 'NHWC'. Transpose the input."
            )
        if not self.use_pad and (return_indices or ceil_mode or any(each != 1 for each in self.dilation)):
            raise ArgumentError(
                f"{where}: `dilation`, `return_indices` and `ceil_mode` require pad_mode 'pad', but pad_mode is "
                f"{self.pad_mode.lower()!r}. For 'valid' with these, use pad_mode='pad' with padding=0."
            )

    def _pooled(self, array: Array, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
        """Return the maxima of (N, C, H, W), and with `return_indices` their indices."""
        if self.use_pad:
            found = ops.max_pool2d(wrap(array), kernel, stride, padding, dilation, self.return_indices, self.ceil_mode)
            return found if self.return_indices else (found,)
        return (ops.MaxPool(kernel, stride, self.pad_mode, self.format)(wrap(array)),)


class MaxPool2d(_MaxPool):
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
        ceil_mode: whether a window may extend beyond the end; with "pad" only.
        data_format: "NCHW", or "NHWC" where the mode is not "pad".

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W) or (C, H, W).

    Returns:
        Tensor of shape (N, C, H_out, W_out) or (C, H_out, W_out); with `return_indices`, a pair of it and an int64
        Tensor. The gradient of a maximum that occurs several times goes to its first occurrence.

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, or the mode does not accept an argument.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: when called: the input has another number of axes, or is smaller than the window.

    Examples:
        >>> from sporax import nn, ops
        >>> nn.MaxPool2d(kernel_size=3, stride=1)(ops.ones((1, 2, 4, 4))).shape
        (1, 2, 2, 2)

    Source: the class of the same name in MindSpore.
    """

    def __init__(
        self,
        kernel_size: Sizes = 1,
        stride: Sizes = 1,
        pad_mode: str = "valid",
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        data_format: str = "NCHW",
    ) -> None:
        super().__init__(
            kernel_size, stride, pad_mode, padding, dilation, return_indices, ceil_mode, data_format, count=2
        )

    def construct(self, x: Tensor) -> Any:
        array, single = self._input(x, 2, floating=False)
        found = self._pooled(array, self.kernel_size, self.stride, self.padding, self.dilation)
        found = tuple(each[0] for each in found) if single else found
        return found if self.return_indices else found[0]


class MaxPool1d(_MaxPool):
    r"""Maximum over windows of the last axis.

    .. math:: y_{n,c,t} = \max_k x_{n,c,st+dk-p}

    Args:
        kernel_size: an int.
        stride: s, the step between windows.
        pad_mode: "valid", "same" or "pad"; see `MaxPool2d`.
        padding: p, the padding on each side with "pad", at most half of the window.
        dilation: d, the distance between the elements of the window; with "pad" only.
        return_indices: also return the index of each maximum; with "pad" only.
        ceil_mode: whether a window may extend beyond the end; with "pad" only.

    Inputs:
        - **x** (Tensor) - shape (N, C, L) or (C, L).

    Returns:
        Tensor of shape (N, C, L_out) or (C, L_out); with `return_indices`, a pair of it and an int64 Tensor.

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, or the mode does not accept an argument.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: when called: the input has another number of axes, or is smaller than the window.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MaxPool1d(2, stride=2)(Tensor([[[1.0, 5.0, 2.0, 4.0]]])))
        [[[5. 4.]]]

    Source: the class of the same name in MindSpore.
    """

    def __init__(
        self,
        kernel_size: int = 1,
        stride: int = 1,
        pad_mode: str = "valid",
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, pad_mode, padding, dilation, return_indices, ceil_mode, "NCHW", count=1)
        leading = (1, 1) if self.use_pad else (1,)
        self.kernel_size = (*leading, self.kernel_size)
        self.stride = (*leading, self.stride)

    def construct(self, x: Tensor) -> Any:
        array, single = self._input(x, 1, floating=False)
        found = self._pooled(
            array[:, :, None], self.kernel_size[-2:], self.stride[-2:], (0, *self.padding), (1, *self.dilation)
        )
        found = tuple(each[0, :, 0] if single else each[:, :, 0] for each in found)
        return found if self.return_indices else found[0]


class _AvgPool(_Pool):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any,
        pad_mode: str,
        padding: Any,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
        data_format: str,
        count: int,
    ) -> None:
        super().__init__(kernel_size, stride, pad_mode, data_format, count)
        where = type(self).__name__
        self.ceil_mode = _check.is_type(ceil_mode, bool, name="ceil_mode", where=where)
        self.count_include_pad = _check.is_type(count_include_pad, bool, name="count_include_pad", where=where)
        self.padding = self._padding(padding, count)
        self.divisor_override = divisor_override
        if divisor_override is not None:
            _check.integer(divisor_override, name="divisor_override", where=where, minimum=1)
        self._plain = self.pad_mode != "PAD" and not ceil_mode and count_include_pad and divisor_override is None
        if self.format == "NHWC" and not self._plain:
            raise ArgumentError(
                f"{where}: data_format 'NHWC' requires pad_mode 'valid' or 'same' and the defaults of the other "
                "arguments. Transpose the input."
            )

    def _pooled(self, array: Array, kernel: Any, stride: Any, padding: Any) -> Tensor:
        """Return the means of (N, C, H, W)."""
        if self._plain:
            return ops.AvgPool(kernel, stride, self.pad_mode, self.format)(wrap(array))
        include = self.count_include_pad
        if self.pad_mode == "SAME":
            # With "same" the padding does not count.
            padding, include = _same(array.shape[-2:], kernel, stride), False
        return ops.avg_pool2d(wrap(array), kernel, stride, padding, self.ceil_mode, include, self.divisor_override or 0)


def _same(spatial: Sequence[int], kernel: Any, stride: Any) -> tuple[int, ...]:
    pads: list[int] = []
    kernels, strides = ((each,) * 2 if isinstance(each, int) else each for each in (kernel, stride))
    for n, k, s in zip(spatial, kernels, strides, strict=True):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        pads += [total // 2, total - total // 2]
    return tuple(pads)


class AvgPool2d(_AvgPool):
    r"""Mean over windows of height and width.

    .. math:: y_{n,c,i,j} = \frac{1}{K_h K_w} \sum_{k,l} x_{n,c,s_1 i+k-p_1,s_2 j+l-p_2}

    Args:
        kernel_size: an int, or (height, width).
        stride: s, the step between windows: an int, or (vertical, horizontal).
        pad_mode: "valid" (no padding), "same" (the padding for which H_out = ceil(H / stride), the larger part at the
            end; it does not count in the mean), or "pad" (`padding`).
        padding: p, the number of zeros on each side with "pad", at most half of the window: an int, or (vertical,
            horizontal).
        ceil_mode: whether a window may extend beyond the end.
        count_include_pad: whether the zeros of "pad" count in the mean.
        divisor_override: the divisor, instead of the number of elements.
        data_format: "NCHW", or "NHWC" where the mode is not "pad" and the other arguments are the defaults.

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W) or (C, H, W), floating dtype; half precision is summed in float32.

    Returns:
        Tensor of shape (N, C, H_out, W_out) or (C, H_out, W_out).

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, or the mode does not accept an argument.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: when called: the input has another number of axes, or is smaller than the window.
        DtypeError: when called: the input is not floating.

    Examples:
        >>> from sporax import nn, ops
        >>> pool = nn.AvgPool2d(4, stride=1, pad_mode="pad", padding=2, divisor_override=5)
        >>> pool(ops.ones((6, 6, 8, 8))).shape
        (6, 6, 9, 9)

    Source: the class of the same name in MindSpore.
    """

    def __init__(
        self,
        kernel_size: Sizes = 1,
        stride: Sizes = 1,
        pad_mode: str = "valid",
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        data_format: str = "NCHW",
    ) -> None:
        super().__init__(
            kernel_size,
            stride,
            pad_mode,
            padding,
            ceil_mode,
            count_include_pad,
            divisor_override,
            data_format,
            count=2,
        )

    def construct(self, x: Tensor) -> Tensor:
        array, single = self._input(x, 2, floating=True)
        output = self._pooled(array, self.kernel_size, self.stride, self.padding)
        return output[0] if single else output


class AvgPool1d(_AvgPool):
    r"""Mean over windows of the last axis.

    .. math:: y_{n,c,t} = \frac{1}{K} \sum_k x_{n,c,st+k-p}

    Args:
        kernel_size: an int.
        stride: s, the step between windows.
        pad_mode: "valid", "same" or "pad"; see `AvgPool2d`.
        padding: p, the number of zeros on each side with "pad", at most half of the window.
        ceil_mode: whether a window may extend beyond the end.
        count_include_pad: whether the zeros of "pad" count in the mean.

    Inputs:
        - **x** (Tensor) - shape (N, C, L) or (C, L), floating dtype; half precision is summed in float32.

    Returns:
        Tensor of shape (N, C, L_out) or (C, L_out).

    Raises:
        ArgumentError: the mode is unknown, a size is below 1, or the mode does not accept an argument.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: when called: the input has another number of axes, or is smaller than the window.
        DtypeError: when called: the input is not floating.

    Examples:
        >>> from sporax import nn, ops
        >>> nn.AvgPool1d(kernel_size=6, stride=1)(ops.ones((1, 3, 6))).shape
        (1, 3, 1)

    Source: the class of the same name in MindSpore.
    """

    def __init__(
        self,
        kernel_size: int = 1,
        stride: int = 1,
        pad_mode: str = "valid",
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, pad_mode, padding, ceil_mode, count_include_pad, None, "NCHW", count=1)
        if self._plain:
            self.kernel_size = (1, self.kernel_size)
            self.stride = (1, self.stride)

    def construct(self, x: Tensor) -> Tensor:
        array, single = self._input(x, 1, floating=True)
        kernel, stride = (each if isinstance(each, tuple) else (1, each) for each in (self.kernel_size, self.stride))
        output = self._pooled(array[:, :, None], kernel, stride, (0, *self.padding))
        return output[0, :, 0] if single else output[:, :, 0]


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
