"""Model: train, fit, eval and predict; printed lines and errors."""

import os
import signal
import warnings

import numpy as np
import optax
import pytest

import sporax
from sporax import Model, Tensor, nn, ops
from sporax import dataset as ds
from sporax._errors import (
    ArgumentError,
    ArgumentTypeError,
    DatasetError,
    DtypeError,
    LabelError,
    NonFiniteLossWarning,
    ShapeError,
    TrainError,
)
from sporax.core import Parameter
from sporax.train.callback import Callback, History, LossMonitor, TimeMonitor

BATCH = 4


def columns(count=40, labels=1, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, 1)).astype(np.float32)
    return (x, *(2 * x + 1 + i for i in range(labels)))


def dataset(count=40, labels=1, batch=BATCH, **options):
    names = ["data", "label", "label2", "label3"][: 1 + labels]
    return ds.NumpySlicesDataset(columns(count, labels), names, shuffle=False).batch(batch, **options)


def line(**options):
    return nn.Dense(1, 1, weight_init="zeros", bias_init="zeros", **options)


def momentum(net, rate=0.1):
    return nn.Momentum(net.trainable_params(), rate, 0.9)


def reference(batches, labels=1, rate=0.1, mu=0.9):
    """Mean squared error, averaged over the labels, in float64."""
    w = b = mw = mb = 0.0
    losses = []
    for x, *ys in batches:
        x = x.astype(np.float64)
        errors = [x * w + b - y for y in ys]
        losses.append(np.mean([np.mean(e**2) for e in errors]))
        mw = mu * mw + np.mean([np.mean(2 * e * x) for e in errors])
        mb = mu * mb + np.mean([np.mean(2 * e) for e in errors])
        w, b = w - rate * mw, b - rate * mb
    return losses, w, b


def batches_of(arrays, batch=BATCH):
    return [[a[i : i + batch] for a in arrays] for i in range(0, len(arrays[0]), batch)]


class Keep(Callback):
    def __init__(self):
        self.losses = []
        self.steps = []

    def step_end(self, run_context):
        args = run_context.original_args()
        self.losses.append(float(args.net_outputs.asnumpy()))
        self.steps.append((args.cur_epoch_num, args.cur_step_num))


