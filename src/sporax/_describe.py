"""Texts that identify settings, to compare those of two runs."""

from __future__ import annotations

import enum
import functools
import sys
import types
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sporax._code import (
    Read,
    attribute_names,
    function_of,
    is_installed,
    is_installed_code,
    methods_of,
    reads_of,
    writes_of,
)

_MAX_ELEMENTS = 1 << 20
_MAX_LENGTH = 80
_MAX_OBJECTS = 1000
_MAX_SAMPLE = 64
_MISSING = object()
_CALLED = ("__call__", "construct", "bprop", "__iter__", "__next__", "__getitem__", "__len__")
"""The methods by which a dataset or a network uses an object."""
_PLAIN = (bool, int, float, complex, str, bytes, range, slice, types.EllipsisType, types.NoneType)


def describe(value: Any) -> str | None:
    """Return a short text that is equal for equal values, or None for a value that is not plain.

    Plain values are numbers, strings, None, dtypes, functions and classes (by name), arrays of up to 2^20 elements, and
    lists, tuples and dicts of them.
    """
    text = _text(value)
    if text is None or len(text) <= _MAX_LENGTH:
        return text
    return f"{text[: _MAX_LENGTH // 2]}... (checksum {zlib.crc32(text.encode()):08x})"


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (bool, int, float, complex, str, np.generic, np.dtype)):
        return repr(value)
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return value.__name__
    if isinstance(value, dict):
        value = tuple(value.items())
    if isinstance(value, (tuple, list, range)):
        items = [_text(each) for each in value]
        return None if None in items else f"({', '.join(map(str, items))})"
    if isinstance(value, np.ndarray) and value.size <= _MAX_ELEMENTS and value.dtype.kind not in "OUSMm":
        if value.size <= 8:
            return repr(value.tolist())
        checksum = zlib.crc32(np.ascontiguousarray(value).tobytes())
        return f"an array of shape {value.shape} (checksum {checksum:08x})"
    return None


