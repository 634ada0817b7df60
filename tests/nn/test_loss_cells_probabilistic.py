"""Divergences, Fenchel-Young, likelihood, scoring and ordinal losses as Cells."""

from __future__ import annotations

import inspect
import math
from typing import Any

import jax
import numpy as np
import pytest

from oracles.losses import ORACLES
from oracles.samples import inputs_of
from sporax import losses, nn
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError
from sporax.core import Tensor
from sporax.transforms import jit, value_and_grad

SIGNATURES = {
    "KLDivLoss": "(reduction='mean', log_target=False)",
    "PoissonNLLLoss": "(log_input=True, full=False, eps=1e-08, reduction='mean')",
    "GaussianNLLLoss": "(*, full=False, eps=1e-06, reduction='mean')",
    "KLDivergenceLoss": "(log_target=False, reduction='mean')",
    "GeneralizedKLLoss": "(reduction='mean')",
    "ConvexKLLoss": "(reduction='mean')",
    "JensenShannonLoss": "(log_target=False, reduction='mean')",
    "SparsemaxLoss": "(ignore_index=None, reduction='mean')",
    "BinarySparsemaxLoss": "(reduction='mean')",
    "FenchelYoungLoss": "(max_fun='logistic', reduction='mean')",
    "BetaGaussianNLLLoss": "(beta=0.5, *, full=False, eps=1e-06, reduction='mean')",
    "LaplaceNLLLoss": "(eps=1e-06, reduction='mean')",
    "StudentTNLLLoss": "(eps=1e-06, reduction='mean')",
    "NegativeBinomialNLLLoss": "(eps=1e-06, reduction='mean')",
    "BetaNLLLoss": "(eps=1e-06, reduction='mean')",
    "GaussianCRPSLoss": "(reduction='mean')",
    "SampleCRPSLoss": "(fair=False, reduction='mean')",
    "EnergyScoreLoss": "(beta=1.0, fair=False, reduction='mean')",
    "QuantileCRPSLoss": "(levels=None, level_weights=None, reduction='mean')",
    "CoralLoss": "(importance_weights=None, reduction='mean')",
    "CornLoss": "(reduction='mean')",
}
"""The first three are those of MindSpore 2.10."""


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    parameters = list(inspect.signature(getattr(nn, name)).parameters.values())
    assert str(inspect.Signature([p.replace(annotation=p.empty) for p in parameters])) == SIGNATURES[name]


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_cell_equals_its_function_for_every_reduction(name):
    info = losses.by_cell(name)[-1]
    inputs = inputs_of(info, 4)
    tensors = [Tensor(array) for array in inputs]
    none = getattr(nn, name)(reduction="none", **info.cell_arguments)(*tensors).asnumpy()
    expected = ORACLES[info.oracle].value(*inputs)
    np.testing.assert_allclose(none, expected, rtol=2e-5, atol=2e-5)
    loss = getattr(nn, name)(**info.cell_arguments)
    counts = ORACLES[info.oracle].counts
    count = expected.size if counts is None else counts(*inputs).sum()
    value, gradient = jit(value_and_grad(loss, 0))(*tensors)
    np.testing.assert_allclose(float(value), expected.sum() / count, rtol=1e-4, atol=1e-6)
    assert np.abs(gradient.asnumpy()).sum() > 0
    with pytest.raises(ArgumentError, match=rf"{name}: `reduction` must be one of .*'sum', but got 'means'"):
        getattr(nn, name)(reduction="means")


def test_mindspores_documented_examples():
    x, y = Tensor(np.array([0.2, 0.7, 0.1], np.float32)), Tensor(np.array([0.0, 1.0, 0.0], np.float32))
    assert str(nn.KLDivLoss(reduction="mean")(x, y)) == "-0.23333333"
    x, y = Tensor([[0.3, 0.7], [0.5, 0.5]]), Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert str(nn.PoissonNLLLoss()(x, y).asnumpy()) == "0.3652635"
    x = Tensor(np.arange(8).reshape((4, 2)).astype(np.float32))
    y = Tensor(np.array([2, 3, 1, 4, 6, 4, 4, 9]).reshape((4, 2)).astype(np.float32))
    # MindSpore prints 1.4374993: its logarithm of 1 is not exactly 0.
    value = nn.GaussianNLLLoss(reduction="mean")(x, y, Tensor(np.ones((4, 1), np.float32)))
    np.testing.assert_allclose(value.asnumpy(), 1.4374993, rtol=1e-6)


def test_only_kl_div_accepts_batchmean():
    x, t = inputs_of(losses.get("kl_divergence"), 3, rest=(4,))
    loss = nn.KLDivLoss("batchmean")
    expected = np.asarray(losses.kl_divergence(x, t)).mean()
    np.testing.assert_allclose(float(loss(Tensor(x), Tensor(t))), expected, rtol=1e-5)
    parts = [loss.sum_and_weight(Tensor(x[part]), Tensor(t[part])) for part in (slice(0, 1), slice(1, 4))]
    total, weight = (sum(float(pair[at]) for pair in parts) for at in (0, 1))
    np.testing.assert_allclose(total / weight, expected, rtol=1e-5)
    with pytest.raises(ArgumentError, match="`reduction` must be one of 'none', 'mean', 'sum', but got 'batchmean'"):
        nn.L1Loss("batchmean")
    with pytest.raises(ArgumentError, match="'batchmean', 'sum', but got 'batch'"):
        nn.KLDivLoss("batch")


