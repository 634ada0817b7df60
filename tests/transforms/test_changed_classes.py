"""Changes of class attributes between two calls of a compiled program take effect."""

import sys
import types
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pytest

import sporax
from sporax import Parameter, Tensor, dataset, grad, jit, nn, ops, value_and_grad
from sporax.core import REVISION
from sporax.train import Callback, Model


def make() -> Any:
    """Return new classes, so that a test does not see the changes of another."""

    class Mixin:
        power = 1

        def raised(self, x):
            return x**self.power

    class Base(nn.Cell):
        factor = 1.0
        table = Tensor(1.0)

        def __init__(self):
            super().__init__()
            self.weight = Parameter(Tensor(3.0), name="weight")

        def scaled(self, x):
            return x * self.weight * self.factor * self.table

    class Network(Mixin, Base):
        def construct(self, x):
            return self.raised(self.scaled(x))

    return Mixin, Base, Network


class Outer(nn.Cell):
    def __init__(self, network):
        super().__init__()
        self.network = network
        self.later: Any = None

    @jit
    def through_method(self, x):
        return self.network(x)

    def construct(self, x):
        return self.network(x)


def _graph(network):
    def call(x):
        sporax.set_context(mode=sporax.GRAPH_MODE)
        try:
            return network(x)
        finally:
            sporax.reset_context()

    return call


