"""Lines for losses on vectors, boxes, regions, forecasts and sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax.plotting._curve import Line
from sporax.plotting._ways import (
    CASES,
    CHANCE,
    COSINE,
    LOGIT,
    ONE_CASE,
    PROBABILITY,
    SCORE,
    Way,
    axes_of,
    domains_of,
    moved,
    one_hot,
    predictions_of,
    still,
)


def pair(row: losses.LossInfo) -> Iterator[Line]:
    """Two sets of vectors: each vector of the second turns away from its partner, at right angles to the rest."""
    vectors = [at for at, item in enumerate(row.inputs) if "D" in axes_of(item)]
    if len(vectors) != 2 or row.inputs[vectors[0]].shape != row.inputs[vectors[1]].shape:
        return
    # Partners are unit vectors along axes 0 and 1; they turn towards axes 2 and 3.
    first, aside = np.eye(2, 4), np.eye(2, 4, 2)
    label = next((at for at, item in enumerate(row.inputs) if item.role == "label" and at not in vectors), None)
    cases = ONE_CASE if label is None else CASES.get(row.inputs[label].domain, ONE_CASE)
    names = {"positive": "similar", "negative": "dissimilar", "": ""}
    rest = () if any("N" in axes_of(item) for item in row.inputs) else (2,)
    euclidean = row.name in _EUCLIDEAN
    for case, value in cases:
        arrays = [still(item, {"N": 2, "D": 4}, rest=rest) for item in row.inputs]
        arrays[vectors[0]] = first * (0 if euclidean else 1)
        if label is not None:
            domain = row.inputs[label].domain
            spread = np.arange(2) if domain == "class" else np.full(2, value)
            arrays[label] = np.broadcast_to(spread, arrays[label].shape).astype(arrays[label].dtype)
        turn: Callable[[Any], Any] = (
            (lambda x: first * x) if euclidean else (lambda x: first * x + aside * jnp.sqrt(1 - x * x))
        )
        way = Way("distance", 0, 4, 0) if euclidean else COSINE._replace(words="cosine of partners, 0 between others")
        yield way.line(moved(arrays, vectors[1], turn), {"N": 2, "D": 4}, names[case])


_EUCLIDEAN = {"contrastive_loss"}


def triplet(row: losses.LossInfo) -> Iterator[Line]:
    """An anchor, a positive that moves away from it, and a negative that stays."""
    vectors = [at for at in predictions_of(row) if "D" in axes_of(row.inputs[at])]
    if len(vectors) != 3 or len(row.inputs) != 3:
        return
    rest = () if any("N" in axes_of(item) for item in row.inputs) else (1,)
    arrays = [still(item, {"N": 1, "D": 2}, 0, rest) for item in row.inputs]
    first, second = np.eye(1, 2), np.eye(1, 2, 1)
    arrays[vectors[2]] = arrays[vectors[2]] + 2 * second
    way = Way("distance of the positive, the negative's is 2", 0, 4, 0)
    yield way.line(moved(arrays, vectors[1], lambda x: arrays[vectors[1]] + first * x), {"N": 1, "D": 2})


def groups(row: losses.LossInfo) -> Iterator[Line]:
    """Vectors with a class each: two classes of two samples, whose partners turn away from each other."""
    if [axes_of(item) for item in row.inputs] != [["N", "D"], ["N"]] or row.inputs[1].role != "label":
        return
    first, aside = np.repeat(np.eye(2, 4), 2, axis=0), np.eye(4)[[0, 2, 1, 3]]
    second = np.array([[0.0], [1], [0], [1]])
    labels = np.array([0, 0, 1, 1], np.int32 if row.inputs[1].kind != "float" else np.float64)

    def inputs(x: Any) -> list[Any]:
        turned = first * x + aside * jnp.sqrt(1 - x * x)
        return [first * (1 - second) + turned * second, labels]

    yield COSINE._replace(words="cosine of partners, 0 between others").line(inputs, {"N": 4, "D": 4, "C": 2})


def table(row: losses.LossInfo) -> Iterator[Line]:
    """A table of class vectors: the sample goes along, or turns away from, the vector of its class."""
    shapes = {tuple(axes_of(item)): at for at, item in enumerate(row.inputs)}
    table, vector = shapes.get(("C", "D")), shapes.get(("N", "D"))
    if table is None or vector is None:
        return
    sizes = {"N": 1, "C": 3, "D": 4, "T": 1}
    arrays = [still(item, sizes, 0 if item.domain == "class" else None) for item in row.inputs]
    arrays[table] = np.eye(3, 4)
    own, aside = np.eye(1, 4), np.eye(1, 4, 3)
    if row.family == "proxy":
        turn = COSINE._replace(words="cosine with the class's vector, 0 with the others'")
        yield turn.line(moved(arrays, vector, lambda x: own * x + aside * jnp.sqrt(1 - x * x)), sizes)
    else:
        yield LOGIT.line(moved(arrays, vector, lambda x: own * x), sizes)


# Sets


def boxes(row: losses.LossInfo) -> Iterator[Line]:
    """Boxes with corners (x1, y1, x2, y2): one slides over its equal."""
    if len(row.inputs) < 2 or any(item.shape[-1:] != ("4",) for item in row.inputs[:2]):
        return
    arrays = [still(item, {"N": 1}) for item in row.inputs]
    box, slide = np.array([0.0, 0, 1, 1]), np.array([1.0, 0, 1, 0])
    arrays[1] = np.broadcast_to(box, arrays[1].shape)
    base = np.broadcast_to(box, arrays[0].shape)
    slide = np.broadcast_to(slide, base.shape)
    way = Way("shift of the box, in widths", -2.5, 2.5)
    yield way.line(moved(arrays, 0, lambda x: base + slide * x), {"N": 1})


def region(row: losses.LossInfo) -> Iterator[Line]:
    """A mask of eight places, four of them inside: what is predicted inside moves."""
    if len(row.inputs) != 2 or "..." not in row.inputs[0].shape or row.inputs[0].shape != row.inputs[1].shape:
        return
    moving, label = row.inputs
    names = axes_of(moving)
    domain, of_label = domains_of(row, moving, label)
    if "C" in names or of_label not in ("binary", "probability", "sign", "real") or "..." in row.output:
        return
    inside = np.broadcast_to(np.arange(8) < 4, losses.example_shape(moving, {"N": 1}, (8,))) * 1.0
    mask = (2 * inside - 1 if of_label == "sign" else inside).astype(np.int32 if label.kind == "int" else float)
    real = domain == "real"
    outside = -3.0 if real else 0.1
    way = SCORE if real else PROBABILITY
    way = way._replace(words=f"{'score' if real else 'probability'} inside the region, {outside:g} outside")
    yield way.line(lambda x: [inside * x + (1 - inside) * outside, mask], {"N": 1})


def ensemble(row: losses.LossInfo) -> Iterator[Line]:
    """A forecast of several values for one true one: all of them shift."""
    if [item.domain for item in row.inputs[:2]] != ["real", "real"] or row.inputs[1].role != "label":
        return
    names = axes_of(row.inputs[0])
    own = [name for name in names if name not in axes_of(row.inputs[1])]
    if len(own) != 1 or own[0] == "D":
        return
    arrays = [still(item, {"N": 1, "D": 1}) for item in row.inputs]
    shape = arrays[0].shape
    at = [name for name in names if name != "..."].index(own[0])
    size = shape[at]
    spread = np.linspace(-1, 1, size).reshape([size if index == at else 1 for index in range(len(shape))])
    base = np.broadcast_to(spread, shape)
    way = Way("shift of the forecast, which spans -1 to 1", -4, 4)
    yield way.line(moved(arrays, 0, lambda x: base + x), {"N": 1, "D": 1})


def thresholds(row: losses.LossInfo) -> Iterator[Line]:
    """Ordered classes: one logit for each threshold between them, and all of them shift."""
    at = next(iter(predictions_of(row)), None)
    label = next((at for at, item in enumerate(row.inputs) if item.domain == "class"), None)
    if at is None or label is None or len(row.inputs) != 2 or "..." in row.inputs[at].shape[1:]:
        return
    arrays = [still(item, {"N": 1}, 2 if item.domain == "class" else 0) for item in row.inputs]
    count = arrays[at].shape[-1]
    base = np.linspace(2, -2, count) + arrays[at]
    way = Way(f"shift of all logits, class 2 of {count + 1}", -6, 6)
    yield way.line(moved(arrays, at, lambda x: base + x), {"N": 1})


def ctc(row: losses.LossInfo) -> Iterator[Line]:
    """One symbol to be read in four frames: its probability in each of them moves."""
    sizes = {"L": 4, "N": 1, "C": 3, "S": 1}
    arrays = [still(item, sizes) for item in row.inputs]
    names = [item.name for item in row.inputs]
    if names[1:] != ["targets", "input_lengths", "target_lengths"]:
        return
    arrays[1:] = [np.ones((1, 1), np.int32), np.array([4], np.int32), np.array([1], np.int32)]
    hot = one_hot(row.inputs[0], "C", 3)[..., [1, 0, 2]] + 0 * arrays[0]
    way = CHANCE._replace(words="probability of the right symbol in each of four frames")
    yield way.line(moved(arrays, 0, lambda x: jnp.log(hot * x + (1 - hot) * (1 - x) / 2)), sizes)


def rnnt(row: losses.LossInfo) -> Iterator[Line]:
    """One symbol and one frame: the right symbol is followed by the blank, and the logits of both move."""
    if [axes_of(item) for item in row.inputs[:2]] != [["N", "L", "K", "C"], ["N", "S"]]:
        return
    hot = np.eye(3)[[1, 0]].reshape(1, 1, 2, 3)
    still = [np.ones((1, 1), np.int32), np.array([1], np.int32), np.array([1], np.int32)]
    way = LOGIT._replace(words="logit of the right symbol at each step, the others 0")
    yield way.line(lambda x: [hot * x, *still], {"N": 1, "L": 1, "K": 2, "C": 3, "S": 1})
