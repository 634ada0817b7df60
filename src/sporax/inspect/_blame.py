"""Which operation of a program made the first NaN, and in which line of its user's code it stands."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import evaluate_equation

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_FOREIGN = tuple(
    {sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {str(Path(jax.__file__).parent)}
)


class Blame(NamedTuple):
    """The operation, and where it stands.

    Args:
        operation: its name in JAX.
        place: `file:line`, empty if it is not known.
        had: the operands that made it, where they are few.
    """

    operation: str
    place: str
    had: str


def first_nan(fn: Callable[..., Any], *arrays: Any) -> Blame | None:
    """The first operation of `fn(*arrays)` that gives a NaN from operands that hold none."""
    closed = jax.make_jaxpr(fn)(*arrays)
    return _walk(closed.jaxpr, list(closed.consts), [jnp.asarray(array) for array in arrays])[1]


def narrows(jaxpr: Any) -> bool:
    """Whether a program casts a float64 to a narrower float anywhere."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "convert_element_type":
            before, after = equation.invars[0].aval.dtype, equation.outvars[0].aval.dtype
            if before == np.float64 and jnp.issubdtype(after, jnp.floating) and after != np.float64:
                return True
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                body = getattr(inner, "jaxpr", inner)
                if hasattr(body, "eqns") and narrows(body):
                    return True
    return False


def _has_nan(value: Any) -> bool:
    return bool(jnp.issubdtype(jnp.result_type(value), jnp.floating) and np.isnan(np.asarray(value, np.float64)).any())


def _walk(jaxpr: Any, consts: Sequence[Any], arrays: Sequence[Any]) -> tuple[list[Any], Blame | None]:
    values: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arrays], strict=True))

    def read(atom: Any) -> Any:
        return atom.val if hasattr(atom, "val") else values[atom]

    for equation in jaxpr.eqns:
        operands = [read(atom) for atom in equation.invars]
        blame = None
        inner = _inner(equation, len(operands))
        if inner is not None:
            results, blame = _walk(inner[0], inner[1], operands)
        else:
            results = evaluate_equation(equation, operands)
            if any(map(_has_nan, results)) and not any(map(_has_nan, operands)):
                blame = Blame(
                    equation.primitive.name, place_of(equation), _had(equation.primitive.name, operands, results)
                )
        if blame is not None:
            return [], blame._replace(place=blame.place or place_of(equation))
        values.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars], None


def _inner(equation: Any, count: int) -> tuple[Any, Sequence[Any]] | None:
    """The program inside an equation that only calls one, with its constants."""
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


def _had(name: str, operands: Sequence[Any], results: Sequence[Any]) -> str:
    """The numbers that met in the first NaN, as `inf - inf`."""
    place = np.unravel_index(int(np.argmax(np.isnan(np.asarray(results[0], np.float64)))), np.shape(results[0]))
    met = []
    for operand in operands:
        if np.shape(operand) == np.shape(results[0]):
            met.append(f"{np.asarray(operand, np.float64)[place]:g}")
        elif (np.ndim(operand) == 0 and not isinstance(operand, jax.Array)) or np.size(operand) == 1:
            met.append(f"{float(np.asarray(operand).reshape(())):g}")
        else:
            return name
    return f"{name}({', '.join(met)})"


def is_user_file(file: str) -> bool:
    """Whether a file belongs neither to sporax nor to JAX, the standard library or an installed package."""
    return not file.startswith((_PACKAGE, *_FOREIGN, "<"))


def place_of(equation: Any) -> str:
    """`file:line` of the innermost line of the user's own code that made the equation; else of sporax's."""
    traceback = equation.source_info.traceback
    own = ""
    for frame in () if traceback is None else traceback.frames:
        file, place = frame.file_name, f"{frame.file_name}:{frame.line_num}"
        if file.startswith(_PACKAGE):
            if "/inspect/" in file:
                break  # what lies further out called the check, and is not the loss
            own = own or place
        elif is_user_file(file):
            return place
    return own