FORMS = {
    "jit": jit,
    "jit of a function": lambda network: jit(lambda x: network(x)),
    "jit method": lambda network: Outer(network).through_method,
    "graph mode": _graph,
    "cell in a cell": lambda network: jit(Outer(network)),
    "program in a program": lambda network: (lambda inner: jit(lambda x: inner(x)))(jit(network)),
    "value and gradient": lambda network: (
        lambda step: lambda x: step(x)[0]
    )(jit(value_and_grad(network, None, list(network.get_parameters())))),
    "gradient": lambda network: jit(lambda x: grad(network)(x) * x),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_change(form):
    mixin, base, kind = make()
    network = kind()
    call = FORMS[form](network)

    def value():
        return float(call(Tensor(2.0)))

    assert value() == 6
    kind.factor = 5.0
    assert value() == 30
    base.factor = 7.0
    assert value() == 30
    del kind.factor
    assert value() == 42
    kind.scaled = lambda self, x: x * 10
    assert value() == 20
    del kind.scaled
    base.scaled = lambda self, x: x * self.table
    assert value() == 2
    base.table = Tensor(4.0)
    assert value() == 8
    base.table[...] = 1.5
    assert value() == 3
    if form != "gradient":
        mixin.power = 2
        assert value() == 9
        mixin.raised = lambda self, x: x + 1
        assert value() == 4
        del mixin.raised
        kind.raised = lambda self, x: x + 2
        assert value() == 5
    kind.construct = lambda self, x: x * 11
    assert value() == 22


def test_the_same_value_does_not_trace_again():
    traced = []
    _, base, kind = make()
    kind.construct = lambda self, x: traced.append(x) or self.scaled(x)
    function = jit(kind())
    function(Tensor(1.0))
    base.factor = 1.0
    kind.weights = 3
    function(Tensor(1.0))
    assert len(traced) == 2
    for _ in range(3):
        base.factor = 1.0
        make()
        function(Tensor(1.0))
    assert len(traced) == 2


def test_another_class_does_not_trace_again():
    traced = []
    _, _, kind = make()
    _, other, _ = make()
    kind.construct = lambda self, x: traced.append(x) or self.scaled(x)
    function = jit(kind())
    for i in range(3):
        other.factor = float(i)
        function(Tensor(1.0))
    assert len(traced) == 1


def test_none_in_place_of_a_class_attribute():
    class Masked(nn.Cell):
        mask: Any = Tensor(3.0)

        def construct(self, x):
            return x if self.mask is None else x * self.mask

    cell = Masked()
    function = jit(cell)
    assert float(function(Tensor(1.0))) == 3
    cell.mask = None
    assert float(function(Tensor(1.0))) == 1


def test_variables_of_a_cell_that_is_an_argument(monkeypatch):
    class Network(nn.Cell):
        def construct(self, x):
            return x * TABLE

    @jit
    def call(network, x):
        return network(x)

    network = Network()
    for value in (1.0, 5.0):
        monkeypatch.setitem(globals(), "TABLE", Tensor(value))
        assert float(call(network, Tensor(1.0))) == value


def test_a_base_class_of_a_cell_in_a_plain_object_or_a_list():
    mixin, _, kind = make()

    class Holder:
        network: Any = None

    holder = Holder()
    holder.network = kind()
    functions = [jit(lambda x: holder.network(x)), (lambda cells: jit(lambda x: cells[0](x)))([kind()])]
    assert [float(each(Tensor(2.0))) for each in functions] == [6, 6]
    mixin.power = 2
    assert [float(each(Tensor(2.0))) for each in functions] == [36, 36]


def test_methods_properties_and_the_class_itself():
    class Network(nn.Cell):
        factor = 1.0

        @property
        def double(self):
            return self.factor * 2

        @staticmethod
        def shifted(x):
            return x + 1

        def construct(self, x):
            return self.shifted(x) * self.double

    class Other(Network):
        def construct(self, x):
            return x * 100

    kind: Any = Network
    cell = kind()
    function = jit(cell)
    assert float(function(Tensor(2.0))) == 6
    kind.shifted = staticmethod(lambda x: x + 2)
    assert float(function(Tensor(2.0))) == 8
    kind.double = property(lambda self: 3.0)
    assert float(function(Tensor(2.0))) == 12
    kind.__call__ = lambda self, x: x * 9
    assert float(function(Tensor(2.0))) == 18
    del kind.__call__
    cell.__class__ = Other
    assert float(function(Tensor(2.0))) == 200


def test_a_class_of_the_library(monkeypatch):
    network = nn.SequentialCell(nn.ReLU())
    function = jit(network)
    assert float(function(Tensor(-2.0))) == 0
    monkeypatch.setattr(nn.ReLU, "construct", lambda self, x: x * 3)
    assert float(function(Tensor(-2.0))) == -6
    monkeypatch.undo()
    assert float(function(Tensor(-2.0))) == 0


KIND: Any = None
TABLE = Tensor(1.0)


class TestCapturedClasses:
    def test_a_global(self, monkeypatch):
        monkeypatch.setitem(globals(), "KIND", make()[2])
        function = jit(lambda x: x * KIND.factor)
        assert float(function(Tensor(2.0))) == 2
        KIND.factor = 3.0
        assert float(function(Tensor(2.0))) == 6
        monkeypatch.setitem(globals(), "KIND", make()[2])
        assert float(function(Tensor(2.0))) == 2

    def test_a_closure_and_an_attribute_of_a_cell(self):
        _, base, kind = make()
        outer = Outer(nn.Identity())
        outer.later = kind
        Outer.construct, before = (lambda self, x: x * self.later.factor), Outer.construct
        try:
            functions = [jit(lambda x: x * kind.factor), jit(outer)]
            assert [float(each(Tensor(2.0))) for each in functions] == [2, 2]
            base.factor = 4.0
            assert [float(each(Tensor(2.0))) for each in functions] == [8, 8]
        finally:
            Outer.construct = before

    def test_a_class_and_a_function_of_a_module(self, monkeypatch, tmp_path):
        path = tmp_path / "users_module.py"
        path.write_text("TABLE = None\ndef shift(x):\n    return x + TABLE\n")
        monkeypatch.syspath_prepend(tmp_path)
        import users_module  # pyright: ignore[reportMissingImports]

        try:
            users_module.TABLE = Tensor(1.0)
            users_module.Network = make()[2]
            function = jit(lambda x: users_module.shift(x) * users_module.Network.factor)
            assert float(function(Tensor(2.0))) == 3
            users_module.Network.factor = 2.0
            assert float(function(Tensor(2.0))) == 6
            users_module.TABLE = Tensor(3.0)
            assert float(function(Tensor(2.0))) == 10
            users_module.shift = lambda x: x * 100
            assert float(function(Tensor(2.0))) == 400
        finally:
            del sys.modules["users_module"]

    def test_an_installed_module_is_not_watched(self):
        def function(x):
            return types.SimpleNamespace(y=np.float32(1)).y * x

        from sporax.transforms import Variables

        assert list(Variables(function).values()) == []


class TestBprop:
    def test_one_that_is_defined_later(self):
        class Twice(nn.Cell):
            def construct(self, x):
                return x * 2

        kind: Any = Twice
        cell = kind()
        compiled = jit(grad(cell))
        x = Tensor(1.0)
        assert (float(grad(cell)(x)), float(compiled(x))) == (2, 2)
        kind.bprop = lambda self, x, out, dout: (dout * 50,)
        assert (float(grad(cell)(x)), float(compiled(x))) == (50, 50)
        cell.bprop = lambda x, out, dout: (dout * 70,)
        assert (float(grad(cell)(x)), float(compiled(x))) == (70, 70)
        del cell.bprop
        assert (float(grad(cell)(x)), float(compiled(x))) == (50, 50)
        cell.bprop = None
        assert (float(grad(cell)(x)), float(compiled(x))) == (2, 2)
        del cell.bprop, kind.bprop
        assert (float(grad(cell)(x)), float(compiled(x))) == (2, 2)

    def test_one_of_a_base_that_is_no_cell(self):
        class Own:
            def bprop(self, x, out, dout):
                return (dout * 50,)

        class Twice(Own, nn.Cell):
            def construct(self, x):
                return x * 2

        assert float(grad(Twice())(Tensor(1.0))) == 50


class Line(nn.Cell):
    """Its gradient with respect to the weight is the factor."""

    factor = 1.0

    def __init__(self):
        super().__init__()
        self.weight = Parameter(Tensor(0.0), name="weight")

    def construct(self, x):
        return (x * self.weight * self.factor).mean()


class ChangesFactor(Callback):
    def __init__(self, kind, step):
        self.kind, self.step = kind, step

    def on_train_step_end(self, run_context):
        if run_context.original_args().cur_step_num == self.step:
            self.kind.factor = 10.0


@pytest.mark.parametrize("sink", [False, True], ids=["plain", "sink"])
def test_model_train(sink):
    class Network(Line):
        pass

    network = Network()
    model = Model(nn.TrainOneStepCell(network, nn.SGD(network.trainable_params(), 1.0)))
    data = dataset.NumpySlicesDataset({"x": np.ones(4, np.float32)}, shuffle=False).batch(2)
    model.train(1, data, dataset_sink_mode=sink)
    assert float(network.weight) == -2
    Network.factor = 10.0
    model.train(1, data, dataset_sink_mode=sink)
    assert float(network.weight) == -22


@pytest.mark.parametrize("steps", [4, 200], ids=["single steps", "speculative blocks"])
@pytest.mark.parametrize("base", [Line, object], ids=["cell", "other base"])
def test_a_callback_that_changes_a_class_between_steps(steps, base):
    mixin = type("Mixin", (), {"factor": 1.0})

    class Network(*((mixin, Line) if base is object else (Line,))):
        pass

    network = Network()
    model = Model(nn.TrainOneStepCell(network, nn.SGD(network.trainable_params(), 1.0)))
    data = dataset.NumpySlicesDataset({"x": np.ones(steps, np.float32)}, shuffle=False).batch(1)
    callback = ChangesFactor(mixin if base is object else Network, 3)
    model.train(1, data, callbacks=[callback], dataset_sink_mode=False)
    assert float(network.weight) == -3 - 10 * (steps - 3)


class Rebinds(Callback):
    def on_train_step_end(self, run_context):
        if run_context.original_args().cur_step_num == 3:
            globals()["TABLE"] = Tensor(10.0)


@pytest.mark.parametrize("steps", [4, 200], ids=["single steps", "speculative blocks"])
def test_a_callback_that_binds_a_global_between_steps(steps, monkeypatch):
    class Network(Line):
        def construct(self, x):
            return super().construct(x) * TABLE

    monkeypatch.setitem(globals(), "TABLE", Tensor(1.0))
    network = Network()
    model = Model(nn.TrainOneStepCell(network, nn.SGD(network.trainable_params(), 1.0)))
    data = dataset.NumpySlicesDataset({"x": np.ones(steps, np.float32)}, shuffle=False).batch(1)
    model.train(1, data, callbacks=[Rebinds()], dataset_sink_mode=False)
    assert float(network.weight) == -3 - 10 * (steps - 3)


def test_train_one_step_cell():
    class Network(Line):
        pass

    network = Network()
    step = nn.TrainOneStepCell(network, nn.SGD(network.trainable_params(), 1.0))
    for factor, expected in ((1.0, -1.0), (10.0, -11.0)):
        Network.factor = factor
        step(Tensor([1.0]))
        assert float(network.weight) == expected


@pytest.mark.parametrize("as_cell", [True, False])
def test_model_eval_and_predict(as_cell):
    class Network(nn.Cell):
        factor = 1.0

        def construct(self, x):
            return x * self.factor

    def weighted(loss, prediction, label):
        return (loss.weight * TABLE * (prediction - label)).mean()

    class Function:
        weight = Tensor(1.0)
        __call__ = weighted

    class Loss(nn.LossBase):
        weight = Tensor(1.0)
        construct: Any = weighted

    network = Network()
    model = Model(network, Loss() if as_cell else Function(), metrics={"loss"})
    columns = {"x": np.ones(4, np.float32), "y": np.zeros(4, np.float32)}
    data = dataset.NumpySlicesDataset(columns, shuffle=False).batch(2)
    assert model.eval(data)["loss"] == 1
    assert float(model.predict(Tensor([1.0]))) == 1
    Network.factor = 3.0
    assert model.eval(data)["loss"] == 3
    assert float(model.predict(Tensor([1.0]))) == 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "TABLE", Tensor(10.0))
        assert model.eval(data)["loss"] == 30
    if as_cell:
        Loss.weight = Tensor(2.0)
        assert model.eval(data)["loss"] == 6


