"""nn.LinearCrossEntropyLoss: its own weight or a tied one, beside Dense and CrossEntropyLoss, labels on the host."""

from __future__ import annotations

import numpy as np
import pytest

import sporax
from sporax import Tensor, nn, ops
from sporax._errors import ArgumentError, LabelError, ShapeError


def batch(rows: int = 6, width: int = 4, classes: int = 7) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(3)
    return Tensor(rng.normal(size=(rows, width)).astype(np.float32)), Tensor(rng.integers(0, classes, rows))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_it_is_a_dense_layer_and_a_cross_entropy(reduction):
    hidden, labels = batch()
    sporax.set_seed(1)
    dense = nn.Dense(4, 7)
    sporax.set_seed(1)
    fused = nn.LinearCrossEntropyLoss(4, 7, bias=True, reduction=reduction, label_smoothing=0.1, ignore_index=2)
    for name in ("weight", "bias"):
        np.testing.assert_array_equal(getattr(fused, name).asnumpy(), getattr(dense, name).asnumpy())
    plain = nn.CrossEntropyLoss(reduction=reduction, label_smoothing=0.1, ignore_index=2)
    np.testing.assert_allclose(
        fused(hidden, labels).asnumpy(), plain(dense(hidden), labels).asnumpy(), rtol=1e-5, atol=1e-6
    )
    pair, other = fused.sum_and_weight(hidden, labels), plain.sum_and_weight(dense(hidden), labels)
    np.testing.assert_allclose([each.asnumpy() for each in pair], [each.asnumpy() for each in other], rtol=1e-5)


def test_its_parameters_learn():
    hidden, labels = batch()
    loss = nn.LinearCrossEntropyLoss(4, 7, bias=True)
    assert [each.name for each in loss.trainable_params()] == ["weight", "bias"]
    step = nn.TrainOneStepCell(loss, nn.SGD(loss.trainable_params(), learning_rate=1.0))
    first = step(hidden, labels).asnumpy()
    for _ in range(20):
        last = step(hidden, labels).asnumpy()
    assert last < 0.5 * first


def test_a_tied_weight_gets_the_gradient():
    hidden, labels = batch()
    table = sporax.Parameter(Tensor(np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)), name="table")
    tied = nn.LinearCrossEntropyLoss()
    assert tied.trainable_params() == []
    gradient = ops.grad(lambda w: tied(hidden, labels, w))(table)
    dense = ops.grad(lambda w: nn.CrossEntropyLoss()(ops.matmul(hidden, w.T), labels))(table)
    np.testing.assert_allclose(gradient.asnumpy(), dense.asnumpy(), rtol=1e-4, atol=1e-6)


def test_a_given_weight_goes_before_its_own_and_has_no_foreign_bias():
    hidden, labels = batch()
    own = nn.LinearCrossEntropyLoss(4, 7, bias=True)
    given = Tensor(np.zeros((7, 4), np.float32))
    np.testing.assert_allclose(own(hidden, labels, given).asnumpy(), np.log(7), rtol=1e-6)
    bias = Tensor(np.log(np.arange(1, 8, dtype=np.float32)))
    expected = np.mean(np.log(28) - np.log(labels.asnumpy() + 1))
    np.testing.assert_allclose(own(hidden, labels, given, bias).asnumpy(), expected, rtol=1e-5)


def test_arguments_reach_the_function():
    hidden, labels = batch()
    params = {"label_smoothing": 0.2, "softcap": 2.0, "z_loss": 0.1, "chunk_size": 4}
    weights = np.linspace(0.5, 2, 7, dtype=np.float32)
    cell = nn.LinearCrossEntropyLoss(4, 7, class_weight=weights, **params)
    expected = sporax.losses.linear_cross_entropy(
        hidden.asnumpy(), cell.weight.asnumpy(), labels.asnumpy(), class_weight=weights, reduction="mean", **params
    )
    np.testing.assert_allclose(cell(hidden, labels).asnumpy(), expected, rtol=1e-6)


def test_errors():
    hidden, labels = batch()
    with pytest.raises(ArgumentError, match="`in_features` and `num_classes` must be given together"):
        nn.LinearCrossEntropyLoss(4)
    with pytest.raises(ArgumentError, match="there is no Parameter `bias`"):
        nn.LinearCrossEntropyLoss(bias=True)
    with pytest.raises(ArgumentError, match="there is no weight"):
        nn.LinearCrossEntropyLoss()(hidden, labels)
    with pytest.raises(ArgumentError, match="`softcap` must be"):
        nn.LinearCrossEntropyLoss(4, 7, softcap=-1.0)
    with pytest.raises(ShapeError, match="LinearCrossEntropyLoss: `weight` must have shape"):
        nn.LinearCrossEntropyLoss(5, 7)(hidden, labels)


def test_labels_are_checked_on_the_host():
    loss = nn.LinearCrossEntropyLoss(4, 7)
    loss.check_labels({"hidden": (2, 4)}, np.array([6, -100]))
    with pytest.raises(LabelError, match=r"LinearCrossEntropyLoss: `labels` must be class indices in \[0, 7\)"):
        loss.check_labels({"hidden": (2, 4)}, np.array([7, 0]))
