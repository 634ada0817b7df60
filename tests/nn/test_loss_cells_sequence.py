"""CTC, transducer, ranking, preference and distillation as Cells."""

import inspect

import numpy as np
import pytest

from sporax import dtype as mstype
from sporax import losses, nn
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError
from sporax.core import Tensor
from sporax.transforms import value_and_grad

SIGNATURES = {
    # MindSpore 2.10
    "CTCLoss": "(blank=0, reduction='mean', zero_infinity=False)",
    # torchaudio 2.8, but MindSpore's blank
    "RNNTLoss": "(blank=0, clamp=-1.0, reduction='mean', fused_log_softmax=True)",
    "RankNetLoss": "(sigma=1.0, reduction='mean')",
    "ListNetLoss": "(reduction='mean')",
    "ListMLELoss": "(reduction='mean')",
    "LambdaRankLoss": "(sigma=1.0, k=None, reduction='mean')",
    "RankingSoftmaxLoss": "(reduction='mean')",
    "DPOLoss": "(beta=0.1, label_smoothing=0.0, reference_free=False, loss_type='sigmoid', reduction='mean')",
    "DistillationLoss": "(temperature=1.0, alpha=0.5, reduction='mean')",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    parameters = inspect.signature(getattr(nn, name)).parameters.values()
    assert str(inspect.Signature([p.replace(annotation=p.empty) for p in parameters])) == SIGNATURES[name]


def test_ctc_of_mindspores_documented_example():
    T, C, N, S, S_min = 5, 2, 2, 3, 2
    arr = np.arange(T * N * C).reshape((T, N, C))
    ms_input = Tensor(arr, dtype=mstype.float32)
    input_lengths = Tensor(np.full(shape=(N), fill_value=T), dtype=mstype.int32)
    target_lengths = Tensor(np.full(shape=(N), fill_value=S_min), dtype=mstype.int32)
    target = Tensor(np.random.randint(1, C, size=(N, S)), dtype=mstype.int32)
    ctc_loss = nn.CTCLoss(blank=0, reduction="none", zero_infinity=False)
    loss = ctc_loss(ms_input, target, input_lengths, target_lengths)
    np.testing.assert_allclose(loss.asnumpy(), [-45.79497, -55.794968], rtol=1e-6)
    arr = np.arange(T * C).reshape((T, C))
    ms_input = Tensor(arr, dtype=mstype.float32)
    input_lengths = Tensor([T], dtype=mstype.int32)
    target_lengths = Tensor([S_min], dtype=mstype.int32)
    target = Tensor(np.random.randint(1, C, size=(S_min,)), dtype=mstype.int32)
    loss = ctc_loss(ms_input, target, input_lengths, target_lengths)
    assert loss.shape == ()
    np.testing.assert_allclose(loss.asnumpy(), -25.794968, rtol=1e-6)


def sequences():
    log_probs = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)
    log_probs -= np.log(np.exp(log_probs).sum(-1, keepdims=True))
    return Tensor(log_probs), Tensor(np.array([[1, 2], [3, -1], [1, 1]], np.int32))


def test_ctc_mean_divides_by_the_length_of_the_target():
    log_probs, targets = sequences()
    lengths = (5, 4, 2), (2, 1, 2)
    values = nn.CTCLoss(reduction="none")(log_probs, targets, *lengths).asnumpy()
    assert np.isinf(values[2])
    kept = nn.CTCLoss(reduction="none", zero_infinity=True)(log_probs, targets, *lengths).asnumpy()
    np.testing.assert_array_equal(kept, [values[0], values[1], 0])
    mean = nn.CTCLoss(zero_infinity=True)(log_probs, targets, *lengths)
    np.testing.assert_allclose(mean.asnumpy(), (kept[0] / 2 + kept[1]) / 3, rtol=1e-6)
    total = nn.CTCLoss(reduction="sum", zero_infinity=True)(log_probs, targets, *lengths)
    np.testing.assert_allclose(total.asnumpy(), kept.sum(), rtol=1e-6)


def test_ctc_gradients_are_nonzero_and_finite():
    log_probs, targets = sequences()
    lengths = Tensor(np.array([5, 4, 2])), Tensor(np.array([2, 1, 2]))
    value, gradient = value_and_grad(nn.CTCLoss(reduction="sum"))(log_probs, targets, *lengths)
    assert np.isinf(value.asnumpy())
    assert np.isfinite(gradient.asnumpy()).all()
    assert np.abs(gradient.asnumpy()).sum((0, 2)).astype(bool).tolist() == [True, True, False]


