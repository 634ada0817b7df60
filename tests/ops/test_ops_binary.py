"""Elementwise ops of two and more arguments, logic and bits, against NumPy."""

from __future__ import annotations

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import sporax
from oracles.op_checks import assert_close, check_gradient, check_op
from sporax import ops
from sporax._errors import ArgumentError, DtypeError, ShapeError
from sporax.core import Tensor

pytestmark = pytest.mark.rank_promotion

RNG = np.random.default_rng(7)
X, Y = RNG.normal(0.4, 1.3, (2, 3, 4)), RNG.normal(-0.3, 1.6, (3, 4))
P, Q = RNG.uniform(0.3, 3.0, (3, 4)), RNG.uniform(0.4, 2.5, (3, 1))
WHOLE, DIVISORS = RNG.integers(-20, 20, (3, 4)), RNG.integers(1, 9, (3, 4))


def _xlogy(x: Any, y: Any) -> Any:
    return x * np.log(y)


SMOOTH: dict[str, tuple[Any, Any, Any]] = {
    "add": (np.add, X, Y),
    "sub": (np.subtract, X, Y),
    "mul": (np.multiply, X, Y),
    "div": (np.divide, X, Y),
    "true_divide": (np.divide, X, Y),
    "pow": (np.power, P, Q),
    "maximum": (np.maximum, X, Y),
    "minimum": (np.minimum, X, Y),
    "fmax": (np.fmax, X, Y),
    "fmin": (np.fmin, X, Y),
    "atan2": (np.arctan2, X, Y),
    "hypot": (np.hypot, X, Y),
    "logaddexp": (np.logaddexp, X, Y),
    "logaddexp2": (np.logaddexp2, X, Y),
    "xlogy": (_xlogy, P, Q),
    "xdivy": (np.divide, P, Q),
    "div_no_nan": (np.divide, P, Q),
    "mul_no_nan": (np.multiply, P, Q),
    "squared_difference": (lambda x, y: (x - y) ** 2, X, Y),
    "copysign": (np.copysign, X, Y),
}
FLAT: dict[str, tuple[Any, Any, Any]] = {
    "floor_divide": (np.floor_divide, X, Y),
    "floor_div": (np.floor_divide, X, Y),
    "remainder": (np.remainder, X, Y),
    "floor_mod": (np.remainder, X, Y),
    "fmod": (np.fmod, X, Y),
    "truncate_mod": (np.fmod, X, Y),
    "truncate_div": (lambda x, y: np.trunc(x / y), X, Y),
    "heaviside": (np.heaviside, X, Y),
    "nextafter": (np.nextafter, P, Q),
}
INTEGERS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "floor_divide": np.floor_divide,
    "remainder": np.remainder,
    "fmod": np.fmod,
    "truncate_div": lambda x, y: np.trunc(x / y).astype(np.int64),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "bitwise_left_shift": np.left_shift,
    "bitwise_right_shift": np.right_shift,
    "gcd": np.gcd,
    "lcm": np.lcm,
}
COMPARISONS = {
    "eq": np.equal,
    "equal": np.equal,
    "ne": np.not_equal,
    "not_equal": np.not_equal,
    "gt": np.greater,
    "greater": np.greater,
    "ge": np.greater_equal,
    "greater_equal": np.greater_equal,
    "lt": np.less,
    "less": np.less,
    "le": np.less_equal,
    "less_equal": np.less_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}


@pytest.mark.parametrize("name", SMOOTH)
def test_value_and_gradient(name: str):
    reference, x, y = SMOOTH[name]
    check_op(getattr(ops, name), reference, [x, y], dtype=np.float64, name=name)
    check_gradient(getattr(ops, name), [x, y], tolerance=5e-6, name=name)


@pytest.mark.parametrize("name", FLAT)
def test_values(name: str):
    reference, x, y = FLAT[name]
    check_op(getattr(ops, name), reference, [x, y], dtype=np.float64, name=name)


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_keep_their_dtype(name: str):
    check_op(getattr(ops, name), INTEGERS[name], [WHOLE, DIVISORS], dtype=np.int64, name=name)
    check_op(
        getattr(ops, name),
        INTEGERS[name],
        [WHOLE.astype(np.int32), DIVISORS.astype(np.int32)],
        dtype=np.int32,
        name=name,
    )


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons(name: str):
    check_op(getattr(ops, name), COMPARISONS[name], [WHOLE % 4, DIVISORS % 4], dtype=np.bool_, name=name)


