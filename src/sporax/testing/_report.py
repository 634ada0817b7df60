"""Findings and reports of the checker, and their output formats."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["pass", "fail", "warn", "skip"]

MARKS: dict[Status, str] = {"pass": "✓", "fail": "✗", "warn": "!", "skip": "-"}
COLOURS: dict[Status, str] = {"pass": "green", "fail": "bold red", "warn": "yellow", "skip": "dim"}


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Args:
        check: the short name of the check, as used by `only` and `skip`.
        title: a description of the check.
        status: `pass`, `fail`, `warn` (possibly intended) or `skip` (it does not apply; `found` says why).
        found: what was found.
        expected: what was expected.
        fix: a suggested fix.
        inputs: the smallest inputs that show it, by name, as text.
        place: file and line of the operation that caused it, if known.
    """

    check: str
    title: str
    status: Status
    found: str = ""
    expected: str = ""
    fix: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True)
class Report:
    """The findings for one loss.

    Args:
        name: of the loss.
        inputs: its inputs.
        findings: one for each check.
    """

    name: str
    inputs: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings of status `fail`."""
        return tuple(each for each in self.findings if each.status == "fail")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings of status `warn`."""
        return tuple(each for each in self.findings if each.status == "warn")

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    def __getitem__(self, check: str) -> Finding:
        """Return the finding of a check by its short name."""
        for each in self.findings:
            if each.check == check:
                return each
        raise KeyError(f"there is no check {check!r}; there are {', '.join(each.check for each in self.findings)}.")

    @property
    def summary(self) -> str:
        """One line with the number of findings of each status."""
        counts = Counter(each.status for each in self.findings)
        words: tuple[tuple[Status, str], ...] = (
            ("pass", "passed"), ("fail", "failed"), ("warn", "to look at"), ("skip", "skipped"),
        )  # fmt: skip
        return f"{self.name}: " + ", ".join(f"{counts[key]} {word}" for key, word in words if counts[key])

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "name": self.name,
            "inputs": list(self.inputs),
            "ok": self.ok,
            "findings": [asdict(each) for each in self.findings],
        }

    def as_json(self) -> str:
        """Return the report as JSON text."""
        return json.dumps(self.as_dict(), indent=2)

    def __str__(self) -> str:
        lines = [self.summary, f"  inputs  {'; '.join(self.inputs)}"]
        for each in self.findings:
            lines.append(f"  {MARKS[each.status]} {each.title}" + (f": {each.found}" if each.found else ""))
            lines += [f"      {key:9}{text}" for key, text in details(each)]
        return "\n".join(lines)

    def as_html(self) -> str:
        """Return the report as a self-contained HTML page."""
        return html_page([self])

    def _section(self) -> str:
        rows = []
        for each in self.findings:
            more = "".join(f"<dt>{key}</dt><dd>{html.escape(text)}</dd>" for key, text in details(each))
            rows.append(
                f'<tr class="{each.status}"><td>{MARKS[each.status]}</td><td>{html.escape(each.title)}</td>'
                f"<td>{html.escape(each.found)}{f'<dl>{more}</dl>' if more else ''}</td></tr>"
            )
        return _SECTION.format(
            name=html.escape(self.name),
            summary=html.escape(self.summary),
            inputs=html.escape("; ".join(self.inputs)),
            rows="\n".join(rows),
        )


def details(finding: Finding) -> list[tuple[str, str]]:
    """Return the details printed below a failure or warning, as pairs (key, text)."""
    if finding.status not in ("fail", "warn"):
        return []
    pairs = [("expected", finding.expected), ("at", finding.place)]
    pairs += [(f"{name} =", value) for name, value in finding.inputs.items()]
    pairs.append(("fix", finding.fix))
    return [(key, text) for key, text in pairs if text]


def html_page(reports: Sequence[Report]) -> str:
    """Return a self-contained HTML page of several reports."""
    title = reports[0].name if len(reports) == 1 else f"{len(reports)} losses"
    return _PAGE.format(title=html.escape(title), sections="\n".join(report._section() for report in reports))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #222; }}
table {{ border-collapse: collapse; width: 100%; }}
td {{ border-top: 1px solid #ddd; padding: .4rem .6rem; vertical-align: top; }}
.pass td:first-child {{ color: #18794e; }} .fail td:first-child {{ color: #c62a2f; }}
.warn td:first-child {{ color: #ad5700; }} .skip td {{ color: #888; }} .fail {{ background: #fff0f0; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; margin: .3rem 0 0; }}
dt {{ color: #777; }} dd {{ margin: 0; font-family: ui-monospace, monospace; white-space: pre-wrap; }}
</style></head><body>
{sections}
</body></html>
"""

_SECTION = """<h1>{name}</h1>
<p>{summary}</p>
<p><code>{inputs}</code></p>
<table>
{rows}
</table>"""