@pytest.mark.parametrize("sink", [False, True])
def test_losses_follow_the_formula_with_and_without_sink(sink):
    net = line()
    keep = Keep()
    Model(net, nn.MSELoss(), momentum(net)).train(2, dataset(38), callbacks=keep, dataset_sink_mode=sink)
    expected, w, b = reference(batches_of(columns(38)) * 2)
    np.testing.assert_allclose(keep.losses, expected, rtol=2e-4)
    np.testing.assert_allclose(net.weight.asnumpy(), [[w]], rtol=1e-4)
    np.testing.assert_allclose(net.bias.asnumpy(), [b], rtol=1e-4)
    assert keep.steps == [(1 + i // 10, 1 + i) for i in range(20)]
    assert not net.training


@pytest.mark.parametrize("others", [[], [Keep()]], ids=["built-in only", "with a user's callback"])
def test_printed_lines_are_the_same_with_and_without_sink(capsys, others):
    # The numbers may differ in their last digit, because XLA fuses the body of a loop differently.
    texts, numbers = [], []
    for sink in (False, True):
        net = line()
        Model(net, nn.MSELoss(), momentum(net)).train(
            2, dataset(), callbacks=[LossMonitor(3), *others], dataset_sink_mode=sink
        )
        printed = [line.split(", loss is ") for line in capsys.readouterr().out.splitlines()]
        texts.append([text for text, _ in printed])
        numbers.append([float(number) for _, number in printed])
    assert texts[0] == texts[1]
    np.testing.assert_allclose(numbers[0], numbers[1], rtol=2e-6)
    assert texts[0] == [f"epoch: {1 + (step - 1) // 10} step: {(step - 1) % 10 + 1}" for step in range(3, 21, 3)]


def test_sink_size_is_the_length_of_an_epoch_and_the_data_continue():
    net, keep = line(), Keep()
    model = Model(net, nn.MSELoss(), momentum(net))
    model.train(4, dataset(), callbacks=keep, dataset_sink_mode=True, sink_size=6)
    expected, *_ = reference((batches_of(columns()) * 3)[:24])
    np.testing.assert_allclose(keep.losses, expected, rtol=2e-4)
    assert keep.steps[6] == (2, 7)


def test_initial_epoch_continues_counting():
    net, keep = line(), Keep()
    model = Model(net, nn.MSELoss(), momentum(net))
    model.train(1, dataset())
    model.train(3, dataset(), callbacks=keep, initial_epoch=1)
    expected, *_ = reference(batches_of(columns()) * 3)
    np.testing.assert_allclose(keep.losses, expected[10:], rtol=1e-3)
    assert keep.steps[0] == (2, 11)
    assert keep.steps[-1] == (3, 30)


class TwoLabels(nn.LossBase):
    def construct(self, base, target1, target2):
        return self.get_loss(ops.square(base - target1)) / 2 + self.get_loss(ops.square(base - target2)) / 2


class TwoLabelsByName(nn.LossBase):
    def construct(self, base, labels):
        return {
            "first": self.get_loss(ops.square(base - labels["label"])) / 2,
            "second": self.get_loss(ops.square(base - labels["label2"])) / 2,
        }


class CustomWithLossCell(nn.Cell):
    def __init__(self, backbone, loss_fn):
        super().__init__(auto_prefix=False)
        self._backbone = backbone
        self._loss_fn = loss_fn

    def construct(self, data, label1, label2):
        return self._loss_fn(self._backbone(data), label1, label2)


def _models(net):
    return {
        "positional labels": Model(net, TwoLabels(), momentum(net)),
        "dict by column": Model(net, TwoLabelsByName(), momentum(net)),
        "custom cell": Model(network=CustomWithLossCell(net, TwoLabels()), optimizer=momentum(net)),
        "WithLossCell": Model(nn.WithLossCell(net, TwoLabels()), optimizer=momentum(net)),
        "a plain function": Model(
            net, lambda o, a, b: (ops.square(o - a).mean() + ops.square(o - b).mean()) / 2, momentum(net)
        ),
    }


@pytest.mark.parametrize("sink", [False, True])
@pytest.mark.parametrize("model", list(_models(line())))
def test_several_labels_need_no_wrapper_cell_and_may_have_one(model, sink):
    net, keep = line(), Keep()
    _models(net)[model].train(1, dataset(labels=2), callbacks=keep, dataset_sink_mode=sink)
    np.testing.assert_allclose(keep.losses, reference(batches_of(columns(labels=2)), 2)[0], rtol=2e-4)


@pytest.mark.parametrize("sink", [False, True])
def test_the_terms_of_a_dict_are_reported_one_by_one(capsys, sink):
    net = line()
    model = Model(net, TwoLabelsByName(), momentum(net), metrics={"loss"})
    model.train(1, dataset(8, labels=2), callbacks=[LossMonitor()], dataset_sink_mode=sink)
    first = capsys.readouterr().out.splitlines()[0]
    assert "first" in first
    assert "second" in first
    result = model.eval(dataset(38, labels=2))
    assert result["loss"] == pytest.approx(result["loss.first"] + result["loss.second"], rel=1e-5)


def test_a_term_named_loss_is_minimized():
    def loss(output, label):
        error = ops.square(output - label).mean()
        return {"loss": error * 2, "error": error}

    net, keep = line(), Keep()
    Model(net, loss, momentum(net, 0.05)).train(1, dataset(), callbacks=keep)
    np.testing.assert_allclose(keep.losses, 2 * np.array(reference(batches_of(columns()))[0]), rtol=2e-4)


def test_the_network_gets_as_many_columns_as_it_needs():
    class Two(nn.Cell):
        def __init__(self):
            super().__init__()
            self.fc = line()

        def construct(self, a, b):
            return self.fc(a) + 0 * b

    net, keep = Two(), Keep()
    data = ds.NumpySlicesDataset((*columns(), columns()[1]), ["a", "b", "label"], shuffle=False).batch(BATCH)
    Model(net, nn.MSELoss(), momentum(net)).train(1, data, callbacks=keep)
    np.testing.assert_allclose(keep.losses, reference(batches_of(columns()))[0], rtol=2e-4)


def test_any_optax_transformation_is_an_optimizer():
    net, keep = line(), Keep()
    Model(net, nn.MSELoss(), optax.sgd(0.1, momentum=0.9)).train(1, dataset(), callbacks=keep)
    np.testing.assert_allclose(keep.losses, reference(batches_of(columns()))[0], rtol=2e-4)


def test_a_plain_sequence_of_batches_can_be_trained_on():
    net, keep = line(), Keep()
    Model(net, nn.MSELoss(), momentum(net)).train(1, [tuple(b) for b in batches_of(columns())], callbacks=keep)
    np.testing.assert_allclose(keep.losses, reference(batches_of(columns()))[0], rtol=2e-4)
    with pytest.raises(
        ArgumentTypeError,
        match=r"got list_iterator, an iterator, which can be iterated only once.*`__iter__` is a generator",
    ):
        Model(net, nn.MSELoss(), momentum(net)).train(1, iter([1]))


def test_state_of_layers_and_random_draws_are_kept_in_training():
    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(1)
            self.drop = nn.Dropout(p=0.5)
            self.fc = line()

        def construct(self, x):
            return self.fc(self.drop(self.norm(x)))

    results = []
    for sink in (False, True):
        sporax.set_seed(5)
        net, keep = Net(), Keep()
        Model(net, nn.MSELoss(), momentum(net)).train(2, dataset(), callbacks=keep, dataset_sink_mode=sink)
        results.append((keep.losses, net.norm.moving_mean.asnumpy(), net.norm.moving_variance.asnumpy()))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-4)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-4)
    assert abs(float(results[0][1][0])) > 1e-3
    assert len(set(results[0][0])) == 20


