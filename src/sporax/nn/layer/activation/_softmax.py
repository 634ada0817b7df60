"""Softmax functions."""

from __future__ import annotations

from sporax import ops
from sporax._docstring import completed_by
from sporax._schema import Integer
from sporax.core import Tensor, wrap
from sporax.nn.layer._inputs import array_of, check_floating, check_ndim
from sporax.nn.layer._typed import Layer
from sporax.nn.layer.activation._base import Activation

__all__ = ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class Softmax(Activation, function=ops.softmax):
    r"""Softmax over one axis.

    .. math:: \frac{e^{x_i}}{\sum_j e^{x_j}}

    Args:
        axis: the axis over which the outputs sum to 1.

    Raises:
        ArgumentError: when called: the input has no such axis.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Softmax()(Tensor([[1.0, 1.0]])))
        [[0.5 0.5]]
    """

    axis: Integer = -1


class Softmin(Activation, function=ops.softmin):
    r"""Softmax of the negated input.

    .. math:: \frac{e^{-x_i}}{\sum_j e^{-x_j}}

    Args:
        axis: the axis over which the outputs sum to 1.

    Raises:
        ArgumentError: when called: the input has no such axis.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Softmin()(Tensor([[1.0, 1.0]])))
        [[0.5 0.5]]
    """

    axis: Integer = -1


class LogSoftmax(Activation, function=ops.log_softmax):
    r"""Logarithm of the softmax, computed without overflow.

    .. math:: x_i - \log \sum_j e^{x_j}

    Args:
        axis: the axis over which the outputs sum to 1.

    Raises:
        ArgumentError: when called: the input has no such axis.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LogSoftmax()(Tensor([[0.0, 1000.0]])))
        [[-1000.     0.]]
    """

    axis: Integer = -1


@completed_by(Activation)
class Softmax2d(Layer):
    r"""Softmax over the channels at each position of an image.

    .. math:: \frac{e^{x_{chw}}}{\sum_k e^{x_{khw}}}

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W) or (C, H, W), floating dtype.

    Raises:
        ShapeError: when called: the input does not have 3 or 4 dimensions.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Softmax2d()(Tensor([[[[1.0]], [[1.0]]]])).shape)
        (1, 2, 1, 1)
    """

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "Softmax2d")
        check_floating(array, "Softmax2d")
        check_ndim(array, (3, 4), "Softmax2d", "(N, C, H, W) or (C, H, W)")
        return ops.softmax(wrap(array), axis=-3)
