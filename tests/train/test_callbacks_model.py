"""Callbacks, metrics and checkpoints in `Model` itself."""

import itertools

import numpy as np
import pytest

import sporax
from sporax import Model, nn, train
from sporax import dataset as ds

X = np.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12]], np.float32) / 12
Y = X.sum(axis=1, keepdims=True)


def data(batch=2):
    return ds.NumpySlicesDataset((X, Y), ["x", "y"], shuffle=False).batch(batch)


def model(optimizer=None, metrics=None, rate=0.1):
    net = nn.Dense(2, 1, weight_init="zeros", bias_init="zeros")
    optimizer = optimizer or nn.Momentum(net.trainable_params(), rate, 0.9)
    return Model(net, nn.MSELoss(), optimizer, metrics=metrics)


def weights(trained):
    return {each.name: each.asnumpy() for each in trained.network.get_parameters()}


class Own(train.Callback):
    """A user's callback, with which nothing is deferred."""


def printed(capsys, *callbacks, sink, **options):
    model().train(2, data(), callbacks=list(callbacks), dataset_sink_mode=sink, **options)
    return capsys.readouterr().out.splitlines()


def test_the_lines_are_the_same_deferred_immediate_and_sunk(capsys):
    lines = printed(capsys, train.LossMonitor(), sink=False)
    assert [line.split(",")[0] for line in lines] == [f"epoch: {e} step: {s}" for e in (1, 2) for s in (1, 2, 3)]
    assert printed(capsys, train.LossMonitor(), Own(), sink=False) == lines
    assert printed(capsys, train.LossMonitor(), sink=True) == lines
    assert printed(capsys, train.LossMonitor(), Own(), sink=True) == lines
    assert printed(capsys, train.LossMonitor(2), sink=False) == lines[1::2]


def test_fit_prints_the_validation_after_its_epoch(capsys):
    model(metrics={"loss", "mae"}).fit(2, data(), data(4), callbacks=[train.TimeMonitor(), train.LossMonitor()])
    kinds = [" ".join(line.split()[:2]) for line in capsys.readouterr().out.splitlines()]
    epoch = ["Eval epoch", "Train epoch", "Eval result:"]
    assert kinds == [*["epoch: 1"] * 3, *epoch, *["epoch: 2"] * 3, *epoch]


def test_the_loss_of_an_evaluation_is_exact_over_uneven_batches():
    trained = model(metrics={"loss", "mse", "mae"})
    whole, parts = trained.eval(data(6)), trained.eval(data(4))
    assert parts["loss"] == pytest.approx(whole["loss"], rel=1e-6)
    assert parts["loss"] == pytest.approx(parts["mse"], rel=1e-6)
    assert parts["mae"] == pytest.approx(float(Y.mean()), rel=1e-6)


def test_history_of_a_fit():
    history = train.History()
    model(metrics={"mae"}).fit(3, data(), data(), callbacks=history)
    assert history.epoch == {"epoch": [1, 2, 3]}
    assert {name: len(values) for name, values in history.history.items()} == {"net_output": 3, "mae": 3}


def test_a_checkpoint_contains_the_optimizer_and_a_new_model_continues_from_it(tmp_path):
    config = train.CheckpointConfig(save_checkpoint_steps=3, append_info=["epoch_num"])
    keeper = train.ModelCheckpoint("net", tmp_path, config)
    straight = model()
    straight.train(2, data(), callbacks=keeper)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["net-1_3.ckpt", "net-2_3.ckpt"]

    loaded = sporax.load_checkpoint(str(tmp_path / "net-1_3.ckpt"))
    assert {"weight", "bias", "moments.weight", "moments.bias", "epoch_num"} <= set(loaded)
    net = nn.Dense(2, 1)
    optimizer = nn.Momentum(net.trainable_params(), 0.5, 0.9)
    assert sporax.load_param_into_net(net, loaded)[0] == []
    assert sporax.load_param_into_net(optimizer, loaded)[0] == []
    resumed = Model(net, nn.MSELoss(), optimizer)
    resumed.train(2, data(), initial_epoch=int(loaded["epoch_num"]))
    for name, value in weights(straight).items():
        np.testing.assert_array_equal(weights(resumed)[name], value)


