"""Variance, order statistics, reductions that ignore NaN, covariance and histograms."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax._value_checks import is_known
from sporax.ops import _args
from sporax.ops._kinds import (
    Array,
    Axes,
    Axis,
    DType,
    Flag,
    Floating,
    KeepDims,
    Operand,
    OptionalArray,
    OptionalAxis,
    Ordered,
    integer_kind,
    plain,
    static_kind,
)
from sporax.ops._op import op, signature

Ddof = Annotated[
    int,
    static_kind(
        lambda value, *_: int(plain(value)), "int: it is subtracted from the number of elements; True is 1.", "int"
    ),
]
Correction = Annotated[
    int, static_kind(lambda value, *_: plain(value), "int c: it is subtracted from the number of observations.", "int")
]
Bins = Annotated[int, integer_kind(1, "the number of intervals.")]


def _variance(x: jax.Array, axis: tuple[int, ...], ddof: int, keepdims: bool) -> jax.Array:
    """The variance, in float32 for half precision, in which a square overflows."""
    return jnp.var(_args.widened(x), axis=axis, ddof=ddof, keepdims=keepdims)


def _deviation(x: jax.Array, axis: tuple[int, ...], ddof: int, keepdims: bool) -> jax.Array:
    return jnp.sqrt(_variance(x, axis, ddof, keepdims)).astype(jnp.real(x).dtype)


@op(
    "ops.var(input, axis=None, ddof=0, keepdims=False)",
    "Tensor.var(self, axis=None, ddof=0, keepdims=False)",
    "Tensor.var(self, dim=None, correction=0, keepdim=False)",
)
def var(x: Floating, axis: Axes, ddof: Ddof, keepdims: KeepDims) -> jax.Array:
    r"""Variance over axes.

    .. math:: \frac{1}{n - \text{ddof}} \sum_i (x_i - \bar x)^2

    Returns:
        Tensor of the shape without the reduced axes; integers give float32.

    Examples:
        >>> print(ops.var(Tensor([1.0, 2.0, 3.0, 6.0])))
        3.5
    """
    return _variance(x, axis, ddof, keepdims).astype(jnp.real(x).dtype)


@op(
    "ops.std(input, axis=None, ddof=0, keepdims=False)",
    "Tensor.std(self, axis=None, ddof=0, keepdims=False)",
    "Tensor.std(self, dim=None, correction=0, keepdim=False)",
)
def std(x: Floating, axis: Axes, ddof: Ddof, keepdims: KeepDims) -> jax.Array:
    r"""Standard deviation over axes: the square root of the variance.

    .. math:: \sqrt{\frac{1}{n - \text{ddof}} \sum_i (x_i - \bar x)^2}

    Returns:
        Tensor of the shape without the reduced axes; integers give float32. Where all elements are equal, the
        gradient is NaN.

    Examples:
        >>> print(ops.std(Tensor([1.0, 3.0, 1.0, 3.0])))
        1.0
    """
    return _deviation(x, axis, ddof, keepdims)


@op("ops.var_mean(input, axis=None, ddof=0, keepdims=False)")
def var_mean(x: Floating, axis: Axes, ddof: Ddof, keepdims: KeepDims) -> tuple[jax.Array, jax.Array]:
    r"""Variance and mean over axes.

    Returns:
        (variance, mean), of the shape without the reduced axes.

    Examples:
        >>> variance, mean = ops.var_mean(Tensor([1.0, 2.0, 3.0, 6.0]))
        >>> print(variance, mean)
        3.5 3.0
    """
    variance = _variance(x, axis, ddof, keepdims).astype(jnp.real(x).dtype)
    return variance, jnp.mean(x, axis=axis, keepdims=keepdims)


@op(
    "ops.std_mean(input, axis=None, ddof=0, keepdims=False)",
    signature("ops.ReduceStd(axis=(), unbiased=True, keep_dims=False)(x)", rename={"unbiased": "ddof"}),
)
def std_mean(x: Floating, axis: Axes, ddof: Ddof, keepdims: KeepDims) -> tuple[jax.Array, jax.Array]:
    r"""Standard deviation and mean over axes.

    Args:
        unbiased: whether to divide by n - 1 instead of n.

    Returns:
        (standard deviation, mean), of the shape without the reduced axes.

    Examples:
        >>> deviation, mean = ops.std_mean(Tensor([1.0, 3.0, 1.0, 3.0]))
        >>> print(deviation, mean)
        1.0 2.0
    """
    return _deviation(x, axis, ddof, keepdims), jnp.mean(x, axis=axis, keepdims=keepdims)


@op(
    "ops.logsumexp(input, dim, keepdim=False)",
    "mint.logsumexp(input, dim, keepdim=False)",
    "Tensor.logsumexp(self, dim, keepdim=False)",
)
def logsumexp(x: Floating, axis: Axes, keepdims: KeepDims) -> jax.Array:
    r"""Logarithm of the sum of exponentials over axes, without overflow.

    .. math:: \ln \sum_i e^{x_i}

    Returns:
        Tensor of the shape without the reduced axes; integers give float32.

    Examples:
        >>> print(ops.logsumexp(Tensor([1000.0, 1000.0]), 0).asnumpy().round(2))
        1000.69
    """
    return jax.nn.logsumexp(x, axis=axis, keepdims=keepdims)


@op("Tensor.ptp(self, axis=None, keepdims=False)")
def _ptp(x: Array, axis: Axes, keepdims: KeepDims) -> jax.Array:
    """Maximum minus minimum over axes."""
    return jnp.max(x, axis=axis, keepdims=keepdims) - jnp.min(x, axis=axis, keepdims=keepdims)


def _median(name: str, x: Any, axis: int, keepdims: bool, ignore_nan: bool) -> tuple[jax.Array, jax.Array]:
    if not x.shape:
        return x, jnp.zeros((), np.int64)
    if not x.shape[axis]:
        raise ArgumentError(f"ops.{name}: axis {axis} of shape {x.shape} is empty.")
    order = jnp.argsort(x, axis=axis, stable=True)
    count = jnp.sum(~jnp.isnan(x), axis=axis, keepdims=True)
    # NaN sorts last. Of an even number of elements the lower of the two middle ones is the median.
    rank = jnp.maximum((count - 1) // 2, 0)
    if not ignore_nan:
        rank = jnp.where(count < x.shape[axis], count, rank)
    index = jnp.take_along_axis(order, rank, axis=axis)
    value = jnp.take_along_axis(x, index, axis=axis)
    if not keepdims:
        value, index = jnp.squeeze(value, axis), jnp.squeeze(index, axis)
    return value, index.astype(np.int64)


@op("ops.median(input, axis=-1, keepdims=False)", "Tensor.median(self, axis=-1, keepdims=False)")
def median(x: Ordered, axis: Axis, keepdims: KeepDims) -> tuple[jax.Array, jax.Array]:
    """Median along an axis, and its index. Of an even number of elements, the lower middle one.

    Returns:
        (values, indices): indices are int64. NaN propagates.

    Raises:
        ArgumentError: the axis is empty.

    Examples:
        >>> value, index = ops.median(Tensor([3.0, 1.0, 2.0, 4.0]))
        >>> print(value, index)
        2.0 2
    """
    return _median("median", x, axis, keepdims, False)


@op("ops.nanmedian(input, axis=-1, keepdims=False)", "Tensor.nanmedian(self, axis=-1, keepdims=False)")
def nanmedian(x: Ordered, axis: Axis, keepdims: KeepDims) -> tuple[jax.Array, jax.Array]:
    """Median along an axis of the elements that are not NaN, and its index.

    Returns:
        (values, indices): indices are int64.

    Raises:
        ArgumentError: the axis is empty.

    Examples:
        >>> value, index = ops.nanmedian(Tensor([3.0, float("nan"), 2.0, 4.0]))
        >>> print(value, index)
        3.0 0
    """
    return _median("nanmedian", x, axis, keepdims, True)


@op("ops.Median(global_median=False, axis=0, keep_dims=False, ignore_nan=False)(x)")
def _median_class(
    x: Ordered, global_median: Flag, axis: Axis, keepdims: KeepDims, ignore_nan: Flag
) -> tuple[jax.Array, jax.Array]:
    """Median along an axis, or of all elements, and its index.

    Args:
        global_median: whether to return the median of all elements; `axis` and `keep_dims` are then ignored.
        ignore_nan: whether NaN is ignored instead of propagated.
    """
    if global_median:
        return _median("Median", x.reshape(-1), 0, False, ignore_nan)
    return _median("Median", x, axis, keepdims, ignore_nan)


def _fractions(q: Any, x: Any, where: str) -> jax.Array:
    if isinstance(q, (int, float)):
        _check.number(q, name="q", where=f"ops.{where}", minimum=0, maximum=1)
    levels = _args.as_dtype_of(q, x)
    if levels.ndim > 1:
        raise ShapeError(f"ops.{where}: `q` must have at most one axis, but its shape is {levels.shape}.")
    return levels


@op(
    "ops.quantile(input, q, axis=None, keepdims=False)",
    "Tensor.quantile(self, q, axis=None, keepdims=False)",
)
def quantile(x: Floating, q: Operand, axis: OptionalAxis, keepdims: KeepDims) -> jax.Array:
    """Quantiles along an axis, with linear interpolation.

    Args:
        q: number in [0, 1], or Tensor of them of one axis.

    Returns:
        Tensor of the shape without the axis, with an axis for `q` first if it has one. NaN propagates.

    Raises:
        ArgumentError: `q` is outside [0, 1].

    Examples:
        >>> print(ops.quantile(Tensor([1.0, 2.0, 3.0, 4.0, 5.0]), 0.25))
        2.0
    """
    return jnp.quantile(x, _fractions(q, x, "quantile"), axis=axis, keepdims=keepdims)


@op(
    "ops.nanquantile(input, q, axis=None, keepdims=False)",
    "Tensor.nanquantile(self, q, axis=None, keepdims=False)",
)
def nanquantile(x: Floating, q: Operand, axis: OptionalAxis, keepdims: KeepDims) -> jax.Array:
    """Quantiles along an axis of the elements that are not NaN, with linear interpolation.

    Args:
        q: number in [0, 1], or Tensor of them of one axis.

    Returns:
        Tensor of the shape without the axis, with an axis for `q` first if it has one.

    Raises:
        ArgumentError: `q` is outside [0, 1].

    Examples:
        >>> print(ops.nanquantile(Tensor([1.0, float("nan"), 3.0]), 0.5))
        2.0
    """
    return jnp.nanquantile(x, _fractions(q, x, "nanquantile"), axis=axis, keepdims=keepdims)


@op(
    "ops.nansum(input, axis=None, keepdims=False, *, dtype=None)",
    "Tensor.nansum(self, axis=None, keepdims=False, *, dtype=None)",
)
def nansum(x: Array, axis: Axes, keepdims: KeepDims, dtype: DType) -> jax.Array:
    """Sum over axes of the elements that are not NaN.

    Args:
        dtype: the dtype of the sum. Default: the Tensor's own; int64 for integers and bools.

    Returns:
        Tensor of the shape without the reduced axes.

    Examples:
        >>> print(ops.nansum(Tensor([1.0, float("nan"), 3.0])))
        4.0
    """
    dtype = dtype or (np.dtype(np.int64) if x.dtype.kind in "iub" else x.dtype)
    return jnp.sum(jnp.where(jnp.isnan(x), jnp.zeros_like(x), x), axis=axis, keepdims=keepdims, dtype=dtype)


@op(
    "ops.nanmean(input, axis=None, keepdims=False, *, dtype=None)",
    "Tensor.nanmean(self, axis=None, keepdims=False, *, dtype=None)",
)
def nanmean(x: Floating, axis: Axes, keepdims: KeepDims, dtype: DType) -> jax.Array:
    """Mean over axes of the elements that are not NaN.

    Returns:
        Tensor of the shape without the reduced axes. A mean of NaN only is NaN.

    Examples:
        >>> print(ops.nanmean(Tensor([1.0, float("nan"), 3.0])))
        2.0
    """
    x = x if dtype is None else x.astype(dtype)
    nan = jnp.isnan(x)
    total = jnp.sum(jnp.where(nan, jnp.zeros_like(x), x), axis=axis, keepdims=keepdims)
    return total / jnp.sum(~nan, axis=axis, keepdims=keepdims).astype(x.dtype)


@op(
    "ops.cov(input, *, correction=1, fweights=None, aweights=None)",
    "Tensor.cov(self, *, correction=1, fweights=None, aweights=None)",
)
def cov(x: Floating, correction: Correction, fweights: OptionalArray, aweights: OptionalArray) -> jax.Array:
    r"""Covariance matrix of variables in rows.

    .. math:: \frac{1}{n - c} \sum_k (x_{i k} - \bar x_i)(x_{j k} - \bar x_j)

    Args:
        x: Tensor of shape (variables, observations), or (observations,).
        fweights: integer Tensor: how often each observation was made.
        aweights: Tensor: the weight of each observation.

    Returns:
        Tensor of shape (variables, variables), or of no axis; integers and half precision give float32.

    Raises:
        ShapeError: more than two axes.

    Examples:
        >>> print(ops.cov(Tensor([[0.0, 2.0], [1.0, 1.0]])))
        [[2. 0.]
         [0. 0.]]
    """
    if x.ndim > 2:
        raise ShapeError(f"ops.cov: `input` must have at most 2 axes, but its shape is {x.shape}.")
    wide = _args.widened(x)
    return jnp.cov(wide, ddof=correction, fweights=fweights, aweights=aweights).astype(wide.dtype)


@op(
    "ops.histc(input, bins=100, min=0.0, max=0.0)",
    "Tensor.histc(self, bins=100, min=0.0, max=0.0)",
    "ops.Histogram(bins=100, min=0.0, max=0.0)(input)",
)
def histc(x: Array, bins: Bins, min: Operand, max: Operand) -> jax.Array:
    """Histogram: the number of elements in each of the intervals of equal length.

    Args:
        min: the start of the first interval. Where `min` and `max` are 0, the minimum of the elements.
        max: the end of the last interval. Where `min` and `max` are 0, the maximum of the elements.

    Returns:
        Tensor of shape (bins,), of the dtype of `input`, float32 for half precision, which cannot count beyond 2048;
        the last interval includes its end.

    Raises:
        ArgumentError: `min` exceeds `max`, or the ends are those of the elements, and these are not finite.

    Examples:
        >>> print(ops.histc(Tensor([1.0, 2.0, 1.0]), 4, 0.0, 3.0))
        [0. 2. 1. 0.]
    """
    span = (min, max)
    if isinstance(min, (int, float)) and isinstance(max, (int, float)):
        if min > max:
            raise ArgumentError(f"ops.histc: `min` must not exceed `max`, but got {min} and {max}.")
        span = None if min == max == 0 else span
    wide = _args.widened(x)
    if span is None and not x.size:
        return jnp.zeros(bins, wide.dtype)
    if span is None and _args.is_floating(x) and is_known(x) and not bool(jnp.isfinite(x).all()):
        raise ArgumentError(
            "ops.histc: without `min` and `max` the ends are the minimum and maximum, and `input` holds NaN "
            "or infinity. Give `min` and `max`."
        )
    return jnp.histogram(wide, bins=bins, range=span)[0].astype(wide.dtype)
