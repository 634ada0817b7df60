"""Tensor methods whose signature differs from the function of the same name. Each calls an op; none computes."""

from __future__ import annotations

from typing import Any

from sporax.core import Tensor
from sporax.ops import _axes, _binary, _gather, _scatter, _select
from sporax.ops._base import tensor_method


def _is_one(alpha: Any) -> bool:
    return isinstance(alpha, (int, float)) and alpha == 1


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
