"""Smaller inputs that reproduce a fault: fewer samples, fewer features, rounder numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sporax.testing._inputs import Input

if TYPE_CHECKING:
    from sporax.testing._subject import Subject

_MAX_CALLS = 160
_SHOWN = 12


def shrink(
    subject: Subject, arrays: Sequence[np.ndarray], fails: Callable[[list[np.ndarray]], bool]
) -> list[np.ndarray]:
    """Return the smallest inputs found for which `fails` still holds.

    Args:
        subject: the loss, which determines valid inputs.
        arrays: inputs that fail.
        fails: whether inputs fail; an exception is another fault and counts as False.

    Returns:
        Inputs that fail, the smallest found in a bounded number of calls.
    """
    best = [array.copy() for array in arrays]
    calls = 0

    def still(candidate: list[np.ndarray]) -> bool:
        nonlocal calls, best
        calls += 1
        if calls > _MAX_CALLS or not _allowed(subject.inputs, candidate):
            return False
        try:
            found = fails(candidate)
        except Exception:
            return False
        if found:
            best = candidate
        return found

    if not any(item.given is not None for item in subject.inputs):
        sizes = {size for array in arrays for size in array.shape if size > 1}
        for size in sorted(sizes, key=lambda size: size != arrays[0].shape[:1][0] if arrays[0].ndim else True):
            _fewer(subject.inputs, best, size, still)
    for at, item in enumerate(subject.inputs):
        if item.is_float and item.given is None and not item.simplex:
            for target in (0.0, 1.0, None):
                simple = np.round(best[at]) if target is None else np.full_like(best[at], target)
                if not np.array_equal(simple, best[at], equal_nan=True) and still(_with(best, at, simple)):
                    break
            for index in np.ndindex(best[at].shape):
                if best[at].size > _SHOWN:
                    break
                for value in (0.0, 1.0, float(np.round(best[at][index])), float(np.round(best[at][index], 1))):
                    if best[at][index] in (0, 1) or not np.isfinite(best[at][index]):
                        break
                    changed = best[at].copy()
                    changed[index] = value
                    if value != best[at][index] and still(_with(best, at, changed)):
                        break
    return best


def _with(arrays: Sequence[np.ndarray], at: int, array: np.ndarray) -> list[np.ndarray]:
    return [array if n == at else each for n, each in enumerate(arrays)]


def _fewer(
    inputs: Sequence[Input], arrays: Sequence[np.ndarray], size: int, still: Callable[[list[np.ndarray]], bool]
) -> None:
    """Reduce every axis of a size: to one index, else by halves, as long as the inputs still fail.

    If the axis is that of the classes, labels are reduced modulo the number of classes.
    """
    indices = list(range(size))
    current = [array.copy() for array in arrays]

    def keep(kept: list[int]) -> list[np.ndarray]:
        result = []
        for item, array in zip(inputs, current, strict=True):
            if item.classes == size:
                array = array % len(kept)
            for axis in range(array.ndim):
                if array.shape[axis] == len(indices):
                    array = np.take(array, kept, axis=axis)
            if item.simplex and array.size:
                total = array.sum(item.class_axis, keepdims=True)
                array = np.where(total > 0, array / np.where(total > 0, total, 1), array).astype(array.dtype)
            result.append(array)
        return result

    for one in indices[:8]:
        if still(keep([one])):
            return
    while len(indices) > 2:
        half = len(indices) // 2
        for kept in (list(range(half)), list(range(half, len(indices)))):
            smaller = keep(kept)
            if still(smaller):
                current, indices = smaller, list(range(len(kept)))
                break
        else:
            if len(indices) > 2 and still(smaller := keep([0, 1])):
                current, indices = smaller, [0, 1]
            return


def _allowed(inputs: Sequence[Input], arrays: Sequence[np.ndarray]) -> bool:
    """Whether all values are in their domains and class labels are smaller than the remaining number of classes."""
    for item, array in zip(inputs, arrays, strict=True):
        if not item.allows(array):
            return False
        if item.classes is None or not array.size:
            continue
        gone = any(
            item.classes in other.shape and item.classes not in now.shape
            for other, now in zip(inputs, arrays, strict=True)
        )
        if gone:
            left = min(
                now.shape[other.shape.index(item.classes)]
                for other, now in zip(inputs, arrays, strict=True)
                if item.classes in other.shape and len(now.shape) == len(other.shape)
            )
            if array.max() >= left:
                return False
    return True


def show(inputs: Sequence[Input], arrays: Sequence[np.ndarray]) -> dict[str, str]:
    """Format inputs as short text, by name."""
    result = {}
    for item, array in zip(inputs, arrays, strict=True):
        values = np.asarray(array)
        if values.dtype.kind not in "biuf":
            values = values.astype(np.float32)
        if values.size <= _SHOWN:
            text = np.array2string(values, precision=6, separator=", ", floatmode="maxprec").replace("\n", "")
        else:
            low, high = (f"{float(end):.4g}" for end in (values.min(), values.max()))
            text = f"{array.dtype.name}{list(values.shape)} from {low} to {high}"
        result[item.name] = text
    return result
