"""Random pipelines compared with the same pipeline over plain lists, for every kind of source."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sporax import dataset as ds
from sporax._errors import DatasetError

SEED = 77


class Elements:
    """A user's random-access object."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


def rows_of(start, count):
    rng = np.random.default_rng(start)
    return [
        (np.float32(i + start) * np.ones((2, 1), np.float32), np.array(i - start), rng.normal(size=3))
        for i in range(count)
    ]


NAMES = ["x", "y", "z"]


def source(kind, rows):
    if kind == "list":
        return ds.GeneratorDataset(rows, NAMES, shuffle=False)
    if kind == "object":
        return ds.GeneratorDataset(Elements(rows), NAMES, shuffle=False)
    if kind == "function":
        return ds.GeneratorDataset(lambda: iter(rows), NAMES)
    columns = tuple(np.stack(column) for column in zip(*rows, strict=True))
    return ds.NumpySlicesDataset(columns, NAMES, shuffle=False)


def reference_shuffle(rows, size, rng):
    """The buffered shuffle, as described in its docstring."""
    buffer, rest = list(rows[:size]), rows[size:]
    if len(buffer) < size or not rest:
        return [buffer[i] for i in rng.permutation(len(buffer))]
    out, draws = [], []
    for row in rest:
        if not draws:
            draws = list(rng.integers(size, size=1024))
        position = int(draws.pop())
        out.append(buffer[position])
        buffer[position] = row
    return out + [buffer[i] for i in rng.permutation(size)]


class Reference:
    """A pipeline as a function from the epoch to a list of rows, and how many shuffles follow one another in it."""

    def __init__(self, read, shuffles=0):
        self.read, self.shuffles = read, shuffles

    def shuffle(self, size):
        def read(e):
            return reference_shuffle(self.read(e), size, np.random.default_rng((SEED, e, self.shuffles)))

        return Reference(read, self.shuffles + 1)

    def take(self, count):
        return Reference(lambda e: self.read(e) if count == -1 else self.read(e)[:count], self.shuffles)

    def skip(self, count):
        return Reference(lambda e: self.read(e)[count:], self.shuffles)

    def repeat(self, count):
        return Reference(lambda e: [row for r in range(count) for row in self.read(e * count + r)], self.shuffles)

    def project(self, columns):
        return Reference(lambda e: [tuple(row[NAMES.index(c)] for c in columns) for row in self.read(e)], self.shuffles)

    def concat(self, other):
        return Reference(lambda e: self.read(e) + other.read(e), max(self.shuffles, other.shuffles))

    def zip(self, other):
        return Reference(
            lambda e: [a + b for a, b in zip(self.read(e), other.read(e), strict=False)],
            max(self.shuffles, other.shuffles),
        )

    def double(self):
        return Reference(lambda e: [(row[0] * 2, *row[1:]) for row in self.read(e)], self.shuffles)

    def kept(self):
        return Reference(lambda e: [row for row in self.read(e) if int(np.sum(row[0]) * 7) % 3], self.shuffles)

    def batch(self, size, drop):
        def read(e):
            rows = self.read(e)
            parts = [rows[i : i + size] for i in range(0, len(rows), size)]
            return [
                tuple(np.stack(column) for column in zip(*part, strict=True))
                for part in parts
                if len(part) == size or not drop
            ]

        return Reference(read, self.shuffles)


