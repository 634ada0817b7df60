"""The parts of a loss's docstring that follow from its contract: common entries of Args, Returns and Raises, imports.

The docstring of a loss in the source has what is specific to it; its entries take the place of the common ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sporax import _docstring
from sporax.losses.contract._parameters import Parameter
from sporax.losses.contract._spec import InputSpec, LossSpec

_ERRORS = ("ArgumentError", "ArgumentTypeError", "DtypeError", "ShapeError", "LabelError")

_PREDICTIONS = {
    "distribution": "class probabilities p",
    "log_probability": "log probabilities x",
    "probability": "predicted probabilities x",
}
_LABELS = {
    "binary": "y, 0 or 1, of any real dtype and",
    "class": "class indices y of an integer dtype",
    "distribution": "class probabilities y",
    "identity": "the class of each sample, as integers",
    "probability": "target probabilities y",
    "sign": "y, 1 or -1, of any real dtype and",
    "sign_or_binary": "1 for one class; 0 or -1 for the other, which counts as y = -1;",
}
_PREDICTED_BOXES = (
    "predicted boxes (x1, y1, x2, y2) of shape (..., 4), in any unit; opposite corners may be given in any order."
)
_TRUE_BOXES = (
    "true boxes of the same shape, with x1 <= x2 and y1 <= y2. In compiled code, any other box makes its loss value "
    "NaN, with no gradient."
)
_PIXELS = (
    "the weight of each pixel, at least 0, or a bool mask; broadcasts to the shape of the labels. A pixel of weight 0 "
    "is ignored."
)
_FAULTS = {
    "class": "outside [0, C)",
    "class_or_none": "outside [-1, C)",
    "probability": "outside [0, 1]",
    "sign": "other than 1 and -1",
    "binary": "other than 0 and 1",
    "sign_or_binary": "other than 1, 0 and -1",
    "box": "that are not boxes with x1 <= x2 and y1 <= y2",
}
_INVALID = "In compiled code, an invalid label makes its loss value NaN, with no gradient."
_WITH_INVALID = ("class", "class_or_none", "sign", "binary", "sign_or_binary")
"""Domains whose losses are NaN for a value outside the domain, in compiled code."""


def completed(
    text: str | None, spec: LossSpec, arguments: Mapping[str, Any], kinds: Mapping[str, Parameter]
) -> str | None:
    """A formula's docstring with the parts that follow from its contract.

    Args:
        text: the docstring.
        spec: the contract.
        arguments: the formula's arguments, in order.
        kinds: the kinds of its hyper-parameters.
    """
    if not text:
        return text
    sections = _docstring.split(text)
    own = _docstring.entries(sections.get("Args", ""))
    inputs = {each.name: each for each in spec.inputs}
    samples = "pairs" if sum(each.role == "prediction" for each in spec.inputs) == 2 else "samples"
    common = {
        spec.axis_parameter: "the axes over which one region extends; None for all.",
        spec.ignore_parameter: "an ignored label; None for none.",
        spec.mask_parameter: f"which {samples} take part, of shape (N,); None for all. Others are compared with none.",
        spec.pixel_parameter: _PIXELS,
    }
    entries: dict[str, str] = {}
    for name in arguments:
        key = next((key for key in own if name in key.split(", ")), "")
        if key:
            entries[key] = own[key]
        elif name in inputs:
            entries[name] = _about(inputs[name], spec)
        elif name in common:
            entries[name] = common[name]
        if name in inputs and inputs[name].domain in _WITH_INVALID and "compiled code" not in entries[key or name]:
            entries[key or name] += f" {_INVALID}"
    sections["Args"] = _docstring.listed(entries)
    sections.setdefault("Returns", _returns(spec))
    example = sections.get("Examples", "")
    sections["Examples"] = _imports(example) + example
    sections["Raises"] = _docstring.listed(_raises(spec, kinds, _docstring.entries(sections.get("Raises", ""))))
    return _docstring.join(sections)


def _imports(example: str) -> str:
    """The first lines of an example: imports of NumPy, where it is used, and of `losses`, unless they are there."""
    lines = {"np.": ">>> import numpy as np\n", "losses.": ">>> from sporax import losses\n"}
    return "".join(line for name, line in lines.items() if name in example and line not in example)


def _shape(axes: tuple[str, ...]) -> str:
    return f"({', '.join(axes)}{',' if len(axes) == 1 and axes[0] != '...' else ''})"


def _about(each: InputSpec, spec: LossSpec) -> str:
    """The entry of an array input."""
    if each.shape[-1] == "4":
        return _TRUE_BOXES if each.domain == "box" else _PREDICTED_BOXES
    of_shape = f"of shape {_shape(each.shape)}"
    if each.role == "prediction":
        known = _PREDICTIONS.get(each.domain)
        if spec.broadcasting:
            return f"{known or 'predictions x'} of any shape."
        if each.shape == ("...",):
            return f"{known or 'scores x'} of any shape."
        return f"{known or ('unnormalized scores x' if 'C' in each.shape else 'vectors x')} {of_shape}."
    if spec.broadcasting:
        return f"targets y; {_broadcasting(spec)}."
    text = _LABELS.get("probability" if each.two_classes else each.domain, "targets y")
    text += ", " if each.kind == "int" else " "
    return f"{text}of the same shape." if each.shape == spec.inputs[0].shape else f"{text}{of_shape}."


def _broadcasting(spec: LossSpec) -> str:
    if len(spec.inputs) == 2:
        return "one of the two shapes must broadcast to the other"
    return "the shapes must broadcast to the largest of them"


def _returns(spec: LossSpec) -> str:
    if spec.broadcasting and spec.output:
        return f"Values of the shape of the {'larger' if len(spec.inputs) == 2 else 'largest'} input."
    if spec.output == ("...",) and spec.inputs[0].shape == ("...",):
        return "Values of the shape of the inputs."
    if spec.output:
        return f"Values of shape {_shape(spec.output)}."
    if spec.axis_parameter is None:
        return "One value, of shape ()."
    return "One value, or one for each position of the remaining axes."


def _raises(spec: LossSpec, kinds: Mapping[str, Parameter], own: Mapping[str, str]) -> dict[str, str]:
    """The section Raises: errors of the contract and of the kinds of the hyper-parameters, and those of the loss."""
    found: dict[str, list[str]] = {error: [] for error in _ERRORS}
    for error, text in own.items():
        found.setdefault(error, []).append(text.removesuffix("."))
    faults: dict[tuple[str, str], list[str]] = {}
    for name, kind in kinds.items():
        if kind.fault:
            faults.setdefault((kind.error, kind.fault), []).append(f"`{name}`")
    for (error, fault), names in faults.items():
        found[error].append(f"{' or '.join(filter(None, [', '.join(names[:-1]), names[-1]]))} is {fault}")
    for error, text in _faults_of_inputs(spec):
        found[error].append(text)
    return {error: f"{'; '.join(texts)}." for error, texts in found.items() if texts}


def _faults_of_inputs(spec: LossSpec) -> Iterator[tuple[str, str]]:
    known = "where their values are known"
    if any(each.role == "prediction" and each.domain == "probability" for each in spec.inputs):
        yield "ArgumentError", f"predictions outside [0, 1], {known}"
    if spec.axis_parameter is not None:
        yield "ArgumentError", f"`{spec.axis_parameter}` names an axis that the inputs do not have"
    if spec.pixel_parameter is not None:
        yield "ArgumentError", f"`{spec.pixel_parameter}` below 0, {known}"
    integers = any(each.kind == "int" for each in spec.inputs)
    yield "DtypeError", "labels that are not integers, or complex inputs" if integers else "complex inputs"
    if len(spec.inputs) == 1:
        yield "ShapeError", f"`{spec.inputs[0].name}` has a shape other than {_shape(spec.inputs[0].shape)}"
    elif spec.broadcasting:
        yield "ShapeError", "shapes that do not broadcast, or only to more elements than any input, as (N, 1) and (N,)"
    else:
        yield "ShapeError", "shapes that do not match"
    if spec.weight_parameter is not None:
        yield "ShapeError", f"`{spec.weight_parameter}` does not broadcast to the values"
    for domain in dict.fromkeys(each.domain for each in spec.labels):
        if domain in _FAULTS:
            yield "LabelError", f"labels {_FAULTS[domain]}, {known}"
    units = {each.unit for each in spec.labels if each.domain != "probability" and each.in_unit_interval(np.int64)}
    if "all" in units:
        yield "LabelError", f"labels outside [0, 1], {known}"
    elif units:
        yield "LabelError", f"integer labels other than 0 and 1, {known}"
