"""LossMonitor, TimeMonitor, LambdaCallback, History, StopOnNonFinite, ProgressBar, and reading a loss."""

import contextlib
import io
import math
import re
import time

import jax.numpy as jnp
import numpy as np
import pytest

from fake_run import FakeRun
from sporax._errors import ArgumentError, ArgumentTypeError, TrainError
from sporax.core import Tensor
from sporax.train.callback import (
    Callback,
    CallbackList,
    History,
    LambdaCallback,
    LossMonitor,
    ProgressBar,
    RunContext,
    RunParams,
    StopOnNonFinite,
    TimeMonitor,
    scalar_loss,
)

LOSSES = [Tensor(np.float32(value)) for value in (8.328788, 8.594973, 13.299595, 9.04059)]
LINES = [
    "epoch: 1 step: 1, loss is 8.328788",
    "epoch: 1 step: 2, loss is 8.594973",
    "epoch: 2 step: 1, loss is 13.299595",
    "epoch: 2 step: 2, loss is 9.04059",
]


class Silent(Callback):
    """A user's callback, with which nothing is deferred."""


@pytest.mark.parametrize("others", [[], [Silent()]], ids=["deferred", "immediate"])
def test_loss_monitor_prints_each_step(capsys, others):
    FakeRun([LossMonitor(), *others], LOSSES).train(2)
    assert capsys.readouterr().out.splitlines() == LINES


@pytest.mark.parametrize("others", [[], [Silent()]], ids=["deferred", "immediate"])
@pytest.mark.parametrize(
    ("every", "lines"), [(2, [LINES[1], LINES[3]]), (3, [LINES[2]]), (4, [LINES[3]]), (5, []), (0, [])]
)
def test_loss_monitor_prints_after_every_n_steps(capsys, others, every, lines):
    FakeRun([LossMonitor(every), *others], LOSSES).train(2)
    assert capsys.readouterr().out.splitlines() == lines


def test_loss_monitor_is_one_step_late_when_deferred(capsys):
    after_step = []

    class Watch(LossMonitor):
        def __init__(self):
            super().__init__()
            self.shown = ""

    monitor = LossMonitor()

    def look(params):
        after_step.append(capsys.readouterr().out.splitlines())

    FakeRun(monitor, LOSSES, before_step=look).train(2)
    after_step.append(capsys.readouterr().out.splitlines())
    # What was printed when the update of step k was launched: steps up to k - 2. An epoch ends with a flush.
    assert after_step == [[], [], LINES[:2], [], LINES[2:]]


def test_loss_monitor_continues_counting_from_an_initial_epoch(capsys):
    FakeRun(LossMonitor(2), LOSSES, initial_epoch=2, cur_step_num=4).train(3)
    assert capsys.readouterr().out.splitlines() == ["epoch: 3 step: 2, loss is 8.594973"]


def test_loss_monitor_restarts_with_each_run(capsys):
    monitor = LossMonitor(3)
    FakeRun(monitor, LOSSES).train(2)
    FakeRun(monitor, LOSSES).train(2)
    assert capsys.readouterr().out.splitlines() == [LINES[2], LINES[2]]


@pytest.mark.parametrize("others", [[], [Silent()]], ids=["deferred", "immediate"])
def test_loss_monitor_prints_validations(capsys, others):
    results = [{"loss": 0.25, "mae": 0.5}, {}]
    FakeRun([TimeMonitor(), LossMonitor(), *others], LOSSES, results=results).train(2)
    lines = [line for line in capsys.readouterr().out.splitlines() if "time" not in line]
    assert lines == [
        *LINES[:2],
        "Eval result: epoch 1, metrics: {'loss': 0.25, 'mae': 0.5}",
        *LINES[2:],
    ]


