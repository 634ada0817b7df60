"""Writing elements by index; each op returns a new Tensor.

Concrete indices are checked; in compiled code an update whose index is out of range has no effect. Several updates of
one element are all added, multiplied or compared; of several that replace it, an unspecified one is used (on a CPU the
last).
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._errors import ShapeError
from sporax.ops import _args
from sporax.ops._gather import fitted, split_index
from sporax.ops._kinds import (
    Array,
    Axis,
    Flag,
    Integer,
    Kind,
    Operand,
    Shape,
    Value,
    array_kind,
    plain,
    static_kind,
)
from sporax.ops._op import op, signature
from sporax.ops._select import filling

_OUT_OF_RANGE = (
    "OutOfRangeError: an index is out of range, where its value is known; in compiled code it has no effect."
)


def _indices(doc: str) -> Kind:
    """Tensor of integers, which the kernel checks."""
    return replace(array_kind(doc=doc), raises=(_OUT_OF_RANGE,))


def _row_numbers(value: Any, *_: Any) -> jax.Array:
    numbers = plain(value)
    return _args.as_array(list(numbers) if isinstance(numbers, tuple) else numbers).reshape(-1)


Points = Annotated[
    jax.Array,
    _indices("Tensor of integers of shape (..., k): the k coordinates of each point, for the first k axes."),
]
Indices = Annotated[jax.Array, _indices("Tensor of integers.")]
ElementIndices = Annotated[
    jax.Array,
    _indices("Tensor of integers, with as many axes as the input, and not longer than it on the other axes."),
]
RowNumbers = Annotated[
    jax.Array,
    static_kind(
        _row_numbers,
        "int, or tuple or list of ints: the indices of the rows.",
        "int | Sequence[int] | Tensor",
        "OutOfRangeError: an index is out of range.",
    ),
]
SegmentIds = Annotated[
    jax.Array,
    array_kind(
        doc="Tensor of integers, the segment of each row; its shape begins that of the first argument. Rows whose "
        "segment is out of range are ignored."
    ),
]
IndexArrays = Annotated[
    tuple[jax.Array, ...],
    Kind(
        lambda value, *_: tuple(_args.as_array(each) for each in plain(value)),
        "tuple or list of Tensors of integers or bools, one for each axis.",
        "Sequence[_TensorLike]",
        data=True,
    ),
]
Unused = Annotated[bool, static_kind(lambda value, *_: value, "accepted for MindSpore code; has no effect.", "bool")]
Choice = Annotated[
    Any, static_kind(lambda value, *_: value, "a name.", "str | None", "ArgumentError: an unknown name.")
]

_ALL = builtins.slice(None)


def change(x: Any, index: Any, updates: Any, how: str) -> jax.Array:
    """`x` with updates at an index: set, add, sub, mul, div, max or min. Half precision is rounded once, at the end."""
    if how in ("add", "sub", "mul", "div") and _args.widened(x) is not x:
        return change(_args.widened(x), index, _args.widened(updates), how).astype(x.dtype)
    if how in ("mul", "div"):
        factor = _product(jnp.ones_like(x), index, jnp.broadcast_to(updates, x.at[index].get().shape))
        if how == "mul":
            return x * factor
        return jax.lax.div(x, factor)
    if how == "sub":
        return x.at[index].add(-updates, mode="drop")
    return getattr(x.at[index], how)(updates, mode="drop")


@jax.custom_jvp
def _product(ones: Any, index: Any, updates: Any) -> jax.Array:
    """Product of the updates at each index. JAX has no gradient if several updates share an index."""
    return ones.at[index].multiply(updates, mode="drop")


@_product.defjvp
def _product_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
    ones, index, updates = primals
    zero = updates == 0
    # For each update the product of the others: with one zero among them, only that of the zero is not 0.
    rest = _product(ones, index, jnp.where(zero, 1, updates)).at[index].get(mode="clip")
    zeros = (
        jnp.zeros(ones.shape, jnp.int32).at[index].add(zero.astype(jnp.int32), mode="drop").at[index].get(mode="clip")
    )
    others = jnp.where(
        zero, jnp.where(zeros == 1, rest, 0), jnp.where(zeros == 0, rest / jnp.where(zero, 1, updates), 0)
    )
    return _product(ones, index, updates), jnp.zeros_like(ones).at[index].add(others * tangents[2], mode="drop")


def put(x: Any, indices: Any, updates: Any, how: str, where: str) -> jax.Array:
    """Updates at points, for tensor_scatter_* and scatter_nd_*.

    Raises:
        ShapeError: the shapes do not fit; the message names the expected shape of `updates`.
        OutOfRangeError: an index is out of range, where its value is known.
    """
    points = split_index(x, indices, where)
    values = _args.as_dtype_of(updates, x)
    expected = indices.shape[:-1] + x.shape[indices.shape[-1] :]
    if values.shape != expected:
        raise ShapeError(
            f"ops.{where}: for `input_x` of shape {x.shape} and `indices` of shape {indices.shape}, `updates` must be "
            f"of shape {expected}, but is {values.shape}."
        )
    return change(x, points, values, how)


def _tensor_scatter(name: str, how: str, words: str, printed: str, *, method: bool = True) -> Callable[..., Any]:
    full = f"tensor_scatter_{name}"

    def kernel(x: Array, indices: Points, updates: Operand) -> jax.Array:
        return put(x, indices, updates, how, full)

    kernel.__name__ = full
    kernel.__doc__ = f"""Elements or slices at points {words}.

    Args:
        updates: Tensor of shape `indices`.shape[:-1] + `x`.shape[k:].

    Returns:
        Tensor of the shape and dtype of `x`.

    Raises:
        ShapeError: the shapes do not fit.

    Examples:
        >>> print(ops.{full}(Tensor([1.0, 2.0, 3.0]), Tensor([[0]]), Tensor([5.0])))
        {printed}
    """
    signatures = [
        f"ops.{full}(input_x, indices, updates)",
        f"ops.TensorScatter{name.capitalize()}()(input_x, indices, updates)",
    ]
    if method:
        signatures.append(f"Tensor.scatter_{name}(self, indices, updates)")
    return op(*signatures)(kernel)


tensor_scatter_update = _tensor_scatter("update", "set", "replaced by the updates", "[5. 2. 3.]", method=False)
tensor_scatter_add = _tensor_scatter("add", "add", "with the updates added", "[6. 2. 3.]", method=False)
tensor_scatter_sub = _tensor_scatter("sub", "sub", "with the updates subtracted", "[-4.  2.  3.]")
tensor_scatter_mul = _tensor_scatter("mul", "mul", "multiplied by the updates", "[5. 2. 3.]")
tensor_scatter_div = _tensor_scatter("div", "div", "divided by the updates", "[0.2 2.  3. ]")
tensor_scatter_max = _tensor_scatter("max", "max", "replaced by the updates where these are larger", "[5. 2. 3.]")
tensor_scatter_min = _tensor_scatter("min", "min", "replaced by the updates where these are smaller", "[1. 2. 3.]")


@op("ops.scatter_nd(indices, updates, shape)", "ops.ScatterNd()(indices, updates, shape)")
def scatter_nd(indices: Points, updates: Array, shape: Shape) -> jax.Array:
    """Add updates at points to zeros.

    Args:
        updates: Tensor of shape `indices`.shape[:-1] + `shape`[k:].
        shape: the shape of the result.

    Returns:
        Tensor of that shape, of the dtype of `updates`.

    Raises:
        ShapeError: the shapes do not fit.

    Examples:
        >>> print(ops.scatter_nd(Tensor([[1], [1]]), Tensor([1.0, 2.0]), (3,)))
        [0. 3. 0.]
    """
    return put(jnp.zeros(shape, updates.dtype), indices, updates, "add", "scatter_nd")


def _element_index(x: Any, index: Any, axis: int) -> tuple[Any, ...]:
    """Index arrays of the elements at the positions of `index`, with the coordinate on one axis replaced by it."""
    grid = [jnp.arange(n).reshape((1,) * i + (n,) + (1,) * (index.ndim - i - 1)) for i, n in enumerate(index.shape)]
    # Negative indices count from the end of the axis of x.
    grid[axis] = jnp.where(index < 0, index + x.shape[axis], index)
    return tuple(grid)


def _scatter_along(x: Any, axis: int, index: Any, src: Any, how: str, where: str) -> jax.Array:
    """Updates along an axis, one index for each update."""
    fitted(x, index, axis, where)
    _args.check_indices(index, x.shape[axis], where=where, name="index")
    values = _args.as_dtype_of(src, x)
    if values.ndim and (
        values.ndim != index.ndim or builtins.any(n > m for n, m in zip(index.shape, values.shape, strict=True))
    ):
        raise ShapeError(
            f"ops.{where}: `src` of shape {values.shape} must be a number, or cover `index` of shape {index.shape}."
        )
    part = values if not values.ndim else values[tuple(builtins.slice(0, n) for n in index.shape)]
    return change(x, _element_index(x, index, axis), part, how)


@op("ops.scatter(input, axis, index, src)")
def scatter(x: Array, axis: Axis, index: ElementIndices, src: Operand) -> jax.Array:
    """Replace elements along an axis, one index for each element of the source.

    Args:
        src: Tensor that covers `index`, or a number.

    Returns:
        Tensor of the shape and dtype of `x`.

    Raises:
        ShapeError: `index` or `src` does not fit.

    Examples:
        >>> print(ops.scatter(Tensor([[1, 2, 3]]), 1, Tensor([[0, 2]]), Tensor([[8, 9]])))
        [[8 2 9]]
    """
    return _scatter_along(x, axis, index, src, "set", "scatter")


@op("Tensor.scatter(self, axis, index, src, reduce=None)")
def scatter_reduced(x: Array, axis: Axis, index: ElementIndices, src: Operand, reduce: Choice) -> jax.Array:
    """Elements replaced along an axis, as `ops.scatter`; with `reduce` "add" or "multiply", added or multiplied.

    Args:
        src: Tensor that covers `index`, or a number.
        reduce: None, "none", "add" or "multiply".
    """
    _check.one_of(reduce, (None, "none", "add", "multiply"), name="reduce", where="Tensor.scatter")
    how = {"add": "add", "multiply": "mul"}.get(reduce or "none", "set")
    return _scatter_along(x, axis, index, src, how, "scatter")


@op(
    "ops.tensor_scatter_elements(input_x, indices, updates, axis=0, reduction='none')",
    "ops.TensorScatterElements(axis=0, reduction='none')(input_x, indices, updates)",
)
def tensor_scatter_elements(
    x: Array, indices: ElementIndices, updates: Operand, axis: Axis, reduction: Choice
) -> jax.Array:
    """Replace or add elements along an axis, one index for each update.

    Args:
        updates: Tensor of the shape of `indices`.
        reduction: "none" to replace, "add" to add.

    Returns:
        Tensor of the shape and dtype of `x`.

    Raises:
        ShapeError: the shapes do not fit.

    Examples:
        >>> print(ops.tensor_scatter_elements(Tensor([1, 2, 3]), Tensor([0, 0]), Tensor([8, 9]), reduction="add"))
        [18  2  3]
    """
    _check.one_of(reduction, ("none", "add"), name="reduction", where="ops.tensor_scatter_elements")
    how = "set" if reduction == "none" else "add"
    return _scatter_along(x, axis, indices, updates, how, "tensor_scatter_elements")


@op("Tensor.index_put(self, indices, values, accumulate=False)")
def index_put(x: Array, indices: IndexArrays, values: Operand, accumulate: Flag) -> jax.Array:
    """Replace elements at the given indices; with `accumulate`, add to them.

    Args:
        values: Tensor that broadcasts to the shape of the indices, or a number.
        accumulate: whether to add.
    """
    axis = 0
    for part in indices:
        if part.dtype.kind == "b":
            axis += part.ndim
            continue
        _args.check_indices(part, x.shape[axis], where="index_put", name="indices")
        axis += 1
    return change(x, indices, _args.as_dtype_of(values, x), "add" if accumulate else "set")


# --- slices ---


def _into_slices(x: Any, axis: int, index: Any, values: Any, how: str, where: str) -> jax.Array:
    """Update slices along an axis, by index.

    Raises:
        ShapeError: the values do not fit.
        OutOfRangeError: an index is out of range, where its value is known.
    """
    numbers = index.reshape(-1)
    _args.check_indices(numbers, x.shape[axis], where=where, name="index")
    updates = _args.as_dtype_of(values, x)
    expected = (*x.shape[:axis], numbers.shape[0], *x.shape[axis + 1 :])
    if updates.shape not in ((), expected):
        raise ShapeError(
            f"ops.{where}: for shape {x.shape}, axis {axis} and {numbers.shape[0]} indices the values must be of "
            f"shape {expected}, but are {updates.shape}."
        )
    return change(x, (_ALL,) * axis + (numbers,), updates, how)


@op(
    "ops.index_add(x, indices, y, axis, use_lock=True, check_index_bound=True)",
    signature("ops.IndexAdd(axis=REQUIRED, use_lock=True, check_index_bound=True)(x, indices, y)", where="IndexAdd"),
)
def index_add(
    x: Array,
    indices: Indices,
    y: Operand,
    axis: Axis,
    use_lock: Unused,
    check_index_bound: Unused,
    where: Value = "index_add",
) -> jax.Array:
    """Add slices along an axis, by index.

    Args:
        indices: Tensor of integers of shape (n,).
        y: Tensor of the shape of `x`, with the axis of length n.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ShapeError: the shapes do not fit.

    Examples:
        >>> print(ops.index_add(Tensor([[1.0, 2.0]]), Tensor([0]), Tensor([[1.0, 1.0]]), 0))
        [[2. 3.]]
    """
    return _into_slices(x, axis, indices, y, "add", where)


@op(
    "ops.index_fill(x, axis, index, value)",
    "Tensor.index_fill(self, axis, index, value)",
    "ops.IndexFill()(x, axis, index, value)",
)
def index_fill(x: Array, axis: Axis, index: Indices, value: Operand) -> jax.Array:
    """Fill slices along an axis with a number, by index.

    Args:
        value: a number, or a Tensor of one element.

    Returns:
        Tensor of the shape and dtype of `x`.

    Raises:
        DtypeError: a value with a fraction for a Tensor of integers.

    Examples:
        >>> print(ops.index_fill(Tensor([[1, 2], [3, 4]]), 1, Tensor([0]), 9))
        [[9 2]
         [9 4]]
    """
    return _into_slices(x, axis, index, filling(value, x, "index_fill"), "set", "index_fill")


def _row_change(how: str, words: str, printed: str, *, name: str, method: bool = False) -> Callable[..., Any]:
    full = f"inplace_{name}"

    def kernel(x: Array, v: Array, indices: RowNumbers) -> jax.Array:
        return _into_slices(x, 0, indices, v.reshape((indices.shape[0], *x.shape[1:])), how, full)

    kernel.__name__ = full
    kernel.__doc__ = f"""Rows {words}, by index. In spite of its name it returns a new Tensor.

    Args:
        x: Tensor of at least one axis.
        v: Tensor of the shape of `x`, with as many rows as indices.

    Returns:
        Tensor of the shape of `x`.

    Examples:
        >>> print(ops.{full}(Tensor([1.0, 2.0, 3.0]), Tensor([5.0]), (0,)))
        {printed}
    """
    signatures = [f"ops.{full}(x, v, indices)", f"ops.Inplace{name.capitalize()}(indices=REQUIRED)(x, v)"]
    if method:
        signatures.append(f"Tensor.{full}(self, v, indices)")
    return op(*signatures)(kernel)


inplace_update = _row_change("set", "replaced", "[5. 2. 3.]", name="update", method=True)
inplace_add = _row_change("add", "added to", "[6. 2. 3.]", name="add")
inplace_sub = _row_change("sub", "subtracted from", "[-4.  2.  3.]", name="sub")


@op("ops.select_scatter(input, src, axis, index)", "Tensor.select_scatter(self, src, axis, index)")
def select_scatter(x: Array, src: Array, axis: Axis, index: Integer) -> jax.Array:
    """Replace one slice along an axis.

    Args:
        src: Tensor of the shape of `x` without the axis.
        index: the index of the slice.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ShapeError: `src` does not fit.
        OutOfRangeError: `index` is out of range.

    Examples:
        >>> print(ops.select_scatter(Tensor([[1, 2], [3, 4]]), Tensor([8, 9]), 0, 1))
        [[1 2]
         [8 9]]
    """
    return _into_slices(x, axis, _args.as_array(index), jnp.expand_dims(src, axis), "set", "select_scatter")


@op(
    "ops.slice_scatter(input, src, axis=0, start=None, end=None, step=1)",
    "Tensor.slice_scatter(self, src, axis=0, start=None, end=None, step=1)",
)
def slice_scatter(x: Array, src: Array, axis: Axis, start: Value, end: Value, step: Value) -> jax.Array:
    """Replace a range along an axis.

    Args:
        src: Tensor of the shape of the range, or of shape ().
        start: the first index, or None; as in Python's slices.
        end: the end, which is excluded, or None; as in Python's slices.
        step: the step.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ShapeError: `src` does not fit.

    Examples:
        >>> print(ops.slice_scatter(Tensor([1, 2, 3]), Tensor([8, 9]), 0, 1))
        [1 8 9]
    """
    part = (_ALL,) * axis + (builtins.slice(start, end, step),)
    expected = jax.eval_shape(lambda array: array[part], x).shape
    if src.shape not in ((), expected):
        raise ShapeError(f"ops.slice_scatter: `src` must be of shape {expected}, but is {src.shape}.")
    return x.at[part].set(src.astype(x.dtype))


# --- segments ---


def _segments(x: Any, segment_ids: Any, count: int, where: str) -> tuple[Any, Any]:
    """The rows of x, and the segment of each; ids out of range become `count`."""
    _args.check_kind(segment_ids, "iu", where=where, name="segment_ids")
    if x.shape[: segment_ids.ndim] != segment_ids.shape or not segment_ids.ndim:
        raise ShapeError(
            f"ops.{where}: the shape of `segment_ids`, {segment_ids.shape}, must begin the shape of `x`, {x.shape}."
        )
    flat = jnp.where((segment_ids < 0) | (segment_ids >= count), count, segment_ids).reshape(-1)
    return x.reshape((flat.shape[0], *x.shape[segment_ids.ndim :])), flat


def _bound(dtype: Any, lowest: bool) -> Any:
    info = jnp.finfo(dtype) if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype)
    return info.min if lowest else info.max


_SEGMENT_OPS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "sum": ("add", lambda dtype: 0),
    "prod": ("mul", lambda dtype: 1),
    "max": ("max", lambda dtype: _bound(dtype, lowest=True)),
    "min": ("min", lambda dtype: _bound(dtype, lowest=False)),
}
"""How rows of a segment are combined, and the value of an empty segment."""


def _segment_op(
    kind: str, words: str, empty: str, printed: str, *, first: str = "x", method: bool = True
) -> Callable[..., Any]:
    name = f"unsorted_segment_{kind}"
    how, start = _SEGMENT_OPS[kind]

    def kernel(x: Array, segment_ids: SegmentIds, num_segments: Integer) -> jax.Array:
        rows, segments = _segments(x, segment_ids, num_segments, name)
        initial = jnp.full((num_segments, *rows.shape[1:]), start(rows.dtype), rows.dtype)
        return change(initial, (segments,), rows, how)

    kernel.__name__ = name
    kernel.__doc__ = f"""{words} of the rows of each segment.

    Args:
        num_segments: the number of segments.

    Returns:
        Tensor of shape (num_segments, ...); a segment without rows is {empty}.

    Raises:
        ShapeError: the shapes do not fit.

    Examples:
        >>> print(ops.{name}(Tensor([2.0, 3.0, 4.0]), Tensor([0, 0, 1]), 2))
        {printed}
    """
    signatures = [
        f"ops.{name}({first}, segment_ids, num_segments)",
        f"ops.UnsortedSegment{kind.capitalize()}()({first}, segment_ids, num_segments)",
    ]
    if method:
        signatures.append(f"Tensor.{name}(self, segment_ids, num_segments)")
    return op(*signatures)(kernel)


unsorted_segment_sum = _segment_op("sum", "Sum", "0", "[5. 4.]", first="input_x", method=False)
unsorted_segment_prod = _segment_op("prod", "Product", "1", "[6. 4.]")
unsorted_segment_max = _segment_op("max", "Maximum", "the lowest number of the dtype", "[3. 4.]")
unsorted_segment_min = _segment_op("min", "Minimum", "the largest number of the dtype", "[2. 4.]")
