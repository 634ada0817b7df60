"""Sink mode of steps with a convolution: laid out flat on CPU, the same losses, the next stack read meanwhile."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import sporax
from sporax import Model, nn
from sporax import dataset as ds
from sporax.train import _program
from sporax.train.callback import Callback, LossMonitor
from sporax.train.step import StepRunner
from sporax.transforms import value_and_grad

pytestmark = pytest.mark.slow


class Keep(Callback):
    def __init__(self):
        self.losses = []

    def step_end(self, run_context):
        self.losses.append(float(run_context.original_args().net_outputs.asnumpy()))


def cnn(seed=5):
    sporax.set_seed(seed)
    return nn.SequentialCell(
        nn.Conv2d(1, 3, 3, has_bias=True), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten(), nn.Dense(27, 4)
    )


def images(count=44, seed=7):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 1, 6, 6)).astype(np.float32), rng.integers(0, 4, count).astype(np.int32)


def dataset(count=44):
    return ds.NumpySlicesDataset(images(count), ["data", "label"], shuffle=False).batch(4)


def train(sink, data=None, epochs=2, others=(), **options):
    net, keep = cnn(), Keep()
    model = Model(net, nn.CrossEntropyLoss(), nn.Momentum(net.trainable_params(), 0.05, 0.9))
    model.train(epochs, data or dataset(), callbacks=[keep, *others], dataset_sink_mode=sink, **options)
    return keep.losses, [p.asnumpy() for p in net.get_parameters()]


def runner():
    net, loss = cnn(), nn.CrossEntropyLoss()
    optimizer = nn.Momentum(net.trainable_params(), 0.05, 0.9)
    gradient = value_and_grad(lambda x, y: loss(net(x), y), None, optimizer.parameters)

    def step(x, y):
        value, gradients = gradient(x, y)
        optimizer(gradients)
        return value

    return StepRunner(step, [*net.get_parameters(), *optimizer.get_parameters()], "cnn")


def stacked(rows):
    x, y = images(4 * rows)
    return [x.reshape(rows, 4, 1, 6, 6), y.reshape(rows, 4)]


def loops(jaxpr):
    """The loops of a jaxpr that hold a convolution."""
    found = 0
    for eqn in jaxpr.eqns:
        for value in jax.tree.leaves(eqn.params, is_leaf=lambda leaf: hasattr(leaf, "eqns") or hasattr(leaf, "jaxpr")):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                if eqn.primitive.name in ("scan", "while") and eqn.params.get("unroll", 1) < eqn.params.get(
                    "length", 2
                ):
                    found += bool(_program._census(inner)[0])
                found += loops(inner)
    return found


# 11 batches an epoch: whole programs and a rest. A callback that reads the state cuts the stacks too.
@pytest.mark.parametrize("unroll", [1, 3, 4])
def test_the_losses_and_weights_are_those_without_sink(unroll, monkeypatch):
    monkeypatch.setattr(_program, "unroll_of", lambda convolutions, equations: unroll)
    plain, weights = train(False)
    sunk, others = train(True)
    assert len(sunk) == 22
    np.testing.assert_allclose(sunk, plain, rtol=2e-5)
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_call_holds_few_slow_steps_and_many_quick_ones(monkeypatch):
    batch = [each[0] for each in stacked(1)]
    assert runner().prepare(batch) == _program._QUICK_FLAT_STEPS
    monkeypatch.setattr(_program, "_QUICK_PRODUCTS", 0)
    assert runner().prepare(batch) == _program._FLAT_STEPS < _program._QUICK_FLAT_STEPS


def test_no_convolution_is_put_into_a_loop():
    run = runner()
    assert run.prepare([each[0] for each in stacked(1)]) == _program._QUICK_FLAT_STEPS
    program = run._program([each[0] for each in stacked(1)])
    assert program.flat
    assert program.unroll == _program._UNROLLED_STEPS
    state = tuple(p._value for p in program.written)
    kept = tuple(p._value for p in program.kept)
    jaxpr = jax.make_jaxpr(program._many)(state, kept, *stacked(program.unroll))
    assert loops(jaxpr.jaxpr) == 0
    # The same step as a loop is seen by the count.
    looped = jax.make_jaxpr(lambda x: jax.lax.scan(lambda c, row: (c, program._single(state, kept, *row)), 0, x))
    assert loops(looped(tuple(stacked(4))).jaxpr) == 1


def test_only_two_programs_are_called_whatever_the_stacks():
    run = runner()
    run.run_many(stacked(1))
    program = run._current
    several, single, shapes = program.many, program.single, []

    def tell(function):
        def call(state, kept, *batch):
            shapes.append(batch[0].shape)
            return function(state, kept, *batch)

        return call

    program.many, program.single = tell(several), tell(single)
    for rows in (1, 3, 4, 9):
        assert np.asarray(run.run_many(stacked(rows))[0]).shape == (rows,)
    one, four = (4, 1, 6, 6), (4, 4, 1, 6, 6)
    assert shapes == [one, one, one, one, four, four, four, one]


def test_how_many_steps_are_unrolled():
    most = _program._UNROLLED_STEPS
    assert _program.unroll_of([1000, 5000], 100) == most
    assert _program.unroll_of([1000], _program._UNROLLED_EQUATIONS // 2) == 2
    assert _program.unroll_of([1000], 10 * _program._UNROLLED_EQUATIONS) == 1
    assert _program.unroll_of([_program._UNROLLED_PRODUCTS, 1], 10) == 1


def test_the_next_stack_is_read_while_the_device_works(monkeypatch):
    monkeypatch.setattr(_program, "_QUICK_FLAT_STEPS", 8)
    events = []
    many = StepRunner.run_many

    def run_many(self, arrays):
        events.append("run")
        return many(self, arrays)

    class Told(Callback):
        def step_end(self, run_context):
            events.append("report")

    class Source(list):
        def __iter__(self):
            for row in super().__iter__():
                events.append("read")
                yield row

    monkeypatch.setattr(StepRunner, "run_many", run_many)
    x, y = images(64)
    data = Source((x[i : i + 4], y[i : i + 4]) for i in range(0, 64, 4))
    train(True, data, epochs=1, others=[Told()])
    text = "".join(event[0] + event[1] for event in events)
    assert "ru" + "re" * 16 not in text
    first = events.index("run")
    after = events[first + 1 :]
    assert after.index("read") < after.index("report")
    assert events.count("report") == 16


def test_an_error_of_the_data_comes_after_the_steps_before_it(monkeypatch):
    monkeypatch.setattr(_program, "_QUICK_FLAT_STEPS", 8)
    x, y = images(64)

    class Broken(list):
        def __iter__(self):
            for i, row in enumerate(super().__iter__()):
                if i == 9:
                    raise OSError("the disk is gone")
                yield row

    class Count(Callback):
        steps = 0

        def step_end(self, run_context):
            self.steps += 1

    count = Count()
    data = Broken((x[i : i + 4], y[i : i + 4]) for i in range(0, 64, 4))
    with pytest.raises(OSError, match="the disk is gone"):
        train(True, data, epochs=1, others=[count])
    assert count.steps == 8


def test_the_printed_lines_are_those_without_sink(capsys):
    printed = []
    for sink in (False, True):
        train(sink, others=[LossMonitor(3)])
        printed.append([line.rsplit(" ", 1)[0] for line in capsys.readouterr().out.splitlines()])
    assert printed[0] == printed[1]
    assert len(printed[0]) == 7
