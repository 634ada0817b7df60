"""The class forms of losses: their additional results, and the layouts of MindSpore."""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import numpy as np
import pytest

from sporax import losses, ops
from sporax._errors import ArgumentError, LabelError, OutOfRangeError, ShapeError
from sporax.core import Tensor
from sporax.transforms import jit

RNG = np.random.default_rng(73)
X, Y, Z = (RNG.normal(0.2, 1.1, (3, 4)).astype(np.float32) for _ in range(3))
P, Q = (RNG.uniform(0.1, 0.9, (3, 4)).astype(np.float32) for _ in range(2))
W = np.array([0.5, 2.0, 1.25, 0.75], np.float32)
CLASSES = np.array([2, 0, 3], np.int32)
SIGNS = np.where(RNG.random((3, 4)) > 0.5, 1, -1).astype(np.float32)

SIGNATURES = {
    "BCEWithLogitsLoss": "(reduction='mean')",
    "BinaryCrossEntropy": "(reduction='mean')",
    "CTCGreedyDecoder": "(merge_repeated=True)",
    "CTCLoss": "(preprocess_collapse_repeated=False, ctc_merge_repeated=True, ignore_longer_outputs_than_inputs=False)",
    "CTCLossV2": "(blank=0, reduction='none', zero_infinity=False)",
    "KLDivLoss": "(reduction='mean')",
    "L2Loss": "()",
    "LogUniformCandidateSampler": "(num_true=1, num_sampled=5, unique=True, range_max=5, seed=0)",
    "MultiMarginLoss": "(p=1, margin=1.0, reduction='mean')",
    "MultilabelMarginLoss": "(reduction='mean')",
    "NLLLoss": "(reduction='mean', ignore_index=-100)",
    "RNNTLoss": "(blank_label=0)",
    "SigmoidCrossEntropyWithLogits": "()",
    "SmoothL1Loss": "(beta=1.0, reduction='none')",
    "SoftMarginLoss": "(reduction='mean')",
    "SoftmaxCrossEntropyWithLogits": "()",
    "SparseSoftmaxCrossEntropyWithLogits": "(is_grad=False)",
    "TripletMarginLoss": "(p=2, swap=False, eps=1e-06, reduction='mean')",
    "UniformCandidateSampler": (
        "(num_true, num_sampled, unique, range_max, seed=0, remove_accidental_hits=False)"
    ),
}  # fmt: skip


def tensors(*values: Any) -> list[Tensor]:
    return [Tensor(value) for value in values]


@pytest.mark.parametrize("name", SIGNATURES)
def test_constructors_match_mindspore(name: str):
    assert str(inspect.signature(getattr(ops, name))) == SIGNATURES[name]


