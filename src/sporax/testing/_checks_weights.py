"""Checks of weights: samples of weight zero, masked and ignored samples have no effect, as if removed."""

from __future__ import annotations

from collections.abc import Callable
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
    weights = np.linspace(0.5, 1.5, count).astype(np.float32)
    at = subject.weight_index()
    if at is not None and _removes(evaluator, at):
        weights = np.ones(count, np.float32)
    gone = np.arange(count) % 3 == 1
    weights[gone] = 0
    left = np.flatnonzero(~gone)

    def value(w: np.ndarray, a: Arrays) -> Any:
        return evaluator.run("weighted", [w, *a], fn=fn)

    def gradients_of(w: np.ndarray, a: Arrays) -> Any:
        argnums = tuple(1 + n for n in subject.floats if n != at)
        return evaluator.run("weighted gradients", [w, *a], fn=jax.grad(lambda *x: jnp.sum(fn(*x)), argnums))

    def removed(a: Arrays) -> list[np.ndarray]:
        return [array if axis is None else np.take(array, left, axis=axis) for array, axis in zip(a, axes, strict=True)]

    expected = value(weights[left], removed(arrays))
    for spoiled_by in (None, 50.0, np.nan):
        if spoiled_by is not None and np.isnan(spoiled_by):
            _check_double(evaluator, arrays, value)
            _check_parts(evaluator, arrays, value)
        spoiled = list(arrays)
        for n in subject.floats:
            item = subject.inputs[n]
            if spoiled_by is not None and axes[n] is not None and item.is_free and n != at:
                spoiled[n] = spoiled[n].copy()
                np.moveaxis(spoiled[n], axes[n] or 0, 0)[gone] = spoiled_by
        got = value(weights, spoiled)
        gradients = gradients_of(weights, spoiled)
        moved = [n for n in subject.floats if n != at]
        leaks = any(
            reaches_removed(gradient, axes[n] or 0, gone)
            for n, gradient in zip(moved, gradients, strict=True)
            if axes[n] is not None
        )
        got_sum, expected_sum = np.sum(np.asarray(got, np.float64)), np.sum(np.asarray(expected, np.float64))
        if differ(got_sum, expected_sum, 1e-4) or leaks:
            held = "" if spoiled_by is None else f" where the removed samples hold {spoiled_by:g}"
            ratio = got_sum / expected_sum if expected_sum else np.nan
            value_holds = not differ(got_sum, expected_sum, 1e-4)
            if spoiled_by is not None and np.isnan(spoiled_by) and not _removes(evaluator, at):
                return "by weights that are no mask: where a sample of weight 0 holds NaN, the result is NaN"
            if leaks and value_holds:
                found = f"a sample of weight 0 has a gradient{held}"
            else:
                found = f"with weights of 0 the loss is {number(got_sum)}{held}"
            if abs(ratio - len(left) / count) <= 1e-3:
                fix = "divide by the sum of the remaining weights: return self.get_loss(values, weights)."
            elif spoiled_by is not None and np.isnan(spoiled_by):
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
                found,
                expected=f"{number(expected_sum)}, as without those samples, and no gradient for them",
                fix=fix,
                arrays=spoiled if at is None else [*spoiled[:at], _broadcast(weights, spoiled[at]), *spoiled[at + 1 :]],
                status="warn" if spoiled_by is not None and np.isnan(spoiled_by) and subject.info is None else "fail",
            )
    return ""


def _removes(evaluator: Evaluator, at: int | None) -> bool:
    """Whether the weights are a mask, whose removed samples may hold anything, or numbers that are rarely 0."""
    item = None if at is None else evaluator.subject.inputs[at]
    return item is None or item.choices is not None or not item.is_float or item.high is not None


