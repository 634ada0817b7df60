"""Building blocks of the oracles. They share no code with `sporax.losses`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Gradients = tuple[np.ndarray | None, ...]


@dataclass(frozen=True)
class Oracle:
    """A loss in NumPy float64.

    Args:
        value: `value(*inputs, **params)`, unreduced.
        gradients: `gradients(cotangent, *inputs, **params)` for the inputs in order, None for an input without a
            gradient; by default `numeric_gradients` of the value.
        counts: `counts(*inputs, **params)`, the weight of each value in the mean; by default 1.
    """

    value: Callable[..., np.ndarray]
    gradients: Callable[..., Gradients] | None = None
    counts: Callable[..., np.ndarray] | None = None


def numeric_gradients(
    value: Callable[..., np.ndarray],
    cotangent: Any,
    inputs: Sequence[Any],
    params: dict[str, Any],
    floats: Sequence[int],
    reach: float = 1.0,
) -> Gradients:
    """Central differences of fourth order: accurate to about 1e-10 where the loss is smooth around the inputs.

    A smaller `reach` uses a smaller neighborhood, for a loss with many kinks.
    """
    arrays: list[Any] = [
        np.array(each, np.float64, order="C") if at in floats else each for at, each in enumerate(inputs)
    ]
    result: list[np.ndarray | None] = [None] * len(arrays)

    def total() -> float:
        return float((np.asarray(value(*arrays, **params), np.float64) * cotangent).sum())

    for at in floats:
        flat = arrays[at].reshape(-1)
        derivative = np.zeros(flat.size)
        for n in range(flat.size):
            middle = flat[n]
            step = (
                reach * 1e-3 * max(1.0, abs(middle))
                if abs(middle) > 1e-2 or middle == 0
                else reach * 0.05 * abs(middle)
            )
            found = []
            for move in (-2, -1, 1, 2):
                flat[n] = middle + move * step
                found.append(total())
            flat[n] = middle
            derivative[n] = (found[0] - 8 * found[1] + 8 * found[2] - found[3]) / (12 * step)
        result[at] = derivative.reshape(arrays[at].shape)
    return tuple(result)


def f64(*arrays: Any) -> list[np.ndarray]:
    return [np.asarray(array).astype(np.float64) for array in arrays]


def unbroadcast(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which an input of `shape` was repeated."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(at for at, size in enumerate(shape) if size == 1 and gradient.shape[at] != 1)
    return gradient.sum(axis=repeated, keepdims=True)


def elementwise(value: Callable[..., np.ndarray], derivative: Callable[..., np.ndarray]) -> Oracle:
    def values(x: Any, y: Any, **params: Any) -> np.ndarray:
        x, y = f64(x, y)
        return value(x - y, **params)

    def gradients(cotangent: Any, x: Any, y: Any, **params: Any) -> Gradients:
        x, y = f64(x, y)
        whole = np.asarray(cotangent, np.float64) * derivative(x - y, **params)
        return unbroadcast(whole, x.shape), unbroadcast(-whole, y.shape)

    return Oracle(values, gradients)


def log_softmax_row(row: np.ndarray) -> np.ndarray:
    top = max(row)
    return row - (top + math.log(math.fsum(math.exp(z - top) for z in row)))


def log_softmax(x: np.ndarray) -> np.ndarray:
    rows = [log_softmax_row(row) for row in x.reshape(-1, x.shape[-1])]
    return np.array(rows).reshape(x.shape)


def one_hot(labels: Any, classes: int) -> np.ndarray:
    return np.eye(classes)[np.asarray(labels, np.int64)]


def reduced(values: Any, reduction: str, weights: Any = None, counts: Any = 1.0) -> np.ndarray:
    """Reduction by removal: elements of weight zero are removed before the sum."""
    values = np.asarray(values, np.float64)
    weights = np.broadcast_to(np.asarray(1.0 if weights is None else weights, np.float64), values.shape)
    kept = weights != 0
    terms = weights[kept] * values[kept]
    if reduction == "none":
        result = np.zeros(values.shape)
        result[kept] = terms
        return result
    total = math.fsum(terms)
    count = math.fsum(np.broadcast_to(np.asarray(counts, np.float64), values.shape)[kept])
    return np.array(total if reduction == "sum" else total / count if count else 0.0)
