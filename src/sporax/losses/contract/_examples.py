"""Example inputs of a loss, made from what the loss says of itself: for tests, benchmarks and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from sporax._typing import Shape
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._spec import InputSpec

__all__ = ["EXAMPLE_SIZES", "example_inputs", "example_shape"]

EXAMPLE_SIZES: Mapping[str, int] = MappingProxyType(
    {"N": 5, "C": 6, "D": 4, "T": 2, "S": 3, "L": 7, "K": 8, "A": 9, "B": 10}
)
"""A size for each axis name. Different from each other, so that a mistaken axis is a wrong shape."""


def example_shape(item: InputSpec, sizes: Mapping[str, int] = EXAMPLE_SIZES, rest: Shape = (3, 2)) -> tuple[int, ...]:
    """Return the shape of an input.

    Args:
        item: the input.
        sizes: size of each named axis; an axis named by digits has that size.
        rest: what `...` stands for.

    Returns:
        A shape.

    Example:
        >>> from sporax import losses
        >>> losses.example_shape(losses.prediction("logits", "N C ..."))
        (5, 6, 3, 2)
    """
    shape: list[int] = []
    for axis in item.shape:
        name = axis.removesuffix("?")
        if name == "C-1":
            shape.append(sizes["C"] - 1)
        else:
            shape += rest if axis == "..." else (int(name) if name.isdigit() else sizes[name],)
    return tuple(shape)


def example_inputs(
    row: LossInfo,
    seed: int = 0,
    dtype: Any = np.float32,
    rest: Shape = (3, 2),
    sizes: Mapping[str, int] = EXAMPLE_SIZES,
) -> list[np.ndarray]:
    """Return one array for each input of a loss: random values inside its domain.

    Args:
        row: the loss.
        seed: of the random generator.
        dtype: of the floating inputs.
        rest: what `...` stands for.
        sizes: size of each named axis.

    Returns:
        Arrays in the order of the inputs.

    Example:
        >>> from sporax import losses
        >>> logits, labels = losses.example_inputs(losses.get("mse_loss"))
        >>> logits.shape, str(labels.dtype)
        ((3, 2), 'float32')
    """
    rng = np.random.default_rng([seed, *row.name.encode()])
    sizes = {**EXAMPLE_SIZES, **sizes}
    if row.examples is not None:
        return row.examples(rng, {**sizes, "...": rest}, dtype)
    return [_draw(item, example_shape(item, sizes, rest), rng, dtype, sizes["C"]) for item in row.inputs]


def _draw(item: InputSpec, shape: Shape, rng: np.random.Generator, dtype: Any, classes: int) -> np.ndarray:
    match item.domain:
        case "class":
            # True classes of one row differ.
            if item.shape and item.shape[-1].startswith("T"):
                rows = [rng.permutation(classes)[: shape[-1]] for _ in range(shape[0])]
                return np.array(rows, np.int32).reshape(shape)
            return rng.integers(0, classes, shape).astype(np.int32)
        case "class_or_none":
            values = rng.random(shape).argsort(-1)
            values[rng.random(shape).cumsum(-1) > 0.4 * classes] = -1
        case "sign" | "sign_or_binary":
            values = rng.choice(np.array([-1, 1]), shape)
        case "binary":
            values = rng.integers(0, 2, shape)
        case "probability":
            values = rng.uniform(0.05, 0.9, shape)
        case "positive":
            values = rng.uniform(0.2, 3.0, shape)
        case "nonnegative":
            values = rng.poisson(2.0, shape)
        case "distribution" | "log_probability":
            raw = rng.uniform(0.1, 1.0, shape)
            values = raw / (raw.sum(_class_axis(item), keepdims=True) if shape else raw)
            values = np.log(values) if item.domain == "log_probability" else values
        case _:
            values = rng.normal(0.3, 1.5, shape)
    return np.asarray(values).astype(np.int32 if item.kind != "float" else dtype)


def _class_axis(item: InputSpec) -> int:
    names = list(item.shape)
    at = names.index("C") if "C" in names else -1
    return at - len(names) if "..." in names[:at] else at
