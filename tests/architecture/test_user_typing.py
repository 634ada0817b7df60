"""The static types of user code, under `pyright --strict`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USER_CODE = ROOT / "tests" / "typing" / "user_code.py"


def errors(path: Path, folder: Path) -> dict[int, list[str]]:
    """Return the errors of pyright in a file, by line."""
    shutil.copy(path, folder)
    settings = {
        "include": [path.name],
        "typeCheckingMode": "strict",
        "extraPaths": [str(ROOT / "src")],
        "reportMissingTypeStubs": False,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "-p", str(folder), "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    found: dict[int, list[str]] = {}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        if each["severity"] == "error":
            found.setdefault(each["range"]["start"]["line"] + 1, []).append(each["message"])
    return found


def test_types_of_results_and_wrong_keywords(tmp_path: Path):
    pytest.importorskip("pyright", reason="pyright is not installed; .ci/run installs it and runs this test")
    expected = {number for number, line in enumerate(USER_CODE.read_text().splitlines(), 1) if line.endswith("# error")}
    assert len(expected) == 11
    found = errors(USER_CODE, tmp_path)
    assert set(found) == expected, found
