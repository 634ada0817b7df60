"""CheckpointConfig, ModelCheckpoint and BackupAndRestore."""

import os
import time

import numpy as np
import pytest

from fake_run import FakeRun
from sporax._errors import ArgumentError, ArgumentTypeError, CheckpointError, TrainError
from sporax.core import Cell, Parameter, Tensor, default_generator, next_key, set_seed
from sporax.train.callback import (
    BackupAndRestore,
    CheckpointConfig,
    EarlyStopping,
    ModelCheckpoint,
)
from sporax.train.checkpoint import load_checkpoint


class Net(Cell):
    def __init__(self, start=0.0):
        super().__init__()
        self.weight = Parameter(Tensor([[start, -1.0]]), name="fc.weight")


class Train(Cell):
    """A network with one slot of an optimizer."""

    def __init__(self, network):
        super().__init__(auto_prefix=False)
        self.network = network
        self.slot = Parameter(Tensor([7.0]), name="moments.fc.weight")


class Run(FakeRun):
    """After step k the weight is [[k, -1]]."""

    def __init__(self, callbacks, network=None, **more):
        self.network = network if network is not None else Net()
        super().__init__(callbacks, network=self.network, before_step=self.update, **more)

    def update(self, params):
        self.network.weight.set_data(Tensor([[float(params.cur_step_num), -1.0]]))


def saved_weight(path):
    return load_checkpoint(path)["fc.weight"].asnumpy()[0, 0]


def files(folder):
    return sorted(each.name for each in folder.iterdir())


# --- CheckpointConfig ---------------------------------------------------------------------------------------


def policy(steps=1, seconds=None, most=5, minutes=None, network=None):
    return {
        "save_checkpoint_steps": steps,
        "save_checkpoint_seconds": seconds,
        "keep_checkpoint_max": most,
        "keep_checkpoint_per_n_minutes": minutes,
        "saved_network": network,
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, policy()),
        ({"save_checkpoint_steps": 3, "save_checkpoint_seconds": 4}, policy(steps=3)),
        ({"save_checkpoint_steps": None}, policy(steps=None, seconds=0)),
        ({"save_checkpoint_steps": 0, "save_checkpoint_seconds": 9}, policy(steps=0, seconds=9)),
        ({"keep_checkpoint_max": 2, "keep_checkpoint_per_n_minutes": 3}, policy(most=2)),
        ({"keep_checkpoint_max": 0, "keep_checkpoint_per_n_minutes": 3}, policy(most=0, minutes=3)),
        ({"keep_checkpoint_max": 0}, policy(most=1, minutes=0)),
    ],
)
def test_policy_matches_mindspore(arguments, expected):
    assert CheckpointConfig(**arguments).get_checkpoint_policy() == expected


def test_config_properties():
    network = Net()
    config = CheckpointConfig(
        saved_network=network, async_save=True, integrated_save=False, crc_check=True, format="safetensors"
    )
    assert (config.saved_network, config.async_save, config.integrated_save) == (network, True, False)
    assert (config.crc_check, config.format, config.append_dict) == (True, "safetensors", None)
    assert (config.enc_key, config.enc_mode, config.map_param_inc, config.exception_save) == (
        *(None, "AES-GCM", False, False),
    )
    config = CheckpointConfig(append_info=["epoch_num", "step_num", {"k": 3, "note": "a"}])
    assert config.append_dict == {"epoch_num": 0, "step_num": 0, "k": 3, "note": "a"}
    assert config.appended(2, 14) == {"epoch_num": 2, "step_num": 14, "k": 3, "note": "a"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"save_checkpoint_steps": -1}, "`save_checkpoint_steps` must be at least 0, but got -1"),
        ({"save_checkpoint_steps": "a"}, "`save_checkpoint_steps` must be an int, but got 'a'"),
        ({"save_checkpoint_seconds": -1}, "`save_checkpoint_seconds` must be at least 0"),
        ({"keep_checkpoint_max": -1}, "`keep_checkpoint_max` must be at least 0"),
        (
            {"save_checkpoint_steps": None, "save_checkpoint_seconds": None, "keep_checkpoint_max": None},
            "must not all be None or 0",
        ),
        ({"integrated_save": 3}, "`integrated_save` must be bool, but got 3"),
        ({"async_save": 3}, "`async_save` must be a bool, but got 3"),
        ({"append_info": "a"}, "`append_info` must be a list, but got 'a' of type str"),
        (
            {"append_info": ["epoch"]},
            "`append_info` must be one of 'epoch_num', 'step_num', but got 'epoch'. Did you",
        ),
        (
            {"append_info": [3]},
            "an element of `append_info` must be 'epoch_num', 'step_num' or a dict, but got 3",
        ),
        (
            {"append_info": [{1: 2}]},
            "must map names to numbers, strings, Tensors or Parameters, but got 1: 2",
        ),
        ({"append_info": [{"a": []}]}, r"but got 'a': \[\]"),
        ({"format": "x"}, "`format` must be one of 'ckpt', 'safetensors', but got 'x'"),
        ({"saved_network": 3}, "`saved_network` must be Cell, but got 3"),
        ({"enc_key": b"0123456789abcdef"}, "sporax does not encrypt checkpoints. Omit `enc_key`"),
        ({"crc_check": 2}, "`crc_check` must be bool, but got 2"),
        ({"exception_save": 3}, "`exception_save` must be bool, but got 3"),
        ({"remove_redundancy": True}, "`remove_redundancy` must be False, but got True"),
        ({"foo": 1}, "there is no argument 'foo'"),
    ],
)
def test_invalid_config(arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=f"CheckpointConfig: .*{message}"):
        CheckpointConfig(**arguments)


