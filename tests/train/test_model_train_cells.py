"""Model with a training Cell as its network: the Cell trains, and its output is the loss."""

import numpy as np
import optax
import pytest

import sporax
from sporax import Model, Parameter, ParameterTuple, Tensor, nn, ops
from sporax import dataset as ds
from sporax._errors import ArgumentTypeError, SporaxWarning, TrainError
from sporax.train.callback import Callback, LossMonitor

RNG = np.random.default_rng(11)
X = RNG.uniform(-1, 1, (24, 3)).astype(np.float32)
Y = (X @ np.float32([[1], [-2], [0.5]]) + 0.25).astype(np.float32)
both_modes = pytest.mark.parametrize("sink", [False, True], ids=["plain", "sink"])


def data(batch=4):
    return ds.NumpySlicesDataset((X, Y), ["data", "label"], shuffle=False).batch(batch)


def line():
    return nn.Dense(3, 1, weight_init="zeros", bias_init="zeros")


def descent(epochs, batch=4, rate=0.1, accumulate=1, mu=0.0):
    """Return the losses and the final weights of gradient descent on the mean squared error, in float64."""
    w, b = np.zeros((1, 3)), np.zeros(1)
    losses, sums, velocity = [], [0.0, 0.0], [0.0, 0.0]
    for step in range(epochs * (len(X) // batch)):
        at = slice(step * batch % len(X), step * batch % len(X) + batch)
        x, error = X[at].astype(np.float64), X[at] @ w.T + b - Y[at]
        losses.append(np.mean(error**2))
        sums = [sums[0] + 2 * error.T @ x / batch, sums[1] + 2 * error.mean(axis=0)]
        if (step + 1) % accumulate == 0:
            velocity = [mu * v + s for v, s in zip(velocity, sums, strict=True)]
            w, b = w - rate * velocity[0], b - rate * velocity[1]
            sums = [0.0, 0.0]
    return losses, w, b


class Keep(Callback):
    def __init__(self):
        self.outputs, self.networks = [], []

    def step_end(self, run_context):
        args = run_context.original_args()
        self.outputs.append(args.net_outputs)
        self.networks.append(args.train_network)


class CustomStep(nn.TrainOneStepCell):
    """A subclass in MindSpore's style: the gradient by GradOperation, with a sensitivity."""

    def construct(self, data, label):
        loss = self.network(data, label)
        gradients = self.grad(self.network, self.weights)(data, label, ops.fill(loss.dtype, loss.shape, self.sens))
        gradients = self.grad_reducer(gradients)
        return ops.depend(loss, self.optimizer(gradients))


class WithScale(nn.TrainOneStepCell):
    """Returns (loss, overflow, loss scale), like the cells with a loss scale."""

    def construct(self, data, label):
        loss = super().construct(data, label)
        return loss, Tensor(False), Tensor(1024.0)


class FromScratch(nn.Cell):
    """Not a TrainOneStepCell: a Cell with network, loss and optimizer."""

    def __init__(self, network, optimizer):
        super().__init__(auto_prefix=False)
        self.network, self.optimizer = network, optimizer
        self.weights = ParameterTuple(network.trainable_params())
        self.gradient = ops.value_and_grad(self.network, None, self.weights)

    def construct(self, data, label):
        loss, gradients = self.gradient(data, label)
        self.optimizer(gradients)
        return loss


@both_modes
@pytest.mark.parametrize("make", [nn.TrainOneStepCell, CustomStep, WithScale, FromScratch])
def test_a_training_cell_as_the_network_is_trained(make, sink, capsys):
    net, keep = line(), Keep()
    cell = make(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.1))
    Model(cell).train(2, data(), callbacks=[keep, LossMonitor(6)], dataset_sink_mode=sink)
    losses, w, b = descent(2)
    first = [out[0] if make is WithScale else out for out in keep.outputs]
    np.testing.assert_allclose([float(each) for each in first], losses, rtol=1e-4)
    np.testing.assert_allclose(net.weight.asnumpy(), w, rtol=1e-4)
    np.testing.assert_allclose(net.bias.asnumpy(), b, rtol=1e-4)
    assert keep.networks == [cell] * 12
    if make is WithScale:
        assert [float(np.asarray(each)) for each in keep.outputs[-1][1:]] == [0.0, 1024.0]
    lines = capsys.readouterr().out.splitlines()
    assert [text.split(",")[0] for text in lines] == ["epoch: 1 step: 6", "epoch: 2 step: 6"]


def test_a_training_cell_equals_the_model_that_is_given_its_parts():
    results = []
    for whole in (True, False):
        net = line()
        optimizer = nn.Adam(net.trainable_params(), 0.05)
        cell = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), optimizer)
        (Model(cell) if whole else Model(net, nn.MSELoss(), optimizer)).train(3, data())
        results.append(net.weight.asnumpy())
    np.testing.assert_allclose(*results, rtol=1e-6)


