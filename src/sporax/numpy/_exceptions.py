"""The functions of MindSpore's `numpy` that are not the function of that name in `jax.numpy`, each with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, get_args

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError
from sporax.core import absolute, arithmetic, power_of, true_divide, wrap
from sporax.core.dtype import DType, from_numpy_dtype
from sporax.ops import _args, _norm, _sort
from sporax.ops._kinds import Key, Kind, Shape, Value, unpacking
from sporax.ops._listed import ANY, DTYPE, FUNCTION, INTEGER, as_array, as_dtype, entered, on_tensors
from sporax.ops._op import op

REASONS: dict[str, str] = {}
"""The names, and why each is not the function of `jax.numpy`."""


def _exception(
    text: str, reason: str, *, also: str = "", wide: bool = False, **kinds: Kind
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function of arrays, with MindSpore's names of arguments; `also` lists further names of it."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        name, bracket, rest = text.partition("(")
        for each in (name, *also.split()):
            REASONS[each] = reason
            entered(f"numpy.{each}{bracket}{rest}", function, wide=wide, kinds=kinds)
        return function

    return enter


# --- derivatives and promotion ---


@_exception("abs(x, dtype=None)", "the derivative at 0 is 0, as in `ops.abs`; JAX's is 1", also="absolute fabs")
def _abs(x: Any) -> Any:
    """Absolute value of each element."""
    return absolute(x)


@_exception(
    "divide(x1, x2, dtype=None)",
    "integers are divided in float32; under JAX's 64-bit dtypes in float64",
    also="true_divide",
)
def _divide(x1: Any, x2: Any) -> Any:
    """Quotient of each pair of elements; integers give float32."""
    return true_divide(x1, x2)


_power_of = arithmetic(power_of)


@_exception("power(x1, x2, dtype=None)", "the derivatives at 0 ** 0 are 0; JAX's are NaN")
def _power(x1: Any, x2: Any) -> Any:
    """Elements of `x1` raised to the powers `x2`."""
    return _power_of(x1, x2)


@_exception(
    "norm(x, ord=None, axis=None, keepdims=False)",
    "it is in `linalg` there, and its gradient at a zero vector is NaN; here it is 0",
)
def _vector_or_matrix_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    """Norm of vectors or matrices, as `numpy.linalg.norm`.

    Args:
        ord: the order: a number, inf, -inf, "fro" or "nuc". Default: 2 of all elements of the axes.
    """
    x = _args.as_floating(x)
    over = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if ord is None or (ord == "fro" and len(over) == 2):
        return _norm.norm_over(x, 2.0, over, keepdims)
    if len(over) == 1 and not isinstance(ord, str):
        return _norm.norm_over(x, float(ord), over, keepdims)
    return jnp.linalg.norm(x, ord, axis, keepdims)


# --- results of another form ---


def _split(name: str) -> None:
    split = getattr(jnp, name)
    text = f"{name}(x, indices_or_sections) -> tuple[Tensor, ...]"
    if name in ("split", "array_split"):
        text = f"{name}(x, indices_or_sections, axis=0) -> tuple[Tensor, ...]"

    def compute(x: Any, indices_or_sections: Any, **axis: Any) -> Any:
        return tuple(split(x, indices_or_sections, **axis))

    compute.__doc__ = f"""Split along an axis, as `numpy.{name}`.

    Args:
        indices_or_sections: int: the number of parts; or tuple of ints: the indices before which to split.

    Returns:
        tuple of Tensors.
    """
    _exception(text, "the result is a tuple; JAX's is a list")(compute)


for _each in ("array_split", "dsplit", "hsplit", "split", "vsplit"):
    _split(_each)


@_exception(
    "indices(dimensions, dtype=sporax.int32, sparse=False) -> list[Tensor]",
    "the result is a list of one Tensor for each axis; JAX's is one array",
)
def _indices(dimensions: Any, dtype: Any, sparse: bool) -> Any:
    """Indices of a grid: a Tensor for each axis."""
    return list(jnp.indices(dimensions, dtype, sparse))


@_exception(
    "unique(x, return_inverse=False) -> Any",
    "elements are in the order of their first occurrence, as in `ops.unique`; JAX sorts them",
)
def _unique(x: Any, return_inverse: bool) -> Any:
    """Distinct elements, in the order of their first occurrence. The shape depends on values: it cannot be compiled.

    Args:
        return_inverse: whether to return the index of each element among them too.
    """
    values, inverse = _sort.distinct(x)
    return (jnp.asarray(values), jnp.asarray(inverse)) if return_inverse else jnp.asarray(values)


_BINS = "bins=10, range=None, weights=None, density=False"


@_exception("bincount(x, weights=None, minlength=0, length=None)", "counts are float32, as MindSpore documents")
def _bincount(x: Any, weights: Any, minlength: int, length: Any) -> Any:
    """Number of occurrences of each integer, or the sum of its weights; float32.

    Args:
        minlength: the minimum length of the result.
        length: the length of the result. Compiled code needs it.
    """
    return _floating(jnp.bincount(x, weights, minlength, length=length))


@_exception(f"histogram2d(x, y, {_BINS}) -> tuple[Tensor, Tensor, Tensor]", "counts are float32, as in `histogram`")
def _histogram2d(x: Any, y: Any, bins: Any, range: Any, weights: Any, density: bool) -> Any:
    """Histogram of pairs, as `numpy.histogram2d`: (counts, ends of the intervals of x, those of y)."""
    counts, *edges = jnp.histogram2d(x, y, bins, range, weights, density)
    return _floating(counts), *edges


@_exception(f"histogramdd(sample, {_BINS}) -> tuple[Tensor, list[Tensor]]", "counts are float32, as in `histogram`")
def _histogramdd(sample: Any, bins: Any, range: Any, weights: Any, density: bool) -> Any:
    """Histogram of the rows of an array, as `numpy.histogramdd`: (counts, ends of the intervals of each column)."""
    counts, edges = jnp.histogramdd(sample, bins, range, weights, density)
    return _floating(counts), edges


def _floating(counts: Any) -> Any:
    return counts if jnp.issubdtype(counts.dtype, np.floating) else counts.astype(np.float32)


def _integral(text: str, summary: str) -> None:
    function = getattr(jnp, text.partition("(")[0])

    def compute(**arguments: Any) -> Any:
        result = function(*arguments.values())
        arrays = [each for each in arguments.values() if isinstance(each, jax.Array)]
        integers = all(each.dtype.kind in "iub" for each in arrays)
        return jnp.rint(result).astype(jnp.result_type(*arrays)) if integers else result

    compute.__doc__ = summary
    _exception(text, "integers give integers; JAX computes them in floating point", m=INTEGER)(compute)


_integral("convolve(a, v, mode='full')", "Convolution of two Tensors of one axis, as `numpy.convolve`.")
_integral("correlate(a, v, mode='valid')", "Correlation of two Tensors of one axis, as `numpy.correlate`.")
_integral("polyder(p, m=1)", "Coefficients of the derivative of a polynomial, as `numpy.polyder`.")
_integral("polymul(a1, a2)", "Coefficients of the product of two polynomials, as `numpy.polymul`.")


@_exception("array_str(a) -> str", "the text is that of a Tensor")
def _array_str(a: Any) -> str:
    """Text of a Tensor, as `str` gives it."""
    return str(wrap(a))


@_exception("isscalar(element) -> bool", "a Tensor is no scalar, and JAX does not know it", element=ANY)
def _isscalar(element: Any) -> bool:
    """Whether a value is a Python or NumPy scalar; a Tensor is not."""
    return bool(np.isscalar(element))


@_exception("promote_types(type1, type2) -> _DType", "dtypes are MindSpore's", type1=DTYPE, type2=DTYPE)
def _promote_types(type1: Any, type2: Any) -> Any:
    """The dtype to which a pair of dtypes promotes.

    Args:
        type1: a dtype.
        type2: a dtype.
    """
    return from_numpy_dtype(jnp.promote_types(type1, type2))


def _typed(value: Any) -> Any:
    return as_dtype(value) if isinstance(value, (str, type, np.dtype, DType)) else as_array(value)


@_exception("result_type(*arrays_and_dtypes) -> _DType", "dtypes are MindSpore's", arrays_and_dtypes=ANY)
def _result_type(arrays_and_dtypes: Any) -> Any:
    """The dtype to which Tensors and dtypes promote.

    Args:
        arrays_and_dtypes: Tensors, numbers and dtypes.
    """
    return from_numpy_dtype(jnp.result_type(*map(_typed, arrays_and_dtypes)))


# --- functions of the user ---


@_exception(
    "apply_along_axis(func1d, axis, arr, *args, **kwargs)",
    "the function is one of Tensors",
    wide=True, func1d=FUNCTION, args=ANY, kwargs=ANY,
)  # fmt: skip
def _apply_along_axis(func1d: Any, axis: Any, arr: Any, args: Any, kwargs: Any) -> Any:
    """Apply a function to the vectors along an axis.

    Args:
        func1d: function of a Tensor of one axis, and of the further arguments.
        args: passed on to the function.
        kwargs: passed on to the function.
    """
    return jnp.apply_along_axis(func1d, axis, arr, *args, **kwargs)


@_exception("apply_over_axes(func, a, axes)", "the function is one of Tensors", wide=True, func=FUNCTION)
def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """Apply a function of (Tensor, axis) over several axes, one after another.

    Args:
        func: such as `sum`; its result has as many axes as its argument, or one less.
    """
    return jnp.apply_over_axes(func, a, axes if isinstance(axes, tuple) else (axes,))


@_exception(
    "piecewise(x, condlist, funclist, *args, **kw)",
    "the functions are functions of Tensors",
    condlist=ANY, funclist=ANY, args=ANY, kw=ANY,
)  # fmt: skip
def _piecewise(x: Any, condlist: Any, funclist: Any, args: Any, kw: Any) -> Any:
    """Evaluate a function that is defined by pieces.

    Args:
        condlist: bool Tensors: where each piece holds.
        funclist: functions of a Tensor, or numbers; one more than the conditions for where none holds.
        args: passed on to the functions.
        kw: passed on to the functions.
    """
    conditions = [as_array(each) for each in condlist] if isinstance(condlist, (list, tuple)) else as_array(condlist)
    functions = [on_tensors(each) if callable(each) else each for each in funclist]
    return jnp.piecewise(x, conditions, functions, *args, **kw)


# --- options that `jax.numpy` refuses ---


@_exception("take(a, indices, axis=None, mode='clip')", "a negative index counts from the end; JAX clips it to 0")
def _take(a: Any, indices: Any, axis: Any, mode: str) -> Any:
    """Elements or slices at indices.

    Args:
        indices: integers; a negative one counts from the end.
        mode: "clip" or "wrap": what to do with an index that is out of range.
    """
    if mode == "raise":
        raise ArgumentError('numpy.take: mode "raise" is not available in compiled code; give "clip" or "wrap".')
    size = a.size if axis is None else a.shape[axis]
    return jnp.take(a, jnp.where(indices < 0, indices + size, indices), axis, mode=mode)


@_exception("gradient(f, *varargs, axis=None, edge_order=1) -> Any", "JAX takes no `edge_order`")
def _gradient(f: Any, varargs: Any, axis: Any, edge_order: int) -> Any:
    """Gradient by central differences, and by one-sided differences at the edges, as `numpy.gradient`.

    Args:
        varargs: the spacing: one number, or one number or Tensor of coordinates for each axis. Default: 1.
        edge_order: 1.
    """
    if edge_order != 1:
        raise ArgumentError(f"numpy.gradient: `edge_order` must be 1, but got {edge_order}.")
    return jnp.gradient(f, *varargs, axis=axis)


@_exception("unravel_index(indices, shape, order='C') -> tuple[Tensor, ...]", "JAX takes no `order`")
def _unravel_index(indices: Any, shape: Any, order: str) -> Any:
    """Indices along each axis of indices into the flattened shape.

    Args:
        order: "C" or "F": whether the last or the first axis varies fastest.
    """
    if order == "F":
        return jnp.unravel_index(indices, shape[::-1])[::-1]
    return jnp.unravel_index(indices, shape)


_PADDING = {
    "constant": "constant_values", "linear_ramp": "end_values", "reflect": "reflect_type", "symmetric": "reflect_type",
    "maximum": "stat_length", "mean": "stat_length", "median": "stat_length", "minimum": "stat_length",
}  # fmt: skip
_PAD = (
    "pad(arr, pad_width, mode='constant', stat_length=None, constant_values=0, end_values=0, reflect_type='even', "
    "**kwargs)"
)


@_exception(
    _PAD,
    "it takes the options of every mode, and the function of a mode is one of Tensors",
    pad_width=ANY, mode=ANY, stat_length=ANY, constant_values=ANY, end_values=ANY, reflect_type=ANY, kwargs=ANY,
)  # fmt: skip
def _pad(arr: Any, pad_width: Any, mode: Any, kwargs: Any, **options: Any) -> Any:
    """Pad at the edges, as `numpy.pad`.

    Args:
        pad_width: int, pair, or a pair for each axis: the numbers of elements before and after.
        mode: "constant", "edge", "empty", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect",
            "symmetric" or "wrap"; or a function, as NumPy has it.
        stat_length: the number of elements at each edge that the statistic is computed of. Default: all.
        constant_values: the values of "constant".
        end_values: the values that "linear_ramp" ends with.
        reflect_type: "even" or "odd".
        kwargs: passed on to the function.
    """
    if callable(mode):
        return jnp.pad(arr, pad_width, on_tensors(mode), **kwargs)
    option = _PADDING.get(mode)
    return jnp.pad(arr, pad_width, mode, **({option: options[option]} if option else {}))


# --- not in `jax.numpy` ---


@_exception("asfarray(a, dtype=sporax.float32)", "NumPy 2 and JAX no longer have it")
def _asfarray(a: Any) -> Any:
    """Tensor of a floating dtype."""
    return _args.as_floating(a)


@_exception("in1d(ar1, ar2, invert=False)", "NumPy 2 and JAX no longer have it")
def _in1d(ar1: Any, ar2: Any, invert: bool) -> Any:
    """Whether each element of the flattened `ar1` is in `ar2`."""
    return jnp.isin(ar1.reshape(-1), ar2, invert=invert)


_RANDOM = "it draws from the generator of `set_seed`; JAX has no such function"
Sizes = Annotated[tuple[int, ...], unpacking(get_args(Shape)[1])]
Type = Annotated[Any, DTYPE]
REASONS |= dict.fromkeys(("rand", "randint", "randn"), _RANDOM)


@op("numpy.rand(*shape, dtype=sporax.float32)")
def _rand(shape: Sizes, key: Key, dtype: Type) -> jax.Array:
    """Numbers drawn uniformly from [0, 1)."""
    return jax.random.uniform(key, shape or (1,), dtype)


@op("numpy.randn(*shape, dtype=sporax.float32)")
def _randn(shape: Sizes, key: Key, dtype: Type) -> jax.Array:
    """Numbers drawn from the standard normal distribution."""
    return jax.random.normal(key, shape or (1,), dtype)


@op("numpy.randint(minval, maxval=None, shape=None, dtype=sporax.int32)")
def _randint(
    minval: Annotated[int, INTEGER], maxval: Value, shape: Annotated[Any, ANY], key: Key, dtype: Type
) -> jax.Array:
    """Integers drawn uniformly from [minval, maxval), or from [0, minval).

    Args:
        minval: int: the minimum, or the bound where `maxval` is missing.
        maxval: int: the bound, which is not included.
        shape: int or tuple of ints. Default: (1,).
    """
    low, high = (0, minval) if maxval is None else (minval, maxval)
    if low >= high:
        raise ArgumentError(f"numpy.randint: the minimum must be below the bound, but got {low} and {high}.")
    sizes = (1,) if shape is None else _args.as_shape(shape, where="randint", name="shape")
    return jax.random.randint(key, sizes, low, high, dtype)
