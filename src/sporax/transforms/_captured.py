"""Captured values: what a function reads from its closure and globals, which are constants of its compiled programs.

A compiled program is outdated after a write to a Tensor that it captured (`constants_of`), and after a captured
variable is bound to another object (`Variables`): a Tensor, a Cell, a function, a list, but not another number.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import jax

from sporax.core import Cell, Constants, note_captured, note_guard, tracing

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_IGNORED = (ModuleType, type, BuiltinFunctionType, int, float, complex, str, bytes)
_FUNCTIONS = 500
"""The maximum number of functions and Cells that are searched."""
_ONE_WAY = frozenset(("_revision", "_identity", "stale"))
_COMPILED = "_sporax_original"
"""The attribute of a `CompiledFunction` that holds the original function."""
_MISSING = object()

__all__ = ["note_captured_by"]


@functools.lru_cache(maxsize=1024)
def _global_names(code: CodeType) -> tuple[str, ...]:
    """Return the globals that a function and its inner functions read. `co_names` would include attributes."""
    names = {each.argval: None for each in dis.get_instructions(code) if each.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(dict.fromkeys(_global_names(constant)))
    return tuple(names)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


class Variables:
    """The free variables and globals of a function and of the user's functions that it calls by name."""

    __slots__ = ("_closures", "_globals")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._closures: list[tuple[CellType, Any]] = []
        self._globals: list[tuple[dict[str, Any], str, Any]] = []
        self._add(function)

    def unchanged(self) -> bool:
        """Return whether each is still bound to the same object."""
        for scope, name, value in self._globals:
            if scope.get(name, _MISSING) is not value:
                return False
        return not self._closures or all(_content(cell) is value for cell, value in self._closures)

    def values(self) -> Iterator[Any]:
        """Yield the objects to which they were bound."""
        yield from (value for _, _, value in self._globals)
        yield from (value for _, value in self._closures)

    def _add(self, function: Any) -> None:
        waiting, seen = [function], dict[int, Any]()
        while waiting and len(seen) < _FUNCTIONS:
            each = waiting.pop()
            if id(each) not in seen and callable(each):
                seen[id(each)] = each
                waiting.extend(self._read_by(each) if isinstance(each, FunctionType) else _parts(each))

    def _read_by(self, function: FunctionType) -> Iterator[Any]:
        """Record the variables of a function, and yield their values."""
        internal = function.__code__.co_filename.startswith(_PACKAGE)
        for cell in function.__closure__ or ():
            value = _content(cell)
            if not internal and not isinstance(value, _IGNORED):
                self._closures.append((cell, value))
            yield value
        for name in () if internal else _global_names(function.__code__):
            value = function.__globals__.get(name, _MISSING)
            if value is not _MISSING and not isinstance(value, _IGNORED):
                self._globals.append((function.__globals__, name, value))
                yield value


def _is_function(value: Any) -> bool:
    return isinstance(value, (FunctionType, MethodType, functools.partial)) or hasattr(type(value), _COMPILED)


@functools.lru_cache(maxsize=1024)
def _attribute_names(code: CodeType) -> frozenset[str]:
    inner = (_attribute_names(each) for each in code.co_consts if isinstance(each, CodeType))
    return frozenset(code.co_names).union(*inner)


def _methods(kind: type[Cell]) -> Iterator[Any]:
    """Yield the methods of a user's class whose names occur in `construct`, `bprop`, or methods that these call."""
    users = [each for each in kind.__mro__ if not each.__module__.startswith("sporax.")]
    waiting, seen = ["construct", "bprop"], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for each in users:
            method = vars(each).get(name)
            if _is_function(method):
                yield method
                function = getattr(method, _COMPILED, method)
                if isinstance(function, FunctionType):
                    waiting.extend(_attribute_names(function.__code__))


def _parts(value: Any) -> Iterator[Any]:
    """Yield the functions that a callable other than a plain function calls."""
    if isinstance(value, Cell):
        for _, cell in value.cells_and_names():
            yield from _methods(type(cell))
            yield from filter(_is_function, cell.__dict__.values())
            yield from cell._hook_functions()
    elif isinstance(value, MethodType):
        yield value.__func__
        yield value.__self__
    elif isinstance(value, functools.partial):
        yield value.func
    elif hasattr(type(value), _COMPILED):
        yield value._sporax_original


def note_captured_by(function: Any) -> None:
    """Record the Tensors and Cells that `function` captures in the current trace. A Cell does so when it is called."""
    if not tracing() or isinstance(function, Cell):
        return
    values = tuple(Variables(function).values())
    note_captured(values)
    for value in values:
        if isinstance(value, Cell):
            note_cell(value)


def note_cell(cell: Cell) -> None:
    """Record that the current trace depends on the attributes of a Cell and its descendants."""
    for _, each in cell.cells_and_names():
        note_guard(each, "_revision", each._revision)
        note_captured(each.__dict__.values())


def noting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with `note_captured_by` called when it is traced."""
    if not isinstance(function, (FunctionType, MethodType)):
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if tracing():
            note_captured_by(function)
        return function(*args, **kwargs)

    return call


def constants_of(closed: Any) -> Constants:
    """Return the arrays that a closed jaxpr and its inner jaxprs captured."""
    found: list[Any] = []
    waiting = [closed]
    while waiting:
        jaxpr = waiting.pop()
        found.extend(each for each in getattr(jaxpr, "consts", ()) if isinstance(each, jax.Array))
        for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
            found.extend(
                atom.val for atom in equation.invars if hasattr(atom, "val") and isinstance(atom.val, jax.Array)
            )
            inner = jax.tree.leaves(list(equation.params.values()), is_leaf=_is_jaxpr)
            waiting.extend(each for each in inner if _is_jaxpr(each))
    return Constants(found)


def outdated(guards: Iterable[tuple[Any, str, Any]]) -> bool:
    """Return whether a guard can never hold again: a Cell's attribute was changed, or a captured Tensor written."""
    return any(name in _ONE_WAY and getattr(owner, name) != value for owner, name, value in guards)


def _is_jaxpr(value: Any) -> bool:
    return hasattr(value, "eqns")
