"""Errors and warnings of a resumed run: another dataset, other callbacks, an older file, a schedule at step 0."""

from __future__ import annotations

import numpy as np
import pytest

import sporax
from sporax import Model, ResumeWarning, Tensor, formats, nn
from sporax import dataset as ds
from sporax._errors import CheckpointError
from sporax.core import Generator
from sporax.train import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    History,
    LearningRateScheduler,
    LossMonitor,
    Metric,
    ReduceLROnPlateau,
    load_checkpoint,
    load_param_into_net,
)

X = np.arange(8, dtype=np.float32).reshape(8, 1)


def data(count=8, batch=2, **how):
    return ds.NumpySlicesDataset((X[:count], X[:count]), ["x", "y"], **how).batch(batch)


class Interrupt(Callback):
    """Raises in the hook of the end of a step or, before anything is saved for it, of an epoch."""

    def __init__(self, *, step=0, epoch=0):
        self.step, self.epoch = step, epoch

    def on_train_step_end(self, run_context):
        if run_context.original_args().cur_step_num == self.step:
            raise KeyboardInterrupt

    def on_train_epoch_begin(self, run_context):
        if run_context.original_args().cur_epoch_num == self.epoch:
            raise KeyboardInterrupt


def model(rate=0.01):
    net = nn.Dense(1, 1)
    return Model(net, nn.MSELoss(), nn.Momentum(net.trainable_params(), rate, 0.9))


def interrupted(folder, dataset=None, callbacks=(), *, step=7, epochs=3, **how):
    with pytest.raises(KeyboardInterrupt):
        model().train(
            epochs,
            data() if dataset is None else dataset,
            callbacks=[BackupAndRestore(folder, save_steps=1), *callbacks, Interrupt(step=step)],
            **how,
        )


def resume(folder, dataset=None, callbacks=(), epochs=3, **how):
    model().train(
        epochs, data() if dataset is None else dataset, callbacks=[BackupAndRestore(folder), *callbacks], **how
    )


# --- another run --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (lambda: data(batch=1), "had 4 steps in an epoch, and this one has 8"),
        (lambda: data(count=7), r"elements was \[8\] and is now \[7\]"),
        (lambda: data().rename("y", "z"), r"columns was \['x', 'y'\] and is now \['x', 'z'\]"),
        (lambda: data(count=6), "had 4 steps in an epoch, and this one has 3"),
        (lambda: [(X[:2], X[:2])] * 4, "another dataset"),
    ],
)
def test_another_dataset_raises(dataset, message, tmp_path):
    interrupted(tmp_path)
    with pytest.raises(CheckpointError, match=rf"{message}") as caught:
        resume(tmp_path, dataset())
    assert "cannot be resumed" in str(caught.value) or "backup.ckpt" in str(caught.value)


def test_fewer_epochs_than_were_trained_raise(tmp_path):
    interrupted(tmp_path)
    with pytest.raises(CheckpointError, match="had trained 1 epochs and 2 steps, more than the 1 epochs requested now"):
        resume(tmp_path, epochs=1)
    resume(tmp_path, epochs=2)


def test_other_data_of_the_same_size_cause_a_warning(tmp_path):
    interrupted(tmp_path, data(shuffle=False))
    other = ds.NumpySlicesDataset((X + 1, X), ["x", "y"], shuffle=False).batch(2)
    with (
        pytest.warns(ResumeWarning, match="elements of 'numpyslices'"),
        pytest.warns(ResumeWarning, match="last batch used before.*differs when it is read again.*the data changed"),
    ):
        resume(tmp_path, other)


def test_an_augmentation_with_its_own_random_numbers_causes_a_warning(tmp_path):
    def noisy(rng):
        return data(shuffle=False).map(lambda x: (x + rng.normal()).astype(np.float32), "x")

    interrupted(tmp_path, noisy(np.random.default_rng(0)))
    with pytest.warns(ResumeWarning, match="random numbers from generators other than NumPy's global one"):
        resume(tmp_path, noisy(np.random.default_rng(0)))