def describe_code(value: Any) -> str | None:
    """Return a text that is equal for equal code: of a function, or of the methods by which an object is used.

    It also depends on the plain values that the code reads: defaults, variables of closures, globals, attributes, and
    on the user's functions that it calls. Functions of installed packages are identified by their names, and
    objects of their classes by the class and the public attributes.

    Returns:
        The text, which is equal in another process of the same version of Python; None if there is no code.
    """
    checksum = _Checksum()
    checksum.add(value)
    if not checksum.has_code:
        return None
    version = ".".join(map(str, sys.version_info[:2]))
    return f"checksum {checksum.value:08x} in Python {version}"


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the names of texts that differ. Omitted are those of one side only, or of another Python."""
    return [name for name in before if _differ(before[name], after.get(name, ""))]


def _differ(before: str, after: str) -> bool:
    versions = {text.partition(" in Python ")[2] for text in (before, after) if text.startswith("checksum ")}
    return bool(before and after) and before != after and len(versions) < 2


def describe_batches(batches: Any) -> str:
    """Return a text that depends on the order and content of a list of batches.

    At most 4,096 batches are read, evenly spaced, and of each array its shape, its dtype and 64 elements.
    """
    checksum = _Checksum()
    count = len(batches)
    for index in sorted({int(each) for each in np.linspace(0, count - 1, min(count, 4096))}):
        checksum.add_batch(batches[index])
    return f"checksum {checksum.value:08x}"


class _Checksum:
    """A checksum of objects that does not depend on the process."""

    def __init__(self) -> None:
        self.value = 0
        self.has_code = False
        self._seen: dict[int, tuple[int, Any]] = {}

    def _note(self, *texts: Any) -> None:
        self.value = zlib.crc32("\0".join(map(str, texts)).encode("utf-8", "surrogatepass") + b"\1", self.value)

    def add_batch(self, value: Any) -> None:
        """Add a batch: an array, or a tuple, list or dict of arrays."""
        if isinstance(value, dict):
            value = [part for name, each in value.items() for part in (str(name), each)]
        if isinstance(value, (tuple, list)):
            self._note("batch", len(value))
            for each in value:
                self._add_array(np.asarray(each), _MAX_SAMPLE)
        else:
            self._add_array(np.asarray(value), _MAX_SAMPLE)

    def add(self, value: Any) -> None:
        """Add a value."""
        if type(value) in _PLAIN:
            self._note(type(value).__name__, repr(value))
        elif isinstance(value, np.generic):
            self._note(value.dtype, value.item())
        elif isinstance(value, np.dtype):
            self._note("dtype", value)
        elif id(value) in self._seen:
            self._note("seen", self._seen[id(value)][0])
        elif len(self._seen) < _MAX_OBJECTS:
            self._seen[id(value)] = (len(self._seen), value)
            self._add_object(value)

    def _add_all(self, values: Iterable[Any]) -> None:
        for each in values:
            self.add(each)

    def _add_object(self, value: Any) -> None:
        if isinstance(value, np.ndarray):
            self._add_array(value)
        elif isinstance(value, (list, tuple)):
            self._note(type(value).__name__, len(value))
            self._add_all(_spread(value, _MAX_OBJECTS))
        elif isinstance(value, (set, frozenset)):
            self._note("set", *sorted(map(_checksum_of, value)))
        elif isinstance(value, dict):
            self._note("dict", len(value))
            self._add_all(each for item in value.items() for each in item)
        elif isinstance(value, types.ModuleType):
            self._note("module", value.__name__)
        else:
            self.has_code = True
            self._add_code(value)

    def _add_array(self, value: np.ndarray, most: int = _MAX_ELEMENTS) -> None:
        flat = value.reshape(-1)
        sample = flat if flat.size <= most else flat[_indices(flat.size, most)]
        content = repr(sample.tolist()) if value.dtype.kind in "USmM" else zlib.crc32(sample.tobytes())
        self._note("array", value.shape, value.dtype, "" if value.dtype.hasobject else content)

    def _add_code(self, value: Any) -> None:
        if isinstance(value, functools.partial):
            self._note("partial")
            self._add_all((value.func, value.args, value.keywords))
        elif isinstance(value, types.MethodType):
            self._note("method", value.__func__.__name__)
            self._add_instance(value.__self__, (value.__func__.__name__,))
        elif isinstance(value, type):
            self._add_class(value, _CALLED)
        elif isinstance(value, enum.Enum) or type(value).__module__ == "operator":
            self._note(repr(value))
        elif (function := function_of(value)) is not None:
            self._add_function(function)
        elif hasattr(value, "__name__") and not _has_attributes(value):
            # A function of C.
            owner = getattr(value, "__self__", None)
            self._note("name", _package(getattr(value, "__module__", None)), value.__name__, type(owner).__name__)
            self.add(owner if type(owner) in _PLAIN else None)
        elif hasattr(value, "asnumpy"):
            # The value of a Parameter is part of the state of the run.
            self._note("Parameter") if hasattr(value, "requires_grad") else self.add(np.asarray(value.asnumpy()))
        else:
            self._add_instance(value, _CALLED)

    def _add_class(self, kind: type, methods: tuple[str, ...]) -> None:
        self._note("class", _package(kind.__module__), kind.__qualname__)
        if is_installed(kind.__module__):
            return
        for function, names in _used_by(kind, methods):
            self._add_function(function)
            for name in names:
                value = _class_attribute(kind, name)
                if _is_data(value):
                    self._note("attribute", name)
                    self.add(value)

    def _add_instance(self, value: Any, methods: tuple[str, ...]) -> None:
        kind = type(value)
        self._add_class(kind, methods)
        attributes = _attributes_of(value)
        # An object with a state of its own gets it back.
        if hasattr(kind, "state_dict") and hasattr(kind, "load_state_dict"):
            return
        used = {} if is_installed(kind.__module__) else dict(_used_by(kind, methods))
        if used:
            names = {name for each in used.values() for name in each}
            # They can read all attributes.
            names = set(attributes) if names & {"__dict__", "vars"} else names & set(attributes)
        elif kind.__module__.split(".")[0] in sys.stdlib_module_names:
            return
        else:
            names = {
                name
                for name, each in attributes.items()
                if not name.startswith("_") and (_is_data(each) or isinstance(each, types.FunctionType))
            }
        for name in sorted(names):
            self._note("attribute", name)
            self.add(attributes[name])

    def _add_function(self, function: types.FunctionType) -> None:
        code = function.__code__
        if is_installed_code(code):
            self._note("function", _package(function.__module__), function.__qualname__)
        else:
            self._note("function")
            self._add_instructions(code)
            self._add_all((function.__defaults__, function.__kwdefaults__))
        self._add_all(_variables(function))

    def _add_instructions(self, code: types.CodeType) -> None:
        arguments = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & 0x2C
        self._note("code", *arguments, code.co_code.hex(), *code.co_names)
        self._note(getattr(code, "co_exceptiontable", b"").hex())
        constants = list(code.co_consts)
        if constants and not code.co_name.startswith("<") and isinstance(constants[0], str):
            # The docstring.
            constants[0] = None
        for each in constants:
            if isinstance(each, types.CodeType):
                self._add_instructions(each)
            else:
                self.add(each)


def _package(module: str | None) -> str:
    """Return the name of the installed package, whose modules may be renamed, or an empty string for user code."""
    return module.partition(".")[0] if module and is_installed(module) else ""


def _checksum_of(value: Any) -> int:
    checksum = _Checksum()
    checksum.add(value)
    return checksum.value


def _indices(size: int, count: int) -> np.ndarray:
    return np.unique(np.linspace(0, max(size - 1, 0), min(size, count)).astype(np.intp))


def _spread(values: Any, count: int) -> Iterator[Any]:
    return (values[index] for index in _indices(len(values), count))


def _used_by(kind: type, methods: tuple[str, ...]) -> list[tuple[types.FunctionType, list[str]]]:
    """Return these methods of a user's class, those that they call, and the names that each uses and none writes."""
    functions = [each for each in methods_of(kind, *methods) if not is_installed_code(each.__code__)]
    written = set[str]().union(*(writes_of(each.__code__) for each in functions))
    return [(each, sorted(attribute_names(each.__code__) - written)) for each in functions]


