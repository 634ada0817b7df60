"""Plain iterables of batches: each step sees its values and columns."""

from __future__ import annotations

import numpy as np
import pytest

import sporax
from sporax import Model, nn
from sporax._errors import DatasetError
from sporax.train import Callback, Loss

SIZE = 256
COUNT = 8


class Slow(nn.Cell):
    """Multiplies by the identity so often that a step is still running when the next batch is read."""

    def __init__(self):
        super().__init__()
        self.w = sporax.Parameter(sporax.Tensor(np.eye(SIZE), sporax.float32), name="w")

    def construct(self, x):
        h = x
        for _ in range(20):
            h = sporax.ops.matmul(h, self.w)
        return h


def difference(output, label):
    return (output - label).mean()


def filled(number, arrays=None):
    x, y = arrays or (np.empty((SIZE, SIZE), np.float32), np.empty((SIZE, SIZE), np.float32))
    x[...] = number
    y[...] = -3 * number
    return x, y


class Reused:
    """One pair of arrays for all batches, overwritten when the next batch is read."""

    def __init__(self, form=tuple):
        self.arrays = filled(0)
        self.form = form

    def __iter__(self):
        for number in range(COUNT):
            yield self.form(filled(number, self.arrays))
            filled(1e6, self.arrays)


class Losses(Callback):
    """Stores the losses without waiting for them."""

    def __init__(self):
        self.kept = []

    def on_train_step_end(self, run_context):
        self.kept.append(run_context.original_args().net_outputs)

    @property
    def values(self):
        return [float(loss.asnumpy()) for loss in self.kept]


def trained(data, sink, epochs=2, net=None, loss=difference):
    net = net or Slow()
    losses = Losses()
    model = Model(net, loss, nn.SGD(net.trainable_params(), 0.0), metrics={"loss": Loss()})
    model.train(epochs, data, callbacks=[losses], dataset_sink_mode=sink)
    return losses.values


@pytest.mark.parametrize("form", [tuple, lambda arrays: dict(zip("xy", arrays, strict=True))])
@pytest.mark.parametrize("sink", [False, True])
def test_arrays_that_are_reused_for_the_next_batch(sink, form):
    assert trained(Reused(form), sink) == [4.0 * number for number in range(COUNT)] * 2


def test_arrays_that_training_and_validation_share():
    data = Reused()
    net = Slow()
    losses = Losses()
    model = Model(net, difference, nn.SGD(net.trainable_params(), 0.0), metrics={"loss": Loss()})
    model.fit(1, data, data, callbacks=[losses], dataset_sink_mode=False)
    assert losses.values == [4.0 * number for number in range(COUNT)]
    assert model.eval(data)["loss"] == np.mean([4.0 * number for number in range(COUNT)])


class Same(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = sporax.Parameter(sporax.Tensor(1, sporax.float32), name="w")

    def construct(self, x):
        return x * self.w


@pytest.mark.parametrize("sink", [False, True])
def test_columns_of_dicts_are_matched_by_name(sink):
    one, two = np.full((3, 2), 1, np.float32), np.full((3, 2), 2, np.float32)
    data = [{"x": one, "y": two}, {"y": two, "x": one}, {"y": two, "x": one}]
    assert trained(data, sink, 1, Same()) == [-1.0, -1.0, -1.0]


@pytest.mark.parametrize("sink", [False, True])
@pytest.mark.parametrize("other", [lambda a: {"x": a, "z": a}, lambda a: {"x": a}, lambda a: (a, a)])
def test_batches_of_another_form_raise(other, sink):
    one = np.ones((3, 2), np.float32)
    with pytest.raises(DatasetError, match=r"first batch was a dict of \['x', 'y'\], but a later one is a"):
        trained([{"x": one, "y": one}, other(one)], sink, 1, Same())
    with pytest.raises(DatasetError, match="first batch was not a dict, but a later one is a dict of"):
        trained([(one, one), {"x": one, "y": one}], sink, 1, Same())


def test_batches_of_different_dtypes_are_not_stacked():
    """If they were stacked, half precision would become float64, and the square would not be rounded."""
    values = np.full((2, 2), 1 / 3)
    batches = [(values.astype(dtype), values) for dtype in (np.float16, np.float32, np.float16, np.float64)]

    class Square(Same):
        def construct(self, x):
            return x * x

    def loss(output, label):
        return (output.astype(sporax.float64) * label).sum()

    expected = [float(((x * x).astype(np.float64) * y).sum()) for x, y in batches]
    for sink in (False, True):
        np.testing.assert_allclose(trained(batches, sink, 1, Square(), loss), expected, rtol=1e-12)
