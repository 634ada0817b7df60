"""What Python functions read: variables, attributes, and methods of the user's classes."""

from __future__ import annotations

import dis
import functools
import itertools
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any, NamedTuple

PACKAGE = str(Path(__file__).resolve().parent)
_PATHS = (PACKAGE, *(sysconfig.get_path(each) for each in ("stdlib", "platstdlib", "purelib", "platlib")), "<frozen")
_LONGEST = 8
"""The maximum number of names in `a.b.c`."""
_READS = {"LOAD_GLOBAL": False, "LOAD_NAME": False, "LOAD_DEREF": True, "LOAD_CLASSDEREF": True}
"""The instructions that read a variable, and whether it is free instead of global."""

_WRITES = ("STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR")


class Read(NamedTuple):
    """A variable that a function reads, and the attributes of it that are read: `a.b.c`."""

    name: str
    is_free: bool
    attributes: tuple[str, ...]


@functools.lru_cache(maxsize=1024)
def reads_of(code: CodeType) -> tuple[Read, ...]:
    """Return the variables that a function and its inner functions read. `co_names` would include attributes."""
    found: dict[Read, None] = {}
    instructions = list(dis.get_instructions(code))
    for i, each in enumerate(instructions):
        if each.opname in _READS:
            following = instructions[i + 1 : i + _LONGEST]
            attributes = itertools.takewhile(lambda one: one.opname in ("LOAD_ATTR", "LOAD_METHOD"), following)
            found[Read(each.argval, _READS[each.opname], tuple(one.argval for one in attributes))] = None
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found.update(dict.fromkeys(reads_of(constant)))
    return tuple(found)


@functools.lru_cache(maxsize=1024)
def writes_of(code: CodeType) -> frozenset[str]:
    """Return the names of attributes, and of variables outside of a function, that it or its inner functions write."""
    names = {each.argval for each in dis.get_instructions(code) if each.opname in _WRITES}
    inner = (writes_of(each) for each in code.co_consts if isinstance(each, CodeType))
    return frozenset(names).union(*inner)


@functools.lru_cache(maxsize=1024)
def attribute_names(code: CodeType) -> frozenset[str]:
    """Return the names of attributes and globals that a function and its inner functions use, also for `getattr`."""
    inner = (attribute_names(each) for each in code.co_consts if isinstance(each, CodeType))
    return frozenset(code.co_names).union((each for each in code.co_consts if isinstance(each, str)), *inner)


@functools.lru_cache(maxsize=1024)
def is_installed(module: str) -> bool:
    """Return whether a module belongs to sporax, an installed package, or Python, whose variables do not change."""
    if module == "__main__" or module not in sys.modules:
        return False
    path = getattr(sys.modules[module], "__file__", None)
    return path is None or path.startswith(_PATHS)


def is_installed_code(code: CodeType) -> bool:
    """Return whether a function belongs to such a module."""
    return code.co_filename.startswith(_PATHS)


def function_of(value: Any) -> FunctionType | None:
    """Return the function of a method, of a descriptor, or of an object that wraps it; None if there is none."""
    for _ in range(_LONGEST):
        if isinstance(value, FunctionType):
            return value
        if isinstance(value, property):
            value = value.fget
        elif isinstance(value, (MethodType, staticmethod, classmethod)):
            value = value.__func__
        else:
            value = getattr(value, "__dict__", {}).get("__wrapped__")
    return None


def methods_of(kind: type, *names: str) -> Iterator[FunctionType]:
    """Yield the methods of a user's class with these names, and those whose names occur in them, and so on."""
    users = [each for each in kind.__mro__ if each is not object and not each.__module__.startswith("sporax.")]
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for each in users:
            function = function_of(vars(each).get(name))
            if function is not None:
                yield function
                waiting.extend(sorted(attribute_names(function.__code__)))
