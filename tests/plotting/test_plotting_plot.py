"""Curves as text and as images."""

from __future__ import annotations

import builtins
import os
import re

import numpy as np
import pytest

from sporax import plotting
from sporax._errors import ArgumentError


def curve(derivative: float = 1.0, label: str = "line") -> plotting.Curve:
    x = np.linspace(-2, 2, 41)
    return plotting.Curve(label, "way", x, derivative * x, np.full(41, derivative))


def absolute(label: str = "abs") -> plotting.Curve:
    x = np.linspace(-2, 2, 41)
    return plotting.Curve(label, "way", x, np.abs(x), np.sign(x))


@pytest.mark.parametrize("width", [30, 60, 75, 76, 80, 121])
def test_no_line_is_longer_than_the_width(width):
    text = plotting.plot_text([curve(), absolute("a very long label indeed, " * 9)], width)
    assert max(map(len, text.splitlines())) <= width


def test_derivatives_are_beside_or_below_the_values():
    beside, below = plotting.plot_text([curve()], 80), plotting.plot_text([curve()], 60)
    assert re.search(r"^ +value +derivative$", beside, re.MULTILINE)
    assert [line.strip() for line in below.splitlines() if line.strip() in ("value", "derivative")] == [
        "value",
        "derivative",
    ]


def test_the_axes_are_labelled():
    rows = plotting.plot_text([curve(3.0)], 60, 6).splitlines()
    assert rows[1].startswith(" 6 ┤")
    assert rows[6].startswith("-6 ┤")
    assert rows[8].split() == ["-2", "2"]
    assert rows[-1] == "x: way"


def test_the_dots_follow_the_curve():
    rows = plotting.plot_text([absolute()], 43, 4).splitlines()[1:5]
    width = 40
    filled = [[at for at, mark in enumerate(row.split("┤" if "┤" in row else "│")[1]) if mark != " "] for row in rows]
    # From the top inwards: the ends of the V first, its middle last.
    assert filled[0][0] == 0
    assert width - 3 <= filled[0][-1] <= width
    assert all(width * 0.3 < at < width * 0.7 for at in filled[3])
    marks = [ord(mark) - 0x2800 for row in rows for mark in row if ord(mark) > 0x2800]
    assert marks
    assert all(0 < mark < 256 for mark in marks)


def test_a_step_is_drawn_without_gaps():
    rows = plotting.plot_text([absolute()], 60, 5).splitlines()
    derivative = rows[rows.index(next(row for row in rows if row.strip() == "derivative")) + 1 :][:5]
    middle = [row[len(row.split("┤" if "┤" in row else "│")[0]) + 1 :] for row in derivative]
    assert all(any(mark != " " for mark in row) for row in middle)


def test_every_curve_has_a_letter_when_there_are_several():
    text = plotting.plot_text([curve(label="one"), absolute("two")], 80)
    assert "a one" in text
    assert "b two" in text
    plot = text[: text.index("x: way")]
    assert plot.count("a") >= 2 + 1  # one in each panel, and that of `value`
    assert "b" in plot
    assert "line" not in plotting.plot_text([curve()], 80)


def test_colors_are_optional():
    assert "\x1b" not in plotting.plot_text([curve(), absolute()], 80)
    colored = plotting.plot_text([curve(), absolute()], 80, color=True)
    assert re.sub(r"\x1b\[\d+m", "", colored) == plotting.plot_text([curve(), absolute()], 80)


def test_a_pole_does_not_flatten_the_rest():
    x = np.linspace(0.001, 1, 241)
    pole = plotting.Curve("pole", "p", x, 1 / x, -1 / x**2)
    top = float(plotting.plot_text([pole], 60).splitlines()[1].split("┤")[0])
    assert top < 200


@pytest.mark.parametrize("value", [0.0, 3.0, np.nan])
def test_a_constant_and_an_all_nan_curve_can_be_drawn(value):
    flat = plotting.Curve("flat", "x", np.linspace(0, 1, 5), np.full(5, value), np.zeros(5))
    assert "derivative" in plotting.plot_text([flat], 60)


def test_rounding_noise_is_not_drawn():
    x = np.linspace(0, 1, 101)
    noise = plotting.Curve("noise", "x", x, 1 + 1e-15 * np.sin(99 * x), 0 * x)
    assert plotting.plot_text([noise], 60).splitlines()[1].startswith("1.5 ┤")


def test_a_size_that_is_too_small_is_an_error():
    with pytest.raises(ArgumentError, match="at least 30"):
        plotting.plot_text([curve()], 20)
    with pytest.raises(ArgumentError, match="no curve"):
        plotting.plot_text([])


@pytest.fixture
def drawing():
    return pytest.importorskip("matplotlib")


@pytest.mark.usefixtures("drawing")
def test_a_png(tmp_path):
    plotting.save_figure([[curve(), absolute()]], tmp_path / "a.PNG")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert os.listdir(tmp_path) == ["a.PNG"]


@pytest.mark.usefixtures("drawing")
@pytest.mark.parametrize("small", [False, True])
def test_an_svg_has_text_and_is_the_same_every_time(tmp_path, small):
    for name in ("a.svg", "b.svg"):
        plotting.save_figure([[curve(label="one"), absolute("two")]], tmp_path / name, small=small)
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert (tmp_path / "b.svg").read_text(encoding="utf-8") == text
    assert "<svg" in text
    for word in ("one", "two", "way", "value", "derivative"):
        assert f">{word}</text>" in text
    assert "<dc:date>" not in text
    if small:
        assert len(text) < 12_000


@pytest.mark.usefixtures("drawing")
def test_every_group_has_its_own_axes(tmp_path):
    other = plotting.Curve("other", "elsewhere", *(np.linspace(0, 1, 5),) * 3)
    plotting.save_figure([[curve()], [other]], tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert ">line</text>" in text
    assert ">other</text>" in text
    assert text.count(">way</text>") == text.count(">elsewhere</text>") == 1


@pytest.mark.usefixtures("drawing")
def test_a_failed_drawing_leaves_the_old_picture(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    target = tmp_path / "a.svg"
    target.write_text("old")

    def fail(self, path, **_):
        with open(path, "w") as file:
            file.write("half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        plotting.save_figure([[curve()]], target)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.svg"]


def test_without_matplotlib_the_error_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(plotting.PlotError, match=r"pip install 'sporax\[docs\]'"):
        plotting.save_figure([[curve()]], tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


def test_wrong_targets_are_errors(tmp_path):
    with pytest.raises(ArgumentError, match=r"must end in .png or .svg"):
        plotting.save_figure([[curve()]], tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        plotting.save_figure([[curve()]], tmp_path / "no" / "a.png")
    with pytest.raises(ArgumentError, match="no curve"):
        plotting.save_figure([[]], tmp_path / "a.png")
