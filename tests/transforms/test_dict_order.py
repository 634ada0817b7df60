"""Dicts keep their order in the inputs and outputs of every transform, although JAX sorts their keys."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from sporax import Tensor, grad, jit, nn, ops, recompute, value_and_grad, vmap
from sporax import dtype as mstype

TWO = {"b": Tensor(1.0), "a": Tensor(2.0)}


def stacked(named):
    return ops.stack(list(named.values()))


def named(x):
    return {"b": x, "a": x * 2, "nested": [{"z": x * 3, "y": x * 4}]}


class Named(nn.Cell):
    def construct(self, x):
        return named(x)


class NamedWithGradient(Named):
    def bprop(self, x, out, dout):
        assert list(out) == list(dout) == ["b", "a", "nested"]
        return dout["b"] + dout["a"] * 10


class Stacked(nn.Cell):
    def construct(self, named):
        return stacked(named)


@pytest.mark.parametrize(
    "call",
    [
        jit(stacked),
        lambda two: jit(lambda **inputs: stacked(inputs))(**two),
        lambda two: recompute(stacked, two),
        lambda two: ops.cond(Tensor(True), stacked, stacked, two),
        lambda two: value_and_grad(lambda x, two: stacked(two) * x)(Tensor(1.0), two)[0],
        lambda two: ops.scan(lambda carry, _: (carry, stacked(carry)), two, None, length=1)[1][0],
        lambda two: ops.fori_loop(0, 1, lambda i, carry: (carry[0], stacked(carry[0])), (two, Tensor([0.0, 0.0])))[1],
        Stacked().to_float(mstype.float16),
        jit(lambda two: stacked(defaultdict(int, two))),
    ],
)
def test_inputs(call):
    np.testing.assert_array_equal(call(TWO).asnumpy(), [1.0, 2.0])


def test_inputs_of_vmap():
    rows = {"b": Tensor([1.0, 2.0]), "a": Tensor([3.0, 4.0])}
    np.testing.assert_array_equal(vmap(stacked)(rows).asnumpy(), [[1.0, 3.0], [2.0, 4.0]])
    assert list(vmap(named)(Tensor([1.0, 2.0]))) == ["b", "a", "nested"]


def test_each_order_has_its_own_program():
    compiled = jit(stacked)
    np.testing.assert_array_equal(compiled(TWO).asnumpy(), [1.0, 2.0])
    np.testing.assert_array_equal(compiled({"a": Tensor(2.0), "b": Tensor(1.0)}).asnumpy(), [2.0, 1.0])


def _hooked():
    cell = Named()
    cell.register_backward_hook(lambda cell, grad_input, grad_output: None)
    return cell


@pytest.mark.parametrize(
    "call",
    [
        jit(named),
        lambda x: recompute(named, x),
        lambda x: ops.stop_gradient(named(x)),
        lambda x: ops.cond(Tensor(True), named, named, x),
        lambda x: ops.while_loop(lambda carry: carry["a"] < 0, lambda carry: carry, named(x)),
        lambda x: ops.scan(lambda carry, _: (carry, named(carry)), x, None, length=1)[1],
        lambda x: value_and_grad(_hooked())(x)[0],
        lambda x: value_and_grad(NamedWithGradient())(x)[0],
    ],
)
def test_outputs(call):
    result = call(Tensor(1.0))
    assert list(result) == ["b", "a", "nested"]
    assert list(result["nested"][0]) == ["z", "y"]


def test_gradients_of_a_named_output_reach_the_hook_in_order():
    seen = []
    cell = Named()
    cell.register_backward_pre_hook(lambda cell, grad_output: seen.append([float(g) for g in grad_output]))
    grad(lambda x: (lambda out: out["b"] * 3 + out["a"] * 5)(cell(x)))(Tensor(1.0))
    assert seen == [[3.0, 5.0, 0.0, 0.0]]


def test_a_tuple_of_sensitivities_has_the_order_of_the_outputs():
    def both(x):
        return {"b": x * 2, "a": x * 3}

    sensitivity = (Tensor([1.0, 0.0]), Tensor([0.0, 1.0]))
    by_name = {"a": sensitivity[1], "b": sensitivity[0]}
    for given in (sensitivity, by_name):
        gradient = grad(both, sens_param=True)(Tensor([1.0, 2.0]), given)
        np.testing.assert_array_equal(gradient.asnumpy(), [2.0, 3.0])
