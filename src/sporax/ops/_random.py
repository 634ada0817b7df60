"""Random draws.

Each moves the state of a generator on, which is a Parameter, so that drawing works under jit, vmap and grad. As in
MindSpore, a draw with a `seed` is another one at each call, as masks and noise in training must be: the seed and
`set_seed` decide the sequence, which is the same in every run of a program.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax.core import Generator, next_key, seeded_generator
from sporax.ops._args import (
    Array,
    as_array,
    as_floating,
    as_shape,
    check_broadcast,
    is_floating,
    numpy_dtype,
    whole,
)
from sporax.ops._base import lifted, op, primitive, random_primitive

FLOAT32 = np.dtype(np.float32)

SEEDS = ("seed", "seed2")
"""What the seeds of most class forms are called."""


def seeded_key(seed: Any, where: str) -> Any:
    """A fresh key: of the default generator, or, with a seed, of the stream of draws that have one."""
    if seed is None:
        return next_key()
    return jax.random.fold_in(next_key(seeded_generator), _whole_seed(seed, where) % 2**32)


def _whole_seed(seed: Any, where: str) -> int:
    return _check.integer(whole(seed, where=where, name="seed"), name="seed", where=f"ops.{where}", minimum=0)


def seeds_key(seed: int | Generator, seed2: int, where: str) -> Any:
    """As MindSpore's primitives have it: two zeros stand for no seed. A primitive with a seed gives its Generator."""
    if isinstance(seed, Generator):
        return next_key(seed)
    return next_key() if not seed and not seed2 else jax.random.fold_in(jax.random.key(_whole_seed(seed, where)), seed2)


def _sizes(size: tuple[Any, ...], where: str) -> tuple[int, ...]:
    given = size[0] if len(size) == 1 else size
    return as_shape(given, where=where, name="size")


@op
def rand(*size: Any, dtype: Any = None, seed: int | None = None) -> Array:
    """Numbers drawn uniformly from [0, 1).

    Args:
        size: the shape, as ints or one tuple.
        dtype: a float dtype. Default: float32.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of that shape.

    Raises:
        ArgumentError: a negative size or seed.

    Examples:
        >>> from sporax import ops
        >>> ops.rand(2, 3).shape
        (2, 3)

    Source: `ops.rand` of MindSpore.
    """
    return jax.random.uniform(seeded_key(seed, "rand"), _sizes(size, "rand"), numpy_dtype(dtype, FLOAT32))


@op
def randn(*size: Any, dtype: Any = None, seed: int | None = None) -> Array:
    """Numbers drawn from the standard normal distribution.

    Args:
        size: the shape, as ints or one tuple.
        dtype: a float dtype. Default: float32.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of that shape.

    Raises:
        ArgumentError: a negative size or seed.

    Examples:
        >>> from sporax import ops
        >>> ops.randn(2, 3).shape
        (2, 3)

    Source: `ops.randn` of MindSpore.
    """
    return jax.random.normal(seeded_key(seed, "randn"), _sizes(size, "randn"), numpy_dtype(dtype, FLOAT32))


@op
def rand_like(input: Array, seed: int | None = None, *, dtype: Any = None) -> Array:
    """Numbers drawn uniformly from [0, 1), in the shape of another Tensor.

    Args:
        input: Tensor of any shape.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.
        dtype: a float dtype. Default: that of the Tensor, float32 for integers.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.rand_like(Tensor([1.0, 2.0])).shape
        (2,)

    Source: `ops.rand_like` of MindSpore.
    """
    array = as_floating(input)
    return jax.random.uniform(seeded_key(seed, "rand_like"), array.shape, numpy_dtype(dtype, array.dtype))


@op
def randn_like(input: Array, seed: int | None = None, *, dtype: Any = None) -> Array:
    """Numbers drawn from the standard normal distribution, in the shape of another Tensor.

    Args:
        input: Tensor of any shape.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.
        dtype: a float dtype. Default: that of the Tensor, float32 for integers.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.randn_like(Tensor([1.0, 2.0])).shape
        (2,)

    Source: `ops.randn_like` of MindSpore.
    """
    array = as_floating(input)
    return jax.random.normal(seeded_key(seed, "randn_like"), array.shape, numpy_dtype(dtype, array.dtype))


def _integers(key: Any, shape: tuple[int, ...], low: Any, high: Any, dtype: Any, where: str) -> Array:
    if isinstance(low, int) and isinstance(high, int) and low >= high:
        raise ArgumentError(f"ops.{where}: `low` must be below `high`, but got {low} and {high}.")
    wanted = numpy_dtype(dtype, np.dtype(np.int64))
    drawn = wanted if wanted.kind in "iu" else np.dtype(np.int64)
    return jax.random.randint(key, shape, low, high, drawn).astype(wanted)


