"""The specification of a loss: the shape, dtype and domain of each input, and the shape of its values.

It is given once, where the formula is defined. `loss_function` enforces it at every call, the registry shows it, and
contract tests make inputs from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from sporax._typing import Shape

__all__ = ["InputSpec", "LossSpec", "label", "prediction", "table"]

Kind: TypeAlias = Literal["float", "int", "number"]
"""`float` is for arithmetic (ints become floats), `int` is integers only, `number` is either."""

Domain: TypeAlias = Literal[
    "real", "positive", "nonnegative", "probability", "log_probability", "class", "class_or_none", "sign", "binary",
    "sign_or_binary", "distribution", "identity", "box",
]  # fmt: skip
"""`class` is an index in [0, C), and `class_or_none` an index or -1, in a list that ends at its first -1; `identity` is
any integer, equal for samples of the same class; `sign` is 1 or -1; `binary` is 0 or 1; `sign_or_binary` is 1, or 0 or
-1 for the other class; `distribution` is a row of class probabilities, and `log_probability` a row of their logarithms;
`box` is a row of corners with x1 <= x2 and y1 <= y2. `positive`, `nonnegative`, `distribution` and `log_probability`
are for documentation and examples: such values are not checked."""

Role: TypeAlias = Literal["prediction", "label", "table"]
"""A `table` (class embeddings) is shared by all samples; rows are gathered from it, so it keeps its dtype."""

Unit: TypeAlias = Literal["integers", "all", "none"]
"""Which dtypes of labels must hold numbers in [0, 1], among labels of two classes and rows of class probabilities:
`integers` only, where MindSpore documents floats of any size; `all`; or `none`, where masses, counts or logarithms are
labels too."""

_FILL: dict[str, float] = {"positive": 1, "probability": 0.5, "sign": 1}

ELLIPSIS = "..."


@dataclass(frozen=True)
class InputSpec:
    """One array input of a loss.

    Args:
        name: the argument's name.
        shape: names of its axes; `...` is any number of axes, a final `?` marks an axis that may be absent, and `C-1`
            is one fewer than `C` (the thresholds between ordered classes).
        kind: the accepted dtypes.
        domain: the accepted values.
        role: whether it is a prediction, a label, or a table shared by all samples.
        as_given: whether the formula receives half precision unchanged, for matrix products; it widens its sums itself.
        two_classes: whether each element of a label is the probability of the first of two classes, so that the
            uniform label is 1/2. Labels in [0, 1] may have another meaning: a heatmap, or a sample of a distribution.
        unit: whether labels of two classes, or of class probabilities, are checked to lie in [0, 1].
    """

    name: str
    shape: tuple[str, ...]
    kind: Kind = "float"
    domain: Domain = "real"
    role: Role = "prediction"
    as_given: bool = False
    two_classes: bool = False
    unit: Unit = "integers"

    def in_unit_interval(self, dtype: Any) -> bool:
        """Whether values of that dtype must lie in [0, 1]."""
        if self.domain == "probability":
            return True
        if self.role != "label" or not (self.two_classes or self.domain == "distribution"):
            return False
        return self.unit == "all" or (self.unit == "integers" and np.dtype(dtype).kind in "iu")

    @property
    def fill(self) -> float:
        """A value where every loss and its gradient are finite, used for a removed sample."""
        return _FILL.get(self.domain, 0)

    def axes(self, rank: int) -> tuple[str, ...] | None:
        """Return the names of the axes for that rank (`...` repeated as needed), or None if it does not fit."""
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
    """Declare a prediction, a float input; `shape` is axis names separated by spaces, such as `"... C"`."""
    return InputSpec(name, tuple(shape.split()), "float", domain, "prediction", as_given)


def label(
    name: str,
    shape: str,
    domain: Domain = "real",
    kind: Kind = "float",
    *,
    two_classes: bool = False,
    unit: Unit = "integers",
) -> InputSpec:
    """Declare a label input."""
    return InputSpec(name, tuple(shape.split()), kind, domain, "label", two_classes=two_classes, unit=unit)


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
        broadcasting: whether inputs may broadcast to the shape of the largest one; otherwise axes must be equal.
        weight_parameter: the name of the hyper-parameter, if any, that weights the values. The contract applies it.
        ignore_parameter: the name of the hyper-parameter, if any, that is an ignored label. The contract removes its
            positions; it is not passed to the formula.
        mask_parameter: the name of the hyper-parameter, if any, that selects the samples of a loss that compares the
            samples of a batch. The contract also excludes samples of weight zero.
        axis_parameter: the name of the hyper-parameter, if any, with the axes over which a loss of regions is taken:
            None for all of them, with the `output` (); otherwise the values have the remaining axes.
        pixel_parameter: the name of the hyper-parameter, if any, with the weights of pixels, for a loss of regions. The
            values of pixels of weight 0 are not checked.
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
        """The label to which `ignore_parameter` applies."""
        return next((spec for spec in self.labels if spec.domain in ("class", "binary")), self.labels[0])

    @property
    def has_samples(self) -> bool:
        """Whether the values have an axis N of independent samples, so that a single sample is accepted."""
        return "N" in self.output and self.mask_parameter is None

    @property
    def of_one_sample(self) -> LossSpec:
        """The contract for inputs without the axis N."""
        inputs = tuple(replace(item, shape=tuple(axis for axis in item.shape if axis != "N")) for item in self.inputs)
        return replace(self, inputs=inputs, output=tuple(axis for axis in self.output if axis != "N"))

    @property
    def labels(self) -> tuple[InputSpec, ...]:
        """The labels among the inputs."""
        return tuple(spec for spec in self.inputs if spec.role == "label")

    def per_sample(self, spec: InputSpec) -> bool:
        """Return whether the input has an element or row for each loss value, which is removed with the value."""
        names = {name.removesuffix("?") for name in spec.shape}
        return all(name in names for name in self.output)

    def output_shape(self, sizes: Mapping[str, Shape]) -> Shape:
        """Return the shape of the values for the given sizes of the named axes."""
        return tuple(size for name in self.output for size in sizes[name])
