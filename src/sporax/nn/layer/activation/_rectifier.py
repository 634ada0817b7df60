"""Rectifiers: the identity for positive inputs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check, ops
from sporax._declared import declared
from sporax._docstring import completed_by
from sporax._errors import ArgumentError, ShapeError
from sporax._jax_compat import x64_scope
from sporax._schema import Number
from sporax.core import Parameter, Tensor, next_key, wrap
from sporax.core.initializer import initializer
from sporax.nn.layer._inputs import array_of, check_floating
from sporax.nn.layer._typed import Layer
from sporax.nn.layer.activation._base import Activation

__all__ = ["CELU", "ELU", "LeakyReLU", "PReLU", "RReLU", "ReLU", "ReLU6", "SeLU", "Threshold"]


class ReLU(Activation, function=ops.relu, integers=True):
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


class ReLU6(Activation, function=ops.relu6):
    r"""Rectified linear unit, clipped at 6.

    .. math:: \min(\max(x, 0), 6)

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ReLU6()(Tensor([-1.0, 2.0, 7.0])))
        [0. 2. 6.]

    Source: Howard et al. 2017, https://arxiv.org/abs/1704.04861; the class of the same name in
    MindSpore.
    """


class LeakyReLU(Activation, function=ops.leaky_relu):
    r"""Leaky rectified linear unit.

    .. math:: \max(x, 0) + \alpha \min(x, 0)

    Args:
        alpha: the slope for negative inputs.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LeakyReLU(0.5)(Tensor([-1.0, 2.0])))
        [-0.5  2. ]

    Source: Maas et al. 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    alpha: Number = 0.2


@completed_by(Activation)
class PReLU(Layer):
    r"""Parametric ReLU, whose slope for negative inputs is a Parameter.

    .. math:: \max(x, 0) + a \min(x, 0)

    Args:
        channel: the number of slopes: 1, or one for each channel (axis 1 of the input).
        w: the initial value of the slopes: a number, or a Tensor or list of `channel` numbers.

    Raises:
        ArgumentError: `channel` is below 1.
        ShapeError: `w` does not have `channel` elements; or, when called, the input has another number of channels.

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


@completed_by(Activation)
@declared
class RReLU(Layer):
    r"""Randomized leaky ReLU, whose slope is drawn for each element in training.

    .. math:: \max(x, 0) + a \min(x, 0), \quad a \sim U[\text{lower}, \text{upper}]

    In evaluation mode a is :math:`(\text{lower} + \text{upper})/2`.

    Args:
        lower: the lower bound of the slope.
        upper: the upper bound of the slope.

    Raises:
        ArgumentError: `lower` is above `upper`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.RReLU(0.25, 0.75)(Tensor([-2.0, 2.0])))
        [-1.  2.]

    Source: Xu et al. 2015, https://arxiv.org/abs/1505.00853; `torch.nn.RReLU`. MindSpore also draws in
    evaluation mode.
    """

    lower: Number = 1 / 8
    upper: Number = 1 / 3

    def _finish(self) -> None:
        if self.lower > self.upper:
            raise ArgumentError(f"RReLU: `lower` must not be above `upper`, but got {self.lower} and {self.upper}.")

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "RReLU")
        check_floating(array, "RReLU")
        with x64_scope(True):
            if self.training:
                slope = jax.random.uniform(next_key(), array.shape, array.dtype, minval=self.lower, maxval=self.upper)
            else:
                slope = (self.lower + self.upper) / 2
            return wrap(jnp.where(array > 0, array, slope * array))


class ELU(Activation, function=ops.elu):
    r"""Exponential linear unit.

    .. math:: \max(x, 0) + \min(\alpha (e^x - 1), 0)

    Args:
        alpha: the negative of the limit at minus infinity.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ELU()(Tensor([-100.0, 2.0])))
        [-1.  2.]

    Source: Clevert et al. 2016, https://arxiv.org/abs/1511.07289. MindSpore's accepts only `alpha=1`.
    """

    alpha: Number = 1.0


class CELU(Activation, function=ops.celu):
    r"""Continuously differentiable exponential linear unit.

    .. math:: \max(x, 0) + \min(\alpha (e^{x/\alpha} - 1), 0)

    Args:
        alpha: the scale, not 0.

    Raises:
        ArgumentError: `alpha` is 0.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.CELU(2.0)(Tensor([-100.0, 2.0])))
        [-2.  2.]

    Source: Barron 2017, https://arxiv.org/abs/1704.07483.
    """

    alpha: Number = 1.0

    def _finish(self) -> None:
        if self.alpha == 0:
            raise ArgumentError("CELU: `alpha` must not be 0.")


class SeLU(Activation, function=ops.selu):
    r"""Scaled exponential linear unit.

    .. math:: \lambda\,(\max(x, 0) + \min(\alpha (e^x - 1), 0))

    with :math:`\alpha` = 1.67326324 and :math:`\lambda` = 1.05070098.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SeLU()(Tensor([0.0, 1.0])))
        [0.       1.050701]

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515.
    """


class Threshold(Activation, function=ops.threshold):
    r"""The input where it is above a threshold, and a constant elsewhere.

    .. math:: x\,[x > \text{threshold}] + \text{value}\,[x \le \text{threshold}]

    Args:
        threshold: the threshold.
        value: the output for inputs not above the threshold.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Threshold(0.1, 20)(Tensor([0.1, 0.2])))
        [20.   0.2]
    """

    threshold: Number
    value: Number

    def _options(self) -> dict[str, Any]:
        return {"thr": self.threshold, "value": self.value}
