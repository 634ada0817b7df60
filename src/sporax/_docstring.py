"""Docstrings made of sections: split, completed from another docstring, and joined again."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Mapping

SECTIONS = ("Args", "Inputs", "Returns", "Raises", "Examples", "Source")
"""The sections of a public docstring, in order."""

_HEADING = re.compile(rf"^(?:({'|'.join(SECTIONS)}|Example):[ ]*(\S.*)?)$")
_ENTRY = re.compile(r"^((?:\\?\*{0,2}\w+)(?:, \\?\*{0,2}\w+)*):\s")


def split(text: str | None) -> dict[str, str]:
    """The sections of a docstring by name; "" holds the summary and the paragraphs after it."""
    sections: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(text or "").splitlines():
        heading = _HEADING.match(line)
        if heading:
            current = "Examples" if heading[1] == "Example" else heading[1]
            sections[current] = [heading[2]] if heading[2] else []
        else:
            sections[current].append(line)
    return {name: textwrap.dedent("\n".join(lines)).strip("\n") for name, lines in sections.items()}


def entries(section: str) -> dict[str, str]:
    """The entries of a section such as Args by name; continuation lines are joined to their entry."""
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        entry = _ENTRY.match(line)
        if entry:
            name = entry[1]
            found[name] = line[entry.end() :].strip()
        elif name:
            found[name] += " " + line.strip()
    return found


def listed(found: Mapping[str, str]) -> str:
    """Entries as the lines of a section."""
    lines = [f"{name}: {text}" for name, text in found.items()]
    return "\n".join(
        line
        if len(line) <= 112
        else textwrap.fill(line, 112, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        for line in lines
    )


def join(sections: Mapping[str, str]) -> str:
    """One docstring of its sections, in the order of `SECTIONS`."""
    parts = [sections.get("", "")]
    for name in SECTIONS:
        body = sections.get(name)
        if body and name == "Source":
            parts.append(f"Source: {body}")
        elif body:
            parts.append(f"{name}:\n{textwrap.indent(body, '    ')}")
    return "\n\n".join(part for part in parts if part) + "\n"