def _check_double(evaluator: Evaluator, arrays: Arrays, value: Callable[[np.ndarray, Arrays], Any]) -> None:
    """Check that doubling the weight of a sample equals repeating the sample."""
    subject, at = evaluator.subject, evaluator.subject.weight_index()
    count, axes = subject.sample_axes()
    if at is None or subject.coupled or subject.info is not None:
        return
    item = subject.inputs[at]
    if not item.is_float or item.choices is not None or item.high is not None or any(axis != 0 for axis in axes):
        return
    weights = np.linspace(0.5, 1.5, count).astype(np.float32)
    heavy = weights.copy()
    heavy[0] *= 2
    twice = [np.concatenate([array, array[:1]]) for array in arrays]
    got = float(np.sum(value(heavy, arrays), dtype=np.float64))
    expected = float(np.sum(value(np.append(weights, weights[0]), twice), dtype=np.float64))
    # Divided by the sum of the weights, or, as by get_loss, by the number of those that are not 0.
    if differ(got, expected, 1e-4) and differ(got * count, expected * (count + 1), 1e-4):
        raise Failed(
            f"with twice the weight for the first sample the loss is {number(got)}",
            expected=f"{number(expected)}, as with that sample twice",
            fix="multiply the values by the weights, once, after everything that is not linear: return "
            "self.get_loss(values, weights).",
            arrays=[*arrays[:at], _broadcast(heavy, arrays[at]), *arrays[at + 1 :]],
        )


def _check_parts(evaluator: Evaluator, arrays: Arrays, value: Callable[[np.ndarray, Arrays], Any]) -> None:
    """Check that a batch is the sum, or the mean by number or by weight, of its parts."""
    subject, at = evaluator.subject, evaluator.subject.weight_index()
    count, axes = subject.sample_axes()
    if at is None or subject.coupled or subject.info is not None or evaluator.is_random or count < 4:
        return
    item = subject.inputs[at]
    if not item.is_float or item.choices is not None or item.high is not None or any(axis != 0 for axis in axes):
        return
    weights = np.linspace(0.5, 1.5, count).astype(np.float32)
    half = count // 2
    parts = [slice(0, half), slice(half, count)]
    each = [float(np.sum(value(weights[p], [a[p] for a in arrays]), dtype=np.float64)) for p in parts]
    got = float(np.sum(value(weights, arrays), dtype=np.float64))
    sizes, sums = [half, count - half], [float(weights[p].sum()) for p in parts]
    means = [float(np.average(each, weights=by)) for by in (sizes, sums)]
    if all(differ(got, expected, 1e-4) for expected in (sum(each), *means)):
        raise Failed(
            f"with weights a batch gives {number(got)}, and its halves {number(each)}",
            expected=f"{number(means[1])}, their mean by weight, {number(means[0])}, by number, or their sum",
            fix="a weight must apply only to its sample: do not divide the weights by their maximum or pass them "
            "through a softmax; divide the weighted sum by the sum of the weights.",
            arrays=[*arrays[:at], _broadcast(weights, arrays[at]), *arrays[at + 1 :]],
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
    expected = float(np.sum(np.asarray(evaluator.run("loss", removed), np.float64)))
    arrays[at] = arrays[at].copy()
    np.moveaxis(arrays[at], axes[at] or 0, 0)[gone] = subject.ignored_label(at)
    for spoiled_by in (None, 50.0):
        spoiled = list(arrays)
        for n in subject.floats:
            if spoiled_by is not None and axes[n] is not None and subject.inputs[n].is_free:
                spoiled[n] = spoiled[n].copy()
                np.moveaxis(spoiled[n], axes[n] or 0, 0)[gone] = spoiled_by
        got = float(np.sum(np.asarray(evaluator.run("loss", spoiled), np.float64)))
        gradients = zip(subject.floats, evaluator.run("gradients", spoiled), strict=True)
        leaks = any(reaches_removed(g, axes[n] or 0, gone) for n, g in gradients if axes[n] is not None)
        if not differ(got, expected, 1e-4) and not leaks:
            continue
        held = "" if spoiled_by is None else f" where the ignored samples hold {spoiled_by:g}"
        share = abs(got / expected - np.mean(~gone)) < 1e-3 if expected else False
        raise Failed(
            f"with samples to ignore the loss is {number(got)}{held}"
            if differ(got, expected, 1e-4)
            else f"an ignored sample has a gradient{held}",
            expected=f"{number(expected)}, as without those samples, and no gradient for them",
            fix="divide by the number of remaining samples, ops.clamp((labels != ignore_index).sum(), 1)."
            if share
            else "weight the values by labels != ignore_index: return self.get_loss(values, weights).",
            arrays=spoiled,
        )
    return ""


def _broadcast(weights: np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.broadcast_to(weights.reshape(-1, *[1] * (like.ndim - 1)), like.shape).astype(like.dtype)