@pytest.mark.parametrize("name", ["add", "mul", "maximum", "pow", "remainder", "gt", "eq"])
def test_the_function_equals_the_operator(name: str):
    operators = {
        "add": lambda a, b: a + b,
        "mul": lambda a, b: a * b,
        "maximum": None,
        "pow": lambda a, b: a**b,
        "remainder": lambda a, b: a % b,
        "gt": lambda a, b: a > b,
        "eq": lambda a, b: a == b,
    }
    if operators[name] is None:
        return
    for left in (Tensor(DIVISORS), Tensor(DIVISORS.astype(np.int8)), Tensor(P), Tensor(P.astype(np.float16))):
        for right in (Tensor(DIVISORS), Tensor(P.astype(np.float32)), 2, 2.5):
            got, wanted = getattr(ops, name)(left, right), operators[name](left, right)
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(got.asnumpy(), wanted.asnumpy())


DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64"]
# The result dtypes of Tensor + Tensor in MindSpore 2.10, row by row.
SUM = """
bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64
uint8 uint8 int16 int16 int32 int64 float16 bfloat16 float32 float64 complex64
int8 int16 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64
int16 int16 int16 int16 int32 int64 float16 bfloat16 float32 float64 complex64
int32 int32 int32 int32 int32 int64 float16 bfloat16 float32 float64 complex64
int64 int64 int64 int64 int64 int64 float16 bfloat16 float32 float64 complex64
float16 float16 float16 float16 float16 float16 float16 float32 float32 float64 complex64
bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 float32 bfloat16 float32 float64 complex64
float32 float32 float32 float32 float32 float32 float32 float32 float32 float64 complex64
float64 float64 float64 float64 float64 float64 float64 float64 float64 float64 complex128
complex64 complex64 complex64 complex64 complex64 complex64 complex64 complex64 complex64 complex128 complex64
"""


@pytest.mark.parametrize("left", DTYPES)
def test_result_dtypes_of_two_tensors(left: str):
    row = SUM.split()[DTYPES.index(left) * len(DTYPES) :][: len(DTYPES)]
    for right, wanted in zip(DTYPES, row, strict=True):
        x, y = Tensor(np.ones(2, jnp.dtype(left))), Tensor(np.ones(2, jnp.dtype(right)))
        assert ops.add(x, y)._value.dtype == jnp.dtype(wanted), (left, right)


@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_a_number_does_not_widen_a_tensor(dtype: str):
    x = Tensor(np.ones(2, jnp.dtype(dtype)))
    whole = jnp.dtype(dtype)
    assert ops.add(x, 2)._value.dtype == whole
    assert ops.mul(2, x)._value.dtype == whole
    fraction = np.dtype(np.float32) if whole.kind in "iu" else whole
    assert ops.add(x, 2.5)._value.dtype == fraction
    assert ops.maximum(x, 2.5)._value.dtype == fraction if whole.kind != "c" else True


def test_division_of_integers_gives_float32():
    for name in ("div", "true_divide", "atan2", "hypot", "xlogy", "logaddexp"):
        assert getattr(ops, name)(Tensor([7]), Tensor([2]))._value.dtype == np.float32, name
    assert ops.Div()(Tensor([7]), Tensor([2])).tolist() == [3.5]
    assert ops.RealDiv()(Tensor([7]), Tensor([2])).tolist() == [3.5]


@pytest.mark.parametrize("mode", ["floor", "trunc"])
@pytest.mark.parametrize("x", [X, WHOLE])
def test_rounding_modes(mode: str, x: np.ndarray):
    y = Y if x.dtype.kind == "f" else DIVISORS
    rounded = np.floor if mode == "floor" else np.trunc
    check_op(lambda a, b: ops.div(a, b, rounding_mode=mode), lambda a, b: rounded(a / b), [x, y], dtype=x.dtype)


