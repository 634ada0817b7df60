"""batch, padded_batch, per_batch_map and stacked_batches."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import dataset as ds
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError


def source(count=10, **arguments):
    rows = [(np.array([i, -i], np.float32), np.array(10 * i)) for i in range(count)]
    return ds.GeneratorDataset(rows, ["x", "y"], **{"shuffle": False, **arguments})


def stream(count=10):
    rows = [(np.array([i, -i], np.float32), np.array(10 * i)) for i in range(count)]
    return ds.GeneratorDataset(lambda: iter(rows), ["x", "y"])


def ragged(count=4, in_memory=True):
    rows = [(np.arange(i + 1, dtype=np.float32), np.ones((2, i + 1), np.int32)) for i in range(count)]
    if in_memory:
        return ds.GeneratorDataset(rows, ["x", "y"], shuffle=False)
    return ds.GeneratorDataset(lambda: iter(rows), ["x", "y"])


def read(data):
    return list(data.create_tuple_iterator(num_epochs=1, output_numpy=True))


@pytest.mark.parametrize("make", [source, stream])
def test_batches(make):
    rows = read(make().batch(4))
    assert [[value.shape for value in row] for row in rows] == [[(4, 2), (4,)]] * 2 + [[(2, 2), (2,)]]
    assert [row[1].tolist() for row in rows] == [[0, 10, 20, 30], [40, 50, 60, 70], [80, 90]]
    assert [value.dtype for value in rows[0]] == [np.float32, np.int64]
    assert len(read(make().batch(4, drop_remainder=True))) == 2
    assert len(read(make().batch(4, True))) == 2
    assert [row[1].shape for row in read(make().batch(4).batch(2, True))] == [(2, 4)]
    assert len(make().batch(4, True)) == 2


def test_batches_of_a_list_in_order_are_views():
    data = source()
    whole = data._source().columns
    for row in read(data.batch(3)) + read(data.skip(1).take(7).project(["x", "y"]).batch(2, True)):
        for value, column in zip(row, whole, strict=True):
            assert np.shares_memory(value, column)
            assert not value.flags.writeable


def test_shuffled_batches_are_views_of_one_copy():
    rows = read(source(shuffle=True).batch(3))
    assert rows[0][0].base is not None
    assert rows[0][0].base is rows[1][0].base or np.shares_memory(rows[0][0].base, rows[1][0].base)


def test_copies_have_a_bounded_size_and_keep_the_order():
    rows = [(np.full(200_000, i, np.float32),) for i in range(13)]
    data = ds.GeneratorDataset(rows, ["x"], shuffle=True)
    ds.config.set_seed(1)
    order = [int(x[0]) for (x,) in read(data)]
    ds.config.set_seed(1)
    batches = [x[:, 0].astype(int).tolist() for (x,) in read(data.batch(2))]
    assert [i for batch in batches for i in batch] == order
    ds.config.set_seed(1)
    stacks = [x[..., 0].astype(int).ravel().tolist() for _, (x,) in data.batch(2).stacked_batches(4)]
    assert [i for stack in stacks for i in stack] == order


def test_a_batch_that_spans_two_datasets():
    rows = read((source(3) + source(4)).batch(5))
    assert [row[1].tolist() for row in rows] == [[0, 10, 20, 0, 10], [20, 30]]


# Stacks


@pytest.mark.parametrize("make", [source, stream])
def test_stacked_batches(make):
    stacks = list(make().batch(3).stacked_batches(2))
    assert [(n, x.shape, y.shape) for n, (x, y) in stacks] == [
        (2, (2, 3, 2), (2, 3)),
        (1, (1, 3, 2), (1, 3)),
        (1, (1, 1, 2), (1, 1)),
    ]
    assert stacks[0][1][1].tolist() == [[0, 10, 20], [30, 40, 50]]


def test_stacks_of_a_list_in_order_are_views():
    data = source()
    whole = data._source().columns
    for _, columns in data.batch(2).stacked_batches(3):
        for value, column in zip(columns, whole, strict=True):
            assert np.shares_memory(value, column)


def test_stacks_are_filled_across_repetitions():
    stacks = list(source(6, shuffle=True).batch(2).repeat(3).stacked_batches(4))
    assert [n for n, _ in stacks] == [4, 4, 1]
    stacks = list(source(5).batch(2).repeat(2).stacked_batches(4))
    assert [(n, x.shape[1]) for n, (x, _) in stacks] == [(2, 2), (1, 1), (2, 2), (1, 1)]


# per_batch_map


@pytest.mark.parametrize("make", [source, stream])
def test_per_batch_map(make):
    seen = []

    def scaled(x, y, info):
        assert type(x) is list
        assert all(type(value) is np.ndarray for value in x + y)
        seen.append((info.get_epoch_num(), info.get_batch_num()))
        x[0] *= 1
        return [value * 10 for value in x], np.stack(y) + info.get_batch_num()

    data = make(4).batch(2, per_batch_map=scaled)
    for _ in range(2):
        rows = read(data)
        assert [row[0][:, 0].tolist() for row in rows] == [[0, 10], [20, 30]]
        assert [row[1].tolist() for row in rows] == [[0, 10], [21, 31]]
    assert seen == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_per_batch_map_columns():
    def output(function, **named):
        data = source(2).batch(2, per_batch_map=function, **named)
        return data.get_col_names(), [value.tolist() for value in read(data)[0]]

    x, y = [[0, 0], [1, -1]], [0, 10]
    assert output(lambda y, i: y, input_columns="y") == (["x", "y"], [x, y])
    assert output(lambda y, i: ([v + 1 for v in y],), input_columns=["y"])[1] == [x, [1, 11]]
    assert output(lambda y, i: (y, y), input_columns=["y"], output_columns=["a", "b"]) == (
        ["a", "b", "x"],
        [y, y, x],
    )
    assert output(lambda y, i: y, input_columns=["y"], output_columns=["a"]) == (["x", "a"], [x, y])


def test_batch_size_as_a_function():
    data = source(6).batch(lambda info: info.get_batch_num() + 1)
    assert [row[1].tolist() for row in read(data)] == [[0], [10, 20], [30, 40, 50]]
    assert data.dataset_size_hint() is None
    assert len(data) == 3
    assert len(source(7).batch(lambda info: 3, drop_remainder=True)) == 2
    assert data.get_batch_size() == -1


# Padding


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("info", [None, {}, {"x": None, "y": (None, None)}, {("x", "y")[0]: ([None], 0), "y": None}])
def test_padding_to_the_maximum(in_memory, info):
    rows = read(ragged(4, in_memory).padded_batch(2, pad_info=info))
    assert [[value.shape for value in row] for row in rows] == [[(2, 2), (2, 2, 2)], [(2, 4), (2, 2, 4)]]
    assert rows[0][0].tolist() == [[0, 0], [0, 1]]
    assert rows[0][1].tolist() == [[[1, 0], [1, 0]], [[1, 1], [1, 1]]]
    assert [value.dtype for value in rows[0]] == [np.float32, np.int32]


def test_padding_to_a_shape_and_with_a_value():
    info = {"x": ([5], -1), "y": ([2, None], 0)}
    for data in (ragged().padded_batch(2, pad_info=info), ragged().batch(2, pad_info=info)):
        rows = read(data)
        assert rows[1][0].tolist() == [[0, 1, 2, -1, -1], [0, 1, 2, 3, -1]]
        assert rows[1][1].shape == (2, 2, 4)
    cut = read(ragged().project("x").padded_batch(4, pad_info={"x": ([2], 7)}))
    assert cut[0][0].tolist() == [[0, 7], [0, 1], [0, 1], [0, 1]]
    words = ds.NumpySlicesDataset([["a"], ["b", "cd"]], ["w"], shuffle=False)
    assert read(words.padded_batch(2))[0][0].tolist() == [["a", ""], ["b", "cd"]]
    assert read(words.padded_batch(2, pad_info={"w": (None, "none")}))[0][0].tolist() == [
        ["a", "none"],
        ["b", "cd"],
    ]


def test_padding_some_columns_does_not_change_the_others():
    rows = [(np.ones(i + 1), np.array([i])) for i in range(2)]
    data = ds.GeneratorDataset(rows, ["x", "y"], shuffle=False).padded_batch(2, pad_info={"x": ([3], 0)})
    assert [value.shape for value in read(data)[0]] == [(2, 3), (2, 1)]
    with pytest.raises(DatasetError, match=r"batch: column 'y' has elements of different shapes"):
        read(ragged().padded_batch(2, pad_info={"x": ([5], -1)}))


# Errors


@pytest.mark.parametrize("in_memory", [True, False])
def test_elements_of_different_shape(in_memory):
    with pytest.raises(
        DatasetError,
        match=r"batch: column 'x' has elements of different shapes: \(1,\) at element 0 and \(2,\) at "
        r"element 1.*padded_batch\(\.\.\., pad_info=\{\}\)",
    ):
        read(ragged(4, in_memory).batch(2))


@pytest.mark.parametrize("first", [4, 2])
def test_columnar_datasets_of_different_shape(first):
    other = ds.NumpySlicesDataset((np.ones((3, 5), np.float32), np.arange(3)), ["x", "y"], shuffle=False)
    message = rf"column 'x'.*\(2,\) at element {first - 1} and \(5,\) at element {first}"
    if first == 2:
        assert [row[0].shape for row in read((source(2) + other).take(5))][1:3] == [(2,), (5,)]
    with pytest.raises(DatasetError, match=message):
        read((source(first) + other).batch(3))


@pytest.mark.parametrize("in_memory", [True, False])
def test_elements_of_different_dtype(in_memory):
    values = [np.float32(1), np.float64(2)]
    data = (
        ds.GeneratorDataset(values, ["x"], shuffle=False)
        if in_memory
        else ds.GeneratorDataset(lambda: iter(values), ["x"])
    )
    with pytest.raises(DatasetError, match=r"dtypes: float32 at element 0 and float64 at element 1"):
        read(data.batch(2))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, ArgumentError, "batch: `batch_size` must be at least 1, but got 0"),
        ({"batch_size": 2.5}, ArgumentTypeError, "batch: `batch_size` must be an int, but got 2.5"),
        ({"batch_size": 2, "drop_remainder": 1}, ArgumentTypeError, "`drop_remainder` must be bool"),
        ({"batch_size": 2, "per_batch_map": 3}, ArgumentTypeError, "`per_batch_map` must be callable"),
        (
            {"batch_size": 2, "input_columns": ["x"]},
            ArgumentError,
            "need `per_batch_map`, which was not given",
        ),
        ({"batch_size": 2, "per_batch_map": abs, "input_columns": "z"}, DatasetError, "no column 'z'"),
        ({"batch_size": 2, "pad_info": 3}, ArgumentTypeError, "`pad_info` must be a dict"),
        ({"batch_size": 2, "pad_info": {"x": 3}}, ArgumentTypeError, r"to \(shape, value\)"),
        (
            {"batch_size": 2, "pad_info": {"x": (3, 0)}},
            ArgumentTypeError,
            "the shape for column 'x' must be a list",
        ),
        ({"batch_size": 2, "pad_info": {"z": None}}, DatasetError, "padded_batch: there is no column 'z'"),
    ],
)
def test_invalid_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        source().batch(**arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda d: d.batch(lambda info: 0),
            "`batch_size` for batch 0 must return an int of at least 1, but returned 0",
        ),
        (
            lambda d: d.batch(2, per_batch_map=lambda x, y, i: (x,)),
            "returned 1 columns, but there are 2 output columns",
        ),
        (lambda d: d.batch(2, per_batch_map=lambda x, y, i: (x, 3)), "for column 'y', but returned 3"),
        (lambda d: d.batch(2, per_batch_map=lambda x, y, i: (x, [])), "returned no elements for column 'y'"),
        (
            lambda d: d.padded_batch(2, pad_info={"x": ([2, 2], 0)}),
            r"rank 1, but is to be padded to \[2, 2\]",
        ),
    ],
)
def test_batches_that_cannot_be_stacked(make, message):
    with pytest.raises(DatasetError, match=message):
        read(make(source()))
