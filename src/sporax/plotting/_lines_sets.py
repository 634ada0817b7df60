"""Lines for losses on vectors, boxes, regions, forecasts and sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax.plotting._axes import (
    CASES,
    COSINE,
    LOGIT,
    ONE_CASE,
    PROBABILITY,
    SCORE,
    TRUE_CLASS,
    Axis,
    axes_of,
    constant,
    domains_of,
    moving_input,
    one_hot,
    predictions_of,
)
from sporax.plotting._curve import Line


def pair(info: losses.LossInfo) -> Iterator[Line]:
    """Yield lines for two sets of vectors: each vector of the second set turns away from its partner."""
    vectors = [at for at, item in enumerate(info.inputs) if "D" in axes_of(item)]
    if len(vectors) != 2 or info.inputs[vectors[0]].shape != info.inputs[vectors[1]].shape:
        return
    # Partners are unit vectors along axes 0 and 1; they turn towards axes 2 and 3.
    first, aside = np.eye(2, 4), np.eye(2, 4, 2)
    label = next((at for at, item in enumerate(info.inputs) if item.role == "label" and at not in vectors), None)
    cases = ONE_CASE if label is None else CASES.get(info.inputs[label].domain, ONE_CASE)
    names = {"positive": "similar", "negative": "dissimilar", "": ""}
    rest = () if any("N" in axes_of(item) for item in info.inputs) else (2,)
    euclidean = info.name in _EUCLIDEAN
    for case, value in cases:
        arrays = [constant(item, {"N": 2, "D": 4}, rest=rest) for item in info.inputs]
        arrays[vectors[0]] = first * (0 if euclidean else 1)
        if label is not None:
            domain = info.inputs[label].domain
            labels = np.arange(2) if domain == "class" else np.full(2, value)
            arrays[label] = np.broadcast_to(labels, arrays[label].shape).astype(arrays[label].dtype)
        turn: Callable[[Any], Any] = (lambda x: first * x) if euclidean else (lambda x: turned(first, aside, x))
        axis = Axis("distance", 0, 4, 0) if euclidean else _COSINE_OF_PARTNERS
        yield axis.line(moving_input(arrays, vectors[1], turn), {"N": 2, "D": 4}, names[case])


def turned(vectors: Any, aside: Any, cosine: Any) -> Any:
    """Unit vectors turned towards orthogonal ones, to that cosine with themselves."""
    return vectors * cosine + aside * jnp.sqrt(1 - cosine * cosine)


_EUCLIDEAN = {"contrastive_loss"}
_COSINE_OF_PARTNERS = COSINE._replace(description="cosine of partners, 0 between others")


def triplet(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for an anchor and a fixed negative: the positive moves away from the anchor."""
    vectors = [at for at in predictions_of(info) if "D" in axes_of(info.inputs[at])]
    if len(vectors) != 3 or len(info.inputs) != 3:
        return
    rest = () if any("N" in axes_of(item) for item in info.inputs) else (1,)
    arrays = [constant(item, {"N": 1, "D": 2}, 0, rest) for item in info.inputs]
    first, second = np.eye(1, 2), np.eye(1, 2, 1)
    arrays[vectors[2]] = arrays[vectors[2]] + 2 * second
    axis = Axis("distance of the positive, the negative's is 2", 0, 4, 0)
    yield axis.line(moving_input(arrays, vectors[1], lambda x: arrays[vectors[1]] + first * x), {"N": 1, "D": 2})


