"""`sporax doctor --modes`: how the functions of a script ran."""

from __future__ import annotations

import json
import os
from typing import Any

from sporax.cli._run import launch


def report_modes(arguments: list[str], *, as_json: bool) -> int:
    """Run a script as `sporax run` does, then print how its functions were differentiated and compiled.

    Returns:
        The exit code of the script.
    """
    try:
        code = launch(arguments)
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    rows = _rows()
    print(json.dumps(rows, indent=1) if as_json else _text(rows), flush=True)
    return code


def _rows() -> list[dict[str, Any]]:
    from sporax.transforms import USES

    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    rows = []
    for use in USES.values():
        if use.file.startswith(package) and use.reason is None:
            # Such as the step of a Cell of sporax.
            continue
        row = {"function": use.function, "file": use.file, "line": use.line}
        row |= {"recorded": use.recorded, "traced": use.traced, "programs": use.programs}
        at = None if use.at is None else {"file": use.at[0], "line": use.at[1]}
        rows.append(row | {"reason": use.reason, "at": at})
    return rows


def _text(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "modes: no function was differentiated or compiled by `grad`, `value_and_grad` or `jit`."
    lines = ["modes:"]
    for row in rows:
        counts = [
            f"{row[name]} {text}"
            for name, text in (("recorded", "recorded"), ("traced", "traced"), ("programs", "compiled by jit"))
            if row[name]
        ]
        lines.append(f"  {row['function']} ({_short(row['file'])}:{row['line']}): {', '.join(counts) or 'not called'}")
        if row["reason"]:
            at = row["at"]
            lines.append(f"    because {row['reason']} ({_short(at['file'])}:{at['line']})")
    return "\n".join(lines)


def _short(file: str) -> str:
    if not os.path.isabs(file):
        return file
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative
