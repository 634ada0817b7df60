"""Ops that compute with one function of `jax.numpy` or `jax.scipy`, under MindSpore's signature of the same name.

    listed("numpy.tile(a, reps)", jnp.tile, "numpy.tile")

The kind of an argument follows from its name. Dtypes follow MindSpore: Python ints give int32 and floats float32, and a
result has 64 bits only where an argument has, or where `dtype` asks for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, get_args

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ShapeError, SporaxError
from sporax._jax_compat import CONCRETIZATION_ERRORS
from sporax.core import Tensor, arithmetic, to_array, wrap
from sporax.core.dtype import DType as _DType  # noqa: F401  signatures name it as a result
from sporax.ops import _args
from sporax.ops._kinds import Flag, Kind, plain
from sporax.ops._op import op, signature

_NUMBERS = (bool, int, float, complex)
_INT32 = np.iinfo(np.int32)


def as_array(value: Any) -> Any:
    """Return the JAX array of an array, a number or a nested list; Python ints that fit give int32."""
    value = plain(value)
    if isinstance(value, (jax.Array, np.ndarray)):
        return _args.as_array(value)
    if any(isinstance(each, jax.Array) for each in jax.tree.leaves(value)):
        leaves, structure = jax.tree.flatten(value)
        return jnp.asarray(jax.tree.unflatten(structure, [_args.as_array(each) for each in leaves]))
    array = to_array(value)
    host = np.asarray(value)
    fits = host.dtype == np.int64 and (not host.size or (_INT32.min <= host.min() and host.max() <= _INT32.max))
    return array.astype(np.int32) if fits else array


def static(value: Any) -> Any:
    """Return a hashable value: lists become tuples, integer Tensors ints or tuples of ints."""
    if isinstance(value, (Tensor, jax.Array, np.ndarray)):
        value = np.asarray(plain(value)).tolist()
    if isinstance(value, (list, tuple)):
        return tuple(static(each) for each in value)
    return plain(value)


def as_dtype(value: Any) -> Any:
    """Return the NumPy dtype, or None; `int` is int32, as everywhere in `mindspore.numpy`."""
    return np.dtype(np.int32) if value is int else _args.numpy_dtype(value)


def on_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of arrays that calls a user's function of Tensors."""

    def call(*args: Any, **kwargs: Any) -> Any:
        given = [wrap(each) if isinstance(each, jax.Array) else each for each in args]
        return jax.tree.map(plain, function(*given, **kwargs), is_leaf=lambda each: isinstance(each, Tensor))

    return call


def _second(value: Any, first: Any, where: str, name: str) -> Any:
    value = _operand(value)
    if not isinstance(first, _NUMBERS) and not isinstance(value, _NUMBERS) and first.shape != value.shape:
        try:
            np.broadcast_shapes(first.shape, value.shape)
        except ValueError:
            raise ShapeError(
                f"numpy.{where}: shapes {first.shape} and {value.shape} do not broadcast. Sizes must agree axis by "
                "axis from the right, or one of them be 1."
            ) from None
    return value


def _operand(value: Any, *_: Any) -> Any:
    value = plain(value)
    return value if value is None or isinstance(value, _NUMBERS) else as_array(value)


def _arrays(value: Any, *_: Any) -> Any:
    value = plain(value)
    return [as_array(each) for each in value] if isinstance(value, (list, tuple)) else as_array(value)


