"""Writing elements by index: each op gives a new Tensor.

Concrete indices are checked; in compiled code an update whose index lies outside is left out. Where several updates
meet in one place, they are all added, multiplied or compared; of several that replace, one wins, and XLA does not say
which (on a CPU, the last).
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ShapeError
from sporax.ops._args import (
    Array,
    as_array,
    as_dtype_of,
    as_shape,
    check_indices,
    check_kind,
    one_axis,
    whole,
    widened,
)
from sporax.ops._base import REQUIRED, lifted, op, op_from, primitive
from sporax.ops._docs import document
from sporax.ops._gather import fitted, split_index
from sporax.ops._select import filling

_ALL = builtins.slice(None)


def change(x: Array, index: Any, updates: Array, how: str) -> Array:
    """`x` with updates put in: set, add, sub, mul, div, max or min. Half precision is rounded once, at the end."""
    if how in ("add", "sub", "mul", "div") and widened(x) is not x:
        return change(widened(x), index, widened(updates), how).astype(x.dtype)
    if how in ("mul", "div"):
        factor = _product(jnp.ones_like(x), index, jnp.broadcast_to(updates, x.at[index].get().shape))
        if how == "mul":
            return x * factor
        return jax.lax.div(x, factor)
    if how == "sub":
        return x.at[index].add(-updates, mode="drop")
    return getattr(x.at[index], how)(updates, mode="drop")


@jax.custom_jvp
def _product(ones: Array, index: Any, updates: Array) -> Array:
    """The product of the updates that meet in each place. JAX itself has no gradient where several meet."""
    return ones.at[index].multiply(updates, mode="drop")


@_product.defjvp
def _product_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    ones, index, updates = primals
    zero = updates == 0
    # The product of the others, for each update: with one zero among them only that one's is not 0.
    rest = _product(ones, index, jnp.where(zero, 1, updates)).at[index].get(mode="clip")
    zeros = (
        jnp.zeros(ones.shape, jnp.int32).at[index].add(zero.astype(jnp.int32), mode="drop").at[index].get(mode="clip")
    )
    others = jnp.where(
        zero, jnp.where(zeros == 1, rest, 0), jnp.where(zeros == 0, rest / jnp.where(zero, 1, updates), 0)
    )
    return _product(ones, index, updates), jnp.zeros_like(ones).at[index].add(others * tangents[2], mode="drop")


def put(x: Array, indices: Array, updates: Any, how: str, where: str) -> Array:
    """Updates at points: the shared body of tensor_scatter_* and scatter_nd_*.

    Raises:
        ShapeError: the shapes do not fit; names what `updates` should be.
        OutOfRangeError: an index is out of range and its value known.
    """
    points = split_index(x, indices, where)
    values = as_dtype_of(updates, x)
    expected = indices.shape[:-1] + x.shape[indices.shape[-1] :]
    if values.shape != expected:
        raise ShapeError(
            f"ops.{where}: for `input_x` of shape {x.shape} and `indices` of shape {indices.shape}, `updates` must be "
            f"of shape {expected}, but is {values.shape}."
        )
    return change(x, points, values, how)


_TENSOR_SCATTER = {
    "update": ("set", "replaced by the updates", "[5. 2. 3.]"),
    "add": ("add", "with the updates added", "[6. 2. 3.]"),
    "sub": ("sub", "with the updates taken off", "[-4.  2.  3.]"),
    "mul": ("mul", "multiplied by the updates", "[5. 2. 3.]"),
    "div": ("div", "divided by the updates", "[0.2 2.  3. ]"),
    "max": ("max", "replaced by the updates where these are larger", "[5. 2. 3.]"),
    "min": ("min", "replaced by the updates where these are smaller", "[1. 2. 3.]"),
}


def _tensor_scatter(name: str) -> Callable[..., Any]:
    how, words, printed = _TENSOR_SCATTER[name]
    full = f"tensor_scatter_{name}"

    def implementation(input_x: Array, indices: Array, updates: Array) -> Array:
        return put(as_array(input_x), as_array(indices), updates, how, full)

    implementation.__name__ = implementation.__qualname__ = full
    implementation.__module__ = __name__
    implementation.__doc__ = document(
        f"Elements or slices at points {words}.",
        formula=None,
        args={
            "input_x": "Tensor of any shape.",
            "indices": "Tensor of integers of shape (..., k): k coordinates of each point, for the first k axes.",
            "updates": "Tensor of shape indices.shape[:-1] + input_x.shape[k:].",
        },
        returns="Tensor of the shape and dtype of `input_x`.",
        raises={
            "ShapeError": "the shapes do not fit.",
            "OutOfRangeError": "an index is out of range and its value known; in compiled code it has no effect.",
        },
        example=f"ops.{full}(Tensor([1.0, 2.0, 3.0]), Tensor([[0]]), Tensor([5.0]))",
        printed=printed,
        source=f"`ops.{full}`",
    )
    return op_from(implementation, method=False if name in ("update", "add") else f"scatter_{name}")


tensor_scatter_update = _tensor_scatter("update")
tensor_scatter_add = _tensor_scatter("add")
tensor_scatter_sub = _tensor_scatter("sub")
tensor_scatter_mul = _tensor_scatter("mul")
tensor_scatter_div = _tensor_scatter("div")
tensor_scatter_max = _tensor_scatter("max")
tensor_scatter_min = _tensor_scatter("min")


@op
def scatter_nd(indices: Array, updates: Array, shape: Any) -> Array:
    """Zeros with updates added at points.

    Args:
        indices: Tensor of integers of shape (..., k): k coordinates of each point, for the first k axes.
        updates: Tensor of shape indices.shape[:-1] + shape[k:].
        shape: the result's shape.

    Returns:
        Tensor of that shape, of the dtype of `updates`.

    Raises:
        ShapeError: the shapes do not fit.
        OutOfRangeError: an index is out of range and its value known; in compiled code it has no effect.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.scatter_nd(Tensor([[1], [1]]), Tensor([1.0, 2.0]), (3,)))
        [0. 3. 0.]

    Source: `ops.scatter_nd` of MindSpore.
    """
    values = as_array(updates)
    base = jnp.zeros(as_shape(shape, where="scatter_nd"), values.dtype)
    return put(base, as_array(indices), values, "add", "scatter_nd")


def element_index(x: Array, index: Array, place: int) -> tuple[Array, ...]:
    """Index arrays that name, for each place of `index`, that place with its coordinate on one axis replaced."""
    grid = [jnp.arange(n).reshape((1,) * i + (n,) + (1,) * (index.ndim - i - 1)) for i, n in enumerate(index.shape)]
    # Negative indices count from the end of the axis of x.
    grid[place] = jnp.where(index < 0, index + x.shape[place], index)
    return tuple(grid)


def scatter_along(x: Array, axis: Any, index: Array, src: Any, how: str, where: str) -> Array:
    """Updates along an axis, one index for each place: the shared body of scatter and tensor_scatter_elements."""
    place = one_axis(axis, x, where=where)
    fitted(x, index, place, where)
    check_indices(index, x.shape[place], where=where, name="index")
    values = as_dtype_of(src, x)
    if values.ndim and (
        values.ndim != index.ndim or builtins.any(n > m for n, m in zip(index.shape, values.shape, strict=True))
    ):
        raise ShapeError(
            f"ops.{where}: `src` of shape {values.shape} must be a number, or cover `index` of shape {index.shape}."
        )
    part = values if not values.ndim else values[tuple(builtins.slice(0, n) for n in index.shape)]
    return change(x, element_index(x, index, place), part, how)


@op
def scatter(input: Array, axis: int, index: Array, src: Any) -> Array:
    """Elements put in along an axis, one index for each place of the source.

    Args:
        input: Tensor of any shape.
        axis: the axis.
        index: Tensor of integers, with as many axes; not longer than the input on the other axes.
        src: Tensor that covers `index`, or a number.

    Returns:
        Tensor of the shape and dtype of `input`.

    Raises:
        ShapeError: `index` or `src` does not fit.
        OutOfRangeError: an index is out of range and its value known; in compiled code it has no effect.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.scatter(Tensor([[1, 2, 3]]), 1, Tensor([[0, 2]]), Tensor([[8, 9]])))
        [[8 2 9]]

    Source: `ops.scatter` of MindSpore.
    """
    return scatter_along(as_array(input), axis, as_array(index), src, "set", "scatter")


@op
def tensor_scatter_elements(
    input_x: Array, indices: Array, updates: Array, axis: int = 0, reduction: str = "none"
) -> Array:
    """Elements put in, or added, along an axis, one index for each update.

    Args:
        input_x: Tensor of any shape.
        indices: Tensor of integers, with as many axes; not longer than the input on the other axes.
        updates: Tensor of the shape of `indices`.
        axis: the axis.
        reduction: "none" to replace, "add" to add.

    Returns:
        Tensor of the shape and dtype of `input_x`.

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: an unknown `reduction`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.tensor_scatter_elements(Tensor([1, 2, 3]), Tensor([0, 0]), Tensor([8, 9]), reduction="add"))
        [18  2  3]

    Source: `ops.tensor_scatter_elements` of MindSpore.
    """
    _check.one_of(reduction, ("none", "add"), name="reduction", where="ops.tensor_scatter_elements")
    how = "set" if reduction == "none" else "add"
    return scatter_along(as_array(input_x), axis, as_array(indices), updates, how, "tensor_scatter_elements")


def _scatter_reduced(x: Array, axis: int, index: Array, src: Any, reduce: str | None = None) -> Array:
    _check.one_of(reduce, (None, "none", "add", "multiply"), name="reduce", where="Tensor.scatter")
    how = {"add": "add", "multiply": "mul"}.get(reduce or "none", "set")
    return scatter_along(as_array(x), axis, as_array(index), src, how, "scatter")


scatter_reduced = lifted(_scatter_reduced)
"""What `Tensor.scatter` and `Tensor.scatter_add` compute."""


def _index_put(x: Array, indices: Any, values: Any, accumulate: bool = False) -> Array:
    array = as_array(x)
    parts = tuple(as_array(each) for each in indices)
    axis = 0
    for part in parts:
        if part.dtype.kind == "b":
            axis += part.ndim
            continue
        check_indices(part, array.shape[axis], where="index_put", name="indices")
        axis += 1
    return change(array, parts, as_dtype_of(values, array), "add" if accumulate else "set")


index_put = lifted(_index_put)
"""What `Tensor.index_put` computes."""

# --- whole slices ---


def into_slices(x: Array, axis: Any, index: Array, values: Any, how: str, where: str) -> Array:
    """Slices along an axis changed, by their numbers.

    Raises:
        ShapeError: the values do not fit.
        OutOfRangeError: a number is out of range and its value known.
    """
    place = one_axis(axis, x, where=where)
    numbers = index.reshape(-1)
    check_indices(numbers, x.shape[place], where=where, name="index")
    updates = as_dtype_of(values, x)
    expected = (*x.shape[:place], numbers.shape[0], *x.shape[place + 1 :])
    if updates.shape not in ((), expected):
        raise ShapeError(
            f"ops.{where}: for shape {x.shape}, axis {place} and {numbers.shape[0]} indices the values must be of "
            f"shape {expected}, but are {updates.shape}."
        )
    return change(x, (_ALL,) * place + (numbers,), updates, how)


@op
def index_add(
    x: Array, indices: Array, y: Array, axis: int, use_lock: bool = True, check_index_bound: bool = True
) -> Array:
    """Slices added along an axis, by their numbers.

    Args:
        x: Tensor of any shape.
        indices: Tensor of integers of shape (n,).
        y: Tensor of the shape of `x`, with the axis of length n.
        axis: the axis.
        use_lock, check_index_bound: kept for MindSpore code; sporax always adds safely and checks.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ShapeError: the shapes do not fit.
        OutOfRangeError: an index is out of range and its value known; in compiled code it has no effect.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.index_add(Tensor([[1.0, 2.0]]), Tensor([0]), Tensor([[1.0, 1.0]]), 0))
        [[2. 3.]]

    Source: `ops.index_add` of MindSpore.
    """
    return into_slices(as_array(x), axis, as_array(indices), y, "add", "index_add")


@op(method=True)
def index_fill(x: Array, axis: int, index: Array, value: Any) -> Array:
    """Slices along an axis filled with a number, by their numbers.

    Args:
        x: Tensor of any shape.
        axis: the axis.
        index: Tensor of integers.
        value: number, or Tensor of no axis.

    Returns:
        Tensor of the shape and dtype of `x`.

    Raises:
        OutOfRangeError: an index is out of range and its value known; in compiled code it has no effect.
        DtypeError: a value with a fraction for a Tensor of integers.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.index_fill(Tensor([[1, 2], [3, 4]]), 1, Tensor([0]), 9))
        [[9 2]
         [9 4]]

    Source: `ops.index_fill` of MindSpore.
    """
    array = as_array(x)
    return into_slices(array, axis, as_array(index), filling(value, array, "index_fill"), "set", "index_fill")


def _row_change(name: str, how: str, words: str, printed: str) -> Callable[..., Any]:
    def implementation(x: Array, v: Array, indices: Any) -> Array:
        array, values = as_array(x), as_array(v)
        numbers = as_array(list(indices) if isinstance(indices, tuple) else indices).reshape(-1)
        return into_slices(array, 0, numbers, values.reshape((numbers.shape[0], *array.shape[1:])), how, name)

    implementation.__name__ = implementation.__qualname__ = name
    implementation.__module__ = __name__
    implementation.__doc__ = document(
        f"Rows {words}, by their numbers. In spite of its name it gives a new Tensor.",
        formula=None,
        args={
            "x": "Tensor of at least one axis.",
            "v": "Tensor of the shape of `x`, with as many rows as indices.",
            "indices": "int, tuple or list of ints.",
        },
        returns="Tensor of the shape of `x`.",
        raises={"OutOfRangeError": "an index is out of range."},
        example=f"ops.{name}(Tensor([1.0, 2.0, 3.0]), Tensor([5.0]), (0,))",
        printed=printed,
        source=f"`ops.{name}`",
    )
    return op_from(implementation, method=name == "inplace_update")


inplace_update = _row_change("inplace_update", "set", "replaced", "[5. 2. 3.]")
inplace_add = _row_change("inplace_add", "add", "added to", "[6. 2. 3.]")
inplace_sub = _row_change("inplace_sub", "sub", "subtracted from", "[-4.  2.  3.]")


@op(method=True)
def select_scatter(input: Array, src: Array, axis: int, index: int) -> Array:
    """One slice along an axis replaced.

    Args:
        input: Tensor of any shape.
        src: Tensor of that shape without the axis.
        axis: the axis.
        index: the number of the slice.

    Returns:
        Tensor of the shape of `input`.

    Raises:
        ShapeError: `src` does not fit.
        OutOfRangeError: `index` is out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.select_scatter(Tensor([[1, 2], [3, 4]]), Tensor([8, 9]), 0, 1))
        [[1 2]
         [8 9]]

    Source: `ops.select_scatter` of MindSpore.
    """
    x, values = as_array(input), as_array(src)
    place = one_axis(axis, x, where="select_scatter")
    number = as_array(whole(index, where="select_scatter", name="index"))
    return into_slices(x, place, number, jnp.expand_dims(values, place), "set", "select_scatter")


@op(method=True)
def slice_scatter(
    input: Array, src: Array, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    """A stretch along an axis replaced.

    Args:
        input: Tensor of any shape.
        src: Tensor of the stretch's shape.
        axis: the axis.
        start, end, step: as in Python's slices.

    Returns:
        Tensor of the shape of `input`.

    Raises:
        ShapeError: `src` does not fit.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.slice_scatter(Tensor([1, 2, 3]), Tensor([8, 9]), 0, 1))
        [1 8 9]

    Source: `ops.slice_scatter` of MindSpore.
    """
    x, values = as_array(input), as_array(src)
    place = one_axis(axis, x, where="slice_scatter")
    part = (_ALL,) * place + (builtins.slice(start, end, step),)
    expected = jax.eval_shape(lambda array: array[part], x).shape
    if values.shape not in ((), expected):
        raise ShapeError(f"ops.slice_scatter: `src` must be of shape {expected}, but is {values.shape}.")
    return x.at[part].set(values.astype(x.dtype))


# --- segments ---


def _segments(x: Any, segment_ids: Any, num_segments: Any, where: str) -> tuple[Array, Array, int]:
    array, numbers = as_array(x), as_array(segment_ids)
    check_kind(numbers, "iu", where=where, name="segment_ids")
    count = whole(num_segments, where=where, name="num_segments")
    if array.shape[: numbers.ndim] != numbers.shape or not numbers.ndim:
        raise ShapeError(
            f"ops.{where}: the shape of `segment_ids`, {numbers.shape}, must begin the shape of `x`, {array.shape}."
        )
    flat = jnp.where((numbers < 0) | (numbers >= count), count, numbers).reshape(-1)
    return array.reshape((flat.shape[0], *array.shape[numbers.ndim :])), flat, count


def _bound(dtype: Any, lowest: bool) -> Any:
    info = jnp.finfo(dtype) if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype)
    return info.min if lowest else info.max


def _segment_op(kind: str, words: str, empty: str, printed: str) -> Callable[..., Any]:
    name = f"unsorted_segment_{kind}"

    def compute(x: Any, segment_ids: Any, num_segments: Any) -> Array:
        rows, numbers, count = _segments(x, segment_ids, num_segments, name)
        shape = (count, *rows.shape[1:])
        if kind == "sum":
            return change(jnp.zeros(shape, rows.dtype), (numbers,), rows, "add")
        if kind == "prod":
            return change(jnp.ones(shape, rows.dtype), (numbers,), rows, "mul")
        start = _bound(rows.dtype, lowest=kind == "max")
        return change(jnp.full(shape, start, rows.dtype), (numbers,), rows, kind)

    if kind == "sum":

        def implementation(input_x: Array, segment_ids: Array, num_segments: int) -> Array:  # pyright: ignore
            return compute(input_x, segment_ids, num_segments)
    else:

        def implementation(x: Array, segment_ids: Array, num_segments: int) -> Array:
            return compute(x, segment_ids, num_segments)

    first = "input_x" if kind == "sum" else "x"
    implementation.__name__ = implementation.__qualname__ = name
    implementation.__module__ = __name__
    implementation.__doc__ = document(
        f"{words} of the rows that carry the same number.",
        formula=None,
        args={
            first: "Tensor of any shape.",
            "segment_ids": f"Tensor of integers, whose shape begins that of `{first}`; numbers outside are left out.",
            "num_segments": "how many segments.",
        },
        returns=f"Tensor of shape (num_segments, ...); a segment with no row is {empty}.",
        raises={"ShapeError": "the shapes do not fit."},
        example=f"ops.{name}(Tensor([2.0, 3.0, 4.0]), Tensor([0, 0, 1]), 2)",
        printed=printed,
        source=f"`ops.{name}`",
    )
    return op_from(implementation, method=kind != "sum")


unsorted_segment_sum = _segment_op("sum", "The sum", "0", "[5. 4.]")
unsorted_segment_prod = _segment_op("prod", "The product", "1", "[6. 4.]")
unsorted_segment_max = _segment_op("max", "The largest", "the lowest number of the dtype", "[3. 4.]")
unsorted_segment_min = _segment_op("min", "The smallest", "the largest number of the dtype", "[2. 4.]")


def _index_add_primitive(
    x: Array, indices: Array, y: Array, axis: int, use_lock: bool = True, check_index_bound: bool = True
) -> Array:
    """Slices added along an axis, by their numbers."""
    return into_slices(as_array(x), axis, as_array(indices), y, "add", "IndexAdd")


TensorScatterUpdate = primitive("TensorScatterUpdate", tensor_scatter_update)
TensorScatterAdd = primitive("TensorScatterAdd", tensor_scatter_add)
TensorScatterSub = primitive("TensorScatterSub", tensor_scatter_sub)
TensorScatterMul = primitive("TensorScatterMul", tensor_scatter_mul)
TensorScatterDiv = primitive("TensorScatterDiv", tensor_scatter_div)
TensorScatterMax = primitive("TensorScatterMax", tensor_scatter_max)
TensorScatterMin = primitive("TensorScatterMin", tensor_scatter_min)
TensorScatterElements = primitive("TensorScatterElements", tensor_scatter_elements, axis=0, reduction="none")
ScatterNd = primitive("ScatterNd", scatter_nd)
IndexAdd = primitive("IndexAdd", lifted(_index_add_primitive), axis=REQUIRED, use_lock=True, check_index_bound=True)
IndexFill = primitive("IndexFill", index_fill)
InplaceUpdate = primitive("InplaceUpdate", inplace_update, indices=REQUIRED)
InplaceAdd = primitive("InplaceAdd", inplace_add, indices=REQUIRED)
InplaceSub = primitive("InplaceSub", inplace_sub, indices=REQUIRED)
UnsortedSegmentSum = primitive("UnsortedSegmentSum", unsorted_segment_sum)
UnsortedSegmentProd = primitive("UnsortedSegmentProd", unsorted_segment_prod)
UnsortedSegmentMax = primitive("UnsortedSegmentMax", unsorted_segment_max)
UnsortedSegmentMin = primitive("UnsortedSegmentMin", unsorted_segment_min)
