"""Outputs of transformed functions other than Tensors: numbers, strings, types, ranges, objects that contain Tensors.

`pack` converts such a value to a tree with only arrays as leaves, so that a trace of JAX can return it; everything else
is static data of the tree. `unpack` is its inverse. As in MindSpore, numbers, strings and flags are preserved.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

import jax
import numpy as np

from sporax._jax_compat import is_tracer
from sporax.core import Cell, Tensor

_LAZY = (range, zip, map, enumerate, filter, reversed)
_OPAQUE = (type, Cell, FunctionType, BuiltinFunctionType, MethodType, ModuleType)


class _Same:
    """Static data compared by identity, except for plain values, so that they need neither `==` nor a hash."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and (self.value is other.value or _equal(self.value, other.value))

    def __hash__(self) -> int:
        return hash(type(self.value))


def _equal(left: Any, right: Any) -> bool:
    return type(left) is type(right) and isinstance(left, (bool, int, float, complex, str, tuple)) and left == right


class _Constant:
    """A value without arrays."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def restored(self) -> Any:
        # The caller may change a NumPy array; the next call must return the original values.
        return self.value.copy() if isinstance(self.value, np.ndarray) else self.value


class _Fields:
    """The packed values of a dict, in its order, or of the attributes of an object."""

    __slots__ = ("names", "owner", "values")

    def __init__(self, owner: Any, names: tuple[Any, ...], values: tuple[Any, ...]) -> None:
        self.owner = owner
        self.names = names
        self.values = values

    def restored(self) -> Any:
        fields = {name: unpack(value) for name, value in zip(self.names, self.values, strict=True)}
        if self.owner is None:
            return fields
        instance = object.__new__(type(self.owner))
        instance.__dict__.update(fields)
        return instance


jax.tree_util.register_pytree_node(
    _Constant, lambda constant: ((), _Same(constant.value)), lambda same, _: _Constant(same.value)
)
jax.tree_util.register_pytree_node(
    _Fields,
    lambda fields: (fields.values, (_Same(fields.owner), fields.names)),
    lambda static, values: _Fields(static[0].value, static[1], tuple(values)),
)


def _is_array(value: Any) -> bool:
    return isinstance(value, (Tensor, jax.Array)) or is_tracer(value)


def pack(output: Any) -> Any:
    """Return `output` as a tree of arrays; see the docstring of the module."""
    if _is_array(output):
        return output
    return _packed(output, ())


def _packed(value: Any, above: tuple[int, ...]) -> Any:
    if value is None or _is_array(value):
        return value
    if isinstance(value, _LAZY) or (isinstance(value, Iterator) and not isinstance(value, GeneratorType)):
        value = tuple(value)
    elif isinstance(value, GeneratorType):
        value = list(value)
    above = (*above, id(value))
    if type(value) is dict:
        return _Fields(None, tuple(value), tuple(_packed(each, above) for each in value.values()))
    if jax.tree_util.all_leaves([value]):
        return _packed_object(value, above)
    return jax.tree.map(
        lambda child: child if child is value else _packed(child, above),
        value,
        is_leaf=lambda child: child is not value,
    )


def _packed_object(value: Any, above: tuple[int, ...]) -> Any:
    fields = getattr(value, "__dict__", None)
    if not isinstance(fields, dict) or isinstance(value, _OPAQUE):
        return _Constant(value)
    fields = {name: each for name, each in fields.items() if id(each) not in above}
    packed = {name: _packed(each, above) for name, each in fields.items()}
    if not jax.tree.leaves(tuple(packed.values())):
        return _Constant(value)
    return _Fields(copy.copy(value), tuple(packed), tuple(packed.values()))


def is_plain(packed: Any) -> bool:
    """Return whether `unpack` would return its argument unchanged."""
    return not any(isinstance(each, (_Constant, _Fields)) for each in jax.tree.leaves(packed, is_leaf=_is_packed))


def _is_packed(value: Any) -> bool:
    return isinstance(value, (_Constant, _Fields, Tensor))


def unpack(packed: Any) -> Any:
    """Return the argument of `pack`, with the arrays of `packed`."""
    return jax.tree.map(
        lambda each: each.restored() if isinstance(each, (_Constant, _Fields)) else each, packed, is_leaf=_is_packed
    )
