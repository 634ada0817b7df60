"""Checks of labels: invalid values, dtypes, and the direction in which the loss decreases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import x64_scope
from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, check, number
from sporax.testing._checks_gradient import detached
from sporax.testing._definitions import differ
from sporax.testing._inputs import Input
from sporax.testing._probes import unmasked
from sporax.testing._subject import one_array


def _class_labels(evaluator: Evaluator) -> int:
    for at, item in enumerate(evaluator.subject.inputs):
        if item.classes is not None and item.given is None:
            return at
    raise Skipped("it takes no class labels")


@check("labels", "a label that names no class is an error or NaN")
def labels(evaluator: Evaluator) -> str:
    subject, at = evaluator.subject, _class_labels(evaluator)
    if subject.coupled and subject.info is None and subject.inputs[at].classes not in subject.inputs[0].shape:
        raise Skipped("a label only says which samples belong together")
    for bad in (subject.inputs[at].classes or 0, -1):
        if bad == subject.ignored_label(at):
            continue
        arrays = evaluator.draw(6)
        arrays[at] = arrays[at].copy()
        # The first may have no prediction, where these are for the next position.
        arrays[at].reshape(-1)[[0, -1]] = bad
        try:
            with x64_scope(False):
                value = one_array(subject.direct(*map(jnp.asarray, arrays)))
        except Exception:
            continue
        if np.isfinite(np.asarray(value, np.float64)).all():
            raise Failed(
                f"label {bad} of {subject.inputs[at].classes} classes goes unnoticed: the value is {number(value)}",
                expected="an error, or NaN",
                fix="a negative index counts from the end, and one-hot rows of zeros give 0: use "
                "nn.SoftmaxCrossEntropyWithLogits(sparse=True) or check the labels.",
                arrays=arrays,
                status="warn",
            )
    return ""


@check("label-dtype", "labels of another integer dtype give the same loss")
def label_dtype(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    integers = [at for at, item in enumerate(subject.inputs) if jnp.issubdtype(item.dtype, jnp.integer)]
    if not integers:
        raise Skipped("it takes no integers")
    arrays = evaluator.draw(7)
    expected = evaluator.run("loss", arrays)
    low = min(int(arrays[at].min(initial=0)) for at in integers)
    high = max(int(arrays[at].max(initial=0)) for at in integers)
    for dtype in (np.int64, np.int32, np.int16, np.int8, np.uint8):
        limits = np.iinfo(dtype)
        if low < limits.min or high > limits.max:
            continue
        cast = [array.astype(dtype) if at in integers else array for at, array in enumerate(arrays)]
        try:
            with x64_scope(dtype == np.int64):
                got = np.asarray(evaluator.fn(*map(jnp.asarray, cast)), np.float64)
        except (TypeError, ValueError) as error:
            if type(error).__module__.startswith("sporax"):
                continue  # it says which it takes
            raise
        if differ(got, expected, 1e-5):
            raise Failed(
                f"labels of {np.dtype(dtype).name} give {number(got)}",
                expected=f"{number(expected)}, as labels of {subject.inputs[integers[0]].dtype}",
                fix="arithmetic on labels wraps in a narrow dtype: first ops.cast(labels, mstype.int32).",
                arrays=cast,
            )
    return ""


class _Moved(NamedTuple):
    """Predictions moved in two directions.

    Args:
        how: what is compared.
        good: inputs whose loss must not be larger,
        bad: than that of these.
        each: whether that holds for each sample.
        otherwise: a second pair of the same kind, where one of the two must hold.
    """

    how: str
    good: Arrays
    bad: Arrays
    each: bool = False
    otherwise: tuple[Arrays, Arrays] | None = None


_TOWARDS = "moving the predictions towards the labels"
_OTHER_WORDS = {
    "mu", "mean", "loc", "logvar", "var", "variance", "std", "sigma", "scale", "real", "fake", "chosen", "rejected",
    "winner", "loser", "left", "right", "key", "query",
}  # fmt: skip
_TRIPLET = ({"anchor", "anchors", "query", "a"}, {"negative", "negatives", "neg", "n"})
_DISTANCE_WORDS = {"distance", "distances", "dist", "d"}
_SIDES = "predictions on the side of the labels, against the other side,"


def class_axis(evaluator: Evaluator) -> int | None:
    """Return the class axis of the predictions: the last, the second, or the only one that fits; None if unknown."""
    first, second = evaluator.subject.inputs[:2]
    fitting = [
        axis
        for axis, size in enumerate(first.shape)
        if size == second.classes and first.shape[:axis] + first.shape[axis + 1 :] == second.shape
    ]
    if fitting and fitting[-1] == len(first.shape) - 1:
        return fitting[-1]
    return fitting[0] if fitting else None


def _moves(evaluator: Evaluator, seed: int) -> _Moved | None:
    subject = evaluator.subject
    names = [_words(item.name) for item in subject.inputs]
    positive = next((at for at, words in enumerate(names) if words & {"positive", "positives", "pos"}), None)
    negative = next((at for at, words in enumerate(names) if words & {"negative", "negatives", "neg"}), None)
    plain = evaluator.draw(seed)
    if positive is not None and negative is not None:
        return _pair(evaluator, plain, positive, negative)
    if len(subject.inputs) != 2:
        return None
    first, second = subject.inputs
    if not first.is_float or first.given is not None or second.given is not None or second.is_mask:
        return None
    x, y = plain
    if second.classes is not None:
        axis = class_axis(evaluator)
        if axis is None or not (first.is_free or first.low == 0):
            return None
        hot = np.moveaxis(np.eye(second.classes)[y.astype(np.int64)], -1, axis)
        if first.is_free:
            return _sides(x, y, 3 * hot, each=True)
        return _Moved(_TOWARDS, [(0.9 * hot + 0.1 * x).astype(x.dtype), y], plain) if first.high == 1 else None
    if first.shape != second.shape:
        return None
    if second.is_float and replace(first, name="") == replace(second, name=""):
        if (names[0] | names[1]) & _OTHER_WORDS:
            return None
        return _Moved(_TOWARDS, [(0.9 * y + 0.1 * x).astype(x.dtype), y], plain)
    signs, binary = second.choices is not None and set(second.choices) == {-1.0, 1.0}, is_binary(second)
    if first.is_free and signs:
        # A distance is small where the label says that two are alike.
        summary = subject.documentation.partition("\n")[0].lower()
        distance = names[0] & _DISTANCE_WORDS or (subject.info is not None and "distance" in summary)
        return _sides(x, y, (-3.0 if distance else 3.0) * y, each=True)
    if first.is_free and binary:
        return _sides(x, y, 3 * (2.0 * y - 1), each=True)
    if first.is_free and second.is_probability:
        # Scores of a probability, or numbers to be near to it.
        near = (0.9 * y + 0.1 * x).astype(x.dtype)
        return _sides(x, y, 3 * (2.0 * y - 1))._replace(otherwise=([near, y], plain))
    if first.is_free and second.simplex:
        log_y = np.log(y) - np.log(y).mean(second.class_axis, keepdims=True)
        return _sides(x, y, 3 * log_y)
    if first.is_probability and binary:
        return _Moved(_TOWARDS, [(0.9 * y + 0.1 * x).astype(x.dtype), y], plain)
    return None


def is_binary(item: Input) -> bool:
    """Whether it takes the values 0 and 1."""
    two = item.choices is not None and set(item.choices) == {0.0, 1.0}
    return two or np.dtype(item.dtype) == np.bool_ or (not item.is_float and (item.low, item.high) == (0.0, 1.0))


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower()))


def is_regression(evaluator: Evaluator) -> bool:
    """Whether the inputs are unbounded predictions and labels of the same kind."""
    inputs = evaluator.subject.inputs
    if len(inputs) != 2 or any(not item.is_free or item.given is not None for item in inputs):
        return False
    if replace(inputs[0], name="") != replace(inputs[1], name="") or not inputs[1].is_label:
        return False
    return not is_shifted(evaluator) and not is_ranking(evaluator)


def is_shifted(evaluator: Evaluator) -> bool:
    """Whether predictions are for the next or the previous position, so that the last or first has no counterpart."""
    inputs = evaluator.subject.inputs
    if len(inputs) < 2 or any(
        len(item.shape) < 2 or item.shape[1] < 2 or item.given is not None for item in inputs[:2]
    ):
        return False
    plain, other = unmasked(evaluator.subject, evaluator.draw(44)), evaluator.draw(45)
    value = evaluator.run("loss", plain)
    for first, second in ((-1, 0), (0, -1)):
        moved = [array.copy() for array in plain]
        for at, index in ((0, first), (1, second)):
            moved[at][:, index] = other[at][:, index]
        if np.array_equal(evaluator.run("loss", moved), value):
            return not np.array_equal(plain[0], moved[0])
    return False


def is_ranking(evaluator: Evaluator) -> bool:
    """Whether the loss depends only on differences of the scores of a sample and on the order of its labels."""
    first, second = evaluator.subject.inputs[:2]
    if not first.is_free or not second.is_float or not first.shape or 1 not in detached(evaluator):
        return False
    x, *rest = unmasked(evaluator.subject, evaluator.draw(46))
    value = evaluator.run("loss", [x, *rest])
    return not differ(evaluator.run("loss", [(x + 1).astype(x.dtype), *rest]), value, 1e-4)


def perfect(evaluator: Evaluator, seed: int) -> tuple[Arrays, list[Arrays], Arrays]:
    """Return predictions equal to the labels, others near them, and random ones."""
    plain = evaluator.draw(seed)
    label = plain[1]
    rng = np.random.default_rng([seed, 8])
    noise = [(scale * rng.normal(size=label.shape)).astype(label.dtype) for scale in (0.03, 0.3, 2.0)]
    scaled = [np.asarray(factor * label, label.dtype) for factor in (0.5, 0.9, 1.1, 2.0)]
    return [label, label], [[other, label] for other in (*(label + each for each in noise), *scaled)], plain


def _sides(x: np.ndarray, y: np.ndarray, shift: np.ndarray, *, each: bool = False) -> _Moved:
    # Against the opposite, and not against no move, so that a loss with its minimum at the label agrees too.
    return _Moved(_SIDES, [(x + shift).astype(x.dtype), y], [(x - shift).astype(x.dtype), y], each)


def _pair(evaluator: Evaluator, plain: Arrays, positive: int, negative: int) -> _Moved | None:
    """Return a positive near the anchor, or with the larger score, against the reverse."""
    inputs = evaluator.subject.inputs
    if inputs[positive].shape != inputs[negative].shape or not inputs[positive].is_free or len(inputs) > 3:
        return None
    near, far = list(plain), list(plain)
    anchor = next((at for at in range(len(inputs)) if at not in (positive, negative)), None)
    if anchor is None:
        words = re.findall(r"[a-z]+", inputs[positive].name.lower())
        if _DISTANCE_WORDS & set(words):
            positive, negative = negative, positive
        near[positive], near[negative] = plain[positive] + 3, plain[positive] - 3
        far[positive], far[negative] = near[negative], near[positive]
    elif inputs[anchor].shape == inputs[positive].shape:
        near[positive] = (0.9 * plain[anchor] + 0.1 * plain[positive]).astype(plain[anchor].dtype)
        far[positive], far[negative] = plain[negative], near[positive]
    else:
        return None
    return _Moved("a positive that is nearer than the negative, against the reverse,", near, far)


@check("direction", "predictions nearer to the labels have a smaller loss")
def direction(evaluator: Evaluator) -> str:
    if evaluator.subject.coupled:
        raise Skipped("the samples of a batch interact in this loss")
    if evaluator.subject.info is None and is_shifted(evaluator):
        raise Skipped("the predictions are for the next position")
    for seed in range(8, 12):
        moved = _moves(evaluator, seed)
        if moved is None:
            raise Skipped("it is not known what a better prediction is for such inputs")
        before, after = evaluator.mean(moved.bad), evaluator.mean(moved.good)
        worse, which = after > before, ""
        if worse and moved.otherwise is not None:
            near, far = (evaluator.mean(arrays) for arrays in moved.otherwise)
            worse = near > far
        values_fn = evaluator.values_fn() if moved.each and not worse else None
        if values_fn is not None:
            one, other = (evaluator.run("values", a, fn=values_fn) for a in (moved.good, moved.bad))
            labels = moved.good[1]
            if one.shape == labels.shape and evaluator.subject.info is None:
                bad = np.flatnonzero((one > other + 1e-6 * (1 + np.abs(other))).reshape(-1))
                if bad.size:
                    worse, which = True, f" of the sample with label {labels.reshape(-1)[bad[0]]:g}"
                    before, after = float(other.reshape(-1)[bad[0]]), float(one.reshape(-1)[bad[0]])
        if worse:
            fix = "look for a missing minus sign, or for (labels, predictions) instead of (predictions, labels)."
            if evaluator.subject.inputs[0].shape[2:]:
                fix += " A reshape to (-1, classes) needs the classes on the last axis first: ops.moveaxis(x, 1, -1)."
            raise Failed(
                f"{moved.how} raises the loss{which} from {before:.6g} to {after:.6g}",
                expected="a smaller loss",
                fix=fix,
                arrays=moved.bad,
                status="warn",
            )
        _negative_further(evaluator, seed)
    return ""


def _negative_further(evaluator: Evaluator, seed: int) -> None:
    """Check that a negative further away from the anchor does not increase the loss."""
    names = [_words(item.name) for item in evaluator.subject.inputs]
    found = [next((at for at, each in enumerate(names) if each & words), None) for words in _TRIPLET]
    if len(names) != 3 or None in found:
        return
    anchor, negative = (found[0] or 0), (found[1] or 0)
    plain = evaluator.draw(seed)
    if plain[anchor].shape != plain[negative].shape or not evaluator.subject.inputs[negative].is_free:
        return
    further = list(plain)
    further[negative] = (plain[anchor] + 4 * (plain[negative] - plain[anchor])).astype(plain[negative].dtype)
    before, after = evaluator.mean(plain), evaluator.mean(further)
    if after > before + 1e-5 * (1 + abs(before)):
        raise Failed(
            f"negatives that are four times as far from their anchors raise the loss from {number(before)} to "
            f"{number(after)}",
            expected="no larger loss",
            fix="look for ops.abs instead of ops.relu around the difference of the distances, and for its sign.",
            arrays=further,
            status="warn",
        )


@check("label-gradient", "with each value of the labels the predictions get a gradient")
def label_gradient(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if subject.coupled or subject.info is not None or 0 not in subject.floats:
        raise Skipped("the samples of a batch interact, or the first input is not a prediction")
    tried = []
    for at, item in enumerate(subject.inputs):
        if not at or not item.is_label or item.given is not None or at in subject.masks:
            continue
        ignored = subject.ignored_label(at)
        if item.classes is not None and item.classes <= 12:
            values: Sequence[float] = range(item.classes)
        elif np.dtype(item.dtype) == np.bool_:
            values = (0, 1)
        else:
            values = item.choices or ()
        for value in values:
            if value == ignored:
                continue
            tried.append(value)
            learned = False
            for seed in (60, 61, 62):
                arrays = evaluator.draw(seed)
                arrays[at] = np.full_like(arrays[at], value)
                learned |= bool(np.any(evaluator.run("gradients", arrays)[0]))
            if not learned:
                raise Failed(
                    f"with {item.name} of {value:g} no gradient reaches {subject.inputs[0].name}",
                    expected="a gradient, so that those samples are learned from",
                    fix="add the term of that label, as (1 - y) * log(1 - p) beside y * log(p); a hinge loss takes "
                    "labels of -1 and 1, 2 * y - 1.",
                    arrays=arrays,
                    status="warn",
                )
    if not tried:
        raise Skipped("it takes no labels of a few values")
    return f"{len(tried)} values"


@check("positions", "positions of one sample, each with its own label, do not affect each other")
def positions(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if subject.coupled or subject.info is not None or len(subject.inputs) != 2:
        raise Skipped("it does not take predictions and labels alone")
    first, second = subject.inputs
    if second.classes is None or len(second.shape) < 2 or first.given is not None or second.given is not None:
        raise Skipped("a sample has no positions with class labels")
    axis = class_axis(evaluator)
    if axis is None or is_shifted(evaluator):
        raise Skipped("it is not known along which axis the classes lie, or predictions are for the next position")
    x, y = evaluator.draw(43)
    rows = np.moveaxis(x, axis, -1).reshape(-1, *[1] * (len(second.shape) - 1), second.classes)
    flat = [np.ascontiguousarray(np.moveaxis(rows, -1, axis)), y.reshape(-1, *[1] * (len(second.shape) - 1))]
    try:
        totals = [evaluator.total(arrays) for arrays in ([x, y], flat)]
    except Exception:
        raise Skipped("it takes no samples of one position") from None
    ratio = y.size / y.shape[0]
    # Mean, sum, or a sum over the positions of each sample.
    if all(differ(totals[0], totals[1] * scale, 1e-4) for scale in (1.0, ratio, 1 / ratio)):
        raise Failed(
            f"a batch of {y.shape[0]} samples gives {number(totals[0])}, and the same positions as a sample each give "
            f"{number(totals[1])}",
            expected="equal values",
            fix="see that softmax, log_softmax and sums are along the axis of the classes. If the positions of a "
            "sample are meant to interact (Dice, CTC, CRF), ignore this.",
            arrays=[x, y],
            status="warn",
        )
    return ""
