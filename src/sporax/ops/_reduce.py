"""Reductions over axes: sums, means, extremes, logical reductions, and indices of extremes."""

from __future__ import annotations

import builtins
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError
from sporax.core import arithmetic
from sporax.ops import _args
from sporax.ops._kinds import (
    Array,
    Axes,
    DType,
    Flag,
    Floating,
    KeepDims,
    OptionalAxis,
    Real,
    Value,
    plain,
    static_kind,
)
from sporax.ops._op import op

Initial = Annotated[Any, static_kind(lambda value, *_: plain(value), "a number that is included.", "Any")]
Where = Annotated[
    Any,
    static_kind(
        lambda value, *_: plain(value), "bool Tensor that broadcasts: the elements to include; needs `initial`.", "Any"
    ),
]

DTypeOrKeepDims = Annotated[
    Any,
    static_kind(lambda value, *_: value if isinstance(value, bool) else _args.numpy_dtype(value), "", "Any"),
]


def _axis_or_axes(value: Any, x: Any, where: str, name: str) -> Any:
    value = plain(value)
    if value is None or isinstance(value, int):
        return None if value is None else _args.one_axis(value, x, where=where, name=name)
    return _args.axes(value, x, where=where, name=name)


AxisOrAxes = Annotated[
    Any,
    static_kind(
        _axis_or_axes,
        "int, tuple of ints, or None for all axes.",
        "int | Sequence[int] | Tensor | None",
        "ArgumentError: an axis is out of range; the message names the axis, the shape and the range.",
    ),
]
_add = arithmetic(jnp.add)


def _sum_dtype(x: Any) -> np.dtype:
    """The dtype in which integers and bools are summed."""
    if x.dtype.kind == "u" and x.dtype.itemsize == 8:
        return x.dtype
    return np.dtype(np.int64) if x.dtype.kind in "iub" else x.dtype


@op(
    "ops.sum(input, dim=None, keepdim=False, *, dtype=None)",
    "mint.sum(input, dim=None, keepdim=False, *, dtype=None)",
)
def sum(x: Array, axis: Axes, keepdims: KeepDims, dtype: DType) -> jax.Array:
    r"""Sum over axes; integers and bools give int64.

    .. math:: \sum_i x_i

    Returns:
        Tensor of the shape without the reduced axes. A sum over no elements is 0.

    Examples:
        >>> print(ops.sum(Tensor([[1.0, 2.0], [3.0, 5.0]]), dim=1))
        [3. 8.]
    """
    return jnp.sum(x, axis=axis, dtype=dtype or _sum_dtype(x), keepdims=keepdims)


@op("Tensor.sum(self, axis=None, dtype=None, keepdims=False, initial=None)")
def _sum_method(x: Array, axis: Axes, dtype: DTypeOrKeepDims, keepdims: KeepDims, initial: Initial) -> jax.Array:
    """Sum over axes, as `ops.sum`.

    Args:
        dtype: the dtype of the result. A bool is `keepdims`, as it is the second argument of `ops.sum`'s axes.
        initial: number that is added.
    """
    if isinstance(dtype, bool):
        dtype, keepdims = None, dtype
    result = jnp.sum(x, axis=axis, dtype=dtype or _sum_dtype(x), keepdims=keepdims)
    return result if initial is None else _add(result, initial)


def _sum_of_same_dtype(x: Any, axis: Any, keepdims: bool) -> jax.Array:
    # A bool cannot represent a count.
    return jnp.sum(x, axis=axis, keepdims=keepdims, dtype=np.dtype(np.int64) if x.dtype.kind == "b" else x.dtype)


@op("ops.reduce_sum(x, axis=(), keep_dims=False)")
def reduce_sum(x: Array, axis: Axes, keepdims: KeepDims) -> jax.Array:
    r"""Sum over axes; integers keep their dtype, bools give int64.

    .. math:: \sum_i x_i

    Returns:
        Tensor of the shape without the reduced axes.

    Examples:
        >>> print(ops.reduce_sum(Tensor([[1.0, 2.0], [5.0, 3.0]]), 1))
        [3. 8.]
    """
    return _sum_of_same_dtype(x, axis, keepdims)


@op("ops.ReduceSum(keep_dims=False, skip_mode=False)(x, axis=())")
def _reduce_sum(x: Array, axis: Value, keepdims: KeepDims, skip_mode: Flag) -> jax.Array:
    """Sum over axes; integers keep their dtype, bools give int64.

    Args:
        axis: int, tuple of ints, or () for all axes.
        skip_mode: whether an empty `axis` reduces nothing.
    """
    if skip_mode and isinstance(axis, (tuple, list)) and not axis:
        return x
    return _sum_of_same_dtype(x, _args.axes(axis, x, where="ReduceSum"), keepdims)


