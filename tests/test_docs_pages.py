"""The examples in pages of docs/ run and print the documented output."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if ">>> " in path.read_text())


def failures(path: Path) -> list[str]:
    test = doctest.DocTestParser().get_doctest(path.read_text(), {}, path.name, str(path), 0)
    reports: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=reports.append)
    return reports


@pytest.mark.rank_promotion
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert not (reports := failures(DOCS / page)), "\n".join(reports)


def test_an_example_can_fail(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("```python\n>>> 1 + 1\n3\n\n```\n")
    assert "Expected:\n    3\nGot:\n    2" in "".join(failures(page))


def test_there_are_pages():
    assert "checkpoints.md" in PAGES
