"""Margin losses as Cells: signatures, MindSpore's documented examples, arguments."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from sporax import losses, nn
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError
from sporax.core import Tensor

SIGNATURES = {
    "HingeEmbeddingLoss": "(margin=1.0, reduction='mean')",
    "HingeLoss": "(reduction='mean')",
    "SquaredHingeLoss": "(reduction='mean')",
    "CategoricalHingeLoss": "(reduction='mean')",
    "PerceptronLoss": "(reduction='mean')",
    "MulticlassHingeLoss": "(reduction='mean')",
    "MulticlassPerceptronLoss": "(reduction='mean')",
    "MultiMarginLoss": "(p=1, margin=1.0, reduction='mean', weight=None)",
    "MultilabelMarginLoss": "(reduction='mean')",
}

X = np.array([[0.1, 0.5, -0.3], [0.9, 0.8, 1.0]], np.float32)
CLASSES = np.array([1, 2])
WEIGHT = np.array([1.0, 2.0, 3.0], np.float32)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_matches_the_named_framework(name):
    signature = inspect.signature(getattr(nn, name))
    plain = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
    assert str(inspect.Signature(plain)) == SIGNATURES[name]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("HingeEmbeddingLoss", ["logits", "labels"]),
        ("MultiMarginLoss", ["x", "target", "weight"]),
        ("MultilabelMarginLoss", ["x", "target"]),
    ],
)
def test_inputs_have_the_names_of_mindspore(name, names):
    assert list(inspect.signature(getattr(nn, name).construct).parameters)[1:] == names


def test_the_documented_examples():
    distances = Tensor(np.array([0.9, -1.2, 2, 0.8, 3.9, 2, 1, 0, -1], np.float32).reshape(3, 3))
    pairs = Tensor(np.array([1, 1, -1, 1, -1, 1, -1, 1, 1], np.float32).reshape(3, 3))
    np.testing.assert_allclose(float(nn.HingeEmbeddingLoss(reduction="mean")(distances, pairs)), 0.16666667, rtol=2e-7)
    ones, target = Tensor(np.ones((3, 3), np.float32)), Tensor(np.array([1, 2, 1]))
    assert str(nn.MultiMarginLoss()(ones, target)) == "0.6666667"
    x = Tensor(np.array([[0.1, 0.2, 0.4, 0.8], [0.2, 0.3, 0.5, 0.7]], np.float32))
    target = Tensor(np.array([[1, 2, 0, 3], [2, 3, -1, 1]], np.int32))
    assert str(nn.MultilabelMarginLoss()(x, target)) == "0.325"


@pytest.mark.parametrize(
    ("p", "reduction", "expected"),
    [
        (1, "none", [0.53333336, 1.6999998]),
        (1, "mean", 1.1166666),
        (2, "sum", 1.7166665),
        (2, "none", [0.26666668, 1.4499998]),
    ],
)
def test_multi_margin_matches_mindspore_2_10(p, reduction, expected):
    loss = nn.MultiMarginLoss(p, 1.0, reduction, Tensor(WEIGHT))
    np.testing.assert_allclose(loss(Tensor(X), Tensor(CLASSES)).asnumpy(), expected, rtol=5e-7)
    given = nn.MultiMarginLoss(p, 1.0, reduction)(Tensor(X), Tensor(CLASSES), Tensor(WEIGHT))
    np.testing.assert_allclose(given.asnumpy(), expected, rtol=5e-7)


def test_arguments_are_passed_to_the_functions():
    signs, one_hot = np.array([[1, -1, 1], [-1, 1, 1]]), np.eye(3, dtype=np.float32)[CLASSES]
    cases = [
        (nn.HingeEmbeddingLoss(0.25, "none"), signs, losses.hinge_embedding_loss(X, signs, margin=0.25)),
        (nn.HingeLoss("none"), signs, losses.hinge_loss(X, signs)),
        (nn.SquaredHingeLoss("sum"), signs, losses.squared_hinge_loss(X, signs).sum()),
        (nn.PerceptronLoss(), signs, losses.perceptron_loss(X, signs).mean()),
        (nn.CategoricalHingeLoss("none"), one_hot, losses.categorical_hinge_loss(X, one_hot)),
        (nn.MulticlassHingeLoss("none"), CLASSES, losses.multiclass_hinge_loss(X, CLASSES)),
        (nn.MulticlassPerceptronLoss("none"), CLASSES, losses.multiclass_perceptron_loss(X, CLASSES)),
        (
            nn.MultiMarginLoss(2, 0.5, "none", WEIGHT),
            CLASSES,
            losses.multi_margin_loss(X, CLASSES, p=2, margin=0.5, weight=WEIGHT),
        ),
    ]
    for loss, labels, expected in cases:
        np.testing.assert_allclose(loss(Tensor(X), Tensor(labels)).asnumpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.MultiMarginLoss(p=3), ArgumentError, "MultiMarginLoss: `p` must be one of 1, 2, but got 3"),
        (lambda: nn.MultiMarginLoss(margin="a"), ArgumentTypeError, "`margin` must be a number"),
        (lambda: nn.HingeEmbeddingLoss(margin="a"), ArgumentTypeError, "HingeEmbeddingLoss: `margin` must be a number"),
        (
            lambda: nn.MulticlassHingeLoss()(Tensor(X), Tensor([0, 3])),
            LabelError,
            r"\[0, 3\), but got 3 at index \(1,\)",
        ),
        (
            lambda: nn.MultilabelMarginLoss()(Tensor(X), Tensor([[0, -2, 1], [1, -1, 2]])),
            LabelError,
            r"\[0, 3\), or -1 for none, but got -2",
        ),
        (
            lambda: nn.MultiMarginLoss(weight=[1.0])(Tensor(X), Tensor(CLASSES)),
            ShapeError,
            r"`weight` must have shape \(3,\)",
        ),
        (lambda: nn.HingeLoss()(Tensor(X), Tensor([[2, 0, 1], [1, 0, 1]])), LabelError, "HingeLoss: .* 1, or 0 or -1"),
    ],
)
def test_errors_name_the_class(call, error, message):
    with pytest.raises(error, match=message):
        call()
