"""MindSpore's functional helpers, and losses as ops."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from sporax import grad, ops
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError
from sporax.core import Cell, Parameter, Tensor
from sporax.core import dtype as dtypes


def test_map_and_hyper_map():
    assert ops.Map()(lambda a, b: a + b, (1, 2), (3, 4)) == (4, 6)
    assert ops.Map(len)(((1, 2), (3,))) == (2, 1)
    assert ops.HyperMap()(lambda a: a + 1, ((1, 2), [3, (4,)])) == ((2, 3), (4, (5,)))
    assert ops.HyperMap(lambda a, b: a * b)((1, (2, 3)), (4, (5, 6))) == (4, (10, 18))
    assert ops.HyperMap()(ops.partial(lambda s, g: s * g, 10), (1, 2)) == (10, 20)
    assert ops.HyperMap()(lambda a: -a, {"x": 1, "y": (2,)}) == {"x": -1, "y": (-2,)}
    seen: list[int] = []
    assert ops.HyperMap(reverse=True)(lambda a: seen.append(a) or a, (1, 2, 3)) == (1, 2, 3)
    assert seen == [3, 2, 1]


def graph() -> Any:
    add = ops.MultitypeFuncGraph("add")

    @add.register("Number", "Number")
    def _numbers(x: Any, y: Any) -> Any:
        return x + y

    @add.register("Tensor", "Number")
    def _mixed(x: Any, y: Any) -> Any:
        return x * y

    @add.register("Tuple", "None")
    def _tuple(x: Any, y: Any) -> Any:
        return len(x)

    return add


def test_overloads_by_type():
    add = graph()
    assert add(1, 2.5) == 3.5
    assert add(Tensor([2.0]), 3).tolist() == [6.0]
    assert add((1, 2), None) == 2
    assert ops.HyperMap()(add, (1, Tensor([2.0])), (3, 4))[1].tolist() == [8.0]
    by_dtype = ops.MultitypeFuncGraph("name")
    by_dtype.register(dtypes.int32)(lambda x: "int32")
    by_dtype.register("Tensor")(lambda x: "other")
    assert (by_dtype(Tensor([1], dtypes.int32)), by_dtype(Tensor([1.0]))) == ("int32", "other")


# The names that MindSpore 2.10 accepts (in PyNative mode, where another function could be selected).
TYPES = {
    "Tensor": {"float tensor", "int tensor", "parameter"},
    "Number": {"int", "float", "bool"},
    "Bool": {"bool"},
    "bool": {"bool"},
    "Int": {"int"},
    "int": {"int"},
    "Int64": {"int"},
    "Float": {"float"},
    "float": {"float"},
    "Float64": {"float"},
    "Tuple": {"tuple"},
    "List": {"list"},
    "String": {"str"},
    "None": {"none"},
    "Function": {"function", "cell"},
    "Tensor[Float32]": {"float tensor", "parameter"},
    "Tensor[Int32]": set(),
    "TypeType": {"dtype"},
    **{name: set() for name in ("RowTensor", "CSRTensor", "COOTensor", "MapTensor", "UInt8", "Float16", "Int8")},
}


@pytest.mark.parametrize("name", TYPES)
def test_type_names(name):
    values = {
        "float tensor": Tensor([1.0]),
        "int tensor": Tensor([1]),
        "parameter": Parameter(Tensor([1.0])),
        "int": 1,
        "float": 1.0,
        "bool": True,
        "str": "a",
        "tuple": (1,),
        "list": [1],
        "none": None,
        "function": lambda x: x,
        "cell": Line(),
        "dtype": dtypes.float32,
    }
    chosen = ops.MultitypeFuncGraph("chosen")
    chosen.register("Tensor", "RowTensor")(lambda x, y: "never")
    chosen.register(name)(lambda x: "chosen")
    taken = set()
    for kind, value in values.items():
        try:
            assert chosen(value) == "chosen"
        except ArgumentError:
            continue
        taken.add(kind)
    assert taken == TYPES[name]


def test_a_single_function_is_called_for_all_types():
    only = ops.MultitypeFuncGraph("only")
    only.register("Tensor", "Tensor")(lambda x, y: x * y)
    assert only(0.5, Tensor([2.0])).tolist() == [1.0]


def test_the_first_matching_function_is_called():
    first = ops.MultitypeFuncGraph("first")
    first.register("Int")(lambda x: "int")
    first.register("Number")(lambda x: "number")
    first.register("Int")(lambda x: "second int")
    assert (first(1), first(1.0), first(True)) == ("int", "number", "number")


class Line(Cell):
    def __init__(self) -> None:
        super().__init__()
        self.w = Parameter(Tensor([2.0, 3.0]), name="w")

    def construct(self, x: Tensor, y: Tensor) -> Tensor:
        return (x * self.w + y * y).sum()


def test_gradient_operation():
    net, x, y = Line(), Tensor([1.0, 4.0]), Tensor([5.0, 6.0])
    assert ops.GradOperation()(net)(x, y).tolist() == [2.0, 3.0]
    assert [g.tolist() for g in ops.GradOperation(get_all=True)(net)(x, y)] == [[2.0, 3.0], [10.0, 12.0]]
    assert [g.tolist() for g in ops.GradOperation(get_by_list=True)(net)(x, y)] == [[1.0, 4.0]]
    inputs, weights = ops.GradOperation(get_all=True, get_by_list=True)(net, net.trainable_params())(x, y)
    assert [len(inputs), len(weights)] == [2, 1]
    scaled = ops.GradOperation(sens_param=True)(lambda a, b: a * b)(x, y, Tensor([10.0, 0.0]))
    assert scaled.tolist() == [50.0, 0.0]
    pair = ops.GradOperation(sens_param=True)(lambda a: (a * a, a))(x, (Tensor([1.0, 0.0]), Tensor([0.0, 3.0])))
    assert pair.tolist() == [2.0, 3.0]
    assert ops.GradOperation(sens_param=True)(lambda a: (a * a).sum())(x, 3.0).tolist() == [6.0, 24.0]


@pytest.mark.parametrize("shape", [(), (1,), (2, 1), (2, 2)])
def test_a_sensitivity_of_another_shape_is_rejected(shape):
    # With broadcasting, elements of the output would be counted several times.
    with pytest.raises(ShapeError, match=re.escape(f"must have its shape (2,), but got {shape}")):
        ops.GradOperation(sens_param=True)(lambda a: a * a)(Tensor([1.0, 4.0]), ops.ones(shape))


class TestScan:
    def test_a_list_is_scanned_element_by_element(self):
        vectors = [Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]
        for xs in (vectors, tuple(vectors)):
            carry, outputs = ops.Scan()(lambda c, x: (c + x, c), Tensor([0.0, 0.0]), xs, None, False)
            assert carry.tolist() == [4.0, 6.0]
            assert [each.tolist() for each in outputs] == [[0.0, 0.0], [1.0, 2.0]]
        assert ops.Scan()(lambda c, x: (c + x, c), 0, [1, 2, 3]) == (6, [0, 1, 3])
        gradient = grad(lambda a: ops.Scan()(lambda c, x: (c * x, c), a, vectors)[0])(Tensor([1.0, 1.0]))
        assert gradient.tolist() == [3.0, 8.0]

    def test_a_length_other_than_that_of_the_lists_is_rejected(self):
        with pytest.raises(ArgumentError, match="`length` is 3, but `xs` has 2 elements"):
            ops.Scan()(lambda c, x: (c + x, c), 0, [1, 2], 3)

    def test_a_scalar_cannot_be_scanned(self):
        for xs in ([Tensor(1.0), Tensor(2.0)], [Tensor([1.0]), Tensor([2.0, 3.0])]):
            with pytest.raises(ShapeError, match="use ops.Scan, which iterates over a list"):
                ops.scan(lambda c, x: (c + x[0], c), Tensor(0.0), xs)

    def test_no_elements(self):
        carry, outputs = ops.scan(lambda c, x: (c + x, c), Tensor(1.0), ops.zeros((0,)))
        assert (carry.item(), outputs.shape) == (1.0, (0,))


def test_control_flow_operators():
    assert ops.cond(Tensor(True), lambda x: x + 1, lambda x: x, Tensor(1.0)).item() == 2.0
    assert ops.WhileLoop()(lambda x: x < 5, lambda x: x * 2, Tensor(1)).item() == 8
    assert ops.ForiLoop()(0, 3, lambda i, x: x + i, Tensor(0)).item() == 3
    carry, rows = ops.Scan()(lambda c, x: (c + x, c * x), Tensor(1.0), Tensor([2.0, 3.0]))
    assert (carry.item(), rows.tolist()) == (6.0, [2.0, 9.0])
    assert ops.vmap(lambda x: x * 2)(Tensor([1.0, 2.0])).tolist() == [2.0, 4.0]
    assert ops.StopGradient()(Tensor([1.0])).tolist() == [1.0]


WRONG: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: ops.Map()(lambda a, b: a, (1, 2), (3,)),
        ArgumentError,
        "Map: all arguments must be of the same structure, but their lengths are [2, 1].",
    ),
    (
        lambda: ops.HyperMap()(lambda a, b: a, (1, 2), 3),
        ArgumentError,
        "HyperMap: all arguments must be of the same structure, but their lengths are [2, 'int'].",
    ),
    (
        lambda: ops.HyperMap()(3, (1, 2)),
        ArgumentTypeError,
        "HyperMap: the first argument must be a function, but got 3.",
    ),
    (lambda: ops.Map(len)(), ArgumentError, "Map: there is nothing to map over."),
    (
        lambda: graph()("a", 1),
        ArgumentError,
        "no function for arguments of types (str, int); it has: Number, Number; Tensor, Number; Tuple, None.",
    ),
    (lambda: graph().register("Nomber"), ArgumentError, "MultitypeFuncGraph 'add': unknown type name 'Nomber'"),
    (
        lambda: ops.GradOperation(get_by_list=True)(lambda x: x),
        ArgumentError,
        "with `get_by_list` and a plain function, give `weights`.",
    ),
    (lambda: ops.GradOperation(get_all=1), ArgumentTypeError, "GradOperation: `get_all` must be a bool, but got 1."),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_invalid_arguments(call: Any, kind: type[Exception], message: str):
    with pytest.raises(kind, match=re.escape(message)):
        call()


# --- losses ---

RNG = np.random.default_rng(43)
X, Y = RNG.normal(0.0, 2.0, (4, 3)), RNG.normal(0.5, 1.0, (4, 3))
PROBABILITY = RNG.uniform(0.1, 0.9, (4, 3))


def test_losses():
    x, y = Tensor(X), Tensor(Y)
    d = X - Y
    assert ops.l1_loss(x, y).item() == pytest.approx(np.abs(d).mean())
    assert ops.mse_loss(x, y, "sum").item() == pytest.approx((d**2).sum())
    smooth = np.where(np.abs(d) < 0.5, d**2, np.abs(d) - 0.25)
    np.testing.assert_allclose(ops.smooth_l1_loss(x, y, 0.5).asnumpy(), smooth)
    np.testing.assert_allclose(ops.SmoothL1Loss(0.5, "mean")(x, y).asnumpy(), smooth.mean())
    p = Tensor(PROBABILITY)
    entropy = -(Y * np.log(PROBABILITY) + (1 - Y) * np.log(1 - PROBABILITY))
    labels = np.clip(Y, 0, 1)
    entropy = -(labels * np.log(PROBABILITY) + (1 - labels) * np.log(1 - PROBABILITY))
    assert ops.binary_cross_entropy(p, Tensor(labels)).item() == pytest.approx(entropy.mean())
    weighted = ops.BinaryCrossEntropy("sum")(p, Tensor(labels), Tensor(np.full((4, 3), 2.0)))
    assert weighted.item() == pytest.approx(2 * entropy.sum())
    cosine = (X * Y).sum(1) / np.linalg.norm(X, axis=1) / np.linalg.norm(Y, axis=1)
    target = np.array([1, -1, 1, -1])
    expected = np.where(target == 1, 1 - cosine, np.maximum(cosine - 0.1, 0))
    np.testing.assert_allclose(
        ops.cosine_embedding_loss(x, y, Tensor(target), 0.1, "none").asnumpy(), expected, rtol=1e-10
    )


def test_cross_entropy_primitives():
    softmax = np.exp(X) / np.exp(X).sum(1, keepdims=True)
    labels, classes = np.eye(3)[[2, 0, 1, 1]], np.array([2, 0, 1, 1])
    loss, gradient = ops.SoftmaxCrossEntropyWithLogits()(Tensor(X), Tensor(labels))
    np.testing.assert_allclose(loss.asnumpy(), -np.log(softmax[np.arange(4), classes]), rtol=1e-12)
    np.testing.assert_allclose(gradient.asnumpy(), softmax - labels, atol=1e-12)
    mean = ops.SparseSoftmaxCrossEntropyWithLogits()(Tensor(X), Tensor(classes))
    assert mean.item() == pytest.approx(loss.asnumpy().mean())
    gradient = ops.SparseSoftmaxCrossEntropyWithLogits(is_grad=True)(Tensor(X), Tensor(classes))
    np.testing.assert_allclose(gradient.asnumpy(), (softmax - labels) / 4, atol=1e-12)
    assert ops.L2Loss()(Tensor([1.0, 2.0])).item() == 2.5


def test_loss_errors_name_the_op():
    with pytest.raises(ArgumentError, match=r"ops\.l1_loss: `reduction` must be one of .*but got 'men'"):
        ops.l1_loss(Tensor(X), Tensor(Y), "men")
