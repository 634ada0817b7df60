"""The output of `sporax loss list`, `show` and `compare`."""

from __future__ import annotations

import ast
import inspect
import io
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sporax import losses, plotting
from sporax._errors import ArgumentError, SporaxError

USER_ERRORS = (SporaxError, OSError)

Infos = Sequence[losses.LossInfo]


def _width() -> int:
    return min(max(shutil.get_terminal_size((100, 24)).columns, 40), 160)


def _color() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _printed(*parts: Any) -> str:
    """Format the parts as text: colored on a terminal; in a file or pipe tables are not folded."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=_width() if sys.stdout.isatty() else 1000,
        force_terminal=_color(),
        color_system="standard" if _color() else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _table(*columns: str, unfolded: Sequence[str] = ()) -> Table:
    """Return a table without lines; the columns in `unfolded` are never folded."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in unfolded)
    return table


def select(family: str | None, like: str | None) -> Infos:
    """Return the losses of a family, with a name similar to `like`, or all."""
    infos = list(losses.registry().values()) if like is None else plotting.like(like)
    if not infos:
        raise ArgumentError(f"no loss has a name like {like!r}. `sporax loss list` lists all losses.")
    if family is None:
        return infos
    families = list(dict.fromkeys(info.family for info in losses.registry().values()))
    if family not in families:
        raise ArgumentError(f"there is no family {family!r}. There are {', '.join(families)}.")
    if not (chosen := [info for info in infos if info.family == family]):
        raise ArgumentError(f"no loss of the family {family!r} has a name like {like!r}.")
    return chosen


def as_json(infos: Infos) -> str:
    """Format the losses as a JSON list of objects."""
    found = [
        {
            "name": info.name,
            "cell": info.cell,
            "family": info.family,
            "summary": info.summary,
            "source": info.source,
            "like": list(info.like),
            "inputs": {item.name: " ".join(item.shape) for item in info.inputs},
            "parameters": list(plotting.parameters_of(info)),
        }
        for info in infos
    ]
    return json.dumps(found, indent=2, ensure_ascii=False)


def as_text(infos: Infos) -> str:
    """Format the losses as a table; on a narrow terminal cells are folded."""
    table = _table("name", "Cell", "family", "summary", "source", unfolded=("name",))
    for info in infos:
        table.add_row(info.name, info.cell or "", info.family, info.summary, info.citation)
    count = len(infos)
    return _printed(table, f"{count} loss{'es' if count != 1 else ''}. `sporax loss show NAME` draws one.")


def show(name: str, params: Sequence[str], save: Path | None) -> str:
    """Describe a loss and plot its curves for every combination of the given hyper-parameters."""
    info = plotting.find(name)
    settings = plotting.settings_of(info, _swept(params))
    lines = plotting.lines(info)
    # Several label cases and several values together would give too many curves.
    cases = lines if len(settings) == 1 else lines[:1]
    curves = [
        plotting.trace(info, line, setting, label=" ".join(filter(None, (line.case, label))) or info.name)
        for line in cases
        for label, setting in settings
    ]
    if save is not None:
        plotting.save_figure([curves], save)
    parts = [*_heading(info), plotting.plot_text(curves, _width(), color=_color())]
    if len(cases) < len(lines):
        parts.append(f"The curves are for the case: {lines[0].case}.")
    return _printed(*parts, *([f"Saved as {save}."] if save else []))


def _swept(params: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    swept = {}
    for text in params:
        name, equals, values = text.partition("=")
        if not equals or not values:
            raise ArgumentError(f"--param takes NAME=VALUE or NAME=VALUE,VALUE, but got {text!r}.")
        swept[name.strip()] = _values(values)
    return swept


def _values(text: str) -> tuple[Any, ...]:
    """Parse comma-separated Python literals; anything else is a string."""
    try:
        return ast.literal_eval(f"({text},)")
    except (ValueError, SyntaxError):
        return tuple(_value(part.strip()) for part in text.split(","))


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _heading(info: losses.LossInfo) -> list[Any]:
    description = plotting.describe(info)
    inputs = _table("input", "shape", "dtype", "holds")
    for item in info.inputs:
        holds = f"{item.role}, {item.domain.replace('_', ' ')}"
        inputs.add_row(item.name, f"({', '.join(item.shape)})", item.kind, holds)
    parameters = _table("parameter", "default", "")
    signature = inspect.signature(info.function).parameters
    for name in (*plotting.parameters_of(info), *losses.KEYWORDS):
        default = signature[name].default
        required = default is inspect.Parameter.empty
        parameters.add_row(name, "required" if required else repr(default), description.arguments.get(name, ""))
    cell = f"   nn.{info.cell}" if info.cell else ""
    head = [f"losses.{info.name}{cell}   ({info.family}; {info.citation})", description.summary, ""]
    head += [f"  {plotting.plain_formula(formula)}" for formula in description.formulas]
    return [*head, "", inputs, parameters, ""]


def compare(names: Sequence[str], save: Path | None) -> str:
    """Plot several losses, grouped by the meaning of their x-axis, with a table for each group."""
    infos = list({info.name: info for info in map(plotting.find, names)}.values())
    if len(infos) < 2:
        raise ArgumentError("compare takes two different losses or more.")
    groups: dict[tuple[str, str], list[tuple[losses.LossInfo, plotting.Line]]] = {}
    for info in infos:
        line = plotting.lines(info)[0]
        groups.setdefault((line.axis, line.case), []).append((info, line))
    panels, parts = [], []
    for (axis, case), members in groups.items():
        span = min(line.start for _, line in members), max(line.stop for _, line in members)
        curves = [plotting.trace(info, line, span=span) for info, line in members]
        panels.append(curves)
        of = f" ({case})" if case else ""
        parts += [f"over {axis}{of}:", plotting.plot_text(curves, _width(), color=_color()), "", _points(members), ""]
    if len(groups) > 1:
        parts.append("Losses whose axes differ in meaning are plotted separately.")
    if save is not None:
        plotting.save_figure(panels, save)
        parts.append(f"Saved as {save}.")
    return _printed(*parts)


def _points(members: Sequence[tuple[losses.LossInfo, plotting.Line]]) -> Table:
    """Return a table of value and derivative at five points, and the growth at both ends."""
    points = members[0][1].points(5)
    columns = (*(f"{x:.3g}" for x in points), "lower end", "upper end")
    table = _table("value / derivative at", *columns, unfolded=columns)
    for info, line in members:
        value, derivative = plotting.sample(info, line, points)
        # 0 + x turns -0.0 into 0.0.
        cells = [f"{0 + v:.3g} / {0 + d:.3g}" for v, d in zip(value, derivative, strict=True)]
        table.add_row(info.name, *cells, *plotting.growth(info, line))
    return table