def test_lines_of_steps_are_printed_before_the_line_of_their_epoch(capsys):
    FakeRun([TimeMonitor(), LossMonitor()], LOSSES, results=[{"mae": 1.0}]).train(1)
    kinds = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert kinds == ["epoch:", "epoch:", "Eval", "Train", "Eval"]


def test_loss_monitor_in_a_separate_evaluation(capsys):
    with CallbackList(LossMonitor()) as hooks:
        FakeRun.evaluate(hooks)
    assert capsys.readouterr().out.splitlines() == [
        "epoch: 1 step: 1, loss is 2.5",
        "epoch: 1 step: 2, loss is 1.5",
    ]


def test_loss_monitor_flushes_when_the_run_is_interrupted(capsys):
    with pytest.raises(KeyboardInterrupt):
        FakeRun(LossMonitor(), LOSSES).train(2, stop_after=3)
    assert capsys.readouterr().out.splitlines() == LINES[:3]
    # The next evaluation is a separate one again.
    test_loss_monitor_in_a_separate_evaluation(capsys)


def test_loss_monitor_shows_the_terms_of_a_dict(capsys):
    terms = {"loss": Tensor(1.5), "mse": Tensor(1.0), "penalty": Tensor(0.5)}
    FakeRun(LossMonitor(), [terms], batch_num=1).train(1)
    FakeRun(LossMonitor(), [Tensor(1.5)], batch_num=1, loss_terms={"a": Tensor(2.0)}).train(1)
    assert capsys.readouterr().out.splitlines() == [
        "epoch: 1 step: 1, loss is 1.5, terms: {mse: 1.0, penalty: 0.5}",
        "epoch: 1 step: 1, loss is 1.5, terms: {a: 2.0}",
    ]


def test_a_subclass_of_loss_monitor_with_its_own_step_end(capsys):
    class Mine(LossMonitor):
        def step_end(self, run_context):
            print("mine")
            super().step_end(run_context)

    FakeRun(Mine(), LOSSES, batch_num=1).train(1)
    assert capsys.readouterr().out.splitlines() == ["mine", LINES[0]]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (-1, ArgumentError, "LossMonitor: `per_print_times` must be at least 0, but got -1"),
        ("a", ArgumentTypeError, "LossMonitor: `per_print_times` must be an int, but got 'a' of type str"),
        (1.5, ArgumentTypeError, "must be an int, but got 1.5 of type float"),
        (True, ArgumentTypeError, "must be an int, but got True of type bool"),
    ],
)
def test_invalid_per_print_times(given, error, message):
    with pytest.raises(error, match=message):
        LossMonitor(given)


def test_an_invalid_per_print_times_is_a_value_error_as_in_mindspore():
    with pytest.raises(ValueError, match="at least 0"):
        LossMonitor(-1)


# --- scalar_loss --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Tensor(8.328788), "8.328788"),
        (Tensor(np.array([8.328788], np.float32)), "8.328788"),
        (Tensor(np.array([[1.5, 2.5], [3.0, 4.0]], np.float32)), "2.75"),
        ((Tensor(1.5), Tensor(2.0)), "1.5"),
        (((Tensor(1.5), 2.0), Tensor(3.0)), "1.5"),
        ([Tensor(1.5)], "1.5"),
        # As `Model` sums the terms of a loss.
        ({"a": Tensor(1.5), "b": Tensor(2.0)}, "3.5"),
        ({"a": Tensor(1.5), "loss": Tensor(2.0)}, "2.0"),
        (np.float32(0.1), "0.1"),
        (np.array(0.1, np.float32), "0.1"),
        (jnp.float32(0.1), "0.1"),
        (0.1, "0.1"),
        (3, "3.0"),
        (Tensor(np.float16(1.25)), "1.25"),
        (Tensor(np.float64(0.1)), "0.1"),
        (Tensor(np.array(1.5, jnp.bfloat16)), "1.5"),
        (Tensor(np.float32("nan")), "nan"),
        (np.array([1e37, 3e38, 3e38], np.float32), "2.0333333e+38"),
    ],
)
def test_scalar_loss(given, text):
    assert str(scalar_loss(given)) == text


