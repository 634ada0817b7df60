"""Reductions, running reductions and order statistics against NumPy."""

from __future__ import annotations

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from oracles.op_checks import assert_close, check_gradient, check_op
from sporax import ops
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError
from sporax.core import Tensor

RNG = np.random.default_rng(17)
X = RNG.normal(0.3, 1.2, (3, 4, 5))
AXES: list[Any] = [None, 0, -1, (0, 2), (-1, 1)]


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


# name of the op: (NumPy, name of the axis argument, name of the keep argument)
REDUCTIONS: dict[str, tuple[Any, str, str]] = {
    "sum": (np.sum, "dim", "keepdim"),
    "mean": (np.mean, "axis", "keep_dims"),
    "prod": (np.prod, "axis", "keep_dims"),
    "amax": (np.max, "axis", "keepdims"),
    "amin": (np.min, "axis", "keepdims"),
    "std": (np.std, "axis", "keepdims"),
    "var": (np.var, "axis", "keepdims"),
    "logsumexp": (_logsumexp, "dim", "keepdim"),
    "nansum": (np.nansum, "axis", "keepdims"),
    "nanmean": (np.nanmean, "axis", "keepdims"),
}


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_values(name: str, axis: Any):
    reference, axis_name, keep_name = REDUCTIONS[name]
    for keep in (False, True):
        named = {axis_name: axis, keep_name: keep}
        check_op(
            lambda x, named=named: getattr(ops, name)(x, **named),
            lambda x, keep=keep: reference(x, axis=axis, keepdims=keep),
            [X],
            dtype=np.float64,
            tolerance=1e-11,
            compiled=keep,
            name=name,
        )


@pytest.mark.parametrize("name", REDUCTIONS)
def test_gradients(name: str):
    _, axis_name, _ = REDUCTIONS[name]
    check_gradient(lambda x: getattr(ops, name)(x, **{axis_name: 1}), [X[:2]], name=name)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "all", "any", "std", "var", "argmax", "argmin"])
def test_methods_accept_both_names(name: str):
    x = Tensor(X)
    given = [{"axis": 1}, {"dim": 1}]
    results = [getattr(x, name)(**each) for each in given]
    if name in ("max", "min"):
        results[1] = results[1][0]
    np.testing.assert_array_equal(results[0].asnumpy(), results[1].asnumpy())
    reference = getattr(np, name)(X, axis=1)
    np.testing.assert_allclose(results[0].asnumpy(), reference, rtol=1e-12)
    with (
        pytest.raises(ArgumentTypeError, match=r"`(dim|axis)` and `(axis|dim)` are one argument")
        if name not in ("max", "min")
        else (pytest.raises(TypeError))
    ):
        getattr(x, name)(axis=1, dim=1, nope=2) if name in ("max", "min") else getattr(x, name)(axis=1, dim=1)


