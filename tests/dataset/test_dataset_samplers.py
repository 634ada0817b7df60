"""Samplers: orders, sizes, chaining and errors."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import dataset as ds
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError


def data_with(sampler, count=6):
    return ds.NumpySlicesDataset(np.arange(count), ["i"], sampler=sampler)


def order(sampler, count=6):
    return epoch(data_with(sampler, count))


def epoch(data):
    return [int(row[0]) for row in data.create_tuple_iterator(num_epochs=1, output_numpy=True)]


class Indexed:
    """Only `__getitem__` and `__len__`, as MindSpore accepts it."""

    def __init__(self, length):
        self.length = length

    def __getitem__(self, index):
        return [3, 1, 2, 0][index]

    def __len__(self):
        return self.length


class Endless(Indexed):
    def __getitem__(self, index):
        return index


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (ds.SequentialSampler(), [0, 1, 2, 3, 4, 5]),
        (ds.SequentialSampler(2, 3), [2, 3, 4]),
        (ds.SequentialSampler(2, 30), [2, 3, 4, 5]),
        (ds.SubsetSampler([1, 4, 4]), [1, 4, 4]),
        (ds.SubsetSampler(3), [3]),
        (ds.SubsetSampler([1, 4, 5], 2), [1, 4]),
        (ds.DistributedSampler(4, 2, shuffle=False), [2, 0]),
        (ds.DistributedSampler(4, 1, shuffle=False, num_samples=1), [1]),
        (ds.DistributedSampler(4, 0, shuffle=False, offset=1), [3]),
        (ds.DistributedSampler(4, 1, shuffle=False, offset=1), [0, 4]),
        (ds.DistributedSampler(4, 0, shuffle=False, offset=3), [1, 5]),
        (ds.DistributedSampler(4, 3, shuffle=False, offset=3), [0, 4]),
        ([5, 1, 1], [5, 1, 1]),
        (Indexed(2), [3, 1]),
        (Endless(3), [0, 1, 2]),
        (np.array([2, 3]), [2, 3]),
        (range(4, 6), [4, 5]),
    ],
)
def test_deterministic_orders(sampler, expected):
    assert order(sampler) == expected
    assert len(data_with(sampler)) == len(expected)
    assert data_with(sampler).dataset_size_hint() == len(expected)


@pytest.mark.parametrize(
    ("sampler", "size", "allowed", "distinct"),
    [
        (ds.RandomSampler(), 6, range(6), True),
        (ds.RandomSampler(False, 3), 3, range(6), True),
        (ds.RandomSampler(False, 30), 6, range(6), True),
        (ds.RandomSampler(True, 5), 5, range(6), False),
        (ds.RandomSampler(replacement=True), 6, range(6), False),
        (ds.SubsetRandomSampler([1, 4, 5]), 3, [1, 4, 5], True),
        (ds.SubsetRandomSampler([1, 4, 5], 2), 2, [1, 4, 5], True),
        (ds.WeightedRandomSampler([0, 0.5, 0.5]), 6, [1, 2], False),
        (ds.WeightedRandomSampler([0, 1, 3, 0, 0, 9], 2, replacement=False), 2, [1, 2, 5], True),
        (ds.DistributedSampler(2, 1), 3, range(6), True),
    ],
)
def test_random_orders(sampler, size, allowed, distinct):
    data = data_with(sampler)
    orders = [epoch(data) for _ in range(12)]
    assert len(data) == size
    assert all(len(one) == size and set(one) <= set(allowed) for one in orders)
    assert all(len(set(one)) == size for one in orders) or not distinct
    assert len({tuple(one) for one in orders}) > 1
    ds.config.set_seed(20)
    assert [epoch(data) for _ in range(12)] == orders


def test_weights_are_proportional_to_probabilities():
    data = data_with(ds.WeightedRandomSampler([1, 0, 3]), 4000)
    counts = np.bincount(epoch(data), minlength=3)
    assert counts[1] == 0
    assert abs(counts[2] / counts[0] - 3) < 0.4


def test_shards_of_an_epoch_share_an_order():
    shards = [data_with(ds.DistributedSampler(3, i), 9) for i in range(3)]
    seen = set()
    for _ in range(3):
        rows = [epoch(shard) for shard in shards]
        assert sorted(i for row in rows for i in row) == list(range(9))
        seen.add(str(rows))
    assert len(seen) == 3


class EverySecond(ds.Sampler):
    def __iter__(self):
        yield from range(self.dataset_size - 1, -1, -2)


def test_a_custom_sampler():
    assert order(EverySecond()) == [5, 3, 1]
    assert order(EverySecond(2)) == [5, 3]
    assert EverySecond(2).get_num_samples() == 2
    data = data_with(EverySecond())
    assert data.dataset_size_hint() is None
    assert data.get_dataset_size() == 3
    assert epoch(data.batch(2).repeat(2).take(1).map(lambda i: i.sum())) == [8]


def test_chained_samplers():
    sampler = ds.SequentialSampler(1, 2)
    sampler.add_child(ds.SubsetSampler([5, 3, 4]))
    assert order(sampler) == [3, 4]
    assert isinstance(sampler.get_child(), ds.SubsetSampler)
    assert len(data_with(sampler)) == 2
    with pytest.raises(DatasetError, match="there is a child sampler already"):
        sampler.add_child(ds.SequentialSampler())
    data = data_with(ds.SubsetSampler([5, 3, 4]))
    data.add_sampler(EverySecond())
    assert epoch(data) == [4, 5]
    data.use_sampler(ds.SubsetSampler([2]))
    assert epoch(data) == [2]


def test_an_iterable_is_truncated_to_num_samples():
    data = ds.NumpySlicesDataset(np.arange(6), sampler=[5, 1, 2], num_samples=2)
    assert epoch(data) == [5, 1]
    assert len(data) == 2


def test_a_builtin_sampler_can_be_iterated():
    sampler = ds.SequentialSampler(1)
    sampler.dataset_size = 4
    assert list(sampler) == [1, 2, 3]


class Fails(ds.Sampler):
    def __iter__(self):
        yield 1
        raise KeyError("mine")


class Nothing(ds.Sampler):
    pass


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (
            ds.SequentialSampler(20),
            "`start_index` must be less than the 6 elements of the source, but got 20",
        ),
        (
            ds.SubsetSampler([1, 9]),
            r"SubsetSampler yielded the index 9, but the source has 6 elements \(0 to 5\)",
        ),
        (ds.SubsetRandomSampler([-1]), "yielded the index -1"),
        ([7], "yielded the index 7"),
        ([[1, 2]], r"must yield integers, but yielded \[1, 2\]"),
        (["a"], "must yield integers, but yielded 'a'"),
        ([1.5], "must yield integers, but yielded 1.5"),
        (ds.WeightedRandomSampler([1.0] * 8), "there are 8 weights for a source of 6 elements"),
        (
            ds.WeightedRandomSampler([0, 1, 1], 3, False),
            "3 elements cannot be drawn.*because only 2 have a positive weight",
        ),
        (Fails(), r"the sampler Fails raised KeyError: 'mine' \(.*test_dataset_samplers.py:\d+\)"),
        (Nothing(), "Nothing: a sampler needs an `__iter__`"),
    ],
)
def test_invalid_orders(sampler, message):
    with pytest.raises(DatasetError, match=message):
        order(sampler)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: ds.SequentialSampler(-1),
            ArgumentError,
            "SequentialSampler: `start_index` must be at least 0",
        ),
        (lambda: ds.RandomSampler(3), ArgumentTypeError, "RandomSampler: `replacement` must be bool"),
        (
            lambda: ds.RandomSampler(num_samples="a"),
            ArgumentTypeError,
            "RandomSampler: `num_samples` must be an int",
        ),
        (lambda: ds.SubsetSampler(["a"]), ArgumentTypeError, "SubsetSampler: `indices` must be an int"),
        (lambda: ds.WeightedRandomSampler([0, 0]), ArgumentError, "at least one above 0"),
        (lambda: ds.WeightedRandomSampler([1, -1]), ArgumentError, r"`weights` must be in \[0.0, inf\)"),
        (lambda: ds.WeightedRandomSampler([1, float("inf")]), ArgumentError, "must be finite"),
        (lambda: ds.WeightedRandomSampler(3), ArgumentTypeError, "must be a list of numbers, but got int"),
        (lambda: ds.DistributedSampler(0, 0), ArgumentError, "`num_shards` must be at least 1"),
        (lambda: ds.DistributedSampler(4, 4), ArgumentError, "`shard_id` must be less than num_shards=4"),
        (
            lambda: ds.DistributedSampler(2, 0, offset=2),
            ArgumentError,
            "`offset` must be less than num_shards=2",
        ),
        (
            lambda: ds.RandomSampler().add_child(3),
            ArgumentTypeError,
            "`sampler` must be a Sampler, but got int",
        ),
    ],
)
def test_invalid_sampler_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
