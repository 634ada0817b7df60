"""Spread, order statistics and other reductions that are more than one step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax._jax_compat import is_tracer
from sporax.ops._args import (
    Array,
    as_array,
    as_dtype_of,
    as_floating,
    axes,
    check_kind,
    is_floating,
    numpy_dtype,
    one_axis,
    whole,
    widened,
)
from sporax.ops._base import DIM, lifted, op, primitive

SPREAD = {**DIM, "correction": "ddof"}
"""As DIM, for the ops that also take `correction` for `ddof`."""


def _variance(x: Array, axis: Any, ddof: Any, keepdims: bool, where: str) -> Array:
    return jnp.var(widened(x), axis=axes(axis, x, where=where), ddof=int(ddof), keepdims=keepdims)


@op(method=True, also=SPREAD)
def var(input: Array, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Array:
    r"""The variance along axes.

    .. math:: \frac{1}{n - \text{ddof}} \sum_i (x_i - \bar x)^2

    Args:
        input: Tensor of any shape.
        axis: int, tuple of ints, or None for all axes.
        ddof: what to take off the number of elements; True is 1.
        keepdims: keep the reduced axes, with length 1.

    Returns:
        Tensor of the shape without the reduced axes; integers give float32.

    Raises:
        ArgumentError: an axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.var(Tensor([1.0, 2.0, 3.0, 6.0])))
        3.5

    Source: `ops.var` of MindSpore.
    """
    x = as_floating(input)
    return _variance(x, axis, ddof, keepdims, "var").astype(jnp.real(x).dtype)


@op(method=True, also=SPREAD)
def std(input: Array, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Array:
    r"""The standard deviation along axes: the root of the variance.

    .. math:: \sqrt{\frac{1}{n - \text{ddof}} \sum_i (x_i - \bar x)^2}

    Args:
        input: Tensor of any shape.
        axis: int, tuple of ints, or None for all axes.
        ddof: what to take off the number of elements; True is 1.
        keepdims: keep the reduced axes, with length 1.

    Returns:
        Tensor of the shape without the reduced axes; integers give float32. Where all elements are equal, the
        gradient is NaN.

    Raises:
        ArgumentError: an axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.std(Tensor([1.0, 3.0, 1.0, 3.0])))
        1.0

    Source: `ops.std` of MindSpore.
    """
    x = as_floating(input)
    return jnp.sqrt(_variance(x, axis, ddof, keepdims, "std")).astype(jnp.real(x).dtype)


@op
def var_mean(input: Array, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> tuple[Array, Array]:
    r"""The variance and the mean along axes.

    Args:
        input: Tensor of any shape.
        axis: int, tuple of ints, or None for all axes.
        ddof: what to take off the number of elements; True is 1.
        keepdims: keep the reduced axes, with length 1.

    Returns:
        (variance, mean), of the shape without the reduced axes.

    Raises:
        ArgumentError: an axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> spread, middle = ops.var_mean(Tensor([1.0, 2.0, 3.0, 6.0]))
        >>> print(spread, middle)
        3.5 3.0

    Source: `ops.var_mean` of MindSpore.
    """
    x = as_floating(input)
    middle = jnp.mean(x, axis=axes(axis, x, where="var_mean"), keepdims=keepdims)
    return _variance(x, axis, ddof, keepdims, "var_mean").astype(jnp.real(x).dtype), middle


@op
def std_mean(input: Array, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> tuple[Array, Array]:
    r"""The standard deviation and the mean along axes.

    Args:
        input: Tensor of any shape.
        axis: int, tuple of ints, or None for all axes.
        ddof: what to take off the number of elements; True is 1.
        keepdims: keep the reduced axes, with length 1.

    Returns:
        (standard deviation, mean), of the shape without the reduced axes.

    Raises:
        ArgumentError: an axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> spread, middle = ops.std_mean(Tensor([1.0, 3.0, 1.0, 3.0]))
        >>> print(spread, middle)
        1.0 2.0

    Source: `ops.std_mean` of MindSpore.
    """
    x = as_floating(input)
    middle = jnp.mean(x, axis=axes(axis, x, where="std_mean"), keepdims=keepdims)
    return jnp.sqrt(_variance(x, axis, ddof, keepdims, "std_mean")).astype(jnp.real(x).dtype), middle


@op(method=True, also={"axis": "dim", "keepdims": "keepdim"})
def logsumexp(input: Array, dim: Any, keepdim: bool = False) -> Array:
    r"""The logarithm of the sum of exponentials along axes, without overflow.

    .. math:: \ln \sum_i e^{x_i}

    Args:
        input: Tensor of any shape.
        dim: int, tuple of ints, or () for all axes.
        keepdim: keep the reduced axes, with length 1.

    Returns:
        Tensor of the shape without the reduced axes; integers give float32.

    Raises:
        ArgumentError: an axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.logsumexp(Tensor([1000.0, 1000.0]), 0).asnumpy().round(2))
        1000.69

    Source: `ops.logsumexp` of MindSpore.
    """
    x = as_floating(input)
    return jax.nn.logsumexp(x, axis=axes(dim, x, where="logsumexp", name="dim"), keepdims=keepdim)


def _middle(x: Array, axis: Any, keepdims: bool, where: str, ignore_nan: bool) -> tuple[Array, Array]:
    check_kind(x, "iuf", where=where)
    place = one_axis(axis, x, where=where)
    if not x.shape:
        return x, jnp.zeros((), np.int64)
    if not x.shape[place]:
        raise ArgumentError(f"ops.{where}: axis {place} of shape {x.shape} is empty.")
    order = jnp.argsort(x, axis=place, stable=True)
    nan = jnp.isnan(x)
    count = jnp.sum(~nan, axis=place, keepdims=True)
    # NaN sorts last. Of an even number of elements the lower of the two middle ones is the median.
    rank = jnp.maximum((count - 1) // 2, 0)
    if not ignore_nan:
        rank = jnp.where(count < x.shape[place], count, rank)
    index = jnp.take_along_axis(order, rank, axis=place)
    value = jnp.take_along_axis(x, index, axis=place)
    if not keepdims:
        value, index = jnp.squeeze(value, place), jnp.squeeze(index, place)
    return value, index.astype(np.int64)


@op(method=True, also=DIM)
def median(input: Array, axis: int = -1, keepdims: bool = False) -> tuple[Array, Array]:
    """The median along an axis, and where it is. Of an even number of elements, the lower middle one.

    Args:
        input: Tensor of any shape.
        axis: the axis.
        keepdims: keep the axis, with length 1.

    Returns:
        (values, indices): indices are int64. NaN wins.

    Raises:
        ArgumentError: the axis is out of range, or empty.

    Examples:
        >>> from sporax import ops, Tensor
        >>> value, index = ops.median(Tensor([3.0, 1.0, 2.0, 4.0]))
        >>> print(value, index)
        2.0 2

    Source: `ops.median` of MindSpore.
    """
    return _middle(as_array(input), axis, keepdims, "median", False)


@op(method=True)
def nanmedian(input: Array, axis: int = -1, keepdims: bool = False) -> tuple[Array, Array]:
    """The median along an axis of the elements that are not NaN, and where it is.

    Args:
        input: Tensor of any shape.
        axis: the axis.
        keepdims: keep the axis, with length 1.

    Returns:
        (values, indices): indices are int64.

    Raises:
        ArgumentError: the axis is out of range, or empty.

    Examples:
        >>> from sporax import ops, Tensor
        >>> value, index = ops.nanmedian(Tensor([3.0, float("nan"), 2.0, 4.0]))
        >>> print(value, index)
        3.0 0

    Source: `ops.nanmedian` of MindSpore.
    """
    return _middle(as_array(input), axis, keepdims, "nanmedian", True)


def _fractions(q: Any, x: Array, where: str) -> Array:
    if isinstance(q, (int, float)):
        _check.number(q, name="q", where=f"ops.{where}", minimum=0, maximum=1)
    levels = as_dtype_of(q, x)
    if levels.ndim > 1:
        raise ShapeError(f"ops.{where}: `q` must have at most one axis, but its shape is {levels.shape}.")
    return levels


@op(method=True)
def quantile(input: Array, q: Any, axis: int | None = None, keepdims: bool = False) -> Array:
    """Quantiles along an axis, with linear interpolation.

    Args:
        input: Tensor of any shape.
        q: number in [0, 1], or Tensor of them of one axis.
        axis: the axis, or None for the flattened Tensor.
        keepdims: keep the axis, with length 1.

    Returns:
        Tensor of the shape without the axis, with an axis for `q` in front where it has one. NaN wins.

    Raises:
        ArgumentError: the axis is out of range, or `q` outside [0, 1].

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.quantile(Tensor([1.0, 2.0, 3.0, 4.0, 5.0]), 0.25))
        2.0

    Source: `ops.quantile` of MindSpore.
    """
    x = as_floating(input)
    place = None if axis is None else one_axis(axis, x, where="quantile")
    return jnp.quantile(x, _fractions(q, x, "quantile"), axis=place, keepdims=keepdims)


@op(method=True)
def nanquantile(input: Array, q: Any, axis: int | None = None, keepdims: bool = False) -> Array:
    """Quantiles along an axis of the elements that are not NaN, with linear interpolation.

    Args:
        input: Tensor of any shape.
        q: number in [0, 1], or Tensor of them of one axis.
        axis: the axis, or None for the flattened Tensor.
        keepdims: keep the axis, with length 1.

    Returns:
        Tensor of the shape without the axis, with an axis for `q` in front where it has one.

    Raises:
        ArgumentError: the axis is out of range, or `q` outside [0, 1].

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.nanquantile(Tensor([1.0, float("nan"), 3.0]), 0.5))
        2.0

    Source: `ops.nanquantile` of MindSpore.
    """
    x = as_floating(input)
    place = None if axis is None else one_axis(axis, x, where="nanquantile")
    return jnp.nanquantile(x, _fractions(q, x, "nanquantile"), axis=place, keepdims=keepdims)


@op(method=True, also=DIM)
def nansum(input: Array, axis: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Array:
    """The sum along axes of the elements that are not NaN.

    Args:
        input: Tensor of any shape.
        axis: int, tuple of ints, or None for all axes.
        keepdims: keep the reduced axes, with length 1.
        dtype: compute in this dtype. Default: the Tensor's own; int64 for integers and bools.

    Returns:
        Tensor of the shape without the reduced axes.

    Raises:
        ArgumentError: an axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.nansum(Tensor([1.0, float("nan"), 3.0])))
        4.0

    Source: `ops.nansum` of MindSpore.
    """
    x = as_array(input)
    default = np.dtype(np.int64) if x.dtype.kind in "iub" else x.dtype
    x = jnp.where(jnp.isnan(x), jnp.zeros_like(x), x)
    over = axes(axis, x, where="nansum")
    return jnp.sum(x, axis=over, keepdims=keepdims, dtype=numpy_dtype(dtype, default))


@op(method=True)
def nanmean(input: Array, axis: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Array:
    """The mean along axes of the elements that are not NaN.

    Args:
        input: Tensor of any shape.
        axis: int, tuple of ints, or None for all axes.
        keepdims: keep the reduced axes, with length 1.
        dtype: the result's dtype.

    Returns:
        Tensor of the shape without the reduced axes. With nothing but NaN it is NaN.

    Raises:
        ArgumentError: an axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.nanmean(Tensor([1.0, float("nan"), 3.0])))
        2.0

    Source: `ops.nanmean` of MindSpore.
    """
    x = as_floating(input)
    x = x if dtype is None else x.astype(numpy_dtype(dtype))
    over = axes(axis, x, where="nanmean")
    nan = jnp.isnan(x)
    total = jnp.sum(jnp.where(nan, jnp.zeros_like(x), x), axis=over, keepdims=keepdims)
    return total / jnp.sum(~nan, axis=over, keepdims=keepdims).astype(x.dtype)


@op(method=True)
def cov(input: Array, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Array:
    r"""The covariance matrix of variables in rows.

    .. math:: \frac{1}{n - c} \sum_k (x_{i k} - \bar x_i)(x_{j k} - \bar x_j)

    Args:
        input: Tensor of shape (variables, observations), or (observations,).
        correction: what to take off the number of observations, c.
        fweights: how often each observation was seen, integers.
        aweights: how much each observation counts.

    Returns:
        Tensor of shape (variables, variables), or of no axis; integers and half precision give float32.

    Raises:
        ShapeError: more than two axes.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.cov(Tensor([[0.0, 2.0], [1.0, 1.0]])))
        [[2. 0.]
         [0. 0.]]

    Source: `ops.cov` of MindSpore.
    """
    x = as_floating(input)
    if x.ndim > 2:
        raise ShapeError(f"ops.cov: `input` must have at most 2 axes, but its shape is {x.shape}.")
    counts = None if fweights is None else as_array(fweights)
    shares = None if aweights is None else as_array(aweights)
    wide = widened(x)
    return jnp.cov(wide, ddof=correction, fweights=counts, aweights=shares).astype(wide.dtype)


@op(method=True)
def histc(input: Array, bins: int = 100, min: float = 0.0, max: float = 0.0) -> Array:
    """How many elements fall into each of equal intervals.

    Args:
        input: Tensor of any shape.
        bins: how many intervals.
        min, max: the ends. Where both are 0, the least and the largest element.

    Returns:
        Tensor of shape (bins,), of the dtype of `input`, float32 for half precision, in which counts above 2048
        do not exist; the last interval holds its right end.

    Raises:
        ArgumentError: `bins` is below 1, or the ends are in the wrong order, or, taken from the data, not finite.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.histc(Tensor([1.0, 2.0, 1.0]), 4, 0.0, 3.0))
        [0. 2. 1. 0.]

    Source: `ops.histc` of MindSpore.
    """
    x = as_array(input)
    count = _check.integer(whole(bins, where="histc", name="bins"), name="bins", where="ops.histc", minimum=1)
    if isinstance(min, (int, float)) and isinstance(max, (int, float)):
        if min > max:
            raise ArgumentError(f"ops.histc: `min` must not exceed `max`, but got {min} and {max}.")
        span = None if min == max == 0 else (min, max)
    else:
        span = (min, max)
    wide = widened(x)
    if span is None and not x.size:
        return jnp.zeros(count, wide.dtype)
    if span is None and is_floating(x) and not is_tracer(x) and not bool(jnp.isfinite(x).all()):
        raise ArgumentError(
            "ops.histc: without `min` and `max` the ends are the least and the largest element, and `input` holds NaN "
            "or infinity. Give `min` and `max`."
        )
    return jnp.histogram(wide, bins=count, range=span)[0].astype(wide.dtype)


def _ptp(self: Array, axis: Any = None, keepdims: bool = False) -> Array:
    x = as_array(self)
    over = axes(axis, x, where="ptp")
    return jnp.max(x, axis=over, keepdims=keepdims) - jnp.min(x, axis=over, keepdims=keepdims)


peak_to_peak = lifted(_ptp)
"""What `Tensor.ptp` computes."""


def _median_primitive(
    x: Array, global_median: bool = False, axis: int = 0, keep_dims: bool = False, ignore_nan: bool = False
) -> tuple[Array, Array]:
    """The median along an axis, or of all elements, and where it is."""
    array = as_array(x)
    if global_median:
        return _middle(array.reshape(-1), 0, False, "Median", ignore_nan)
    return _middle(array, axis, keep_dims, "Median", ignore_nan)


def _reduce_std(x: Array, axis: Any = (), unbiased: bool = True, keep_dims: bool = False) -> tuple[Array, Array]:
    """The standard deviation and the mean along axes; unbiased divides by n - 1."""
    array = as_floating(x)
    middle = jnp.mean(array, axis=axes(axis, array, where="ReduceStd"), keepdims=keep_dims)
    spread = jnp.sqrt(_variance(array, axis, unbiased, keep_dims, "ReduceStd"))
    return spread.astype(jnp.real(array).dtype), middle


Median = primitive("Median", lifted(_median_primitive), global_median=False, axis=0, keep_dims=False, ignore_nan=False)
ReduceStd = primitive("ReduceStd", lifted(_reduce_std), axis=(), unbiased=True, keep_dims=False)
Histogram = primitive("Histogram", histc, bins=100, min=0.0, max=0.0)
