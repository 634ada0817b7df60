"""shuffle, take, skip, repeat, project, rename, zip, concat, filter, map, split, and the iterators."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import dataset as ds
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError


def source(count=6, names=("x", "y"), **arguments):
    rows = [(np.array([i], np.float32), np.array(10 * i)) for i in range(count)]
    return ds.GeneratorDataset(rows, list(names), **{"shuffle": False, **arguments})


def stream(count=6, names=("x", "y")):
    rows = [(np.array([i], np.float32), np.array(10 * i)) for i in range(count)]
    return ds.GeneratorDataset(lambda: iter(rows), list(names))


def read(data):
    return list(data.create_tuple_iterator(num_epochs=1, output_numpy=True))


def column(data, position=0):
    return [row[position].ravel().tolist() if row[position].ndim > 1 else row[position].tolist() for row in read(data)]


def firsts(data):
    return [row[0].ravel()[0].item() for row in read(data)]


# Orders


def test_a_seed_repeats_the_orders_which_differ_between_epochs():
    def three_epochs():
        ds.config.set_seed(4)
        data = source(30, shuffle=True)
        return [firsts(data) for _ in range(3)]

    orders = three_epochs()
    assert orders == three_epochs()
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == list(range(30)) for order in orders)


def test_set_seed_restarts_the_epochs():
    data = source(30).shuffle(30)
    first = [firsts(data), firsts(data)]
    ds.config.set_seed(20)
    assert [firsts(data), firsts(data)] == first
    ds.config.set_seed(21)
    assert firsts(data) != first[0]


def test_the_global_seed_is_used_if_none_was_set(monkeypatch):
    from sporax import _seed

    monkeypatch.setattr(ds.config, "_own_seed", None)
    monkeypatch.setattr(_seed, "_GLOBAL", None)
    data = source(30).shuffle(30)
    assert len({tuple(firsts(data)) for _ in range(3)}) == 3
    assert ds.config.get_seed() == 5489
    orders = []
    for _ in range(2):
        _seed.set_global_seed(9)
        assert ds.config.get_seed() == 9
        orders.append([firsts(source(30).shuffle(30)), firsts(source(30, shuffle=True))])
    assert orders[0] == orders[1]


def test_without_a_seed_orders_differ_and_shards_agree(monkeypatch):
    from sporax import _seed

    monkeypatch.setattr(ds.config, "_own_seed", None)
    monkeypatch.setattr(_seed, "_GLOBAL", None)
    assert firsts(source(40, shuffle=True)) != firsts(source(40, shuffle=True))
    parts = [firsts(source(9, shuffle=None, num_shards=3, shard_id=i)) for i in range(3)]
    assert sorted(x for part in parts for x in part) == list(range(9))


def test_inspecting_a_dataset_does_not_consume_an_epoch():
    data = source(30, shuffle=True).filter(lambda x: True, "x")
    other = source(30, shuffle=True).filter(lambda x: True, "x")
    data.output_shapes()
    data.output_types()
    data.get_dataset_size()
    assert firsts(data) == firsts(other)


def test_repetitions_have_the_orders_of_further_epochs():
    whole = firsts(source(20, shuffle=True).repeat(3))
    single = source(20, shuffle=True)
    assert whole == [x for _ in range(3) for x in firsts(single)]


def test_zip_of_two_shuffles_stays_aligned_under_a_seed():
    data = ds.zip((source(20, shuffle=True), source(20, ("a", "b"), shuffle=True)))
    assert all(row[0][0] == row[2][0] for row in read(data))


# Rows


@pytest.mark.parametrize("make", [source, stream])
def test_take_and_skip(make):
    assert firsts(make().take(2)) == [0, 1]
    assert firsts(make().take()) == [0, 1, 2, 3, 4, 5]
    assert firsts(make().take(100)) == [0, 1, 2, 3, 4, 5]
    assert firsts(make().skip(4)) == [4, 5]
    assert firsts(make().skip(1).take(3).skip(1)) == [2, 3]
    assert firsts(make().repeat(2).skip(5).take(3)) == [5, 0, 1]
    assert column(make().batch(2).skip(1).take(1)) == [[2, 3]]
    assert column(make().batch(4).repeat(2).skip(1)) == [[4, 5], [0, 1, 2, 3], [4, 5]]


@pytest.mark.parametrize("make", [source, stream])
def test_endless_repeat(make):
    data = make(3).repeat()
    rows = iter(data.create_tuple_iterator(num_epochs=1, output_numpy=True))
    assert [next(rows)[0].item() for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert data.get_repeat_count() == -1
    assert data.get_dataset_size() == 3
    assert data.dataset_size_hint() is None
    assert firsts(data.take(5)) == [0, 1, 2, 0, 1]
    assert column(make(3).repeat().batch(2).take(2)) == [[0, 1], [2, 0]]
    groups = make(3).repeat(-1).batch(2).stacked_batches(2)
    assert [next(groups)[0] for _ in range(3)] == [2, 2, 2]


def test_a_long_repeat_stores_no_concatenated_order():
    data = source(1000, shuffle=True).repeat(10**9).batch(32)
    assert data.get_dataset_size() == 1000 * 10**9 // 32
    assert len(next(iter(data.create_tuple_iterator(num_epochs=1, output_numpy=True)))[0]) == 32


@pytest.mark.parametrize("make", [source, stream])
def test_columns(make):
    data = make(2)
    assert data.project("y").get_col_names() == ["y"]
    assert [len(row) for row in read(data.project(["y"]))] == [1, 1]
    assert column(data.project(["y", "x"])) == [0, 10]
    assert column(data.batch(2).project(["y", "x"])) == [[0, 10]]
    assert data.rename("x", "a").get_col_names() == ["a", "y"]
    assert data.rename(["x", "y"], ["y", "x"]).get_col_names() == ["y", "x"]
    assert data.get_col_names() == ["x", "y"]
    rows = data.create_tuple_iterator(columns=["y"], num_epochs=1, output_numpy=True)
    assert [row[0].item() for row in rows] == [0, 10]


@pytest.mark.parametrize("make", [source, stream])
@pytest.mark.parametrize("other", [source, stream])
def test_zip_and_concat(make, other):
    both = make(3).zip(other(5, ("a", "b")))
    assert both.get_col_names() == ["x", "y", "a", "b"]
    assert [[value.item() for value in row] for row in read(both)] == [[i, 10 * i, i, 10 * i] for i in range(3)]
    assert len(both) == 3
    assert firsts(make(2) + other(3)) == [0, 1, 0, 1, 2]
    assert firsts(make(1).concat([other(2), make(1)])) == [0, 0, 1, 0]
    assert len(make(2) + other(3)) == 5
    assert sorted(firsts((make(4) + other(3)).shuffle(9))) == [0, 0, 1, 1, 2, 2, 3]
    assert column((make(3) + other(3)).batch(4)) == [[0, 1, 2, 0], [1, 2]]
    batches = ds.zip((make(4).batch(2), other(4, ("a", "b")).batch(2)))
    assert [row[2][:, 0].tolist() for row in read(batches)] == [[0, 1], [2, 3]]


def test_zip_and_concat_of_lists_stay_columnar():
    data = ds.zip((source(8), source(9, ("a", "b"))))
    assert np.shares_memory(read(data.batch(4))[0][0], read(data.batch(4))[0][0])
    joined = (source(8) + source(8)).batch(4)
    assert np.shares_memory(read(joined)[3][0], read(joined)[3][0])


@pytest.mark.parametrize("make", [source, stream])
def test_filter(make):
    assert firsts(make().filter(lambda x, y: y > 30)) == [4, 5]
    assert firsts(make().filter(lambda x: x > 3, input_columns=["x"])) == [4, 5]
    assert firsts(make().filter(lambda y: bool(y <= 10), "y")) == [0, 1]
    assert len(make().filter(lambda x: x > 3, "x")) == 2


@pytest.mark.parametrize("make", [source, stream])
def test_map(make):
    def output(*arguments, **named):
        data = make(2).map(*arguments, **named)
        return data.get_col_names(), [[value.item() for value in row] for row in read(data)]

    assert output(lambda x: x + 1) == (["x", "y"], [[1, 0], [2, 10]])
    assert output(lambda y: y + 1, "y") == (["x", "y"], [[0, 1], [1, 11]])
    assert output([lambda x: x + 1, lambda x: x * 2], ["x"]) == (["x", "y"], [[2, 0], [4, 10]])
    assert output(lambda y, x: (y + 1, x), ["y", "x"]) == (["x", "y"], [[0, 1], [1, 11]])
    assert output(lambda x, y: x + y, ["x", "y"], ["s"]) == (["s"], [[0], [11]])
    assert output(lambda y: (y, y + 1), ["y"], ["a", "b"]) == (["a", "b", "x"], [[0, 1, 0], [10, 11, 1]])
    assert output(lambda x: x, ["y"], ["a"]) == (["x", "a"], [[0, 0], [1, 10]])
    assert output(lambda x: x, ["x"], column_order=["y", "x"]) == (["y", "x"], [[0, 0], [10, 1]])
    assert output([lambda x, y: (x, y, x + y), lambda a, b, c: c], ["x", "y"], "t") == (["t"], [[0], [11]])
    assert len(make(4).map(lambda x: x)) == 4


def test_results_of_map_become_arrays():
    for result, dtype, shape in (
        (3, np.int64, ()),
        (2.5, np.float64, ()),
        ([1, 2], np.int64, (2,)),
        ("a", "<U1", ()),
    ):
        ((x, _),) = read(source(1).map(lambda x, result=result: result))
        assert (x.dtype, x.shape) == (np.dtype(dtype), shape)


def test_a_map_may_write_to_its_arrays():
    def negate(x):
        x *= -1
        return x

    data = source(3)
    assert firsts(data.map(negate, "x")) == [0, -1, -2]
    assert firsts(data) == [0, 1, 2]


def test_map_on_batches():
    data = source(4).batch(2).map(lambda x: x.sum(), "x")
    assert [row[0].item() for row in read(data)] == [1, 5]


# Split


@pytest.mark.parametrize("make", [source, stream, lambda count: source(count).map(lambda x: x)])
def test_split_divides_the_rows(make):
    assert [firsts(part) for part in make(10).split([6, 4], randomize=False)] == [
        [*range(6)],
        [*range(6, 10)],
    ]
    parts = make(10).split([6, 4])
    rows = [[firsts(part) for _ in range(2)] for part in parts]
    assert rows[0][0] == rows[0][1]
    assert sorted(rows[0][0] + rows[1][0]) == list(range(10))
    assert rows[0][0] != list(range(6))


def test_split_of_a_shuffled_source_never_overlaps(monkeypatch):
    for seed in (3, None):
        monkeypatch.setattr(ds.config, "_own_seed", seed)
        train, test = source(20, shuffle=True).split([0.75, 0.25], randomize=False)
        for _ in range(3):
            assert sorted(firsts(train) + firsts(test)) == list(range(20))
        orders = [firsts(train.shuffle(20)) for _ in range(2)]
        assert sorted(orders[0]) == sorted(orders[1]) == sorted(firsts(train))


@pytest.mark.parametrize(
    ("count", "sizes", "expected"),
    [
        (10, [0.75, 0.25], [8, 2]),
        (10, [0.34, 0.33, 0.33], [4, 3, 3]),
        (7, [0.25] * 4, [1, 2, 2, 2]),
        (5, [1.0], [5]),
        (10, [3, 7], [3, 7]),
    ],
)
def test_split_sizes(count, sizes, expected):
    assert [len(part) for part in source(count).split(sizes)] == expected


# Properties


def test_properties():
    data = source(10).repeat(3).batch(4).repeat(2)
    assert (data.get_batch_size(), data.get_repeat_count(), len(data)) == (4, 2, 16)
    batches = source(10).batch(4)
    assert (batches.get_batch_size(), batches.get_repeat_count(), len(batches)) == (4, 1, 3)
    assert batches.output_shapes() == [[4, 1], [4]]
    assert batches.output_shapes(estimate=True) == [[None, 1], [None]]
    assert batches.output_types() == [np.float32, np.int64]
    assert source().get_batch_size() == 1
    assert source(10).batch(4).batch(2).get_batch_size() == 2
    assert stream(4).dataset_size_hint() is None
    assert stream(4).get_dataset_size() == 4
    assert source(4).apply(lambda data: data.batch(2)).get_dataset_size() == 2


# Iterators


def test_an_iterator_raises_after_num_epochs():
    rows = source(3, shuffle=True).create_tuple_iterator(num_epochs=2, output_numpy=True)
    epochs = [[row[0].item() for row in rows] for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == [0, 1, 2]
    with pytest.raises(DatasetError, match=r"created with num_epochs=2, and all of them were read"):
        next(rows)


def test_an_iterator_without_num_epochs_is_endless():
    rows = source(2).create_tuple_iterator(output_numpy=True)
    assert [[row[0].item() for row in rows] for _ in range(3)] == [[0, 1]] * 3
    assert next(rows)[0] == 0
    assert [row[0].item() for row in rows] == [1]
    assert rows.get_next()[0] == 0
    rows.stop()
    with pytest.raises(DatasetError, match="all of them were read"):
        next(rows)


def test_dict_iterator():
    rows = list(source(2).create_dict_iterator(num_epochs=1, output_numpy=True))
    assert [list(row) for row in rows] == [["x", "y"]] * 2
    assert rows[1]["y"] == 10


def test_do_copy_copies_each_row():
    data = source(4).batch(2)
    for rows in (
        data.create_tuple_iterator(num_epochs=1, output_numpy=True, do_copy=True),
        ({0: row["x"]} for row in data.create_dict_iterator(num_epochs=1, output_numpy=True, do_copy=True)),
    ):
        for row in rows:
            row[0][:] = -1
    assert firsts(data) == [0, 2]


def test_rows_are_lists_of_tensors():
    from sporax.core import Tensor

    for row in source(2):
        assert type(row) is list
        assert all(isinstance(value, Tensor) for value in row)
        assert [tuple(value.shape) for value in row] == [(1,), ()]
        assert [value.asnumpy().dtype for value in row] == [np.float32, np.int64]
    (named,) = source(1).create_dict_iterator(num_epochs=1)
    assert isinstance(named["x"], Tensor)
    (text,) = ds.NumpySlicesDataset(["ab"], ["s"])
    assert isinstance(text[0], np.ndarray)
    (copied,) = source(1).create_tuple_iterator(num_epochs=1, do_copy=True)
    assert isinstance(copied[0], Tensor)


def test_every_dataset_implements_the_protocol():
    for data in (source(), stream(), source().batch(2), source().map(lambda x: x)):
        assert isinstance(data, ds.BatchSource)
    assert not isinstance([1, 2], ds.BatchSource)


# Errors


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda d: d.shuffle(1), ArgumentError, "shuffle: `buffer_size` must be at least 2, but got 1"),
        (
            lambda d: d.take(0),
            ArgumentError,
            r"take: `count` must be -1 \(all rows\) or at least 1, but got 0",
        ),
        (lambda d: d.take(1.5), ArgumentTypeError, "take: `count` must be an int"),
        (lambda d: d.skip(-1), ArgumentError, "skip: `count` must be at least 0, but got -1"),
        (lambda d: d.repeat(0), ArgumentError, "repeat: `count` must be None or -1"),
        (
            lambda d: d.project(["z"]),
            DatasetError,
            "project: there is no column 'z'. The columns are 'x', 'y'",
        ),
        (lambda d: d.project(["xx"]), DatasetError, "Did you mean 'x'"),
        (
            lambda d: d.project(["x", "x"]),
            ArgumentError,
            "project: column names must be unique.*'x' twice",
        ),
        (lambda d: d.rename("z", "a"), DatasetError, "rename: there is no column 'z'"),
        (lambda d: d.rename("x", "y"), DatasetError, "rename: the columns would be 'y', 'y', with a duplicate name"),
        (lambda d: d.rename(["x"], ["a", "b"]), ArgumentError, "must have the same length, but got 1 and 2"),
        (lambda d: ds.zip((d, d)), DatasetError, "zip: the column 'x' is in more than one.*rename"),
        (lambda d: ds.zip((d,)), ArgumentError, "zip: at least two datasets are needed, but got 1"),
        (lambda d: ds.zip(d), ArgumentTypeError, "zip: `datasets` must be a tuple of datasets"),
        (lambda d: d.zip(5), ArgumentTypeError, "zip: `datasets` must be a dataset or a tuple"),
        (lambda d: d.concat([5]), ArgumentTypeError, "concat: `datasets` must be datasets, but number 1"),
        (lambda d: d + d.rename("x", "a"), DatasetError, r"concat: .*\['x', 'y'\] and \['a', 'y'\].*rename"),
        (lambda d: d.map(5), ArgumentTypeError, "map: `operations` must be callables, but got 5"),
        (lambda d: d.map([]), ArgumentError, "map: `operations` must hold at least one callable"),
        (lambda d: d.map(abs, "z"), DatasetError, "map: there is no column 'z'"),
        (lambda d: d.map(abs, "x", "y"), ArgumentError, "`output_columns` would give 'y' twice"),
        (lambda d: d.map(abs, cache=1), ArgumentTypeError, "map: `cache` is not supported"),
        (lambda d: d.map(abs, num_parallel_workers=0), ArgumentError, "map: `num_parallel_workers` must be"),
        (lambda d: d.filter(5), ArgumentTypeError, "filter: `predicate` must be callable, but got 5"),
        (lambda d: d.filter(abs, "z"), DatasetError, "filter: there is no column 'z'"),
        (lambda d: d.apply(5), ArgumentTypeError, "apply: `apply_func` must be callable"),
        (lambda d: d.apply(len), ArgumentTypeError, "must return a dataset, but it returned int"),
        (lambda d: d.split([3, 2]), ArgumentError, r"must sum to the 6 rows.*\[3, 2\] sum to 5"),
        (lambda d: d.split([0.5, 0.4]), ArgumentError, "fractions must be positive and sum to 1"),
        (lambda d: d.split([0.05, 0.95]), ArgumentError, "would leave a part empty"),
        (lambda d: d.split([0.5, 3]), ArgumentTypeError, "must be all ints or all floats"),
        (lambda d: d.split([]), ArgumentTypeError, "`sizes` must be a list"),
        (lambda d: d.create_tuple_iterator(num_epochs=0), ArgumentError, "`num_epochs` must be at least 1"),
        (lambda d: d.create_tuple_iterator(["z"]), DatasetError, "there is no column 'z'"),
        (lambda d: list(d.stacked_batches(0)), ArgumentError, "stacked_batches: `count` must be at least 1"),
    ],
)
def test_invalid_operations(make, error, message):
    with pytest.raises(error, match=message):
        make(source())


def test_config_checks_its_values():
    ds.config.set_num_parallel_workers(3)
    ds.config.set_prefetch_size(7)
    assert (ds.config.get_num_parallel_workers(), ds.config.get_prefetch_size()) == (3, 7)
    for call, value, error in (
        (ds.config.set_seed, -1, ArgumentError),
        (ds.config.set_seed, 2**32, ArgumentError),
        (ds.config.set_seed, "a", ArgumentTypeError),
        (ds.config.set_num_parallel_workers, 0, ArgumentError),
        (ds.config.set_prefetch_size, 0, ArgumentError),
    ):
        with pytest.raises(error, match=f"config.{call.__name__}: `"):
            call(value)
    assert ds.config.get_seed() == 20
