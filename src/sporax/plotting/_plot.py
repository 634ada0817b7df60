"""Curves as text for a terminal, and as a picture drawn by matplotlib."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np

from sporax._errors import ArgumentError, SporaxError
from sporax.plotting._curve import Curve

FORMATS = ("png", "svg")
SIDE_BY_SIDE = 76
"""Minimum width at which derivatives are plotted beside the values instead of below."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille character, by row and column."""

_COLORS = (36, 33, 35, 32, 34, 31)
"""ANSI colors: cyan, yellow, magenta, green, blue, red."""

_PALETTE = ("#3b6fb6", "#d2691e", "#3a8f5c", "#9a4fb0", "#b03a48", "#5f6b73")


class PlotError(SporaxError, RuntimeError):
    """Raised when a picture cannot be drawn."""


def plot_text(curves: Sequence[Curve], width: int = 80, height: int = 10, *, color: bool = False) -> str:
    """Plot values and derivatives of curves over one axis in braille characters.

    Each curve is marked by a letter, which the legend below the plot repeats.

    Args:
        curves: at least one.
        width: characters in a line; at least 30.
        height: lines of each plot; at least 2.
        color: whether to color the curves with ANSI codes.

    Returns:
        Lines of text, none longer than `width`.

    Raises:
        ArgumentError: `curves` is empty, or `width` or `height` is too small.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> info = losses.get("mse_loss")
        >>> text = plotting.plot_text([plotting.trace(info, plotting.lines(info)[0])], width=60, height=4)
        >>> text.splitlines()[0].strip()
        'value'
    """
    if not curves:
        raise ArgumentError("plot_text: there is no curve to draw.")
    if width < 30 or height < 2:
        raise ArgumentError(f"plot_text: `width` must be at least 30 and `height` 2, but got {width} and {height}.")
    beside = width >= SIDE_BY_SIDE
    each = (width - 2) // 2 if beside else width
    panels = [
        _panel(quantity, [(curve.x, getattr(curve, quantity)) for curve in curves], each, height, color)
        for quantity in ("value", "derivative")
    ]
    if beside:
        rows = [f"{left}  {right}".rstrip() for left, right in zip(*panels, strict=True)]
    else:
        rows = [row.rstrip() for panel in panels for row in panel]
    rows.append(f"x: {curves[0].axis}"[:width])
    if len(curves) > 1:
        rows += [_painted(f"{_letter(at)} {curve.label}"[:width], at, color) for at, curve in enumerate(curves)]
    return "\n".join(rows)


