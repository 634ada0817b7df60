"""The table of losses. Contract tests, look-up, the CLI listing and the docs page are all made from it.

Each family's file ends with the rows of its losses; here they come together, in the order of the docs page.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sporax._errors import ArgumentError
from sporax._suggest import nearest
from sporax.losses import (
    _adaptive,
    _balanced,
    _binary,
    _binary_focal,
    _boxes,
    _classification,
    _contrastive,
    _ctc,
    _divergence,
    _fenchel_young,
    _focal,
    _linear,
    _lovasz,
    _margin,
    _metric,
    _mining,
    _nce,
    _noisy,
    _ordinal,
    _piecewise,
    _preference,
    _probabilistic,
    _proxy,
    _ranking,
    _regression,
    _relative,
    _rnnt,
    _robust,
    _sampled,
    _scoring,
    _segmentation,
    _triplet,
)
from sporax.losses._row import LossRow

_FAMILIES = (
    _regression,
    _relative,
    _robust,
    _piecewise,
    _binary,
    _binary_focal,
    _classification,
    _focal,
    _margin,
    _noisy,
    _balanced,
    _fenchel_young,
    _divergence,
    _segmentation,
    _lovasz,
    _boxes,
    _metric,
    _mining,
    _triplet,
    _contrastive,
    _proxy,
    _probabilistic,
    _scoring,
    _ordinal,
    _ranking,
    _preference,
    _ctc,
    _rnnt,
    _adaptive,
    _sampled,
    _nce,
    _linear,
)

_ROWS: tuple[LossRow, ...] = tuple(row for family in _FAMILIES for row in family.ROWS)
_BY_NAME: Mapping[str, LossRow] = MappingProxyType({row.name: row for row in _ROWS})


def registry() -> Mapping[str, LossRow]:
    """Every loss by name, in the order of the docs page. Read-only.

    Returns:
        A mapping of names to rows.

    Example:
        >>> from sporax import losses
        >>> losses.registry()["l1_loss"].cell
        'L1Loss'
    """
    return _BY_NAME


def get(name: str) -> LossRow:
    """The row of a loss.

    Args:
        name: the function's name.

    Returns:
        Its row.

    Raises:
        ArgumentError: there is none of that name; says which comes near, and the functions behind a class
            name.

    Example:
        >>> from sporax import losses
        >>> losses.get("mse_loss").default_reduction
        'mean'
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    if behind := [row.name for row in by_cell(name)]:
        hint = f"`{name}` is a class of sporax.nn; its function is {' or '.join(map(repr, behind))}."
    else:
        names = {key.lower(): row.name for row in _ROWS for key in (row.name, row.cell or row.name)}
        near = nearest(str(name), names, 0.5)
        hint = f"Did you mean {names[near]!r}?" if near else f"There are {', '.join(_BY_NAME)}."
    raise ArgumentError(f"losses.get: there is no loss named {name!r}. {hint}")


def by_cell(cell: str) -> tuple[LossRow, ...]:
    """The rows of a class of `sporax.nn`; more than one where an argument chooses between functions.

    Args:
        cell: the name of the class.

    Returns:
        Its rows; none if no loss has that class.

    Example:
        >>> from sporax import losses
        >>> [row.cell_arguments for row in losses.by_cell("SoftmaxCrossEntropyWithLogits")]
        [{'sparse': False}, {'sparse': True}]
    """
    return tuple(row for row in _ROWS if row.cell == cell)