@pytest.mark.parametrize("kind", ["ten batches", "two batches"])
def test_eval_divides_once_over_uneven_batches(kind):
    net = line()
    net.weight.set_data(Tensor([[1.5]]))
    model = Model(net, nn.MSELoss(), momentum(net), metrics={"loss", "mae", "mse"})
    x, y = columns(38)
    result = model.eval(dataset(38, batch=4 if kind == "ten batches" else 37))
    error = 1.5 * x.astype(np.float64) - y
    assert result["loss"] == pytest.approx(np.mean(error**2), rel=1e-5)
    assert result["mse"] == pytest.approx(np.mean(error**2), rel=1e-5)
    assert result["mae"] == pytest.approx(np.mean(np.abs(error)), rel=1e-5)


def test_fit_evaluates_when_due_and_prints_the_result(capsys):
    net, history = line(), History()
    model = Model(net, nn.MSELoss(), momentum(net), metrics={"mae"})
    model.fit(4, dataset(), dataset(8), valid_frequency=2, callbacks=[LossMonitor(10), history])
    lines = capsys.readouterr().out.splitlines()
    assert [text[:24] for text in lines if text.startswith("Eval")] == [
        "Eval result: epoch 2, me",
        "Eval result: epoch 4, me",
    ]
    assert model.eval(dataset(8))["mae"] < 0.2
    with pytest.raises(ArgumentError, match=r"Model.fit: a valid_dataset needs metrics"):
        Model(net, nn.MSELoss(), momentum(net)).fit(1, dataset(), dataset())


def test_programs_are_compiled_once_over_runs_epochs_and_validations():
    class Moded(nn.Cell):
        def __init__(self):
            super().__init__()
            self.fc = line()
            self.drop = nn.Dropout(p=0.1)

        def construct(self, x):
            return self.drop(self.fc(x))

    net = Moded()
    model = Model(net, nn.MSELoss(), momentum(net), metrics={"loss"})
    for _ in range(2):
        model.fit(2, dataset(), dataset(8))
        model.train(1, dataset())
        model.eval(dataset())
    ((_, runner, *_),) = model._runners.values()
    assert [len(programs) for programs in runner._programs.values()] == [1]


@pytest.mark.parametrize("sink", [False, True])
@pytest.mark.parametrize(
    "inner",
    [lambda: nn.BatchNorm1d(1), lambda: nn.Dropout(p=0.1)],
    ids=["moving statistics", "random key"],
)
def test_a_step_is_traced_once(inner, sink):
    class Counted(nn.Cell):
        def __init__(self):
            super().__init__()
            self.inner, self.fc = inner(), line()
            self.traces = []

        def construct(self, x):
            self.traces.append(x.shape)
            return self.fc(self.inner(x))

    net = Counted()
    traces = net.traces
    Model(net, nn.MSELoss(), nn.Adam(net.trainable_params(), 0.1)).train(2, dataset(), dataset_sink_mode=sink)
    assert traces == [(BATCH, 1)]


def test_predict_runs_in_evaluation_mode():
    net = nn.SequentialCell(line(), nn.Dropout(p=0.9))
    net.set_train()
    out = Model(net).predict(Tensor(np.ones((3, 1), np.float32)))
    np.testing.assert_array_equal(out.asnumpy(), np.zeros((3, 1)))
    assert not net.training


