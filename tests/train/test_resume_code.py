"""A resumed run warns if functions or a list of batches differ, and only then."""

import functools
import operator
import os
import subprocess
import sys
import textwrap
import types
from typing import Any

import numpy as np
import optax
import pytest

import sporax
from sporax import Model, nn, ops
from sporax import dataset as ds
from sporax._describe import describe_batches, describe_code
from sporax._errors import ResumeWarning
from sporax.train import BackupAndRestore, Callback

SCALE, TABLE, LABEL, COUNT = 2.0, np.arange(3.0), "run of 12:31", 0
OPTIONS = types.SimpleNamespace(scale=2.0, log="run of 12:31", nested=types.SimpleNamespace(shift=1.0))


def helper(x):
    return x * SCALE


def other_helper(x):
    return x * SCALE + 1


def counted(x):
    global COUNT
    COUNT += 1
    return x


class Augment:
    kind = "flip"

    def __init__(self, scale, log: Any = "a"):
        self.scale, self.log = scale, log

    def __call__(self, x):
        return self.inner(x) if self.kind == "flip" else x

    def inner(self, x):
        return x * self.scale


class Other(Augment):
    def inner(self, x):
        return x - self.scale


def closure(value):
    return lambda x: x * value


class Slots:
    __slots__ = ("scale",)

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x):
        return x * self.scale


class ByName(Augment):
    def __call__(self, x):
        return x * getattr(self, "scale")  # noqa: B009


class AllAttributes(Augment):
    def __call__(self, x):
        return x * sum(vars(self).values())


class Compose:
    def __init__(self, *functions):
        self.functions = functions

    def __call__(self, x):
        for each in self.functions:
            x = each(x)
        return x


