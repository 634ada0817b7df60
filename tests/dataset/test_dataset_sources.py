"""GeneratorDataset and NumpySlicesDataset: sources, columns, dtypes and orders."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sporax import dataset as ds
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError, SporaxWarning

PAIRS = [(np.array([i], np.float32), np.array([[i, 2 * i]], np.int32)) for i in range(6)]


def read(data):
    return list(data.create_tuple_iterator(num_epochs=1, output_numpy=True))


def firsts(data):
    return [np.asarray(row[0]).ravel()[0].item() for row in read(data)]


class Elements:
    """Counts how often each element is read."""

    def __init__(self, values):
        self.values, self.asked = values, []

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        assert type(index) is int
        self.asked.append(index)
        return self.values[index]


def in_order():
    yield from PAIRS


class Again:
    def __iter__(self):
        return iter(PAIRS)


@pytest.mark.parametrize(
    "source", [PAIRS, tuple(PAIRS), Elements(PAIRS), in_order, Again(), lambda: PAIRS, dict(enumerate(PAIRS))]
)
def test_each_kind_of_source_yields_its_rows_in_each_epoch(source):
    shuffle = False if hasattr(source, "__getitem__") else None
    data = ds.GeneratorDataset(source, ["x", "y"], shuffle=shuffle)
    for _ in range(2):
        rows = read(data)
        assert len(rows) == 6
        for row, pair in zip(rows, PAIRS, strict=True):
            for value, expected in zip(row, pair, strict=True):
                assert value.dtype == expected.dtype
                np.testing.assert_array_equal(value, expected)
    assert len(data) == 6
    assert data.output_shapes() == [[1], [1, 2]]
    assert data.output_types() == [np.float32, np.int32]


@pytest.mark.parametrize("source", [PAIRS, Elements(PAIRS), np.arange(6)])
def test_an_indexable_source_is_shuffled_by_default(source):
    names = ["x"] if isinstance(source, np.ndarray) else ["x", "y"]
    orders = [firsts(ds.GeneratorDataset(source, names, shuffle=how)) for how in (None, True, False)]
    assert orders[0] == orders[1] != orders[2] == [0, 1, 2, 3, 4, 5]
    assert sorted(orders[0]) == orders[2]


def test_a_source_that_cannot_be_indexed_is_not_shuffled_and_warns():
    assert firsts(ds.GeneratorDataset(in_order, ["x", "y"])) == [0, 1, 2, 3, 4, 5]
    with pytest.warns(SporaxWarning, match=r"shuffle=True has no effect.*\.shuffle\(buffer_size\)"):
        data = ds.GeneratorDataset(in_order, ["x", "y"], shuffle=True)
    assert firsts(data) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (3, np.int64, ()),
        (2.5, np.float64, ()),
        (True, np.bool_, ()),
        (2**40, np.int64, ()),
        (np.float16(1), np.float16, ()),
        (np.zeros((2, 3), np.int8), np.int8, (2, 3)),
        (([1, 2, 3],), np.int64, (3,)),
        (([[1.5], [2.5]],), np.float64, (2, 1)),
        (1 + 2j, np.complex128, ()),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_dtypes_of_values(value, dtype, shape, streamed):
    values = [value, value]
    data = ds.GeneratorDataset((lambda: iter(values)) if streamed else values, ["x"])
    for (x,) in read(data):
        assert isinstance(x, np.ndarray)
        assert x.dtype == dtype
        assert x.shape == shape
    assert data.output_types() == [np.dtype(dtype)]
    assert data.output_shapes() == [list(shape)]


@pytest.mark.parametrize("streamed", [False, True])
def test_strings(streamed):
    values = ["a", "bcd"]
    data = ds.GeneratorDataset((lambda: iter(values)) if streamed else values, ["s"], **_still(streamed))
    assert [str(s) for (s,) in read(data)] == values
    assert data.output_types() == [np.dtype("U")]
    (batch,) = read(data.batch(2))[0]
    assert batch.tolist() == values
    assert list(data.create_tuple_iterator(num_epochs=1, output_numpy=True))[1][0].dtype.kind == "U"


def _still(streamed):
    return {} if streamed else {"shuffle": False}


def test_ints_among_floats_become_floats():
    data = ds.GeneratorDataset([1.5, 2], ["x"], shuffle=False)
    assert [x.dtype for (x,) in read(data)] == [np.float64, np.float64]


def test_elements_of_different_dtype_are_not_stacked():
    data = ds.GeneratorDataset([np.float32(1), np.float64(2)], ["x"], shuffle=False)
    assert [x.dtype for (x,) in read(data)] == [np.float32, np.float64]


def test_elements_of_different_shape_are_not_stacked():
    data = ds.GeneratorDataset([np.zeros(2), np.zeros(3)], ["x"], shuffle=False)
    assert [x.shape for (x,) in read(data)] == [(2,), (3,)]
    assert data.output_shapes() == [[2]]
    assert data.output_shapes(estimate=True) == [[None]]


def test_a_list_is_stacked_once_and_read_as_views():
    data = ds.GeneratorDataset(PAIRS, ["x", "y"], shuffle=False)
    first, again = read(data), read(data)
    assert np.shares_memory(first[2][0], again[2][0])
    with pytest.raises(ValueError, match="read-only"):
        first[0][0][0] = 5


def test_an_array_source_is_not_copied():
    array = np.arange(6.0).reshape(3, 2)
    for data in (
        ds.GeneratorDataset(array, ["x"], shuffle=False),
        ds.NumpySlicesDataset(array, shuffle=False),
    ):
        assert all(np.shares_memory(x, array) for (x,) in read(data))
    array[0] = 9
    assert array[0, 0] == 9


def test_an_object_is_indexed_in_each_epoch_and_only_for_elements_read():
    source = Elements(PAIRS)
    data = ds.GeneratorDataset(source, ["x", "y"], shuffle=False).skip(2).take(3)
    read(data)
    read(data)
    assert source.asked == [2, 3, 4, 2, 3, 4]


def test_a_buffer_that_the_source_reuses_is_copied():
    buffer = np.zeros(2)

    def filling():
        for i in range(4):
            buffer[:] = i
            yield (buffer,)

    (x,) = read(ds.GeneratorDataset(filling, ["x"]).batch(4))[0]
    assert x[:, 0].tolist() == [0, 1, 2, 3]


def test_a_stream_is_not_read_ahead():
    seen = []

    def noting():
        for i in itertools.count():
            seen.append(i)
            yield i

    rows = iter(ds.GeneratorDataset(noting, ["x"]).batch(3).create_tuple_iterator(output_numpy=True))
    next(rows)
    assert len(seen) == 3


def test_an_iterator_is_read_once_and_can_be_inspected_before():
    data = ds.GeneratorDataset(zip([1, 2, 3], [4.0, 5.0, 6.0], strict=True), ["x", "y"])
    assert data.output_shapes() == [[], []]
    assert data.get_dataset_size() == 3
    assert firsts(data) == [1, 2, 3]
    with pytest.raises(DatasetError, match=r"iterator, which can be read only once.*the generator function"):
        read(data)


@pytest.mark.parametrize("source", [PAIRS, in_order])
def test_num_samples(source):
    still = {"shuffle": False} if source is PAIRS else {}
    for number, expected in ((2, [0, 1]), (0, [0, 1, 2, 3, 4, 5]), (20, [0, 1, 2, 3, 4, 5])):
        data = ds.GeneratorDataset(source, ["x", "y"], num_samples=number, **still)
        assert firsts(data) == expected
        assert len(data) == len(expected)


def test_num_samples_of_a_shuffled_source_are_all_different():
    orders = set()
    for epoch in range(5):
        data = ds.GeneratorDataset(list(range(9)), ["x"], num_samples=8)
        ds.config.set_seed(epoch)
        order = firsts(data)
        assert len(set(order)) == 8
        orders.add(tuple(order))
    assert len(orders) > 1


def test_column_types_are_checked():
    class Named:
        def __str__(self):
            return "Float32"

    data = ds.GeneratorDataset([np.float32(1)], ["x"], column_types=[Named()])
    assert data.output_types() == [np.float32]
    for source in ([np.float32(1)], Elements([np.float32(1)]), lambda: iter([np.float32(1)])):
        wrong = ds.GeneratorDataset(source, ["x"], column_types=[np.int64])
        with pytest.raises(DatasetError, match=r"column 'x' must have dtype int64.*has float32"):
            read(wrong)


def test_shards_divide_the_rows():
    parts = [firsts(ds.GeneratorDataset(PAIRS, ["x", "y"], num_shards=4, shard_id=i, shuffle=False)) for i in range(4)]
    assert parts == [[0, 4], [1, 5], [2, 0], [3, 1]]
    shuffled = [firsts(ds.GeneratorDataset(PAIRS, ["x", "y"], num_shards=2, shard_id=i)) for i in range(2)]
    assert sorted(shuffled[0] + shuffled[1]) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"column_names": None}, ArgumentError, "`column_names` is missing"),
        ({"column_names": []}, ArgumentError, "must name at least one column"),
        ({"column_names": 5}, ArgumentTypeError, "must be a string or a list of strings, but got 5"),
        ({"column_names": ["x", "x"]}, ArgumentError, "'x' twice"),
        ({"schema": "a.json"}, ArgumentError, "`schema` is not supported"),
        ({"num_shards": 2}, ArgumentError, "must be given together"),
        ({"shard_id": 0}, ArgumentError, "must be given together"),
        ({"num_shards": 2, "shard_id": 2}, ArgumentError, "less than num_shards=2, but got 2"),
        ({"shuffle": 1}, ArgumentTypeError, "`shuffle` must be bool, but got 1"),
        ({"num_samples": -1}, ArgumentError, "`num_samples` must be at least 0, but got -1"),
        ({"num_samples": 1.5}, ArgumentTypeError, "`num_samples` must be an int"),
        ({"num_parallel_workers": 0}, ArgumentError, "`num_parallel_workers` must be at least 1"),
        ({"sampler": 5}, ArgumentTypeError, "must be a Sampler, an iterable of indices, or an object"),
        ({"sampler": [0], "shuffle": False}, ArgumentError, "alone determines the order.*shuffle=False"),
        (
            {"sampler": ds.SequentialSampler(), "num_samples": 2},
            ArgumentError,
            "alone determines the order.*num_samples=2",
        ),
        ({"column_types": [np.int64]}, ArgumentError, "one dtype for each of the 2 columns, but got 1"),
        (
            {"column_types": [np.int64, "no"]},
            ArgumentTypeError,
            "`column_types` must be dtypes.*'no'",
        ),
    ],
)
def test_invalid_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        ds.GeneratorDataset(PAIRS, **{"column_names": ["x", "y"], **arguments})


@pytest.mark.parametrize("argument", [{"sampler": [0]}, {"num_shards": 2, "shard_id": 0}])
def test_a_stream_takes_no_sampler(argument):
    with pytest.raises(ArgumentError, match=r"cannot be used: the source has no `__getitem__`"):
        ds.GeneratorDataset(in_order, ["x", "y"], **argument)
    with pytest.raises(DatasetError, match=r"use_sampler: the source has no `__getitem__`"):
        ds.GeneratorDataset(in_order, ["x", "y"]).use_sampler(ds.SequentialSampler())


def test_invalid_sources():
    class Endless:
        def __getitem__(self, index):
            return index

    with pytest.raises(ArgumentTypeError, match=r"`source` must be a list.*but got 5 of type int"):
        ds.GeneratorDataset(5, ["x"])
    with pytest.raises(DatasetError, match=r"must have `__len__` too, but Endless has none"):
        ds.GeneratorDataset(Endless(), ["x"])
    with pytest.raises(DatasetError, match=r"must return an iterable \(use yield in it\), but it returned 3"):
        read(ds.GeneratorDataset(lambda: 3, ["x"]))


def test_numpy_slices_of_every_form():
    def output(data, **names):
        made = ds.NumpySlicesDataset(data, shuffle=False, **names)
        return made.get_col_names(), [[x.tolist() for x in row] for row in read(made)]

    assert output([1, 2]) == (["column_0"], [[1], [2]])
    assert output([[1, 2], [3, 4]]) == (["column_0"], [[[1, 2]], [[3, 4]]])
    assert output(([1, 2], [3.5, 4])) == (["column_0", "column_1"], [[1, 3.5], [2, 4.0]])
    assert output({"a": [1, 2], "b": np.eye(2)}) == (["a", "b"], [[1, [1, 0]], [2, [0, 1]]])
    assert output({"a": [1]}, column_names=["q"]) == (["q"], [[1]])
    assert output(np.arange(4).reshape(2, 2), column_names="m") == (["m"], [[[0, 1]], [[2, 3]]])
    assert output(["a", "bc"]) == (["column_0"], [["a"], ["bc"]])
    assert output([[1], [2, 3]]) == (["column_0"], [[[1]], [[2, 3]]])
    assert firsts(ds.NumpySlicesDataset(list(range(20)))) != list(range(20))


@pytest.mark.parametrize(
    ("data", "names", "error", "message"),
    [
        ([], None, ArgumentError, "must not be empty"),
        ((), None, ArgumentError, "at least one column"),
        (5, None, ArgumentTypeError, "must be an array or a list.*but got 5 of type int"),
        ((1, 2), None, ArgumentTypeError, "must be an array or a list"),
        (([1], [1, 2]), None, ArgumentError, "'column_0' has 1, 'column_1' has 2"),
        (([1], [2]), ["a"], ArgumentError, "one name for each of the 2 columns"),
        ([[1], [2]], ["a", "b"], ArgumentError, "A list is one column; use a tuple"),
        ([None], None, DatasetError, "at element 0 returned None for column 'column_0'"),
        (
            [{1}],
            None,
            DatasetError,
            "must be an array, a number, a string or a dict.*of type set",
        ),
    ],
)
def test_invalid_numpy_slices(data, names, error, message):
    with pytest.raises(error, match=message):
        ds.NumpySlicesDataset(data, names)


def test_elements_with_the_array_protocol():
    class Held:
        def __init__(self, value):
            self.value = value

        def __array__(self, dtype=None, copy=None):
            return np.array(self.value, dtype or np.int16)

    (x, y) = read(ds.GeneratorDataset([(Held([1, 2]), Held(3))], ["x", "y"]))[0]
    assert (x.dtype, x.shape, y.dtype, y.shape) == (np.int16, (2,), np.int16, ())
