"""Running sums, products and extremes along an axis."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.ops._args import Array, as_array, as_floating, check_kind, numpy_dtype, one_axis
from sporax.ops._base import REQUIRED, lifted, op, primitive


@op
def cumsum(x: Array, axis: int, dtype: Any = None) -> Array:
    r"""The sum of the elements up to each one, along an axis.

    .. math:: y_i = \sum_{j \le i} x_j

    Args:
        x: Tensor of any shape.
        axis: the axis.
        dtype: compute in this dtype. Default: the Tensor's own; int64 for bools.

    Returns:
        Tensor of the same shape.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.cumsum(Tensor([1.0, 2.0, 4.0]), 0))
        [1. 3. 7.]

    Source: `ops.cumsum` of MindSpore.
    """
    array = as_array(x)
    default = np.dtype(np.int64) if array.dtype.kind == "b" else array.dtype
    place = one_axis(axis, array, where="cumsum")
    return jnp.cumsum(array, axis=place if array.shape else None, dtype=numpy_dtype(dtype, default)).reshape(
        array.shape
    )


@op(method=True)
def cumprod(input: Array, dim: int, dtype: Any = None) -> Array:
    r"""The product of the elements up to each one, along an axis.

    .. math:: y_i = \prod_{j \le i} x_j

    Args:
        input: Tensor of any shape.
        dim: the axis.
        dtype: compute in this dtype. Default: the Tensor's own; int64 for bools and integers of up to 32 bits.

    Returns:
        Tensor of the same shape.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.cumprod(Tensor([1.0, 2.0, 4.0]), 0))
        [1. 2. 8.]

    Source: `ops.cumprod` of MindSpore.
    """
    array = as_array(input)
    default = np.dtype(np.int64) if array.dtype.kind in "biu" and array.dtype.itemsize < 8 else array.dtype
    place = one_axis(dim, array, where="cumprod", name="dim")
    return jnp.cumprod(array, axis=place if array.shape else None, dtype=numpy_dtype(dtype, default)).reshape(
        array.shape
    )


def _running(input: Any, axis: Any, where: str, index_dtype: Any) -> tuple[Array, Array]:
    x = as_array(input)
    check_kind(x, "iuf", where=where)
    place = one_axis(axis, x, where=where)
    if not x.shape:
        return x, jnp.zeros((), index_dtype)
    index = _running_index(jax.lax.stop_gradient(x), place, where == "cummax").astype(index_dtype)
    return jnp.take_along_axis(x, index, axis=place), index


def _running_index(x: Array, axis: int, largest: bool) -> Array:
    """Where the running extreme is: the last place up to each one that equals it, or the last NaN."""
    nan = jnp.isnan(x)
    met = jax.lax.cummax(nan.astype(np.int32), axis=axis) > 0
    extreme = jax.lax.cummax(x, axis=axis) if largest else jax.lax.cummin(x, axis=axis)
    hit = jnp.where(met, nan, x == extreme)
    return jax.lax.cummax(jnp.where(hit, jax.lax.broadcasted_iota(np.int32, x.shape, axis), 0), axis=axis)


@op(method=True)
def cummax(input: Array, axis: int) -> tuple[Array, Array]:
    r"""The largest of the elements up to each one, along an axis, and where it is.

    .. math:: y_i = \max_{j \le i} x_j

    Args:
        input: Tensor of any shape.
        axis: the axis.

    Returns:
        (values, int64 indices), of the same shape; of equal elements the last. NaN wins.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> values, indices = ops.cummax(Tensor([1.0, 3.0, 2.0, 4.0]), 0)
        >>> print(values, indices)
        [1. 3. 3. 4.] [0 1 1 3]

    Source: `ops.cummax` of MindSpore.
    """
    return _running(input, axis, "cummax", np.int64)


@op(method=True)
def cummin(input: Array, axis: int) -> tuple[Array, Array]:
    r"""The smallest of the elements up to each one, along an axis, and where it is.

    .. math:: y_i = \min_{j \le i} x_j

    Args:
        input: Tensor of any shape.
        axis: the axis.

    Returns:
        (values, int32 indices), of the same shape; of equal elements the last. NaN wins.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> values, indices = ops.cummin(Tensor([4.0, 2.0, 3.0, 1.0]), 0)
        >>> print(values, indices)
        [4. 2. 2. 1.] [0 1 1 3]

    Source: `ops.cummin` of MindSpore.
    """
    return _running(input, axis, "cummin", np.int32)


@op(method=True)
def logcumsumexp(input: Array, axis: int) -> Array:
    r"""The logarithm of the running sum of exponentials, without overflow.

    .. math:: y_i = \ln \sum_{j \le i} e^{x_j}

    Args:
        input: Tensor of floats.
        axis: the axis.

    Returns:
        Tensor of the same shape; integers give float32.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.logcumsumexp(Tensor([0.0, 0.0]), 0).asnumpy().round(4))
        [0.     0.6931]

    Source: `ops.logcumsumexp` of MindSpore.
    """
    x = as_floating(input)
    place = one_axis(axis, x, where="logcumsumexp")
    return jax.lax.cumlogsumexp(x, axis=place) if x.shape else x


@op(method=True)
def diff(x: Array, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    r"""Differences of neighbours along an axis.

    .. math:: y_i = x_{i + 1} - x_i

    Args:
        x: Tensor of at least one axis.
        n: how often.
        axis: the axis.
        prepend, append: Tensors to put before and behind it first.

    Returns:
        Tensor, shorter by `n` along the axis.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.diff(Tensor([1, 3, 6])))
        [2 3]

    Source: `ops.diff` of MindSpore.
    """
    array = as_array(x)
    place = one_axis(axis, array, where="diff")
    before = None if prepend is None else as_array(prepend)
    after = None if append is None else as_array(append)
    return jnp.diff(array, n, place, before, after)


@op
def trapz(y: Array, x: Any = None, *, dx: float = 1.0, dim: int = -1) -> Array:
    r"""The integral along an axis by the trapezoidal rule.

    .. math:: \sum_i (x_{i+1} - x_i) \, (y_i + y_{i+1}) / 2

    Args:
        y: Tensor of values.
        x: Tensor of the places, of one axis or as `y`. Default: at distance `dx`.
        dx: the distance.
        dim: the axis.

    Returns:
        Tensor of the shape without the axis.

    Raises:
        ArgumentError: the axis is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.trapz(Tensor([1.0, 2.0, 3.0])))
        4.0

    Source: `ops.trapz` of MindSpore.
    """
    values = as_floating(y)
    place = one_axis(dim, values, where="trapz", name="dim")
    places = None if x is None else as_array(x)
    return jnp.trapezoid(values, places, dx=dx, axis=place)


def _scanning(function: Any, x: Any, axis: Any, exclusive: bool, reverse: bool, start: Any, where: str) -> Array:
    array = as_array(x)
    place = one_axis(axis, array, where=where)
    array = jnp.flip(array, place) if reverse else array
    if exclusive:
        first = jnp.full_like(jax.lax.slice_in_dim(array, 0, 1, axis=place), start)
        rest = jax.lax.slice_in_dim(array, 0, array.shape[place] - 1, axis=place)
        array = jnp.concatenate([first, rest], axis=place)
    result = function(array, place)
    return jnp.flip(result, place) if reverse else result


def _cumsum_primitive(x: Array, axis: int, exclusive: bool = False, reverse: bool = False) -> Array:
    """The running sum; exclusive leaves the element itself out, reverse starts at the end."""
    return _scanning(lambda a, p: jnp.cumsum(a, p, a.dtype), x, axis, exclusive, reverse, 0, "CumSum")


def _cumprod_primitive(x: Array, axis: int, exclusive: bool = False, reverse: bool = False) -> Array:
    """The running product; exclusive leaves the element itself out, reverse starts at the end."""
    return _scanning(lambda a, p: jnp.cumprod(a, p, a.dtype), x, axis, exclusive, reverse, 1, "CumProd")


def _cumlogsumexp_primitive(x: Array, axis: int, exclusive: bool = False, reverse: bool = False) -> Array:
    """The running log-sum-exp; exclusive leaves the element itself out, reverse starts at the end."""
    return _scanning(
        lambda a, p: jax.lax.cumlogsumexp(a, axis=p),
        as_floating(x),
        axis,
        exclusive,
        reverse,
        -np.inf,
        "CumulativeLogsumexp",
    )


CumSum = primitive("CumSum", lifted(_cumsum_primitive), exclusive=False, reverse=False)
CumProd = primitive("CumProd", lifted(_cumprod_primitive), exclusive=False, reverse=False)
CumulativeLogsumexp = primitive("CumulativeLogsumexp", lifted(_cumlogsumexp_primitive), exclusive=False, reverse=False)
Cummax = primitive("Cummax", cummax, axis=REQUIRED)
Cummin = primitive("Cummin", cummin, axis=REQUIRED)
