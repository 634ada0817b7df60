"""Activations that are more than one op on each element: gated, over channels, learned, random."""

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
from sporax.nn.layer._inputs import array_of, check_floating, check_ndim
from sporax.nn.layer._typed import Layer


class GLU(Layer):
    r"""One half of the input, gated by the sigmoid of the other.

    .. math:: a\,\sigma(b)

    Args:
        axis: the axis that is split in halves a and b.

    Inputs:
        - **x** (Tensor) - floating dtype; the axis has an even size.

    Returns:
        Tensor; the split axis is half as long.

    Raises:
        ArgumentTypeError: `axis` is not an int.
        ShapeError: when called: the axis is missing, or of odd size.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GLU()(Tensor([2.0, 4.0, 0.0, 0.0])))
        [1. 2.]

    Source: Dauphin et al. 2017, https://arxiv.org/abs/1612.08083.
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = _check.integer(axis, name="axis", where="GLU")

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "GLU")
        check_floating(array, "GLU")
        if not -array.ndim <= self.axis < array.ndim or array.shape[self.axis] % 2:
            raise ShapeError(
                f"GLU: axis {self.axis} of the input must exist and have an even size, but got shape {array.shape}."
            )
        with x64_scope(True):
            value, gate = jnp.split(array, 2, axis=self.axis)
            return wrap(value * jax.nn.sigmoid(gate))


class Softmax2d(Layer):
    r"""The softmax over the channels of each place of an image.

    .. math:: \frac{e^{x_{chw}}}{\sum_k e^{x_{khw}}}

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W) or (C, H, W), floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ShapeError: when called: the input has not 3 or 4 dimensions.
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


class PReLU(Layer):
    r"""A learned slope below zero.

    .. math:: \max(x, 0) + a \min(x, 0)

    Args:
        channel: the number of slopes: 1, or one for each channel (axis 1 of the input).
        w: the first value of the slopes: a number, or a Tensor or list of `channel` numbers.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentError: `channel` is below 1.
        ShapeError: `w` has not `channel` numbers; or, when called, the input has another number of channels.
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
    r"""A slope below zero that is drawn anew for each element while training, and fixed outside it.

    .. math:: \max(x, 0) + a \min(x, 0), \quad a \sim U[\text{lower}, \text{upper}]

    Outside training a is :math:`(\text{lower} + \text{upper})/2`.

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

    Source: Xu et al. 2015, https://arxiv.org/abs/1505.00853; `torch.nn.RReLU`. MindSpore draws outside
    training too.
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