def test_callbacks_see_parameters_as_they_are_and_may_change_them():
    net = line()

    class Watch(Callback):
        def __init__(self):
            self.weights = []

        def step_end(self, run_context):
            self.weights.append(float(net.weight.asnumpy()[0, 0]))
            if run_context.original_args().cur_step_num == 5:
                net.weight.set_data(Tensor([[100.0]]))

    watch = Watch()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Model(net, nn.MSELoss(), momentum(net)).train(1, dataset(), callbacks=watch)
    expected = [reference(batches_of(columns())[: k + 1])[1] for k in range(5)]
    np.testing.assert_allclose(watch.weights[:5], expected, rtol=1e-4)
    assert watch.weights[5] > 50


def test_a_callback_can_stop_the_run():
    class Stop(Callback):
        def step_end(self, run_context):
            if run_context.original_args().cur_step_num == 3:
                run_context.request_stop()

    for sink in (False, True):
        net, keep = line(), Keep()
        Model(net, nn.MSELoss(), momentum(net)).train(5, dataset(), callbacks=[keep, Stop()], dataset_sink_mode=sink)
        assert len(keep.losses) == 3


# --- interruption ---------------------------------------------------------------------------------------------


def test_ctrl_c_leaves_the_last_state_in_the_network_and_reports_the_step(capsys):
    net = line()

    class PressCtrlC(Callback):
        def step_end(self, run_context):
            if run_context.original_args().cur_step_num == 7:
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Model(net, nn.MSELoss(), momentum(net)).train(3, dataset(), callbacks=PressCtrlC())
    assert signal.getsignal(signal.SIGINT) is before
    assert "after epoch 1 step 7 of 10" in capsys.readouterr().out
    np.testing.assert_allclose(net.weight.asnumpy(), [[reference(batches_of(columns())[:7])[1]]], rtol=1e-4)
    assert net.weight._lease is None


@pytest.mark.parametrize("sink", [False, True])
def test_an_error_in_a_callback_leaves_the_last_state_too(sink):
    net = line()

    class Fail(Callback):
        def epoch_end(self, run_context):
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        Model(net, nn.MSELoss(), momentum(net)).train(3, dataset(), callbacks=Fail(), dataset_sink_mode=sink)
    np.testing.assert_allclose(net.weight.asnumpy(), [[reference(batches_of(columns()))[1]]], rtol=1e-4)


# --- bad input ------------------------------------------------------------------------------------------------


def test_a_loss_that_becomes_nan_is_reported_with_epoch_and_step():
    x, y = columns()
    y = y.copy()
    y[4 * 6] = np.nan
    data = ds.NumpySlicesDataset((x, y), ["data", "label"], shuffle=False).batch(BATCH)
    for sink in (False, True):
        net = line()
        with pytest.warns(NonFiniteLossWarning, match=r"epoch 1 step 7\b.*StopOnNonFinite"):
            Model(net, nn.MSELoss(), momentum(net)).train(2, data, dataset_sink_mode=sink)


def test_a_loss_with_a_shape_raises():
    net = line()
    with pytest.raises(TrainError, match=r"loss of SmoothL1Loss has shape \(4, 1\).*reduction='mean'"):
        Model(net, nn.SmoothL1Loss(), momentum(net)).train(1, dataset())
    with pytest.raises(TrainError, match=r"must be a Tensor.*Give loss_fn"):
        Model(nn.WithLossCell(net, lambda o, y: None), optimizer=momentum(net)).train(1, dataset())


def test_n_1_against_n_is_rejected_with_both_shapes():
    net = line()
    x, y = columns()
    data = ds.NumpySlicesDataset((x, y[:, 0]), ["data", "label"], shuffle=False).batch(BATCH)
    with pytest.raises(ShapeError, match=r"\(4, 1\).*\(4,\)"):
        Model(net, nn.MSELoss(), momentum(net)).train(1, data)


def classifier(labels):
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    net = nn.Dense(3, 5)
    data = ds.NumpySlicesDataset((x, labels), ["data", "label"], shuffle=False).batch(BATCH)
    loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
    return Model(net, loss, momentum(net)), data


@pytest.mark.parametrize("sink", [False, True])
def test_labels_out_of_range_are_rejected_before_the_step_runs(sink):
    model, data = classifier(np.array([0, 1, 2, 5, 4, 0, 1, 2]))
    before = model.network.weight.asnumpy()
    with pytest.raises(LabelError, match=r"class indices in \[0, 5\), but got 5 at index \(3,\)"):
        model.train(1, data, dataset_sink_mode=sink)
    np.testing.assert_array_equal(model.network.weight.asnumpy(), before)


