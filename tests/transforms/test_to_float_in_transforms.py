"""`to_float` of a Cell whose construct uses a transform: half precision, and state in full precision."""

import numpy as np
import pytest

from sporax import Parameter, Tensor, grad, jit, nn, ops, recompute, vmap
from sporax import float16 as half

pytestmark = pytest.mark.usefixtures("gradient_mode")

PARTS = {
    "plain": lambda f, x: f(x),
    "recompute": lambda f, x: recompute(f, x),
    "scan": lambda f, x: ops.scan(lambda c, y: (c, f(y)), Tensor(0.0), x.reshape(1, -1))[1][0],
    "cond": lambda f, x: ops.cond(x[0] > 0, f, f, x),
    "cond of which one branch writes": lambda f, x: ops.cond(x[0] > 0, f, lambda y: y, x),
    "fori_loop": lambda f, x: ops.fori_loop(0, 1, lambda i, y: f(y), x),
    "vmap": lambda f, x: vmap(f)(x.reshape(1, -1))[0],
    "jit": lambda f, x: jit(f)(x),
    "a cell in vmap": lambda f, x: vmap(Wrapped(f))(x.reshape(1, -1))[0],
    "grad": lambda f, x: grad(lambda y: (f(y) * y).sum())(x) / 2,
}


class Wrapped(nn.Cell):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def construct(self, x):
        return self.function(x)


class Network(nn.Cell):
    def __init__(self, part):
        super().__init__()
        self.weight = Parameter(np.float32(0.1), name="weight")
        self.total = Parameter(np.float32(1 / 3), name="total", requires_grad=False)
        self.part = part

    def scaled(self, x):
        self.total.set_data(self.total.value() * 0 + Tensor(np.float32(0.7)))
        return x * self.weight

    def construct(self, x):
        return PARTS[self.part](self.scaled, x)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("part", PARTS)
def test_values_and_state(part, compiled):
    net = Network(part)
    net.to_float(half)
    output = (jit(net) if compiled else net)(Tensor([1.0, 3.0]))
    assert output.dtype == half
    # 0.1 in half precision, times three, is rounded once.
    expected = np.array([1.0, 3.0], np.float16) * np.float16(0.1)
    np.testing.assert_array_equal(output.asnumpy(), expected)
    assert net.weight.asnumpy() == np.float32(0.1)
    assert net.total.asnumpy() == np.float32(0.7)


def test_a_branch_that_does_not_write_keeps_full_precision():
    net = Network("cond of which one branch writes")
    net.to_float(half)
    net(Tensor([-1.0]))
    assert net.total.asnumpy() == np.float32(1 / 3)


def test_gradients_of_weights_have_their_dtype():
    class Inner(Network):
        def construct(self, x):
            return grad(lambda y: self.scaled(y).sum(), None, self.weight)(x)

    net = Inner("plain")
    net.to_float(half)
    gradient = net(Tensor([1.0, 3.0]))
    assert gradient.item() == 4.0
    assert gradient.asnumpy().dtype == np.float32


def test_one_compiled_function_inside_and_outside():
    net = Network("plain")
    function = jit(net.scaled)

    class Outer(nn.Cell):
        def construct(self, x):
            return function(x)

    outer = Outer()
    outer.to_float(half)
    x = Tensor([3.0], half)
    assert outer(x).dtype == half
    np.testing.assert_array_equal(function(x).asnumpy(), np.float32(3) * np.float32(0.1))
    assert outer(x).dtype == half
