"""`ops.interpolate`: every mode against its formula element by element, and against PyTorch."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from sporax import Tensor, grad, jit, mint, ops
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError

RNG = np.random.default_rng(8)
SIGNAL, IMAGE, VOLUME = (RNG.normal(size=(2, 3, *rest)).astype(np.float32) for rest in ((5,), (4, 5), (3, 4, 2)))
INPUTS = {
    "nearest": (SIGNAL, IMAGE, VOLUME), "nearest-exact": (SIGNAL, IMAGE, VOLUME), "area": (SIGNAL, IMAGE, VOLUME),
    "linear": (SIGNAL,), "bilinear": (IMAGE,), "bicubic": (IMAGE,), "trilinear": (VOLUME,),
}  # fmt: skip
SIZES = {1: [(8,), (3,), (1,), (5,)], 2: [(7, 3), (1, 10), (4, 5)], 3: [(5, 3, 4), (1, 8, 2)]}


def cubic(x: float, a: float = -0.75) -> float:
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def row_of(mode: str, n: int, m: int, i: int, align: bool) -> np.ndarray:
    """Return the weights of the n input elements in output element i of m."""
    row = np.zeros(n)
    if mode == "nearest":
        row[i * n // m] = 1
    elif mode == "nearest-exact":
        row[(2 * i + 1) * n // (2 * m)] = 1
    elif mode == "area":
        row[i * n // m : math.ceil((i + 1) * n / m)] = 1
        row /= row.sum()
    else:
        x = (i * (n - 1) / (m - 1) if m > 1 else 0) if align else (i + 0.5) * n / m - 0.5
        if mode == "bicubic":
            for k in range(math.floor(x) - 1, math.floor(x) + 3):
                row[min(max(k, 0), n - 1)] += cubic(x - k)
        else:
            x = min(max(x, 0), n - 1)
            for k in range(n):
                row[k] = max(0.0, 1 - abs(x - k))
    return row


def expected(x: np.ndarray, size: tuple[int, ...], mode: str, align: bool) -> np.ndarray:
    result = x.astype(np.float64)
    for axis, m in enumerate(size, 2):
        matrix = np.stack([row_of(mode, x.shape[axis], m, i, align) for i in range(m)])
        result = np.moveaxis(np.moveaxis(result, axis, -1) @ matrix.T, -1, axis)
    return result


CASES = [
    (mode, at, size, align)
    for mode, inputs in INPUTS.items()
    for at, x in enumerate(inputs)
    for size in SIZES[x.ndim - 2]
    for align in ((None, False, True) if "linear" in mode or mode == "bicubic" else (None,))
]


@pytest.mark.parametrize(("mode", "at", "size", "align"), CASES)
def test_values_match_the_formulas(mode, at, size, align):
    x = INPUTS[mode][at]
    value = ops.interpolate(Tensor(x), size=size, mode=mode, align_corners=align)
    assert value.shape == (2, 3, *size)
    np.testing.assert_allclose(value.asnumpy(), expected(x, size, mode, bool(align)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", INPUTS)
def test_gradients_match_the_matrix_and_compiled_values_are_equal(mode):
    x, size = INPUTS[mode][-1], {3: (7,), 4: (7, 3), 5: (5, 3, 4)}[INPUTS[mode][-1].ndim]
    weights = RNG.normal(size=(2, 3, *size)).astype(np.float32)

    def total(x: Tensor) -> Tensor:
        return (ops.interpolate(x, size=size, mode=mode) * Tensor(weights)).sum()

    gradient = grad(total)(Tensor(x)).asnumpy()
    # The transpose: the gradient of each element is its weight in the result.
    back = weights.astype(np.float64)
    for axis, m in enumerate(size, 2):
        matrix = np.stack([row_of(mode, x.shape[axis], m, i, False) for i in range(m)])
        back = np.moveaxis(np.moveaxis(back, axis, -1) @ matrix, -1, axis)
    np.testing.assert_allclose(gradient, back, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(jit(total)(Tensor(x)).asnumpy(), total(Tensor(x)).asnumpy(), rtol=1e-5)


def test_scale_factors_give_sizes_and_steps():
    x = Tensor(SIGNAL)
    twice = ops.interpolate(x, scale_factor=2.0, mode="linear").asnumpy()
    np.testing.assert_allclose(twice, expected(SIGNAL, (10,), "linear", False), rtol=1e-5, atol=1e-6)
    # 5 * 1.5 = 7.5 gives 7 elements: 1 / 1.5 apart, or 5 / 7 where the factor is recomputed.
    apart = [i / 1.5 + 0.5 / 1.5 - 0.5 for i in range(7)]
    by_hand = np.stack([np.interp(np.clip(apart, 0, 4), range(5), row) for row in SIGNAL.reshape(6, 5)])
    given = ops.interpolate(x, scale_factor=1.5, mode="linear").asnumpy()
    np.testing.assert_allclose(given.reshape(6, 7), by_hand, rtol=1e-5, atol=1e-6)
    again = ops.interpolate(x, scale_factor=(1.5,), mode="linear", recompute_scale_factor=True).asnumpy()
    np.testing.assert_allclose(again, expected(SIGNAL, (7,), "linear", False), rtol=1e-5, atol=1e-6)
    area = ops.interpolate(Tensor(IMAGE), scale_factor=1.3, mode="area").asnumpy()
    np.testing.assert_allclose(area, expected(IMAGE, (5, 6), "area", False), rtol=1e-5, atol=1e-6)


def test_values_match_mindspore():
    # MindSpore 2.10 on a CPU.
    x = Tensor(np.arange(20, dtype=np.float32).reshape(1, 1, 4, 5) ** 1.5)
    recorded = {
        "bilinear": ((1, 1), [30.0447]),
        "nearest": ((3, 7), [0, 0, 1, 2.8284, 2.8284, 5.1962, 8]),
        "nearest-exact": ((3, 7), [0, 1, 1, 2.8284, 5.1962, 5.1962, 8]),
        "area": ((3, 7), [5.5902, 6.7193, 9.2614, 10.6743, 12.2931, 15.7059, 17.5]),
    }
    for mode, (size, first) in recorded.items():
        value = ops.interpolate(x, size=size, mode=mode).asnumpy().ravel()[: len(first)]
        np.testing.assert_allclose(value, first, atol=1e-4)


def test_half_precision_is_computed_in_float32_and_nearest_keeps_every_bit():
    x = IMAGE.astype(np.float16)
    value = ops.interpolate(Tensor(x), size=(9, 9), mode="bilinear").asnumpy()
    assert value.dtype == np.float16
    # At most one rounding to float16.
    np.testing.assert_allclose(value, expected(x, (9, 9), "bilinear", False), rtol=6e-4, atol=1e-7)
    wide = Tensor(IMAGE.astype(np.float64) / 3)
    np.testing.assert_array_equal(ops.interpolate(wide, size=(4, 5)).asnumpy(), wide.asnumpy())
    np.testing.assert_array_equal(
        mint.nn.functional.interpolate(wide, size=5).asnumpy()[..., 0], wide.asnumpy()[:, :, [0, 0, 1, 2, 3], 0]
    )


def test_errors():
    x = Tensor(IMAGE)
    for given in ({}, {"size": 3, "scale_factor": 2.0}):
        with pytest.raises(ArgumentError, match="exactly one of `size` and `scale_factor`"):
            ops.interpolate(x, **given)
    with pytest.raises(ShapeError, match=r"'linear' takes inputs of shape \(N, C, W\), but got shape \(2, 3, 4, 5\)"):
        ops.interpolate(x, size=3, mode="linear")
    with pytest.raises(ShapeError, match="each of the 2 axes"):
        ops.interpolate(x, size=(3,))
    with pytest.raises(ArgumentError, match="mode"):
        ops.interpolate(x, size=3, mode="foo")
    with pytest.raises(ArgumentError, match="size"):
        ops.interpolate(x, size=0)
    with pytest.raises(ArgumentError, match="gives an empty result"):
        ops.interpolate(x, scale_factor=0.1)
    with pytest.raises(ArgumentError, match="`align_corners` must be None for mode 'nearest'"):
        ops.interpolate(x, size=3, align_corners=True)
    with pytest.raises(ArgumentTypeError, match="size"):
        ops.interpolate(x, size="3")  # pyright: ignore[reportArgumentType]
    with pytest.raises(DtypeError, match="float"):
        ops.interpolate(Tensor(np.ones((1, 1, 2), np.int32)), size=3)


@pytest.mark.peers
def test_values_and_gradients_match_torch():
    torch = pytest.importorskip("torch")
    for mode in INPUTS:
        inputs: tuple[Any, ...] = INPUTS[mode]
        aligned = (None, False, True) if "linear" in mode or mode == "bicubic" else (None,)
        pairs: list[tuple[Any, Any]] = list(itertools.product(inputs, aligned))
        for x, align in pairs:
            axes = x.ndim - 2
            given: list[dict[str, Any]] = [{"size": size} for size in SIZES[axes]]
            given += [{"scale_factor": f, "recompute_scale_factor": r} for f in (0.7, 1.5, 2.3) for r in (None, True)]
            for each in given:
                theirs = torch.tensor(x, requires_grad=True)
                value = torch.nn.functional.interpolate(theirs, mode=mode, align_corners=align, **each)
                weights = RNG.normal(size=value.shape).astype(np.float32)
                (value * torch.tensor(weights)).sum().backward()
                run = lambda x: ops.interpolate(x, mode=mode, align_corners=align, **each)  # noqa: E731, B023
                np.testing.assert_allclose(run(Tensor(x)).asnumpy(), value.detach().numpy(), rtol=1e-5, atol=1e-5)
                if mode == "nearest" and "scale_factor" in each:
                    # PyTorch 2's gradient is not the adjoint of its value there.
                    continue
                gradient = grad(lambda x: (run(x) * Tensor(weights)).sum())(Tensor(x))  # noqa: B023
                np.testing.assert_allclose(gradient.asnumpy(), theirs.grad.numpy(), rtol=1e-4, atol=1e-5)
