"""Equal weights and data give the losses of MindSpore 2.10, for both complete listings of the tutorial."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import sporax
from sporax import Model, Tensor, nn, ops
from sporax import dataset as ds
from sporax.train.callback import Callback
from train._mindspore_side import OPTIMIZERS, train

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "data" / "mindspore_losses.json").read_text())
CASES = [(name, labels) for name in OPTIMIZERS for labels in (1, 2)]


@pytest.mark.parametrize(("optimizer", "labels"), CASES)
def test_a_hundred_losses_match_mindspore(optimizer, labels):
    losses = train(nn, ops, ds, Model, Callback, Tensor, optimizer, labels)
    recorded = RECORDED["losses"][f"{optimizer} | {labels}"]
    assert len(losses) == len(recorded) == 100
    np.testing.assert_allclose(losses[:10], recorded[:10], rtol=1e-5)
    np.testing.assert_allclose(losses, recorded, rtol=1e-5, atol=2e-6)


def test_the_recorded_losses_are_reproducible(tmp_path):
    python = os.environ.get("SPORAX_MINDSPORE_PYTHON")
    if not python:
        pytest.skip("SPORAX_MINDSPORE_PYTHON is not an interpreter with MindSpore 2.10")
    target = tmp_path / "losses.json"
    subprocess.run([python, str(HERE / "_mindspore_side.py"), str(target)], check=True, capture_output=True)
    fresh = json.loads(target.read_text())
    assert fresh["losses"].keys() == RECORDED["losses"].keys()
    for name, losses in fresh["losses"].items():
        np.testing.assert_allclose(losses, RECORDED["losses"][name], rtol=1e-5, err_msg=name)


def test_version_is_named():
    assert RECORDED["mindspore"].startswith("2.10")
    assert sporax.__version__
