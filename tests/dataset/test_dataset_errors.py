"""Exceptions in user code, mismatched elements, empty datasets, and a light import."""

from __future__ import annotations

import inspect
import operator
import os
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

import sporax.dataset
from sporax import dataset as ds
from sporax._errors import DatasetError

HERE = os.path.basename(__file__)


def read(data):
    return list(data.create_tuple_iterator(num_epochs=1, output_numpy=True))


def source(count=6):
    rows = [(np.array([i], np.float32), np.array(10 * i)) for i in range(count)]
    return ds.GeneratorDataset(rows, ["x", "y"], shuffle=False)


class Third:
    def __len__(self):
        return 5

    def __getitem__(self, index):
        if index == 3:
            raise KeyError("lost file")
        return index, index


def third():
    yield 0, 0
    yield 1, 1
    raise ValueError("broken record")


def at_call():
    raise OSError("no such disk")


def fails_at_20(y):
    if y == 20:
        return helper(y)
    return y


def helper(y):
    return y // np.array(0) if y is None else 1 / 0


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return first + next(i for i, line in enumerate(lines) if text in line)


@pytest.mark.parametrize(
    ("make", "message", "cause", "line"),
    [
        (
            lambda: ds.GeneratorDataset(Third(), ["x", "y"], shuffle=False),
            "GeneratorDataset: the source at element 3 (columns 'x', 'y') raised KeyError: 'lost file'",
            KeyError,
            line_of(Third.__getitem__, "lost file"),
        ),
        (
            lambda: ds.GeneratorDataset(third, ["x", "y"]),
            "GeneratorDataset: the source at element 2 (columns 'x', 'y') raised ValueError: broken record",
            ValueError,
            line_of(third, "broken record"),
        ),
        (
            lambda: ds.GeneratorDataset(third(), ["x", "y"]),
            "GeneratorDataset: the source at element 2 (columns 'x', 'y') raised ValueError: broken record",
            ValueError,
            line_of(third, "broken record"),
        ),
        (
            lambda: ds.GeneratorDataset(at_call, "x"),
            "GeneratorDataset: the start of the source raised OSError: no such disk",
            OSError,
            line_of(at_call, "no such disk"),
        ),
        (
            lambda: source().map(fails_at_20, "y"),
            "map: the operation fails_at_20 on column 'y' at element 2 raised ZeroDivisionError",
            ZeroDivisionError,
            line_of(helper, "1 / 0"),
        ),
        (
            lambda: source().batch(2).map([abs, lambda x, y: x], ["x"]),
            "raised TypeError: ",
            TypeError,
            None,
        ),
        (
            lambda: source().filter(fails_at_20, "y"),
            "filter: the predicate fails_at_20 on column 'y' at element 2 raised ZeroDivisionError",
            ZeroDivisionError,
            line_of(helper, "1 / 0"),
        ),
        (
            lambda: source().batch(2, per_batch_map=lambda x, y, info: helper(0)),
            "for batch 0 raised ZeroDivisionError",
            ZeroDivisionError,
            line_of(helper, "1 / 0"),
        ),
        (
            lambda: source().batch(lambda info: helper(0)),
            "batch: the function `batch_size` for batch 0 raised ZeroDivisionError",
            ZeroDivisionError,
            line_of(helper, "1 / 0"),
        ),
    ],
)
@pytest.mark.parametrize("batched", [False, True])
def test_a_users_exception_is_the_cause_and_its_line_is_named(make, message, cause, line, batched):
    data = make().batch(2) if batched else make()
    for reading in (lambda: read(data), lambda: list(data.stacked_batches(2))):
        with pytest.raises(DatasetError) as caught:
            reading()
        assert message in str(caught.value) or "can be read only once" in str(caught.value)
        if "can be read only once" in str(caught.value):
            continue
        assert type(caught.value.__cause__) is cause
        if line is not None:
            assert str(caught.value).endswith(f"{HERE}:{line})")
            output = "".join(traceback.format_exception(caught.value))
            assert f"line {line}" in output


def test_a_callable_without_source_lines_is_named():
    data = source().map(operator.itemgetter("a"), "y")
    with pytest.raises(
        DatasetError, match=r"map: the operation itemgetter on column 'y' at element 0 raised IndexError"
    ):
        read(data)


def test_an_exception_of_len_is_reported():
    class NoLength(Third):
        def __len__(self):
            raise ValueError("unknown")

    with pytest.raises(DatasetError, match=r"len\(\) of the source raised ValueError: unknown"):
        read(ds.GeneratorDataset(NoLength(), ["x", "y"]))


