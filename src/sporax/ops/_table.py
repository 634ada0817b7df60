"""Elementwise ops: the kernel is a function of JAX arrays, and the entry a call of `unary` or `binary`."""

from __future__ import annotations

import functools
import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import jax

from sporax.core import Tensor, arithmetic
from sporax.ops import _args
from sporax.ops._kinds import Kind, array_kind, plain
from sporax.ops._op import Signature, op, signature

NUMBERS = (bool, int, float, complex)

_PATH = re.compile(r"(\w[\w.]*\.(\w+))((?:\([^)]*\))*)")


def unary(
    name: str,
    summary: str,
    formula: str,
    function: Callable[[jax.Array], jax.Array],
    example: str,
    printed: str,
    *,
    also: str = "",
    result: str = "float",
    domain: str = "Tensor of any shape.",
    kinds: str | None = None,
    argument: str = "input",
    method: bool = True,
    rounded: bool = False,
) -> Callable[..., Any]:
    """Register an elementwise op of one argument.

    Args:
        name: the op's name in `ops`.
        summary, formula: for its docstring; the formula in x_i.
        function: the computation on a JAX array.
        example, printed: the argument of the docstring's example, and what printing its result shows.
        also: further public paths, separated by commas, such as "mint.exp, ops.Exp"; see `_signatures`.
        result: "float" computes integers in float32, "keep" keeps the dtype, "bool" is a predicate.
        domain: the argument's text in the docstring.
        kinds: NumPy kinds of dtype that are accepted; None for all.
        argument: the argument's name.
        method: whether it is a Tensor method too.
        rounded: show four decimals in the example, where the last digits differ between machines.
    """
    returns = {
        "float": "Tensor of the same shape and dtype; integers and bools give float32.",
        "keep": "Tensor of the same shape and dtype.",
        "bool": "Bool Tensor of the same shape.",
    }[result]

    def kernel(x: jax.Array) -> jax.Array:
        return function(x)

    kernel.__annotations__["x"] = Annotated[jax.Array, _array_kind(kinds, result == "float")]
    shown = f"ops.{name}(Tensor({example}))" + (".asnumpy().round(4)" if rounded else "")
    kernel.__doc__ = _docstring(summary, formula, {"x": domain}, returns, shown, printed)
    return _enter(kernel, name, _signatures(name, argument, also, method))


def binary(
    name: str,
    summary: str,
    formula: str,
    function: Callable[[Any, Any], jax.Array],
    example: tuple[str, str],
    printed: str,
    *,
    also: str = "",
    result: str = "same",
    kinds: str | None = None,
    arguments: str = "input, other",
    method: bool = True,
    keyword: str | None = None,
    rounded: bool = False,
) -> Callable[..., Any]:
    """Register an elementwise op of two arguments.

    Args:
        name: the op's name in `ops`.
        summary, formula: for its docstring; the formula in x_i and y_i.
        function: the computation on JAX arrays, one of which may be a Python number.
        example, printed: the arguments of the docstring's example, and what printing its result shows.
        also: further public paths; see `unary`.
        result: "same" for the promoted dtype, "float" to compute integers in float32, "bool" for a predicate.
        kinds: NumPy kinds of dtype that are accepted; None for all.
        arguments: the names of the arguments.
        method: whether it is a Tensor method too.
        keyword: a second name of the method's argument.
        rounded: show four decimals in the example, where the last digits differ between machines.
    """
    returns = {
        "same": "Tensor of the broadcast shape, of the promoted dtype.",
        "float": "Tensor of the broadcast shape, of the promoted dtype; integers give float32.",
        "bool": "Bool Tensor of the broadcast shape.",
    }[result]
    compute = arithmetic(function)

    def kernel(x: Any, y: Any) -> jax.Array:
        x, y = arrays(x, y)
        if result == "float":
            x, y = _as_floating(x), _as_floating(y)
        return compute(x, y)

    kernel.__annotations__ |= {"x": Annotated[Any, operand_kind(kinds)], "y": Annotated[Any, operand_kind(kinds, True)]}
    shown = f"ops.{name}(Tensor({example[0]}), Tensor({example[1]}))" + (".asnumpy().round(4)" if rounded else "")
    kernel.__doc__ = _docstring(summary, formula, {}, returns, shown, printed)
    signatures = _signatures(name, arguments, also, method)
    if keyword is not None:
        signatures.append(signature(f"Tensor.{name}(self, {keyword})", rename={keyword: "y"}))
    return _enter(kernel, name, signatures)