# expression, printed result and dtype of MindSpore 2.10
GOLDEN = [
    ("Tensor([1, 2]).sum()", "3", "int64"),
    ("Tensor([1, 2], np.int32).sum()", "3", "int64"),
    ("Tensor([True, False]).sum()", "1", "int64"),
    ("Tensor([1, 2], np.uint8).sum()", "3", "int64"),
    ("Tensor([1, 2], np.float16).sum()", "3.0", "float16"),
    ("Tensor([1, 2]).prod()", "2", "int64"),
    ("Tensor([True]).prod()", "1", "int64"),
    ("Tensor([1.0, 2]).max()", "2.0", "float32"),
    ("Tensor([[1.0, 2]]).max(axis=1)", "[2.]", "float32"),
    ("Tensor([[1.0, 2]]).max(1)[1]", "[1]", "int64"),
    ("Tensor([[1.0, 2]]).max(dim=1)[0]", "[2.]", "float32"),
    ("Tensor([[1.0, 2]]).max(axis=1, return_indices=True)[1]", "[1]", "int64"),
    ("Tensor([[1.0, 2]]).min(axis=0)", "[1. 2.]", "float32"),
    ("Tensor([[1.0, 2], [3, 4]]).max((0, 1))", "4.0", "float32"),
    ("Tensor([1.0, 2]).argmax()", "1", "int64"),
    ("Tensor([[1.0, 2]]).argmax(1)", "[1]", "int64"),
    ("Tensor([1.0, 2]).argmin()", "0", "int32"),
    ("Tensor([1.0, 2]).std()", "0.5", "float32"),
    ("Tensor([1.0, 2]).var()", "0.25", "float32"),
    ("Tensor([[1.0, 2], [3, 4]]).std(0, 1).asnumpy().round(4)", "[1.4142 1.4142]", "float32"),
    ("Tensor([1.0, 2]).any()", "True", "bool"),
    ("Tensor([1, 0]).all()", "False", "bool"),
    ("Tensor([1, 2]).cumsum(0)", "[1 3]", "int64"),
    ("Tensor([1, 2], np.int32).cumsum(0)", "[1 3]", "int32"),
    ("Tensor([[1, 2], [3, 4]]).sum(0, True)", "[[4 6]]", "int64"),
    ("Tensor([1.0, 2]).norm().asnumpy().round(4)", "2.2361", "float32"),
    ("Tensor([1.0, 2]).ptp()", "1.0", "float32"),
    ("Tensor([1.0, 2]).sum(dtype=np.float64)", "3.0", "float64"),
    ("ops.ReduceSum()(Tensor([1, 2], np.int32))", "3", "int32"),
    ("ops.ReduceSum()(Tensor([1, 2], np.uint8))", "3", "uint8"),
    ("ops.ReduceSum()(Tensor([[1.0, 2]]), ())", "3.0", "float32"),
    ("ops.ReduceProd()(Tensor([1, 2], np.int32))", "2", "int32"),
    ("ops.reduce_mean(Tensor([1.0, 2]))", "1.5", "float32"),
    ("ops.count_nonzero(Tensor([1.0, 0, 3]))", "2", "int32"),
    ("ops.Argmax()(Tensor([1.0, 2]))", "1", "int32"),
    ("ops.ArgMaxWithValue()(Tensor([1.0, 2]))[0]", "1", "int64"),
    ("ops.max(Tensor([1.0, 2]))[1]", "0", "int64"),
    ("ops.cummax(Tensor([1.0, 3, 3, 2]), 0)[1]", "[0 1 2 2]", "int64"),
    ("ops.cummin(Tensor([1.0, 0, 0, 2]), 0)[1]", "[0 1 2 2]", "int32"),
    ("ops.median(Tensor([3.0, 1, 2, 4]))[0]", "2.0", "float32"),
    ("ops.median(Tensor([3.0, 1, 2, 4]))[1]", "2", "int64"),
    ("ops.CumSum(True, True)(Tensor([1.0, 2, 3]), 0)", "[5. 3. 0.]", "float32"),
    ("ops.cumsum(Tensor([1, 2], np.int8), 0)", "[1 3]", "int8"),
    ("ops.aminmax(Tensor([[1, 5], [3, 2]]))[1]", "[3 5]", "int64"),
    ("ops.ReduceStd()(Tensor([1.0, 2, 4]))[0].asnumpy().round(4)", "1.5275", "float32"),
    ("ops.histc(Tensor([1.0, 2, 1]), 4, 0.0, 3.0)", "[0. 2. 1. 0.]", "float32"),
    ("ops.cov(Tensor([[0.0, 2], [1, 1]]))[0]", "[2. 0.]", "float32"),
]


@pytest.mark.parametrize(("expression", "printed", "dtype"), GOLDEN)
def test_as_mindspore(expression: str, printed: str, dtype: str):
    got = eval(expression, {"ops": ops, "Tensor": Tensor, "np": np})
    assert str(got) == printed
    array = got if isinstance(got, (np.ndarray, np.generic)) else got._value
    assert array.dtype == jnp.dtype(dtype)


def test_the_mean_of_integers_is_not_truncated():
    """A deliberate difference: MindSpore truncates it."""
    for result in (Tensor([1, 2]).mean(), ops.mean(Tensor([1, 2])), ops.ReduceMean()(Tensor([1, 2], np.int32))):
        assert result.dtype.name == "float32"
        assert result.item() == 1.5


