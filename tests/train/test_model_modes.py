"""Training and evaluation mode of the network while callbacks evaluate and predict in the middle of a run."""

import numpy as np
import pytest

from sporax import Model, Tensor, nn
from sporax import dataset as ds
from sporax._errors import TrainError
from sporax.train import Callback

X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(12, 2)


def _data():
    return ds.NumpySlicesDataset((X, 2 * X), ["data", "label"], shuffle=False).batch(4)


def _network():
    return nn.SequentialCell(nn.Dense(2, 2), nn.BatchNorm1d(2), nn.Dropout(p=0.5))


class _Uses(Callback):
    """Calls a function at the end of each epoch, and records the mode at the beginning of each step."""

    def __init__(self, network, call):
        self.network, self.call, self.modes = network, call, []

    def on_train_epoch_end(self, run_context):
        self.call()

    def on_train_step_begin(self, run_context):
        self.modes.append(tuple(cell.training for cell in self.network))


@pytest.mark.parametrize("sink", [False, True])
@pytest.mark.parametrize("use", ["eval", "predict", "eval of another Model", "train of another Model"])
def test_steps_after_an_evaluation_in_a_callback_are_in_training_mode(use, sink):
    network = _network()
    model = Model(network, nn.MSELoss(), nn.Momentum(network.trainable_params(), 0.0, 0.0), metrics={"loss"})
    other = Model(network, nn.MSELoss(), nn.Momentum(network.trainable_params(), 0.0, 0.0), metrics={"mse"})
    call = {
        "eval": lambda: model.eval(_data()),
        "predict": lambda: model.predict(Tensor(X)),
        "eval of another Model": lambda: other.eval(_data()),
        "train of another Model": lambda: other.train(1, _data()),
    }[use]
    callback = _Uses(network, call)
    model.train(2, _data(), callbacks=[callback], dataset_sink_mode=sink)
    assert callback.modes == [(True, True, True)] * 6
    assert not network.training


def test_dropout_and_batch_norm_continue_after_an_evaluation_in_a_callback():
    network = _network()
    model = Model(network, nn.MSELoss(), nn.Momentum(network.trainable_params(), 0.0, 0.0), metrics={"loss"})
    means = []

    def evaluate():
        means.append(network[1].moving_mean.asnumpy().copy())
        model.eval(_data())

    model.train(3, _data(), callbacks=[_Uses(network, evaluate)])
    assert not np.array_equal(means[0], means[1])
    assert not np.array_equal(means[1], means[2])


def test_a_cell_that_a_callback_froze_stays_frozen_after_the_validation_of_fit():
    class Freeze(_Uses):
        def on_train_begin(self, run_context):
            self.network[1].set_train(False)

    network = _network()
    model = Model(network, nn.MSELoss(), nn.Momentum(network.trainable_params(), 0.0, 0.0), metrics={"loss"})
    callback = Freeze(network, lambda: None)
    model.fit(2, _data(), _data(), callbacks=[callback])
    assert callback.modes == [(True, False, True)] * 6


def test_predict_with_a_training_cell_raises():
    network = nn.Dense(2, 2)
    step = nn.TrainOneStepCell(
        nn.WithLossCell(network, nn.MSELoss()), nn.Momentum(network.trainable_params(), 0.1, 0.9)
    )
    before = network.weight.asnumpy().copy()
    with pytest.raises(TrainError, match="would train it"):
        Model(step).predict(Tensor(X), Tensor(X))
    assert np.array_equal(network.weight.asnumpy(), before)
