"""Look-up of a loss by its own name, its class, or its name in another framework."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from sporax import losses
from sporax._errors import ArgumentError


def find(name: str) -> losses.LossInfo:
    """Return the loss with a name: of its function, its class or a peer's function, `loss` and case ignored.

    Args:
        name: the name.

    Returns:
        Its registry entry.

    Raises:
        ArgumentError: no loss has that name, or several have it; the message suggests names.

    Example:
        >>> from sporax import plotting
        >>> plotting.find("mse").name, plotting.find("SmoothL1Loss").name
        ('mse_loss', 'smooth_l1_loss')
    """
    infos = list(losses.registry().values())
    if name in losses.registry():
        return losses.get(name)
    wanted = _short(name)
    tiers = (
        [info for info in infos if info.cell == name],
        [info for info in infos if _short(info.name) == wanted],
        [info for info in infos if info.cell and _short(info.cell) == wanted],
        [info for info in infos if wanted in {_short(each) for each in info.like}],
        [info for info in infos if wanted in {_initials(each) for each in _names(info)}],
    )
    for found in tiers:
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(info.name for info in found)
            raise ArgumentError(f"{name!r} may be any of {choices}. Give one of these names.")
    similar = [info.name for info in like(name)[:3]]
    hint = f"Did you mean {' or '.join(similar)}?" if similar else "`sporax loss list` lists all losses."
    raise ArgumentError(f"there is no loss named {name!r}. {hint}")


def like(name: str) -> list[losses.LossInfo]:
    """Return the losses with a name, class or peer name similar to a word, the most similar first.

    Args:
        name: the word.

    Returns:
        Registry entries; an empty list if none is similar.

    Example:
        >>> from sporax import plotting
        >>> [info.name for info in plotting.like("smoothl1")][0]
        'smooth_l1_loss'
    """
    wanted = _short(name)
    scored = [(max(_similarity(wanted, each) for each in _names(info)), info) for info in losses.registry().values()]
    return [info for score, info in sorted(scored, key=lambda pair: -pair[0]) if score >= 0.7]


def _names(info: losses.LossInfo) -> Iterator[str]:
    yield info.name
    if info.cell:
        yield info.cell
    yield from info.like


def _similarity(wanted: str, name: str) -> float:
    short = _short(name)
    if not wanted or not short:
        return 0.0
    if wanted in (short, _initials(name)):
        return 2.0
    ratio = difflib.SequenceMatcher(None, wanted, short).ratio()
    # A part of a name must have three letters: "focal" finds every focal loss.
    return max(ratio, 1 + ratio) if len(wanted) >= 3 and wanted in short else ratio


def _short(name: str) -> str:
    """The name in lower case, without `loss` and punctuation."""
    letters = re.sub(r"[^a-z0-9]", "", str(name).rpartition(".")[2].lower())
    return letters.replace("losses", "").replace("loss", "") or letters


def _initials(name: str) -> str:
    """Initials of a name of three words or more: mse for mean_squared_error and MeanSquaredError."""
    parts = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", str(name).rpartition(".")[2])
    return "".join(part[0] for part in parts if part.lower() != "loss").lower() if len(parts) > 2 else ""
