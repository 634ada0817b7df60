"""The package `mint`: re-exported names, and losses with other argument orders."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import sporax
from sporax import compat, mint, nn, ops
from sporax._errors import ArgumentError, ShapeError
from sporax.core import Tensor
from sporax.mint.nn import functional as F

RNG = np.random.default_rng(74)
X, Y = (RNG.normal(0.2, 1.1, (3, 4)).astype(np.float32) for _ in range(2))
P, Q = (RNG.uniform(0.1, 0.9, (3, 4)).astype(np.float32) for _ in range(2))
W = np.array([0.5, 2.0, 1.25, 0.75], np.float32)
CLASSES = np.array([2, 0, 3], np.int32)

CELLS = {
    "BCELoss": "(weight=None, reduction='mean')",
    "BCEWithLogitsLoss": "(weight=None, reduction='mean', pos_weight=None)",
    "CosineEmbeddingLoss": "(margin=0.0, reduction='mean')",
    "CrossEntropyLoss": "(weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    "KLDivLoss": "(reduction='mean', log_target=False)",
    "L1Loss": "(reduction='mean')",
    "MSELoss": "(reduction='mean')",
    "NLLLoss": "(weight=None, ignore_index=-100, reduction='mean')",
    "SmoothL1Loss": "(reduction='mean', beta=1.0)",
    "SoftMarginLoss": "(reduction='mean')",
}
FUNCTIONS = {
    "binary_cross_entropy": "(input, target, weight=None, reduction='mean')",
    "binary_cross_entropy_with_logits": "(input, target, weight=None, reduction='mean', pos_weight=None)",
    "cosine_embedding_loss": "(input1, input2, target, margin=0.0, reduction='mean')",
    "cross_entropy": "(input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    "kl_div": "(input, target, reduction='mean', log_target=False)",
    "l1_loss": "(input, target, reduction='mean')",
    "mse_loss": "(input, target, reduction='mean')",
    "nll_loss": "(input, target, weight=None, ignore_index=-100, reduction='mean')",
    "smooth_l1_loss": "(input, target, reduction='mean', beta=1.0)",
    "soft_margin_loss": "(input, target, reduction='mean')",
}


def bare(function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


@pytest.mark.parametrize("name", CELLS)
def test_a_loss_is_created_as_in_mindspore(name: str):
    assert bare(getattr(mint.nn, name)) == CELLS[name]
    assert isinstance(getattr(mint.nn, name)(), nn.LossBase)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_called_as_in_mindspore(name: str):
    assert bare(getattr(F, name)) == FUNCTIONS[name]


def test_every_listed_name_exists():
    for module in (mint, mint.nn, F):
        assert sorted(module.__all__) == sorted(set(module.__all__))
        for name in module.__all__:
            assert hasattr(module, name), name


def test_ops_are_reexported():
    for name in mint.__all__:
        assert name == "nn" or getattr(mint, name) is getattr(ops, name)
    # In mint these have other arguments or results than in ops.
    assert not {"cat", "equal", "max", "mean", "split", "std", "transpose"} & set(mint.__all__)


def test_mint_is_an_attribute_of_the_package():
    assert sporax.mint is mint
    compat.install()
    try:
        import mindspore.mint.nn.functional as functional
        from mindspore import mint as other

        assert functional.l1_loss is F.l1_loss
        assert other.abs is mint.abs
        import mindspore

        assert mindspore.ops.function.nn_func.nll_loss_ext is ops.nll_loss_ext
    finally:
        compat.uninstall()


def loss_of(cell: Any, *inputs: np.ndarray) -> np.ndarray:
    return cell(*map(Tensor, inputs)).asnumpy()


def test_cells_equal_their_functions():
    x, y, p, q, log_p = map(Tensor, (X, Y, P, Q, np.log(P)))
    weight, labels = Tensor(W), Tensor(CLASSES)
    signs = np.array([1, -1, -1], np.int32)
    for got, expected in (
        (loss_of(mint.nn.L1Loss("sum"), X, Y), F.l1_loss(x, y, "sum")),
        (loss_of(mint.nn.MSELoss("none"), X, Y[0]), F.mse_loss(x, Tensor(Y[0]), "none")),
        (loss_of(mint.nn.SmoothL1Loss("sum", 0.4), X, Y), F.smooth_l1_loss(x, y, "sum", 0.4)),
        (loss_of(mint.nn.SmoothL1Loss("sum", 0), X, Y), F.smooth_l1_loss(x, y, "sum", 0)),
        (loss_of(mint.nn.BCELoss(weight), P, Q), F.binary_cross_entropy(p, q, weight)),
        (
            loss_of(mint.nn.BCEWithLogitsLoss(weight, "sum", Tensor(2 * W)), X, Q),
            F.binary_cross_entropy_with_logits(x, q, weight, "sum", Tensor(2 * W)),
        ),
        (loss_of(mint.nn.KLDivLoss("batchmean", True), np.log(P), Q), F.kl_div(log_p, q, "batchmean", True)),
        (
            loss_of(mint.nn.CosineEmbeddingLoss(0.1), X, Y, signs),
            F.cosine_embedding_loss(x, y, Tensor(signs), 0.1),
        ),
        (loss_of(mint.nn.NLLLoss(weight, 0), np.log(P), CLASSES), F.nll_loss(log_p, labels, weight, 0)),
        (
            loss_of(mint.nn.CrossEntropyLoss(weight, 0, "none", 0.2), X, CLASSES),
            F.cross_entropy(x, labels, weight, 0, "none", 0.2),
        ),
        (loss_of(mint.nn.SoftMarginLoss(), X, np.sign(Y)), F.soft_margin_loss(x, Tensor(np.sign(Y)))),
    ):
        np.testing.assert_allclose(got, expected.asnumpy(), rtol=1e-6)


def test_smooth_l1_with_beta_zero_is_the_absolute_error():
    np.testing.assert_allclose(loss_of(mint.nn.SmoothL1Loss(beta=0), X, Y), np.abs(X - Y).mean(), rtol=1e-6)
    with pytest.raises(ArgumentError, match="SmoothL1Loss: `beta` must be"):
        mint.nn.SmoothL1Loss(beta=-1.0)


def test_the_divergence_broadcasts_if_one_input_has_the_shape_of_the_result():
    got = loss_of(mint.nn.KLDivLoss("none"), np.log(P), Q[:1])
    np.testing.assert_array_equal(got, F.kl_div(Tensor(np.log(P)), Tensor(Q[:1]), "none").asnumpy())
    with pytest.raises(ShapeError, match="KLDivLoss: `labels` must have shape"):
        mint.nn.KLDivLoss()(Tensor(np.log(P[:, :1])), Tensor(Q[0]))


def test_inputs_have_mints_names():
    for name in ("BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "KLDivLoss", "MSELoss", "NLLLoss", "SmoothL1Loss"):
        assert list(inspect.signature(getattr(mint.nn, name).construct).parameters) == ["self", "input", "target"]


def test_labels_of_shape_n_1_are_checked_as_in_nn():
    loss = mint.nn.CrossEntropyLoss()
    with pytest.raises(sporax.LabelError, match=r"must be class indices in \[0, 4\), but got 7"):
        loss.check_labels({"logits": (3, 4)}, np.array([0, 7, 1]))
