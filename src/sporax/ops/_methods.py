"""Tensor methods whose signature differs from the function of the same name. Each calls an op; none computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax.core import Tensor
from sporax.core.dtype import DType
from sporax.ops import (
    _axes,
    _binary,
    _cast,
    _gather,
    _reduce,
    _scatter,
    _select,
    _shape,
)
from sporax.ops._args import spread
from sporax.ops._base import DIM, tensor_method


def _is_one(alpha: Any) -> bool:
    return isinstance(alpha, (int, float)) and alpha == 1


@tensor_method()
def view(self: Tensor, *shape: Any) -> Tensor:
    """Return the same elements in another shape; with a dtype instead, the same bits as that dtype."""
    if len(shape) == 1 and isinstance(shape[0], DType):
        return _cast.bitcast(self, shape[0])
    return _shape.reshape(self, spread(shape))


@tensor_method()
def flatten(self: Tensor, order: str | int = "C", *end: int, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge adjacent axes, as `ops.flatten`; by default all of them.

    The first and last axis may be given by position: `x.flatten(0, 1)`.
    """
    if isinstance(order, int):
        if len(end) > 1:
            raise TypeError(f"Tensor.flatten: takes a first and a last axis, but got {(order, *end)!r}.")
        order, start_dim, end_dim = "C", order, end[0] if end else end_dim
    elif end:
        raise TypeError(f"Tensor.flatten: after order={order!r} name the axes, start_dim= and end_dim=; got {end!r}.")
    return _shape.flatten(self, order, start_dim=start_dim, end_dim=end_dim)


@tensor_method()
def dim(self: Tensor) -> int:
    """Return the number of axes."""
    return self.ndim


@tensor_method()
def ndimension(self: Tensor) -> int:
    """Return the number of axes."""
    return self.ndim


@tensor_method()
def nelement(self: Tensor) -> int:
    """Return the number of elements."""
    return self.size


@tensor_method(also=DIM)
def sum(self: Tensor, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The sum along axes, `initial` added; as `ops.sum`. A bool as the second argument is `keepdims`."""
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
    """Return slices along an axis, as `ops.gather`; with the axis first or as `dim`, as `ops.gather_elements`.

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


@tensor_method(also={"indices": "dim", "updates": "index"})
def scatter_add(self: Tensor, dim: Any, index: Any, src: Any = None) -> Tensor:
    """Elements added along an axis; with two arguments, at points, as `ops.tensor_scatter_add`."""
    if src is None:
        return _scatter.tensor_scatter_add(self, dim, index)
    return _scatter.scatter_reduced(self, dim, index, src, "add")


@tensor_method(also={"indices": "dim", "y": "index", "axis": "source"})
def index_add(self: Tensor, dim: Any, index: Any, source: Any, *, alpha: Any = 1) -> Tensor:
    """Slices added along an axis, by index: (axis, indices, slices), or as `ops.index_add`.

    Examples:
        >>> from sporax import Tensor
        >>> x, i, y = Tensor([1.0, 2.0]), Tensor([0]), Tensor([5.0])
        >>> print(x.index_add(0, i, y), x.index_add(i, y, 0))
        [6. 2.] [6. 2.]
    """
    axis, indices, slices = (source, dim, index) if isinstance(source, int) else (dim, index, source)
    return _scatter.index_add(self, indices, slices if _is_one(alpha) else _binary.mul(slices, alpha), axis)


# --- Tensors like this one ---


@tensor_method()
def contiguous(self: Tensor) -> Tensor:
    """Return the Tensor itself: sporax has no strides."""
    return self


@tensor_method()
def is_contiguous(self: Tensor) -> bool:
    """Return True: sporax has no strides."""
    return True


@tensor_method()
def is_signed(self: Tensor) -> bool:
    """Whether the dtype holds negative values."""
    return self.dtype.is_signed
