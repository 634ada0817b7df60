"""Softmax functions."""

from __future__ import annotations

from typing import Any

from sporax import _check, ops
from sporax.core import Tensor, wrap
from sporax.nn.layer._inputs import array_of, check_floating, check_ndim
from sporax.nn.layer._typed import Layer
from sporax.nn.layer.activation._base import Activation

__all__ = ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class Softmax(Activation):
    r"""Softmax over one axis.

    .. math:: \frac{e^{x_i}}{\sum_j e^{x_j}}

    Args:
        axis: the axis over which the outputs sum to 1.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentTypeError: `axis` is not an int.
        ArgumentError: when called: the input has no such axis.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Softmax()(Tensor([[1.0, 1.0]])))
        [[0.5 0.5]]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.softmax)

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = _check.integer(axis, name="axis", where="Softmax")

    def _options(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Softmin(Activation):
    r"""Softmax of the negated input.

    .. math:: \frac{e^{-x_i}}{\sum_j e^{-x_j}}

    Args:
        axis: the axis over which the outputs sum to 1.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentTypeError: `axis` is not an int.
        ArgumentError: when called: the input has no such axis.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Softmin()(Tensor([[1.0, 1.0]])))
        [[0.5 0.5]]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.softmin)

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = _check.integer(axis, name="axis", where="Softmin")

    def _options(self) -> dict[str, Any]:
        return {"axis": self.axis}


class LogSoftmax(Activation):
    r"""Logarithm of the softmax, computed without overflow.

    .. math:: x_i - \log \sum_j e^{x_j}

    Args:
        axis: the axis over which the outputs sum to 1.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentTypeError: `axis` is not an int.
        ArgumentError: when called: the input has no such axis.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LogSoftmax()(Tensor([[0.0, 1000.0]])))
        [[-1000.     0.]]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.log_softmax)

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = _check.integer(axis, name="axis", where="LogSoftmax")

    def _options(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Softmax2d(Layer):
    r"""Softmax over the channels at each position of an image.

    .. math:: \frac{e^{x_{chw}}}{\sum_k e^{x_{khw}}}

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W) or (C, H, W), floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ShapeError: when called: the input does not have 3 or 4 dimensions.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Softmax2d()(Tensor([[[[1.0]], [[1.0]]]])).shape)
        (1, 2, 1, 1)

    Source: the class of the same name in MindSpore.
    """

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "Softmax2d")
        check_floating(array, "Softmax2d")
        check_ndim(array, (3, 4), "Softmax2d", "(N, C, H, W) or (C, H, W)")
        return ops.softmax(wrap(array), axis=-3)