def test_labels_of_an_invalid_dtype_raise():
    model, data = classifier(np.zeros(8, np.float32))
    with pytest.raises(DtypeError, match=r"must hold integers.*astype\(int32\)"):
        model.train(1, data)


def test_an_empty_dataset_raises():
    net = line()
    with pytest.raises(DatasetError, match="no batches|no rows|empty"):
        Model(net, nn.MSELoss(), momentum(net)).train(1, dataset(3, batch=4, drop_remainder=True))


def test_columns_that_match_no_signature_are_rejected():
    net = line()
    with pytest.raises(DatasetError, match=r"3 column\(s\), 'data', 'label', 'label2'.*cannot take.*project"):
        Model(net, lambda logits, a, b, c: logits, momentum(net)).train(1, dataset(labels=2))
    with pytest.raises(DatasetError, match=r"No loss_fn was given"):
        Model(CustomWithLossCell(net, TwoLabels()), optimizer=momentum(net)).train(1, dataset())


def test_arguments_are_checked():
    net = line()
    with pytest.raises(ArgumentTypeError, match="`network` must be a Cell"):
        Model(lambda x: x)
    with pytest.raises(TrainError, match="no optimizer"):
        Model(net, nn.MSELoss()).train(1, dataset())
    model = Model(net, nn.MSELoss(), momentum(net))
    with pytest.raises(ArgumentError, match="`epoch` must be at least 1"):
        model.train(0, dataset())
    with pytest.raises(ArgumentError, match="`initial_epoch` 3 exceeds `epoch` 2"):
        model.train(2, dataset(), initial_epoch=3)
    with pytest.raises(ArgumentError, match="there are no metrics"):
        model.eval(dataset())
    with pytest.raises(ArgumentError, match="only 'O0' is supported"):
        Model(net, amp_level="O2")


# --- cells ----------------------------------------------------------------------------------------------------


def test_train_one_step_cell_trains_and_is_compiled_once():
    net = line()
    step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), momentum(net))
    losses = [float(step(Tensor(x), Tensor(y))) for x, y in batches_of(columns())]
    np.testing.assert_allclose(losses, reference(batches_of(columns()))[0], rtol=2e-4)


def test_sens_scales_gradients_and_loss_scale_divides_them():
    net = line()
    optimizer = nn.Momentum(net.trainable_params(), 0.1, 0.9, loss_scale=1024.0)
    step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), optimizer, sens=1024.0)
    for x, y in batches_of(columns()):
        step(Tensor(x), Tensor(y))
    np.testing.assert_allclose(net.weight.asnumpy(), [[reference(batches_of(columns()))[1]]], rtol=1e-4)


def test_time_monitor_and_other_callbacks_run_together(capsys):
    net = line()
    Model(net, nn.MSELoss(), momentum(net)).train(1, dataset(), callbacks=[TimeMonitor()])
    assert "per step time" in capsys.readouterr().out


def test_pynative_mode_trains_the_same():
    sporax.set_context(mode=sporax.PYNATIVE_MODE)
    try:
        net, keep = line(), Keep()
        Model(net, nn.MSELoss(), momentum(net)).train(1, dataset(12), callbacks=keep)
    finally:
        sporax.reset_context()
    np.testing.assert_allclose(keep.losses, reference(batches_of(columns(12)))[0], rtol=2e-4)


def test_parameters_can_be_shared_with_cells_that_are_not_trained():
    class Half(nn.Cell):
        def __init__(self):
            super().__init__()
            self.fc = line()
            self.frozen = Parameter(np.float32(1.0), requires_grad=False)

        def construct(self, x):
            return self.fc(x) * self.frozen

    net = Half()
    Model(net, nn.MSELoss(), momentum(net)).train(1, dataset())
    assert float(net.frozen) == 1.0


def test_batches_of_alternating_sizes_are_checked_with_their_own_output():
    net = nn.Dense(3, 1)
    model = Model(net, nn.MSELoss(), nn.SGD(net.trainable_params(), 0.01))
    x = np.ones((6, 3), np.float32)
    data = ds.NumpySlicesDataset((x, x[:, :1]), ["x", "y"], shuffle=False).batch(4)
    # Sizes 4, 2, 4: the program for the third batch is already compiled.
    model.train(1, data.repeat(2))
    model.train(1, data)