SAME = {
    "BinaryCrossEntropy": ((P, Q, W), {}, lambda r: ops.binary_cross_entropy(*tensors(P, Q, W), r)),
    "BCEWithLogitsLoss": (
        (X, Q, W, W[::-1]), {}, lambda r: ops.binary_cross_entropy_with_logits(*tensors(X, Q, W, W[::-1]), r),
    ),
    "KLDivLoss": ((np.log(P), Q), {}, lambda r: ops.kl_div(*tensors(np.log(P), Q), r)),
    "MultiMarginLoss": (
        (X, CLASSES, W), {"p": 2, "margin": 0.7},
        lambda r: ops.multi_margin_loss(*tensors(X, CLASSES), 2, 0.7, Tensor(W), r),
    ),
    "SmoothL1Loss": ((X, Y), {"beta": 0.4}, lambda r: ops.smooth_l1_loss(*tensors(X, Y), 0.4, r)),
    "SoftMarginLoss": ((X, SIGNS), {}, lambda r: ops.soft_margin_loss(*tensors(X, SIGNS), r)),
    "TripletMarginLoss": (
        (X, Y, Z, np.float32(0.3)), {"p": 3, "swap": True, "eps": 1e-4},
        lambda r: ops.triplet_margin_loss(*tensors(X, Y, Z), 0.3, 3, 1e-4, True, r),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_a_class_equals_its_function(name: str):
    inputs, hyper, function = SAME[name]
    for reduction in ("none", "sum"):
        form = getattr(ops, name)(**hyper, reduction=reduction)
        np.testing.assert_allclose(form(*tensors(*inputs)).asnumpy(), function(reduction).asnumpy(), rtol=1e-6)


def test_batchmean_of_the_divergence():
    got = ops.KLDivLoss("batchmean")(*tensors(np.log(P), Q))
    assert got.item() == pytest.approx(ops.KLDivLoss("sum")(*tensors(np.log(P), Q)).item() / 3, rel=1e-6)
    with pytest.raises(ArgumentError, match=r"ops\.KLDivLoss: `reduction` must be one of"):
        ops.KLDivLoss("batch")(*tensors(np.log(P), Q))


def test_the_negative_log_likelihood_returns_its_total_weight():
    labels = np.array([2, -100, 3], np.int32)
    loss, weight = ops.NLLLoss()(*tensors(np.log(P), labels, W))
    assert weight.item() == 1.25 + 0.75
    expected = -(1.25 * np.log(P[0, 2]) + 0.75 * np.log(P[2, 3])) / 2.0
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    loss, weight = ops.NLLLoss("none", ignore_index=3)(*tensors(np.log(P), CLASSES, W))
    np.testing.assert_allclose(loss.asnumpy(), [-1.25 * np.log(P[0, 2]), -0.5 * np.log(P[1, 0]), 0], rtol=1e-6)
    assert weight.item() == 1.25 + 0.5
    loss, weight = ops.NLLLoss()(Tensor(np.log(P[0])), Tensor(2), Tensor(W))
    assert (loss.shape, weight.item()) == ((), 1.25)


def test_multilabel_margin_returns_the_listed_classes():
    lists = np.array([[1, 3, -1, 0], [0, -1, 2, 2], [-1, 1, 1, 1]], np.int32)
    loss, listed = ops.MultilabelMarginLoss("none")(*tensors(X, lists))
    np.testing.assert_array_equal(listed, [[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]])
    assert listed.asnumpy().dtype == np.int32
    np.testing.assert_array_equal(loss, ops.multilabel_margin_loss(*tensors(X, lists), "none"))
    _, one = ops.MultilabelMarginLoss()(*tensors(X[0], lists[0]))
    np.testing.assert_array_equal(one, [0, 1, 0, 1])


def test_half_the_sum_of_squares_is_accumulated_in_float32():
    values = np.full(100, 20.0, np.float16)
    assert ops.L2Loss()(Tensor(values)).item() == 20000.0
    half = ops.L2Loss()(Tensor(np.full(3000, 5.0, np.float16)))
    assert half.asnumpy().dtype == np.float16
    assert half.item() == 37504.0  # 37500, as a float16


def test_cross_entropies_with_their_gradients():
    soft = Q / Q.sum(1, keepdims=True)
    loss, gradient = ops.SoftmaxCrossEntropyWithLogits()(*tensors(X, soft))
    softmax = np.exp(X) / np.exp(X).sum(1, keepdims=True)
    np.testing.assert_allclose(gradient.asnumpy(), softmax - soft, atol=1e-6)
    np.testing.assert_allclose(loss.asnumpy(), -(soft * np.log(softmax)).sum(1), rtol=1e-5)
    np.testing.assert_allclose(
        ops.SigmoidCrossEntropyWithLogits()(*tensors(X, Q)).asnumpy(),
        np.log1p(np.exp(X)) - Q * X,
        rtol=1e-5,
    )
    by_logits = ops.SparseSoftmaxCrossEntropyWithLogits(is_grad=True)(*tensors(X, CLASSES))
    np.testing.assert_allclose(by_logits.asnumpy(), (softmax - np.eye(4)[CLASSES]) / 3, atol=1e-6)


# --- CTC ------------------------------------------------------------------------------------------------------

FRAMES, BATCH, KINDS = 5, 3, 4
SCORES = RNG.normal(0.1, 1.3, (FRAMES, BATCH, KINDS)).astype(np.float32)
COUNTS = np.array([5, 3, 4], np.int32)
TARGETS = [[1, 1, 2], [0], [2, 0]]
INDICES = np.array([[row, at] for row, labels in enumerate(TARGETS) for at in range(len(labels))], np.int64)
VALUES = np.array([label for labels in TARGETS for label in labels], np.int32)


def read(path: tuple[int, ...], merge: bool) -> list[int]:
    """Return the labels of an alignment; the last class is the blank."""
    kept = [kind for at, kind in enumerate(path) if not (merge and at and path[at - 1] == kind)]
    return [kind for kind in kept if kind != KINDS - 1]


def cost(row: int, labels: list[int], merge: bool = True) -> float:
    scores = SCORES[: COUNTS[row], row].astype(np.float64)
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    paths = itertools.product(range(KINDS), repeat=len(p))
    return -np.log(sum(np.prod(p[np.arange(len(p)), path]) for path in paths if read(path, merge) == labels))


def sparse_ctc(**hyper: Any) -> tuple[np.ndarray, np.ndarray]:
    loss, gradient = ops.CTCLoss(**hyper)(*tensors(SCORES, INDICES, VALUES, COUNTS))
    return loss.asnumpy(), gradient.asnumpy()


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("collapse", [True, False])
def test_every_alignment_counts(merge: bool, collapse: bool):
    loss, gradient = sparse_ctc(preprocess_collapse_repeated=collapse, ctc_merge_repeated=merge)
    targets = [[1, 2] if collapse else [1, 1, 2], [0], [2, 0]]
    np.testing.assert_allclose(loss, [cost(row, labels, merge) for row, labels in enumerate(targets)], rtol=1e-5)
    # The gradient through the softmax sums to 0 in each frame, and is 0 in frames beyond the length.
    np.testing.assert_allclose(gradient.sum(2), 0, atol=1e-6)
    assert np.all(gradient[3:, 1] == 0)
    assert np.all(np.abs(gradient[:3, 1]).max(1) > 0)
    step = 1e-2
    nudge = RNG.normal(size=SCORES.shape).astype(np.float32)
    form = ops.CTCLoss(collapse, merge)
    rest = tensors(INDICES, VALUES, COUNTS)
    ahead, behind = (form(Tensor(SCORES + by * nudge), *rest)[0].asnumpy() for by in (step, -step))
    np.testing.assert_allclose((gradient * nudge).sum((0, 2)), (ahead - behind) / (2 * step), rtol=2e-2, atol=1e-3)


def test_compiled_ctc_agrees():
    form = ops.CTCLoss()
    loss, gradient = jit(lambda *each: form(*each))(*tensors(SCORES, INDICES, VALUES, COUNTS))
    expected = sparse_ctc()
    np.testing.assert_allclose(loss.asnumpy(), expected[0], rtol=1e-5)
    np.testing.assert_allclose(gradient.asnumpy(), expected[1], atol=1e-6)


def test_an_empty_target_aligns_with_blanks_only():
    loss, _ = ops.CTCLoss()(*tensors(SCORES, INDICES[3:], VALUES[3:], COUNTS))
    np.testing.assert_allclose(loss.asnumpy(), [cost(0, []), cost(1, [0]), cost(2, [2, 0])], rtol=1e-5)


def test_blanks_after_the_labels_are_padding():
    indices = np.concatenate([INDICES, [[1, 1], [1, 2]]])
    values = np.concatenate([VALUES, [KINDS - 1, KINDS - 1]]).astype(np.int32)
    loss, _ = ops.CTCLoss()(*tensors(SCORES, indices, values, COUNTS))
    np.testing.assert_allclose(loss.asnumpy(), sparse_ctc()[0], rtol=1e-6)
    with pytest.raises(LabelError, match=r"ops\.CTCLoss: .*for 3 is the blank, but sequence 2 has it between"):
        ops.CTCLoss()(*tensors(SCORES, INDICES, [1, 1, 2, 0, 3, 0], COUNTS))


def test_a_sequence_with_more_labels_than_frames():
    counts = Tensor(np.array([2, 3, 4], np.int32))
    given = tensors(SCORES, INDICES, VALUES)
    with pytest.raises(ArgumentError, match=r"sequence 0 has 2 frames and 3 labels\. Leave it out, or set ignore_lo"):
        ops.CTCLoss()(*given, counts)
    for merge in (True, False):
        loss, gradient = ops.CTCLoss(False, merge, True)(*given, counts)
        assert loss.asnumpy()[0] == 0
        assert np.all(gradient.asnumpy()[:, 0] == 0)
        assert np.all(loss.asnumpy()[1:] > 0)


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        ([[0, 0], [3, 0]], OutOfRangeError, r"`labels_indices\[:, 0\]` must be in \[0, 2\], but got 3"),
        ([[0, 0], [0, 2]], ArgumentError, r"must hold the positions 0, 1, 2, .* sequence 0 has 2 labels"),
        ([[0, 0]], ShapeError, r"must have shape \(M, 2\) and `labels_values` \(M,\), but got \(1, 2\) and \(2,\)"),
    ],
)  # fmt: skip
def test_invalid_positions(indices: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        ops.CTCLoss()(*tensors(SCORES, np.array(indices), np.array([0, 1], np.int32), COUNTS))


def test_ctc_loss_v2_and_the_function():
    log_probs = np.asarray(losses.log_softmax(SCORES))
    targets = np.array([[1, 1, 2], [2, 0, 0], [2, 1, 0]], np.int32)
    lengths = np.array([3, 1, 2], np.int32)
    given = tensors(log_probs, targets, COUNTS, lengths)
    values = np.asarray(losses.ctc_loss(log_probs, targets, COUNTS, lengths))
    loss, alpha = ops.CTCLossV2()(*given)
    np.testing.assert_allclose(loss.asnumpy(), values, rtol=1e-6)
    assert alpha.shape == (3, 5, 7)
    mean, _ = ops.ctc_loss(*given)
    assert mean.item() == pytest.approx(float(np.mean(values / lengths)), rel=1e-6)
    total, _ = ops.ctc_loss(*given[:2], tuple(COUNTS.tolist()), tuple(lengths.tolist()), reduction="sum")
    assert total.item() == pytest.approx(float(values.sum()), rel=1e-6)
    with pytest.raises(ArgumentError, match=r"ops\.CTCLossV2: `reduction` must be"):
        ops.CTCLossV2(reduction="mean")(*given)
    one, of_one = ops.ctc_loss(Tensor(log_probs[:, 0]), Tensor(targets[0]), Tensor(5), Tensor(3), reduction="none")
    assert (one.shape, of_one.shape) == ((), (5, 7))
    assert one.item() == pytest.approx(float(values[0]), rel=1e-6)


def test_the_best_class_of_each_frame():
    best = np.array([[0, 1, 3], [0, 3, 3], [3, 1, 0], [1, 1, 0], [1, 2, 0]])
    scores = np.full((5, 3, 4), -1.0, np.float32)
    np.put_along_axis(scores, best[..., None], np.float32(0.5), axis=2)
    lengths = Tensor(np.array([5, 4, 2], np.int32))
    indices, labels, shape, minus = ops.ctc_greedy_decoder(Tensor(scores), lengths)
    np.testing.assert_array_equal(indices, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(labels, [0, 1, 1, 1])
    np.testing.assert_array_equal(shape, [3, 2])
    np.testing.assert_allclose(minus.asnumpy(), [[-2.5], [-2.0], [-1.0]])
    _, apart, _, _ = ops.CTCGreedyDecoder(merge_repeated=False)(Tensor(scores), lengths)
    np.testing.assert_array_equal(apart, [0, 0, 1, 1, 1, 1, 1])
    with pytest.raises(OutOfRangeError, match=r"ops\.ctc_greedy_decoder: `sequence_length` must be in \[0, 5\]"):
        ops.ctc_greedy_decoder(Tensor(scores), Tensor([5, 6, 2]))


def test_the_transducer_returns_its_gradient():
    acts = RNG.normal(0.2, 1.0, (2, 4, 3, 5)).astype(np.float32)
    rest = tensors(np.array([[1, 2], [3, 0]], np.int32), np.array([4, 3], np.int32), np.array([2, 1], np.int32))
    costs, gradient = ops.RNNTLoss(blank_label=4)(Tensor(acts), *rest)
    expected = losses.rnnt_loss(acts, *(each.asnumpy() for each in rest), blank=4)
    np.testing.assert_allclose(costs.asnumpy(), np.asarray(expected), rtol=1e-6)
    np.testing.assert_allclose(gradient.asnumpy().sum(3), 0, atol=1e-6)
    assert np.all(gradient.asnumpy()[1, 3] == 0)
    step, nudge = 1e-2, RNG.normal(size=acts.shape).astype(np.float32)
    ahead, behind = (ops.RNNTLoss(4)(Tensor(acts + by * nudge), *rest)[0].asnumpy() for by in (step, -step))
    np.testing.assert_allclose(
        (gradient.asnumpy() * nudge).sum((1, 2, 3)), (ahead - behind) / (2 * step), rtol=2e-2, atol=1e-3
    )
