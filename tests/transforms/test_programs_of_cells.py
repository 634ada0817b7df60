"""The selection of programs: copies of Cells, equal attributes, threads, signed zeros."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import sporax
from sporax import Tensor, context, grad, jit, nn, set_context

X = Tensor([[1.0, 2.0]])


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda cell: pickle.loads(pickle.dumps(cell))])
def test_a_copied_cell_computes_with_its_own_parameters_in_graph_mode(make_copy):
    set_context(mode=sporax.GRAPH_MODE)
    first = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
    assert first(X).asnumpy() == 3
    second = make_copy(first)
    second.weight.set_data(second.weight * 10)
    assert second(X).asnumpy() == 30
    assert first(X).asnumpy() == 3
    assert context.get_context("mode") == sporax.GRAPH_MODE


def test_a_shallow_copy_calls_its_construct_in_graph_mode():
    set_context(mode=sporax.GRAPH_MODE)

    class Scaled(nn.Cell):
        factor = 2.0

        def construct(self, x):
            return x * self.factor

    first = Scaled()
    assert first(Tensor(1.0)) == 2
    second = copy.copy(first)
    second.factor = 5.0
    assert second(Tensor(1.0)) == 5
    assert first(Tensor(1.0)) == 2


def test_a_compiled_method_of_a_copied_cell_uses_the_copy():
    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.dense = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
            self.forward = jit(self._forward)

        def _forward(self, x):
            return self.dense(x)

        def construct(self, x):
            return self.forward(x)

    first = Net()
    assert first(X).asnumpy() == 3
    second = copy.deepcopy(first)
    second.dense.weight.set_data(second.dense.weight * 10)
    assert (first(X).asnumpy(), second(X).asnumpy()) == (3, 30)


def test_equal_attributes_compile_nothing_and_outdated_programs_are_removed():
    traces = []

    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.size, self.rate, self.name, self.pair = 1000, 0.5, "ab", (1, 2.0)

        def construct(self, x):
            traces.append(self.rate)
            return x * self.rate

    net = Net()
    compiled = jit(net)
    for _ in range(5):
        net.size, net.rate, net.name, net.pair = int("1000"), float("0.5"), "".join("ab"), (1, float("2"))
        net.add_flags(own=True)
        compiled(X)
    assert len(traces) <= 2  # add_flags changes the Cell once, before the first call
    for rate in (1.0, 1, -0.0, 0.0):
        net.rate = rate
        np.testing.assert_array_equal(np.signbit(compiled(X).asnumpy()), np.signbit(np.array([[1.0, 2.0]]) * rate))
    (variants,) = compiled._variants.values()
    assert len(variants) == 1


def test_signed_zeros_and_nan_as_arguments():
    traces = []

    @jit
    def signed(x, number):
        traces.append(number)
        return x * float(np.copysign(1.0, number))

    assert (float(signed(Tensor(1.0), 0.0)), float(signed(Tensor(1.0), -0.0))) == (1, -1)
    for _ in range(3):
        signed(Tensor(1.0), float("nan"))
    assert len(traces) == 3


def test_first_calls_from_several_threads():
    net = nn.Dense(4, 4)
    rows = Tensor(np.ones((2, 4), np.float32))
    want = grad(lambda x: (net(x) ** 2).sum())(rows).asnumpy()
    compiled = jit(grad(lambda x: (net(x) ** 2).sum()))
    found: list[object] = []

    def work() -> None:
        try:
            found.append(np.allclose(compiled(rows).asnumpy(), want, rtol=1e-5))
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4
