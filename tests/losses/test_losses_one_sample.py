"""A loss accepts a single sample without the batch axis, so `jax.vmap` over samples equals the batch."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.compare import close
from oracles.losses import ORACLES
from oracles.programs import COUNT, samples
from oracles.samples import THOROUGH, settings_of
from sporax import losses, nn, ops
from sporax._errors import LabelError, ShapeError
from sporax.core import Tensor

INFOS = [
    info for info in losses.registry().values() if info.output and info.function.spec.mask_parameter is None
]  # fmt: skip
"""The losses with a value for each sample, in which samples do not interact."""

PER_SAMPLE = [info for info in INFOS if "N" in info.output]
"""Those whose batch axis is N. The others accept any number of axes before those of one sample."""

X = np.array([[2.0, -1.0, 0.5], [0.0, 1.5, 1.0]], np.float32)
Y = np.array([0, 2])


def axis_of_samples(info: losses.LossInfo, at: int) -> int | None:
    item = info.inputs[at]
    if info.broadcasting or (info.output and info.function.spec.per_sample(item)):
        return 0 if info.broadcasting else item.shape.index(info.output[0])
    return None


def mapped(info: losses.LossInfo, params: dict[str, Any]) -> Any:
    axes = tuple(axis_of_samples(info, at) for at in range(len(info.inputs)))
    return jax.vmap(lambda *arrays: info.function(*arrays, **params), in_axes=axes)


def test_most_losses_accept_a_single_sample():
    assert len(INFOS) > 100
    assert len(PER_SAMPLE) > 15


@pytest.mark.parametrize("info", INFOS, ids=[info.name for info in INFOS])
def test_vmap_over_samples_has_the_values_of_the_batch(info):
    inputs, params = samples(info, 4), settings_of(info)[0]
    if info in PER_SAMPLE:
        params = settings_of(info)[-1]
    found = mapped(info, params)
    expected = np.asarray(ORACLES[info.oracle].value(*inputs, **params))
    assert expected.shape == (COUNT,)
    # Shapes are checked by tracing; values for all losses with an axis N, and for one in four of the others.
    assert jax.eval_shape(found, *inputs).shape == expected.shape
    if THOROUGH or info in PER_SAMPLE or INFOS.index(info) % 4 == 0:
        close("vmap", jax.jit(found)(*inputs), expected, 2e-5)


@pytest.mark.parametrize("info", PER_SAMPLE, ids=[info.name for info in PER_SAMPLE])
def test_an_eager_sample_has_the_value_of_the_batch(info):
    inputs, params = samples(info, 4), settings_of(info)[0]
    axes = [axis_of_samples(info, at) for at in range(len(inputs))]
    one = [array if axis is None else np.take(array, 2, axis) for array, axis in zip(inputs, axes, strict=True)]
    expected = np.asarray(ORACLES[info.oracle].value(*inputs, **params))[2]
    value = info.function(*one, **params)
    close("value", value, expected, 2e-5)
    assert value.shape == ()
    with pytest.raises(ShapeError, match=r"`weights` must broadcast to the shape of the loss values, \(\)"):
        info.function(*one, weights=np.ones(1), **params)


def test_gradient_weights_and_reductions_of_one_sample():
    log_p = X - np.log(np.exp(X).sum(1, keepdims=True))
    derivative = np.exp(log_p[0]) - np.eye(3)[0]
    for kind in ("none", "mean", "sum", "batchmean"):
        value, gradient = jax.value_and_grad(losses.cross_entropy)(X[0], Y[0], reduction=kind)
        np.testing.assert_allclose(value, -log_p[0, 0], rtol=1e-6)
        np.testing.assert_allclose(gradient, derivative, rtol=1e-5)
    np.testing.assert_allclose(losses.cross_entropy(X[0], 0, weights=2.0), -2 * log_p[0, 0], rtol=1e-6)
    assert losses.cross_entropy(X[0], 5, weights=0.0, reduction="mean") == 0
    assert losses.cross_entropy(X[0], -100, reduction="mean") == 0
    weight = np.array([3.0, 1.0, 2.0])
    total, count = losses.evaluate_sum_and_weight(losses.cross_entropy, X[0], 0, weight=weight)
    np.testing.assert_allclose([total, count], [-3 * log_p[0, 0], 3], rtol=1e-6)
    per_sample = jax.vmap(jax.grad(losses.cross_entropy))(X, Y)
    np.testing.assert_allclose(per_sample, np.exp(log_p) - np.eye(3)[Y], rtol=1e-5, atol=1e-7)


def test_cells_and_operators_accept_a_single_sample_too():
    expected = np.asarray(losses.cross_entropy(X, Y))[0]
    for reduction in ("none", "mean", "sum"):
        loss = nn.CrossEntropyLoss(reduction=reduction)
        np.testing.assert_allclose(loss(Tensor(X[0]), Tensor(Y[0])).asnumpy(), expected, rtol=1e-6)
        np.testing.assert_allclose(ops.cross_entropy(Tensor(X[0]), Tensor(Y[0]), reduction=reduction), expected)
        log_p = X[0] - np.log(np.exp(X[0]).sum())
        np.testing.assert_allclose(nn.NLLLoss(reduction=reduction)(Tensor(log_p), Tensor(Y[0])).asnumpy(), expected)
    nn.CrossEntropyLoss().check_labels({"logits": (3,)}, np.array(2))
    with pytest.raises(LabelError, match=r"class indices in \[0, 3\), but got 3"):
        nn.CrossEntropyLoss().check_labels({"logits": (3,)}, np.array(3))


def test_an_invalid_sample_is_an_error():
    with pytest.raises(ShapeError) as caught:
        losses.cross_entropy(X[0], np.array([0, 1]))
    assert str(caught.value) == (
        "cross_entropy: `labels` must have shape (), but got (2,) where `logits` has shape (3,). Give it that shape."
    )
    with pytest.raises(LabelError, match=r"must be class indices in \[0, 3\), but got 3 at index \(\)"):
        losses.cross_entropy(X[0], 3)
    # Interacting samples have no loss for a single sample.
    with pytest.raises(ShapeError, match=r"`embeddings` must have shape \(N, D\), but got \(3,\)"):
        losses.sup_con_loss(X[0], 0)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "focal_loss"])
def test_the_message_mentions_classes_on_the_last_axis(name):
    logits, labels = jnp.zeros((2, 5, 3)), np.zeros((2, 5), np.int32)
    with pytest.raises(ShapeError) as caught:
        getattr(losses, name)(logits, labels)
    assert str(caught.value) == (
        f"{name}: `labels` must have shape (2, 3), but got (2, 5) where `logits` has shape (2, 5, 3). This loss takes "
        "the classes on axis 1: `logits` of shape (N, C, ...). If they are on the last axis, use logits.reshape(-1, 3) "
        "and labels.reshape(-1), or moveaxis(logits, -1, 1)."
    )
    fit = getattr(losses, name)(logits.reshape(-1, 3), labels.reshape(-1))
    moved = getattr(losses, name)(jnp.moveaxis(logits, -1, 1), labels)
    assert (fit.shape, moved.shape) == ((10,), (2,) if name == "focal_loss" else (2, 5))
    with pytest.raises(ShapeError, match="CrossEntropyLoss: .* takes the classes on axis 1"):
        nn.CrossEntropyLoss()(Tensor(np.zeros((2, 5, 3), np.float32)), Tensor(labels))


def test_the_message_mentions_classes_on_axis_1():
    loss = losses.sparse_softmax_cross_entropy_with_logits
    with pytest.raises(ShapeError) as caught:
        loss(jnp.zeros((2, 3, 5)), np.zeros((2, 5), np.int32))
    assert str(caught.value).endswith(
        "This loss takes the classes on axis -1: `logits` of shape (..., C). If they are on axis 1, use "
        "moveaxis(logits, 1, -1)."
    )
    assert loss(jnp.moveaxis(jnp.zeros((2, 3, 5)), 1, -1), np.zeros((2, 5), np.int32)).shape == (2, 5)