@op
def randint(low: int, high: int, size: Any, seed: int | None = None, *, dtype: Any = None) -> Array:
    """Whole numbers drawn uniformly from [low, high).

    Args:
        low: the least.
        high: the bound, itself left out.
        size: the shape.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.
        dtype: the dtype. Default: int64.

    Returns:
        Tensor of that shape.

    Raises:
        ArgumentError: `low` is not below `high`.

    Examples:
        >>> from sporax import ops
        >>> print(ops.randint(3, 4, (2,)))
        [3 3]

    Source: `ops.randint` of MindSpore.
    """
    shape = as_shape(size, where="randint", name="size")
    return _integers(seeded_key(seed, "randint"), shape, low, high, dtype, "randint")


@op
def randint_like(input: Array, low: int, high: int, seed: int | None = None, *, dtype: Any = None) -> Array:
    """Whole numbers drawn uniformly from [low, high), in the shape of another Tensor.

    Args:
        input: Tensor of any shape.
        low: the least.
        high: the bound, itself left out.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.
        dtype: the dtype. Default: that of the Tensor.

    Returns:
        Tensor of the same shape.

    Raises:
        ArgumentError: `low` is not below `high`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.randint_like(Tensor([1, 2]), 3, 4))
        [3 3]

    Source: `ops.randint_like` of MindSpore.
    """
    array = as_array(input)
    wanted = array.dtype if dtype is None else dtype
    return _integers(seeded_key(seed, "randint_like"), array.shape, low, high, wanted, "randint_like")


@op
def randperm(n: int, seed: int = 0, offset: int = 0, dtype: Any = np.int64) -> Array:
    """The whole numbers from 0 to n - 1 in random order.

    Args:
        n: how many.
        seed: not 0 for the same draw each time.
        offset: further names that draw.
        dtype: the dtype.

    Returns:
        Tensor of shape (n,).

    Raises:
        ArgumentError: `n` is negative.

    Examples:
        >>> from sporax import ops
        >>> sorted(ops.randperm(3).tolist())
        [0, 1, 2]

    Source: `ops.randperm` of MindSpore.
    """
    count = _check.integer(whole(n, where="randperm", name="n"), name="n", where="ops.randperm", minimum=0)
    key = seeds_key(seed, offset, "randperm")
    return jax.random.permutation(key, count).astype(numpy_dtype(dtype))


@op
def shuffle(x: Array, seed: int | None = None) -> Array:
    """The rows in random order.

    Args:
        x: Tensor of any shape.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of the same shape; whole slices of the first axis move.

    Examples:
        >>> from sporax import ops, Tensor
        >>> sorted(ops.shuffle(Tensor([3, 1, 2])).tolist())
        [1, 2, 3]

    Source: `ops.shuffle` of MindSpore.
    """
    array = as_array(x)
    return jax.random.permutation(seeded_key(seed, "shuffle"), array) if array.ndim else array


@op
def bernoulli(input: Array, p: Any = 0.5, seed: int | None = None) -> Array:
    """Ones with a stated probability, zeros else, in the shape of another Tensor.

    Args:
        input: Tensor that gives shape and dtype.
        p: the probability of a one: a number in [0, 1], or a Tensor that broadcasts to that shape.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ArgumentError: `p` is outside [0, 1].

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.bernoulli(Tensor([0.0, 0.0]), p=Tensor([1.0, 0.0])))
        [1. 0.]

    Source: `ops.bernoulli` of MindSpore.
    """
    array = as_array(input)
    if isinstance(p, (int, float)):
        _check.number(p, name="p", where="ops.bernoulli", minimum=0, maximum=1)
    else:
        check_broadcast("bernoulli", array, p)
    key = next_key() if seed is None or seed == -1 else seeded_key(seed, "bernoulli")
    return jax.random.bernoulli(key, p, array.shape).astype(array.dtype)


@op(method=True)
def multinomial(input: Array, num_samples: int, replacement: bool = True, seed: int | None = None) -> Array:
    """Numbers of classes drawn with stated weights.

    Args:
        input: Tensor of weights ≥ 0 of shape (C,) or (N, C); they need not sum to 1.
        num_samples: how many for each row.
        replacement: whether a class may be drawn twice.
        seed: a whole number ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.

    Returns:
        int32 Tensor of shape (num_samples,) or (N, num_samples).

    Raises:
        ArgumentError: more samples than classes without replacement.
        ShapeError: not one or two axes.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.multinomial(Tensor([0.0, 1.0]), 3))
        [1 1 1]

    Source: `ops.multinomial` of MindSpore.
    """
    weights = as_floating(input)
    if weights.ndim not in (1, 2):
        raise ShapeError(f"ops.multinomial: `input` must have 1 or 2 axes, but its shape is {weights.shape}.")
    count = _check.integer(num_samples, name="num_samples", where="ops.multinomial", minimum=1)
    if not replacement and count > weights.shape[-1]:
        raise ArgumentError(
            f"ops.multinomial: {count} samples without replacement need at least as many classes, "
            f"but `input` has shape {weights.shape}."
        )
    return _categories(seeded_key(seed, "multinomial"), jnp.log(weights), count, replacement, np.dtype(np.int32))


