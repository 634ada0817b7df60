"""Writes: assign, scatter into Parameters, in-place methods; eagerly and inside transforms."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import sporax
from oracles.op_checks import assert_close
from sporax import ops
from sporax._errors import ArgumentTypeError, DtypeError, OutOfRangeError, ShapeError
from sporax.core import Parameter, Tensor

pytestmark = pytest.mark.rank_promotion


def parameter(values: Any, dtype: Any = np.float32) -> Parameter:
    return Parameter(Tensor(np.array(values, dtype)), name="w")


def test_assign():
    w = parameter([1.0, 2.0])
    given = ops.assign(w, Tensor([3.0, 4.0]))
    assert given.tolist() == w.tolist() == [3.0, 4.0]
    assert ops.assign_add(w, Tensor([1.0, 1.0])).tolist() == w.tolist() == [4.0, 5.0]
    assert given.tolist() == [3.0, 4.0]
    assert ops.assign_sub(w, 0.5).tolist() == [3.5, 4.5]
    assert ops.Assign()(w, Tensor([0.0, 0.0])).tolist() == [0.0, 0.0]
    assert ops.AssignAdd()(w, 2).tolist() == ops.AssignSub()(w, Tensor([0.0, 0.0])).tolist() == [2.0, 2.0]
    assert ops.assign(parameter(1.0), 5).item() == 5.0
    exact = parameter(0.0, np.float64)
    assert ops.assign(exact, 0.1).item() == 0.1
    assert ops.assign_add(exact, 0.2).item() == 0.1 + 0.2


def test_writes_inside_transforms_are_kept():
    count, w = parameter(0.0), parameter([1.0, 2.0])

    def loss(x: Tensor) -> Tensor:
        ops.assign_add(count, 1)
        ops.scatter_add(w, Tensor([0]), Tensor([10.0]))
        return (x * w).sum()

    value, gradient = ops.value_and_grad(sporax.jit(loss))(Tensor([1.0, 1.0]))
    assert (value.item(), gradient.tolist(), count.item(), w.tolist()) == (13.0, [11.0, 2.0], 1.0, [11.0, 2.0])
    compiled = sporax.jit(loss)
    for _ in range(3):
        compiled(Tensor([1.0, 1.0]))
    assert (count.item(), w.tolist()) == (4.0, [41.0, 2.0])


HOW = {
    "update": lambda a, i, u: a.__setitem__(i, u),
    "add": lambda a, i, u: np.add.at(a, i, u),
    "sub": lambda a, i, u: np.subtract.at(a, i, u),
    "mul": lambda a, i, u: np.multiply.at(a, i, u),
    "div": lambda a, i, u: np.divide.at(a, i, u),
    "max": lambda a, i, u: np.maximum.at(a, i, u),
    "min": lambda a, i, u: np.minimum.at(a, i, u),
}


@pytest.mark.parametrize("how", HOW)
def test_writes_to_rows_and_points_of_a_parameter(how: str):
    rng = np.random.default_rng(41)
    start, rows = (
        rng.normal(0.5, 1.0, (4, 3)),
        np.array([[1, 3], [0, 2]]) if how == "update" else np.array([[1, 3], [1, 0]]),
    )
    updates = rng.normal(1.0, 0.3, (2, 2, 3))
    title = how.capitalize()
    for call in (getattr(ops, f"scatter_{how}"), getattr(ops, f"Scatter{title}")()):
        expected, w = start.copy(), parameter(start, np.float64)
        HOW[how](expected, rows, updates)
        assert_close(call(w, Tensor(rows), Tensor(updates)), expected)
        assert_close(w, expected)
    points, values = np.array([[1, 2], [3, 0]]), np.array([0.7, 1.8])
    for call in (getattr(ops, f"scatter_nd_{how}"), getattr(ops, f"ScatterNd{title}")()):
        expected, w = start.copy(), parameter(start, np.float64)
        HOW[how](expected, tuple(points.T), values)
        assert_close(call(w, Tensor(points), Tensor(values)), expected)
        assert_close(w, expected)


IN_PLACE: dict[str, tuple[Any, Any]] = {
    "add_": (lambda x: x.add_(Tensor([1.0, 2.0]), alpha=2), [3.0, 8.0]),
    "sub_": (lambda x: x.sub_(1.0), [0.0, 3.0]),
    "mul_": (lambda x: x.mul_(3.0), [3.0, 12.0]),
    "div_": (lambda x: x.div_(3.0, rounding_mode="floor"), [0.0, 1.0]),
    "floor_divide_": (lambda x: x.floor_divide_(3), [0.0, 1.0]),
    "remainder_": (lambda x: x.remainder_(3), [1.0, 1.0]),
    "pow_": (lambda x: x.pow_(2), [1.0, 16.0]),
    "sqrt_": (lambda x: x.sqrt_(), [1.0, 2.0]),
    "neg_": (lambda x: x.neg_(), [-1.0, -4.0]),
    "clamp_": (lambda x: x.clamp_(max=2.0), [1.0, 2.0]),
    "fill_": (lambda x: x.fill_(7), [7.0, 7.0]),
    "zero_": (lambda x: x.zero_(), [0.0, 0.0]),
    "copy_": (lambda x: x.copy_(Tensor([5])), [5.0, 5.0]),
    "masked_fill_": (lambda x: x.masked_fill_(x > 2, 9.0), [1.0, 9.0]),
    "index_fill_": (lambda x: x.index_fill_(0, Tensor([1]), 9.0), [1.0, 9.0]),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_methods_rebind_and_return_the_tensor(name: str):
    call, expected = IN_PLACE[name]
    for x in (Tensor([1.0, 4.0]), parameter([1.0, 4.0])):
        assert call(x) is x
        assert x.tolist() == expected
        assert x.dtype.name == "float32"


def test_every_in_place_method_equals_its_op():
    x = Tensor([0.25, 0.5])
    for name in ("abs", "exp", "log", "erfinv", "sigmoid", "tanh", "square", "sign", "floor", "ceil", "round"):
        y = Tensor([0.25, 0.5])
        assert getattr(y, f"{name}_")().tolist() == getattr(x, name)().tolist()


def test_a_tensor_rebound_in_a_compiled_function_is_unchanged_outside():
    x = Tensor([1.0])
    assert sporax.jit(lambda: x.add_(1.0) * 2)().tolist() == [4.0]
    assert x.tolist() == [1.0]


def test_a_tensor_of_integers_takes_the_result_s_dtype_and_a_parameter_does_not():
    assert Tensor([1, 2]).add_(1.5).tolist() == [2.5, 3.5]
    with pytest.raises(DtypeError, match=r"values of dtype float32 cannot be stored as int64 without loss"):
        parameter([1, 2], np.int64).add_(1.5)


WRONG: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: ops.assign(parameter([1.0, 2.0]), Tensor([1.0])),
        ShapeError,
        "ops.assign: a value of shape (1,) cannot be stored where the shape is (2,).",
    ),
    (
        lambda: ops.assign(1.0, 2.0),
        ArgumentTypeError,
        "ops.assign: `variable` must be a Parameter, but got 1.0 of type float.",
    ),
    (
        lambda: ops.assign(parameter([1], np.int32), Tensor([1.5])),
        DtypeError,
        "values of dtype float32 cannot be stored as int32 without loss.",
    ),
    (
        lambda: ops.assign_add(parameter([1.0, 2.0]), Tensor([1.0, 2.0, 3.0])),
        ShapeError,
        "ops.assign_add: `value` of shape (3,) does not fit `variable` of shape (2,).",
    ),
    (
        lambda: ops.scatter_add(parameter([1.0]), Tensor([1]), Tensor([1.0])),
        OutOfRangeError,
        "ops.scatter_add: `indices` must be in [-1, 0], but got 1.",
    ),
    (
        lambda: ops.scatter_update(parameter([1.0]), Tensor([0]), Tensor([[1.0]])),
        ShapeError,
        "`updates` must be of shape (1,), but is (1, 1).",
    ),
    (
        lambda: Tensor([1.0]).add_(Tensor([1.0, 2.0])),
        ShapeError,
        "Tensor.add_: the result has shape (2,), but an in-place method keeps the shape (1,).",
    ),
    (
        lambda: Tensor([1.0]).copy_(Tensor([1.0, 2.0])),
        ShapeError,
        "Tensor.copy_: a value of shape (2,) does not fit into shape (1,).",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_invalid_arguments(call: Any, kind: type[Exception], message: str):
    with pytest.raises(kind, match=re.escape(message)):
        call()
