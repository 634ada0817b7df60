"""LossInfo: the entry of a loss in the registry, given where its function is defined."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from sporax import _docstring
from sporax._typing import Shape
from sporax.losses.contract._labels import check_labels
from sporax.losses.contract._reduce import REDUCTIONS
from sporax.losses.contract._spec import InputSpec

__all__ = ["LossInfo", "Size", "Sized"]


@dataclass(frozen=True)
class Size:
    """In the parameters of a `LossInfo`: the size of the named axis."""

    axis: str


@dataclass(frozen=True)
class Sized:
    """In the parameters of a `LossInfo`: a value computed from the sizes of the axes, such as one weight per class."""

    make: Callable[[Mapping[str, int]], Any]


@dataclass(frozen=True)
class LossInfo:
    """The registry's entry of one loss.

    Args:
        cell: the class of `sporax.nn` that calls it, if there is one.
        cell_arguments: arguments of the class that select this function.
        parameters: values of each hyper-parameter for the contract tests.
        reductions: the reductions of the class; empty if it has no such argument.
        default_reduction: the default of that argument.
        second_derivative: whether it can be differentiated twice.
        lower_bound: a lower bound of the unreduced values for all inputs in their domains (with at least one class,
            and distributions that sum to 1); None if there is none or it depends on the labels.
        overflows: whether scores of ±1e4 give an infinite value or gradient, as an exponential of them does.
        random: whether it draws random numbers from `seed` or `key`.
        oracle: its name among the oracles of the tests. Default: the name of the function.
        examples: makes example inputs from (random generator, axis sizes, dtype), if they cannot be drawn
            independently from their domains, as for boxes. The size of the axis `...` is a tuple.
        like: names of the loss in other libraries, for look-up.
        function: the pure function; `register` sets it.
    """

    cell: str | None = None
    cell_arguments: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    reductions: tuple[str, ...] = REDUCTIONS
    default_reduction: str = "mean"
    second_derivative: bool = True
    lower_bound: float | None = None
    overflows: bool = False
    random: bool = False
    oracle: str = ""
    examples: Callable[[np.random.Generator, Mapping[str, Any], Any], list[np.ndarray]] | None = None
    like: tuple[str, ...] = ()
    function: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.spec.name

    @property
    def family(self) -> str:
        """The name of its file, without the underscore."""
        return self.function.__module__.rpartition("._")[2]

    @property
    def summary(self) -> str:
        """The first line of the docstring of the function."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def source(self) -> str:
        """The section Source of the docstring of the function: the paper or library that defines the loss."""
        return " ".join(_docstring.split(self.function.__doc__).get("Source", "").split())

    @property
    def citation(self) -> str:
        """`source` without the titles of papers."""
        return re.sub(r",?\s*[\"“][^\"”]*[\"”]", "", self.source).replace("`", "").rstrip(".")

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """Name, axes, dtype kind, domain and role of each array input."""
        return self.function.spec.inputs

    @property
    def output(self) -> tuple[str, ...]:
        """Axis names of the unreduced values."""
        return self.function.spec.output

    @property
    def broadcasting(self) -> bool:
        """Whether one input may broadcast to the shape of another."""
        return self.function.spec.broadcasting

    @property
    def weight_parameter(self) -> str | None:
        """The hyper-parameter that weights the values, if there is one."""
        return self.function.spec.weight_parameter

    def settings(self, sizes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        """Yield every combination of the parameters, for inputs whose axes have those sizes."""
        for values in itertools.product(*self.parameters.values()):
            yield {name: _resolve(value, sizes) for name, value in zip(self.parameters, values, strict=True)}

    def check_labels(
        self,
        input_shapes: Mapping[str, Shape],
        labels: np.ndarray | Mapping[str, np.ndarray],
        *,
        ignore: int | None = None,
        pixel_weights: np.ndarray | None = None,
    ) -> None:
        """Check label columns on the host, without using a device.

        Args:
            input_shapes: known shapes of the other inputs, by name.
            labels: the label array, or several by name.
            ignore: an ignored label, if the loss has such an argument.
            pixel_weights: of a loss of regions; pixels of weight 0 are not checked.

        Raises:
            DtypeError, ShapeError, LabelError: the errors that the loss itself raises in eager code.

        Example:
            >>> import numpy as np
            >>> from sporax import losses
            >>> info = losses.get("sparse_softmax_cross_entropy_with_logits")
            >>> info.check_labels({"logits": (2, 10)}, np.array([3, 9]))
        """
        spec = self.function.spec
        check_labels(spec, input_shapes, labels, where=self.cell, ignore=ignore, pixel_weights=pixel_weights)


EXAMPLE_CLASS_WEIGHTS = Sized(lambda sizes: [0.25 + 0.5 * index for index in range(sizes["C"])])
"""One weight per class, for `LossInfo.parameters`."""


def register(function: Any, info: LossInfo) -> None:
    """Attach a `LossInfo` to a loss function, from which the registry collects it."""
    info = replace(info, function=function, oracle=info.oracle or function.spec.name)
    cast("dict[str, Any]", function.__dict__)["info"] = info


def _resolve(value: Any, sizes: Mapping[str, int]) -> Any:
    if isinstance(value, Size):
        return sizes[value.axis]
    return value.make(sizes) if isinstance(value, Sized) else value
