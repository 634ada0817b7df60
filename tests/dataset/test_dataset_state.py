"""`state_dict` and `load_state_dict`: a second dataset continues where the first one was, also in another process."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sporax import dataset as ds
from sporax._errors import DatasetError, ResumeWarning
from sporax._seed import global_seed, set_global_seed

X = np.arange(23)


def elements():
    yield from (np.float32(i) for i in range(23))


class RandomAccess:
    def __len__(self):
        return 23

    def __getitem__(self, index):
        return np.float32(index)


class OddFirst(ds.Sampler):
    def __iter__(self):
        yield from (*range(1, self.dataset_size, 2), *range(0, self.dataset_size, 2))


def slices(**how):
    return ds.NumpySlicesDataset(X, ["x"], **how)


PIPELINES = {
    "slices": lambda: slices().batch(4),
    "no batch": lambda: slices(),
    "shuffle buffer": lambda: slices().shuffle(5).batch(4),
    "generator": lambda: ds.GeneratorDataset(elements, ["x"]).shuffle(7).batch(4),
    "random access": lambda: ds.GeneratorDataset(RandomAccess(), ["x"]).batch(4, drop_remainder=True),
    "batch, repeat": lambda: slices().batch(4).repeat(2),
    "repeat, batch": lambda: slices().shuffle(5).repeat(2).batch(4),
    "map": lambda: slices().map(lambda x: x * 2).batch(4),
    "per_batch_map": lambda: slices().batch(4, per_batch_map=lambda x, info: (np.array(x) + info.get_batch_num(),)),
    "batch sizes": lambda: slices().batch(lambda info: info.get_batch_num() + 1),
    "filter": lambda: slices().filter(lambda x: x % 3 > 0).batch(4),
    "zip": lambda: ds.zip((slices().shuffle(23), ds.NumpySlicesDataset(X, ["y"]))).batch(4),
    "concat": lambda: (slices() + slices().shuffle(9)).batch(4).project("x"),
    "split": lambda: slices().split([0.5, 0.5])[1].shuffle(4).batch(3),
    "take, skip": lambda: slices().skip(3).take(15).batch(4),
    "random sampler": lambda: slices(sampler=ds.RandomSampler(replacement=True)).batch(4),
    "weighted": lambda: slices(sampler=ds.WeightedRandomSampler([1.0] * 10, 17)).batch(3),
    "subset": lambda: slices(sampler=ds.SubsetRandomSampler(range(3, 20))).batch(3),
    "distributed": lambda: slices(num_shards=2, shard_id=1).batch(4),
    "user's sampler": lambda: slices(sampler=OddFirst()).batch(4),
}


def epoch(data):
    return [[column.tolist() for column in row] for row in data.create_tuple_iterator(num_epochs=1, output_numpy=True)]


def stacked(data):
    return [row.tolist() for _, (stack,) in data.stacked_batches(3) for row in stack]


def through_json(state):
    return json.loads(json.dumps(state))


@pytest.fixture(params=[None, 7], ids=["no seed", "seed"])
def seed(request, monkeypatch):
    monkeypatch.setattr(ds.config, "_own_seed", request.param)
    before = global_seed()
    set_global_seed(None)
    yield
    set_global_seed(before)


@pytest.fixture
def unseeded(monkeypatch):
    monkeypatch.setattr(ds.config, "_own_seed", None)
    before = global_seed()
    set_global_seed(None)
    yield
    set_global_seed(before)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_second_dataset_continues_after_every_row(name, seed):
    make = PIPELINES[name]
    rows = epoch(make())
    for used in range(1, len(rows) + 1):
        data = make()
        epoch(data)
        second = epoch(data)
        again = make()
        again.load_state_dict(through_json(data.state_dict(rows=used)))
        rest = epoch(again)
        assert rest == second[used:]
        assert epoch(again) == epoch(data)


@pytest.mark.parametrize("name", ["slices", "generator", "map", "repeat, batch", "user's sampler"])
def test_stacks_continue_too(name):
    data = PIPELINES[name]()
    rows = [row[0] for row in epoch(data)]
    for used in range(len(rows)):
        again = PIPELINES[name]()
        state = data.state_dict(rows=used) if used else data.state_dict() | {"epoch": 0}
        again.load_state_dict(state)
        assert stacked(again) == rows[used:]


def test_the_first_batch_may_determine_the_stack_size_and_is_read_once():
    starts, calls = [], []

    class Noted(ds.Sampler):
        def __iter__(self):
            starts.append(1)
            yield from range(self.dataset_size)

    def noted(x):
        calls.append(1)
        return x

    def size(batch):
        assert [column.shape for column in batch] == [(4,)]
        return 2

    columnar = slices(sampler=Noted()).batch(4)
    assert [n for n, _ in columnar.stacked_batches(size)] == [2, 2, 1, 1]
    assert len(starts) == 1
    python = slices(shuffle=False).map(noted).batch(4)
    assert [n for n, _ in python.stacked_batches(size)] == [2, 2, 1, 1]
    assert len(calls) == 23


def test_without_a_seed_each_epoch_and_each_dataset_has_its_own_order(unseeded):
    first, second = slices(), slices()
    orders = [epoch(first), epoch(first), epoch(second)]
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]
    together = epoch(ds.zip((slices(), ds.NumpySlicesDataset(X, ["y"]))))
    assert any(x != y for x, y in together), "without a seed, two shuffles of a pipeline are independent"


def test_a_later_seed_restarts():
    ds.config.set_seed(3)
    data = PIPELINES["slices"]()
    expected = epoch(data)
    ds.config.set_seed(8)
    other = epoch(data)
    again = PIPELINES["slices"]()
    again.load_state_dict(data.state_dict(rows=1))
    assert epoch(again) == other[1:]
    assert other != expected
    ds.config.set_seed(3)
    assert epoch(again) == expected


class RandomState(ds.Sampler):
    """A sampler with its own random generator and state."""

    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def __iter__(self):
        return iter(self.rng.permutation(self.dataset_size).tolist())

    def __call__(self, x):
        return x

    def state_dict(self):
        return self.rng.bit_generator.state

    def load_state_dict(self, state):
        self.rng.bit_generator.state = state


def test_the_state_includes_that_of_the_users_objects():
    data = slices(sampler=RandomState()).batch(4)
    epoch(data)
    state = through_json(data.state_dict())
    expected = epoch(data)
    again = slices(sampler=RandomState()).batch(4)
    again.load_state_dict(state)
    assert epoch(again) == expected


class Restarting:
    """An iterator whose `__iter__` restarts, which cannot be observed from the outside."""

    def __iter__(self):
        self.at = 0
        return self

    def __next__(self):
        self.at += 1
        if self.at > 6:
            raise StopIteration
        return np.float32(self.at)


def test_an_iterator_s_position_causes_a_warning():
    data = ds.GeneratorDataset(Restarting(), ["x"]).batch(2)
    assert len(epoch(data)) == 3
    again = ds.GeneratorDataset(Restarting(), ["x"]).batch(2)
    with pytest.warns(ResumeWarning, match="the source Restarting is an iterator.*Make `__iter__` a generator"):
        again.load_state_dict(data.state_dict(rows=1))
    assert len(epoch(again)) == 2


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: slices().batch(5), "batches was 6 and is now 5; batch_size was 4 and is now 5"),
        (lambda: slices(num_samples=22).batch(4), r"elements was \[23\] and is now \[22\]"),
        (lambda: slices().rename("x", "z").batch(4), r"columns was \['x'\] and is now \['z'\]"),
        (lambda: slices().shuffle(3).batch(4), r"operations was \['batch', 'numpyslices'\]"),
        (lambda: slices(sampler=RandomState()).batch(4), "batches was 6 and is now None"),
    ],
)
def test_the_state_of_another_dataset_raises(other, message):
    with pytest.raises(DatasetError, match=message):
        other().load_state_dict(PIPELINES["slices"]().state_dict(rows=1))


def test_a_state_of_another_kind_raises():
    with pytest.raises(DatasetError, match="`state` must be a result of `state_dict\\(\\)`.*but got 'list'"):
        slices().load_state_dict([])
    with pytest.raises(DatasetError, match="but got 9"):
        slices().load_state_dict({"version": 9})
    wanted = slices(sampler=[*range(23)])
    with_state = slices(sampler=[*range(23)]).map(RandomState())
    state = wanted.map(lambda x: x).state_dict()
    with pytest.raises(DatasetError, match=r"objects with their own state \[\]; this pipeline has 0 and"):
        with_state.load_state_dict(state)


class Promising:
    """Has length 4, but yields the given number of elements in each epoch."""

    def __init__(self, *counts):
        self.counts, self.starts = counts, 0

    def __len__(self):
        return 4

    def __iter__(self):
        self.starts += 1
        yield from (np.float32(i) for i in range(self.counts[self.starts - 1]))


@pytest.mark.parametrize(("count", "received"), [(2, "2"), (6, "at least 5")])
def test_a_source_must_yield_len_elements(count, received):
    source = Promising(4, count)
    data = ds.GeneratorDataset(source, ["x"]).batch(2)
    assert len(epoch(data)) == 2
    message = f"the source Promising has 4 elements according to `__len__`, but it yielded {received} in epoch 2"
    with pytest.raises(DatasetError, match=message):
        epoch(data)
    assert len(epoch(ds.GeneratorDataset(Promising(6), ["x"], num_samples=3))) == 3


def test_properties_do_not_draw_from_the_global_generators():
    def noisy(x):
        return x + np.random.random()

    data = slices(shuffle=False).map(noisy)
    np.random.seed(5)
    data.output_shapes(), data.output_types(), data.filter(lambda x: x >= 0).get_dataset_size()
    first = epoch(data)
    np.random.seed(5)
    assert epoch(data) == first
