"""Sigmoid functions: bounded, or the logarithm of a bounded function."""

from __future__ import annotations

from typing import Any

from sporax import _check, ops
from sporax._errors import ArgumentError
from sporax.nn.layer.activation._base import Activation

__all__ = ["HSigmoid", "Hardtanh", "LogSigmoid", "Sigmoid", "Softsign", "Tanh"]


class Sigmoid(Activation):
    r"""Logistic sigmoid.

    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}}

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Sigmoid()(Tensor([0.0])))
        [0.5]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.sigmoid)


class HSigmoid(Activation):
    r"""Hard sigmoid: a piecewise linear approximation of the sigmoid.

    .. math:: \min(\max(x + 3, 0), 6) / 6

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HSigmoid()(Tensor([-3.0, 0.0, 3.0])))
        [0.  0.5 1. ]

    Source: Howard et al. 2019, https://arxiv.org/abs/1905.02244.
    """

    _function = staticmethod(ops.hardsigmoid)


class LogSigmoid(Activation):
    r"""Logarithm of the sigmoid, computed without overflow.

    .. math:: \log \sigma(x)

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LogSigmoid()(Tensor([-100.0, 100.0])))
        [-100.   -0.]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.logsigmoid)


class Tanh(Activation):
    r"""Hyperbolic tangent.

    .. math:: \tanh(x)

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Tanh()(Tensor([0.0])))
        [0.]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.tanh)


class Hardtanh(Activation):
    r"""The input, clipped to an interval.

    .. math:: \min(\max(x, \text{min\_val}), \text{max\_val})

    Args:
        min_val: the lower bound.
        max_val: the upper bound, above `min_val`.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentError: `min_val` is not below `max_val`.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Hardtanh()(Tensor([-2.0, 0.5, 1.5])))
        [-1.   0.5  1. ]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.hardtanh)

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        super().__init__()
        self.min_val = _check.number(min_val, name="min_val", where="Hardtanh")
        self.max_val = _check.number(max_val, name="max_val", where="Hardtanh")
        if not self.min_val < self.max_val:
            raise ArgumentError(f"Hardtanh: `min_val` must be below `max_val`, but got {min_val} and {max_val}.")

    def _options(self) -> dict[str, Any]:
        return {"min_val": self.min_val, "max_val": self.max_val}


class Softsign(Activation):
    r"""Softsign function.

    .. math:: \frac{x}{1 + |x|}

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Softsign()(Tensor([-1.0, 3.0])))
        [-0.5   0.75]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.softsign)
