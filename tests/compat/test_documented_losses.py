"""Losses for the inputs in MindSpore's documentation, against the values printed there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sporax import mint, nn, ops
from sporax.core import Tensor


def f32(*values: Any) -> Tensor:
    return Tensor(np.array(values, np.float32))


def i32(*values: Any) -> Tensor:
    return Tensor(np.array(values, np.int32))


LOGITS, TARGETS = f32([-0.8, 1.2, 0.7], [-0.1, -0.4, 0.7]), f32([0.3, 0.8, 1.2], [-0.6, 0.1, 2.2])
ONES = f32(1, 1, 1)
PROBABILITIES, LABELS, WEIGHT = f32(0.2, 0.7, 0.1), f32(0, 1, 0), f32(1, 2, 2)
PAIR = f32([0.3, 0.8], [0.4, 0.3]), f32([0.4, 1.2], [-0.4, -0.9]), i32(1, -1)
ROWS = f32([0.3, 0.7], [0.5, 0.5]), f32([0.4, 0.6], [0.4, 0.6]), f32([0.2, 0.9], [0.3, 0.7])
SIDES = f32([0.3, 0.7], [0.5, 0.5]), f32([-1, 1], [1, -1])
SHORT = f32(1, 2, 3), f32([1, 1, 1], [1, 2, 2])
LISTS = f32([0.1, 0.2, 0.4, 0.8], [0.2, 0.3, 0.5, 0.7]), i32([1, 2, 0, 3], [2, 3, -1, 1])
CLASSES = f32([1, 1, 1], [1, 1, 1], [1, 1, 1]), Tensor(np.array([1, 2, 1], np.int64))
NORMALS = (
    Tensor(np.arange(8, dtype=np.float32).reshape(4, 2)),
    f32([2, 3], [1, 4], [6, 4], [4, 9]),
    Tensor(np.ones((4, 1), np.float32)),
)
DISTANCES = f32([0.9, -1.2, 2], [0.8, 3.9, 2], [1, 0, -1]), f32([1, 1, -1], [1, -1, 1], [-1, 1, 1])
RANKS = f32(0.3864, -2.4093, -1.4076), f32(-0.6012, -1.6681, 1.2928), f32(-1, -1, 1)
SEQUENCE = f32([[0.3, 0.6, 0.6]], [[0.9, 0.4, 0.2]]), i32([0, 1]), i32(2), i32(1)
LIKELIHOODS = f32([0.5488135, 0.71518934], [0.60276335, 0.5448832], [0.4236548, 0.6458941]), i32(0, 0, 0)
FIVE = f32([2, 4, 1, 4, 5], [2, 1, 2, 4, 3]), f32([0, 0, 0, 0, 1], [0, 0, 0, 1, 0])
SPARSE = f32([2, 3, 1, 4, 5], [2, 1, 2, 4, 3]), i32(0, 1)
DIVERGENCE = f32([0.5, 0.5], [0.4, 0.6]), f32([0, 1], [1, 0])
SOFT = f32([0.3, 0.6, 0.6], [0.9, 0.4, 0.2]), f32([0, 0, 1], [0, 0, 1])
FRAMES = f32([[0.3, 0.6, 0.6], [0.4, 0.3, 0.9]], [[0.9, 0.4, 0.2], [0.9, 0.9, 0.1]])

DOCUMENTED: dict[str, tuple[Callable[[], Any], Any]] = {
    "ops.binary_cross_entropy": (lambda: ops.binary_cross_entropy(PROBABILITIES, LABELS, WEIGHT), 0.38240486),
    "ops.binary_cross_entropy_with_logits": (
        lambda: ops.binary_cross_entropy_with_logits(LOGITS, TARGETS, ONES, ONES), 0.3463612,
    ),
    "ops.cosine_embedding_loss": (lambda: ops.cosine_embedding_loss(*PAIR), 0.0003425479),
    "ops.ctc_loss": (lambda: ops.ctc_loss(*SEQUENCE, 0, "mean", True)[0], -2.2986124),
    "ops.gaussian_nll_loss": (lambda: ops.gaussian_nll_loss(*NORMALS), 1.4374993),
    "ops.hinge_embedding_loss": (lambda: ops.hinge_embedding_loss(*DISTANCES, margin=1.0), 0.16666666),
    "ops.huber_loss": (lambda: ops.huber_loss(f32(1, 2, 10, 2), f32(1, 5, 1, 20), "mean", 2), 13.5),
    "ops.kl_div": (lambda: ops.kl_div(PROBABILITIES, LABELS, "mean"), -0.23333333),
    "ops.l1_loss": (lambda: ops.l1_loss(f32([1, 2, 3], [4, 5, 6]), f32([6, 5, 4], [3, 2, 1])), 3.0),
    "ops.margin_ranking_loss": (lambda: ops.margin_ranking_loss(*RANKS), 1.2293333),
    "ops.mse_loss": (lambda: ops.mse_loss(*SHORT, reduction="none"), [[0, 1, 4], [0, 0, 1]]),
    "ops.mse_loss_ext": (lambda: ops.mse_loss_ext(*SHORT, reduction="none"), [[0, 1, 4], [0, 0, 1]]),
    "ops.multi_margin_loss": (lambda: ops.multi_margin_loss(*CLASSES, weight=ONES), 0.6666667),
    "ops.multilabel_margin_loss": (lambda: ops.multilabel_margin_loss(*LISTS), 0.325),
    "ops.multilabel_soft_margin_loss": (lambda: ops.multilabel_soft_margin_loss(*SOFT), 0.84693956),
    "ops.smooth_l1_loss": (lambda: ops.smooth_l1_loss(f32(1, 2, 3), f32(1, 2, 2)), [0, 0, 0.5]),
    "ops.soft_margin_loss": (lambda: ops.soft_margin_loss(*SIDES), 0.6764238),
    "ops.triplet_margin_loss": (lambda: ops.triplet_margin_loss(*ROWS), 0.8881968),
    "ops.BCEWithLogitsLoss": (lambda: ops.BCEWithLogitsLoss()(LOGITS, TARGETS, ONES, ONES), 0.3463612),
    "ops.BinaryCrossEntropy": (lambda: ops.BinaryCrossEntropy()(PROBABILITIES, LABELS, WEIGHT), 0.38240486),
    "ops.CTCLossV2": (lambda: ops.CTCLossV2(0, "none", False)(*SEQUENCE)[0], [-2.2986124]),
    "ops.KLDivLoss": (lambda: ops.KLDivLoss("sum")(PROBABILITIES, LABELS), -0.7),
    "ops.L2Loss": (lambda: ops.L2Loss()(Tensor(np.array([1, 2, 3], np.float16))), 7.0),
    "ops.MultiMarginLoss": (lambda: ops.MultiMarginLoss()(*CLASSES, ONES), 0.6666667),
    "ops.MultilabelMarginLoss": (lambda: ops.MultilabelMarginLoss()(*LISTS), (0.325, [[1, 1, 1, 1], [0, 0, 1, 1]])),
    "ops.NLLLoss": (lambda: ops.NLLLoss("mean")(*LIKELIHOODS, f32(0.3834415, 0.79172504)), (-0.52507716, 1.1503246)),
    "ops.SigmoidCrossEntropyWithLogits": (
        lambda: ops.SigmoidCrossEntropyWithLogits()(LOGITS, TARGETS),
        [[0.6111007, 0.5032824, 0.26318604], [0.58439666, 0.5530153, -0.4368139]],
    ),
    "ops.SoftmaxCrossEntropyWithLogits": (
        lambda: ops.SoftmaxCrossEntropyWithLogits()(*FIVE),
        (
            [0.5899297, 0.52374405],
            [
                [0.02760027, 0.20393994, 0.01015357, 0.20393994, -0.44563377],
                [0.08015892, 0.02948882, 0.08015892, -0.4077012, 0.21789455],
            ],
        ),
    ),
    "ops.SparseSoftmaxCrossEntropyWithLogits": (
        lambda: ops.SparseSoftmaxCrossEntropyWithLogits()(*SPARSE), 3.4878292,
    ),
    "ops.SparseSoftmaxCrossEntropyWithLogits(is_grad)": (
        lambda: ops.SparseSoftmaxCrossEntropyWithLogits(is_grad=True)(*SPARSE),
        [
            [-0.48415753, 0.04306427, 0.00582811, 0.11706084, 0.3182043],
            [0.04007946, -0.4852556, 0.04007946, 0.2961494, 0.10894729],
        ],
    ),
    "ops.TripletMarginLoss": (lambda: ops.TripletMarginLoss()(*ROWS, Tensor(1.0)), 0.8881968),
    # The labels of this case are the blank.
    "ops.CTCLoss": (
        lambda: ops.CTCLoss()(FRAMES, Tensor(np.array([[0, 0], [1, 0]])), i32(2, 2), i32(2, 2)),
        (
            [0.79628, 0.5995158],
            [
                [[0.27029088, 0.36485454, -0.6351454], [0.28140804, 0.25462854, -0.5360366]],
                [[0.47548494, 0.2883962, 0.04510255], [0.4082751, 0.4082751, 0.02843709]],
            ],
        ),
    ),
    "mint.nn.BCELoss": (
        lambda: mint.nn.BCELoss(f32([1.0, 2.0, 3.0], [4.0, 3.3, 2.2]))(
            f32([0.1, 0.2, 0.3], [0.5, 0.7, 0.9]), f32([0, 1, 0], [0, 0, 1])
        ),
        1.8952923,
    ),
    "mint.nn.BCEWithLogitsLoss": (lambda: mint.nn.BCEWithLogitsLoss()(LOGITS, TARGETS), 0.3463612),
    "mint.nn.CosineEmbeddingLoss": (lambda: mint.nn.CosineEmbeddingLoss()(*PAIR), 0.0003425479),
    "mint.nn.KLDivLoss": (lambda: mint.nn.KLDivLoss(reduction="mean", log_target=False)(*DIVERGENCE), -0.225),
    "nn.KLDivLoss of mint": (lambda: nn.KLDivLoss(reduction="mean", log_target=False)(*DIVERGENCE), -0.225),
    "mint.nn.L1Loss": (lambda: mint.nn.L1Loss(reduction="none")(*SHORT), [[0, 1, 2], [0, 0, 1]]),
    "mint.nn.MSELoss": (lambda: mint.nn.MSELoss()(f32(1, 2, 3), f32(1, 1, 1)), 1.6666667),
    "mint.nn.SmoothL1Loss": (lambda: mint.nn.SmoothL1Loss()(f32(2, 2, 3), f32(2, 2, 2)), 0.16666667),
    "mint.nn.SoftMarginLoss": (lambda: mint.nn.SoftMarginLoss()(*SIDES), 0.6764238),
    "mint.nn.functional.binary_cross_entropy_with_logits": (
        lambda: mint.nn.functional.binary_cross_entropy_with_logits(LOGITS, TARGETS, ONES, "mean", ONES), 0.3463612,
    ),
    "mint.nn.functional.smooth_l1_loss": (
        lambda: mint.nn.functional.smooth_l1_loss(f32(2, 2, 3), f32(2, 2, 2), "none", 1.0), [0, 0, 0.5],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_documented_values(name: str):
    run, expected = DOCUMENTED[name]
    got = run()
    pairs = zip(got, expected, strict=True) if isinstance(expected, tuple) else [(got, expected)]
    for one, numbers in pairs:
        assert one.shape == np.shape(numbers)
        np.testing.assert_allclose(one.asnumpy(), np.asarray(numbers), rtol=1e-5, atol=2e-7)


def test_the_documented_shapes_of_random_results():
    acts = np.random.default_rng(3).random((1, 2, 3, 5)).astype(np.float32)
    costs, gradient = ops.RNNTLoss(blank_label=0)(Tensor(acts), i32([1, 2]), i32(2), i32(2))
    assert (costs.shape, gradient.shape) == ((1,), (1, 2, 3, 5))
    true = Tensor(np.array([[1], [3], [4], [6], [3]], np.int64))
    for drawn in (
        ops.uniform_candidate_sampler(true, 1, 3, False, 4, 1),
        ops.UniformCandidateSampler(1, 3, False, 4, 1)(true),
    ):
        assert [each.shape for each in drawn] == [(3,), (5, 1), (3,)]
    drawn = ops.log_uniform_candidate_sampler(Tensor(np.array([[1, 7], [0, 4], [3, 3]])), 2, 5, True, 5)
    assert [each.shape for each in drawn] == [(5,), (3, 2), (5,)]
    assert sorted(drawn[0].tolist()) == [0, 1, 2, 3, 4]


def test_the_documented_alignments():
    _, alpha = ops.ctc_loss(*SEQUENCE, 0, "none")
    inf = float("inf")
    expected = [[[0.3, 0.3, -inf, -inf, -inf], [1.2, 1.8931472, 1.2, -inf, -inf]]]
    np.testing.assert_allclose(alpha.asnumpy(), expected, rtol=1e-6)
