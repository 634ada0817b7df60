"""The registry of losses, from which contract tests, look-up, the CLI listing and the documentation are generated.

The entry of a loss is given where its function is defined, as the argument `info` of `loss_function`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from sporax._errors import ArgumentError
from sporax._suggest import nearest
from sporax.losses.contract import LossInfo

__all__ = ["by_cell", "get", "registry"]

_FAMILIES = (
    "regression",
    "relative",
    "robust",
    "piecewise",
    "binary",
    "binary_focal",
    "classification",
    "focal",
    "margin",
    "noisy",
    "balanced",
    "fenchel_young",
    "divergence",
    "segmentation",
    "lovasz",
    "boxes",
    "metric",
    "mining",
    "triplet",
    "contrastive",
    "proxy",
    "probabilistic",
    "scoring",
    "ordinal",
    "ranking",
    "preference",
    "ctc",
    "rnnt",
    "adaptive",
    "sampled",
    "nce",
    "linear",
)
"""The files that define losses, in the order of the documentation."""


def _of(family: str) -> list[LossInfo]:
    """The entries of the losses that a file defines, in the order of their definition."""
    module = importlib.import_module(f"sporax.losses._{family}")
    functions = [each for each in vars(module).values() if getattr(each, "__module__", None) == module.__name__]
    return [each.info for each in functions if isinstance(getattr(each, "info", None), LossInfo)]


_INFOS: tuple[LossInfo, ...] = tuple(info for family in _FAMILIES for info in _of(family))
_BY_NAME: Mapping[str, LossInfo] = MappingProxyType({info.name: info for info in _INFOS})
_BY_CELL = {
    cell: tuple(info for info in _INFOS if info.cell == cell) for cell in {info.cell for info in _INFOS} - {None}
}


def registry() -> Mapping[str, LossInfo]:
    """Return every loss by name, in the order of the documentation; read-only.

    Returns:
        A mapping of names to `LossInfo`.

    Example:
        >>> from sporax import losses
        >>> losses.registry()["l1_loss"].cell
        'L1Loss'
    """
    return _BY_NAME


def get(name: str) -> LossInfo:
    """Return the registry's entry of a loss.

    Args:
        name: the function's name.

    Returns:
        Its `LossInfo`.

    Raises:
        ArgumentError: there is no loss of that name; the message suggests the nearest name.

    Example:
        >>> from sporax import losses
        >>> losses.get("mse_loss").default_reduction
        'mean'
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    if behind := [info.name for info in by_cell(name)]:
        hint = f"`{name}` is a class of sporax.nn; its function is {' or '.join(map(repr, behind))}."
    else:
        names = {key.lower(): info.name for info in _INFOS for key in (info.name, info.cell or info.name)}
        near = nearest(str(name), names, 0.5)
        hint = f"Did you mean {names[near]!r}?" if near else f"There are {', '.join(_BY_NAME)}."
    raise ArgumentError(f"losses.get: there is no loss named {name!r}. {hint}")


def by_cell(cell: str) -> tuple[LossInfo, ...]:
    """Return the entries of a class of `sporax.nn`; several where an argument selects the function.

    Args:
        cell: the name of the class.

    Returns:
        Its entries; none if no loss has that class.

    Example:
        >>> from sporax import losses
        >>> [info.cell_arguments for info in losses.by_cell("SoftmaxCrossEntropyWithLogits")]
        [{'sparse': False}, {'sparse': True}]
    """
    return _BY_CELL.get(cell, ())
