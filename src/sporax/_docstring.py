"""Docstrings with sections: split them into sections, and join sections to a docstring."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

Target = TypeVar("Target", bound=Callable[..., Any])

SECTIONS = ("Args", "Attributes", "Inputs", "Returns", "Raises", "Warns", "Examples", "Source")
"""The sections of a public docstring, in order."""

_HEADING = re.compile(rf"^(?:({'|'.join(SECTIONS)}|Example):[ ]*(\S.*)?)$")
_ENTRY = re.compile(r"^((?:\\?\*{0,2}\w+)(?:, \\?\*{0,2}\w+)*):\s")


def split(text: str | None) -> dict[str, str]:
    """Return the sections of a docstring by name; "" is the name of the summary and the paragraphs after it."""
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
    """Return the entries of a section such as Args by name, with their continuation lines joined."""
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
    """Return the text of a section with the given entries."""
    lines = [f"{name}: {text}" for name, text in found.items()]
    return "\n".join(
        line
        if len(line) <= 112
        else textwrap.fill(line, 112, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        for line in lines
    )


def join(sections: Mapping[str, str]) -> str:
    """Return the docstring with the given sections, in the order of `SECTIONS`."""
    parts = [sections.get("", "")]
    for name in SECTIONS:
        body = sections.get(name)
        if body and name == "Source":
            parts.append(f"Source: {body}")
        elif body:
            parts.append(f"{name}:\n{textwrap.indent(body, '    ')}")
    return "\n\n".join(part for part in parts if part) + "\n"


def completed_by(*sources: Any, sections: Collection[str] = SECTIONS) -> Callable[[Target], Target]:
    """Return a decorator that completes a docstring with parts of others, so that shared parts are written once.

    The entries of Args are put in the order of the parameters; an entry that the docstring does not have is the first
    one of `sources`. Entries of Raises are added for errors that it does not list. Inputs, Returns and Source are
    copied if it does not have them.

    Args:
        sources: objects with docstrings, or the texts of docstrings.
        sections: the sections to complete.
    """
    split_sources = [split(each if isinstance(each, str) else each.__doc__) for each in sources]
    found = [{name: text for name, text in each.items() if name in sections} for each in split_sources]

    def complete(target: Target) -> Target:
        own = split(target.__doc__)
        for name in ("Inputs", "Returns", "Source"):
            own[name] = next((each[name] for each in (own, *found) if name in each), "")
        own["Args"] = listed(_arguments(target, [entries(each.get("Args", "")) for each in (own, *found)]))
        raises = _merged([entries(each.get("Raises", "")) for each in (own, *found)])
        own["Raises"] = listed({name: raises[name] for name in sorted(raises, key=_is_of_call)})
        target.__doc__ = join(own)
        return target

    return complete


def _is_of_call(error: str) -> bool:
    """Whether an error is usually raised by a call of a layer; the errors of its arguments are listed first."""
    return not error.startswith("Argument")


def _merged(sections: list[dict[str, str]]) -> dict[str, str]:
    """Join entries; of several for one name, the first one is kept."""
    merged: dict[str, str] = {}
    for key, text in ((key, text) for each in sections for key, text in each.items()):
        known = {name for names in merged for name in names.split(", ")}
        names = [name for name in key.split(", ") if name not in known]
        if names:
            merged[", ".join(names)] = text
    return merged


def _arguments(target: Any, sections: list[dict[str, str]]) -> dict[str, str]:
    """The entries of Args for the parameters of a function or class, in their order."""
    function = target.__init__ if isinstance(target, type) else target
    parameters = [name for name in inspect.signature(function).parameters if name != "self"]
    merged = {
        ", ".join(name for name in key.split(", ") if name in parameters): text
        for key, text in _merged(sections).items()
    }
    merged.pop("", None)
    documented = [name for key in merged for name in key.split(", ")]
    missing = [name for name in parameters if name not in documented]
    if missing and (function is target or "__init__" in vars(target)):
        raise TypeError(f"{target.__qualname__}: the docstring has no entry for the argument(s) {missing}.")
    return dict(sorted(merged.items(), key=lambda entry: parameters.index(entry[0].split(", ")[0])))
