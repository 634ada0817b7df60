"""The tables of public ops, which the package, the methods of Tensor and the stubs are made from; the class forms.

`op` (see `_op.py`) enters most of them. A class form, such as `ops.Abs`, takes the hyper-parameters at construction and
the Tensors at the call.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import jax
import numpy as np

from sporax import _check
from sporax._errors import ArgumentTypeError
from sporax._jax_compat import is_tracer
from sporax.core import Generator, Tensor, recordable, wrap

P = ParamSpec("P")
R = TypeVar("R")


FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""Every function of `ops` by name."""

METHODS: dict[str, Callable[..., Any]] = {}
"""Every method that `ops` adds to Tensor, by name."""

PRIMITIVES: dict[str, type[Primitive]] = {}
"""Every class form by its name."""

ELSEWHERE: dict[str, dict[str, Callable[..., Any]]] = {}
"""Functions of other packages, such as "mint", by name."""

OTHERS: dict[str, Any] = {}
"""Other public names: helpers, and classes with a custom constructor."""


def entered(value: R, name: str | None = None) -> R:
    """Make an object a public name of `ops` as it is; also a decorator.

    Args:
        value: the object.
        name: its name there. Default: its `__name__`.
    """
    OTHERS[name or value.__name__] = value  # pyright: ignore[reportAttributeAccessIssue]
    return value


def public() -> dict[str, Any]:
    """Every public name of `ops` with its object."""
    return FUNCTIONS | PRIMITIVES | OTHERS | {"Primitive": Primitive}


def wrapped(value: Any) -> Any:
    if isinstance(value, jax.Array) or is_tracer(value) or isinstance(value, np.ndarray):
        return wrap(value)
    if isinstance(value, (tuple, list)):
        return type(value)(wrapped(each) for each in value)
    return value


def enter_function(name: str, function: Callable[..., Any]) -> None:
    """Make a function an op of that public name.

    Raises:
        ArgumentTypeError: the name is taken.
    """
    if name in FUNCTIONS:
        raise ArgumentTypeError(f"ops: two ops are named {name!r}.")
    FUNCTIONS[name] = _recorded(function)


def enter_elsewhere(home: str, name: str, function: Callable[..., Any]) -> None:
    """Make a function a public name of another package, such as "mint"."""
    ELSEWHERE.setdefault(home, {})[name] = _recorded(function)


def _recorded(function: Callable[P, R]) -> Callable[P, R]:
    return function if hasattr(function, "is_recordable") else recordable(function)


def enter_method(name: str, function: Callable[..., Any], also: Mapping[str, str] | None = None) -> None:
    """Make a function a method of Tensor.

    Raises:
        ArgumentTypeError: the name is taken.
    """
    if name in METHODS:
        raise ArgumentTypeError(f"ops: two Tensor methods are named {name!r}.")
    METHODS[name] = _recorded(_renaming(function, also) if also else function)


def _renaming(function: Callable[..., Any], also: Mapping[str, str]) -> Callable[..., Any]:
    signature = inspect.signature(function)
    names = {new: old for new, old in also.items() if old in signature.parameters}

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for new in kwargs.keys() & names:
            if names[new] in kwargs:
                raise ArgumentTypeError(
                    f"Tensor.{function.__name__}: `{new}` and `{names[new]}` are one argument; give one."
                )
            kwargs[names[new]] = kwargs.pop(new)
        return function(*args, **kwargs)

    call.renamed = names  # pyright: ignore[reportAttributeAccessIssue]
    parameters = list(signature.parameters.values())
    extra = [
        inspect.Parameter(new, inspect.Parameter.KEYWORD_ONLY, default=None)
        for new in names
        if new not in signature.parameters
    ]
    last = parameters.pop() if parameters[-1].kind is inspect.Parameter.VAR_KEYWORD else None
    call.__signature__ = signature.replace(  # pyright: ignore[reportAttributeAccessIssue]
        parameters=[*parameters, *extra, *([last] if last else [])]
    )
    return call