def groups(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for vectors with class labels: in two classes of two samples, partners turn apart."""
    if [axes_of(item) for item in info.inputs] != [["N", "D"], ["N"]] or info.inputs[1].role != "label":
        return
    first, aside = np.repeat(np.eye(2, 4), 2, axis=0), np.eye(4)[[0, 2, 1, 3]]
    second = np.array([[0.0], [1], [0], [1]])
    labels = np.array([0, 0, 1, 1], np.int32 if info.inputs[1].kind != "float" else np.float64)

    def inputs(x: Any) -> list[Any]:
        return [first * (1 - second) + turned(first, aside, x) * second, labels]

    yield _COSINE_OF_PARTNERS.line(inputs, {"N": 4, "D": 4, "C": 2})


def table(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for a table of class vectors: the sample moves along, or turns away from, its class vector."""
    shapes = {tuple(axes_of(item)): at for at, item in enumerate(info.inputs)}
    table, vector = shapes.get(("C", "D")), shapes.get(("N", "D"))
    if table is None or vector is None:
        return
    sizes = {"N": 1, "C": 3, "D": 4, "T": 1}
    arrays = [constant(item, sizes, 0 if item.domain == "class" else None) for item in info.inputs]
    arrays[table] = np.eye(3, 4)
    own, aside = np.eye(1, 4), np.eye(1, 4, 3)
    if info.family == "proxy":
        turn = COSINE._replace(description="cosine with the class's vector, 0 with the others'")
        yield turn.line(moving_input(arrays, vector, lambda x: turned(own, aside, x)), sizes)
    else:
        yield LOGIT.line(moving_input(arrays, vector, lambda x: own * x), sizes)


# Boxes, regions, forecasts and sequences


def boxes(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for boxes with corners (x1, y1, x2, y2): one is shifted against an equal one."""
    if len(info.inputs) < 2 or any(item.shape[-1:] != ("4",) for item in info.inputs[:2]):
        return
    arrays = [constant(item, {"N": 1}) for item in info.inputs]
    box, slide = np.array([0.0, 0, 1, 1]), np.array([1.0, 0, 1, 0])
    arrays[1] = np.broadcast_to(box, arrays[1].shape)
    base = np.broadcast_to(box, arrays[0].shape)
    slide = np.broadcast_to(slide, base.shape)
    axis = Axis("shift of the box, in widths", -2.5, 2.5)
    yield axis.line(moving_input(arrays, 0, lambda x: base + slide * x), {"N": 1})


def region(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for a mask of eight positions, four inside: the prediction inside moves."""
    if len(info.inputs) != 2 or "..." not in info.inputs[0].shape or info.inputs[0].shape != info.inputs[1].shape:
        return
    moving, label = info.inputs
    names = axes_of(moving)
    domain, of_label = domains_of(info, moving, label)
    if "C" in names or of_label not in ("binary", "probability", "sign", "real") or "..." in info.output:
        return
    inside = np.broadcast_to(np.arange(8) < 4, losses.example_shape(moving, {"N": 1}, (8,))) * 1.0
    mask = (2 * inside - 1 if of_label == "sign" else inside).astype(np.int32 if label.kind == "int" else float)
    real = domain == "real"
    outside = -3.0 if real else 0.1
    axis = SCORE if real else PROBABILITY
    axis = axis._replace(description=f"{'score' if real else 'probability'} inside the region, {outside:g} outside")
    yield axis.line(lambda x: [inside * x + (1 - inside) * outside, mask], {"N": 1})


def ensemble(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for a forecast of several values per true value: all of them are shifted."""
    if [item.domain for item in info.inputs[:2]] != ["real", "real"] or info.inputs[1].role != "label":
        return
    names = axes_of(info.inputs[0])
    own = [name for name in names if name not in axes_of(info.inputs[1])]
    if len(own) != 1 or own[0] == "D":
        return
    arrays = [constant(item, {"N": 1, "D": 1}) for item in info.inputs]
    shape = arrays[0].shape
    at = [name for name in names if name != "..."].index(own[0])
    size = shape[at]
    values = np.linspace(-1, 1, size).reshape([size if index == at else 1 for index in range(len(shape))])
    base = np.broadcast_to(values, shape)
    axis = Axis("shift of the forecast, which spans -1 to 1", -4, 4)
    yield axis.line(moving_input(arrays, 0, lambda x: base + x), {"N": 1, "D": 1})


def thresholds(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for ordered classes with one logit per threshold: all logits are shifted."""
    at = next(iter(predictions_of(info)), None)
    label = next((at for at, item in enumerate(info.inputs) if item.domain == "class"), None)
    if at is None or label is None or len(info.inputs) != 2 or "..." in info.inputs[at].shape[1:]:
        return
    arrays = [constant(item, {"N": 1}, 2 if item.domain == "class" else 0) for item in info.inputs]
    count = arrays[at].shape[-1]
    base = np.linspace(2, -2, count) + arrays[at]
    axis = Axis(f"shift of all logits, class 2 of {count + 1}", -6, 6)
    yield axis.line(moving_input(arrays, at, lambda x: base + x), {"N": 1})


def ctc(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for one symbol in four frames: its probability in every frame moves."""
    sizes = {"L": 4, "N": 1, "C": 3, "S": 1}
    arrays = [constant(item, sizes) for item in info.inputs]
    names = [item.name for item in info.inputs]
    if names[1:] != ["targets", "input_lengths", "target_lengths"]:
        return
    arrays[1:] = [np.ones((1, 1), np.int32), np.array([4], np.int32), np.array([1], np.int32)]
    hot = one_hot(info.inputs[0], "C", 3)[..., [1, 0, 2]] + 0 * arrays[0]
    axis = TRUE_CLASS._replace(description="probability of the right symbol in each of four frames")
    yield axis.line(moving_input(arrays, 0, lambda x: jnp.log(hot * x + (1 - hot) * (1 - x) / 2)), sizes)


def rnnt(info: losses.LossInfo) -> Iterator[Line]:
    """Yield the line for one symbol and one frame: the logits of the symbol and of the blank after it move."""
    if [axes_of(item) for item in info.inputs[:2]] != [["N", "L", "K", "C"], ["N", "S"]]:
        return
    hot = np.eye(3)[[1, 0]].reshape(1, 1, 2, 3)
    rest = [np.ones((1, 1), np.int32), np.array([1], np.int32), np.array([1], np.int32)]
    axis = LOGIT._replace(description="logit of the right symbol at each step, the others 0")
    yield axis.line(lambda x: [hot * x, *rest], {"N": 1, "L": 1, "K": 2, "C": 3, "S": 1})
