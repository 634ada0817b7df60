"""Tensor methods whose signature differs from the function of the same name. Each calls an op; none computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sporax.core import Generator, Tensor
from sporax.core.dtype import DType
from sporax.ops import (
    _axes,
    _binary,
    _cast,
    _creation,
    _cumulate,
    _diagonal,
    _gather,
    _join,
    _random,
    _reduce,
    _scatter,
    _select,
    _shape,
    _sort,
    _statistics,
)
from sporax.ops._args import spread
from sporax.ops._base import DIM, tensor_method


def _is_one(alpha: Any) -> bool:
    return isinstance(alpha, (int, float)) and alpha == 1


def _given(values: tuple[Any, ...], *named: Any) -> Any:
    """What was given as ints, as one tuple, or by name."""
    for value in named:
        if value is not None:
            return value
    return spread(values)


@tensor_method()
def reshape(self: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape, given as ints or as one tuple; as `ops.reshape`."""
    return _shape.reshape(self, spread(shape))


@tensor_method()
def view(self: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape; with one dtype instead, the same bits read as that."""
    if len(shape) == 1 and isinstance(shape[0], DType):
        return _cast.bitcast(self, shape[0])
    return _shape.reshape(self, spread(shape))


@tensor_method()
def transpose(self: Tensor, *axes: Any) -> Tensor:
    """With two ints, these axes exchanged; else the axes in the order given; with nothing, reversed.

    Examples:
        >>> from sporax import ops
        >>> x = ops.ones((2, 3, 4))
        >>> x.transpose().shape, x.transpose(0, 1).shape, x.transpose(0, 2, 1).shape
        ((4, 3, 2), (3, 2, 4), (2, 4, 3))
    """
    if len(axes) == 2:
        return _axes.swapaxes(self, *axes)
    return _axes.transpose(self, spread(axes) if axes else tuple(range(self.ndim))[::-1])


@tensor_method()
def permute(self: Tensor, *order: Any, axis: Any = None, dims: Any = None) -> Tensor:
    """The axes in another order, given as ints or as one tuple; as `ops.permute`."""
    return _axes.permute(self, _given(order, axis, dims))


@tensor_method()
def flatten(self: Tensor, order: str | int = "C", *end: int, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Neighbouring axes made one; as a method all of them by default, and the first and last axis may be given
    without a name: `x.flatten(0, 1)`. As `ops.flatten`.
    """
    if isinstance(order, int):
        if len(end) > 1:
            raise TypeError(f"Tensor.flatten: takes a first and a last axis, but got {(order, *end)!r}.")
        order, start_dim, end_dim = "C", order, end[0] if end else end_dim
    elif end:
        raise TypeError(f"Tensor.flatten: after order={order!r} name the axes, start_dim= and end_dim=; got {end!r}.")
    return _shape.flatten(self, order, start_dim=start_dim, end_dim=end_dim)


@tensor_method()
def expand(self: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """Repeated along axes of length 1 to a shape, given as ints or as one tuple; as `ops.expand`."""
    return _shape.expand(self, _given(sizes, size))


@tensor_method()
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of another Tensor; as `ops.view_as`."""
    return _shape.view_as(self, other)


@tensor_method()
def tile(self: Tensor, *counts: Any, reps: Any = None, dims: Any = None) -> Tensor:
    """The whole Tensor repeated along axes; as `ops.tile`."""
    return _shape.tile(self, _given(counts, reps, dims))


@tensor_method()
def repeat(self: Tensor, *repeats: Any) -> Tensor:
    """The whole Tensor repeated along axes, as many numbers as it has axes, or more; as `ops.tile`."""
    return _shape.tile(self, spread(repeats))


@tensor_method()
def dim(self: Tensor) -> int:
    """The number of axes."""
    return self.ndim


@tensor_method()
def ndimension(self: Tensor) -> int:
    """The number of axes."""
    return self.ndim


@tensor_method()
def nelement(self: Tensor) -> int:
    """The number of elements."""
    return self.size


@tensor_method(also=DIM)
def sum(self: Tensor, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The sum along axes, `initial` added; as `ops.sum`. A bool in the second place means keepdims."""
    if isinstance(dtype, bool):
        dtype, keepdims = None, dtype
    result = _reduce.sum(self, axis, keepdims, dtype=dtype)
    return result if initial is None else _binary.add(result, initial)


def _extreme(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def method(
        self: Tensor,
        dim: Any = None,
        keepdim: bool = False,
        *,
        axis: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
        return_indices: bool = False,
    ) -> Any:
        keep = keepdim or keepdims
        pair = isinstance(dim, int) and not isinstance(dim, bool) and initial is None and where is None
        over = dim if dim is not None else axis
        if pair or (return_indices and (over is None or isinstance(over, int))):
            return function(self, over, keep, initial=initial, where=where)
        reduce = _reduce.amax if name == "max" else _reduce.amin
        return reduce(self, over, keep, initial=initial, where=where)

    which = "largest" if name == "max" else "smallest"
    method.__name__ = method.__qualname__ = name
    method.__module__ = __name__
    method.__doc__ = (
        f"The {which} element along axes; with one int as the first argument or as `dim`, and no `initial` or "
        f"`where`, or with `return_indices`, the pair of it and its index, as `ops.{name}`."
    )
    return method


max = tensor_method()(_extreme("max", _reduce.max))
min = tensor_method()(_extreme("min", _reduce.min))


@tensor_method(also=DIM)
def cumsum(self: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The sum of the elements up to each one, along an axis, or over the flattened Tensor; as `ops.cumsum`.

    bool, int8, int16 and uint8 give int32, where `ops.cumsum` keeps the dtype.
    """
    if dtype is None and self.dtype.dtype.name in ("bool", "int8", "int16", "uint8"):
        dtype = np.int32
    flat = _shape.reshape(self, (-1,)) if axis is None else self
    return _cumulate.cumsum(flat, 0 if axis is None else axis, dtype)


@tensor_method()
def ptp(self: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest element less the smallest, along axes."""
    return _statistics.peak_to_peak(self, axis, keepdims)


@tensor_method()
def trace(self: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Tensor:
    """The sum of a diagonal of two axes; as `ops.trace`."""
    return _diagonal.trace_along(self, offset, axis1, axis2, dtype)


@tensor_method(also={"split_size": "split_size_or_sections", "dim": "axis"})
def split(self: Tensor, split_size_or_sections: Any, axis: int = 0) -> tuple[Tensor, ...]:
    """Pieces of a stated length along an axis; as `ops.split`."""
    return _join.split(self, split_size_or_sections, axis)


# --- indices ---


@tensor_method()
def gather(
    self: Tensor,
    input_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    *,
    dim: Any = None,
    index: Any = None,
) -> Tensor:
    """Slices along an axis, as `ops.gather`; with the axis first or named `dim`, elements as `ops.gather_elements`.

    Examples:
        >>> from sporax import Tensor
        >>> x = Tensor([[1, 2], [3, 4]])
        >>> print(x.gather(Tensor([1]), 0), x.gather(1, Tensor([[1], [0]])))
        [[3 4]] [[2]
         [3]]
    """
    if index is not None:
        return _gather.gather_elements(self, input_indices if dim is None else dim, index)
    if isinstance(input_indices, int):
        return _gather.gather_elements(self, input_indices, axis)
    return _gather.gather(self, input_indices, axis, batch_dims)


@tensor_method()
def take(self: Tensor, indices: Any, axis: int | None = None, mode: str = "clip") -> Tensor:
    """Slices along an axis, or elements of the flattened Tensor. `mode` says what an index outside does.

    "clip" takes the nearest, "wrap" counts round, "raise" is an error.
    """
    return _gather.take_axis(self, indices, axis, mode)


@tensor_method(also={"dim": "condition", "index": "y"})
def select(self: Tensor, condition: Any, y: Any) -> Tensor:
    """Elements of this Tensor where a condition is true, and of `y` elsewhere; with two ints, a slice of an axis.

    Examples:
        >>> from sporax import Tensor
        >>> x = Tensor([[1, 2], [3, 4]])
        >>> print(x.select(1, 0), x.select(x > 2, 0))
        [1 3] [[0 0]
         [3 4]]
    """
    if isinstance(condition, int) and not isinstance(condition, bool):
        return _axes.squeeze(_gather.index_select(self, condition, y), condition)
    return _select.select(condition, self, y)


@tensor_method(also={"dim": "axis"})
def scatter(self: Tensor, axis: int, index: Any, src: Any, reduce: str | None = None) -> Tensor:
    """Elements put in along an axis, as `ops.scatter`; with `reduce` "add" or "multiply", added or multiplied."""
    return _scatter.scatter_reduced(self, axis, index, src, reduce)


@tensor_method(also={"indices": "dim", "updates": "index"})
def scatter_add(self: Tensor, dim: Any, index: Any, src: Any = None) -> Tensor:
    """Elements added along an axis; with two arguments, at points, as `ops.tensor_scatter_add`."""
    if src is None:
        return _scatter.tensor_scatter_add(self, dim, index)
    return _scatter.scatter_reduced(self, dim, index, src, "add")


@tensor_method(also={"indices": "dim", "y": "index", "axis": "source"})
def index_add(self: Tensor, dim: Any, index: Any, source: Any, *, alpha: Any = 1) -> Tensor:
    """Slices added along an axis, by their numbers: (axis, numbers, slices), or as `ops.index_add`.

    Examples:
        >>> from sporax import Tensor
        >>> x, i, y = Tensor([1.0, 2.0]), Tensor([0]), Tensor([5.0])
        >>> print(x.index_add(0, i, y), x.index_add(i, y, 0))
        [6. 2.] [6. 2.]
    """
    axis, numbers, slices = (source, dim, index) if isinstance(source, int) else (dim, index, source)
    return _scatter.index_add(self, numbers, slices if _is_one(alpha) else _binary.mul(slices, alpha), axis)


@tensor_method()
def index_put(self: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """Elements put in, or with `accumulate` added, where a tuple of index Tensors points."""
    return _scatter.index_put(self, indices, values, accumulate)


@tensor_method()
def searchsorted(self: Tensor, v: Any, side: str = "left", sorter: Any = None) -> Tensor:
    """Where values would be put into this sorted Tensor; as `ops.searchsorted`."""
    return _sort.searchsorted(self, v, side=side, sorter=sorter)


# --- Tensors like this one ---


@tensor_method()
def fill(self: Tensor, value: Any) -> Tensor:
    """A Tensor like this one, filled with one number."""
    return _creation.full_like(self, value)


@tensor_method()
def new_zeros(self: Tensor, size: Any, *, dtype: Any = None) -> Tensor:
    """Zeros in another shape, of this dtype unless given."""
    return _creation.zeros(size, dtype or self.dtype)


@tensor_method()
def new_ones(self: Tensor, size: Any, *, dtype: Any = None) -> Tensor:
    """Ones in another shape, of this dtype unless given."""
    return _creation.ones(size, dtype or self.dtype)


@tensor_method()
def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None) -> Tensor:
    """One number in another shape, of this dtype unless given."""
    return _creation.full(size, fill_value, dtype=dtype or self.dtype)


@tensor_method()
def new_empty(self: Tensor, size: Any, *, dtype: Any = None) -> Tensor:
    """A Tensor of another shape, of this dtype unless given; sporax fills it with zeros."""
    return _creation.zeros(size, dtype or self.dtype)


@tensor_method()
def bernoulli(self: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Ones with the probabilities that this Tensor holds, zeros else."""
    return _random.bernoulli_of(self, generator)


@tensor_method()
def uniform(self: Tensor, from_: float = 0.0, to: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Numbers drawn uniformly from [from_, to), in this shape and dtype."""
    return _random.uniform_like(self, from_, to, generator)


@tensor_method()
def contiguous(self: Tensor) -> Tensor:
    """The Tensor itself: sporax keeps no strides."""
    return self


@tensor_method()
def is_contiguous(self: Tensor) -> bool:
    """True: sporax keeps no strides."""
    return True


@tensor_method()
def is_signed(self: Tensor) -> bool:
    """Whether the dtype holds negative values."""
    return self.dtype.is_signed