ARRAY = Kind(
    lambda value, *_: None if value is None else as_array(value),
    "Tensor, number or nested list.",
    "_TensorLike",
    data=True,
)
FIRST = Kind(_operand, "Tensor or number.", "_TensorLike", data=True)
OPERAND = Kind(_operand, "Tensor, or a number, which does not widen the dtype of a Tensor.", "_TensorLike", data=True)
SECOND = Kind(
    _second,
    "Tensor or number; the two broadcast.",
    "_TensorLike",
    ("ShapeError: the shapes do not broadcast.",),
    data=True,
)
ARRAYS = Kind(_arrays, "sequence of Tensors.", "Sequence[_TensorLike] | _TensorLike", data=True)
REST = Kind(_arrays, "Tensors.", "_TensorLike", data=True)
DTYPE = Kind(lambda value, *_: as_dtype(value), "the dtype of the result.", "Any")
WHERE = Kind(
    lambda value, *_: None if value is True else as_array(value),
    "the elements to take into account; they need an `initial`. Default: all.",
    "_TensorLike",
    data=True,
)
FUNCTION = Kind(lambda value, *_: on_tensors(value), "function of Tensors.", "Callable[..., Any]")
BINS = Kind(
    lambda value, *_: value if isinstance(value, int) else as_array(value),
    "int: the number of intervals; or Tensor: their ends.",
    "_TensorLike",
)
REPEATS = Kind(BINS.convert, "int, or Tensor of ints: one for each element.", "_TensorLike")
FACTOR = Kind(
    lambda value, *_: (as_array(value[0]), bool(plain(value[1]))),
    "(factor, lower), as `cho_factor` returns them.",
    "tuple[_TensorLike, bool]",
)
ANY = Kind(lambda value, *_: value, "any value.", "Any")


def _static_kind(doc: str, static_type: str) -> Kind:
    return Kind(lambda value, *_: static(value), doc, static_type)


AXIS = _static_kind("int or tuple of ints; a negative one counts from the end.", "int | Sequence[int]")
SHAPE = _static_kind("int or tuple of ints.", "int | Sequence[int]")
INTEGER = _static_kind("int.", "int")
NUMBER = _static_kind("number.", "float")
WORD = _static_kind("str.", "str")
STATIC = _static_kind("a value that a compiled program depends on.", "Any")
FLAG: Kind = get_args(Flag)[1]

_NAMES: Mapping[Kind, str] = {
    FIRST: "x1",
    SECOND: "x2",
    OPERAND: "xmin xmax fill_value initial prepend append to_end to_begin left right default pad_value",
    ARRAYS: "arrays tup choices condlist choicelist multi_index sample",
    REST: "arys xi varargs args",
    DTYPE: "dtype",
    WHERE: "where",
    AXIS: "axis axes source destination shift axisa axisb axisc",
    SHAPE: "shape new_shape reps dimensions dims indices_or_sections",
    INTEGER: "n M length ndim k num offset axis1 axis2 N ndmin ddof minlength start edge_order decimals",
    NUMBER: "rtol atol base dx discont rcond",
    WORD: "mode order side indexing",
    FLAG: (
        "keepdims returned copy invert assume_unique return_indices return_inverse equal_nan rowvar bias density "
        "endpoint retstep sparse increasing right"
    ),
    BINS: "bins",
    REPEATS: "repeats",
    STATIC: "range ord",
}
_KINDS: Mapping[str, Kind] = {name: kind for kind, names in _NAMES.items() for name in names.split()}
"""Names of arguments and their kinds; any other is a Tensor."""

_NARROW = {"float64": np.float32, "complex128": np.complex64, "int64": np.int32, "uint64": np.uint32}
_WIDE = {"float64", "complex128"}


def finished(result: Any, given: Any, dtype: Any = None, *, wide: bool = False) -> Any:
    """Return the results of a kernel with MindSpore's dtypes.

    Args:
        result: an array, or a list or tuple of arrays.
        given: the arguments, any nesting of arrays and other values.
        dtype: the dtype to cast to.
        wide: whether integers may have 64 bits whatever the arguments have.
    """
    found = {each.dtype.name for each in jax.tree.leaves(given) if isinstance(each, jax.Array)}
    floats, integers = bool(found & _WIDE), wide or bool(found & {"int64", "uint64"})

    def cast(value: Any) -> Any:
        if not isinstance(value, jax.Array):
            return value
        if dtype is not None:
            return value.astype(dtype)
        name = value.dtype.name
        keep = name not in _NARROW or (floats if name in _WIDE else integers)
        if keep and not value.weak_type:
            return value
        return jax.lax.convert_element_type(value, value.dtype if keep else _NARROW[name])

    return jax.tree.map(cast, result)


