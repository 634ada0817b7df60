"""Region and box losses as Cells: signatures, documented examples, and errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses, nn
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError
from sporax.core import Tensor
from sporax.transforms import jit, value_and_grad

SIGNATURES = {
    "DiceLoss": "(smooth=1e-05, ignore_index=None)",
    "MultiClassDiceLoss": "(weights=None, ignore_indiex=None, activation='softmax')",
    "TverskyLoss": "(alpha=0.5, beta=0.5, axis=None, smooth=1e-07, reduction='mean', ignore_index=None)",
    "FocalTverskyLoss": "(alpha=0.7, beta=0.3, gamma=1.3333333333333333, axis=None, smooth=1e-07, reduction='mean', "
    "ignore_index=None)",
    "JaccardLoss": "(smooth=0.0, axis=None, reduction='mean', ignore_index=None)",
    "DiceCrossEntropyLoss": "(dice_weight=1.0, cross_entropy_weight=1.0, smooth=1e-05, ignore_index=None, "
    "reduction='mean')",
    "LovaszHingeLoss": "(per_image=True, ignore_index=None, reduction='mean')",
    "LovaszSoftmaxLoss": "(classes='present', per_image=False, ignore_index=None, from_logits=False, reduction='mean')",
    "IoULoss": "(eps=0.0, reduction='mean')",
    "GIoULoss": "(eps=0.0, reduction='mean')",
    "DIoULoss": "(eps=0.0, reduction='mean')",
    "CIoULoss": "(eps=0.0, reduction='mean')",
}

RNG = np.random.default_rng(3)
P = RNG.dirichlet(np.ones(3), (2, 4)).transpose(0, 2, 1).astype(np.float32)
LABELS = RNG.integers(0, 3, (2, 4)).astype(np.int32)
MASK = (P[:, 0] > 0.4).astype(np.float32)
BOXES = np.array([[0.0, 0.0, 2.0, 1.0], [1.0, 1.0, 2.0, 4.0]], np.float32)


def inputs(name: str) -> tuple[Tensor, Tensor]:
    if name.endswith("IoULoss"):
        return Tensor(BOXES), Tensor(BOXES + np.float32(0.3))
    if name in ("LovaszSoftmaxLoss", "DiceCrossEntropyLoss"):
        return Tensor(P), Tensor(LABELS)
    if name == "MultiClassDiceLoss":
        return Tensor(P), Tensor(np.eye(3, dtype=np.float32)[LABELS].transpose(0, 2, 1).copy())
    return Tensor(P[:, 0]), Tensor(MASK)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    parameters = list(inspect.signature(getattr(nn, name)).parameters.values())
    assert str(inspect.Signature([p.replace(annotation=p.empty) for p in parameters])) == SIGNATURES[name]


@pytest.mark.parametrize("name", SIGNATURES)
def test_it_compiles_and_gradients_are_nonzero(name):
    value, gradient = jit(value_and_grad(getattr(nn, name)()))(*inputs(name))
    assert value.shape == ()
    assert float(value) > 0
    assert np.isfinite(gradient.asnumpy()).all()
    assert np.abs(gradient.asnumpy()).sum() > 0


def test_mindspores_documented_examples():
    logits = Tensor(np.array([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]]).astype(np.float32))
    labels = Tensor(np.array([[0, 1], [1, 0], [0, 1]]).astype(np.float32))
    # Its documentation prints 0.38596618; the value is 0.385966242.
    assert str(nn.DiceLoss(smooth=1e-5)(logits, labels)) == "0.38596624"
    logits = Tensor(np.array([[0.2, 0.5, 0.7], [0.3, 0.1, 0.5], [0.9, 0.6, 0.3]]).astype(np.float32))
    labels = Tensor(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]).astype(np.float32))
    loss = nn.MultiClassDiceLoss(weights=None, ignore_indiex=None, activation="softmax")
    np.testing.assert_allclose(loss(logits, labels).asnumpy(), 0.54958105, rtol=5e-7)


def test_kerass_documented_examples():
    y = np.array([[[[1.0], [1.0]], [[0.0], [0.0]]], [[[1.0], [1.0]], [[0.0], [0.0]]]], np.float32)
    x = np.array([[[[0.0], [1.0]], [[0.0], [1.0]]], [[[0.4], [0.0]], [[0.0], [0.9]]]], np.float32)
    each = nn.TverskyLoss(axis=(1, 2, 3), reduction="none")(Tensor(x), Tensor(y))
    np.testing.assert_allclose(each.asnumpy(), [0.5, 0.75757575], rtol=1e-6)
    np.testing.assert_allclose(nn.TverskyLoss()(Tensor(x), Tensor(y)).asnumpy(), 0.6164384, rtol=1e-6)


def test_weights_of_multi_class_dice_match_mindspore():
    x = np.array([[0.2, 0.5, 0.7], [0.3, 0.1, 0.5], [0.9, 0.6, 0.3]], np.float32)
    y = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
    weights = np.array([[1, 2], [0.5, 1], [0, 3]], np.float32)
    # Results of MindSpore 2.10 on a CPU.
    got = nn.MultiClassDiceLoss(Tensor(weights), 1)(Tensor(x), Tensor(y))
    np.testing.assert_allclose(got.asnumpy(), [0.17226975, 0.999379], rtol=1e-6)
    first = nn.MultiClassDiceLoss(Tensor(weights[:, 0].copy()), 1)(Tensor(x), Tensor(y))
    np.testing.assert_allclose(first.asnumpy(), 0.17226975, rtol=1e-6)
    as_cell = nn.MultiClassDiceLoss(activation=nn.Sigmoid())(Tensor(x), Tensor(y))
    by_name = nn.MultiClassDiceLoss(activation="Sigmoid")(Tensor(x), Tensor(y))
    np.testing.assert_allclose(as_cell.asnumpy(), by_name.asnumpy(), rtol=1e-6)
    np.testing.assert_allclose(
        nn.MultiClassDiceLoss(activation=None)(Tensor(x), Tensor(y)).asnumpy(),
        losses.multi_class_dice_loss(x, y, activation=None),
        rtol=1e-6,
    )


def test_lovasz_for_each_image_or_for_the_batch():
    x = 3 * P[:, 0] - 1
    each = jit(nn.LovaszHingeLoss(reduction="none"))(Tensor(x), Tensor(MASK)).asnumpy()
    together = jit(nn.LovaszHingeLoss(per_image=False, reduction="none"))(Tensor(x), Tensor(MASK)).asnumpy()
    hinge = ORACLES["lovasz_hinge_loss"].value
    np.testing.assert_allclose(each, hinge(x, MASK), rtol=1e-6)
    np.testing.assert_allclose(together, hinge(x.reshape(1, -1), MASK.reshape(1, -1)), rtol=1e-6)
    for per_image, oracle in ((True, "lovasz_softmax_per_image_loss"), (False, "lovasz_softmax_loss")):
        got = jit(nn.LovaszSoftmaxLoss(per_image=per_image, reduction="none"))(Tensor(P), Tensor(LABELS))
        np.testing.assert_allclose(got.asnumpy(), ORACLES[oracle].value(P, LABELS), rtol=1e-6)


def test_labels_are_checked_on_the_host():
    for loss in (nn.LovaszSoftmaxLoss(ignore_index=9), nn.LovaszSoftmaxLoss(per_image=True, ignore_index=9)):
        loss.check_labels({"predictions": P.shape}, np.where(LABELS == 0, 9, LABELS))
        with pytest.raises(LabelError, match=r"LovaszSoftmaxLoss: `labels` must be class indices in \[0, 3\)"):
            loss.check_labels({"predictions": P.shape}, LABELS + 4)
    nn.LovaszHingeLoss(ignore_index=255).check_labels({}, np.array([[0, 1, 255]]))


WRONG: Any = 1.5


def raises(error: type[Exception], match: str, make: Callable[[], Any]) -> None:
    with pytest.raises(error, match=match):
        make()


def test_invalid_arguments_are_rejected():
    raises(ArgumentError, r"DiceLoss: `smooth` must be in \[0, inf\)", lambda: nn.DiceLoss(-1.0))
    raises(ArgumentTypeError, "`weights` must be Tensor", lambda: nn.MultiClassDiceLoss(weights=WRONG))
    raises(ShapeError, r"must have shape \(C, K\) or \(C,\)", lambda: nn.MultiClassDiceLoss(Tensor(np.ones((1, 2, 3)))))
    raises(ArgumentError, "Did you mean 'softmax'", lambda: nn.MultiClassDiceLoss(activation="sofmax"))
    raises(ArgumentTypeError, "`activation` must be Cell", lambda: nn.MultiClassDiceLoss(activation=WRONG))
    raises(ArgumentTypeError, "`ignore_indiex` must be an int", lambda: nn.MultiClassDiceLoss(ignore_indiex=WRONG))
    raises(ArgumentError, "TverskyLoss: `alpha`", lambda: nn.TverskyLoss(alpha=-0.1))
    raises(ArgumentError, "FocalTverskyLoss: `gamma`", lambda: nn.FocalTverskyLoss(gamma=0))
    raises(ArgumentError, "`classes` must be one of", lambda: nn.LovaszSoftmaxLoss(classes="some"))
    raises(ArgumentTypeError, "`per_image` must be bool", lambda: nn.LovaszHingeLoss(per_image=WRONG))
    raises(ArgumentError, "GIoULoss: `eps`", lambda: nn.GIoULoss(eps=-1.0))
    raises(ArgumentError, "Did you mean 'mean'", lambda: nn.CIoULoss(reduction="means"))
    raises(
        ShapeError,
        r"LovaszHingeLoss: `labels` must have shape \(2, 4\)",
        lambda: nn.LovaszHingeLoss(per_image=False)(Tensor(P[:, 0]), Tensor(MASK[:1])),
    )
