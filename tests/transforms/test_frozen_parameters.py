"""`requires_grad=False` takes effect everywhere a Parameter is trained, also if it is set during training."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import Model, Parameter, Tensor, grad, jit, nn, value_and_grad, vmap
from sporax import dataset as ds
from sporax.train import Callback

pytestmark = pytest.mark.usefixtures("gradient_mode")


def _pair() -> tuple[Parameter, Parameter]:
    return Parameter(Tensor([2.0, 3.0]), name="a"), Parameter(Tensor([5.0, 7.0]), name="b")


class TestGradients:
    @pytest.mark.parametrize("compiled", [False, True])
    def test_a_frozen_parameter_gets_zeros(self, compiled: bool):
        # Recorded: MindSpore 2.10 gives zeros for a weight with requires_grad=False.
        a, b = _pair()
        function = value_and_grad(lambda x: (x * a * b).sum(), None, [a, b])
        function = jit(function) if compiled else function
        x = Tensor([1.0, 10.0])
        _, (by_a, by_b) = function(x)
        assert (by_a.tolist(), by_b.tolist()) == ([5.0, 70.0], [2.0, 30.0])
        a.requires_grad = False
        _, (by_a, by_b) = function(x)
        assert (by_a.tolist(), by_b.tolist()) == ([0.0, 0.0], [2.0, 30.0])
        a.requires_grad = True
        _, (by_a, by_b) = function(x)
        assert (by_a.tolist(), by_b.tolist()) == ([5.0, 70.0], [2.0, 30.0])

    def test_the_input_is_still_differentiated(self):
        a, _ = _pair()
        a.requires_grad = False
        by_x, (by_a,) = grad(lambda x: (x * a).sum(), 0, [a])(Tensor([1.0, 10.0]))
        assert (by_x.tolist(), by_a.tolist()) == ([2.0, 3.0], [0.0, 0.0])

    def test_under_vmap(self):
        a, b = _pair()
        a.requires_grad = False
        by_a, by_b = vmap(grad(lambda x: (x * a * b).sum(), None, [a, b]))(Tensor([[1.0, 10.0], [2.0, 20.0]]))
        assert by_a.tolist() == [[0.0, 0.0], [0.0, 0.0]]
        assert by_b.tolist() == [[2.0, 30.0], [4.0, 60.0]]


class _Freeze(Callback):
    def __init__(self, parameter: Parameter, step: int, value: bool = False) -> None:
        super().__init__()
        self.parameter, self.step, self.value = parameter, step, value
        self.seen: list[float] = []

    def step_end(self, run_context):
        if run_context.original_args().cur_step_num == self.step:
            self.parameter.requires_grad = self.value


@pytest.mark.parametrize("steps", [6, 200])
def test_a_callback_freezes_a_parameter_while_model_trains(steps: int):
    # 200 small steps run in blocks before the callbacks; 6 do not.
    net = nn.Dense(1, 1, weight_init="ones", bias_init="zeros")
    x = np.ones((steps, 1), np.float32)
    data = ds.NumpySlicesDataset((x, 0 * x), ["data", "label"], shuffle=False).batch(1)
    optimizer = nn.SGD(net.trainable_params(), 0.001)
    weight, bias, want = np.float32(1.0), np.float32(0.0), []
    for step in range(1, steps + 1):
        gradient = 2 * (weight + bias)
        if step <= 3:
            weight = weight - 0.001 * gradient
        bias = bias - 0.001 * gradient
        want.append(weight)
    Model(net, nn.MSELoss(), optimizer).train(1, data, callbacks=_Freeze(net.weight, 3))
    np.testing.assert_allclose(net.weight.asnumpy(), [[want[-1]]], rtol=1e-5)
    np.testing.assert_allclose(net.bias.asnumpy(), [bias], rtol=1e-4)


def test_only_a_bool_is_accepted():
    a, _ = _pair()
    with pytest.raises(TypeError, match="Parameter: `requires_grad` must be a bool, but got 1"):
        a.requires_grad = 1  # pyright: ignore[reportAttributeAccessIssue]
    assert a.requires_grad is True


def test_parameters_of_equal_values_are_distinct():
    # Steps alternate between training `a` and `b`, which have equal initial values but are distinct states.
    class Sum(nn.Cell):
        def __init__(self):
            super().__init__()
            self.a, self.b = Parameter(Tensor([1.0]), name="a"), Parameter(Tensor([1.0]), name="b")

        def construct(self, x):
            return (self.a + 3 * self.b).reshape((1, 1)) + 0 * x

    class Alternate(Callback):
        def step_end(self, run_context):
            odd = run_context.original_args().cur_step_num % 2 == 0
            net.a.requires_grad, net.b.requires_grad = odd, not odd

    net = Sum()
    data = ds.NumpySlicesDataset((np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32)), shuffle=False).batch(1)
    optimizer = nn.SGD(net.trainable_params(), 0.01)
    net.b.requires_grad = False
    Model(net, nn.MSELoss(), optimizer).train(1, data, callbacks=Alternate())
    a = b = 1.0
    for step in range(4):
        value = a + 3 * b
        a, b = (a - 0.02 * value, b) if step % 2 == 0 else (a, b - 0.06 * value)
    np.testing.assert_allclose([net.a.item(), net.b.item()], [a, b], rtol=1e-5)
