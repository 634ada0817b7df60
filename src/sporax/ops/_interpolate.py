"""Resampling of signals, images and volumes, one axis after another: every mode is a product of one-axis modes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError
from sporax.ops._kinds import array_kind, choice_kind, static_kind, value_kind
from sporax.ops._op import op

_RANKS = {
    "nearest": (3, 4, 5), "linear": (3,), "bilinear": (4,), "bicubic": (4,), "trilinear": (5,), "area": (3, 4, 5),
    "nearest-exact": (3, 4, 5),
}  # fmt: skip
_ALIGNABLE = ("linear", "bilinear", "bicubic", "trilinear")
_CUBIC = -0.75
"""The parameter of the cubic convolution."""


class _Grid(NamedTuple):
    """One axis: its length, that of the result, and the step in the input for one element of the result."""

    length: int
    out: int
    step: float


def _convert_flag(value: Any, _: Any, where: str, name: str) -> bool | None:
    return None if value is None else _check.is_type(value, bool, name=name, where=f"ops.{where}")


OptionalFlag = Annotated[
    bool | None, static_kind(_convert_flag, "bool or None.", "bool | None", "ArgumentTypeError: not a bool.")
]


@op(
    'ops.interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None,'
    " recompute_scale_factor=None)",
    'mint.nn.functional.interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None,'
    " recompute_scale_factor=None)",
)
def interpolate(
    x: Annotated[jax.Array, array_kind("f")],
    size: Annotated[Any, value_kind("int | Sequence[int] | None")],
    scale_factor: Annotated[Any, value_kind("float | Sequence[float] | None")],
    mode: Annotated[str, choice_kind(*_RANKS)],
    align_corners: OptionalFlag,
    recompute_scale_factor: OptionalFlag,
) -> jax.Array:
    r"""Resample the axes after the first two.

    Element i of an axis of length m is computed at position x of the input's axis of length n:

    .. math::
        x = \begin{cases}
            i\, (n - 1) / (m - 1) & \text{align\_corners} \\
            (i + 1/2)\, n / m - 1/2 & \text{else}
        \end{cases}

    - "nearest" takes the element at :math:`\lfloor i\, n / m \rfloor`, "nearest-exact" that at
      :math:`\lfloor (i + 1/2)\, n / m \rfloor`;
    - "linear" (one axis), "bilinear" (two), "trilinear" (three) weight the two neighbors of x on each axis;
    - "bicubic" (two axes) weights four on each, by cubic convolution with parameter -0.75;
    - "area" averages the elements that overlap the i-th of m equal parts, as adaptive average pooling does.

    Args:
        x: Tensor of shape (N, C, \*), with one to three axes after the first two, floating.
        size: the lengths of the resampled axes, one for all or one for each.
        scale_factor: those lengths in units of the input's, rounded down. Exactly one of the two must be given. Unless
            it is recomputed, or the mode is "area", its inverse replaces n / m above.
        mode: one of the above.
        align_corners: whether the first and the last elements of both lie at the same positions; for the modes with
            "linear" or "cubic" in their name only. None is False.
        recompute_scale_factor: whether the step is n / m also where `scale_factor` gives m.

    Returns:
        Tensor of the resampled shape, in the dtype of the input; half precision is computed in float32.

    Raises:
        ArgumentError: both or neither of `size` and `scale_factor`; a length below 1; an argument that the mode does
            not accept.
        ArgumentTypeError: lengths that are not numbers.
        ShapeError: a mode for another number of axes, or not one length for each.

    Examples:
        >>> x = Tensor([[[1.0, 2.0, 4.0]]])
        >>> print(ops.interpolate(x, size=6, mode="nearest"))
        [[[1. 1. 2. 2. 4. 4.]]]
        >>> print(ops.interpolate(x, scale_factor=2.0, mode="linear"))
        [[[1.   1.25 1.75 2.5  3.5  4.  ]]]

    Source: MindSpore `ops.interpolate`; PyTorch `torch.nn.functional.interpolate`. MindSpore rejects `scale_factor`
    without `recompute_scale_factor` for most modes; here it is PyTorch's for all.
    """
    where = "ops.interpolate"
    if x.ndim not in _RANKS[mode]:
        allowed = " or ".join(f"(N, C, {', '.join('DHW'[3 - rank + 2 :])})" for rank in _RANKS[mode])
        raise ShapeError(f"{where}: mode {mode!r} takes inputs of shape {allowed}, but got shape {x.shape}.")
    if align_corners is not None and mode not in _ALIGNABLE:
        raise ArgumentError(
            f"{where}: `align_corners` must be None for mode {mode!r}, but got {align_corners}. It is for "
            f"{', '.join(map(repr, _ALIGNABLE))}."
        )
    grids = _grids(x.shape[2:], size, scale_factor, bool(recompute_scale_factor) or mode == "area", where)
    compute = jnp.promote_types(x.dtype, jnp.float32)
    result = x if mode.startswith("nearest") else x.astype(compute)
    for axis, grid in enumerate(grids, 2):
        if mode.startswith("nearest"):
            result = jnp.take(result, _nearest(grid, exact=mode == "nearest-exact"), axis=axis)
        elif mode == "area":
            result = _matrix_along(result, _area(grid).astype(compute), axis)
        else:
            taps = _cubic if mode == "bicubic" else _linear
            result = _weighted(result, *taps(_positions(grid, bool(align_corners), clip=mode != "bicubic"), grid), axis)
    return result.astype(x.dtype)


def _grids(lengths: tuple[int, ...], size: Any, factor: Any, recompute: bool, where: str) -> list[_Grid]:
    if (size is None) == (factor is None):
        raise ArgumentError(
            f"{where}: exactly one of `size` and `scale_factor` must be given, but got size={size} and "
            f"scale_factor={factor}."
        )
    if size is not None:
        sizes = [
            _check.integer(each, name="size", where=where, minimum=1) for each in _each(size, lengths, "size", where)
        ]
        return [_Grid(n, m, n / m) for n, m in zip(lengths, sizes, strict=True)]
    factors = [
        _check.number(each, name="scale_factor", where=where, minimum=0, open_minimum=True)
        for each in _each(factor, lengths, "scale_factor", where)
    ]
    sizes = [math.floor(n * each) for n, each in zip(lengths, factors, strict=True)]
    if 0 in sizes and 0 not in lengths:
        raise ArgumentError(
            f"{where}: `scale_factor` {factor} gives an empty result for an input with axes {lengths}. "
            "Use a larger one, or `size`."
        )
    return [
        _Grid(n, m, n / max(m, 1) if recompute else 1 / each)
        for n, m, each in zip(lengths, sizes, factors, strict=True)
    ]


def _each(given: Any, lengths: tuple[int, ...], name: str, where: str) -> Sequence[Any]:
    if isinstance(given, (int, float)):
        return [given] * len(lengths)
    if not isinstance(given, (tuple, list)):
        raise ArgumentTypeError(f"{where}: `{name}` must be a number, or a tuple or list of them, but got {given!r}.")
    if len(given) != len(lengths):
        raise ShapeError(
            f"{where}: `{name}` must have one number for each of the {len(lengths)} axes after the first two, but got "
            f"{given}."
        )
    return given


def _nearest(grid: _Grid, *, exact: bool) -> np.ndarray:
    # In float32, as in PyTorch, so that ties fall to the same side.
    positions = (np.arange(grid.out, dtype=np.float32) + np.float32(0.5 * exact)) * np.float32(grid.step)
    return np.minimum(np.floor(positions).astype(np.int32), grid.length - 1)


def _positions(grid: _Grid, align: bool, *, clip: bool) -> np.ndarray:
    index = np.arange(grid.out, dtype=np.float64)
    if align:
        return index * ((grid.length - 1) / (grid.out - 1) if grid.out > 1 else 0.0)
    positions = (index + 0.5) * grid.step - 0.5
    return np.maximum(positions, 0) if clip else positions


def _linear(positions: np.ndarray, grid: _Grid) -> tuple[list[np.ndarray], list[np.ndarray]]:
    low = np.minimum(np.floor(positions), grid.length - 1).astype(np.int32)
    # Beyond the last element both neighbors are that one.
    part = np.clip(positions - low, 0, 1)
    return [low, np.minimum(low + 1, grid.length - 1)], [1 - part, part]


def _cubic(positions: np.ndarray, grid: _Grid) -> tuple[list[np.ndarray], list[np.ndarray]]:
    low = np.floor(positions)
    part = positions - low

    def near(x: np.ndarray) -> np.ndarray:
        return ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1

    def far(x: np.ndarray) -> np.ndarray:
        return ((_CUBIC * x - 5 * _CUBIC) * x + 8 * _CUBIC) * x - 4 * _CUBIC

    indices = [np.clip(low + shift, 0, grid.length - 1).astype(np.int32) for shift in (-1, 0, 1, 2)]
    return indices, [far(part + 1), near(part), near(1 - part), far(2 - part)]


def _weighted(array: jax.Array, indices: list[np.ndarray], weights: list[np.ndarray], axis: int) -> jax.Array:
    shape = (1,) * axis + (-1,) + (1,) * (array.ndim - 1 - axis)
    terms = [
        jnp.take(array, index, axis=axis) * jnp.asarray(weight, array.dtype).reshape(shape)
        for index, weight in zip(indices, weights, strict=True)
    ]
    return sum(terms[1:], terms[0])


def _area(grid: _Grid) -> np.ndarray:
    """The matrix (out, length) that averages the elements that each part overlaps."""
    index = np.arange(grid.out)
    start, stop = index * grid.length // grid.out, -(-(index + 1) * grid.length // grid.out)
    position = np.arange(grid.length)
    inside = (position >= start[:, None]) & (position < stop[:, None])
    return inside / np.maximum(stop - start, 1)[:, None]


def _matrix_along(array: jax.Array, matrix: np.ndarray, axis: int) -> jax.Array:
    moved = jnp.matmul(jnp.moveaxis(array, axis, -1), jnp.asarray(matrix.T), precision=jax.lax.Precision.HIGHEST)
    return jnp.moveaxis(moved, -1, axis)