def test_the_kind_of_labels_selects_the_sparsemax_loss():
    x = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    labels = np.array([0, 2, 1, -1])
    loss = nn.SparsemaxLoss(ignore_index=-1)
    one_hot = Tensor(np.eye(3, dtype=np.float32)[labels[:3]])
    np.testing.assert_allclose(float(loss(Tensor(x), Tensor(labels))), float(loss(Tensor(x[:3]), one_hot)), rtol=1e-5)
    assert loss.loss_info(labels).name == "multiclass_sparsemax_loss"
    assert loss.loss_info(one_hot.asnumpy()).name == "sparsemax_loss"
    loss.check_labels({"logits": (4, 3)}, labels)
    with pytest.raises(LabelError, match=r"SparsemaxLoss: `labels` must be class indices in \[0, 3\), but got -1"):
        nn.SparsemaxLoss().check_labels({"logits": (4, 3)}, labels)


def test_labels_of_ordinal_losses_are_checked_on_the_host():
    for loss in (nn.CoralLoss(), nn.CornLoss()):
        loss.check_labels({"logits": (2, 3)}, np.array([0, 3]))
        with pytest.raises(LabelError, match=r"in \[0, 4\), but got 4 at index \(1,\)"):
            loss.check_labels({"logits": (2, 3)}, np.array([0, 4]))


def test_hyper_parameters_are_passed_to_the_functions():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 4, 3)).astype(np.float32)
    samples = rng.normal(size=(4, 5, 3)).astype(np.float32)
    var = rng.uniform(0.1, 2, 4).astype(np.float32)
    cases: list[tuple[Any, Any, Any]] = [
        (nn.GaussianNLLLoss(full=True, eps=0.5), "gaussian_nll_loss", (x, y, var)),
        (nn.BetaGaussianNLLLoss(1.0, full=True, eps=0.5), "beta_weighted_gaussian_nll_loss", (x, y, var)),
        (nn.PoissonNLLLoss(False, True, 0.1), "poisson_nll_loss", (np.abs(x), np.abs(3 * y))),
        (nn.EnergyScoreLoss(1.5, True), "energy_score", (samples, y)),
        (nn.SampleCRPSLoss(True), "crps_sample", (samples[:, 0], y[:, 0])),
        (nn.FenchelYoungLoss("entmax15"), "fenchel_young_loss", (x, np.abs(y))),
        (nn.QuantileCRPSLoss([0.1, 0.2, 0.7], (1, 2, 3)), "quantile_crps", (x, y[:, 0])),
        (nn.CoralLoss([1, 2, 3]), "coral_loss", (x, np.array([0, 1, 2, 3]))),
        (nn.LaplaceNLLLoss(0.8), "laplace_nll_loss", (x, y, np.abs(y))),
    ]
    names = ("full", "eps", "beta", "log_input", "fair", "max_fun", "levels", "level_weights", "importance_weights")
    for loss, function, inputs in cases:
        params = {name: getattr(loss, name) for name in names if hasattr(loss, name)}
        expected = ORACLES[function].value(*inputs, **params).mean()
        np.testing.assert_allclose(float(loss(*map(Tensor, inputs))), expected, rtol=2e-5, err_msg=function)
    loss = nn.FenchelYoungLoss(jax.nn.logsumexp)
    expected = np.mean(jax.nn.logsumexp(x, axis=-1) - (np.abs(y) * x).sum(-1))
    np.testing.assert_allclose(float(loss(Tensor(x), Tensor(np.abs(y)))), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.PoissonNLLLoss(log_input=1), ArgumentTypeError, "PoissonNLLLoss: `log_input` must be bool"),
        (lambda: nn.PoissonNLLLoss(eps=-1), ArgumentError, r"PoissonNLLLoss: `eps` must be in \[0"),
        (lambda: nn.GaussianNLLLoss(eps=0), ArgumentError, r"GaussianNLLLoss: `eps` must be in \(0"),
        (lambda: nn.GaussianNLLLoss(eps=math.nan), ArgumentError, "GaussianNLLLoss: `eps` must be"),
        (lambda: nn.BetaGaussianNLLLoss(2), ArgumentError, r"`beta` must be in \[0, 1\], but got 2"),
        (lambda: nn.BetaNLLLoss(eps=0.5), ArgumentError, r"BetaNLLLoss: `eps` must be in \(0, 0.5\)"),
        (lambda: nn.EnergyScoreLoss(2), ArgumentError, r"EnergyScoreLoss: `beta` must be in \(0, 2\)"),
        (lambda: nn.SampleCRPSLoss("yes"), ArgumentTypeError, "SampleCRPSLoss: `fair` must be bool"),
        (lambda: nn.QuantileCRPSLoss([0.5, 1.5]), ArgumentError, r"QuantileCRPSLoss: `levels` must .* in \(0, 1\)"),
        (lambda: nn.FenchelYoungLoss("softmax"), ArgumentError, "`max_fun` must be one of .*'sparsemax'"),
        (lambda: nn.FenchelYoungLoss(3), ArgumentTypeError, "`max_fun` must be a name or a function, but got 3"),
        (lambda: nn.SparsemaxLoss(0.5), ArgumentTypeError, "`ignore_index` must be an int"),
        (lambda: nn.JensenShannonLoss(1), ArgumentTypeError, "JensenShannonLoss: `log_target` must be bool"),
        (lambda: nn.KLDivergenceLoss(1), ArgumentTypeError, "KLDivergenceLoss: `log_target` must be bool"),
    ],
)
def test_invalid_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
