"""Random draws: uniform and normal numbers, integers, permutations, Bernoulli and categorical draws.

Each kernel takes a JAX key. The conversion of its arguments draws the key from a Generator, whose state is a Parameter,
so that drawing works under jit, vmap and grad. As in MindSpore, a draw with a `seed` differs from call to call, as
masks and noise in training must: the seed and `set_seed` decide the sequence, which is the same in every run of a
program.
"""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax.ops import _args
from sporax.ops._kinds import (
    Array,
    DType,
    Flag,
    FloatDType,
    Floating,
    Integer,
    Key,
    KeyOfGenerator,
    Operand,
    RepeatableKey,
    Shape,
    integer_kind,
    key_kind,
    plain,
    static_kind,
)
from sporax.ops._op import op, signature

Sizes = Annotated[
    tuple[int, ...],
    static_kind(
        lambda value, _, where, name: _args.as_shape(
            plain(value[0] if len(value) == 1 else value), where=where, name=name
        ),
        "the shape, as ints or one tuple.",
        "int | Sequence[int] | Tensor",
        "ArgumentError: a negative size.",
    ),
]
KeyUnlessMinusOne = Annotated[jax.Array, key_kind(no_seed=-1)]


@op("ops.rand(*size, dtype=None, seed=None)")
def rand(size: Sizes, dtype: FloatDType, key: Key) -> jax.Array:
    """Numbers drawn uniformly from [0, 1).

    Returns:
        Tensor of that shape.

    Examples:
        >>> ops.rand(2, 3).shape
        (2, 3)
    """
    return jax.random.uniform(key, size, dtype)


@op("ops.UniformReal(seed=0, seed2=0)(shape)")
def _uniform_real(shape: Shape, key: Key) -> jax.Array:
    """Numbers drawn uniformly from [0, 1)."""
    return jax.random.uniform(key, shape, np.float32)


@op("ops.randn(*size, dtype=None, seed=None)")
def randn(size: Sizes, dtype: FloatDType, key: Key) -> jax.Array:
    """Numbers drawn from the standard normal distribution.

    Returns:
        Tensor of that shape.

    Examples:
        >>> ops.randn(2, 3).shape
        (2, 3)
    """
    return jax.random.normal(key, size, dtype)


@op("ops.rand_like(input, seed=None, *, dtype=None)")
def rand_like(x: Floating, key: Key, dtype: DType) -> jax.Array:
    """Numbers drawn uniformly from [0, 1), in the shape of another Tensor.

    Args:
        x: Tensor of any shape.
        dtype: a float dtype. Default: that of the Tensor, float32 for integers.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> ops.rand_like(Tensor([1.0, 2.0])).shape
        (2,)
    """
    return jax.random.uniform(key, x.shape, dtype or x.dtype)


@op("ops.randn_like(input, seed=None, *, dtype=None)")
def randn_like(x: Floating, key: Key, dtype: DType) -> jax.Array:
    """Numbers drawn from the standard normal distribution, in the shape of another Tensor.

    Args:
        x: Tensor of any shape.
        dtype: a float dtype. Default: that of the Tensor, float32 for integers.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> ops.randn_like(Tensor([1.0, 2.0])).shape
        (2,)
    """
    return jax.random.normal(key, x.shape, dtype or x.dtype)


@op("Tensor.uniform(self, from_=0.0, to=1.0, generator=None)")
def _uniform_like(x: Array, from_: Operand, to: Operand, key: KeyOfGenerator) -> jax.Array:
    """Numbers drawn uniformly from [from_, to), in the shape and dtype of the Tensor.

    Args:
        from_: number: the minimum.
        to: number: the bound, not included.
    """
    dtype = x.dtype if _args.is_floating(x) else np.float32
    return jax.random.uniform(key, x.shape, dtype, from_, to).astype(x.dtype)


def _integers(key: Any, shape: tuple[int, ...], low: Any, high: Any, dtype: Any, where: str) -> jax.Array:
    if isinstance(low, int) and isinstance(high, int) and low >= high:
        raise ArgumentError(f"ops.{where}: `low` must be below `high`, but got {low} and {high}.")
    drawn = dtype if dtype.kind in "iu" else np.dtype(np.int64)
    return jax.random.randint(key, shape, low, high, drawn).astype(dtype)


@op("ops.randint(low, high, size, seed=None, *, dtype=None)")
def randint(low: Operand, high: Operand, size: Shape, key: Key, dtype: DType) -> jax.Array:
    """Integers drawn uniformly from [low, high).

    Args:
        low: the minimum.
        high: the bound, not included.
        size: the shape.
        dtype: the dtype. Default: int64.

    Returns:
        Tensor of that shape.

    Raises:
        ArgumentError: `low` is not below `high`.

    Examples:
        >>> print(ops.randint(3, 4, (2,)))
        [3 3]
    """
    return _integers(key, size, low, high, dtype or np.dtype(np.int64), "randint")


@op("ops.randint_like(input, low, high, seed=None, *, dtype=None)")
def randint_like(x: Array, low: Operand, high: Operand, key: Key, dtype: DType) -> jax.Array:
    """Integers drawn uniformly from [low, high), in the shape of another Tensor.

    Args:
        low: the minimum.
        high: the bound, not included.

    Returns:
        Tensor of the same shape.

    Raises:
        ArgumentError: `low` is not below `high`.

    Examples:
        >>> print(ops.randint_like(Tensor([1, 2]), 3, 4))
        [3 3]
    """
    return _integers(key, x.shape, low, high, dtype or x.dtype, "randint_like")


@op("ops.UniformInt(seed=0, seed2=0)(shape, minval, maxval)")
def _uniform_int(shape: Shape, minval: Operand, maxval: Operand, key: Key) -> jax.Array:
    """Integers drawn uniformly from [minval, maxval), as int32.

    Args:
        minval: the minimum.
        maxval: the bound, not included.
    """
    return jax.random.randint(key, shape, minval, maxval, np.int32)


