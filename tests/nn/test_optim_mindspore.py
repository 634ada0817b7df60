"""Weights and slots after 100 steps of every optimizer, against results of MindSpore 2.10 (data/)."""

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import sporax.nn.optim as optim
from sporax.core import Parameter, Tensor

DATA = Path(__file__).parent / "data"
SCRIPT, STORED = DATA / "optim_scenarios.py", DATA / "optim_trajectories.json"


def _load_scenarios():
    spec = importlib.util.spec_from_file_location("optim_scenarios", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCENARIOS = _load_scenarios()
SPORAX = SimpleNamespace(Parameter=Parameter, Tensor=Tensor, nn=optim)
MINDSPORE = json.loads(STORED.read_text())["runs"]

# MindSpore's CPU kernels ignore these flags, contrary to its documentation.
IGNORED_FLAG = {
    "momentum_nesterov": lambda p: optim.Momentum(p, 0.05, 0.8, use_nesterov=False),
    "adagrad_fixed": lambda p: optim.Adagrad(p, accum=0.5, learning_rate=0.05, update_slots=True),
}


def check_same_run(got, expected, tolerance=1e-5):
    """Assert that two runs have equal names, shapes and values, relative to the maximum of each array."""
    assert list(got["state"]) == list(expected["state"]), "names of the state"
    pairs = [(f"{name} at the end", got["state"][name], value) for name, value in expected["state"].items()]
    for step, weights in expected["weights"].items():
        pairs += [(f"{name} at step {step}", got["weights"][step][name], value) for name, value in weights.items()]
    for name, left, right in pairs:
        left, right = np.array(left), np.array(right)
        assert left.shape == right.shape, name
        np.testing.assert_allclose(left, right, rtol=0, atol=tolerance * max(abs(right).max(), 1e-6), err_msg=name)


@pytest.mark.parametrize("name", sorted(set(MINDSPORE) - set(IGNORED_FLAG)))
def test_same_trajectory_as_mindspore(name):
    check_same_run(SCENARIOS.run(SPORAX, name), MINDSPORE[name])


@pytest.mark.parametrize("name", sorted(IGNORED_FLAG))
def test_flags_that_mindspore_ignores(name, monkeypatch):
    with pytest.raises(AssertionError, match="at step"):
        check_same_run({**SCENARIOS.run(SPORAX, name), "state": MINDSPORE[name]["state"]}, MINDSPORE[name])
    monkeypatch.setattr(SCENARIOS, "scenarios", lambda nn: IGNORED_FLAG)
    check_same_run(SCENARIOS.run(SPORAX, name), MINDSPORE[name])


def test_every_scenario_has_its_trajectory():
    assert set(MINDSPORE) == set(SCENARIOS.scenarios(optim))


@pytest.mark.parametrize("part", ["weights", "state", "names"])
def test_the_comparison_can_fail(part):
    run = MINDSPORE["adam"]
    wrong = json.loads(json.dumps(run))
    if part == "weights":
        wrong["weights"]["50"]["fc.bias"][1] *= 1.0 + 1e-4
    elif part == "state":
        wrong["state"]["moment2.fc.bias"][0] *= 1.0 + 1e-4
    else:
        wrong["state"]["moment2.other"] = wrong["state"].pop("moment2.fc.bias")
    with pytest.raises(AssertionError):
        check_same_run(wrong, run)


@pytest.mark.skipif("SPORAX_MINDSPORE_PYTHON" not in os.environ, reason="SPORAX_MINDSPORE_PYTHON is not set")
def test_the_stored_trajectories_are_reproducible(tmp_path):
    made = tmp_path / "made.json"
    subprocess.run([os.environ["SPORAX_MINDSPORE_PYTHON"], str(SCRIPT), str(made)], check=True, cwd=tmp_path)
    again = json.loads(made.read_text())["runs"]
    assert set(again) == set(MINDSPORE)
    for name, run in again.items():
        check_same_run(run, MINDSPORE[name], tolerance=1e-6)
