"""Compiled programs of a loss, one for each use, so that the contract of a hundred losses is checked in minutes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from oracles.samples import inputs_of, settings_of
from sporax import losses
from sporax.losses import LossInfo

COUNT = 7
"""Number of samples for tests of weighted or removed samples."""


def is_float(array: Any) -> bool:
    return bool(jnp.issubdtype(array.dtype, jnp.floating))


def float_positions(inputs: Sequence[np.ndarray]) -> list[int]:
    return [at for at, array in enumerate(inputs) if is_float(array)]


def split(inputs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Split into the float inputs, and all inputs with None in place of the float inputs."""
    floats = float_positions(inputs)
    return [inputs[at] for at in floats], [None if at in floats else array for at, array in enumerate(inputs)]


def join(floats: Sequence[Any], rest: Sequence[Any]) -> list[Any]:
    left = iter(floats)
    return [next(left) if array is None else array for array in rest]


def samples(info: LossInfo, seed: int, count: int = COUNT) -> list[np.ndarray]:
    """Return inputs whose values have one axis of `count` samples, or none if the loss has one value for the set."""
    rest = (count,) if info.output[:1] == ("...",) else ()
    sizes: dict[str, int] = {name: count for name in info.output if name not in ("...", "C")}
    return inputs_of(info, seed, rest=rest, sizes=sizes)


REDUCED = ("none", "sum", "batchmean", "total")


@functools.cache
def weighted(name: str, results: tuple[str, ...] = REDUCED) -> Any:
    """(inputs, weights) -> mean and its gradients by the float inputs, and the results that are named.

    These are reductions, and "total", which gives the total and its weight.
    """
    info = losses.get(name)
    params = settings_of(info)[-1]

    def run(floats: list[Any], rest: list[Any], weights: Any) -> dict[str, Any]:
        def mean(floats: list[Any]) -> jax.Array:
            return info.function(*join(floats, rest), reduction="mean", weights=weights, **params)

        inputs = join(floats, rest)
        result = {
            kind: info.function(*inputs, weights=weights, reduction=kind, **params)
            for kind in results
            if kind != "total"
        }
        result["mean"], result["gradients"] = jax.value_and_grad(mean)(floats)
        if "total" in results:
            result["total"], result["weight"] = losses.evaluate_sum_and_weight(
                info.function, *inputs, weights=weights, **params
            )
        return result

    compiled = jax.jit(run)
    return lambda inputs, weights: compiled(*split(inputs), weights)


@functools.cache
def plain(name: str, setting: int = 0) -> Any:
    """Return the program (inputs, cotangent) -> values and the gradients of values · cotangent, for one setting."""
    info = losses.get(name)
    params = settings_of(info)[setting]

    def run(floats: list[Any], rest: list[Any], cotangent: Any) -> tuple[jax.Array, list[jax.Array]]:
        values, pull = jax.vjp(lambda floats: info.function(*join(floats, rest), **params), floats)
        return values, pull(cotangent.astype(values.dtype))[0]

    compiled = jax.jit(run)
    return lambda inputs, cotangent: compiled(*split(inputs), cotangent)


def cotangent_of(shape: tuple[int, ...]) -> np.ndarray:
    """Return a cotangent with a different weight for each value."""
    return np.random.default_rng(11).normal(0.2, 1.0, shape).astype(np.float32)


def weights_for(values: np.ndarray, weights: list[float]) -> np.ndarray:
    """Return a weight for each index of the first axis."""
    full = np.asarray(weights, np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return np.ascontiguousarray(np.broadcast_to(full, values.shape))


def not_ignored(info: LossInfo, inputs: Sequence[np.ndarray], params: dict[str, Any]) -> Any:
    """Return the values whose label is not `ignore_index`; all, if a value has several labels."""
    spec = info.function.spec
    if spec.ignore_parameter is None or spec.ignored_label.shape != spec.output:
        return True
    return inputs[spec.inputs.index(spec.ignored_label)] != params.get(spec.ignore_parameter, -100)


def take(info: LossInfo, inputs: list[np.ndarray], indices: np.ndarray) -> list[np.ndarray]:
    """Return the samples at the given indices; tables are shared by all samples."""
    result = []
    for item, array in zip(info.inputs, inputs, strict=True):
        axes = item.axes(array.ndim) or ()
        if info.broadcasting or (info.function.spec.per_sample(item) and info.output):
            array = np.take(array, indices, axis=0 if info.broadcasting else axes.index(info.output[0]))
        result.append(array)
    return result


def spoil(info: LossInfo, inputs: list[np.ndarray], gone: np.ndarray) -> list[np.ndarray]:
    """Return the inputs with invalid values in the elements of the removed samples."""
    result = []
    for item, array in zip(info.inputs, inputs, strict=True):
        array = array.copy()
        if info.function.spec.per_sample(item):
            at = 0 if info.broadcasting else (item.axes(array.ndim) or ()).index(info.output[0])
            np.moveaxis(array, at, 0)[gone] = np.nan if is_float(array) else SPOILED.get(item.domain, 1)
        result.append(array)
    return result


SPOILED = {"class": -7, "sign": 0, "binary": 5}
