"""The checker reports each faulty loss with the expected check, and accepts its correct counterpart."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from oracles.faulty_contracts import CLASSES, CONTRACT_FAULTS
from oracles.faulty_edges import EDGE_FAULTS
from oracles.faulty_infinite import INFINITE_FAULTS, cross_entropy_of_jax
from oracles.faulty_masks import MASK_FAULTS, names_what_it_does_not_use
from oracles.faulty_reach import REACH_FAULTS
from oracles.faulty_structure import STRUCTURE_FAULTS, pseudo_labels
from sporax._errors import ArgumentError
from sporax.testing import check_loss

# User code runs without the strict settings of this test session.
pytestmark = pytest.mark.rank_promotion

FAULTS = [*EDGE_FAULTS, *MASK_FAULTS, *CONTRACT_FAULTS, *STRUCTURE_FAULTS, *REACH_FAULTS, *INFINITE_FAULTS]


def _correct_losses():
    """Return the correct losses for each check; in a quick run one for each check."""
    seen, checks = set(), set()
    for fault in FAULTS:
        key = fault.right, fault.inputs, fault.check
        if key in seen:
            continue
        seen.add(key)
        marks = [pytest.mark.slow] if fault.check in checks else []
        checks.add(fault.check)
        yield pytest.param(fault, id=f"{fault.check}-{fault.right.__name__}", marks=marks)


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{each.check}-{each.loss.__name__}" for each in FAULTS])
def test_the_fault_is_found_and_described(fault):
    report = check_loss(fault.loss, fault.inputs, only=[fault.check], **fault.options)
    finding = report[fault.check]
    assert finding.status in ("fail", "warn"), str(report)
    assert fault.words in str(report)
    assert finding.expected
    assert finding.fix


@pytest.mark.parametrize("fault", list(_correct_losses()))
def test_the_correct_counterpart_passes(fault):
    report = check_loss(fault.right, fault.inputs, only=[fault.check], **fault.options)
    assert report[fault.check].status == "pass", str(report)


@pytest.mark.slow
@pytest.mark.parametrize("fault", EDGE_FAULTS + MASK_FAULTS, ids=lambda fault: fault.right.__name__)
def test_a_correct_counterpart_passes_every_check_of_edges(fault):
    only = ["gradient", "gradient-ties", "edges", "nothing-left", "inputs-used"]
    report = check_loss(fault.right, fault.inputs, only=only, **fault.options)
    assert report.ok, str(report)


def test_there_are_many_faults_and_every_numerical_check_has_one():
    assert len(FAULTS) > 100
    assert len({(fault.loss, fault.inputs) for fault in FAULTS}) == len(FAULTS)
    assert {fault.check for fault in FAULTS} >= {
        "reduction", "zero-weight", "ignored-label", "inputs-used", "shape-hazard", "one-sample", "batch-split",
        "labels", "label-dtype", "gradient", "gradient-ties", "second-derivative", "edges", "nothing-left", "extremes",
        "infinite", "nan", "half-precision", "traceable", "recompile", "leaks", "determinism", "far-off",
        "elements-used", "perfect",
    }  # fmt: skip


def infinite_at_one_end_and_nan_at_the_other(x):
    # At 0 the value is infinite by its formula; at 1 it is finite, and its gradient is not.
    return np.float32(1) / x + (1 - x) ** 0.5


def test_the_worst_problem_is_reported_and_not_the_first():
    finding = check_loss(infinite_at_one_end_and_nan_at_the_other, "x: f32[8] in [0, 1]", only=["edges"])["edges"]
    assert finding.status == "fail"
    assert finding.found.startswith("for x of 1 the gradient for x[0]")
    assert "tries fail" in finding.found
    assert finding.inputs == {"x": "[1.]"}


def infinite_in_one_sample(x):
    return np.float32(1) / x


def test_non_finite_values_and_gradients_are_reported_together():
    finding = check_loss(infinite_in_one_sample, "x: f32[8] >= 0", only=["edges"])["edges"]
    assert finding.status == "warn", "1 / x is infinite at 0 by its formula"
    assert "the value at [0] is inf, and the gradient for x[0] is -inf" in finding.found
    assert "the first inf comes from div(1, 0)" in finding.found


def negative_infinity(x):
    return jnp.log(x)


def test_minus_infinity_is_named():
    finding = check_loss(negative_infinity, "p: f32[8] in [0, 1]", only=["edges"])["edges"]
    assert finding.status == "fail", "a probability of 0 must have a finite loss"
    assert "the value at [0] is -inf" in finding.found
    assert "comes from log(0)" in finding.found


def test_an_unused_input_whose_name_begins_with_an_underscore_is_accepted():
    assert check_loss(names_what_it_does_not_use, "f32[8, 3], f32[8, 3]", only=["inputs-used"]).ok


def mean_of_flags(x, y, mask):
    return (x - y) ** 2 * (1 + mask)


@pytest.mark.parametrize("mask", ["bool[8]", "i32[8] < 2", "i32[8] in {0, 1}"])
def test_an_integer_or_bool_mask_is_not_a_class_label(mask):
    report = check_loss(mean_of_flags, f"f32[8], f32[8], {mask}", only=["labels", "nothing-left"])
    assert report["labels"].status == "skip"
    assert report["nothing-left"].status == "fail"
    assert "with mask all 0 the value is" in report["nothing-left"].found


def test_what_the_docstring_declares_is_not_a_fault():
    assert check_loss(pseudo_labels, "f32[8, 3], f32[8, 3]", only=["continuous"])["continuous"].status == "skip"
    with pytest.raises(ArgumentError, match="takes x, y, mask"):
        check_loss(mean_of_flags, "mask: bool[8], y: f32[8]")
    report = check_loss(mean_of_flags, "mask: bool[8], y: f32[8], x: f32[8]", only=["runs"])
    assert [each.split(":")[0] for each in report.inputs] == ["x", "y", "mask"]


def returns_nothing(x, y):
    x - y


def test_a_loss_that_cannot_be_called_is_a_finding():
    report = check_loss(returns_nothing, "f32[8], f32[8]")
    assert [each.check for each in report.findings] == ["runs"]
    assert "a `return` is missing" in report["runs"].found


def test_a_score_of_inf_that_gives_nan_in_a_custom_loss_is_a_note():
    finding = check_loss(cross_entropy_of_jax, CLASSES, only=["infinite"])["infinite"]
    assert (finding.status, finding.found) == ("pass", "a score of inf gives NaN")
