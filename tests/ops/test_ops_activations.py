"""Activation functions with hyper-parameters against their formulas."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from oracles.op_checks import assert_close, check_gradient, check_op
from sporax import ops
from sporax._errors import ArgumentError, ShapeError
from sporax.core import Tensor

pytestmark = pytest.mark.rank_promotion

RNG = np.random.default_rng(37)
X = RNG.normal(0.2, 2.0, (3, 4))
_erf = np.vectorize(math.erf)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _softmax(x: Any, axis: Any = -1) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


CASES: dict[str, tuple[Any, Any]] = {
    "gelu": (ops.gelu, lambda x: x / 2 * (1 + _erf(x / np.sqrt(2)))),
    "gelu_tanh": (
        lambda x: ops.gelu(x, "tanh"),
        lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    "GeLU": (ops.GeLU(), lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    "leaky_relu": (ops.leaky_relu, lambda x: np.where(x > 0, x, 0.2 * x)),
    "elu": (lambda x: ops.elu(x, 0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(x))),
    "celu": (lambda x: ops.celu(x, 2.0), lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2))),
    "selu": (ops.selu, lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))),
    "hardtanh": (lambda x: ops.hardtanh(x, -0.5, 1.5), lambda x: np.clip(x, -0.5, 1.5)),
    "hardshrink": (ops.hardshrink, lambda x: np.where(np.abs(x) > 0.5, x, 0)),
    "softshrink": (lambda x: ops.softshrink(x, 0.3), lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.3, 0)),
    "softplus": (lambda x: ops.softplus(x, 2.0), lambda x: np.logaddexp(0, 2 * x) / 2),
    "softplus_linear": (lambda x: ops.softplus(x, 1, 1.0), lambda x: np.where(x > 1, x, np.logaddexp(0, x))),
    "Softplus": (ops.Softplus(), lambda x: np.logaddexp(0, x)),
    "threshold": (lambda x: ops.threshold(x, 0.1, -3.0), lambda x: np.where(x > 0.1, x, -3.0)),
    "glu": (ops.glu, lambda x: x[:, :2] * _sigmoid(x[:, 2:])),
    "swiglu": (ops.swiglu, lambda x: x[:, :2] * _sigmoid(x[:, :2]) * x[:, 2:]),
    "softmax": (ops.softmax, _softmax),
    "softmax_axes": (ops.Softmax(axis=(0, 1)), lambda x: np.exp(x) / np.exp(x).sum()),
    "log_softmax": (lambda x: ops.log_softmax(x, 0), lambda x: np.log(_softmax(x, 0))),
    "softmin": (ops.softmin, lambda x: _softmax(-x)),
    "clamp": (lambda x: ops.clamp(x, -0.5, 1.0), lambda x: np.clip(x, -0.5, 1.0)),
    "clamp_low": (lambda x: ops.clamp(x, min=0.1), lambda x: np.maximum(x, 0.1)),
    "clip_by_value": (lambda x: ops.clip_by_value(x, -1, 1), lambda x: np.clip(x, -1, 1)),
    "clip_by_norm": (lambda x: ops.clip_by_norm(x, 2.0), lambda x: x * 2 / (np.linalg.norm(x) + 1e-6)),
    "clip_by_global_norm": (
        lambda x: ops.clip_by_global_norm((x, x[0]), 2.0),
        lambda x: tuple(each * 2 / np.sqrt((x**2).sum() + (x[0] ** 2).sum()) for each in (x, x[0])),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name: str):
    call, reference = CASES[name]
    check_op(
        call,
        reference,
        [X],
        dtype=[np.float64] * (2 if name == "clip_by_global_norm" else 1),
        tolerance=1e-11,
        name=name,
    )
    check_gradient(call, [X], tolerance=2e-6, name=name)


def test_prelu():
    x, w = RNG.normal(0.0, 1.0, (2, 3, 4)), np.array([0.1, 0.2, 0.3])
    check_op(ops.prelu, lambda x, w: np.where(x > 0, x, w[:, None] * x), [x, w])
    check_gradient(ops.prelu, [x, w])
    assert ops.PReLU()(Tensor([-1.0, 2.0]), Tensor([0.5])).tolist() == [-0.5, 2.0]


@pytest.mark.parametrize(
    "name",
    ["elu", "celu", "selu", "softplus", "sigmoid", "silu", "gelu", "mish", "logsigmoid", "softmax", "log_softmax"],
)
def test_large_arguments_have_finite_values_and_gradients(name: str):
    x = Tensor(np.array([-1e4, 1e4, 3.0], np.float32))
    value, gradient = ops.value_and_grad(getattr(ops, name))(x)
    assert np.isfinite(value.asnumpy()).all()
    assert np.isfinite(gradient.asnumpy()).all()


def test_clamp_has_derivative_one_at_its_bounds_and_accepts_tensors():
    assert ops.grad(lambda x: ops.clamp(x, 0.0, 1.0))(Tensor([0.0, 1.0, 2.0])).tolist() == [1.0, 1.0, 0.0]
    low = ops.grad(lambda low: ops.clamp(Tensor([0.0, 5.0]), min=low))(Tensor([1.0, 1.0]))
    assert low.tolist() == [1.0, 0.0]
    assert ops.clamp(Tensor([1, 5]), 0.5, 2.5).dtype.name == "float32"
    assert ops.clamp(Tensor([1, 5]), 0, 2).dtype.name == "int64"
    assert [each.tolist() for each in ops.clamp([Tensor([3.0]), Tensor([9.0])], max=4)] == [[3.0], [4.0]]


def test_small_norms_are_not_increased_and_zero_is_unchanged():
    small = Tensor([0.3, 0.4])
    assert_close(ops.clip_by_norm(small, 1.0), small.asnumpy(), tolerance=2e-6)
    assert_close(ops.clip_by_global_norm((small,), 1.0)[0], small.asnumpy())
    assert ops.clip_by_norm(Tensor([0.0, 0.0]), 1.0).tolist() == [0.0, 0.0]
    assert ops.clip_by_norm([Tensor([3.0]), Tensor([4.0])], 1.0, float("inf"))[0].asnumpy().round(4).tolist() == [0.75]


def test_gumbel_softmax_draws_a_category():
    soft = ops.gumbel_softmax(Tensor(X), tau=0.5)
    assert_close(soft.sum(1), np.ones(3), tolerance=1e-12)
    hard = ops.gumbel_softmax(Tensor(X), hard=True, dim=0)
    assert sorted(np.unique(hard.asnumpy())) == [0.0, 1.0]
    assert_close(hard.sum(0), np.ones(4))
    assert ops.grad(lambda x: (ops.gumbel_softmax(x, hard=True) * Tensor(X)).sum())(Tensor(X)).asnumpy().any()
    sure = ops.gumbel_softmax(Tensor([[0.0, 1e4]]), hard=True)
    assert sure.tolist() == [[0.0, 1.0]]


def test_rrelu_draws_its_slope():
    drawn = ops.rrelu(Tensor(np.full(200, -1.0)), 0.25, 0.5).asnumpy()
    assert ((drawn <= -0.25) & (drawn > -0.5)).all()
    assert len(np.unique(drawn)) > 150


WRONG: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: ops.gelu(Tensor(X), "erf"),
        ArgumentError,
        "ops.gelu: `approximate` must be one of 'none', 'tanh', but got 'erf'.",
    ),
    (lambda: ops.celu(Tensor(X), 0), ArgumentError, "ops.celu: `alpha` must not be 0: the function divides by it."),
    (
        lambda: ops.glu(Tensor(X), 0),
        ShapeError,
        "ops.glu: axis 0 of shape (3, 4) must be of even length, to be halved.",
    ),
    (
        lambda: ops.softmax(Tensor(X), 2),
        ArgumentError,
        "ops.softmax: `axis` must be in [-2, 1] for a Tensor of shape (3, 4), but got 2.",
    ),
    (
        lambda: ops.prelu(Tensor(X), Tensor([1.0, 2.0])),
        ShapeError,
        "`weight` must be of shape (1,) or (4,) for an input of shape (3, 4), but got (2,).",
    ),
    (lambda: ops.clamp(Tensor(X)), ArgumentError, "ops.clamp: give a lower bound, an upper bound, or both."),
    (
        lambda: ops.clamp(Tensor(X), Tensor(np.ones(3))),
        ShapeError,
        "ops.clamp: shapes (3, 4) and (3,) do not broadcast.",
    ),
    (lambda: ops.clip_by_global_norm((Tensor(X),), 0), ArgumentError, "`clip_norm` must be in (0, inf), but got 0."),
    (
        lambda: ops.clip_by_norm(Tensor([float("inf")]), 1.0, error_if_nonfinite=True),
        ArgumentError,
        "the norm of order 2.0 of `x` is inf.",
    ),
    (lambda: ops.gumbel_softmax(Tensor(X), tau=0.0), ArgumentError, "`tau` must be in (0, inf), but got 0.0."),
    (lambda: ops.rrelu(Tensor(X), 0.5, 0.2), ArgumentError, "`upper` must be in [0.5, 1], but got 0.2."),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_invalid_arguments(call: Any, kind: type[Exception], message: str):
    with pytest.raises(kind, match=re.escape(message)):
        call()