def test_optimizer_class():
    class Signs(nn.Optimizer):
        size = 1.0

        def construct(self, gradients):
            for weight, gradient in zip(self.parameters, gradients, strict=True):
                weight.set_data(weight - self.size * ops.sign(gradient))

    network = Line()
    optimizer = Signs(0.1, network.trainable_params())
    differentiate = value_and_grad(network, None, optimizer.parameters)

    @jit
    def step(x):
        value, gradients = differentiate(x)
        optimizer(gradients)
        return value

    step(Tensor([1.0]))
    assert float(network.weight) == -1
    Signs.size = 5.0
    step(Tensor([1.0]))
    assert float(network.weight) == -6


def test_an_abstract_base_class():
    class Abstract(nn.Cell, ABC):
        @abstractmethod
        def construct(self, x): ...

    class Concrete(Abstract):
        def construct(self, x):
            return x

    kind: Any = Abstract
    with pytest.raises(TypeError, match="abstract"):
        kind()
    assert isinstance(Concrete(), Abstract)
    # Only the classes of an object decide: a virtual subclass has no Parameters.
    Abstract.register(dict)
    assert not isinstance({}, Abstract)
    assert not isinstance({}, nn.Cell)


def test_a_new_class_does_not_change_the_revision():
    before = REVISION.count
    make()
    assert REVISION.count == before
