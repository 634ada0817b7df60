"""LearningRateScheduler, ReduceLROnPlateau and EarlyStopping."""

import math

import numpy as np
import pytest

from fake_run import FakeRun
from sporax._errors import ArgumentError, ArgumentTypeError, SporaxWarning, TrainError
from sporax.core import Cell, Parameter, ParameterTuple, Tensor
from sporax.train.callback import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau


class Optimizer:
    def __init__(self, *rates):
        made = [Parameter(Tensor(rate), name=f"learning_rate_{i}") for i, rate in enumerate(rates)]
        self.learning_rate = made[0] if len(made) == 1 else ParameterTuple(made)


class Scheduled:
    learning_rate = Cell()


def rate_of(optimizer):
    return str(optimizer.learning_rate.asnumpy())


def validations(values, name="loss"):
    return [{name: value} for value in values]


# --- LearningRateScheduler ----------------------------------------------------------------------------------


def test_scheduler_gets_short_floats_and_step_numbers_as_in_mindspore():
    seen = []

    def halve(rate, step):
        seen.append((rate, step))
        return rate * 0.5

    optimizer = Optimizer(0.1)
    FakeRun(LearningRateScheduler(halve), optimizer=optimizer).train(2)
    assert seen == [(0.1, 1), (0.05, 2), (0.025, 3), (0.0125, 4)]
    assert rate_of(optimizer) == "0.00625"


def test_scheduler_sets_each_group():
    optimizer = Optimizer(0.1, 0.2)
    FakeRun(LearningRateScheduler(lambda rate, step: rate / 2), optimizer=optimizer, batch_num=1).train(1)
    assert [str(each.asnumpy()) for each in optimizer.learning_rate] == ["0.05", "0.1"]


def test_scheduler_does_not_set_an_unchanged_rate(monkeypatch):
    optimizer = Optimizer(0.1)
    monkeypatch.setattr(Parameter, "set_data", lambda *_: pytest.fail("written"))
    FakeRun(LearningRateScheduler(lambda rate, step: rate), optimizer=optimizer).train(1)


def test_scheduler_finds_the_optimizer_in_the_train_network():
    class TrainNetwork:
        optimizer = Optimizer(0.4)

    FakeRun(LearningRateScheduler(lambda rate, step: rate / 2), train_network=TrainNetwork, batch_num=1).train(1)
    assert rate_of(TrainNetwork.optimizer) == "0.2"


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (None, "this run has no optimizer"),
        (Scheduled(), "the learning rate of Scheduled is not a number that could be changed, but Cell"),
        (object(), "the learning rate of object is not a number that could be changed, but NoneType"),
    ],
)
def test_scheduler_without_a_fixed_rate(optimizer, message):
    with pytest.raises(TrainError, match=f"LearningRateScheduler: {message}"):
        FakeRun(LearningRateScheduler(lambda rate, step: rate), optimizer=optimizer).train(1)


def test_invalid_scheduler():
    with pytest.raises(
        ArgumentTypeError, match=r"`learning_rate_function` must be a function .* but got 3 of type int"
    ):
        LearningRateScheduler(3)
    with pytest.raises(ArgumentTypeError, match="must return a number, but for step 1 it returned 'x' of type str"):
        FakeRun(LearningRateScheduler(lambda rate, step: "x"), optimizer=Optimizer(0.1)).train(1)


# --- ReduceLROnPlateau --------------------------------------------------------------------------------------


def test_reduce_prints_the_digits_of_mindspore(capsys):
    optimizer = Optimizer(0.1)
    reduce = ReduceLROnPlateau("eval_loss", patience=1, verbose=True, min_delta=10)
    FakeRun(reduce, results=validations([0.5, 0.4, 0.3, 0.2]), optimizer=optimizer).train(4)
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 00002: ReduceLROnPlateau reducing learning rate to 0.010000001.",
        "Epoch 00003: ReduceLROnPlateau reducing learning rate to 0.001.",
        "Epoch 00004: ReduceLROnPlateau reducing learning rate to 0.000100000005.",
    ]


def test_reduce_respects_the_minimum_rate(capsys):
    optimizer = Optimizer(0.1)
    reduce = ReduceLROnPlateau("eval_loss", factor=0.5, patience=0, verbose=True, min_lr=0.03, cooldown=1)
    FakeRun(reduce, results=validations([1.0] * 6), optimizer=optimizer).train(6)
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 00002: ReduceLROnPlateau reducing learning rate to 0.05.",
        "Epoch 00003: ReduceLROnPlateau reducing learning rate to 0.03.",
    ]


