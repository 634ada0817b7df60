"""Checks of values: dtype, reductions, shapes, and independence of the samples of a batch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import SporaxError
from sporax._jax_compat import x64_scope
from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, _line_of, check, number, smallest
from sporax.testing._definitions import differ, reduction_mismatch
from sporax.testing._probes import unmasked
from sporax.testing._problems import not_finite
from sporax.testing._subject import one_array


@check("runs", "the result is finite and has the floating dtype of its inputs")
def runs(evaluator: Evaluator) -> str:
    arrays = evaluator.draw()
    value = evaluator.run("loss", arrays)
    expected = (
        np.result_type(*(arrays[at].dtype for at in evaluator.subject.floats)) if evaluator.subject.floats else None
    )
    if not jnp.issubdtype(value.dtype, jnp.floating):
        raise Failed(f"the result is {value.dtype}", expected="a floating dtype", fix="do not round or cast it.")
    if not np.isfinite(value).all():
        why = evaluator.origin(arrays, gradient=False)
        raise Failed(
            f"the value is {number(value)} for ordinary inputs{why.text}",
            expected="finite values",
            arrays=smallest(evaluator, arrays, lambda a: not np.isfinite(evaluator.run("loss", a)).all()),
            place=why.place,
            fix="check that the inputs are in the domain of the loss: state it by --inputs, as 'f32[8] in [0, 1]'. "
            + why.fix(),
        )
    if expected is not None and value.dtype != expected:
        raise Failed(
            f"{expected} inputs give a {value.dtype} result",
            expected=str(expected),
            fix="a NumPy constant or a cast decides the dtype: use Python numbers, or x.dtype.",
        )
    _counted_twice(evaluator)
    return f"{value.dtype.name}, {'a number' if value.ndim == 0 else f'values of shape {value.shape}'}"


def _counted_twice(evaluator: Evaluator) -> None:
    """Check that no term of a dict is the sum of the others, as the terms are added."""
    if evaluator.subject.info is not None:
        return
    totals: set[str] | None = None
    for seed in (0, 1):
        arrays = evaluator.draw(seed)
        with x64_scope(False):
            result = evaluator.subject.direct(*map(jnp.asarray, arrays))
        if not isinstance(result, Mapping) or "loss" in result or len(result) < 3:
            return
        terms = {str(name): float(np.sum(np.asarray(one_array(value)))) for name, value in result.items()}
        full = sum(terms.values())
        found = {name for name, value in terms.items() if value and not differ(2 * value, full, 1e-5)}
        totals = found if totals is None else totals & found
    for name in totals or ():
        raise Failed(
            f"the term {name!r} is the sum of the others, and the loss is the sum of all terms",
            expected="each term once",
            fix=f"name it 'loss', which is then the loss, or leave {name!r} out.",
        )


@check("reduction", "sum and mean are those of the unreduced values")
def reduction(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    found = {}
    # A weighted mean is not the mean of the unreduced values.
    arrays = unmasked(subject, evaluator.draw(1))
    for kind in ("none", "sum", "mean"):
        try:
            found[kind] = evaluator.run(f"reduction {kind}", arrays, fn=subject.loss(kind))
        except (LookupError, SporaxError):
            continue
    if "none" not in found or len(found) < 2:
        raise Skipped("it takes no reduction")
    values = np.asarray(found["none"], np.float64)
    if values.ndim == 0 and subject.inputs[0].shape and not subject.coupled:
        raise Failed(
            "reduction='none' gives one number",
            expected="one value for each sample",
            fix="reduce in one place only: return self.get_loss(values) with the unreduced values.",
        )
    counts = None
    if subject.info is not None:
        with x64_scope(False):
            inputs = list(map(jnp.asarray, arrays))
            counts = float(losses.evaluate_sum_and_weight(subject.info.function, *inputs, **subject.params)[1])
    wrong = reduction_mismatch(found, counts, 1e-5)
    if wrong is not None:
        kind = wrong.what

        def fails(a: Arrays) -> bool:
            results = {each: evaluator.run(f"reduction {each}", a, fn=subject.loss(each)) for each in ("none", kind)}
            return reduction_mismatch(results, None, 1e-5) is not None

        raise Failed(
            f"reduction='{kind}' gives {number(wrong.got)}",
            expected=f"{number(wrong.expected)}, the {kind} of the unreduced values",
            fix="return self.get_loss(values), and reduce nowhere else.",
            arrays=smallest(evaluator, arrays, fails) if counts is None else arrays,
        )
    if subject.info is None and subject.floats:
        _gradients_of_reductions(evaluator, arrays, [kind for kind in ("sum", "mean") if kind in found])
    return ", ".join(found)


def _gradients_of_reductions(evaluator: Evaluator, arrays: Arrays, kinds: Sequence[str]) -> None:
    """Check the gradients of the reductions, as a custom derivative may be valid for one reduction only."""
    subject, argnums = evaluator.subject, tuple(evaluator.subject.floats)
    none = subject.loss("none")
    for kind in kinds:
        total = jnp.sum if kind == "sum" else jnp.mean
        reduced = subject.loss(kind)
        got = evaluator.run(f"gradients {kind}", arrays, fn=jax.grad(reduced, argnums))
        expected = evaluator.run(
            f"gradients of none {kind}", arrays, fn=jax.grad(lambda *a, total=total: total(none(*a)), argnums)
        )
        for at, one, other in zip(argnums, got, expected, strict=True):
            if differ(one, other, 1e-4):
                raise Failed(
                    f"with reduction='{kind}' the gradient for {subject.inputs[at].name} is {number(one)}",
                    expected=f"{number(other)}, that of the {kind} of the unreduced values",
                    fix="a custom derivative (bprop, custom_vjp) must hold for every reduction: give it to the "
                    "unreduced values, and reduce them by self.get_loss(values).",
                    arrays=arrays,
                )


@check("inputs-used", "every input changes the loss")
def inputs_used(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if subject.info is not None and subject.info.random:
        raise Skipped("it draws random numbers")
    moved = 0
    for at, item in enumerate(subject.inputs):
        if item.given is not None or item.name.startswith("_"):
            continue
        plain = [evaluator.draw(20 + seed) for seed in range(3)]
        others = [evaluator.draw(30 + seed) for seed in range(3)]
        if all(np.array_equal(one[at], other[at]) for one, other in zip(plain, others, strict=True)):
            continue
        moved += 1
        changed = [[*one[:at], other[at], *one[at + 1 :]] for one, other in zip(plain, others, strict=True)]
        pairs = [
            (evaluator.run("loss", one), evaluator.run("loss", other))
            for one, other in zip(plain, changed, strict=True)
        ]
        unused = all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)
        if unused and not _used_with_other_settings(evaluator, plain[0], changed[0]):
            raise Failed(
                f"{item.name} has no effect: other values of it give the same loss, {number(pairs[0][0])}",
                expected=f"a loss that depends on {item.name}",
                fix=f"use {item.name} in the formula, or name it _{item.name} if it is not meant to be used.",
                arrays=plain[0],
            )
    if not moved:
        raise Skipped("no input can be drawn")
    return ""


def _used_with_other_settings(evaluator: Evaluator, plain: Arrays, changed: Arrays) -> bool:
    """Whether a built-in loss uses an input only with certain parameters, such as `reference_free`."""
    info = evaluator.subject.info
    for setting in () if info is None else info.settings({**losses.EXAMPLE_SIZES, "N": 8}):
        with x64_scope(False):
            one, other = (info.function(*map(jnp.asarray, a), **setting) for a in (plain, changed))  # pyright: ignore
        if not np.array_equal(one, other):
            return True
    return False


@check("shape-hazard", "(N, 1) against (N,) is an error, never an (N, N) result")
def shape_hazard(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    pairs = [
        (a, b)
        for a in range(len(subject.inputs))
        for b in range(a + 1, len(subject.inputs))
        if subject.inputs[a].shape == subject.inputs[b].shape
        and len(subject.inputs[a].shape) >= 1
        and subject.inputs[a].is_float
        and not subject.inputs[a].simplex
        and subject.inputs[a].given is None
        and subject.inputs[b].given is None
    ]
    if not pairs:
        raise Skipped("no two inputs have the same shape")
    a, b = pairs[0]
    arrays = evaluator.draw(3)
    flat = [array.reshape(array.shape[0], -1)[:, 0] if array.shape == arrays[a].shape else array for array in arrays]
    try:
        right = np.asarray(evaluator.run("flat", flat, fn=evaluator.fn), np.float64)
        same = [subject.inputs[n].shape == subject.inputs[a].shape for n in range(len(flat))]
        columns = [array[:, None] if like else array for like, array in zip(same, flat, strict=True)]
        alone = np.asarray(evaluator.run("columns", columns, fn=evaluator.fn), np.float64)
    except Exception:
        raise Skipped("it does not take vectors") from None
    # To a loss that combines the elements along the last axis, a vector is one sample.
    combines = len(subject.inputs[a].shape) > 1 and right.size and alone.size
    if combines and differ(right.mean(), alone.mean(), 1e-4) and differ(right.sum(), alone.sum(), 1e-4):
        raise Skipped("it combines the elements of the last axis, so a vector is one sample")
    for column, vector in ((a, b), (b, a)):
        wrong = list(flat)
        wrong[column] = flat[column][:, None]
        try:
            got = np.asarray(evaluator.run(f"column {column}", wrong, fn=evaluator.fn), np.float64)
        except Exception:
            continue
        if got.size > right.size or (got.ndim == 0 and differ(got, right, 1e-4)):
            names = subject.inputs[column].name, subject.inputs[vector].name
            shapes = f"{names[0]} of shape {wrong[column].shape} against {names[1]} of shape {wrong[vector].shape}"
            raise Failed(
                f"{shapes} gives {'a result of shape ' + str(got.shape) if got.ndim else number(got)} without an error",
                expected=f"an error, or {number(right)} as for equal shapes",
                fix="derive from nn.LossBase and return self.get_loss(values), which refuses such values; or compare "
                "the shapes first.",
                arrays=[array[:2] if array.shape[:1] == flat[a].shape[:1] else array for array in wrong],
            )
    return ""


@check("one-sample", "a batch of one sample gives the same value as that sample in a larger batch")
def one_sample(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    count = _count(evaluator)
    if count < 2 or any(item.shape[:1] != (count,) for item in subject.inputs):
        raise Skipped("the samples do not lie along the first axis")
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
    subject = evaluator.subject
    count = _count(evaluator)
    if any(item.shape[:1] != (count,) for item in subject.inputs):
        raise Skipped("not every input has the samples along its first axis")
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


def _count(evaluator: Evaluator) -> int:
    shape = evaluator.subject.inputs[0].shape
    if not shape:
        raise Skipped("the first input is one number")
    return shape[0]


@check("batch-split", "a batch equals its parts, and the order of samples does not matter")
def batch_split(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if evaluator.is_random:
        raise Skipped("it draws random numbers")
    if subject.coupled:
        return _order_of_pairs(evaluator)
    count = _count(evaluator)
    if count < 4 or any(item.shape[:1] != (count,) for item in subject.inputs):
        raise Skipped("not every input has the samples along its first axis")
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
    inputs = subject.inputs
    count = _count(evaluator)
    if subject.info is not None or len(inputs) < 2 or count < 3 or any(i.shape[:1] != (count,) for i in inputs):
        raise Skipped("the samples of a batch interact in this loss")
    if re.search(r"\border\b|consecutive|adjacent|first half", subject.documentation, re.I):
        raise Skipped("the docstring says that the order of samples counts")
    for seed in (5, 6, 7):
        arrays = evaluator.draw(seed)
        order = np.random.default_rng(seed).permutation(count)
        straight, got = (evaluator.run("loss", each) for each in (arrays, [array[order] for array in arrays]))
        totals = [float(np.sum(each, dtype=np.float64)) for each in (straight, got)]
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
