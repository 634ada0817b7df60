"""The lines along which losses are plotted, derived from the specification of their inputs and a few special cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._jax_compat import x64_scope
from sporax.plotting._axes import (
    AXES,
    CASES,
    FIXED,
    LABEL_IS_ONE,
    LOGIT,
    NOUNS,
    ONE_CASE,
    PROBABILITY,
    REAL,
    SCORE,
    TRUE_CLASS,
    Axis,
    Maker,
    Sizes,
    axes_of,
    constant,
    domains_of,
    label_of,
    moving_input,
    one_hot,
    predictions_of,
)
from sporax.plotting._curve import Line, required_parameters
from sporax.plotting._lines_sets import (
    boxes,
    ctc,
    ensemble,
    groups,
    pair,
    region,
    rnnt,
    table,
    thresholds,
    triplet,
)


def lines(info: losses.LossInfo) -> tuple[Line, ...]:
    """Return the lines along which a loss is plotted; several where it treats kinds of labels differently.

    Args:
        info: the loss.

    Returns:
        At least one line.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> [line.axis for line in plotting.lines(losses.get("mse_loss"))]
        ['prediction minus label']
    """
    for maker in (*_BY_FAMILY.get(info.family, ()), *_GENERIC):
        if (found := tuple(maker(info))) and _fits(info, found[0]):
            return found
    return tuple(_along_gradient(info))


def _fits(info: losses.LossInfo, line: Line) -> bool:
    """Whether the loss accepts the shapes, dtypes and labels of those inputs; nothing is computed."""
    try:
        given = required_parameters(info, line.sizes)
        with x64_scope(True):
            jax.eval_shape(lambda x: info.function(*line.inputs(x), **given), jnp.asarray(line.start, jnp.float64))
    except (ValueError, TypeError):
        return False
    return True


# Elementwise losses


def _elementwise(info: losses.LossInfo) -> Iterator[Line]:
    """Yield lines for inputs of the shape of the values: the first prediction moves."""
    predictions = predictions_of(info)
    scalar = info.output == () and all(item.domain == "real" for item in info.inputs)
    shapes = {("...",)} if scalar else {info.output}
    if not predictions or any(tuple(axes_of(item)) not in shapes for item in info.inputs):
        return
    sizes = {"N": 1, "C": 1, "L": 1, "D": 1}
    at, label = predictions[0], label_of(info)
    axis, cases, log = _elementwise_axis(info, info.inputs[at], None if label is None else info.inputs[label])
    for case, value in cases:
        arrays = [constant(item, sizes) for item in info.inputs]
        if label is not None:
            arrays[label] = constant(info.inputs[label], sizes, value)
        shape = arrays[at].shape

        def move(x: Any, shape: tuple[int, ...] = shape) -> Any:
            return jnp.full(shape, jnp.log(x) if log else x)

        yield axis.line(moving_input(arrays, at, move), sizes, case)


def _elementwise_axis(
    info: losses.LossInfo, moving: losses.InputSpec, label: losses.InputSpec | None
) -> tuple[Axis, tuple[tuple[str, float], ...], bool]:
    """Return the axis, the cases with their label, and whether the loss receives the logarithm of x."""
    domain, of_label = domains_of(info, moving, label)
    positive = domain in ("positive", "nonnegative")
    cases = CASES.get(of_label, ())
    if positive or not cases:
        one = positive or any(part in info.name for part in LABEL_IS_ONE)
        number = 0.5 if of_label in ("probability", "distribution") else FIXED.get(of_label, float(one))
        cases = (("", number),)
    number = cases[0][1]
    noun = "prediction" if moving.name in NOUNS else moving.name.replace("_", " ")
    log = domain == "log_probability"
    if info.name in AXES:
        axis, names = AXES[info.name]
        return axis, tuple((name, value) for name, (_, value) in zip(names, cases, strict=False)), log
    if domain == "probability" or log:
        condition = "" if len(cases) > 1 else f", where the label is {number:g}"
        return PROBABILITY._replace(description=f"{PROBABILITY.description}{condition}"), cases, log
    if positive:
        return Axis(f"{noun}, where the label is {number:g}", 0.02, 4, 0), cases, log
    if label is None:
        return Axis(f"{noun}, the others 0", -4, 4), cases, log
    if len(cases) > 1:
        if len([item for item in info.inputs if item.role == "prediction" and item.domain == "real"]) > 1:
            cases = (("first is higher", cases[0][1]), ("second is higher", cases[1][1]))
            return Axis("first score minus the second", -4, 4), cases, log
        return SCORE, cases, log
    return (Axis(f"{noun}, where the label is {number:g}", -4, 4) if number else REAL), cases, log


# Classes


def _classes(info: losses.LossInfo) -> Iterator[Line]:
    """Yield lines for a prediction with a class axis: its value for the true class moves."""
    at = next((at for at in predictions_of(info) if "C" in axes_of(info.inputs[at])), None)
    label = label_of(info)
    if at is None or any("D" in axes_of(item) for item in info.inputs):
        return
    sizes = {"N": 1, "C": 3, "T": 1, "L": 1, "S": 1}
    moving, truth = info.inputs[at], None if label is None else info.inputs[label]
    domain, of_label = domains_of(info, moving, truth)
    several = truth is not None and "C" in axes_of(truth) and of_label in CASES
    if "..." in moving.shape and info.family in _PER_POSITION and not several:
        yield from _class_positions(info, at, domain)
        return
    hot = one_hot(moving, "C", 3)
    axis = _class_axis(domain, several)
    if truth is None:
        axis = LOGIT._replace(description="one logit, the others 0")
    elif any(item.role == "label" and item.domain == "real" and "C" in axes_of(item) for item in info.inputs):
        axis = LOGIT._replace(description="logit of one class, the teacher's is 2, the others 0")
    for case, value in CASES["binary"] if several else ONE_CASE:
        arrays = [_class_constant(item, value if several else 1, sizes) for item in info.inputs]
        yield axis.line(moving_input(arrays, at, lambda x: _class_value(domain, hot, x, several)), sizes, case)


_PER_POSITION = ("segmentation", "lovasz")
"""Families whose losses combine all positions of a sample."""


def _class_positions(info: losses.LossInfo, at: int, domain: str) -> Iterator[Line]:
    """Yield the line for three positions, each of another class, with the same prediction."""
    eye = np.eye(3)[None]
    arrays = []
    for item in info.inputs:
        array = constant(item, {"N": 1, "C": 3}, rest=(3,))
        labels = eye if "C" in axes_of(item) else np.arange(3)[None]
        arrays.append(np.broadcast_to(labels, array.shape).astype(array.dtype) if item.role == "label" else array)
    axis = _class_axis(domain, False)
    axis = axis._replace(description=f"{axis.description}, at each of three positions")
    yield axis.line(moving_input(arrays, at, lambda x: _class_value(domain, eye, x, False)), {"N": 1, "C": 3})


def _class_constant(item: losses.InputSpec, positive: float, sizes: Sizes) -> Any:
    array = constant(item, sizes, 0 if item.domain == "class" else None)
    if "C" not in axes_of(item) or item.role == "table":
        return array
    hot = one_hot(item, "C", sizes["C"])
    match item.domain:
        case "class":
            return array
        case "class_or_none":
            # The true classes come first; -1 marks unused entries.
            found = hot - 1
        case "sign" | "sign_or_binary":
            found = 2 * hot * positive - 1
        case "log_probability":
            found = np.log(0.1 + 0.7 * hot)
        case "real" | "positive" | "nonnegative":
            found = 2 * hot
        case _:
            found = hot * positive
    return found.astype(array.dtype)


_PROBABILITIES = ("probability", "distribution", "log_probability")


def _class_axis(domain: str, several: bool) -> Axis:
    if domain in _PROBABILITIES:
        return PROBABILITY._replace(description="probability of one class") if several else TRUE_CLASS
    return LOGIT._replace(description="score of one class, the others 0") if several else LOGIT


def _class_value(domain: str, hot: Any, x: Any, several: bool) -> Any:
    if domain not in _PROBABILITIES:
        return hot * x
    rest = 0.5 if several and domain == "probability" else (1 - x) / 2
    chance = hot * x + (1 - hot) * rest
    return jnp.log(chance) if domain == "log_probability" else chance


def _along_list(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for scores of a list of items: the score of the relevant one moves."""
    at = next((at for at in predictions_of(info) if "L" in axes_of(info.inputs[at])), None)
    label = next((at for at, item in enumerate(info.inputs) if item.role == "label" and "L" in axes_of(item)), None)
    if at is None or label is None or "L" in info.output:
        return
    sizes = {"N": 1, "L": 3}
    arrays = [constant(item, sizes) for item in info.inputs]
    relevant = one_hot(info.inputs[label], "L", 3)
    arrays[label] = (2 * relevant - 1 if info.inputs[label].domain == "sign" else relevant).astype(arrays[label].dtype)
    hot = one_hot(info.inputs[at], "L", 3)
    axis = Axis("score of the relevant item, the others 0", -4, 4)
    yield axis.line(moving_input(arrays, at, lambda x: hot * x), sizes)