@st.composite
def pipelines(draw):
    """Yield (pipeline, reference) of random operations, and a description for failures."""
    kind = draw(st.sampled_from(["list", "object", "function", "slices"]))
    count = draw(st.integers(1, 23))
    rows = rows_of(3, count)
    data, model, note = source(kind, rows), Reference(lambda e: list(rows)), [kind, count]
    batched = False
    for _ in range(draw(st.integers(0, 5))):
        name = draw(st.sampled_from(["shuffle", "take", "skip", "repeat", "concat", "map", "filter", "batch", "zip"]))
        if name == "shuffle":
            size = draw(st.integers(2, 30))
            data, model = data.shuffle(size), model.shuffle(size)
        elif name in ("take", "skip", "repeat"):
            size = draw(st.integers(1, 8 if name == "skip" else 3 if name == "repeat" else 40))
            data, model = getattr(data, name)(size), getattr(model, name)(size)
        elif name == "map":
            data, model = data.map(lambda x: x * 2, "x"), model.double()
        elif name == "filter" and not batched:
            size = None
            data, model = data.filter(lambda x: int(np.sum(x) * 7) % 3, "x"), model.kept()
        elif name == "concat" and not batched:
            other = rows_of(50, draw(st.integers(1, 9)))
            kind2 = draw(st.sampled_from(["list", "object", "function"]))
            data = data + source(kind2, other)
            model = model.concat(Reference(lambda e, other=other: list(other)))
            size = (kind2, len(other))
        elif name == "zip" and "zip" not in note and not batched:
            other = rows_of(90, draw(st.integers(1, 30)))
            kind2 = draw(st.sampled_from(["list", "function"]))
            more = source(kind2, other).project(["y"]).rename("y", "w").shuffle(4)
            data = data.zip(more)
            model = model.zip(Reference(lambda e, other=other: [(row[1],) for row in other]).shuffle(4))
            size = (kind2, len(other))
            data = data.project(["x", "w", "z"]).rename("w", "y")
            inner = model
            model = Reference(lambda e, inner=inner: [(r[0], r[3], r[2]) for r in inner.read(e)], inner.shuffles)
        elif name == "batch" and not batched:
            size, drop = draw(st.integers(1, 7)), draw(st.booleans())
            data, model = data.batch(size, drop), model.batch(size, drop)
            batched = True
        else:
            continue
        note += [name]
    return data, model, note


def assert_same(got, expected, note):
    assert len(got) == len(expected), note
    for row, other in zip(got, expected, strict=True):
        assert len(row) == len(other)
        for a, b in zip(row, other, strict=True):
            assert isinstance(a, np.ndarray)
            assert a.dtype == b.dtype, note
            assert a.shape == b.shape, note
            np.testing.assert_array_equal(a, b, err_msg=str(note))


def epoch_of(data):
    """Return the rows of the next epoch, or an empty list if the dataset reports that it is empty."""
    return rows_or_none(lambda: data.create_tuple_iterator(num_epochs=1, output_numpy=True))


def rows_or_none(make):
    try:
        return list(make())
    except DatasetError as error:
        if "the dataset gave no batches" not in str(error):
            raise
        return []


@settings(max_examples=150, deadline=None)
@given(pipelines())
def test_tuple_iterator_returns_the_reference_rows_in_each_epoch(case):
    data, model, note = case
    ds.config.set_seed(SEED)
    for epoch in range(3):
        assert_same(epoch_of(data), model.read(epoch), note)


@settings(max_examples=150, deadline=None)
@given(pipelines(), st.integers(1, 6))
def test_stacked_batches_contain_the_same_rows(case, count):
    data, model, note = case
    ds.config.set_seed(SEED)
    for epoch in range(2):
        expected = model.read(epoch)
        groups = rows_or_none(lambda: data.stacked_batches(count))
        rows = []
        for n, columns in groups:
            assert 1 <= n <= count
            assert all(len(column) == n for column in columns)
            rows += [tuple(column[i] for column in columns) for i in range(n)]
        rows = [tuple(np.asarray(value) for value in row) for row in rows]
        assert_same(rows, expected, note)
        for (n, columns), (_, following) in itertools.pairwise(groups):
            alike = all(a.shape[1:] == b.shape[1:] for a, b in zip(columns, following, strict=True))
            assert n == count or not alike, note


@settings(max_examples=100, deadline=None)
@given(pipelines())
def test_sizes_agree_with_the_rows_read(case):
    data, model, note = case
    ds.config.set_seed(SEED)
    hint = data.dataset_size_hint()
    size = data.get_dataset_size()
    assert size == len(model.read(0)), note
    assert hint in (None, size), note
    assert data.dataset_size_hint() == size
    assert_same(epoch_of(data), model.read(0), note)


@pytest.mark.parametrize("kind", ["list", "object", "function", "slices"])
@pytest.mark.parametrize("size", [2, 5, 1500, 3000, 5000])
def test_shuffle_of_any_source_has_the_documented_order(kind, size):
    rows = [(np.array(i), np.array(i), np.array(i)) for i in range(3000)]
    ds.config.set_seed(SEED)
    data = source(kind, rows).shuffle(size)
    for epoch in range(2):
        expected = reference_shuffle(list(range(3000)), size, np.random.default_rng((SEED, epoch)))
        assert [int(row[0]) for row in epoch_of(data)] == expected
