"""What a loss says about itself: the shape, dtype and domain of each input, and the shape of its values.

The decorator of `_loss_function.py` enforces it at every call, the registry shows it, and contract tests make
inputs from it; so it is written once, above the mathematics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from sporax._typing import Shape

__all__ = ["InputSpec", "LossSpec", "label", "prediction", "table"]

Kind: TypeAlias = Literal["float", "int", "number"]
"""`float` is computed with (ints are taken as floats), `int` is integers only, `number` is either."""

Domain: TypeAlias = Literal[
    "real", "positive", "nonnegative", "probability", "log_probability", "class", "class_or_none", "sign", "binary",
    "sign_or_binary", "distribution", "identity", "box",
]  # fmt: skip
"""`class` is an index in [0, C), and `class_or_none` one or -1, in a list that ends at its first -1; `identity` is any
integer, and only says which samples are of one class; `sign` is 1 or -1; `binary` is 0 or 1; `sign_or_binary` is 1, or
either 0 or -1 for the other class; `distribution` is a row of class probabilities, and `log_probability` a row of their
logarithms; `box` is a row of corners with x1 <= x2 and y1 <= y2. `positive`, `nonnegative`, `distribution` and
`log_probability` tell what is meant, and make examples: such values are not checked."""

Role: TypeAlias = Literal["prediction", "label", "table"]
"""A `table` (class embeddings) is gathered from, so it is left in its own dtype and belongs to no sample."""

_FILL: dict[str, float] = {"positive": 1, "probability": 0.5, "sign": 1}

ELLIPSIS = "..."


@dataclass(frozen=True)
class InputSpec:
    """One array input of a loss.

    Args:
        name: the argument's name.
        shape: names of its axes; `...` stands for any number of them, a final `?` marks an axis that may be
            absent, and `C-1` is one fewer than `C` (the thresholds between ordered classes).
        kind: the dtypes it takes.
        domain: the values it takes.
        role: whether it is predicted, given as the truth, or a table that all samples share.
        as_given: whether the formula gets half precision as it is, to multiply matrices in; it widens what it adds up.
        two_classes: whether each element of a label is the probability of the first of two classes, so that a label
            that says nothing is 1/2. Labels in [0, 1] may be something else: a heatmap, or a draw of a distribution.
    """

    name: str
    shape: tuple[str, ...]
    kind: Kind = "float"
    domain: Domain = "real"
    role: Role = "prediction"
    as_given: bool = False
    two_classes: bool = False

    @property
    def fill(self) -> float:
        """A value where every loss and its gradient is finite; it stands in for a removed sample."""
        return _FILL.get(self.domain, 0)

    def axes(self, rank: int) -> tuple[str, ...] | None:
        """The axes' names for that rank (`...` repeated as needed), or None if it does not fit."""
        names = tuple(name.removesuffix("?") for name in self.shape)
        if ELLIPSIS not in names:
            if rank == len(names) - 1 and self.shape[-1].endswith("?"):
                names = names[:-1]
            return names if rank == len(names) else None
        if rank < len(names) - 1:
            return None
        at = names.index(ELLIPSIS)
        return names[:at] + (ELLIPSIS,) * (rank - len(names) + 1) + names[at + 1 :]


def prediction(name: str, shape: str, domain: Domain = "real", *, as_given: bool = False) -> InputSpec:
    """Declare a float input from a model; `shape` is axis names separated by spaces, such as `"... C"`."""
    return InputSpec(name, tuple(shape.split()), "float", domain, "prediction", as_given)


def label(
    name: str, shape: str, domain: Domain = "real", kind: Kind = "float", *, two_classes: bool = False
) -> InputSpec:
    """Declare a label input."""
    return InputSpec(name, tuple(shape.split()), kind, domain, "label", two_classes=two_classes)


def table(name: str, shape: str) -> InputSpec:
    """Declare a float array that all samples share."""
    return InputSpec(name, tuple(shape.split()), "float", "real", "table")


@dataclass(frozen=True)
class LossSpec:
    """The contract of one loss function.

    Args:
        name: the function's name.
        inputs: its array inputs, in order.
        output: the axes of its unreduced values.
        broadcasting: whether inputs may broadcast to the shape of the largest one; else axes must be equal.
        weight_parameter: the hyper-parameter, if any, that weights the values. The contract applies it.
        ignore_parameter: the hyper-parameter, if any, that is a label which removes its position. The contract does
            that, and the formula does not see it.
        mask_parameter: the hyper-parameter, if any, that says which samples take part, for a loss in which the
            samples of a batch meet each other. The contract adds to it those that a weight of zero removes.
        axis_parameter: the hyper-parameter, if any, that names the axes over which a loss of a whole set is taken:
            None for all of them, the `output` then being (); else the values have the axes that are left.
        pixel_parameter: the hyper-parameter, if any, that holds weights of pixels, for a loss of regions. The values of
            pixels of weight 0 are not checked.
    """

    name: str
    inputs: tuple[InputSpec, ...]
    output: tuple[str, ...]
    broadcasting: bool = False
    weight_parameter: str | None = None
    ignore_parameter: str | None = None
    mask_parameter: str | None = None
    axis_parameter: str | None = None
    pixel_parameter: str | None = None

    @property
    def ignored_label(self) -> InputSpec:
        """The label that `ignore_parameter` is about."""
        return next((spec for spec in self.labels if spec.domain in ("class", "binary")), self.labels[0])

    @property
    def has_samples(self) -> bool:
        """Whether the values have an axis N of samples that do not meet each other, so that it can be left out."""
        return "N" in self.output and self.mask_parameter is None

    @property
    def of_one_sample(self) -> LossSpec:
        """The contract for inputs without the axis N."""
        inputs = tuple(replace(item, shape=tuple(axis for axis in item.shape if axis != "N")) for item in self.inputs)
        return replace(self, inputs=inputs, output=tuple(axis for axis in self.output if axis != "N"))

    @property
    def labels(self) -> tuple[InputSpec, ...]:
        """The inputs that hold the truth."""
        return tuple(spec for spec in self.inputs if spec.role == "label")

    def per_sample(self, spec: InputSpec) -> bool:
        """Whether the input has a part for each of the loss values, so that a removed value removes it."""
        names = {name.removesuffix("?") for name in spec.shape}
        return all(name in names for name in self.output)

    def output_shape(self, sizes: Mapping[str, Shape]) -> Shape:
        """The shape of the values, from the sizes of the named axes."""
        return tuple(size for name in self.output for size in sizes[name])
