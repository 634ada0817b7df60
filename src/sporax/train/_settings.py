"""What a run was built with besides the values of Parameters: classes of Cells and their plain attributes.

A backup does not restore them, for they come from the script. It holds them, so that a run that goes on with other
ones says so.
"""

from __future__ import annotations

import json
from typing import Any

from sporax._describe import describe
from sporax.core import Cell, Parameter, Tensor

_PARTS = ("network", "loss_fn", "optimizer")
_PRIVATE = {"_compute_dtype": "to_float", "_decay_sources": "weight_decay", "_given_decay": "weight_decay"}
"""The attributes with an underscore that are settings, and what the user calls them."""
_SHOWN = 8


def settings_of(params: Any) -> str:
    """The settings of a run's network, loss and optimizer, as JSON: `{"network.drop": {"class": ..., "p": "0.3"}}`."""
    found: dict[str, dict[str, str]] = {}
    for part in _PARTS:
        value = params.get(part)
        if isinstance(value, Cell):
            for name, cell in value.cells_and_names():
                found[f"{part}.{name}" if name else part] = _of_cell(cell)
        elif value is not None:
            found[part] = {"class": getattr(value, "__qualname__", type(value).__qualname__)}
    return json.dumps(found)


def differences(then: str, now: str) -> str:
    """What differs between two results of `settings_of`, as a text; empty where nothing does."""
    before, after = json.loads(then), json.loads(now)
    listed: list[str] = []
    for path in dict.fromkeys((*before, *after)):
        a, b = before.get(path), after.get(path)
        if a is None or b is None or a["class"] != b["class"]:
            kinds = [each["class"] if each else "absent" for each in (a, b)]
            listed.append(f"{path} {kinds[0]} then, {kinds[1]} now")
            continue
        # An attribute that only one of them has belongs to another version of the class.
        listed += [f"{path}.{name} {a[name]} then, {b[name]} now" for name in a if name in b and a[name] != b[name]]
    more = f"; and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return "; ".join(listed[:_SHOWN]) + more


def _of_cell(cell: Cell) -> dict[str, str]:
    settings = {"class": type(cell).__qualname__}
    for name, value in vars(cell).items():
        public = _PRIVATE.get(name, None if name.startswith("_") else name)
        if public is None or isinstance(value, Parameter):
            continue
        text = describe(value.asnumpy() if isinstance(value, Tensor) else value)
        if text is not None:
            settings.setdefault(public, text)
    return settings
