"""RunParams, RunContext, Callback and CallbackList."""

import copy
import pickle

import numpy as np
import pytest

from fake_run import FakeRun
from sporax._errors import ArgumentTypeError
from sporax.core import Tensor
from sporax.train.callback import (
    Callback,
    CallbackList,
    CheckpointConfig,
    LambdaCallback,
    LearningRateScheduler,
    LossMonitor,
    ModelCheckpoint,
    ProgressBar,
    RunContext,
    RunParams,
    StopOnNonFinite,
    TimeMonitor,
)

MOMENTS = ("begin", "epoch_begin", "step_begin", "step_end", "epoch_end", "end")
NEW = [f"on_{kind}_{moment}" for kind in ("train", "eval") for moment in MOMENTS]


class Recorder(Callback):
    """Records the calls of the named hooks."""

    def __init__(self, *names):
        super().__init__()
        self.seen = []
        for name in names:
            setattr(self, name, lambda run_context, name=name: self.seen.append(name))


class Old(Callback):
    def __init__(self):
        super().__init__()
        self.seen = []


for _moment in MOMENTS:
    setattr(Old, _moment, lambda self, run_context, name=_moment: self.seen.append(name))


def test_run_params_is_a_dict_and_an_object():
    params = RunParams(cur_epoch_num=1)
    params.cur_step_num = 7
    params["mode"] = "train"
    assert params == {"cur_epoch_num": 1, "cur_step_num": 7, "mode": "train"}
    assert (params.mode, params.get("foo"), "cur_step_num" in params) == ("train", None, True)
    del params.mode
    assert "mode" not in params


def test_a_missing_param_is_named_and_works_with_getattr():
    params = RunParams(a=1, b=2)
    with pytest.raises(AttributeError, match=r"no 'net_output' in this run\. It has: a, b"):
        params.net_output
    assert getattr(params, "net_output", 3) == 3
    assert not hasattr(params, "net_output")


def test_run_params_copies_are_independent():
    params = RunParams(a=1)
    for twin in (params.copy(), copy.copy(params), pickle.loads(pickle.dumps(params))):
        twin.a = 2
        assert (params.a, twin.a, twin["a"]) == (1, 2, 2)


def test_run_context():
    context = RunContext({"a": 1})
    assert context.original_args() == {"a": 1}
    assert not context.get_stop_requested()
    context.request_stop()
    assert context.get_stop_requested()
    with pytest.raises(ArgumentTypeError, match="`original_args` must be a dict, but got 3 of type int"):
        RunContext(3)


def test_on_hooks_call_the_older_ones():
    old, context = Old(), RunContext({})
    for name in NEW:
        getattr(old, name)(context)
    assert old.seen == [*MOMENTS, *MOMENTS]


def test_order_of_the_hooks_of_a_fit():
    recorder = Recorder(*NEW)
    FakeRun(recorder, batch_num=1, results=[{"mae": 1.0}]).train(1)
    names = [name.removeprefix("on_") for name in recorder.seen]
    two_steps = ["eval_step_begin", "eval_step_end"] * 2
    assert names == [
        *("train_begin", "train_epoch_begin", "train_step_begin", "train_step_end", "eval_begin"),
        *("eval_epoch_begin", *two_steps, "eval_epoch_end", "eval_end", "train_epoch_end", "train_end"),
    ]


def test_older_hooks_are_called_in_training_and_evaluation():
    old = Old()
    FakeRun(old, batch_num=1).train(1)
    assert old.seen == list(MOMENTS)
    FakeRun.evaluate(CallbackList(old))
    assert old.seen[6:] == ["begin", "epoch_begin", *["step_begin", "step_end"] * 2, "epoch_end", "end"]


def test_only_hooks_that_are_defined_are_listed():
    empty = CallbackList([Callback(), Recorder("on_train_epoch_end")])
    assert [len(getattr(empty, name)) for name in ("step_begin", "step_end", "epoch_end", "eval_begin")] == [
        *(0, 0, 1, 0)
    ]


def test_a_hook_defined_in_both_forms_is_called_once():
    class Both(Callback):
        seen = []

        def step_end(self, run_context):
            self.seen.append("old")

        def on_train_step_end(self, run_context):
            self.seen.append("new")

    FakeRun(Both(), batch_num=1).train(1)
    assert Both.seen == ["new"]
    FakeRun.evaluate(CallbackList(Both()))
    assert Both.seen == ["new", "old", "old"]