@op(
    "ops.mean(x, axis=None, keep_dims=False)",
    "Tensor.mean(self, axis=None, keep_dims=False)",
)
def mean(x: Floating, axis: Axes, keepdims: KeepDims) -> jax.Array:
    r"""Mean over axes.

    .. math:: \frac{1}{n} \sum_i x_i

    Returns:
        Tensor of the shape without the reduced axes; integers and bools give float32 (MindSpore truncates). A mean
        over no elements is NaN.

    Examples:
        >>> print(ops.mean(Tensor([[1.0, 2.0], [3.0, 5.0]]), axis=1))
        [1.5 4. ]
    """
    return jnp.mean(x, axis=axis, keepdims=keepdims)


@op("ops.reduce_mean(x, axis=(), keep_dims=False)", "ops.ReduceMean(keep_dims=False)(x, axis=())")
def reduce_mean(x: Floating, axis: Axes, keepdims: KeepDims) -> jax.Array:
    r"""Mean over axes; integers and bools give float32.

    .. math:: \frac{1}{n} \sum_i x_i

    Returns:
        Tensor of the shape without the reduced axes.

    Examples:
        >>> print(ops.reduce_mean(Tensor([[1.0, 2.0], [5.0, 3.0]]), 1))
        [1.5 4. ]
    """
    return jnp.mean(x, axis=axis, keepdims=keepdims)


@op(
    "ops.prod(input, axis=None, keep_dims=False, dtype=None)",
    "Tensor.prod(self, axis=None, keep_dims=False, dtype=None)",
)
def prod(x: Array, axis: Axes, keepdims: KeepDims, dtype: DType) -> jax.Array:
    r"""Product over axes; integers and bools give int64.

    .. math:: \prod_i x_i

    Returns:
        Tensor of the shape without the reduced axes. A product over no elements is 1.

    Examples:
        >>> print(ops.prod(Tensor([[1.0, 2.0], [3.0, 5.0]]), axis=1))
        [ 2. 15.]
    """
    return jnp.prod(x, axis=axis, dtype=dtype or _sum_dtype(x), keepdims=keepdims)


