"""`sporax.numpy`: MindSpore's names and signatures, NumPy's values, MindSpore's dtypes, in every mode of running."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from oracles import numpy_samples as samples
from sporax import Parameter, Tensor, grad, jit, nn, ops, set_seed, value_and_grad
from sporax import numpy as mnp
from sporax._errors import ArgumentError, ShapeError
from sporax.core.dtype import DType
from sporax.numpy import _exceptions, _names

pytestmark = pytest.mark.rank_promotion

PUBLIC: list[str] = vars(mnp)["__all__"]
TENSORS = {name: Tensor(array) for name, array in samples.ARRAYS.items()}
FUNCTIONS = sorted(samples.SAMPLES)
RECORDED = dict(
    line.split(" ", 1)
    for line in (Path(__file__).parent / "mindspore_numpy.txt").read_text().splitlines()
    if not line.startswith("#")
)
CONCRETE = {"argwhere", "unique", "intersect1d", "setdiff1d", "array_str", "isscalar", "repeat", "bincount"}
"""Functions whose results, or their shapes, depend on values: they cannot be compiled with these arguments."""


def of_sporax(name: str, arrays: Any = None) -> Any:
    dtypes = {"int32": mnp.int32, "float16": mnp.float16, "float64": mnp.float64}
    return samples.call(getattr(mnp, name), name, TENSORS if arrays is None else arrays, **dtypes)


def leaves(value: Any) -> list[Any]:
    return jax.tree.leaves(value, is_leaf=lambda each: isinstance(each, Tensor))


def bare(function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


def test_the_functions_and_signatures_are_those_of_mindspore():
    assert {name: bare(getattr(mnp, name)) for name in FUNCTIONS} == {
        name: text.replace("mindspore.", "sporax.") for name, text in RECORDED.items()
    }


def test_every_public_name_resolves():
    for name in PUBLIC:
        assert getattr(mnp, name) is not None
    functions = {name for name in PUBLIC if inspect.isfunction(getattr(mnp, name))}
    assert functions == set(FUNCTIONS)
    assert (mnp.int_, mnp.float_, mnp.uint) == (mnp.int32, mnp.float32, mnp.uint32)
    assert mnp.pi == np.pi
    assert np.isnan(mnp.nan)
    assert (mnp.inf, mnp.PINF, mnp.NINF) == (np.inf, np.inf, -np.inf)
    with pytest.raises(AttributeError, match=r"has no attribute 'arrange'\. Did you mean arange\?"):
        vars(mnp)["__getattr__"]("arrange")


def test_every_function_is_a_name_of_jax_or_an_exception_with_a_reason():
    of_jax = {line.partition("(")[0] for line in _names.SIGNATURES.strip().splitlines()}
    assert of_jax | set(_exceptions.REASONS) == set(FUNCTIONS)
    assert not of_jax & set(_exceptions.REASONS)
    assert all(_exceptions.REASONS.values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_of_numpy(name: str):
    found, expected = of_sporax(name), samples.expected(name)
    if not isinstance(found, (Tensor, list, tuple)):
        assert found == expected or isinstance(found, DType)
        return
    results, references = leaves(found), leaves(expected)
    assert len(results) == len(references)
    for result, reference in zip(results, references, strict=True):
        assert result.shape == np.shape(reference)
        if name not in samples.DRAWN:
            np.testing.assert_allclose(result.asnumpy(), reference, rtol=2e-5, atol=1e-5)
        wide = name in ("argmax", "argmin", "argwhere")
        assert wide or result.asnumpy().itemsize <= 4


def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mnp, "sin", mnp.cos)
    with pytest.raises(AssertionError):
        test_values_are_those_of_numpy("sin")


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - CONCRETE - set(samples.DRAWN))[::5])
def test_compiled_results_are_the_eager_ones(name: str):
    eager = [each for each in leaves(of_sporax(name)) if isinstance(each, Tensor)]

    @jit
    def compiled(arrays: Any) -> Any:
        return [each for each in leaves(of_sporax(name, arrays)) if isinstance(each, Tensor)]

    for first, second in zip(eager, compiled(TENSORS), strict=True):
        assert first.dtype == second.dtype
        np.testing.assert_allclose(first.asnumpy(), second.asnumpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["abs", "average", "clip", "cross", "cumprod", "divide", "dot", "gradient", "kron", "linspace", "logaddexp",
     "maximum", "mean", "norm", "pad", "power", "std", "take", "tensordot", "trapz", "where"],
)  # fmt: skip
def test_gradients_against_finite_differences(name: str):
    wide = {
        key: array.astype(np.float64) if array.dtype == np.float32 else array for key, array in samples.ARRAYS.items()
    }
    key = (
        next(each for each in "XTVPU" if each in samples.SAMPLES[name].replace("axis", ""))
        if name != "linspace"
        else "V"
    )

    def loss(x: Tensor) -> Tensor:
        arrays = {each: Tensor(array) for each, array in wide.items()} | {key: x}
        result = mnp.linspace(x, 3.0, 4) if name == "linspace" else of_sporax(name, arrays)
        return (result * result).sum()

    gradient = grad(loss)(Tensor(wide[key])).asnumpy()
    direction = np.random.default_rng(5).normal(size=wide[key].shape)
    ends = [loss(Tensor(wide[key] + step * direction)).item() for step in (1e-6, -1e-6)]
    np.testing.assert_allclose((gradient * direction).sum(), (ends[0] - ends[1]) / 2e-6, rtol=1e-5)


def test_gradients_at_zero_are_those_of_ops():
    zero = Tensor(np.zeros(3, np.float32))
    assert grad(lambda x: mnp.norm(x))(zero).tolist() == [0.0, 0.0, 0.0]
    assert grad(lambda x: mnp.abs(x).sum())(zero).tolist() == [0.0, 0.0, 0.0]


class Scaled(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.weight = Parameter(Tensor([1.0, 2.0, 3.0]), name="weight")
        self.calls = Parameter(Tensor(0), name="calls", requires_grad=False)

    def construct(self, x: Tensor) -> Tensor:
        self.calls.set_data(mnp.add(self.calls, 1))
        return mnp.sum(mnp.multiply(mnp.square(self.weight), x))


@pytest.mark.parametrize("compiled", [False, True])
def test_parameters_are_read_differentiated_and_written(compiled: bool):
    net = Scaled()
    step = value_and_grad(net, None, net.trainable_params())
    step = jit(step) if compiled else step
    for _ in range(2):
        value, (gradient,) = step(Tensor([1.0, -1.0, 0.5]))
    assert value.item() == 1.5
    assert gradient.tolist() == [2.0, -4.0, 3.0]
    assert net.calls.item() == 2


I32, F32, F16, I64, F64 = (
    Tensor(np.array([3, 1, 2]), each) for each in ("int32", "float32", "float16", "int64", "float64")
)
BOOL = Tensor(np.array([True, False, True]))


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (lambda: mnp.array([1, 2]), "int32"),
        (lambda: mnp.array(3.5), "float32"),
        (lambda: mnp.array([F32, F32]), "float32"),
        (lambda: mnp.asarray(F64), "float64"),
        (lambda: mnp.asarray([1, 2], "float64"), "float64"),
        (lambda: mnp.zeros((2,), int), "int32"),
        (lambda: mnp.zeros((2,), float), "float32"),
        (lambda: mnp.full((2,), 3), "int32"),
        (lambda: mnp.full(2, True), "bool_"),
        (lambda: mnp.full_like(I32, 2.7), "int32"),
        (lambda: mnp.arange(3), "int32"),
        (lambda: mnp.arange(3.0), "float32"),
        (lambda: mnp.arange(3, dtype=mnp.int64), "int64"),
        (lambda: mnp.linspace(0, 4, 3), "float32"),
        (lambda: mnp.sin(I32), "float32"),
        (lambda: mnp.sin(I64), "float32"),
        (lambda: mnp.sin(F16), "float16"),
        (lambda: mnp.sin(F64), "float64"),
        (lambda: mnp.add(I32, 2), "int32"),
        (lambda: mnp.add(I32, 2.5), "float32"),
        (lambda: mnp.add(F16, 2.5), "float16"),
        (lambda: mnp.add(I64, F32), "float32"),
        (lambda: mnp.add(F16, I32), "float16"),
        (lambda: mnp.add(F32, F64), "float64"),
        (lambda: mnp.add(1, 2), "int32"),
        (lambda: mnp.add(F32, 1, mnp.float64), "float64"),
        (lambda: mnp.divide(I32, 2), "float32"),
        (lambda: mnp.sum(I32), "int64"),
        (lambda: mnp.sum(BOOL), "int64"),
        (lambda: mnp.sum(F32, 0, mnp.float64), "float64"),
        (lambda: mnp.cumsum(I32), "int32"),
        (lambda: mnp.cumsum(BOOL), "int32"),
        (lambda: mnp.std(I32), "float32"),
        (lambda: mnp.argmax(F32), "int64"),
        (lambda: mnp.searchsorted(F32, F32), "int32"),
        (lambda: mnp.bincount(I32), "float32"),
        (lambda: mnp.where(BOOL, 1, 2), "int32"),
        (lambda: mnp.where(BOOL, I32, 2.5), "float32"),
        (lambda: mnp.convolve(I32, I32), "int32"),
        (lambda: mnp.norm(I32), "float32"),
        (lambda: mnp.randint(5), "int32"),
    ],
)
def test_dtypes_are_those_that_mindspore_prints(make: Any, dtype: str):
    assert make().dtype.name == dtype


def test_options_of_the_exceptions():
    x = Tensor([1.5, -2.0, 0.5])
    assert mnp.take(x, mnp.array([-1, 7]), mode="clip").tolist() == [0.5, 0.5]
    assert mnp.take(x, mnp.array([-1, 4]), mode="wrap").tolist() == [0.5, -2.0]
    with pytest.raises(ArgumentError, match=r'numpy\.take: mode "raise" is not available'):
        mnp.take(x, mnp.array([0]), mode="raise")
    with pytest.raises(ArgumentError, match=r"numpy\.gradient: `edge_order` must be 1, but got 2"):
        mnp.gradient(x, edge_order=2)
    with pytest.raises(ShapeError, match=r"numpy\.add: shapes \(3,\) and \(2,\) do not broadcast"):
        mnp.add(x, mnp.ones(2))
    with pytest.raises(ArgumentError, match=r"^numpy\.max: axis 2 is out of bounds for array of dimension 1"):
        mnp.max(x, axis=2)
    with pytest.raises(ArgumentError, match=r"^numpy\.reshape: cannot reshape array of shape \(3,\)"):
        mnp.reshape(x, (2, 2))
    assert mnp.pad(x, 1, "linear_ramp", end_values=4).tolist() == [4.0, 1.5, -2.0, 0.5, 4.0]
    assert mnp.unique(mnp.array([3, 1, 3, 2])).tolist() == [3, 1, 2]
    assert mnp.norm(mnp.array([[3.0, 4.0]]), "fro").item() == 5.0
    assert mnp.norm(mnp.array([[3.0, 4.0], [0.0, 0.0]]), "nuc").item() == pytest.approx(5.0)
    assert mnp.norm(x, mnp.inf).item() == 2.0
    assert mnp.max(x, initial=-9.0, where=Tensor([False, True, False])).item() == -2.0
    assert mnp.result_type(I32, F32) is mnp.float32
    assert mnp.result_type("int16", mnp.float32, F32) is mnp.float32
    assert not mnp.isscalar(x)


def test_functions_of_the_user_receive_tensors():
    seen: list[type] = []

    def total(x: Tensor) -> Tensor:
        seen.append(type(x))
        return x.sum() * 2

    assert mnp.apply_along_axis(total, 0, mnp.ones((2, 3))).tolist() == [4.0, 4.0, 4.0]
    assert mnp.apply_over_axes(mnp.sum, mnp.ones((2, 3)), [0, 1]).tolist() == [[6.0]]
    assert set(seen) == {Tensor}


def test_grids():
    assert mnp.mgrid[0:2, 0:3].dtype == mnp.int32
    assert mnp.mgrid[0:2, 0:3].tolist() == np.mgrid[0:2, 0:3].tolist()
    first, second = mnp.ogrid[0:2, 0:1:3j]
    assert (first.shape, second.shape, second.dtype) == ((2, 1), (1, 3), mnp.float32)
    assert repr(mnp.mgrid) == "sporax.numpy.mgrid"


def test_draws():
    set_seed(3)
    first = mnp.rand(2, 3), mnp.randn((4,)), mnp.randint(2, 5, (50,))
    set_seed(3)
    again = mnp.rand(2, 3), mnp.randn((4,)), mnp.randint(2, 5, (50,))
    for one, two in zip(first, again, strict=True):
        assert one.tolist() == two.tolist()
    assert set(first[2].tolist()) == {2, 3, 4}
    assert first[0].tolist() != mnp.rand(2, 3).tolist()
    with pytest.raises(ArgumentError, match=r"numpy\.randint: the minimum must be below the bound, but got 5 and 5"):
        mnp.randint(5, 5)


def test_a_captured_function_works_under_vmap_and_in_ops():
    rows = ops.vmap(lambda row: mnp.cumsum(row), in_axes=0, out_axes=0)(TENSORS["X"])
    np.testing.assert_allclose(rows.asnumpy(), np.cumsum(samples.ARRAYS["X"], 1), rtol=1e-5)
