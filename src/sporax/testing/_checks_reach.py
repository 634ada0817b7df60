"""Checks that every element of the inputs, and predictions far from the labels, influence the loss."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, check, number
from sporax.testing._checks_gradient import is_estimate
from sporax.testing._checks_label import class_axis, is_binary, is_regression, is_shifted, perfect
from sporax.testing._origin import primitives
from sporax.testing._probes import unmasked

_MAX_ELEMENTS = 12
_BOUNDED = re.compile(r"\bbounded\b|\brobust|redescend|truncat|saturat", re.I)
_LOGARITHMS = {"log", "log1p"}


@check("elements-used", "every element along the last axis changes the loss")
def elements_used(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if subject.info is not None or evaluator.is_random:
        raise Skipped("a built-in loss, or one that draws random numbers")
    draws = [_every_class(evaluator, evaluator.draw(70 + seed)) for seed in range(4)]
    others = [evaluator.draw(80 + seed) for seed in range(4)]
    unused: dict[int, list[int]] = {}
    tried = []
    for at, item in enumerate(subject.inputs):
        if not item.is_float or item.given is not None or item.simplex or item.counts or at in subject.masks:
            continue
        if len(item.shape) < 2 or item.name.startswith("_"):
            continue
        axis = _feature_axis(evaluator, at)
        size = draws[0][at].shape[axis]
        # Weights of classes, and positions in time, are shared between samples or shifted against each other.
        if not 2 <= size <= _MAX_ELEMENTS or item.shape[:1] != subject.inputs[0].shape[:1]:
            continue
        tried.append(item.name)
        unused[at] = [index for index in range(size) if not _changes(evaluator, draws, others, at, axis, index)]
        if len(unused[at]) == size:
            del unused[at]  # no element is used: "inputs-used" reports it
    if not tried:
        raise Skipped("no input has several elements for each sample")
    if any(unused.values()) and is_shifted(evaluator):
        return "predictions are for the next position"
    for at, indices in unused.items():
        if indices:
            item = subject.inputs[at]
            axis = _feature_axis(evaluator, at)
            where = ", ".join([":"] * axis + [str(indices[0])] + [":"] * (len(item.shape) - axis - 1))
            raise Failed(
                f"{item.name}[{where}] has no effect: other values of it give the same loss",
                expected=f"a loss that depends on all {item.shape[axis]} elements along axis {axis}",
                fix="look for a slice such as x[:, 1:] or x[:, 0], a constant number of classes, or labels of one "
                "column that are broadcast. If those elements are not meant to be used, cut them off before the loss.",
                arrays=draws[0],
                status="warn",
            )
    return ", ".join(tried)


def _feature_axis(evaluator: Evaluator, at: int) -> int:
    """Return the class axis of the predictions if they have one, else the last axis."""
    axis = class_axis(evaluator) if at == 0 and len(evaluator.subject.inputs) > 1 else None
    return len(evaluator.subject.inputs[at].shape) - 1 if axis is None else axis


def _every_class(evaluator: Evaluator, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Return the same inputs with every class among the labels, and nothing masked."""
    for at, item in enumerate(evaluator.subject.inputs):
        if item.classes is not None and item.given is None and arrays[at].size:
            turn = np.arange(arrays[at].size) + int(arrays[at].flat[0])
            arrays[at] = (turn % item.classes).reshape(arrays[at].shape).astype(arrays[at].dtype)
    return unmasked(evaluator.subject, arrays)


def _changes(
    evaluator: Evaluator, draws: list[list[np.ndarray]], others: list[list[np.ndarray]], at: int, axis: int, index: int
) -> bool:
    for arrays, other in zip(draws, others, strict=True):
        changed = arrays[at].copy()
        np.moveaxis(changed, axis, 0)[index] = np.moveaxis(other[at], axis, 0)[index]
        moved = [changed if n == at else array for n, array in enumerate(arrays)]
        if not np.array_equal(evaluator.run("loss", arrays), evaluator.run("loss", moved), equal_nan=True):
            return True
    return False


class _Far(NamedTuple):
    """Predictions far from the labels, and good ones.

    Args:
        words: how they differ from the labels.
        bad: the inputs.
        good: inputs whose loss must be smaller, else nothing is reported.
        plain: inputs with an ordinary gradient.
    """

    words: str
    bad: Arrays
    good: Arrays
    plain: Arrays


