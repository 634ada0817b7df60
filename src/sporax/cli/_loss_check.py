"""`sporax loss check`: run the loss checker."""

from __future__ import annotations

import ast
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sporax import compat, losses
from sporax._errors import ArgumentError, SporaxError
from sporax.testing import COLOURS, MARKS, Report, check_loss, details, html_page, load_target

USER_ERRORS = (SporaxError, OSError)


def run(
    target: str | None,
    inputs: str | None,
    arguments: Sequence[str],
    *,
    every: bool = False,
    quiet: bool = False,
    **options: Any,
) -> Iterator[Report]:
    """Yield the report of one loss, or of every built-in loss, with progress on standard error.

    Raises:
        SporaxError: the loss cannot be found or called.
    """
    if (target is None) != every:
        raise ArgumentError("give a TARGET, such as my_losses.py:MyLoss, or --all for every built-in loss.")
    if every:
        yield from (_checked(info.name, None, {}, quiet, options) for info in losses.registry().values())
        return
    # The file may import mindspore.
    compat.install()
    with contextlib.redirect_stdout(sys.stderr):
        loaded = load_target(target or "")
    yield _checked(loaded, inputs, _values(arguments), quiet, options)


def _checked(
    target: Any, inputs: str | None, arguments: dict[str, Any], quiet: bool, options: dict[str, Any]
) -> Report:
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("checking", spinner="dots") if not quiet and console.is_terminal else _Silent() as status:
        # Output of the loss must not mix with the report, which may be JSON.
        with contextlib.redirect_stdout(sys.stderr):
            report = check_loss(
                target, inputs, arguments=arguments, progress=lambda title: status.update(title), **options
            )
        return report


class _Silent:
    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: str) -> None:
        """Ignore the title."""


def _values(pairs: Sequence[str]) -> dict[str, Any]:
    found = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name.isidentifier():
            raise ArgumentError(f"--arg must be name=value, but got {pair!r}.")
        try:
            found[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[name] = text
    return found


def as_json(reports: Sequence[Report]) -> str:
    """Format one report as a JSON object, several as a list."""
    data = [report.as_dict() for report in reports]
    return json.dumps(data[0] if len(data) == 1 else data, indent=2)


def printed(reports: Iterator[Report], *, several: bool) -> list[Report]:
    """Print the reports as they arrive and return them: one as a table, several as a line each with the failures."""
    from rich.console import Console

    console = Console(file=sys.stdout)
    found = []
    for report in reports:
        found.append(report)
        if several:
            _print_line(console, report)
            sys.stdout.flush()
        else:
            _print_table(console, report)
    if several:
        failed = sum(not report.ok for report in found)
        console.print(f"{len(found)} losses, {failed} with failures", highlight=False)
    return found


def _print_line(console: Any, report: Report) -> None:
    color = "red" if report.failures else "yellow" if report.warnings else "green"
    console.print(f"[{color}]{report.summary}[/]", highlight=False)
    for finding in (*report.failures, *report.warnings):
        console.print(f"  {MARKS[finding.status]} {finding.title}: {finding.found}", highlight=False, markup=False)


def _print_table(console: Any, report: Report) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(ratio=2)
    table.add_column(ratio=3)
    for finding in report.findings:
        result = Text(finding.found)
        for key, text in details(finding):
            result.append(f"\n{key} ", style="bold")
            result.append(text)
        style = COLOURS[finding.status]
        table.add_row(Text(MARKS[finding.status], style=style), Text(finding.title), result)
    console.print(Text(report.name, style="bold"))
    console.print(Text("; ".join(report.inputs), style="dim"))
    console.print(table)
    console.print(Text(report.summary, style="red" if report.failures else "green"))


def write_html(reports: Sequence[Report], file: Path) -> None:
    """Write the reports as an HTML page, atomically."""
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(html_page(reports), encoding="utf-8")
    temporary.replace(file)
