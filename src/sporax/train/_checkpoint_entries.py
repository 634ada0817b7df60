"""The entries of a checkpoint: Cells, dicts and lists converted to named arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, CheckpointError
from sporax.core import Cell, Parameter, Tensor

Entry = np.ndarray | str


def parameters(cell: Cell, where: str) -> dict[str, Parameter]:
    """Return the Parameters of a Cell by name; by path if names repeat, as after a call in MindSpore."""
    found: dict[str, Parameter] = {}
    with contextlib.suppress(ArgumentError):
        cell.check_names_and_refresh_name()
    for parameter in cell.get_parameters():
        if parameter.name in found:
            raise CheckpointError(
                f"{where}: two Parameters of {type(cell).__name__} have the name {parameter.name!r}, so one "
                "would be lost. Rename one of them: Parameter(..., name=...), or parameter.name = ..."
            )
        found[parameter.name] = parameter
    return found


def combined_parameters(parts: Iterable[Any]) -> dict[str, Parameter]:
    """Return the Parameters of several Cells, without duplicates; a repeated name gets the suffix `#2` and so on."""
    found: dict[str, Parameter] = {}
    seen: set[int] = set()
    for part in parts:
        for parameter in part.get_parameters() if isinstance(part, Cell) else ():
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            name, count = parameter.name, 1
            while name in found:
                count += 1
                name = f"{parameter.name}#{count}"
            found[name] = parameter
    return found


def collect(save_obj: Any, where: str) -> dict[str, Entry]:
    """Return the arrays of an object to save, by name."""
    if isinstance(save_obj, Cell):
        return {name: _array(value) for name, value in parameters(save_obj, where).items()}
    if isinstance(save_obj, dict):
        return appended(save_obj, where, "save_obj")
    if isinstance(save_obj, (list, tuple)):
        found: dict[str, Entry] = {}
        for element in save_obj:
            name, value = _named(element, where)
            if name in found:
                raise CheckpointError(f"{where}: the name {name!r} is in the list twice, so one would be lost.")
            found[name] = value
        return found
    raise _check.wrong_type(save_obj, "a Cell, a dict or a list", name="save_obj", where=where)


def _named(element: Any, where: str) -> tuple[str, Entry]:
    if isinstance(element, Parameter):
        return element.name, _array(element)
    if not isinstance(element, dict) or not {"name", "data"} <= set(element):
        raise ArgumentTypeError(
            f"{where}: an element of the list must be a Parameter, or a dict with the keys 'name' and "
            f"'data', but got {element!r}."
        )
    name, data = element["name"], element["data"]
    if not isinstance(name, str) or not isinstance(data, (Tensor, np.ndarray, jax.Array)):
        raise ArgumentTypeError(
            f"{where}: 'name' must be a str and 'data' a Parameter or Tensor, but got {name!r} and {data!r}."
        )
    return name, _array(data)


def appended(given: Any, where: str, argument: str = "append_dict") -> dict[str, Entry]:
    """Convert named Parameters, Tensors, arrays, numbers and strings to arrays and strings."""
    _check.is_type(given, dict, name=argument, where=where, expected="a dict")
    found: dict[str, Entry] = {}
    for name, value in given.items():
        if not isinstance(name, str):
            raise ArgumentTypeError(f"{where}: a name in `{argument}` must be a str, but got {name!r}.")
        if not isinstance(value, (Tensor, np.ndarray, np.generic, jax.Array, bool, int, float, str)):
            raise ArgumentTypeError(
                f"{where}: the value of {name!r} in `{argument}` must be a Parameter, a Tensor, a number or "
                f"a str, but got {value!r} of type {type(value).__name__}."
            )
        found[name] = value if isinstance(value, str) else _array(value)
    return found


def values(parameter_dict: dict[str, Any], where: str) -> dict[str, Entry]:
    """Return the arrays of a dict to load, by name; strings are omitted."""
    found: dict[str, Entry] = {}
    for name, value in parameter_dict.items():
        if isinstance(name, str) and isinstance(value, str):
            continue
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ArgumentTypeError(
                f"{where}: `parameter_dict` must map names to Parameters or Tensors, but got {name!r} of "
                f"type {type(name).__name__} and a value of type {type(value).__name__}."
            )
        found[name] = _array(value)
    return found


def _array(value: Any) -> np.ndarray:
    return np.asarray(value.asnumpy() if isinstance(value, Tensor) else value)
