"""The settings of a run besides the values of Parameters: classes of Cells and their plain attributes.

A backup contains them but does not restore them, because they come from the script. A resumed run with other settings
warns.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import islice
from typing import Any

from sporax._code import PACKAGE, function_of, is_installed
from sporax._describe import changed, describe, describe_code
from sporax.core import Cell, Parameter, Tensor

_PARTS = ("network", "loss_fn", "optimizer")
_PRIVATE = {"_compute_dtype": "to_float", "_decay_sources": "weight_decay", "_given_decay": "weight_decay"}
"""The private attributes that are settings, and the names of the corresponding arguments."""
_MAX_LISTED = 8
_MAX_ELEMENTS = 100


def settings_of(params: Any) -> str:
    """Return the settings of a run's network, loss and optimizer as JSON: `{"loss_fn": {"class": ...}}`."""
    found: dict[str, dict[str, str]] = {}
    for part in _PARTS:
        value = params.get(part)
        if isinstance(value, Cell):
            for name, cell in value.cells_and_names():
                found[f"{part}.{name}" if name else part] = _of_cell(cell)
        elif value is not None:
            found[part] = {"class": getattr(value, "__qualname__", type(value).__qualname__)} | _code(code=value)
    return json.dumps(found)


def differences(saved: str, current: str) -> str:
    """Describe the differences between two results of `settings_of`; empty if there are none."""
    before, after = json.loads(saved), json.loads(current)
    listed: list[str] = []
    for path in dict.fromkeys((*before, *after)):
        a, b = before.get(path), after.get(path)
        if a is None or b is None or a["class"] != b["class"]:
            kinds = [each["class"] if each else "absent" for each in (a, b)]
            listed.append(f"{path} was {kinds[0]} and is now {kinds[1]}")
            continue
        # An attribute that only one of them has belongs to another version of the class.
        listed += [f"{path}.{name} was {a[name]} and is now {b[name]}" for name in changed(a, b)]
    more = f"; and {len(listed) - _MAX_LISTED} more" if len(listed) > _MAX_LISTED else ""
    return "; ".join(listed[:_MAX_LISTED]) + more


def _of_cell(cell: Cell) -> dict[str, str]:
    settings = {"class": type(cell).__qualname__}
    for name, value in vars(cell).items():
        if name != "_compiled_call" and _has_functions(value):
            settings |= _code(**{f"{name.lstrip('_')} (code)": value})
        public = _PRIVATE.get(name, None if name.startswith("_") else name)
        if public is None or isinstance(value, Parameter):
            continue
        text = describe(value.asnumpy() if isinstance(value, Tensor) else value)
        if text is not None:
            settings.setdefault(public, text)
    return settings if is_installed(type(cell).__module__) else settings | _code(code=type(cell))


def _has_functions(value: Any) -> bool:
    """Return whether a value is a function or object of the user that is called, or a list, tuple or dict of them."""
    elements = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)
    return any(map(_is_called, islice(elements, _MAX_ELEMENTS)))


def _is_called(value: Any) -> bool:
    if isinstance(value, (Cell, type)):
        return False
    function = function_of(value)
    if function is not None:
        return not function.__code__.co_filename.startswith(PACKAGE)
    return isinstance(value, partial) or (callable(value) and not is_installed(type(value).__module__))


def _code(**values: Any) -> dict[str, str]:
    texts = ((name, describe_code(value)) for name, value in values.items())
    return {name: text for name, text in texts if text is not None}