@op(signature("ops.randperm(n, seed=0, offset=0, dtype=np.int64)", rename={"offset": "key"}))
def randperm(
    n: Annotated[int, integer_kind(0, "the number of integers.")], key: RepeatableKey, dtype: DType
) -> jax.Array:
    """The integers from 0 to n - 1 in random order.

    Args:
        offset: int: a second seed.
        dtype: the dtype.

    Returns:
        Tensor of shape (n,).

    Examples:
        >>> sorted(ops.randperm(3).tolist())
        [0, 1, 2]
    """
    return jax.random.permutation(key, n).astype(dtype)


@op("ops.shuffle(x, seed=None)", "ops.RandomShuffle(seed=0, seed2=0)(x)")
def shuffle(x: Array, key: Key) -> jax.Array:
    """Slices along the first axis in random order.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> sorted(ops.shuffle(Tensor([3, 1, 2])).tolist())
        [1, 2, 3]
    """
    return jax.random.permutation(key, x) if x.ndim else x


@op(
    "ops.bernoulli(input, p=0.5, seed=None)",
    signature("ops.Bernoulli(seed=-1, offset=0)(x, p)", rename={"offset": "key"}),
)
def bernoulli(x: Array, p: Operand, key: KeyUnlessMinusOne) -> jax.Array:
    """Bernoulli draws, 1 with probability p and else 0, in the shape of another Tensor.

    Args:
        x: Tensor of the shape and dtype of the result.
        p: the probability of 1: a number in [0, 1], or a Tensor that broadcasts to that shape.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ArgumentError: `p` is outside [0, 1].

    Examples:
        >>> print(ops.bernoulli(Tensor([0.0, 0.0]), p=Tensor([1.0, 0.0])))
        [1. 0.]
    """
    if isinstance(p, (int, float)):
        _check.number(p, name="p", where="ops.bernoulli", minimum=0, maximum=1)
    else:
        _args.check_broadcast("bernoulli", x, p)
    return jax.random.bernoulli(key, p, x.shape).astype(x.dtype)


@op("Tensor.bernoulli(self, *, generator=None)")
def _bernoulli_of_tensor(x: Floating, key: KeyOfGenerator) -> jax.Array:
    """Bernoulli draws: 1 with the probabilities in the Tensor, else 0."""
    return jax.random.bernoulli(key, x).astype(x.dtype)


def _categories(key: Any, logits: Any, count: int, replacement: bool, dtype: Any) -> jax.Array:
    if replacement:
        shape = (*logits.shape[:-1], count)
        drawn = jax.random.categorical(key, jnp.expand_dims(logits, -2), axis=-1, shape=shape)
    else:
        # Gumbel top-k: the largest perturbed logits are a draw without replacement.
        drawn = jnp.argsort(-(logits + jax.random.gumbel(key, logits.shape, logits.dtype)), axis=-1)[..., :count]
    return drawn.astype(dtype)


@op(
    signature("ops.multinomial(input, num_samples, replacement=True, seed=None)", dtype=np.int32),
    signature("Tensor.multinomial(self, num_samples, replacement=True, seed=None)", dtype=np.int32),
    signature("ops.Multinomial(seed=0, seed2=0, dtype=np.int32)(x, num_samples)", replacement=True),
)
def multinomial(
    x: Floating,
    num_samples: Annotated[int, integer_kind(1, "the number of draws of each row.")],
    replacement: Flag,
    key: Key,
    dtype: DType,
) -> jax.Array:
    """Class indices drawn with given weights.

    Args:
        x: Tensor of weights ≥ 0 of shape (C,) or (N, C); they need not sum to 1.
        replacement: whether a class may be drawn twice.
        dtype: the dtype.

    Returns:
        int32 Tensor of shape (num_samples,) or (N, num_samples).

    Raises:
        ArgumentError: more samples than classes without replacement.
        ShapeError: not one or two axes.

    Examples:
        >>> print(ops.multinomial(Tensor([0.0, 1.0]), 3))
        [1 1 1]
    """
    if x.ndim not in (1, 2):
        raise ShapeError(f"ops.multinomial: `input` must have 1 or 2 axes, but its shape is {x.shape}.")
    if not replacement and num_samples > x.shape[-1]:
        raise ArgumentError(
            f"ops.multinomial: {num_samples} samples without replacement need at least as many classes, "
            f"but `input` has shape {x.shape}."
        )
    return _categories(key, jnp.log(x), num_samples, replacement, dtype)


@op(
    "ops.random_categorical(logits, num_sample, seed=0, dtype=np.int64)",
    signature("Tensor.random_categorical(self, num_sample, seed=0, dtype=np.int64)", rename={"self": "logits"}),
    "ops.RandomCategorical(dtype=np.int64)(logits, num_sample, seed=0)",
)
def random_categorical(logits: Floating, num_sample: Integer, key: RepeatableKey, dtype: DType) -> jax.Array:
    """Class indices drawn from categorical distributions, with replacement.

    Args:
        logits: Tensor of shape (N, C): logarithms of probabilities, not necessarily normalized.
        num_sample: the number of draws of each row.
        dtype: the dtype.

    Returns:
        Tensor of shape (N, num_sample).

    Raises:
        ShapeError: not two axes.

    Examples:
        >>> print(ops.random_categorical(Tensor([[0.0, 100.0]]), 3))
        [[1 1 1]]
    """
    if logits.ndim != 2:
        raise ShapeError(f"ops.random_categorical: `logits` must have 2 axes, but its shape is {logits.shape}.")
    return _categories(key, logits, num_sample, True, dtype)
