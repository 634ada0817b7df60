"""A resumed run with other settings warns, and changes made by callbacks are restored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sporax
from sporax import Model, nn, ops
from sporax import dataset as ds
from sporax._errors import ResumeWarning
from sporax.train import BackupAndRestore, Callback

X = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)
Y = X.sum(1, keepdims=True)


class Net(nn.Cell):
    def __init__(self, p=0.3):
        super().__init__()
        self.drop = nn.Dropout(p=p)
        self.fc = nn.Dense(2, 1)

    def construct(self, x):
        return self.fc(self.drop(x))


class Activated(Net):
    def __init__(self):
        super().__init__()
        self.act = nn.Tanh()

    def construct(self, x):
        return self.act(super().construct(x))


class Stop(Callback):
    """Simulates the end of the process at the end of a step; nothing is saved for that step."""

    def __init__(self, step):
        self.step = step

    def on_train_step_end(self, run_context):
        if run_context.original_args().cur_step_num == self.step:
            raise RuntimeError("power cut")


def slices(x=X, **how):
    return ds.NumpySlicesDataset((x, Y), ["x", "y"], **how)


def momentum(weights, rate: Any = 0.05, **how):
    return nn.Momentum(weights, rate, 0.9, **how)


def run(folder, stop=None, *, net: Any = Net, loss: Any = nn.MSELoss, optimizer=momentum, data=None, save_steps=None):
    """Run the script once, for 2 epochs of 3 steps, and return the final Parameters."""
    network = net()
    model = Model(network, loss(), optimizer(network.trainable_params()))
    backup = BackupAndRestore(folder, save_steps=save_steps)
    source = slices(shuffle=True).batch(4) if data is None else data()
    try:
        model.train(2, source, callbacks=[backup, *([Stop(stop)] if stop else [])])
    except RuntimeError:
        assert stop
    return [each.asnumpy().tolist() for each in network.get_parameters()]


def schedule(rate):
    return lambda weights: momentum(weights, nn.ExponentialDecayLR(0.1, rate, 3))


BUILT: dict[str, Any] = {
    "loss": ({}, {"loss": nn.L1Loss}, "loss_fn was MSELoss and is now L1Loss"),
    "reduction": ({}, {"loss": lambda: nn.MSELoss("sum")}, "loss_fn.reduction was 'mean' and is now 'sum'"),
    "loss function": (
        {"loss": lambda: lambda a, b: ops.square(a - b).mean()},
        {"loss": lambda: ops.mse_loss},
        "<lambda> and is now mse_loss",
    ),
    "class weights": (
        {"loss": lambda: nn.BCEWithLogitsLoss(weight=sporax.Tensor([1.0]))},
        {"loss": lambda: nn.BCEWithLogitsLoss(weight=sporax.Tensor([2.0]))},
        r"loss_fn.weight was \[1.0\] and is now \[2.0\]",
    ),
    "dropout": ({}, {"net": lambda: Net(0.5)}, "network.drop.p was 0.3 and is now 0.5"),
    "activation": ({}, {"net": Activated}, "network.act was absent and is now Tanh"),
    "to_float": (
        {},
        {"net": lambda: Net().to_float(sporax.float16)},
        "network.fc.to_float was None and is now .*float16.*",
    ),
    "weight decay": (
        {},
        {"optimizer": lambda w: momentum(w, weight_decay=0.1)},
        r"optimizer.weight_decay was \(0.0, 0.0\) and is now \(0.1, 0.1\)",
    ),
    "nesterov": (
        {},
        {"optimizer": lambda w: momentum(w, use_nesterov=True)},
        "optimizer.use_nesterov was False and is now True",
    ),
    "beta": (
        {"optimizer": lambda w: nn.Adam(w, 0.05)},
        {"optimizer": lambda w: nn.Adam(w, 0.05, beta1=0.5)},
        "optimizer.beta1 was 0.9 and is now 0.5",
    ),
    "schedule": (
        {"optimizer": schedule(0.9)},
        {"optimizer": schedule(0.5)},
        "optimizer.learning_rate.decay_rate was 0.9 and is now 0.5",
    ),
    "table of rates": (
        {"optimizer": lambda w: momentum(w, [0.1] * 6)},
        {"optimizer": lambda w: momentum(w, [0.2] * 6)},
        r"learning_rate was \[0.1, 0.1, 0.1, 0.1, ...\] and is now \[0.2, 0.2, 0.2, 0.2, ...\]",
    ),
}


@pytest.mark.parametrize("name", BUILT)
def test_another_network_loss_or_optimizer_causes_a_warning(name, tmp_path):
    first, then, message = BUILT[name]
    run(tmp_path, 5, **first)
    with pytest.warns(ResumeWarning, match=message):
        run(tmp_path, 6, **then, save_steps=1)
    # Earlier changes are not reported again, except the rates, which are still those of the backup.
    if name != "table of rates":
        run(tmp_path, **then)


READ: dict[str, Any] = {
    "no shuffling": ({"shuffle": False}, "sampler of 'numpyslices' was RandomSampler.* and is now SequentialSampler"),
    "another shard": ({"num_shards": 2, "shard_id": 1}, "shard_id=0.* and is now .*shard_id=1"),
    "another sampler": (
        {"sampler": ds.WeightedRandomSampler([1.0] * 12)},
        "RandomSampler.* and is now WeightedRandomSamp",
    ),
    "other weights": ({"sampler": ds.WeightedRandomSampler([1.0, 2.0] * 6)}, "the sampler of .* was .* and is now"),
    "other elements": ({"shuffle": True, "x": X + 1}, "elements of 'numpyslices' was [0-9a-f]{8} and is now"),
}
BEFORE: dict[str, Any] = {
    "another shard": {"num_shards": 2, "shard_id": 0},
    "other weights": {"sampler": ds.WeightedRandomSampler([1.0] * 12)},
}


@pytest.mark.parametrize("name", READ)
def test_a_dataset_of_another_order_or_content_causes_a_warning_between_epochs(name, tmp_path):
    then, message = READ[name]
    size = 2 if "num_shards" in then else 4
    run(tmp_path, 4, data=lambda: slices(**BEFORE.get(name, {"shuffle": True})).batch(size))
    with pytest.warns(ResumeWarning, match=message):
        run(tmp_path, data=lambda: slices(**then).batch(size))


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        (lambda: slices().shuffle(12), lambda: slices().shuffle(4), "size of 'shuffle' was 12 and is now 4"),
        (lambda: slices().map(np.copy, "x"), lambda: slices().map(np.negative, "x"), "operations of 'map'"),
        (lambda: slices().map(np.copy, "x"), lambda: slices().map(np.copy, "y"), "input_columns of 'map'"),
    ],
    ids=["shuffle", "map", "map's column"],
)
def test_operations_with_other_arguments_cause_a_warning(first, then, message):
    data = first()
    data.epochs_begun = 1
    with pytest.warns(ResumeWarning, match=message):
        then().load_state_dict(data.state_dict())


def test_a_file_of_a_later_call_of_train_causes_a_warning(tmp_path):
    """Two calls with one folder: after an interruption of the second, the first would continue from its state."""

    def script(stop):
        network = Net()
        model = Model(network, nn.MSELoss(), momentum(network.trainable_params()))
        model.train(1, slices().batch(4), callbacks=BackupAndRestore(tmp_path))
        model.train(3, slices().batch(4), callbacks=[BackupAndRestore(tmp_path), *([Stop(stop)] if stop else [])])

    with pytest.raises(RuntimeError, match="power cut"):
        script(4)
    with pytest.warns(ResumeWarning, match="had done 3 steps.*done none.*give each call a separate folder"):
        script(None)


# --- What callbacks changed ------------------------------------------------------------------------------------


class Unfreeze(Callback):
    """Trains the first layer from the second epoch on, as in fine-tuning."""

    def on_train_epoch_begin(self, run_context):
        params = run_context.original_args()
        if params.cur_epoch_num == 1:
            params.network[0].weight.requires_grad = False
        if params.cur_epoch_num == 2 and params.cur_step_num == 3:
            params.network[0].weight.requires_grad = True
            params.network[1].bias.requires_grad = False


@pytest.mark.parametrize("sink", [False, True], ids=["plain", "sink"])
@pytest.mark.parametrize("stop", [3, 5, 7, 8])
def test_what_a_callback_froze_or_unfroze_is_restored(stop, sink, tmp_path):
    def script(folder, stop=None):
        sporax.set_seed(3)
        network = nn.SequentialCell(nn.Dense(2, 2), nn.Dense(2, 1))
        model = Model(network, nn.MSELoss(), momentum(network.trainable_params()))
        extra = [Stop(stop)] if stop else []
        backup = BackupAndRestore(folder, save_steps=1)
        try:
            model.train(3, slices().batch(4), callbacks=[Unfreeze(), backup, *extra], dataset_sink_mode=sink)
        except RuntimeError:
            assert stop
        return [(each.asnumpy().tolist(), each.requires_grad) for each in network.get_parameters()]

    whole = script(tmp_path / "whole")
    script(tmp_path / "parts", stop)
    assert script(tmp_path / "parts") == whole
    assert [trained for _, trained in whole] == [True, True, True, False]


class Noisy(nn.Cell):
    """Draws with seeded primitives, which have their own stream of random numbers."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(2, 1)
        self.noise = ops.StandardNormal(seed=3)
        self.more = [ops.UniformReal(seed=4), {"drop": ops.Dropout(0.5, Seed0=5)}]

    def construct(self, x):
        return self.fc(self.more[1]["drop"](x + self.noise(x.shape) + self.more[0](x.shape))[0])


@pytest.mark.parametrize("mode", [None, sporax.PYNATIVE_MODE], ids=["compiled", "eager"])
@pytest.mark.parametrize("stop", [3, 5])
def test_streams_of_primitives_continue(stop, mode, tmp_path):
    if mode is not None:
        sporax.set_context(mode=mode)
    try:
        results = []
        for interrupt in (None, stop):
            for each in (interrupt, None) if interrupt else (None,):
                sporax.set_seed(2)
                found = run(tmp_path / str(interrupt), each, net=Noisy, save_steps=1)
            results.append(found)
    finally:
        sporax.reset_context()
    assert results[0] == results[1]
