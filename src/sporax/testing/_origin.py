"""The operation of a program that produced the first non-finite number, and its line in the user's code."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import evaluate_equation
from sporax.testing._advice import Singular, is_singular

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_FOREIGN = tuple(
    {sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {str(Path(jax.__file__).parent)}
)
_TRANSPARENT = {"broadcast_in_dim", "reshape", "squeeze", "convert_element_type", "copy", "transpose", "slice"}


@dataclass(frozen=True)
class Origin:
    """The operation that produced a non-finite number.

    Args:
        operation: its name in JAX.
        place: `file:line`, empty if it is not known.
        had: the operands that made it, as `div(0, 0)`, where they are few.
        gave: `NaN`, `inf` or `-inf`.
        cause: where an infinite operand of it came from.
        singular: the operation at whose singular point the trouble began, for advice.
    """

    operation: str
    place: str
    had: str
    gave: str
    cause: Origin | None = None
    singular: Singular | None = None

    @property
    def root(self) -> Origin:
        """The first operation that produced an infinite number from finite ones."""
        return self if self.cause is None else self.cause.root

    def __str__(self) -> str:
        text = f"the first {self.gave} comes from {self.had}"
        root = self.root
        return text if root is self else f"{text}, after {root.had} gave {root.gave}"


class _Traced(NamedTuple):
    """Provenance of a value of the program."""

    origin: Origin | None = None
    made_by: str = ""
    ancestors: frozenset[str] = frozenset()


def first_not_finite(fn: Callable[..., Any], *arrays: Any) -> Origin | None:
    """Return the operation that caused a non-finite result of `fn(*arrays)`; NaN takes precedence over infinity."""
    closed = jax.make_jaxpr(fn)(*arrays)
    walk = _Walk()
    given = [jnp.asarray(array) for array in arrays]
    outputs = walk.through(closed.jaxpr, list(closed.consts), given, [_Traced()] * len(given), "")
    origins = [traced.origin for _, traced in outputs if traced.origin is not None]
    if not origins:
        return None
    found = next((each for each in origins if each.gave == "NaN"), origins[0])
    root = found.root
    same_line = [each for each in walk.singular if each.place == root.place]
    # The singular point of the forward pass precedes the quotient in its derivative.
    first = next((each for each in same_line if each.operation not in ("div", "mul", "integer_pow")), None)
    return replace(found, singular=first or (same_line[0] if same_line else None))


def narrows(jaxpr: Any, wide: Any = np.float64) -> bool:
    """Whether a program casts a float of dtype `wide` to a narrower one."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "convert_element_type":
            before, after = equation.invars[0].aval.dtype, equation.outvars[0].aval.dtype
            if before == wide and jnp.issubdtype(after, jnp.floating) and after.itemsize < before.itemsize:
                return True
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                body = getattr(inner, "jaxpr", inner)
                if hasattr(body, "eqns") and narrows(body, wide):
                    return True
    return False


def primitives(jaxpr: Any) -> set[str]:
    """Return the names of all operations of a program, nested programs included."""
    found = set()
    for equation in jaxpr.eqns:
        found.add(equation.primitive.name)
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                body = getattr(inner, "jaxpr", inner)
                if hasattr(body, "eqns"):
                    found |= primitives(body)
    return found


def kind_of(value: Any) -> str:
    """Return `NaN`, `inf` or `-inf`, the first of these that the array holds, else ""."""
    if not jnp.issubdtype(jnp.result_type(value), jnp.floating):
        return ""
    array = np.asarray(value, np.float64)
    if np.isnan(array).any():
        return "NaN"
    return "inf" if np.isposinf(array).any() else "-inf" if np.isneginf(array).any() else ""


