"""The examples in the documents run, and print what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.rank_promotion
@pytest.mark.parametrize("name", ["gradients.md"])
def test_examples(name: str):
    result = doctest.testfile(str(DOCS / name), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0
