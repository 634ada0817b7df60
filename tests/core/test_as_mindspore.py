"""Results of MindSpore 2.10 on the CPU that differ from those of NumPy."""

import numpy as np
import pytest

import sporax as ms
from sporax import Tensor, ops

GRID = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([[0, 1], [1, 0]], GRID[[0, 1], [1, 0]]),
        ([[0, 1]], GRID[[0, 1]]),
        ([[True, False, True]], GRID[[True, False, True]]),
        ([slice(0, 2), 0], GRID[0:2, 0]),
        ([0, 2], GRID[[0, 2]]),
        ([True, False, True], GRID[[True, False, True]]),
    ],
)
def test_a_list_of_other_than_numbers_is_a_tuple(index, expected):
    assert np.array_equal(Tensor(GRID)[index].asnumpy(), expected)
    written, right = Tensor(GRID), GRID.copy()
    written[index] = 7.0
    right[tuple(index) if not all(isinstance(each, int) for each in index) else index] = 7.0
    assert np.array_equal(written.asnumpy(), right)


def test_a_list_of_tensors_is_a_tuple():
    assert Tensor(GRID)[[Tensor([0, 1]), Tensor([1, 0])]].asnumpy().tolist() == [1.0, 4.0]


def test_methods_give_the_value_before_the_index():
    x = Tensor([[1.0, 5.0], [7.0, 4.0]])
    value, index = x.argmax_with_value(1)
    assert value.asnumpy().tolist() == [5.0, 7.0]
    assert index.asnumpy().tolist() == [1, 0]
    value, index = x.argmin_with_value(1)
    assert value.asnumpy().tolist() == [1.0, 4.0]
    assert index.asnumpy().tolist() == [0, 1]


def test_max_with_initial_returns_only_the_value():
    x = Tensor([[1.0, 5.0], [7.0, 4.0]])
    assert x.max(0, initial=6.0).asnumpy().tolist() == [7.0, 6.0]
    assert len(x.max(0, initial=6.0, return_indices=True)) == 2


def test_running_sums_and_products_of_short_integers_do_not_overflow():
    x = Tensor([100, 100], ms.int8)
    assert x.cumsum(0).dtype == ms.int32
    assert x.cumsum(dim=0).asnumpy().tolist() == [100, 200]
    assert ops.cumsum(x, 0).dtype == ms.int8
    assert x.cumprod(0).dtype == ms.int64
    assert ops.cumprod(x, 0).asnumpy().tolist() == [100, 10000]
    assert Tensor([[1.0, 2.0], [3.0, 4.0]]).cumsum().asnumpy().tolist() == [1.0, 3.0, 6.0, 10.0]


def test_conversions_map_float_to_float64():
    assert Tensor([1]).astype(float).dtype == ms.float64 == ms.pytype_to_dtype(float)
    assert Tensor([1.5]).astype("int").dtype == ms.int64
    assert Tensor([1.0], float).dtype == ms.float32