def _letter(at: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[at % 26]


def _painted(text: str, at: int, color: bool) -> str:
    return f"\x1b[{_COLORS[at % len(_COLORS)]}m{text}\x1b[0m" if color else text


def _panel(
    title: str, lines: Sequence[tuple[np.ndarray, np.ndarray]], width: int, height: int, color: bool
) -> list[str]:
    low, high = _range([y for _, y in lines])
    margin = max(len(_tick(low)), len(_tick(high))) + 1
    columns = width - margin - 1
    bits = np.zeros((height, columns), int)
    owner = np.full((height, columns), -1)
    letters: dict[tuple[int, int], int] = {}
    for at, (x, y) in enumerate(lines):
        cells = _draw(bits, owner, at, x, y, low, high)
        # Letters stand at different positions along their curves, so that they seldom overlap.
        if cells and len(lines) > 1:
            cell = cells[int(len(cells) * (at + 0.5) / len(lines))]
            letters[cell] = at
    left, right = _tick(float(lines[0][0][0])), _tick(float(lines[0][0][-1]))
    rows = [f"{'':{margin}} {title:{columns}}"]
    for row in range(height):
        tick = _tick(high) if row == 0 else _tick(low) if row == height - 1 else ""
        text = "".join(_cell(bits, owner, letters, row, column, color) for column in range(columns))
        rows.append(f"{tick:>{margin - 1}} {'┤' if tick else '│'}{text}")
    rows.append(f"{'':{margin}}└{'─' * columns}")
    rows.append(f"{'':{margin + 1}}{left}{right:>{columns - len(left)}}")
    return rows


def _cell(
    bits: np.ndarray, owner: np.ndarray, letters: dict[tuple[int, int], int], row: int, column: int, color: bool
) -> str:
    if (row, column) in letters:
        at = letters[row, column]
        return _painted(_letter(at), at, color)
    if not bits[row, column]:
        return " "
    return _painted(chr(0x2800 + int(bits[row, column])), int(owner[row, column]), color)


def _range(values: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the limits of the y-axis: all finite values, except a few extreme ones."""
    finite = np.concatenate([each[np.isfinite(each)] for each in values])
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    # Near a pole a few points are far from all others.
    for cut, edge in ((np.quantile(finite, 0.98), high), (np.quantile(finite, 0.02), low)):
        middle = float(np.median(finite))
        if abs(edge - middle) > 6 * abs(float(cut) - middle) > 0:
            low, high = (low, float(cut)) if edge == high else (float(cut), high)
    # Rounding errors of a constant are not plotted.
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    return low, high


def _draw(
    bits: np.ndarray, owner: np.ndarray, at: int, x: np.ndarray, y: np.ndarray, low: float, high: float
) -> list[tuple[int, int]]:
    """Set the dots of one curve; return its cells from left to right."""
    height, columns = bits.shape
    dots_x, dots_y = 2 * columns, 4 * height
    positions = np.linspace(float(x[0]), float(x[-1]), dots_x)
    known = np.isfinite(y)
    if not known.any():
        return []
    found = np.interp(positions, x[known], y[known])
    level = np.rint((high - found) / (high - low) * (dots_y - 1)).astype(int)
    cells: list[tuple[int, int]] = []
    for column in range(dots_x):
        # A steep segment is drawn without gaps, half in each of its two columns.
        before = level[column - 1] if column else level[column]
        first, last = sorted((int(before), int(level[column])))
        for dot in range(max(first, 0), min(last, dots_y - 1) + 1):
            row, cell = dot // 4, column // 2
            bits[row, cell] |= _DOTS[dot % 4][column % 2]
            owner[row, cell] = at
            if (row, cell) not in cells[-height:]:
                cells.append((row, cell))
    return cells


def _tick(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-12 else value:.3g}"


def save_figure(panels: Sequence[Sequence[Curve]], path: str | os.PathLike[str], *, small: bool = False) -> None:
    """Draw values and derivatives with matplotlib and write the picture atomically.

    Equal curves give equal bytes.

    Args:
        panels: groups of curves; each group has its own x-axis.
        path: a file name that ends in `.png` or `.svg`.
        small: whether to write a small picture of few bytes, as for documentation.

    Raises:
        ArgumentError: the file name has another ending, or there is no curve.
        PlotError: matplotlib is not installed.
        FileNotFoundError: the folder does not exist.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> info = losses.get("mse_loss")
        >>> plotting.save_figure([[plotting.trace(info, plotting.lines(info)[0])]], "mse.svg")  # doctest: +SKIP
    """
    target = os.path.realpath(os.fspath(path))
    kind = os.path.splitext(target)[1][1:].lower()
    if kind not in FORMATS:
        raise ArgumentError(f"cannot save a picture as {os.fspath(path)!r}: the name must end in .png or .svg.")
    if not any(panels):
        raise ArgumentError("save_figure: there is no curve to draw.")
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"cannot save {os.fspath(path)!r}: the folder {folder!r} does not exist. Create it first."
        )
    temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        _render(panels, temporary, kind, small)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _render(panels: Sequence[Sequence[Curve]], path: str, kind: str, small: bool) -> None:
    try:
        import matplotlib
        from cycler import cycler  # comes with matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise PlotError("a picture needs matplotlib: pip install 'sporax[docs]', or pip install matplotlib.") from None
    size = 8 if small else 10
    # Text stays text, ids are deterministic, and invisible points are omitted.
    options: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "sporax",
        "font.size": size,
        "font.family": "sans-serif",
        "path.simplify": True,
        "path.simplify_threshold": 0.25 if small else 0.1,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=_PALETTE),
        "lines.linewidth": 1.4,
    }
    with matplotlib.rc_context(options):
        width, height = (5.6, 1.9) if small else (8.4, 3.2)
        figure = Figure(figsize=(width, height * len(panels)), layout="constrained", dpi=150)
        groups: Any = figure.subfigures(len(panels), 1, squeeze=False)[:, 0]
        for group, curves in zip(groups, panels, strict=True):
            for axes, quantity in zip(group.subplots(1, 2), ("value", "derivative"), strict=True):
                _axes(axes, curves, quantity, small)
            if len(curves) > 1 or len(panels) > 1:
                group.axes[0].legend(frameon=False, fontsize="small", handlelength=1)
            group.supxlabel(curves[0].axis, fontsize=size)
        metadata: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(path, format=kind, metadata=metadata)
    if kind == "svg" and small:
        _shrink(path)


def _axes(axes: Any, curves: Sequence[Curve], kind: str, small: bool) -> None:
    low, high = _range([getattr(curve, kind) for curve in curves])
    margin = 0.06 * (high - low)
    for curve in curves:
        axes.plot(curve.x, np.clip(getattr(curve, kind), low - 4 * margin, high + 4 * margin), label=curve.label)
    axes.set_ylim(low - margin, high + margin)
    axes.set_title(kind, loc="left", fontsize="medium")
    if small:
        axes.locator_params(nbins=4)
    axes.tick_params(length=2)


def _shrink(path: str) -> None:
    """Remove what viewers do not need: spaces, comments, ids, and digits below a hundredth of a point."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;\"]*sans-serif(; )?", "", text)
    text = text.replace("*{stroke-linejoin", "*{font-family: sans-serif; stroke-linejoin", 1)
    text = re.sub(r' id="(?:text|line2d|patch|[xy]tick|axes|figure|legend|matplotlib)[^"]*"', "", text)
    text = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), text)
    text = re.sub(r">\s+<", "><", text)
    text = re.sub(r"[ \t]*\n[ \t]*", " ", text)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.strip() + "\n")
