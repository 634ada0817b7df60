"""A call of a Cell followed by its gradient with the same inputs changes state once, as in MindSpore.

The expected counts are those of MindSpore 2.10: in graph mode always; in PyNative mode with `set_grad()` only.
"""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from sporax import GRAPH_MODE, PYNATIVE_MODE, Model, Parameter, Tensor, context, grad, jit, nn, ops, value_and_grad
from sporax import dataset as ds
from sporax.core import default_generator

pytestmark = pytest.mark.usefixtures("gradient_mode")

X = Tensor(np.arange(3, dtype=np.float32))


class Counting(nn.Cell):
    """Counts its calls in a Parameter."""

    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor(np.ones(3, np.float32)), name="w")
        self.count = Parameter(Tensor(np.float32(0)), name="count", requires_grad=False)

    def construct(self, x, scale=1.0):
        self.count.set_data(self.count + 1)
        return (self.w * x * scale).sum()


def by_operation(net, x):
    loss = net(x)
    return loss, ops.GradOperation(get_by_list=True)(net, [net.w])(x)


def by_operation_with_sensitivity(net, x):
    loss = net(x)
    return loss, ops.GradOperation(get_by_list=True, sens_param=True)(net, [net.w])(x, Tensor(np.float32(2)))


def by_grad(net, x):
    return net(x), grad(net, None, [net.w])(x)


def by_value_and_grad(net, x):
    return net(x), value_and_grad(net, None, [net.w])(x)[1]


def by_keyword(net, x):
    return net(x, scale=2.0), grad(net, None, [net.w])(x, scale=2.0)


MERGED = [by_operation, by_operation_with_sensitivity, by_grad, by_value_and_grad, by_keyword]


def gradient_first(net, x):
    gradient = grad(net, None, [net.w])(x)
    return net(x), gradient


def twice(net, x):
    return net(x) + net(x), x


def of_another_input(net, x):
    return net(x + 1), grad(net, None, [net.w])(x)


def with_another_keyword(net, x):
    return net(x, scale=2.0), grad(net, None, [net.w])(x, scale=3.0)


def written_between(net, x):
    loss = net(x)
    net.count.set_data(net.count + 10)
    return loss, grad(net, None, [net.w])(x)


APART = [gradient_first, twice, of_another_input, with_another_keyword]


@pytest.mark.parametrize("step", MERGED)
class TestMerged:
    def test_in_compiled_code(self, step):
        net = Counting()
        compiled = jit(lambda x: step(net, x))
        for _ in range(3):
            compiled(X)
        assert net.count.asnumpy() == 3

    def test_outside_of_compiled_code_with_set_grad(self, step):
        net = Counting().set_grad()
        for _ in range(3):
            step(net, X)
        assert net.count.asnumpy() == 3

    def test_outside_of_compiled_code_without_set_grad(self, step):
        net = Counting()
        for _ in range(3):
            step(net, X)
        assert net.count.asnumpy() == 6

    def test_the_results_are_the_same(self, step):
        loss, (gradient,) = jit(lambda x: step(Counting(), x))(X)
        factor = {by_operation_with_sensitivity: (1, 2), by_keyword: (2, 2)}.get(step, (1, 1))
        assert loss.asnumpy() == 3 * factor[0]
        assert gradient.asnumpy().tolist() == (X.asnumpy() * factor[1]).tolist()


@pytest.mark.parametrize("step", APART)
@pytest.mark.parametrize("compiled", [True, False])
def test_different_calls_change_state_twice(step, compiled):
    net = Counting().set_grad()
    run = jit(lambda x: step(net, x)) if compiled else lambda x: step(net, x)
    for _ in range(3):
        run(X + 0)
    assert net.count.asnumpy() == 6


def test_a_call_at_the_end_of_a_step_is_merged_with_a_gradient_of_the_same_tensor_after_it():
    net = Counting().set_grad()
    for _ in range(3):
        gradient_first(net, X)
    # MindSpore 2.10 in PyNative mode also counts 4.
    assert net.count.asnumpy() == 4


