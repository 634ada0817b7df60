"""Operators of Tensor: MindSpore's result dtypes, values, and errors."""

from __future__ import annotations

import operator
import re

import jax
import numpy as np
import pytest

import sporax
import sporax.core.dtype as dt
from sporax._errors import ArgumentTypeError, DtypeError, ShapeError
from sporax.core import Tensor

f32 = np.float32

# (value, print, repr) as in MindSpore 2.10; None if not compared.

SHORT = dict(
    zip(
        ("bool", "u8", "i8", "i16", "i32", "i64", "f16", "bf16", "f32", "f64", "c64", "c128"),
        [
            dt.bool_, dt.uint8, dt.int8, dt.int16, dt.int32, dt.int64, dt.float16, dt.bfloat16, dt.float32,
            dt.float64, dt.complex64, dt.complex128,
        ],
        strict=True,
    )
)  # fmt: skip
COLUMNS = list(SHORT)[:11]
SUM_TABLE = """
bool bool   u8    i8   i16   i32   i64   f16  bf16   f32   f64   c64
u8     u8   u8   i16   i16   i32   i64   f16  bf16   f32   f64   c64
i8     i8   i16    i8   i16   i32   i64   f16  bf16   f32   f64   c64
i16   i16   i16   i16   i16   i32   i64   f16  bf16   f32   f64   c64
i32   i32   i32   i32   i32   i32   i64   f16  bf16   f32   f64   c64
i64   i64   i64   i64   i64   i64   i64   f16  bf16   f32   f64   c64
f16   f16   f16   f16   f16   f16   f16   f16   f32   f32   f64   c64
bf16 bf16  bf16  bf16  bf16  bf16  bf16   f32  bf16   f32   f64   c64
f32   f32   f32   f32   f32   f32   f32   f32   f32   f32   f64   c64
f64   f64   f64   f64   f64   f64   f64   f64   f64   f64   f64  c128
c64   c64   c64   c64   c64   c64   c64   c64   c64   c64  c128   c64
"""
RATIO_TABLE = """
bool  f32   f32   f32   f32   f32   f32   f16  bf16   f32   f64
u8    f32   f32   f32   f32   f32   f32   f16  bf16   f32   f64
i8    f32   f32   f32   f32   f32   f32   f16  bf16   f32   f64
i16   f32   f32   f32   f32   f32   f32   f16  bf16   f32   f64
i32   f32   f32   f32   f32   f32   f32   f16  bf16   f32   f64
i64   f32   f32   f32   f32   f32   f32   f16  bf16   f32   f64
f16   f16   f16   f16   f16   f16   f16   f16   f32   f32   f64
bf16 bf16  bf16  bf16  bf16  bf16  bf16   f32  bf16   f32   f64
f32   f32   f32   f32   f32   f32   f32   f32   f32   f32   f64
f64   f64   f64   f64   f64   f64   f64   f64   f64   f64   f64
"""
# Tensor with True, 2 and 2.5, on either side.
SCALAR_SUM = """
bool bool i64 f32
u8 u8 u8 f32
i8 i8 i8 f32
i16 i16 i16 f32
i32 i32 i32 f32
i64 i64 i64 f32
f16 f16 f16 f16
bf16 bf16 bf16 bf16
f32 f32 f32 f32
f64 f64 f64 f64
c64 c64 c64 c64
"""


def rows(table):
    return [(line.split()[0], line.split()[1:]) for line in table.strip().split("\n")]


def dtype_of(op, left, right):
    """Return the dtype of the result without compiling the operator; `TestOperators` runs them."""
    return jax.eval_shape(lambda: op(left, right)).dtype


