"""Functions that fill a NumPy array in place with random or fixed patterns.

Each `fill_*` draws in float32, or in float64 for a float64 array. For a half-precision array the values are rounded
to the nearest value within the stated bounds.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

Rng = np.random.Generator


def working_dtype(dtype: Any) -> type[np.float32] | type[np.float64]:
    """Return the dtype in which the values of an array of `dtype` are drawn."""
    return np.float64 if dtype == np.float64 else np.float32


def fill_uniform(array: np.ndarray, rng: Rng, low: float, high: float) -> None:
    """Fill with values of U[low, high]."""
    drawn = rng.random(array.shape, dtype=working_dtype(array.dtype))
    drawn *= high - low
    drawn += low
    array[...] = drawn
    _clip_to(array, low, high)


def fill_normal(array: np.ndarray, rng: Rng, mean: float, sigma: float) -> None:
    """Fill with values of N(mean, sigma²)."""
    drawn = rng.standard_normal(array.shape, dtype=working_dtype(array.dtype))
    drawn *= sigma
    drawn += mean
    array[...] = drawn


def fill_truncated_normal(array: np.ndarray, rng: Rng, mean: float, sigma: float, low: float, high: float) -> None:
    """Fill with values of N(mean, sigma²) truncated to [low, high]."""
    drawn = np.empty(array.size, working_dtype(array.dtype))
    a, b = (low - mean) / sigma, (high - mean) / sigma
    remaining = np.arange(array.size)
    while remaining.size:
        # Rejection sampling of the remaining elements; at least a quarter is accepted in each iteration.
        proposed, accepted = _propose(rng, remaining.size, a, b, drawn.dtype)
        drawn[remaining[accepted]] = proposed[accepted]
        remaining = remaining[~accepted]
    drawn *= sigma
    drawn += mean
    array[...] = drawn.reshape(array.shape)
    _clip_to(array, low, high)


def _propose(rng: Rng, count: int, a: float, b: float, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return proposals for standard normal values in [a, b], and a mask of those to accept."""
    if _normal_mass(a, b) > 0.25:
        x = rng.standard_normal(count, dtype)
        return x, (x >= a) & (x <= b)
    if a <= 0.0 <= b:
        x = rng.uniform(a, b, count)
        return x, rng.random(count) <= np.exp(-0.5 * x * x)
    if b < 0.0:
        x, accepted = _propose(rng, count, -b, -a, dtype)
        return -x, accepted
    # A tail, 0 < a < b: an exponential of rate a, truncated at b. exp(-x²/2) = exp(a²/2 - ax) exp(-(x - a)²/2).
    excess = -np.log1p(rng.random(count) * math.expm1(-a * (b - a))) / a
    return a + excess, rng.random(count) <= np.exp(-0.5 * excess * excess)


def _normal_mass(a: float, b: float) -> float:
    return 0.5 * (math.erf(b / math.sqrt(2.0)) - math.erf(a / math.sqrt(2.0)))


def _clip_to(array: np.ndarray, low: float, high: float) -> None:
    # Rounding to the array's dtype may exceed a bound that the dtype cannot represent.
    np.clip(array, _inside(low, array.dtype, +1), _inside(high, array.dtype, -1), out=array)


def _inside(bound: float, dtype: Any, direction: int) -> Any:
    value = np.asarray(bound, dtype)
    if math.isfinite(bound) and (float(value) - bound) * direction < 0:
        value = np.nextafter(value, np.asarray(direction * float(jnp.finfo(dtype).max), dtype))
    return value


def fill_orthogonal(array: np.ndarray, rng: Rng, gain: float) -> None:
    """Fill with orthogonal rows or columns, whichever are fewer, of norm `gain`.

    The array is treated as a matrix of shape[0] rows. The QR factor of a normal matrix, with the signs of R's
    diagonal moved into Q, is uniform over the orthogonal matrices (Mezzadri 2007,
    https://arxiv.org/abs/math-ph/0609050).
    """
    rows = array.shape[0]
    columns = array.size // rows if rows else 0
    normal = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
    array[...] = (gain * (q if rows >= columns else q.T)).reshape(array.shape)


def fill_sparse(array: np.ndarray, rng: Rng, sparsity: float, sigma: float) -> None:
    """Fill with values of N(0, sigma²) and ceil(sparsity × rows) zeros at random positions of each column."""
    fill_normal(array, rng, 0.0, sigma)
    rows, columns = array.shape
    # 0.1 × 30 is 3.0000000000000004 in binary; it must give 3 zeros.
    zeros = math.ceil(round(sparsity * rows, 9))
    order = rng.random((rows, columns)).argsort(axis=0)
    array[order < zeros] = 0


def fill_dirac(array: np.ndarray, groups: int) -> None:
    """Fill with the kernel (out, in, *window) of a convolution that returns its input, in each of `groups`."""
    array[...] = 0
    per_group = array.shape[0] // groups
    centre = tuple(size // 2 for size in array.shape[2:])
    for group in range(groups):
        for channel in range(min(per_group, array.shape[1])):
            array[(group * per_group + channel, channel, *centre)] = 1
