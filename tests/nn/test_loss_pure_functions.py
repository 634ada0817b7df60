"""Functions of JAX arrays, of `sporax.losses` and others, as losses of Cells."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sporax import losses, nn
from sporax._errors import ShapeError
from sporax.core import Tensor

RNG = np.random.default_rng(12)
X, Y = RNG.normal(size=(4, 3)).astype(np.float32), RNG.normal(size=(4, 3)).astype(np.float32)
CLASSES = np.array([1, 2, 0, 0])
KEPT = np.array([1, 0, 1, 1])
SQUARES = np.square(X.astype(np.float64) - Y)

MEAN = functools.partial(losses.mse_loss, reduction="mean")


def half_squares(x, y):
    return optax.l2_loss(jnp.asarray(x), jnp.asarray(y))


def test_get_loss_accepts_their_values():
    class Loss(nn.LossBase):
        def construct(self, x, y):
            return self.get_loss(losses.mse_loss(x, y), Tensor(KEPT[:, None]))

    found = Loss()(Tensor(X), Tensor(Y))
    assert isinstance(found, Tensor)
    np.testing.assert_allclose(found.asnumpy(), SQUARES[KEPT == 1].mean(), rtol=1e-6)


@pytest.mark.parametrize("loss", [MEAN, lambda x, y: 2 * half_squares(x, y).mean()], ids=["sporax", "optax"])
def test_training_and_evaluation_cells(loss):
    net = nn.Dense(3, 3, weight_init="ones", bias_init="zeros")
    out = X.sum(1, keepdims=True) * np.ones(3)
    value = np.square(out - Y).mean()
    found = nn.WithLossCell(net, loss)(Tensor(X), Tensor(Y))
    assert isinstance(found, Tensor)
    np.testing.assert_allclose(found.asnumpy(), value, rtol=1e-5)
    found, *_ = nn.WithEvalCell(net, loss)(Tensor(X), Tensor(Y))
    assert isinstance(found, Tensor)
    np.testing.assert_allclose(found.asnumpy(), value, rtol=1e-5)
    step = nn.TrainOneStepCell(nn.WithLossCell(net, loss), nn.SGD(net.trainable_params(), 0.5))
    np.testing.assert_allclose(step(Tensor(X), Tensor(Y)).asnumpy(), value, rtol=1e-5)
    gradient = 2 * (out - Y) / out.size
    np.testing.assert_allclose(net.weight.asnumpy(), 1 - 0.5 * gradient.T @ X, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_masks(reduction):
    for function, values in ((losses.mse_loss, SQUARES), (half_squares, SQUARES / 2)):
        spoiled = np.where(KEPT[:, None] == 1, Y, np.nan).astype(np.float32)
        loss = nn.MaskedLoss(function, reduction=reduction)
        found = loss(Tensor(X), Tensor(spoiled), Tensor(KEPT)).asnumpy()
        kept = values[KEPT == 1]
        expected = {"none": np.where(KEPT[:, None] == 1, values, 0), "mean": kept.mean(), "sum": kept.sum()}
        np.testing.assert_allclose(found, expected[reduction], rtol=1e-5)


def test_a_mask_of_interacting_samples():
    """A masked sample is not a positive or negative of other samples either."""
    labels = np.array([3, 3, 7, 3])
    for function in (losses.sup_con_loss, functools.partial(losses.sup_con_loss, temperature=0.5)):
        found = nn.MaskedLoss(function)(Tensor(X), Tensor(labels), Tensor(KEPT))
        expected = function(X[KEPT == 1], labels[KEPT == 1], reduction="mean")
        np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-5)


def test_an_ignored_class_index():
    labels = np.where(KEPT == 1, CLASSES, -1)
    loss = nn.MaskedLoss(losses.sparse_softmax_cross_entropy_with_logits, ignore_value=-1)
    expected = losses.cross_entropy(X[KEPT == 1], CLASSES[KEPT == 1], reduction="mean")
    np.testing.assert_allclose(loss(Tensor(X), Tensor(labels)).asnumpy(), expected, rtol=1e-5)


def test_a_mask_does_not_apply_to_a_mean_of_optax():
    with pytest.raises(ShapeError, match=r"MaskedLoss: .* reduces by itself and returned"):
        nn.MaskedLoss(lambda x, y: half_squares(x, y).mean())(Tensor(X), Tensor(Y), Tensor(KEPT))


def test_a_mask_applies_to_a_mean_of_this_package():
    found = nn.MaskedLoss(MEAN)(Tensor(X), Tensor(Y), Tensor(KEPT))
    expected = ((X.astype(np.float64) - Y)[KEPT == 1] ** 2).mean()
    np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-5)


def test_smoothed_labels():
    loss = functools.partial(losses.softmax_cross_entropy_with_logits, reduction="mean")
    found = nn.LabelSmoothing(loss, 0.2)(Tensor(X), Tensor(CLASSES))
    assert isinstance(found, Tensor)
    expected = losses.cross_entropy(X, CLASSES, label_smoothing=0.2, reduction="mean")
    np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_smoothed_class_indices_do_not_widen_the_dtype(dtype):
    loss = nn.LabelSmoothing(nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"), 0.2)
    found = loss(Tensor(X.astype(dtype)), Tensor(CLASSES)).asnumpy()
    assert found.dtype == np.promote_types(dtype, np.float32)
    log_p = X - np.log(np.exp(X.astype(np.float64)).sum(1, keepdims=True))
    expected = -(0.8 * log_p[np.arange(4), CLASSES] + 0.2 / 3 * log_p.sum(1)).mean()
    np.testing.assert_allclose(found, expected, rtol={np.float16: 1e-3}.get(dtype, 1e-6))


def test_sums_of_losses():
    tensors = Tensor(X), Tensor(Y)
    half = (lambda x, y: half_squares(x, y).mean(), 0.5)
    terms = nn.WeightedSumLoss({"mse": MEAN, "half": half})(*tensors)
    assert all(isinstance(term, Tensor) for term in terms.values())
    np.testing.assert_allclose(
        [terms["mse"].asnumpy(), terms["half"].asnumpy()], SQUARES.mean() * np.array([1, 0.25]), rtol=1e-5
    )
    sums = nn.WeightedSumLoss({"mse": MEAN, "half": half}).term_sums(*tensors)
    np.testing.assert_allclose(
        [a.asnumpy() / b.asnumpy() for a, b in sums.values()], SQUARES.mean() * np.array([1, 0.25])
    )
    outputs = nn.OutputLosses({"a": MEAN, "b": (functools.partial(losses.cross_entropy, reduction="sum"), 2.0)})
    terms = outputs({"a": tensors[0], "b": tensors[0]}, {"a": tensors[1], "b": Tensor(CLASSES)})
    expected = 2 * np.asarray(losses.cross_entropy(X, CLASSES), np.float64).sum()
    np.testing.assert_allclose([terms["a"].asnumpy(), terms["b"].asnumpy()], [SQUARES.mean(), expected], rtol=1e-5)
    terms = nn.DeepSupervisionLoss(MEAN, [1.0, 0.5])((tensors[0], tensors[0]), tensors[1])
    np.testing.assert_allclose([t.asnumpy() for t in terms.values()], SQUARES.mean() * np.array([1, 0.5]), rtol=1e-5)
    terms = nn.UncertaintyWeightedLoss({"mse": MEAN})(*tensors)
    np.testing.assert_allclose(terms["mse"].asnumpy(), SQUARES.mean() / 2, rtol=1e-5)
