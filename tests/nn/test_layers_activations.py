"""Activations: values against NumPy formulas in float64, gradients, printed forms, messages."""

from __future__ import annotations

import re

import numpy as np
import pytest

import sporax.core.dtype as dt
from sporax import nn, transforms
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from sporax.core import Tensor, set_seed

X = np.array([[-30.5, -3.5, -1.0, -0.3], [0.4, 0.6, 2.5, 41.0]])


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-abs(x))), np.exp(-abs(x)) / (1 + np.exp(-abs(x))))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def phi(x):
    from math import erf

    return np.vectorize(lambda z: 0.5 * (1 + erf(z / np.sqrt(2))))(x)


CASES = [
    (nn.ReLU(), lambda x: np.maximum(x, 0)),
    (nn.ReLU6(), lambda x: np.clip(x, 0, 6)),
    (nn.LeakyReLU(), lambda x: np.where(x > 0, x, 0.2 * x)),
    (nn.LeakyReLU(0.05), lambda x: np.where(x > 0, x, 0.05 * x)),
    (nn.ELU(), lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    (nn.ELU(2.5), lambda x: np.where(x > 0, x, 2.5 * np.expm1(np.minimum(x, 0)))),
    (nn.CELU(2.0), lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2))),
    (
        nn.SeLU(),
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    ),
    (nn.GELU(), lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    (nn.GELU(False), lambda x: x * phi(x)),
    (nn.FastGelu(), lambda x: x * sigmoid(1.702 * x)),
    (nn.SiLU(), lambda x: x * sigmoid(x)),
    (nn.Mish(), lambda x: x * np.tanh(softplus(x))),
    (nn.Sigmoid(), sigmoid),
    (nn.Tanh(), np.tanh),
    (nn.Softmax(), lambda x: softmax(x, -1)),
    (nn.Softmax(0), lambda x: softmax(x, 0)),
    (nn.Softmin(), lambda x: softmax(-x, -1)),
    (nn.LogSoftmax(0), lambda x: x - x.max(0) - np.log(np.exp(x - x.max(0)).sum(0))),
    (nn.Softsign(), lambda x: x / (1 + abs(x))),
    (nn.SoftShrink(), lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0)),
    (nn.HShrink(0.9), lambda x: x * (abs(x) > 0.9)),
    (nn.HSwish(), lambda x: x * np.clip(x + 3, 0, 6) / 6),
    (nn.HSigmoid(), lambda x: np.clip(x + 3, 0, 6) / 6),
    (nn.Hardtanh(-2.0, 1.5), lambda x: np.clip(x, -2, 1.5)),
    (nn.LogSigmoid(), lambda x: -softplus(-x)),
    (nn.Tanhshrink(), lambda x: x - np.tanh(x)),
    (nn.Threshold(0.5, 20), lambda x: np.where(x > 0.5, x, 20)),
    (nn.PReLU(4, [0.1, 0.2, 0.3, 0.4]), lambda x: np.where(x > 0, x, x * [0.1, 0.2, 0.3, 0.4])),
    (nn.PReLU(), lambda x: np.where(x > 0, x, 0.25 * x)),
    (nn.RReLU(0.2, 0.4), lambda x: np.where(x > 0, x, 0.3 * x)),
    (nn.GLU(), lambda x: x[:, :2] * sigmoid(x[:, 2:])),
]
each = pytest.mark.parametrize(("cell", "formula"), CASES, ids=[f"{i}-{c.cls_name}" for i, (c, _) in enumerate(CASES)])


@each
@pytest.mark.parametrize("kind", [dt.float32, dt.float64, dt.float16, dt.bfloat16], ids=str)
def test_values(cell, formula, kind):
    x = Tensor(X, kind)
    out = cell(x)
    assert out.dtype is kind
    rtol, atol = {"Float16": (3e-3, 3e-4), "BFloat16": (2e-2, 2e-3), "Float32": (2e-6, 2e-7), "Float64": (1e-7, 1e-9)}[
        str(kind)
    ]
    expected = formula(np.asarray(x).astype(np.float64))
    np.testing.assert_allclose(np.asarray(out).astype(np.float64), expected, rtol=rtol, atol=atol)