def test_ctc_labels_are_checked():
    log_probs, targets = sequences()
    with pytest.raises(LabelError, match="`target_lengths` must be in"):
        nn.CTCLoss()(log_probs, targets, (5, 5, 5), (2, 1, 3))
    with pytest.raises(ArgumentError, match="CTCLoss: `blank` must be at least 0"):
        nn.CTCLoss(blank=-1)
    with pytest.raises(ArgumentTypeError, match="CTCLoss: `zero_infinity` must be bool"):
        nn.CTCLoss(zero_infinity=1)  # pyright: ignore[reportArgumentType]


def test_rnnt_reductions():
    rng = np.random.default_rng(1)
    arrays = rng.normal(size=(2, 3, 3, 5)).astype(np.float32), rng.integers(1, 5, (2, 2)), [3, 2], [2, 1]
    inputs = [Tensor(np.asarray(each)) for each in arrays]
    values = losses.rnnt_loss(*[np.asarray(each) for each in arrays], blank=-1)
    for kind, expected in (("none", values), ("sum", values.sum()), ("mean", values.mean())):
        got = nn.RNNTLoss(blank=-1, reduction=kind)(*inputs)
        np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-6)
    with pytest.raises(ArgumentTypeError, match="RNNTLoss: `clamp` must be a number"):
        nn.RNNTLoss(clamp="1")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["RankNetLoss", "ListNetLoss", "ListMLELoss", "LambdaRankLoss", "RankingSoftmaxLoss"])
def test_ranking_accepts_a_mask(name):
    scores, grades = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]], np.float32), np.array([[0.0, 2.0, 1.0]] * 2)
    mask = Tensor(np.array([[True, True, False], [False] * 3]))
    loss = getattr(nn, name)()
    masked = loss(Tensor(scores), Tensor(grades.astype(np.float32)), mask)
    pair = loss(Tensor(scores[:1, :2]), Tensor(grades[:1, :2].astype(np.float32)))
    np.testing.assert_allclose(masked.asnumpy(), pair.asnumpy(), rtol=1e-6)
    # The sums of an evaluation do not include the empty list either.
    total, count = loss.sum_and_weight(Tensor(scores), Tensor(grades.astype(np.float32)), mask)
    np.testing.assert_allclose([total.asnumpy(), count.asnumpy()], [masked.asnumpy(), 1], rtol=1e-6)


def test_dpo_requires_a_reference_by_default():
    chosen, rejected = Tensor(np.array([-1.0], np.float32)), Tensor(np.array([-3.0], np.float32))
    with pytest.raises(ArgumentError, match="use reference_free=True"):
        nn.DPOLoss()(chosen, rejected)
    got = nn.DPOLoss(beta=0.5, reference_free=True)(chosen, rejected)
    np.testing.assert_allclose(got.asnumpy(), np.log1p(np.exp(-1)), rtol=1e-6)
    with pytest.raises(ArgumentError, match="DPOLoss: `loss_type` must be one of 'sigmoid', 'ipo'"):
        nn.DPOLoss(loss_type="hinge")


def test_labels_of_distillation_are_optional():
    rng = np.random.default_rng(3)
    student, teacher = (Tensor(each) for each in rng.normal(size=(2, 4, 5)).astype(np.float32))
    labels = np.array([0, 4, 2, 2])
    loss = nn.DistillationLoss(temperature=2.0, alpha=0.25)
    soft = loss(student, teacher)
    hard = losses.evaluate(losses.sparse_softmax_cross_entropy_with_logits, student.asnumpy(), labels)
    mixed = loss(student, teacher, Tensor(labels))
    np.testing.assert_allclose(mixed.asnumpy(), 0.25 * soft.asnumpy() + 0.75 * hard, rtol=1e-5)
    assert loss.loss_info(teacher.asnumpy()).name == "distillation_loss"
    loss.check_labels({"logits": (4, 5)}, teacher.asnumpy(), labels)
    with pytest.raises(LabelError, match="`labels` must be class indices"):
        loss.check_labels({"logits": (4, 5)}, teacher.asnumpy(), labels + 3)
