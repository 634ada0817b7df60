"""The subject of a check, from a loss of any kind: a class, a Cell, a function, or a name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax._jax_compat import x64_scope
from sporax.core import Cell
from sporax.nn import LossBase
from sporax.testing._inputs import Input, from_spec, parse_inputs
from sporax.testing._subject import SIZES, Subject, one_array, parameters_of

_GUESSES = (
    "f32[8, 6], f32[8, 6]",
    "f32[8, 6], i32[8] < 6",
    "f32[8], f32[8]",
    "f32[8, 6] in [0, 1], f32[8, 6] in [0, 1]",
    "f32[8, 6], f32[8, 6], f32[8, 6]",
    "f32[8, 6], f32[8, 6], i32[8] in {-1, 1}",
    "f32[8, 6], i32[8] < 6, f32[8] > 0",
    "f32[8, 6]",
)


def make_subject(
    target: Any,
    inputs: str | Sequence[Any] | None = None,
    *,
    arguments: Mapping[str, Any] | None = None,
    coupled: bool = False,
) -> Subject:
    """Return the subject of a check.

    Args:
        target: a loss class, a Cell, a function, or the name of a built-in one.
        inputs: text as `'f32[8, 10], i32[8] < 10'`, example arrays, or None to try common ones.
        arguments: constructor arguments of a class, keyword arguments of a function.
        coupled: whether the samples of a batch interact.

    Raises:
        ArgumentError: it cannot be created or called.
    """
    arguments = dict(arguments or {})
    if isinstance(target, str):
        target = losses.get(target).function
    if getattr(target, "itself", None) is target:
        return _built_in(target, arguments, inputs)
    variants: Callable[[str], Any] | None = None
    if inspect.isclass(target):
        target, variants = _instances(target, arguments)
        arguments = {}
    elif isinstance(target, LossBase):
        variants = _by_attribute(target)
    elif callable(target) and "reduction" in _parameters(target) and not isinstance(target, Cell):
        variants = _by_argument(target, arguments)
    if not callable(target):
        raise ArgumentTypeError(
            f"check_loss: the target must be a loss class, a Cell or a function, but got {target!r}."
        )
    if isinstance(target, Cell) and type(target).__module__.startswith("sporax."):
        # Its function determines whether the samples of a batch interact.
        specs = [info.function.spec for info in losses.by_cell(type(target).__name__)]
        coupled = coupled or any(spec.mask_parameter is not None or not spec.output for spec in specs)
    called = type(target).construct if isinstance(target, Cell) else target
    names = [name for name in _parameters(called) if name not in ("self", *arguments)]
    name = type(target).__name__ if isinstance(target, Cell) else getattr(target, "__name__", type(target).__name__)

    def subject(items: Sequence[Input]) -> Subject:
        made = Subject(name, target, items, params=arguments, variants=variants, coupled=coupled)
        made.takes_tensors = made.takes_tensors or not _runs(made)
        return made

    if inputs is None:
        return _guess(subject, name, names, called)
    if isinstance(inputs, str):
        return subject(_in_order(parse_inputs(inputs, names), names, called, name))
    items = []
    for at, value in enumerate(inputs):
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype == np.float64 and isinstance(value, list | tuple) else array
        items.append(
            Input(names[at] if at < len(names) else f"input{at}", array.dtype, array.shape, given=array, probed=False)
        )
    return subject(items)


def _in_order(items: Sequence[Input], names: Sequence[str], called: Any, name: str) -> Sequence[Input]:
    """Sort inputs that are named like the parameters into the order of the parameters."""
    given = [item.name for item in items]
    expected = list(names[: len(items)])
    if given == expected or not set(given) & set(names) or sorted(given) == sorted(expected):
        return sorted(items, key=lambda item: expected.index(item.name)) if sorted(given) == sorted(expected) else items
    moved = [each for at, each in enumerate(given) if each in names and (at >= len(expected) or expected[at] != each)]
    if moved:
        raise ArgumentError(
            f"check_loss: the inputs are named {', '.join(given)}, but {name} takes {', '.join(_parameters(called))}. "
            f"Give them in that order, and what comes before {moved[0]!r} too."
        )
    return items


def _built_in(function: Any, arguments: dict[str, Any], inputs: Any) -> Subject:
    info = losses.get(function.spec.name)
    if info.function is not function:
        info = losses.LossInfo(function=function)
    # The last setting: if a loss offers a choice, its gradient is the derivative of the value there.
    params = {**[{}, *info.settings(SIZES)][-1], **arguments}
    if info.random and "sampled_values" not in params and "key" not in params:
        params["key"] = jax.random.key(0)
    examples = losses.example_inputs(info, rest=() if info.output[:1] == ("N",) else (8,), sizes=SIZES)
    if inputs is None:
        items = [
            from_spec(spec, array, SIZES["C"], info.examples is not None)
            for spec, array in zip(info.inputs, examples, strict=True)
        ]
    else:
        items = parse_inputs(inputs, [spec.name for spec in info.inputs])
    return Subject(info.name, function, items, info=info, params=params)


def _parameters(called: Any, *, required: bool = False) -> list[str]:
    """Return the names of the positional parameters, or only of those without a default."""
    return [
        each.name
        for each in parameters_of(called).values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        and not (required and each.default is not each.empty)
    ]


def _instances(cls: type, arguments: dict[str, Any]) -> tuple[Any, Callable[[str], Any] | None]:
    try:
        made = cls(**arguments)
    except TypeError as error:
        raise ArgumentError(
            f"check_loss: {cls.__name__} cannot be made with arguments {arguments}: {error}. "
            "Give what it needs, on the command line by --arg name=value."
        ) from error
    if "reduction" in inspect.signature(cls).parameters:
        return made, lambda reduction: cls(**{**arguments, "reduction": reduction})
    return made, _by_attribute(made) if isinstance(made, LossBase) else None


def _by_attribute(cell: LossBase) -> Callable[[str], Any]:
    def variant(reduction: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            before = cell.reduction, cell.reduce, cell.average
            cell.reduction, cell.reduce, cell.average = reduction, reduction != "none", reduction == "mean"
            try:
                return cell(*args, **kwargs)
            finally:
                cell.reduction, cell.reduce, cell.average = before

        return call

    return variant


def _by_argument(function: Callable[..., Any], given: Mapping[str, Any]) -> Callable[[str], Any]:
    return lambda reduction: lambda *args, **kwargs: function(*args, **{**kwargs, **given, "reduction": reduction})


def _runs(subject: Subject) -> bool:
    try:
        with x64_scope(False):
            one_array(subject.direct(*map(jnp.asarray, subject.draw(0))))
    except Exception:
        return False
    return True


def _guess(subject: Callable[[Sequence[Input]], Subject], name: str, names: list[str], called: Any) -> Subject:
    count = len([each for each in _parameters(called, required=True) if each != "self"])
    reasons = []
    for text in _GUESSES:
        items = parse_inputs(text, names)
        if len(items) != count:
            continue
        made = subject(items)
        try:
            with x64_scope(False):
                value = one_array(made.direct(*map(jnp.asarray, made.draw(0))))
            if jnp.issubdtype(value.dtype, jnp.floating) and bool(jnp.isfinite(value).all()):
                return made
            reasons.append(f"{text}: gave {value.dtype}, not finite numbers")
        except Exception as error:
            reasons.append(f"{text}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    tried = "\n  ".join(reasons) or f"none of the usual inputs has {count} arrays"
    raise ArgumentError(
        f"check_loss: state the inputs of {name}({', '.join(names)}), as inputs='f32[8, 10], i32[8] < 10'. "
        f"Tried:\n  {tried}"
    )
