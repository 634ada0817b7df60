"""`sporax loss list`, `show` and `compare`."""

from __future__ import annotations

import json

import pytest

from sporax import losses
from sporax.cli import main


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return (exit code, standard output, standard error) of the command."""
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(["loss", *arguments]))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_help_lists_the_commands(capsys):
    code, out, _ = call(capsys, "--help")
    assert code == 0
    for command in ("list", "show", "compare"):
        assert command in out


def test_list_shows_every_loss_on_one_line(capsys):
    code, out, _ = call(capsys, "list")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["name", "Cell", "family", "summary", "source"]
    assert [line.split()[0] for line in lines[1:-1]] == list(losses.registry())
    for line, info in zip(lines[1:-1], losses.registry().values(), strict=True):
        assert info.summary in line
        assert info.citation in line
        assert f" {info.family} " in line
        assert (info.cell or "") in line
    assert lines[-1].startswith(f"{len(losses.registry())} losses.")


def test_list_of_a_family(capsys):
    code, out, _ = call(capsys, "list", "--family", "regression", "--json")
    assert code == 0
    assert [info["name"] for info in json.loads(out)] == [
        info.name for info in losses.registry().values() if info.family == "regression"
    ]


def test_list_as_json(capsys):
    code, out, _ = call(capsys, "list", "--json")
    assert code == 0
    found = {info["name"]: info for info in json.loads(out)}
    assert list(found) == list(losses.registry())
    smooth = found["smooth_l1_loss"]
    assert smooth["cell"] == "SmoothL1Loss"
    assert smooth["parameters"] == ["beta"]
    assert smooth["inputs"] == {"logits": "...", "labels": "..."}


def test_list_of_similar_names(capsys):
    code, out, _ = call(capsys, "list", "--like", "mse")
    assert code == 0
    assert out.splitlines()[1].startswith("mse_loss ")
    assert "sampled_softmax_loss" not in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--like", "zzzzzz"], "no loss has a name like 'zzzzzz'"),
        (["--family", "regresion"], "there is no family 'regresion'. There are regression, "),
        (["--family", "sampled", "--like", "mse"], "no loss of the family 'sampled' has a name like 'mse'"),
    ],
)
def test_an_empty_list_is_an_error(capsys, options, message):
    code, out, err = call(capsys, "list", *options)
    assert code == 2
    assert out == ""
    assert message in err


def test_show(capsys):
    code, out, err = call(capsys, "show", "SmoothL1Loss", "--param", "beta=0.5,1,2")
    assert code == 0
    assert err == ""
    assert "losses.smooth_l1_loss" in out
    assert "nn.SmoothL1Loss" in out
    assert "d_i² / (2 β) if |d_i| < β" in out
    assert "logits  (...)  float  prediction, real" in out
    assert "beta       1.0      the bound of the quadratic part" in out
    assert "x: prediction minus label" in out
    for line in ("a beta=0.5", "b beta=1", "c beta=2"):
        assert line in out.splitlines()
    assert "\x1b" not in out


def test_show_draws_a_curve_for_each_kind_of_label(capsys):
    _, out, _ = call(capsys, "show", "bce")
    assert {"a positive", "b negative"} <= set(out.splitlines())
    _, out, _ = call(capsys, "show", "cosine_embedding_loss", "--param", "margin=0,0.5")
    assert {"a similar margin=0", "b similar margin=0.5"} <= set(out.splitlines())
    assert "The curves are for the case: similar." in out


def test_show_saves_a_picture(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    target = tmp_path / "mse.png"
    code, out, _ = call(capsys, "show", "mse", "--save", str(target))
    assert code == 0
    assert out.splitlines()[-1] == f"Saved as {target}."
    assert target.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "smoth_l1"], "there is no loss named 'smoth_l1'. Did you mean smooth_l1_loss"),
        (["show", "SoftmaxCrossEntropyWithLogits"], "may be any of softmax_cross_entropy_with_logits, sparse_"),
        (["show", "mse", "--param", "delta=1"], "no hyper-parameter `delta`. It has none."),
        (["show", "smooth_l1", "--param", "beta"], "--param takes NAME=VALUE"),
        (["show", "smooth_l1", "--param", "beta=-1"], "`beta` must be in (0, inf), but got -1"),
        (["show", "smooth_l1", "--param", "beta=big"], "`beta` must be"),
        (["show", "mse", "--save", "mse.jpg"], "must end in .png or .svg"),
        (["show", "mse", "--save", "no/such/mse.png"], "does not exist"),
        (["compare", "mse"], "two different losses or more"),
        (["compare", "mse", "mse_loss"], "two different losses or more"),
        (["compare", "mse", "hubre"], "there is no loss named 'hubre'"),
    ],
)
def test_a_user_error_is_one_line_and_status_2(capsys, arguments, message):
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


def test_compare_over_one_axis(capsys, tmp_path):
    code, out, _ = call(capsys, "compare", "mse", "l1", "smooth_l1")
    assert code == 0
    assert out.count("x: prediction minus label") == 1
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.startswith(("mse", "l1", "smooth"))}
    assert " ".join(rows["mse_loss"]) == "mse_loss 16 / -8 4 / -4 0 / 0 4 / 4 16 / 8 1·x² 1·x²"
    assert rows["smooth_l1_loss"][-2:] == ["1·|x|", "1·|x|"]
    assert "plotted separately" not in out


def test_compare_separates_different_axes(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    target = tmp_path / "c.svg"
    code, out, _ = call(capsys, "compare", "mse", "bce", "l1", "--save", str(target))
    assert code == 0
    assert out.count("x: prediction minus label") == 1
    assert "over predicted probability (positive):" in out
    assert "Losses whose axes differ in meaning are plotted separately." in out
    assert "<svg" in target.read_text(encoding="utf-8")
