"""Binary losses as Cells: signatures, MindSpore's documented examples, arguments."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from sporax import losses, nn
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError
from sporax.core import Parameter, Tensor
from sporax.transforms import grad

SIGNATURES = {
    "BCELoss": "(weight=None, reduction='mean')",
    "BCEWithLogitsLoss": "(reduction='mean', weight=None, pos_weight=None)",
    "SoftMarginLoss": "(reduction='mean')",
    "MultiLabelSoftMarginLoss": "(weight=None, reduction='mean')",
    "BinaryFocalLoss": "(apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, "
    "reduction='mean')",
    "SigmoidFocalLoss": "(alpha=None, gamma=2.0, reduction='mean')",
    "AsymmetricLoss": "(gamma_neg=4.0, gamma_pos=1.0, clip=0.05, reduction='sum')",
}

X = np.array([[-0.8, 1.2, 0.7], [-0.1, -0.4, 0.7]], np.float32)
Y = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.25]], np.float32)
P = np.array([[0.1, 0.9, 0.4], [0.5, 0.3, 0.7]], np.float32)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_matches_the_named_framework(name):
    signature = inspect.signature(getattr(nn, name))
    plain = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
    assert str(inspect.Signature(plain)) == SIGNATURES[name]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("BCELoss", ["logits", "labels"]),
        ("BCEWithLogitsLoss", ["input", "target"]),
        ("SoftMarginLoss", ["logits", "labels"]),
        ("MultiLabelSoftMarginLoss", ["x", "target"]),
    ],
)
def test_inputs_have_the_names_of_mindspore(name, names):
    assert list(inspect.signature(getattr(nn, name).construct).parameters)[1:] == names


def test_the_documented_examples():
    labels = Tensor(np.array([[-1, 1], [1, -1]], np.float32))
    assert str(nn.SoftMarginLoss()(Tensor(np.array([[0.3, 0.7], [0.5, 0.5]], np.float32)), labels)) == "0.6764238"
    x, target = Tensor([[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]]), Tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    # The documentation prints 0.84693956, with float32 rounding in every step.
    np.testing.assert_allclose(float(nn.MultiLabelSoftMarginLoss(reduction="mean")(x, target)), 0.84693956, rtol=5e-7)
    target = Tensor(np.array([[0.3, 0.8, 1.2], [-0.6, 0.1, 2.2]], np.float32))
    np.testing.assert_allclose(float(nn.BCEWithLogitsLoss()(Tensor(X), target)), 0.3463612, rtol=2e-7)


def test_arguments_are_passed_to_the_functions():
    weight, positive = np.array([0.5, 2.0, 1.0], np.float32), np.array([3.0, 1.0, 0.5], np.float32)
    x, y, p = Tensor(X), Tensor(Y), Tensor(P)
    options = {"apply_class_balancing": True, "alpha": 0.6, "gamma": 1.5, "label_smoothing": 0.2}
    cases = [
        (
            nn.BCEWithLogitsLoss("none", Tensor(weight), Tensor(positive))(x, y),
            losses.binary_cross_entropy_with_logits(X, Y, weight=weight, pos_weight=positive),
        ),
        (
            nn.MultiLabelSoftMarginLoss(Tensor(weight), "none")(x, y),
            losses.multilabel_soft_margin_loss(X, Y, weight=weight),
        ),
        (nn.MultiLabelSoftMarginLoss(2.0, "none")(x, y), 2 * losses.multilabel_soft_margin_loss(X, Y)),
        (nn.BinaryFocalLoss(**options, reduction="none")(p, y), losses.binary_focal_cross_entropy(P, Y, **options)),
        (
            nn.BinaryFocalLoss(**options, from_logits=True, reduction="none")(x, y),
            losses.sigmoid_focal_loss(X, Y, alpha=0.6, gamma=1.5, label_smoothing=0.2),
        ),
        (
            nn.BinaryFocalLoss(from_logits=True, reduction="none")(x, y),
            losses.sigmoid_focal_loss(X, Y),
        ),
        (nn.SigmoidFocalLoss(0.25, 3.0)(x, y), losses.sigmoid_focal_loss(X, Y, alpha=0.25, gamma=3).mean()),
        (
            nn.AsymmetricLoss(2.0, 0.0, 0.1)(x, y),
            losses.asymmetric_loss(X, Y, gamma_neg=2, gamma_pos=0, clip=0.1).sum(),
        ),
    ]
    for got, expected in cases:
        np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-6)


def test_a_weight_may_be_a_parameter():
    weight = Parameter(np.array([1.0, 2.0], np.float32), name="w")
    loss = nn.BCEWithLogitsLoss(weight=weight)
    assert [each.name for each in loss.get_parameters()] == ["w"]
    np.testing.assert_allclose(
        grad(loss, None, weight)(Tensor([0.0, 0.0]), Tensor([1.0, 0.0])).asnumpy(), [np.log(2) / 2] * 2, rtol=1e-6
    )


def test_the_info_follows_the_kind_of_predictions():
    assert nn.BinaryFocalLoss().loss_info().name == "binary_focal_cross_entropy"
    assert nn.BinaryFocalLoss(from_logits=True).loss_info().name == "sigmoid_focal_loss"
    with pytest.raises(LabelError, match="BinaryFocalLoss: `labels`|SigmoidFocalLoss: `labels`"):
        nn.BinaryFocalLoss(from_logits=True).check_labels({"logits": (2,)}, np.array([0.0, 2.0]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.BinaryFocalLoss(alpha=2), ArgumentError, r"BinaryFocalLoss: `alpha` must be in \[0, 1\]"),
        (lambda: nn.BinaryFocalLoss(gamma=-1), ArgumentError, r"`gamma` must be in \[0, inf\)"),
        (lambda: nn.BinaryFocalLoss(from_logits=1), ArgumentTypeError, "`from_logits` must be bool"),
        (lambda: nn.SigmoidFocalLoss(alpha=-0.5), ArgumentError, r"SigmoidFocalLoss: `alpha` must be in \[0, 1\]"),
        (lambda: nn.AsymmetricLoss(clip=1.0), ArgumentError, r"AsymmetricLoss: `clip` must be in \[0, 1\)"),
        (lambda: nn.BinaryFocalLoss()(Tensor(X), Tensor(Y)), ArgumentError, "must be probabilities in"),
        (lambda: nn.SoftMarginLoss()(Tensor(X), Tensor(Y)), LabelError, "must be 1 or -1"),
        (
            lambda: nn.BCEWithLogitsLoss(pos_weight=Tensor(np.ones(2, np.float32)))(Tensor(X), Tensor(Y)),
            ShapeError,
            "`pos_weight` must broadcast",
        ),
    ],
)
def test_errors_name_the_class(call, error, message):
    with pytest.raises(error, match=message):
        call()
