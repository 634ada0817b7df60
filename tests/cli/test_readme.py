"""The README: its commands are those of CI, its Python code runs, and its links are valid."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
CI = (ROOT / ".ci" / "run").read_text("utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/index.md", "docs/differences.md"]


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def test_the_two_commands_are_where_ci_reads_them():
    first, second = (block.strip() for block in blocks(README, "bash")[:2])
    assert first == "pip install . && sporax run examples/linear_fit.py"
    assert second == "pip install '.[test]' && pytest"
    [pattern] = re.findall(r"grep -E '(.*)' README\.md", CI)
    assert [line for line in README.splitlines() if re.search(pattern, line)] == [first, second]


def test_the_ci_script_is_executable():
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111 == 0o111


def block_with(text: str) -> str:
    """Return the Python block of the README that contains the text."""
    [code] = [code for code in blocks(README, "python") if text in code]
    return code


def test_the_loss_of_the_readme_trains(tmp_path):
    code = block_with("class LogCosh")
    script = tmp_path / "readme.py"
    script.write_text(f"import sporax\nsporax.set_seed(3)\n{code}", encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    losses = [float(line.rpartition(" ")[2]) for line in done.stdout.splitlines()]
    assert len(losses) == 10
    assert losses[-1] < 0.01 < losses[0]


def test_the_loss_of_the_readme_is_short():
    code = block_with("class LogCosh")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15


@pytest.mark.parametrize("page", PAGES)
def test_every_link_target_exists(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{page}: {target}"


def test_every_name_in_the_readme_exists():
    from sporax import nn, train

    [row] = [line for line in README.splitlines() if line.startswith("| losses |")]
    for name in re.findall(r"`(\w+)`", row):
        assert hasattr(nn, name), name
    [row] = [line for line in README.splitlines() if line.startswith("| optimizers |")]
    for name in re.findall(r"`(\w+)`", row):
        assert hasattr(nn, name), name
    assert hasattr(train, "StopOnNonFinite")


def test_the_check_of_the_readme_passes():
    names: dict = {}
    exec(block_with("assert_loss"), names)
    names["test_my_loss"]()


def test_the_jax_program_of_the_readme_does_what_it_says():
    names: dict = {}
    exec(block_with("import optax"), names)
    x, y = np.asarray(names["x"], np.float64), np.asarray(names["y"])
    log_p = x - np.log(np.exp(x).sum(1, keepdims=True))
    values = -log_p[np.arange(3), y]
    smoothed = 0.9 * values - 0.05 * log_p.sum(1)
    gradient = (np.exp(log_p) - 0.9 * np.eye(2)[y] - 0.05) / 3
    np.testing.assert_allclose(names["values"], values, rtol=1e-5)
    np.testing.assert_allclose(names["one_by_one"], values, rtol=1e-5)
    np.testing.assert_allclose(names["mean"], smoothed.mean(), rtol=1e-5)
    np.testing.assert_allclose(names["gradient"], gradient, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(names["without_last"], smoothed[:2].mean(), rtol=1e-5)
    assert float(names["loss"]) < np.log(2) - 0.05