class TestResultDtypes:
    @pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul], ids=lambda op: op.__name__)
    def test_arithmetic(self, op):
        for left, results in rows(SUM_TABLE):
            for right, result in zip(COLUMNS, results, strict=True):
                got = dtype_of(op, Tensor([1], SHORT[left]), Tensor([1], SHORT[right]))
                assert got is SHORT[result], f"{left} {op.__name__} {right}"

    @pytest.mark.parametrize("op", [operator.floordiv, operator.mod, operator.pow], ids=lambda op: op.__name__)
    def test_integers_and_floats(self, op):
        for left, results in rows(SUM_TABLE)[1:-1]:
            for right, result in zip(COLUMNS[1:-1], results[1:-1], strict=True):
                got = dtype_of(op, Tensor([1], SHORT[left]), Tensor([1], SHORT[right]))
                assert got is SHORT[result], f"{left} {op.__name__} {right}"

    def test_division(self):
        for left, results in rows(RATIO_TABLE):
            for right, result in zip(COLUMNS, results, strict=False):
                got = dtype_of(operator.truediv, Tensor([1], SHORT[left]), Tensor([1], SHORT[right]))
                assert got is SHORT[result], f"{left} / {right}"

    @pytest.mark.parametrize(
        "op",
        [operator.add, operator.sub, operator.mul, operator.floordiv, operator.pow],
        ids=lambda op: op.__name__,
    )
    def test_python_scalars(self, op):
        for left, results in rows(SCALAR_SUM):
            if op is operator.floordiv and left == "c64":
                continue
            for scalar, result in zip((True, 2, 2.5), results, strict=True):
                if op is operator.pow and left == "bool" and scalar is True:
                    continue
                tensor = Tensor([1], SHORT[left])
                assert dtype_of(op, tensor, scalar) is SHORT[result], f"{left} {op.__name__} {scalar}"
                assert dtype_of(op, scalar, tensor) is SHORT[result], f"{scalar} {op.__name__} {left}"

    def test_division_by_python_scalars(self):
        for left, _ in rows(SCALAR_SUM):
            kind = SHORT[left]
            expected = dt.float32 if kind.dtype.kind in "iub" else kind
            for scalar in (True, 2, 2.5):
                assert dtype_of(operator.truediv, Tensor([1], kind), scalar) is expected, f"{left} / {scalar}"
                assert dtype_of(operator.truediv, scalar, Tensor([1], kind)) is expected, f"{scalar} / {left}"

    @pytest.mark.parametrize("op", [operator.lt, operator.ge, operator.eq, operator.ne], ids=lambda op: op.__name__)
    def test_comparisons(self, op):
        for kind in SHORT.values():
            if not kind.is_complex or op in (operator.eq, operator.ne):
                for other in (Tensor([1], dt.float32), 2, 2.5, True):
                    assert dtype_of(op, Tensor([1], kind), other) is dt.bool_

    def test_a_numpy_scalar_is_treated_as_a_python_scalar(self):
        assert (Tensor([1.0], dt.float16) + np.float32(1)).dtype is dt.float16
        for scalar in (np.float64(2), np.float32(2), np.int64(2)):
            assert (Tensor([1.0]) * scalar).dtype is dt.float32
            assert (scalar * Tensor([1.0])).dtype is dt.float32

    def test_the_dtype_of_a_0d_tensor_takes_part_in_promotion(self):
        assert (Tensor(1.0, dt.float64) + Tensor([1.0])).dtype is dt.float64
        assert (Tensor([1.0], dt.float16) + Tensor(1.0)).dtype is dt.float32

    def test_bools(self):
        a, b = Tensor([True, True, False, False]), Tensor([True, False, True, False])
        assert (a - b).tolist() == [False, True, True, False]
        assert (a + b).tolist() == [True, True, True, False]
        assert (a * 2).tolist() == [2, 2, 0, 0]
        assert (~a).tolist() == [False, False, True, True]


class TestOperators:
    def test_python_rules(self):
        x = Tensor([-7])
        assert ((x // 2).item(), (x % 3).item(), (Tensor([-7.5]) % 2).item()) == (-4, 2, 0.5)
        assert (Tensor([2]) ** 2).item() == 4
        assert (2 ** Tensor([2])).item() == 4
        assert np.isinf((Tensor([1]) / 0).item())
        assert abs(Tensor([-1])).item() == 1
        assert (+Tensor([-1])).item() == -1

    def test_lists_and_arrays_as_other_operand(self):
        assert operator.add(Tensor([1, 2]), [1, 2]).tolist() == [2, 4]
        assert operator.add((1, 2), Tensor([1, 2])).tolist() == [2, 4]
        assert (np.ones(2) + Tensor([1, 2])).tolist() == [2.0, 3.0]

    def test_objects_that_cannot_be_compared_are_unequal(self):
        assert (Tensor([1, 2]) == None) is False  # noqa: E711
        assert (Tensor([1, 2]) != "a") is True
        assert hash(Tensor(1)) != hash(Tensor(1))

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda: Tensor([1.0, 2, 3]) + Tensor([1.0, 2]),
                ShapeError,
                "Tensor + Tensor: shapes (3,) and (2,) do not broadcast. Aligned from the right",
            ),
            (
                lambda: Tensor([1, 2]) == Tensor([1, 2, 3]),
                ShapeError,
                "Tensor == Tensor: shapes (2,) and (3,)",
            ),
            (
                lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones((2, 3))),
                ShapeError,
                "Tensor @ Tensor: shapes (2, 3) and (2, 3) do not match. The last axis of the left operand",
            ),
            (lambda: Tensor([5.0]) & 1, DtypeError, "Tensor & Tensor does not accept Float32 and 1"),
            (lambda: Tensor([1]) + "a", TypeError, "unsupported operand"),
            (lambda: Tensor([1]) + None, TypeError, "unsupported operand"),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()

    def test_in_place_operators_rebind(self):
        a = b = Tensor([1, 2])
        a += 1
        assert (a.tolist(), b.tolist()) == ([2, 3], [1, 2])


