"""The pages of docs/losses are current, and every loss has an entry and a plot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from sporax import losses

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "losses"


@pytest.fixture(scope="module")
def generator():
    name = "generate_loss_docs"
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop(name, None)


def test_pages_and_plots_are_current(generator):
    assert generator.missing() == [], "run: python tools/generate_loss_docs.py"


def test_every_loss_has_an_entry_with_its_plot():
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    for info in losses.registry().values():
        page = (FOLDER / f"{info.family}.md").read_text(encoding="utf-8")
        assert f"\n## {info.name}\n" in page
        assert f"(img/{info.name}.svg)" in page
        assert f"({info.family}.md#{info.name})" in index


def test_plots_are_small():
    sizes = {path.name: path.stat().st_size for path in (FOLDER / "img").glob("*.svg")}
    assert {name: size for name, size in sizes.items() if size > 14_000} == {}


def test_the_check_can_fail(generator, tmp_path, monkeypatch):
    monkeypatch.setattr(generator, "TARGET", tmp_path)
    (tmp_path / "img").mkdir()
    for name, text in generator.pages().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in losses.registry():
        (tmp_path / "img" / f"{name}.svg").touch()
    assert generator.missing() == []
    (tmp_path / "img" / "mse_loss.svg").rename(tmp_path / "img" / "old_loss.svg")
    (tmp_path / "README.md").write_text("old", encoding="utf-8")
    (tmp_path / "gone.md").touch()
    assert generator.missing() == [
        "README.md is not current",
        "gone.md is not a page",
        "img/mse_loss.svg is missing",
        "img/old_loss.svg shows no loss",
    ]


def test_text_becomes_markdown(generator):
    assert (
        generator._markdown(r"is :math:`x_i * \operatorname{a}(y)`, of a_b") == r"is $`x_i * \mathrm{a}(y)`$, of a\_b"
    )
    assert generator._markdown("see `a_b` and |x|") == r"see `a_b` and \|x\|"


def test_a_constant_curve_is_rejected(generator):
    info = losses.get("mse_loss")
    flat = generator.plotting.Curve("flat", "x", np.arange(3.0), np.ones(3), np.zeros(3))
    with pytest.raises(ValueError, match="constant over 'x'"):
        generator._checked(info, [flat])
    holed = generator.plotting.Curve("holed", "x", np.arange(3.0), np.array([0, np.nan, 1]), np.zeros(3))
    with pytest.raises(ValueError, match="not finite"):
        generator._checked(info, [holed])