def test_another_learning_rate_causes_a_warning_and_the_saved_one_used(tmp_path):
    interrupted(tmp_path)
    net = nn.Dense(1, 1)
    optimizer = nn.Momentum(net.trainable_params(), 0.5, 0.8)
    again = Model(net, nn.MSELoss(), optimizer)
    with pytest.warns(
        ResumeWarning, match=r"learning_rate was 0\.01 and is now 0\.5; momentum was 0\.9 and is now 0\.8\. "
    ):
        again.train(3, data(), callbacks=BackupAndRestore(tmp_path))
    assert float(optimizer.learning_rate.asnumpy()) == np.float32(0.01)


def test_a_rate_that_a_callback_changed_is_not_a_difference(tmp_path):
    decay = LearningRateScheduler(lambda rate, step: rate * 0.9)
    interrupted(tmp_path, callbacks=[decay])
    resume(tmp_path, callbacks=[decay])


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        ([History()], [], "The state of these callbacks is lost: History; these start without a state: none"),
        ([], [History(), LossMonitor(0)], "is lost: none; these start without a state: History, LossMonitor"),
        (
            [EarlyStopping("loss")],
            [ReduceLROnPlateau("loss")],
            "lost: EarlyStopping; .* without a state: ReduceLROnPlateau",
        ),
    ],
)
def test_other_callbacks_cause_a_warning(first, then, message, tmp_path):
    interrupted(tmp_path, callbacks=first)
    with pytest.warns(ResumeWarning, match=message):
        resume(tmp_path, callbacks=then)


def test_a_callback_that_monitors_another_value_causes_a_warning(tmp_path):
    interrupted(tmp_path, callbacks=[ReduceLROnPlateau("loss")])
    with (
        pytest.warns(
            ResumeWarning, match="ReduceLROnPlateau: the interrupted run monitored 'loss'.*monitors 'eval_loss'"
        ),
        pytest.warns(sporax.SporaxWarning, match="no 'eval_loss' to monitor"),
    ):
        resume(tmp_path, callbacks=[ReduceLROnPlateau("eval_loss")])


def test_another_sink_mode_causes_a_warning(tmp_path):
    interrupted(tmp_path)
    with pytest.warns(ResumeWarning, match="dataset_sink_mode=False, and this one has True"):
        resume(tmp_path, dataset_sink_mode=True)


class Bare:
    """A dataset by protocol without a position."""

    columnar = False

    def get_col_names(self):
        return ["x", "y"]

    def get_dataset_size(self):
        return 4

    def create_tuple_iterator(self, *_, **__):
        return ((X[i : i + 2], X[i : i + 2]) for i in range(0, 8, 2))


def test_a_dataset_without_a_position_causes_a_warning_and_passed_over(tmp_path):
    interrupted(tmp_path, Bare())
    history = History()
    with (
        pytest.warns(ResumeWarning, match="Bare has no `state_dict"),
        pytest.warns(ResumeWarning, match="callbacks differ"),
    ):
        resume(tmp_path, Bare(), [history])
    assert history.epoch == {"epoch": [2, 3]}


def test_a_state_that_cannot_be_saved_is_named(tmp_path):
    class Open(Callback):
        def state_dict(self):
            return {"files": [1, open]}

    with pytest.raises(
        CheckpointError, match=r"the state of the run\['callbacks'\]\[0\]\[1\]\['files'\]\[1\] is builtin"
    ):
        model().train(1, data(), callbacks=[Open(), BackupAndRestore(tmp_path)])


# --- files of other versions --------------------------------------------------------------------------------


def _entries(folder, change):
    path = str(folder / "backup.ckpt")
    entries = formats.read(path)
    change(entries)
    formats.write(path, entries)


