"""`LabelSmoothing` of every loss of the registry: which labels are classes, and their smoothed values."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from sporax import Tensor, jit, losses, nn, value_and_grad
from sporax._errors import ArgumentError

RNG = np.random.default_rng(5)
X = RNG.normal(size=8).astype(np.float32)
BITS = np.array([1, 0, 0, 1, 1, 0, 1, 0])
P = (1 / (1 + np.exp(-X))).astype(np.float32)
SHAPES = [(8,), (8, 1), (2, 4)]


def bce(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    return q * np.logaddexp(0, -x) + (1 - q) * np.logaddexp(0, x)


def focal(x: np.ndarray, q: np.ndarray, gamma: float = 2.0) -> np.ndarray:
    p = 1 / (1 + np.exp(-x.astype(np.float64)))
    return (q * (1 - p) + (1 - q) * p) ** gamma * bce(x, q)


def asymmetric(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-x.astype(np.float64)))
    shifted = np.maximum(p - 0.05, 0)
    return -q * (1 - p) * np.log(p) - (1 - q) * shifted**4 * np.log1p(-shifted)


def dice(x: np.ndarray, q: np.ndarray) -> Any:
    p = 1 / (1 + np.exp(-x.astype(np.float64)))
    return 1 - 2 * (p * q).sum() / ((p * p).sum() + (q * q).sum() + 1e-5)


def jaccard(x: np.ndarray, q: np.ndarray) -> Any:
    p = 1 / (1 + np.exp(-x.astype(np.float64)))
    return 1 - (p * q).sum() / (p + q - p * q).sum()


def tversky(x: np.ndarray, q: np.ndarray, alpha: float = 0.5, beta: float = 0.5, power: float = 1.0) -> Any:
    p = 1 / (1 + np.exp(-x.astype(np.float64)))
    both, wrong = (p * q).sum(), alpha * ((1 - p) * q).sum() + beta * (p * (1 - q)).sum()
    return (wrong / (both + wrong)) ** power


# Binary losses: (loss, whether it expects probabilities, its value for logits and smoothed labels).
TWO_CLASSES: dict[str, tuple[Any, bool, Any]] = {
    "BCELoss": (nn.BCELoss(reduction="mean"), True, lambda x, q: bce(x, q).mean()),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss(), False, lambda x, q: bce(x, q).mean()),
    "MultiLabelSoftMarginLoss": (nn.MultiLabelSoftMarginLoss(), False, lambda x, q: bce(x, q).mean()),
    "BinaryFocalLoss": (nn.BinaryFocalLoss(), True, lambda x, q: focal(x, q).mean()),
    "SigmoidFocalLoss": (nn.SigmoidFocalLoss(), False, lambda x, q: focal(x, q).mean()),
    "AsymmetricLoss": (nn.AsymmetricLoss(), False, lambda x, q: asymmetric(x, q).sum()),
    "DiceLoss": (nn.DiceLoss(), True, dice),
    "JaccardLoss": (nn.JaccardLoss(), True, jaccard),
    "TverskyLoss": (nn.TverskyLoss(smooth=0.0), True, tversky),
    "FocalTverskyLoss": (
        nn.FocalTverskyLoss(gamma=2.0, smooth=0.0),
        True,
        lambda x, q: tversky(x, q, 0.7, 0.3, 0.5),
    ),
}
CLASSES = {
    "SoftmaxCrossEntropyWithLogits", "CrossEntropyLoss", "FocalLoss", "CategoricalFocalLoss", "CategoricalHingeLoss",
    "PolyLoss", "BiTemperedLogisticLoss", "SparsemaxLoss", "FenchelYoungLoss", "KLDivLoss", "KLDivergenceLoss",
    "GeneralizedKLLoss", "ConvexKLLoss", "JensenShannonLoss", "MultiClassDiceLoss", "GeneralizedDiceLoss",
}  # fmt: skip


def test_every_loss_class_is_binary_multiclass_or_rejected():
    found = {info.cell for info in losses.registry().values() for item in info.function.spec.labels if item.two_classes}
    assert found == set(TWO_CLASSES)
    found = {
        info.cell
        for info in losses.registry().values()
        for item in info.function.spec.labels[:1]
        if item.domain == "distribution"
    }
    assert found == CLASSES


REFUSED = {
    **{name: {} for name in ("MSELoss", "L1Loss", "HuberLoss", "CosineSimilarityLoss", "PoissonLoss", "MSLELoss")},
    **{name: {} for name in ("AdaptiveWingLoss", "BetaNLLLoss", "GaussianNLLLoss", "RankNetLoss", "ListNetLoss")},
    **{name: {} for name in ("IoULoss", "CIoULoss", "CosineEmbeddingLoss", "MarginRankingLoss", "SupConLoss")},
    **{name: {} for name in ("ContrastiveLoss", "DistillationLoss", "CTCLoss", "SoftMarginLoss", "HingeLoss")},
    **{name: {} for name in ("PerceptronLoss", "BinarySparsemaxLoss", "LovaszHingeLoss", "NLLLoss")},
    **{name: {} for name in ("MultiMarginLoss", "SymmetricCrossEntropyLoss", "DiceCrossEntropyLoss")},
    "JensenShannonLoss": {"log_target": True},
    "KLDivergenceLoss": {"log_target": True},
}


@pytest.mark.parametrize("name", REFUSED)
def test_labels_that_are_not_classes_are_rejected(name):
    with pytest.raises(ArgumentError, match=name):
        nn.LabelSmoothing(getattr(nn, name)(**REFUSED[name]))


def test_the_reported_case():
    loss = nn.LabelSmoothing(nn.BCEWithLogitsLoss(), 0.2)
    value = loss(Tensor([2.0, -1.0, 0.0]), Tensor([1.0, 0.0, 1.0])).asnumpy()
    assert value == pytest.approx(0.47778, abs=5e-6)


@pytest.mark.parametrize("name", TWO_CLASSES)
@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_labels_of_two_classes_move_towards_one_half_for_every_shape(name, dtype):
    loss, probabilities, formula = TWO_CLASSES[name]
    expected = formula(X, 0.7 * BITS + 0.15)
    inputs = P if probabilities else X
    for shape in SHAPES if name != "MultiLabelSoftMarginLoss" else SHAPES[1:]:
        smoothing = nn.LabelSmoothing(loss, 0.3)
        given = Tensor(inputs.reshape(shape)), Tensor(BITS.astype(dtype).reshape(shape))
        assert smoothing(*given).asnumpy() == pytest.approx(expected, rel=1e-5)
    assert jit(smoothing)(*given).asnumpy() == pytest.approx(expected, rel=1e-5)


OWN = {
    "BCELoss": losses.binary_cross_entropy,
    "BCEWithLogitsLoss": losses.binary_cross_entropy_with_logits,
    "BinaryFocalLoss": losses.binary_focal_cross_entropy,
    "SigmoidFocalLoss": losses.sigmoid_focal_loss,
}


@pytest.mark.parametrize("name", OWN)
def test_the_wrapper_equals_the_smoothing_of_the_function(name):
    loss, probabilities, _ = TWO_CLASSES[name]
    inputs = P if probabilities else X
    own = losses.evaluate(OWN[name], inputs, BITS.astype(np.float32), label_smoothing=0.3)
    value = nn.LabelSmoothing(loss, 0.3)(Tensor(inputs), Tensor(BITS.astype(np.float32)))
    np.testing.assert_allclose(value.asnumpy(), own, rtol=1e-6)


def test_smoothing_twice_is_rejected():
    with pytest.raises(ArgumentError, match="already smooths its labels"):
        nn.LabelSmoothing(nn.BinaryFocalLoss(label_smoothing=0.3), 0.3)
    with pytest.raises(ArgumentError, match=r"LinearCrossEntropyLoss\(label_smoothing=...\)"):
        nn.LabelSmoothing(nn.LinearCrossEntropyLoss(2, 3))


@pytest.mark.parametrize("name", ["BCEWithLogitsLoss", "DiceLoss"])
def test_ignored_labels_of_two_classes(name):
    loss, probabilities, formula = TWO_CLASSES[name]
    kept = np.array([1, 1, 0, 1, 0, 1, 1, 0], bool)
    labels = np.where(kept, BITS, 255)
    smoothing = nn.LabelSmoothing(loss, 0.3, ignore_index=255)
    x = P if probabilities else X
    run = value_and_grad(lambda x: smoothing(x, Tensor(labels)))
    value, gradient = jit(run)(Tensor(x))
    assert value.asnumpy() == pytest.approx(formula(X[kept], 0.7 * BITS[kept] + 0.15), rel=1e-5)
    assert not gradient.asnumpy()[~kept].any()
    smoothing.check_labels({"logits": (8,), "inputs": (8,)}, labels)
    if name == "DiceLoss":
        own = nn.LabelSmoothing(nn.DiceLoss(ignore_index=255), 0.3)
        np.testing.assert_array_equal(own(Tensor(x), Tensor(labels)).asnumpy(), value.asnumpy())


def test_masked_losses_are_unwrapped():
    kept = np.array([1, 1, 0, 1, 0, 1, 1, 0], bool)
    masked = nn.LabelSmoothing(nn.MaskedLoss(nn.BCEWithLogitsLoss()), 0.3)
    value = masked(Tensor(X), Tensor(BITS), Tensor(kept))
    assert value.asnumpy() == pytest.approx(bce(X, 0.7 * BITS + 0.15)[kept].mean(), rel=1e-5)
    outside = nn.MaskedLoss(nn.LabelSmoothing(nn.BCEWithLogitsLoss(), 0.3), ignore_value=255)
    np.testing.assert_allclose(
        outside(Tensor(X), Tensor(np.where(kept, BITS, 255))).asnumpy(), value.asnumpy(), rtol=1e-6
    )
    with pytest.raises(ArgumentError, match=r"among smoothed labels\. Use MaskedLoss"):
        nn.LabelSmoothing(nn.MaskedLoss(nn.BCEWithLogitsLoss(), ignore_value=255), 0.3)
    with pytest.raises(ArgumentError, match="has several losses"):
        nn.LabelSmoothing(nn.WeightedSumLoss({"a": nn.BCELoss()}), 0.3)


# Several classes: (N, C, D) scores, classes along axis 1, or the last axis for losses of (..., C).

SCORES = RNG.normal(size=(3, 4, 2)).astype(np.float32)
INDICES = RNG.integers(0, 4, (3, 2))
WEIGHT = np.array([0.5, 1.0, 2.0, 1.5], np.float32)


def log_softmax(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(4)[labels].transpose(0, 2, 1)


GRID = list(itertools.product([None, 2], [0.0, 0.3], [None, WEIGHT], [False, True], ["mean", "sum", "none"]))


@pytest.mark.parametrize(("ignored", "s", "weight", "soft", "reduction"), GRID)
def test_ignored_labels_smoothing_class_weights_and_soft_labels(ignored, s, weight, soft, reduction):
    kept = np.ones((3, 2)) if ignored is None or soft else (ignored != INDICES).astype(float)
    w = np.ones(4) if weight is None else weight.astype(np.float64)
    y = np.random.default_rng(1).dirichlet(np.ones(4), (3, 2)).transpose(0, 2, 1) if soft else one_hot(INDICES)
    values = -(w[:, None] * ((1 - s) * y + s / 4) * log_softmax(SCORES)).sum(1)
    if not soft:
        # For class indices, the weight of the label's class scales its term, and all weights scale the uniform term.
        own = -(w[INDICES] * (y * log_softmax(SCORES)).sum(1))
        uniform = -(w[:, None] * log_softmax(SCORES)).sum(1) / 4
        values = (1 - s) * own + s * uniform
    values = values * kept
    divisor = kept.sum() if soft else (kept * w[INDICES]).sum()
    expected = {"mean": values.sum() / divisor, "sum": values.sum(), "none": values}[reduction]
    inner = nn.CrossEntropyLoss(
        None if weight is None else Tensor(weight), -100 if ignored is None else ignored, reduction
    )
    labels = y.astype(np.float32) if soft else INDICES.astype(np.int32)
    value = nn.LabelSmoothing(inner, s)(Tensor(SCORES), Tensor(labels)).asnumpy()
    np.testing.assert_allclose(value, expected, rtol=2e-5, atol=1e-6)


def index_loss(name: str, reduction: str) -> Any:
    return {
        "FocalLoss": lambda: nn.FocalLoss(Tensor(WEIGHT), reduction=reduction),
        "SoftmaxCrossEntropyWithLogits": lambda: nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction=reduction),
        "PolyLoss": lambda: nn.PolyLoss(reduction=reduction),
        "SparsemaxLoss": lambda: nn.SparsemaxLoss(reduction=reduction),
        "BiTemperedLogisticLoss": lambda: nn.BiTemperedLogisticLoss(reduction=reduction),
    }[name]()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "name", ["FocalLoss", "SoftmaxCrossEntropyWithLogits", "PolyLoss", "SparsemaxLoss", "BiTemperedLogisticLoss"]
)
def test_class_indices_without_smoothing_equal_the_loss(name, reduction):
    loss = index_loss(name, reduction)
    axis = 1 if name == "FocalLoss" else -1
    scores = np.moveaxis(SCORES, 1, axis) if name != "SoftmaxCrossEntropyWithLogits" else SCORES[:, :, 0]
    labels = INDICES if name != "SoftmaxCrossEntropyWithLogits" else INDICES[:, 0]
    given = Tensor(np.ascontiguousarray(scores)), Tensor(labels.astype(np.int32))
    np.testing.assert_allclose(
        nn.LabelSmoothing(loss, 0.0)(*given).asnumpy(), loss(*given).asnumpy(), rtol=2e-5, atol=1e-6
    )


def test_focal_loss_of_smoothed_classes_along_axis_1():
    log_p, q = log_softmax(SCORES), 0.7 * one_hot(INDICES) + 0.3 / 4
    values = -(q * (1 - np.exp(log_p)) ** 2 * log_p).sum(1).mean(1)
    for reduction, expected in (("mean", values.mean()), ("sum", values.sum()), ("none", values)):
        loss = nn.LabelSmoothing(nn.FocalLoss(reduction=reduction), 0.3)
        np.testing.assert_allclose(loss(Tensor(SCORES), Tensor(INDICES)).asnumpy(), expected, rtol=1e-5)


def test_ignore_index_with_distributions_is_rejected():
    loss = nn.LabelSmoothing(nn.KLDivergenceLoss(), 0.1, ignore_index=2)
    with pytest.raises(ArgumentError, match="distributions"):
        loss(Tensor(np.log(np.full((2, 4), 0.25, np.float32))), Tensor(np.full((2, 4), 0.25, np.float32)))
