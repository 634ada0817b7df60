"""A run resumed from any backup is bitwise equal to the run that wrote it.

An uninterrupted run copies its backup file each time that it is written. From every copy a run continues with new
datasets and callbacks, other Parameter values and differently seeded generators, and must end with the same
Parameters, optimizer slots, random key, history and stop epoch, and print the remaining lines.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sporax
from sporax import Model, Parameter, Tensor, nn, ops
from sporax import dataset as ds
from sporax._seed import global_seed, set_global_seed
from sporax.core import default_generator
from sporax.train import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    History,
    LearningRateScheduler,
    LossMonitor,
    ReduceLROnPlateau,
)

EPOCHS = 3
X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = X.sum(1, keepdims=True)


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(p=0.3)
        self.fc = nn.Dense(3, 1)

    def construct(self, x):
        return self.fc(self.drop(self.norm(x)))


class ScaledLoss(nn.LossBase):
    """A loss with a Parameter."""

    def __init__(self):
        super().__init__()
        self.scale = Parameter(Tensor(np.float32([[1.5]])), name="scale")

    def construct(self, logits, labels):
        return self.get_loss(ops.square(logits - labels) * self.scale + ops.square(self.scale))


class Sums(Callback):
    """A user's callback: sums the losses of each epoch."""

    def __init__(self):
        super().__init__()
        self.sums, self.running = [], 0.0

    def on_train_epoch_begin(self, run_context):
        self.running = 0.0

    def on_train_step_end(self, run_context):
        self.running += float(run_context.original_args().net_outputs)

    def on_train_epoch_end(self, run_context):
        self.sums.append((run_context.original_args().cur_epoch_num, self.running))

    def state_dict(self):
        return {"sums": self.sums, "running": self.running}

    def load_state_dict(self, state):
        self.sums, self.running = state["sums"], state["running"]


class Copies(BackupAndRestore):
    """Keeps every backup, with the number of lines that were printed until then."""

    def __init__(self, folder, save_steps, printed):
        super().__init__(folder / "now", save_steps=save_steps)
        self.folder, self.printed, self.made = folder, printed, []

    def _save(self, run_context):
        super()._save(run_context)
        copy = self.folder / f"{len(self.made)}.ckpt"
        shutil.copy(self.backup_file, copy)
        self.made.append((copy, self.printed()))


def elements():
    yield from zip(X, Y, strict=True)


class RandomAccess:
    def __len__(self):
        return len(X)

    def __getitem__(self, index):
        return X[index], Y[index]


class Augmented(RandomAccess):
    """Draws from NumPy's global generator for each element."""

    def __getitem__(self, index):
        return noisy(X[index]), Y[index]


class PrivateGenerator(RandomAccess):
    """Draws from its own generator for each element."""

    def __init__(self):
        self.random = np.random.RandomState(0)

    def __getitem__(self, index):
        return (X[index] + self.random.normal(size=3)).astype(np.float32), Y[index]

    def state_dict(self):
        return {"random": self.random.get_state(legacy=False)}

    def load_state_dict(self, state):
        self.random.set_state(state["random"])


class Drawing(ds.Sampler):
    """A custom sampler that draws from NumPy's global generator."""

    def __iter__(self):
        return iter(np.random.permutation(self.dataset_size).tolist())


class Batches:
    """An iterable of batches without `__len__`, in an order drawn from NumPy's global generator."""

    def __iter__(self):
        for position in np.random.permutation(4):
            yield X[4 * position :][:4], Y[4 * position :][:4]


def slices(**how):
    return ds.NumpySlicesDataset((X, Y), ["x", "y"], **how)


def noisy(x):
    return (x + np.random.normal(0, 0.1, x.shape) + random.random()).astype(np.float32)


DATA = {
    "slices": lambda: slices(shuffle=True).batch(7),
    "generator": lambda: ds.GeneratorDataset(elements, ["x", "y"]).shuffle(7).batch(6),
    "random access": lambda: ds.GeneratorDataset(RandomAccess(), ["x", "y"]).batch(6),
    "augmented access": lambda: ds.GeneratorDataset(Augmented(), ["x", "y"]).batch(6),
    "access with state": lambda: ds.GeneratorDataset(PrivateGenerator(), ["x", "y"]).shuffle(9).batch(6),
    "repeat": lambda: slices(num_samples=12).shuffle(5).repeat(2).batch(6),
    "RandomSampler": lambda: slices(sampler=ds.RandomSampler(replacement=True)).batch(6),
    "WeightedRandomSampler": lambda: slices(sampler=ds.WeightedRandomSampler(range(1, 25), 18)).batch(6),
    "DistributedSampler": lambda: slices(sampler=ds.DistributedSampler(2, 1)).batch(4),
    "user's sampler": lambda: slices(sampler=Drawing()).batch(6),
    "augmented": lambda: slices(shuffle=True).map(noisy, "x").batch(6),
    "filtered": lambda: (
        slices(shuffle=True).filter(lambda x: np.random.random() < 0.8, "x").batch(5, drop_remainder=True)
    ),
    "split": lambda: slices().split([0.75, 0.25])[0].shuffle(30).batch(6),
    "endless": lambda: slices(shuffle=True).batch(6).repeat(),
    "iterable": Batches,
    "list": lambda: [(X[i : i + 6], Y[i : i + 6]) for i in range(0, 24, 6)],
}