@pytest.mark.parametrize("sink", [False, True])
def test_saving_every_step_while_training(tmp_path, sink):
    keeper = train.ModelCheckpoint("net", tmp_path, train.CheckpointConfig(keep_checkpoint_max=10))
    plain = model()
    plain.train(2, data(), callbacks=keeper, dataset_sink_mode=sink)
    saved = [sporax.load_checkpoint(str(path))["weight"].asnumpy() for path in sorted(tmp_path.iterdir())]
    assert len(saved) == 6
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(saved))
    np.testing.assert_array_equal(saved[-1], weights(plain)["weight"])
    alone = model()
    alone.train(2, data())
    np.testing.assert_allclose(saved[-1], weights(alone)["weight"], rtol=1e-6)


def test_early_stopping_restores_the_best_weights(capsys):
    trained, kept = model(metrics={"loss"}, rate=0.9), {}

    class Keep(train.Callback):
        def on_train_epoch_end(self, run_context):
            params = run_context.original_args()
            kept[params.cur_epoch_num] = (params.eval_results["loss"], weights(trained))

    stop = train.EarlyStopping(patience=2, verbose=True, restore_best_weights=True)
    trained.fit(30, data(), data(), callbacks=[Keep(), stop])
    best = min(kept, key=lambda epoch: kept[epoch][0])
    assert stop.stopped_epoch == best + 2 == max(kept)
    assert stop.best == kept[best][0]
    for name, value in kept[best][1].items():
        np.testing.assert_array_equal(weights(trained)[name], value)
    assert capsys.readouterr().out.splitlines()[-1] == f"Epoch {stop.stopped_epoch:05d}: early stopping"


@pytest.mark.parametrize("sink", [False, True])
def test_learning_rate_scheduler_changes_the_steps(sink):
    scheduled, fixed = model(rate=0.05), model(rate=0.05)
    scheduled.train(2, data(), callbacks=train.LearningRateScheduler(lambda rate, step: 0.0), dataset_sink_mode=sink)
    net = nn.Dense(2, 1, weight_init="zeros", bias_init="zeros")
    by_hand = nn.Momentum(net.trainable_params(), [0.05, 0.0], 0.9)
    Model(net, nn.MSELoss(), by_hand).train(2, data())
    for name, value in weights(scheduled).items():
        np.testing.assert_allclose(value, net.parameters_dict()[name].asnumpy(), rtol=1e-6)
    fixed.train(2, data())
    assert not np.allclose(weights(fixed)["weight"], weights(scheduled)["weight"])


def test_reduce_lr_on_plateau_sets_the_optimizers_rate():
    net = nn.Dense(2, 1)
    optimizer = nn.SGD(net.trainable_params(), 0.25)
    trained = Model(net, nn.MSELoss(), optimizer, metrics={"loss"})
    reduce = train.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=1e9)
    trained.fit(3, data(), data(), callbacks=reduce)
    assert optimizer.learning_rate.item() == 0.0625


def test_stop_on_non_finite(capsys):
    stop = train.StopOnNonFinite()
    with pytest.warns(sporax.NonFiniteLossWarning, match="epoch"):
        model(rate=1e30).train(9, data(), callbacks=[train.LossMonitor(), stop])
    assert 0 < stop.stopped_epoch < 9
    lines = capsys.readouterr().out.splitlines()
    step = f"epoch: {stop.stopped_epoch} step: {stop.stopped_step}, loss is "
    assert [line for line in lines if line.startswith(step)][-1].endswith("training stops here.")


def test_progress_bar(capsys):
    model(metrics={"mae"}).fit(2, data(), data(), callbacks=train.ProgressBar())
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch 1/2: 3 steps", "epoch 2/2: 3 steps"]
    assert all("loss " in line and "validation mae " in line for line in lines)
