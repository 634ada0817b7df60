"""The shape rule: a loss never has more elements than its largest input."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax._typing import Shape
from sporax.losses.contract._spec import ELLIPSIS, InputSpec, LossSpec


def common_shape(names: Sequence[str], shapes: Sequence[Shape], *, where: str) -> Shape:
    """Return the shape that all broadcast to, which must be the shape of one of them."""
    try:
        result = np.broadcast_shapes(*shapes)
    except ValueError:
        result = None
    if result is not None and any(shape == result for shape in shapes):
        return result
    given = " and ".join(f"`{name}` of shape {shape}" for name, shape in zip(names, shapes, strict=True))
    if result is None:
        reason = "these do not broadcast"
    else:
        reason = f"these would broadcast to {result}, larger than either"
    raise ShapeError(
        f"{where}: shapes must be equal, or one must broadcast to the other, but got {given}: {reason}. "
        f"{_reshape_fix(names[-1], shapes[0], shapes[-1])}"
    )


def broadcast_into(name: str, shape: Shape, target: Shape, *, target_name: str, where: str) -> None:
    """Check that an array of `shape` broadcasts to `target` without enlarging it."""
    try:
        fits = np.broadcast_shapes(shape, target) == target
    except ValueError:
        fits = False
    if fits:
        return
    fix = _reshape_fix(name, target, shape)
    if len(shape) < len(target) and shape == target[: len(shape)]:
        fix = f"For one weight per row use {name}.reshape({shape + (1,) * (len(target) - len(shape))})."
    raise ShapeError(
        f"{where}: `{name}` must broadcast to the shape of {target_name}, {target}, but got shape {shape}. {fix}"
    )


def reduced_axes(axis: int | Sequence[int] | None, rank: int, *, name: str, where: str) -> tuple[int, ...]:
    """Return the axes as sorted non-negative integers; all axes for None."""
    if axis is None:
        return tuple(range(rank))
    given = (axis,) if isinstance(axis, int | float | complex | np.generic) else tuple(axis)
    given = tuple(_check.integer(each, name=name, where=where) for each in given)
    if any(not -rank <= each < rank for each in given) or len({each % rank for each in given}) < len(given):
        raise ArgumentError(
            f"{where}: `{name}` must name different axes in [{-rank}, {rank}), for inputs of {rank} axes, "
            f"but got {axis}."
        )
    return tuple(sorted(each % rank for each in given))


def is_single(spec: LossSpec, shapes: Mapping[str, Shape]) -> bool:
    """Return whether the predictions are a single sample, without the axis N.

    The axes `...` are then absent too: (C,) is a sample of "N C ...", and (C, 3) is C samples of 3 classes.
    """
    if not spec.has_samples:
        return False
    ranks = [
        len(shapes[item.name]) == len([axis for axis in item.shape if axis != ELLIPSIS]) - 1
        for item in spec.inputs
        if item.role == "prediction" and "N" in item.shape and item.name in shapes
    ]
    return bool(ranks) and all(ranks)


def match(spec: LossSpec, shapes: Mapping[str, Shape], *, where: str) -> dict[str, Shape]:
    """Check shapes against the spec, and return the size of each named axis (a tuple, as `...` may be several axes).

    Inputs that are not in `shapes` are skipped, so that labels can be checked before predictions exist.
    """
    present = [item for item in spec.inputs if item.name in shapes]
    if spec.broadcasting:
        names = [item.name for item in present]
        return {ELLIPSIS: common_shape(names, [shapes[name] for name in names], where=where)}
    # An axis whose name is a number has that size.
    sizes: dict[str, Shape] = {axis: (int(axis),) for item in present for axis in item.shape if axis.isdigit()}
    for item in present:
        shape = shapes[item.name]
        axes = item.axes(len(shape))
        if axes is None:
            raise ShapeError(_mismatch(spec, item, shapes, sizes, where))
        found: dict[str, Shape] = {ELLIPSIS: ()} if ELLIPSIS in item.shape else {}
        for axis, size in zip(axes, shape, strict=True):
            if axis == "C-1":
                axis, size = "C", size + 1
            found[axis] = (*found.get(axis, ()), size)
        for axis, size in found.items():
            if sizes.setdefault(axis, size) != size:
                raise ShapeError(_mismatch(spec, item, shapes, sizes, where))
    if sizes.get("C") == (0,):
        raise ShapeError(f"{where}: there must be at least one class, but got shapes {dict(shapes)}.")
    return sizes


def _expected(item: InputSpec, sizes: Mapping[str, Shape]) -> Shape | None:
    names = [name.removesuffix("?") for name in item.shape]
    if not all(name in sizes for name in names):
        return None
    return tuple(size for name in names for size in sizes[name])


def _mismatch(
    spec: LossSpec, item: InputSpec, shapes: Mapping[str, Shape], sizes: Mapping[str, Shape], where: str
) -> str:
    got, expected = shapes[item.name], _expected(item, sizes)
    pattern = f"({', '.join(item.shape)})"
    others = [
        f"`{other.name}` has shape {shapes[other.name]}"
        for other in spec.inputs
        if other.name in shapes and other.name != item.name
    ]
    condition = f" where {' and '.join(others)}" if others else ""
    if expected is None:
        return f"{where}: `{item.name}` must have shape {pattern}, but got {got}{condition}."
    if item.domain == "class" and got == (*expected, *sizes.get("C", ())):
        fix = f"These look like one-hot labels: use the loss for dense labels, or {item.name}.argmax(-1)."
    elif item.domain == "distribution" and got == expected[:-1]:
        fix = "These look like class indices: use the loss for sparse labels, or one-hot labels."
    else:
        fix = _class_axis_fix(spec, item, shapes) or _reshape_fix(item.name, expected, got, "Give it that shape.")
    return f"{where}: `{item.name}` must have shape {expected}, but got {got}{condition}. {fix}"


def _class_axis_fix(spec: LossSpec, item: InputSpec, shapes: Mapping[str, Shape]) -> str | None:
    """Return a fix if the labels would fit with the classes on another axis of the predictions."""
    scores = next((each for each in spec.inputs if "C" in each.shape and each.role == "prediction"), None)
    if item.domain != "class" or scores is None or scores.name not in shapes or len(shapes[scores.name]) < 3:
        return None
    name, shape, got = scores.name, shapes[scores.name], shapes[item.name]
    pattern = f"This loss takes the classes on axis {{}}: `{name}` of shape ({', '.join(scores.shape)}). "
    if scores.shape == ("N", "C", ELLIPSIS) and got == shape[:-1]:
        return (
            pattern.format(1) + f"If they are on the last axis, use {name}.reshape(-1, {shape[-1]}) and "
            f"{item.name}.reshape(-1), or moveaxis({name}, -1, 1)."
        )
    if scores.shape == (ELLIPSIS, "C") and got == (shape[0], *shape[2:]):
        return pattern.format(-1) + f"If they are on axis 1, use moveaxis({name}, 1, -1)."
    return None


def _reshape_fix(name: str, expected: Shape, got: Shape, otherwise: str = "Give them the same shape.") -> str:
    if math.prod(expected) == math.prod(got):
        return f"Use {name}.reshape({expected})."
    return otherwise