_array_kind = functools.cache(lambda kinds, floating: array_kind(kinds, floating=floating))


@functools.cache
def operand_kind(kinds: str | None = None, second: bool = False) -> Kind:
    """A Tensor, or a number, which stays a Python number and does not widen the dtype of the other operand.

    Args:
        kinds: NumPy kinds of dtype that a Tensor may have; None for all.
        second: whether it is the second operand, which broadcasts with the first.
    """

    def convert(value: Any, first: Any, where: str, name: str) -> Any:
        if isinstance(value, Tensor):
            array = value._value
        else:
            value = plain(value)
            if isinstance(value, NUMBERS):
                if kinds is not None and isinstance(first, NUMBERS):
                    for each in (first, value):
                        _args.check_kind(_args.as_array(each), kinds, where=where, name=name)
                return value
            array = _args.as_array(value)
        if kinds is not None:
            _args.check_kind(array, kinds, where=where, name=name)
        if second and not isinstance(first, NUMBERS) and first.shape != array.shape:
            _args.check_broadcast(where, first, array)
        return array

    raises = ("ShapeError: the shapes do not broadcast.",) if second else ()
    if kinds is not None:
        raises += (f"DtypeError: a dtype other than {_args.words_of(kinds)}.",)
    doc = "Tensor or number; the two broadcast." if second else "Tensor or number."
    return Kind(convert, doc, "_TensorLike", raises, data=True)


First = Annotated[Any, operand_kind()]
"""The first operand of a binary op; a Python number stays one."""

Second = Annotated[Any, operand_kind(second=True)]
"""The second operand, which broadcasts with the first."""


def arrays(x: Any, y: Any) -> tuple[Any, Any]:
    """Two operands, at least one of them an array."""
    if isinstance(x, NUMBERS) and isinstance(y, NUMBERS):
        return _args.as_array(x), _args.as_array(y)
    return x, y


def _as_floating(x: Any) -> Any:
    # A number stays a number, so that it does not widen a half-precision array.
    if isinstance(x, NUMBERS):
        return x if isinstance(x, complex) else float(x)
    return _args.as_floating(x)


def _docstring(summary: str, formula: str, arguments: Mapping[str, str], returns: str, shown: str, printed: str) -> str:
    sections = [summary, f".. math:: {formula}"]
    if arguments:
        sections.append("Args:\n" + "\n".join(f"    {name}: {text}" for name, text in arguments.items()))
    sections.append(f"Returns:\n    {returns}")
    sections.append(f"Examples:\n    >>> print({shown})\n" + textwrap.indent(printed, "    "))
    return "\n\n".join(sections)


def _signatures(name: str, arguments: str, also: str, method: bool) -> list[Signature]:
    """Return the signatures of an entry.

    A path in `also` without arguments has those of the row; a capitalized name is a class form; a method has `self`
    in place of the first argument.
    """
    names = arguments.split(", ")
    method_arguments = ", ".join(["self", *names[1:]])
    texts = [f"ops.{name}({arguments})"]
    for path, last, given in _PATH.findall(f"{f'Tensor.{name}, ' if method else ''}{also}"):
        own = method_arguments if path.startswith("Tensor.") else arguments
        texts.append(path + (given or (f"()({own})" if last[0].isupper() else f"({own})")))
    rename = dict(zip(names, "xy", strict=False))
    return [signature(text, rename) for text in texts]


def _enter(kernel: Callable[..., Any], name: str, signatures: list[Signature]) -> Callable[..., Any]:
    kernel.__name__ = kernel.__qualname__ = name
    kernel.__module__ = sys._getframe(2).f_globals["__name__"]
    return op(*signatures)(kernel)
