"""Random initializers."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from sporax._docstring import completed_by
from sporax._errors import ArgumentError
from sporax._schema import NonNegative, Number, Positive, UnitInterval, one_of
from sporax.core.initializer import _draws
from sporax.core.initializer._base import Initializer, calculate_fan_in_and_fan_out, calculate_gain, with_settings

__all__ = [
    "HeNormal",
    "HeUniform",
    "Normal",
    "Orthogonal",
    "Sparse",
    "TruncatedNormal",
    "Uniform",
    "VarianceScaling",
    "XavierNormal",
    "XavierUniform",
]


@with_settings
class Normal(Initializer):
    r"""Normal distribution :math:`\mathcal N(\text{mean}, \text{sigma}^2)`.

    Args:
        sigma: the standard deviation, ≥ 0.
        mean: the mean.

    Raises:
        ArgumentError: `sigma` is negative.

    Examples:
        >>> Normal(0.02)
        Normal(sigma=0.02, mean=0.0)

    Source: the class of the same name in MindSpore.
    """

    sigma: NonNegative = 0.01
    mean: Number = 0.0

    def _initialize(self, arr: np.ndarray) -> None:
        _draws.fill_normal(arr, self._random(arr), self.mean, self.sigma)


@with_settings
class TruncatedNormal(Initializer):
    r"""Normal distribution :math:`\mathcal N(\text{mean}, \text{sigma}^2)` truncated to :math:`[a, b]`.

    `a` and `b` are bounds of the values, not numbers of standard deviations: with the default `sigma` of 0.01, the
    default bounds of ±2 have no effect.

    Args:
        sigma: the standard deviation before truncation, > 0.
        mean: the mean before truncation.
        a: the lower bound.
        b: the upper bound, above `a`.

    Raises:
        ArgumentError: `sigma` is not positive, or `a` is not below `b`.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> x = initializer(TruncatedNormal(1.0, 3.0, a=-2.0, b=2.0), (1000,)).asnumpy()
        >>> bool((x >= -2).all() and (x <= 2).all())
        True

    Source: Robert 1995, https://arxiv.org/abs/0907.4010 (rejection from an exponential in the tails); the
    class of the same name in MindSpore.
    """

    sigma: Positive = 0.01
    mean: Number = 0.0
    a: Number = -2.0
    b: Number = 2.0

    def _finish(self) -> None:
        if not self.a < self.b:
            raise ArgumentError(f"TruncatedNormal: `a` must be below `b`, but got a={self.a}, b={self.b}.")

    def _initialize(self, arr: np.ndarray) -> None:
        _draws.fill_truncated_normal(arr, self._random(arr), self.mean, self.sigma, self.a, self.b)


@with_settings
class Uniform(Initializer):
    r"""Uniform distribution :math:`U[-\text{scale}, \text{scale}]`.

    Args:
        scale: the bound, ≥ 0.

    Raises:
        ArgumentError: `scale` is negative.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> bool((abs(initializer(Uniform(0.1), (100,)).asnumpy()) <= 0.1).all())
        True

    Source: the class of the same name in MindSpore.
    """

    scale: NonNegative = 0.07

    def _initialize(self, arr: np.ndarray) -> None:
        _draws.fill_uniform(arr, self._random(arr), -self.scale, self.scale)


@with_settings
class _Glorot(Initializer):
    """Base class of the initializers of Glorot and Bengio.

    Args:
        gain: a factor > 0; see `calculate_gain`.

    Raises:
        ArgumentError: `gain` is not positive.
        ShapeError: when called: fewer than 2 dimensions.

    Source: Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html.
    """

    gain: Positive = 1

    def _sigma(self, shape: tuple[int, ...]) -> float:
        return self.gain * math.sqrt(2.0 / sum(calculate_fan_in_and_fan_out(shape)))


@completed_by(_Glorot)
class XavierUniform(_Glorot):
    r"""Uniform distribution :math:`U[-l, l]` with :math:`l = \text{gain}\sqrt{6/(\text{fan\_in}+\text{fan\_out})}`.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> bool((abs(initializer("xavier_uniform", (3, 3)).asnumpy()) <= 1).all())
        True
    """

    def _initialize(self, arr: np.ndarray) -> None:
        limit = math.sqrt(3.0) * self._sigma(arr.shape)
        _draws.fill_uniform(arr, self._random(arr), -limit, limit)


@completed_by(_Glorot)
class XavierNormal(_Glorot):
    r"""Normal distribution whose variance preserves the scale of activations and gradients.

    .. math:: \mathcal N(0, s^2), \quad s = \text{gain}\sqrt{2/(\text{fan\_in}+\text{fan\_out})}

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> initializer("xavier_normal", (3, 2)).shape
        (3, 2)
    """

    def _initialize(self, arr: np.ndarray) -> None:
        _draws.fill_normal(arr, self._random(arr), 0.0, self._sigma(arr.shape))


@with_settings
class _He(Initializer):
    """Base class of the initializers of He et al.

    Args:
        negative_slope: the slope of leaky_relu below zero.
        mode: "fan_in" preserves the variance in the forward pass, "fan_out" in the backward pass.
        nonlinearity: the activation that follows; see `calculate_gain`.

    Raises:
        ArgumentError: `mode` or `nonlinearity` is unknown.
        ShapeError: when called: fewer than 2 dimensions.

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852.
    """

    negative_slope: float = 0
    mode: Annotated[str, one_of("fan_in", "fan_out")] = "fan_in"
    nonlinearity: str = "leaky_relu"

    def _finish(self) -> None:
        calculate_gain(self.nonlinearity, self.negative_slope)

    def _sigma(self, shape: tuple[int, ...]) -> float:
        fan_in, fan_out = calculate_fan_in_and_fan_out(shape)
        gain = calculate_gain(self.nonlinearity, self.negative_slope)
        return gain / math.sqrt(fan_in if self.mode == "fan_in" else fan_out)


@completed_by(_He)
class HeUniform(_He):
    r"""Uniform distribution :math:`U[-l, l]` with :math:`l = \text{gain}\sqrt{3/\text{fan}}`.

    Examples:
        >>> HeUniform(math.sqrt(5))
        HeUniform(negative_slope=2.23606797749979, mode='fan_in', nonlinearity='leaky_relu')
    """

    def _initialize(self, arr: np.ndarray) -> None:
        limit = math.sqrt(3.0) * self._sigma(arr.shape)
        _draws.fill_uniform(arr, self._random(arr), -limit, limit)


@completed_by(_He)
class HeNormal(_He):
    r"""Normal distribution :math:`\mathcal N(0, s^2)` with :math:`s = \text{gain}/\sqrt{\text{fan}}`.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> initializer(HeNormal(mode="fan_out"), (4, 2)).shape
        (4, 2)
    """

    def _initialize(self, arr: np.ndarray) -> None:
        _draws.fill_normal(arr, self._random(arr), 0.0, self._sigma(arr.shape))


# The standard deviation of a standard normal distribution truncated to [-2, 2].
_TRUNCATED_SIGMA = 0.8796256610342398
_DISTRIBUTIONS = {
    "uniform": "uniform",
    "truncated_normal": "truncated",
    "truncated_norm": "truncated",
    "untruncated_normal": "normal",
    "untruncated_norm": "normal",
    "normal": "normal",
}


@with_settings
class VarianceScaling(Initializer):
    r"""Distribution of variance :math:`\text{scale}/n`, where n is the fan selected by `mode`.

    A truncated normal is truncated at two standard deviations and rescaled, so that the variance after truncation
    is as stated.

    Args:
        scale: a factor > 0.
        mode: "fan_in", "fan_out", or "fan_avg" for their mean.
        distribution: "truncated_normal", "untruncated_normal" or "uniform".

    Raises:
        ArgumentError: `scale` is not positive, or `mode` or `distribution` is unknown.
        ShapeError: when called: fewer than 2 dimensions.

    Examples:
        >>> VarianceScaling(2.0)
        VarianceScaling(scale=2.0, mode='fan_in', distribution='truncated_normal')

    Source: the class of the same name in MindSpore and in Keras. MindSpore 2.10 draws from a uniform
    distribution for "truncated_normal".
    """

    scale: Positive = 1.0
    mode: Annotated[str, one_of("fan_in", "fan_out", "fan_avg")] = "fan_in"
    distribution: Annotated[str, one_of(*_DISTRIBUTIONS)] = "truncated_normal"

    def _initialize(self, arr: np.ndarray) -> None:
        fan_in, fan_out = calculate_fan_in_and_fan_out(arr.shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        sigma = math.sqrt(self.scale / fan)
        rng = self._random(arr)
        kind = _DISTRIBUTIONS[self.distribution]
        if kind == "uniform":
            _draws.fill_uniform(arr, rng, -math.sqrt(3.0) * sigma, math.sqrt(3.0) * sigma)
        elif kind == "normal":
            _draws.fill_normal(arr, rng, 0.0, sigma)
        else:
            wide = sigma / _TRUNCATED_SIGMA
            _draws.fill_truncated_normal(arr, rng, 0.0, wide, -2 * wide, 2 * wide)


@with_settings
class Orthogonal(Initializer):
    r"""A matrix with :math:`W^\top W = \text{gain}^2 I`, or :math:`W W^\top` where it has more columns than rows.

    The dimensions after the first are flattened. The distribution is uniform over such matrices.

    Args:
        gain: a factor.

    Raises:
        ShapeError: when called: fewer than 2 dimensions.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> w = initializer(Orthogonal(), (3, 3)).asnumpy()
        >>> bool(np.allclose(w @ w.T, np.eye(3), atol=1e-6))
        True

    Source: Saxe et al. 2014, https://arxiv.org/abs/1312.6120; Mezzadri 2007, https://arxiv.org/abs/math-ph/0609050.
    """

    gain: Number = 1.0

    def _initialize(self, arr: np.ndarray) -> None:
        self._check_ndim(arr, 2)
        _draws.fill_orthogonal(arr, self._random(arr), self.gain)


@with_settings
class Sparse(Initializer):
    r"""A matrix of :math:`\mathcal N(0, \text{sigma}^2)` with zeros in each column.

    Args:
        sparsity: the fraction of zeros in a column, in [0, 1]; their number is rounded up.
        sigma: the standard deviation of the other elements, ≥ 0.

    Raises:
        ArgumentError: `sparsity` is outside [0, 1], or `sigma` is negative.
        ShapeError: when called: the shape does not have 2 dimensions.

    Examples:
        >>> from sporax.core.initializer import initializer
        >>> print((initializer(Sparse(0.5), (4, 3)).asnumpy() == 0).sum(axis=0))
        [2 2 2]

    Source: Martens 2010, "Deep learning via Hessian-free optimization", section 5; the class of the same name
    in MindSpore.
    """

    sparsity: UnitInterval
    sigma: NonNegative = 0.01

    def _initialize(self, arr: np.ndarray) -> None:
        self._check_ndim(arr, 2, 2)
        _draws.fill_sparse(arr, self._random(arr), self.sparsity, self.sigma)
