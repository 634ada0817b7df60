"""Creation of Tensors: constants, ranges, indices of triangles, windows."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError
from sporax.ops import _args
from sporax.ops._kinds import (
    Array,
    DType,
    FloatDType,
    Integer,
    Kind,
    Operand,
    Shape,
    integer_kind,
    plain,
    static_kind,
)
from sporax.ops._op import op, signature

_FLOAT32, _INT64 = np.dtype(np.float32), np.dtype(np.int64)

Bound = Annotated[
    Any, Kind(lambda value, *_: plain(value), "number, or Tensor of one element.", "_TensorLike | None", data=True)
]
OptionalInteger = Annotated[
    Any,
    static_kind(
        lambda value, _, where, name: None if value is None else _args.as_int(plain(value), where=where, name=name),
        "int, or None.",
        "int | None",
        "ArgumentTypeError: not an int.",
    ),
]
Steps = Annotated[int, integer_kind(1, "the number of elements, at least 1.")]


@op("ops.zeros(size, dtype=None)", "mint.zeros(size, dtype=None)", "ops.Zeros()(size, dtype=None)")
def zeros(size: Shape, dtype: FloatDType) -> jax.Array:
    """Tensor filled with 0.

    Args:
        size: int, tuple of ints, or an integer Tensor: the shape.

    Returns:
        Tensor of that shape.

    Examples:
        >>> print(ops.zeros((2, 2)))
        [[0. 0.]
         [0. 0.]]
    """
    return jnp.zeros(size, dtype)


@op("ops.ones(shape, dtype=None)", "ops.Ones()(shape, dtype=None)")
def ones(shape: Shape, dtype: FloatDType) -> jax.Array:
    """Tensor filled with 1.

    Args:
        shape: int, tuple of ints, or an integer Tensor.

    Returns:
        Tensor of that shape.

    Examples:
        >>> print(ops.ones((2, 2)))
        [[1. 1.]
         [1. 1.]]
    """
    return jnp.ones(shape, dtype)


def _number_dtype(value: Any) -> Any:
    if hasattr(value, "dtype"):
        return value.dtype
    if isinstance(value, bool):
        return np.dtype(np.bool_)
    if isinstance(value, numbers.Integral):
        return _INT64
    return np.dtype(np.complex64) if isinstance(value, complex) else _FLOAT32


@op("ops.full(size, fill_value, *, dtype=None)", "mint.full(size, fill_value, *, dtype=None)")
def full(size: Shape, fill_value: Operand, dtype: DType) -> jax.Array:
    """Tensor filled with one number.

    Args:
        size: int or tuple of ints: the shape.
        fill_value: the number.
        dtype: the dtype. Default: that of the number (bool, int64 or float32).

    Returns:
        Tensor of that shape.

    Examples:
        >>> print(ops.full((2,), 1.5))
        [1.5 1.5]
    """
    return jnp.full(size, fill_value, dtype or _number_dtype(fill_value))


@op("ops.fill(type, shape, value)", "ops.Fill()(type, shape, value)")
def fill(dtype: DType, shape: Shape, value: Operand) -> jax.Array:
    """Tensor of a dtype and shape, filled with one number.

    Args:
        dtype: the dtype, or None for that of the number.
        value: the number.

    Returns:
        Tensor of that shape.

    Examples:
        >>> import sporax
        >>> from sporax import ops
        >>> print(ops.fill(sporax.float32, (2,), 3))
        [3. 3.]
    """
    return jnp.full(shape, value, dtype or _number_dtype(value))


@op("ops.fills(x, value)", "Tensor.fills(self, value)", "ops.Fills()(x, value)")
def fills(x: Array, value: Operand) -> jax.Array:
    """Tensor of the shape and dtype of another, filled with one number.

    Args:
        value: the number, or a Tensor of one element.

    Returns:
        Tensor of the same shape and dtype.

    Examples:
        >>> print(ops.fills(Tensor([1, 2]), 7))
        [7 7]
    """
    return jnp.full(x.shape, jnp.asarray(value).reshape(()), x.dtype)


@op(
    "ops.zeros_like(input, *, dtype=None)",
    "mint.zeros_like(input, *, dtype=None)",
    "ops.ZerosLike()(input, *, dtype=None)",
)
def zeros_like(x: Array, dtype: DType) -> jax.Array:
    """Tensor of the shape of another, filled with 0.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> print(ops.zeros_like(Tensor([1.5, 2.0])))
        [0. 0.]
    """
    return jnp.zeros_like(x, dtype=dtype)


@op(
    "ops.ones_like(input, *, dtype=None)",
    "mint.ones_like(input, *, dtype=None)",
    "ops.OnesLike()(input, *, dtype=None)",
)
def ones_like(x: Array, dtype: DType) -> jax.Array:
    """Tensor of the shape of another, filled with 1.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> print(ops.ones_like(Tensor([1.5, 2.0])))
        [1. 1.]
    """
    return jnp.ones_like(x, dtype=dtype)


@op(
    "ops.full_like(input, fill_value, *, dtype=None)",
    "mint.full_like(input, fill_value, *, dtype=None)",
    signature("Tensor.fill(self, value)", rename={"value": "fill_value"}),
)
def full_like(x: Array, fill_value: Operand, dtype: DType = None) -> jax.Array:
    """Tensor of the shape of another, filled with one number.

    Args:
        fill_value: the number.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> print(ops.full_like(Tensor([1.5, 2.0]), 3))
        [3. 3.]
    """
    return jnp.full_like(x, fill_value, dtype=dtype)


@op("Tensor.new_zeros(self, size, *, dtype=None)", "Tensor.new_empty(self, size, *, dtype=None)")
def _new_zeros(x: Array, size: Shape, dtype: DType) -> jax.Array:
    """Tensor of another shape, filled with 0.

    Args:
        size: the shape.
    """
    return jnp.zeros(size, dtype or x.dtype)


@op("Tensor.new_ones(self, size, *, dtype=None)")
def _new_ones(x: Array, size: Shape, dtype: DType) -> jax.Array:
    """Tensor of another shape, filled with 1.

    Args:
        size: the shape.
    """
    return jnp.ones(size, dtype or x.dtype)


@op("Tensor.new_full(self, size, fill_value, *, dtype=None)")
def _new_full(x: Array, size: Shape, fill_value: Operand, dtype: DType) -> jax.Array:
    """Tensor of another shape, filled with one number.

    Args:
        size: the shape.
        fill_value: the number.
    """
    return jnp.full(size, fill_value, dtype or x.dtype)


def _stepped(start: Any, end: Any, step: Any, dtype: Any, where: str) -> jax.Array:
    if end is None:
        start, end = 0, start
    bounds = [value.item() if hasattr(value, "item") else value for value in (start, end, step)]
    if bounds[2] == 0:
        raise ArgumentError(f"ops.{where}: `step` must not be 0.")
    if dtype is None:
        dtypes = [value.dtype for value in (start, end, step) if hasattr(value, "dtype")]
        default = _INT64 if all(isinstance(each, numbers.Integral) for each in bounds) else _FLOAT32
        dtype = np.result_type(*dtypes) if dtypes else default
    return jnp.asarray(np.arange(*bounds).astype(dtype))


@op("ops.arange(start=0, end=None, step=1, *, dtype=None)", "mint.arange(start=0, end=None, step=1, *, dtype=None)")
def arange(start: Bound, end: Bound, step: Bound, dtype: DType) -> jax.Array:
    """Numbers from `start` up to, not including, `end`.

    Args:
        start: the first number; without `end` it is the end, and the first number is 0.
        end: the end, not included.
        step: the difference of adjacent numbers, not 0.
        dtype: the dtype. Default: int64 for integers, else float32.

    Returns:
        Tensor of shape (ceil((end - start) / step),).

    Raises:
        ArgumentError: `step` is 0.

    Examples:
        >>> print(ops.arange(3), ops.arange(0, 1, 0.5))
        [0 1 2] [0.  0.5]
    """
    return _stepped(start, end, step, dtype, "arange")


@op("ops.range(start, end=None, step=1, maxlen=1000000)", "ops.Range(maxlen=1000000)(start, end=None, step=1)")
def range(start: Bound, end: Bound, step: Bound, maxlen: Integer) -> jax.Array:
    """Numbers from `start` up to, not including, `end`.

    Args:
        start: the first number; without `end` it is the end, and the first number is 0.
        end: the end, not included.
        step: the difference of adjacent numbers, not 0.
        maxlen: the maximum length of the result.

    Returns:
        Tensor of shape (ceil((end - start) / step),): int64 for integers, else float32.

    Raises:
        ArgumentError: `step` is 0, or there are more than `maxlen` numbers.

    Examples:
        >>> print(ops.range(0, 6, 2))
        [0 2 4]
    """
    result = _stepped(start, end, step, None, "range")
    if result.size > maxlen:
        raise ArgumentError(f"ops.range: {result.size} numbers are more than `maxlen`, {maxlen}.")
    return result


@op(
    "ops.linspace(start, end, steps)",
    signature("ops.LinSpace()(start, stop, num)", rename={"stop": "end", "num": "steps"}),
)
def linspace(start: Operand, end: Operand, steps: Steps) -> jax.Array:
    """Evenly spaced numbers from `start` to `end`, both included.

    Args:
        start: the first number, or a Tensor of one element.
        end: the last number, or a Tensor of one element.

    Returns:
        float32 Tensor of shape (steps,), or float64 where a Tensor of float64 is given.

    Examples:
        >>> print(ops.linspace(0, 1, 3))
        [0.  0.5 1. ]
    """
    dtypes = [value.dtype for value in (start, end) if hasattr(value, "dtype") and value.dtype.kind == "f"]
    return jnp.linspace(start, end, steps, dtype=np.result_type(*dtypes) if dtypes else _FLOAT32)


@op("ops.logspace(start, end, steps, base=10, *, dtype=np.float32)")
def logspace(start: Operand, end: Operand, steps: Steps, base: Operand, dtype: DType) -> jax.Array:
    r"""Powers of a base with evenly spaced exponents.

    .. math:: b^{s}, \; b^{s + d}, \; \dots, \; b^{e}

    Args:
        start: the first exponent s.
        end: the last exponent e.
        base: the base b.
        dtype: the dtype.

    Returns:
        Tensor of shape (steps,).

    Examples:
        >>> print(ops.logspace(0, 3, 4, base=2))
        [1. 2. 4. 8.]
    """
    return jnp.logspace(start, end, steps, base=base, dtype=dtype)


@op("ops.eye(n, m=None, dtype=None)", "mint.eye(n, m=None, dtype=None)", "ops.Eye()(n, m=None, dtype=None)")
def eye(n: Integer, m: OptionalInteger, dtype: FloatDType) -> jax.Array:
    """Matrix with 1 on the diagonal and 0 elsewhere.

    Args:
        n: the number of rows.
        m: the number of columns. Default: n.

    Returns:
        Tensor of shape (n, m).

    Examples:
        >>> print(ops.eye(2))
        [[1. 0.]
         [0. 1.]]
    """
    return jnp.eye(n, m, dtype=dtype)


@op("ops.tril_indices(row, col, offset=0, *, dtype=np.int64)")
def tril_indices(row: Integer, col: Integer, offset: Integer, dtype: DType) -> jax.Array:
    """Indices of the lower triangle of a matrix.

    Args:
        row: the number of rows of the matrix.
        col: the number of columns.
        offset: the last diagonal of the triangle; 0 is the main one.
        dtype: int32 or int64.

    Returns:
        Tensor of shape (2, K): row indices and column indices.

    Examples:
        >>> print(ops.tril_indices(2, 2))
        [[0 1 1]
         [0 0 1]]
    """
    return jnp.asarray(np.stack(np.tril_indices(row, offset, col)).astype(dtype))


@op("ops.triu_indices(row, col, offset=0, *, dtype=np.int64)")
def triu_indices(row: Integer, col: Integer, offset: Integer, dtype: DType) -> jax.Array:
    """Indices of the upper triangle of a matrix.

    Args:
        row: the number of rows of the matrix.
        col: the number of columns.
        offset: the first diagonal of the triangle; 0 is the main one.
        dtype: int32 or int64.

    Returns:
        Tensor of shape (2, K): row indices and column indices.

    Examples:
        >>> print(ops.triu_indices(2, 2))
        [[0 0 1]
         [0 1 1]]
    """
    return jnp.asarray(np.stack(np.triu_indices(row, offset, col)).astype(dtype))


@op("ops.vander(x, N=None)")
def vander(x: Array, N: OptionalInteger) -> jax.Array:
    r"""Vandermonde matrix: descending powers of each element.

    .. math:: V_{ij} = x_i^{N - 1 - j}

    Args:
        x: Tensor of shape (n,).
        N: the number of columns. Default: n.

    Returns:
        Tensor of shape (n, N).

    Examples:
        >>> print(ops.vander(Tensor([1.0, 2.0]), 3))
        [[1. 1. 1.]
         [4. 2. 1.]]
    """
    return jnp.vander(x, N)


def _window_length(value: Any, _: Any, where: str, name: str) -> int:
    length = _args.as_int(plain(value), where=where, name=name)
    if length < 0:
        raise ArgumentError(f"ops.{where}: `{name}` must not be negative, but got {length}.")
    return length


WindowLength = Annotated[
    int, static_kind(_window_length, "the number of samples.", "int", "ArgumentError: {name} is negative.")
]
Periodic = Annotated[
    bool,
    static_kind(
        lambda value, *_: bool(value),
        "whether the window is periodic, as for a spectrum (N is the length), or symmetric (N is the length minus 1).",
        "bool",
    ),
]


Coefficient = Annotated[float, static_kind(lambda value, *_: plain(value), "number.", "float")]


def _window(length: int, periodic: bool, dtype: Any, samples: Callable[[int], Any]) -> jax.Array:
    values = samples(length + 1)[:-1] if periodic and length > 1 else samples(length)
    return jnp.asarray(values.astype(dtype))


@op("ops.hann_window(window_length, periodic=True, *, dtype=None)")
def hann_window(window_length: WindowLength, periodic: Periodic, dtype: FloatDType) -> jax.Array:
    r"""Hann window: a raised cosine.

    .. math:: \tfrac12 - \tfrac12 \cos \frac{2 \pi n}{N}

    Returns:
        Tensor of shape (window_length,).

    Examples:
        >>> print(ops.hann_window(4).asnumpy().round(4))
        [0.  0.5 1.  0.5]
    """
    return _window(window_length, periodic, dtype, np.hanning)


@op("ops.hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None)")
def hamming_window(
    window_length: WindowLength, periodic: Periodic, alpha: Coefficient, beta: Coefficient, dtype: FloatDType
) -> jax.Array:
    r"""Hamming window: a raised cosine on a pedestal.

    .. math:: \alpha - \beta \cos \frac{2 \pi n}{N}

    Args:
        alpha: number: the coefficient α.
        beta: number: the coefficient β.

    Returns:
        Tensor of shape (window_length,).

    Examples:
        >>> print(ops.hamming_window(4).asnumpy().round(4))
        [0.08 0.54 1.   0.54]
    """

    def samples(count: int) -> Any:
        return np.ones(count) if count < 2 else alpha - beta * np.cos(2 * np.pi * np.arange(count) / (count - 1))

    return _window(window_length, periodic, dtype, samples)


@op("ops.blackman_window(window_length, periodic=True, *, dtype=None)")
def blackman_window(window_length: WindowLength, periodic: Periodic, dtype: FloatDType) -> jax.Array:
    r"""Blackman window: a sum of two cosines.

    .. math:: 0.42 - 0.5 \cos \frac{2 \pi n}{N} + 0.08 \cos \frac{4 \pi n}{N}

    Returns:
        Tensor of shape (window_length,).

    Examples:
        >>> print(abs(ops.blackman_window(4).asnumpy()).round(4))
        [0.   0.34 1.   0.34]
    """
    return _window(window_length, periodic, dtype, np.blackman)


@op("ops.bartlett_window(window_length, periodic=True, *, dtype=None)")
def bartlett_window(window_length: WindowLength, periodic: Periodic, dtype: FloatDType) -> jax.Array:
    r"""Bartlett window: a triangle.

    .. math:: 1 - \left| \frac{2 n}{N} - 1 \right|

    Returns:
        Tensor of shape (window_length,).

    Examples:
        >>> print(ops.bartlett_window(4))
        [0.  0.5 1.  0.5]
    """
    return _window(window_length, periodic, dtype, np.bartlett)
