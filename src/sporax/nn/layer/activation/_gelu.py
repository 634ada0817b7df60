"""Activations that multiply the input by a gate: GELU, SiLU, Mish, GLU and their approximations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import ops
from sporax._declared import declared
from sporax._errors import ShapeError
from sporax._jax_compat import x64_scope
from sporax._schema import Flag, Integer
from sporax.core import Tensor, wrap
from sporax.nn.layer._inputs import array_of, check_floating
from sporax.nn.layer._typed import Layer
from sporax.nn.layer.activation._base import Activation

__all__ = ["GELU", "GLU", "FastGelu", "HSwish", "Mish", "SiLU"]


class GELU(Activation, function=ops.gelu):
    r"""Gaussian error linear unit: the input times the normal cumulative distribution function.

    .. math:: x\,\Phi(x)

    Args:
        approximate: whether to compute :math:`0.5 x (1 + \tanh(\sqrt{2/\pi} (x + 0.044715 x^3)))` instead.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GELU()(Tensor([0.0, 20.0])))
        [ 0. 20.]

    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415.
    """

    approximate: Flag = True

    def _options(self) -> dict[str, Any]:
        return {"approximate": "tanh" if self.approximate else "none"}


class FastGelu(Activation, function=ops.fast_gelu):
    r"""Fast approximation of GELU.

    .. math:: \frac{x}{1 + e^{-1.702 |x|}} e^{0.851 (x - |x|)} = x\,\sigma(1.702\,x)

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.FastGelu()(Tensor([0.0, 20.0])))
        [ 0. 20.]

    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415.
    """


class SiLU(Activation, function=ops.silu):
    r"""Sigmoid linear unit (swish): the input times its sigmoid.

    .. math:: x\,\sigma(x)

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SiLU()(Tensor([0.0, 40.0])))
        [ 0. 40.]

    Source: Elfwing et al. 2017, https://arxiv.org/abs/1702.03118.
    """


class HSwish(Activation, function=ops.hardswish):
    r"""Hard swish: a piecewise approximation of swish.

    .. math:: x\,\min(\max(x + 3, 0), 6) / 6

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HSwish()(Tensor([-3.0, 3.0])))
        [-0.  3.]

    Source: Howard et al. 2019, https://arxiv.org/abs/1905.02244.
    """


class Mish(Activation, function=ops.mish):
    r"""Mish: the input times the hyperbolic tangent of its softplus.

    .. math:: x \tanh(\log(1 + e^x))

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Mish()(Tensor([0.0, 40.0])))
        [ 0. 40.]

    Source: Misra 2019, https://arxiv.org/abs/1908.08681.
    """


@declared
class GLU(Layer):
    r"""Gated linear unit: one half of the input times the sigmoid of the other half.

    .. math:: a\,\sigma(b)

    Args:
        axis: the axis that is split into the halves a and b.

    Inputs:
        - **x** (Tensor) - floating dtype; the axis has an even size.

    Returns:
        Tensor; the split axis has half its size.

    Raises:
        ArgumentTypeError: `axis` is not an int.
        ShapeError: when called: the axis does not exist, or its size is odd.
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GLU()(Tensor([2.0, 4.0, 0.0, 0.0])))
        [1. 2.]

    Source: Dauphin et al. 2017, https://arxiv.org/abs/1612.08083.
    """

    axis: Integer = -1

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
