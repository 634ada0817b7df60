"""Checks of the samples of a batch: one, none, parts of a batch, another order."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, _line_of, check, number, smallest
from sporax.testing._definitions import differ
from sporax.testing._probes import unmasked
from sporax.testing._problems import not_finite


@check("one-sample", "a batch of one sample gives the same value as that sample in a larger batch")
def one_sample(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    _count(evaluator, least=2)
    if evaluator.is_random:
        raise Skipped("it draws random numbers")
    values_fn = evaluator.values_fn()
    arrays = unmasked(subject, evaluator.draw(9))
    alone = [array[:1] for array in arrays]
    if subject.coupled:
        return _one_coupled_sample(evaluator, alone)
    if values_fn is None:
        # The mean, or the sum, over a sample and its copy determines the value of the sample.
        twice = evaluator.run("loss", [np.concatenate([array, array]) for array in alone])
        got = evaluator.run("loss", alone)
        wrong = differ(got, twice, 1e-4) and differ(2 * got, twice, 1e-4)
        expected = twice
    else:
        expected = evaluator.run("values", arrays, fn=values_fn)[:1]
        got = evaluator.run("values", alone, fn=values_fn)
        wrong = got.size != expected.size or differ(got.reshape(expected.shape), expected, 1e-4)
    if wrong:
        raise Failed(
            f"a batch of one sample gives {number(got)}",
            expected=number(expected),
            fix="squeeze() without an axis takes the samples' axis away too, and shapes broadcast: name the axis.",
            arrays=alone,
        )
    return ""


def _one_coupled_sample(evaluator: Evaluator, alone: Arrays) -> str:
    """Check a single sample of a loss whose samples interact: a mean over other samples divides by 0."""
    problem = not_finite(evaluator, alone)
    if problem is not None:
        why = evaluator.origin(alone, gradient=problem.is_gradient)
        raise Failed(
            f"for a batch of one sample {problem.text}{why.text}",
            expected="0, or another finite number: the last batch of an epoch may hold one sample",
            fix="divide by ops.clamp(count, 1), the number of pairs that there are.",
            arrays=alone,
            place=why.place,
        )
    return "finite"


@check("empty-batch", "an empty batch gives 0 and no NaN")
def empty_batch(evaluator: Evaluator) -> str:
    _count(evaluator)
    arrays = [array[:0] for array in evaluator.draw(4)]
    try:
        value = evaluator.run("empty", arrays, fn=evaluator.fn)
    except Exception as error:
        raise Failed(
            f"an empty batch raises {type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}",
            expected="0",
            fix="return 0 for it, as self.get_loss(values) does: a batch whose samples are all filtered out is empty.",
            arrays=arrays,
            place=_line_of(error),
            status="warn" if isinstance(error, ValueError) else "fail",
        ) from error
    if np.size(value) and not np.array_equal(np.sum(value), 0.0):
        why = evaluator.origin(arrays, gradient=False)
        raise Failed(
            f"an empty batch gives {number(value)}{why.text}",
            expected="0",
            fix="a mean over nothing is 0 / 0: return self.get_loss(values), or losses.reduce_loss(values).",
            arrays=arrays,
            place=why.place,
        )
    return ""


def _count(evaluator: Evaluator, least: int = 0) -> int:
    """Return the number of samples; skip the check if they do not lie along the first axis of every input."""
    inputs = evaluator.subject.inputs
    if not inputs[0].shape:
        raise Skipped("the first input is one number")
    count = inputs[0].shape[0]
    if count < least or any(item.shape[:1] != (count,) for item in inputs):
        raise Skipped("not every input has the samples along its first axis")
    return count


@check("batch-split", "a batch equals its parts, and the order of samples does not matter")
def batch_split(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if evaluator.is_random:
        raise Skipped("it draws random numbers")
    if subject.coupled:
        return _order_of_pairs(evaluator)
    count = _count(evaluator, least=4)
    # A weighted mean is not the mean of its parts, unless all weights are equal.
    arrays = unmasked(subject, evaluator.draw(5))
    values_fn = evaluator.values_fn()
    if values_fn is None and any((arrays[at] != arrays[at].flat[0]).any() for at in subject.masks):
        arrays = [np.ones_like(a) if at in subject.masks else a for at, a in enumerate(arrays)]

    def parts(a: Arrays) -> tuple[Any, Any]:
        n = a[0].shape[0]
        halves = [[array[: n // 2] for array in a], [array[n // 2 :] for array in a]]
        if values_fn is not None:
            full = evaluator.run("values", a, fn=values_fn)
            return full, np.concatenate([evaluator.run("values", half, fn=values_fn) for half in halves])
        full = evaluator.run("loss", a)
        return full, np.asarray([evaluator.run("loss", half) for half in halves], np.float64)

    full, split = parts(arrays)
    if values_fn is not None:
        if full.shape[0] != count:
            raise Failed(
                f"{count} samples give {full.shape[0]} values",
                expected=f"{count} values",
                fix="look for a slice such as x[1:] or a reduction over the wrong axis.",
                arrays=arrays,
            )
        wrong, message, expected = (
            differ(split, full, 1e-4),
            "values of parts differ from those of the batch",
            "equal values",
        )
    else:
        mean, total = split.mean(), split.sum()
        wrong = differ(full, mean, 1e-4) and differ(full, total, 1e-4)
        message = f"the batch gives {number(full)}, its halves {number(split)}"
        expected = f"{number(mean)} (the mean of the halves) or {number(total)} (their sum)"

    def fails(a: Arrays) -> bool:
        if a[0].shape[0] < 2 or a[0].shape[0] % 2:
            return False
        w, s = parts(a)
        if values_fn is not None:
            return differ(s, w, 1e-4)
        return differ(w, s.mean(), 1e-4) and differ(w, s.sum(), 1e-4)

    if wrong and values_fn is None and _weighted_by_label(evaluator):
        return "a mean weighted by the labels"
    if wrong:
        raise Failed(
            message,
            expected=expected,
            fix="look for softmax or mean over the samples' axis (axis=0 for axis=-1), a constant batch size, or a "
            "slice that drops samples. If samples are meant to interact (contrastive losses), set coupled.",
            arrays=smallest(evaluator, arrays, fails),
        )
    order = np.random.default_rng(7).permutation(count)
    turned = [array[order] for array in arrays]
    got = evaluator.run("values", turned, fn=values_fn) if values_fn is not None else evaluator.run("loss", turned)
    straight = full[order] if values_fn is not None else full
    if differ(got, straight, 1e-4):
        raise Failed(
            "the order of the samples changes the result",
            expected=number(straight),
            fix="make sure that each sample is paired with its label.",
            arrays=arrays,
        )
    if values_fn is not None:
        return "one value for each sample"
    return "a mean over samples" if not differ(full, split.mean(), 1e-4) else "a sum over samples"


def _order_of_pairs(evaluator: Evaluator) -> str:
    """Check a loss whose samples interact: the order of the samples must not matter."""
    subject = evaluator.subject
    if subject.info is not None or len(subject.inputs) < 2:
        raise Skipped("the samples of a batch interact in this loss")
    count = _count(evaluator, least=3)
    if re.search(r"\border\b|consecutive|adjacent|first half", subject.documentation, re.I):
        raise Skipped("the docstring says that the order of samples counts")
    for seed in (5, 6, 7):
        arrays = evaluator.draw(seed)
        order = np.random.default_rng(seed).permutation(count)
        totals = [evaluator.total(each) for each in (arrays, [array[order] for array in arrays])]
        if differ(totals[0], totals[1], 1e-4):
            raise Failed(
                f"the order of the samples changes the loss from {number(totals[0])} to {number(totals[1])}",
                expected="one value for every order",
                fix="make sure that each sample is paired with its label and its partner. If positions in the batch "
                "determine the pairs, write 'order' in the docstring.",
                arrays=arrays,
                status="warn",
            )
    return "the samples interact; their order does not matter"


def _weighted_by_label(evaluator: Evaluator) -> bool:
    """Whether a scalar loss is the mean over samples, weighted by class.

    From a batch of two samples the ratio of their weights follows, and with that the mean of three.
    """
    at = next((at for at, item in enumerate(evaluator.subject.inputs) if item.classes is not None), None)
    if at is None or not evaluator.is_scalar:
        return False
    arrays = evaluator.draw(5)
    labels = arrays[at]
    second = next((n for n in range(1, len(labels)) if labels[n : n + 1].tolist() != labels[:1].tolist()), None)
    if second is None:
        return False

    def of(*samples: int) -> float:
        return float(evaluator.run("loss", [array[list(samples)] for array in arrays]))

    one, other, both = of(0), of(second), of(0, second)
    if not min(one, other) < both < max(one, other):
        return False
    ratio = (both - one) / (other - both)
    mixed = [((count * one + ratio * other) / (count + ratio), of(*[0] * count, second)) for count in (2, 3)]
    return all(not differ(expected, got, 1e-4) for expected, got in mixed)
