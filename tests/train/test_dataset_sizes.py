"""Number of starts of the user's source, and number of batches in an epoch."""

from __future__ import annotations

import numpy as np
import pytest

import sporax
from sporax import Model, nn
from sporax import dataset as ds
from sporax._errors import ArgumentTypeError, DatasetError
from sporax.train import Callback, History, LossMonitor, ModelCheckpoint, ProgressBar, TimeMonitor

X = np.arange(8, dtype=np.float32).reshape(8, 1) / 8


class Source:
    """Yields elements; counts its starts and its elements."""

    def __init__(self, *counts):
        self.counts = counts or (8,)
        self.starts = self.given = 0

    def __iter__(self):
        count = self.counts[min(self.starts, len(self.counts) - 1)]
        self.starts += 1
        for i in range(count):
            self.given += 1
            yield X[i % 8], X[i % 8]


class Sized(Source):
    def __len__(self):
        return 8


class Batches(Source):
    """Batches without a dataset."""

    def __iter__(self):
        for x, y in super().__iter__():
            yield x[None], y[None]


class SizedBatches(Batches):
    def __len__(self):
        return 8


class Counting(ds.Sampler):
    def __init__(self):
        super().__init__()
        self.starts = 0

    def __iter__(self):
        self.starts += 1
        return iter(np.random.permutation(self.dataset_size).tolist())


class Steps(Callback):
    """Records epoch and step number of each step, and batch_num at the end of each epoch."""

    def __init__(self):
        self.steps, self.sizes = [], []

    def on_train_step_end(self, run_context):
        params = run_context.original_args()
        self.steps.append((params.cur_epoch_num, params.cur_step_num - params.steps_before_epoch))

    def on_train_epoch_end(self, run_context):
        self.sizes.append(run_context.original_args().batch_num)


def train(data, epochs=2, callbacks=None, **how):
    sporax.set_seed(2)
    net = nn.Dense(1, 1, weight_init="zeros", bias_init="zeros")
    Model(net, nn.MSELoss(), nn.Momentum(net.trainable_params(), 0.1, 0.9)).train(epochs, data, callbacks, **how)
    return net.weight.asnumpy().item(), net.bias.asnumpy().item()


sinks = pytest.mark.parametrize("sink", [False, True], ids=["plain", "sink"])


@sinks
@pytest.mark.parametrize("kind", [Source, Sized])
def test_a_source_is_started_once_an_epoch(kind, sink):
    source, steps = kind(), Steps()
    train(ds.GeneratorDataset(source, ["x", "y"]).batch(2), 3, steps, dataset_sink_mode=sink)
    assert (source.starts, source.given) == (3, 24)
    assert steps.steps == [(epoch, step) for epoch in (1, 2, 3) for step in (1, 2, 3, 4)]
    assert steps.sizes == [4, 4, 4]


@sinks
@pytest.mark.parametrize("kind", [Batches, SizedBatches])
def test_a_plain_iterable_too(kind, sink):
    source, steps = kind(), Steps()
    train(source, 2, steps, dataset_sink_mode=sink)
    assert (source.starts, source.given) == (2, 16)
    assert steps.sizes == [8, 8]


@sinks
def test_a_custom_sampler_is_started_once_an_epoch(sink):
    sampler = Counting()
    train(ds.NumpySlicesDataset((X, X), ["x", "y"], sampler=sampler).batch(2), 3, dataset_sink_mode=sink)
    assert sampler.starts == 3


def test_validation_starts_its_source_once_an_epoch():
    valid, net = Source(), nn.Dense(1, 1)
    model = Model(net, nn.MSELoss(), nn.Momentum(net.trainable_params(), 0.1, 0.9), metrics={"loss"})
    data = ds.NumpySlicesDataset((X, X), ["x", "y"]).batch(2)
    model.fit(2, data, ds.GeneratorDataset(valid, ["x", "y"]).batch(2), callbacks=History())
    assert (valid.starts, valid.given) == (2, 16)


def test_with_a_step_count_the_source_is_started_only_when_it_ends():
    source = Source()
    train(ds.GeneratorDataset(source, ["x", "y"]).batch(2), 4, dataset_sink_mode=True, sink_size=3)
    assert source.starts == 3, "12 steps are three passes of 4 batches"


@pytest.mark.parametrize("make", [lambda map_: map_(ds.GeneratorDataset(Source(), ["x", "y"])), lambda map_: map_(
    ds.NumpySlicesDataset((X, X), ["x", "y"], sampler=Counting()))], ids=["generator", "sampler"])  # fmt: skip
def test_both_sink_modes_see_the_same_random_augmentation(make):
    def noisy(x):
        return (x + np.random.normal(0, 0.1, x.shape)).astype(np.float32)

    results = []
    for sink in (False, True):
        np.random.seed(1)
        results.append(train(make(lambda data: data.map(noisy, "x").batch(2)), 3, dataset_sink_mode=sink))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)


# --- sizes that differ from `__len__` -------------------------------------------------------------------------


@sinks
@pytest.mark.parametrize(("count", "received"), [(2, "2"), (11, "at least 9")])
def test_a_source_must_yield_len_elements(count, received, sink):
    data = ds.GeneratorDataset(Sized(8, count), ["x", "y"]).batch(2)
    with pytest.raises(
        DatasetError, match=f"has 8 elements according to `__len__`, but it yielded {received} in epoch 2"
    ):
        train(data, dataset_sink_mode=sink)