def tensor_method(*, also: Mapping[str, str] | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter a function of Tensors as a method, where MindSpore's method differs from the op of its name.

    Args:
        also: other names that its arguments answer to.
    """

    def enter(function: Callable[P, R]) -> Callable[P, R]:
        enter_method(function.__name__, function, also)
        return function

    return enter


def attach_methods() -> None:
    """Give Tensor the ops that are its methods; core itself imports nothing from above."""
    for name, function in METHODS.items():
        if name not in Tensor.__dict__:
            setattr(Tensor, name, function)


class Primitive:
    """Base of the class forms: hyper-parameters at construction, Tensors at the call.

    Examples:
        >>> from sporax import ops, Tensor
        >>> ops.Abs()
        Prim[Abs]
        >>> print(ops.ReduceMean(keep_dims=True)(Tensor([[1.0, 3.0]]), 1))
        [[2.]]
    """

    _function: Callable[..., Any]
    _defaults: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = list(self._defaults)
        if len(args) > len(names):
            raise ArgumentTypeError(
                f"{self.name}: takes {len(names)} hyper-parameter(s) ({', '.join(names) or 'none'}), "
                f"but got {len(args)}. Give the Tensors to the call: {self.name}(...)(x)."
            )
        given = dict(zip(names, args, strict=False))
        for key, value in kwargs.items():
            if key not in self._defaults:
                raise ArgumentTypeError(
                    f"{self.name}: unknown hyper-parameter {key!r}; it has: {', '.join(names) or 'none'}."
                )
            given[key] = value
        self.attributes: dict[str, Any] = {**self._defaults, **given}
        missing = [name for name, value in self.attributes.items() if value is inspect.Parameter.empty]
        if missing:
            raise ArgumentTypeError(f"{self.name}: needs the hyper-parameter(s) {', '.join(missing)}.")

    @property
    def name(self) -> str:
        """The primitive's name."""
        return type(self).__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return type(self)._function(*args, **kwargs, **self.attributes)

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value}" for key, value in self.attributes.items())
        return f"Prim[{self.name}]" + (f"<{shown}>" if shown else "")

    def set_device(self, device_target: str) -> Primitive:
        """Kept for MindSpore code: XLA places the op."""
        return self

    def shard(self, in_strategy: Any = None, out_strategy: Any = None) -> Primitive:
        """Kept for MindSpore code: `parallel` states the layout."""
        return self


class RandomPrimitive(Primitive):
    """A class form that draws. With a seed each instance has its own stream, which advances with each call.

    Examples:
        >>> from sporax import ops
        >>> first, second = ops.StandardNormal(seed=3), ops.StandardNormal(seed=3)
        >>> once, twice = first((2,)), first((2,))
        >>> bool((once == twice).any()), bool((once == second((2,))).all())
        (False, True)
    """

    _seeds: tuple[str, ...]
    """The names of the seeds. Where the default of the first is -1, that value means no seed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first, *others = self._seeds
        self._stream: Generator | None = None
        if self.attributes[first] == -1 == self._defaults[first]:
            return
        seeds = [
            _check.integer(self.attributes[name], name=name, where=f"ops.{self.name}", minimum=0)
            for name in (first, *others)
        ]
        if any(seeds) or self._defaults[first] == -1:
            self._stream = Generator(sum(seed % 2**32 << 32 * i for i, seed in enumerate(seeds)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = {name: value for name, value in self.attributes.items() if name not in self._seeds}
        return type(self)._function(*args, **kwargs, **given, **{self._seeds[0]: self._stream})


KindOfPrimitive = TypeVar("KindOfPrimitive", bound=Primitive)

REQUIRED = inspect.Parameter.empty
"""Marks a hyper-parameter of a primitive that has no default."""


def primitive(name: str, function: Callable[..., Any], /, **hyper_parameters: Any) -> type[Primitive]:
    """The class form of an op.

    Args:
        name: the class's name, as in MindSpore.
        function: the public function; it gets the call's Tensors first and the hyper-parameters by name.
        hyper_parameters: name and default (REQUIRED for none), in the constructor's order.
    """
    return _class_form(Primitive, name, function, hyper_parameters)


def random_primitive(
    name: str, function: Callable[..., Any], seeds: tuple[str, ...], /, **hyper_parameters: Any
) -> type[RandomPrimitive]:
    """The class form of an op that draws; for its first seed `function` gets the instance's Generator, or None."""
    kind = _class_form(RandomPrimitive, name, function, hyper_parameters)
    kind._seeds = seeds
    return kind


def _class_form(
    base: type[KindOfPrimitive], name: str, function: Callable[..., Any], hyper_parameters: dict[str, Any]
) -> type[KindOfPrimitive]:
    function = _recorded(function)
    text = (function.__doc__ or "").strip()
    form = "This is the class form: hyper-parameters at construction, Tensors at the call."
    listed = f" Hyper-parameters: {', '.join(f'`{key}`' for key in hyper_parameters)}."
    kind: Any = type(
        name,
        (base,),
        {
            "_function": staticmethod(function),
            "_defaults": dict(hyper_parameters),
            "__doc__": f"{text}\n\n{form}{listed if hyper_parameters else ''}\n",
            "__module__": "sporax.ops",
            "__signature__": inspect.Signature(
                [
                    inspect.Parameter(key, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)
                    for key, default in hyper_parameters.items()
                ]
            ),
        },
    )
    PRIMITIVES[name] = kind
    return kind
