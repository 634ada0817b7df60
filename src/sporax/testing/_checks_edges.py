"""Checks at the ends of the inputs' domains, and of batches with every sample removed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax.testing._advice import NO_MAXIMUM, OVER_NOTHING
from sporax.testing._checks import Arrays, Evaluator, Explained, Failed, Skipped, check, number, smallest
from sporax.testing._definitions import GRADIENT, WRONG_VALUE, NotFinite, differ, nonzero
from sporax.testing._probes import Probe, edge_probes, nothing_left
from sporax.testing._problems import Worst, not_finite

_EDGES = "take no logarithm of 0 and no quotient by 0: clip inside the logarithm, or put ops.where before it."


def examine(worst: Worst, evaluator: Evaluator, probe: Probe, *, fix: str, may_overflow: bool = False) -> None:
    """Add the problem of value and gradient in float32 at a probe, if any.

    They must be finite, and the value equal that of float64 to three digits, where the loss computes in float64.

    Args:
        worst: takes the problem.
        evaluator: the loss.
        probe: the inputs, in float32.
        fix: the suggested fix if the operation is not known.
        may_overflow: whether a value or gradient that is infinite in float64 too is only a warning: the formula itself
            overflows, as an exponential does.
    """
    worst.tried += 1
    problem = not_finite(evaluator, probe.arrays)
    if problem is not None:
        warning = problem.kind != "NaN" and _by_formula(evaluator, probe.arrays, problem, may_overflow)
        worst.add(
            problem.severity,
            lambda: report_not_finite(evaluator, probe, problem, fix=fix, warning=warning),
            warning=warning,
        )
    elif evaluator.keeps_float64():

        def loses(a: Arrays) -> bool:
            exact = evaluator.run("loss", evaluator.subject.cast(a, np.float64))
            return bool(np.isfinite(exact).all()) and differ(evaluator.run("loss", a), exact, 2e-3)

        if loses(probe.arrays):
            worst.add(WRONG_VALUE, lambda: _report_lost(evaluator, probe, loses, fix))


def _by_formula(evaluator: Evaluator, arrays: Arrays, problem: NotFinite, may_overflow: bool) -> bool:
    """Whether the formula itself gives an infinite result: it is infinite in float64, or too large for float32."""
    if not may_overflow:
        # For probabilities of 0 and 1 the contract requires finite values. Elsewhere -log(x) may be infinite at 0.
        bounded = any(item.simplex or item.is_probability for item in evaluator.subject.inputs)
        if bounded or problem.severity == GRADIENT:
            return False
    if not evaluator.keeps_float64():
        return False
    wide = evaluator.subject.cast(arrays, np.float64)
    exact = [evaluator.run("loss", wide), *(evaluator.run("gradients", wide) if evaluator.subject.floats else ())]
    largest = max((float(np.abs(each).max(initial=0)) for each in exact), default=0.0)
    return largest > float(np.finfo(np.float32).max)


def report_not_finite(
    evaluator: Evaluator,
    probe: Probe,
    problem: NotFinite,
    *,
    fails: Callable[[Arrays], bool] | None = None,
    expected: str = "",
    fix: str | Callable[[Explained], str] = _EDGES,
    warning: bool = False,
) -> Failed:
    """Report a value or gradient that is not finite, with the smallest inputs that reproduce it.

    Args:
        evaluator: the loss.
        probe: inputs with the problem.
        problem: what is not finite.
        fails: whether smaller inputs still have it; the same problem unless given.
        expected: what was expected; finite results unless given.
        fix: the suggested fix if the operation is not known, or a function of the origin.
        warning: whether it may be intended.
    """
    small = smallest(evaluator, probe.arrays, fails or (lambda a: problem.same(not_finite(evaluator, a))))
    why = evaluator.origin(small, gradient=problem.is_gradient)
    found = not_finite(evaluator, small) or problem
    finite = "a finite gradient where the value is finite" if problem.is_gradient else "finite values and gradients"
    return Failed(
        f"{probe.where} {found.text}{why.text}",
        expected=expected or finite,
        fix=why.fix(fix) if isinstance(fix, str) else fix(why),
        arrays=small,
        place=why.place,
        status="warn" if warning else "fail",
    )


def _report_lost(evaluator: Evaluator, probe: Probe, loses: Callable[[Arrays], bool], fix: str) -> Failed:
    small = smallest(evaluator, probe.arrays, loses)
    return Failed(
        f"{probe.where} float32 gives {number(evaluator.run('loss', small))}",
        expected=f"{number(evaluator.run('loss', evaluator.subject.cast(small, np.float64)))}, as in float64",
        fix=fix,
        arrays=small,
    )


@check("edges", "inputs at the ends of their domains give finite values and gradients")
def edges(evaluator: Evaluator) -> str:
    worst = Worst()
    for probe in (*edge_probes(evaluator.subject, evaluator.draw(2)), *_zeros_and_ones(evaluator)):
        examine(worst, evaluator, probe, fix=_EDGES)
    if not worst.tried:
        raise Skipped("no input has ends")
    worst.settle()
    return f"{worst.tried} combinations"


def _zeros_and_ones(evaluator: Evaluator) -> Iterator[Probe]:
    """Yield inputs of exactly 0 and 1 where these are valid."""
    rng = np.random.default_rng(2)
    filled = [
        at for at, item in enumerate(evaluator.subject.inputs) if item.probed and (item.is_probability or item.is_free)
    ]
    if not filled:
        return
    for values in ((0.0, 1.0), (0.0,), (1.0,)):
        plain = evaluator.draw(2)
        arrays = [rng.choice(np.asarray(values, a.dtype), a.shape) if n in filled else a for n, a in enumerate(plain)]
        yield Probe(f"for inputs of {' and '.join(f'{value:g}' for value in values)}", arrays)


@check("nothing-left", "with everything masked or ignored the loss and its gradients are 0")
def nothing_is_left(evaluator: Evaluator) -> str:
    worst, notes = Worst(), []
    for probe, certain in nothing_left(evaluator.subject, evaluator.draw(10)):
        notes.append(probe.where)
        _examine_emptied(worst, evaluator, probe, certain)
    notes += _without_weights(worst, evaluator)
    if not notes:
        raise Skipped("it takes no mask, no weights and no label to ignore")
    worst.settle()
    return "; ".join(notes)


def _examine_emptied(worst: Worst, evaluator: Evaluator, probe: Probe, certain: bool) -> None:
    """Check a probe in float32, and in float16, where an epsilon such as 1e-8 in a denominator is 0."""
    for dtype in (np.float32, jnp.float16):
        arrays = evaluator.subject.cast(probe.arrays, dtype)
        where = probe.where if dtype is np.float32 else f"float16: {probe.where}"
        try:
            report = _something_left(evaluator, Probe(where, arrays), certain)
        except Exception:
            if dtype is np.float32:
                raise
            return  # it takes no half precision
        worst.tried += 1
        if report is not None:
            worst.add(*report)
            return


def _something_left(evaluator: Evaluator, probe: Probe, certain: bool) -> tuple[int, Callable[[], Failed]] | None:
    problem = not_finite(evaluator, probe.arrays)
    if problem is not None:
        return problem.severity, lambda: _report_nothing(evaluator, probe, problem)
    subject = evaluator.subject
    gradients = evaluator.run("gradients", probe.arrays) if subject.floats else ()
    # The gradient for the mask itself need not be 0.
    gradients = [each for at, each in zip(subject.floats, gradients, strict=True) if at not in subject.masks]
    message = nonzero(evaluator.run("loss", probe.arrays), gradients)
    if not message or not certain:
        return None
    return WRONG_VALUE, lambda: _report_not_zero(probe.arrays, probe.where, message)


def _report_nothing(evaluator: Evaluator, probe: Probe, problem: NotFinite) -> Failed:
    def fix(why: Explained) -> str:
        if why.origin is None:
            return NO_MAXIMUM if problem.kind != "NaN" else OVER_NOTHING
        return OVER_NOTHING if why.origin.root.operation == "div" else why.fix(OVER_NOTHING)

    return report_not_finite(
        evaluator,
        probe,
        problem,
        fails=lambda a: _same_emptied(evaluator, probe.arrays, a, problem),
        expected="0, and gradients of 0",
        fix=fix,
    )


def _same_emptied(evaluator: Evaluator, before: Arrays, after: Arrays, problem: NotFinite) -> bool:
    """Whether the fault persists with everything removed as before."""
    for at, item in enumerate(evaluator.subject.inputs):
        emptied = at in evaluator.subject.masks or item.may_be_mask or evaluator.subject.ignored_label(at) is not None
        if (
            emptied
            and before[at].size
            and (after[at] != before[at].flat[0]).any()
            and (before[at] == before[at].flat[0]).all()
        ):
            return False
    return problem.same(not_finite(evaluator, after))


def _report_not_zero(arrays: Arrays, where: str, message: str) -> Failed:
    return Failed(
        f"{where} {message}",
        expected="0, and gradients of 0",
        fix="multiply everything that depends on the inputs by the mask, and return self.get_loss(values, weights).",
        arrays=arrays,
    )


def _without_weights(worst: Worst, evaluator: Evaluator) -> list[str]:
    """Check a built-in loss with weights of 0, and with a mask of pairs that is all False."""
    subject = evaluator.subject
    if subject.info is None:
        return []
    arrays, notes = evaluator.draw(10), []
    forms: list[tuple[str, str, Callable[..., Any], np.ndarray]] = []
    weighted = subject.weighted()
    count = subject.sample_axes()[0]
    if weighted is not None:
        forms.append(("with weights of 0", "weighted", weighted, np.zeros(count, np.float32)))
    mask = subject.info.function.spec.mask_parameter
    if mask is not None:
        info, params = subject.info, subject.params

        def masked(m: Any, *a: Any) -> Any:
            return losses.evaluate(info.function, *a, **{**params, mask: m})

        forms.append((f"with {mask} all False", "masked", masked, np.zeros(count, np.bool_)))
    argnums = tuple(1 + at for at in subject.floats)
    for where, form, fn, left in forms:
        worst.tried += 1
        notes.append(where)
        value = evaluator.run(form, [left, *arrays], fn=fn)
        gradients = evaluator.run(
            f"{form} gradients", [left, *arrays], fn=jax.grad(lambda *x, fn=fn: jnp.sum(fn(*x)), argnums)
        )
        text = nonzero(value, gradients)
        if text:
            worst.add(WRONG_VALUE, functools.partial(_report_not_zero, arrays, where, text))
    return notes