@pytest.mark.parametrize(
    ("patience", "cooldown", "values", "reduced_after"),
    [
        (2, 0, [1, 1, 1, 1, 1], [3, 5]),
        (2, 0, [1, 1, 0.5, 0.5, 0.5], [5]),
        (2, 2, [1, 1, 1, 1, 1, 1, 1], [3, 6]),
        (1, 3, [1, 1, 1, 1, 1, 1], [2, 5]),
    ],
)
def test_when_the_rate_is_reduced(capsys, patience, cooldown, values, reduced_after):
    reduce = ReduceLROnPlateau("mae", factor=0.5, patience=patience, cooldown=cooldown, verbose=True)
    FakeRun(reduce, results=validations(values, "mae"), optimizer=Optimizer(1.0)).train(len(values))
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1][:-1]) for line in lines] == reduced_after


def test_reduce_monitors_the_training_loss_and_restarts(capsys):
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, verbose=True)
    losses = [Tensor(value) for value in (9.0, 2.0, 9.0, 1.0, 0.0, 3.0)]
    optimizer = Optimizer(1.0, 4.0)
    FakeRun(reduce, losses, optimizer=optimizer).train(3)
    FakeRun(reduce, losses, optimizer=optimizer).train(1)
    assert capsys.readouterr().out == "Epoch 00003: ReduceLROnPlateau reducing learning rate to 0.5, 2.0.\n"


def test_reduce_needs_a_fixed_rate():
    with pytest.raises(TrainError, match="ReduceLROnPlateau: the learning rate of Scheduled"):
        FakeRun(ReduceLROnPlateau("loss", patience=0), [Tensor(1.0)], optimizer=Scheduled()).train(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": 1.5}, r"`factor` must be in \(0.0, 1.0\), but got 1.5"),
        ({"factor": 1.0}, r"`factor` must be in \(0.0, 1.0\), but got 1.0"),
        ({"mode": "x"}, "`mode` must be 'auto', 'min' or 'max', but got 'x'"),
        ({"monitor": 3}, "`monitor` must be str, but got 3"),
        ({"patience": -1}, "`patience` must be at least 0, but got -1"),
        ({"cooldown": -1}, "`cooldown` must be at least 0, but got -1"),
        ({"min_lr": -1}, r"`min_lr` must be in \[0.0, inf\), but got -1"),
        ({"min_delta": "a"}, "`min_delta` must be a number, but got 'a'"),
        ({"verbose": 1}, "`verbose` must be bool, but got 1"),
    ],
)
def test_invalid_reduce(arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=f"ReduceLROnPlateau: {message}"):
        ReduceLROnPlateau(**arguments)


# --- EarlyStopping ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "values", "stopped"),
    [
        ({}, [3, 2, 1], 0),
        ({}, [3, 2, 2, 1], 3),
        ({"patience": 1}, [3, 2, 2, 1], 3),
        ({"patience": 2}, [3, 2, 2, 1, 1, 1], 6),
        ({"patience": 2, "min_delta": 1.5}, [3, 2, 1, 0], 0),
        ({"patience": 2, "min_delta": -1.5}, [3, 2, 1.8, 1], 3),
        ({"mode": "max"}, [1, 2, 3, 2], 4),
        ({"mode": "min"}, [1, 2, 3], 2),
        ({"baseline": 2.5, "patience": 2}, [5, 4, 3, 2], 2),
        ({"baseline": 2.5, "patience": 3}, [5, 4, 2, 1], 0),
        ({}, [3, math.nan, 1], 2),
    ],
)
def test_when_training_is_ended(arguments, values, stopped):
    stop = EarlyStopping("mae", **arguments)
    params = FakeRun(stop, results=validations(values, "mae")).train(len(values))
    assert stop.stopped_epoch == stopped
    assert params.cur_epoch_num == (stopped or len(values))


@pytest.mark.parametrize(
    ("name", "higher"),
    [
        ("accuracy", True),
        ("acc", True),
        ("top_1_accuracy", True),
        ("F1", True),
        ("precision", True),
        ("recall", True),
        ("mae", False),
        ("loss", False),
        ("eval_loss", False),
        ("accuracy_loss", False),
    ],
)
def test_the_direction_of_auto(name, higher):
    values = [1, 2, 1] if higher else [2, 1, 2]
    stop = EarlyStopping(name)
    losses = [Tensor(float(value)) for value in values]
    FakeRun(stop, losses, batch_num=1, results=validations(values, "loss" if "eval" in name else name)).train(3)
    assert stop.stopped_epoch == 3


