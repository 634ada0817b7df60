"""Metrics in evaluations of `Model`: results and their visibility to callbacks; values from NumPy."""

import copy
import os
import pickle
import warnings

import numpy as np
import pytest

from fake_run import FakeRun
from sporax import Model, nn, train
from sporax import dataset as ds
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, SporaxWarning, TrainError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(10, 3)).astype(np.float32)
LABELS = RNG.integers(0, 3, 10).astype(np.int32)
ACCURACY = float((X.argmax(1) == LABELS).mean())
MEAN_LOSS = float((np.log(np.exp(X.astype(np.float64)).sum(1)) - X[np.arange(10), LABELS]).mean())


class _Output(nn.Cell):
    def construct(self, x):
        return x * 1.0


class _Two(nn.Cell):
    def construct(self, x):
        return x, -x


def _data(*columns, batch=4):
    columns = columns or (X, LABELS)
    return ds.NumpySlicesDataset(columns, ["x", "y", "z"][: len(columns)], shuffle=False).batch(batch)


def _trained(metrics, loss=None):
    network = nn.Dense(3, 3, weight_init="zeros", bias_init="zeros")
    optimizer = nn.Momentum(network.trainable_params(), 0.1, 0.9)
    return Model(network, loss or nn.CrossEntropyLoss(), optimizer, metrics=metrics)


# --- evaluations are independent ---------------------------------------------------------------------------------

EVAL_HOOKS = ["begin", "epoch_begin", "step_begin", "step_end", "epoch_end", "end"]


class _Evaluates(train.Callback):
    """Evaluates another dataset with the same model, once in each call of a hook."""

    def __init__(self, hook, model):
        super().__init__()
        setattr(self, f"on_eval_{hook}", self.evaluate)
        self.model, self.inside, self.found = model, False, []

    def evaluate(self, run_context):
        if not self.inside:
            self.inside = True
            self.found.append(self.model.eval(_data(X[:2], LABELS[:2])))
            self.inside = False


@pytest.mark.parametrize("hook", EVAL_HOOKS)
def test_an_evaluation_inside_another_does_not_change_its_metrics(hook):
    model = Model(_Output(), nn.CrossEntropyLoss(), metrics={"acc", "loss"})
    callback = _Evaluates(hook, model)
    found = model.eval(_data(), callback)
    assert found["acc"] == pytest.approx(ACCURACY)
    assert found["loss"] == pytest.approx(MEAN_LOSS, rel=1e-5)
    expected = float((X[:2].argmax(1) == LABELS[:2]).mean())
    assert {each["acc"] for each in callback.found} == {expected}


class _Counting(train.Metric):
    """Counts in an array, and returns that array."""

    def __init__(self):
        super().__init__()
        self.counts = np.zeros(2)

    def clear(self):
        self.counts[:] = 0

    def update(self, *inputs):
        self.counts += [float(np.abs(inputs[0].asnumpy()).sum()), 1]

    def eval(self):
        return {"counts": self.counts, "parts": [self.counts]}


def test_a_result_does_not_change_when_its_metric_is_updated():
    model = Model(_Output(), nn.CrossEntropyLoss(), metrics={"c": _Counting()})
    whole, part = model.eval(_data()), model.eval(_data(X[:2], LABELS[:2]))
    np.testing.assert_allclose(whole["c"]["counts"], [np.abs(X).sum(), 3], rtol=1e-6)
    np.testing.assert_allclose(part["c"]["parts"][0], [np.abs(X[:2]).sum(), 1], rtol=1e-6)


def test_history_keeps_a_separate_array_for_each_epoch():
    model, history, kept = _trained({"c": _Counting()}), train.History(), []
    keep = train.LambdaCallback(on_train_epoch_end=lambda run: kept.append(run.original_args().eval_results["c"]))
    model.fit(3, _data(), _data(), callbacks=[history, keep])
    sums = [each["counts"][0] for each in history.history["c"]]
    assert sums == [each["counts"][0] for each in kept]
    assert len(set(sums)) == 3


METRICS = [
    train.Accuracy, train.Precision, lambda: train.Precision("multilabel"), train.F1, train.Top1CategoricalAccuracy,
    lambda: train.ConfusionMatrix(2), train.MAE, train.MSE,
]  # fmt: skip


