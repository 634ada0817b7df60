"""`LabelSmoothing` of functions of `sporax.losses`: the contract defines the meaning of their labels."""

from __future__ import annotations

import functools

import jax
import numpy as np
import pytest

from sporax import Tensor, losses, nn
from sporax._errors import ArgumentError

X = np.array([2.0, -1.0, 0.0], np.float32)
Y = np.array([1.0, 0.0, 1.0], np.float32)
SMOOTH = np.array([0.9, 0.1, 0.9])
EXPECTED = np.log1p(np.exp(X.astype(np.float64))) - SMOOTH * X

BINARY = losses.binary_cross_entropy_with_logits


@pytest.mark.parametrize(
    "function",
    [BINARY, functools.partial(BINARY), functools.partial(functools.partial(BINARY, weight=None)), jax.jit(BINARY)],
    ids=["function", "partial", "partial of a partial", "jit"],
)
@pytest.mark.parametrize("shape", [(3,), (3, 1), (1, 3)])
def test_labels_of_two_classes_move_towards_one_half(function, shape):
    found = nn.LabelSmoothing(function, 0.2)(Tensor(X.reshape(shape)), Tensor(Y.reshape(shape)))
    np.testing.assert_allclose(found.asnumpy(), EXPECTED.reshape(shape), rtol=1e-6)


def test_a_function_that_reduces_is_recognized_too():
    found = nn.LabelSmoothing(functools.partial(BINARY, reduction="mean"), 0.2)(Tensor(X), Tensor(Y))
    np.testing.assert_allclose(found.asnumpy(), EXPECTED.mean(), rtol=1e-6)


def test_masked_functions():
    masked = nn.LabelSmoothing(nn.MaskedLoss(BINARY), 0.2)
    found = masked(Tensor(X), Tensor(Y), Tensor([1, 1, 0]))
    np.testing.assert_allclose(found.asnumpy(), EXPECTED[:2].mean(), rtol=1e-6)


def test_an_index_that_a_partial_ignores_is_not_smoothed():
    x, y = np.array([0.9, 0.2, 0.4], np.float32), np.array([1.0, 0.0, 255.0], np.float32)
    expected = losses.dice_loss(x[:2], np.array([0.9, 0.1], np.float32))
    for loss in (
        nn.LabelSmoothing(functools.partial(losses.dice_loss, ignore_index=255), 0.2),
        nn.LabelSmoothing(losses.dice_loss, 0.2, ignore_index=255),
    ):
        np.testing.assert_allclose(loss(Tensor(x), Tensor(y)).asnumpy(), expected, rtol=1e-6)


def test_class_labels_become_distributions():
    x, y = np.array([[1.0, 2.0, -1.0]], np.float32), np.array([1], np.int32)
    found = nn.LabelSmoothing(losses.softmax_cross_entropy_with_logits, 0.3)(Tensor(x), Tensor(y))
    log_p = x - np.log(np.exp(x.astype(np.float64)).sum())
    np.testing.assert_allclose(found.asnumpy(), [-(log_p * [[0.1, 0.8, 0.1]]).sum()], rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (losses.mse_loss, "labels of mse_loss cannot be smoothed"),
        (functools.partial(losses.iou_loss, eps=0.1), "labels of iou_loss cannot be smoothed"),
        (losses.cross_entropy, r"Use cross_entropy\(label_smoothing=...\)"),
        (functools.partial(losses.cross_entropy, label_smoothing=0.1), "cross_entropy already smooths its labels"),
        (functools.partial(losses.kl_div, log_target=True), "logarithms"),
    ],
)
def test_labels_that_cannot_be_smoothed(function, message):
    with pytest.raises(ArgumentError, match=message):
        nn.LabelSmoothing(function)
