"""Outputs of jitted functions, and Cells that are created inside one, as in MindSpore 2.10."""

from __future__ import annotations

import dataclasses
from collections import namedtuple

import jax
import numpy as np
import pytest

from sporax import nn
from sporax.core import Parameter, Tensor, context
from sporax.transforms import grad, jit, recompute, value_and_grad, vmap

X = Tensor(np.array([[1.0, 2.0]], np.float32))

Pair = namedtuple("Pair", "a b")


@dataclasses.dataclass
class Record:
    a: object
    b: int


class Holder:
    def __init__(self, value):
        self.value = value
        self.itself = self


def helper(x):
    return x


@pytest.mark.parametrize(
    "value",
    [3, 3.5, True, "s", b"s", 1 + 2j, None, int, Tensor, slice(1, 3), ..., helper, (), {}, np.float32, frozenset({1})],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_values_without_tensors_are_returned_unchanged(value):
    function = jit(lambda x: value)
    for _ in range(2):
        result = function(X)
        assert result == value
        assert type(result) is type(value)


def test_lazy_sequences_become_tuples():
    assert jit(lambda x: range(3))(X) == (0, 1, 2)
    assert jit(lambda x: zip((1, 2), (3, 4), strict=True))(X) == ((1, 3), (2, 4))
    assert jit(lambda x: map(str, (1, 2)))(X) == ("1", "2")
    assert jit(lambda x: (i for i in (1, 2)))(X) == [1, 2]
    for _ in range(2):
        (index, tensor), (_, number) = jit(lambda x: enumerate((x * 2, 5)))(X)
        assert (index, tensor.tolist(), number) == (0, [[2.0, 4.0]], 5)


def test_mixed_structures():
    @jit
    def function(x):
        return x * 2, 1, "s", None, [x, 2.5], {"z": "s", "a": x, 3: True}, Pair(x, "p"), x.jax()

    for factor in (1, 3):
        doubled, one, text, nothing, row, named, pair, array = function(X * factor)
        assert doubled.tolist() == [[2.0 * factor, 4.0 * factor]]
        assert (one, text, nothing, row[1], pair.b) == (1, "s", None, 2.5, "p")
        assert list(named) == ["z", "a", 3]
        assert (named["z"], named[3]) == ("s", True)
        for tensor in (row[0], named["a"], pair.a):
            assert isinstance(tensor, Tensor)
            assert tensor.tolist() == [[factor, 2.0 * factor]]
        assert isinstance(array, jax.Array)


def test_objects_with_tensors():
    @jit
    def function(x):
        return Record(x * 2, 2), Holder(x * 3)

    for factor in (1, 3):
        record, holder = function(X * factor)
        assert isinstance(record, Record)
        assert (record.a.tolist(), record.b) == ([[2.0 * factor, 4.0 * factor]], 2)
        assert holder.value.tolist() == [[3.0 * factor, 6.0 * factor]]


def test_a_numpy_array_is_a_copy():
    function = jit(lambda x: np.array([1, 2]))
    function(X)[0] = 100
    assert function(X).tolist() == [1, 2]


def test_nested_jit_and_the_other_transforms():
    inner = jit(lambda x: (x * 2, "s", 3))
    assert jit(lambda x: inner(x)[1:])(X) == ("s", 3)
    (value, text), gradient = value_and_grad(lambda x: (inner(x)[0], inner(x)[1]), has_aux=True)(X)
    assert (value.tolist(), text, gradient.tolist()) == ([[2.0, 4.0]], "s", [[2.0, 2.0]])
    assert recompute(inner, X)[1:] == ("s", 3)
    assert grad(lambda x: recompute(inner, x)[0])(X).tolist() == [[2.0, 2.0]]
    assert vmap(lambda x: inner(x)[0])(X).tolist() == [[2.0, 4.0]]


def dense():
    return nn.Dense(2, 3, weight_init="ones", bias_init="zeros")


class Lazy(nn.Cell):
    """A Cell that creates its layer at the first call."""

    def __init__(self):
        super().__init__()
        self.fc = None

    def construct(self, x):
        if self.fc is None:
            self.fc = dense()
        return self.fc(x), "s"


def test_a_cell_created_inside_a_jitted_function():
    function = jit(lambda x: dense()(x))
    assert function(X).tolist() == [[3.0, 3.0, 3.0]]
    assert function(X * 2).tolist() == [[6.0, 6.0, 6.0]]
    outer = jit(lambda x: (function(x).sum(), "s"))
    assert float(outer(X)[0]) == 9.0
    assert grad(function)(X).tolist() == [[3.0, 3.0]]
    assert jit(grad(lambda x: dense()(x)))(X).tolist() == [[3.0, 3.0]]
    assert vmap(function)(X).tolist() == [[3.0, 3.0, 3.0]]


def test_state_of_a_cell_created_inside_is_new_in_every_call():
    @jit
    def function(x):
        count = Parameter(Tensor(np.ones(2, np.float32)), name="count")
        count += 1
        norm = nn.BatchNorm1d(2).set_train()
        norm(x)
        return x * count.reshape((1, 2)), norm.moving_mean.value()

    batch = Tensor(np.array([[1.0, 2.0], [3.0, 6.0]], np.float32))
    for _ in range(2):
        scaled, mean = function(batch)
        assert scaled.tolist() == [[2.0, 4.0], [6.0, 12.0]]
        np.testing.assert_allclose(mean, [0.2, 0.4], rtol=1e-6)


@pytest.mark.parametrize("mode", [None, context.GRAPH_MODE])
def test_a_cell_that_is_kept_is_an_input_of_the_program(mode):
    net = Lazy()
    call = jit(net) if mode is None else net
    if mode is not None:
        context.set_context(mode=mode)
    try:
        assert call(X)[0].tolist() == [[3.0, 3.0, 3.0]]
        net.fc.weight.set_data(net.fc.weight * 10)
        output, text = call(X)
        assert (output.tolist(), text) == ([[30.0, 30.0, 30.0]], "s")
        assert len(net.trainable_params()) == 2
    finally:
        context.reset_context()


def test_graph_mode_cells_return_values_too():
    class Net(nn.Cell):
        def construct(self, x):
            return x * 2, "s", 3, {"k": "v", "t": dense()(x)}

    context.set_context(mode=context.GRAPH_MODE)
    try:
        doubled, text, number, named = Net()(X)
    finally:
        context.reset_context()
    assert (doubled.tolist(), text, number, named["k"]) == ([[2.0, 4.0]], "s", 3, "v")
    assert named["t"].tolist() == [[3.0, 3.0, 3.0]]
