"""Draws from distributions with parameters."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError
from sporax.ops import _args
from sporax.ops._kinds import DType, Floating, Key, Kind, Operand, Shape, plain
from sporax.ops._op import op, signature


def _non_negative(value: Any, _: Any, where: str, name: str) -> jax.Array:
    if isinstance(value, (int, float)):
        _check.number(value, name=name, where=f"ops.{where}", minimum=0)
    return _args.as_floating(plain(value))


Deviation = Annotated[
    jax.Array,
    Kind(
        _non_negative,
        "number or Tensor, the standard deviation ≥ 0.",
        "_TensorLike",
        ("ArgumentError: {name} is negative.",),
        data=True,
    ),
]


def _broadcast(shape: tuple[int, ...], *parameters: Any) -> tuple[tuple[int, ...], Any]:
    """The shape and the dtype of draws with these parameters."""
    shapes = [each.shape for each in parameters]
    return np.broadcast_shapes(shape, *shapes), np.result_type(*[each.dtype for each in parameters])


@op("ops.normal(shape, mean, stddev, seed=None)")
def normal(shape: Shape, mean: Floating, stddev: Deviation, key: Key) -> jax.Array:
    r"""Numbers drawn from a normal distribution.

    .. math:: x_i \sim N(\mu, \sigma^2)

    Args:
        mean: number or Tensor μ.

    Returns:
        Tensor of `shape`, broadcast with the parameters; float32 unless they are wider.

    Examples:
        >>> print(ops.normal((2,), 3.0, 0.0))
        [3. 3.]
    """
    return mean + stddev * jax.random.normal(key, *_broadcast(shape, mean, stddev))


@op("ops.standard_normal(shape, seed=None)", "ops.StandardNormal(seed=0, seed2=0)(shape)")
def standard_normal(shape: Shape, key: Key) -> jax.Array:
    """Numbers drawn from the standard normal distribution.

    Returns:
        float32 Tensor of that shape.

    Examples:
        >>> ops.standard_normal((2, 3)).shape
        (2, 3)
    """
    return jax.random.normal(key, shape, np.float32)


@op("ops.uniform(shape, minval, maxval, seed=None, dtype=np.float32)")
def uniform(shape: Shape, minval: Operand, maxval: Operand, key: Key, dtype: DType) -> jax.Array:
    r"""Numbers drawn from a uniform distribution.

    .. math:: x_i \sim U[a, b)

    Args:
        minval: number or Tensor a.
        maxval: number or Tensor b, above a.
        dtype: float32 or another float dtype, or an integer dtype for integers.

    Returns:
        Tensor of `shape`, broadcast with the bounds.

    Raises:
        ArgumentError: `minval` exceeds `maxval`.

    Examples:
        >>> draw = ops.uniform((100,), 2.0, 3.0)
        >>> bool((draw >= 2).all() and (draw < 3).all())
        True
    """
    if isinstance(minval, (int, float)) and isinstance(maxval, (int, float)) and minval > maxval:
        raise ArgumentError(f"ops.uniform: `minval` must not exceed `maxval`, but got {minval} and {maxval}.")
    low, high = (jnp.asarray(bound, dtype) for bound in (minval, maxval))
    sizes, _ = _broadcast(shape, low, high)
    if dtype.kind in "iu":
        return jax.random.randint(key, sizes, low, high, dtype)
    return jax.random.uniform(key, sizes, dtype, low, high)


@op("ops.gamma(shape, alpha, beta, seed=None)", "ops.Gamma(seed=0, seed2=0)(shape, alpha, beta)")
def gamma(shape: Shape, alpha: Floating, beta: Floating, key: Key) -> jax.Array:
    r"""Numbers drawn from a gamma distribution.

    .. math:: p(x) = \frac{\beta^\alpha}{\Gamma(\alpha)} x^{\alpha - 1} e^{-\beta x}

    Args:
        alpha: number or Tensor α > 0, the shape parameter.
        beta: number or Tensor β > 0, the rate.

    Returns:
        Tensor of `shape`, broadcast with the parameters.

    Examples:
        >>> bool((ops.gamma((5,), 2.0, 1.0) > 0).all())
        True
    """
    return jax.random.gamma(key, alpha, *_broadcast(shape, alpha, beta)) / beta


@op("ops.random_gamma(shape, alpha, seed=None)")
def random_gamma(shape: Shape, alpha: Floating, key: Key) -> jax.Array:
    r"""Numbers drawn from gamma distributions of rate 1, `shape` of them for each α.

    Args:
        alpha: Tensor of α > 0.

    Returns:
        Tensor of shape `shape + alpha.shape`.

    Examples:
        >>> ops.random_gamma((3,), Tensor([0.5, 2.0])).shape
        (3, 2)
    """
    return jax.random.gamma(key, alpha, shape + alpha.shape, alpha.dtype)


@op("ops.random_poisson(shape, rate, seed=None, dtype=np.float32)")
def random_poisson(shape: Shape, rate: Floating, key: Key, dtype: DType) -> jax.Array:
    r"""Counts drawn from Poisson distributions, `shape` of them for each rate.

    .. math:: P(k) = \lambda^k e^{-\lambda} / k!

    Args:
        rate: Tensor of λ ≥ 0.
        dtype: the dtype.

    Returns:
        Tensor of shape `shape + rate.shape`.

    Examples:
        >>> ops.random_poisson((3,), Tensor([0.5, 2.0])).shape
        (3, 2)
    """
    return jax.random.poisson(key, rate, shape + rate.shape).astype(dtype)


@op(
    "ops.poisson(shape, mean, seed=None)",
    signature("ops.Poisson(seed=0, seed2=0)(shape, mean)", dtype=np.int32),
)
def poisson(shape: Shape, mean: Floating, key: Key, dtype: DType = None) -> jax.Array:
    r"""Counts drawn from a Poisson distribution.

    .. math:: P(k) = \mu^k e^{-\mu} / k!

    Args:
        mean: Tensor of μ ≥ 0.

    Returns:
        Tensor of `shape`, broadcast with the mean. The function keeps the dtype of the mean; the class gives int32.

    Examples:
        >>> print(ops.poisson((2,), Tensor([0.0])))
        [0. 0.]
    """
    sizes, dtype_of_mean = _broadcast(shape, mean)
    return jax.random.poisson(key, mean, sizes).astype(dtype or dtype_of_mean)


@op("ops.laplace(shape, mean, lambda_param, seed=None)")
def laplace(shape: Shape, mean: Floating, lambda_param: Floating, key: Key) -> jax.Array:
    r"""Numbers drawn from a Laplace distribution.

    .. math:: p(x) = \frac{1}{2 \lambda} e^{-|x - \mu| / \lambda}

    Args:
        mean: number or Tensor μ.
        lambda_param: number or Tensor λ > 0.

    Returns:
        Tensor of `shape`, broadcast with the parameters.

    Examples:
        >>> print(ops.laplace((2,), 3.0, 0.0))
        [3. 3.]
    """
    return mean + lambda_param * jax.random.laplace(key, *_broadcast(shape, mean, lambda_param))


@op("ops.standard_laplace(shape, seed=None)", "ops.StandardLaplace(seed=0, seed2=0)(shape)")
def standard_laplace(shape: Shape, key: Key) -> jax.Array:
    """Numbers drawn from the Laplace distribution of mean 0 and scale 1.

    Returns:
        float32 Tensor of that shape.

    Examples:
        >>> ops.standard_laplace((2, 3)).shape
        (2, 3)
    """
    return jax.random.laplace(key, shape, np.float32)
