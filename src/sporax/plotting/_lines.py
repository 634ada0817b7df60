"""Which line shows a loss's character: made from what the loss says of its inputs, with a few special cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._jax_compat import x64_scope
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
from sporax.plotting._ways import (
    CASES,
    CHANCE,
    FIXED,
    LABEL_IS_ONE,
    LOGIT,
    NOUNS,
    ONE_CASE,
    PROBABILITY,
    REAL,
    SCORE,
    WAYS,
    Maker,
    Sizes,
    Way,
    axes_of,
    domains_of,
    label_of,
    moved,
    one_hot,
    predictions_of,
    still,
)


def lines(row: losses.LossInfo) -> tuple[Line, ...]:
    """The lines along which a loss is shown; more than one where it treats kinds of labels apart.

    Args:
        row: the loss.

    Returns:
        At least one line.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> [line.axis for line in plotting.lines(losses.get("mse_loss"))]
        ['prediction minus label']
    """
    for maker in (*_BY_FAMILY.get(row.family, ()), *_GENERIC):
        if (found := tuple(maker(row))) and _fits(row, found[0]):
            return found
    return tuple(_down_the_gradient(row))


def _fits(row: losses.LossInfo, line: Line) -> bool:
    """Whether the loss takes those inputs: their shapes, dtypes and labels, with no value computed."""
    try:
        given = required_parameters(row, line.sizes)
        with x64_scope(True):
            jax.eval_shape(lambda x: row.function(*line.inputs(x), **given), jnp.asarray(line.start, jnp.float64))
    except (ValueError, TypeError):
        return False
    return True


# What stands for one number each


def _elementwise(row: losses.LossInfo) -> Iterator[Line]:
    """Every input has the shape of the values: the first prediction moves."""
    predictions = predictions_of(row)
    whole = row.output == () and all(item.domain == "real" for item in row.inputs)
    shapes = {("...",)} if whole else {row.output}
    if not predictions or any(tuple(axes_of(item)) not in shapes for item in row.inputs):
        return
    sizes = {"N": 1, "C": 1, "L": 1, "D": 1}
    at, label = predictions[0], label_of(row)
    way, cases, log = _elementwise_way(row, row.inputs[at], None if label is None else row.inputs[label])
    for case, value in cases:
        arrays = [still(item, sizes) for item in row.inputs]
        if label is not None:
            arrays[label] = still(row.inputs[label], sizes, value)
        shape = arrays[at].shape

        def move(x: Any, shape: tuple[int, ...] = shape) -> Any:
            return jnp.full(shape, jnp.log(x) if log else x)

        yield way.line(moved(arrays, at, move), sizes, case)


def _elementwise_way(
    row: losses.LossInfo, moving: losses.InputSpec, label: losses.InputSpec | None
) -> tuple[Way, tuple[tuple[str, float], ...], bool]:
    """The axis, the cases with their label, and whether the loss gets the logarithm of x."""
    domain, of_label = domains_of(row, moving, label)
    positive = domain in ("positive", "nonnegative")
    cases = CASES.get(of_label, ())
    if positive or not cases:
        one = positive or any(part in row.name for part in LABEL_IS_ONE)
        number = 0.5 if of_label in ("probability", "distribution") else FIXED.get(of_label, float(one))
        cases = (("", number),)
    number = cases[0][1]
    noun = "prediction" if moving.name in NOUNS else moving.name.replace("_", " ")
    log = domain == "log_probability"
    if row.name in WAYS:
        way, names = WAYS[row.name]
        return way, tuple((name, value) for name, (_, value) in zip(names, cases, strict=False)), log
    if domain == "probability" or log:
        words = PROBABILITY.words if len(cases) > 1 else f"{PROBABILITY.words}, where the label is {number:g}"
        return PROBABILITY._replace(words=words), cases, log
    if positive:
        return Way(f"{noun}, where the label is {number:g}", 0.02, 4, 0), cases, log
    if label is None:
        return Way(f"{noun}, the others 0", -4, 4), cases, log
    if len(cases) > 1:
        if len([item for item in row.inputs if item.role == "prediction" and item.domain == "real"]) > 1:
            cases = (("first is higher", cases[0][1]), ("second is higher", cases[1][1]))
            return Way("first score minus the second", -4, 4), cases, log
        return SCORE, cases, log
    return (Way(f"{noun}, where the label is {number:g}", -4, 4) if number else REAL), cases, log


# Classes


def _classes(row: losses.LossInfo) -> Iterator[Line]:
    """One prediction has an axis of classes: what it says of the true class moves."""
    at = next((at for at in predictions_of(row) if "C" in axes_of(row.inputs[at])), None)
    label = label_of(row)
    if at is None or any("D" in axes_of(item) for item in row.inputs):
        return
    sizes = {"N": 1, "C": 3, "T": 1, "L": 1, "S": 1}
    moving, truth = row.inputs[at], None if label is None else row.inputs[label]
    domain, of_label = domains_of(row, moving, truth)
    several = truth is not None and "C" in axes_of(truth) and of_label in CASES
    if "..." in moving.shape and row.family in _OVER_PLACES and not several:
        yield from _class_places(row, at, domain)
        return
    hot = one_hot(moving, "C", 3)
    way = _class_way(domain, several)
    if truth is None:
        way = LOGIT._replace(words="one logit, the others 0")
    elif any(item.role == "label" and item.domain == "real" and "C" in axes_of(item) for item in row.inputs):
        way = LOGIT._replace(words="logit of one class, the teacher's is 2, the others 0")
    for case, value in CASES["binary"] if several else ONE_CASE:
        arrays = [_class_still(item, value if several else 1, sizes) for item in row.inputs]
        yield way.line(moved(arrays, at, lambda x: _class_value(domain, hot, x, several)), sizes, case)


_OVER_PLACES = ("segmentation", "lovasz")
"""The families whose losses are about all places of a sample at once."""


def _class_places(row: losses.LossInfo, at: int, domain: str) -> Iterator[Line]:
    """Three places of a class each, all predicted alike."""
    eye = np.eye(3)[None]
    arrays = []
    for item in row.inputs:
        array = still(item, {"N": 1, "C": 3}, rest=(3,))
        whole = eye if "C" in axes_of(item) else np.arange(3)[None]
        arrays.append(np.broadcast_to(whole, array.shape).astype(array.dtype) if item.role == "label" else array)
    way = _class_way(domain, False)
    way = way._replace(words=f"{way.words}, at each of three places")
    yield way.line(moved(arrays, at, lambda x: _class_value(domain, eye, x, False)), {"N": 1, "C": 3})


def _class_still(item: losses.InputSpec, positive: float, sizes: Sizes) -> Any:
    array = still(item, sizes, 0 if item.domain == "class" else None)
    if "C" not in axes_of(item) or item.role == "table":
        return array
    hot = one_hot(item, "C", sizes["C"])
    match item.domain:
        case "class":
            return array
        case "class_or_none":
            # The true classes come first, and -1 says that there are no more.
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


_CHANCES = ("probability", "distribution", "log_probability")


def _class_way(domain: str, several: bool) -> Way:
    if domain in _CHANCES:
        return PROBABILITY._replace(words="probability of one class") if several else CHANCE
    return LOGIT._replace(words="score of one class, the others 0") if several else LOGIT


def _class_value(domain: str, hot: Any, x: Any, several: bool) -> Any:
    if domain not in _CHANCES:
        return hot * x
    rest = 0.5 if several and domain == "probability" else (1 - x) / 2
    chance = hot * x + (1 - hot) * rest
    return jnp.log(chance) if domain == "log_probability" else chance


def _along_list(row: losses.LossInfo) -> Iterator[Line]:
    """Scores of a list of items, and how relevant each is."""
    at = next((at for at in predictions_of(row) if "L" in axes_of(row.inputs[at])), None)
    label = next((at for at, item in enumerate(row.inputs) if item.role == "label" and "L" in axes_of(item)), None)
    if at is None or label is None or "L" in row.output:
        return
    sizes = {"N": 1, "L": 3}
    arrays = [still(item, sizes) for item in row.inputs]
    relevant = one_hot(row.inputs[label], "L", 3)
    arrays[label] = (2 * relevant - 1 if row.inputs[label].domain == "sign" else relevant).astype(arrays[label].dtype)
    hot = one_hot(row.inputs[at], "L", 3)
    way = Way("score of the relevant item, the others 0", -4, 4)
    yield way.line(moved(arrays, at, lambda x: hot * x), sizes)


def _down_the_gradient(row: losses.LossInfo) -> Iterator[Line]:
    """What always works: from the example inputs along the gradient of the predictions."""
    with x64_scope(True):
        arrays: list[Any] = [
            np.asarray(array, np.float64 if np.issubdtype(array.dtype, np.floating) else array.dtype)
            for array in losses.example_inputs(row)
        ]
        given = required_parameters(row)
        moving = predictions_of(row)

        def objective(*chosen: Any) -> jax.Array:
            whole = list(arrays)
            for at, array in zip(moving, chosen, strict=True):
                whole[at] = array
            return losses.evaluate(row.function, *whole, reduction="mean", **given)

        found = jax.jit(jax.grad(objective, argnums=tuple(range(len(moving)))))(*(arrays[at] for at in moving))
        slopes = [np.asarray(each) for each in found]
    length = float(np.sqrt(sum(np.sum(each * each) for each in slopes))) or 1.0
    way = Way("steps against the gradient, from an example", -3, 3)

    def inputs(x: Any) -> list[Any]:
        whole = list(arrays)
        for at, slope in zip(moving, slopes, strict=True):
            whole[at] = arrays[at] - slope * (x / length)
        return whole

    yield way.line(inputs, losses.EXAMPLE_SIZES)


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