# Pairs of functions that differ.
DIFFERENT = {
    "constants": (lambda x: x * 2, lambda x: x * 3),
    "constants of another type": (lambda x: x * 2, lambda x: x * 2.0),
    "operations": (lambda x: x + 2, lambda x: x - 2),
    "names": (lambda x: np.abs(x), lambda x: np.exp(x)),
    "sets of constants": (lambda x: x in {1, 2, 3}, lambda x: x in {1, 2, 4}),
    "inner functions": (lambda x: (lambda y: y + 1)(x), lambda x: (lambda y: y + 2)(x)),
    "defaults": (lambda x, a=1: x * a, lambda x, a=2: x * a),
    "keyword defaults": (lambda x, *, a=1: x * a, lambda x, *, a=2: x * a),
    "closures": (closure(1), closure(2)),
    "arrays in closures": (closure(np.arange(3)), closure(np.arange(3)[::-1])),
    "functions in closures": (closure(helper), closure(other_helper)),
    "functions that are called": (lambda x: helper(x), lambda x: other_helper(x)),
    "partial": (functools.partial(np.power, 2), functools.partial(np.power, 3)),
    "partial's keywords": (functools.partial(np.sum, axis=0), functools.partial(np.sum, axis=1)),
    "ufuncs": (np.add, np.multiply),
    "builtins": (abs, len),
    "operators": (operator.itemgetter(0), operator.itemgetter(1)),
    "attributes of objects": (Augment(1.0), Augment(2.0)),
    "classes": (Augment(1.0), Other(1.0)),
    "methods of objects": (Augment(1.0).inner, Other(1.0).inner),
    "attributes that a method reads": (Augment(1.0).inner, Augment(2.0).inner),
    "objects that are called": (closure(Augment(1.0)), closure(Augment(2.0))),
    "methods that are called": (
        (lambda each: lambda x: each.inner(x))(Augment(1.0)),
        (lambda each: lambda x: each.inner(x))(Augment(2.0)),
    ),
    "slots": (Slots(1.0), Slots(2.0)),
    "attributes by name": (ByName(1.0), ByName(2.0)),
    "all attributes": (AllAttributes(1.0, 1.0), AllAttributes(2.0, 1.0)),
    "objects that call functions": (Compose(np.abs, np.exp), Compose(np.exp, np.abs)),
    "one element of a large array": (closure(np.arange(999.0)), closure(np.r_[np.arange(998.0), 0.0])),
    "vectorize": (np.vectorize(lambda x: x + 1), np.vectorize(lambda x: x + 2)),
    "cache": (functools.lru_cache(lambda x: x + 1), functools.lru_cache(lambda x: x + 2)),
    "exchanged": ([lambda x: x + 1, lambda x: x * 2], [lambda x: x * 2, lambda x: x + 1]),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_code(name):
    first, second = map(describe_code, DIFFERENT[name])
    assert None not in (first, second)
    assert first != second


GLOBALS = {
    "number": (lambda x: x * SCALE, "SCALE", 3.0),
    "array": (lambda x: x * TABLE, "TABLE", np.arange(3.0)[::-1]),
    "number of a function that is called": (lambda x: helper(x), "SCALE", 3.0),
    "function": (lambda x: helper(x), "helper", other_helper),
    "attribute": (lambda x: x * OPTIONS.scale, "OPTIONS", types.SimpleNamespace(scale=3.0)),
    "attribute of an attribute": (
        lambda x: x + OPTIONS.nested.shift,
        "OPTIONS",
        types.SimpleNamespace(nested=types.SimpleNamespace(shift=3.0)),
    ),
    "class attribute": (lambda x: (x, Augment.kind), "Augment", type("Augment", (), {"kind": "crop"})),
}


@pytest.mark.parametrize("name", GLOBALS)
def test_globals(name, monkeypatch):
    function, variable, value = GLOBALS[name]
    before = describe_code(function)
    monkeypatch.setitem(globals(), variable, value)
    assert describe_code(function) != before


def test_a_class_attribute_and_a_method_of_an_object(monkeypatch):
    texts = [describe_code(Augment(1.0))]
    monkeypatch.setattr(Augment, "kind", "crop")
    texts.append(describe_code(Augment(1.0)))
    monkeypatch.setattr(Augment, "inner", lambda self, x: x / self.scale)
    texts.append(describe_code(Augment(1.0)))
    assert len(set(texts)) == 3


def with_docstring(x):
    """Of the one."""
    return x * 2


def without_changes(x):
    """Of the other."""
    # A comment.
    return x * 2


# Pairs that do not differ in what they compute.
EQUAL = {
    "docstrings and lines": (with_docstring, without_changes),
    "attributes that are not read": (Augment(1.0, "run of 12:31"), Augment(1.0, "run of 14:02")),
    "equal closures": (closure(np.arange(300.0)), closure(np.arange(300.0))),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_code(name):
    first, second = map(describe_code, EQUAL[name])
    assert first == second is not None


def test_calls_and_counters_do_not_change_the_text():
    functions = [counted, lambda x: helper(x), lambda x: x + OPTIONS.scale, Augment(1.0), lambda x: [y + 1 for y in x]]
    before = [describe_code(each) for each in functions]
    for _ in range(2000):
        for each in functions:
            each(np.arange(2.0))
    assert [describe_code(each) for each in functions] == before


def test_an_attribute_that_is_not_read(monkeypatch):
    def function(x):
        return x * OPTIONS.scale

    before = describe_code(function)
    monkeypatch.setitem(globals(), "OPTIONS", types.SimpleNamespace(scale=2.0, log="run of 14:02"))
    assert describe_code(function) == before


def test_recursion_ends():
    cyclic: list = [lambda x: cyclic[0](x)]
    cyclic.append(cyclic)
    assert describe_code(cyclic)

    def deep(count):
        return (lambda x: x) if not count else closure(deep(count - 1))

    assert describe_code(deep(150))


@pytest.mark.parametrize("value", [None, 3, "text", [1, 2], {"a": 1}, np.arange(3), ds.RandomSampler])
def test_what_has_no_code(value):
    assert (describe_code(value) is None) is not isinstance(value, type)


# --- batches -------------------------------------------------------------------------------------------------------

BATCHES = [(np.full((2, 2), float(i), np.float32), np.full((2, 1), float(i), np.float32)) for i in range(4)]


@pytest.mark.parametrize(
    "other",
    [
        [*BATCHES[1::-1], *BATCHES[2:]],
        [(BATCHES[0][0] + 1, BATCHES[0][1]), *BATCHES[1:]],
        [tuple(each.astype(np.float64) for each in pair) for pair in BATCHES],
        [tuple(each.T for each in pair) for pair in BATCHES],
        BATCHES[:3],
    ],
    ids=["order", "content", "dtype", "shape", "number"],
)
def test_different_batches(other):
    assert describe_batches(other) != describe_batches(BATCHES)


def test_equal_batches():
    copies = [tuple(each.copy() for each in pair) for pair in BATCHES]
    tensors = [tuple(map(sporax.Tensor, pair)) for pair in BATCHES]
    assert describe_batches(copies) == describe_batches(tensors) == describe_batches(BATCHES)
    assert describe_batches([{"x": pair[0]} for pair in BATCHES]) == describe_batches([{"x": x} for x, _ in BATCHES])


# --- runs ----------------------------------------------------------------------------------------------------------


class Stop(Callback):
    def on_train_step_end(self, run_context):
        if run_context.original_args().cur_step_num == 4:
            raise RuntimeError("power cut")


def run(folder, data, *, stop, loss=None, network=None, optimizer=None):
    """Two epochs of two steps; interrupted in the second, and resumed from the end of the first."""
    network = nn.Dense(2, 1) if network is None else network()
    optimizer = (optimizer or (lambda weights: nn.Momentum(weights, 0.1, 0.9)))(network.trainable_params())
    model = Model(network, nn.MSELoss() if loss is None else loss, optimizer)
    callbacks = [BackupAndRestore(folder), *([Stop()] if stop else [])]
    if stop:
        with pytest.raises(RuntimeError, match="power cut"):
            model.train(2, data, callbacks=callbacks)
    else:
        model.train(2, data, callbacks=callbacks)


def mapped(*functions):
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    data = ds.NumpySlicesDataset({"x": x, "y": x[:, :1]}, shuffle=False)
    for each in functions:
        data = data.map(each, "x")
    return data.batch(2)


def generated(factor):
    def rows():
        for i in range(4):
            yield np.full(2, i * factor, np.float32), np.full(1, i, np.float32)

    return ds.GeneratorDataset(rows, ["x", "y"]).batch(2)


def rows(order):
    x = np.arange(400, dtype=np.float32).reshape(200, 2)[list(order)]
    return ds.NumpySlicesDataset({"x": x, "y": x[:, :1]}, shuffle=False).batch(100)


class Loader:
    def __init__(self, factor):
        self.factor, self.epoch, self.log = factor, 0, object()

    def __iter__(self):
        self.epoch += 1
        for x, y in BATCHES[:2]:
            yield x * self.factor, y


class Activated(nn.Dense):
    def __init__(self, function):
        super().__init__(2, 1)
        self._activation = function

    def construct(self, x):
        return self._activation(super().construct(x))


class Slow(nn.Dense):
    rate = 2

    def construct(self, x):
        return super().construct(x) * self.rate


class Fast(nn.Dense):
    rate = 2

    def construct(self, x):
        return super().construct(x) / self.rate


Fast.__qualname__ = Slow.__qualname__

RUNS = {
    "list": ({"data": BATCHES[:2]}, {"data": BATCHES[1::-1]}, "batches of the list, or their order, differ"),
    "map": (
        {"data": lambda: mapped(lambda x: x + 1, lambda x: x * 2)},
        {"data": lambda: mapped(lambda x: x * 2, lambda x: x + 1)},
        "the code of operations of 'map' was checksum [0-9a-f]{8} in Python 3.* and is now checksum",
    ),
    "batch": (
        {"data": lambda: mapped().map(lambda x: x, "x").batch(1).map(lambda x: x[0]).map(lambda y: y[0], "y")},
        {"data": lambda: mapped().map(lambda x: x, "x").batch(1).map(lambda x: x[0] * 2).map(lambda y: y[0], "y")},
        "the code of operations of 'map'",
    ),
    "filter": (
        {"data": lambda: mapped().filter(lambda x: True, "x")},
        {"data": lambda: mapped().filter(lambda x: x.size, "x")},
        "the code of predicate of 'filter'",
    ),
    "generator": ({"data": lambda: generated(1)}, {"data": lambda: generated(2)}, "the code of source of 'generator'"),
    "elements": (
        {"data": lambda: rows(range(200))},
        {"data": lambda: rows([1, 0, *range(2, 200)])},
        "the order or content of elements of 'numpyslices'",
    ),
    "iterable": ({"data": lambda: Loader(1)}, {"data": lambda: Loader(2)}, "batches of the Loader, or the code"),
    "loss": (
        {"data": mapped, "loss": lambda a, b: ops.square(a - b).mean()},
        {"data": mapped, "loss": lambda a, b: ops.abs(a - b).mean()},
        "loss_fn.code was",
    ),
    "optax": (
        {"data": mapped, "optimizer": lambda weights: nn.OptaxOptimizer(optax.sgd(0.1, 0.9), weights)},
        {"data": mapped, "optimizer": lambda weights: nn.OptaxOptimizer(optax.sgd(0.1, 0.8), weights)},
        r"optimizer.transformation \(code\) was",
    ),
    "schedule": (
        {"data": mapped, "optimizer": lambda weights: nn.SGD(weights, lambda step: 0.1 / (step + 1))},
        {"data": mapped, "optimizer": lambda weights: nn.SGD(weights, lambda step: 0.2 / (step + 1))},
        r"optimizer.learning_rate.function \(code\) was",
    ),
    "activation": (
        {"data": mapped, "network": lambda: Activated(lambda x: ops.tanh(x))},
        {"data": mapped, "network": lambda: Activated(lambda x: ops.sin(x))},
        r"network.activation \(code\) was",
    ),
    "network": (
        {"data": mapped, "network": lambda: Slow(2, 1)},
        {"data": mapped, "network": lambda: Fast(2, 1)},
        "network.code was",
    ),
}


def started(how):
    return {**how, "data": how["data"]() if callable(how["data"]) else how["data"]}


@pytest.mark.parametrize("name", RUNS)
def test_another_list_or_function_causes_a_warning(name, tmp_path):
    first, then, message = RUNS[name]
    run(tmp_path, stop=True, **started(first))
    with pytest.warns(ResumeWarning, match=message):
        run(tmp_path, stop=False, **started(then))


@pytest.mark.parametrize("name", RUNS)
def test_the_same_causes_none(name, tmp_path):
    for stop in (True, False):
        run(tmp_path, stop=stop, **started(RUNS[name][0]))


class Changes(Callback):
    def __init__(self, batches, options):
        self.batches, self.options = batches, options

    def on_train_epoch_begin(self, run_context):
        self.batches.reverse()
        self.options["factor"] = run_context.original_args().cur_epoch_num


@pytest.mark.parametrize("kind", ["list", "map"])
def test_a_callback_that_changes_the_list_or_a_variable_causes_none(kind, tmp_path):
    for stop in (True, False):
        batches, options = list(BATCHES[:2]), {"factor": 0}
        scale = functools.partial(lambda options, x: x * options["factor"], options)
        network = nn.Dense(2, 1)
        model = Model(network, nn.MSELoss(), nn.SGD(network.trainable_params(), 0.1))
        callbacks = [Changes(batches, options), BackupAndRestore(tmp_path), *([Stop()] if stop else [])]
        try:
            model.train(2, batches if kind == "list" else mapped(scale), callbacks=callbacks)
        except RuntimeError:
            assert stop


def test_a_backup_without_checksums_and_one_of_another_python_cause_none(tmp_path, monkeypatch):
    from sporax import _describe

    monkeypatch.setattr(_describe.sys, "version_info", (3, 99, 0))
    run(tmp_path / "a", stop=True, **started(RUNS["map"][0]))
    monkeypatch.undo()
    run(tmp_path / "a", stop=False, **started(RUNS["map"][1]))
    from sporax.dataset import _state
    from sporax.train import _settings, _source

    for module, name in ((_state, "describe_code"), (_settings, "describe_code"), (_source, "describe_batches")):
        monkeypatch.setattr(module, name, lambda _: None)
    for name in ("map", "list", "network"):
        run(tmp_path / name, stop=True, **started(RUNS[name][0]))
    monkeypatch.undo()
    for name in ("map", "list", "network"):
        run(tmp_path / name, stop=False, **started(RUNS[name][1]))


SCRIPT = """
    import argparse, functools, math, operator, sys, time, random, uuid
    import numpy as np
    import sporax
    from sporax import Model, Parameter, Tensor, nn, ops
    from sporax import dataset as ds
    from sporax.train import BackupAndRestore, Callback

    LOG = f"run of {time.time()}"
    SCALE, NAMES, KINDS = 2.0, {"b", "a", "c"}, frozenset({"x", "y", "z"})
    OPTIONS = argparse.Namespace(scale=1.5, log=LOG)
    TABLE = np.arange(300.0)
    WEIGHT = Parameter(Tensor(np.random.rand(2)), name="w")
    CALLS = 0

    class Augment:
        names = {"p", "q"}

        def __init__(self, scale):
            self.scale, self.log, self.calls, self.random = scale, uuid.uuid4(), 0, random.Random()

        def __call__(self, x):
            self.calls += 1
            return self.inner(x) if "p" in self.names else x

        def inner(self, x):
            return x * self.scale

    def counted(x):
        global CALLS
        CALLS += 1
        return x

    def helper(x, table=TABLE):
        assert "a" in NAMES and "x" in KINDS and x.ndim in {1, 2}
        return x * SCALE * OPTIONS.scale + table[0]

    @functools.lru_cache
    def cached(n):
        return n + 1

    def decorated(function):
        @functools.wraps(function)
        def call(x):
            return function(x) * cached(1)
        return call

    def source():
        for i in range(4):
            yield np.full(2, i, np.float32), np.full(1, i, np.float32)

    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.fc, self.act, self.log = nn.Dense(2, 1), (lambda x: ops.tanh(x)), None

        def construct(self, x):
            return self.act(self.fc(x)) * SCALE

    class Stop(Callback):
        def on_train_step_end(self, run_context):
            if run_context.original_args().cur_step_num == 4:
                raise KeyboardInterrupt

    class Order(ds.Sampler):
        def __iter__(self):
            yield from range(4)

    mean = functools.partial(np.multiply, 2.0)
    data = ds.GeneratorDataset(source, ["x", "y"])
    if "sampler" in sys.argv:
        data = ds.NumpySlicesDataset({"x": np.ones((4, 2), np.float32), "y": np.ones((4, 1), np.float32)},
                                     sampler=Order())
    maps = [lambda x: x + 1, mean, Augment(2.0), np.abs, np.negative, abs, operator.neg, counted, helper,
            decorated(lambda x: helper(x)), Augment(3.0).inner, np.vectorize(lambda x: float(x)), np.float32,
            functools.partial(helper, table=TABLE[1:]), lambda x: (WEIGHT, x)[1]]
    data = data.map(maps, "x").map(lambda x: x.astype(np.float32), "x").filter(lambda x: x is not None, "x").batch(2)
    if "list" in sys.argv:
        data = [(np.ones((2, 2), np.float32), np.ones((2, 1), np.float32))] * 2
    net = Net()
    loss = lambda a, b: ops.square(a - b).mean() * OPTIONS.scale
    model = Model(net, loss, nn.Adam(net.trainable_params(), 0.1))
    callbacks = [BackupAndRestore(sys.argv[1])]
    try:
        model.train(2, data, callbacks=callbacks + [Stop()] * ("stop" in sys.argv))
    except KeyboardInterrupt:
        print("stopped")
"""


@pytest.mark.parametrize("kind", ["generator", "sampler", "list"])
def test_the_same_script_in_another_process_causes_none(kind, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    outputs = []
    for seed, stop in (("1", "stop"), ("2", "")):
        call = [
            sys.executable,
            "-W",
            "error::sporax._errors.ResumeWarning",
            str(script),
            str(tmp_path / "b"),
            kind,
            stop,
        ]
        path = os.pathsep.join(each for each in sys.path if each)
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        assert "ResumeWarning" not in done.stderr
        outputs.append(done.stdout)
    assert ["stopped" in each for each in outputs] == [True, False]