@pytest.mark.parametrize("make", METRICS)
def test_a_metric_and_its_copy_are_updated_separately(make):
    metric, labels = make(), np.eye(2)
    if isinstance(metric, train.ConfusionMatrix):
        labels = labels.argmax(1)
    metric.update(np.eye(2), labels)
    before = copy.deepcopy(metric.eval())
    for each in (copy.copy(metric), copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        each.update(np.eye(2)[::-1], labels)
        assert np.size(each.eval()) != np.size(before) or not np.array_equal(each.eval(), before)
        np.testing.assert_array_equal(metric.eval(), before)


# --- custom metrics -------------------------------------------------------------------------------------------------


def test_a_metric_with_an_open_file_is_not_copied():
    class Logged(train.Accuracy):
        def eval(self):
            value = super().eval()
            log.write(f"{value}")
            return value

    with open(os.devnull, "w", encoding="utf-8") as log:
        metric = Logged()
        setattr(metric, "log", log)  # noqa: B010 - an attribute that cannot be copied
        assert Model(_Output(), nn.CrossEntropyLoss(), metrics={"a": metric}).eval(_data())["a"] == ACCURACY


def test_an_update_set_on_a_loss_is_called():
    metric, seen = train.Loss(), []

    def update(*inputs):
        seen.append(float(inputs[0]))
        train.Loss.update(metric, *inputs)

    metric.update = update
    found = Model(_Output(), nn.CrossEntropyLoss(), metrics={"l": metric}).eval(_data())
    assert len(seen) == 3
    assert found["l"] == pytest.approx(np.mean(seen), rel=1e-6)


class _Seen(train.Metric):
    def clear(self):
        self.signs = []

    def update(self, *inputs):
        self.signs.append([float(np.sign(each.asnumpy()).sum()) for each in inputs[:1]])

    def eval(self):
        return sum(sum(each) for each in self.signs)


class _SeenInOrder(_Seen):
    @train.rearrange_inputs
    def update(self, *inputs):
        super().update(*inputs)


class _SeenByIndexes(_Seen):
    def update(self, *inputs):
        super().update(*(inputs[each] for each in self.indexes or [0]))


def test_set_indexes_without_effect_warns():
    def evaluated(metric):
        loss = lambda outputs, label: outputs[0].mean()  # noqa: E731
        return Model(_Two(), loss, metrics={"m": metric.set_indexes([1, 2])}).eval(_data())["m"]

    with pytest.warns(SporaxWarning, match=r"set_indexes of the metric 'm' has no effect.*@rearrange_inputs"):
        assert evaluated(_Seen()) == np.sign(X).sum()
    assert evaluated(_SeenInOrder()) == evaluated(_SeenByIndexes()) == -np.sign(X).sum()


def test_outputs_are_counted_for_each_batch():
    class Changing(nn.Cell):
        def construct(self, x):
            return (-x, x) if x.shape[0] > 2 else x

    loss = lambda output, label: (output[0] if isinstance(output, tuple) else output).mean()  # noqa: E731
    model = Model(Changing(), loss, metrics={"a": train.Accuracy().set_indexes([-2, -1])})
    # The last batch has two samples: its program is the last that was traced.
    assert model.eval(_data())["a"] == model.eval(_data())["a"] == ACCURACY


def test_eval_indexes_without_an_eval_network_are_rejected():
    assert Model(_Output(), nn.CrossEntropyLoss(), metrics={"acc"}, eval_indexes=[0, 1, 2]).eval(_data())
    with pytest.raises(ArgumentError, match=r"eval_indexes` \[0, 2, 1\] select outputs of eval_network"):
        Model(_Output(), nn.CrossEntropyLoss(), metrics={"acc"}, eval_indexes=[0, 2, 1])


def test_an_empty_batch_adds_nothing_to_the_loss_of_a_function_or_an_eval_network():
    def batches():
        yield X[:4], X[:4] * 2
        yield X[:0], X[:0]
        yield X[4:], X[4:] * 2

    class Evaluation(nn.Cell):
        def construct(self, x, y):
            return ((x - y) ** 2).mean(), x, y

    def data():
        return ds.GeneratorDataset(batches, ["x", "y"])

    expected = pytest.approx(np.square(X.astype(np.float64)).mean(), rel=1e-6)
    assert Model(_Output(), lambda x, y: ((x - y) ** 2).mean(), metrics={"loss"}).eval(data())["loss"] == expected
    own = Model(_Output(), metrics={"loss"}, eval_network=Evaluation(), eval_indexes=[0, 1, 2])
    assert own.eval(data())["loss"] == expected


# --- integers, lists, ignored labels ------- ----------------------------------------------------------------------


def test_differences_of_large_integers_are_exact():
    start = 1_700_000_000_000_000_000
    times, found = np.array([start, start + 7]), np.array([start + 1, start + 4])
    error, squared = train.MAE(), train.MSE()
    for metric in (error, squared):
        metric.update(found, times)
    assert (error.eval(), squared.eval()) == (2.0, 5.0)
    error.clear()
    error.update(np.array([2**64 - 1], np.uint64), np.array([-1]))
    assert error.eval() == 2.0**64


def test_a_list_with_masked_arrays_raises():
    with pytest.raises(ArgumentTypeError, match="masked array"):
        train.MAE().update([np.ma.array([1.0, 2.0], mask=[False, True])], np.zeros((1, 2)))


@pytest.mark.parametrize("ignored", [-100, 255])
def test_the_message_about_ignored_labels_says_how_to_mask_them(ignored):
    scores, labels = X.reshape(5, 2, 3).transpose(0, 2, 1), LABELS.reshape(5, 2).copy()
    labels[0, 1] = ignored
    with pytest.raises(LabelError, match=rf"keep = labels != {ignored}; super\(\).update\(np.moveaxis\(scores, 1"):
        train.Accuracy().update(scores, labels)

    class Known(train.Accuracy):
        def update(self, *inputs):
            scores, labels = map(np.asarray, inputs)
            keep = labels != ignored
            super().update(np.moveaxis(scores, 1, -1)[keep], labels[keep])

    metric = Known()
    metric.update(scores, labels)
    right = X.argmax(1) == LABELS
    assert metric.eval() == pytest.approx(np.delete(right, 1).mean())


# --- what callbacks see -----------------------------------------------------------------------------------------


def test_callbacks_see_loss_output_and_label_of_a_step_of_an_evaluation():
    seen = []
    keep = train.LambdaCallback(on_eval_step_end=lambda run: seen.append(run.original_args().net_outputs))
    Model(_Output(), nn.CrossEntropyLoss(), metrics={"acc"}).eval(_data(), keep)
    losses, outputs, labels = zip(*seen, strict=True)
    np.testing.assert_array_equal(np.concatenate([each.asnumpy() for each in outputs]), X)
    np.testing.assert_array_equal(np.concatenate([each.asnumpy() for each in labels]), LABELS)
    assert np.average([float(each) for each in losses], weights=[4, 4, 2]) == pytest.approx(MEAN_LOSS, rel=1e-5)


class _Notes(train.Callback):
    """Entries made in training are visible in its validation, and vice versa."""

    def __init__(self):
        super().__init__()
        self.seen, self.steps = [], []

    def on_train_begin(self, run_context):
        run_context.original_args().noted = 0

    def on_train_step_end(self, run_context):
        params = run_context.original_args()
        self.steps.append((params.cur_step_num, params.batch_num, params.eval_results, params.metrics["acc"]))

    def on_eval_end(self, run_context):
        params = run_context.original_args()
        params.noted += 1
        self.seen.append((params.mode, params.epoch_num, params.cur_epoch_num, params.batch_num, params.cur_step_num))
        assert params.metrics == params.eval_results

    def on_train_epoch_end(self, run_context):
        params = run_context.original_args()
        self.seen.append((params.mode, params.noted, params.metrics, params.cur_step_num))


@pytest.mark.parametrize("sink", [False, True])
def test_a_validation_shares_the_entries_of_callbacks_as_in_mindspore(sink):
    metric, notes = train.Accuracy(), _Notes()
    _trained({"acc": metric}).fit(
        3, _data(batch=5), _data(), valid_frequency=2, callbacks=notes, dataset_sink_mode=sink
    )
    results = notes.seen[2][2]
    assert list(results) == ["acc"]
    assert isinstance(results["acc"], float)
    assert notes.seen == [
        ("train", 0, {"acc": metric}, 2),
        ("eval", 3, 2, 3, 3),
        ("train", 1, results, 4),
        ("train", 1, {"acc": metric}, 6),
    ]
    # No step sees the results of a previous epoch.
    assert notes.steps == [(step, 2, {}, metric) for step in range(1, 7)]


class _Steps(train.Callback):
    def __init__(self):
        super().__init__()
        self.count = 0

    def step_end(self, run_context):
        self.count += 1


def test_a_hook_of_another_callback_is_called():
    class Wrapped(train.Callback):
        def __init__(self, inner):
            super().__init__()
            self.on_train_step_end = inner.on_train_step_end

    model, steps = _trained({"acc"}), _Steps()
    model.train(1, _data(), [train.LambdaCallback(on_train_step_end=steps.on_train_step_end), Wrapped(steps)])
    assert steps.count == 6


def test_lines_of_an_evaluation_have_a_fixed_order(capsys):
    model = Model(_Output(), nn.CrossEntropyLoss(), metrics={"acc"})

    def lines(*callbacks):
        model.eval(_data(), list(callbacks))
        return [line.split(",")[0].split(":")[0] for line in capsys.readouterr().out.splitlines()]

    together = lines(train.LossMonitor(), train.TimeMonitor())
    assert together == ["epoch"] * 3 + ["Eval epoch time"]
    assert lines(train.LossMonitor(), train.TimeMonitor(), train.LambdaCallback()) == together


def test_the_loss_of_a_training_cell_with_terms_is_their_sum(capsys):
    class Terms(nn.Cell):
        def __init__(self, network, optimizer):
            super().__init__()
            self.step = nn.TrainOneStepCell(nn.WithLossCell(network, nn.MSELoss()), optimizer)

        def construct(self, x, y):
            loss = self.step(x, y)
            return {"b": loss, "a": 3.0 * loss}

    network = nn.Dense(3, 3, weight_init="zeros", bias_init="zeros")
    history = train.History()
    cell = Terms(network, nn.SGD(network.trainable_params(), 0.1))
    Model(cell).train(1, _data(X, X, batch=10), [train.LossMonitor(), history])
    expected = 4 * float(np.square(X).mean(dtype=np.float64))
    assert history.history["net_output"] == [pytest.approx(expected, rel=1e-6)]
    assert float(capsys.readouterr().out.split("loss is ")[1].split(",")[0]) == pytest.approx(expected, rel=1e-6)


# --- which is better ------------------------------------------------------------------------------------------------


def _best(name, values, **arguments):
    stop = train.EarlyStopping(name, patience=9, **arguments)
    FakeRun(stop, results=[{name: value} for value in values]).train(len(values))
    return stop.best


@pytest.mark.parametrize(
    ("name", "best"),
    [
        # As MindSpore's auto: lower is better for these ...
        *[(each, 0.2) for each in ("mae", "mse", "eval_loss", "loss.mse", "perplexity", "hausdorff_distance")],
        # ... and higher for these.
        *[(each, 0.8) for each in ("acc", "miou", "mAP50", "psnr", "roc", "f1_score", "top_5_accuracy", "MyRecall")],
        # Names of errors that contain the name of a metric for which higher is better.
        *[(each, 0.2) for each in ("top_1_error", "accuracy_loss", "RMSE", "val_err")],
    ],
)
def test_auto_uses_the_words_of_the_name(name, best):
    assert _best(name, [0.5, 0.2, 0.8]) == best


def test_auto_warns_if_the_name_is_inconclusive():
    with pytest.warns(SporaxWarning, match=r"the name 'mine' does not tell whether higher .* mode='max' or mode='min'"):
        assert _best("mine", [0.5, 0.2, 0.8]) == 0.8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _best("mine", [0.5, 0.2, 0.8], mode="min") == 0.2
        assert _best("mine", [0.5, 0.2, 0.8], mode="max") == 0.8


def test_a_value_that_is_not_a_number_cannot_be_monitored():
    with pytest.raises(
        TrainError, match=r"'acc' is \{'top1': 0.5\} of type dict, but a single number must be monitored"
    ):
        _best("acc", [{"top1": 0.5}])


@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf")])
def test_a_scheduler_rejects_invalid_learning_rates(rate):
    with pytest.raises(ArgumentError, match=r"for step 1, but a learning rate is a finite number ≥ 0"):
        _trained(None).train(1, _data(), train.LearningRateScheduler(lambda _, step: rate))
