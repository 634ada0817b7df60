"""State that a loss may keep between calls: attributes, and globals, closures and defaults of its function."""

from __future__ import annotations

import builtins
import inspect
from collections import deque
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

import jax
import numpy as np

from sporax._jax_compat import is_tracer
from sporax.core import Cell, Tensor, unwrap
from sporax.testing._origin import is_user_file

_DEPTH = 3
_MOST = 1 << 16
_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def remembered(target: Any) -> dict[str, Any]:
    """Return a snapshot, by name, of the plain data that a call of the loss can change."""
    return {name: _frozen(value) for name, value in _reached(target) if _is_data(value)}


def traced(target: Any) -> str:
    """Return the name of an object that holds a value of a finished trace, or ""."""
    for name, value in _reached(target):
        if not isinstance(value, list | tuple | dict | deque | Tensor | jax.Array):
            continue
        value = list(value) if isinstance(value, deque) else value
        leaves = jax.tree.leaves(value, is_leaf=lambda x: isinstance(x, Tensor))
        if any(is_tracer(unwrap(leaf)) for leaf in leaves):
            return name
    return ""


def _reached(target: Any) -> Iterator[tuple[str, Any]]:
    seen: set[int] = set()
    if isinstance(target, Cell):
        for path, cell in target.cells_and_names():
            yield from _of_cell(cell, path, seen)
    elif callable(target):
        yield from _of_function(target, seen)


def _of_cell(cell: Cell, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    own = set(vars(Cell()))
    prefix = f"{path}." if path else ""
    for name, value in vars(cell).items():
        if name not in own:
            yield f"attribute '{prefix}{name}'", value
    for cls in type(cell).__mro__:
        if cls.__module__.split(".")[0] == "sporax" or cls is object:
            continue
        for name, value in vars(cls).items():
            if isinstance(value, FunctionType):
                yield from _of_function(value, seen)
            elif not name.startswith("__"):
                yield f"attribute '{cls.__name__}.{name}'", value


def _of_function(function: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    function = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(function, FunctionType) or id(function) in seen:
        return
    seen.add(id(function))
    code = function.__code__
    if not is_user_file(code.co_filename):
        return
    found: list[tuple[str, Any]] = []
    for name in code.co_names:
        if name in function.__globals__ and not hasattr(builtins, name):
            found.append((f"global '{name}'", function.__globals__[name]))
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            found.append((f"variable '{name}'", cell.cell_contents))
        except ValueError:
            continue
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    found += [(f"default argument {at} of {function.__name__}", value) for at, value in enumerate(defaults)]
    found += [(f"attribute '{function.__name__}.{name}'", value) for name, value in vars(function).items()]
    for name, value in found:
        if isinstance(value, FunctionType):
            yield from _of_function(value, seen)
        else:
            yield name, value


def _is_data(value: Any) -> bool:
    return isinstance(value, (*_PLAIN, list, tuple, dict, set, deque, np.ndarray, np.generic))


def _frozen(value: Any, depth: int = 0) -> Any:
    """Return a copy that can be compared by `==`; other objects are represented by their identity."""
    if isinstance(value, float | np.floating) and value != value:
        return "NaN"
    if isinstance(value, (*_PLAIN, np.generic)):
        return value
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype), value.tobytes() if value.nbytes <= _MOST else value.nbytes
    if isinstance(value, list | tuple | set | deque | dict):
        if depth == _DEPTH or len(value) > 1000:
            return type(value).__name__, len(value)
        if isinstance(value, Mapping):
            return tuple((repr(key), _frozen(each, depth + 1)) for key, each in value.items())
        return type(value).__name__, tuple(_frozen(each, depth + 1) for each in value)
    return id(value)
