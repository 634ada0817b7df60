"""What the commands of `sporax loss` print."""

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

MENDABLE = (SporaxError, OSError)

Rows = Sequence[losses.LossInfo]


def _width() -> int:
    return min(max(shutil.get_terminal_size((100, 24)).columns, 40), 160)


def _color() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _printed(*parts: Any) -> str:
    """The parts as text, colored if it goes to a terminal; in a file or pipe a table is as wide as it needs."""
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


def _table(*columns: str, whole: Sequence[str] = ()) -> Table:
    """A table without lines; the columns named in `whole` are never folded."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    return table


def select(family: str | None, like: str | None) -> Rows:
    """The rows of a family, those with a name like the one given, or all of them."""
    rows = list(losses.registry().values()) if like is None else plotting.like(like)
    if not rows:
        raise ArgumentError(f"no loss has a name like {like!r}. `sporax loss list` shows all there are.")
    if family is None:
        return rows
    families = list(dict.fromkeys(row.family for row in losses.registry().values()))
    if family not in families:
        raise ArgumentError(f"there is no family {family!r}. There are {', '.join(families)}.")
    if not (chosen := [row for row in rows if row.family == family]):
        raise ArgumentError(f"no loss of the family {family!r} has a name like {like!r}.")
    return chosen


def rows_as_json(rows: Rows) -> str:
    """The rows as a JSON list of objects."""
    found = [
        {
            "name": row.name,
            "cell": row.cell,
            "family": row.family,
            "summary": row.summary,
            "source": row.source,
            "like": list(row.like),
            "inputs": {item.name: " ".join(item.shape) for item in row.inputs},
            "parameters": list(plotting.parameters_of(row)),
        }
        for row in rows
    ]
    return json.dumps(found, indent=2, ensure_ascii=False)


def rows_as_text(rows: Rows) -> str:
    """The rows as a table; on a narrow terminal cells are folded and nothing is cut off."""
    table = _table("name", "Cell", "family", "summary", "source", whole=("name",))
    for row in rows:
        table.add_row(row.name, row.cell or "", row.family, row.summary, row.source)
    count = len(rows)
    return _printed(table, f"{count} loss{'es' if count != 1 else ''}. `sporax loss show NAME` draws one.")


def show(name: str, params: Sequence[str], save: Path | None) -> str:
    """A loss in words, and its curves for every combination of the hyper-parameters given."""
    row = plotting.find(name)
    settings = plotting.settings_of(row, _swept(params))
    lines = plotting.lines(row)
    # Several kinds of label and several values at once would be too many curves to tell apart.
    cases = lines if len(settings) == 1 else lines[:1]
    curves = [
        plotting.trace(row, line, setting, label=" ".join(filter(None, (line.case, label))) or row.name)
        for line in cases
        for label, setting in settings
    ]
    if save is not None:
        plotting.save_figure([curves], save)
    parts = [*_heading(row), plotting.plot_text(curves, _width(), color=_color())]
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
    """Python literals with commas between; what is none is a string."""
    try:
        return ast.literal_eval(f"({text},)")
    except (ValueError, SyntaxError):
        return tuple(_value(part.strip()) for part in text.split(","))


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _heading(row: losses.LossInfo) -> list[Any]:
    words = plotting.words_of(row)
    inputs = _table("input", "shape", "dtype", "holds")
    for item in row.inputs:
        holds = f"{item.role}, {item.domain.replace('_', ' ')}"
        inputs.add_row(item.name, f"({', '.join(item.shape)})", item.kind, holds)
    parameters = _table("parameter", "default", "")
    signature = inspect.signature(row.function).parameters
    for name in (*plotting.parameters_of(row), *losses.KEYWORDS):
        default = signature[name].default
        required = default is inspect.Parameter.empty
        parameters.add_row(name, "required" if required else repr(default), words.arguments.get(name, ""))
    cell = f"   nn.{row.cell}" if row.cell else ""
    head = [f"losses.{row.name}{cell}   ({row.family}; {row.source})", words.summary, ""]
    head += [f"  {plotting.plain_formula(formula)}" for formula in words.formulas]
    return [*head, "", inputs, parameters, ""]


def compare(names: Sequence[str], save: Path | None) -> str:
    """Curves of several losses, those whose axes mean the same together, with a table each."""
    rows = list({row.name: row for row in map(plotting.find, names)}.values())
    if len(rows) < 2:
        raise ArgumentError("compare takes two different losses or more.")
    groups: dict[tuple[str, str], list[tuple[losses.LossInfo, plotting.Line]]] = {}
    for row in rows:
        line = plotting.lines(row)[0]
        groups.setdefault((line.axis, line.case), []).append((row, line))
    panels, parts = [], []
    for (axis, case), members in groups.items():
        span = min(line.start for _, line in members), max(line.stop for _, line in members)
        curves = [plotting.trace(row, line, span=span) for row, line in members]
        panels.append(curves)
        of = f" ({case})" if case else ""
        parts += [f"over {axis}{of}:", plotting.plot_text(curves, _width(), color=_color()), "", _points(members), ""]
    if len(groups) > 1:
        parts.append("Losses whose axes differ in meaning stand apart.")
    if save is not None:
        plotting.save_figure(panels, save)
        parts.append(f"Saved as {save}.")
    return _printed(*parts)


def _points(members: Sequence[tuple[losses.LossInfo, plotting.Line]]) -> Table:
    """Value and derivative of each loss at five points, and its growth at both ends."""
    places = members[0][1].points(5)
    columns = (*(f"{x:.3g}" for x in places), "lower end", "upper end")
    table = _table("value / derivative at", *columns, whole=columns)
    for row, line in members:
        value, slope = plotting.sample(row, line, places)
        # 0 + x: a slope of zero is 0, not -0.
        cells = [f"{0 + v:.3g} / {0 + s:.3g}" for v, s in zip(value, slope, strict=True)]
        table.add_row(row.name, *cells, *plotting.growth(row, line))
    return table
