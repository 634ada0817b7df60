"""What the lines of `_lines.py` are made of: axes in words, labels, and inputs that stand still or move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from sporax import losses
from sporax.plotting._curve import Line

Maker = Callable[[losses.LossInfo], Iterator[Line]]
Inputs = Callable[[Any], list[Any]]
Sizes = Mapping[str, int]


class Way(NamedTuple):
    """An axis of a picture: its words, where the picture begins and ends, and where the domain does."""

    words: str
    start: float
    stop: float
    lowest: float = -np.inf
    highest: float = np.inf

    def line(self, inputs: Inputs, sizes: Mapping[str, int], case: str = "") -> Line:
        return Line(self.words, inputs, self.start, self.stop, case, self.lowest, self.highest, sizes)


REAL = Way("prediction minus label", -4, 4)
SCORE = Way("score", -4, 4)
PROBABILITY = Way("predicted probability", 0.002, 0.998, 0, 1)
COSINE = Way("cosine", -0.995, 0.995, -1, 1)
LOGIT = Way("logit of the true class, the others 0", -6, 6)
CHANCE = Way("probability of the true class", 0.002, 0.998, 0, 1)

FIXED: Mapping[str, float] = {"positive": 1, "nonnegative": 1, "probability": 0.5, "sign": 1, "log_probability": -1}
"""What an input holds that stands still."""

CASES: Mapping[str, tuple[tuple[str, float], ...]] = {
    "binary": (("positive", 1), ("negative", 0)),
    "probability": (("positive", 1), ("negative", 0)),
    "sign": (("positive", 1), ("negative", -1)),
    "sign_or_binary": (("positive", 1), ("negative", -1)),
}
ONE_CASE = (("", 0.0),)

LABEL_IS_ONE = ("percentage", "logarithmic", "relative")
"""In the names of losses that make no sense for a label of 0."""

TAKEN_AS: Mapping[str, tuple[str, str]] = {
    "binary_cross_entropy_with_logits": ("real", "probability"),
    "multi_class_dice_loss": ("distribution", "distribution"),
    "dice_loss": ("probability", "binary"),
}
"""Domains of prediction and label where a loss takes more than it is meant for."""

WAYS: Mapping[str, tuple[Way, tuple[str, str]]] = {
    "hinge_embedding_loss": (Way("distance", 0, 4, 0), ("similar", "dissimilar")),
    "adaptive_wing_loss": (Way("predicted heat", -0.5, 1.5), ("label 1", "label 0")),
    "dpo_loss": (Way("rise of the chosen answer's log-probability, the other's unchanged", -40, 40), ("", "")),
}
"""The axis and the names of the cases where the domains alone would say too little."""

NOUNS = {"logits", "inputs", "predictions", "loc", "mean", "x", "prediction"}


def domains_of(row: losses.LossInfo, moving: losses.InputSpec, label: losses.InputSpec | None) -> tuple[str, str]:
    return TAKEN_AS.get(row.name, (moving.domain, "" if label is None else label.domain))


def label_of(row: losses.LossInfo) -> int | None:
    return next((at for at, item in enumerate(row.inputs) if item.role == "label"), None)


def predictions_of(row: losses.LossInfo) -> list[int]:
    return [at for at, item in enumerate(row.inputs) if item.role == "prediction" and item.kind == "float"]


def axes_of(item: losses.InputSpec) -> list[str]:
    return [name.removesuffix("?") for name in item.shape]


def still(item: losses.InputSpec, sizes: Sizes, value: float | None = None, rest: tuple[int, ...] = ()) -> Any:
    """An input that does not move, with one value all over."""
    shape = losses.example_shape(item, {**losses.EXAMPLE_SIZES, **sizes}, rest)
    number = FIXED.get(item.domain, 0) if value is None else value
    return np.full(shape, number, np.int32 if item.kind == "int" else np.float64)


def one_hot(item: losses.InputSpec, axis: str, size: int) -> Any:
    """1 at the first place of an axis, 0 at the others, of the rank of an input whose other axes have size 1."""
    shape = [size if name == axis else 1 for name in axes_of(item) if name != "..."]
    return np.eye(1, size).reshape(shape)


def moved(arrays: list[Any], at: int, move: Callable[[Any], Any]) -> Inputs:
    return lambda x: [move(x) if index == at else array for index, array in enumerate(arrays)]