def _along_gradient(info: losses.LossInfo) -> Iterator[Line]:
    """Yield a line that every loss has: from the example inputs along the gradient of the predictions."""
    with x64_scope(True):
        arrays: list[Any] = [
            np.asarray(array, np.float64 if np.issubdtype(array.dtype, np.floating) else array.dtype)
            for array in losses.example_inputs(info)
        ]
        given = required_parameters(info)
        moving = predictions_of(info)

        def objective(*chosen: Any) -> jax.Array:
            inputs = list(arrays)
            for at, array in zip(moving, chosen, strict=True):
                inputs[at] = array
            return losses.evaluate(info.function, *inputs, reduction="mean", **given)

        found = jax.jit(jax.grad(objective, argnums=tuple(range(len(moving)))))(*(arrays[at] for at in moving))
        gradients = [np.asarray(each) for each in found]
    length = float(np.sqrt(sum(np.sum(each * each) for each in gradients))) or 1.0
    axis = Axis("steps against the gradient, from an example", -3, 3)

    def inputs(x: Any) -> list[Any]:
        moved = list(arrays)
        for at, derivative in zip(moving, gradients, strict=True):
            moved[at] = arrays[at] - derivative * (x / length)
        return moved

    yield axis.line(inputs, losses.EXAMPLE_SIZES)


_BY_FAMILY: Mapping[str, tuple[Maker, ...]] = {
    "boxes": (boxes,),
    "ctc": (ctc,),
    "lovasz": (region,),
    "ordinal": (thresholds,),
    "rnnt": (rnnt,),
    "segmentation": (region,),
}
_GENERIC: tuple[Maker, ...] = (
    _elementwise, boxes, _along_list, table, _classes, triplet, pair, groups, region, ensemble
)  # fmt: skip