# --- ModelCheckpoint ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"keep_checkpoint_max": 10}, ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2"]),
        ({"keep_checkpoint_max": 2}, ["3_1", "3_2"]),
        ({"keep_checkpoint_max": 0}, ["3_2"]),
        ({"save_checkpoint_steps": 4}, ["2_2", "3_2"]),
        ({"save_checkpoint_steps": 3}, ["2_1", "3_2"]),
        ({"save_checkpoint_steps": 0, "save_checkpoint_seconds": 1000}, ["3_2"]),
        ({"keep_checkpoint_max": 0, "keep_checkpoint_per_n_minutes": 10}, ["1_1", "3_2"]),
    ],
)
def test_files_match_mindspore(tmp_path, arguments, expected):
    keeper = ModelCheckpoint("net", str(tmp_path), CheckpointConfig(**arguments))
    assert keeper.latest_ckpt_file_name == ""
    Run(keeper).train(3)
    assert files(tmp_path) == [f"net-{each}.ckpt" for each in expected]
    assert keeper.latest_ckpt_file_name == str(tmp_path / "net-3_2.ckpt")
    for name in expected:
        epoch, step = map(int, name.split("_"))
        assert saved_weight(str(tmp_path / f"net-{name}.ckpt")) == (epoch - 1) * 2 + step


def test_default_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Run(ModelCheckpoint()).train(1)
    Run(ModelCheckpoint(directory="sub/deeper")).train(1)
    assert files(tmp_path) == ["CKP-1_1.ckpt", "CKP-1_2.ckpt", "sub"]
    assert files(tmp_path / "sub" / "deeper") == ["CKP-1_1.ckpt", "CKP-1_2.ckpt"]


def test_another_run_with_the_same_prefix(tmp_path):
    (tmp_path / "network-1_1.ckpt").touch()
    for _ in range(3):
        Run(ModelCheckpoint("net", tmp_path, CheckpointConfig(save_checkpoint_steps=6))).train(3)
    expected = ["net-3_2.ckpt", "net_1-3_2.ckpt", "net_2-3_2.ckpt", "network-1_1.ckpt"]
    assert files(tmp_path) == expected


