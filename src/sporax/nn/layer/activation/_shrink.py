"""Shrinkage functions."""

from __future__ import annotations

from sporax import ops
from sporax._schema import NonNegative
from sporax.nn.layer.activation._base import Activation

__all__ = ["HShrink", "SoftShrink", "Tanhshrink"]


class SoftShrink(Activation, function=ops.softshrink):
    r"""Soft shrinkage: the input moved towards zero by `lambd`.

    .. math:: \operatorname{sign}(x) \max(|x| - \lambda, 0)

    Args:
        lambd: the threshold λ, ≥ 0.

    Raises:
        ArgumentError: `lambd` is negative.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SoftShrink()(Tensor([-2.0, 0.25, 1.0])))
        [-1.5  0.   0.5]
    """

    lambd: NonNegative = 0.5


class HShrink(Activation, function=ops.hardshrink):
    r"""Hard shrinkage: the input where its absolute value exceeds `lambd`, and zero elsewhere.

    .. math:: x\,[|x| > \lambda]

    Args:
        lambd: the threshold λ, ≥ 0.

    Raises:
        ArgumentError: `lambd` is negative.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HShrink()(Tensor([-2.0, 0.25, 1.0])))
        [-2.  0.  1.]
    """

    lambd: NonNegative = 0.5


class Tanhshrink(Activation, function=ops.tanhshrink):
    r"""The input minus its hyperbolic tangent.

    .. math:: x - \tanh(x)

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Tanhshrink()(Tensor([0.0])))
        [0.]
    """
