"""Finding a loss by whatever name a person has for it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from sporax import losses
from sporax._errors import ArgumentError


def find(name: str) -> losses.LossInfo:
    """The row of a loss, by the name of its function or class or of a peer's, with or without `loss`, in any case.

    Args:
        name: the name.

    Returns:
        Its row.

    Raises:
        ArgumentError: no loss has that name, and some come near; or several have it, and these are named.

    Example:
        >>> from sporax import plotting
        >>> plotting.find("mse").name, plotting.find("SmoothL1Loss").name
        ('mse_loss', 'smooth_l1_loss')
    """
    rows = list(losses.registry().values())
    if name in losses.registry():
        return losses.get(name)
    wanted = _short(name)
    tiers = (
        [row for row in rows if row.cell == name],
        [row for row in rows if _short(row.name) == wanted],
        [row for row in rows if row.cell and _short(row.cell) == wanted],
        [row for row in rows if wanted in {_short(each) for each in row.like}],
        [row for row in rows if wanted in {_initials(each) for each in _names(row)}],
    )
    for found in tiers:
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(row.name for row in found)
            raise ArgumentError(f"{name!r} may be any of {choices}. Give one of these names.")
    near = [row.name for row in like(name)[:3]]
    hint = f"Did you mean {' or '.join(near)}?" if near else "`sporax loss list` shows all there are."
    raise ArgumentError(f"there is no loss named {name!r}. {hint}")


def like(name: str) -> list[losses.LossInfo]:
    """The losses whose name, class or name among peers comes near a word, nearest first.

    Args:
        name: the word.

    Returns:
        Rows; none if nothing comes near.

    Example:
        >>> from sporax import plotting
        >>> [row.name for row in plotting.like("smoothl1")][0]
        'smooth_l1_loss'
    """
    wanted = _short(name)
    scored = [(max(_nearness(wanted, each) for each in _names(row)), row) for row in losses.registry().values()]
    return [row for score, row in sorted(scored, key=lambda pair: -pair[0]) if score >= 0.7]


def _names(row: losses.LossInfo) -> Iterator[str]:
    yield row.name
    if row.cell:
        yield row.cell
    yield from row.like


def _nearness(wanted: str, name: str) -> float:
    short = _short(name)
    if not wanted or not short:
        return 0.0
    if wanted in (short, _initials(name)):
        return 2.0
    ratio = difflib.SequenceMatcher(None, wanted, short).ratio()
    # A part of the name counts from three letters on: "focal" finds every focal loss.
    return max(ratio, 1 + ratio) if len(wanted) >= 3 and wanted in short else ratio


def _short(name: str) -> str:
    """Letters and digits alone, without `loss`."""
    letters = re.sub(r"[^a-z0-9]", "", str(name).rpartition(".")[2].lower())
    return letters.replace("losses", "").replace("loss", "") or letters


def _initials(name: str) -> str:
    """mse of mean_squared_error and of MeanSquaredError."""
    parts = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", str(name).rpartition(".")[2])
    return "".join(part[0] for part in parts if part.lower() != "loss").lower() if len(parts) > 2 else ""
