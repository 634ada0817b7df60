"""A resumed run equals the uninterrupted run."""

import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

import sporax
from sporax import Model, nn
from sporax import dataset as ds
from sporax.train import BackupAndRestore, Callback, ModelCheckpoint
from sporax.train.callback import CheckpointConfig


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(p=0.3)
        self.fc = nn.Dense(3, 1)

    def construct(self, x):
        return self.fc(self.drop(self.norm(x)))


class StopAt(Callback):
    """Raises in the hook of a step's end; nothing is saved for this step."""

    def __init__(self, step):
        self.step = step

    def on_train_step_end(self, run_context):
        if run_context.original_args().cur_step_num == self.step:
            raise KeyboardInterrupt


class Keep(Callback):
    def __init__(self):
        self.losses = {}

    def on_train_step_end(self, run_context):
        params = run_context.original_args()
        self.losses[params.cur_epoch_num, params.cur_step_num] = float(params.net_outputs)


def make():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).astype(np.float32)
    data = ds.NumpySlicesDataset((x, x.sum(1, keepdims=True)), ["x", "y"]).batch(8)
    net = Net()
    return net, Model(net, nn.MSELoss(), nn.Adam(net.trainable_params(), 0.05)), data


def state(net):
    return {name: p.asnumpy() for name, p in net.parameters_and_names()}


@pytest.mark.parametrize("sink", [False, True])
@pytest.mark.parametrize(("stop", "save_steps", "first"), [(18, None, 16), (18, 1, 18), (19, 4, 17), (16, 5, 16)])
def test_an_interrupted_run_equals_the_uninterrupted_run(tmp_path, sink, stop, save_steps, first):
    sporax.set_seed(4)
    net, model, data = make()
    whole = Keep()
    model.train(4, data, callbacks=whole, dataset_sink_mode=sink)
    expected = state(net)

    sporax.set_seed(4)
    net, model, data = make()
    backup = BackupAndRestore(str(tmp_path), save_steps=save_steps)
    with pytest.raises(KeyboardInterrupt):
        model.train(4, data, callbacks=[backup, StopAt(stop)], dataset_sink_mode=sink)

    sporax.set_seed(99)
    net, model, data = make()
    resumed = Keep()
    model.train(4, data, callbacks=[BackupAndRestore(str(tmp_path)), resumed], dataset_sink_mode=sink)
    assert min(resumed.losses) == ((first - 1) // 5 + 1, first)
    assert resumed.losses == {key: loss for key, loss in whole.losses.items() if key[1] >= first}
    for name, value in state(net).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


SCRIPT = """
import sys, time
import numpy as np
import sporax
from sporax import Model, nn
from sporax import dataset as ds
from sporax.train import BackupAndRestore, Callback, LossMonitor

class Slow(Callback):
    def on_train_step_end(self, run_context):
        time.sleep(0.02)

x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
data = ds.NumpySlicesDataset((x, x.sum(1, keepdims=True)), ["x", "y"]).map(
    lambda x: (x + np.random.normal(size=3)).astype(np.float32), "x").batch(8)
seed = int(sys.argv[2])
np.random.seed(seed)
sporax.core.default_generator.manual_seed(seed)
net = nn.SequentialCell(nn.Dense(3, 4), nn.Dropout(p=0.3), nn.Dense(4, 1))
model = Model(net, nn.MSELoss(), nn.Adam(net.trainable_params(), 0.05))
slow = [Slow()] if sys.argv[3] == "slow" else []
model.train(4, data, callbacks=[LossMonitor(), BackupAndRestore(sys.argv[1], save_steps=1), *slow])
print("key", sporax.core.default_generator.key.asnumpy().tolist(), [p.asnumpy().tolist() for p in net.get_parameters()])
"""


def test_a_killed_process_is_resumed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def start(folder, seed, pace):
        command = [sys.executable, str(script), str(folder), str(seed), pace]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    # No seed is set: both other processes continue from the backup of the killed process.
    killed = start(tmp_path / "1", 1, "slow")
    assert killed.stdout is not None
    seen = [killed.stdout.readline() for _ in range(8)]
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert seen[-1].startswith("epoch: 2 step: 3, loss is ")
    processes = []
    for seed in (2, 3):
        shutil.copytree(tmp_path / "1", tmp_path / str(seed))
        processes.append(start(tmp_path / str(seed), seed, "fast"))
    outputs = [process.communicate(timeout=100)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs[0] == outputs[1]
    assert outputs[0][0].startswith(("epoch: 2 step: 3, ", "epoch: 2 step: 4, ", "epoch: 2 step: 5, "))
    assert outputs[0][-2].startswith("epoch: 4 step: 5, ")
    # Lines of the killed process for steps that were run again are not compared.
    again = {line.split(",")[0]: line for line in outputs[0]}
    repeated = [line.strip() for line in seen if line.split(",")[0] in again]
    assert all(again[line.split(",")[0]] == line for line in repeated)


@pytest.mark.parametrize("sink", [False, True])
def test_a_checkpoint_contains_the_step_of_its_name(tmp_path, sink):
    saved = {}
    for mode in (False, sink):
        sporax.set_seed(4)
        _, model, data = make()
        folder = tmp_path / str(len(saved))
        config = CheckpointConfig(save_checkpoint_steps=4, keep_checkpoint_max=10)
        model.train(3, data, callbacks=[ModelCheckpoint("n", str(folder), config)], dataset_sink_mode=mode)
        names = sorted(path.name for path in folder.glob("*.ckpt"))
        saved[len(saved)] = {name: sporax.load_checkpoint(str(folder / name)) for name in names}
    assert saved[0].keys() == saved[1].keys()
    assert list(saved[0]) == ["n-1_4.ckpt", "n-2_3.ckpt", "n-3_2.ckpt", "n-3_5.ckpt"]
    for name, parameters in saved[0].items():
        for key, value in parameters.items():
            np.testing.assert_allclose(value.asnumpy(), saved[1][name][key].asnumpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("save_steps", "stop", "how"), [(1, 5, {}), (2, 6, {"sink_size": 4})], ids=["each step", "sink_size"]
)
def test_convolutions_with_sink_end_bitwise_equal_to_the_uninterrupted_run(save_steps, stop, how, tmp_path):
    # On a CPU several steps are compiled together, so the remaining steps must be stacked in the same way.
    images = np.random.default_rng(7).normal(size=(22, 1, 6, 6)).astype(np.float32)

    def run(folder, *others):
        sporax.set_seed(5)
        net = nn.SequentialCell(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Dropout(p=0.2), nn.Dense(108, 4)
        )
        labels = np.arange(22, dtype=np.int32) % 4
        data = ds.NumpySlicesDataset((images, labels), ["x", "y"], shuffle=True).batch(4)
        model, keep = Model(net, nn.CrossEntropyLoss(), nn.Adam(net.trainable_params(), 0.01)), Keep()
        callbacks = [BackupAndRestore(folder, save_steps=save_steps), keep, *others]
        model.train(2, data, callbacks=callbacks, dataset_sink_mode=True, **how)
        return keep.losses, {name: value.tobytes() for name, value in state(net).items()}

    whole_losses, whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", StopAt(stop))
    losses, parts = run(tmp_path / "parts")
    assert min(losses)[1] == stop - (stop - 1) % save_steps
    assert losses == {key: loss for key, loss in whole_losses.items() if key in losses}
    assert parts == whole
