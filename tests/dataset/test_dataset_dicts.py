"""Columns of Python dicts. The expected rows are those of MindSpore 2.10."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import Tensor
from sporax import dataset as ds
from sporax._errors import DatasetError


def dicts():
    for i in range(4):
        yield {"a": np.float32(i), "b": [i, i + 1], "s": "x"}, np.int32(i)


def source():
    return ds.GeneratorDataset(dicts, ["d", "i"])


def rows(data, **how):
    return list(data.create_tuple_iterator(num_epochs=1, **{"output_numpy": True, **how}))


def test_iterators_return_dicts_of_arrays_or_tensors():
    given, number = rows(source())[1]
    assert list(given) == ["a", "b", "s"]
    assert given["a"].dtype == np.float32
    assert given["a"] == 1
    assert [each.item() for each in given["b"]] == [1, 2]
    assert all(isinstance(each, np.ndarray) for each in (*given["b"], given["s"]))
    assert number == 1
    given, _ = rows(source(), output_numpy=False)[1]
    assert isinstance(given["a"], Tensor)
    assert isinstance(given["b"][0], Tensor)
    assert given["s"] == "x"
    row = next(iter(source().create_dict_iterator(num_epochs=1, output_numpy=True)))
    assert row["d"]["a"] == 0


def test_properties_of_a_dict_column():
    assert source().output_shapes() == [[], []]
    assert source().output_types() == [np.dtype("O"), np.dtype("int32")]
    assert source().get_dataset_size() == 4


def test_functions_receive_the_dict():
    assert [row[0].item() for row in rows(source().map(lambda d: d["a"] * 2, "d"))] == [0, 2, 4, 6]
    assert [row[0]["k"].item() for row in rows(source().map(lambda d: {"k": d["b"][1]}, "d"))] == [1, 2, 3, 4]
    assert [row[1].item() for row in rows(source().filter(lambda d: d["a"] > 1, "d"))] == [2, 3]


@pytest.mark.parametrize("how", [lambda d: d.batch(2), lambda d: d.padded_batch(2, pad_info={})])
def test_batch_stacks_by_key(how):
    batch, numbers = rows(how(source()))[1]
    np.testing.assert_array_equal(batch["a"], np.float32([2, 3]))
    np.testing.assert_array_equal(batch["b"], [[2, 3], [3, 4]])
    assert batch["s"].tolist() == ["x", "x"]
    np.testing.assert_array_equal(numbers, [2, 3])


def test_per_batch_map_receives_the_dicts():
    data = source().batch(2, per_batch_map=lambda d, i, info: ([x["a"] for x in d], i), input_columns=["d", "i"])
    np.testing.assert_array_equal(rows(data)[1][0], np.float32([2, 3]))


@pytest.mark.parametrize("make", [lambda x: ds.GeneratorDataset(x, "d", shuffle=False), lambda x: _slices(x)])
def test_dicts_in_memory(make):
    data = make([{"a": 1, "n": {"b": 2}}, {"a": 3, "n": {"b": 4}}])
    assert [(row[0]["a"].item(), row[0]["n"]["b"].item()) for row in rows(data.repeat(2))] == [(1, 2), (3, 4)] * 2
    np.testing.assert_array_equal(rows(data.batch(2))[0][0]["n"]["b"], [2, 4])


def _slices(values):
    return ds.NumpySlicesDataset((values,), ["d"], shuffle=False)


def test_a_function_that_writes_to_its_dict_changes_no_other_epoch():
    def double(d):
        d["a"] *= 2
        return d

    data = ds.GeneratorDataset([{"a": 1}, {"a": 3}], "d", shuffle=False).map(double)
    assert [row[0]["a"].item() for row in (*rows(data), *rows(data))] == [2, 6, 2, 6]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{"a": 1}, {"b": 1}], r"different keys: \['a'\] at element 0 of the batch and \['b'\] at element 1"),
        ([{"a": [1]}, {"a": [1, 2]}], r"values of d\['a'\] differ in shape"),
        ([{"a": 1}, {"a": 1.5}], r"values of d\['a'\] must be numbers, strings or arrays of one dtype"),
        ([{"a": 1}, {"a": object()}], "must be numbers"),
    ],
)
def test_dicts_that_cannot_be_stacked(values, message):
    with pytest.raises(DatasetError, match=message):
        rows(_slices(values).batch(2))
