"""Checks of weights: samples of weight zero, masked and ignored samples have no effect, as if removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, check, number
from sporax.testing._definitions import differ, reaches_removed
from sporax.testing._probes import unmasked


@check("zero-weight", "a sample of weight zero has no effect, as if it were removed")
def zero_weight(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    fn = subject.weighted()
    if fn is None:
        raise Skipped("it takes no weights: no input is a bool or named weights, mask or valid")
    arrays = evaluator.draw(2)
    count, axes = subject.sample_axes()
    weights = _uneven(evaluator)
    at = subject.weight_index()
    if at is not None and _removes(evaluator, at):
        weights = np.ones(count, np.float32)
    gone = np.arange(count) % 3 == 1
    weights[gone] = 0
    left = np.flatnonzero(~gone)

    def value(w: np.ndarray, a: Arrays) -> float:
        return float(np.sum(evaluator.run("weighted", [w, *a], fn=fn), dtype=np.float64))

    moved = [n for n in subject.floats if n != at]
    gradients_of = jax.grad(lambda *x: jnp.sum(fn(*x)), tuple(1 + n for n in moved))
    expected = value(
        weights[left], [a if n is None else np.take(a, left, n) for a, n in zip(arrays, axes, strict=True)]
    )
    for spoiled_by in (None, 50.0, np.nan):
        by_nan = spoiled_by is not None and np.isnan(spoiled_by)
        if by_nan and _has_plain_weights(evaluator, at):
            _check_double(evaluator, arrays, value)
            _check_parts(evaluator, arrays, value)
        spoiled = _spoiled(evaluator, arrays, axes, gone, spoiled_by, at)
        got = value(weights, spoiled)
        gradients = evaluator.run("weighted gradients", [weights, *spoiled], fn=gradients_of)
        wrong = differ(got, expected, 1e-4)
        if not wrong and not _leaks(gradients, moved, axes, gone):
            continue
        if by_nan and not _removes(evaluator, at):
            return "the weights are not a mask: where a sample of weight 0 holds NaN, the result is NaN"
        held = "" if spoiled_by is None else f" where the removed samples hold {spoiled_by:g}"
        if expected and abs(got / expected - len(left) / count) <= 1e-3:
            fix = "divide by the sum of the remaining weights: return self.get_loss(values, weights)."
        elif by_nan:
            fix = (
                "0 * NaN is NaN, in a derivative too: put ops.where(mask, x, 0) before the computation, for "
                "predictions and labels."
            )
        else:
            fix = (
                "return self.get_loss(values, weights); replace removed samples by a harmless value before the "
                "computation."
            )
        raise Failed(
            f"with weights of 0 the loss is {number(got)}{held}"
            if wrong
            else f"a sample of weight 0 has a gradient{held}",
            expected=f"{number(expected)}, as without those samples, and no gradient for them",
            fix=fix,
            arrays=spoiled if at is None else _with_weights(spoiled, at, weights),
            status="warn" if by_nan and subject.info is None else "fail",
        )
    return ""


def _spoiled(
    evaluator: Evaluator,
    arrays: Arrays,
    axes: Sequence[int | None],
    gone: np.ndarray,
    by: float | None,
    weight: int | None = None,
) -> list[np.ndarray]:
    """Return the inputs with a number in the removed samples of every unbounded one, except the weights."""
    spoiled = list(arrays)
    for at in evaluator.subject.floats:
        if by is not None and axes[at] is not None and evaluator.subject.inputs[at].is_free and at != weight:
            spoiled[at] = spoiled[at].copy()
            np.moveaxis(spoiled[at], axes[at] or 0, 0)[gone] = by
    return spoiled


def _leaks(gradients: Any, inputs: Sequence[int], axes: Sequence[int | None], gone: np.ndarray) -> bool:
    """Whether the gradient for one of the inputs is not 0 for removed samples."""
    pairs = zip(inputs, gradients, strict=True)
    return any(reaches_removed(gradient, axes[at] or 0, gone) for at, gradient in pairs if axes[at] is not None)


def _removes(evaluator: Evaluator, at: int | None) -> bool:
    """Whether the weights are a mask, whose removed samples may hold anything, or numbers that are rarely 0."""
    item = None if at is None else evaluator.subject.inputs[at]
    return item is None or item.choices is not None or not item.is_float or item.high is not None


def _has_plain_weights(evaluator: Evaluator, at: int | None) -> bool:
    """Whether input `at` holds weights of any size, one for each of the independent samples of a custom loss."""
    subject = evaluator.subject
    if at is None or subject.coupled or subject.info is not None:
        return False
    item = subject.inputs[at]
    unbounded = item.is_float and item.choices is None and item.high is None
    return unbounded and all(axis == 0 for axis in subject.sample_axes()[1])


def _check_double(evaluator: Evaluator, arrays: Arrays, value: Callable[[np.ndarray, Arrays], float]) -> None:
    """Check that doubling the weight of a sample equals repeating the sample."""
    at, weights = evaluator.subject.weight_index() or 0, _uneven(evaluator)
    count = len(weights)
    heavy = weights.copy()
    heavy[0] *= 2
    twice = [np.concatenate([array, array[:1]]) for array in arrays]
    got, expected = value(heavy, arrays), value(np.append(weights, weights[0]), twice)
    # Divided by the sum of the weights, or, as by get_loss, by the number of those that are not 0.
    if differ(got, expected, 1e-4) and differ(got * count, expected * (count + 1), 1e-4):
        raise Failed(
            f"with twice the weight for the first sample the loss is {number(got)}",
            expected=f"{number(expected)}, as with that sample twice",
            fix="multiply the values by the weights, once, after everything that is not linear: return "
            "self.get_loss(values, weights).",
            arrays=_with_weights(arrays, at, heavy),
        )


def _check_parts(evaluator: Evaluator, arrays: Arrays, value: Callable[[np.ndarray, Arrays], float]) -> None:
    """Check that a batch is the sum, or the mean by number or by weight, of its parts."""
    at, weights = evaluator.subject.weight_index() or 0, _uneven(evaluator)
    count = len(weights)
    if evaluator.is_random or count < 4:
        return
    half = count // 2
    parts = [slice(0, half), slice(half, count)]
    each = [value(weights[p], [a[p] for a in arrays]) for p in parts]
    got = value(weights, arrays)
    sizes, sums = [half, count - half], [float(weights[p].sum()) for p in parts]
    means = [float(np.average(each, weights=by)) for by in (sizes, sums)]
    if all(differ(got, expected, 1e-4) for expected in (sum(each), *means)):
        raise Failed(
            f"with weights a batch gives {number(got)}, and its halves {number(each)}",
            expected=f"{number(means[1])}, their mean by weight, {number(means[0])}, by number, or their sum",
            fix="a weight must apply only to its sample: do not divide the weights by their maximum or pass them "
            "through a softmax; divide the weighted sum by the sum of the weights.",
            arrays=_with_weights(arrays, at, weights),
        )


@check("ignored-label", "an ignored sample has no effect, as if it were removed")
def ignored_label(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    count, axes = subject.sample_axes()
    at = next((at for at in range(len(axes)) if subject.ignored_label(at) is not None), None)
    if at is None or axes[at] is None or subject.inputs[at].given is not None:
        raise Skipped("it has no label to ignore")
    if subject.coupled:
        raise Skipped("the samples of a batch interact in this loss")
    gone = np.arange(count) % 3 == 1
    arrays = unmasked(subject, evaluator.draw(2))
    removed = [a if axis is None else np.compress(~gone, a, axis=axis) for a, axis in zip(arrays, axes, strict=True)]
    expected = evaluator.total(removed)
    arrays[at] = arrays[at].copy()
    np.moveaxis(arrays[at], axes[at] or 0, 0)[gone] = subject.ignored_label(at)
    for spoiled_by in (None, 50.0):
        spoiled = _spoiled(evaluator, arrays, axes, gone, spoiled_by)
        got = evaluator.total(spoiled)
        wrong = differ(got, expected, 1e-4)
        if not wrong and not _leaks(evaluator.run("gradients", spoiled), subject.floats, axes, gone):
            continue
        held = "" if spoiled_by is None else f" where the ignored samples hold {spoiled_by:g}"
        share = abs(got / expected - np.mean(~gone)) < 1e-3 if expected else False
        raise Failed(
            f"with samples to ignore the loss is {number(got)}{held}"
            if wrong
            else f"an ignored sample has a gradient{held}",
            expected=f"{number(expected)}, as without those samples, and no gradient for them",
            fix="divide by the number of remaining samples, ops.clamp((labels != ignore_index).sum(), 1)."
            if share
            else "weight the values by labels != ignore_index: return self.get_loss(values, weights).",
            arrays=spoiled,
        )
    return ""


def _uneven(evaluator: Evaluator) -> np.ndarray:
    """Return a different weight for each sample."""
    return np.linspace(0.5, 1.5, evaluator.subject.sample_axes()[0]).astype(np.float32)


def _with_weights(arrays: Arrays, at: int, weights: np.ndarray) -> list[np.ndarray]:
    """Return the inputs with a weight for each sample in input `at`."""
    like = arrays[at]
    full = np.broadcast_to(weights.reshape(-1, *[1] * (like.ndim - 1)), like.shape).astype(like.dtype)
    return [*arrays[:at], full, *arrays[at + 1 :]]