def test_argmax_argmin_and_indices_of_max_and_min():
    for name, arg in (("argmax", np.argmax), ("argmin", np.argmin)):
        check_op(lambda x, name=name: getattr(ops, name)(x, 1), lambda x, arg=arg: arg(x, 1), [X])
        check_op(getattr(ops, name), arg, [X])
    for name, value, arg in (("max", np.max, np.argmax), ("min", np.min, np.argmin)):
        check_op(
            lambda x, name=name: getattr(ops, name)(x, 2, keepdims=True),
            lambda x, value=value, arg=arg: (value(x, 2, keepdims=True), arg(x, 2, keepdims=True)),
            [X],
            dtype=[np.float64, np.int64],
        )
    check_gradient(lambda x: ops.max(x, 1), [X[:2]])


def test_initial_and_where():
    mask = X > 0
    check_op(
        lambda x, m: ops.amax(x, 1, initial=-0.5, where=m), lambda x, m: np.max(x, 1, initial=-0.5, where=m), [X, mask]
    )
    check_op(
        lambda x, m: ops.min(x, 1, initial=9.0, where=m)[0], lambda x, m: np.min(x, 1, initial=9.0, where=m), [X, mask]
    )
    with pytest.raises(ArgumentError, match=r"ops\.amax: `where` needs `initial`"):
        ops.amax(Tensor(X), where=Tensor(mask))


def test_all_and_any():
    mask = X > 0.9
    for name in ("all", "any"):
        check_op(
            lambda x, name=name: getattr(ops, name)(x, 1, True),
            lambda x, name=name: getattr(np, name)(x, 1, keepdims=True),
            [mask],
            dtype=np.bool_,
        )
    check_op(lambda x: ops.count_nonzero(x, 1), lambda x: np.count_nonzero(x, 1), [mask], dtype=np.int32)


def test_std_and_var_with_the_mean():
    check_op(lambda x: ops.std_mean(x, 1, 1), lambda x: (np.std(x, 1, ddof=1), np.mean(x, 1)), [X])
    check_op(lambda x: ops.var_mean(x, (0, 1)), lambda x: (np.var(x, (0, 1)), np.mean(x, (0, 1))), [X])
    assert ops.std(Tensor(X), ddof=True).item() == pytest.approx(np.std(X, ddof=1))
    check_op(lambda x: ops.cov(x, correction=0), lambda x: np.cov(x, ddof=0), [X[0]], tolerance=1e-11)


@pytest.mark.parametrize("q", [0.0, 0.3, 1.0])
def test_quantiles(q: float):
    check_op(lambda x: ops.quantile(x, q, 1), lambda x: np.quantile(x, q, 1), [X], tolerance=1e-11)
    holed = np.where(X > 1.5, np.nan, X)
    check_op(lambda x: ops.nanquantile(x, q), lambda x: np.nanquantile(x, q), [holed], tolerance=1e-11)


def test_median_of_an_odd_number_and_of_nan():
    odd = X[:, :3]
    check_op(lambda x: ops.median(x, 1)[0], lambda x: np.median(x, 1), [odd])
    check_op(lambda x: ops.nanmedian(x, 1)[0], lambda x: np.nanmedian(x, 1), [np.where(odd > 9, np.nan, odd)])
    value, index = ops.median(Tensor([1.0, np.nan, 0.0]))
    assert np.isnan(value.item())
    assert index.item() == 1
    assert ops.nanmedian(Tensor([1.0, np.nan, 0.0, 7.0]))[0].item() == 1.0


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_running_reductions(axis: int):
    check_op(lambda x: ops.cumsum(x, axis), lambda x: np.cumsum(x, axis), [X], tolerance=1e-11)
    check_op(lambda x: ops.cumprod(x, axis), lambda x: np.cumprod(x, axis), [X], tolerance=1e-11)
    check_op(lambda x: ops.cummax(x, axis)[0], lambda x: np.maximum.accumulate(x, axis), [X])
    check_op(lambda x: ops.cummin(x, axis)[0], lambda x: np.minimum.accumulate(x, axis), [X])
    check_op(lambda x: ops.logcumsumexp(x, axis), lambda x: np.log(np.cumsum(np.exp(x), axis)), [X], tolerance=1e-11)
    check_op(lambda x: ops.diff(x, axis=axis), lambda x: np.diff(x, axis=axis), [X])
    check_gradient(lambda x: ops.cummax(x, axis)[0], [X[:2]])
    check_gradient(lambda x: ops.logcumsumexp(x, axis), [X[:2]])


