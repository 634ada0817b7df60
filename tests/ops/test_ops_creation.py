"""Constants, ranges, windows, dtype conversion."""

from __future__ import annotations

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from oracles.op_checks import assert_close
from sporax import ops
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Tensor
from sporax.core import dtype as dtypes

# Results of MindSpore 2.10: expression, value, dtype.
GOLDEN: list[tuple[str, Any, str]] = [
    ("ops.arange(3)", [0, 1, 2], "int64"),
    ("ops.arange(3.0)", [0, 1, 2], "float32"),
    ("ops.arange(0, 1, 0.5)", [0, 0.5], "float32"),
    ("ops.arange(1, 3, dtype=dtypes.float32)", [1, 2], "float32"),
    ("ops.arange(5, 0, -2)", [5, 3, 1], "int64"),
    ("ops.range(0, 3, 1)", [0, 1, 2], "int64"),
    ("ops.linspace(0, 1, 3)", [0, 0.5, 1], "float32"),
    ("ops.LinSpace()(Tensor(0.0), Tensor(1.0), 3)", [0, 0.5, 1], "float32"),
    ("ops.logspace(0, 2, 3)", [1, 10, 100], "float32"),
    ("ops.ones((2,))", [1, 1], "float32"),
    ("ops.zeros(2)", [0, 0], "float32"),
    ("ops.zeros(Tensor([1, 2]))", [[0, 0]], "float32"),
    ("ops.ones((2,), dtypes.int32)", [1, 1], "int32"),
    ("ops.full((2,), 3)", [3, 3], "int64"),
    ("ops.full((2,), True)", [True, True], "bool"),
    ("ops.eye(2)", [[1, 0], [0, 1]], "float32"),
    ("ops.eye(2, 3, dtypes.int8)", [[1, 0, 0], [0, 1, 0]], "int8"),
    ("ops.fill(dtypes.float32, (2,), 3)", [3, 3], "float32"),
    ("ops.fills(Tensor([1, 2]), 7.9)", [7, 7], "int64"),
    ("ops.zeros_like(Tensor([1]))", [0], "int64"),
    ("ops.ones_like(Tensor([1], dtypes.int32))", [1], "int32"),
    ("ops.ones_like(Tensor([1]), dtype=dtypes.float16)", [1], "float16"),
    ("ops.full_like(Tensor([1.0]), 2)", [2], "float32"),
    ("ops.tril_indices(2, 3)", [[0, 1, 1], [0, 0, 1]], "int64"),
    ("ops.triu_indices(2, 3, 1, dtype=dtypes.int32)", [[0, 0, 1], [1, 2, 2]], "int32"),
    ("ops.vander(Tensor([1.0, 2]), 3)", [[1, 1, 1], [4, 2, 1]], "float32"),
    ("ops.cast(Tensor([1.7]), dtypes.int32)", [1], "int32"),
    ("ops.Cast()(1.7, dtypes.int32)", 1, "int32"),
    ("ops.scalar_to_tensor(3)", 3, "float32"),
    ("ops.scalar_to_tensor(3, dtypes.int32)", 3, "int32"),
    ("ops.tuple_to_array((1, 2))", [1, 2], "int32"),
    ("ops.type_as(Tensor([1.7]), Tensor([1], dtypes.int8))", [1], "int8"),
    ("Tensor([1.5]).int()", [1], "int32"),
    ("Tensor([1.5]).long()", [1], "int64"),
    ("Tensor([1.5]).byte()", [1], "uint8"),
    ("Tensor([1.5]).bool()", [True], "bool"),
    ("Tensor([1.5]).half()", [1.5], "float16"),
    ("Tensor([1.5]).double()", [1.5], "float64"),
    ("Tensor([1.5]).bfloat16()", [1.5], "bfloat16"),
    ("Tensor([1]).float()", [1], "float32"),
    ("Tensor([1.5]).new_zeros((2,))", [0, 0], "float32"),
    ("Tensor([1]).new_ones(2)", [1, 1], "int64"),
    ("Tensor([1]).new_full((1,), 5)", [5], "int64"),
    ("Tensor([1.5]).new_empty((1,), dtype=dtypes.int8)", [0], "int8"),
    ("Tensor([1.5]).fill(3)", [3], "float32"),
]