def test_zero_factors_and_divisors_give_zero():
    zero = np.array([0.0, 2.0])
    assert ops.xlogy(Tensor(zero), Tensor([0.0, 1.0])).tolist() == [0.0, 0.0]
    assert ops.xdivy(Tensor(zero), Tensor([0.0, 4.0])).tolist() == [0.0, 0.5]
    assert ops.div_no_nan(Tensor([1.0, 2.0]), Tensor(zero)).tolist() == [0.0, 1.0]
    assert ops.mul_no_nan(Tensor([np.inf, 2.0]), Tensor(zero)).tolist() == [0.0, 4.0]
    from sporax.transforms import grad

    gradients = grad(ops.xlogy, (0, 1))(Tensor([0.0]), Tensor([0.0]))
    assert all(np.isfinite(each.asnumpy()).all() for each in gradients)


def test_incomplete_gamma_and_zeta():
    # P(1, x) = 1 - e^-x, zeta(2, 1) = pi^2 / 6
    check_op(lambda x: ops.igamma(Tensor(1.0), x), lambda x: 1 - np.exp(-x), [P.astype(np.float32)])
    check_op(lambda x: ops.igammac(Tensor(1.0), x), lambda x: np.exp(-x), [P.astype(np.float32)])
    assert_close(ops.zeta(Tensor([2.0]), Tensor([1.0])), [np.pi**2 / 6])


def test_ldexp_and_float_power():
    check_op(ops.ldexp, lambda x, y: x * 2.0**y, [P, DIVISORS % 4])
    check_op(ops.float_power, np.float_power, [DIVISORS, DIVISORS % 4], dtype=np.float64)


def test_combinations_of_three():
    a, b, c = X, Y, P + 1
    check_op(lambda x, y, z: ops.addcmul(x, y, z, 0.5), lambda x, y, z: x + 0.5 * y * z, [a, b, c])
    check_op(lambda x, y, z: ops.addcdiv(x, y, z, 0.5), lambda x, y, z: x + 0.5 * y / z, [a, b, c])
    check_op(lambda x, y: ops.lerp(x, y, 0.25), lambda x, y: x + 0.25 * (y - x), [a, b])
    check_op(lambda *xs: ops.addn(list(xs)), lambda x, y, z: x + y + z, [P, P * 2, P - 1])
    check_gradient(lambda x, y, z: ops.addcdiv(x, y, z, 0.5), [a, b, c])
    check_op(ops.polar, lambda r, t: r * np.exp(1j * t), [P, Y], dtype=np.complex128)
    check_op(lambda x, y: ops.Complex()(x, y), lambda x, y: x + 1j * y, [P, Y], dtype=np.complex128)


def test_isclose_and_allclose():
    near = P * (1 + 1e-7)
    check_op(ops.isclose, np.isclose, [P, near], dtype=np.bool_)
    assert ops.isclose(Tensor([np.nan]), Tensor([np.nan]), equal_nan=True).tolist() == [True]
    assert ops.approximate_equal(Tensor([1.0, 2.0]), Tensor([1.1, 2.0]), tolerance=0.05).tolist() == [False, True]
    assert Tensor([1.0]).allclose(Tensor([1.0])) is True


def test_shapes_that_do_not_broadcast_are_both_named():
    with pytest.raises(ShapeError, match=re.escape("ops.add: shapes (2, 3) and (4,) do not broadcast.")):
        ops.add(Tensor(np.ones((2, 3))), Tensor(np.ones(4)))
    with pytest.raises(ShapeError, match=re.escape("ops.maximum: shapes (2,) and (3,) do not broadcast.")):
        Tensor(np.ones(2)).maximum(Tensor(np.ones(3)))
    with pytest.raises(ShapeError, match=re.escape("ops.addn: all Tensors must have one shape, but got (2,) and (3,)")):
        ops.addn([Tensor(np.ones(2)), Tensor(np.ones(3))])
    with pytest.raises(
        ShapeError, match=re.escape("ops.addcmul: shapes (2,) and (3,) and (1,) and () do not broadcast")
    ):
        ops.addcmul(Tensor(np.ones(2)), Tensor(np.ones(3)), Tensor(np.ones(1)))