@pytest.mark.parametrize("given", [(), {}, None, "a", Tensor(np.zeros((0,), np.float32)), [None]])
def test_scalar_loss_of_nothing(given):
    with pytest.raises(TrainError, match=re.escape(f"{given!r}")):
        scalar_loss(given)


# --- TimeMonitor --------------------------------------------------------------------------------------------

NUMBER = r"(\d+\.\d{3})"


def test_time_monitor_form(capsys):
    FakeRun(TimeMonitor()).train(2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    for line in lines:
        found = re.fullmatch(f"Train epoch time: {NUMBER} ms, per step time: {NUMBER} ms", line)
        assert found
        assert float(found[2]) == pytest.approx(float(found[1]) / 2, abs=1e-3)


def test_time_monitor_with_a_data_size(capsys):
    monitor, context = TimeMonitor(5), RunContext(RunParams(batch_num=2))
    monitor.on_train_epoch_begin(context)
    monitor.on_train_epoch_end(context)
    whole, step = re.findall(NUMBER, capsys.readouterr().out)
    assert float(step) == pytest.approx(float(whole) / 5, abs=1e-3)


def test_time_monitor_with_the_time_of_the_data(capsys, monkeypatch):
    clock = iter([0.0, 0.25, 1.0, 1.25, 2.0, 2.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    FakeRun(TimeMonitor(data_time=True)).train(1)
    assert capsys.readouterr().out == (
        "Train epoch time: 2000.000 ms, per step time: 1000.000 ms (data time: 500.000 ms)\n"
    )


def test_time_monitor_does_not_count_a_validation_as_training(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 5.0, 5.5])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    FakeRun(TimeMonitor(), results=[{"mae": 1.0}]).train(1)
    assert capsys.readouterr().out.splitlines() == [
        "Eval epoch time: 4000.000 ms, per step time: 2000.000 ms",
        "Train epoch time: 1500.000 ms, per step time: 750.000 ms",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data_size": "a"}, "`data_size` must be an int, but got 'a'"),
        ({"data_size": 0}, "`data_size` must be at least 1, but got 0"),
        ({"data_time": 3}, "`data_time` must be bool, but got 3"),
    ],
)
def test_invalid_time_monitor(arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=f"TimeMonitor: {message}"):
        TimeMonitor(**arguments)


# --- LambdaCallback, History --------------------------------------------------------------------------------


def test_lambda_callback(capsys):
    callback = LambdaCallback(
        on_train_begin=lambda run: print("begin"),
        on_train_epoch_end=lambda run: print("end", run.original_args().cur_epoch_num),
    )
    FakeRun(callback).train(2)
    assert capsys.readouterr().out.splitlines() == ["begin", "end 1", "end 2"]
    with pytest.raises(
        ArgumentTypeError, match=r"LambdaCallback: `on_eval_end` must be a function .* got 3 of type int"
    ):
        LambdaCallback(on_eval_end=3)


def test_history_keeps_what_mindspore_keeps():
    history = History()
    results = [{"mae": 0.3879362642765045}, {}]
    FakeRun(history, [Tensor(np.float32(value)) for value in (4.0, 0.12103324, 0.7, 0.056541)], results=results).train(
        2
    )
    assert history.epoch == {"epoch": [1, 2]}
    assert repr(history.history) == "{'net_output': [0.12103324, 0.056541], 'mae': [0.3879362642765045]}"


def test_history_of_terms_and_of_a_second_run():
    history = History()
    FakeRun(history, [{"loss": Tensor(1.5), "mse": Tensor(0.1)}]).train(1)
    assert history.history == {"net_output": [1.5], "net_output.mse": [0.1]}
    FakeRun(history, LOSSES).train(1)
    assert (history.epoch, history.history) == ({"epoch": [1]}, {"net_output": [8.594973]})


def test_history_of_a_network_without_a_loss():
    history = History()
    FakeRun(history, [None]).train(1)
    assert history.history == {"net_output": [None]}


# --- StopOnNonFinite ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(("others", "steps"), [([], 4), ([Silent()], 3)], ids=["deferred", "immediate"])
def test_stop_on_non_finite(capsys, value, others, steps):
    losses = [Tensor(1.0), Tensor(2.0), Tensor(np.float32(value)), Tensor(np.float32("nan"))]
    stop = StopOnNonFinite()
    params = FakeRun([stop, *others], losses, batch_num=10).train(3)
    assert (stop.stopped_epoch, stop.stopped_step, params.cur_step_num) == (1, 3, steps)
    assert capsys.readouterr().out == f"epoch: 1 step: 3, loss is {value}: training stops here.\n"


def test_stop_on_non_finite_in_the_last_step_of_an_epoch(capsys):
    stop = StopOnNonFinite()
    params = FakeRun(stop, [Tensor(1.0), Tensor(math.nan)]).train(5)
    assert (stop.stopped_epoch, stop.stopped_step, params.cur_epoch_num) == (1, 2, 1)
    FakeRun(stop).train(1)
    assert stop.stopped_epoch == 0


# --- ProgressBar --------------------------------------------------------------------------------------------


def test_progress_bar_without_a_terminal(capsys):
    results = [{"mae": 0.25}, {}]
    FakeRun(ProgressBar(), LOSSES, results=results).train(2)
    lines = [re.sub(r"\d+\.\d\d s", "T s", line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "epoch 1/2: 2 steps, T s, loss 8.59497, validation mae 0.25",
        "epoch 2/2: 2 steps, T s, loss 9.04059",
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Loss:
    """A loss that must not be read before it is ready."""

    def __init__(self, value, ready):
        self.value, self.ready, self.reads = value, ready, 0

    def is_ready(self):
        return self.ready

    def __array__(self, dtype=None, copy=None):
        assert self.ready, "read too early"
        self.reads += 1
        return np.array(self.value, np.float32)


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal()


def test_progress_bar_on_a_terminal_reads_only_what_is_ready(terminal):
    late = Loss(3.0, ready=False)

    def arrive(params):
        late.ready = late.ready or params.cur_step_num == 2

    bar = ProgressBar(refresh_per_second=1e9)
    losses = [late, Loss(2.0, ready=False), Loss(1.0, True)]
    with contextlib.redirect_stdout(terminal):
        FakeRun(bar, losses, batch_num=3, before_step=arrive).train(1)
    text = terminal.getvalue()
    assert "epoch 1/1" in text
    assert "3/3" in text
    assert "loss 3" in text
    assert "loss 1" in text
    assert "loss 2" not in text
    assert bar._bar is None


def test_progress_bar_is_updated_at_most_a_few_times_a_second(terminal):
    losses = [Loss(float(step), True) for step in range(50)]
    with contextlib.redirect_stdout(terminal):
        FakeRun(ProgressBar(refresh_per_second=0.001), losses, batch_num=50).train(1)
    # The bar of the first step, and the line of the epoch.
    assert [loss.reads for loss in losses] == [1, *[0] * 48, 1]


def test_progress_bar_restores_the_terminal_when_the_run_is_interrupted(terminal):
    bar = ProgressBar()
    with pytest.raises(KeyboardInterrupt), contextlib.redirect_stdout(terminal):
        FakeRun(bar, LOSSES).train(2, stop_after=1)
    assert bar._bar is None
    # The sequence that shows the cursor again.
    assert "\x1b[?25h" in terminal.getvalue()


def test_invalid_progress_bar():
    with pytest.raises(ArgumentError, match=r"ProgressBar: `refresh_per_second` must be in \(0.0, inf\)"):
        ProgressBar(0)