@pytest.mark.parametrize("compiled", [True, False])
def test_a_write_between_the_calls_is_kept(compiled):
    net = Counting().set_grad()
    run = jit(lambda x: written_between(net, x)) if compiled else lambda x: written_between(net, x)
    run(X)
    assert net.count.asnumpy() == 12


@pytest.mark.parametrize("compiled", [True, False])
def test_dropout_draws_the_same_mask(compiled):
    net = nn.Dropout(p=0.5).set_train().set_grad()
    x = Tensor(np.ones(64, np.float32))

    def step(x):
        return net(x), grad(net)(x)

    before = default_generator.key.asnumpy().copy()
    out, gradient = (jit(step) if compiled else step)(x)
    assert 0 < (out.asnumpy() == 0).sum() < 64
    assert out.asnumpy().tolist() == gradient.asnumpy().tolist()
    after = default_generator.key.asnumpy()
    default_generator.key.set_data(Tensor(before))
    net(x)
    assert after.tolist() == default_generator.key.asnumpy().tolist()


class TrainStep(nn.TrainOneStepCell):
    """The training step of many projects: the loss, then the gradient of the same network."""

    def construct(self, x, y):
        loss = self.network(x, y)
        gradients = self.grad(self.network, self.weights)(x, y, ops.ones_like(loss))
        return ops.depend(loss, self.optimizer(gradients))


@pytest.mark.parametrize("sink", [False, True])
@pytest.mark.parametrize("mode", [None, GRAPH_MODE, PYNATIVE_MODE])
def test_moving_statistics_are_updated_once_in_a_step(mode, sink):
    if mode is not None:
        context.set_context(mode=mode)
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((12, 2)).astype(np.float32) + 5, rng.standard_normal((12, 2)).astype(np.float32)
    net = nn.BatchNorm1d(2, momentum=0.9)
    step = TrainStep(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.0))
    data = ds.NumpySlicesDataset((x, y), ["x", "y"], shuffle=False).batch(4)
    Model(step).train(1, data, dataset_sink_mode=sink)
    mean = np.zeros(2)
    for batch in x.astype(np.float64).reshape(3, 4, 2):
        mean = 0.9 * mean + 0.1 * batch.mean(axis=0)
    np.testing.assert_allclose(net.moving_mean.asnumpy(), mean, rtol=1e-5)


def test_a_call_that_fails_is_not_recorded():
    class Fails(Counting):
        def construct(self, x):
            super().construct(x)
            raise RuntimeError("fails")

    net = Fails().set_grad()
    for count in (1, 2):
        with pytest.raises(RuntimeError, match="fails"):
            net(X)
        assert net.count.asnumpy() == count
    other = Counting().set_grad()
    by_grad(other, X)
    assert other.count.asnumpy() == 1


def test_a_nested_call_is_undone_once():
    class Outer(nn.Cell):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner
            self.calls = Parameter(Tensor(np.float32(0)), name="calls", requires_grad=False)

        def construct(self, x):
            self.calls.set_data(self.calls + 1)
            self.calls.set_data(self.calls + 1)
            return self.inner(x)

    inner = Counting()
    outer = Outer(inner)

    def step(x):
        outer(x)
        grad(outer, None, [inner.w])(x)
        # The number of writes equals that at the end of `inner` in the undone call, but the writes differ.
        outer.calls.set_data(outer.calls + 10)
        grad(inner, None, [inner.w])(x)

    jit(step)(X)
    assert outer.calls.asnumpy() == 12
    assert inner.count.asnumpy() == 2


def test_the_inputs_of_the_last_call_are_not_kept_alive():
    net = Counting().set_grad()
    x = Tensor([1.0, 2.0, 3.0])
    net(x)
    reference = weakref.ref(x._value)
    del x
    gc.collect()
    assert reference() is None
