"""Data sinking of steps with a convolution: unrolled on CPU, equal losses, and the next stack is read concurrently."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import sporax
from sporax import Model, nn
from sporax import dataset as ds
from sporax.train.callback import Callback, LossMonitor
from sporax.train.runner import StepRunner, _sink
from sporax.train.runner._program import Operations, count_operations
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
    """Return the number of loops with a convolution in a jaxpr."""
    found = 0
    for eqn in jaxpr.eqns:
        for value in jax.tree.leaves(eqn.params, is_leaf=lambda leaf: hasattr(leaf, "eqns") or hasattr(leaf, "jaxpr")):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                if eqn.primitive.name in ("scan", "while") and eqn.params.get("unroll", 1) < eqn.params.get(
                    "length", 2
                ):
                    found += bool(count_operations(inner).convolutions)
                found += loops(inner)
    return found


# 11 batches in an epoch: unrolled programs and remaining single steps.
@pytest.mark.parametrize("unroll", [1, 3, 4])
def test_losses_and_weights_equal_those_without_sink(unroll, monkeypatch):
    monkeypatch.setattr(_sink, "unrolled_steps", lambda operations: unroll)
    plain, weights = train(False)
    sunk, others = train(True)
    assert len(sunk) == 22
    np.testing.assert_allclose(sunk, plain, rtol=2e-5)
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_call_contains_few_slow_steps_and_many_fast_ones(monkeypatch):
    batch = [each[0] for each in stacked(1)]
    assert runner().prepare(batch) == _sink._FAST_STEPS
    monkeypatch.setattr(_sink, "_FAST_PRODUCTS", 0)
    assert runner().prepare(batch) == _sink._SLOW_STEPS < _sink._FAST_STEPS


def test_no_convolution_is_inside_a_loop():
    run = runner()
    assert run.prepare([each[0] for each in stacked(1)]) == _sink._FAST_STEPS
    program = run._program([each[0] for each in stacked(1)])
    assert program.needs_unrolling
    unroll = _sink.unrolled_steps(program.operations)
    assert unroll == _sink._UNROLLED_STEPS
    state = tuple(p._value for p in program.written)
    kept = tuple(p._value for p in program.kept)
    jaxpr = jax.make_jaxpr(program._many)(state, kept, *stacked(unroll))
    assert loops(jaxpr.jaxpr) == 0
    # The check can fail: it counts the same step in a loop.
    looped = jax.make_jaxpr(lambda x: jax.lax.scan(lambda c, row: (c, program._single(state, kept, *row)), 0, x))
    assert loops(looped(tuple(stacked(4))).jaxpr) == 1


def test_only_two_programs_are_called_for_any_stacks():
    run = runner()
    run.run_many(stacked(1))
    program = run._current
    several, single, shapes = program.many, program.single, []

    def record(function):
        def call(state, kept, *batch):
            shapes.append(batch[0].shape)
            return function(state, kept, *batch)

        return call

    program.many, program.single = record(several), record(single)
    for rows in (1, 3, 4, 9):
        assert np.asarray(run.run_many(stacked(rows))[0]).shape == (rows,)
    one, four = (4, 1, 6, 6), (4, 4, 1, 6, 6)
    assert shapes == [one, one, one, one, four, four, four, one]


def test_the_number_of_unrolled_steps():
    def unrolled(convolutions, equations):
        return _sink.unrolled_steps(Operations(convolutions, equations, 0, False))

    maximum = _sink._UNROLLED_STEPS
    assert unrolled([1000, 5000], 100) == maximum
    assert unrolled([1000], _sink._UNROLLED_EQUATIONS // 2) == 2
    assert unrolled([1000], 10 * _sink._UNROLLED_EQUATIONS) == 1
    assert unrolled([_sink._UNROLLED_PRODUCTS, 1], 10) == 1


def test_the_next_stack_is_read_while_the_device_is_busy(monkeypatch):
    monkeypatch.setattr(_sink, "_FAST_STEPS", 8)
    events = []
    many = StepRunner.run_many

    def run_many(self, arrays):
        events.append("run")
        return many(self, arrays)

    class Report(Callback):
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
    train(True, data, epochs=1, others=[Report()])
    text = "".join(event[0] + event[1] for event in events)
    assert "ru" + "re" * 16 not in text
    first = events.index("run")
    after = events[first + 1 :]
    assert after.index("read") < after.index("report")
    assert events.count("report") == 16


def test_an_error_of_the_data_is_raised_after_the_steps_before_it(monkeypatch):
    monkeypatch.setattr(_sink, "_FAST_STEPS", 8)
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


def test_the_printed_lines_equal_those_without_sink(capsys):
    printed = []
    for sink in (False, True):
        train(sink, others=[LossMonitor(3)])
        printed.append([line.rsplit(" ", 1)[0] for line in capsys.readouterr().out.splitlines()])
    assert printed[0] == printed[1]
    assert len(printed[0]) == 7
