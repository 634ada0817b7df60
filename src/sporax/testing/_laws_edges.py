"""Laws of edges: the ends of the inputs' domains, and batches of which nothing is left."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax.testing._advice import NO_MAXIMUM, OVER_NOTHING
from sporax.testing._laws import Arrays, Check, Failed, Skipped, differ, law, number, smallest
from sporax.testing._probes import Probe, edge_probes, nothing_left
from sporax.testing._problems import (
    GRADIENT,
    WRONG_VALUE,
    NotFinite,
    Worst,
    not_finite,
)

_EDGES = "take no logarithm of 0 and no quotient by 0: clip inside the logarithm, or put ops.where before it."


def examine(worst: Worst, check: Check, probe: Probe, *, fix: str, may_overflow: bool = False) -> None:
    """Enter what is wrong with value and gradient in float32 at a probe.

    They must be finite, and the value equal that of float64 to three digits, where the loss computes in float64.

    Args:
        worst: takes the problem.
        check: the loss.
        probe: the inputs, in float32.
        fix: what to suggest where the operation at fault is not known.
        may_overflow: whether a value, or a gradient, that is infinite in float64 too is a warning: it grows that fast
            by its formula, as an exponential does.
    """
    worst.tried += 1
    problem = not_finite(check, probe.arrays)
    if problem is not None:
        warning = problem.kind != "NaN" and _by_formula(check, probe.arrays, problem, may_overflow)
        worst.add(
            problem.severity,
            lambda: report_not_finite(check, probe, problem, fix=fix, warning=warning),
            warning=warning,
        )
    elif check.keeps_float64():

        def loses(a: Arrays) -> bool:
            exact = check.run("loss", check.subject.cast(a, np.float64))
            return bool(np.isfinite(exact).all()) and differ(check.run("loss", a), exact, 2e-3)

        if loses(probe.arrays):
            worst.add(WRONG_VALUE, lambda: _report_lost(check, probe, loses, fix))


def _by_formula(check: Check, arrays: Arrays, problem: NotFinite, may_overflow: bool) -> bool:
    """Whether an infinite result is what the formula gives: in float64 it is infinite, or too large for float32."""
    if not may_overflow:
        # Of certain probabilities the contract asks finite values. Elsewhere -log(x) may be infinite at x = 0.
        bounded = any(item.simplex or item.is_probability for item in check.subject.inputs)
        if bounded or problem.severity == GRADIENT:
            return False
    if not check.keeps_float64():
        return False
    wide = check.subject.cast(arrays, np.float64)
    exact = [check.run("loss", wide), *(check.run("gradients", wide) if check.subject.floats else ())]
    largest = max((float(np.abs(each).max(initial=0)) for each in exact), default=0.0)
    return largest > float(np.finfo(np.float32).max)


def report_not_finite(
    check: Check, probe: Probe, problem: NotFinite, *, fix: str = _EDGES, warning: bool = False
) -> Failed:
    """The report of a value or gradient that is not finite, with the smallest inputs that show it."""
    small = smallest(check, probe.arrays, lambda a: problem.same(not_finite(check, a)))
    why = check.origin(small, gradient=problem.is_gradient)
    found = not_finite(check, small) or problem
    return Failed(
        f"{probe.where} {found.text}{why.text}",
        expected="a finite gradient where the value is finite"
        if problem.is_gradient
        else "finite values and gradients",
        fix=why.fix(fix),
        arrays=small,
        place=why.place,
        status="warn" if warning else "fail",
    )


def _report_lost(check: Check, probe: Probe, loses: Callable[[Arrays], bool], fix: str) -> Failed:
    small = smallest(check, probe.arrays, loses)
    return Failed(
        f"{probe.where} float32 gives {number(check.run('loss', small))}",
        expected=f"{number(check.run('loss', check.subject.cast(small, np.float64)))}, as in float64",
        fix=fix,
        arrays=small,
    )


@law("edges", "inputs at the ends of their domains give finite values and gradients")
def edges(check: Check) -> str:
    worst = Worst()
    for probe in (*edge_probes(check.subject, check.draw(2)), *_zeros_and_ones(check)):
        examine(worst, check, probe, fix=_EDGES)
    if not worst.tried:
        raise Skipped("no input has ends")
    worst.settle()
    return f"{worst.tried} combinations"


def _zeros_and_ones(check: Check) -> Iterator[Probe]:
    """Inputs of exactly 0 and 1, where any number may stand."""
    rng = np.random.default_rng(2)
    filled = [
        at for at, item in enumerate(check.subject.inputs) if item.probed and (item.is_probability or item.is_free)
    ]
    if not filled:
        return
    for values in ((0.0, 1.0), (0.0,), (1.0,)):
        plain = check.draw(2)
        arrays = [rng.choice(np.asarray(values, a.dtype), a.shape) if n in filled else a for n, a in enumerate(plain)]
        yield Probe(f"for inputs of {' and '.join(f'{value:g}' for value in values)}", arrays)


@law("nothing-left", "with everything masked or ignored the loss and its gradients are 0")
def nothing_is_left(check: Check) -> str:
    worst, told = Worst(), []
    for probe, certain in nothing_left(check.subject, check.draw(10)):
        told.append(probe.where)
        _examine_emptied(worst, check, probe, certain)
    told += _without_weights(worst, check)
    if not told:
        raise Skipped("it takes no mask, no weights and no label to ignore")
    worst.settle()
    return "; ".join(told)


def _examine_emptied(worst: Worst, check: Check, probe: Probe, certain: bool) -> None:
    """In float32, and in float16, where an epsilon such as 1e-8 in a denominator is 0."""
    for dtype in (np.float32, jnp.float16):
        arrays = check.subject.cast(probe.arrays, dtype)
        where = probe.where if dtype is np.float32 else f"float16: {probe.where}"
        try:
            report = _something_left(check, Probe(where, arrays), certain)
        except Exception:
            if dtype is np.float32:
                raise
            return  # it takes no half precision
        worst.tried += 1
        if report is not None:
            worst.add(*report)
            return


def _something_left(check: Check, probe: Probe, certain: bool) -> tuple[int, Callable[[], Failed]] | None:
    problem = not_finite(check, probe.arrays)
    if problem is not None:
        return problem.severity, lambda: _report_nothing(check, probe.arrays, problem, probe.where)
    subject = check.subject
    gradients = check.run("gradients", probe.arrays) if subject.floats else ()
    # That for the mask itself says what a sample would add.
    gradients = [each for at, each in zip(subject.floats, gradients, strict=True) if at not in subject.masks]
    told = _not_zero(check.run("loss", probe.arrays), gradients)
    if not told or not certain:
        return None
    return WRONG_VALUE, lambda: _report_not_zero(probe.arrays, probe.where, told)


def _not_zero(value: Any, gradients: Iterable[Any]) -> str:
    total = float(np.sum(np.asarray(value, np.float64)))
    if total != 0:
        return f"the value is {number(total)}"
    return "" if not any(np.any(gradient) for gradient in gradients) else "a gradient is not 0"


def _report_nothing(check: Check, arrays: Arrays, problem: NotFinite, where: str) -> Failed:
    small = smallest(check, arrays, lambda a: _same_emptied(check, arrays, a, problem))
    why = check.origin(small, gradient=problem.is_gradient)
    fix = NO_MAXIMUM if why.origin is None and problem.kind != "NaN" else OVER_NOTHING
    if why.origin is not None and why.origin.root.operation != "div":
        fix = why.fix(OVER_NOTHING)
    return Failed(
        f"{where} {(not_finite(check, small) or problem).text}{why.text}",
        expected="0, and gradients of 0",
        fix=fix,
        arrays=small,
        place=why.place,
    )


def _same_emptied(check: Check, before: Arrays, after: Arrays, problem: NotFinite) -> bool:
    """Whether the fault is still there with everything left out as before."""
    for at, item in enumerate(check.subject.inputs):
        emptied = at in check.subject.masks or item.may_be_mask or check.subject.ignored_label(at) is not None
        if (
            emptied
            and before[at].size
            and (after[at] != before[at].flat[0]).any()
            and (before[at] == before[at].flat[0]).all()
        ):
            return False
    return problem.same(not_finite(check, after))


def _report_not_zero(arrays: Arrays, where: str, told: str) -> Failed:
    return Failed(
        f"{where} {told}",
        expected="0, and gradients of 0",
        fix="multiply by the mask whatever depends on the inputs, and return self.get_loss(values, weights).",
        arrays=arrays,
    )


def _without_weights(worst: Worst, check: Check) -> list[str]:
    """A built-in loss with weights of 0, and with a mask of pairs that keeps none."""
    subject = check.subject
    if subject.row is None:
        return []
    arrays, told = check.draw(10), []
    forms: list[tuple[str, str, Callable[..., Any], np.ndarray]] = []
    weighted = subject.weighted()
    count = subject.sample_axes()[0]
    if weighted is not None:
        forms.append(("with weights of 0", "weighted", weighted, np.zeros(count, np.float32)))
    mask = subject.row.function.spec.mask_parameter
    if mask is not None:
        row, params = subject.row, subject.params

        def masked(m: Any, *a: Any) -> Any:
            return losses.evaluate(row.function, *a, **{**params, mask: m})

        forms.append((f"with {mask} all False", "masked", masked, np.zeros(count, np.bool_)))
    places = tuple(1 + at for at in subject.floats)
    for where, form, fn, left in forms:
        worst.tried += 1
        told.append(where)
        value = check.run(form, [left, *arrays], fn=fn)
        slopes = check.run(f"{form} gradients", [left, *arrays], fn=jax.grad(lambda *x, fn=fn: jnp.sum(fn(*x)), places))
        text = _not_zero(value, slopes)
        if text:
            worst.add(WRONG_VALUE, functools.partial(_report_not_zero, arrays, where, text))
    return told