def _categories(key: Any, logits: Array, count: int, replacement: bool, dtype: Any) -> Array:
    if replacement:
        shape = (*logits.shape[:-1], count)
        drawn = jax.random.categorical(key, jnp.expand_dims(logits, -2), axis=-1, shape=shape)
    else:
        # Gumbel top-k: the largest perturbed logits are a draw without replacement.
        drawn = jnp.argsort(-(logits + jax.random.gumbel(key, logits.shape, logits.dtype)), axis=-1)[..., :count]
    return drawn.astype(dtype)


@op(method=True)
def random_categorical(logits: Array, num_sample: int, seed: int = 0, dtype: Any = np.int64) -> Array:
    """Numbers of classes drawn from categorical distributions, with replacement.

    Args:
        logits: Tensor of shape (N, C): logarithms of probabilities, not normalised.
        num_sample: how many for each row.
        seed: not 0 for the same draw each time.
        dtype: the dtype.

    Returns:
        Tensor of shape (N, num_sample).

    Raises:
        ShapeError: not two axes.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.random_categorical(Tensor([[0.0, 100.0]]), 3))
        [[1 1 1]]

    Source: `ops.random_categorical` of MindSpore.
    """
    x = as_floating(logits)
    if x.ndim != 2:
        raise ShapeError(f"ops.random_categorical: `logits` must have 2 axes, but its shape is {x.shape}.")
    count = whole(num_sample, where="random_categorical", name="num_sample")
    return _categories(seeds_key(seed, 0, "random_categorical"), x, count, True, numpy_dtype(dtype))


def _bernoulli_of(p: Array, generator: Generator | None = None) -> Array:
    chances = as_floating(p)
    return jax.random.bernoulli(next_key(generator), chances).astype(chances.dtype)


def _uniform_like(x: Array, low: float, high: float, generator: Generator | None = None) -> Array:
    array = as_array(x)
    dtype = array.dtype if is_floating(array) else FLOAT32
    return jax.random.uniform(next_key(generator), array.shape, dtype, low, high).astype(array.dtype)


bernoulli_of = lifted(_bernoulli_of)
uniform_like = lifted(_uniform_like)
"""What `Tensor.bernoulli` and `Tensor.uniform` compute."""


# --- class forms: hyper-parameters seed and seed2, two zeros for none ---


def _multinomial_primitive(x: Array, num_samples: int, seed: int = 0, seed2: int = 0, dtype: Any = np.int32) -> Array:
    """Numbers of classes drawn with stated weights, with replacement."""
    key = seeds_key(seed, seed2, "Multinomial")
    count = whole(num_samples, where="Multinomial", name="num_samples")
    return _categories(key, jnp.log(as_floating(x)), count, True, numpy_dtype(dtype))


def _random_categorical_primitive(logits: Array, num_sample: int, seed: int = 0, dtype: Any = np.int64) -> Array:
    """Numbers of classes drawn from categorical distributions, with replacement."""
    count = whole(num_sample, where="RandomCategorical", name="num_sample")
    return _categories(seeds_key(seed, 0, "RandomCategorical"), as_floating(logits), count, True, numpy_dtype(dtype))


def _random_shuffle(x: Array, seed: int = 0, seed2: int = 0) -> Array:
    """The rows in random order."""
    return jax.random.permutation(seeds_key(seed, seed2, "RandomShuffle"), as_array(x))


def _bernoulli_primitive(x: Array, p: Any, seed: int | Generator = -1, offset: int = 0) -> Array:
    """Ones with probability p, zeros else, in the shape of x."""
    array = as_array(x)
    key = next_key() if seed == -1 else seeds_key(seed, offset, "Bernoulli")
    return jax.random.bernoulli(key, p, array.shape).astype(array.dtype)


Multinomial = random_primitive("Multinomial", lifted(_multinomial_primitive), SEEDS, seed=0, seed2=0, dtype=np.int32)
RandomCategorical = primitive("RandomCategorical", lifted(_random_categorical_primitive), dtype=np.int64)
RandomShuffle = random_primitive("RandomShuffle", lifted(_random_shuffle), SEEDS, seed=0, seed2=0)
Bernoulli = random_primitive("Bernoulli", lifted(_bernoulli_primitive), ("seed", "offset"), seed=-1, offset=0)