def test_keyboard_interrupt_propagates():
    def stopped(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(source().map(stopped, "x"))


@pytest.mark.parametrize(
    ("rows", "names", "message"),
    [
        (
            [(1, 2), (3, 4, 5)],
            ["x", "y"],
            "the source at element 1 has 3 values, but 2 column names were given",
        ),
        ([(1, 2)], ["x"], "element 0 has 2 values.*wrap a value that is itself a list in a tuple"),
        ([1], ["x", "y"], "element 0 has 1 values.*as a tuple"),
        ([(1, None)], ["x", "y"], r"element 0 returned None for column 'y'. Is a `return` missing\?"),
        ([(1, object())], ["x", "y"], "value for column 'y' must be an array, a number, a string or a dict"),
        ([(1, np.array([1, "a"], object))], ["x", "y"], "value for column 'y' must be an array"),
        (
            [(1, [[1], [2, 3]])],
            ["x", "y"],
            "for column 'y' cannot be converted to an array.*nested lists of one shape",
        ),
    ],
)
@pytest.mark.parametrize("in_memory", [True, False])
def test_elements_that_do_not_match(rows, names, message, in_memory):
    data = ds.GeneratorDataset(rows if in_memory else lambda: iter(rows), names)
    with pytest.raises(DatasetError, match=message):
        read(data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d: d.map(lambda x: None, "x"), "at element 0 returned None for column 'x'"),
        (
            lambda d: d.map(lambda x: (x, x), "x"),
            "element 0 returned 2 columns, but there are 1 output columns: 'x'",
        ),
        (lambda d: d.map(lambda x: {1}, "x"), "value for column 'x' must be an array.*of type set"),
        (lambda d: d.filter(lambda x: [True, False], "x"), r"must return one bool, but returned \[True, False\]"),
        (lambda d: d.filter(lambda x: None, "x"), "must return one bool, but returned None"),
    ],
)
def test_results_that_do_not_match(make, message):
    with pytest.raises(DatasetError, match=message):
        read(make(source()))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda: source().batch(16, drop_remainder=True),
            r"batch\(16, drop_remainder=True\) drops the only batch, "
            "which has 6 elements. Use a batch_size of at most 6, or drop_remainder=False",
        ),
        (lambda: ds.GeneratorDataset([], ["x"]).batch(2), "the source of GeneratorDataset is empty"),
        (
            lambda: ds.GeneratorDataset(lambda: iter(()), ["x"]),
            "the source of GeneratorDataset yielded no element",
        ),
        (lambda: source().skip(6), r"skip\(6\) skips all 6 elements"),
        (lambda: source().filter(lambda x: False, "x").batch(2), "no element passed the filter .*lambda"),
        (
            lambda: ds.GeneratorDataset(third_less, ["x"]).batch(9, drop_remainder=True),
            "no batch was full. Use a smaller batch_size, or drop_remainder=False",
        ),
        (
            lambda: source().filter(lambda x: x < 2, "x").batch(9, drop_remainder=True),
            "no batch was full. Use a smaller batch_size, or drop_remainder=False",
        ),
        (lambda: ds.GeneratorDataset(third_less, ["x"]).skip(2), r"skip\(2\) skips all elements"),
        (lambda: ds.NumpySlicesDataset([1, 2], sampler=[]), "it has no elements"),
        (lambda: source().skip(6).repeat(), r"skip\(6\)"),
    ],
)
def test_the_error_of_an_empty_dataset_gives_the_reason(make, reason):
    for reading in (
        read,
        lambda data: list(data.stacked_batches(3)),
        lambda data: data.output_shapes(),
        lambda data: data.output_types(),
        lambda data: list(data),
    ):
        with pytest.raises(DatasetError, match=rf"the dataset gave no batches: .*{reason}"):
            reading(make())


def third_less():
    yield 0
    yield 1


def test_the_size_of_an_empty_dataset_is_0():
    assert source().batch(16, True).get_dataset_size() == 0
    assert source().skip(9).get_dataset_size() == 0
    assert ds.GeneratorDataset([], ["x"]).get_dataset_size() == 0


def test_output_shapes_of_mixed_rank():
    data = ds.GeneratorDataset([np.zeros(2), np.zeros((2, 1))], ["x"], shuffle=False)
    with pytest.raises(DatasetError, match="of different rank"):
        data.output_shapes(estimate=True)


LIGHT = """
import sys, types
package = types.ModuleType("sporax")
package.__path__ = [sys.argv[1]]
sys.modules["sporax"] = package
{before}
from sporax import dataset as ds
data = ds.GeneratorDataset([(1, 2.0), (3, 4.0)], ["x", "y"]).batch(2)
assert len(list(data.create_tuple_iterator(num_epochs=1, output_numpy=True))) == 1
print(sorted(name for name in sys.modules if name.split(".")[0] in ("jax", "torch") or name == "sporax.core"))
"""


@pytest.mark.parametrize(("before", "light"), [("", True), ("import jax", False)])
def test_the_package_needs_only_numpy(before, light):
    package = str(Path(sporax.dataset.__file__).parent.parent)
    code = LIGHT.format(before=before)
    output = subprocess.run([sys.executable, "-c", code, package], capture_output=True, text=True, check=True)
    assert (output.stdout.strip() == "[]") == light