@check("far-off", "predictions far from the labels get a gradient")
def far_off(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if subject.info is not None or subject.coupled or evaluator.is_random or 0 not in subject.floats:
        raise Skipped("a built-in loss, or the first input does not hold a prediction for each sample")
    if _BOUNDED.search(subject.documentation) or is_estimate(evaluator):
        raise Skipped("the docstring says that the loss is bounded")
    cases = list(_far(evaluator))
    if not cases:
        raise Skipped("it is not known what a bad prediction is for such inputs")
    logarithm = _takes_logarithm(evaluator)
    for case in cases:
        count = subject.inputs[0].shape[0]
        gradients, plain = (
            np.abs(evaluator.run("gradients", arrays)[0]).reshape(count, -1).max(axis=1)
            for arrays in (case.bad, case.plain)
        )
        if not np.isfinite(gradients).all() or evaluator.mean(case.bad) <= evaluator.mean(case.good) + 1e-6:
            continue
        dead = np.flatnonzero(gradients == 0)
        faint = np.flatnonzero(gradients < 1e-4 * max(float(np.median(plain)), 1e-30)) if logarithm else dead
        if dead.size or faint.size:
            at = int((dead if dead.size else faint)[0])
            raise Failed(
                f"{case.words} sample {at} has a gradient of {number(gradients[at])}, so it is never learned",
                expected="a gradient that leads back",
                fix="look for clip, clamp or relu on predictions (clip the argument of the logarithm alone, or use a "
                "loss on logits). If it is meant, write 'bounded' in the docstring."
                if dead.size
                else "look for softmax or sigmoid applied twice (a loss on logits takes no probabilities), or an "
                "epsilon inside log(softmax(x) + eps): use log_softmax or a loss on logits.",
                arrays=case.bad,
                status="warn",
            )
    return f"{len(cases)} cases"


def _takes_logarithm(evaluator: Evaluator) -> bool:
    return evaluator.untraceable is None and bool(_LOGARITHMS & primitives(evaluator.jaxpr()))


def _far(evaluator: Evaluator) -> Iterator[_Far]:
    subject = evaluator.subject
    if len(subject.inputs) < 2 or any(at not in subject.masks for at in range(2, len(subject.inputs))):
        return
    first, second = subject.inputs[:2]
    if first.given is not None or second.given is not None or not first.shape:
        return
    plain = unmasked(subject, evaluator.draw(71, np.float64))
    x, y = plain[:2]
    rest = plain[2:]
    binary, signs = is_binary(second), second.choices is not None and set(second.choices) == {-1.0, 1.0}

    def case(words: str, bad: np.ndarray, good: np.ndarray) -> _Far:
        return _Far(words, [bad, y, *rest], [good, y, *rest], plain)

    if second.classes is not None and first.is_free and not (binary and first.shape == second.shape):
        axis = class_axis(evaluator)
        if axis is not None:
            hot = np.moveaxis(np.eye(second.classes)[y.astype(np.int64)], -1, axis)
            wrong = np.roll(hot, 1, axis)
            yield case("with a score of 20 for a wrong class", x + 20 * wrong, x + 20 * hot)
            yield case("with scores of 10 for a wrong class and -10 for all others", 20 * wrong - 10, 20 * hot - 10)
    elif first.shape != second.shape:
        return
    elif first.is_free and (binary or signs):
        side = np.asarray(y, np.float64) if signs else 2.0 * y - 1
        yield case("with scores of 20 on the wrong side", -20 * side, 20 * side)
    elif first.is_probability and binary:
        off = 2e-3
        yield case(
            "with probabilities of 0.998 on the wrong side",
            np.where(y > 0, off, 1 - off),
            np.where(y > 0, 1 - off, off),
        )
    elif is_regression(evaluator):
        for step in (30.0, -30.0):
            yield case(f"for predictions at the label {step:+g}", y + step, np.array(y))


@check("perfect", "a prediction that equals the label has the smallest loss")
def smallest_at_the_label(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if subject.info is not None or subject.coupled or evaluator.is_random or not is_regression(evaluator):
        raise Skipped("predictions and labels are not numbers of the same kind")
    for seed in range(3):
        good, moves, plain = perfect(evaluator, 90 + seed)
        at_label, ordinary = evaluator.mean(good), evaluator.mean(plain)
        losses = [evaluator.mean(bad) for bad in moves]
        smallest = int(np.argmin(losses))
        label = good[1]
        cut = [evaluator.mean([np.asarray(each, label.dtype), label]) for each in (np.trunc(label), np.round(label))]
        # A small regularization of the predictions shifts the minimum slightly.
        lower = losses[smallest] < at_label - max(0.05 * abs(ordinary - at_label), 1e-6 * (1 + abs(at_label)))
        if 0 <= min(cut) < 0.5 * at_label:
            raise Failed(
                f"predictions that equal the labels have a loss of {number(at_label)}, and those that equal the "
                f"labels without their fractions {number(min(cut))}",
                expected="the smallest loss at the labels",
                fix="look for a cast of the labels to an integer, or rounding.",
                arrays=good,
                status="warn",
            )
        if lower:
            raise Failed(
                f"predictions that equal the labels have a loss of {number(at_label)}, and others "
                f"{number(losses[smallest])}",
                expected="no smaller loss elsewhere",
                fix="look for a factor, a temperature or a transformation that is applied to the predictions or to "
                "the labels alone, or a sign. If it is meant, name the second argument otherwise than as a label.",
                arrays=moves[smallest],
                status="warn",
            )
    return ""
