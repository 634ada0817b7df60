"""The Parameter `momentum` of SGD and Momentum may change at any time, also from and to zero."""

import copy
from typing import Any

import numpy as np
import pytest

import sporax
from sporax import Model, Parameter, Tensor, jit, nn, ops, value_and_grad
from sporax import dataset as ds
from sporax._errors import ArgumentError
from sporax.train import Callback

# Of MindSpore 2.10 in graph mode (CPU): gradients (1, 2), rate 0.1, two steps with the first value and three with the
# second; the weight, which begins at (1, 2), and its slot. In PyNative mode, MindSpore ignores the second value.
MINDSPORE = [
    (nn.SGD, 0.0, 0.9, [0.23899993, 0.47799987], [2.71, 5.42]),
    (nn.SGD, 0.9, 0.0, [0.40999994, 0.8199999], [1.9, 3.8]),
    (nn.Momentum, 0.0, 0.9, [-0.00490004, -0.00980008], [3.4389999, 6.8779998]),
    (nn.Momentum, 0.9, 0.0, [0.40999994, 0.8199999], [1.0, 2.0]),
]


class Net(nn.Cell):
    """Its gradient with respect to the weight is x."""

    def __init__(self):
        super().__init__()
        self.weight = Parameter(np.array([1.0, 2.0], np.float32), name="w")

    def construct(self, x):
        return (self.weight * x).sum()


X = Tensor(np.array([1.0, 2.0], np.float32))


def by_optimizer(network, optimizer):
    return lambda: optimizer((X,))


def by_jit(network, optimizer):
    differentiate = value_and_grad(network, None, optimizer.parameters)

    @jit
    def step(x):
        optimizer(differentiate(x)[1])

    return lambda: step(X)


def by_cell(network, optimizer):
    cell = nn.TrainOneStepCell(network, optimizer)
    return lambda: cell(X)


def by_graph(network, optimizer):
    cell = nn.TrainOneStepCell(network, optimizer)

    def step():
        sporax.set_context(mode=sporax.GRAPH_MODE)
        try:
            cell(X)
        finally:
            sporax.reset_context()

    return step


def by_model(network, optimizer):
    data = ds.NumpySlicesDataset({"x": X.asnumpy()[None]}, shuffle=False)
    data = data.map(lambda x: x, "x")
    model = Model(nn.TrainOneStepCell(network, optimizer))
    return lambda: model.train(1, data)


def make(kind, network, first):
    return kind(network.trainable_params(), 0.1, momentum=first)


@pytest.mark.parametrize("form", [by_optimizer, by_jit, by_cell, by_graph, by_model])
@pytest.mark.parametrize(("kind", "first", "then", "weight", "slot"), MINDSPORE)
def test_as_mindspore(kind, first, then, weight, slot, form):
    network = Net()
    optimizer = make(kind, network, first)
    step = form(network, optimizer)
    for _ in range(2):
        step()
    optimizer.momentum.set_data(Tensor(then))
    for _ in range(3):
        step()
    np.testing.assert_allclose(network.weight.asnumpy(), weight, atol=1e-6)
    slots = optimizer.accum if kind is nn.SGD else optimizer.moments
    np.testing.assert_allclose(slots[0].asnumpy(), slot, rtol=1e-6)


SETS = {
    "a Tensor": lambda optimizer: setattr(optimizer, "momentum", Tensor(0.9)),
    "a Parameter": lambda optimizer: setattr(optimizer, "momentum", Parameter(Tensor(0.9), name="momentum")),
    "an index": lambda optimizer: optimizer.momentum.__setitem__(..., 0.9),
    "assign": lambda optimizer: ops.assign(optimizer.momentum, Tensor(0.9)),
    "a checkpoint": lambda optimizer: sporax.load_param_into_net(
        optimizer, optimizer.parameters_dict() | {"momentum": Parameter(Tensor(0.9), name="momentum")}
    ),
    "a compiled function": lambda optimizer: jit(lambda value: optimizer.momentum.set_data(value) and None)(
        Tensor(0.9)
    ),
}


@pytest.mark.filterwarnings("ignore::sporax._errors.SporaxWarning")
@pytest.mark.parametrize("way", SETS)
@pytest.mark.parametrize("form", [by_jit, by_model])
def test_every_way_to_set_it(way, form):
    network = Net()
    optimizer = make(nn.SGD, network, 0.0)
    step = form(network, optimizer)
    for _ in range(2):
        step()
    SETS[way](optimizer)
    for _ in range(3):
        step()
    np.testing.assert_allclose(network.weight.asnumpy(), MINDSPORE[0][3], atol=1e-6)