def test_built_in_callbacks_do_not_override_unused_hooks():
    hooks = CallbackList([LossMonitor(), TimeMonitor(), ModelCheckpoint(), ProgressBar()])
    assert hooks.step_begin == hooks.eval_step_begin == []
    assert len(CallbackList(TimeMonitor()).step_end) == 0
    assert len(CallbackList(TimeMonitor(data_time=True)).step_end) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([3], "every element must be a Callback, but got 3 of type int"),
        (3, "every element must be a Callback, but got 3 of type int"),
        (
            LossMonitor,
            r"got the class LossMonitor, but a Callback object was expected\. Write LossMonitor\(\)\.",
        ),
        ([TimeMonitor], r"Write TimeMonitor\(\)\."),
    ],
)
def test_wrong_callbacks(given, message):
    with pytest.raises(ArgumentTypeError, match=message):
        CallbackList(given)


def test_none_one_and_several():
    one = LossMonitor()
    assert (len(CallbackList(None)), len(CallbackList(one)), len(CallbackList((one, TimeMonitor())))) == (
        0,
        1,
        2,
    )
    assert list(CallbackList([one])) == [one]


def test_entering_and_leaving():
    events = []

    class Scoped(Callback):
        def __init__(self, name, swallows=False):
            super().__init__()
            self.name, self.swallows = name, swallows

        def __enter__(self):
            events.append(f"+{self.name}")
            return self

        def __exit__(self, *err):
            events.append(f"-{self.name} {err[0].__name__ if err[0] else None}")
            return self.swallows

    with CallbackList([Scoped("a"), Scoped("b")]):
        events.append("run")
    assert events == ["+a", "+b", "run", "-b None", "-a None"]
    events.clear()
    with pytest.raises(ValueError, match="mine"), CallbackList(Scoped("a")):
        raise ValueError("mine")
    with CallbackList([Scoped("a"), Scoped("b", swallows=True)]):
        raise ValueError("mine")
    assert events == ["+a", "-a ValueError", "+a", "+b", "-b ValueError", "-a None"]


def test_how_often_the_state_is_read():
    def every(steps):
        return ModelCheckpoint(config=CheckpointConfig(save_checkpoint_steps=steps))

    assert CallbackList([LossMonitor(), TimeMonitor()]).reads_state_every() is None
    assert CallbackList([every(6), LossMonitor()]).reads_state_every() == 6
    assert CallbackList([every(6), every(4)]).reads_state_every() == 2
    assert CallbackList([every(6), LearningRateScheduler(lambda rate, step: rate)]).reads_state_every() == 1
    own = Recorder("on_train_step_end")
    assert CallbackList(own).reads_state_every() is None
    own.reads_state_every = 5
    assert CallbackList(own).reads_state_every() == 5


def test_losses_are_deferred_only_among_sporax_callbacks():
    class Mine(LossMonitor):
        pass

    assert CallbackList([LossMonitor(), TimeMonitor(), ProgressBar()]).deferred
    assert CallbackList(StopOnNonFinite()).deferred
    for other in (Recorder("on_train_step_end"), Old(), Mine()):
        assert not CallbackList([LossMonitor(), other]).deferred
    assert not CallbackList([LossMonitor(), LambdaCallback(on_train_step_end=print)]).deferred
    assert not CallbackList([LossMonitor(), ModelCheckpoint(lambda params: "x")]).deferred
    assert not CallbackList(TimeMonitor()).deferred


def test_deferring_ends_with_the_run():
    monitor = LossMonitor()
    with CallbackList(monitor):
        assert monitor.deferred
    assert not monitor.deferred


def test_net_outputs_of_user_callbacks_are_those_of_the_step():
    seen = []
    given = [(Tensor(1.0), Tensor([2.0, 3.0]))]
    FakeRun(
        LambdaCallback(on_train_step_end=lambda run: seen.append(run.original_args().net_outputs)),
        given,
        batch_num=1,
    ).train(1)
    assert seen[0] is given[0]
    assert np.array_equal(seen[0][1].asnumpy(), [2.0, 3.0])