def _class_attribute(kind: type, name: str) -> Any:
    for each in kind.__mro__:
        if name in vars(each):
            return _MISSING if is_installed(each.__module__) else vars(each)[name]
    return _MISSING


def _has_attributes(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, (np.ufunc, types.BuiltinFunctionType))


def _attributes_of(value: Any) -> dict[str, Any]:
    names = [name for kind in type(value).__mro__ for name in _slots_of(kind)]
    slots = ((name, getattr(value, name, _MISSING)) for name in names)
    return dict(getattr(value, "__dict__", {})) | {name: each for name, each in slots if each is not _MISSING}


def _slots_of(kind: type) -> list[str]:
    return [name for name, each in vars(kind).items() if isinstance(each, types.MemberDescriptorType)]


def _is_data(value: Any) -> bool:
    return type(value) in (*_PLAIN, list, tuple, dict, set, np.ndarray) or isinstance(value, np.generic)


def _variables(function: types.FunctionType) -> Iterator[Any]:
    """Yield the values of the variables and attributes that a function reads and does not write."""
    free = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    written = writes_of(function.__code__)
    for read in reads_of(function.__code__):
        if read.name in written or (not read.is_free and is_installed_code(function.__code__)):
            continue
        value = _value_of(read, function.__globals__, free)
        if value is not _MISSING:
            yield value


def _value_of(read: Read, scope: dict[str, Any], free: dict[str, types.CellType]) -> Any:
    if read.is_free:
        try:
            value = free[read.name].cell_contents
        except (KeyError, ValueError):
            return _MISSING
    else:
        value = scope.get(read.name, _MISSING)
    for name in read.attributes:
        if isinstance(value, types.ModuleType) and is_installed(value.__name__):
            return _MISSING
        # Only the attribute that is read: the others may differ, as the name of a log file does.
        found = getattr(value, "__dict__", {}).get(name, _MISSING)
        if isinstance(value, (type, types.FunctionType)) or found is _MISSING:
            kind = value if isinstance(value, type) else type(value)
            found = _class_attribute(kind, name)
            if isinstance(found, types.FunctionType) and not isinstance(value, type):
                return types.MethodType(found, value)
            if not (_is_data(found) or isinstance(found, enum.Enum)):
                break
        value = found
    return value