def test_a_copy_of_the_optimizer():
    network = Net()
    optimizer = copy.deepcopy(make(nn.SGD, network, 0.0))
    for at in range(5):
        if at == 2:
            optimizer.momentum.set_data(Tensor(0.9))
        optimizer((X,))
    np.testing.assert_allclose(optimizer.parameters[0].asnumpy(), MINDSPORE[0][3], atol=1e-6)


def expected(momenta):
    """The formula of SGD in float64."""
    weight, x = np.array([1.0, 2.0]), np.array([1.0, 2.0])
    accum: Any = None
    for momentum in momenta:
        if momentum:
            accum = x if accum is None else momentum * accum + x
        weight = weight - 0.1 * (accum if momentum else x)
    return weight


class Warmup(nn.TrainOneStepCell):
    """Sets the momentum inside of the step, before or after the optimizer."""

    before = True

    def construct(self, x):
        if self.before:
            self.ramp()
        loss = super().construct(x)
        if not self.before:
            self.ramp()
        return loss

    def ramp(self):
        done = self.optimizer.global_step[0]
        self.optimizer.momentum.set_data(ops.minimum(done.astype("float32") * 0.25, Tensor(0.5)))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("form", ["cell", "jit", "scan", "model", "sink"])
def test_a_momentum_that_the_step_sets(form, before):
    network = Net()
    cell = Warmup(network, make(nn.SGD, network, 0.0))
    cell.before = before
    if form == "scan":
        run = jit(lambda xs: ops.scan(lambda carry, x: (carry, cell(x)), Tensor(0.0), xs)[1])
        run(ops.stack([X] * 4))
    elif form in ("cell", "jit"):
        step = jit(cell) if form == "jit" else cell
        for _ in range(4):
            step(X)
    else:
        data = ds.NumpySlicesDataset({"x": np.stack([X.asnumpy()] * 4)}, shuffle=False)
        Model(cell).train(1, data, dataset_sink_mode=form == "sink")
    np.testing.assert_allclose(network.weight.asnumpy(), expected([0, 0.25, 0.5, 0.5]), atol=1e-6)


def test_an_inner_program_when_an_outer_one_sets_the_momentum():
    network = Net()
    optimizer = make(nn.SGD, network, 0.0)
    inner = jit(lambda x: optimizer((x,)) and None)
    inner(X)

    @jit
    def outer(x, momentum):
        optimizer.momentum.set_data(momentum)
        inner(x)

    for _ in range(3):
        outer(X, Tensor(0.9))
    np.testing.assert_allclose(network.weight.asnumpy(), expected([0, 0.9, 0.9, 0.9]), atol=1e-6)


def test_nesterov_needs_a_momentum():
    network = Net()
    optimizer = make(nn.SGD, network, 0.0)
    optimizer.nesterov = True
    with pytest.raises(ArgumentError, match="requires `momentum` above 0 and `dampening` 0, but got momentum=0"):
        optimizer((X,))
    optimizer.momentum.set_data(Tensor(0.5))
    optimizer((X,))
    np.testing.assert_allclose(network.weight.asnumpy(), [1 - 0.15, 2 - 0.3], atol=1e-6)


def test_a_momentum_in_the_state_of_a_pure_function():
    network = Net()
    optimizer = make(nn.SGD, network, 0.0)
    pure, state = sporax.functionalize(optimizer, (X,))
    for momentum in (0.0, 0.9, 0.9):
        _, state = pure(state | {"momentum": np.float32(momentum)}, (X,))
    np.testing.assert_allclose(state["w"], expected([0, 0.9, 0.9]), atol=1e-6)


class SetsMomentum(Callback):
    def on_train_step_end(self, run_context):
        params = run_context.original_args()
        if params.cur_step_num == 2:
            params.optimizer.momentum.set_data(Tensor(0.9))


@pytest.mark.parametrize("steps", [5, 200])
def test_a_callback_of_model_train(steps):
    network = Net()
    data = ds.NumpySlicesDataset({"x": np.stack([X.asnumpy()] * steps)}, shuffle=False)
    Model(network, optimizer=make(nn.SGD, network, 0.0)).train(1, data, callbacks=[SetsMomentum()])
    np.testing.assert_allclose(network.weight.asnumpy(), expected([0, 0] + [0.9] * (steps - 2)), rtol=1e-5)


def test_steps_without_momentum_do_not_write_the_slots():
    network = Net()
    optimizer = make(nn.SGD, network, 0.0)
    optimizer.momentum.set_data(Tensor(0.0))
    before = optimizer.accum[0]._value
    optimizer((X,))
    assert optimizer.accum[0]._value is before