def test_other_invalid_arguments():
    with pytest.raises(
        DtypeError, match=r"ops\.bitwise_and: `other` must be of a dtype among bool, int, .* but got Float32"
    ):
        ops.bitwise_and(Tensor([1]), Tensor([1.0]))
    with pytest.raises(
        ArgumentError,
        match=r"ops\.div: `rounding_mode` must be one of None, .* but got 'flor'\. Did you mean 'floor'\?",
    ):
        ops.div(Tensor([1.0]), 2, rounding_mode="flor")
    with pytest.raises(DtypeError, match=r"ops\.gt: `input` must be of a dtype among .*, but got Complex64"):
        ops.gt(Tensor(np.array([1j], np.complex64)), 1)


def test_derivatives_at_zero_factors_follow_the_formula():
    def both(op: Any, x: list[float], y: list[float]) -> list[list[float]]:
        gradients = sporax.grad(lambda a, b: op(a, b).sum(), (0, 1))(
            Tensor(np.array(x, np.float64)), Tensor(np.array(y, np.float64))
        )
        return [each.asnumpy().round(12).tolist() for each in gradients]

    # d(x ln y)/dx = ln y, also at x = 0 if that is finite; 0 ln 0 is 0 with derivative 0.
    ln3 = float(np.log(3).round(12))
    assert both(ops.xlogy, [0, 0, 0, 2], [3, 0, -1, 3]) == [[ln3, 0, 0, ln3], [0, 0, 0, round(2 / 3, 12)]]
    assert both(ops.xdivy, [0, 0, 2], [4, 0, 4]) == [[0.25, 0, 0.25], [0, 0, -0.125]]
    assert both(ops.mul_no_nan, [3, np.inf, np.nan, 2], [0, 0, 0, 5]) == [[0, 0, 0, 5], [3, 0, 0, 2]]
    assert both(ops.pow, [0, 0, 2, 3], [0, 1, 0, 2]) == [
        [0, 1, 0, 6], [0, 0, float(np.log(2).round(12)), float((9 * np.log(3)).round(12))],
    ]  # fmt: skip


def test_float_power_is_computed_in_float64():
    for base in (Tensor([2.0, 3.0]), Tensor([2, 3]), Tensor([2.0, 3.0], sporax.float16)):
        for exponent in (0.3, 3, Tensor(0.3, sporax.float64)):
            power = float(exponent.asnumpy()) if isinstance(exponent, Tensor) else exponent
            result = ops.float_power(base, exponent)
            assert result.dtype == sporax.float64
            np.testing.assert_allclose(result.asnumpy(), np.array([2.0, 3.0]) ** power, rtol=1e-14)
    assert np.isfinite(ops.float_power(Tensor([1000.0], sporax.float16), Tensor(2, sporax.float16)).asnumpy())


def test_a_bound_or_an_element_that_is_nan_gives_nan():
    x = Tensor([1.0, np.nan, 3.0])
    assert np.isnan(ops.clamp(x, float("nan")).asnumpy()).all()
    assert np.isnan(x.clip(None, float("nan")).asnumpy()).all()
    np.testing.assert_array_equal(ops.clamp(x, 2.0, 2.5).asnumpy(), [2.0, np.nan, 2.5])
    bounds = Tensor([np.nan, 0.0, 4.0])
    np.testing.assert_array_equal(ops.clamp(x, bounds, None).asnumpy(), [np.nan, np.nan, 4.0])
    # The derivative with respect to the elements is 1 at the bounds.
    gradient = sporax.grad(lambda each: ops.clamp(each, 1.0, 2.0).sum())(Tensor([0.0, 1.0, 1.5, 2.0, 3.0]))
    assert gradient.asnumpy().tolist() == [0, 1, 1, 1, 0]


def test_xlogy_of_half_precision_and_float32_is_computed_in_float32():
    result = ops.xlogy(Tensor([0.5]), Tensor(np.array([2.0], np.float16)))
    np.testing.assert_allclose(result.asnumpy(), [0.5 * np.log(2.0)], rtol=1e-6)
