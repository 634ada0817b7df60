"""`op`: one entry per op. The kernel is a typed function of JAX arrays, with the signatures under which it is public.

    @op(
        "ops.sum(input, dim=None, keepdim=False, *, dtype=None)",
        "Tensor.sum(self, axis=None, dtype=None, keepdims=False)",
        "ops.ReduceSum(keep_dims=False)(x, axis=())",
    )
    def sum(x: Array, axis: Axes, keepdims: KeepDims = False, dtype: DType = None) -> jax.Array:
        \"""Sum over axes; integers and bools give int64.\"""

Each signature becomes a Python function with exactly these arguments: it converts them by the kinds of the kernel's
parameters (`_kinds.py`), calls the kernel with 64-bit types enabled, and returns Tensors. The docstrings, the stubs and
the tables of `_base.py` follow from the same entry.
"""

from __future__ import annotations

import functools
import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sporax import _docstring
from sporax._errors import ArgumentTypeError
from sporax._jax_compat import x64_scope
from sporax._signature import define
from sporax.core import dtype, recordable
from sporax.ops import _base
from sporax.ops._kinds import Kind, PublicName

SYNONYMS: Mapping[str, str] = {
    "a": "x",
    "input": "x",
    "input_x": "x",
    "self": "x",
    "tensor": "x",
    "dim": "axis",
    "dims": "axis",
    "keep_dims": "keepdims",
    "keepdim": "keepdims",
    "output_type": "dtype",
    "type": "dtype",
    "input_y": "y",
    "other": "y",
    "correction": "ddof",
    "generator": "key",
    "seed": "key",
    "seed2": "key",
}
"""Names in MindSpore's signatures -> the kernel's parameter, where the kernel has none of that name."""

METHOD_KEYWORDS = ("axis", "dim", "keepdims", "keepdim", "keep_dims")
"""Keywords that a Tensor method accepts for the same argument, whichever of them its signature names."""

_EMPTY = inspect.Parameter.empty
_POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
_VARIADIC = inspect.Parameter.VAR_POSITIONAL


class _Missing:
    def __repr__(self) -> str:
        return "REQUIRED"


_MISSING: Any = _Missing()
"""The default of a required argument that may also be given by another keyword."""


@dataclass(frozen=True)
class Signature:
    """One public signature of an op.

    Args:
        home: "ops", "mint", "mint.nn.functional" or "Tensor".
        name: the public name.
        call: the parameters of the call.
        constructor: those of the constructor of a class form; None for a function.
        fixed: arguments of the kernel that this signature does not have, with their values.
        renamed: names of this signature -> the kernel's parameters, beyond `SYNONYMS`.
    """

    home: str
    name: str
    call: tuple[inspect.Parameter, ...]
    constructor: tuple[inspect.Parameter, ...] | None
    fixed: Mapping[str, Any]
    renamed: Mapping[str, str]

    @property
    def where(self) -> str:
        """The name in messages."""
        return self.name if self.home == "ops" else f"{self.home}.{self.name}"

    def same_call(self, other: Signature) -> bool:
        """Return whether both can share a function: the same arguments of the call, without constructor arguments."""
        if self.constructor or other.constructor:
            return False
        return (self.call, self.fixed, self.renamed) == (other.call, other.fixed, other.renamed)

    @property
    def parameters(self) -> tuple[inspect.Parameter, ...]:
        """The arguments of the call, and those of the constructor."""
        return (*self.call, *(self.constructor or ()))


def signature(text: str, rename: Mapping[str, str] | None = None, **fixed: Any) -> Signature:
    """A public signature.

    Args:
        text: as MindSpore documents it, such as `ops.sum(input, dim=None)`, or `ops.ReduceSum(keep_dims=False)(x)` for
            a class form; `self` is the Tensor of a method.
        rename: names in it -> parameters of the kernel, where they differ and are not among `SYNONYMS`.
        fixed: arguments of the kernel that it does not have.
    """
    path, bracket, rest = text.partition("(")
    home, _, name = path.strip().rpartition(".")
    groups = [_parameters(f"({part})") for part in (bracket + rest).strip()[1:-1].split(")(")]
    if len(groups) > 2 or not home:
        raise ArgumentTypeError(
            f"op: {text!r} is not of the form home.name(arguments) or home.Name(options)(arguments)."
        )
    constructor = groups[0] if len(groups) == 2 else None
    return Signature(home, name, groups[-1], constructor, fixed, rename or {})


@functools.cache
def _parameters(text: str) -> tuple[inspect.Parameter, ...]:
    scope: dict[str, Any] = {"REQUIRED": _EMPTY, "np": np, "sporax": dtype, "dtype": dtype}
    exec(f"def f{text}: ...", scope)
    return tuple(inspect.signature(scope["f"]).parameters.values())


