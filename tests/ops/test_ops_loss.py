"""Losses as ops: functions of `sporax.losses` with a reduction and MindSpore's signature."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from sporax import losses, ops
from sporax._errors import ArgumentError, DtypeError, LabelError, ShapeError
from sporax.core import Tensor
from sporax.transforms import grad, jit

RNG = np.random.default_rng(71)
N, C = 3, 4
X, Y, Z = (RNG.normal(0.2, 1.1, (N, C)).astype(np.float32) for _ in range(3))
P, Q = (RNG.uniform(0.1, 0.9, (N, C)).astype(np.float32) for _ in range(2))
LOGP = np.log(P / P.sum(1, keepdims=True))
SIGNS = np.where(RNG.random((N, C)) > 0.5, 1, -1).astype(np.float32)
W = np.array([0.5, 2.0, 1.25, 0.75], np.float32)
CLASSES = np.array([2, 0, 3], np.int32)
LISTS = np.array([[1, 3, -1, 0], [0, -1, 2, 2], [-1, 1, 1, 1]], np.int32)

# name: (signature as in MindSpore 2.10, inputs, hyper-parameters)
CASES: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "l1_loss": (
        "(input, target, reduction='mean')",
        (X, Y),
        {},
    ),
    "mse_loss": (
        "(input, target, reduction='mean')",
        (X, Y[0]),
        {},
    ),
    "smooth_l1_loss": (
        "(input, target, beta=1.0, reduction='none')",
        (X, Y),
        {"beta": 0.7},
    ),
    "huber_loss": (
        "(input, target, reduction='mean', delta=1.0)",
        (X, Y),
        {"delta": 0.7},
    ),
    "gaussian_nll_loss": (
        "(x, target, var, full=False, eps=1e-06, reduction='mean')",
        (X, Y, P[:, :1]),
        {"full": True},
    ),
    "kl_div": (
        "(logits, labels, reduction='mean')",
        (LOGP, Q),
        {},
    ),
    "binary_cross_entropy": (
        "(logits, labels, weight=None, reduction='mean')",
        (P, Q),
        {"weight": W},
    ),
    "binary_cross_entropy_with_logits": (
        "(input, target, weight=None, pos_weight=None, reduction='mean')",
        (X, Q),
        {"weight": W, "pos_weight": W[::-1]},
    ),
    "soft_margin_loss": (
        "(input, target, reduction='mean')",
        (X, SIGNS),
        {},
    ),
    "multilabel_soft_margin_loss": (
        "(input, target, weight=None, reduction='mean')",
        (X, (SIGNS + 1) / 2),
        {"weight": W},
    ),
    "hinge_embedding_loss": (
        "(inputs, targets, margin=1.0, reduction='mean')",
        (X, SIGNS),
        {"margin": 0.6},
    ),
    "cross_entropy": (
        "(input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
        (X, CLASSES),
        {"weight": W, "ignore_index": 0, "label_smoothing": 0.2},
    ),
    "nll_loss": (
        "(inputs, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
        (LOGP, CLASSES),
        {"weight": W, "ignore_index": 3, "label_smoothing": 0.1},
    ),
    "multi_margin_loss": (
        "(input, target, p=1, margin=1, weight=None, reduction='mean')",
        (X, CLASSES),
        {"p": 2, "margin": 0.8, "weight": W},
    ),
    "multilabel_margin_loss": (
        "(input, target, reduction='mean')",
        (X, LISTS),
        {},
    ),
    "cosine_embedding_loss": (
        "(input1, input2, target, margin=0.0, reduction='mean')",
        (X, Y, SIGNS[:, 0]),
        {"margin": 0.1},
    ),
    "margin_ranking_loss": (
        "(input1, input2, target, margin=0.0, reduction='mean')",
        (X, Y, SIGNS),
        {"margin": 0.3},
    ),
    "triplet_margin_loss": (
        "(anchor, positive, negative, margin=1.0, p=2, eps=1e-06, swap=False, reduction='mean')",
        (X, Y, Z),
        {"margin": 0.4, "p": 3, "swap": True},
    ),
}  # fmt: skip


def tensors(values: Any) -> list[Tensor]:
    return [Tensor(value) for value in values]


def given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: Tensor(value) if isinstance(value, np.ndarray) else value for name, value in options.items()}


@pytest.mark.parametrize("name", CASES)
def test_an_op_equals_its_loss_with_a_reduction(name: str):
    _, inputs, hyper = CASES[name]
    for reduction in ("none", "mean", "sum"):
        expected = losses.evaluate(getattr(losses, name), *inputs, reduction=reduction, **hyper)
        got = getattr(ops, name)(*tensors(inputs), reduction=reduction, **given(hyper))
        np.testing.assert_allclose(got.asnumpy(), np.asarray(expected), rtol=1e-6)
        assert got.asnumpy().dtype == np.float32


@pytest.mark.parametrize("name", CASES)
def test_signatures_match_mindspore(name: str):
    parameters = inspect.signature(getattr(ops, name)).parameters.values()
    found = inspect.Signature([each.replace(annotation=each.empty) for each in parameters])
    assert str(found) == CASES[name][0]


@pytest.mark.parametrize("name", CASES)
def test_the_error_for_an_unknown_reduction_names_the_op(name: str):
    _, inputs, *_ = CASES[name]
    with pytest.raises(ArgumentError, match=rf"ops\.{name}: `reduction` must be one of .*but got 'average'"):
        getattr(ops, name)(*tensors(inputs), reduction="average")


def test_names_of_the_newer_functions():
    assert ops.l1_loss_ext is ops.l1_loss
    assert ops.mse_loss_ext is ops.mse_loss
    assert ops.cross_entropy_ext is ops.cross_entropy
    got = ops.nll_loss_ext(*tensors((LOGP, CLASSES)), Tensor(W), 0, "sum")
    np.testing.assert_array_equal(got, ops.nll_loss(*tensors((LOGP, CLASSES)), Tensor(W), 0, "sum"))


def test_probabilities_select_the_soft_cross_entropy():
    target = Q / Q.sum(1, keepdims=True)
    got = ops.cross_entropy(*tensors((X, target)), Tensor(W), reduction="none", label_smoothing=0.2)
    expected = losses.soft_cross_entropy(X, target, weight=W, label_smoothing=0.2)
    np.testing.assert_allclose(got.asnumpy(), np.asarray(expected), rtol=1e-6)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_one_sample_without_a_batch(reduction: str):
    for one, all_of_it in (
        (ops.cross_entropy(Tensor(X[1]), Tensor(2), Tensor(W), -100, reduction, 0.1),
         ops.cross_entropy(Tensor(X[1:2]), Tensor([2]), Tensor(W), -100, reduction, 0.1)),
        (ops.cross_entropy(Tensor(X[1]), Tensor(Q[1]), reduction=reduction),
         ops.cross_entropy(Tensor(X[1:2]), Tensor(Q[1:2]), reduction=reduction)),
        (ops.nll_loss(Tensor(LOGP[1]), Tensor(3), reduction=reduction),
         ops.nll_loss(Tensor(LOGP[1:2]), Tensor([3]), reduction=reduction)),
        (ops.multi_margin_loss(Tensor(X[1]), Tensor(3), reduction=reduction),
         ops.multi_margin_loss(Tensor(X[1:2]), Tensor([3]), reduction=reduction)),
        (ops.multilabel_margin_loss(Tensor(X[1]), Tensor(LISTS[1]), reduction=reduction),
         ops.multilabel_margin_loss(Tensor(X[1:2]), Tensor(LISTS[1:2]), reduction=reduction)),
        (ops.cosine_embedding_loss(Tensor(X[1]), Tensor(Y[1]), Tensor(-1), -1.0, reduction),
         ops.cosine_embedding_loss(Tensor(X[1:2]), Tensor(Y[1:2]), Tensor([-1]), -1.0, reduction)),
    ):  # fmt: skip
        assert one.shape == ()
        np.testing.assert_array_equal(one.asnumpy(), all_of_it.asnumpy().reshape(()))


def test_additional_axes():
    logits = RNG.normal(0.1, 1.0, (2, 4, 3, 2)).astype(np.float32)
    labels = RNG.integers(0, 4, (2, 3, 2)).astype(np.int64)
    got = ops.cross_entropy(Tensor(logits), Tensor(labels), reduction="none")
    assert got.shape == (2, 3, 2)
    flat = np.moveaxis(logits, 1, -1).reshape(-1, 4)
    np.testing.assert_allclose(
        got.asnumpy().reshape(-1),
        ops.cross_entropy(Tensor(flat), Tensor(labels.reshape(-1)), reduction="none").asnumpy(),
        rtol=1e-6,
    )


def test_divergence_has_batchmean_and_log_target():
    whole = ops.kl_div(*tensors((LOGP, Q)), "sum").item()
    assert ops.kl_div(*tensors((LOGP, Q)), "batchmean").item() == pytest.approx(whole / N, rel=1e-6)
    in_logs = ops.kl_div_ext(*tensors((LOGP, np.log(Q))), "sum", True)
    assert in_logs.item() == pytest.approx(whole, rel=1e-5)
    with pytest.raises(ArgumentError, match=r"ops\.kl_div: `reduction` must be one of .*'batchmean'.*but got 'batch'"):
        ops.kl_div(*tensors((LOGP, Q)), "batch")


def test_only_the_newer_divergence_broadcasts():
    got = ops.kl_div_ext(*tensors((LOGP, Q[:1])), "none")
    np.testing.assert_array_equal(got, ops.kl_div(*tensors((LOGP, np.repeat(Q[:1], N, 0))), "none"))
    np.testing.assert_array_equal(ops.kl_div_ext(*tensors((LOGP[0], Q)), "none").shape, (N, C))
    with pytest.raises(ShapeError, match=r"ops\.kl_div: `labels` must have shape \(3, 4\), but got \(1, 4\)"):
        ops.kl_div(*tensors((LOGP, Q[:1])))
    with pytest.raises(ShapeError, match=r"ops\.kl_div_ext: `labels` must have shape \(3, 1\), but got \(4,\)"):
        ops.kl_div_ext(*tensors((LOGP[:, :1], Q[0])))


def test_invalid_labels_and_shapes():
    with pytest.raises(LabelError, match=r"ops\.cross_entropy: `labels` must be class indices in \[0, 4\), but got 4"):
        ops.cross_entropy(Tensor(X), Tensor([0, 4, 1]))
    with pytest.raises(LabelError, match=r"ops\.soft_margin_loss: `labels` must be 1 or -1, but got 0"):
        ops.soft_margin_loss(Tensor(X), Tensor(np.zeros_like(X)))
    with pytest.raises(ShapeError, match=r"ops\.l1_loss: .*\(4, 1\) and .*\(4,\)"):
        ops.l1_loss(Tensor(W[:, None]), Tensor(W))
    with pytest.raises(DtypeError, match=r"ops\.nll_loss: `labels` must hold integers"):
        ops.nll_loss(Tensor(LOGP), Tensor([0.0, 1.0, 2.0]))
    with pytest.raises(ArgumentError, match=r"`margin` must be"):
        ops.triplet_margin_loss(*tensors((X, Y, Z)), margin=-1.0)


def test_a_margin_may_be_a_tensor():
    got = ops.triplet_margin_loss(*tensors((X, Y, Z)), margin=Tensor(0.4))
    assert got.item() == pytest.approx(ops.triplet_margin_loss(*tensors((X, Y, Z)), margin=0.4).item(), rel=1e-6)


def test_gradients_are_correct_and_compiled_code_agrees():
    def loss(x: Tensor) -> Tensor:
        return ops.cross_entropy(x, Tensor(CLASSES), Tensor(W), 0, "mean", 0.2) + ops.huber_loss(x, Tensor(Y))

    gradient = grad(loss)(Tensor(X))
    np.testing.assert_allclose(jit(grad(loss))(Tensor(X)).asnumpy(), gradient.asnumpy(), rtol=1e-5, atol=1e-7)
    nudge = RNG.normal(size=X.shape).astype(np.float32)
    step = 1e-2
    difference = (loss(Tensor(X + step * nudge)).item() - loss(Tensor(X - step * nudge)).item()) / (2 * step)
    assert float((gradient.asnumpy() * nudge).sum()) == pytest.approx(difference, rel=1e-2)
