"""`sporax --help`, `--version` and `doctor`."""

from __future__ import annotations

import json
import os

import jax
import numpy as np
import pytest

import sporax
from sporax.cli import _doctor, main


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return (exit code, standard output, standard error) of the command."""
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(list(arguments)))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_the_version(capsys):
    assert call(capsys, "--version") == (0, f"sporax {sporax.__version__}\n", "")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_command(capsys, option):
    code, out, _ = call(capsys, option)
    assert code == 0
    assert "Run a script written for MindSpore" in out
    assert "doctor" in out


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_of_run(capsys, option):
    code, out, _ = call(capsys, "run", option)
    assert code == 0
    assert "SCRIPT" in out
    assert "Run a script written for MindSpore, unchanged, on sporax." in out


def test_an_unknown_command_is_rejected(capsys):
    code, _, err = call(capsys, "rnu")
    assert code == 2
    assert "No such command 'rnu'" in err


def test_an_unknown_option_of_run_is_treated_as_a_script(capsys):
    code, _, err = call(capsys, "run", "--nosuch")
    assert code == 2
    assert "there is no file '--nosuch'" in err


def test_doctor_as_json(capsys, monkeypatch):
    monkeypatch.setenv("JAX_SOMETHING", "1")
    code, out, _ = call(capsys, "doctor", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["sporax"] == sporax.__version__
    assert report["packages"]["jax"] == jax.__version__
    assert report["packages"]["numpy"] == np.__version__
    assert report["devices"][0]["platform"] == jax.devices()[0].platform
    assert report["backend"] == jax.default_backend()
    assert report["flags"]["JAX_SOMETHING"] == "1"
    assert report["x64"] is False
    assert report["cpu_cores"] >= 1
    assert report["memory_bytes"] > 2**20
    assert report["device_error"] is None
    assert report["python"].count(".") == 2


def test_doctor_as_text(capsys):
    code, out, _ = call(capsys, "doctor")
    assert code == 0
    rows = dict(line.split(None, 1) for line in out.splitlines() if not line.startswith(" "))
    assert rows["sporax"].strip() == sporax.__version__
    assert rows["jax"].strip() == jax.__version__
    assert rows["64-bit"].split(None, 1)[1].strip() == "inside sporax only"


def test_doctor_reports_that_no_device_can_be_initialized(monkeypatch):
    def fail() -> None:
        raise RuntimeError("no backend of that name")

    monkeypatch.setattr(jax, "default_backend", fail)
    report = _doctor.examine()
    assert report["device_error"] == "no backend of that name"
    assert "JAX cannot initialize a device: no backend of that name" in _doctor.as_text(report)


def test_doctor_shows_the_flags_that_are_set(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/tmp/[x]")
    for name in [name for name in os.environ if name.startswith("JAX_")]:
        monkeypatch.delenv(name)
    assert "--xla_dump_to=/tmp/[x]" in _doctor.as_text(_doctor.examine())
