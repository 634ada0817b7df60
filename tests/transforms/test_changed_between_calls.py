"""Changes between two calls of a compiled function take effect, however the function reads the changed object."""

import functools
import gc
import warnings

import numpy as np
import pytest

from sporax import EagerFallbackWarning, Parameter, Tensor, dataset, grad, jit, nn, ops, recompute, value_and_grad, vmap
from sporax.core import _frames
from sporax.train import Callback, Model

TABLE = Tensor(1.0)
NETWORK = None


def _helper(x):
    return x * TABLE


class Scale(nn.Cell):
    def __init__(self, factor=3.0):
        super().__init__()
        self.factor = factor
        self.weight = Parameter(Tensor(2.0), name="weight")
        self.buffer = Tensor(1.0)
        self.inner = nn.Identity()

    def construct(self, x):
        return self.inner(x) * self.weight * self.factor * self.buffer * (10 if self.training else 1)


class CompiledScale(Scale):
    @jit
    def construct(self, x):
        return Scale.construct(self, x)


class WithCompiledMethod(Scale):
    @jit
    def scaled(self, x):
        return Scale.construct(self, x)

    def construct(self, x):
        return self.scaled(x)


def _compiled_inside(cell):
    """A program that contains a program that is already compiled."""
    inner = jit(cell)
    inner(Tensor(1.0))
    return jit(lambda x: inner(x))


def _gradient_of(inner):
    # The gradient of a linear function times its input.
    return jit(lambda x: grad(lambda y: inner(y) * y)(x) / 2)


FORMS = {
    "jit": jit,
    "decorated construct": lambda cell: cell,
    "decorated method": lambda cell: cell,
    "program in a program": _compiled_inside,
    "program in a gradient in a program": lambda cell: _gradient_of(_compiled_inside(cell)),
}


@pytest.mark.parametrize("form", FORMS)
def test_everything_about_a_cell(form):
    kind = {"decorated construct": CompiledScale, "decorated method": WithCompiledMethod}.get(form, Scale)
    cell = kind().set_train(False)
    call = FORMS[form](cell)

    def value():
        return float(call(Tensor(1.0)))

    assert value() == 6
    cell.factor = 5.0
    assert value() == 10
    cell.set_train(True)
    assert value() == 100
    cell.set_train(False)
    assert value() == 10
    cell.buffer[...] = 2.0
    assert value() == 20
    cell.buffer = Tensor(4.0)
    assert value() == 40
    cell.weight.set_data(Tensor(1.0))
    assert value() == 20
    cell.weight = Parameter(Tensor(3.0), name="weight")
    assert value() == 60
    handle = cell.inner.register_forward_hook(lambda cell, args, output: output * 3)
    assert value() == 180
    handle.remove()
    assert value() == 60
    cell.inner = nn.ReLU()
    assert float(call(Tensor(-1.0))) == 0


class Reading(nn.Cell):
    def construct(self, x):
        return self.help(x)

    def help(self, x):
        return _helper(x)