class Script:
    """A user's script, which is run again after an interruption. Only compiled programs are shared between runs."""

    def __init__(self, make_data, rate: Any = 0.05, sink=False, sink_size=-1, validates=True):
        sporax.set_seed(4)
        self.net, self.loss = Net(), ScaledLoss()
        trained = [*self.net.trainable_params(), *self.loss.trainable_params()]
        self.optimizer = nn.Adam(trained, rate)
        self.model = Model(self.net, self.loss, self.optimizer, metrics={"loss"})
        self.parameters = list(
            dict.fromkeys((*self.net.get_parameters(), *self.loss.get_parameters(), *self.optimizer.get_parameters()))
        )
        self.initial = [each.asnumpy() for each in self.parameters]
        self.make_data, self.sink, self.sink_size, self.fixed = make_data, sink, sink_size, isinstance(rate, float)
        self.validates = validates

    def run(self, backup):
        """Run the script and return its final state."""
        history, sums = History(), Sums()
        stop = EarlyStopping("eval_loss" if self.validates else "loss", patience=2, restore_best_weights=True)
        callbacks = [backup, LossMonitor(3), history, stop, sums]
        if self.fixed:
            callbacks.append(ReduceLROnPlateau("loss", patience=1, factor=0.5))
            callbacks.append(LearningRateScheduler(lambda rate, step: rate * 0.9 if step % 5 == 0 else rate))
        how: dict[str, Any] = {"callbacks": callbacks, "dataset_sink_mode": self.sink, "sink_size": self.sink_size}
        if self.validates:
            valid = slices(shuffle=True, num_samples=8).batch(4)
            self.model.fit(EPOCHS, self.make_data(), valid, **how)
        else:
            self.model.train(EPOCHS, self.make_data(), **how)
        return {
            "parameters": [each.asnumpy().tobytes() for each in self.parameters],
            "key": default_generator.key.asnumpy().tolist(),
            "numpy": np.random.random(),
            "python": random.random(),
            "history": (history.epoch, history.history),
            "sums": sums.sums,
            "stop": (stop.stopped_epoch, stop.best),
        }

    def first(self, folder, save_steps, printed):
        for parameter, value in zip(self.parameters, self.initial, strict=True):
            parameter.set_data(value)
        self._seed(1)
        backup = Copies(folder, save_steps, printed)
        return self.run(backup), backup.made

    def again(self, folder, copy):
        for parameter, value in zip(self.parameters, self.initial, strict=True):
            parameter.set_data(np.full_like(value, 3))
        self._seed(2)
        folder.mkdir(exist_ok=True)
        shutil.copy(copy, folder / "backup.ckpt")
        return self.run(BackupAndRestore(folder))

    @staticmethod
    def _seed(seed):
        np.random.seed(seed)
        random.seed(seed)
        default_generator.manual_seed(seed)


@pytest.fixture
def unseeded():
    before = global_seed()
    yield
    set_global_seed(before)


def check(
    script: Script,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    save_steps: int | None,
    *,
    seeded: bool = False,
    every: int = 1,
) -> int:
    """Continue from every backup, or from some of them, and return the number of backups."""
    if not seeded:
        set_global_seed(None)
    lines: list[str] = []

    def printed():
        lines.extend(capsys.readouterr().out.splitlines())
        return len(lines)

    whole, copies = script.first(tmp_path / "first", save_steps, printed)
    printed()
    everything = list(lines)
    assert any(line.startswith("epoch: ") for line in everything)
    for copy, count in copies[::every]:
        lines.clear()
        resumed = script.again(tmp_path / "again", copy)
        printed()
        for name, value in whole.items():
            assert resumed[name] == value, f"{name} after {copy.name} of {len(copies)}"
        assert lines == everything[count:], copy.name
    return len(copies)


@pytest.mark.parametrize("sink", [False, True], ids=["plain", "sink"])
@pytest.mark.parametrize("name", DATA)
def test_from_every_step(name, sink, tmp_path, capsys, unseeded):
    # Of 15 backups, each third is a first, a middle and a last step of an epoch, and one between epochs.
    every = 1 if name in ("slices", "augmented", "augmented access") else 3
    count = check(Script(DATA[name], sink=sink), tmp_path, capsys, save_steps=1, every=every)
    assert count > EPOCHS


@pytest.mark.parametrize("sink", [False, True], ids=["plain", "sink"])
def test_with_a_schedule_and_under_a_seed(sink, tmp_path, capsys):
    rate = nn.cosine_decay_lr(0.001, 0.1, 12, 4, 3)
    check(Script(DATA["slices"], rate=rate, sink=sink), tmp_path, capsys, save_steps=1, seeded=True, every=2)


@pytest.mark.parametrize("sink", [False, True], ids=["plain", "sink"])
@pytest.mark.parametrize("save_steps", [None, 3])
def test_between_epochs_and_every_few_steps(sink, save_steps, tmp_path, capsys, unseeded):
    count = check(Script(DATA["augmented"], sink=sink, validates=False), tmp_path, capsys, save_steps)
    assert count == EPOCHS + (12 // 3 if save_steps else 0)


@pytest.mark.parametrize("name", ["slices", "augmented", "iterable", "generator", "access with state"])
def test_an_epoch_of_a_given_number_of_steps(name, tmp_path, capsys, unseeded):
    check(Script(DATA[name], sink=True, sink_size=7), tmp_path, capsys, save_steps=2)
