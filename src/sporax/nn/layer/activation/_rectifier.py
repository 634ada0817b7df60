"""Rectifiers: the identity for positive inputs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check, ops
from sporax._errors import ArgumentError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, Tensor, next_key, wrap
from sporax.core.initializer import initializer
from sporax.nn.layer._inputs import array_of, check_floating
from sporax.nn.layer._typed import Layer
from sporax.nn.layer.activation._base import Activation

__all__ = ["CELU", "ELU", "LeakyReLU", "PReLU", "RReLU", "ReLU", "ReLU6", "SeLU", "Threshold"]


class ReLU(Activation):
    r"""Rectified linear unit.
    .. math:: \max(x, 0)

    Inputs:
        - **x** (Tensor) - any shape.

    Returns:
        Tensor of the input's shape and dtype.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ReLU()(Tensor([-1.0, 2.0])))
        [0. 2.]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.relu)
    _integers = True


class ReLU6(Activation):
    r"""Rectified linear unit, clipped at 6.

    .. math:: \min(\max(x, 0), 6)

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ReLU6()(Tensor([-1.0, 2.0, 7.0])))
        [0. 2. 6.]

    Source: Howard et al. 2017, https://arxiv.org/abs/1704.04861; the class of the same name in
    MindSpore.
    """

    _function = staticmethod(ops.relu6)


class LeakyReLU(Activation):
    r"""Leaky rectified linear unit.

    .. math:: \max(x, 0) + \alpha \min(x, 0)

    Args:
        alpha: the slope for negative inputs.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentTypeError: `alpha` is not a number.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LeakyReLU(0.5)(Tensor([-1.0, 2.0])))
        [-0.5  2. ]

    Source: Maas et al. 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    _function = staticmethod(ops.leaky_relu)

    def __init__(self, alpha: float = 0.2) -> None:
        super().__init__()
        self.alpha = _check.number(alpha, name="alpha", where="LeakyReLU")

    def _options(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class PReLU(Layer):
    r"""Parametric ReLU, whose slope for negative inputs is a Parameter.

    .. math:: \max(x, 0) + a \min(x, 0)

    Args:
        channel: the number of slopes: 1, or one for each channel (axis 1 of the input).
        w: the initial value of the slopes: a number, or a Tensor or list of `channel` numbers.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentError: `channel` is below 1.
        ShapeError: `w` does not have `channel` elements; or, when called, the input has another number of channels.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PReLU(2, 0.5)(Tensor([[-2.0, 4.0]])))
        [[-1.  4.]]

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852.
    """

    def __init__(self, channel: int = 1, w: Any = 0.25) -> None:
        super().__init__()
        self.channel = _check.integer(channel, name="channel", where="PReLU", minimum=1)
        start = Tensor(w) if isinstance(w, (list, tuple, np.ndarray)) else w
        if isinstance(start, Tensor) and start.shape != (channel,):
            raise ShapeError(f"PReLU: `w` must have shape ({channel},), one for each channel, but got {start.shape}.")
        self.w = Parameter(initializer(start, (self.channel,)), name="a")

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "PReLU")
        check_floating(array, "PReLU")
        if self.channel > 1 and (array.ndim < 2 or array.shape[1] != self.channel):
            raise ShapeError(
                f"PReLU: axis 1 of the input must have size channel={self.channel}, but got shape {array.shape}."
            )
        shape = (1, self.channel) + (1,) * (array.ndim - 2) if self.channel > 1 else ()
        with x64_scope(True):
            slopes = self.w._value.astype(array.dtype).reshape(shape)
            return wrap(jnp.where(array > 0, array, slopes * array))


class RReLU(Layer):
    r"""Randomized leaky ReLU, whose slope is drawn for each element in training.

    .. math:: \max(x, 0) + a \min(x, 0), \quad a \sim U[\text{lower}, \text{upper}]

    In evaluation mode a is :math:`(\text{lower} + \text{upper})/2`.

    Args:
        lower: the lower bound of the slope.
        upper: the upper bound of the slope.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentError: `lower` is above `upper`.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.RReLU(0.25, 0.75)(Tensor([-2.0, 2.0])))
        [-1.  2.]

    Source: Xu et al. 2015, https://arxiv.org/abs/1505.00853; `torch.nn.RReLU`. MindSpore also draws in
    evaluation mode.
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3) -> None:
        super().__init__()
        self.lower = _check.number(lower, name="lower", where="RReLU")
        self.upper = _check.number(upper, name="upper", where="RReLU")
        if self.lower > self.upper:
            raise ArgumentError(f"RReLU: `lower` must not be above `upper`, but got {lower} and {upper}.")

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "RReLU")
        check_floating(array, "RReLU")
        with x64_scope(True):
            if self.training:
                slope = jax.random.uniform(next_key(), array.shape, array.dtype, minval=self.lower, maxval=self.upper)
            else:
                slope = (self.lower + self.upper) / 2
            return wrap(jnp.where(array > 0, array, slope * array))


class ELU(Activation):
    r"""Exponential linear unit.

    .. math:: \max(x, 0) + \min(\alpha (e^x - 1), 0)

    Args:
        alpha: the negative of the limit at minus infinity.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentTypeError: `alpha` is not a number.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ELU()(Tensor([-100.0, 2.0])))
        [-1.  2.]

    Source: Clevert et al. 2016, https://arxiv.org/abs/1511.07289. MindSpore's accepts only `alpha=1`.
    """

    _function = staticmethod(ops.elu)

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = _check.number(alpha, name="alpha", where="ELU")

    def _options(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class CELU(Activation):
    r"""Continuously differentiable exponential linear unit.

    .. math:: \max(x, 0) + \min(\alpha (e^{x/\alpha} - 1), 0)

    Args:
        alpha: the scale, not 0.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentError: `alpha` is 0.
        ArgumentTypeError: `alpha` is not a number.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.CELU(2.0)(Tensor([-100.0, 2.0])))
        [-2.  2.]

    Source: Barron 2017, https://arxiv.org/abs/1704.07483.
    """

    _function = staticmethod(ops.celu)

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = _check.number(alpha, name="alpha", where="CELU")
        if self.alpha == 0:
            raise ArgumentError("CELU: `alpha` must not be 0.")

    def _options(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class SeLU(Activation):
    r"""Scaled exponential linear unit.

    .. math:: \lambda\,(\max(x, 0) + \min(\alpha (e^x - 1), 0))

    with :math:`\alpha` = 1.67326324 and :math:`\lambda` = 1.05070098.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SeLU()(Tensor([0.0, 1.0])))
        [0.       1.050701]

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515.
    """

    _function = staticmethod(ops.selu)


class Threshold(Activation):
    r"""The input where it is above a threshold, and a constant elsewhere.

    .. math:: x\,[x > \text{threshold}] + \text{value}\,[x \le \text{threshold}]

    Args:
        threshold: the threshold.
        value: the output for inputs not above the threshold.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentTypeError: an argument is not a number.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Threshold(0.1, 20)(Tensor([0.1, 0.2])))
        [20.   0.2]

    Source: the class of the same name in MindSpore.
    """

    _function = staticmethod(ops.threshold)

    def __init__(self, threshold: float, value: float) -> None:
        super().__init__()
        self.threshold = _check.number(threshold, name="threshold", where="Threshold")
        self.value = _check.number(value, name="value", where="Threshold")

    def _options(self) -> dict[str, Any]:
        return {"thr": self.threshold, "value": self.value}