@each
def test_gradients_against_finite_differences(cell, formula):
    points = np.array([[-4.7, -1.3, -0.21, 0.7], [0.33, 1.1, 2.9, 6.6]])
    weights = np.random.default_rng(2).normal(size=formula(points).shape)
    gradient = transforms.grad(lambda x: (cell(x) * Tensor(weights)).sum())(Tensor(points)).asnumpy()
    step, numeric = 1e-6, np.zeros_like(points)
    for at in np.ndindex(*points.shape):
        shift = np.zeros_like(points)
        shift[at] = step
        numeric[at] = ((formula(points + shift) - formula(points - shift)) * weights).sum() / (2 * step)
    np.testing.assert_allclose(gradient, numeric, rtol=2e-5, atol=1e-6)


@each
def test_extreme_inputs_give_finite_values(cell, formula):
    if isinstance(cell, (nn.GLU, nn.PReLU)):
        x = Tensor([[-1e4, 1e4, -1e4, 1e4]])
    else:
        x = Tensor([-1e4, 0.0, 1e4])
    value, gradient = transforms.value_and_grad(lambda x: cell(x).sum())(x)
    assert np.isfinite(value.item())
    assert np.isfinite(gradient.asnumpy()).all()


@each
def test_printed_without_arguments_as_mindspore(cell, formula):
    assert repr(cell) == f"{cell.cls_name}()"