OUT_OF_RANGE = [
    (np.array([0, 7, 200], np.uint8), (-1, 256, 300, 2**31, 2**40)),
    (np.array([-100, 7, 127], np.int8), (-129, 128, 2**31)),
    (np.array([-3, 7, 2**31 - 1], np.int32), (-(2**31) - 1, 2**31, 2**40)),
]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize(("array", "number"), [(a, n) for a, numbers in OUT_OF_RANGE for n in numbers])
def test_a_number_out_of_range_is_compared_by_its_value(array: np.ndarray, number: int):
    tensor = Tensor(array)
    for compare in COMPARISONS:
        right = [compare(each, number) for each in array.tolist()]
        assert compare(tensor, number).asnumpy().tolist() == right
        assert compare(number, tensor).asnumpy().tolist() == [compare(number, each) for each in array.tolist()]
        assert sporax.jit(lambda x, compare=compare: compare(x, number))(tensor).asnumpy().tolist() == right
    for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"):
        short = {"less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge", "equal": "eq"}
        compare = getattr(operator, short.get(name, "ne"))
        right = [compare(each, number) for each in array.tolist()]
        assert getattr(sporax.ops, name)(tensor, number).asnumpy().tolist() == right


def test_other_operators_with_a_number_out_of_range():
    numbers = [0, 7, 200]
    pixels = Tensor(np.array(numbers, np.uint8))
    for result, right in [
        (pixels % 300, numbers), (pixels // 300, [0, 0, 0]), (300 % pixels[1:], [300 % 7, 100]),
        (300 // pixels[1:], [42, 1]), (sporax.ops.clamp(pixels, -1, 300), numbers),
        (sporax.ops.minimum(pixels, 300), numbers), (sporax.ops.maximum(pixels, -1), numbers),
        (sporax.ops.fmod(pixels, 300), numbers), (pixels + 300, [44, 51, 244]), (pixels * 257, numbers),
    ]:  # fmt: skip
        assert (result.asnumpy().tolist(), result.dtype) == (right, dt.uint8)


@pytest.mark.parametrize(("number", "dtype"), [(1, dt.uint8), (1, dt.int32), (1.0, dt.float16), (1.0, dt.bfloat16)])
def test_alpha_does_not_widen(number: float, dtype: dt.DType):
    tensor = Tensor([3, 4], dtype)
    for name, right in (("add", [5, 6]), ("sub", [1, 2]), ("subtract", [1, 2])):
        result = getattr(tensor, name)(number, alpha=2)
        assert (result.astype(dt.float32).asnumpy().tolist(), result.dtype) == (right, dtype)
    result = sporax.ops.subtract(tensor, number, alpha=2)
    assert (result.astype(dt.float32).asnumpy().tolist(), result.dtype) == ([1, 2], dtype)


def test_negative_exponents_of_integers_truncate_the_quotient():
    base = Tensor(np.array([2, -7, 1, -1, -1, 3], np.int32))
    exponent = Tensor(np.array([-1, -1, -2, -3, -2, 4], np.int32))
    for result in (base**exponent, sporax.ops.pow(base, exponent), sporax.jit(lambda a, b: a**b)(base, exponent)):
        assert (result.asnumpy().tolist(), result.dtype) == ([0, 0, 1, -1, 1, 81], dt.int32)
    assert (2 ** Tensor([3, -1])).asnumpy().tolist() == [8, 0]
    assert sporax.ops.pow(Tensor([True, False]), 2).dtype == (Tensor([True, False]) ** 2).dtype == dt.int64


def test_none_is_not_a_dtype():
    x = Tensor([1.0])
    for cast in (x.astype, x.type, lambda dtype: sporax.ops.cast(x, dtype)):
        with pytest.raises(ArgumentTypeError, match="None is not a dtype"):
            cast(None)
    assert x.to(None).dtype == dt.float32


def test_take_with_negative_indices_and_indices_out_of_range():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.take(Tensor([-1, 5, -9, 0])).asnumpy().tolist() == [4, 4, 1, 1]
    assert x.take(Tensor([-1]), 0).asnumpy().tolist() == [[3, 4]]
    assert x.take(Tensor([-1]), axis=1).asnumpy().tolist() == [[2], [4]]
    assert x.take(Tensor([-1, 5]), mode="wrap").asnumpy().tolist() == [4, 2]
