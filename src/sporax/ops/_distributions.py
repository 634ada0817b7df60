"""Draws from distributions with parameters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError
from sporax.ops._args import (
    Array,
    as_floating,
    as_shape,
    numpy_dtype,
)
from sporax.ops._base import lifted, op, random_primitive
from sporax.ops._random import FLOAT32, SEEDS, seeded_key, seeds_key


def _parameters(where: str, shape: Any, *values: Any) -> tuple[tuple[int, ...], list[Array], Any]:
    """The result's shape, the distribution's parameters as float arrays, and their dtype."""
    sizes = as_shape(shape, where=where)
    arrays = [as_floating(value) for value in values]
    dtype = np.result_type(*[each.dtype for each in arrays])
    return np.broadcast_shapes(sizes, *[each.shape for each in arrays]), arrays, dtype


@op
def normal(shape: Any, mean: Any, stddev: Any, seed: int | None = None) -> Array:
    r"""Numbers drawn from a normal distribution.

    .. math:: x_i \sim N(\mu, \sigma^2)

    Args:
        shape: tuple of ints.
        mean: number or Tensor μ.
        stddev: number or Tensor σ ≥ 0.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of `shape`, broadcast with the parameters; float32 unless they are wider.

    Raises:
        ArgumentError: `stddev` is negative.

    Examples:
        >>> from sporax import ops
        >>> print(ops.normal((2,), 3.0, 0.0))
        [3. 3.]

    Source: `ops.normal` of MindSpore.
    """
    if isinstance(stddev, (int, float)):
        _check.number(stddev, name="stddev", where="ops.normal", minimum=0)
    sizes, (mu, sigma), dtype = _parameters("normal", shape, mean, stddev)
    return mu + sigma * jax.random.normal(seeded_key(seed, "normal"), sizes, dtype)


@op
def standard_normal(shape: Any, seed: int | None = None) -> Array:
    """Numbers drawn from the standard normal distribution.

    Args:
        shape: tuple of ints.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        float32 Tensor of that shape.

    Examples:
        >>> from sporax import ops
        >>> ops.standard_normal((2, 3)).shape
        (2, 3)

    Source: `ops.standard_normal` of MindSpore.
    """
    return jax.random.normal(seeded_key(seed, "standard_normal"), as_shape(shape, where="standard_normal"), FLOAT32)


@op
def uniform(shape: Any, minval: Any, maxval: Any, seed: int | None = None, dtype: Any = np.float32) -> Array:
    r"""Numbers drawn uniformly.

    .. math:: x_i \sim U[a, b)

    Args:
        shape: tuple of ints.
        minval: number or Tensor a.
        maxval: number or Tensor b, above a.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.
        dtype: float32 or another float dtype, or an integer dtype for whole numbers.

    Returns:
        Tensor of `shape`, broadcast with the bounds.

    Raises:
        ArgumentError: `minval` exceeds `maxval`.

    Examples:
        >>> from sporax import ops
        >>> draw = ops.uniform((100,), 2.0, 3.0)
        >>> bool((draw >= 2).all() and (draw < 3).all())
        True

    Source: `ops.uniform` of MindSpore.
    """
    if isinstance(minval, (int, float)) and isinstance(maxval, (int, float)) and minval > maxval:
        raise ArgumentError(f"ops.uniform: `minval` must not exceed `maxval`, but got {minval} and {maxval}.")
    wanted = numpy_dtype(dtype)
    low, high = (jnp.asarray(bound, wanted) for bound in (minval, maxval))
    sizes = np.broadcast_shapes(as_shape(shape, where="uniform"), low.shape, high.shape)
    key = seeded_key(seed, "uniform")
    if wanted.kind in "iu":
        return jax.random.randint(key, sizes, low, high, wanted)
    return jax.random.uniform(key, sizes, wanted, low, high)


@op
def gamma(shape: Any, alpha: Any, beta: Any, seed: int | None = None) -> Array:
    r"""Numbers drawn from a gamma distribution.

    .. math:: p(x) = \frac{\beta^\alpha}{\Gamma(\alpha)} x^{\alpha - 1} e^{-\beta x}

    Args:
        shape: tuple of ints.
        alpha: number or Tensor α > 0, the shape.
        beta: number or Tensor β > 0, the rate.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of `shape`, broadcast with the parameters.

    Examples:
        >>> from sporax import ops
        >>> bool((ops.gamma((5,), 2.0, 1.0) > 0).all())
        True

    Source: `ops.gamma` of MindSpore.
    """
    sizes, (a, b), dtype = _parameters("gamma", shape, alpha, beta)
    return jax.random.gamma(seeded_key(seed, "gamma"), a, sizes, dtype) / b


@op
def random_gamma(shape: Any, alpha: Any, seed: int | None = None) -> Array:
    r"""Numbers drawn from gamma distributions of rate 1, `shape` of them for each α.

    Args:
        shape: tuple of ints, or an integer Tensor.
        alpha: Tensor of α > 0.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of shape `shape + alpha.shape`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.random_gamma((3,), Tensor([0.5, 2.0])).shape
        (3, 2)

    Source: `ops.random_gamma` of MindSpore.
    """
    a = as_floating(alpha)
    sizes = as_shape(shape, where="random_gamma") + a.shape
    return jax.random.gamma(seeded_key(seed, "random_gamma"), a, sizes, a.dtype)


@op
def random_poisson(shape: Any, rate: Any, seed: int | None = None, dtype: Any = np.float32) -> Array:
    r"""Counts drawn from Poisson distributions, `shape` of them for each rate.

    .. math:: P(k) = \lambda^k e^{-\lambda} / k!

    Args:
        shape: tuple of ints, or an integer Tensor.
        rate: Tensor of λ ≥ 0.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.
        dtype: the dtype.

    Returns:
        Tensor of shape `shape + rate.shape`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.random_poisson((3,), Tensor([0.5, 2.0])).shape
        (3, 2)

    Source: `ops.random_poisson` of MindSpore.
    """
    lam = as_floating(rate)
    sizes = as_shape(shape, where="random_poisson") + lam.shape
    return jax.random.poisson(seeded_key(seed, "random_poisson"), lam, sizes).astype(numpy_dtype(dtype))


@op
def poisson(shape: Any, mean: Any, seed: int | None = None) -> Array:
    r"""Counts drawn from a Poisson distribution.

    .. math:: P(k) = \mu^k e^{-\mu} / k!

    Args:
        shape: tuple of ints.
        mean: Tensor of μ ≥ 0.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of `shape`, broadcast with the mean, of its dtype.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.poisson((2,), Tensor([0.0])))
        [0. 0.]

    Source: `ops.poisson` of MindSpore.
    """
    sizes, (mu,), dtype = _parameters("poisson", shape, mean)
    return jax.random.poisson(seeded_key(seed, "poisson"), mu, sizes).astype(dtype)


@op
def laplace(shape: Any, mean: Any, lambda_param: Any, seed: int | None = None) -> Array:
    r"""Numbers drawn from a Laplace distribution.

    .. math:: p(x) = \frac{1}{2 \lambda} e^{-|x - \mu| / \lambda}

    Args:
        shape: tuple of ints.
        mean: number or Tensor μ.
        lambda_param: number or Tensor λ > 0.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of `shape`, broadcast with the parameters.

    Examples:
        >>> from sporax import ops
        >>> print(ops.laplace((2,), 3.0, 0.0))
        [3. 3.]

    Source: `ops.laplace` of MindSpore.
    """
    sizes, (mu, scale), dtype = _parameters("laplace", shape, mean, lambda_param)
    return mu + scale * jax.random.laplace(seeded_key(seed, "laplace"), sizes, dtype)


@op
def standard_laplace(shape: Any, seed: int | None = None) -> Array:
    """Numbers drawn from the Laplace distribution of mean 0 and scale 1.

    Args:
        shape: tuple of ints.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        float32 Tensor of that shape.

    Examples:
        >>> from sporax import ops
        >>> ops.standard_laplace((2, 3)).shape
        (2, 3)

    Source: `ops.standard_laplace` of MindSpore.
    """
    sizes = as_shape(shape, where="standard_laplace")
    return jax.random.laplace(seeded_key(seed, "standard_laplace"), sizes, FLOAT32)


def _standard_normal_primitive(shape: Any, seed: int = 0, seed2: int = 0) -> Array:
    """Numbers drawn from the standard normal distribution."""
    key = seeds_key(seed, seed2, "StandardNormal")
    return jax.random.normal(key, as_shape(shape, where="StandardNormal"), FLOAT32)


def _standard_laplace_primitive(shape: Any, seed: int = 0, seed2: int = 0) -> Array:
    """Numbers drawn from the Laplace distribution of mean 0 and scale 1."""
    key = seeds_key(seed, seed2, "StandardLaplace")
    return jax.random.laplace(key, as_shape(shape, where="StandardLaplace"), FLOAT32)


def _uniform_real(shape: Any, seed: int = 0, seed2: int = 0) -> Array:
    """Numbers drawn uniformly from [0, 1)."""
    key = seeds_key(seed, seed2, "UniformReal")
    return jax.random.uniform(key, as_shape(shape, where="UniformReal"), FLOAT32)


def _uniform_int(shape: Any, minval: Any, maxval: Any, seed: int = 0, seed2: int = 0) -> Array:
    """Whole numbers drawn uniformly from [minval, maxval), as int32."""
    key = seeds_key(seed, seed2, "UniformInt")
    return jax.random.randint(key, as_shape(shape, where="UniformInt"), minval, maxval, np.int32)


def _gamma_primitive(shape: Any, alpha: Any, beta: Any, seed: int = 0, seed2: int = 0) -> Array:
    """Numbers drawn from a gamma distribution of shape alpha and rate beta."""
    sizes, (a, b), dtype = _parameters("Gamma", shape, alpha, beta)
    return jax.random.gamma(seeds_key(seed, seed2, "Gamma"), a, sizes, dtype) / b


def _poisson_primitive(shape: Any, mean: Any, seed: int = 0, seed2: int = 0) -> Array:
    """Counts drawn from a Poisson distribution, as int32."""
    sizes, (mu,), _ = _parameters("Poisson", shape, mean)
    return jax.random.poisson(seeds_key(seed, seed2, "Poisson"), mu, sizes).astype(np.int32)


StandardNormal = random_primitive("StandardNormal", lifted(_standard_normal_primitive), SEEDS, seed=0, seed2=0)
StandardLaplace = random_primitive("StandardLaplace", lifted(_standard_laplace_primitive), SEEDS, seed=0, seed2=0)
UniformReal = random_primitive("UniformReal", lifted(_uniform_real), SEEDS, seed=0, seed2=0)
UniformInt = random_primitive("UniformInt", lifted(_uniform_int), SEEDS, seed=0, seed2=0)
Gamma = random_primitive("Gamma", lifted(_gamma_primitive), SEEDS, seed=0, seed2=0)
Poisson = random_primitive("Poisson", lifted(_poisson_primitive), SEEDS, seed=0, seed2=0)
