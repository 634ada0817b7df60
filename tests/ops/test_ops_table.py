"""The two forms of an op, the table, the methods of Tensor and the docstrings are consistent."""

from __future__ import annotations

import inspect
import pickle
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from oracles.op_checks import leaves
from sporax import mint, ops
from sporax._errors import ArgumentTypeError, DtypeError
from sporax.core import Tensor
from sporax.ops import _base

PUBLIC_FUNCTIONS = sorted(_base.FUNCTIONS)
FROM_OPS = sorted(name for name, function in _base.FUNCTIONS.items() if function.__module__.startswith("sporax.ops"))


def test_the_number_of_ops():
    assert len(_base.FUNCTIONS) >= 180
    assert len(_base.PRIMITIVES) >= 180


@pytest.mark.parametrize("name", PUBLIC_FUNCTIONS)
def test_every_function_is_public(name: str):
    assert getattr(ops, name) is _base.FUNCTIONS[name]
    assert name in ops.__all__


def test_every_class_is_public_and_survives_pickling():
    for name, kind in _base.PRIMITIVES.items():
        assert getattr(ops, name) is kind
        assert name in ops.__all__
    again = pickle.loads(pickle.dumps(ops.ReduceMean(keep_dims=True)))
    assert again(Tensor([[1.0, 3.0]]), 1).tolist() == [[2.0]]


def test_every_public_name_exists():
    assert len(set(ops.__all__)) == len(ops.__all__)
    for name in ops.__all__:
        assert hasattr(ops, name), name


@pytest.mark.parametrize("name", FROM_OPS)
def test_every_docstring_is_complete(name: str):
    text = inspect.getdoc(_base.FUNCTIONS[name]) or ""
    assert re.match(r".{10,}\.", text), "no summary"
    for section in ("Returns:", "Examples:", "Source:"):
        assert section in text, f"{name} has no section {section}"
    for parameter in inspect.signature(_base.FUNCTIONS[name]).parameters:
        assert re.search(rf"\b{parameter}\b.*:", text.split("Args:")[-1]), f"{name} does not document {parameter}"


def test_every_method_has_a_docstring_and_is_attached():
    for name, function in _base.METHODS.items():
        assert inspect.getdoc(function), name
        assert hasattr(Tensor, name), name
    assert Tensor.exp is _base.METHODS["exp"]


