"""Hooks of slices, hooks and bprop that read Tensors of the forward pass, and in-place writes."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import Parameter, StateError, Tensor, grad, jit, nn, ops, recompute, vmap
from sporax._errors import ArgumentError

pytestmark = pytest.mark.usefixtures("gradient_mode")

X = Tensor([1.0, 2.0])


def test_a_hook_of_a_slice_applies_only_to_the_slice():
    def used(x):
        part = x[0]
        part.register_hook(lambda gradient: gradient * 10)
        return x.sum() + part

    np.testing.assert_array_equal(grad(used)(X).asnumpy(), [11.0, 1.0])
    np.testing.assert_array_equal(jit(grad(used))(X).asnumpy(), [11.0, 1.0])


def test_a_hook_of_a_slice_of_a_parameter_does_not_apply_to_the_parameter():
    weight = Parameter(Tensor([1.0, 2.0]), name="w")

    def used(x):
        part = weight[0]
        part.register_hook(lambda gradient: gradient * 10)
        return (weight * x).sum() + part * 0

    np.testing.assert_array_equal(grad(used, None, [weight])(X)[0].asnumpy(), [1.0, 2.0])


def test_a_hooked_slice_that_is_written_keeps_its_hook():
    def used(x):
        base = x * 1
        part = base[0:2]
        part.register_hook(lambda gradient: gradient * 10)
        part[0] = part[0] * 5
        return part.sum() + base.sum() * 100

    np.testing.assert_array_equal(grad(used)(Tensor([1.0, 2.0, 3.0])).asnumpy(), [5050.0, 1010.0, 100.0])


def _closure(x):
    z = x * x
    z.register_hook(lambda gradient: gradient * z)
    return z.sum()


class Masked(nn.Cell):
    def construct(self, x):
        self.mask = (x > 0).astype(x.dtype)
        return x * 1

    def bprop(self, x, out, dout):
        return dout * self.mask * 7


@pytest.mark.parametrize(
    "form",
    [
        grad,
        lambda f: jit(grad(f)),
        lambda f: grad(jit(f)),
        lambda f: grad(lambda x: recompute(f, x)),
        lambda f: vmap(grad(f)),
        lambda f: grad(lambda x: ops.scan(lambda carry, row: (carry + f(row[None]).sum(), carry), Tensor(0.0), x)[0]),
    ],
)
def test_the_backward_pass_reads_tensors_of_the_forward_pass(form):
    np.testing.assert_array_equal(form(_closure)(X).asnumpy(), [2.0, 16.0])
    np.testing.assert_array_equal(form(Masked())(Tensor([1.0, -2.0])).asnumpy(), [7.0, 0.0])


def test_several_hooks_with_closures_run_in_order_and_can_be_removed():
    def used(x, m, removes):
        z, k = x * x, m * 2
        first = z.register_hook(lambda gradient: gradient * k)
        before = z.sum()
        z.register_hook(lambda gradient: gradient + k)
        if removes:
            first.remove()
        return z.sum() + before

    m = Tensor([3.0, 4.0])
    np.testing.assert_array_equal(grad(used)(X, m, False).asnumpy(), [36.0, 96.0])
    np.testing.assert_array_equal(grad(used)(X, m, True).asnumpy(), [16.0, 40.0])


class Buffered(nn.Cell):
    def __init__(self):
        super().__init__()
        self.buffer = Tensor([0.0, 0.0])

    def construct(self, x):
        part = self.buffer[0:1]
        part[0] = x.sum()
        self.buffer[1] = self.buffer[0] * 2
        return (x * x).sum()


@pytest.mark.parametrize(
    "form", [grad, lambda f: grad(lambda x: recompute(f, x)), lambda f: grad(lambda x: grad(f)(x).sum())]
)
def test_a_write_to_a_captured_tensor_under_grad_takes_effect(form):
    cell = Buffered()
    form(cell)(X)
    np.testing.assert_array_equal(cell.buffer.asnumpy(), [3.0, 6.0])


class Tripled(nn.Cell):
    def construct(self, x):
        x[0] = x[0] * 3
        return x.sum()


@pytest.mark.parametrize("form", [lambda f: f, jit, recompute])
def test_a_cell_with_a_hook_that_writes_its_input_writes_that_of_the_caller(form):
    cell = Tripled()
    cell.register_backward_hook(lambda cell, grad_input, grad_output: None)

    def used(x):
        y = x * 1
        return cell(y) + y.sum() * 100

    call = (lambda x: recompute(used, x)) if form is recompute else form(used)
    assert float(call(X)) == 505
    np.testing.assert_array_equal(grad(used)(X).asnumpy(), [303.0, 101.0])


def test_a_parameter_given_twice_has_its_gradient_twice():
    w = Parameter(Tensor(3.0), name="w")
    assert [float(each) for each in grad(lambda x: x * w, None, [w, w])(Tensor(2.0))] == [2.0, 2.0]


@pytest.mark.parametrize("positions", [(0, 0), (1, -1)])
def test_an_input_given_twice_raises(positions):
    with pytest.raises(ArgumentError, match="twice"):
        grad(lambda x, y: x * y, positions)(Tensor(3.0), Tensor(4.0))


def test_a_condition_that_writes_raises():
    count = Parameter(Tensor(0.0), name="count")

    def below(x):
        count.set_data(count + 1)
        return x < 10

    with pytest.raises(StateError, match="cond_func.*'count'"):
        ops.while_loop(below, lambda x: x + 1, Tensor(0.0))
