"""The checker reports every faulty loss with the expected check, and nothing for correct losses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from oracles.faulty_losses import FAULTS
from sporax import losses, nn, ops
from sporax._errors import ArgumentError
from sporax.core import dtype as mstype
from sporax.testing import assert_loss, check_loss, check_names, load_target, parse_inputs

COSTS = ("memory", "time")

# User code runs without the strict settings of this test session.
pytestmark = pytest.mark.rank_promotion


@pytest.mark.parametrize(("loss", "inputs", "check", "words"), FAULTS, ids=[f"{f[2]}-{f[0].__name__}" for f in FAULTS])
def test_every_fault_is_found_by_its_check(loss, inputs, check, words):
    report = check_loss(loss, inputs, only=[check])
    finding = report[check]
    assert finding.status in ("fail", "warn"), str(report)
    assert words in str(report)
    assert finding.expected
    assert not report.ok or finding.status == "warn"


class Right(nn.LossBase):
    """A custom log-cosh loss."""

    def construct(self, logits, labels):
        d = ops.cast(logits, mstype.float32) - labels
        return self.get_loss(ops.cast(ops.abs(d) + ops.log1p(ops.exp(-2 * ops.abs(d))), logits.dtype))


class RightWithWeights(nn.LossBase):
    def construct(self, logits, labels, weights):
        return self.get_loss((logits - labels) ** 2, weights)


def right_with_labels(x, labels):
    return losses.evaluate(losses.sparse_softmax_cross_entropy_with_logits, x, labels)


@pytest.mark.parametrize(
    ("loss", "inputs"),
    [
        (Right, "f32[8, 3], f32[8, 3]"),
        (RightWithWeights, "f32[8], f32[8], f32[8] > 0"),
        (right_with_labels, "f32[8, 5], i32[8] < 5"),
        (nn.MSELoss, None),
        (nn.SoftmaxCrossEntropyWithLogits(sparse=True), "f32[8, 5], i32[8] < 5"),
    ],
    ids=["cell", "weights", "labels", "built-in class", "built-in cell"],
)
def test_a_correct_loss_passes(loss, inputs):
    report = assert_loss(loss, inputs, skip=COSTS)
    assert not report.failures
    assert {finding.check for finding in report.findings} == set(check_names()) - set(COSTS)
    passed = [finding.check for finding in report.findings if finding.status == "pass"]
    assert len(passed) > 15


# One of each kind of family; `sporax loss check --all` checks every loss.
SOME = (
    "binary_cross_entropy", "cross_entropy", "cosine_embedding_loss", "gaussian_nll_loss", "info_nce_loss", "ctc_loss",
    "sampled_softmax_loss", "giou_loss",
)  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "cross_entropy" else [pytest.mark.slow]) for name in SOME]
)
def test_built_in_losses_pass(name):
    report = check_loss(name, skip=COSTS)
    assert report.ok, str(report)


def test_the_smallest_input_is_small_and_still_fails():
    from oracles.faulty_losses import log_of_softmax

    report = check_loss(log_of_softmax, "f32[16, 9], i32[16] < 9", only=["extremes"])
    finding = report["extremes"]
    assert finding.inputs["x"].count(",") <= 2
    assert "faulty_losses.py:" in finding.place
    line = int(finding.place.rpartition(":")[2])
    source = Path(finding.place.rpartition(":")[0]).read_text(encoding="utf-8").splitlines()[line - 1]
    assert "e /" in source or "log" in source
    assert "NaN comes from div(" in finding.found


def test_inputs_are_parsed_and_drawn():
    logits, labels, share, sign, weights = parse_inputs(
        "logits: bf16[4, 3], i64[4] < 3, f32[4, 3] simplex, f32[2] in {-1, 1}, w: f32[2] > 0", ["a", "labels"]
    )
    assert str(logits) == "logits: bf16[4, 3]"
    assert (labels.name, labels.classes) == ("labels", 3)
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(share.draw(rng).sum(-1), 1, rtol=1e-6)
    assert set(sign.draw(rng)) <= {-1.0, 1.0}
    assert (weights.draw(rng) > 0).all()
    assert labels.draw(rng).dtype == np.int64


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("f32(8)", "cannot read 'f32(8)'"),
        ("f33[8]", "cannot read 'f33[8]'"),
        ("f32[8] near 0", "cannot read the domain 'near 0'"),
        ("", "there is none"),
    ],
)
def test_invalid_inputs_are_an_error_that_shows_the_format(text, said):
    with pytest.raises(ArgumentError) as caught:
        parse_inputs(text)
    assert said in str(caught.value)
    assert "Write it as f32[8, 10]" in str(caught.value)


def test_the_error_for_a_loss_that_cannot_be_called_lists_what_was_tried():
    def of_three_matrices(a, b, c):
        return (a @ b @ c).sum()

    with pytest.raises(ArgumentError, match=r"state the inputs of of_three_matrices\(a, b, c\)"):
        check_loss(of_three_matrices)
    with pytest.raises(ArgumentError, match="`check` must be one of"):
        check_loss("mse_loss", only=["gradients"])


def test_assert_loss_raises_with_the_report():
    from oracles.faulty_losses import distance

    with pytest.raises(AssertionError, match="fix  "):
        assert_loss(distance, "f32[8, 3], f32[8, 3]", only=["gradient-ties"])


def test_reports_are_text_json_and_html():
    report = check_loss("mse_loss", only=["runs", "gradient"])
    data = json.loads(report.as_json())
    assert data["ok"] is True
    assert [each["check"] for each in data["findings"]] == ["runs", "gradient"]
    page = report.as_html()
    assert page.startswith("<!doctype html>")
    assert "mse_loss: 2 passed" in page
    with pytest.raises(KeyError, match="there is no check"):
        report["speed"]


def test_targets_are_found_by_name(tmp_path):
    file = tmp_path / "some_losses_of_mine.py"
    file.write_text("from sporax import nn\nclass One(nn.LossBase):\n    pass\ndef two(x, y):\n    return x\n")
    assert load_target(str(file)).__name__ == "One"
    assert load_target(f"{file}:two").__name__ == "two"
    assert load_target("mse_loss") is losses.mse_loss
    assert load_target("HuberLoss") is nn.HuberLoss
    with pytest.raises(ArgumentError, match="has no 'Three'. It defines One, two"):
        load_target(f"{file}:Three")
    with pytest.raises(ArgumentError, match="there is no file"):
        load_target(str(tmp_path / "none.py"))
