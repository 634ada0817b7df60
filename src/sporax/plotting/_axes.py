"""Parts of the lines in `_lines.py`: axes, label cases, and constant or moving inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from sporax import losses
from sporax.plotting._curve import Line

Maker = Callable[[losses.LossInfo], Iterator[Line]]
Inputs = Callable[[Any], list[Any]]
Sizes = Mapping[str, int]


class Axis(NamedTuple):
    """An axis of a plot: description, plotted interval, and domain."""

    description: str
    start: float
    stop: float
    lowest: float = -np.inf
    highest: float = np.inf

    def line(self, inputs: Inputs, sizes: Mapping[str, int], case: str = "") -> Line:
        return Line(self.description, inputs, self.start, self.stop, case, self.lowest, self.highest, sizes)


REAL = Axis("prediction minus label", -4, 4)
SCORE = Axis("score", -4, 4)
PROBABILITY = Axis("predicted probability", 0.002, 0.998, 0, 1)
COSINE = Axis("cosine", -0.995, 0.995, -1, 1)
LOGIT = Axis("logit of the true class, the others 0", -6, 6)
TRUE_CLASS = Axis("probability of the true class", 0.002, 0.998, 0, 1)

FIXED: Mapping[str, float] = {"positive": 1, "nonnegative": 1, "probability": 0.5, "sign": 1, "log_probability": -1}
"""Value of a constant input, by domain; 0 where none is listed."""

CASES: Mapping[str, tuple[tuple[str, float], ...]] = {
    "binary": (("positive", 1), ("negative", 0)),
    "probability": (("positive", 1), ("negative", 0)),
    "sign": (("positive", 1), ("negative", -1)),
    "sign_or_binary": (("positive", 1), ("negative", -1)),
}
ONE_CASE = (("", 0.0),)

LABEL_IS_ONE = ("percentage", "logarithmic", "relative")
"""Parts of the names of losses that are not defined for a label of 0."""

ACCEPTED_AS: Mapping[str, tuple[str, str]] = {
    "binary_cross_entropy_with_logits": ("real", "probability"),
    "multi_class_dice_loss": ("distribution", "distribution"),
    "dice_loss": ("probability", "binary"),
}
"""Domains of prediction and label for losses that accept a larger domain than the usual one."""

AXES: Mapping[str, tuple[Axis, tuple[str, str]]] = {
    "hinge_embedding_loss": (Axis("distance", 0, 4, 0), ("similar", "dissimilar")),
    "adaptive_wing_loss": (Axis("predicted heat", -0.5, 1.5), ("label 1", "label 0")),
    "dpo_loss": (Axis("rise of the chosen answer's log-probability, the other's unchanged", -40, 40), ("", "")),
}
"""Axis and names of the cases for losses whose domains do not determine them."""

NOUNS = {"logits", "inputs", "predictions", "loc", "mean", "x", "prediction"}


def domains_of(info: losses.LossInfo, moving: losses.InputSpec, label: losses.InputSpec | None) -> tuple[str, str]:
    return ACCEPTED_AS.get(info.name, (moving.domain, "" if label is None else label.domain))


def label_of(info: losses.LossInfo) -> int | None:
    return next((at for at, item in enumerate(info.inputs) if item.role == "label"), None)


def predictions_of(info: losses.LossInfo) -> list[int]:
    return [at for at, item in enumerate(info.inputs) if item.role == "prediction" and item.kind == "float"]


def axes_of(item: losses.InputSpec) -> list[str]:
    return [name.removesuffix("?") for name in item.shape]


def constant(item: losses.InputSpec, sizes: Sizes, value: float | None = None, rest: tuple[int, ...] = ()) -> Any:
    """Return a constant input, filled with one value."""
    shape = losses.example_shape(item, {**losses.EXAMPLE_SIZES, **sizes}, rest)
    number = FIXED.get(item.domain, 0) if value is None else value
    return np.full(shape, number, np.int32 if item.kind == "int" else np.float64)


def one_hot(item: losses.InputSpec, axis: str, size: int) -> Any:
    """Return an array of the input's rank with 1 at index 0 of an axis, 0 elsewhere; other axes have size 1."""
    shape = [size if name == axis else 1 for name in axes_of(item) if name != "..."]
    return np.eye(1, size).reshape(shape)


def moving_input(arrays: list[Any], at: int, move: Callable[[Any], Any]) -> Inputs:
    return lambda x: [move(x) if index == at else array for index, array in enumerate(arrays)]
