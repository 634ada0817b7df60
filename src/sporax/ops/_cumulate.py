"""Cumulative sums, products and extrema along an axis; differences and the trapezoidal rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.ops._kinds import (
    Array,
    Axis,
    DType,
    Floating,
    Integer,
    Operand,
    OptionalArray,
    OptionalAxis,
    Ordered,
    static_kind,
)
from sporax.ops._op import op

Exclusive = Annotated[
    bool, static_kind(lambda value, *_: bool(value), "whether each result excludes the element itself.", "bool")
]
Reverse = Annotated[
    bool, static_kind(lambda value, *_: bool(value), "whether to accumulate from the end of the axis.", "bool")
]


def _cumulated(function: Callable[..., Any], x: Any, axis: int, dtype: Any) -> jax.Array:
    return function(x, axis=axis if x.shape else None, dtype=dtype).reshape(x.shape)


@op("ops.cumsum(x, axis, dtype=None)")
def cumsum(x: Array, axis: Axis, dtype: DType = None) -> jax.Array:
    r"""Cumulative sum along an axis.

    .. math:: y_i = \sum_{j \le i} x_j

    Args:
        dtype: the dtype of the sum. Default: the Tensor's own; int64 for bools.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> print(ops.cumsum(Tensor([1.0, 2.0, 4.0]), 0))
        [1. 3. 7.]
    """
    return _cumulated(jnp.cumsum, x, axis, dtype or (np.dtype(np.int64) if x.dtype.kind == "b" else x.dtype))


@op("Tensor.cumsum(self, axis=None, dtype=None)")
def _cumsum_of_tensor(x: Array, axis: OptionalAxis, dtype: DType) -> jax.Array:
    """Cumulative sum along an axis, or over the flattened Tensor.

    Args:
        dtype: the dtype of the sum. Default: the Tensor's own, and int32 for bool, int8, int16 and uint8, where
            `ops.cumsum` keeps the dtype.

    Returns:
        Tensor of the same shape, or of one axis.
    """
    if dtype is None:
        dtype = np.dtype(np.int32) if x.dtype.name in ("bool", "int8", "int16", "uint8") else x.dtype
    return jnp.cumsum(x.reshape(-1), dtype=dtype) if axis is None else _cumulated(jnp.cumsum, x, axis, dtype)


@op(
    "ops.cumprod(input, dim, dtype=None)",
    "mint.cumprod(input, dim, dtype=None)",
    "Tensor.cumprod(self, dim, dtype=None)",
)
def cumprod(x: Array, axis: Axis, dtype: DType) -> jax.Array:
    r"""Cumulative product along an axis.

    .. math:: y_i = \prod_{j \le i} x_j

    Args:
        dtype: the dtype of the product. Default: the Tensor's own; int64 for bools and integers of up to 32 bits.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> print(ops.cumprod(Tensor([1.0, 2.0, 4.0]), 0))
        [1. 2. 8.]
    """
    wide = x.dtype.kind in "biu" and x.dtype.itemsize < 8
    return _cumulated(jnp.cumprod, x, axis, dtype or (np.dtype(np.int64) if wide else x.dtype))


def _extrema(x: Any, axis: int, maximum: bool, index_dtype: Any) -> tuple[jax.Array, jax.Array]:
    if not x.shape:
        return x, jnp.zeros((), index_dtype)
    index = _extremum_index(jax.lax.stop_gradient(x), axis, maximum).astype(index_dtype)
    return jnp.take_along_axis(x, index, axis=axis), index


def _extremum_index(x: Any, axis: int, maximum: bool) -> jax.Array:
    """Index of the cumulative extremum: of equal elements, or of NaNs, the last one so far."""
    nan = jnp.isnan(x)
    after_nan = jax.lax.cummax(nan.astype(np.int32), axis=axis) > 0
    extremum = jax.lax.cummax(x, axis=axis) if maximum else jax.lax.cummin(x, axis=axis)
    hit = jnp.where(after_nan, nan, x == extremum)
    return jax.lax.cummax(jnp.where(hit, jax.lax.broadcasted_iota(np.int32, x.shape, axis), 0), axis=axis)


@op("ops.cummax(input, axis)", "Tensor.cummax(self, axis)", "ops.Cummax(axis=REQUIRED)(input)")
def cummax(x: Ordered, axis: Axis) -> tuple[jax.Array, jax.Array]:
    r"""Cumulative maximum along an axis, and its index.

    .. math:: y_i = \max_{j \le i} x_j

    Returns:
        (values, int64 indices), of the same shape; of equal elements the last. NaN propagates.

    Examples:
        >>> values, indices = ops.cummax(Tensor([1.0, 3.0, 2.0, 4.0]), 0)
        >>> print(values, indices)
        [1. 3. 3. 4.] [0 1 1 3]
    """
    return _extrema(x, axis, True, np.int64)


@op("ops.cummin(input, axis)", "Tensor.cummin(self, axis)", "ops.Cummin(axis=REQUIRED)(input)")
def cummin(x: Ordered, axis: Axis) -> tuple[jax.Array, jax.Array]:
    r"""Cumulative minimum along an axis, and its index.

    .. math:: y_i = \min_{j \le i} x_j

    Returns:
        (values, int32 indices), of the same shape; of equal elements the last. NaN propagates.

    Examples:
        >>> values, indices = ops.cummin(Tensor([4.0, 2.0, 3.0, 1.0]), 0)
        >>> print(values, indices)
        [4. 2. 2. 1.] [0 1 1 3]
    """
    return _extrema(x, axis, False, np.int32)


@op("ops.logcumsumexp(input, axis)", "Tensor.logcumsumexp(self, axis)")
def logcumsumexp(x: Floating, axis: Axis) -> jax.Array:
    r"""Logarithm of the cumulative sum of exponentials, without overflow.

    .. math:: y_i = \ln \sum_{j \le i} e^{x_j}

    Returns:
        Tensor of the same shape; integers give float32.

    Examples:
        >>> print(ops.logcumsumexp(Tensor([0.0, 0.0]), 0).asnumpy().round(4))
        [0.     0.6931]
    """
    return jax.lax.cumlogsumexp(x, axis=axis) if x.shape else x


@op(
    "ops.diff(x, n=1, axis=-1, prepend=None, append=None)",
    "Tensor.diff(self, n=1, axis=-1, prepend=None, append=None)",
)
def diff(x: Array, n: Integer, axis: Axis, prepend: OptionalArray, append: OptionalArray) -> jax.Array:
    r"""Differences of adjacent elements along an axis.

    .. math:: y_i = x_{i + 1} - x_i

    Args:
        x: Tensor of at least one axis.
        n: the number of times that the difference is taken.
        prepend: Tensor to concatenate before `x` first.
        append: Tensor to concatenate after `x` first.

    Returns:
        Tensor, shorter by `n` along the axis.

    Examples:
        >>> print(ops.diff(Tensor([1, 3, 6])))
        [2 3]
    """
    return jnp.diff(x, n, axis, prepend, append)


@op("ops.trapz(y, x=None, *, dx=1.0, dim=-1)")
def trapz(y: Floating, x: OptionalArray, dx: Operand, axis: Axis) -> jax.Array:
    r"""Integral along an axis by the trapezoidal rule.

    .. math:: \sum_i (x_{i+1} - x_i) \, (y_i + y_{i+1}) / 2

    Args:
        y: Tensor of values.
        x: Tensor of the sample points, of one axis or of the shape of `y`. Default: points at distance `dx`.
        dx: number: the distance between the sample points.

    Returns:
        Tensor of the shape without the axis.

    Examples:
        >>> print(ops.trapz(Tensor([1.0, 2.0, 3.0])))
        4.0
    """
    return jnp.trapezoid(y, x, dx=dx, axis=axis)


def _scanned(function: Callable[..., Any], x: Any, axis: int, exclusive: bool, reverse: bool, start: Any) -> jax.Array:
    x = jnp.flip(x, axis) if reverse else x
    if exclusive:
        first = jnp.full_like(jax.lax.slice_in_dim(x, 0, 1, axis=axis), start)
        x = jnp.concatenate([first, jax.lax.slice_in_dim(x, 0, x.shape[axis] - 1, axis=axis)], axis=axis)
    result = function(x, axis)
    return jnp.flip(result, axis) if reverse else result


@op("ops.CumSum(exclusive=False, reverse=False)(x, axis)")
def _cumsum(x: Array, axis: Axis, exclusive: Exclusive, reverse: Reverse) -> jax.Array:
    """Cumulative sum along an axis, in the dtype of the Tensor."""
    return _scanned(lambda a, axis: jnp.cumsum(a, axis, a.dtype), x, axis, exclusive, reverse, 0)


@op("ops.CumProd(exclusive=False, reverse=False)(x, axis)")
def _cumprod(x: Array, axis: Axis, exclusive: Exclusive, reverse: Reverse) -> jax.Array:
    """Cumulative product along an axis, in the dtype of the Tensor."""
    return _scanned(lambda a, axis: jnp.cumprod(a, axis, a.dtype), x, axis, exclusive, reverse, 1)


@op("ops.CumulativeLogsumexp(exclusive=False, reverse=False)(x, axis)")
def _cumulative_logsumexp(x: Floating, axis: Axis, exclusive: Exclusive, reverse: Reverse) -> jax.Array:
    """Logarithm of the cumulative sum of exponentials along an axis."""
    return _scanned(lambda a, axis: jax.lax.cumlogsumexp(a, axis=axis), x, axis, exclusive, reverse, -np.inf)
