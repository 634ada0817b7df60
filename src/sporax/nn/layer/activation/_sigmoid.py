"""Sigmoid functions: bounded, or the logarithm of a bounded function."""

from __future__ import annotations

from sporax import ops
from sporax._errors import ArgumentError
from sporax._schema import Number
from sporax.nn.layer.activation._base import Activation

__all__ = ["HSigmoid", "Hardtanh", "LogSigmoid", "Sigmoid", "Softsign", "Tanh"]


class Sigmoid(Activation, function=ops.sigmoid):
    r"""Logistic sigmoid.

    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}}

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Sigmoid()(Tensor([0.0])))
        [0.5]
    """


class HSigmoid(Activation, function=ops.hardsigmoid):
    r"""Hard sigmoid: a piecewise linear approximation of the sigmoid.

    .. math:: \min(\max(x + 3, 0), 6) / 6

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HSigmoid()(Tensor([-3.0, 0.0, 3.0])))
        [0.  0.5 1. ]

    Source: Howard et al. 2019, https://arxiv.org/abs/1905.02244.
    """


class LogSigmoid(Activation, function=ops.logsigmoid):
    r"""Logarithm of the sigmoid, computed without overflow.

    .. math:: \log \sigma(x)

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LogSigmoid()(Tensor([-100.0, 100.0])))
        [-100.   -0.]
    """


class Tanh(Activation, function=ops.tanh):
    r"""Hyperbolic tangent.

    .. math:: \tanh(x)

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Tanh()(Tensor([0.0])))
        [0.]
    """


class Hardtanh(Activation, function=ops.hardtanh):
    r"""The input, clipped to an interval.

    .. math:: \min(\max(x, \text{min\_val}), \text{max\_val})

    Args:
        min_val: the lower bound.
        max_val: the upper bound, above `min_val`.

    Raises:
        ArgumentError: `min_val` is not below `max_val`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Hardtanh()(Tensor([-2.0, 0.5, 1.5])))
        [-1.   0.5  1. ]
    """

    min_val: Number = -1.0
    max_val: Number = 1.0

    def _finish(self) -> None:
        if not self.min_val < self.max_val:
            raise ArgumentError(
                f"Hardtanh: `min_val` must be below `max_val`, but got {self.min_val} and {self.max_val}."
            )


class Softsign(Activation, function=ops.softsign):
    r"""Softsign function.

    .. math:: \frac{x}{1 + |x|}

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Softsign()(Tensor([-1.0, 3.0])))
        [-0.5   0.75]
    """
