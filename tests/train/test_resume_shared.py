"""Resuming with several objects: callbacks of one class, objects shared by two datasets, global generators."""

from __future__ import annotations

import random
import shutil

import numpy as np
import pytest

from sporax import Model, nn
from sporax import dataset as ds
from sporax._seed import global_seed, set_global_seed
from sporax.train import BackupAndRestore, Callback, History

X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = X.sum(1, keepdims=True)


@pytest.fixture(autouse=True)
def unseeded():
    before = global_seed()
    set_global_seed(None)
    yield
    set_global_seed(before)


class Copies(BackupAndRestore):
    """Keeps every backup."""

    def __init__(self, folder, save_steps):
        super().__init__(folder, save_steps=save_steps)
        self.made = []

    def _save(self, run_context):
        super()._save(run_context)
        self.made.append(shutil.copy(self.backup_file, f"{self.backup_file}.{len(self.made)}"))


def check(tmp_path, data, callback=None, *, save_steps=1, every=1, epochs=3, **how):
    """Continue from backups; all runs must end in the same state.

    Args:
        data: gives the dataset, or a pair of it and the validation's.
        callback: gives a callback with an attribute `result`.
    """
    net = nn.Dense(3, 1)
    optimizer = nn.Momentum(net.trainable_params(), 0.05, 0.9)
    model = Model(net, nn.MSELoss(), optimizer, metrics={"loss"})
    parameters = list(dict.fromkeys((*net.get_parameters(), *optimizer.get_parameters())))
    initial = [each.asnumpy() for each in parameters]

    def run(backup, seed):
        for parameter, value in zip(parameters, initial, strict=True):
            parameter.set_data(value)
        np.random.seed(seed)
        random.seed(seed)
        given, history, extra = data(), History(), callback() if callback else None
        callbacks = [history, backup, *([extra] if extra else [])]
        if isinstance(given, tuple):
            model.fit(epochs, *given, callbacks=callbacks, **how)
        else:
            model.train(epochs, given, callbacks=callbacks, **how)
        trained = [each.asnumpy().tobytes() for each in parameters]
        return trained, history.history, np.random.random(), random.random(), getattr(extra, "result", None)

    first = Copies(tmp_path / "first", save_steps)
    whole = run(first, 1)
    assert len(first.made) > epochs
    for copy in first.made[::every]:
        (tmp_path / "again").mkdir(exist_ok=True)
        shutil.copy(copy, tmp_path / "again" / "backup.ckpt")
        assert run(BackupAndRestore(tmp_path / "again"), 2) == whole, copy


def slices(**how):
    return ds.NumpySlicesDataset((X, Y), ["x", "y"], **how)


class Begun(Callback):
    """Writes to the list that it received as its state."""

    def __init__(self):
        super().__init__()
        self.result = []

    def on_train_epoch_begin(self, run_context):
        self.result.append(run_context.original_args().cur_epoch_num)

    def state_dict(self):
        return {"begun": self.result}

    def load_state_dict(self, state):
        self.result = state["begun"]


def test_a_state_that_a_callback_writes_to_is_loaded_as_it_was_saved(tmp_path):
    check(tmp_path, lambda: slices().batch(8), Begun)


class Late(Callback):
    """Counts steps, and has no state before the first one."""

    def __init__(self, first):
        super().__init__()
        self.first, self.counted = first, {}

    def on_train_step_end(self, run_context):
        step = run_context.original_args().cur_step_num
        if step >= self.first:
            self.counted[self.first] = step

    def state_dict(self):
        return dict(self.counted)

    def load_state_dict(self, state):
        self.counted = dict(state)


def test_callbacks_of_one_class_get_their_own_states_when_one_is_empty(tmp_path):
    class Interruption(Callback):
        def on_train_step_end(self, run_context):
            if run_context.original_args().cur_step_num == 4:
                raise RuntimeError("power cut")

    def run(*more):
        net = nn.Dense(3, 1)
        model = Model(net, nn.MSELoss(), nn.SGD(net.trainable_params(), 0.1))
        late = Late(6), Late(2)
        model.train(3, slices().batch(8), callbacks=[*late, BackupAndRestore(tmp_path, save_steps=1), *more])
        return [each.counted for each in late]

    with pytest.raises(RuntimeError, match="power cut"):
        run(Interruption())
    assert run() == [{6: 9}, {2: 9}]


class Elements:
    """A source with its own random generator."""

    def __init__(self):
        self.generator = np.random.default_rng(3)

    def __iter__(self):
        for i in self.generator.permutation(24):
            yield X[i], Y[i]

    def state_dict(self):
        return self.generator.bit_generator.state

    def load_state_dict(self, state):
        self.generator.bit_generator.state = state


class Batches(Elements):
    """The same without `sporax.dataset`."""

    def __iter__(self):
        for i in self.generator.permutation(3):
            yield X[8 * i :][:8], Y[8 * i :][:8]


@pytest.mark.parametrize("sink", [False, True], ids=["plain", "sink"])
def test_a_source_that_training_and_validation_share(sink, tmp_path):
    def data():
        source = Elements()
        return tuple(ds.GeneratorDataset(source, ["x", "y"]).batch(8) for _ in range(2))

    check(tmp_path / "dataset", data, dataset_sink_mode=sink)
    check(tmp_path / "iterable", lambda: (Batches(),) * 2, dataset_sink_mode=sink)


@pytest.mark.parametrize("sink_size", [-1, 2, 5])
def test_a_validation_that_reads_the_training_dataset(sink_size, tmp_path):
    def data():
        return (slices(shuffle=True).batch(8),) * 2

    check(tmp_path, data, dataset_sink_mode=True, sink_size=sink_size, every=2)


class Draws(Callback):
    """Draws from the generators of the augmentations."""

    def on_train_step_end(self, run_context):
        np.random.random()
        random.random()


def noisy(x):
    return (x + np.random.normal(0, 0.1, x.shape) + random.random()).astype(np.float32)


def test_a_callback_that_draws_random_numbers_while_data_are_prefetched(tmp_path):
    check(tmp_path, lambda: slices(shuffle=True).map(noisy, "x").batch(4), Draws, save_steps=2, dataset_sink_mode=True)


def test_the_other_parts_of_a_split_follow_the_restored_one():
    def rows(part):
        return [row[0].tobytes() for row in part.create_tuple_iterator(num_epochs=1, output_numpy=True)]

    train, test = slices().split([0.75, 0.25])
    before = set(rows(test))
    state = train.batch(6).state_dict()
    train, test = slices().split([0.75, 0.25])
    train.batch(6).load_state_dict(state)
    assert set(rows(test)) == before
    assert not before & set(rows(train))
