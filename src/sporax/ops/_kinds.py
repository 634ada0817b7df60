"""Kinds of arguments of ops: the annotation of a kernel's parameter states its conversion, check, text and type.

    def sum(x: Array, axis: Axes, keepdims: Flag = False, dtype: DType = None) -> jax.Array: ...

`Array` and its relatives are data: they arrive as JAX arrays, and gradients flow through them. The other kinds are
static: hashable values that a compiled program depends on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import jax

from sporax.core import Tensor, unwrap
from sporax.ops import _args

Convert = Callable[[Any, Any, str, str], Any]
"""From (the value given, the op's first array or None, the op's public name, the argument's public name)."""


@dataclass(frozen=True)
class Kind:
    """What an argument is.

    Args:
        convert: checks and converts it; see `Convert`.
        doc: what a docstring says of it, unless the kernel's says more.
        static_type: its type in the stubs.
        raises: lines for the section Raises.
        data: whether it is an array, or a list of arrays, and not a static value.
    """

    convert: Convert
    doc: str
    static_type: str = "Any"
    raises: tuple[str, ...] = ()
    data: bool = False


def plain(value: Any) -> Any:
    """The array of a Tensor, within lists and tuples too; a NumPy scalar as a Python number; anything else as it is."""
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


def static_kind(convert: Convert, doc: str, static_type: str, *raises: str) -> Kind:
    """An argument that a compiled program depends on."""
    return Kind(convert, doc, static_type, raises)


def _reference(x: Any) -> Any:
    """The array whose axes count: the first one of a list."""
    return x[0] if isinstance(x, list) else x


def _operand(value: Any, _: Any, where: str, name: str) -> Any:
    if isinstance(value, Tensor):
        return value._value
    value = plain(value)
    return value if isinstance(value, (bool, int, float, complex)) else _args.as_array(value)


def _integer(value: Any, _: Any, where: str, name: str) -> int:
    return _args.whole(plain(value), where=where, name=name)


Array = Annotated[jax.Array, array_kind()]
Floating = Annotated[jax.Array, array_kind(floating=True)]
Real = Annotated[jax.Array, array_kind("biuf", doc="Tensor of any shape, not complex.")]
Number = Annotated[jax.Array, array_kind("iufc", doc="Tensor of any shape, not bool.")]
Integral = Annotated[jax.Array, array_kind("iu", doc="Tensor of any shape, of an integer dtype.")]
OptionalArray = Annotated[Any, array_kind(optional=True)]
Operand = Annotated[
    Any,
    Kind(_operand, "Tensor, or a number, which does not widen the dtype of a Tensor.", "_TensorLike", data=True),
]
Arrays = Annotated[
    list[jax.Array],
    Kind(
        lambda value, _, where, name: _args.arrays_of(plain(value), where=where, name=name),
        "tuple or list of Tensors, at least one.",
        "Sequence[_TensorLike]",
        ("ArgumentTypeError: not a sequence.", "ArgumentError: an empty sequence."),
        data=True,
    ),
]

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
Value = Annotated[Any, static_kind(lambda value, *_: plain(value), "any value.", "Any")]
"""Passed on as it is; for what the kernel checks itself."""
PublicName = Annotated[str, static_kind(lambda value, *_: value, "the public name of the op, for messages.", "str")]
"""The name by which the op was called, such as "ops.l1_loss"; no signature has it, the engine passes it."""