class _Walk:
    """Evaluates a program equation by equation."""

    def __init__(self) -> None:
        self.singular: list[Singular] = []

    def through(
        self, jaxpr: Any, consts: Sequence[Any], arrays: Sequence[Any], known: Sequence[_Traced], outer: str
    ) -> list[tuple[Any, _Traced]]:
        values: dict[Any, tuple[Any, _Traced]] = {}
        values.update((var, (value, _Traced())) for var, value in zip(jaxpr.constvars, consts, strict=True))
        values.update(zip(jaxpr.invars, zip(arrays, known, strict=True), strict=True))

        def read(atom: Any) -> tuple[Any, _Traced]:
            return (atom.val, _Traced()) if hasattr(atom, "val") else values[atom]

        for equation in jaxpr.eqns:
            pairs = [read(atom) for atom in equation.invars]
            operands, traces = [value for value, _ in pairs], [traced for _, traced in pairs]
            place = place_of(equation) or outer
            inner = _inner(equation, len(operands))
            if inner is not None:
                results = self.through(inner[0], inner[1], operands, traces, place)
            else:
                results = self._evaluate(equation, operands, traces, place)
            values.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _evaluate(
        self, equation: Any, operands: Sequence[Any], traces: Sequence[_Traced], place: str
    ) -> list[tuple[Any, _Traced]]:
        name = equation.primitive.name
        results = evaluate_equation(equation, list(operands))
        first = traces[0] if traces else _Traced()
        made_by = first.made_by if name in _TRANSPARENT else name
        if name == "mul" and len(equation.invars) == 2 and equation.invars[0] is equation.invars[1]:
            made_by = "square"
        ancestors = frozenset({name}).union(*(each.ancestors for each in traces))
        if is_singular(name, operands, results):
            selected = any(kind_of(result) for result in results)
            # x ** -n at 0 is a quotient, and x ** n of a large x an overflow.
            quotient = name == "integer_pow" and not np.all(np.asarray(operands[0]))
            kind = "div" if quotient else name
            self.singular.append(Singular(kind, place, first.made_by, ancestors, infinite=selected))
        found = []
        for result in results:
            origin = _origin(name, place, operands, traces, result)
            found.append((result, _Traced(origin, made_by, ancestors)))
        return found


def _origin(name: str, place: str, operands: Sequence[Any], traces: Sequence[_Traced], result: Any) -> Origin | None:
    kind = kind_of(result)
    if not kind:
        return None
    kinds = [kind_of(operand) for operand in operands]
    wanted = "NaN" if kind == "NaN" else ""
    for each, traced in zip(kinds, traces, strict=True):
        if traced.origin is not None and (each == wanted if wanted else each):
            return traced.origin
    if kind != "NaN" and any(kinds):
        return None  # an infinite constant or input, passed on
    cause = next((traced.origin for traced in traces if traced.origin is not None), None)
    return Origin(name, place, _had(name, operands, result, kind), kind, cause)


def _inner(equation: Any, count: int) -> tuple[Any, Sequence[Any]] | None:
    """Return the nested program of an equation that only calls one, with its constants."""
    if equation.primitive.name in ("scan", "while", "cond", "custom_vjp_call_jaxpr"):
        return None
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        inner = equation.params.get(key)
        if inner is None:
            continue
        closed = hasattr(inner, "consts")
        body = inner.jaxpr if closed else inner
        if len(body.invars) == count:
            return body, inner.consts if closed else ()
    return None


def _had(name: str, operands: Sequence[Any], result: Any, kind: str) -> str:
    """Format the operands of the first non-finite element, such as `sub(inf, inf)`."""
    array = np.asarray(result, np.float64)
    bad = np.isnan(array) if kind == "NaN" else np.isinf(array)
    index = np.unravel_index(int(np.argmax(bad)), array.shape)
    shown = []
    for operand in operands:
        if np.shape(operand) == array.shape:
            shown.append(f"{np.asarray(operand, np.float64)[index]:g}")
        elif np.size(operand) == 1:
            shown.append(f"{float(np.asarray(operand).reshape(())):g}")
        else:
            return name
    return f"{name}({', '.join(shown)})"


def is_user_file(file: str) -> bool:
    """Whether a file belongs neither to sporax nor to JAX, the standard library or an installed package."""
    return not file.startswith((_PACKAGE, *_FOREIGN, "<"))


def place_of(equation: Any) -> str:
    """Return `file:line` of the innermost line of the user's code that created the equation; else of sporax's."""
    traceback = equation.source_info.traceback
    fallback = ""
    for frame in () if traceback is None else traceback.frames:
        file, place = frame.file_name, f"{frame.file_name}:{frame.line_num}"
        if file.startswith(_PACKAGE):
            if "/testing/" in file:
                break  # outer frames called the check and are not part of the loss
            fallback = fallback or place
        elif is_user_file(file):
            return place
    return fallback