# class form with its hyper-parameters, function with the same hyper-parameters, Tensors
RNG = np.random.default_rng(47)
X = RNG.normal(0.5, 0.3, (3, 4))
PAIRS: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
    "Abs": (ops.Abs(), ops.abs, (X,)),
    "ReduceMean": (ops.ReduceMean(True), lambda x: ops.mean(x, 1, True), (X, 1)),
    "ReduceSum": (ops.ReduceSum(keep_dims=True), lambda x: ops.sum(x, 1, True), (X, 1)),
    "ReduceMax": (ops.ReduceMax(), lambda x: ops.amax(x, 1), (X, 1)),
    "ReduceAll": (ops.ReduceAll(), lambda x: ops.all(x, 1), (X > 0, 1)),
    "ArgMaxWithValue": (ops.ArgMaxWithValue(1, True), lambda x: ops.max(x, 1, True)[::-1], (X,)),
    "Concat": (ops.Concat(1), lambda a: ops.concat(a, 1), ((X, X),)),
    "Stack": (ops.Stack(1), lambda a: ops.stack(a, 1), ((X, X),)),
    "Softmax": (ops.Softmax(0), lambda x: ops.softmax(x, 0), (X,)),
    "LogSoftmax": (ops.LogSoftmax(), ops.log_softmax, (X,)),
    "Squeeze": (ops.Squeeze(0), lambda x: ops.squeeze(x, 0), (X[:1],)),
    "ExpandDims": (ops.ExpandDims(), lambda x: ops.expand_dims(x, 0), (X, 0)),
    "BroadcastTo": (ops.BroadcastTo((2, 3, 4)), lambda x: ops.broadcast_to(x, (2, 3, 4)), (X,)),
    "Reshape": (ops.Reshape(), lambda x: ops.reshape(x, (4, 3)), (X, (4, 3))),
    "Transpose": (ops.Transpose(), lambda x: ops.transpose(x, (1, 0)), (X, (1, 0))),
    "Tile": (ops.Tile(), lambda x: ops.tile(x, (2, 1)), (X, (2, 1))),
    "Cumsum": (ops.CumSum(), lambda x: ops.cumsum(x, 0), (X, 0)),
    "Elu": (ops.Elu(0.5), lambda x: ops.elu(x, 0.5), (X,)),
    "Cdist": (ops.Cdist(1.0), lambda x, y: ops.cdist(x, y, 1.0), (X, X)),
    "Sort": (ops.Sort(0, True), lambda x: ops.sort(x, 0, True), (X,)),
    "GatherD": (
        ops.GatherD(),
        lambda x: ops.gather_d(x, 1, Tensor(np.zeros((3, 1), np.int64))),
        (X, 1, np.zeros((3, 1), np.int64)),
    ),
    "Tril": (ops.Tril(-1), lambda x: ops.tril(x, -1), (X,)),
    "IndexAdd": (
        ops.IndexAdd(axis=0),
        lambda x: ops.index_add(x, Tensor([0]), Tensor(X[:1]), 0),
        (X, np.array([0]), X[:1]),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_class_equals_the_function(name: str):
    form, function, inputs = PAIRS[name]

    def tensors(value: Any) -> Any:
        if isinstance(value, tuple) and isinstance(value[0], np.ndarray):
            return tuple(map(Tensor, value))
        return Tensor(value) if isinstance(value, np.ndarray) else value

    given = [tensors(value) for value in inputs]
    wanted = function(
        *[value for value in given if isinstance(value, (Tensor, tuple)) and not _is_numbers(value)][: _arity(function)]
    )
    for got, expected in zip(leaves(form(*given)), leaves(wanted), strict=True):
        np.testing.assert_array_equal(np.asarray(got), np.asarray(expected))


def _is_numbers(value: Any) -> bool:
    return isinstance(value, tuple) and isinstance(value[0], int)


def _arity(function: Any) -> int:
    required = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    return len(required)


def test_primitives_print_as_in_mindspore():
    assert repr(ops.Abs()) == "Prim[Abs]"
    assert repr(ops.ReduceMean(keep_dims=True)) == "Prim[ReduceMean]<keep_dims=True>"
    assert repr(ops.ArgMaxWithValue()) == "Prim[ArgMaxWithValue]<axis=0, keep_dims=False>"
    assert repr(ops.TopK()) == "Prim[TopK]<sorted=True>"
    assert str(inspect.signature(ops.ReduceMean)) == "(keep_dims=False)"


def test_primitives_reject_unknown_arguments():
    with pytest.raises(
        ArgumentTypeError, match=r"Abs: takes 0 hyper-parameter.* but got 1\. Give the Tensors to the call"
    ):
        ops.Abs(Tensor([1.0]))
    with pytest.raises(ArgumentTypeError, match=r"ReduceMean: unknown hyper-parameter 'keepdims'; it has: keep_dims\."):
        ops.ReduceMean(keepdims=True)
    with pytest.raises(ArgumentTypeError, match=r"BroadcastTo: needs the hyper-parameter\(s\) shape\."):
        ops.BroadcastTo()


def test_two_ops_cannot_share_a_name():
    with pytest.raises(ArgumentTypeError, match="ops: two ops are named 'exp'"):
        _base.enter_function("exp", ops.exp)


METHODS_AS_FUNCTIONS = {
    "exp": (), "add": (Tensor(X),), "sub": (1.5,), "mul": (Tensor(X),), "div": (2,), "pow": (2,), "maximum": (0.4,),
    "mean": (1,), "prod": (1,), "std": (1,), "var": (0, 1), "argmax": (1,), "any": (), "cumsum": (0,),
    "logsumexp": (1,),
    "reshape": ((4, 3),), "permute": ((1, 0),), "squeeze": (), "expand_dims": (0,), "unbind": (), "chunk": (2,),
    "tile": ((2, 1),), "roll": (1,), "flip": ((0,),), "tril": (), "sort": (), "topk": (2,), "clamp": (0.2, 0.6),
    "matmul": (Tensor(X.T),), "masked_fill": (Tensor(X > 0.5), 1.0), "softmax": (0,), "sigmoid": (), "isnan": (),
    "eq": (0.5,), "lerp": (Tensor(X), 0.5), "norm": (), "nonzero": (), "median": (), "broadcast_to": ((2, 3, 4),),
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS_AS_FUNCTIONS)
def test_the_method_equals_the_function(name: str):
    arguments = METHODS_AS_FUNCTIONS[name]
    x = Tensor(X)
    got, expected = getattr(x, name)(*arguments), getattr(ops, name)(x, *arguments)
    for one, other in zip(leaves(got), leaves(expected), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def _compiles(statement: str) -> bool:
    """Whether a statement compiles anything, in a separate process."""
    source = (
        "import jax\n"
        "events = []\n"
        "jax.monitoring.register_event_duration_secs_listener(lambda event, *_, **__: events.append(event))\n"
        f"{statement}\n"
        "print(any('compile' in event for event in events))\n"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert done.stdout in ("True\n", "False\n"), done.stderr
    return done.stdout == "True\n"


def test_importing_ops_compiles_nothing():
    assert not _compiles("import sporax.ops")


def test_a_compilation_would_be_noticed():
    assert _compiles("import jax.numpy; jax.numpy.arange(3) + 1")


def test_the_global_settings_of_jax_are_unchanged():
    import jax

    before = jax.config.jax_enable_x64
    assert ops.exp(Tensor(np.array([1.0]))).dtype.name == "float64"
    assert jax.config.jax_enable_x64 == before


def test_a_second_keyword_of_a_method_may_replace_a_required_argument():
    x = Tensor([7, 8])
    assert x.remainder(divisor=3).tolist() == x.remainder(3).tolist() == [1, 2]
    assert str(inspect.signature(Tensor.remainder)) == (
        "(self: '_TensorLike', other: '_TensorLike', *, divisor: 'Any' = None) -> 'Tensor'"
    )
    with pytest.raises(TypeError, match=r"Tensor\.remainder\(\) missing 1 required argument: 'other'"):
        x.remainder()
    with pytest.raises(ArgumentTypeError, match=r"Tensor\.remainder: `other` and `divisor` are one argument"):
        x.remainder(2, divisor=3)


def test_names_with_the_same_arguments_share_one_function():
    assert ops.absolute is ops.abs is mint.abs
    assert ops.Abs._function is ops.abs
    assert Tensor.absolute is Tensor.abs
    assert ops.floor_mod is not ops.remainder
    assert list(inspect.signature(ops.floor_mod).parameters) == ["x", "y"]
    assert ">>> print(ops.floor_mod(Tensor([7, -7]), Tensor([3, 3])))" in (ops.floor_mod.__doc__ or "")


def test_messages_of_a_method_name_the_op():
    with pytest.raises(DtypeError, match=r"ops\.floor: `input` must be of a dtype among .*, but got Complex64"):
        Tensor(np.array([1j], np.complex64)).floor()


@pytest.mark.parametrize("number", [np.float64(1.5), np.int64(2)])
def test_a_numpy_scalar_is_a_python_number(number: Any):
    x = Tensor(np.ones(2, np.float16))
    assert ops.add(x, number).dtype == ops.where(x > 0, number, x).dtype == x.dtype
    assert ops.abs(np.float64(-1.5)).dtype.dtype == np.float32