@pytest.mark.parametrize(("expression", "value", "dtype"), GOLDEN)
def test_as_mindspore(expression: str, value: Any, dtype: str):
    got = eval(expression, {"ops": ops, "Tensor": Tensor, "dtypes": dtypes})
    assert_close(got, np.asarray(value), dtype=jnp.dtype(dtype), tolerance=1e-6)


def test_full_of_a_float_is_floating():
    """A deliberate difference: MindSpore's `full((2,), 3.5)` is int64."""
    assert ops.full((2,), 3.5).tolist() == [3.5, 3.5]


@pytest.mark.parametrize(
    ("name", "reference"),
    [("hann", np.hanning), ("hamming", np.hamming), ("blackman", np.blackman), ("bartlett", np.bartlett)],
)
def test_windows(name: str, reference: Any):
    window = getattr(ops, f"{name}_window")
    assert_close(window(7, periodic=False, dtype=np.float64), reference(7), tolerance=1e-12)
    assert_close(window(7), reference(8)[:-1], dtype=np.float32, tolerance=1e-6)
    assert window(1).tolist() == [1.0]
    assert window(0).shape == (0,)


def test_ends_as_tensors():
    assert_close(ops.linspace(Tensor(0.0, np.float64), 1, 3), [0.0, 0.5, 1.0], dtype=np.float64)
    assert ops.arange(Tensor(3, np.int32)).dtype is dtypes.int32
    assert ops.range(Tensor(0.0), Tensor(1.0), Tensor(0.25)).shape == (4,)


def test_dtype_queries():
    assert ops.dtype(Tensor([1.5])) is dtypes.float32
    assert Tensor([1]).is_floating_point() is False
    assert ops.is_complex(Tensor(np.array([1j]))) is True
    assert Tensor(np.zeros(1, np.uint8)).is_signed() is False
    assert ops.scalar_cast(2.7, dtypes.int64) == 2
    assert ops.is_tensor(Tensor(1)) is True


def test_identity_matrices():
    x = Tensor([1.0, 2.0])
    assert ops.identity(x).tolist() == ops.deepcopy(x).tolist() == x.clone().tolist() == [1.0, 2.0]
    assert ops.depend(x, None).tolist() == ops.Depend()(x, x).tolist() == [1.0, 2.0]
    assert x.contiguous() is x
    assert x.is_contiguous() is True
    assert ops.grad(lambda t: t.clone() * 2)(x).tolist() == [2.0, 2.0]


WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda: ops.zeros((2, -1)), ArgumentError, "ops.zeros: sizes of `size` must not be negative, but got (2, -1)."),
    (lambda: ops.ones(2.5), ArgumentTypeError, "ops.ones: `shape` must be an int, but got 2.5 of type float."),
    (lambda: ops.arange(0, 3, 0), ArgumentError, "ops.arange: `step` must not be 0."),
    (lambda: ops.range(0, 9, 1, maxlen=5), ArgumentError, "ops.range: 9 numbers are more than `maxlen`, 5."),
    (lambda: ops.linspace(0, 1, 0), ArgumentError, "ops.linspace: `steps` must be at least 1, but got 0."),
    (lambda: ops.hann_window(-1), ArgumentError, "`window_length` must not be negative, but got -1."),
    (lambda: ops.zeros(2, "float31"), ArgumentTypeError, "'float31' is not a dtype that sporax has."),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_invalid_arguments(call: Any, kind: type[Exception], message: str):
    with pytest.raises(kind, match=re.escape(message)):
        call()