@op("ops.ReduceProd(keep_dims=False)(x, axis=())")
def _reduce_prod(x: Array, axis: Axes, keepdims: KeepDims) -> jax.Array:
    """Product over axes, in the dtype of the Tensor."""
    return jnp.prod(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


def _extreme(name: str, x: Any, axis: Any, keepdims: bool, initial: Any, where: Any) -> jax.Array:
    if initial is None and builtins.any(x.shape[each] == 0 for each in axis):
        raise ArgumentError(
            f"ops.{name}: a Tensor of shape {x.shape} has no largest or smallest element along {axis}. "
            "Give `initial`, or check for an empty Tensor first."
        )
    if where is not None and initial is None:
        raise ArgumentError(f"ops.{name}: `where` needs `initial`, the value where nothing is selected.")
    if initial is not None:
        initial = jnp.asarray(initial, x.dtype)
    compute = jnp.max if name in ("max", "amax", "reduce_max") else jnp.min
    return compute(x, axis=axis, keepdims=keepdims, initial=initial, where=where)


@op(
    "ops.amax(input, axis=None, keepdims=False, *, initial=None, where=None)",
    "Tensor.amax(self, axis=None, keepdims=False, *, initial=None, where=None)",
)
def amax(x: Real, axis: Axes, keepdims: KeepDims, initial: Initial, where: Where) -> jax.Array:
    r"""Maximum over axes. Equal maxima share the gradient; NaN propagates.

    .. math:: \max_i x_i

    Returns:
        Tensor of the shape without the reduced axes.

    Raises:
        ArgumentError: the Tensor is empty along the axes.

    Examples:
        >>> print(ops.amax(Tensor([[1.0, 2.0], [5.0, 3.0]]), axis=1))
        [2. 5.]
    """
    return _extreme("amax", x, axis, keepdims, initial, where)


@op(
    "ops.amin(input, axis=None, keepdims=False, *, initial=None, where=None)",
    "Tensor.amin(self, axis=None, keepdims=False, *, initial=None, where=None)",
)
def amin(x: Real, axis: Axes, keepdims: KeepDims, initial: Initial, where: Where) -> jax.Array:
    r"""Minimum over axes. Equal minima share the gradient; NaN propagates.

    .. math:: \min_i x_i

    Returns:
        Tensor of the shape without the reduced axes.

    Raises:
        ArgumentError: the Tensor is empty along the axes.

    Examples:
        >>> print(ops.amin(Tensor([[1.0, 2.0], [5.0, 3.0]]), axis=1))
        [1. 3.]
    """
    return _extreme("amin", x, axis, keepdims, initial, where)


@op("ops.reduce_max(x, axis=(), keep_dims=False)", "ops.ReduceMax(keep_dims=False)(x, axis=())")
def reduce_max(x: Real, axis: Axes, keepdims: KeepDims) -> jax.Array:
    r"""Maximum over axes.

    .. math:: \max_i x_i

    Returns:
        Tensor of the shape without the reduced axes.

    Examples:
        >>> print(ops.reduce_max(Tensor([[1.0, 2.0], [5.0, 3.0]]), 1))
        [2. 5.]
    """
    return _extreme("reduce_max", x, axis, keepdims, None, None)


@op("ops.reduce_min(x, axis=(), keep_dims=False)", "ops.ReduceMin(keep_dims=False)(x, axis=())")
def reduce_min(x: Real, axis: Axes, keepdims: KeepDims) -> jax.Array:
    r"""Minimum over axes.

    .. math:: \min_i x_i

    Returns:
        Tensor of the shape without the reduced axes.

    Examples:
        >>> print(ops.reduce_min(Tensor([[1.0, 2.0], [5.0, 3.0]]), 1))
        [1. 3.]
    """
    return _extreme("reduce_min", x, axis, keepdims, None, None)


def _with_index(
    name: str, x: Any, axis: int | None, keepdims: bool, initial: Any, where: Any
) -> tuple[jax.Array, jax.Array]:
    if axis is None:
        values = _extreme(name, x, tuple(np.arange(x.ndim).tolist()), keepdims, initial, where)
        return values, jnp.zeros(values.shape, np.int64)
    if not x.shape:
        return _extreme(name, x, (), keepdims, initial, where), jnp.zeros((), np.int64)
    values = _extreme(name, x, (axis,), keepdims, initial, where)
    find = jnp.argmax if name == "max" else jnp.argmin
    if where is not None:
        excluded = -jnp.inf if name == "max" else jnp.inf
        x = jnp.where(where, x, jnp.asarray(excluded, x.dtype) if _args.is_floating(x) else initial)
    return values, find(x, axis=axis, keepdims=keepdims).astype(np.int64)


@op("ops.max(input, axis=None, keepdims=False, *, initial=None, where=None)")
def max(x: Real, axis: OptionalAxis, keepdims: KeepDims, initial: Initial, where: Where) -> tuple[jax.Array, jax.Array]:
    r"""Maximum along an axis, and its index.

    .. math:: \max_i x_i, \quad \operatorname{argmax}_i x_i

    Args:
        axis: the axis. With None, over all axes: the index is then 0.

    Returns:
        (values, indices): Tensors of the shape without the axis; indices are int64, the first of equal maxima.

    Raises:
        ArgumentError: the Tensor is empty along the axis.

    Examples:
        >>> values, indices = ops.max(Tensor([[1.0, 2.0], [5.0, 3.0]]), axis=1)
        >>> print(values, indices)
        [2. 5.] [1 0]
    """
    return _with_index("max", x, axis, keepdims, initial, where)


@op("ops.min(input, axis=None, keepdims=False, *, initial=None, where=None)")
def min(x: Real, axis: OptionalAxis, keepdims: KeepDims, initial: Initial, where: Where) -> tuple[jax.Array, jax.Array]:
    r"""Minimum along an axis, and its index.

    .. math:: \min_i x_i, \quad \operatorname{argmin}_i x_i

    Args:
        axis: the axis. With None, over all axes: the index is then 0.

    Returns:
        (values, indices): Tensors of the shape without the axis; indices are int64, the first of equal minima.

    Raises:
        ArgumentError: the Tensor is empty along the axis.

    Examples:
        >>> values, indices = ops.min(Tensor([[1.0, 2.0], [5.0, 3.0]]), axis=1)
        >>> print(values, indices)
        [1. 3.] [0 1]
    """
    return _with_index("min", x, axis, keepdims, initial, where)


def _extreme_method(
    name: str, x: Any, axes: tuple[Any, Any], keepdims: bool, initial: Any, where: Any, return_indices: bool
) -> Any:
    by_dim, by_axis = axes
    over = by_axis if by_dim is None else by_dim
    pair = isinstance(by_dim, int) and initial is None and where is None
    if pair or (return_indices and (over is None or isinstance(over, int))):
        return _with_index(name, x, over, keepdims, initial, where)
    if over is None:
        over = tuple(np.arange(x.ndim).tolist())
    elif isinstance(over, int):
        over = (over,) if x.shape else ()
    return _extreme(name, x, over, keepdims, initial, where)


_METHOD = (
    "(self, dim=None, keepdim=False, *, axis=None, keepdims=False, initial=None, where=None, return_indices=False)"
)


@op("Tensor.max" + _METHOD)
def _max_method(
    x: Real,
    dim: AxisOrAxes,
    keepdim: KeepDims,
    axis: AxisOrAxes,
    keepdims: KeepDims,
    initial: Initial,
    where: Where,
    return_indices: Flag,
) -> Any:
    """Maximum over axes; with an int as `dim` and no `initial` or `where`, the pair of maximum and index.

    Args:
        dim: int, for the pair, tuple of ints, or None for all axes.
        axis: the same, for the maximum alone.
        return_indices: whether to return the pair in any case.

    Returns:
        Tensor without the reduced axes, or (values, indices) as from `ops.max`.
    """
    return _extreme_method("max", x, (dim, axis), keepdim or keepdims, initial, where, return_indices)


@op("Tensor.min" + _METHOD)
def _min_method(
    x: Real,
    dim: AxisOrAxes,
    keepdim: KeepDims,
    axis: AxisOrAxes,
    keepdims: KeepDims,
    initial: Initial,
    where: Where,
    return_indices: Flag,
) -> Any:
    """Minimum over axes; with an int as `dim` and no `initial` or `where`, the pair of minimum and index.

    Args:
        dim: int, for the pair, tuple of ints, or None for all axes.
        axis: the same, for the minimum alone.
        return_indices: whether to return the pair in any case.

    Returns:
        Tensor without the reduced axes, or (values, indices) as from `ops.min`.
    """
    return _extreme_method("min", x, (dim, axis), keepdim or keepdims, initial, where, return_indices)


@op("ops.ArgMaxWithValue(axis=0, keep_dims=False)(x)")
def _argmax_with_value(x: Real, axis: OptionalAxis, keepdims: KeepDims) -> tuple[jax.Array, jax.Array]:
    """Index of the maximum along an axis, as int64, and the maximum."""
    values, indices = _with_index("max", x, axis, keepdims, None, None)
    return indices, values


@op("ops.ArgMinWithValue(axis=0, keep_dims=False)(x)")
def _argmin_with_value(x: Real, axis: OptionalAxis, keepdims: KeepDims) -> tuple[jax.Array, jax.Array]:
    """Index of the minimum along an axis, as int64, and the minimum."""
    values, indices = _with_index("min", x, axis, keepdims, None, None)
    return indices, values


@op("Tensor.argmax_with_value(self, axis=0, keep_dims=False)")
def _max_and_index(x: Real, axis: OptionalAxis, keepdims: KeepDims) -> tuple[jax.Array, jax.Array]:
    """Maximum along an axis, and its index; `ops.ArgMaxWithValue` returns the index first."""
    return _with_index("max", x, axis, keepdims, None, None)


@op("Tensor.argmin_with_value(self, axis=0, keep_dims=False)")
def _min_and_index(x: Real, axis: OptionalAxis, keepdims: KeepDims) -> tuple[jax.Array, jax.Array]:
    """Minimum along an axis, and its index; `ops.ArgMinWithValue` returns the index first."""
    return _with_index("min", x, axis, keepdims, None, None)


@op(
    "ops.aminmax(input, *, axis=0, keepdims=False)",
    "Tensor.aminmax(self, *, axis=0, keepdims=False)",
)
def aminmax(x: Real, axis: OptionalAxis, keepdims: KeepDims) -> tuple[jax.Array, jax.Array]:
    """Minimum and maximum along an axis.

    Args:
        axis: the axis, or None for all.

    Returns:
        (minimum, maximum), of the shape without the axis.

    Raises:
        ArgumentError: the Tensor is empty along the axis.

    Examples:
        >>> low, high = ops.aminmax(Tensor([[1, 5], [3, 2]]))
        >>> print(low, high)
        [1 2] [3 5]
    """
    over = _args.axes(axis, x, where="aminmax")
    return _extreme("amin", x, over, keepdims, None, None), _extreme("amax", x, over, keepdims, None, None)


def _index_of(name: str, x: Any, axis: int | None, keepdims: bool, dtype: Any) -> jax.Array:
    find = jnp.argmax if "max" in name else jnp.argmin
    if not x.size:
        raise ArgumentError(f"ops.{name}: the Tensor is empty, its shape is {x.shape}.")
    if axis is None:
        flat = find(x.reshape(-1)).astype(dtype)
        return flat.reshape((1,) * x.ndim) if keepdims else flat
    if not x.shape:
        return jnp.zeros((), dtype)
    return find(x, axis=axis, keepdims=keepdims).astype(dtype)


@op(
    "ops.argmax(input, dim=None, keepdim=False)",
    "mint.argmax(input, dim=None, keepdim=False)",
    "Tensor.argmax(self, dim=None, keepdim=False)",
)
def argmax(x: Real, axis: OptionalAxis, keepdims: KeepDims) -> jax.Array:
    r"""Index of the maximum along an axis, or in the flattened Tensor.

    .. math:: \operatorname{argmax}_i x_i

    Returns:
        int64 Tensor; the first of equal maxima. NaN counts as the maximum.

    Raises:
        ArgumentError: the Tensor is empty.

    Examples:
        >>> print(ops.argmax(Tensor([[1.0, 2.0], [5.0, 3.0]]), dim=1))
        [1 0]
    """
    return _index_of("argmax", x, axis, keepdims, np.int64)


@op(
    "ops.argmin(input, axis=None, keepdims=False)",
    "Tensor.argmin(self, axis=None, keepdims=False)",
)
def argmin(x: Real, axis: OptionalAxis, keepdims: KeepDims) -> jax.Array:
    r"""Index of the minimum along an axis, or in the flattened Tensor.

    .. math:: \operatorname{argmin}_i x_i

    Returns:
        int32 Tensor; the first of equal minima. NaN counts as the minimum.

    Raises:
        ArgumentError: the Tensor is empty.

    Examples:
        >>> print(ops.argmin(Tensor([[1.0, 2.0], [5.0, 3.0]]), axis=1))
        [0 1]
    """
    return _index_of("argmin", x, axis, keepdims, np.int32)


@op("ops.Argmax(axis=-1, output_type=np.int32)(x)")
def _argmax(x: Real, axis: OptionalAxis, dtype: DType) -> jax.Array:
    """Index of the maximum along an axis."""
    return _index_of("Argmax", x, axis, False, dtype)


@op("ops.Argmin(axis=-1, output_type=np.int32)(x)")
def _argmin(x: Real, axis: OptionalAxis, dtype: DType) -> jax.Array:
    """Index of the minimum along an axis."""
    return _index_of("Argmin", x, axis, False, dtype)


@op(
    "ops.all(input, axis=None, keep_dims=False)",
    "Tensor.all(self, axis=None, keep_dims=False)",
    "ops.ReduceAll(keep_dims=False)(input, axis=None)",
)
def all(x: Array, axis: Axes, keepdims: KeepDims) -> jax.Array:
    r"""Whether all elements are true, over axes; a number is true unless it is 0.

    .. math:: \bigwedge_i x_i

    Returns:
        Bool Tensor of the shape without the reduced axes; True over no elements.

    Examples:
        >>> print(ops.all(Tensor([[True, False], [True, True]]), axis=1))
        [False  True]
    """
    return jnp.all(x, axis=axis, keepdims=keepdims)


@op(
    "ops.any(input, axis=None, keep_dims=False)",
    "Tensor.any(self, axis=None, keep_dims=False)",
    "ops.ReduceAny(keep_dims=False)(input, axis=None)",
)
def any(x: Array, axis: Axes, keepdims: KeepDims) -> jax.Array:
    r"""Whether any element is true, over axes; a number is true unless it is 0.

    .. math:: \bigvee_i x_i

    Returns:
        Bool Tensor of the shape without the reduced axes; False over no elements.

    Examples:
        >>> print(ops.any(Tensor([[True, False], [False, False]]), axis=1))
        [ True False]
    """
    return jnp.any(x, axis=axis, keepdims=keepdims)


@op(
    "ops.count_nonzero(x, axis=(), keep_dims=False, dtype=np.int32)",
    "Tensor.count_nonzero(self, axis=(), keep_dims=False, dtype=np.int32)",
)
def count_nonzero(x: Array, axis: Axes, keepdims: KeepDims, dtype: DType) -> jax.Array:
    r"""Number of elements that are not 0, over axes.

    Args:
        dtype: the dtype of the result.

    Returns:
        Tensor of the shape without the reduced axes.

    Examples:
        >>> print(ops.count_nonzero(Tensor([[0, 1], [2, 3]]), axis=1))
        [1 2]
    """
    return jnp.count_nonzero(x, axis=axis, keepdims=keepdims).astype(dtype or np.int32)