@sinks
@pytest.mark.parametrize(("count", "received"), [(2, "2"), (11, "at least 9"), (0, "0")])
@pytest.mark.parametrize("epoch", [1, 2])
def test_an_iterable_must_yield_len_batches(count, received, epoch, sink):
    steps = Steps()
    message = f"Model.train: an epoch has 8 batches according to the dataset, but it gave {received} in epoch {epoch}"
    if epoch == 1 and not count:
        message = "gave no batches"
    with pytest.raises(DatasetError, match=message):
        train(SizedBatches(*([8] if epoch == 2 else []), count), callbacks=steps, dataset_sink_mode=sink)
    assert len(steps.steps) == 8 * (epoch - 1) + min(count, 8)


@sinks
def test_an_iterable_that_is_empty_in_the_second_epoch(sink):
    with pytest.raises(DatasetError, match="gave no batches in epoch 2.*`__iter__` start from the first batch"):
        train(Batches(4, 0), dataset_sink_mode=sink)


def test_a_validation_dataset_must_yield_len_batches():
    net = nn.Dense(1, 1)
    model = Model(net, nn.MSELoss(), metrics={"loss"})
    with pytest.raises(DatasetError, match="Model.eval: an epoch has 8 batches according to the dataset.*gave 2"):
        model.eval(SizedBatches(2))


@sinks
def test_epochs_may_differ_without_a_length(sink, capsys):
    steps = Steps()
    train(ds.GeneratorDataset(Source(8, 4, 6), ["x", "y"]).batch(2), 3, [steps, LossMonitor()], dataset_sink_mode=sink)
    assert steps.sizes == [4, 2, 3]
    printed = [line.split(", loss")[0] for line in capsys.readouterr().out.splitlines()]
    assert printed == [f"epoch: {e} step: {s}" for e, n in ((1, 4), (2, 2), (3, 3)) for s in range(1, n + 1)]


def test_an_endless_dataset_gives_one_repetition_an_epoch():
    steps = Steps()
    train(ds.NumpySlicesDataset((X, X), ["x", "y"]).batch(2).repeat(), 2, steps)
    assert steps.sizes == [4, 4]
    assert len(steps.steps) == 8


# --- callbacks while the size is unknown --------------------------------------------------------------------


def test_a_callback_that_reads_batch_num_in_the_first_epoch_causes_a_count():
    class Asks(Callback):
        def on_train_begin(self, run_context):
            params = run_context.original_args()
            assert params.get("batch_num") is None
            before = np.random.get_state()[1].tolist()
            assert params["batch_num"] == params.batch_num == params.get("batch_num") == 4
            assert np.random.get_state()[1].tolist() == before

    source = Source()
    noisy = ds.GeneratorDataset(source, ["x", "y"]).map(lambda x: x + np.random.random() * 0, "x")
    train(noisy.map(np.float32, "x").batch(2), 2, Asks())
    assert source.starts == 3


def test_an_initial_epoch_causes_a_count():
    source, steps = Source(), Steps()
    train(ds.GeneratorDataset(source, ["x", "y"]).batch(2), 3, steps, initial_epoch=2)
    assert source.starts == 2
    assert steps.steps == [(3, 1), (3, 2), (3, 3), (3, 4)]


def test_built_in_callbacks_do_not_need_the_size(tmp_path, capsys):
    source = Source()
    callbacks = [TimeMonitor(), ProgressBar(), LossMonitor(3), ModelCheckpoint("n", str(tmp_path))]
    train(ds.GeneratorDataset(source, ["x", "y"]).batch(2), 2, callbacks)
    assert source.starts == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "n-1_4.ckpt", "n-2_1.ckpt", "n-2_2.ckpt", "n-2_3.ckpt", "n-2_4.ckpt",
    ]  # fmt: skip
    out = capsys.readouterr().out
    assert "epoch 1/2: 4 steps" in out
    assert "epoch: 2 step: 2, loss" in out


# --- invalid datasets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((X, X), r"a tuple of 2 arrays\. Cut arrays into batches with dataset\.NumpySlicesDataset\(\(x, y\)"),
        (X, r"an array \(ndarray\)\. Cut arrays into batches with dataset\.NumpySlicesDataset"),
        (sporax.Tensor(X), r"an array \(Tensor\)"),
        (iter([(X, X)]), "got list_iterator, an iterator, which can be iterated only once.*`__iter__` is a generator"),
        ((pair for pair in [(X, X)]), "got generator, an iterator"),
        ({"x": X}, "an object whose `__iter__` starts again in each epoch.*got dict.*NumpySlicesDataset"),
        (3, "an object whose `__iter__` starts again in each epoch.*got int"),
    ],
)
def test_invalid_datasets(given, message):
    with pytest.raises(ArgumentTypeError, match=message):
        train(given)


def test_a_generator_in_a_dataset_can_be_read_for_one_epoch():
    data = ds.GeneratorDataset(((x, x) for x in X), ["x", "y"]).batch(2)
    steps = Steps()
    train(data, 1, steps)
    assert len(steps.steps) == 4
    with pytest.raises(
        DatasetError, match="iterator, which can be read only once.*whose `__iter__` starts from the first"
    ):
        train(data, 1)


def test_dict_columns_are_rejected_with_a_suggestion():
    def dicts():
        for x in X:
            yield {"a": x}, x

    data = ds.GeneratorDataset(dicts, ["d", "y"])
    with pytest.raises(DatasetError, match=r"column 'd' of the dataset contains dicts.*dataset\.map"):
        train(data.batch(2))
    train(data.map(lambda d: d["a"], "d").batch(2))
