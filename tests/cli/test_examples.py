"""The examples run as described in their docstrings, with the expected results."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def output(*command: str, folder: Path) -> list[str]:
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_line_is_fitted_despite_outliers(tmp_path):
    lines = output("-m", "sporax", "run", str(EXAMPLES / "linear_fit.py"), folder=tmp_path)
    assert len(lines) == 7
    found = re.fullmatch(r"w = (-?\d+\.\d\d), b = (-?\d+\.\d\d)", lines[-1])
    assert found, lines[-1]
    assert abs(float(found[1]) - 2) < 0.05
    assert abs(float(found[2]) - 3) < 0.05


def test_the_custom_loss_logs_its_terms(tmp_path):
    lines = output(str(EXAMPLES / "custom_loss.py"), folder=tmp_path)
    assert re.fullmatch(r"epoch: 5 step: 32, loss is -?[\d.]+, terms: \{fit: -?[\d.]+, tie: [\d.]+\}", lines[0])
    predictions = [re.fullmatch(r"x = \S+: (\S+) \+- \S+  \(true: (\S+) .*\)", line) for line in lines[-3:]]
    assert all(abs(float(found[1]) - float(found[2])) < 0.2 for found in predictions if found)
    assert all(predictions), lines
