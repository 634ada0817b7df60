"""Warning about Cells and Parameters in a plain list, tuple or dict, which are not part of a network."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from sporax._errors import SporaxWarning
from sporax.core.parameter import Parameter, ParameterTuple

_CONTAINERS = (list, tuple, dict)
_OWN = ("_params", "_cells")


def warn_of_unregistered(network: Any, cell_type: type) -> None:
    """Warn about attributes whose Cells and Parameters are not trained.

    There is no warning if the elements are also registered under another attribute. `cell_type` is the class Cell,
    whose file imports this one.
    """
    cells = [cell for _, cell in network.cells_and_names()]
    known: set[int] | None = None
    for cell in cells:
        for name, value in vars(cell).items():
            if not isinstance(value, _CONTAINERS) or isinstance(value, ParameterTuple) or name in _OWN:
                continue
            contained = list(_parameters(value, cell_type))
            if not contained:
                continue
            known = {id(parameter) for parameter in network.get_parameters()} if known is None else known
            unregistered = [parameter for parameter in contained if id(parameter) not in known]
            if unregistered:
                warnings.warn(
                    f"{type(cell).__name__}: {len(unregistered)} Parameter(s) in `self.{name}` are not part of the "
                    f"network, and so are not trained, saved or loaded: a plain {type(value).__name__} registers "
                    f"nothing. Use {_alternative(value)}.",
                    SporaxWarning,
                    stacklevel=4,
                )


def _parameters(value: Any, cell_type: type) -> Iterator[Parameter]:
    if isinstance(value, Parameter):
        if value.requires_grad:
            yield value
    elif isinstance(value, cell_type):
        yield from (parameter for parameter in value.get_parameters() if parameter.requires_grad)
    elif isinstance(value, _CONTAINERS):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _parameters(item, cell_type)


def _alternative(value: Any) -> str:
    if isinstance(value, dict):
        return "nn.CellDict for Cells, and one attribute for each Parameter"
    return "nn.CellList for Cells, ParameterTuple for Parameters"