def listed(
    text: str, function: Callable[..., Any], path: str, *, wide: bool = False, kinds: Mapping[str, Kind] | None = None
) -> Callable[..., Any]:
    """Enter a function of NumPy or SciPy, as JAX has it, under a public signature.

    Args:
        text: the signature; see `entered`.
        function: the function of JAX; arguments that it has under another name are passed by position.
        path: its name in NumPy or SciPy, for the docstring.
        wide, kinds: see `entered`.
    """
    one = signature(text.partition(" -> ")[0])
    call = one.call
    theirs = list(inspect.signature(function).parameters.values())
    variadic = next((each.name for each in call if each.kind is each.VAR_POSITIONAL), None)
    casts = all(each.name != "dtype" for each in theirs)
    passed = [each.name for each in call if each.name != "dtype" or not casts]
    leading = _leading([each for each in passed if each != variadic], theirs)
    compute = arithmetic(function) if passed == ["x1", "x2"] else function

    def kernel(**arguments: Any) -> Any:
        values = [arguments[each] for each in leading]
        values += arguments[variadic] if variadic is not None else []
        named = {each: arguments[each] for each in passed if each not in leading and each != variadic}
        try:
            return compute(*values, **named)
        except (SporaxError, *CONCRETIZATION_ERRORS):
            raise
        except (TypeError, ValueError, NotImplementedError) as error:
            raise ArgumentError(f"{one.home}.{one.name}: {error}") from error

    described = (inspect.getdoc(function) or "").partition("\n")[0]
    refused = f"ArgumentError: arguments that `{path}` refuses."
    kernel.__doc__ = f"As `{path}`, for Tensors.\n\n{described}\n\nRaises:\n    {refused}"
    return entered(text, kernel, wide=wide, kinds=kinds)


def entered(
    text: str, function: Callable[..., Any], *, wide: bool = False, kinds: Mapping[str, Kind] | None = None
) -> Callable[..., Any]:
    """Enter a function of JAX arrays under a public signature.

    Args:
        text: the signature, such as "numpy.tile(a, reps)"; " -> list[Tensor]" after it states another result than a
            Tensor.
        function: the function; it is called with the arguments by name, `dtype` only if it has such an argument.
        wide: see `finished`.
        kinds: kinds of arguments whose name says another.
    """
    text, _, returns = text.partition(" -> ")
    one = signature(text)

    takes_dtype = any(
        each.name == "dtype" or each.kind is each.VAR_KEYWORD
        for each in inspect.signature(function).parameters.values()
    )

    def kernel(**arguments: Any) -> Any:
        given = arguments if takes_dtype else {name: each for name, each in arguments.items() if name != "dtype"}
        return finished(function(**given), given, arguments.get("dtype"), wide=wide)

    kernel.__name__ = kernel.__qualname__ = one.name
    kernel.__module__ = f"sporax.{one.home}"
    kernel.__doc__ = function.__doc__
    known = {**_KINDS, **(kinds or {})}
    annotations: dict[str, Any] = {
        each.name: Annotated[Any, _accepting(known.get(each.name, ARRAY), each.default)] for each in one.call
    }
    kernel.__annotations__ = annotations | {"return": returns or "Tensor"}
    kernel.__signature__ = inspect.Signature(  # pyright: ignore[reportFunctionMemberAccess]
        [inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY) for each in one.call]
    )
    return op(one)(kernel)


def _accepting(kind: Kind, default: Any) -> Kind:
    """Return the kind of an argument with that default; None is then among its static types."""
    return (
        replace(kind, static_type=f"{kind.static_type} | None")
        if default is None and kind.static_type != "Any"
        else kind
    )


def _leading(passed: list[str], theirs: list[inspect.Parameter]) -> list[str]:
    """Return the arguments to pass by position: those up to the first that the function has at another index."""
    if theirs[0].kind is theirs[0].VAR_POSITIONAL:
        return passed if not any(each.name in passed for each in theirs) else []
    known = {each.name for each in theirs if each.kind is not each.POSITIONAL_ONLY}
    found: list[str] = []
    for name, parameter in zip(passed, theirs, strict=False):
        if (parameter.name != name and name in known) or parameter.kind is parameter.KEYWORD_ONLY:
            break
        found.append(name)
    return found
