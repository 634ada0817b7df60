"""Elementwise ops of one argument against NumPy."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from oracles.op_checks import assert_close, check_gradient, check_op
from sporax import grad, ops
from sporax._errors import ArgumentTypeError, DtypeError
from sporax.core import Tensor

RNG = np.random.default_rng(3)
REALS = RNG.normal(0.3, 1.4, (3, 4))
POSITIVE = RNG.uniform(0.2, 4.0, (3, 4))
UNIT = RNG.uniform(-0.9, 0.9, (3, 4))
ABOVE_ONE = RNG.uniform(1.2, 5.0, (3, 4))
STEPS = np.array([[-2.5, -1.5, -0.5, 0.5], [1.5, 2.5, -0.2, 0.7]])

_each = np.vectorize


def _i(order: int):
    return _each(lambda x: np.trapezoid(np.exp(x * np.cos(T)) * np.cos(order * T), T) / np.pi)


T = np.linspace(0, np.pi, 20001)


def _digamma(x: Any) -> Any:
    return _each(lambda v: (math.lgamma(v + 1e-5) - math.lgamma(v - 1e-5)) / 2e-5)(x)


def _softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


SMOOTH: dict[str, tuple[Any, np.ndarray]] = {
    "abs": (np.abs, REALS),
    "neg": (np.negative, REALS),
    "square": (np.square, REALS),
    "sqrt": (np.sqrt, POSITIVE),
    "rsqrt": (lambda x: 1 / np.sqrt(x), POSITIVE),
    "reciprocal": (np.reciprocal, POSITIVE),
    "exp": (np.exp, REALS),
    "exp2": (np.exp2, REALS),
    "expm1": (np.expm1, REALS),
    "log": (np.log, POSITIVE),
    "log1p": (np.log1p, POSITIVE),
    "log2": (np.log2, POSITIVE),
    "log10": (np.log10, POSITIVE),
    "sin": (np.sin, REALS),
    "cos": (np.cos, REALS),
    "tan": (np.tan, UNIT),
    "asin": (np.arcsin, UNIT),
    "acos": (np.arccos, UNIT),
    "atan": (np.arctan, REALS),
    "sinh": (np.sinh, REALS),
    "cosh": (np.cosh, REALS),
    "tanh": (np.tanh, REALS),
    "asinh": (np.arcsinh, REALS),
    "acosh": (np.arccosh, ABOVE_ONE),
    "atanh": (np.arctanh, UNIT),
    "sinc": (np.sinc, REALS),
    "deg2rad": (np.deg2rad, REALS),
    "rad2deg": (np.rad2deg, REALS),
    "frac": (lambda x: x - np.trunc(x), REALS),
    "erf": (_each(math.erf), REALS),
    "erfc": (_each(math.erfc), REALS),
    "lgamma": (_each(math.lgamma), POSITIVE),
    "i0": (np.i0, REALS),
    "bessel_i0": (np.i0, REALS),
    "bessel_i0e": (lambda x: np.i0(x) * np.exp(-np.abs(x)), REALS),
    "bessel_i1": (_i(1), REALS),
    "bessel_i1e": (lambda x: _i(1)(x) * np.exp(-np.abs(x)), REALS),
    "logit": (lambda x: np.log(x / (1 - x)), np.abs(UNIT)),
    "relu": (lambda x: np.maximum(x, 0), REALS),
    "relu6": (lambda x: np.clip(x, 0, 6), REALS * 4),
    "sigmoid": (_sigmoid, REALS),
    "logsigmoid": (lambda x: -_softplus(-x), REALS),
    "silu": (lambda x: x * _sigmoid(x), REALS),
    "mish": (lambda x: x * np.tanh(_softplus(x)), REALS),
    "hardsigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), REALS * 3),
    "hardswish": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), REALS * 3),
    "softsign": (lambda x: x / (1 + np.abs(x)), REALS),
    "tanhshrink": (lambda x: x - np.tanh(x), REALS),
    "fast_gelu": (lambda x: x * _sigmoid(1.702 * x), REALS),
    "positive": (np.positive, REALS),
}

STEP: dict[str, tuple[Any, np.ndarray]] = {
    "sign": (np.sign, STEPS),
    "floor": (np.floor, STEPS),
    "ceil": (np.ceil, STEPS),
    "trunc": (np.trunc, STEPS),
    "round": (np.round, STEPS),
    "rint": (np.rint, STEPS),
}

SPECIAL_VALUES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5])
PREDICATES = {
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "isposinf": np.isposinf,
    "isneginf": np.isneginf,
    "signbit": np.signbit,
    "logical_not": np.logical_not,
    "isreal": np.isreal,
}


@pytest.mark.parametrize("name", SMOOTH)
def test_value_and_gradient(name: str):
    reference, sample = SMOOTH[name]
    # NumPy's i0 and the integrals are accurate to about 1e-7.
    tolerance = 2e-7 if "i0" in name or "i1" in name else None
    check_op(getattr(ops, name), reference, [sample], dtype=np.float64, tolerance=tolerance, name=name)
    check_gradient(getattr(ops, name), [sample], tolerance=2e-6, name=name)


@pytest.mark.parametrize("name", SMOOTH)
def test_float32_is_preserved(name: str):
    reference, sample = SMOOTH[name]
    array = sample.astype(np.float32)
    tolerance = 3e-5 if name in ("lgamma", "tan", "mish") else 1e-5
    check_op(
        getattr(ops, name),
        lambda x: reference(x.astype(np.float64)),
        [array],
        dtype=np.float32,
        tolerance=tolerance,
        compiled=False,
        name=name,
    )


@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16])
@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "erf", "relu", "silu", "round", "square", "rsqrt"])
def test_half_precision_is_preserved(name: str, dtype: Any):
    array = POSITIVE.astype(dtype)
    got = getattr(ops, name)(Tensor(array))
    assert got._value.dtype == jnp.dtype(dtype)
    wide = getattr(ops, name)(Tensor(array.astype(np.float32)))
    assert_close(got, wide.asnumpy(), tolerance=2e-3 if dtype is np.float16 else 2e-2)


@pytest.mark.parametrize("name", STEP)
def test_steps(name: str):
    reference, sample = STEP[name]
    check_op(getattr(ops, name), reference, [sample], dtype=np.float64, name=name)


@pytest.mark.parametrize("name", PREDICATES)
def test_predicates(name: str):
    check_op(getattr(ops, name), PREDICATES[name], [SPECIAL_VALUES], dtype=np.bool_, name=name)


def test_erfinv_and_digamma_invert_and_differentiate():
    check_op(lambda x: ops.erf(ops.erfinv(x)), lambda x: x, [UNIT], dtype=np.float64, tolerance=1e-10)
    check_op(ops.digamma, _digamma, [POSITIVE], dtype=np.float64, tolerance=1e-5)
    check_op(lambda x: ops.polygamma(0, x), _digamma, [POSITIVE], tolerance=1e-5)
    check_op(
        lambda x: ops.mvlgamma(x, 2),
        lambda x: 0.5 * math.log(math.pi) + _each(math.lgamma)(x) + _each(math.lgamma)(x - 0.5),
        [ABOVE_ONE],
    )


@pytest.mark.parametrize("name", ["sqrt", "exp", "sin", "log", "erf", "sigmoid", "tanh", "reciprocal", "angle"])
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, np.bool_])
def test_integers_are_computed_in_float32(name: str, dtype: Any):
    assert getattr(ops, name)(Tensor(np.array([1, 1], dtype)))._value.dtype == np.float32


@pytest.mark.parametrize("name", ["abs", "neg", "square", "sign", "floor", "ceil", "trunc", "relu", "positive"])
def test_integers_are_preserved(name: str):
    got = getattr(ops, name)(Tensor(np.array([-3, 2], np.int32)))
    assert got._value.dtype == np.int32


def test_bitwise_operators():
    check_op(ops.bitwise_not, np.invert, [np.array([0, 5, -3])], dtype=np.int64)
    check_op(ops.invert, np.invert, [np.array([True, False])], dtype=np.bool_)
    check_op(ops.population_count, lambda x: np.array([3, 1, 0]), [np.array([7, 8, 0], np.int32)], dtype=np.uint8)


def test_complex_parts():
    z = REALS + 1j * UNIT
    check_op(ops.conj, np.conj, [z], dtype=np.complex128)
    check_op(ops.angle, np.angle, [z], dtype=np.float64)
    check_op(ops.real, np.real, [z], dtype=np.float64)
    check_op(ops.imag, np.imag, [z], dtype=np.float64)
    check_op(ops.abs, np.abs, [z], dtype=np.float64)


@pytest.mark.parametrize("name", ["relu", "relu6", "abs", "hardsigmoid", "hardtanh"])
def test_derivative_at_the_kink_is_zero(name: str):
    from sporax.transforms import grad

    at = {"hardsigmoid": -3.0, "hardtanh": 1.0}.get(name, 0.0)
    assert grad(getattr(ops, name))(Tensor(at)).item() == 0.0


@pytest.mark.parametrize("name", ["relu", "relu6", "hardtanh", "clamp", "sigmoid", "silu", "hardshrink", "softshrink"])
def test_nan_is_propagated(name: str):
    call = (lambda x: ops.clamp(x, 0, 1)) if name == "clamp" else getattr(ops, name)
    assert np.isnan(call(Tensor([np.nan])).asnumpy()).all()


def test_nan_to_num():
    x = np.array([np.nan, np.inf, -np.inf, 2.0])
    check_op(
        lambda t: ops.nan_to_num(t, 0.5, 8.0, -8.0), lambda a: np.nan_to_num(a, nan=0.5, posinf=8.0, neginf=-8.0), [x]
    )
    check_op(ops.nan_to_num, np.nan_to_num, [x])


def test_numbers_and_lists_become_tensors():
    assert ops.exp(0.0).dtype.name == "float32"
    assert ops.abs(-3).asnumpy().dtype == np.int64
    assert ops.sqrt([4.0, 9.0]).tolist() == [2.0, 3.0]


def test_invalid_dtypes_are_named():
    with pytest.raises(DtypeError, match=r"ops\.floor: `input` must be of a dtype among .*float.*, but got Complex64"):
        ops.floor(Tensor(np.array([1j], np.complex64)))
    with pytest.raises(DtypeError, match=r"ops\.bitwise_not: `input` .* but got Float32\. Cast it first"):
        ops.bitwise_not(Tensor([1.0]))
    with pytest.raises(ArgumentTypeError, match=r"ops\.round: `decimals` must be an int, but got 1\.5"):
        ops.round(Tensor([1.0]), decimals=1.5)


def test_the_checks_can_fail():
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_op(ops.exp, np.exp2, [REALS])
    with pytest.raises(AssertionError, match="dtype float64, expected float32"):
        check_op(ops.exp, np.exp, [REALS], dtype=np.float32)
    with pytest.raises(AssertionError, match=r"shape \(3, 4\), expected \(\)"):
        check_op(ops.exp, np.sum, [REALS])
    with pytest.raises(AssertionError, match="gradient 0"):
        check_gradient(lambda x: ops.stop_gradient(x) * x, [REALS])


def test_derivatives_of_the_bessel_functions_at_zero():
    gradients = [
        grad(lambda x, name=name: getattr(ops, name)(x).sum())(Tensor([0.0])).item()
        for name in ("i0", "bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e")
    ]
    assert gradients == [0.0, 0.0, 0.0, 0.5, 0.5]
