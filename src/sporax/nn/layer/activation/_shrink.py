"""Shrinkage functions."""

from __future__ import annotations

from typing import Any

from sporax import _check, ops
from sporax.nn.layer.activation._base import Activation

__all__ = ["HShrink", "SoftShrink", "Tanhshrink"]


class SoftShrink(Activation):
    r"""Soft shrinkage: the input moved towards zero by `lambd`.

    .. math:: \operatorname{sign}(x) \max(|x| - \lambda, 0)

    Args:
        lambd: the threshold λ, ≥ 0.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentError: `lambd` is negative.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SoftShrink()(Tensor([-2.0, 0.25, 1.0])))
        [-1.5  0.   0.5]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.softshrink)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = _check.number(lambd, name="lambd", where="SoftShrink", minimum=0.0)

    def _options(self) -> dict[str, Any]:
        return {"lambd": self.lambd}


class HShrink(Activation):
    r"""Hard shrinkage: the input where its absolute value exceeds `lambd`, and zero elsewhere.

    .. math:: x\,[|x| > \lambda]

    Args:
        lambd: the threshold λ, ≥ 0.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentError: `lambd` is negative.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HShrink()(Tensor([-2.0, 0.25, 1.0])))
        [-2.  0.  1.]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.hardshrink)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = _check.number(lambd, name="lambd", where="HShrink", minimum=0.0)

    def _options(self) -> dict[str, Any]:
        return {"lambd": self.lambd}


class Tanhshrink(Activation):
    r"""The input minus its hyperbolic tangent.

    .. math:: x - \tanh(x)

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Tanhshrink()(Tensor([0.0])))
        [0.]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.tanhshrink)
