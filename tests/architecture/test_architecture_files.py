"""Rules for each file: its length, and no global option of JAX."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

import sporax

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "sporax"
LIMIT = 600

PYTHON = sorted(path for folder in ("src", "tests", "examples", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def too_long(text: str) -> bool:
    return len(text.splitlines()) > LIMIT


def flips_a_flag(text: str) -> bool:
    """Whether a file sets a process-wide option: `jax.config.update(...)`, `jax.config.x = ...`."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith("config.update"):
            return True
        if isinstance(node, ast.Assign) and any("jax.config." in ast.unparse(t) for t in node.targets):
            return True
    return False


def test_no_file_is_longer_than_the_hard_limit():
    assert [path.name for path in PYTHON if too_long(path.read_text(encoding="utf-8"))] == []


def test_the_length_rule_can_fail():
    assert too_long("x = 1\n" * (LIMIT + 1))
    assert not too_long("x = 1\n" * LIMIT)


def test_no_file_but_the_context_sets_an_option_of_jax():
    setters = {p.relative_to(SOURCE).as_posix() for p in SOURCE.rglob("*.py") if flips_a_flag(p.read_text("utf-8"))}
    # `set_device` sets the default device at the user's request.
    assert setters == {"core/context.py"}


@pytest.mark.parametrize(
    "text", ["jax.config.update('jax_enable_x64', True)", "import jax\njax.config.x64_enabled = True"]
)
def test_the_option_rule_can_fail(text):
    assert flips_a_flag(text)


def test_the_version_has_one_source():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/sporax/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", sporax.__version__)


def test_the_pre_commit_hook_uses_the_pinned_formatter():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pins = dict(each.split("==") for each in project["project"]["optional-dependencies"]["test"] if "==" in each)
    hook = re.search(r"ruff-pre-commit\n\s+rev: v(\S+)", (ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert hook is not None
    assert hook[1] == pins["ruff"]


def test_the_package_says_that_it_is_typed():
    assert (SOURCE / "py.typed").is_file()