def test_early_stopping_prints_a_line(capsys):
    FakeRun(EarlyStopping("loss", patience=1, verbose=True), [Tensor(1.0)]).train(5)
    assert capsys.readouterr().out == "Epoch 00002: early stopping\n"


def train_weight(stop, values, epochs):
    """A network whose only weight is the step number."""
    network = Cell()
    network.weight = Parameter(Tensor(0.0), name="weight")

    def update(params):
        network.weight.set_data(Tensor(float(params.cur_step_num)))

    FakeRun(stop, results=validations(values, "mae"), batch_num=1, network=network, before_step=update).train(epochs)
    return float(network.weight)


def test_the_best_weights_are_restored_when_training_is_ended(capsys):
    stop = EarlyStopping("mae", patience=2, verbose=True, restore_best_weights=True)
    assert train_weight(stop, [3, 1, 2, 2, 2], 5) == 2.0
    assert capsys.readouterr().out.splitlines() == [
        "Restoring model weights from the end of the best epoch.",
        "Epoch 00004: early stopping",
    ]
    assert stop.best == 1.0


def test_the_best_weights_are_restored_also_when_training_runs_to_its_end():
    assert train_weight(EarlyStopping("mae", patience=9, restore_best_weights=True), [3, 1, 2], 3) == 2.0
    assert train_weight(EarlyStopping("mae", patience=9, restore_best_weights=True), [3, 2, 1], 3) == 3.0
    assert train_weight(EarlyStopping("mae", patience=9), [3, 1, 2], 3) == 3.0


def test_an_early_stopping_can_be_used_again():
    stop = EarlyStopping("mae", restore_best_weights=True)
    assert train_weight(stop, [1, 2], 2) == 1.0
    assert train_weight(stop, [5, 4, 6], 3) == 2.0


def test_eval_loss_is_the_metric_loss():
    stop = EarlyStopping()
    FakeRun(stop, results=validations([2.0, 1.0, 3.0])).train(3)
    assert (stop.stopped_epoch, stop.best) == (3, 1.0)


def test_an_unknown_monitor_causes_a_warning_once():
    with pytest.warns(SporaxWarning) as caught:
        FakeRun(EarlyStopping("foo"), results=[{"mae": 1.0, "loss": 2.0}]).train(3)
    assert [str(each.message) for each in caught] == [
        "EarlyStopping: there is no 'foo' to monitor. Available: 'loss', 'eval_loss', 'mae'."
    ]
    with pytest.warns(SporaxWarning, match=r"no 'eval_loss' to monitor\. Available: 'loss', 'mae'\. Add 'loss' to"):
        FakeRun(EarlyStopping(), results=[{"mae": 1.0}]).train(1)
    with pytest.warns(SporaxWarning, match=r"ReduceLROnPlateau: .* 'loss'\. The others need Model\(\.\.\., metrics"):
        FakeRun(ReduceLROnPlateau()).train(1)


def test_epochs_without_a_validation_are_skipped():
    stop = EarlyStopping("mae")
    FakeRun(stop, results=[{}, {"mae": 1.0}, {}, {"mae": 2.0}], valid_dataset="data").train(4)
    assert stop.stopped_epoch == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "foo"}, "`mode` must be 'auto', 'min' or 'max', but got 'foo'"),
        ({"monitor": 3}, "`monitor` must be str, but got 3"),
        ({"patience": -1}, "`patience` must be at least 0, but got -1"),
        ({"patience": "a"}, "`patience` must be an int, but got 'a'"),
        ({"min_delta": "a"}, "`min_delta` must be a number, but got 'a'"),
        ({"baseline": "a"}, "`baseline` must be a number, but got 'a'"),
        ({"verbose": 3}, "`verbose` must be bool, but got 3"),
        ({"restore_best_weights": 3}, "`restore_best_weights` must be bool, but got 3"),
    ],
)
def test_invalid_early_stopping(arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=f"EarlyStopping: {message}"):
        EarlyStopping(**arguments)


def test_the_check_of_a_stopped_epoch_can_fail():
    stop = EarlyStopping("mae")
    FakeRun(stop, results=validations([1, 2], "mae")).train(2)
    with pytest.raises(AssertionError):
        assert stop.stopped_epoch == 0
    assert np.isfinite(stop.best)
