"""Captured values: what a function reads from its closure and globals, which are constants of its compiled programs.

A compiled program is outdated after a write to a Tensor that it captured (`constants_of`), and after a captured
variable, or one of a module of the user, is bound to another object (`Variables`): a Tensor, a Cell, a function, a
class, a list, but not another number.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

import jax

from sporax._code import PACKAGE, is_installed, methods_of, reads_of
from sporax.core import Cell, CellMeta, Constants, note_captured, note_guard, tracing

_IGNORED = (ModuleType, BuiltinFunctionType, int, float, complex, str, bytes)
_FUNCTIONS = 500
"""The maximum number of functions and Cells that are searched."""
_ONE_WAY = frozenset(("_revision", "_class_revision", "_identity", "_assumed_constant", "stale"))
_COMPILED = "_sporax_original"
"""The attribute of a `CompiledFunction` that holds the original function."""
_MISSING = object()

__all__ = ["note_captured_by"]


def _is_variable(value: Any) -> bool:
    """Return whether a program is outdated after a variable with this value is bound to another object."""
    return not (is_installed(value.__module__) if isinstance(value, type) else isinstance(value, _IGNORED))


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


class Variables:
    """The free variables and globals of functions and Cells, and of the user's functions that they call by name.

    Also the attributes of classes that are bases of the user's Cells but no Cells, whose changes are not recorded.
    """

    __slots__ = ("_closures", "_globals", "_kinds", "_mixins")

    def __init__(self, *functions: Any) -> None:
        self._closures: list[tuple[CellType, Any]] = []
        self._globals: list[tuple[dict[str, Any], str, Any]] = []
        self._kinds: dict[type, int] = {}
        self._mixins: dict[type, list[Any]] = {}
        self._add(functions)

    def __bool__(self) -> bool:
        return bool(self._globals or self._closures or self._mixins)

    def unchanged(self) -> bool:
        """Return whether each is still bound to the same object."""
        for scope, name, value in self._globals:
            if scope.get(name, _MISSING) is not value:
                return False
        if self._mixins and not all(map(_same_objects, map(_attributes, self._mixins), self._mixins.values())):
            return False
        return not self._closures or all(_content(cell) is value for cell, value in self._closures)

    def values(self) -> Iterator[Any]:
        """Yield the objects to which they were bound."""
        yield from (value for _, _, value in self._globals)
        yield from (value for _, value in self._closures)

    def guards(self) -> Iterator[tuple[Any, str, Any]]:
        """Yield guards for the attributes of the Cell classes among them."""
        return ((kind, "_class_revision", revision) for kind, revision in self._kinds.items())

    def _add(self, functions: Iterable[Any]) -> None:
        waiting, seen = list(functions), dict[int, Any]()
        while waiting and len(seen) < _FUNCTIONS:
            each = waiting.pop()
            if id(each) in seen:
                continue
            seen[id(each)] = each
            if not callable(each):
                waiting.extend(_callables_in(each))
            elif isinstance(each, FunctionType):
                waiting.extend(self._read_by(each))
            elif isinstance(each, CellMeta):
                self._kinds[each] = vars(each)["_class_revision"]
                self._mixins.update((base, _attributes(base)) for base in _mixins(each))
            else:
                waiting.extend(_parts(each))

    def _read_by(self, function: FunctionType) -> Iterator[Any]:
        """Record the variables of a function, and yield their values."""
        internal = function.__code__.co_filename.startswith(PACKAGE)
        free = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for cell in free.values():
            value = _content(cell)
            if not internal and _is_variable(value):
                self._closures.append((cell, value))
            yield value
        for read in () if internal else reads_of(function.__code__):
            if read.is_free:
                scope, name = None, read.name
                value = _content(free[name]) if name in free else _MISSING
            else:
                scope, name = function.__globals__, read.name
                value = scope.get(name, _MISSING)
            for attribute in read.attributes:
                if not isinstance(value, ModuleType) or is_installed(value.__name__):
                    break
                scope, name = vars(value), attribute
                value = scope.get(name, _MISSING)
            if scope is not None and value is not _MISSING and _is_variable(value):
                self._globals.append((scope, name, value))
                yield value


def _mixins(kind: type) -> list[type]:
    """Return the bases of a class that are neither Cells nor belong to an installed package."""
    return [each for each in kind.__mro__ if not (isinstance(each, CellMeta) or is_installed(each.__module__))]


def _attributes(kind: type) -> list[Any]:
    # Python adds special attributes when they are read.
    return [value for name, value in vars(kind).items() if not name.startswith("__")]


def _same_objects(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(operator.is_, one, other))


def _parts(value: Any) -> Iterator[Any]:
    """Yield the functions, Cells and classes that a callable other than a plain function calls."""
    if isinstance(value, Cell):
        for _, cell in value.cells_and_names():
            yield type(cell)
            yield from methods_of(type(cell), "construct", "bprop")
            yield from _held_by(cell)
            yield from cell._hook_functions()
    elif isinstance(value, MethodType):
        yield value.__func__
        if isinstance(value.__self__, Cell):
            yield value.__self__
        else:
            yield from methods_of(type(value.__self__), value.__func__.__name__)
            yield from _held_by(value.__self__)
    elif isinstance(value, functools.partial):
        yield value.func
        yield from filter(_is_followed, (*value.args, *value.keywords.values()))
    elif hasattr(type(value), _COMPILED):
        yield value._sporax_original
    else:
        yield from methods_of(type(value), "__call__")
        yield from _held_by(value)


def _held_by(value: Any) -> Iterator[Any]:
    """Yield the callables that are attributes of an object, or elements of lists, tuples and dicts that are."""
    for each in getattr(value, "__dict__", {}).values():
        yield from _callables_in(each) if isinstance(each, (dict, list, tuple)) else filter(_is_followed, (each,))


def _callables_in(value: Any) -> Iterator[Any]:
    """Yield the callables in a list, tuple or dict, or of an object of a user's class."""
    if isinstance(value, (dict, list, tuple)):
        elements = value.values() if isinstance(value, dict) else value
        yield from filter(_is_followed, itertools.islice(elements, _FUNCTIONS))
    elif not is_installed(type(value).__module__):
        yield from _held_by(value)


def _is_followed(value: Any) -> bool:
    return isinstance(value, CellMeta) or (callable(value) and not isinstance(value, type))


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


def assumed_wrongly(guards: Iterable[tuple[Any, str, Any]]) -> bool:
    """Return whether a trace wrote a Parameter that it had assumed to be constant, and must be repeated."""
    return any(name == "_assumed_constant" and getattr(owner, name) != value for owner, name, value in guards)


def _is_jaxpr(value: Any) -> bool:
    return hasattr(value, "eqns")