def test_a_training_cell_takes_a_transformation_of_optax():
    net = line()
    cell = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), optax.sgd(0.1))
    Model(cell).train(1, data())
    np.testing.assert_allclose(net.weight.asnumpy(), descent(1)[1], rtol=1e-4)
    with pytest.raises(ArgumentTypeError, match=r"optimizer must be one of sporax\.nn"):
        nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), None)


def test_a_training_cell_runs_op_by_op_on_request():
    sporax.set_context(mode=sporax.PYNATIVE_MODE)
    net = line()
    Model(nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.1))).train(1, data())
    np.testing.assert_allclose(net.weight.asnumpy(), descent(1)[1], rtol=1e-4)
    with pytest.raises(TrainError, match=r"a step of WithLossCell writes no Parameter"):
        Model(nn.WithLossCell(line(), nn.MSELoss())).train(1, data())


def test_a_training_cell_is_fitted_with_an_eval_network():
    net = line()
    cell = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.1))
    model = Model(
        cell, eval_network=nn.WithEvalCell(net, nn.MSELoss()), eval_indexes=[0, 1, 2], metrics={"loss", "mse"}
    )
    model.fit(2, data(), data(7))
    _, w, b = descent(2)
    expected = np.mean((X @ w.T + b - Y) ** 2)
    result = model.eval(data(7))
    assert result["loss"] == pytest.approx(expected, rel=1e-4)
    assert result["mse"] == pytest.approx(expected, rel=1e-4)


# --- cells that train nothing --------------------------------------------------------------------------------------


@both_modes
def test_without_an_optimizer_a_network_that_changes_nothing_raises(sink):
    for model in (
        Model(nn.WithLossCell(line(), nn.MSELoss())),
        Model(nn.WithLossCell(line(), nn.MSELoss()), None, None),
    ):
        with pytest.raises(
            TrainError, match=r"a step of WithLossCell writes no Parameter, so nothing would be trained"
        ):
            model.train(1, data(), dataset_sink_mode=sink)
    with pytest.raises(TrainError, match=r"has a loss but no optimizer"):
        Model(line(), nn.MSELoss()).train(1, data())


def test_a_random_draw_is_not_treated_as_training():
    net = nn.SequentialCell(line(), nn.Dropout(p=0.5))
    with pytest.raises(TrainError, match="writes no Parameter"):
        Model(nn.WithLossCell(net, nn.MSELoss())).train(1, data())


def test_moving_statistics_alone_cause_a_warning():
    net = nn.SequentialCell(nn.BatchNorm1d(3), line())
    with pytest.warns(SporaxWarning, match=r"writes no trainable Parameter, only 0.moving_\w+.*nothing is trained"):
        Model(nn.WithLossCell(net, nn.MSELoss())).train(1, data())


# --- gradient accumulation, as in the tutorial -------------------------------------------------------------------


accumulate_one = ops.MultitypeFuncGraph("accumulate_one")
clear_one = ops.MultitypeFuncGraph("clear_one")


@accumulate_one.register("Tensor", "Tensor")
def _accumulate(total, gradient):
    return ops.assign_add(total, gradient)


@clear_one.register("Tensor")
def _clear(total):
    return ops.depend(True, ops.assign(total, ops.zeros_like(total)))


class Accumulate(nn.TrainOneStepCell):
    """Accumulates the gradients of a small batch; another Cell applies them."""

    def __init__(self, network, optimizer, sens=1.0):
        super().__init__(network, optimizer, sens)
        self.acc = self.weights.clone(prefix="acc", init="zeros")
        self.hyper_map = ops.HyperMap()

    def construct(self, *inputs):
        loss = self.network(*inputs)
        gradients = self.grad_no_sens(self.network, self.weights)(*inputs)
        return ops.depend(loss, self.hyper_map(accumulate_one, self.acc, gradients))


class Apply(nn.Cell):
    def __init__(self, optimizer, acc):
        super().__init__(auto_prefix=False)
        self.optimizer, self.acc = optimizer, acc

    def construct(self):
        return self.optimizer(self.acc)


class Clear(nn.Cell):
    def __init__(self, acc):
        super().__init__(auto_prefix=False)
        self.acc, self.hyper_map = acc, ops.HyperMap()

    def construct(self):
        return self.hyper_map(ops.partial(clear_one) if hasattr(ops, "partial") else clear_one, self.acc)


def test_the_weights_of_a_training_cell_can_be_cloned():
    net = line()
    cell = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.1))
    assert isinstance(cell.weights, ParameterTuple)
    assert list(cell.weights) == net.trainable_params()
    acc = cell.weights.clone(prefix="acc", init="zeros")
    assert [each.name for each in acc] == ["acc.weight", "acc.bias"]
    assert not any(each.asnumpy().any() for each in acc)
    assert len(list(cell.get_parameters())) == len(set(cell.get_parameters()))