def test_files_by_seconds(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    class Timed(Run):
        def update(self, params):
            super().update(params)
            clock[0] += 4.0

    config = CheckpointConfig(save_checkpoint_steps=0, save_checkpoint_seconds=10)
    Timed(ModelCheckpoint("net", tmp_path, config)).train(4)
    assert files(tmp_path) == ["net-2_1.ckpt", "net-3_2.ckpt", "net-4_2.ckpt"]


def test_one_file_for_every_n_minutes(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    class Timed(Run):
        def update(self, params):
            super().update(params)
            clock[0] += 50.0

    config = CheckpointConfig(keep_checkpoint_max=0, keep_checkpoint_per_n_minutes=2)
    Timed(ModelCheckpoint("net", tmp_path, config)).train(4)
    assert files(tmp_path) == ["net-1_1.ckpt", "net-2_2.ckpt", "net-4_1.ckpt", "net-4_2.ckpt"]


def test_saved_entries(tmp_path):
    network = Net()
    keeper = ModelCheckpoint(
        "net", tmp_path, CheckpointConfig(append_info=["epoch_num", "step_num", {"k": 3, "s": "text"}])
    )
    Run(keeper, network, train_network=Train(network)).train(2)
    loaded = load_checkpoint(keeper.latest_ckpt_file_name)
    assert loaded.pop("s") == "text"
    assert {name: value.asnumpy().tolist() for name, value in loaded.items()} == {
        "fc.weight": [[4.0, -1.0]],
        "moments.fc.weight": [7.0],
        "epoch_num": 2,
        "step_num": 4,
        "k": 3,
    }
    keeper = ModelCheckpoint("only", tmp_path, CheckpointConfig(saved_network=network))
    Run(keeper, network, train_network=Train(network)).train(1)
    assert list(load_checkpoint(keeper.latest_ckpt_file_name)) == ["fc.weight"]


@pytest.mark.parametrize("arguments", [{"async_save": True}, {"format": "safetensors"}])
def test_other_file_options(tmp_path, arguments):
    keeper = ModelCheckpoint("net", tmp_path, CheckpointConfig(keep_checkpoint_max=3, **arguments))
    Run(keeper).train(3)
    suffix = arguments.get("format", "ckpt")
    assert files(tmp_path) == [f"net-{name}.{suffix}" for name in ("2_2", "3_1", "3_2")]
    assert [saved_weight(tmp_path / name) for name in files(tmp_path)] == [4.0, 5.0, 6.0]


def test_a_failing_background_save_is_raised_at_the_end(tmp_path):
    folder = tmp_path / "gone"
    keeper = ModelCheckpoint("net", folder, CheckpointConfig(save_checkpoint_steps=2, async_save=True))

    class Broken(Run):
        def update(self, params):
            super().update(params)
            if params.cur_step_num == 1:
                # The path of the file is a folder.
                (folder / "net-1_2.ckpt").mkdir()

    with (
        pytest.warns(UserWarning, match="could not be saved"),
        pytest.raises(CheckpointError, match=r"net-1_2\.ckpt"),
    ):
        Broken(keeper).train(1)


def test_functions_for_the_names(tmp_path):
    keeper = ModelCheckpoint(lambda params: f"q{params.cur_epoch_num}", tmp_path)
    Run(keeper).train(2)
    assert files(tmp_path) == ["q1.ckpt", "q2.ckpt"]
    keeper = ModelCheckpoint("a", lambda params: f"{tmp_path}/e{params.cur_epoch_num}")
    Run(keeper).train(2)
    assert files(tmp_path / "e2") == ["a-2_1.ckpt", "a-2_2.ckpt"]
    assert files(tmp_path / "e1") == ["a-1_1.ckpt", "a-1_2.ckpt"]


def test_the_state_of_a_stopped_run_is_saved(tmp_path):
    keeper = ModelCheckpoint("net", tmp_path, CheckpointConfig(save_checkpoint_steps=2))
    Run([keeper, EarlyStopping("loss")], losses=[Tensor(1.0)], batch_num=3).train(9)
    assert files(tmp_path) == ["net-1_2.ckpt", "net-2_1.ckpt", "net-2_3.ckpt"]


def test_exception_save(tmp_path):
    keeper = ModelCheckpoint("net", tmp_path, CheckpointConfig(save_checkpoint_steps=100, exception_save=True))
    with pytest.raises(KeyboardInterrupt):
        Run(keeper).train(4, stop_after=3)
    assert files(tmp_path) == ["net-2_1_breakpoint.ckpt"]
    assert saved_weight(tmp_path / "net-2_1_breakpoint.ckpt") == 3.0
    with pytest.raises(KeyboardInterrupt):
        Run(ModelCheckpoint("other", tmp_path, CheckpointConfig(save_checkpoint_steps=100))).train(4, stop_after=3)
    assert files(tmp_path) == ["net-2_1_breakpoint.ckpt"]


def test_within_a_call_of_many_steps_it_waits_for_the_state(tmp_path):
    class Sunk(Run):
        def update(self, params):
            # Calls of four steps: the Parameters are those of the last.
            last = -(-params.cur_step_num // 4) * 4
            params.state_is_current = params.cur_step_num == last
            self.network.weight.set_data(Tensor([[float(last), -1.0]]))

    Sunk(ModelCheckpoint("net", tmp_path, CheckpointConfig(save_checkpoint_steps=3)), batch_num=8).train(1)
    assert files(tmp_path) == ["net-1_4.ckpt", "net-1_8.ckpt"]
    assert [saved_weight(tmp_path / name) for name in files(tmp_path)] == [4.0, 8.0]


def test_evaluations_save_nothing(tmp_path):
    keeper = ModelCheckpoint("net", tmp_path)
    Run(keeper, results=[{"mae": 1.0}]).train(1)
    assert files(tmp_path) == ["net-1_1.ckpt", "net-1_2.ckpt"]


def test_the_last_save_is_available_to_other_callbacks(tmp_path):
    params = Run(ModelCheckpoint("net", tmp_path)).train(1)
    assert (params.last_save_ckpt_step, params.latest_ckpt_file) == (2, str(tmp_path / "net-1_2.ckpt"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prefix": "a/b"}, "`prefix` must be a function, or a str without a slash, but got 'a/b'"),
        ({"prefix": 3}, "`prefix` must be a function, or a str without a slash, but got 3"),
        ({"directory": 3}, "`directory` must be a str, a function or None, but got 3"),
        ({"config": 3}, "`config` must be a CheckpointConfig, but got 3 of type int"),
    ],
)
def test_invalid_model_checkpoint(arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=f"ModelCheckpoint: {message}"):
        ModelCheckpoint(**arguments)


def test_without_a_network(tmp_path):
    with pytest.raises(TrainError, match="ModelCheckpoint: this run has no network to save"):
        FakeRun(ModelCheckpoint("net", tmp_path)).train(1)


# --- BackupAndRestore ---------------------------------------------------------------------------------------


class Accumulating(FakeRun):
    """Each step adds a random number and the step number: only the complete state reproduces the result."""

    def __init__(self, callbacks):
        self.network = Net()
        self.steps = []
        super().__init__(callbacks, network=self.network, train_network=Train(self.network), before_step=self.update)

    def update(self, params):
        self.steps.append(params.cur_step_num)
        drawn = float(np.asarray(next_key_number()))
        self.network.weight.set_data(self.network.weight + params.cur_step_num + drawn)
        self.params.train_network.slot.set_data(self.params.train_network.slot * 1.5)

    def state(self):
        return [each.asnumpy().tolist() for each in self.params.train_network.get_parameters()]


def next_key_number():
    import jax

    return jax.random.uniform(next_key())


def test_an_interrupted_run_is_resumed(tmp_path):
    set_seed(3)
    whole = Accumulating(None)
    whole.train(4)

    set_seed(3)
    first = Accumulating(BackupAndRestore(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        first.train(4, stop_after=5)
    assert files(tmp_path) == ["backup.ckpt"]

    set_seed(99)
    second = Accumulating(BackupAndRestore(tmp_path))
    second.train(4)
    assert second.steps == [5, 6, 7, 8]
    assert second.state() == whole.state()
    assert files(tmp_path) == []
    assert default_generator.key.asnumpy().shape == (2,)


def test_save_frequency_and_deletion(tmp_path):
    backup = BackupAndRestore(str(tmp_path / "a" / "b"), save_freq=2, delete_checkpoint=False)
    Accumulating(backup).train(3)
    assert os.path.basename(backup.backup_file) == "backup.ckpt"
    resumed = Accumulating(backup)
    resumed.train(3)
    assert resumed.steps == [5, 6]


def test_a_backup_of_another_network_raises(tmp_path):
    Run(BackupAndRestore(tmp_path, delete_checkpoint=False)).train(1)
    with pytest.raises(CheckpointError, match=r"another network .* Not in the file: moments\.fc\.weight; only .* none"):
        Accumulating(BackupAndRestore(tmp_path)).train(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backup_dir": 3}, "`backup_dir` must be a str, but got 3 of type int"),
        ({"save_freq": "x"}, "`save_freq` must be 'epoch' or a number of epochs, but got 'x'"),
        ({"save_freq": 0}, "`save_freq` must be at least 1, but got 0"),
        ({"delete_checkpoint": 3}, "`delete_checkpoint` must be bool, but got 3"),
    ],
)
def test_invalid_backup(tmp_path, arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=f"BackupAndRestore: {message}"):
        BackupAndRestore(**({"backup_dir": tmp_path} | arguments))


def test_a_name_saved_again_is_kept(tmp_path):
    Run(ModelCheckpoint(lambda params: "same", tmp_path, CheckpointConfig(keep_checkpoint_max=1))).train(2)
    assert files(tmp_path) == ["same.ckpt"]
    assert saved_weight(tmp_path / "same.ckpt") == 4.0
