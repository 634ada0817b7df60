"""Kinds of arguments of ops: the annotation of a kernel's parameter states its conversion, check, text and type.

    def sum(x: Array, axis: Axes, keepdims: Flag = False, dtype: DType = None) -> jax.Array: ...

`Array` and its relatives are data: they arrive as JAX arrays, and gradients flow through them. The other kinds are
static: hashable values that a compiled program depends on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import jax
import numpy as np

from sporax import _check
from sporax._errors import ShapeError
from sporax.core import Generator, Tensor, next_key, seeded_generator, unwrap
from sporax.ops import _args

Convert = Callable[[Any, Any, str, str], Any]
"""A function of (given value, first array of the op or None, public name of the op, public name of the argument)."""


@dataclass(frozen=True)
class Kind:
    """The kind of an argument.

    Args:
        convert: checks and converts it; see `Convert`.
        doc: its description, unless the kernel's docstring has one.
        static_type: its type in the stubs.
        raises: lines for the section Raises; "{name}" is replaced by the argument's public name.
        data: whether it is an array, or a list of arrays, and not a static value.
        key: whether it is a random key. It is drawn, with None as the given value, if a signature lacks it.
        needed_if: parameters of the kernel; unless all are true, the kernel gets None and nothing is drawn.
    """

    convert: Convert
    doc: str
    static_type: str = "Any"
    raises: tuple[str, ...] = ()
    data: bool = False
    key: bool = False
    needed_if: tuple[str, ...] = ()


def plain(value: Any) -> Any:
    """Replace Tensors, also in lists and tuples, by their arrays, and NumPy scalars by Python numbers."""
    if isinstance(value, Tensor):
        return value._value
    if isinstance(value, (list, tuple)) and any(isinstance(each, (Tensor, list, tuple)) for each in value):
        return type(value)(plain(each) for each in value)
    return unwrap(value)


_OUT_OF_RANGE = "ArgumentError: an axis is out of range; the message names the axis, the shape and the range."


def array_kind(kinds: str | None = None, *, floating: bool = False, doc: str = "", optional: bool = False) -> Kind:
    """A Tensor, array, number or nested list.

    Args:
        kinds: NumPy's kinds of dtype that it may have ("f" includes bfloat16); None for all.
        floating: whether integers and bools become float32.
        doc: see `Kind`.
        optional: whether None is accepted.
    """
    prepare = _args.as_floating if floating else _args.as_array

    def convert(value: Any, _: Any, where: str, name: str) -> Any:
        if optional and value is None:
            return None
        array = prepare(plain(value))
        if kinds is not None:
            _args.check_kind(array, kinds, where=where, name=name)
        return array

    text = doc or ("Tensor of any shape; integers and bools give float32." if floating else "Tensor of any shape.")
    raises = () if kinds is None else (f"DtypeError: a dtype other than {_args.words_of(kinds)}.",)
    return Kind(convert, text, "_TensorLike | None" if optional else "_TensorLike", raises, data=True)


def ranked_kind(minimum: int, doc: str = "") -> Kind:
    """A Tensor with at least `minimum` axes."""
    axes = f"{minimum} {'axis' if minimum == 1 else 'axes'}"

    def convert(value: Any, _: Any, where: str, name: str) -> Any:
        array = _args.as_array(plain(value))
        if array.ndim < minimum:
            raise ShapeError(f"ops.{where}: `{name}` must have at least {axes}, but its shape is {array.shape}.")
        return array

    return Kind(
        convert, doc or f"Tensor of at least {axes}.", "_TensorLike", (f"ShapeError: fewer than {axes}.",), data=True
    )


def arrays_kind(
    doc: str = "tuple or list of Tensors, at least one.", static_type: str = "Sequence[_TensorLike]"
) -> Kind:
    """A sequence of Tensors, or the arguments of a signature such as `f(*inputs)`."""
    raises = ("ArgumentTypeError: not a sequence.", "ArgumentError: an empty sequence.")

    def convert(value: Any, _: Any, where: str, name: str) -> list[jax.Array]:
        return _args.arrays_of(plain(value), where=where, name=name)

    return Kind(convert, doc, static_type, raises, data=True)


def static_kind(convert: Convert, doc: str, static_type: str, *raises: str) -> Kind:
    """An argument that a compiled program depends on."""
    return Kind(convert, doc, static_type, raises)


def _reference(x: Any) -> Any:
    """Return the array whose axes are meant: the first one of a list."""
    return x[0] if isinstance(x, list) else x


def _operand(value: Any, _: Any, where: str, name: str) -> Any:
    if isinstance(value, Tensor):
        return value._value
    value = plain(value)
    return value if isinstance(value, (bool, int, float, complex)) else _args.as_array(value)


def _integer(value: Any, _: Any, where: str, name: str) -> int:
    return _args.as_int(plain(value), where=where, name=name)


Array = Annotated[jax.Array, array_kind()]
Floating = Annotated[jax.Array, array_kind(floating=True)]
Real = Annotated[jax.Array, array_kind("biuf", doc="Tensor of any shape, not complex.")]
Number = Annotated[jax.Array, array_kind("iufc", doc="Tensor of any shape, not bool.")]
Ordered = Annotated[jax.Array, array_kind("iuf", doc="Tensor of any shape, not bool or complex.")]
Integral = Annotated[jax.Array, array_kind("iu", doc="Tensor of any shape, of an integer dtype.")]
OptionalArray = Annotated[Any, array_kind(optional=True)]
Operand = Annotated[
    Any,
    Kind(_operand, "Tensor, or a number, which does not widen the dtype of a Tensor.", "_TensorLike", data=True),
]
Arrays = Annotated[list[jax.Array], arrays_kind()]

Axes = Annotated[
    Any,
    static_kind(
        lambda value, x, where, name: _args.axes(plain(value), x, where=where, name=name),
        "int, tuple of ints, or None or () for all axes.",
        "int | Sequence[int] | Tensor | None",
        _OUT_OF_RANGE,
    ),
]
Axis = Annotated[
    int,
    static_kind(
        lambda value, x, where, name: _args.one_axis(plain(value), _reference(x), where=where, name=name),
        "the axis; a negative one counts from the end.",
        "int",
        _OUT_OF_RANGE,
    ),
]
OptionalAxis = Annotated[
    Any,
    static_kind(
        lambda value, x, where, name: (
            None if value is None else _args.one_axis(plain(value), x, where=where, name=name)
        ),
        "the axis, or None for the flattened Tensor.",
        "int | None",
        _OUT_OF_RANGE,
    ),
]
Shape = Annotated[
    tuple[int, ...],
    static_kind(
        lambda value, _, where, name: _args.as_shape(plain(value), where=where, name=name),
        "int or tuple of ints, none negative.",
        "int | Sequence[int] | Tensor",
        "ArgumentError: a negative size.",
    ),
]
Integer = Annotated[int, static_kind(_integer, "int.", "int", "ArgumentTypeError: not an int.")]
Flag = Annotated[bool, static_kind(lambda value, *_: bool(value), "whether to do so.", "bool")]
KeepDims = Annotated[
    bool, static_kind(lambda value, *_: bool(value), "whether the reduced axes are kept, with length 1.", "bool")
]
DType = Annotated[
    Any,
    static_kind(
        lambda value, *_: _args.numpy_dtype(value), "the dtype of the result. Default: the Tensor's own.", "Any"
    ),
]
FloatDType = Annotated[
    Any,
    static_kind(
        lambda value, *_: _args.numpy_dtype(value, np.dtype(np.float32)), "the dtype. Default: float32.", "Any"
    ),
]
Value = Annotated[Any, static_kind(lambda value, *_: plain(value), "any value.", "Any")]
"""Passed unchanged, for arguments that the kernel checks."""


def value_kind(static_type: str, doc: str = "any value.") -> Kind:
    """A static value of the given type, which the kernel checks."""
    return static_kind(lambda value, *_: plain(value), doc, static_type)


def integer_kind(minimum: int, doc: str) -> Kind:
    """An int that is at least `minimum`."""

    def convert(value: Any, _: Any, where: str, name: str) -> int:
        return _check.integer(_integer(value, _, where, name), name=name, where=f"ops.{where}", minimum=minimum)

    return static_kind(convert, doc, "int", f"ArgumentError: {{name}} is less than {minimum}.")


def choice_kind(*options: str, doc: str = "") -> Kind:
    """One of several strings."""

    def convert(value: Any, _: Any, where: str, name: str) -> str:
        return _check.one_of(value, options, name=name, where=f"ops.{where}")

    text = doc or f"{', '.join(map(repr, options[:-1]))} or {options[-1]!r}."
    return static_kind(convert, text, "str", "ArgumentError: an unknown name; the message lists the known ones.")


def unpacking(kind: Kind) -> Kind:
    """The same kind, for a signature such as `f(*shape)`: it accepts `f(2, 3)` and `f((2, 3))`."""

    def convert(value: Any, x: Any, where: str, name: str) -> Any:
        return kind.convert(_args.spread(value) if isinstance(value, tuple) else value, x, where, name)

    return replace(kind, convert=convert)


_INTEGERS = static_kind(
    lambda value, _, where, name: _args.as_ints(plain(value), where=where, name=name),
    "int or tuple of ints.",
    "int | Sequence[int] | Tensor",
    "ArgumentTypeError: not ints.",
)
Integers = Annotated[tuple[int, ...], _INTEGERS]


def _some_axes(value: Any, x: Any, where: str, name: str) -> tuple[int, ...]:
    numbers = _args.as_ints(plain(value), where=where, name=name)
    return tuple(_args.one_axis(each, x, where=where, name=name) for each in numbers)


SomeAxes = Annotated[
    tuple[int, ...],
    static_kind(_some_axes, "int or tuple of ints.", "int | Sequence[int] | Tensor", _OUT_OF_RANGE),
]
"""Axes, where () is no axis."""
OptionalAxes = Annotated[
    tuple[int, ...] | None,
    static_kind(
        lambda value, x, where, name: (
            None
            if value is None or (isinstance(value, (tuple, list)) and not value)
            else _some_axes(value, x, where, name)
        ),
        "int or tuple of ints, or None or ().",
        "int | Sequence[int] | Tensor | None",
        _OUT_OF_RANGE,
    ),
]
"""As `SomeAxes`; None if no axis is given."""
NewAxis = Annotated[
    int,
    static_kind(
        lambda value, x, where, name: _args.one_axis(plain(value), _reference(x), where=where, name=name, new=True),
        "the index of the new axis, in [-ndim - 1, ndim].",
        "int",
        _OUT_OF_RANGE,
    ),
]
OptionalInteger = Annotated[
    int | None,
    static_kind(
        lambda value, x, where, name: None if value is None else _integer(value, x, where, name),
        "int or None.",
        "int | None",
        "ArgumentTypeError: not an int.",
    ),
]


def _seed(value: Any, where: str, name: str) -> int:
    return _check.integer(_integer(value, None, where, name), name=name, where=f"ops.{where}", minimum=0)


def key_kind(
    doc: str = "int ≥ 0: with `set_seed` it decides the sequence of draws, the same in every run.",
    static_type: str = "int | None",
    no_seed: int | None = None,
    needed_if: tuple[str, ...] = (),
) -> Kind:
    """A random key: of the default Generator, of a given one, or of the stream of seeded draws.

    Args:
        doc, static_type, needed_if: see `Kind`.
        no_seed: the int that denotes no seed, as None does.
    """

    def convert(value: Any, _: Any, where: str, name: str) -> jax.Array:
        if value is None or isinstance(value, Generator):
            return next_key(value)
        if value == no_seed:
            return next_key()
        return jax.random.fold_in(next_key(seeded_generator), _seed(value, where, name) % 2**32)

    return Kind(convert, doc, static_type, data=True, key=True, needed_if=needed_if)


def _repeatable_key(value: Any, _: Any, where: str, name: str) -> jax.Array:
    seed, offset = value if isinstance(value, tuple) else (value, 0)
    if seed is None or isinstance(seed, Generator):
        return next_key(seed)
    if not seed and not offset:
        return next_key()
    return jax.random.fold_in(jax.random.key(_seed(seed, where, name)), offset)


Key = Annotated[jax.Array, key_kind()]
"""A key, for a signature with `seed=None` or without a seed."""
KeyOfGenerator = Annotated[
    jax.Array, key_kind("the Generator to draw from. Default: the global one.", "Generator | None")
]
"""A key, for a signature with `generator=None`."""
RepeatableKey = Annotated[
    jax.Array, Kind(_repeatable_key, "int: not 0 for the same draw in each call.", "int", data=True, key=True)
]
"""A key, for a signature with `seed=0`; a second seed may be renamed to it."""
PublicName = Annotated[str, static_kind(lambda value, *_: value, "the public name of the op, for messages.", "str")]
"""The name by which the op was called, such as "ops.l1_loss"; it is not part of a signature; the engine passes it."""