def test_running_extremes_propagate_nan_and_return_indices():
    values, indices = ops.cummax(Tensor([1.0, np.nan, 5.0]), 0)
    assert np.isnan(values.asnumpy()[1:]).all()
    assert indices.tolist() == [0, 1, 1]
    values, indices = ops.cummin(Tensor(X), 1)
    np.testing.assert_array_equal(np.take_along_axis(X, indices.asnumpy().astype(np.int64), 1), values.asnumpy())


def test_exclusive_and_reverse():
    x = np.array([2.0, 3.0, 5.0])
    assert ops.CumProd(exclusive=True)(Tensor(x), 0).tolist() == [1.0, 2.0, 6.0]
    assert ops.CumSum(reverse=True)(Tensor(x), 0).tolist() == [10.0, 8.0, 5.0]
    assert_close(ops.CumulativeLogsumexp(reverse=True)(Tensor(x), 0), np.log(np.cumsum(np.exp(x[::-1]))[::-1]))


def test_trapezoidal_integrals():
    check_op(lambda y: ops.trapz(y, dx=0.5, dim=1), lambda y: np.trapezoid(y, dx=0.5, axis=1), [X], tolerance=1e-11)


def test_reductions_of_empty_axes():
    empty = Tensor(np.zeros((0, 3), np.float32))
    assert ops.sum(empty).item() == 0.0
    assert ops.prod(empty).item() == 1.0
    assert ops.all(empty).item() is True
    assert ops.any(empty).item() is False
    assert ops.sum(empty, dim=0).tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(ops.mean(empty).item())
    for call in (ops.amax, ops.max, ops.reduce_min):
        with pytest.raises(ArgumentError, match=r"of shape \(0, 3\) has no largest or smallest element"):
            call(empty)
    with pytest.raises(ArgumentError, match=r"ops\.argmax: the Tensor is empty, its shape is \(0, 3\)"):
        ops.argmax(empty)


def test_reductions_of_0d_tensors():
    for axis in (0, -1, None, ()):
        assert ops.sum(Tensor(2.0), axis).item() == 2.0
    assert ops.max(Tensor(2.0), 0)[1].item() == 0
    assert Tensor(2.0).cumsum(0).item() == 2.0


def test_an_axis_may_be_a_tensor():
    assert ops.sum(Tensor(X), Tensor(1)).shape == (3, 5)
    assert ops.sum(Tensor(X), Tensor([0, 2])).shape == (4,)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (ops.sum, "dim"),
        (ops.mean, "axis"),
        (ops.argmax, "dim"),
        (ops.cumsum, "axis"),
        (ops.std, "axis"),
        (ops.all, "axis"),
    ],
)
def test_an_axis_out_of_range_is_named(call: Any, name: str):
    message = re.escape(f"`{name}` must be in [-3, 2] for a Tensor of shape (3, 4, 5), but got 3.")
    with pytest.raises(ArgumentError, match=message):
        call(Tensor(X), 3)


def test_other_invalid_arguments():
    with pytest.raises(ArgumentError, match=re.escape("ops.sum: `dim` must name each axis once, but got (0, -3).")):
        ops.sum(Tensor(X), (0, -3))
    with pytest.raises(
        ArgumentTypeError, match=re.escape("ops.mean: `axis` must be an int, but got 1.5 of type float.")
    ):
        ops.mean(Tensor(X), 1.5)
    with pytest.raises(DtypeError, match=r"ops\.amax: `input` must be of a dtype among .* but got Complex64"):
        ops.amax(Tensor(np.array([1j], np.complex64)))
    with pytest.raises(ArgumentError, match=re.escape("ops.quantile: `q` must be in [0, 1], but got 1.5.")):
        ops.quantile(Tensor(X), 1.5)


def test_skip_mode_reduces_nothing():
    assert ops.ReduceSum(skip_mode=True)(Tensor(X), ()).shape == X.shape


def test_a_histogram_without_ends_rejects_values_that_are_not_finite():
    for bad in (np.nan, np.inf):
        values = Tensor([0.0, bad, 1.0])
        with pytest.raises(ArgumentError, match=r"ops\.histc: without `min` and `max` .* Give `min` and `max`"):
            ops.histc(values, 2)
        assert ops.histc(values, 2, 0.0, 1.0).asnumpy().tolist() == [1, 1]
    assert ops.histc(Tensor(np.zeros((0, 3), np.float32)), 2).asnumpy().tolist() == [0, 0]