@pytest.mark.peers
@pytest.mark.parametrize(
    ("cell", "name", "kwargs"),
    [
        (nn.ELU(1.5), "ELU", {"alpha": 1.5}),
        (nn.CELU(1.5), "CELU", {"alpha": 1.5}),
        (nn.SeLU(), "SELU", {}),
        (nn.GELU(), "GELU", {"approximate": "tanh"}),
        (nn.GELU(False), "GELU", {}),
        (nn.SiLU(), "SiLU", {}),
        (nn.Mish(), "Mish", {}),
        (nn.HSwish(), "Hardswish", {}),
        (nn.HSigmoid(), "Hardsigmoid", {}),
        (nn.Softmin(), "Softmin", {"dim": -1}),
        (nn.LogSigmoid(), "LogSigmoid", {}),
        (nn.GLU(), "GLU", {}),
        (nn.Threshold(0.5, 20), "Threshold", {"threshold": 0.5, "value": 20}),
    ],
)
def test_against_torch(cell, name, kwargs):
    torch = pytest.importorskip("torch")
    x = torch.tensor(X, requires_grad=True)
    expected = getattr(torch.nn, name)(**kwargs)(x)
    expected.sum().backward()
    gradient = transforms.grad(lambda x: cell(x).sum())(Tensor(X))
    np.testing.assert_allclose(cell(Tensor(X)).asnumpy(), expected.detach().numpy(), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(gradient.asnumpy(), x.grad.numpy(), rtol=1e-6, atol=1e-12)


def test_integer_inputs():
    assert nn.ReLU()(Tensor([1, -2])).tolist() == [1, 0]
    for cell, _ in CASES:
        if isinstance(cell, nn.ReLU):
            continue
        message = f"{cell.cls_name}: the input must be of a floating dtype, but got Int64. Cast it first"
        with pytest.raises(DtypeError, match=message):
            cell(Tensor([[1, -2, 3, 4]]))


class TestPReLU:
    def test_parameter(self):
        cell = nn.PReLU(3, 0.1)
        assert [(p.name, p.shape) for p in cell.trainable_params()] == [("a", (3,))]
        np.testing.assert_allclose(cell.w.asnumpy(), 0.1)

    def test_the_channel_axis_is_1(self):
        x = -np.ones((2, 3, 2), np.float32)
        out = nn.PReLU(3, Tensor([0.1, 0.2, 0.3]))(Tensor(x)).asnumpy()
        np.testing.assert_allclose(out[0, :, 0], [-0.1, -0.2, -0.3])

    def test_gradient_of_the_slope(self):
        cell = nn.PReLU()
        x = Tensor([[-2.0, 3.0, -4.0]])
        (gradient,) = transforms.grad(lambda: cell(x).sum(), None, cell.trainable_params())()
        assert gradient.tolist() == [-6.0]


class TestRReLU:
    def test_training_draws_a_slope_for_each_element(self):
        set_seed(4)
        cell = nn.RReLU(0.2, 0.4).set_train()
        out = -cell(Tensor(-np.ones(20_000, np.float32))).asnumpy()
        assert out.min() >= 0.2
        assert out.max() <= 0.4
        assert out.std() == pytest.approx(0.2 / np.sqrt(12), rel=0.05)
        assert cell(Tensor([2.0])).tolist() == [2.0]


def test_softmax2d():
    x = np.random.default_rng(1).normal(size=(2, 3, 2, 2))
    np.testing.assert_allclose(nn.Softmax2d()(Tensor(x)).asnumpy(), softmax(x, 1), rtol=1e-6)
    np.testing.assert_allclose(nn.Softmax2d()(Tensor(x[0])).asnumpy(), softmax(x[0], 0), rtol=1e-6)


class TestGetActivation:
    def test_names(self):
        assert nn.get_activation(None) is None
        assert isinstance(nn.get_activation("relu"), nn.ReLU)
        assert isinstance(nn.get_activation("fast_gelu"), nn.FastGelu)
        assert nn.get_activation("relu") is not nn.get_activation("relu")

    def test_every_name_of_mindspore(self):
        for name in (
            "softmin", "softmax", "softmax2d", "logsoftmax", "relu", "relu6", "rrelu", "silu", "tanh",
            "tanhshrink", "hardtanh", "gelu", "fast_gelu", "elu", "sigmoid", "softsign", "prelu", "leakyrelu",
            "hswish", "hsigmoid", "logsigmoid", "softshrink", "hshrink", "mish",
        ):  # fmt: skip
            assert nn.get_activation(name) is not None


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: nn.get_activation("leaky_relu"), ArgumentError, "Did you mean 'leakyrelu'?"),
        (lambda: nn.get_activation("ReLU"), ArgumentError, "Did you mean 'relu'?"),
        (lambda: nn.get_activation("threshold"), ArgumentError, "pass nn.Threshold(threshold, value)"),
        (lambda: nn.get_activation(3), ArgumentTypeError, "get_activation: `name` must be str, but got 3"),
        (lambda: nn.CELU(0.0), ArgumentError, "CELU: `alpha` must not be 0"),
        (lambda: nn.Hardtanh(2.0, -2.0), ArgumentError, "`min_val` must be below `max_val`, but got 2.0 and -2.0"),
        (lambda: nn.Softmax("a"), ArgumentTypeError, "Softmax: `axis` must be an int, but got 'a'"),
        (lambda: nn.GELU("tanh"), ArgumentTypeError, "GELU: `approximate` must be bool, but got 'tanh'"),
        (lambda: nn.SoftShrink(-1), ArgumentError, "SoftShrink: `lambd` must be in [0, inf)"),
        (lambda: nn.PReLU(0), ArgumentError, "PReLU: `channel` must be at least 1"),
        (lambda: nn.PReLU(2, [0.1]), ShapeError, "`w` must have shape (2,), one for each channel, but got (1,)"),
        (lambda: nn.PReLU(2)(Tensor([[1.0, 2, 3]])), ShapeError, "axis 1 of the input must have size channel=2"),
        (lambda: nn.GLU()(Tensor([1.0, 2, 3])), ShapeError, "must exist and have an even size, but got shape (3,)"),
        (lambda: nn.RReLU(0.5, 0.1), ArgumentError, "`lower` must not be above `upper`"),
        (lambda: nn.Softmax2d()(Tensor([1.0])), ShapeError, "Softmax2d: the input must have 3 or 4 dimensions"),
        (lambda: nn.Softmax(3)(Tensor([[1.0]])), ValueError, "`axis` must be in [-2, 1]"),
    ],
)
def test_messages(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
