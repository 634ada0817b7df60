"""Checks of values: dtype, reductions, shapes, and the use of every input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import SporaxError
from sporax._jax_compat import x64_scope
from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, check, number, smallest
from sporax.testing._definitions import differ, reduction_mismatch
from sporax.testing._probes import unmasked
from sporax.testing._subject import SIZES, one_array


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
    for setting in () if info is None else info.settings(SIZES):
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