def test_a_file_of_the_first_version_is_loaded_with_a_warning(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        model().train(3, data(), callbacks=[BackupAndRestore(tmp_path), Interrupt(epoch=2)])

    def to_first_version(entries):
        for name in [name for name in entries if name.startswith("sporax.run")]:
            del entries[name]

    _entries(tmp_path, to_first_version)
    history = History()
    with pytest.warns(ResumeWarning, match="was saved by an older version"):
        resume(tmp_path, callbacks=[history])
    assert history.epoch == {"epoch": [2, 3]}


def test_a_file_of_a_later_version_raises(tmp_path):
    interrupted(tmp_path)
    _entries(tmp_path, lambda entries: entries.update({"sporax.run.version": np.int64(9)}))
    with pytest.raises(CheckpointError, match="it has version 9, but this sporax reads version 2"):
        resume(tmp_path)


# --- schedules ----------------------------------------------------------------------------------------------


def test_epochs_before_and_a_schedule_at_step_0_cause_a_warning(tmp_path):
    trained = model(nn.cosine_decay_lr(0.0, 0.1, 12, 4, 3))
    trained.train(2, data())
    rate = nn.cosine_decay_lr(0.0, 0.1, 12, 4, 3)
    with pytest.warns(
        ResumeWarning, match=r"after epoch 2, but the optimizer has done no step.*set_data\(Tensor\(\[8\]"
    ):
        model(rate).train(3, data(), initial_epoch=2)
    net = nn.Dense(1, 1)
    optimizer = nn.Momentum(net.trainable_params(), rate, 0.9)
    again = Model(net, nn.MSELoss(), optimizer)
    sporax.save_checkpoint(trained._optimizer, str(tmp_path / "o.ckpt"))
    load_param_into_net(optimizer, load_checkpoint(str(tmp_path / "o.ckpt")))
    again.train(3, data(), initial_epoch=2)
    assert int(optimizer.global_step.asnumpy()[0]) == 12


def test_the_remedy_for_weights_alone_works():
    rate = nn.cosine_decay_lr(0.0, 0.1, 12, 4, 3)
    net = nn.Dense(1, 1)
    optimizer = nn.Momentum(net.trainable_params(), rate, 0.9)
    optimizer.global_step.set_data(Tensor([8], sporax.int32))
    Model(net, nn.MSELoss(), optimizer).train(3, data(), initial_epoch=2)
    assert int(optimizer.global_step.asnumpy()[0]) == 12
    model(0.1).train(3, data(), initial_epoch=2)


# --- EarlyStopping ------------------------------------------------------------------------------------------

METRICS = [5.0, 1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 4.0]


class Scripted(Metric):
    """Returns the next value of METRICS in each epoch."""

    epoch = 0

    def clear(self):
        """Does nothing."""

    def update(self, *_):
        """Does nothing."""

    def eval(self):
        return METRICS[Scripted.epoch - 1]


class TellEpoch(Callback):
    def on_train_epoch_begin(self, run_context):
        Scripted.epoch = run_context.original_args().cur_epoch_num


def early(folder, callbacks=()):
    net = nn.Dense(1, 1)
    made = Model(net, nn.MSELoss(), nn.Momentum(net.trainable_params(), 0.01, 0.9), metrics={"m": Scripted()})
    history = History()
    stop = EarlyStopping("m", mode="min", patience=3)
    made.fit(8, data(), data(), callbacks=[TellEpoch(), stop, history, BackupAndRestore(folder), *callbacks])
    return stop.stopped_epoch, history.epoch["epoch"], history.history["m"]


@pytest.mark.parametrize("after", range(6))
def test_early_stopping_ends_where_the_uninterrupted_run_does(after, tmp_path):
    if after:
        hook = Interrupt(epoch=after + 1)
        if after == 5:
            # Stopped by EarlyStopping after epoch 5, saved, and interrupted before the end of training.
            hook.on_train_end = hook.on_train_epoch_begin
            hook.epoch = 5
            hook.on_train_epoch_begin = lambda run_context: None
        with pytest.raises(KeyboardInterrupt):
            early(tmp_path, [hook])
    assert early(tmp_path) == (5, [1, 2, 3, 4, 5], METRICS[:5])


@pytest.mark.parametrize("sink", [False, True])
def test_everything_that_is_trained_is_restored_from_the_best_epoch(sink):
    net, loss = nn.SequentialCell(nn.Dense(1, 2)), nn.ProxyAnchorLoss(3, 2)
    optimizer = nn.Adam([*net.trainable_params(), *loss.trainable_params()], 0.05)
    every = {each.name: each for cell in (net, loss, optimizer) for each in cell.get_parameters()}
    assert {"weight", "0.weight", "global_step", "moment1.weight"} <= set(every)
    states = []

    class Keep(Callback):
        def on_train_epoch_end(self, run_context):
            states.append({name: each.asnumpy() for name, each in every.items()})

    made = Model(net, loss, optimizer, metrics={"m": Scripted()})
    train = ds.NumpySlicesDataset((X, np.arange(8, dtype=np.int32) % 3), ["x", "y"]).batch(4)
    stop = EarlyStopping("m", mode="min", patience=3, restore_best_weights=True)
    made.fit(8, train, train, callbacks=[TellEpoch(), Keep(), stop], dataset_sink_mode=sink)
    assert len(states) == 5
    for name, each in every.items():
        np.testing.assert_array_equal(each.asnumpy(), states[1][name], err_msg=name)
    assert (states[4]["weight"] != states[1]["weight"]).any()


def test_the_best_weights_are_restored_after_a_resume_too(tmp_path):
    whole, parts = [], []
    for results, interrupt in ((whole, None), (parts, Interrupt(epoch=4))):
        folder = tmp_path / str(interrupt)

        def run(extra, folder=folder, results=results):
            sporax.set_seed(3)
            net, loss = nn.SequentialCell(nn.Dense(1, 2)), nn.ProxyAnchorLoss(3, 2)
            trained = [*net.trainable_params(), *loss.trainable_params()]
            optimizer = nn.Momentum(trained, 0.05, 0.9)
            made = Model(net, loss, optimizer, metrics={"m": Scripted()})
            stop = EarlyStopping("m", mode="min", patience=3, restore_best_weights=True)
            labels = np.arange(8, dtype=np.int32) % 3
            train = ds.NumpySlicesDataset((X, labels), ["x", "y"]).batch(4)
            made.fit(8, train, train, callbacks=[TellEpoch(), stop, BackupAndRestore(folder), *extra])
            every = [*net.get_parameters(), *loss.get_parameters(), *optimizer.get_parameters()]
            results[:] = [each.asnumpy().tobytes() for each in every]

        if interrupt is not None:
            with pytest.raises(KeyboardInterrupt):
                run([interrupt])
        run([])
    assert whole == parts


# --- state outside of Cells ----------------------------------------------------------------------------------


class Sampling(nn.LossBase):
    """A loss that draws from its own generator."""

    def __init__(self):
        super().__init__()
        self.generator = Generator(7)

    def construct(self, logits, labels):
        import jax

        noise = Tensor(jax.random.normal(self.generator.next_key(), logits.shape))
        return self.get_loss((logits - labels + noise) ** 2)


class Eager(nn.Dense):
    """Branches on a value, so that steps run eagerly."""

    def construct(self, x):
        return super().construct(2 * x if float(x.sum()) > 0 else x)


@pytest.mark.filterwarnings("ignore:Eager needs the value of a Tensor")
@pytest.mark.parametrize("network", [nn.Dense, Eager])
def test_a_generator_of_the_loss_continues(network, tmp_path):
    results = []
    for interrupt in (None, Interrupt(step=7)):
        folder = tmp_path / str(interrupt)

        def run(extra, folder=folder):
            sporax.set_seed(3)
            net, loss = network(1, 1), Sampling()
            made = Model(net, loss, nn.Momentum(net.trainable_params(), 0.01, 0.9))
            made.train(3, data(), callbacks=[BackupAndRestore(folder, save_steps=1), *extra])
            return net.weight.asnumpy().tobytes(), loss.generator.key.asnumpy().tolist()

        if interrupt is not None:
            with pytest.raises(KeyboardInterrupt):
                run([interrupt])
        results.append(run([]))
    assert results[0] == results[1]