def op(*signatures: str | Signature) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register an op under its public signatures.

    Args:
        signatures: texts (see `signature`), or what `signature` returns. Several with one name are one function or
            method that accepts the keywords of each; the first gives the positional order.

    Returns:
        A decorator; what it returns is the function of the first signature.
    """
    parsed = [signature(each) if isinstance(each, str) else each for each in signatures]

    def enter(kernel: Callable[..., Any]) -> Callable[..., Any]:
        entry = _Entry(kernel)
        merged: dict[tuple[str, str], list[Signature]] = {}
        for each in parsed:
            merged.setdefault((each.home, each.name), []).append(each)
        made = [entry.publish(*group) for group in merged.values()]
        return made[0]

    return enter


class _Entry:
    """A kernel with the kinds of its parameters."""

    def __init__(self, kernel: Callable[..., Any]) -> None:
        self.kernel = kernel
        hints = inspect.get_annotations(kernel, eval_str=True)
        self.parameters = inspect.signature(kernel).parameters
        self.kinds: dict[str, Kind] = {}
        for name in self.parameters:
            kind = next((each for each in getattr(hints.get(name), "__metadata__", ()) if isinstance(each, Kind)), None)
            if kind is None:
                raise ArgumentTypeError(f"op {kernel.__name__}: the parameter {name!r} needs a kind as its annotation.")
            self.kinds[name] = kind
        self.first = next(iter(self.parameters), "")
        self.sections = _docstring.split(kernel.__doc__)
        self.functions: list[tuple[Signature, Any]] = []
        self.documented = _docstring.entries(self.sections.get("Args", ""))

    def canonical(self, given: str, one: Signature) -> str:
        """Return the kernel's parameter of an argument of a signature."""
        name = one.renamed.get(given, given)
        if name not in self.parameters:
            name = SYNONYMS.get(name, name)
        if name not in self.parameters:
            raise ArgumentTypeError(
                f"op {self.kernel.__name__}: {one.where} has an argument {given!r}, but the kernel has only "
                f"{', '.join(self.parameters)}. Rename it there, or give rename={{{given!r}: ...}} with the signature."
            )
        return name

    def public_name(self, one: Signature) -> dict[str, Any]:
        """The argument of the kernel that is the public name of the op, if it has one."""
        kind = typing.get_args(PublicName)[1]
        return {name: f"{one.home}.{one.name}" for name, each in self.kinds.items() if each is kind}

    def publish(self, one: Signature, *others: Signature) -> Any:
        """Create the public function, method or class of a signature, and register it.

        Names with the same arguments share one function.
        """
        function = None if others else next((made for each, made in self.functions if each.same_call(one)), None)
        if function is None:
            function = self.function(one, others)
            if not others:
                self.functions.append((one, function))
        if one.home == "Tensor":
            _base.enter_method(one.name, function)
        elif one.home == "ops" and one.constructor is not None:
            options = {each.name: each.default for each in one.constructor}
            if seeds := self.seeds(one):
                return _base.random_primitive(one.name, function, seeds, **options)
            return _base.primitive(one.name, function, **options)
        elif one.home == "ops":
            _base.enter_function(one.name, function)
        else:
            _base.enter_elsewhere(one.home, one.name, function)
        return function

    def seeds(self, one: Signature) -> tuple[str, ...]:
        """The constructor's arguments that denote a random key; a class form passes its stream instead."""
        return tuple(each.name for each in one.constructor or () if self.kinds[self.canonical(each.name, one)].key)

    def function(self, one: Signature, others: tuple[Signature, ...]) -> Any:
        """Return the public function, which converts the arguments, the first array first, and calls the kernel."""
        parameters = list(one.call)
        if one.constructor is not None:
            # The class form passes the constructor's arguments by name.
            further_seeds = self.seeds(one)[1:]
            parameters += [
                each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
                for each in one.constructor
                if each.name not in further_seeds
            ]
        # Two underscores, so that no parameter of a kernel collides.
        scope: dict[str, Any] = {"__kernel": self.kernel, "__wrapped": _base.wrapped, "__x64": x64_scope}
        scope |= {"__pick": _one_of, "__missing": _missing, "__required": _MISSING}
        scope |= {"__where": one.where, "__name": one.name}
        names = {each.name: self.canonical(each.name, one) for each in parameters}
        twins = self._twins(one, others, names)
        required: list[str] = []
        for index, each in enumerate(parameters):
            # An argument that may be given by another keyword has a default; so must those after it.
            twin = each.name in twins.values() and each.kind is not _VARIADIC
            if each.default is _EMPTY and (twin or (required and each.kind is _POSITIONAL)):
                parameters[index] = each.replace(default=_MISSING)
                required.append(each.name)
        body = [
            f"if {twin} is not None: {given} = __pick(__where, {given!r}, {given}, _default_{given}, {twin!r}, {twin})"
            for twin, given in twins.items()
        ]
        body += [f"if {given} is __required: __missing(__where, {given!r})" for given in required]
        lines: list[str] = []
        fixed = self.public_name(one) | dict(one.fixed)
        for name, value in fixed.items():
            scope[f"_fixed_{name}"] = value
            lines.append(f"_{name} = _fixed_{name}")
        sources: dict[str, list[str]] = {}
        for given, name in names.items():
            sources.setdefault(name, []).append(given)
        # A key is drawn even if the signature has no seed, after the other arguments are checked.
        sources |= {name: [] for name, kind in self.kinds.items() if kind.key and name not in sources}
        for name, given in sorted(sources.items(), key=lambda item: (item[0] != self.first, self.kinds[item[0]].key)):
            scope[f"_convert_{name}"] = self.kinds[name].convert
            first = f"_{self.first}" if name != self.first and self.first in sources else "None"
            value = given[0] if len(given) == 1 else f"({', '.join(given)})" if given else "None"
            shown = "input" if given == ["self"] else (given or [name])[0]
            line = f"_{name} = _convert_{name}({value}, {first}, __name, {shown!r})"
            if needed := " and ".join(f"_{each}" for each in self.kinds[name].needed_if):
                line += f" if {needed} else None"
            lines.append(line)
        passed = ", ".join(f"{name}=_{name}" for name in dict.fromkeys([*sources, *fixed]))
        body += ["with __x64(True):", *(f"    {line}" for line in lines), f"    return __wrapped(__kernel({passed}))"]
        typed = [each.replace(annotation=self.kinds[names[each.name]].static_type) for each in parameters]
        typed += [
            inspect.Parameter(twin, inspect.Parameter.KEYWORD_ONLY, default=None, annotation="Any") for twin in twins
        ]
        scope |= {f"_default_{given}": _default(parameters, given) for given in twins.values()}
        text = self.document(one, names)
        function = recordable(
            define(one.name, _ordered(typed), "\n".join(body), scope, module=self.kernel.__module__, doc=text)
        )
        returns = str(self.kernel.__annotations__.get("return", "Any")).replace("jax.Array", "Tensor")
        function.__annotations__["return"] = returns
        if required:
            visible = [each.replace(default=_EMPTY) if each.name in required else each for each in typed]
            function.__signature__ = inspect.Signature(_ordered(visible), return_annotation=returns)
            function.renamed = twins
        return function

    def _twins(self, one: Signature, others: tuple[Signature, ...], names: Mapping[str, str]) -> dict[str, str]:
        """Return additional keywords of a method, and the argument of each."""
        if one.home != "Tensor":
            return {}
        given_by_name = {name: given for given, name in names.items()}
        keywords = {each.name: self.canonical(each.name, other) for other in others for each in other.call}
        for each in METHOD_KEYWORDS:
            keywords.setdefault(each, each if each in self.parameters else SYNONYMS.get(each, each))
        return {
            keyword: given_by_name[name]
            for keyword, name in keywords.items()
            if keyword not in names and name in given_by_name
        }

    def document(self, one: Signature, names: Mapping[str, str]) -> str:
        """The docstring of a signature, from the kernel's and the kinds."""
        sections = {name: text for name, text in self.sections.items() if name in ("", "Returns", "Source")}
        arguments = {}
        seeds = self.seeds(one)
        for given, name in names.items():
            if given in seeds:
                arguments[given] = "int ≥ 0: it starts the instance's own stream of draws. Default: no such stream."
                arguments |= dict.fromkeys(seeds[1:], "int ≥ 0: a second seed.")
            elif given != "self":
                arguments[given] = self.documented.get(given) or self.documented.get(name, self.kinds[name].doc)
        sections["Args"] = _docstring.listed(arguments)
        raises = [self.sections["Raises"]] if "Raises" in self.sections else []
        lines = ((given, line) for given, name in names.items() for line in self.kinds[name].raises)
        raises += dict.fromkeys(line.replace("{name}", f"`{given}`") for given, line in lines)
        sections["Raises"] = "\n".join(raises)
        if one.home == "ops" and one.constructor is None and "Examples" in self.sections:
            imports = "" if "import" in self.sections["Examples"] else ">>> from sporax import ops, Tensor\n"
            examples = self.sections["Examples"]
            if f"ops.{one.name}(" not in examples:
                examples = examples.replace(f"ops.{self.kernel.__name__}(", f"ops.{one.name}(")
            if f"ops.{one.name}(" in examples:
                sections["Examples"] = imports + examples
        sections.setdefault("Source", f"`{one.home}.{one.name}` of MindSpore.")
        shown = {name: given for given, name in names.items() if given != "self"}
        return re.sub(r"`(\w+)`", lambda found: f"`{shown.get(found[1], found[1])}`", _docstring.join(sections))


def _one_of(where: str, given: str, value: Any, default: Any, twin: str, other: Any) -> Any:
    """The value of an argument that has two names."""
    if value is not default:
        raise ArgumentTypeError(f"{where}: `{given}` and `{twin}` are one argument; give one.")
    return other


def _missing(where: str, given: str) -> None:
    raise TypeError(f"{where}() missing 1 required argument: {given!r}")


def _default(parameters: list[inspect.Parameter], name: str) -> Any:
    found = next(each for each in parameters if each.name == name)
    return () if found.kind is _VARIADIC else found.default


def _ordered(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return sorted(parameters, key=lambda each: each.kind)
