"""Activations without settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sporax import ops
from sporax.core import Tensor, wrap
from sporax.nn.layer._inputs import array_of, check_floating
from sporax.nn.layer._typed import Layer


class Pointwise(Layer):
    """An op as a Cell, with a check of its input."""

    _function: ClassVar[Callable[..., Any]]
    _integers: ClassVar[bool] = False

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, type(self).__name__)
        if not self._integers:
            check_floating(array, type(self).__name__)
        return type(self)._function(wrap(array), **self._options())

    def _options(self) -> dict[str, Any]:
        return {}


class ReLU(Pointwise):
    r"""The positive part.

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


class ReLU6(Pointwise):
    r"""The positive part, cut at 6.

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


class SeLU(Pointwise):
    r"""The scaled exponential linear unit.

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


class FastGelu(Pointwise):
    r"""A cheap approximation of GELU.

    .. math:: \frac{x}{1 + e^{-1.702 |x|}} e^{0.851 (x - |x|)} = x\,\sigma(1.702\,x)

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.FastGelu()(Tensor([0.0, 20.0])))
        [ 0. 20.]

    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415.
    """

    _function = staticmethod(ops.fast_gelu)


class SiLU(Pointwise):
    r"""The input times its sigmoid (swish).

    .. math:: x\,\sigma(x)

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SiLU()(Tensor([0.0, 40.0])))
        [ 0. 40.]

    Source: Elfwing et al. 2017, https://arxiv.org/abs/1702.03118.
    """

    _function = staticmethod(ops.silu)


class Mish(Pointwise):
    r"""The input times the tanh of its softplus.

    .. math:: x \tanh(\log(1 + e^x))

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Mish()(Tensor([0.0, 40.0])))
        [ 0. 40.]

    Source: Misra 2019, https://arxiv.org/abs/1908.08681.
    """

    _function = staticmethod(ops.mish)


class Sigmoid(Pointwise):
    r"""The logistic function.

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


class Tanh(Pointwise):
    r"""The hyperbolic tangent.

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


class Softsign(Pointwise):
    r"""A slow saturation.

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


class HSwish(Pointwise):
    r"""The swish made of straight lines.

    .. math:: x\,\min(\max(x + 3, 0), 6) / 6

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        DtypeError: when called: the input holds integers or bools.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HSwish()(Tensor([-3.0, 3.0])))
        [-0.  3.]

    Source: Howard et al. 2019, https://arxiv.org/abs/1905.02244.
    """

    _function = staticmethod(ops.hardswish)


class HSigmoid(Pointwise):
    r"""The sigmoid made of straight lines.

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


class LogSigmoid(Pointwise):
    r"""The logarithm of the sigmoid, computed without overflow.

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


class Tanhshrink(Pointwise):
    r"""What tanh takes away.

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
