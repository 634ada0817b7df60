"""`sporax loss check`: output and exit status."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from sporax import compat, losses
from sporax.cli import _loss_check
from sporax.cli._app import app
from sporax.testing import check_loss

LOSS = """
import mindspore.nn as nn
import mindspore.ops as ops

class Good(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss((logits - labels) ** 2)

class Bad(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss(ops.sqrt((logits - labels) ** 2))
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "losses_to_check.py"
    path.write_text(LOSS)
    yield path
    compat.uninstall()


def run(*arguments):
    return CliRunner().invoke(app, ["loss", "check", *map(str, arguments)])


def test_a_correct_loss_gives_status_0_and_a_table(file):
    result = run(f"{file}:Good", "--inputs", "f32[6, 2], f32[6, 2]", "--only", "gradient", "--only", "reduction")
    assert result.exit_code == 0, result.output
    assert "Good: 2 passed" in result.output
    assert "✓" in result.output


def test_an_incorrect_loss_gives_status_1_with_line_and_fix(file, tmp_path):
    page = tmp_path / "report.html"
    result = run(f"{file}:Bad", "--inputs", "f32[6, 2], f32[6, 2]", "--only", "gradient-ties", "--json", "--html", page)
    assert result.exit_code == 1, result.output
    finding = json.loads(result.stdout)["findings"][0]
    assert finding["status"] == "fail"
    assert finding["place"] == f"{file}:11"
    assert finding["inputs"]
    assert "<td>✗</td>" in page.read_text()
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".tmp"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.py:Loss"], "there is no file 'nowhere.py'"),
        (["mse_lose"], "Did you mean 'mse_loss'?"),
        (["mse_loss", "--only", "speed"], "`check` must be one of"),
        (["mse_loss", "--inputs", "f32"], "cannot read 'f32'"),
        ([], "give a TARGET"),
        (["mse_loss", "--arg", "beta"], "--arg must be name=value"),
    ],
)
def test_an_uncheckable_target_gives_status_2(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_each_built_in_loss_is_printed_when_it_is_checked_and_all_are_counted(monkeypatch):
    two = {name: losses.get(name) for name in ("mse_loss", "hinge_loss")}
    monkeypatch.setattr(losses, "registry", lambda: two)
    done = []

    def checked(name, *_, only, **__):
        done.append(name)
        return check_loss(name, only=only)

    monkeypatch.setattr(_loss_check, "check_loss", checked)
    reports = _loss_check.run(None, None, [], every=True, quiet=True, only=["reduction"])
    assert next(reports).ok
    assert done == ["mse_loss"], "the second is checked only when it is requested"
    result = run("--all", "--only", "reduction")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["mse_loss", "hinge_loss"]
    assert lines[-1] == "2 losses, 0 with failures"