def test_accumulated_gradients_equal_one_large_batch():
    net = line()
    optimizer = nn.SGD(net.trainable_params(), 0.1)
    step = Accumulate(nn.WithLossCell(net, nn.MSELoss()), optimizer)
    apply, clear = Apply(optimizer, step.acc), Clear(step.acc)
    step.set_train()
    for _ in range(2):
        for number, (x, y) in enumerate(data(4).create_tuple_iterator()):
            step(x, y)
            if (number + 1) % 2 == 0:
                apply()
                clear()
    # The summed gradients of two batches of 4 equal a batch of 8 with twice the rate.
    _, w, b = descent(2, batch=8, rate=0.2)
    np.testing.assert_allclose(net.weight.asnumpy(), w, rtol=1e-4)
    np.testing.assert_allclose(net.bias.asnumpy(), b, rtol=1e-4)


class AccumulateInModel(Accumulate):
    """Accumulation in one Cell, which `Model` trains: every second step applies the accumulated gradients."""

    def __init__(self, network, optimizer, every=2):
        super().__init__(network, optimizer)
        self.every = every
        self.count = Parameter(Tensor(0, sporax.int32), name="count", requires_grad=False)

    def construct(self, *inputs):
        loss, gradients = ops.value_and_grad(self.network, None, self.weights)(*inputs)
        self.count.set_data(self.count + 1)
        due = (self.count % self.every == 0).astype(sporax.float32)
        summed = [total + gradient for total, gradient in zip(self.acc, gradients, strict=True)]
        self.optimizer([total * due for total in summed])
        for total, new in zip(self.acc, summed, strict=True):
            total.set_data(new * (1 - due))
        return loss


@both_modes
def test_accumulation_inside_a_training_cell_of_a_model(sink):
    net = line()
    cell = AccumulateInModel(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.1))
    Model(cell).train(2, data(4), dataset_sink_mode=sink)
    _, w, b = descent(2, batch=8, rate=0.2)
    np.testing.assert_allclose(net.weight.asnumpy(), w, rtol=1e-4)
    np.testing.assert_allclose(net.bias.asnumpy(), b, rtol=1e-4)
    assert cell.count.asnumpy() == 12


# --- the same with the older names: GRAPH_MODE, Partial, Fill, DType, Shape, DatasetHelper --------------------------


add_to = ops.MultitypeFuncGraph("add_to")
zero_out = ops.MultitypeFuncGraph("zero_out")


@add_to.register("Tensor", "Tensor")
def _add_to(total, gradient):
    return ops.AssignAdd()(total, gradient)


@zero_out.register("Tensor", "Tensor")
def _zero_out(total, zero):
    done = True
    return ops.depend(done, ops.Assign()(total, zero))


class Backward(nn.Cell):
    def __init__(self, network, totals):
        super().__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.network.add_flags(defer_inline=True)
        self.weights = ParameterTuple(network.trainable_params())
        self.totals = totals
        self.gradient = ops.GradOperation(get_by_list=True, sens_param=True)
        self.hyper_map = ops.HyperMap()

    def construct(self, *inputs):
        loss = self.network(*inputs)
        ones = ops.Fill()(ops.DType()(loss), ops.Shape()(loss), 1.0)
        gradients = self.gradient(self.network, self.weights)(*inputs, ones)
        return ops.depend(loss, self.hyper_map(ops.Partial()(add_to), self.totals, gradients))


class ClearTo(nn.Cell):
    def __init__(self, totals, zeros):
        super().__init__(auto_prefix=False)
        self.totals, self.zeros, self.hyper_map = totals, zeros, ops.HyperMap()

    def construct(self):
        return self.hyper_map(ops.Partial()(zero_out), self.totals, self.zeros)


@pytest.mark.parametrize("mode", [sporax.GRAPH_MODE, sporax.PYNATIVE_MODE], ids=["graph", "pynative"])
def test_accumulation_with_separate_cells_equals_one_large_batch(mode):
    sporax.set_context(mode=mode)
    net = line()
    optimizer = nn.Momentum(net.trainable_params(), 0.05, 0.9)
    totals = optimizer.parameters.clone(prefix="grad_sum", init="zeros")
    zeros = optimizer.parameters.clone(prefix="zeros", init="zeros")
    backward = Backward(nn.WithLossCell(net, nn.MSELoss()), totals).set_train()
    apply, clear = Apply(optimizer, totals).set_train(), ClearTo(totals, zeros).set_train()
    source = data(3)
    for _ in range(2):
        for number, (x, y) in enumerate(source.create_tuple_iterator()):
            backward(x, y)
            if (number + 1) % 4 == 0:
                apply()
                clear()
    # The sum of four gradients, each a mean over 3, is four times that of a batch of 12.
    _, w, b = descent(2, batch=12, rate=0.2, mu=0.9)
    np.testing.assert_allclose(net.weight.asnumpy(), w, rtol=1e-4)
    np.testing.assert_allclose(net.bias.asnumpy(), b, rtol=1e-4)