READERS = {
    "a helper function": jit(lambda x: _helper(x)),
    "an inner function": jit(lambda x: (lambda y: y * TABLE)(x)),
    "a comprehension": jit(lambda x: sum([y * TABLE for y in (x, x)]) / 2),
    "a method of a cell": jit(Reading()),
    "grad": jit(lambda x: grad(lambda y: (lambda z: z * TABLE)(y))(x) * x),
    "vmap": jit(lambda x: vmap(lambda y: y * TABLE)(x.reshape(1))[0]),
    "scan": jit(lambda x: ops.scan(lambda c, y: (c, y * TABLE), Tensor(0.0), x.reshape(1))[1][0]),
    "recompute": jit(lambda x: recompute(lambda y: y * TABLE, x)),
    "a program in a partial function": jit(functools.partial(lambda inner, x: inner(x), jit(_helper))),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_global_tensor(reader, monkeypatch):
    monkeypatch.setitem(globals(), "TABLE", Tensor(1.0))
    function = READERS[reader]
    assert float(function(Tensor(7.0))) == 7
    TABLE[...] = 2.0
    assert float(function(Tensor(7.0))) == 14
    TABLE[...] = 3.0
    assert float(function(Tensor(7.0))) == 21


def test_a_tensor_in_an_object_a_list_or_a_partial():
    class Plain:
        table = Tensor(1.0)

    held, listed = Plain(), [[Tensor(1.0)]]
    functions = (
        (held.table, jit(lambda x: x * held.table)),
        (listed[0][0], jit(lambda x: x * listed[0][0])),
        (listed[0][0], jit(functools.partial(lambda table, x: x * table, listed[0][0]))),
    )
    for tensor, function in functions:
        tensor[...] = 1.0
        assert float(function(Tensor(7.0))) == 7
        tensor[...] = 2.0
        assert float(function(Tensor(7.0))) == 14


@pytest.mark.parametrize(
    "read",
    [
        lambda held: held.table.item(),
        lambda held: float(held.table),
        lambda held: int(held.table),
        lambda held: held.table.asnumpy(),
        lambda held: np.asarray(held.table),
        lambda held: held.table.tolist(),
        lambda held: 2.0 if held.table else 0.0,
        lambda held: [0.0, 1.0, 2.0, 3.0][held.table.astype("int64")],
    ],
)
def test_numbers_that_python_code_reads(read):
    class Plain:
        table = Tensor(2.0)

    held = Plain()
    function = jit(lambda x: (lambda factor: x * factor)(read(held)))
    with warnings.catch_warnings():
        # If JAX computes with the Tensor before it is read, the function runs eagerly.
        warnings.simplefilter("ignore", EagerFallbackWarning)
        assert float(function(Tensor(7.0))) == 14
        held.table[...] = 0.0
        assert float(function(Tensor(7.0))) == 0


def test_constants_of_shapes_traced_later():
    small, large = Tensor(2.0), Tensor(3.0)
    one, two = Scale(1.0).set_train(False), Scale(1.0).set_train(False)

    @jit
    def function(x):
        return one(x) * small if x.shape[0] == 1 else two(x) * large

    first, second = Tensor([1.0]), Tensor([1.0, 1.0])
    assert float(function(first)[0]) == 4
    assert float(function(second)[0]) == 6
    one.factor = 10.0
    assert float(function(first)[0]) == 40
    two.factor = 10.0
    assert float(function(second)[0]) == 60
    small[...] = 1.0
    assert float(function(first)[0]) == 20
    large[...] = 1.0
    assert float(function(second)[0]) == 20


class TestReboundVariables:
    def test_globals(self, monkeypatch):
        monkeypatch.setitem(globals(), "NETWORK", Scale(1.0).set_train(False))
        monkeypatch.setitem(globals(), "TABLE", Tensor(1.0))
        function = jit(lambda x: NETWORK(_helper(x)))
        assert float(function(Tensor(1.0))) == 2
        monkeypatch.setitem(globals(), "NETWORK", Scale(5.0).set_train(False))
        assert float(function(Tensor(1.0))) == 10
        monkeypatch.setitem(globals(), "TABLE", Tensor(3.0))
        assert float(function(Tensor(1.0))) == 30
        monkeypatch.setitem(globals(), "_helper", lambda x: x * 7)
        assert float(function(Tensor(1.0))) == 70

    def test_closures(self):
        network, mask, weight = Scale(1.0).set_train(False), None, Parameter(Tensor(1.0), name="weight")

        def forward(x):
            y = network(x) * weight
            return y if mask is None else y * mask

        step = jit(value_and_grad(forward))
        assert [float(each) for each in step(Tensor(1.0))] == [2, 2]
        network = Scale(5.0).set_train(False)
        assert [float(each) for each in step(Tensor(1.0))] == [10, 10]
        mask = Tensor(0.5)
        assert [float(each) for each in step(Tensor(1.0))] == [5, 5]
        weight = Parameter(Tensor(2.0), name="weight")
        assert [float(each) for each in step(Tensor(1.0))] == [10, 10]

    def test_a_state_that_each_call_replaces(self):
        state = Tensor(0.0)
        function = jit(lambda x: state + x)
        for i in range(1, 4):
            state = function(Tensor(1.0))
            assert float(state) == i
        (variants,) = function._variants.values()
        assert len(variants) == 1

    @pytest.mark.parametrize("sink", [False, True])
    def test_a_loss_in_model_train(self, sink, monkeypatch):
        def distance(difference):
            return (difference * TABLE).mean()

        def loss(prediction, label):
            return distance(prediction - label)

        class Network(nn.Cell):
            def __init__(self):
                super().__init__()
                self.weight = Parameter(Tensor(0.0), name="weight")

            def construct(self, x):
                return x * self.weight

        net = Network()
        model = Model(net, loss, nn.SGD(net.trainable_params(), 1.0))
        data = dataset.NumpySlicesDataset({"x": np.ones(4, np.float32), "y": np.zeros(4, np.float32)}, shuffle=False)
        data = data.batch(2)
        # The gradient is the value in the table: two steps with each.
        for value, expected in ((1.0, -2.0), (10.0, -22.0)):
            monkeypatch.setitem(globals(), "TABLE", Tensor(value))
            model.train(1, data, dataset_sink_mode=sink)
            assert float(net.weight) == expected
        TABLE[...] = 100.0
        model.train(1, data, dataset_sink_mode=sink)
        assert float(net.weight) == -222.0

    def test_in_hooks_bprop_and_methods(self):
        factor = Tensor(2.0)

        class Own(nn.Cell):
            def construct(self, x):
                return self.through(x)

            def through(self, x):
                return x * factor

            def bprop(self, x, out, dout):
                return (dout * factor * 10,)

        class Around(nn.Cell):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner

            def construct(self, x):
                return self.inner(x)

        own, hooked = Own(), nn.Identity()
        hooked.register_backward_hook(lambda cell, grad_input, grad_output: (grad_input[0] * factor,))
        by_bprop, by_hook, values = (jit(each) for each in (grad(Around(own)), grad(Around(hooked)), Around(own)))
        x = Tensor(1.0)
        assert [float(each(x)) for each in (by_bprop, by_hook, values)] == [20, 2, 2]
        factor = Tensor(3.0)
        assert [float(each(x)) for each in (by_bprop, by_hook, values)] == [30, 3, 3]

    def test_a_method_that_construct_does_not_call_does_not_trace_again(self):
        traced, last = [], Tensor(0.0)

        class Reporting(nn.Cell):
            def construct(self, x):
                traced.append(x)
                return x * 2

            def report(self):
                return last

        function = jit(Reporting())
        for _ in range(3):
            last = function(Tensor(1.0))
        assert (float(last), len(traced)) == (2, 1)

    def test_programs_that_are_variables(self):
        factor = Tensor(1.0)
        inner = jit(lambda x: x * factor)
        outer = jit(lambda x: inner(x))
        assert float(outer(Tensor(3.0))) == 3
        factor = Tensor(2.0)
        assert float(outer(Tensor(3.0))) == 6
        inner = jit(lambda x: x * factor * 10)
        assert float(outer(Tensor(3.0))) == 60

    def test_a_variable_with_the_name_of_an_attribute_does_not_trace_again(self):
        traced = []

        def function(x):
            traced.append(x)
            return x.mean()

        compiled = jit(function)
        for _ in range(3):
            globals()["mean"] = compiled(Tensor([1.0, 3.0]))
        assert float(globals().pop("mean")) == 2
        assert len(traced) == 1


@pytest.mark.parametrize("sink", [False, True])
def test_a_callback_changes_an_attribute_of_a_cell_with_a_compiled_construct(sink):
    class Network(nn.Cell):
        def __init__(self):
            super().__init__()
            self.factor = 1.0
            self.weight = Parameter(Tensor(0.0), name="weight")

        @jit
        def construct(self, x):
            return x * self.weight * self.factor

    class Doubling(Callback):
        def on_train_epoch_end(self, run_context):
            net.factor *= 10

    net = Network()
    data = dataset.NumpySlicesDataset({"x": np.ones((4,), np.float32)}, shuffle=False).batch(2)
    # The gradient of the loss with respect to the weight is the factor: two steps with 1, then two with 10.
    network = nn.TrainOneStepCell(_Sum(net), nn.SGD(net.trainable_params(), 0.5))
    Model(network).train(2, data, callbacks=[Doubling()], dataset_sink_mode=sink)
    np.testing.assert_allclose(net.weight.asnumpy(), -(1 + 1 + 10 + 10) * 0.5)


class _Sum(nn.Cell):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def construct(self, x):
        return self.network(x).mean()


def test_a_program_releases_its_captured_objects():
    table = Tensor(np.arange(3.0))
    key = id(table._value)
    function = jit(lambda x: x * table)
    function(Tensor(1.0))
    assert key in _frames._CONSTANTS
    del function
    gc.collect()
    assert key not in _frames._CONSTANTS
